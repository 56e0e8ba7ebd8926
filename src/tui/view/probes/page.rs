//! The page of the selected row, and where one can go from there.
//!
//! ```text
//! Socket 10545   stream, connected
//!
//! Name      /run/user/1000/bus: a path, as it was given to bind(2).
//! State     Connected, and both ends are open.
//! Held by   dbus-daemon (process 1042).
//!
//! its peer  1 socket 10544
//! holder dbus-daemon 1042  2 fds  3 sockets  4 creds
//! peer's sway 1051  5 fds  6 sockets  7 creds
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::paint;
use super::super::super::probes::ProbesState;
use super::super::super::probes::history::Focus;
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;

/// Draws it.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, state: &ProbesState, theme: Theme) {
    let view = state.view();
    let detail = &state.page.detail;
    let lines = &detail.text.lines;
    let top = view.page.top.min(lines.len());
    let room = state.page.text_lines(area.height.into());
    let shown = &lines[top..lines.len().min(top + room)];
    paint::lines(buffer, area, shown, theme);
    let left = lines.len() - top - shown.len();
    let mut row = shown.len();
    if left > 0 || top > 0 {
        let words = match left {
            0 => "End. Page up shows the beginning.".to_owned(),
            left => format!("… and {left} more lines: page down"),
        };
        paint::line(buffer, area, row, &Line::of(Role::Dim, words), theme);
        row += 1;
    }
    let Ok(above) = u16::try_from(row + 1) else {
        return;
    };
    let below = Rect {
        y: area.y + above.min(area.height),
        height: area.height.saturating_sub(above),
        ..area
    };
    paint::lines(buffer, below, &detail.ways.lines, theme);
    if let Some(link) = detail.links.get(view.link)
        && view.focus == Focus::Page
    {
        let columns = link.columns.clone();
        let x = below.x + columns.start as u16;
        let words = Rect {
            x,
            width: (columns.len() as u16).min(below.right().saturating_sub(x)),
            ..below
        };
        paint::select(buffer, words, link.line);
    }
}
