//! The probes of this machine: tabs, what is shown, and rows.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ On this machine                                       live, a look took 9 ms │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │  runtime-dir  [sockets]  creds   env   fds                                   │
//! │ 2 of 431 sockets, only: listening, text bus                  + 1 new         │
//! │   STATE      NAME                PROCESS      PID  SERVICE                   │
//! │   listening  /run/user/1000/bus  dbus-daemon 1042  D-Bus session bus         │
//! │ + listening  @/tmp/dbus-Ux31     dbus-daemon 1042                            │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ Enter open  / filter  l listening  o process  p pause  ? keys  q quit        │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

mod page;
mod rows;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::model::{Model, Size};
use super::super::paint;
use super::super::probes::history::{Focus, Shape};
use super::super::probes::live::Mark;
use super::super::probes::picture::Age;
use super::super::probes::{Pace, Panes, ProbesState, Split, Typing};
use super::super::words::{cut, with_right};
use super::{chrome, spinner};
use crate::probe::{Ask, Name, Probed, creds, fds};
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;

/// Ticks after which it is said that looking takes a while.
const SLOW: usize = 3;

/// Draws the probes.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &ProbesState,
    theme: Theme,
) {
    let title = Line::of(Role::Heading, "On this machine");
    let right = pace(model, state);
    let panes = Panes::of(Size {
        columns: area.width,
        rows: area.height,
    });
    let (place, keys) = keys(state, panes);
    chrome(buffer, area, (&title, &right), (place, &keys), theme);
    paint::line(buffer, body, 0, &tabs(state), theme);
    paint::line(buffer, body, 1, &shown(state, body.width.into()), theme);
    let head = Panes::HEAD as u16;
    let below = Rect {
        y: body.y + head,
        height: body.height.saturating_sub(head),
        ..body
    };
    let Some(board) = state.board() else { return };
    if let (Some(why), None) = (&board.failed, &board.look) {
        let text = format!("Nothing could be seen: {}. r tries again.", printable(why));
        paint::line(buffer, below, 0, &Line::of(Role::Warning, text), theme);
        return;
    }
    match (state.shape(), state.view().focus, panes.split) {
        (Shape::Picture, ..) => picture(buffer, below, state, theme),
        (_, Focus::List, Split::InTurn) => rows::draw(buffer, below, state, panes, theme),
        (_, Focus::Page, Split::InTurn) => page::draw(buffer, below, state, theme),
        (_, _, Split::SideBySide) => {
            let left = Rect {
                width: (panes.list + Panes::MARKS) as u16,
                ..below
            };
            let right = Rect {
                x: left.right() + Panes::GAP as u16,
                width: panes.page as u16,
                ..below
            };
            rows::draw(buffer, left, state, panes, theme);
            let rule = Rect {
                x: left.right() + 1,
                width: 1,
                ..below
            };
            for row in 0..usize::from(below.height) {
                paint::line(buffer, rule, row, &Line::of(Role::Dim, "│"), theme);
            }
            page::draw(buffer, right, state, theme);
        }
    }
}

fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    crate::untrusted::readable(text)
}

/// Whether it goes on looking, and how long the last look took.
fn pace(model: &Model, state: &ProbesState) -> String {
    let Some(board) = state.board() else {
        return String::new();
    };
    let slow = board.under_way.is_some_and(|ticks| ticks >= SLOW);
    let Some(look) = &board.look else {
        return match board.under_way {
            Some(_) => format!("{} looking", spinner(model.ticks)),
            None => String::new(),
        };
    };
    let took = format!("a look took {} ms", look.took.as_millis());
    match (state.pace, slow) {
        (_, true) => format!("{} looking, {took}", spinner(model.ticks)),
        (Pace::Live, _) if !state.is_cheap() => format!("not live, {took}"),
        (Pace::Live, _) if board.failed.is_some() => format!("stopped, {took}"),
        (Pace::Live, _) => format!("live, {took}"),
        (Pace::Paused, _) => format!("paused, {took}"),
    }
}

fn tabs(state: &ProbesState) -> Line {
    let mut line = Line::empty();
    for (index, name) in Name::ALL.iter().enumerate() {
        let mut label = name.as_str().to_owned();
        if let Some(whose) = whose(&state.tabs[index].ask) {
            label += &format!(" {whose}");
        }
        if index == state.shown {
            if let Some(name) = name_of(state) {
                label += &format!(" ({name})");
            }
            line.push(Role::Key, "[");
            line.push(Role::Strong, label);
            line.push(Role::Key, "] ");
        } else {
            line.push(Role::Dim, format!(" {label}  "));
        }
    }
    line
}

/// The process or the socket that is asked about, where it is not the usual one.
fn whose(ask: &Ask) -> Option<String> {
    match ask {
        Ask::Fds(fds::Subject::Process(pid)) | Ask::Creds(creds::Subject::Process(pid)) => {
            Some(pid.to_string())
        }
        Ask::Creds(creds::Subject::Socket(_)) => Some("of a socket".to_owned()),
        _ => None,
    }
}

/// The name of the process that was looked at.
fn name_of(state: &ProbesState) -> Option<String> {
    match &state.look()?.probed {
        Probed::Fds(seen) => Some(seen.comm.to_string()),
        Probed::Creds(seen) => {
            let process = seen.process.as_ref()?;
            Some(process.comm.to_string())
        }
        _ => None,
    }
}

/// How many rows are shown of how many, why not all, and what has changed.
fn shown(state: &ProbesState, width: usize) -> Line {
    let filter = &state.view().filter;
    let text = filter.text.value();
    let is_typing = state.typing == Typing::Yes;
    let mut line = Line::empty();
    let mut only = filter.words();
    match (state.look().map(|look| &look.listing), state.shape()) {
        (Some(Some(listing)), Shape::Rows) => {
            let all = listing.rows();
            let entries = state.rows.iter().filter(|row| {
                let board = state.board();
                let entry = board.and_then(|board| board.entry(**row));
                let mark = board.and_then(|board| board.mark(**row));
                mark != Some(Mark::Gone) && entry.is_some_and(|(entry, _)| !entry.is_note())
            });
            let count = match filter.shows_all() {
                true => format!("{all} {}", listing.noun),
                false => format!("{} of {all} {}", entries.count(), listing.noun),
            };
            line.push(Role::Plain, count);
        }
        (Some(_), _) => {
            let lines = state.picture.lines.len();
            line.push(Role::Plain, format!("{lines} lines"));
            only.clear();
        }
        (None, _) => {}
    }
    if is_typing || !text.is_empty() {
        only.push("text ".to_owned());
    }
    if !only.is_empty() {
        line.push(Role::Plain, ", only: ");
        line.push(Role::Value, only.join(", "));
        line.push(Role::Value, printable(text));
        if is_typing {
            line.push(Role::Key, "▏");
        }
    }
    let board = state.board();
    if let Some(why) = board.and_then(|board| board.failed.as_ref()) {
        line.push(
            Role::Warning,
            format!("   the last look failed: {}", printable(why)),
        );
    }
    let marks = [Mark::New, Mark::Changed, Mark::Gone];
    let marks = marks
        .iter()
        .zip(state.marked)
        .filter(|(_, count)| *count > 0);
    let marks: Vec<String> = marks
        .map(|(mark, count)| format!("{} {count} {}", mark.sign(), mark.word()))
        .collect();
    if marks.is_empty() || state.shape() == Shape::Picture {
        cut(line, width)
    } else {
        with_right(line, &marks.join("  "), width)
    }
}

/// What `ipc-mastery probe` would print.
fn picture(buffer: &mut Buffer, area: Rect, state: &ProbesState, theme: Theme) {
    let lines = &state.picture.lines;
    if lines.is_empty() && state.look().is_some() {
        let line = Line::of(Role::Dim, "No line holds this text. Esc shows all.");
        paint::line(buffer, area, 0, &line, theme);
        return;
    }
    let from = state.view().scroll.top.min(lines.len());
    for (row, (text, age)) in lines[from..].iter().take(area.height.into()).enumerate() {
        let sign = match age {
            Age::Old => " ",
            Age::New => Mark::New.sign(),
        };
        let mut line = Line::of(Role::Good, format!("{sign} "));
        line.spans.extend(text.spans.iter().cloned());
        paint::line(buffer, area, row, &line, theme);
    }
}

/// The keys that matter at this moment.
fn keys(state: &ProbesState, panes: Panes) -> (Place, Vec<(Action, &'static str)>) {
    if state.typing == Typing::Yes {
        let keys = [
            (Action::Accept, "keep the filter"),
            (Action::Leave, "all texts"),
        ];
        return (Place::Typing, keys.to_vec());
    }
    let view = state.view();
    let pause = match state.pace {
        Pace::Live => "pause",
        Pace::Paused => "go on",
    };
    let back = if view.filter.is_as(&view.home) {
        ""
    } else {
        "show all"
    };
    let links = state.page.detail.links.len() as u8;
    let keys = match (state.shape(), view.focus) {
        (Shape::Picture, _) => vec![
            (Action::Up, ""),
            (Action::Filter, ""),
            (Action::Pause, pause),
            (Action::Picture, "rows"),
            (Action::NextTab, ""),
            (Action::Back, back),
        ],
        (_, Focus::Page) => {
            let mut keys = Vec::new();
            if links > 0 {
                keys.extend([(Action::Follow(links), ""), (Action::Open, "go")]);
            }
            keys.extend([
                (Action::Back, back),
                (Action::PageDown, ""),
                (Action::Pause, pause),
            ]);
            keys
        }
        (_, Focus::List) => {
            let mut keys = vec![(Action::Open, "")];
            if panes.split == Split::SideBySide && links > 0 {
                keys.push((Action::Follow(links), ""));
            }
            keys.extend([
                (Action::Filter, ""),
                (Action::Pause, pause),
                (Action::OnlyListening, ""),
                (Action::OnlyProcess, ""),
                (Action::OnlyService, ""),
                (Action::OnlyType, ""),
                (Action::NextTab, ""),
                (Action::Picture, ""),
                (Action::Back, back),
            ]);
            keys
        }
    };
    (Place::Probes, keys)
}
