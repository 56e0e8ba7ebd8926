//! Search, over the screen.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ Search                                                               3 found │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ > boundaries▏                                                                │
//! │                                                                              │
//! │ Bytes, not messages                                 lesson, AF_UNIX sockets  │
//! │     … keep the boundaries of your writes? …                                  │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ↑↓ move  Enter open  Esc leave                                               │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::super::action::{Action, Place};
use super::super::paint;
use super::super::search::Search;
use super::super::update::hits_shown;
use super::super::words::{cut, with_right};
use super::{body, chrome};
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;

/// Draws the search.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, search: &Search, theme: Theme) {
    Clear.render(area, buffer);
    let title = Line::of(Role::Heading, "Search");
    let wanted = search.field.value();
    let right = if wanted.trim().is_empty() {
        String::new()
    } else {
        format!("{} found", search.hits.len())
    };
    let keys = [(Action::Up, ""), (Action::Accept, ""), (Action::Leave, "")];
    chrome(
        buffer,
        area,
        (&title, &right),
        (Place::Search, &keys),
        theme,
    );
    let body = body(area);
    let width = usize::from(body.width);
    let field = Line::of(Role::Key, "> ")
        .with(Role::Value, wanted)
        .with(Role::Key, "▏");
    paint::line(buffer, body, 0, &field, theme);
    if wanted.trim().is_empty() {
        let line = Line::of(Role::Dim, "Type words; all titles and texts are searched.");
        paint::line(buffer, body, 2, &line, theme);
        return;
    }
    let shown = hits_shown(body.height.into());
    let hits = search.hits.iter().enumerate();
    for (row, (index, hit)) in hits.skip(search.scroll.top).take(shown).enumerate() {
        let line = with_right(
            Line::of(Role::Strong, hit.title.as_str()),
            &hit.place,
            width,
        );
        paint::line(buffer, body, 2 + 2 * row, &line, theme);
        let excerpt = Line::of(Role::Dim, format!("    {}", hit.excerpt));
        paint::line(buffer, body, 3 + 2 * row, &cut(excerpt, width), theme);
        if index == search.selected {
            paint::select(buffer, body, 2 + 2 * row);
        }
    }
}
