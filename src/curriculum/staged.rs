//! What a task says about its scene: a live situation on the learner's machine that stands until
//! the task is over. Reads the table `[scene]` of a task. Which scenes there are, and how they are
//! set up and ended, is [`crate::experiment::scene`]'s.

use serde::Serialize;
use serde_json::{Map, Value};

use super::expression;
use super::reader::{Located, Reader};
use super::task::Draw;

/// A scene that a task is about.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Staged {
    /// Which one, by name.
    pub name: Located<String>,
    /// What is said when it stands, before the first question: markdown over `obs` and `params`.
    pub brief: String,
    /// Parameters that are always the same.
    pub params: Map<String, Value>,
    /// Parameters that are drawn.
    pub draws: Vec<Draw>,
}

impl Staged {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        let name = table.located_text("name");
        let brief = table.text("brief");
        if let Err(error) = expression::check_template(&brief) {
            table.problem(name.span.clone(), format!("`brief`: {error}"), None);
        }
        Self {
            name,
            brief,
            params: table.free_table("params"),
            draws: table.tables("draw", "a drawn parameter", Draw::read),
        }
    }
}
