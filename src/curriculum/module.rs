//! A module: one mechanism, its lessons in order. Reads `module.toml`.

use serde::Serialize;

use super::lesson::Lesson;
use super::reader::Reader;

/// One mechanism.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Module {
    /// Its slug: the directory without the leading number.
    pub slug: String,
    /// Its place on the path: the directory's leading number.
    pub number: u32,
    /// Its name.
    pub title: String,
    /// `Core`, `Intermediate` or `Advanced`; `Start` for the overview.
    pub level: String,
    /// What it is about: a sentence.
    pub summary: String,
    /// Its lessons, in order.
    pub lessons: Vec<Lesson>,
}

impl Module {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        Self {
            title: top.text("title"),
            level: top.text("level"),
            summary: top.text("summary"),
            ..Self::default()
        }
    }
}
