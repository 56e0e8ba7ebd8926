//! A reference page: tabs, and entries of which one is selected.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ Reference                                                            12 of 74 │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │  Quick reference  [Glossary]  Misconceptions   Corrections                   │
//! │                                                                              │
//! │   abstract name: A name that begins with a zero byte … (man 7 unix)          │
//! │                                                                              │
//! │ ▸ accept: Takes the first connection that waits. (man 2 accept)              │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ↑↓ move  Tab tab  Enter lesson  / search  Esc back  ? keys  q quit           │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::model::Model;
use super::super::paint;
use super::super::reference::ReferenceState;
use super::super::reference::entries::Tab;
use super::{centred, chrome};
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;

/// Draws a reference page.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &ReferenceState,
    theme: Theme,
) {
    let title = Line::of(Role::Heading, "Reference");
    let all = state.entries.len();
    let right = match all {
        0 => String::new(),
        _ => format!("{} of {all}", state.selected + 1),
    };
    let mut keys = vec![(Action::Up, ""), (Action::NextTab, "")];
    if state.lesson().is_some() {
        keys.push((Action::Open, "lesson"));
    }
    keys.extend([(Action::Search, ""), (Action::Back, "")]);
    chrome(
        buffer,
        area,
        (&title, &right),
        (Place::Reference, &keys),
        theme,
    );
    let body = centred(body, model.size.page_columns());
    let mut line = Line::empty();
    for tab in Tab::ALL {
        if tab == state.tab {
            line.push(Role::Key, "[");
            line.push(Role::Strong, tab.title());
            line.push(Role::Key, "] ");
        } else {
            line.push(Role::Dim, format!(" {}  ", tab.title()));
        }
    }
    paint::line(buffer, body, 0, &line, theme);
    let below = Rect {
        y: body.y + 2,
        height: body.height.saturating_sub(2),
        ..body
    };
    if all == 0 {
        let none = Line::of(Role::Dim, "There is nothing on this page.");
        paint::line(buffer, below, 0, &none, theme);
        return;
    }
    let top = state.scroll.top.min(state.text.lines.len());
    paint::lines(buffer, below, &state.text.lines[top..], theme);
    // The mark stands beside every line of the entry, so that it is seen wherever one begins.
    let Some(lines) = state.lines.get(state.selected) else {
        return;
    };
    let first = state.bodies.get(state.selected).copied();
    let first = first.unwrap_or(lines.start).max(top);
    for at in first..lines.end.saturating_sub(1).max(first) {
        let empty = state.text.lines[at].plain().trim().is_empty();
        if !empty {
            let mark = Line::of(Role::Key, "▸");
            paint::line(buffer, below, at - top, &mark, theme);
        }
    }
}
