//! All that the screen shows, as values. Nothing here draws, waits or asks the system.

use std::sync::Arc;

use super::action::Place;
use super::path::{self, PathState};
use super::progress::Progress;
use super::scroll::Scroll;
use crate::curriculum::Curriculum;

/// Everything.
#[derive(Debug)]
pub struct Model {
    /// What is taught.
    pub curriculum: Arc<Curriculum>,
    /// What is known about the learner.
    pub progress: Progress,
    /// What is shown.
    pub screen: Screen,
    /// The screens it was opened from, oldest first.
    pub behind: Vec<Screen>,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// Columns and rows of the terminal.
    pub size: Size,
    /// Something to tell: one line, until the next key.
    pub notice: Option<String>,
}

/// A screen, with its own state.
#[derive(Debug)]
pub enum Screen {
    /// The path.
    Path(PathState),
}

/// Something over the screen.
#[derive(Debug)]
pub enum Overlay {
    /// The keys of the screen below.
    Help(Scroll),
}

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl Size {
    /// The smallest terminal in which a lesson can be read.
    pub const LEAST: Size = Size {
        columns: 30,
        rows: 8,
    };

    /// Whether it is too small.
    pub fn is_too_small(self) -> bool {
        self.columns < Self::LEAST.columns || self.rows < Self::LEAST.rows
    }

    /// Rows between the title and the last lines.
    pub fn body_rows(self) -> usize {
        usize::from(self.rows).saturating_sub(4)
    }
}

impl Model {
    /// The path, with nothing known about the learner yet.
    pub fn new(curriculum: Arc<Curriculum>, size: Size) -> Self {
        let progress = Progress::default();
        let mut state = PathState::new(&curriculum);
        state.selected = path::next(&curriculum, &progress);
        Self {
            curriculum,
            progress,
            screen: Screen::Path(state),
            behind: Vec::new(),
            overlay: None,
            size,
            notice: None,
        }
    }

    /// Rows of the tree that are shown on the path.
    pub fn path_rows(&self) -> usize {
        self.size.body_rows().saturating_sub(3).max(1)
    }

    /// Where keys are looked up.
    pub fn place(&self) -> Place {
        match &self.overlay {
            Some(Overlay::Help(_)) => Place::Help,
            None => self.screen_place(),
        }
    }

    /// Where keys would be looked up without anything over the screen.
    pub fn screen_place(&self) -> Place {
        match &self.screen {
            Screen::Path(_) => Place::Path,
        }
    }
}
