//! Predictions: before a call that is worth it, what it comes back with is asked; then told.

use std::collections::BTreeSet;

use crate::model::guess::{Question, question};
use crate::model::run::Run;

/// What is asked in a run.
#[derive(Clone, Debug, Default)]
pub struct Quiz {
    /// Whether anything is asked.
    pub asks: Asks,
    /// What is asked now.
    pub open: Option<Question>,
    /// What was asked last, and answered.
    pub told: Option<Told>,
    /// Steps that were asked about.
    asked: BTreeSet<usize>,
    /// How many answers were right, of how many.
    pub right: (usize, usize),
}

/// Whether predictions are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    /// They are not.
    #[default]
    No,
    /// They are.
    Yes,
}

/// An answer that was given.
#[derive(Clone, Debug)]
pub struct Told {
    /// The step.
    pub step: usize,
    /// What was asked.
    pub question: Question,
    /// What was answered.
    pub given: usize,
}

impl Quiz {
    /// What would be asked before a step, were it reached now.
    pub fn about(&self, run: &Run, step: usize) -> Option<Question> {
        let wanted = self.asks == Asks::Yes && !self.asked.contains(&step);
        if wanted { question(run, step) } else { None }
    }

    /// A step is reached: asks, if there is something to ask.
    pub fn reach(&mut self, run: &Run, step: usize) {
        self.open = self.about(run, step);
        if self.open.is_some() {
            self.told = None;
            self.asked.insert(step);
        }
    }

    /// Takes the answer with this number, counted from 1; false where there is none.
    pub fn answer(&mut self, step: usize, number: usize) -> bool {
        let Some(given) = number.checked_sub(1) else {
            return false;
        };
        let fits = |question: &Question| given < question.guesses.len();
        let Some(question) = self.open.take_if(|question| fits(question)) else {
            return false;
        };
        let right = usize::from(given == question.right);
        self.right = (self.right.0 + right, self.right.1 + 1);
        self.told = Some(Told {
            step,
            question,
            given,
        });
        true
    }

    /// Asks from now on, or no longer.
    pub fn turn(&mut self) {
        self.asks = match self.asks {
            Asks::No => Asks::Yes,
            Asks::Yes => Asks::No,
        };
        self.open = None;
    }
}
