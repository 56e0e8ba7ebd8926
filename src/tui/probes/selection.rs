//! Which row is selected: by what it is, never by where it stands. Pure.

use super::live::{Board, Row};
use crate::probe::Probed;
use crate::render::probe::list::Key;
use crate::tui::action::Action;

/// What is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// What is wanted.
    pub wanted: Wanted,
    /// Where it stands among the rows that are shown, if it does; else where it stood last.
    pub at: usize,
}

/// Which row is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Whichever comes first.
    #[default]
    First,
    /// The row with this key.
    Key(Key),
    /// The socket with this inode, which was not found yet; how many looks there were when it was
    /// asked for.
    Socket {
        /// Its inode.
        inode: u32,
        /// Looks before.
        looks: usize,
    },
}

/// What became of what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is among the rows that are shown.
    Here,
    /// It is not.
    Missing,
}

impl Selected {
    /// The key of the row, once it is known.
    pub fn key(&self) -> Option<&Key> {
        match &self.wanted {
            Wanted::Key(key) => Some(key),
            _ => None,
        }
    }

    /// Finds the row again among those that are shown.
    pub fn find(&mut self, board: &Board, rows: &[Row]) -> Found {
        if let Wanted::Socket { inode, .. } = self.wanted
            && let Some(key) = socket(board, inode)
        {
            self.wanted = Wanted::Key(key);
        }
        let Wanted::Key(key) = &self.wanted else {
            return Found::Missing;
        };
        let is_it = |row: &Row| {
            board
                .entry(*row)
                .is_some_and(|(entry, _)| entry.key == *key)
        };
        // Mostly it has not moved.
        if rows.get(self.at).is_some_and(is_it) {
            return Found::Here;
        }
        match rows.iter().position(is_it) {
            Some(at) => {
                self.at = at;
                Found::Here
            }
            None => Found::Missing,
        }
    }

    /// Selects the row at a place, or the last one.
    pub fn choose(&mut self, at: usize, board: &Board, rows: &[Row]) {
        self.at = at.min(rows.len().saturating_sub(1));
        let entry = rows.get(self.at).and_then(|row| board.entry(*row));
        self.wanted = entry.map_or(Wanted::First, |(entry, _)| Wanted::Key(entry.key.clone()));
    }

    /// Where a moving action leads, of `total` rows of which `shown` are on the screen. `None`:
    /// it moves nothing.
    pub fn moved(&self, action: Action, shown: usize, total: usize) -> Option<usize> {
        let page = shown.saturating_sub(1).max(1);
        let half = (shown / 2).max(1);
        let at = match action {
            Action::Up => self.at.saturating_sub(1),
            Action::Down => self.at + 1,
            Action::PageUp => self.at.saturating_sub(page),
            Action::PageDown => self.at + page,
            Action::HalfPageUp => self.at.saturating_sub(half),
            Action::HalfPageDown => self.at + half,
            Action::Home => 0,
            Action::End => total,
            _ => return None,
        };
        Some(at.min(total.saturating_sub(1)))
    }
}

/// The key of the socket with this inode.
fn socket(board: &Board, inode: u32) -> Option<Key> {
    let Probed::Sockets(seen) = &board.look.as_ref()?.probed else {
        return None;
    };
    let found = seen.sockets.iter().find(|row| row.inode == inode)?;
    Some(Key::Socket(found.cookie))
}
