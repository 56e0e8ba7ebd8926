//! Words of the glossary that the page below uses, over it.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ Words on this page                                                   3 found │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ backlog                                                                      │
//! │     How many connections may wait for accept.                                │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ↑↓ move  Enter open  Esc leave                                               │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::super::action::{Action, Place};
use super::super::form::page::markdown;
use super::super::paint;
use super::super::scroll::Scroll;
use super::super::terms::Terms;
use super::{body, centred, chrome};
use crate::curriculum::glossary::Term;
use crate::render::text::{Line, Role, Text};
use crate::render::theme::Theme;
use crate::tui::model::Size;
use crate::untrusted::readable;

/// Draws the words.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    terms: &Terms,
    glossary: &[Term],
    theme: Theme,
) {
    Clear.render(area, buffer);
    let title = Line::of(Role::Heading, "Words on this page");
    let right = format!("{} found", terms.found.len());
    let keys = [(Action::Up, ""), (Action::Accept, ""), (Action::Leave, "")];
    chrome(buffer, area, (&title, &right), (Place::Terms, &keys), theme);
    let body = centred(body(area), Size::PAGE);
    let mut text = Text::new();
    let mut shown = 0..0;
    for (at, &place) in terms.found.iter().enumerate() {
        let Some(term) = glossary.get(place) else {
            continue;
        };
        let start = text.lines.len();
        let sign = if at == terms.selected { "▸ " } else { "  " };
        let name = readable(&term.name.value).into_owned();
        text.line(Line::of(Role::Key, sign).with(Role::Strong, name));
        let says = markdown(
            &term.says,
            usize::from(body.width).saturating_sub(4).max(20),
        );
        for line in says.lines {
            let mut row = Line::of(Role::Plain, "    ");
            row.spans.extend(line.spans);
            text.line(row);
        }
        if at == terms.selected {
            shown = start..text.lines.len();
        }
    }
    let mut scroll = Scroll::default();
    scroll.reveal(shown.start, shown.end, body.height.into());
    paint::lines(
        buffer,
        body,
        &text.lines[scroll.top.min(text.lines.len())..],
        theme,
    );
}
