//! The page of the selected row: which look it is from, and moving among its links. Pure; what
//! it says is [`crate::render::probe::detail`]'s.

use std::sync::Arc;

use super::look::Look;
use crate::curriculum::services::Service;
use crate::render::markdown::paragraph;
use crate::render::probe::detail::{self, Detail, Link};
use crate::render::probe::list::Key;
use crate::render::text::{Line, Role, Text};
use crate::tui::action::Action;
use crate::tui::scroll::Scroll;

/// The page of the selected row.
#[derive(Debug, Default)]
pub struct Page {
    /// What it says.
    pub detail: Detail,
    /// The last look in which the selected row was there.
    kept: Option<(Key, Arc<Look>)>,
}

impl Page {
    /// Writes the page of a row that is in a look.
    pub fn set(&mut self, key: &Key, look: &Arc<Look>, services: &[Service], width: usize) {
        self.keep(key, look);
        let listing = look.listing.as_ref();
        self.detail = listing
            .and_then(|listing| detail::of(&look.probed, listing, key, services, width))
            .unwrap_or_default();
    }

    /// Keeps a look in which a row was there.
    pub fn keep(&mut self, key: &Key, look: &Arc<Look>) {
        self.kept = Some((key.clone(), Arc::clone(look)));
    }

    /// Writes the page of a row that is not there any more, from the look that was kept.
    pub fn set_gone(&mut self, key: &Key, services: &[Service], width: usize) {
        let kept = self.kept.take().filter(|(kept, _)| kept == key);
        let Some((_, look)) = kept else {
            return self.say("It is not there any more.", width);
        };
        self.set(key, &look, services, width);
        let words = "It is not there any more. This is what was seen last.";
        let mut text = paragraph(Role::Warning, words, width);
        text.blank();
        text.append(std::mem::take(&mut self.detail.text));
        self.detail.text = text;
    }

    /// Writes a sentence instead of a page.
    pub fn say(&mut self, words: &str, width: usize) {
        self.kept = None;
        self.detail = Detail {
            text: paragraph(Role::Dim, words, width),
            ..Detail::default()
        };
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.detail = Detail::default();
    }

    /// The link that a digit stands for, counted from 1.
    pub fn link(&self, number: usize) -> Option<&Link> {
        self.detail.links.get(number.checked_sub(1)?)
    }

    /// How many lines of its text are on the screen, of `lines` for all: what leads on is always
    /// there, below a blank one; and one tells when there is more text.
    pub fn text_lines(&self, lines: usize) -> usize {
        let ways = self.detail.ways.lines.len();
        let below = if ways == 0 { 0 } else { ways + 1 };
        let room = lines.saturating_sub(below).max(1);
        if self.detail.text.lines.len() > room {
            room.saturating_sub(1).max(1)
        } else {
            room
        }
    }

    /// Does what a moving action asks for: up and down go from link to link, then by lines.
    /// False when the action moves nothing.
    pub fn step(
        &self,
        action: Action,
        scroll: &mut Scroll,
        link: &mut usize,
        lines: usize,
    ) -> bool {
        let next = match action {
            Action::Up => link.checked_sub(1),
            Action::Down => Some(*link + 1),
            _ => None,
        };
        if let Some(next) = next.filter(|&next| next < self.detail.links.len()) {
            *link = next;
            return true;
        }
        let total = self.detail.text.lines.len();
        scroll.apply(action, self.text_lines(lines), total)
    }
}

/// The lines of a text that hold `wanted`, in whatever case, and the headings of tables; all when
/// it is empty, none when only headings would be left.
pub(super) fn lines_with(text: Text, wanted: &str) -> Text {
    if wanted.is_empty() {
        return text;
    }
    let wanted = wanted.to_lowercase();
    let holds = |line: &Line| line.plain().to_lowercase().contains(&wanted);
    if !text.lines.iter().any(holds) {
        return Text::new();
    }
    let is_heading = |line: &Line| {
        let first = line.spans.first().map(|span| span.role);
        matches!(first, Some(Role::Heading | Role::Subheading))
    };
    let kept = text.lines.into_iter();
    Text {
        lines: kept
            .filter(|line| holds(line) || is_heading(line))
            .collect(),
    }
}
