//! What is known about the learner, as the screens need it: marks, answers, places.
//! Remembering it is [`crate::mastery`]'s.

use std::collections::BTreeMap;

/// How far the learner is with a lesson or an exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Not opened yet.
    #[default]
    New,
    /// Opened, or tried.
    Begun,
    /// Read to the end, or passed.
    Done,
}

/// All that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// By lesson slug.
    pub lessons: BTreeMap<String, Mark>,
    /// By exercise slug.
    pub exercises: BTreeMap<String, Mark>,
}

impl Progress {
    /// How far the learner is with a lesson.
    pub fn lesson(&self, slug: &str) -> Mark {
        self.lessons.get(slug).copied().unwrap_or_default()
    }

    /// How far the learner is with an exercise.
    pub fn exercise(&self, slug: &str) -> Mark {
        self.exercises.get(slug).copied().unwrap_or_default()
    }
}
