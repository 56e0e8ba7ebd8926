//! A review.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ Review                                                                2 of 7 │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ Bytes, not messages                                                          │
//! │ A server reads 5 bytes of a 9-byte request. What does that mean?             │
//! │   ▸ 1  The rest has not arrived yet, or was not asked for.                   │
//! │     2  The client sent two messages.                                         │
//! │ Enter commits to it.                                                         │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ 1, 2 choose  Enter commit  Esc back  ? keys  q quit                          │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::model::{Model, Size};
use super::super::paint;
use super::super::review::ReviewState;
use super::task::answering;
use super::{centred, chrome};
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;

/// Draws a review.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &ReviewState,
    theme: Theme,
) {
    let title = Line::of(Role::Heading, "Review");
    let right = match state.current {
        Some(_) => format!("{} of {}", state.number, state.of()),
        None => String::new(),
    };
    let mut keys = match (state.asked_form(), &state.current) {
        (Some(form), _) if form.is_typing() => {
            vec![(Action::Accept, "answer"), (Action::Leave, "")]
        }
        (Some(form), _) => answering(form),
        (None, Some(_)) => vec![(Action::Commit, "go on"), (Action::Lesson, "")],
        (None, None) => vec![(Action::Commit, "go back")],
    };
    let place = match state.asked_form() {
        Some(form) if form.is_typing() => Place::Typing,
        _ => {
            keys.extend([(Action::PageDown, "page"), (Action::Back, "")]);
            model.screen_place()
        }
    };
    chrome(buffer, area, (&title, &right), (place, &keys), theme);
    let body = centred(body, model.size.page_columns().min(Size::PAGE));
    let lines = &state.page.text.lines;
    let top = state.scroll.top.min(lines.len());
    paint::lines(buffer, body, &lines[top..], theme);
}
