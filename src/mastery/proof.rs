//! A task drawn by a seed: what is asked, in which order it is shown, and whether an answer is
//! right. Pure: the same task and seed give the same questions everywhere and every time.
//!
//! Texts of live tasks are templates over what was drawn (`params`) and observed (`obs`).

mod judging;

use serde_json::{Map, Value, json};

use crate::curriculum::expression::{self, ExpressionError};
use crate::curriculum::task::{Answer, Form, Live, Question, Task, Truth};

pub use judging::{Given, Judged, Note};

/// A task as it is asked once.
#[derive(Clone, Debug)]
pub struct Proof<'a> {
    /// The task.
    pub task: &'a Task,
    /// What everything was drawn by.
    pub seed: u64,
    /// The parameters of its experiment.
    pub params: Map<String, Value>,
    /// The questions, in the order in which they are asked.
    pub asked: Vec<Asked<'a>>,
}

/// A question as it is asked once. Letters of an answer are places in `shown`.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The question.
    pub question: &'a Question,
    /// In which order options, statements or purposes are shown: indices into the list as it is
    /// written. For statements, traps follow the steps.
    pub shown: Vec<usize>,
    /// The same for reasons, or the lines that are asked.
    pub second: Vec<usize>,
}

/// Why a task cannot be judged: its author's mistake, or a kernel that nobody foresaw.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// An expression or a template does not fit what was observed.
    #[error("question `{question}` does not fit what was observed")]
    Unfit {
        /// The question's id.
        question: String,
        /// What the engine says.
        #[source]
        error: ExpressionError,
    },
    /// Not exactly one option is true.
    #[error("{count} answers to `{question}` describe what happened here")]
    Unforeseen {
        /// The question's id.
        question: String,
        /// How many options are true.
        count: usize,
    },
}

impl<'a> Proof<'a> {
    /// Draws a task. Questions whose `when` cannot be decided before something was observed are
    /// kept; [`Proof::keep_askable`] sorts them out.
    pub fn draw(task: &'a Task, seed: u64) -> Self {
        let mut dice = Dice::new(seed, &task.slug);
        let mut params = Map::new();
        let drawn = match &task.live {
            Some(Live::Experiment { params, draws, .. }) => Some((params, draws)),
            Some(Live::Scene(staged)) => Some((&staged.params, &staged.draws)),
            Some(Live::Probe(_)) | None => None,
        };
        if let Some((fixed, draws)) = drawn {
            params.extend(fixed.clone());
            for draw in draws {
                let span = draw.to.abs_diff(draw.from) + 1;
                let value = draw.from.saturating_add_unsigned(dice.below(span));
                params.insert(draw.name.clone(), value.into());
            }
        }
        let mut pool: Vec<&Question> = task.questions.iter().collect();
        // A pool is asked in any order; questions that build on each other are all asked, in turn.
        if task.ask < pool.len() {
            dice.shuffle(&mut pool);
            pool.truncate(task.ask);
        }
        let asked = pool.into_iter().map(|question| dice.ask(question));
        let asked = asked.collect();
        Self {
            task,
            seed,
            params,
            asked,
        }
    }

    /// What expressions and templates of this proof are over.
    pub fn context(&self, obs: &Value) -> Value {
        json!({ "params": self.params, "obs": obs })
    }

    /// Drops questions that cannot be asked where this was observed; gives how many.
    ///
    /// # Errors
    /// A `when` that does not fit the observation.
    pub fn keep_askable(&mut self, obs: &Value) -> Result<usize, ProofError> {
        let context = self.context(obs);
        let before = self.asked.len();
        let mut kept = Vec::new();
        for asked in self.asked.drain(..) {
            let askable = match &asked.question.when {
                None => true,
                Some(when) => {
                    expression::holds(&when.value, &context).map_err(|error| asked.unfit(error))?
                }
            };
            if askable {
                kept.push(asked);
            }
        }
        self.asked = kept;
        Ok(before - self.asked.len())
    }

    /// What is said when the scene of the task stands, with its slots filled; `None` for a task
    /// without a scene.
    ///
    /// # Errors
    /// A slot that names what there is not.
    pub fn brief(&self, obs: &Value) -> Result<Option<String>, ProofError> {
        let Some(Live::Scene(staged)) = &self.task.live else {
            return Ok(None);
        };
        let unfit = |error| ProofError::Unfit {
            question: staged.name.value.clone(),
            error,
        };
        expression::fill(&staged.brief, &self.context(obs))
            .map(Some)
            .map_err(unfit)
    }

    /// A text of a question with its slots filled. A text without live parameters is as written.
    ///
    /// # Errors
    /// A slot that names what there is not.
    pub fn text(&self, asked: &Asked<'_>, text: &str, obs: &Value) -> Result<String, ProofError> {
        if self.task.live.is_none() || !text.contains("{{") {
            return Ok(text.to_owned());
        }
        expression::fill(text, &self.context(obs)).map_err(|error| asked.unfit(error))
    }
}

impl Asked<'_> {
    fn unfit(&self, error: ExpressionError) -> ProofError {
        ProofError::Unfit {
            question: self.question.id.value.clone(),
            error,
        }
    }

    /// The index of the answer that is right, as it is written.
    fn right(&self, answers: &[Answer], context: &Value) -> Result<usize, ProofError> {
        let mut right = Vec::new();
        for (index, answer) in answers.iter().enumerate() {
            let holds = match &answer.truth {
                Truth::Fixed(right) => *right,
                Truth::When(when) => {
                    expression::holds(&when.value, context).map_err(|error| self.unfit(error))?
                }
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
}

/// Numbers that a seed and a name give every time. Stable across releases, not secret.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over both.
        let bytes = seed.to_le_bytes().into_iter().chain(name.bytes());
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            list.swap(last, other);
        }
    }

    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    fn ask<'a>(&mut self, question: &'a Question) -> Asked<'a> {
        let (shown, second) = match &question.form {
            Form::Choice { options, reasons } => {
                (self.order(options.len()), self.order(reasons.len()))
            }
            Form::Order { steps, traps } => (self.order(steps.len() + traps.len()), Vec::new()),
            Form::Match {
                lines,
                purposes,
                ask,
            } => {
                let mut second = self.order(lines.len());
                second.truncate(*ask);
                // Lines of a trace stand in the order of the trace.
                second.sort_unstable();
                (self.order(purposes.len()), second)
            }
            Form::Text(_) => (Vec::new(), Vec::new()),
        };
        Asked {
            question,
            shown,
            second,
        }
    }
}

#[cfg(test)]
mod tests;
