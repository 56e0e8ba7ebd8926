//! The mastery path: levels, their outcomes, and the modules still to come. Reads `path.toml`.
//! What the learner has reached on it is [`crate::mastery`]'s.

use serde::Serialize;

use super::reader::{Located, Reader};

/// The path as a whole.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Path {
    /// Its name.
    pub title: String,
    /// From Awareness to Mastery.
    pub levels: Vec<Level>,
    /// Mechanisms that have no module yet.
    pub later: Vec<LaterModule>,
}

/// One of the four levels.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Level {
    /// 1 to 4.
    pub number: u32,
    /// `Awareness`, `Comprehension`, `Application`, `Mastery`.
    pub name: String,
    /// About how long it takes, in words.
    pub pace: String,
    /// What someone at this level can do.
    pub outcomes: Vec<Outcome>,
}

/// Something a learner can do, and what gives evidence of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// `O1` to `O16`.
    pub id: String,
    /// What the learner can do: a sentence.
    pub text: String,
    /// Slugs of the lessons that lead to it; empty while none is written.
    pub lessons: Vec<Located<String>>,
    /// Slugs of the exercises that show it; empty while none is written.
    pub exercises: Vec<Located<String>>,
    /// What gives evidence that it is reached.
    pub evidence: Vec<Evidence>,
}

/// A piece of evidence that can be earned.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The questions of these lessons, answered right in reviews.
    Retrieval(Vec<Located<String>>),
    /// A task, by its slug.
    Task(Located<String>),
    /// An exercise passed, by its slug.
    Exercise(Located<String>),
}

impl Default for Evidence {
    fn default() -> Self {
        Self::Retrieval(Vec::new())
    }
}

impl Evidence {
    fn read(table: &mut Reader<'_>) -> Self {
        let task = table.optional_text("task");
        let exercise = table.optional_text("exercise");
        let retrieval = table.texts("retrieval");
        let named = [task.is_some(), exercise.is_some(), !retrieval.is_empty()];
        if named.into_iter().filter(|&named| named).count() != 1 {
            let help = "Write one of `task`, `exercise` and `retrieval`.".to_owned();
            let message =
                "a piece of evidence is one task, one exercise, or the retrieval of lessons";
            table.problem(table.span(), message, Some(help));
        }
        match (task, exercise) {
            (Some(task), _) => Self::Task(task),
            (None, Some(exercise)) => Self::Exercise(exercise),
            (None, None) => Self::Retrieval(retrieval),
        }
    }
}

/// A mechanism that has no module yet.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LaterModule {
    /// Its name.
    pub title: String,
    /// What it will be about: a clause.
    pub topics: String,
    /// `Core`, `Intermediate` or `Advanced`.
    pub level: String,
}

impl Path {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        Self {
            title: top.text("title"),
            levels: top.tables("level", "a level", |level| Level {
                number: level.integer("number", 1..10) as u32,
                name: level.text("name"),
                pace: level.text("pace"),
                outcomes: level.tables("outcome", "an outcome", |outcome| Outcome {
                    id: outcome.text("id"),
                    text: outcome.text("text"),
                    lessons: outcome.texts("lessons"),
                    exercises: outcome.texts("exercises"),
                    evidence: outcome.tables("evidence", "a piece of evidence", Evidence::read),
                }),
            }),
            later: top.tables("later", "a later module", |later| LaterModule {
                title: later.text("title"),
                topics: later.text("topics"),
                level: later.text("level"),
            }),
        }
    }
}
