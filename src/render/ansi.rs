//! Text with roles as characters with escape sequences, and how wide the terminal is.
//!
//! The only place that writes SGR sequences. Whether to write them at all is the theme's decision
//! ([`super::theme`]); who gets them is [`crate::commands::context`]'s.

use std::env;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use super::text::{Role, Sink, Text};
use super::theme::{Hue, Look, Theme};

/// Prose wider than this is tiring to read, however wide the terminal is. Columns.
pub const READING_WIDTH: usize = 80;

/// What is assumed when neither `$COLUMNS` nor the terminal says. Columns.
pub const DEFAULT_WIDTH: usize = 80;

/// The smallest width anything is laid out for. Columns.
pub const MINIMUM_WIDTH: usize = 20;

/// The text as a string, with escape sequences as the theme has them; each line ends with a line
/// feed, and every style ends before it.
pub fn paint(text: &Text, theme: Theme) -> String {
    let mut out = Vec::new();
    let mut painter = Painter::new(&mut out, theme);
    painter.text(text);
    painter.finish().expect("writing to memory cannot fail");
    String::from_utf8(out).expect("what was painted is text")
}

/// Writes what is drawn, with escape sequences as the theme has them.
pub struct Painter<W: Write> {
    out: W,
    theme: Theme,
    /// What is not written yet.
    painted: String,
    /// What stands before and after a piece of each role that was seen.
    styles: Vec<(Role, String, String)>,
    /// The first error; nothing is written after it.
    failed: Option<io::Error>,
}

/// How much is painted before it is written, in bytes.
const CHUNK: usize = 32 * 1024;

impl<W: Write> Painter<W> {
    /// Paints onto `out`.
    pub fn new(out: W, theme: Theme) -> Self {
        Self {
            out,
            theme,
            painted: String::new(),
            styles: Vec::new(),
            failed: None,
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When anything could not be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.write();
        match self.failed {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn write(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(self.painted.as_bytes()).err();
        }
        self.painted.clear();
    }

    fn style_of(&mut self, role: Role) -> usize {
        let known = self.styles.iter().position(|(known, ..)| *known == role);
        known.unwrap_or_else(|| {
            let style = style(self.theme.look(role));
            let ends = (role, format!("{style}"), format!("{style:#}"));
            self.styles.push(ends);
            self.styles.len() - 1
        })
    }
}

impl<W: Write> Sink for Painter<W> {
    fn piece(&mut self, role: Role, text: &str) {
        let at = self.style_of(role);
        let (_, before, after) = &self.styles[at];
        self.painted.push_str(before);
        self.painted.push_str(text);
        self.painted.push_str(after);
    }

    fn end_line(&mut self) {
        self.painted.push('\n');
        if self.painted.len() >= CHUNK {
            self.write();
        }
    }
}

/// A look as an anstyle style.
pub fn style(look: Look) -> Style {
    let mut style = Style::new().fg_color(look.fg.map(|hue| color(hue).into()));
    for (wanted, effect) in [
        (look.bold, anstyle::Effects::BOLD),
        (look.italic, anstyle::Effects::ITALIC),
        (look.underline, anstyle::Effects::UNDERLINE),
        (look.dim, anstyle::Effects::DIMMED),
        (look.reverse, anstyle::Effects::INVERT),
    ] {
        if wanted {
            style |= effect;
        }
    }
    style
}

fn color(hue: Hue) -> AnsiColor {
    match hue {
        Hue::Red => AnsiColor::Red,
        Hue::Green => AnsiColor::Green,
        Hue::Yellow => AnsiColor::Yellow,
        Hue::Blue => AnsiColor::Blue,
        Hue::Magenta => AnsiColor::Magenta,
        Hue::Cyan => AnsiColor::Cyan,
        Hue::BrightBlue => AnsiColor::BrightBlue,
    }
}

/// How wide standard output is, in columns: `$COLUMNS`, else what the terminal says (TIOCGWINSZ,
/// `ioctl_tty(2)`), else [`DEFAULT_WIDTH`]. Never less than [`MINIMUM_WIDTH`].
pub fn terminal_width() -> usize {
    let stated = env::var("COLUMNS")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .filter(|&columns| columns > 0);
    stated
        .or_else(measured_width)
        .unwrap_or(DEFAULT_WIDTH)
        .max(MINIMUM_WIDTH)
}

/// How wide prose on standard output should be: the terminal, but not more than
/// [`READING_WIDTH`].
pub fn reading_width() -> usize {
    terminal_width().min(READING_WIDTH)
}

/// What the terminal says; `None` when standard output is none, or when it does not know (0).
fn measured_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    terminal_size().map(|(columns, _)| columns)
}

/// Columns and rows of the terminal (TIOCGWINSZ, `ioctl_tty(2)`); `None` when there is none, or it
/// does not know.
pub fn terminal_size() -> Option<(usize, usize)> {
    ratatui::crossterm::terminal::size()
        .ok()
        .map(|(columns, rows)| (usize::from(columns), usize::from(rows)))
        .filter(|&(columns, _)| columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text::{Line, Role};
    use crate::render::theme::Palette;

    fn sample() -> Text {
        Text {
            lines: vec![
                Line::of(Role::Heading, "Title"),
                Line::of(Role::Plain, "a ").with(Role::Code, "read"),
            ],
        }
    }

    #[test]
    fn every_style_ends_before_the_end_of_its_line() {
        assert_eq!(
            paint(&sample(), Theme::new(Palette::Dark)),
            "\x1b[1m\x1b[94mTitle\x1b[0m\na \x1b[36mread\x1b[0m\n"
        );
    }

    #[test]
    fn a_bare_theme_writes_characters_only() {
        assert_eq!(
            paint(&sample(), Theme::new(Palette::Bare)),
            sample().plain()
        );
    }
}
