//! The rows that are on the screen, each with its mark; no others are drawn.
//!
//! ```text
//!   STATE      NAME                PROCESS      PID
//! + listening  /run/user/1000/bus  dbus-daemon 1042
//! ▸~connected  → /run/user/1000/…  sway        1051     selected, while its page has the keys
//! - connected                      grim        4711     gone: shown once
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::paint;
use super::super::super::probes::history::Focus;
use super::super::super::probes::live::Mark;
use super::super::super::probes::{Panes, ProbesState};
use crate::render::text::{Line, Role, Span};
use crate::render::theme::Theme;

/// Draws them.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    state: &ProbesState,
    panes: Panes,
    theme: Theme,
) {
    let Some((board, look)) = state.board().zip(state.look()) else {
        return;
    };
    let Some(listing) = &look.listing else { return };
    let frame = listing.frame(panes.list);
    let mut titles = Line::of(Role::Plain, " ".repeat(Panes::MARKS));
    titles.spans.extend(frame.titles(listing).spans);
    paint::line(buffer, area, 0, &titles, theme);
    let view = state.view();
    let rows = state.rows.iter().enumerate().skip(view.scroll.top);
    for (place, (at, row)) in rows.take(panes.rows).enumerate() {
        let Some((entry, from)) = board.entry(*row) else {
            continue;
        };
        let Some(theirs) = &from.listing else {
            continue;
        };
        let mark = board.mark(*row);
        let is_selected = at == view.selected.at && view.selected.key() == Some(&entry.key);
        let (role, sign) = match mark {
            Some(mark @ Mark::New) => (Role::Good, mark.sign()),
            Some(mark @ Mark::Changed) => (Role::Warning, mark.sign()),
            Some(mark @ Mark::Gone) => (Role::Dim, mark.sign()),
            None if entry.is_note() => (Role::Warning, "!"),
            None => (Role::Plain, " "),
        };
        let pointer = match (is_selected, view.focus) {
            (true, Focus::Page) => "▸",
            _ => "",
        };
        let mut line = Line::of(Role::Key, pointer).with(role, sign);
        let left = Panes::MARKS.saturating_sub(line.width());
        line.push(Role::Plain, " ".repeat(left));
        let drawn = frame.line(theirs, &from.probed, entry);
        line.spans
            .extend(drawn.spans.into_iter().map(|span| match mark {
                Some(Mark::Gone) => Span::new(Role::Dim, span.text),
                _ => span,
            }));
        paint::line(buffer, area, 1 + place, &line, theme);
        if is_selected && view.focus == Focus::List {
            paint::select(buffer, area, 1 + place);
        }
    }
    let is_row = |row| board.entry(row).is_some_and(|(entry, _)| !entry.is_note());
    if !state.rows.iter().any(|&row| is_row(row)) {
        let words = match listing.rows() {
            0 => "There is none.",
            _ if view.filter.is_as(&view.home) => "None fits. Esc goes back.",
            _ => "None fits. Esc shows all.",
        };
        let below = 1 + state.rows.len();
        paint::line(buffer, area, below, &Line::of(Role::Dim, words), theme);
    }
}
