//! The state of a model kernel: the descriptors of all processes side by side, what they lead to, and
//! what waits in queues.
//!
//! ```text
//!   DESCRIPTORS          OPEN FILE DESCRIPTIONS
//!   A        B           number   references        open to
//!   3        3       --> file 0   2                 socket 0
//! * 4        .       --> file 1   1                 socket 1
//! * .        .           file 2   1, in a message   "notes", offset 5
//!
//!   SOCKETS
//!   socket 0   stream, sends to socket 1
//!              queue: empty
//! ```

use std::collections::BTreeSet;

use super::table::{Row, compared, wrapped};
use super::things::{names, pipes, sockets};
use super::words::{padded, quoted};
use crate::model::call::Access;
use crate::model::file::{File, Kind};
use crate::model::id::{FileId, NodeId, Pid};
use crate::model::kernel::Kernel;
use crate::model::script::process_name;
use crate::render::markdown::columns;
use crate::render::text::{Line, Role, Span, Text};

/// Columns of the mark in front of a row.
const MARK: usize = 2;
/// Columns between descriptors and what they lead to.
const ARROW: usize = 4;
/// Columns of the number of an open file description.
const NUMBER: usize = 9;
/// Columns of its references.
const REFERENCES: usize = 16;
/// Columns that say at least what it is open to.
const OPEN_TO: usize = 12;
/// The state before and after a call.
#[derive(Clone, Copy)]
pub struct States<'a> {
    /// Before.
    pub before: &'a Kernel,
    /// After.
    pub after: &'a Kernel,
}

/// What draws the rows of a section in so many columns.
type Section = fn(&Kernel, usize) -> Vec<Row>;

/// Draws the state after a call; what changed is marked.
pub fn draw(states: States<'_>, width: usize) -> Text {
    let mut text = tables(states, width);
    let sections: [(&str, Section); 3] = [("SOCKETS", sockets), ("PIPES", pipes), ("NAMES", names)];
    for (title, rows) in sections {
        let room = width.saturating_sub(MARK);
        let (before, after) = (rows(states.before, room), rows(states.after, room));
        if !before.is_empty() || !after.is_empty() {
            text.blank();
            text.line(Line::of(Role::Plain, "  ").with(Role::Subheading, title));
            text.append(compared(&before, &after));
        }
    }
    text
}

/// Whether anything that is drawn changed.
pub fn differs(states: States<'_>) -> bool {
    let width = usize::MAX / 2;
    let alone = |kernel| States {
        before: kernel,
        after: kernel,
    };
    draw(alone(states.before), width) != draw(alone(states.after), width)
}

/// The columns of processes: who has one, and how wide each is.
struct Columns {
    shown: Vec<(Pid, usize)>,
    /// Those without room.
    left_out: Vec<Pid>,
}

impl Columns {
    fn of(states: States<'_>, width: usize) -> Self {
        let both = [states.before, states.after];
        let pids: BTreeSet<Pid> = both
            .iter()
            .flat_map(|kernel| kernel.processes().map(|(pid, _)| pid))
            .collect();
        let mut room = width.saturating_sub(MARK + ARROW + NUMBER + REFERENCES + OPEN_TO);
        let mut shown = Vec::new();
        let mut left_out = Vec::new();
        for pid in pids {
            let kernels = both.iter().filter(|kernel| kernel.has_process(pid));
            let cells = kernels.flat_map(|kernel| {
                let cells = kernel.files().map(|(file, _)| cell(kernel, pid, file));
                cells.chain([title(kernel, pid)]).collect::<Vec<_>>()
            });
            let widest = cells.map(|cell| columns(&cell)).max().unwrap_or(0).max(7) + 2;
            match room.checked_sub(widest) {
                Some(rest) if left_out.is_empty() => {
                    room = rest;
                    shown.push((pid, widest));
                }
                _ => left_out.push(pid),
            }
        }
        Self { shown, left_out }
    }

    fn width(&self) -> usize {
        self.shown.iter().map(|(_, width)| width).sum()
    }
}

/// What stands above the descriptors of a process.
fn title(kernel: &Kernel, pid: Pid) -> String {
    let process = kernel.process(pid);
    let name = process_name(pid);
    match (process.uid, process.euid) {
        (0, 0) => name,
        (user, effective) if user == effective => format!("{name} user {user}"),
        (user, effective) => format!("{name} user {user}/{effective}"),
    }
}

/// The descriptors of a process that lead to an open file description.
fn cell(kernel: &Kernel, pid: Pid, file: FileId) -> String {
    if !kernel.has_process(pid) {
        return String::new();
    }
    let slots = kernel.process(pid).descriptors.iter();
    let slots = slots.filter(|(_, slot)| slot.file == file);
    let words: Vec<String> = slots
        .map(|(fd, slot)| match slot.cloexec {
            true => format!("{fd} cloexec"),
            false => fd.to_string(),
        })
        .collect();
    words.join(", ")
}

fn tables(states: States<'_>, width: usize) -> Text {
    let shape = Columns::of(states, width);
    let left = shape.width();
    let mut text = Text::new();
    let mut heading = Line::of(Role::Plain, "  ");
    heading.push(Role::Subheading, padded("DESCRIPTORS", left + ARROW));
    heading.push(Role::Subheading, "OPEN FILE DESCRIPTIONS");
    text.line(heading);
    let mut heading = Line::of(Role::Plain, "  ");
    for (pid, width) in &shape.shown {
        let kernel = match states.after.has_process(*pid) {
            true => states.after,
            false => states.before,
        };
        let role = match states.after.has_process(*pid) {
            true => Role::Strong,
            false => Role::Dim,
        };
        heading.push(role, padded(&title(kernel, *pid), *width));
    }
    heading.push(Role::Plain, " ".repeat(ARROW));
    heading.push(Role::Dim, padded("number", NUMBER));
    heading.push(Role::Dim, padded("references", REFERENCES));
    heading.push(Role::Dim, "open to");
    text.line(heading);
    let room = width.saturating_sub(MARK);
    let before = files(states.before, &shape, room);
    let after = files(states.after, &shape, room);
    if before.is_empty() && after.is_empty() {
        text.line(Line::of(Role::Dim, "  nothing is open yet"));
    }
    text.append(compared(&before, &after));
    for pid in &shape.left_out {
        text.append(without_column(states.after, *pid, width));
    }
    text
}

/// A process that has no column: its descriptors in one line.
fn without_column(kernel: &Kernel, pid: Pid, width: usize) -> Text {
    let mut text = Text::new();
    if !kernel.has_process(pid) {
        return text;
    }
    let slots = kernel.process(pid).descriptors.iter();
    let slots: Vec<String> = slots
        .map(|(fd, slot)| format!("{fd} \u{2500}\u{25b6} {}", slot.file))
        .collect();
    let words = match slots.is_empty() {
        true => "no descriptors".to_owned(),
        false => slots.join(", "),
    };
    let spans = [
        Span::new(Role::Strong, format!("  {} ", title(kernel, pid))),
        Span::new(Role::Plain, words),
    ];
    text.lines = wrapped(&spans, width, 4);
    text
}

/// The table of open file descriptions, with the descriptors that lead to each.
fn files(kernel: &Kernel, shape: &Columns, room: usize) -> Vec<Row> {
    let open = kernel.files().filter(|(_, file)| file.references > 0);
    open.map(|(id, file)| {
        let mut spans = Vec::new();
        let mut held = false;
        for (pid, width) in &shape.shown {
            let cell = cell(kernel, *pid, id);
            held |= !cell.is_empty();
            spans.push(match cell.is_empty() {
                true => Span::new(Role::Dim, padded("\u{b7}", *width)),
                false => Span::new(Role::Value, padded(&cell, *width)),
            });
        }
        let arrow = if held {
            "\u{2500}\u{2500}\u{25b6} "
        } else {
            ""
        };
        spans.push(Span::new(Role::Dim, padded(arrow, ARROW)));
        spans.push(Span::new(Role::Strong, padded(&id.to_string(), NUMBER)));
        spans.push(Span::new(
            Role::Plain,
            padded(&references(file), REFERENCES),
        ));
        spans.push(Span::new(Role::Plain, open_to(kernel, file)));
        let indent = shape.width() + ARROW + NUMBER + REFERENCES;
        let blanks = " ".repeat(shape.width() + ARROW);
        Row {
            key: id.0,
            lines: wrapped(&spans, room, indent),
            called: blanks + &padded(&id.to_string(), NUMBER),
        }
    })
    .collect()
}

/// `2`, or `3, 1 a message`.
fn references(file: &File) -> String {
    match (file.references, file.in_flight) {
        (references, 0) => references.to_string(),
        (1, 1) => "1, a message".to_owned(),
        (references, 1) => format!("{references}, 1 a message"),
        (references, messages) => format!("{references}, {messages} messages"),
    }
}

fn open_to(kernel: &Kernel, file: &File) -> String {
    let what = match file.kind {
        Kind::Socket(sock) => sock.to_string(),
        Kind::PipeOut(pipe) => format!("{pipe}, to read"),
        Kind::PipeIn(pipe) => format!("{pipe}, to write"),
        Kind::Regular {
            node,
            offset,
            access,
        } => {
            let access = match access {
                Access::Read => "read only",
                Access::Write => "write only",
                Access::Both => "read-write",
            };
            format!("{}, offset {offset}, {access}", path_of(kernel, node))
        }
        Kind::Eventfd { counter } => format!("an eventfd, counter {counter}"),
    };
    match file.nonblock {
        true => format!("{what}, O_NONBLOCK"),
        false => what,
    }
}

fn path_of(kernel: &Kernel, node: NodeId) -> String {
    let mut paths = kernel.tree().paths();
    match paths.find(|(_, other)| *other == node) {
        Some((path, _)) => quoted(path.as_bytes()),
        None => format!("{node}, without a name"),
    }
}
