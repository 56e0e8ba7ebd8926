//! Asks one question in lines: shows it, reads an answer, asks again when the answer is none. Where
//! lines come from is the caller's: `prove` reads standard input, `review` a terminal.
//!
//! ```text
//! Your answer, a to c: b
//! The letters of the 4 that belong there, in order, such as b a c: d a c b
//! A letter for each line, 1 to 3, such as b a c: a a d
//! Your answer, a number: 5
//! ```

use super::context::Context;
use super::error::CommandError;
use crate::curriculum::question::{Form, Sort, is_number};
use crate::mastery::proof::{Asked, Given, Wording};
use crate::render::markdown::Layout;
use crate::render::task as drawing;

/// Where answers come from.
pub(super) trait Lines {
    /// The next line without its end; `None` when there is no more.
    ///
    /// # Errors
    /// When nothing can be read.
    fn line(&mut self) -> Result<Option<String>, CommandError>;
}

/// How many letters an answer has.
#[derive(Clone, Copy)]
enum Count {
    Exactly(usize),
    Any,
}

/// Asks a question. `None` when the input has ended.
///
/// # Errors
/// When nothing can be printed or read.
pub(super) fn ask(
    context: &Context,
    lines: &mut impl Lines,
    (asked, wording): (&Asked<'_>, &Wording),
    label: &str,
    layout: Layout<'_>,
) -> Result<Option<Given>, CommandError> {
    context.print_text(&drawing::question(label, wording, layout).apart())?;
    let mut asking = Asking { context, lines };
    let answers = wording.answers.len();
    Ok(match &asked.question.form {
        Form::Choice { .. } => {
            let chosen = asking.letters("Your answer", answers, Count::Exactly(1))?;
            let Some(option) = chosen.map(|places| places[0]) else {
                return Ok(None);
            };
            if wording.reasons.is_empty() {
                return Ok(Some(Given::Chosen(option, None)));
            }
            context.print_text(&drawing::because(&wording.reasons, layout))?;
            let reasons = wording.reasons.len();
            let chosen = asking.letters("Your reason", reasons, Count::Exactly(1))?;
            chosen.map(|places| Given::Chosen(option, Some(places[0])))
        }
        Form::Order { steps, .. } => {
            let count = steps.len();
            let what = format!("The letters of the {count} that belong there, in order");
            let places = asking.letters(&what, answers, Count::Any)?;
            places.map(Given::Places)
        }
        Form::Match { .. } => {
            let count = wording.lines.len();
            let what = format!("A letter for each line, 1 to {count}");
            let places = asking.letters(&what, answers, Count::Exactly(count))?;
            places.map(Given::Places)
        }
        Form::Text(word) => asking.typed(word.sort)?.map(Given::Text),
    })
}

struct Asking<'a, L> {
    context: &'a Context,
    lines: &'a mut L,
}

impl<L: Lines> Asking<'_, L> {
    /// Asks for letters until there are as many as needed; gives their places.
    fn letters(
        &mut self,
        what: &str,
        among: usize,
        count: Count,
    ) -> Result<Option<Vec<usize>>, CommandError> {
        let last = char::from(b'a' + u8::try_from(among.saturating_sub(1)).unwrap_or(25).min(25));
        let to = if among == 2 { "or" } else { "to" };
        let question = match count {
            Count::Exactly(1) => format!("{what}, a {to} {last}"),
            Count::Exactly(_) | Count::Any => format!("{what}, such as {}", example(last)),
        };
        loop {
            let Some(line) = self.word(&question)? else {
                return Ok(None);
            };
            let places: Option<Vec<usize>> = line
                .chars()
                .filter(|sign| !sign.is_whitespace() && *sign != ',')
                .map(|sign| {
                    let sign = sign.to_ascii_lowercase();
                    ('a'..=last)
                        .contains(&sign)
                        .then(|| sign as usize - 'a' as usize)
                })
                .collect();
            let fits = |places: &Vec<usize>| match count {
                Count::Exactly(count) => places.len() == count,
                Count::Any => !places.is_empty(),
            };
            if let Some(places) = places.filter(fits) {
                return Ok(Some(places));
            }
            self.context.say(&match count {
                Count::Exactly(1) => format!("Answer with a letter from a to {last}."),
                Count::Exactly(count) => format!("Answer with {count} letters from a to {last}."),
                Count::Any => format!("Answer with letters from a to {last}."),
            });
        }
    }

    /// Asks for a word or a number.
    fn typed(&mut self, sort: Sort) -> Result<Option<String>, CommandError> {
        let question = match sort {
            Sort::Any => "Your answer",
            Sort::Number => "Your answer, a number",
            Sort::Identifier => "Your answer, a name",
        };
        loop {
            let line = self.word(question)?;
            if sort != Sort::Number || line.as_deref().is_none_or(is_number) {
                return Ok(line);
            }
            self.context.say("Answer with a whole number, in digits.");
        }
    }

    /// Asks until a line holds something. `None` when the input has ended.
    fn word(&mut self, question: &str) -> Result<Option<String>, CommandError> {
        loop {
            self.context.print(&format!("{question}: "))?;
            let Some(line) = self.lines.line()? else {
                self.context.print("\n")?;
                return Ok(None);
            };
            let line = line.trim();
            if !line.is_empty() {
                return Ok(Some(line.to_owned()));
            }
        }
    }
}

fn example(last: char) -> &'static str {
    if last < 'c' { "b a" } else { "b a c" }
}
