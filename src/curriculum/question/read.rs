//! Reads a question. Every option, step, trap and line carries what is said to it, and what is wrong
//! names its misconception.

use super::{
    Answer, Draw, Form, MatchLine, Purpose, Question, Sort, Step, Trap, Truth, Word, WrongWord,
    is_number,
};
use crate::curriculum::expression;
use crate::curriculum::lesson::optional_expression;
use crate::curriculum::reader::{Located, Reader};

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::curriculum) enum Place {
    /// In the quiz of a lesson.
    Quiz,
    /// In a task that neither runs nor looks at anything.
    Task,
    /// In a task that does: its texts and expressions are over what was seen, too.
    LiveTask,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Choice,
    TwoTier,
    Order,
    Match,
    Text(Sort),
}

/// The kinds of questions. The last one is for tasks only: a quiz says what is to be typed.
const SHAPES: [(&str, Shape); 7] = [
    ("choice", Shape::Choice),
    ("two-tier", Shape::TwoTier),
    ("order", Shape::Order),
    ("match", Shape::Match),
    ("number", Shape::Text(Sort::Number)),
    ("identifier", Shape::Text(Sort::Identifier)),
    ("text", Shape::Text(Sort::Any)),
];

impl Question {
    pub(in crate::curriculum) fn read(table: &mut Reader<'_>, place: Place) -> Self {
        // A task has a kind of its own: the type of evidence it gives.
        let shape = match place {
            Place::Quiz => table.choice("kind", &SHAPES[..6]),
            Place::Task | Place::LiveTask => table.choice("form", &SHAPES),
        };
        let id = table.located_text("id");
        let prompt = table.text("prompt");
        template(table, &id, &prompt);
        let draws = table.tables("draw", "a drawn value", Draw::read);
        let when = match place {
            Place::Quiz => None,
            Place::Task | Place::LiveTask => optional_expression(table, "when"),
        };
        Self {
            prompt,
            draws,
            form: match shape {
                Shape::Choice | Shape::TwoTier => read_choice(table, &id, shape, place),
                Shape::Order => read_order(table, &id),
                Shape::Match => read_match(table, &id),
                Shape::Text(sort) => read_text(table, &id, sort, place),
            },
            when,
            id,
        }
    }
}

impl Draw {
    pub(in crate::curriculum) fn read(table: &mut Reader<'_>) -> Self {
        let name = table.located_text("name");
        let among = table.texts("among");
        let from = table.optional_integer("from", -1_000_000..1_000_001);
        let to = table.optional_integer("to", -1_000_000..1_000_001);
        let is_name = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_alphabetic())
                && text
                    .chars()
                    .all(|one| one.is_ascii_alphanumeric() || one == '_')
        };
        if !name.value.is_empty() && !is_name(&name.value) {
            let help = Some("Use letters, digits and `_`.".to_owned());
            table.problem(name.span.clone(), "this cannot be named in a text", help);
        }
        let fits = match (among.len(), from, to) {
            (0, Some(from), Some(to)) => from <= to,
            (0 | 1, ..) => false,
            (_, from, to) => from.is_none() && to.is_none(),
        };
        if !fits {
            let help =
                "Give `from` and `to`, the larger one last; or two or more words as `among`.";
            let message = "nothing can be drawn from this";
            table.problem(table.span(), message, Some(help.to_owned()));
        }
        Self {
            name: name.value,
            from: from.unwrap_or_default(),
            to: to.unwrap_or_default(),
            among: among.into_iter().map(|word| word.value).collect(),
        }
    }
}

fn template(table: &Reader<'_>, id: &Located<String>, text: &str) {
    if let Err(error) = expression::check_template(text) {
        table.problem(
            id.span.clone(),
            format!("`prompt` or `text`: {error}"),
            None,
        );
    }
}

fn need(table: &Reader<'_>, id: &Located<String>, holds: bool, message: &str) {
    if !holds {
        table.problem(id.span.clone(), message, None);
    }
}

fn read_choice(table: &mut Reader<'_>, id: &Located<String>, shape: Shape, place: Place) -> Form {
    let options = table.tables("option", "an option", |one| {
        let say = one.text("say");
        Answer::read(one, id, say, place)
    });
    // What is said to an answer may explain its reason, too.
    let reasons = table.tables("reason", "a reason", |one| {
        let say = one.optional_text("say").map(|say| say.value);
        Answer::read(one, id, say.unwrap_or_default(), place)
    });
    let right = |answers: &[Answer]| {
        let fixed = answers.iter().filter(|answer| answer.truth.is_right());
        let live = answers
            .iter()
            .any(|one| matches!(one.truth, Truth::When(_)));
        live || fixed.count() == 1
    };
    let enough = options.len() > 1 && right(&options);
    need(
        table,
        id,
        enough,
        "a choice needs two or more options, one of them right",
    );
    if shape == Shape::TwoTier {
        let enough = reasons.len() > 1 && right(&reasons);
        let message = "a two-tier question needs two or more reasons, one of them right";
        need(table, id, enough, message);
    } else if !reasons.is_empty() {
        let help = Some("Make it `two-tier`.".to_owned());
        let message = "only a two-tier question has reasons";
        table.problem(id.span.clone(), message, help);
    }
    Form::Choice { options, reasons }
}

impl Truth {
    /// Whether it is always right.
    fn is_right(&self) -> bool {
        matches!(self, Self::Fixed(true))
    }
}

impl Answer {
    fn read(table: &mut Reader<'_>, id: &Located<String>, say: String, place: Place) -> Self {
        let ok = table.flag("ok");
        let when = optional_expression(table, "when");
        let answer = Self {
            text: table.text("text"),
            truth: when.map_or(Truth::Fixed(ok), Truth::When),
            say,
            misconception: table.optional_text("misconception"),
        };
        template(table, id, &answer.text);
        let may_be_wrong = match answer.truth {
            Truth::Fixed(right) => !right,
            // What a kernel decides may never have been wrong on any.
            Truth::When(_) => place != Place::LiveTask,
        };
        if may_be_wrong && answer.misconception.is_none() {
            misconception_missing(table);
        }
        answer
    }
}

/// The misconception that something wrong must name.
fn misconception_behind(table: &mut Reader<'_>) -> Option<Located<String>> {
    let named = table.optional_text("misconception");
    if named.is_none() {
        misconception_missing(table);
    }
    named
}

fn misconception_missing(table: &Reader<'_>) {
    let help = Some("Add `misconception = \"M…\"` from misconceptions.toml.".to_owned());
    table.problem(
        table.span(),
        "a wrong answer must name its misconception",
        help,
    );
}

fn read_order(table: &mut Reader<'_>, id: &Located<String>) -> Form {
    let steps = table.tables("step", "a step", |step| Step {
        text: step.text("text"),
        say: step.text("say"),
        together: step.flag("together"),
    });
    let traps = table.tables("trap", "a trap", |trap| Trap {
        text: trap.text("text"),
        say: trap.text("say"),
        misconception: misconception_behind(trap),
    });
    need(
        table,
        id,
        steps.len() > 2,
        "an order needs three or more steps",
    );
    need(table, id, !traps.is_empty(), "an order needs a trap");
    let few = steps.len() + traps.len() <= 20;
    need(table, id, few, "an order has 20 statements at most");
    Form::Order { steps, traps }
}

fn read_match(table: &mut Reader<'_>, id: &Located<String>) -> Form {
    let purposes = table.tables("purpose", "a purpose", |one| Purpose {
        id: one.located_text("id"),
        text: one.text("text"),
        misconception: one.optional_text("misconception"),
    });
    let lines = table.tables("line", "a line", |line| {
        let read = MatchLine {
            text: line.text("text"),
            is: line.located_text("is"),
            say: line.text("say"),
        };
        if !purposes.iter().any(|one| one.id.value == read.is.value) {
            let message = format!("there is no purpose `{}`", read.is.value);
            line.problem(read.is.span.clone(), message, None);
        }
        read
    });
    for purpose in &purposes {
        let fits = lines.iter().any(|line| line.is.value == purpose.id.value);
        if !fits && purpose.misconception.is_none() {
            let help = Some("Add `misconception = \"M…\"`, or a line that it fits.".to_owned());
            let message = "a purpose that fits no line must name its misconception";
            table.problem(purpose.id.span.clone(), message, help);
        }
    }
    let ask = table.optional_integer("ask", 2..27);
    let ask = ask.map_or(lines.len(), |ask| ask as usize);
    let enough = ask <= lines.len() && lines.len() > 1 && purposes.len() > 1;
    need(
        table,
        id,
        enough,
        "a match needs two or more lines, and as many as it asks",
    );
    need(
        table,
        id,
        purposes.len() <= 26,
        "a match has 26 purposes at most",
    );
    Form::Match {
        lines,
        purposes,
        ask,
    }
}

fn read_text(table: &mut Reader<'_>, id: &Located<String>, sort: Sort, place: Place) -> Form {
    let word = Word {
        sort,
        accept: table.texts("accept"),
        equals: optional_expression(table, "equals"),
        say: table.text("say"),
        why: match place {
            Place::Quiz => table.text("why"),
            Place::Task | Place::LiveTask => {
                let why = table.optional_text("why");
                why.map(|why| why.value).unwrap_or_default()
            }
        },
        wrong: table.tables("wrong", "a wrong answer", |wrong| WrongWord {
            text: wrong.text("text"),
            say: wrong.text("say"),
            misconception: misconception_behind(wrong),
        }),
    };
    let one = word.accept.is_empty() == word.equals.is_some();
    let message = "a typed answer needs `accept` or `equals`, and not both";
    need(table, id, one, message);
    if sort == Sort::Number {
        let words = word.accept.iter();
        for accepted in words.filter(|one| !one.value.contains("{{") && !is_number(&one.value)) {
            let help = Some("Write it in digits, or make the question an `identifier`.".to_owned());
            table.problem(accepted.span.clone(), "this is no whole number", help);
        }
    }
    Form::Text(word)
}
