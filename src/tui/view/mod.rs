//! Drawing: free functions from the model to cells. Nothing here changes the model or asks the
//! system. Every screen has a title above and two lines below:
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ ipc-mastery › AF_UNIX sockets › Bytes, not messages                      34 % │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ the screen                                                                   │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ Enter answer  s skip  r refresh  ? keys  q quit                              │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The lower rule gives way to a notice when there is something to tell.

mod exercise;
pub(super) mod help;
mod lesson;
mod path;
mod probes;
mod reference;
mod review;
mod search;
mod stepper;
mod task;
mod terms;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::action::{Action, Place};
use super::bindings;
use super::model::{Model, Overlay, Screen, Size};
use super::paint;
use super::words;
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, model: &Model, theme: Theme) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    let size = Size {
        columns: area.width,
        rows: area.height,
    };
    if size.is_too_small() {
        too_small(buffer, area, theme);
        return;
    }
    let body = body(area);
    match &model.screen {
        Screen::Path(state) => path::draw(buffer, area, body, model, state, theme),
        Screen::Lesson(state) => lesson::draw(buffer, area, body, model, state, theme),
        Screen::Exercise(state) => exercise::draw(buffer, area, body, model, state, theme),
        Screen::Probes(state) => probes::draw(buffer, area, body, model, state, theme),
        Screen::Reference(state) => reference::draw(buffer, area, body, model, state, theme),
        Screen::Review(state) => review::draw(buffer, area, body, model, state, theme),
        Screen::Scripts(state) => stepper::draw_list(buffer, area, body, model, state, theme),
        Screen::Stepper(state) => stepper::draw(buffer, area, body, state, theme),
        Screen::Task(state) => task::draw(buffer, area, body, model, state, theme),
    }
    match &model.overlay {
        Some(Overlay::Help(scroll)) => help::draw(buffer, area, model, scroll.top, theme),
        Some(Overlay::Search(search)) => search::draw(buffer, area, search, theme),
        Some(Overlay::Terms(words)) => {
            let glossary = model
                .pages
                .as_deref()
                .map_or(&[][..], |pages| &pages.glossary);
            terms::draw(buffer, area, words, glossary, theme);
        }
        None => {}
    }
    if let Some(notice) = model.notice.as_ref().or(model.forgetful.as_ref()) {
        let row = usize::from(area.height) - 2;
        let width = usize::from(area.width);
        let line = words::cut(Line::of(Role::Warning, format!(" {notice} ")), width);
        let rest = width.saturating_sub(line.width());
        let line = line.with(Role::Dim, "─".repeat(rest));
        paint::line(buffer, area, row, &line, theme);
    }
}

/// What is left for the screen itself.
fn body(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 2,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(4),
    }
}

/// The title, the two rules, and the keys that matter here.
fn chrome(
    buffer: &mut Buffer,
    area: Rect,
    (title, right): (&Line, &str),
    (place, keys): (Place, &[(Action, &str)]),
    theme: Theme,
) {
    let width = right.width() as u16;
    let room = usize::from(area.width.saturating_sub(width + 4));
    paint::line(
        buffer,
        inset(area),
        0,
        &words::cut(title.clone(), room),
        theme,
    );
    if width > 0 && width + 2 < area.width {
        let corner = Rect {
            x: area.right() - width - 2,
            width: width + 2,
            ..area
        };
        let right = Line::of(Role::Dim, format!(" {right} "));
        paint::line(buffer, corner, 0, &right, theme);
    }
    let rule = Line::of(Role::Dim, "─".repeat(area.width.into()));
    paint::line(buffer, area, 1, &rule, theme);
    let rows = usize::from(area.height);
    paint::line(buffer, area, rows - 2, &rule, theme);
    let keys = key_line(place, keys, area.width.saturating_sub(2).into());
    paint::line(buffer, inset(area), rows - 1, &keys, theme);
}

/// As many key hints as fit; the last ones, help and quit, always do.
fn key_line(place: Place, keys: &[(Action, &str)], width: usize) -> Line {
    let hint = |action: Action, word: &str| {
        let key = match action {
            Action::Choose(most) | Action::Start(most) | Action::Follow(most) if most > 2 => {
                format!("1–{most}")
            }
            Action::Choose(2) | Action::Start(2) | Action::Follow(2) => "1, 2".to_owned(),
            Action::Choose(_) | Action::Start(_) | Action::Follow(_) => "1".to_owned(),
            Action::Up => "↑↓".to_owned(),
            action => bindings::key_for(place, action)?.to_string(),
        };
        let word = if word.is_empty() {
            action.short()
        } else {
            word
        };
        Some(Line::of(Role::Key, key).with(Role::Plain, format!(" {word}")))
    };
    let last: &[(Action, &str)] = match place {
        Place::Search | Place::Typing | Place::Prompt | Place::Terms => &[],
        Place::Help => &[(Action::Quit, "")],
        _ => &[(Action::Help, ""), (Action::Quit, "")],
    };
    let gap = "  ";
    let last: Vec<Line> = last
        .iter()
        .filter_map(|&(action, word)| hint(action, word))
        .collect();
    let reserved: usize = last.iter().map(|line| gap.len() + line.width()).sum();
    let mut out = Line::empty();
    for line in keys.iter().filter_map(|&(action, word)| hint(action, word)) {
        if out.width() + gap.len() + line.width() + reserved > width {
            break;
        }
        push_all(&mut out, line, gap);
    }
    for line in last {
        push_all(&mut out, line, gap);
    }
    out
}

fn push_all(out: &mut Line, line: Line, gap: &str) {
    if !out.spans.is_empty() {
        out.push(Role::Plain, gap);
    }
    for span in line.spans {
        out.push(span.role, span.text);
    }
}

/// The middle of `area`, as wide as a page.
fn centred(area: Rect, width: usize) -> Rect {
    let width = area.width.min(width as u16);
    Rect {
        x: area.x + (area.width - width) / 2,
        width,
        ..area
    }
}

/// Where one is: `AF_UNIX sockets › Bytes, not messages`.
fn title_of(module: &str, title: &str) -> Line {
    let mut line = Line::empty();
    if !module.is_empty() {
        line.push(Role::Dim, format!("{module} › "));
    }
    line.with(Role::Heading, title)
}

/// A sign that changes while something is pending.
fn spinner(ticks: usize) -> &'static str {
    const SIGNS: [&str; 4] = ["|", "/", "-", "\\"];
    SIGNS[ticks % SIGNS.len()]
}

fn inset(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    }
}

/// ```text
/// ┌────────────────────┐
/// │Too small: needs    │
/// │30×8. Enlarge it,   │
/// │or q to quit.       │
/// └────────────────────┘
/// ```
fn too_small(buffer: &mut Buffer, area: Rect, theme: Theme) {
    let least = Size::LEAST;
    let text = format!(
        "Too small: {}×{} is needed. Enlarge it, or q to quit.",
        least.columns, least.rows
    );
    let mut lines = vec![Line::empty()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is a line");
        if last.width() > 0 && last.width() + 1 + word.width() > area.width.into() {
            lines.push(Line::of(Role::Plain, word));
        } else {
            let gap = if last.width() > 0 { " " } else { "" };
            last.push(Role::Plain, format!("{gap}{word}"));
        }
    }
    paint::lines(buffer, area, &lines, theme);
}
