//! The keys of the screen below, over it.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ Keys                                                                         │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ A lesson                                                                     │
//! │   Enter           Give the chosen answer, run the experiment, or type        │
//! │   s               Go on without answering                                    │
//! │ Moving                                                                       │
//! │   …                                                                          │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ↑↓ move  Esc back                                                            │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::super::action::{Action, Place};
use super::super::bindings::{self, BINDINGS};
use super::super::model::Model;
use super::super::paint;
use super::{body, chrome};
use crate::render::text::{Line, Role, Text};
use crate::render::theme::Theme;

/// Draws the keys, `top` lines further down.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, top: usize, theme: Theme) {
    Clear.render(area, buffer);
    let title = Line::of(Role::Heading, "Keys");
    let keys = [(Action::Up, ""), (Action::Back, "")];
    chrome(buffer, area, (&title, ""), (Place::Help, &keys), theme);
    let text = text(model.screen_place());
    let body = body(area);
    let top = top.min(text.lines.len().saturating_sub(body.height.into()));
    paint::lines(buffer, body, &text.lines[top..], theme);
}

/// All keys that hold in a place, grouped.
pub(in crate::tui) fn text(place: Place) -> Text {
    let mut text = Text::new();
    for &place in place.chain() {
        if !text.lines.is_empty() {
            text.blank();
        }
        text.line(Line::of(Role::Heading, place.title()));
        for binding in BINDINGS.iter().filter(|binding| binding.place == place) {
            let keys = format!("  {:<20}", bindings::keys_text(binding));
            text.line(Line::of(Role::Key, keys).with(Role::Plain, binding.action.sentence()));
        }
    }
    text
}
