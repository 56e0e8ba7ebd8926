//! The scripts that can be stepped through, as a list of which one is selected.

use std::sync::Arc;

use super::super::action::Action;
use super::super::scroll::Scroll;
use crate::curriculum::model::Scripts;
use crate::curriculum::problem::SourceFile;

/// The list of scripts.
#[derive(Clone, Debug)]
pub struct ListState {
    /// The scripts.
    pub scripts: Arc<Scripts>,
    /// Which one is selected.
    pub selected: usize,
    /// Where the list is scrolled to.
    pub scroll: Scroll,
}

/// Rows that a script takes: its title, what it is about, and a blank one.
pub const ROWS: usize = 4;

impl ListState {
    /// The list with its first script selected.
    pub fn new(scripts: Arc<Scripts>) -> Self {
        Self {
            scripts,
            selected: 0,
            scroll: Scroll::default(),
        }
    }

    /// The selected script.
    pub fn script(&self) -> Option<&Arc<SourceFile>> {
        self.scripts.files.get(self.selected)
    }

    /// Moves the selection; false when the action is no move. `rows` lines are shown.
    pub fn act(&mut self, action: Action, rows: usize) -> bool {
        let page = (rows / ROWS).max(1);
        let last = self.scripts.files.len().saturating_sub(1);
        self.selected = match action {
            Action::Up => self.selected.saturating_sub(1),
            Action::Down => (self.selected + 1).min(last),
            Action::PageUp | Action::HalfPageUp => self.selected.saturating_sub(page),
            Action::PageDown | Action::HalfPageDown => (self.selected + page).min(last),
            Action::Home => 0,
            Action::End => last,
            _ => return false,
        };
        let line = self.selected * ROWS;
        self.scroll.reveal(line, line + ROWS, rows);
        true
    }
}
