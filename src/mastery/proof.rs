//! A task drawn by a seed: what is asked, in which order it is shown, and whether an answer is
//! right. Pure: the same task and seed give the same questions everywhere and every time.
//!
//! Texts of live tasks are templates over what was drawn (`params`) and observed (`obs`).
//!
//! A question of a lesson is asked and judged alone: [`Asked::alone`].

mod asked;
mod judging;
mod key;

use serde_json::{Map, Value, json};

use crate::curriculum::dice::Dice;
use crate::curriculum::expression::{self, ExpressionError};
use crate::curriculum::question::Question;
use crate::curriculum::task::{Live, Task};

pub use asked::{Asked, Wording};
pub use judging::{Given, Judged, Note};
pub use key::{Key, Tier};

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
                params.insert(draw.name.clone(), draw.value(&mut dice));
            }
        }
        let mut pool: Vec<&Question> = task.questions.iter().collect();
        // A pool is asked in any order; questions that build on each other are all asked, in turn.
        if task.ask < pool.len() {
            dice.shuffle(&mut pool);
            pool.truncate(task.ask);
        }
        let asked = pool.into_iter().map(|question| {
            let mut asked = Asked::of_task(question, &mut dice);
            if task.live.is_some() {
                let params = Value::Object(params.clone());
                asked.names.insert("params".to_owned(), params);
            }
            asked
        });
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

    /// A text of a question with its slots filled; see [`Asked::text`].
    ///
    /// # Errors
    /// A slot that names what there is not.
    pub fn text(&self, asked: &Asked<'_>, text: &str, obs: &Value) -> Result<String, ProofError> {
        asked.text(text, obs)
    }

    /// Judges an answer by what was observed; see [`Asked::judge`].
    ///
    /// # Errors
    /// When what was observed is not what the task's author foresaw.
    pub fn judge(
        &self,
        asked: &Asked<'_>,
        given: &Given,
        obs: &Value,
    ) -> Result<Judged, ProofError> {
        asked.judge(given, obs)
    }
}

#[cfg(test)]
mod tests;
