//! Whether an answer is right, and what is said to it.

use serde_json::Value;

use super::{Asked, Proof, ProofError};
use crate::curriculum::expression;
use crate::curriculum::task::{Answer, Form, MatchLine, Purpose, Step, Trap, Word};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether all of it is right.
    pub right: bool,
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

impl Proof<'_> {
    /// Judges an answer by what was observed. An answer of another form than the question's is
    /// wrong.
    ///
    /// # Errors
    /// When what was observed is not what the task's author foresaw.
    pub fn judge(
        &self,
        asked: &Asked<'_>,
        given: &Given,
        obs: &Value,
    ) -> Result<Judged, ProofError> {
        let context = self.context(obs);
        let judged = match (&asked.question.form, given) {
            (Form::Choice { options, reasons }, Given::Chosen(option, reason)) => {
                let tiers = [
                    (options, &asked.shown, Some(*option)),
                    (reasons, &asked.second, *reason),
                ];
                let mut judged = Judged {
                    right: true,
                    notes: Vec::new(),
                };
                for (answers, order, place) in tiers {
                    if answers.is_empty() {
                        continue;
                    }
                    let right = asked.right(answers, &context)?;
                    let chosen = place.and_then(|place| order.get(place).copied());
                    let is_reason = std::ptr::eq(answers, reasons);
                    if is_reason && judged.right && chosen != Some(right) {
                        let say = "The answer is right; the reason is not.";
                        judged.notes.push(Note::new("", say));
                    }
                    judged.right &= chosen == Some(right);
                    if let Some(answer) = chosen.map(|index| &answers[index]) {
                        let said = self.said(asked, answer, chosen == Some(right), obs)?;
                        judged.notes.extend(said);
                    }
                }
                judged
            }
            (Form::Order { steps, traps }, Given::Places(places)) => {
                order(steps, traps, &indices(places, &asked.shown))
            }
            (
                Form::Match {
                    lines, purposes, ..
                },
                Given::Places(places),
            ) => {
                let lines: Vec<&MatchLine> =
                    asked.second.iter().map(|&index| &lines[index]).collect();
                matched(&lines, purposes, &indices(places, &asked.shown))
            }
            (Form::Text(word), Given::Text(text)) => {
                let equals = match &word.equals {
                    None => None,
                    Some(equals) => Some(
                        expression::value(&equals.value, &context)
                            .map_err(|error| asked.unfit(error))?,
                    ),
                };
                texted(word, equals, text)
            }
            _ => Judged {
                right: false,
                notes: Vec::new(),
            },
        };
        Ok(judged)
    }

    fn said(
        &self,
        asked: &Asked<'_>,
        answer: &Answer,
        right: bool,
        obs: &Value,
    ) -> Result<Option<Note>, ProofError> {
        if answer.say.is_empty() {
            return Ok(None);
        }
        let say = self.text(asked, &answer.say, obs)?;
        let misconception = answer.misconception.as_ref().filter(|_| !right);
        Ok(Some(Note {
            misconception: misconception.map(|one| one.value.clone()),
            ..Note::new("", &say)
        }))
    }
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
                misconception: trap.misconception.as_ref().map(|one| one.value.clone()),
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
            misconception: behind.map(|one| one.value.clone()),
            ..Note::new(&line.text, &line.say)
        });
    }
    Judged {
        right: notes.is_empty() && given.len() == lines.len(),
        notes,
    }
}

fn texted(word: &Word, equals: Option<String>, given: &str) -> Judged {
    let accepted = word.accept.iter().map(|one| one.value.as_str());
    let right = accepted
        .chain(equals.as_deref())
        .any(|one| normal(one) == normal(given));
    if right {
        return Judged {
            right,
            notes: Vec::new(),
        };
    }
    let wrong = word
        .wrong
        .iter()
        .find(|one| normal(&one.text) == normal(given));
    let note = match wrong {
        Some(wrong) => Note {
            misconception: wrong.misconception.as_ref().map(|one| one.value.clone()),
            ..Note::new("", &wrong.say)
        },
        None => Note::new("", &word.say),
    };
    Judged {
        right,
        notes: vec![note],
    }
}

/// Case, surrounding space, quotes, the parentheses of a function and leading zeros do not matter.
fn normal(answer: &str) -> String {
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
