//! The boxes of a picture: one for each process with its descriptors, and between them the open file
//! descriptions, with an arrow from each descriptor to what it leads to.

use super::picture::{Cast, MARK, Seat, States, filled};
use super::table::{Row, compared};
use super::words::{padded, quoted};
use crate::model::call::Access;
use crate::model::file::{File, Kind};
use crate::model::id::{FileId, NodeId, Pid};
use crate::model::kernel::Kernel;
use crate::model::script::process_name;
use crate::render::markdown::columns;
use crate::render::text::{Line, Role, Span, Text};

/// Columns between the box of a process and that of open file descriptions.
const ARROW: usize = 4;
/// Columns between the boxes of two processes.
const GAP: usize = 2;
/// Columns of the name of an open file description.
const NAME: usize = 8;
/// Columns inside the box of open file descriptions, at least and at most.
const MIDDLE: (usize, usize) = (28, 74);
/// Columns of what an open file description is open to, where that is short.
const TARGET: usize = 20;
/// What stands above open file descriptions.
const TITLE: &str = "open file descriptions";
/// In the place of a descriptor that was given up.
const GONE: &str = "gone";

/// What stands above the descriptors of a process.
pub fn title(kernel: &Kernel, pid: Pid) -> String {
    let process = kernel.process(pid);
    let name = process_name(pid);
    let title = match (process.uid, process.euid) {
        (0, 0) => name,
        (user, effective) if user == effective => format!("{name} user {user}"),
        (user, effective) => format!("{name} user {user}/{effective}"),
    };
    match kernel.sleeper(pid) {
        Some(_) => format!("{title} asleep"),
        None => title,
    }
}

/// Columns that the box of a process needs inside.
pub fn inner_columns(kernel: &Kernel, pid: Pid) -> usize {
    let files = kernel.files().filter(|(_, file)| file.references > 0);
    let cells = files.map(|(file, _)| columns(&held(kernel, pid, file)) + 2);
    let title = columns(&title(kernel, pid)) + 4;
    cells.max().unwrap_or(0).max(title).max(6)
}

/// The descriptors of a process that lead to an open file description: `fd 3, 5`.
fn held(kernel: &Kernel, pid: Pid, file: FileId) -> String {
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
    match words.is_empty() {
        true => String::new(),
        false => format!("fd {}", words.join(", ")),
    }
}

/// Which box stands where.
pub struct Shape {
    left: Vec<Seat>,
    right: Vec<Seat>,
    /// Columns inside the box in the middle.
    middle: usize,
    /// Processes without room.
    pub left_out: Vec<Pid>,
}

impl Shape {
    /// Finds room for as many processes as possible.
    pub fn of(cast: &Cast, width: usize) -> Self {
        let mut room = width.saturating_sub(MARK + MIDDLE.0 + 2);
        let mut shown: Vec<Seat> = Vec::new();
        let mut left_out = Vec::new();
        for seat in cast.seats() {
            let gap = if shown.len() < 2 { ARROW } else { GAP };
            match room.checked_sub(seat.inner + 2 + gap) {
                Some(rest) if left_out.is_empty() => {
                    room = rest;
                    shown.push(*seat);
                }
                _ => left_out.push(seat.pid),
            }
        }
        let right = match shown.len() {
            0 | 1 => Vec::new(),
            _ => shown.pop().into_iter().collect(),
        };
        Self {
            left: shown,
            right,
            middle: (MIDDLE.0 + room).min(MIDDLE.1),
            left_out,
        }
    }
}

/// Draws all boxes; what changed is marked.
pub fn draw(states: States<'_>, shape: &Shape) -> Text {
    let mut text = Text::new();
    text.line(edges(states, shape, ('\u{250c}', '\u{2510}')));
    let targets = [states.before, states.after]
        .into_iter()
        .flat_map(|kernel| open_files(kernel).map(|(_, file)| columns(&open_to(kernel, file))));
    // A long one need not move the others.
    let target = targets.filter(|wide| *wide <= TARGET).max();
    let rows = |states: States<'_>| -> Vec<Row> {
        open_files(states.after)
            .map(|(id, file)| row(states, shape, (id, file), target.unwrap_or(0)))
            .collect()
    };
    let (before, after) = (rows(States::alone(states.before)), rows(states));
    match before.is_empty() && after.is_empty() {
        true => {
            let words = [Span::new(Role::Dim, "nothing is open yet")];
            let mut line = Line::of(Role::Plain, " ".repeat(MARK));
            let beside = Beside::of_nothing(states, shape);
            beside.around(&mut line, &filled(&words, shape.middle - 2, 0)[0]);
            text.line(line);
        }
        false => {
            text.append(compared(&before, &after));
        }
    }
    text.line(edges(states, shape, ('\u{2514}', '\u{2518}')));
    text
}

fn open_files(kernel: &Kernel) -> impl Iterator<Item = (FileId, &File)> {
    kernel.files().filter(|(_, file)| file.references > 0)
}

/// The upper or the lower edge of all boxes.
fn edges(states: States<'_>, shape: &Shape, (begin, end): (char, char)) -> Line {
    let upper = begin == '\u{250c}';
    let mut line = Line::of(Role::Plain, " ".repeat(MARK));
    let one = |line: &mut Line, title: Option<(Role, String)>, inner: usize| {
        let Some((role, title)) = title.filter(|_| upper) else {
            line.push(
                Role::Dim,
                format!("{begin}{}{end}", "\u{2500}".repeat(inner)),
            );
            return;
        };
        let rest = inner.saturating_sub(columns(&title) + 3);
        line.push(Role::Dim, format!("{begin}\u{2500} "));
        line.push(role, title);
        line.push(Role::Dim, format!(" {}{end}", "\u{2500}".repeat(rest)));
    };
    let seat = |line: &mut Line, seat: &Seat| match states.of(seat.pid) {
        Some(kernel) => {
            let there = states.after.has_process(seat.pid);
            let role = if there { Role::Strong } else { Role::Dim };
            one(line, Some((role, title(kernel, seat.pid))), seat.inner);
        }
        None => {
            line.push(Role::Plain, " ".repeat(seat.inner + 2));
        }
    };
    for (place, left) in shape.left.iter().enumerate() {
        line.push(Role::Plain, " ".repeat(if place == 0 { 0 } else { GAP }));
        seat(&mut line, left);
    }
    line.push(Role::Plain, " ".repeat(ARROW));
    one(
        &mut line,
        Some((Role::Subheading, TITLE.to_owned())),
        shape.middle,
    );
    for right in &shape.right {
        line.push(Role::Plain, " ".repeat(ARROW));
        seat(&mut line, right);
    }
    trimmed(line)
}

/// A line without blanks at its end.
fn trimmed(mut line: Line) -> Line {
    while let Some(last) = line.spans.last_mut() {
        let kept = last.text.trim_end().len();
        last.text.truncate(kept);
        if kept > 0 {
            break;
        }
        line.spans.pop();
    }
    line
}

/// What stands beside a row of the middle: the cells of processes, and arrows from those that hold
/// something.
struct Beside {
    left: Vec<(Role, String)>,
    right: Vec<(Role, String)>,
}

impl Beside {
    /// The cells of an open file description.
    fn of_file(states: States<'_>, shape: &Shape, file: FileId) -> Self {
        Self::of(states, shape, |seat| {
            let before = held(states.before, seat.pid, file);
            match held(states.after, seat.pid, file) {
                now if !now.is_empty() => Cell::Held(now),
                _ if !before.is_empty() => Cell::Gone,
                _ => Cell::Blank,
            }
        })
    }

    /// The cells of one that is gone.
    fn of_gone(states: States<'_>, shape: &Shape, file: FileId) -> Self {
        Self::of(states, shape, |seat| {
            match held(states.after, seat.pid, file).is_empty() {
                true => Cell::Blank,
                false => Cell::Gone,
            }
        })
    }

    /// Blank cells.
    fn of_nothing(states: States<'_>, shape: &Shape) -> Self {
        Self::of(states, shape, |_| Cell::Blank)
    }

    fn of(states: States<'_>, shape: &Shape, cell: impl Fn(&Seat) -> Cell) -> Self {
        let there = |seat: &Seat| states.of(seat.pid).is_some();
        let mut left = Vec::new();
        let mut flows = false;
        for (place, seat) in shape.left.iter().enumerate() {
            // A line from a box further left passes behind this one.
            let rule = |flows: bool| if flows { '\u{2508}' } else { ' ' };
            let gap = if place == 0 { 0 } else { GAP };
            let gap = rule(flows).to_string().repeat(gap);
            let cell = cell(seat);
            let (text, role) = cell.text();
            let blank = seat.inner.saturating_sub(columns(&text));
            if !there(seat) {
                let fill = rule(flows).to_string();
                left.push((Role::Dim, gap + &fill.repeat(seat.inner + 2)));
                continue;
            }
            let fill = match &cell {
                Cell::Blank => rule(flows),
                Cell::Held(_) | Cell::Gone => ' ',
            };
            let fill = fill.to_string().repeat(blank);
            left.push((Role::Dim, format!("{gap}\u{2502}{fill}")));
            left.push((role, text));
            let held = matches!(cell, Cell::Held(_));
            let close = if held { '\u{251c}' } else { '\u{2502}' };
            left.push((Role::Dim, close.to_string()));
            flows |= held;
        }
        let arrow = match flows {
            true => "\u{2500}".repeat(ARROW - 1) + "\u{25b6}",
            false => " ".repeat(ARROW),
        };
        left.push((Role::Plain, arrow));
        let mut right = Vec::new();
        for seat in &shape.right {
            let cell = cell(seat);
            let (text, role) = cell.text();
            let blank = seat.inner.saturating_sub(columns(&text));
            if !there(seat) {
                continue;
            }
            let (arrow, wall) = match cell {
                Cell::Held(_) => (
                    "\u{25c0}".to_owned() + &"\u{2500}".repeat(ARROW - 1),
                    "\u{2524}",
                ),
                Cell::Gone | Cell::Blank => (" ".repeat(ARROW), "\u{2502}"),
            };
            right.push((Role::Plain, arrow));
            right.push((Role::Dim, wall.to_owned()));
            right.push((role, text));
            right.push((Role::Dim, format!("{}\u{2502}", " ".repeat(blank))));
        }
        Self { left, right }
    }

    /// Puts a line of the middle between the cells.
    fn around(&self, line: &mut Line, middle: &Line) {
        for (role, text) in &self.left {
            line.push(*role, text.clone());
        }
        line.push(Role::Dim, "\u{2502}");
        line.push(Role::Plain, " ");
        for span in &middle.spans {
            line.push(span.role, span.text.clone());
        }
        line.push(Role::Plain, " ");
        line.push(Role::Dim, "\u{2502}");
        for (role, text) in &self.right {
            line.push(*role, text.clone());
        }
    }
}

/// What stands in the table of a process in a row.
enum Cell {
    Held(String),
    Gone,
    Blank,
}

impl Cell {
    fn text(&self) -> (String, Role) {
        match self {
            Self::Held(words) => (format!(" {words} "), Role::Value),
            Self::Gone => (format!(" {GONE} "), Role::Warning),
            Self::Blank => (String::new(), Role::Plain),
        }
    }
}

/// An open file description, with the descriptors that lead to it.
fn row(states: States<'_>, shape: &Shape, (id, file): (FileId, &File), target: usize) -> Row {
    let room = shape.middle - 2;
    let name = padded(&id.to_string(), NAME);
    let spans = [
        Span::new(Role::Strong, name.clone()),
        Span::new(Role::Dim, "\u{2500}\u{2500}\u{25b6} "),
        Span::new(Role::Code, padded(&open_to(states.after, file), target)),
        Span::new(Role::Plain, format!("  {}", references(file))),
    ];
    let beside = Beside::of_file(states, shape, id);
    let below = Beside::of_nothing(states, shape);
    let whole: usize = spans.iter().map(Span::width).sum();
    let set = match whole > room {
        // Who refers to it then stands in a line of its own.
        true => {
            let mut set = filled(&spans[..3], room, NAME + 4);
            let blanks = Span::new(Role::Plain, " ".repeat(NAME + 4));
            let references = Span::new(Role::Plain, references(file));
            set.extend(filled(&[blanks, references], room, NAME + 4));
            set
        }
        false => filled(&spans, room, NAME + 4),
    };
    let lines = set.iter().enumerate().map(|(place, middle)| {
        let mut line = Line::empty();
        let beside = if place == 0 { &beside } else { &below };
        beside.around(&mut line, middle);
        line
    });
    let gone = [Span::new(Role::Dim, name), Span::new(Role::Warning, GONE)];
    let mut last = Line::empty();
    let cells = Beside::of_gone(states, shape, id);
    cells.around(&mut last, &filled(&gone, room, 0)[0]);
    Row {
        key: id.0,
        lines: lines.collect(),
        gone: last,
    }
}

/// `2 references`, or `1 reference, in flight`: in a message that nobody has received.
fn references(file: &File) -> String {
    let words = match file.references {
        1 => "1 reference".to_owned(),
        references => format!("{references} references"),
    };
    match (file.references, file.in_flight) {
        (_, 0) => words,
        (1, 1) => format!("{words}, in flight"),
        (_, messages) => format!("{words}, {messages} in flight"),
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
                Access::Path => return format!("{}, its path only", path_of(kernel, node)),
            };
            format!("{}, offset {offset}, {access}", path_of(kernel, node))
        }
        Kind::Epoll(epoll) => epoll.to_string(),
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
