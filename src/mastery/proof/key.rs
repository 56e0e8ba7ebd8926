//! What is right, and what is said to each answer, for whoever shows all of it: a lesson on paper, the
//! book, a review after the second miss.

use serde_json::Value;

use super::{Asked, Given, ProofError};
use crate::curriculum::question::Form;

/// The key to a question as it was asked. Its lists go with those of [`super::Wording`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The answer that is right.
    pub solution: Given,
    /// What is said to each option or statement; empty for purposes and words.
    pub answers: Vec<String>,
    /// What is said to each reason; some of it may be empty.
    pub reasons: Vec<String>,
    /// What is said to each line.
    pub lines: Vec<String>,
    /// What is said to a word or a number that is right.
    pub why: String,
}

impl Key {
    /// Whether the option, or the reason, at this place is right.
    pub fn is_right(&self, tier: Tier, place: usize) -> bool {
        match (&self.solution, tier) {
            (Given::Chosen(option, _), Tier::Option) => *option == place,
            (Given::Chosen(_, reason), Tier::Reason) => *reason == Some(place),
            // A statement that belongs there.
            (Given::Places(places), Tier::Option) => places.contains(&place),
            _ => false,
        }
    }
}

/// What of a two-tier question is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Its options.
    Option,
    /// Its reasons.
    Reason,
}

impl Asked<'_> {
    /// What is right, and what is said to each answer.
    ///
    /// # Errors
    /// When what was drawn or observed is not what the author foresaw.
    pub fn key(&self, obs: &Value) -> Result<Key, ProofError> {
        let filled = |order: &[usize], says: &[&str]| -> Result<Vec<String>, ProofError> {
            let says = order.iter().filter_map(|&index| says.get(index));
            says.map(|say| self.text(say, obs)).collect()
        };
        let mut key = Key {
            solution: self.solution(obs)?,
            answers: Vec::new(),
            reasons: Vec::new(),
            lines: Vec::new(),
            why: String::new(),
        };
        match &self.question.form {
            Form::Choice { options, reasons } => {
                let says: Vec<&str> = options.iter().map(|one| one.say.as_str()).collect();
                key.answers = filled(&self.shown, &says)?;
                let says: Vec<&str> = reasons.iter().map(|one| one.say.as_str()).collect();
                key.reasons = filled(&self.second, &says)?;
            }
            Form::Order { steps, traps } => {
                let steps = steps.iter().map(|one| one.say.as_str());
                let says: Vec<&str> = steps
                    .chain(traps.iter().map(|one| one.say.as_str()))
                    .collect();
                key.answers = filled(&self.shown, &says)?;
            }
            Form::Match { lines, .. } => {
                let says: Vec<&str> = lines.iter().map(|one| one.say.as_str()).collect();
                key.lines = filled(&self.second, &says)?;
            }
            Form::Text(word) => key.why = self.text(&word.why, obs)?,
        }
        Ok(key)
    }
}
