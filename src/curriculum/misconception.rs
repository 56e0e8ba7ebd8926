//! The misconception bank: beliefs that distractors and refutations name. Reads
//! `misconceptions.toml`.

use serde::Serialize;

use super::reader::{Located, Reader};

/// A belief that is natural and wrong.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Misconception {
    /// `M01`, …
    pub id: Located<String>,
    /// What is believed.
    pub belief: String,
    /// Where it is met.
    pub source: String,
    /// What the kernel does instead.
    pub fact: String,
}

impl Misconception {
    pub(super) fn read_all(top: &mut Reader<'_>) -> Vec<Self> {
        top.format();
        top.tables("misconception", "a misconception", |table| Self {
            id: table.located_text("id"),
            belief: table.text("belief"),
            source: table.text("source"),
            fact: table.text("fact"),
        })
    }
}
