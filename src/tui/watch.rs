//! The screen of `probe NAME --watch`: one picture, drawn anew when something changed, and below it
//! what changed last.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ probe runtime-dir, every 2 s                           last change 10:31:07  │
//! │ Runtime directory /run/user/1000                                             │
//! │ From XDG_RUNTIME_DIR. On a tmpfs of its own, at most 386.6 MiB.              │
//! │ …                                                                            │
//! │ Changes                                                                      │
//! │ 10:31:07 ~ bus: socket.clients 1 -> 2                                        │
//! │ 10:31:05 + wayland-1, socket, listening, sway 1051                           │
//! │ q quit  ↑↓ PgUp PgDn scroll                                  lines 1–12 of 40│
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! When to look and what woke us is the command's; here are the keys, the scrolling and the drawing.

use std::io;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use super::action::Action;
use super::event::Event;
use super::keyboard::Decoder;
use super::paint;
use super::scroll::Scroll;
use super::terminal::Screen;
use crate::render::text::{Line, Role, Text};
use crate::render::theme::Theme;

/// Lines of changes that are kept on the screen at most: a third of its height, and not more.
const NEWS: usize = 8;

/// The screen, taken over until it is dropped.
#[derive(Debug)]
pub struct WatchScreen {
    screen: Screen,
    decoder: Decoder,
    theme: Theme,
    view: View,
}

/// What is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// What is watched, and how often.
    pub title: String,
    /// When something changed last.
    pub last_change: String,
    /// The picture.
    pub picture: Text,
    /// What changed: the newest first.
    pub news: Vec<Line>,
    scroll: Scroll,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To end.
    Quit,
    /// To end as by Ctrl-C.
    Interrupt,
    /// To stop until the shell continues us.
    Suspend,
    /// To see another part.
    Move(Action),
}

impl WatchScreen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When standard output is no terminal, or has gone.
    pub fn take(theme: Theme, title: String) -> io::Result<Self> {
        Ok(Self {
            screen: Screen::take()?,
            decoder: Decoder::default(),
            theme,
            view: View {
                title,
                ..View::default()
            },
        })
    }

    /// What is on it.
    pub fn view(&mut self) -> &mut View {
        &mut self.view
    }

    /// How many columns it has.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn columns(&mut self) -> io::Result<usize> {
        Ok(self.screen.terminal().size()?.width.into())
    }

    /// What these bytes from the keyboard ask for.
    pub fn wishes(&mut self, bytes: &[u8]) -> Vec<Wish> {
        let mut events = self.decoder.feed(bytes);
        // An escape that stands alone means nothing here; what follows it later is a key of its own.
        events.extend(self.decoder.settle());
        events.iter().filter_map(wish).collect()
    }

    /// Shows another part of the picture.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn scroll(&mut self, action: Action) -> io::Result<()> {
        let size = self.screen.terminal().size()?;
        let rows = self.view.rows(size.height.into());
        let total = self.view.picture.lines.len();
        self.view.scroll.apply(action, rows, total);
        self.draw()
    }

    /// Draws what differs from what is on the screen.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn draw(&mut self) -> io::Result<()> {
        let (view, theme) = (&mut self.view, self.theme);
        let drawn = self.screen.terminal().draw(|frame: &mut Frame| {
            let area = frame.area();
            let rows = view.rows(area.height.into());
            view.scroll.clamp(rows, view.picture.lines.len());
            draw(frame.buffer_mut(), area, view, theme);
        });
        drawn.map(drop)
    }

    /// Gives the terminal back while something else has it, and takes it over again.
    ///
    /// # Errors
    /// What `meanwhile` fails with, or when the terminal has gone.
    pub fn lend(&mut self, meanwhile: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.screen.restore();
        meanwhile()?;
        self.screen.take_again()
    }
}

impl View {
    /// Puts changes on top of the earlier ones.
    pub fn tell(&mut self, changes: Text) {
        let mut news = changes.lines;
        news.append(&mut self.news);
        news.truncate(NEWS);
        self.news = news;
    }

    /// Lines of changes that are shown on a screen of this height.
    fn told(&self, height: usize) -> usize {
        self.news.len().min(height / 3)
    }

    /// Lines of the picture that are shown on a screen of this height.
    fn rows(&self, height: usize) -> usize {
        let told = self.told(height);
        height.saturating_sub(2 + told + usize::from(told > 0))
    }
}

fn wish(event: &Event) -> Option<Wish> {
    let Event::Key(KeyEvent {
        code, modifiers, ..
    }) = event
    else {
        return None;
    };
    let control = modifiers.contains(KeyModifiers::CONTROL);
    Some(match code {
        KeyCode::Char('c') if control => Wish::Interrupt,
        KeyCode::Char('z') if control => Wish::Suspend,
        KeyCode::Char('q') => Wish::Quit,
        KeyCode::Up | KeyCode::Char('k') => Wish::Move(Action::Up),
        KeyCode::Down | KeyCode::Char('j') => Wish::Move(Action::Down),
        KeyCode::PageUp | KeyCode::Char('b') => Wish::Move(Action::PageUp),
        KeyCode::PageDown | KeyCode::Char(' ') => Wish::Move(Action::PageDown),
        KeyCode::Home | KeyCode::Char('g') => Wish::Move(Action::Home),
        KeyCode::End | KeyCode::Char('G') => Wish::Move(Action::End),
        _ => return None,
    })
}

fn draw(buffer: &mut Buffer, area: Rect, view: &View, theme: Theme) {
    let height = usize::from(area.height);
    let width = usize::from(area.width);
    let (rows, told) = (view.rows(height), view.told(height));
    let head = Line::of(Role::Strong, view.title.as_str());
    let last = Line::of(Role::Dim, view.last_change.as_str());
    paint::line(buffer, area, 0, &ends(head, &last, width), theme);
    let from = view.scroll.top.min(view.picture.lines.len());
    let shown = view.picture.lines[from..].iter().take(rows);
    for (row, line) in shown.enumerate() {
        paint::line(buffer, area, row + 1, line, theme);
    }
    if told > 0 {
        let heading = Line::of(Role::Heading, "Changes");
        paint::line(buffer, area, rows + 1, &heading, theme);
        for (row, line) in view.news.iter().take(told).enumerate() {
            paint::line(buffer, area, rows + 2 + row, line, theme);
        }
    }
    if height > 1 {
        let mut keys = Line::empty();
        for (key, meaning) in [("q", "quit"), ("↑↓ PgUp PgDn", "scroll")] {
            keys.push(Role::Key, key);
            keys.push(Role::Dim, format!(" {meaning}  "));
        }
        let total = view.picture.lines.len();
        let last = (from + rows).min(total);
        let place = format!("lines {}–{last} of {total}", (from + 1).min(last));
        let foot = ends(keys, &Line::of(Role::Dim, place), width);
        paint::line(buffer, area, height - 1, &foot, theme);
    }
}

/// One line at the left edge and another at the right one, as far as both have room.
fn ends(mut left: Line, right: &Line, width: usize) -> Line {
    let used = left.width() + right.width();
    if used < width {
        left.push(Role::Plain, " ".repeat(width - used));
        left.spans.extend(right.spans.iter().cloned());
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::theme::Palette;

    fn text(lines: &[&str]) -> Text {
        Text {
            lines: lines
                .iter()
                .map(|line| Line::of(Role::Plain, *line))
                .collect(),
        }
    }

    fn drawn(view: &View, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        draw(&mut buffer, area, view, Theme::new(Palette::Bare));
        let cells = |row: u16| (0..width).map(move |column| (column, row));
        (0..height)
            .map(|row| {
                let line: String = cells(row).map(|at| buffer[at].symbol()).collect();
                line.trim_end().to_owned()
            })
            .collect()
    }

    #[test]
    fn the_picture_stands_above_its_changes() {
        let mut view = View {
            title: "probe fds, every 2 s".to_owned(),
            last_change: "last change 10:31:07".to_owned(),
            picture: text(&["one", "two", "three", "four", "five", "six"]),
            ..View::default()
        };
        view.tell(text(&["10:31:05 + a"]));
        view.tell(text(&["10:31:07 - b"]));
        assert_eq!(
            drawn(&view, 46, 9),
            [
                "probe fds, every 2 s      last change 10:31:07",
                "one",
                "two",
                "three",
                "four",
                "Changes",
                "10:31:07 - b",
                "10:31:05 + a",
                "q quit  ↑↓ PgUp PgDn scroll     lines 1–4 of 6",
            ]
            .map(str::to_owned)
        );
    }

    #[test]
    fn the_smallest_screens_are_drawn_all_the_same() {
        let mut view = View {
            picture: text(&["one", "two"]),
            ..View::default()
        };
        view.tell(text(&["news"]));
        for (width, height) in [(1, 1), (3, 2), (10, 3), (1, 0), (0, 1)] {
            drawn(&view, width, height);
        }
    }

    #[test]
    fn keys_ask_for_what_they_say() {
        let mut decoder = Decoder::default();
        let events = decoder.feed(b"q\x03\x1a\x1b[6~kx");
        let wishes: Vec<Wish> = events.iter().filter_map(wish).collect();
        assert_eq!(
            wishes,
            [
                Wish::Quit,
                Wish::Interrupt,
                Wish::Suspend,
                Wish::Move(Action::PageDown),
                Wish::Move(Action::Up),
            ]
        );
    }
}
