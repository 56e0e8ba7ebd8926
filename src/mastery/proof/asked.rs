//! A question as it is asked once: what was drawn, its texts filled, the order in which its answers
//! are shown, the answer that is right. Letters of an answer are places in what is shown.

use serde_json::{Map, Value};

use super::{Given, ProofError};
use crate::curriculum::dice::{self, Dice};
use crate::curriculum::expression::{self, ExpressionError};
use crate::curriculum::question::{Answer, Form, Question, Truth};
use crate::mastery::progress::Kept;

/// A question as it is asked once.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The question.
    pub question: &'a Question,
    /// What its texts and expressions may name, apart from what was observed: what was drawn, and
    /// `params` in a task that runs or looks at something.
    pub names: Map<String, Value>,
    /// In which order options, statements or purposes are shown: indices into the list as it is
    /// written. For statements, traps follow the steps.
    pub shown: Vec<usize>,
    /// The same for reasons, or the lines that are asked.
    pub second: Vec<usize>,
}

/// The texts of a question as it is asked once, in markdown, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// The situation and the question.
    pub prompt: String,
    /// Options, statements or purposes.
    pub answers: Vec<String>,
    /// Reasons; none where none is asked for.
    pub reasons: Vec<String>,
    /// The lines that are to be matched, as they are: no markdown.
    pub lines: Vec<String>,
}

impl<'a> Asked<'a> {
    /// A question of a lesson: without a seed as the lesson shows it, the same everywhere and every
    /// time; with one as a review shows it, other values and another order for each seed.
    pub fn alone(question: &'a Question, seed: Option<u64>) -> Self {
        let id = &question.id.value;
        let end = seed.map(|seed| format!("/{seed}")).unwrap_or_default();
        let (shown, second) = orders(&question.form, |what, count| {
            dice::order(&format!("{id}/{what}{end}"), count)
        });
        let mut dice = Dice::new(seed.unwrap_or(0), id);
        Self {
            question,
            names: question.drawn(&mut dice),
            shown,
            second,
        }
    }

    /// A question of a task.
    pub(super) fn of_task(question: &'a Question, dice: &mut Dice) -> Self {
        let (shown, second) = orders(&question.form, |_, count| dice.order(count));
        Self {
            question,
            names: question.drawn(dice),
            shown,
            second,
        }
    }

    /// What expressions and templates are over.
    fn context(&self, obs: &Value) -> Value {
        let mut names = self.names.clone();
        names.insert("obs".to_owned(), obs.clone());
        Value::Object(names)
    }

    /// A text of the question with its slots filled. Where nothing is drawn or observed it is as it
    /// is written.
    ///
    /// # Errors
    /// A slot that names what there is not.
    pub fn text(&self, text: &str, obs: &Value) -> Result<String, ProofError> {
        if self.names.is_empty() || !(text.contains("{{") || text.contains("{%")) {
            return Ok(text.to_owned());
        }
        expression::fill(text, &self.context(obs)).map_err(|error| self.unfit(error))
    }

    /// All texts that are read before it is answered.
    ///
    /// # Errors
    /// A slot that names what there is not.
    pub fn wording(&self, obs: &Value) -> Result<Wording, ProofError> {
        let shown = |order: &[usize], texts: &[&str]| -> Result<Vec<String>, ProofError> {
            let texts = order.iter().filter_map(|&index| texts.get(index));
            texts.map(|text| self.text(text, obs)).collect()
        };
        let mut wording = Wording {
            prompt: self.text(&self.question.prompt, obs)?,
            ..Wording::default()
        };
        match &self.question.form {
            Form::Choice { options, reasons } => {
                let texts = |answers: &'a [Answer]| -> Vec<&'a str> {
                    answers.iter().map(|one| one.text.as_str()).collect()
                };
                wording.answers = shown(&self.shown, &texts(options))?;
                wording.reasons = shown(&self.second, &texts(reasons))?;
            }
            Form::Order { steps, traps } => {
                let steps = steps.iter().map(|one| one.text.as_str());
                let all: Vec<&str> = steps
                    .chain(traps.iter().map(|one| one.text.as_str()))
                    .collect();
                wording.answers = shown(&self.shown, &all)?;
            }
            Form::Match {
                lines, purposes, ..
            } => {
                let texts: Vec<&str> = purposes.iter().map(|one| one.text.as_str()).collect();
                wording.answers = shown(&self.shown, &texts)?;
                let texts: Vec<&str> = lines.iter().map(|one| one.text.as_str()).collect();
                wording.lines = shown(&self.second, &texts)?;
            }
            Form::Text(_) => {}
        }
        Ok(wording)
    }

    /// The answer that is right; one of those, where statements may change places.
    ///
    /// # Errors
    /// When what was observed is not what the author foresaw.
    pub fn solution(&self, obs: &Value) -> Result<Given, ProofError> {
        let place = |order: &[usize], wanted: usize| {
            let found = order.iter().position(|&index| index == wanted);
            found.unwrap_or(usize::MAX)
        };
        Ok(match &self.question.form {
            Form::Choice { options, reasons } => {
                let option = place(&self.shown, self.right(options, obs)?);
                let reason = match reasons.is_empty() {
                    true => None,
                    false => Some(place(&self.second, self.right(reasons, obs)?)),
                };
                Given::Chosen(option, reason)
            }
            Form::Order { steps, .. } => {
                let steps = 0..steps.len();
                Given::Places(steps.map(|index| place(&self.shown, index)).collect())
            }
            Form::Match {
                lines, purposes, ..
            } => {
                let purpose = |&line: &usize| {
                    let is = |index: &usize| purposes[*index].id.value == lines[line].is.value;
                    self.shown.iter().position(is).unwrap_or(usize::MAX)
                };
                Given::Places(self.second.iter().map(purpose).collect())
            }
            Form::Text(_) => {
                let right = self.accepted(obs)?.into_iter().next();
                Given::Text(right.unwrap_or_default())
            }
        })
    }

    /// The index of the answer that is right, as it is written.
    pub(super) fn right(&self, answers: &[Answer], obs: &Value) -> Result<usize, ProofError> {
        let mut right = Vec::new();
        for (index, answer) in answers.iter().enumerate() {
            let holds = match &answer.truth {
                Truth::Fixed(right) => *right,
                Truth::When(when) => expression::holds(&when.value, &self.context(obs))
                    .map_err(|error| self.unfit(error))?,
            };
            if holds {
                right.push(index);
            }
        }
        match right[..] {
            [one] => Ok(one),
            _ => Err(ProofError::Unforeseen {
                question: self.question.id.value.clone(),
                count: right.len(),
            }),
        }
    }

    /// The words or numbers that are right.
    pub(super) fn accepted(&self, obs: &Value) -> Result<Vec<String>, ProofError> {
        let Form::Text(word) = &self.question.form else {
            return Ok(Vec::new());
        };
        let accept = word.accept.iter();
        let mut accepted = accept
            .map(|one| self.text(&one.value, obs))
            .collect::<Result<Vec<String>, ProofError>>()?;
        if let Some(equals) = &word.equals {
            let value = expression::value(&equals.value, &self.context(obs));
            accepted.push(value.map_err(|error| self.unfit(error))?);
        }
        Ok(accepted)
    }

    /// An answer as it is remembered: by what was written, not by where it was shown.
    pub fn kept(&self, given: &Given, seed: Option<u64>) -> Kept {
        let written = |order: &[usize], place: usize| order.get(place).map(|&index| index as u32);
        let kept = match given {
            Given::Chosen(option, reason) => Kept {
                option: written(&self.shown, *option),
                reason: reason.and_then(|reason| written(&self.second, reason)),
                ..Kept::default()
            },
            Given::Places(places) => {
                let indices = places
                    .iter()
                    .map(|&place| match written(&self.shown, place) {
                        Some(index) => index.to_string(),
                        None => "-".to_owned(),
                    });
                let words = indices.collect::<Vec<_>>().join(" ");
                Kept {
                    words: Some(words),
                    ..Kept::default()
                }
            }
            Given::Text(text) => Kept {
                words: Some(text.clone()),
                ..Kept::default()
            },
        };
        Kept { seed, ..kept }
    }

    /// An answer that was remembered of this question as it was drawn; `None` when it does not fit
    /// the question any more.
    pub fn given(&self, kept: &Kept) -> Option<Given> {
        let place = |order: &[usize], wanted: u32| {
            let mut indices = order.iter();
            indices.position(|&index| index == wanted as usize)
        };
        match &self.question.form {
            Form::Choice { .. } => {
                let option = place(&self.shown, kept.option?)?;
                let reason = match kept.reason {
                    Some(reason) => Some(place(&self.second, reason)?),
                    None => None,
                };
                Some(Given::Chosen(option, reason))
            }
            Form::Order { .. } | Form::Match { .. } => {
                let words = kept.words.as_ref()?.split_whitespace();
                let places = words.map(|word| match word {
                    "-" => Some(usize::MAX),
                    word => place(&self.shown, word.parse().ok()?),
                });
                places.collect::<Option<Vec<usize>>>().map(Given::Places)
            }
            Form::Text(_) => kept.words.clone().map(Given::Text),
        }
    }

    pub(super) fn unfit(&self, error: ExpressionError) -> ProofError {
        ProofError::Unfit {
            question: self.question.id.value.clone(),
            error,
        }
    }
}

/// In which orders a question is shown.
fn orders(
    form: &Form,
    mut order: impl FnMut(&str, usize) -> Vec<usize>,
) -> (Vec<usize>, Vec<usize>) {
    match form {
        Form::Choice { options, reasons } => {
            let options = order("option", options.len());
            (options, order("reason", reasons.len()))
        }
        Form::Order { steps, traps } => (order("option", steps.len() + traps.len()), Vec::new()),
        Form::Match {
            lines,
            purposes,
            ask,
        } => {
            let mut second = order("line", lines.len());
            second.truncate(*ask);
            // Lines of a trace stand in the order of the trace.
            second.sort_unstable();
            (order("option", purposes.len()), second)
        }
        Form::Text(_) => (Vec::new(), Vec::new()),
    }
}

#[cfg(test)]
mod tests;
