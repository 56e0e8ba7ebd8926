//! The probes of this machine.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ On this machine                                                    118 lines │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ [runtime-dir]  sockets    filter: bus                                        │
//! │                                                                              │
//! │ bus        socket  0666  ada   2 h   D-Bus session bus   dbus-daemon         │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ Tab tab  r refresh  / filter  Esc back  ? keys  q quit                       │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::lesson::Slot;
use super::super::model::Model;
use super::super::paint;
use super::super::probes::{ProbesState, Typing};
use super::{chrome, spinner};
use crate::probe::Name;
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;

/// Draws the probes.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &ProbesState,
    theme: Theme,
) {
    let title = Line::of(Role::Heading, "On this machine");
    let lines = &state.text.lines;
    let slot = state.slots.get(state.name());
    let right = match slot {
        Some(Slot::Collecting(_)) => format!("{} collecting", spinner(model.ticks)),
        Some(Slot::Ready(_)) => {
            let rows = usize::from(body.height).saturating_sub(2);
            let last = (state.scroll.top + rows).min(lines.len());
            let first = (state.scroll.top + 1).min(last);
            format!("lines {first}–{last} of {}", lines.len())
        }
        _ => String::new(),
    };
    let back = match state.filter.value() {
        "" => "",
        _ => "show all",
    };
    let (place, keys): (_, &[(Action, &str)]) = match state.typing {
        Typing::Yes => (
            Place::Typing,
            &[
                (Action::Accept, "keep the filter"),
                (Action::Leave, "show all"),
            ],
        ),
        Typing::No => (
            Place::Probes,
            &[
                (Action::NextTab, ""),
                (Action::Refresh, ""),
                (Action::Filter, ""),
                (Action::Up, ""),
                (Action::Back, back),
            ],
        ),
    };
    chrome(buffer, area, (&title, &right), (place, keys), theme);
    paint::line(buffer, body, 0, &head(state), theme);
    let below = Rect {
        y: body.y + 2,
        height: body.height.saturating_sub(2),
        ..body
    };
    if let Some(Slot::Failed(message)) = slot {
        let text = format!("It could not be collected: {message}");
        paint::line(buffer, below, 0, &Line::of(Role::Warning, text), theme);
    } else if lines.is_empty() && matches!(slot, Some(Slot::Ready(_))) {
        let line = Line::of(Role::Dim, "No line holds this text. Esc shows all.");
        paint::line(buffer, below, 0, &line, theme);
    } else {
        paint::lines(
            buffer,
            below,
            &lines[state.scroll.top.min(lines.len())..],
            theme,
        );
    }
}

fn head(state: &ProbesState) -> Line {
    let mut line = Line::empty();
    for (index, name) in Name::ALL.iter().map(|name| name.as_str()).enumerate() {
        if index == state.shown {
            line.push(Role::Key, "[");
            line.push(Role::Strong, name);
            line.push(Role::Key, "] ");
        } else {
            line.push(Role::Dim, format!(" {name}  "));
        }
    }
    let wanted = state.filter.value();
    if state.typing == Typing::Yes || !wanted.is_empty() {
        line.push(Role::Plain, "   only lines with: ");
        line.push(Role::Value, wanted);
        if state.typing == Typing::Yes {
            line.push(Role::Key, "▏");
        }
    }
    line
}
