//! A question being answered: what was put together so far, what keys do to it, and what was said to
//! the answer. One for lessons, reviews and tasks. Pure; how it is set as lines is [`page`]'s, whether
//! an answer is right [`crate::mastery::proof`]'s.

pub mod page;

use serde_json::Value;
use tui_input::{Input, InputRequest};

use super::action::Action;
use crate::curriculum::misconception::Misconception;
use crate::curriculum::question::{Form as Written, Sort, is_number};
use crate::mastery::proof::{Asked, Given, Judged, Key, Note, ProofError, Wording};
use crate::render::task::often_believed;

/// A question on the screen.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its texts, in the order in which they are shown.
    pub wording: Wording,
    /// How it is answered.
    pub kind: Kind,
    /// The answer, as far as it is put together.
    pub draft: Draft,
    /// The answer, once it was given.
    pub given: Option<Given>,
    /// What was said to it, once that may be told.
    pub told: Option<Told>,
}

/// An answer that is being put together. Numbers are places in what is shown, from 0.
#[derive(Clone, Debug)]
pub enum Draft {
    /// An option, and a reason where one is asked for.
    Choice {
        /// The option.
        option: Option<usize>,
        /// Whether the option is settled and the reason is asked.
        second: Second,
    },
    /// Statements in order.
    Order {
        /// Those that were put into the order.
        placed: Vec<usize>,
        /// The row that keys act on: first those in the order, then those left over.
        cursor: usize,
    },
    /// The purpose of each line.
    Match {
        /// One a line.
        purposes: Vec<Option<usize>>,
        /// The line that keys act on.
        cursor: usize,
    },
    /// A word or a number.
    Text {
        /// The field.
        field: Input,
        /// Whether keys are typed into it.
        typing: Typing,
    },
}

/// The second half of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Second {
    /// Not asked yet.
    #[default]
    NotAsked,
    /// Asked; this is chosen.
    Asked(Option<usize>),
}

/// Whether keys are typed into a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// They are not: they do what they do elsewhere.
    #[default]
    No,
    /// They are.
    Yes,
}

/// What is said to an answer.
#[derive(Clone, Debug)]
pub struct Told {
    /// Whether all of it is right.
    pub right: bool,
    /// Whether the answer is right and its reason is not.
    pub half: bool,
    /// What is said, and to what.
    pub notes: Vec<Said>,
    /// What is right, and what is said to each answer: how much of it is shown is the page's.
    pub key: Key,
}

/// Something said to an answer.
#[derive(Clone, Debug)]
pub struct Said {
    /// What is said, and about what.
    pub note: Note,
    /// What somebody who answers so may believe, and what is so: markdown.
    pub belief: Option<String>,
}

/// What came of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is for others.
    Passed,
    /// It was taken in.
    Taken,
    /// It cannot be done now: why, as a clause.
    Refused(String),
    /// This is the answer.
    Given(Given),
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By numbers: an option, and a reason where there are some.
    Choice,
    /// By taking so many statements in and moving them.
    Order(usize),
    /// By giving lines a purpose.
    Match,
    /// By typing something of this sort.
    Text(Sort),
}

impl Told {
    /// What is said to a judged answer, with the beliefs that its notes name.
    pub fn new(judged: Judged, key: Key, beliefs: &[Misconception]) -> Self {
        let notes = judged.notes.into_iter().map(|note| Said {
            belief: often_believed(&note, beliefs),
            note,
        });
        Self {
            right: judged.right,
            half: judged.half,
            notes: notes.collect(),
            key,
        }
    }
}

impl Form {
    /// A question that nobody has answered yet.
    ///
    /// # Errors
    /// A slot of it that names what there is not.
    pub fn of(asked: &Asked<'_>, obs: &Value) -> Result<Self, ProofError> {
        let kind = match &asked.question.form {
            Written::Choice { .. } => Kind::Choice,
            Written::Order { steps, .. } => Kind::Order(steps.len()),
            Written::Match { .. } => Kind::Match,
            Written::Text(word) => Kind::Text(word.sort),
        };
        Ok(Self::new(kind, asked.wording(obs)?))
    }

    /// A question with these texts.
    pub fn new(kind: Kind, wording: Wording) -> Self {
        let mut form = Self {
            wording,
            kind,
            draft: Draft::Choice {
                option: None,
                second: Second::NotAsked,
            },
            given: None,
            told: None,
        };
        form.clear();
        form
    }

    /// Forgets the answer: it can be given again.
    pub fn clear(&mut self) {
        (self.given, self.told) = (None, None);
        self.draft = match self.kind {
            Kind::Choice => Draft::Choice {
                option: None,
                second: Second::NotAsked,
            },
            Kind::Order(_) => Draft::Order {
                placed: Vec::new(),
                cursor: 0,
            },
            Kind::Match => Draft::Match {
                purposes: vec![None; self.wording.lines.len()],
                cursor: 0,
            },
            Kind::Text(_) => Draft::Text {
                field: Input::default(),
                typing: Typing::No,
            },
        };
    }

    /// Takes an answer that was given earlier.
    pub fn recall(&mut self, given: Given) {
        match (&mut self.draft, &given) {
            (Draft::Order { placed, .. }, Given::Places(places)) => placed.clone_from(places),
            (Draft::Match { purposes, .. }, Given::Places(places)) => {
                *purposes = places.iter().map(|&place| Some(place)).collect();
            }
            _ => {}
        }
        self.given = Some(given);
    }

    /// Whether keys still change the answer.
    pub fn is_open(&self) -> bool {
        self.given.is_none()
    }

    /// Whether keys are typed into its field.
    pub fn is_typing(&self) -> bool {
        let typing = matches!(&self.draft, Draft::Text { typing, .. } if *typing == Typing::Yes);
        typing && self.is_open()
    }

    /// How many numbers choose something at this moment.
    pub fn choices(&self) -> usize {
        match &self.draft {
            Draft::Choice {
                second: Second::Asked(_),
                ..
            } => self.wording.reasons.len(),
            Draft::Choice { .. } | Draft::Match { .. } => self.wording.answers.len(),
            _ => 0,
        }
    }

    /// What is typed so far, while it is typed.
    pub fn typed(&self) -> Option<&str> {
        match &self.draft {
            Draft::Text { field, .. } if self.is_typing() => Some(field.value()),
            _ => None,
        }
    }

    /// Lets keys be typed into its field, where it has one.
    pub fn begin_typing(&mut self) {
        if let Draft::Text { typing, .. } = &mut self.draft {
            *typing = Typing::Yes;
        }
    }

    /// Hands a key to the field.
    pub fn type_in(&mut self, request: InputRequest) {
        if let Draft::Text { field, .. } = &mut self.draft
            && self.given.is_none()
        {
            field.handle(request);
        }
    }

    /// Does what an action asks for.
    pub fn act(&mut self, action: Action) -> Reply {
        if !self.is_open() {
            return Reply::Passed;
        }
        let (answers, reasons) = (self.wording.answers.len(), self.wording.reasons.len());
        let reply = match (&mut self.draft, self.kind) {
            (Draft::Choice { option, second }, _) => {
                choose(action, (option, answers), (second, reasons))
            }
            (Draft::Order { placed, cursor }, Kind::Order(count)) => {
                order(action, placed, cursor, (answers, count))
            }
            (Draft::Match { purposes, cursor }, _) => {
                match_lines(action, purposes, cursor, answers)
            }
            (Draft::Text { field, typing }, Kind::Text(sort)) => word(action, field, typing, sort),
            _ => Reply::Passed,
        };
        if let Reply::Given(given) = &reply {
            self.given = Some(given.clone());
        }
        reply
    }

    /// The statements that are not in the order, as they are shown.
    pub fn left_over(&self) -> Vec<usize> {
        match &self.draft {
            Draft::Order { placed, .. } => left_over(placed, self.wording.answers.len()),
            _ => Vec::new(),
        }
    }
}

fn refused(why: impl Into<String>) -> Reply {
    Reply::Refused(why.into())
}

fn choose(
    action: Action,
    (option, options): (&mut Option<usize>, usize),
    (second, reasons): (&mut Second, usize),
) -> Reply {
    match action {
        Action::Choose(number) => {
            let Some(place) = usize::from(number).checked_sub(1) else {
                return Reply::Taken;
            };
            match second {
                Second::Asked(chosen) if place < reasons => *chosen = Some(place),
                Second::NotAsked if place < options => *option = Some(place),
                _ => {}
            }
            Reply::Taken
        }
        Action::Commit => match (*option, *second) {
            (None, _) => refused("choose an answer first, by its number"),
            (Some(_), Second::NotAsked) if reasons > 0 => {
                *second = Second::Asked(None);
                Reply::Taken
            }
            (Some(option), Second::NotAsked) => Reply::Given(Given::Chosen(option, None)),
            (Some(_), Second::Asked(None)) => refused("choose a reason first, by its number"),
            (Some(option), Second::Asked(reason)) => Reply::Given(Given::Chosen(option, reason)),
        },
        _ => Reply::Passed,
    }
}

fn left_over(placed: &[usize], all: usize) -> Vec<usize> {
    (0..all).filter(|place| !placed.contains(place)).collect()
}

/// Moves a cursor among so many rows; at the edge the page scrolls instead.
fn step(action: Action, cursor: &mut usize, rows: usize) -> Reply {
    match action {
        Action::Up if *cursor > 0 => *cursor -= 1,
        Action::Down if *cursor + 1 < rows => *cursor += 1,
        _ => return Reply::Passed,
    }
    Reply::Taken
}

fn order(
    action: Action,
    placed: &mut Vec<usize>,
    cursor: &mut usize,
    (all, count): (usize, usize),
) -> Reply {
    match action {
        Action::Up | Action::Down => return step(action, cursor, all),
        Action::Pick if *cursor < placed.len() => {
            placed.remove(*cursor);
        }
        Action::Pick if placed.len() == count => {
            return refused(format!("{count} stand there already; take one out first"));
        }
        Action::Pick => {
            let rest = left_over(placed, all);
            let Some(&one) = rest.get(*cursor - placed.len()) else {
                return Reply::Taken;
            };
            placed.push(one);
            *cursor = (*cursor + 1).min(all.saturating_sub(1));
        }
        Action::Earlier | Action::Later if *cursor >= placed.len() => {
            return refused("Space takes this one in; then u and d move it");
        }
        Action::Earlier if *cursor > 0 => {
            placed.swap(*cursor - 1, *cursor);
            *cursor -= 1;
        }
        Action::Later if *cursor + 1 < placed.len() => {
            placed.swap(*cursor, *cursor + 1);
            *cursor += 1;
        }
        Action::Earlier | Action::Later => {}
        Action::Commit if placed.len() == count => {
            return Reply::Given(Given::Places(placed.clone()));
        }
        Action::Commit => {
            let there = placed.len();
            return refused(format!(
                "{there} of {count} stand there; Space takes one in"
            ));
        }
        _ => return Reply::Passed,
    }
    Reply::Taken
}

fn match_lines(
    action: Action,
    purposes: &mut [Option<usize>],
    cursor: &mut usize,
    all: usize,
) -> Reply {
    let missing = |purposes: &[Option<usize>], from: usize| {
        let mut places = (from..purposes.len()).chain(0..from);
        places.find(|&line| purposes[line].is_none())
    };
    match action {
        Action::Up | Action::Down => return step(action, cursor, purposes.len()),
        Action::Choose(number) => {
            let place = usize::from(number).checked_sub(1);
            if let (Some(place), Some(purpose)) = (
                place.filter(|&place| place < all),
                purposes.get_mut(*cursor),
            ) {
                *purpose = Some(place);
                *cursor = missing(purposes, *cursor).unwrap_or(*cursor);
            }
        }
        Action::NextPurpose | Action::PreviousPurpose => {
            if let Some(purpose) = purposes.get_mut(*cursor) {
                let by = if action == Action::NextPurpose {
                    1
                } else {
                    all - 1
                };
                let none = if action == Action::NextPurpose {
                    0
                } else {
                    all - 1
                };
                *purpose = Some(purpose.map_or(none, |place| (place + by) % all));
            }
        }
        Action::Commit => {
            let all: Option<Vec<usize>> = purposes.iter().copied().collect();
            if let Some(places) = all {
                return Reply::Given(Given::Places(places));
            }
            let open = purposes.iter().filter(|purpose| purpose.is_none()).count();
            *cursor = missing(purposes, *cursor).unwrap_or(*cursor);
            let lines = if open == 1 { "line has" } else { "lines have" };
            return refused(format!("{open} {lines} no purpose yet"));
        }
        _ => return Reply::Passed,
    }
    Reply::Taken
}

fn word(action: Action, field: &Input, typing: &mut Typing, sort: Sort) -> Reply {
    match action {
        Action::Commit => *typing = Typing::Yes,
        Action::Leave => *typing = Typing::No,
        Action::Accept => {
            let typed = field.value().trim();
            if sort == Sort::Number && !typed.is_empty() && !is_number(typed) {
                return refused("answer with a whole number, in digits");
            }
            if !typed.is_empty() {
                return Reply::Given(Given::Text(typed.to_owned()));
            }
        }
        _ => return Reply::Passed,
    }
    Reply::Taken
}

#[cfg(test)]
mod tests;
