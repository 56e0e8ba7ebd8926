//! From text with roles to cells with styles: the only place where a role becomes a colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::render::text::{Line, Role};
use crate::render::theme::{Hue, Theme};

/// The style of a role.
pub fn style(theme: Theme, role: Role) -> Style {
    let look = theme.look(role);
    let mut style = Style::default();
    if let Some(hue) = look.fg {
        style = style.fg(match hue {
            Hue::Red => Color::Red,
            Hue::Green => Color::Green,
            Hue::Yellow => Color::Yellow,
            Hue::Blue => Color::Blue,
            Hue::Magenta => Color::Magenta,
            Hue::Cyan => Color::Cyan,
            Hue::BrightBlue => Color::LightBlue,
        });
    }
    for (set, modifier) in [
        (look.bold, Modifier::BOLD),
        (look.italic, Modifier::ITALIC),
        (look.underline, Modifier::UNDERLINED),
        (look.dim, Modifier::DIM),
        (look.reverse, Modifier::REVERSED),
    ] {
        if set {
            style = style.add_modifier(modifier);
        }
    }
    style
}

/// Writes a line at a row of `area`, cut at its right edge.
pub fn line(buffer: &mut Buffer, area: Rect, row: usize, line: &Line, theme: Theme) {
    let Ok(row) = u16::try_from(row) else {
        return;
    };
    if row >= area.height {
        return;
    }
    let y = area.y + row;
    let mut x = area.x;
    for span in &line.spans {
        let left = area.right().saturating_sub(x);
        if left == 0 {
            return;
        }
        (x, _) = buffer.set_stringn(x, y, &span.text, left.into(), style(theme, span.role));
    }
}

/// Writes lines from the top of `area` down, as many as fit.
pub fn lines(buffer: &mut Buffer, area: Rect, lines: &[Line], theme: Theme) {
    for (row, text) in lines.iter().take(area.height.into()).enumerate() {
        line(buffer, area, row, text, theme);
    }
}

/// Exchanges foreground and background of a whole row: what is selected.
pub fn select(buffer: &mut Buffer, area: Rect, row: usize) {
    let Ok(row) = u16::try_from(row) else {
        return;
    };
    if row < area.height {
        let row = Rect {
            y: area.y + row,
            height: 1,
            ..area
        };
        buffer.set_style(row, Style::default().add_modifier(Modifier::REVERSED));
    }
}
