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

use super::event::{shut_words, ty_word};
use super::table::{Row, compared, wrapped};
use super::words::{count, listed, named, quoted, shortened};
use crate::model::call::{Access, Type};
use crate::model::file::{File, Kind};
use crate::model::id::{FileId, NodeId, Pid, PipeId, SockId};
use crate::model::kernel::Kernel;
use crate::model::script::process_name;
use crate::model::socket::{Shut, Skb, Socket, State};
use crate::model::tree::NodeKind;
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
/// Columns of what is left of a row's text in all other sections.
const LABEL: usize = 11;

/// The state before and after a call.
#[derive(Clone, Copy)]
pub struct States<'a> {
    /// Before.
    pub before: &'a Kernel,
    /// After.
    pub after: &'a Kernel,
}

/// Draws the state after a call; what changed is marked.
pub fn draw(states: States<'_>, width: usize) -> Text {
    let mut text = tables(states, width);
    let sections: [(&str, fn(&Kernel, usize) -> Vec<Row>); 3] =
        [("SOCKETS", sockets), ("PIPES", pipes), ("NAMES", names)];
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
        Row {
            key: id.0,
            lines: wrapped(&spans, room, indent),
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

/// A row with a label, and text that goes on beside it.
fn labelled(key: u32, label: &str, parts: &[Vec<Span>], room: usize) -> Row {
    let mut lines = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let label = if place == 0 { label } else { "" };
        let mut spans = vec![Span::new(Role::Strong, padded(label, LABEL))];
        spans.extend(part.iter().cloned());
        lines.extend(wrapped(&spans, room, LABEL));
    }
    Row { key, lines }
}

fn plain(text: impl Into<String>) -> Vec<Span> {
    vec![Span::new(Role::Plain, text)]
}

fn sockets(kernel: &Kernel, room: usize) -> Vec<Row> {
    let live = kernel.socks().filter(|(_, socket)| !socket.dead);
    live.map(|(sock, socket)| {
        let parts = [
            plain(properties(kernel, sock, socket)),
            queue(kernel, socket),
        ];
        labelled(sock.0, &sock.to_string(), &parts, room)
    })
    .collect()
}

/// Type, state, peer, name and all that is out of the ordinary.
fn properties(kernel: &Kernel, sock: SockId, socket: &Socket) -> String {
    let mut words = vec![ty_word(socket.ty).to_owned()];
    words.push(match (socket.state, socket.peer) {
        (State::Listen, _) => "listens".to_owned(),
        (_, Some(peer)) if kernel.sock(peer).dead => format!("sends to {peer}, which is gone"),
        (_, Some(peer)) if peer == sock => "sends to itself".to_owned(),
        (_, Some(peer)) => format!("sends to {peer}"),
        (State::Established, None) if socket.is_connection_based() => {
            "the other end is gone".to_owned()
        }
        (_, None) => "not connected".to_owned(),
    });
    if socket.embryo {
        words.push("not accepted yet".to_owned());
    }
    if let Some(name) = &socket.name {
        words.push(format!("name {}", named(name)));
    }
    words.extend(shut_words(Shut::default(), socket.shutdown));
    if let Some(errno) = socket.error {
        words.push(format!("error {errno:?} waits"));
    }
    if socket.passcred {
        words.push("SO_PASSCRED".to_owned());
    }
    if socket.charged > 0 {
        let (charged, all) = (socket.charged, socket.sndbuf);
        words.push(format!("charged {charged} of {all} bytes for what it sent"));
    }
    words.join(", ")
}

/// What waits at a socket.
fn queue(kernel: &Kernel, socket: &Socket) -> Vec<Span> {
    if socket.state == State::Listen {
        let room = u64::from(socket.backlog) + 1;
        let waiting: Vec<String> = socket
            .queue
            .iter()
            .filter_map(|skb| skb.embryo)
            .map(|embryo| match kernel.sock(embryo).peer {
                Some(client) => format!("[{embryo}, for {client}]"),
                None => format!("[{embryo}]"),
            })
            .collect();
        let mut spans = vec![Span::new(
            Role::Dim,
            format!("waiting ({} of {room}): ", waiting.len()),
        )];
        spans.push(match waiting.is_empty() {
            true => Span::new(Role::Dim, "nobody"),
            false => Span::new(Role::Value, waiting.join(" ")),
        });
        return spans;
    }
    let mut label = "queue: ".to_owned();
    if socket.ty == Type::Dgram {
        let room = u64::from(socket.backlog) + 1;
        label = format!("queue ({} of {room}): ", socket.queue.len());
    }
    let mut spans = vec![Span::new(Role::Dim, label)];
    match socket.queue.is_empty() {
        true => spans.push(Span::new(Role::Dim, "empty")),
        false => spans.push(Span::new(
            Role::Value,
            buffers(&socket.queue.iter().collect::<Vec<_>>()),
        )),
    }
    spans
}

/// The most buffers that are drawn one by one.
const BUFFERS: usize = 4;

/// `[buffer 1: "hello", 5 bytes, carries file 2]`.
fn buffers(queue: &[&Skb]) -> String {
    let drawn = queue.iter().take(BUFFERS).map(|skb| {
        let left = &skb.data[skb.consumed..];
        let mut words = vec![shortened(left), count(left.len() as u64, "byte")];
        if skb.consumed > 0 {
            words.push(format!("{} read already", skb.consumed));
        }
        if !skb.files.is_empty() {
            let files: Vec<String> = skb.files.iter().map(ToString::to_string).collect();
            words.push(format!("carries {}", listed(&files)));
        }
        format!("[{}: {}]", skb.id, words.join(", "))
    });
    let mut drawn: Vec<String> = drawn.collect();
    if queue.len() > BUFFERS {
        drawn.push(format!("and {} more", queue.len() - BUFFERS));
    }
    drawn.join(" ")
}

fn pipes(kernel: &Kernel, room: usize) -> Vec<Row> {
    let open = kernel.files().filter(|(_, file)| file.references > 0);
    let ids: BTreeSet<PipeId> = open
        .filter_map(|(_, file)| match file.kind {
            Kind::PipeIn(pipe) | Kind::PipeOut(pipe) => Some(pipe),
            _ => None,
        })
        .collect();
    let rows = ids.into_iter().map(|id| {
        let pipe = kernel.pipe(id);
        let data: Vec<u8> = pipe
            .pages
            .iter()
            .flat_map(|page| &page.data)
            .copied()
            .collect();
        let what = match data.is_empty() {
            true => "empty".to_owned(),
            false => format!("{}, {}", shortened(&data), count(data.len() as u64, "byte")),
        };
        let ends = [(pipe.readers, "reader"), (pipe.writers, "writer")];
        let ends = ends.map(|(number, one)| count(u64::from(number), one));
        let parts = [plain(format!("{what}; {}", listed(&ends)))];
        labelled(id.0, &id.to_string(), &parts, room)
    });
    rows.collect()
}

/// Names that lead to sockets, and what else is in the file system.
fn names(kernel: &Kernel, room: usize) -> Vec<Row> {
    let paths = kernel.tree().paths().map(|(path, id)| {
        let node = kernel.tree().node(id);
        let what = match &node.kind {
            NodeKind::Socket(Some(sock)) => format!("leads to {sock}"),
            NodeKind::Socket(None) => "a socket file that leads nowhere".to_owned(),
            NodeKind::Directory => "a directory".to_owned(),
            NodeKind::Regular(data) => {
                format!("a file with {}", count(data.len() as u64, "byte"))
            }
            NodeKind::Symlink(target) => {
                format!("a symbolic link to {}", quoted(target.as_bytes()))
            }
        };
        let owner = format!("mode 0{:03o}, of user {}", node.mode, node.uid);
        (id.0, quoted(path.as_bytes()), format!("{what}; {owner}"))
    });
    let abstracts = kernel.abstract_names().map(|(ty, name, sock)| {
        let what = format!("leads to {sock}, for {} sockets", ty_word(ty));
        // Behind all nodes.
        (u32::MAX / 2 + sock.0, named(name), what)
    });
    let rows = paths.chain(abstracts).map(|(key, label, what)| {
        let label = format!("{} ", padded(&label, LABEL - 1));
        let spans = [Span::new(Role::Strong, label), Span::new(Role::Plain, what)];
        Row {
            key,
            lines: wrapped(&spans, room, LABEL),
        }
    });
    rows.collect()
}

/// Text with blanks behind it, up to so many columns.
fn padded(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(blanks))
}
