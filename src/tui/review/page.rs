//! A review set as lines: the question on the page, what was said to its answer and when it comes
//! back; or how the review ended. Pure.

use std::ops::Range;

use super::ReviewState;
use crate::curriculum::Curriculum;
use crate::mastery::progress::Round;
use crate::mastery::review::Deck;
use crate::mastery::review::session::Worth;
use crate::render::markdown::Layout;
use crate::render::review as drawing;
use crate::render::text::{Line, Role, Text};
use crate::tui::form::page::{Focus, set as set_form};
use crate::tui::lesson::page::READING_WIDTH;

/// A review set for a width.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The lines.
    pub text: Text,
    /// The row that keys act on, where they act on one.
    pub cursor: Option<Range<usize>>,
}

/// Sets a review; `deck` is what is due now.
pub fn set(state: &ReviewState, curriculum: &Curriculum, deck: &Deck<'_>, width: usize) -> Page {
    let width = width.min(READING_WIDTH);
    let mut page = Page::default();
    let text = &mut page.text;
    let Some(current) = &state.current else {
        text.append(match state.asked {
            0 => drawing::nothing(deck, width),
            asked => drawing::ending(state.right, asked, deck, width),
        });
        text.blank();
        text.line(Line::of(Role::Key, "Enter").with(Role::Plain, " goes back."));
        return page;
    };
    let lesson = curriculum.lesson(current.lesson());
    let title = lesson.map_or("", |lesson| lesson.title.as_str());
    let once_more = match current.round {
        Round::Due => "",
        Round::OnceMore => "   once more",
    };
    text.line(Line::of(Role::Subheading, title).with(Role::Warning, once_more));
    let set = set_form(&current.form, Focus::Here, width);
    let moved = text.lines.len();
    text.append(set.text);
    page.cursor = set.cursor.map(|rows| rows.start + moved..rows.end + moved);
    if let (Some(told), Some(back)) = (&current.form.told, current.back(state.today)) {
        let worth = match told.right {
            true => Worth::Right,
            false => Worth::Wrong,
        };
        if !told.right && current.round == Round::OnceMore {
            let layout = Layout::new(width);
            text.append(drawing::solution(&current.form.wording, &told.key, layout));
        }
        let (round, today) = (current.round, state.today);
        text.append(drawing::comes_back(worth, round, back, today, width));
        text.blank();
        text.line(Line::of(Role::Key, "Enter").with(Role::Plain, " goes on."));
    }
    page
}
