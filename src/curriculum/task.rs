//! Tasks: what a learner shows that they can do, apart from writing programs. Reads
//! `curriculum/tasks/SLUG.toml`.
//!
//! A task asks one or more questions, some of them drawn from a pool, so that it is not the same
//! twice. What is drawn and how an answer is judged is [`crate::mastery::proof`]'s; which outcome a
//! task gives evidence for is said in `path.toml`.

use serde::Serialize;

use super::expression;
use super::lesson::{Lesson, optional_expression};
use super::quiz::Choice;
use super::reader::{Located, Reader};
use super::staged::Staged;

/// A task.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Task {
    /// Its slug: the file's name without `.toml`.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What type of evidence it gives.
    pub kind: Kind,
    /// What is read before the first question, in markdown.
    pub intro: String,
    /// Lessons that prepare for it, by slug.
    pub lessons: Vec<Located<String>>,
    /// What is run or looked at on the learner's machine.
    pub live: Option<Live>,
    /// Whether it leads by the hand: practice, listed apart from what gives evidence.
    pub guided: bool,
    /// The pool of questions.
    pub questions: Vec<Question>,
    /// How many of them are asked; all of them when it is the length of the pool.
    pub ask: usize,
    /// How many answers must be right.
    pub pass: usize,
}

/// The types of evidence that a task gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An explanation put together: statements chosen and ordered.
    #[default]
    Order,
    /// Lines of a trace, or of source code, matched to what they do.
    Trace,
    /// A decision in situations that no lesson describes.
    Decision,
    /// Predictions about a variant of an experiment, judged by the kernel.
    Variant,
    /// Something measured on the learner's own system.
    Measurement,
}

/// What a task runs or looks at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Live {
    /// An experiment with drawn parameters.
    Experiment {
        /// Which one, by name.
        name: Located<String>,
        /// Parameters that are always the same.
        params: serde_json::Map<String, serde_json::Value>,
        /// Parameters that are drawn.
        draws: Vec<Draw>,
    },
    /// A probe, by name. Its JSON is `obs` in expressions.
    Probe(Located<String>),
    /// A live situation that stands until the task is over. What is seen of it is `obs`.
    Scene(Staged),
}

/// A parameter that is drawn.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Draw {
    /// Its name, in texts and expressions too.
    pub name: String,
    /// The smallest value.
    pub from: i64,
    /// The largest value.
    pub to: i64,
}

/// A question of a task.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Question {
    /// Unique within the task.
    pub id: Located<String>,
    /// The situation and the question, in markdown.
    pub prompt: String,
    /// How it is answered.
    pub form: Form,
    /// A live question can be asked where this expression over `obs` is true.
    pub when: Option<Located<String>>,
}

/// How a question is answered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// By choosing one answer, and a reason where there are some.
    Choice {
        /// The answers.
        options: Vec<Answer>,
        /// The reasons; credit is for both together. Empty when none is asked for.
        reasons: Vec<Answer>,
    },
    /// By choosing the true statements and putting them in order.
    Order {
        /// The statements, in order.
        steps: Vec<Step>,
        /// What is not among them: false, or beside the point.
        traps: Vec<Trap>,
    },
    /// By giving each line what it is for.
    Match {
        /// The lines.
        lines: Vec<MatchLine>,
        /// What lines are for; some may fit none.
        purposes: Vec<Purpose>,
        /// How many lines are asked.
        ask: usize,
    },
    /// By a word or a number.
    Text(Word),
}

impl Default for Form {
    fn default() -> Self {
        Self::Text(Word::default())
    }
}

/// An answer or a reason.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Answer {
    /// The answer, in markdown.
    pub text: String,
    /// Whether it is right.
    pub truth: Truth,
    /// What choosing it assumes, and the fact that decides.
    pub say: String,
    /// The misconception behind a wrong one.
    pub misconception: Option<Located<String>>,
}

/// Whether an answer is right.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// Always, or never.
    Fixed(bool),
    /// When this expression over `obs` and the drawn parameters is true.
    When(Located<String>),
}

impl Default for Truth {
    fn default() -> Self {
        Self::Fixed(false)
    }
}

/// A statement with its place in the order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Step {
    /// The statement, in markdown.
    pub text: String,
    /// Why it stands where it stands.
    pub say: String,
    /// Whether it may change places with the statement before it.
    pub together: bool,
}

/// A statement that does not belong there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Trap {
    /// The statement, in markdown.
    pub text: String,
    /// Why it does not belong there.
    pub say: String,
    /// The misconception behind it.
    pub misconception: Option<Located<String>>,
}

/// A line to be matched.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MatchLine {
    /// The line, shown as it is.
    pub text: String,
    /// The id of its purpose.
    pub is: Located<String>,
    /// What tells.
    pub say: String,
}

/// What a line may be for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Purpose {
    /// Its id.
    pub id: Located<String>,
    /// The purpose, in markdown.
    pub text: String,
    /// The misconception behind one that fits no line.
    pub misconception: Option<Located<String>>,
}

/// A word or a number.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Word {
    /// What is right, any of these. Case and surrounding space do not matter.
    pub accept: Vec<Located<String>>,
    /// What is right, as an expression over `obs` and the drawn parameters.
    pub equals: Option<Located<String>>,
    /// What is said to an answer that nobody foresaw.
    pub say: String,
    /// Wrong answers that were foreseen.
    pub wrong: Vec<WrongWord>,
}

/// A wrong answer that was foreseen.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WrongWord {
    /// The answer.
    pub text: String,
    /// What it assumes, and the fact that decides.
    pub say: String,
    /// The misconception behind it.
    pub misconception: Option<Located<String>>,
}

impl Kind {
    /// All, with the words that files use.
    pub const ALL: [(&'static str, Self); 5] = [
        ("order", Self::Order),
        ("trace", Self::Trace),
        ("decision", Self::Decision),
        ("variant", Self::Variant),
        ("measurement", Self::Measurement),
    ];

    /// As it is written in files and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Trace => "trace",
            Self::Decision => "decision",
            Self::Variant => "variant",
            Self::Measurement => "measurement",
        }
    }
}

impl Task {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        let title = top.located_text("title");
        let kind = top.choice("kind", &Kind::ALL);
        let live = read_live(top);
        let mut task = Self {
            slug: String::new(),
            title: title.value.clone(),
            kind,
            intro: top.text("intro"),
            lessons: top.texts("lessons"),
            live,
            guided: top.flag("guided"),
            questions: top.tables("question", "a question", Question::read),
            ask: 0,
            pass: 0,
        };
        let pool = task.questions.len();
        let ask = top.optional_integer("ask", 1..100);
        task.ask = ask.map_or(pool, |ask| ask as usize);
        task.pass = task.ask;
        let wrong = |message: &str, help: &str| {
            top.problem(title.span.clone(), message, Some(help.to_owned()));
        };
        if task.ask > pool {
            wrong(
                "`ask` is more than there are questions",
                "Leave it out to ask all.",
            );
        }
        if pool == 0 {
            wrong("a task needs a question", "Add a `[[question]]`.");
        }
        let needs_live = matches!(kind, Kind::Variant | Kind::Measurement);
        if needs_live != task.live.is_some() {
            let help = "A variant has `[experiment]`; a measurement has that, `[scene]` or `probe`; \
                        no other task has any.";
            wrong("this kind of task and what it runs do not fit", help);
        }
        task
    }

    /// The questions of a lesson, for somebody who may know it already: three of four must be right.
    pub fn of_lesson(lesson: &Lesson) -> Self {
        let answer = |choice: &Choice| Answer {
            text: choice.text.clone(),
            truth: Truth::Fixed(choice.ok),
            say: choice.say.clone(),
            misconception: choice.misconception.clone(),
        };
        let questions = lesson.quiz.iter().map(|item| Question {
            id: item.id.clone(),
            prompt: item.prompt.clone(),
            form: Form::Choice {
                options: item.options.iter().map(answer).collect(),
                reasons: item.reasons.iter().map(answer).collect(),
            },
            when: None,
        });
        let count = lesson.quiz.len();
        Self {
            slug: format!("lesson/{}", lesson.slug),
            title: lesson.title.clone(),
            kind: Kind::Decision,
            questions: questions.collect(),
            ask: count,
            pass: (count * 3).div_ceil(4),
            ..Self::default()
        }
    }

    /// Every misconception that it names.
    pub(super) fn misconceptions(&self) -> Vec<Located<String>> {
        let mut named = Vec::new();
        for question in &self.questions {
            match &question.form {
                Form::Choice { options, reasons } => {
                    let both = options.iter().chain(reasons);
                    named.extend(both.filter_map(|answer| answer.misconception.clone()));
                }
                Form::Order { traps, .. } => {
                    named.extend(traps.iter().filter_map(|trap| trap.misconception.clone()));
                }
                Form::Match { purposes, .. } => {
                    named.extend(purposes.iter().filter_map(|one| one.misconception.clone()));
                }
                Form::Text(word) => {
                    named.extend(
                        word.wrong
                            .iter()
                            .filter_map(|one| one.misconception.clone()),
                    );
                }
            }
        }
        named
    }
}

fn read_live(top: &mut Reader<'_>) -> Option<Live> {
    let experiment = top.table("experiment", "the experiment", |table| Live::Experiment {
        name: table.located_text("name"),
        params: table.free_table("params"),
        draws: table.tables("draw", "a drawn parameter", Draw::read),
    });
    let scene = top.table("scene", "the scene", Staged::read);
    let probe = top.optional_text("probe");
    let given = [experiment, scene.map(Live::Scene), probe.map(Live::Probe)];
    let mut given = given.into_iter().flatten();
    let first = given.next();
    if given.next().is_some() {
        let help = Some("Leave the others out.".to_owned());
        let message = "a task has one of `experiment`, `scene` and `probe`";
        top.problem(top.span(), message, help);
    }
    first
}

impl Draw {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        let read = Self {
            name: table.text("name"),
            from: table.integer("from", -1_000_000..1_000_001),
            to: table.integer("to", -1_000_000..1_000_001),
        };
        if read.to < read.from {
            let help = Some("Let `to` be at least `from`.".to_owned());
            table.problem(table.span(), "nothing can be drawn from this range", help);
        }
        read
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Choice,
    Order,
    Match,
    Text,
}

impl Question {
    fn read(table: &mut Reader<'_>) -> Self {
        let words = [
            ("choice", Shape::Choice),
            ("order", Shape::Order),
            ("match", Shape::Match),
            ("text", Shape::Text),
        ];
        let word = table.choice("form", &words);
        let id = table.located_text("id");
        let prompt = table.text("prompt");
        template(table, &id, &prompt);
        let when = optional_expression(table, "when");
        let form = match word {
            Shape::Choice => read_choice(table, &id),
            Shape::Order => read_order(table, &id),
            Shape::Match => read_match(table, &id),
            Shape::Text => read_text(table, &id),
        };
        Self {
            id,
            prompt,
            form,
            when,
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

fn read_choice(table: &mut Reader<'_>, id: &Located<String>) -> Form {
    let options = table.tables("option", "an option", |one| Answer::read(one, id));
    let reasons = table.tables("reason", "a reason", |one| Answer::read(one, id));
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
    let enough = reasons.is_empty() || reasons.len() > 1 && right(&reasons);
    need(
        table,
        id,
        enough,
        "reasons are two or more, one of them right",
    );
    Form::Choice { options, reasons }
}

impl Truth {
    /// Whether it is always right.
    fn is_right(&self) -> bool {
        matches!(self, Self::Fixed(true))
    }
}

impl Answer {
    fn read(table: &mut Reader<'_>, id: &Located<String>) -> Self {
        let ok = table.flag("ok");
        let when = optional_expression(table, "when");
        let answer = Self {
            text: table.text("text"),
            truth: when.map_or(Truth::Fixed(ok), Truth::When),
            say: table
                .optional_text("say")
                .map(|say| say.value)
                .unwrap_or_default(),
            misconception: table.optional_text("misconception"),
        };
        template(table, id, &answer.text);
        if matches!(answer.truth, Truth::Fixed(false)) && answer.misconception.is_none() {
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

fn read_text(table: &mut Reader<'_>, id: &Located<String>) -> Form {
    let word = Word {
        accept: table.texts("accept"),
        equals: optional_expression(table, "equals"),
        say: table.text("say"),
        wrong: table.tables("wrong", "a wrong answer", |wrong| WrongWord {
            text: wrong.text("text"),
            say: wrong.text("say"),
            misconception: misconception_behind(wrong),
        }),
    };
    let one = word.accept.is_empty() == word.equals.is_some();
    need(
        table,
        id,
        one,
        "a text needs `accept` or `equals`, and not both",
    );
    Form::Text(word)
}
