//! A question: its text, how it is answered, what is said to each answer. It is the same in a
//! lesson's quiz, in a review and in a task.
//!
//! [`read`] reads it; [`check`] looks whether it can be answered however it is drawn. Asking it and judging an answer are [`crate::mastery::proof`]'s.

mod check;
mod read;

use serde::Serialize;
use serde_json::{Map, Value};

use super::dice::Dice;
use super::reader::Located;

pub(super) use read::Place;

/// A question of a lesson's quiz or of a task.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Question {
    /// Unique within its task; that of a quiz, by which answers are remembered, in the curriculum.
    pub id: Located<String>,
    /// The situation and the question, in markdown.
    pub prompt: String,
    /// What is drawn each time it is asked. Texts are templates over it then.
    pub draws: Vec<Draw>,
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

/// Something that is drawn: a number, or one of some words.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Draw {
    /// Its name, in texts and expressions too.
    pub name: String,
    /// The smallest number.
    pub from: i64,
    /// The largest number.
    pub to: i64,
    /// The words; none when it is a number.
    pub among: Vec<String>,
}

/// A word or a number.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Word {
    /// What it has to be.
    pub sort: Sort,
    /// What is right, any of these; see [`normal`].
    pub accept: Vec<Located<String>>,
    /// What is right, as an expression over `obs` and the drawn parameters.
    pub equals: Option<Located<String>>,
    /// What is said to an answer that nobody foresaw.
    pub say: String,
    /// What is said to the right one: the reason. May be empty in a task.
    pub why: String,
    /// Wrong answers that were foreseen.
    pub wrong: Vec<WrongWord>,
}

/// What a typed answer has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// Anything.
    #[default]
    Any,
    /// A whole number.
    Number,
    /// A name from the kernel or its interface: a function, an errno, a field, a flag.
    Identifier,
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

impl Question {
    /// What is drawn for it this time, by name.
    pub fn drawn(&self, dice: &mut Dice) -> Map<String, Value> {
        let draws = self.draws.iter();
        draws
            .map(|draw| (draw.name.clone(), draw.value(dice)))
            .collect()
    }

    /// Whether a reason is asked for, too.
    pub fn is_two_tier(&self) -> bool {
        matches!(&self.form, Form::Choice { reasons, .. } if !reasons.is_empty())
    }
}

impl Form {
    /// Every misconception that it names.
    pub fn misconceptions(&self) -> impl Iterator<Item = &Located<String>> {
        let mut named: Vec<&Option<Located<String>>> = Vec::new();
        match self {
            Self::Choice { options, reasons } => {
                named.extend(options.iter().chain(reasons).map(|one| &one.misconception));
            }
            Self::Order { traps, .. } => named.extend(traps.iter().map(|one| &one.misconception)),
            Self::Match { purposes, .. } => {
                named.extend(purposes.iter().map(|one| &one.misconception));
            }
            Self::Text(word) => named.extend(word.wrong.iter().map(|one| &one.misconception)),
        }
        named.into_iter().flatten()
    }

    /// The word for its kind, as a lesson writes it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Choice { reasons, .. } if reasons.is_empty() => "choice",
            Self::Choice { .. } => "two-tier",
            Self::Order { .. } => "order",
            Self::Match { .. } => "match",
            Self::Text(word) => match word.sort {
                Sort::Any => "text",
                Sort::Number => "number",
                Sort::Identifier => "identifier",
            },
        }
    }
}

impl Draw {
    /// What is drawn this time.
    pub fn value(&self, dice: &mut Dice) -> Value {
        self.nth(dice.below(self.count()))
    }

    /// How many values there are.
    fn count(&self) -> u64 {
        match self.among.len() {
            0 => self.to.abs_diff(self.from) + 1,
            words => words as u64,
        }
    }

    /// The value with this number, from 0 on.
    fn nth(&self, number: u64) -> Value {
        match self.among.get(number as usize) {
            Some(word) => word.as_str().into(),
            None => self.from.saturating_add_unsigned(number).into(),
        }
    }
}

/// A typed answer without what does not matter: case, surrounding space, quotes, the parentheses of
/// a function, leading zeros.
pub fn normal(answer: &str) -> String {
    let word = answer
        .trim()
        .trim_matches(['"', '\'', '`'])
        .trim()
        .trim_end_matches("()")
        .to_lowercase();
    match word.parse::<i128>() {
        Ok(number) => number.to_string(),
        Err(_) => word,
    }
}

/// Whether a typed answer is a whole number.
pub fn is_number(answer: &str) -> bool {
    normal(answer).parse::<i128>().is_ok()
}
