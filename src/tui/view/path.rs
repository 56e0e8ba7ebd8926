//! The path: modules, lessons and exercises, levels and outcomes.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ ipc-mastery  The mastery path                        2 of 5 lessons and tasks │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ▾ AF_UNIX sockets                                               1 of 4 done  │
//! │     ✓ read   What a Unix socket is                                   12 min  │
//! │   → · begun  Bytes, not messages                                     12 min  │
//! │     ·        Exercise 3: Echo server                                         │
//! │ ▸ Level 1, Awareness                                            0 of 3 done  │
//! │                                                                              │
//! │ Does a stream socket keep the boundaries of your writes?                     │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ↑↓ move  Enter open  n next  / search  p probes  ? keys  q quit              │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! `→` is where the path goes on. The three last lines say more about the selected row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::model::Model;
use super::super::paint;
use super::super::path::{self, Fold, Node, PathState, Row};
use super::super::progress::Mark;
use super::super::words::{lines_of, wrap};
use super::chrome;
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;

/// Draws the path.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &PathState,
    theme: Theme,
) {
    let title = Line::of(Role::Heading, "ipc-mastery")
        .with(Role::Plain, format!("  {}", model.curriculum.path.title));
    let nodes = path::in_order(&model.curriculum);
    let done = nodes
        .iter()
        .filter(|node| path::mark(node, &model.progress) == Mark::Done);
    let right = format!("{} of {} done", done.count(), nodes.len());
    let keys = [
        (Action::Up, ""),
        (Action::Open, ""),
        (Action::Next, ""),
        (Action::Search, ""),
        (Action::Probes, ""),
    ];
    chrome(buffer, area, (&title, &right), (Place::Path, &keys), theme);

    let next = path::next(&model.curriculum, &model.progress);
    let rows = state.rows(&model.curriculum);
    let selected = state.selected_index(&rows);
    let shown = model.path_rows();
    for (place, row) in rows.iter().enumerate().skip(state.scroll.top).take(shown) {
        let is_next = next.as_ref() == Some(&row.node);
        let line = row_line(row, is_next, model, body.width.into());
        let at = place - state.scroll.top;
        paint::line(buffer, body, at, &line, theme);
        if place == selected {
            paint::select(buffer, body, at);
        }
    }
    if let Some(row) = rows.get(selected) {
        let text = detail(&row.node, model);
        let lines = wrap(&text, body.width.into());
        let room = usize::from(body.height).saturating_sub(shown + 1);
        let area = Rect {
            y: body.y + shown as u16 + 1,
            height: room as u16,
            ..body
        };
        paint::lines(buffer, area, &lines_of(Role::Plain, lines, room), theme);
    }
}

fn row_line(row: &Row, is_next: bool, model: &Model, width: usize) -> Line {
    let curriculum = &model.curriculum;
    let sign = match row.fold {
        Fold::Leaf => "  ",
        Fold::Closed => "▸ ",
        Fold::Open => "▾ ",
    };
    let of = |(done, all): (usize, usize)| {
        if all == 0 {
            String::new()
        } else {
            format!("{done} of {all} done")
        }
    };
    let (line, right) = match &row.node {
        Node::Module(slug) => {
            let module = curriculum.module(slug);
            let title = module.map_or(slug.as_str(), |module| &module.title);
            let done = module.map(|module| path::done_in(module, curriculum, &model.progress));
            (
                Line::of(Role::Strong, format!("{sign}{title}")),
                done.map(of).unwrap_or_default(),
            )
        }
        Node::Lesson(slug) => {
            let lesson = curriculum.lesson(slug);
            let title = lesson.map_or(slug.as_str(), |lesson| &lesson.title);
            let minutes = lesson.map_or(0, |lesson| lesson.minutes);
            let mark = model.progress.lesson(slug);
            let word = match mark {
                Mark::New => "",
                Mark::Begun => "begun",
                Mark::Done => "read",
            };
            let line = marked(is_next, mark, word).with(Role::Plain, title);
            (line, format!("{minutes} min"))
        }
        Node::Exercise(slug) => {
            let exercise = curriculum.exercise(slug);
            let title = exercise.map_or_else(
                || slug.clone(),
                |exercise| format!("Exercise {}: {}", exercise.number, exercise.title),
            );
            let mark = model.progress.exercise(slug);
            let word = match mark {
                Mark::New => "",
                Mark::Begun => "tried",
                Mark::Done => "passed",
            };
            (
                marked(is_next, mark, word).with(Role::Plain, title),
                "write it".to_owned(),
            )
        }
        Node::Level(number) => {
            let level = curriculum
                .path
                .levels
                .iter()
                .find(|level| level.number == *number);
            let name = level.map_or("", |level| &level.name);
            let done = level.map(|level| path::done_at(level, &model.progress));
            (
                Line::of(Role::Strong, format!("{sign}Level {number}: {name}")),
                done.map(of).unwrap_or_default(),
            )
        }
        Node::Outcome(id) => (
            Line::of(Role::Dim, format!("    {id:<4} ")).with(Role::Plain, outcome_text(id, model)),
            String::new(),
        ),
        Node::Later => {
            let title = format!("{sign}Not written yet");
            (Line::of(Role::Strong, title), String::new())
        }
        Node::LaterModule(place) => {
            let title = curriculum
                .path
                .later
                .get(*place)
                .map_or("", |later| &later.title);
            (Line::of(Role::Dim, format!("    {title}")), String::new())
        }
    };
    with_right(line, &right, width)
}

fn marked(is_next: bool, mark: Mark, word: &str) -> Line {
    let (role, sign) = match mark {
        Mark::New => (Role::Dim, "·"),
        Mark::Begun => (Role::Warning, "~"),
        Mark::Done => (Role::Good, "✓"),
    };
    let arrow = if is_next { "  → " } else { "    " };
    Line::of(Role::Key, arrow).with(role, format!("{sign} {word:<7}"))
}

/// Puts a word at the right edge, cutting the line where it would run into it.
fn with_right(line: Line, right: &str, width: usize) -> Line {
    use unicode_width::UnicodeWidthStr;
    let room = width.saturating_sub(right.width() + 1);
    let mut out = super::super::words::cut(line, room);
    let gap = (room + 1).saturating_sub(out.width());
    out.push(Role::Plain, " ".repeat(gap));
    out.push(Role::Dim, right);
    out
}

fn outcome_text<'a>(id: &str, model: &'a Model) -> &'a str {
    let levels = model.curriculum.path.levels.iter();
    levels
        .flat_map(|level| &level.outcomes)
        .find(|outcome| outcome.id == id)
        .map_or("", |outcome| &outcome.text)
}

/// What the last lines say about the selected row.
fn detail(node: &Node, model: &Model) -> String {
    let curriculum = &model.curriculum;
    let text = match node {
        Node::Module(slug) => curriculum.module(slug).map(|module| module.summary.clone()),
        Node::Lesson(slug) => curriculum.lesson(slug).map(|lesson| lesson.asks.clone()),
        Node::Exercise(slug) => curriculum.exercise(slug).map(|one| one.summary.clone()),
        Node::Level(number) => {
            let level = curriculum
                .path
                .levels
                .iter()
                .find(|level| level.number == *number);
            level.map(|level| level.pace.clone())
        }
        Node::Outcome(id) => Some(outcome_text(id, model).to_owned()),
        Node::Later => Some("Mechanisms that will get a module.".to_owned()),
        Node::LaterModule(place) => {
            let later = curriculum.path.later.get(*place);
            later.map(|later| format!("{} ({})", later.topics, later.level))
        }
    };
    text.unwrap_or_default()
}
