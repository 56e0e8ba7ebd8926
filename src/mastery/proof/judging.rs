//! Whether an answer is right, and what is said to it.

use serde_json::Value;

use super::{Asked, ProofError};
use crate::curriculum::question::{
    Answer, Form, MatchLine, Purpose, Step, Trap, Word, WrongWord, normal,
};
use crate::curriculum::reader::Located;

/// An answer as it was given. Places are letters of what was shown, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// An option, and a reason where one is asked for.
    Chosen(usize, Option<usize>),
    /// Statements in order, or the purpose of each line.
    Places(Vec<usize>),
    /// A word or a number.
    Text(String),
}

/// What an answer is worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Whether all of it is right.
    pub right: bool,
    /// Whether the answer is right and its reason is not.
    pub half: bool,
    /// What is said to it.
    pub notes: Vec<Note>,
}

/// Something said to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is about: an option, a statement, a line. May be empty.
    pub about: String,
    /// What is said, in markdown.
    pub say: String,
    /// The misconception behind it.
    pub misconception: Option<String>,
}

impl Note {
    fn new(about: &str, say: &str) -> Self {
        Self {
            about: about.to_owned(),
            say: say.to_owned(),
            misconception: None,
        }
    }
}

impl Asked<'_> {
    /// Judges an answer by what was observed. An answer of another form than the question's is
    /// wrong.
    ///
    /// # Errors
    /// When what was drawn or observed is not what the author foresaw.
    pub fn judge(&self, given: &Given, obs: &Value) -> Result<Judged, ProofError> {
        let mut judged = match (&self.question.form, given) {
            (Form::Choice { options, reasons }, Given::Chosen(option, reason)) => {
                let tiers = [
                    (options, &self.shown, Some(*option)),
                    (reasons, &self.second, *reason),
                ];
                let mut judged = Judged {
                    right: true,
                    ..Judged::default()
                };
                for (answers, order, place) in tiers {
                    if answers.is_empty() {
                        continue;
                    }
                    let right = self.right(answers, obs)?;
                    let chosen = place.and_then(|place| order.get(place).copied());
                    let chosen_right = chosen == Some(right);
                    judged.half = judged.right && !chosen_right && std::ptr::eq(answers, reasons);
                    judged.right &= chosen_right;
                    judged
                        .notes
                        .extend(chosen.and_then(|index| said(&answers[index], chosen_right)));
                }
                judged
            }
            (Form::Order { steps, traps }, Given::Places(places)) => {
                order(steps, traps, &indices(places, &self.shown))
            }
            (
                Form::Match {
                    lines, purposes, ..
                },
                Given::Places(places),
            ) => {
                let lines: Vec<&MatchLine> =
                    self.second.iter().map(|&index| &lines[index]).collect();
                matched(&lines, purposes, &indices(places, &self.shown))
            }
            (Form::Text(word), Given::Text(text)) => {
                let accepted = self.accepted(obs)?;
                if accepted.iter().any(|one| normal(one) == normal(text)) {
                    let why = (!word.why.is_empty()).then(|| Note::new("", &word.why));
                    Judged {
                        right: true,
                        notes: why.into_iter().collect(),
                        ..Judged::default()
                    }
                } else {
                    let foreseen = self.foreseen(word, text, obs)?;
                    let note = foreseen.map_or_else(
                        || Note::new("", &word.say),
                        |wrong| Note {
                            misconception: named(wrong.misconception.as_ref()),
                            ..Note::new("", &wrong.say)
                        },
                    );
                    Judged {
                        notes: vec![note],
                        ..Judged::default()
                    }
                }
            }
            _ => Judged::default(),
        };
        for note in &mut judged.notes {
            note.about = self.text(&note.about, obs)?;
            note.say = self.text(&note.say, obs)?;
        }
        Ok(judged)
    }

    /// The wrong answer that this one was foreseen as.
    fn foreseen<'w>(
        &self,
        word: &'w Word,
        given: &str,
        obs: &Value,
    ) -> Result<Option<&'w WrongWord>, ProofError> {
        for wrong in &word.wrong {
            if normal(&self.text(&wrong.text, obs)?) == normal(given) {
                return Ok(Some(wrong));
            }
        }
        Ok(None)
    }
}

/// What is said to an option or a reason that was chosen.
fn said(answer: &Answer, right: bool) -> Option<Note> {
    let misconception = answer.misconception.as_ref().filter(|_| !right);
    (!answer.say.is_empty()).then(|| Note {
        misconception: named(misconception),
        ..Note::new("", &answer.say)
    })
}

fn named(misconception: Option<&Located<String>>) -> Option<String> {
    misconception.map(|one| one.value.clone())
}

/// What letters stand for; letters that were not shown stand for nothing that is right.
fn indices(places: &[usize], shown: &[usize]) -> Vec<usize> {
    let index = |&place: &usize| shown.get(place).copied().unwrap_or(usize::MAX);
    places.iter().map(index).collect()
}

/// Steps of one rank may stand in any order among themselves.
fn rank(steps: &[Step], index: usize) -> usize {
    (1..=index).filter(|&at| !steps[at].together).count()
}

fn order(steps: &[Step], traps: &[Trap], given: &[usize]) -> Judged {
    let mut notes = Vec::new();
    for &index in given {
        if let Some(trap) = index.checked_sub(steps.len()).and_then(|at| traps.get(at)) {
            notes.push(Note {
                misconception: named(trap.misconception.as_ref()),
                ..Note::new(&trap.text, &trap.say)
            });
        }
    }
    let own: Vec<usize> = given
        .iter()
        .copied()
        .filter(|&index| index < steps.len())
        .collect();
    let mut once = own.clone();
    once.sort_unstable();
    once.dedup();
    let complete = once.len() == steps.len() && own.len() == steps.len();
    let misplaced = own
        .windows(2)
        .find(|pair| rank(steps, pair[0]) > rank(steps, pair[1]));
    if let Some(pair) = misplaced {
        let step = &steps[pair[1]];
        notes.push(Note::new(&step.text, &step.say));
    } else if !complete && notes.is_empty() {
        let say = "A statement is missing, or stands there twice.";
        notes.push(Note::new("", say));
    }
    Judged {
        right: complete && misplaced.is_none() && given.len() == steps.len(),
        notes,
        ..Judged::default()
    }
}

fn matched(lines: &[&MatchLine], purposes: &[Purpose], given: &[usize]) -> Judged {
    let mut notes = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let purpose = given.get(at).and_then(|&index| purposes.get(index));
        if purpose.is_some_and(|purpose| purpose.id.value == line.is.value) {
            continue;
        }
        let behind = purpose.and_then(|purpose| purpose.misconception.as_ref());
        notes.push(Note {
            misconception: named(behind),
            ..Note::new(&line.text, &line.say)
        });
    }
    Judged {
        right: notes.is_empty() && given.len() == lines.len(),
        notes,
        ..Judged::default()
    }
}
