//! What open file descriptions lead to: sockets and their queues, pipes, names.

use std::collections::BTreeSet;

use super::event::{shut_words, ty_word};
use super::picture::{States, filled};
use super::table::{Row, wrapped};
use super::values::watched as interest;
use super::words::{SHOWN, count, listed, named, padded, quoted, shortened};
use crate::model::call::{Events, Type};
use crate::model::file::Kind;
use crate::model::id::{EpollId, PipeId, SockId};
use crate::model::kernel::Kernel;
use crate::model::socket::{Shut, Skb, Socket, State};
use crate::model::tree::NodeKind;
use crate::render::markdown::columns;
use crate::render::text::{Line, Role, Span};

/// Columns of what a thing is called.
const LABEL: usize = 11;
/// Columns of the type of a socket.
const TYPE: usize = 11;
/// Columns inside the walls of a queue, at least and at most.
const QUEUE: (usize, usize) = (10, 56);
/// Columns that are kept for whose messages come: so the walls seldom move.
const ARROW: usize = 12;
/// The most buffers of a queue that are drawn one by one.
const BUFFERS: usize = 6;
/// The most senders that are named one by one.
const SENDERS: usize = 3;

/// A row with a label, and text that goes on beside it.
fn labelled(key: u32, label: &str, text: String, room: usize) -> Row {
    let spans = [
        Span::new(Role::Strong, padded(label, LABEL)),
        Span::new(Role::Plain, text),
    ];
    Row {
        key,
        lines: wrapped(&spans, room, LABEL),
        gone: gone(label),
    }
}

/// What is left of a thing.
fn gone(label: &str) -> Line {
    Line::of(Role::Dim, padded(label, LABEL)).with(Role::Warning, "gone")
}

/// Sockets that live: what waits at each, and whose messages come there. Both states decide how wide
/// a queue is drawn.
///
/// ```text
/// socket 1   stream     ┃ "hello"                ┃◀── socket 0
///            receives nothing more
/// ```
pub fn sockets(kernel: &Kernel, states: States<'_>, room: usize) -> Vec<Row> {
    let arrows = [states.before, states.after]
        .into_iter()
        .flat_map(|kernel| {
            let live = kernel.socks().filter(|(_, socket)| !socket.dead);
            live.map(|(sock, socket)| columns(&arrow(kernel, sock, socket)))
        });
    let widest = arrows.max().unwrap_or(0).max(ARROW);
    let inner = room.saturating_sub(LABEL + TYPE + 4 + widest);
    let inner = inner.clamp(QUEUE.0, QUEUE.1);
    let live = kernel.socks().filter(|(_, socket)| !socket.dead);
    let rows = live.map(|(sock, socket)| {
        let label = sock.to_string();
        let waiting = waiting(kernel, socket);
        let mut lines = Vec::new();
        for (place, held) in filled(&waiting, inner, 0).into_iter().enumerate() {
            let (name, ty, from) = match place {
                0 => (
                    label.as_str(),
                    ty_word(socket.ty),
                    arrow(kernel, sock, socket),
                ),
                _ => ("", "", String::new()),
            };
            let mut line = Line::of(Role::Strong, padded(name, LABEL));
            line.push(Role::Plain, padded(ty, TYPE));
            line.push(Role::Dim, "\u{2503} ");
            line.spans.extend(held.spans);
            line.push(Role::Dim, " \u{2503}");
            line.push(Role::Note, from);
            lines.push(line);
        }
        let words = properties(kernel, sock, socket);
        if !words.is_empty() {
            let blanks = Span::new(Role::Plain, " ".repeat(LABEL));
            let spans = [blanks, Span::new(Role::Dim, words.join(", "))];
            lines.extend(wrapped(&spans, room, LABEL));
        }
        Row {
            key: sock.0,
            lines,
            gone: gone(&label),
        }
    });
    rows.collect()
}

/// Whose messages come into a queue. An arrow that is broken lets nothing more through.
fn arrow(kernel: &Kernel, sock: SockId, socket: &Socket) -> String {
    if socket.state == State::Listen {
        return "\u{25c0}\u{2500}\u{2500} connect".to_owned();
    }
    let senders = kernel
        .socks()
        .filter(|(_, other)| !other.dead && other.peer == Some(sock));
    let senders: Vec<(SockId, &Socket)> = senders.collect();
    let names: Vec<String> = senders.iter().map(|(id, _)| id.0.to_string()).collect();
    let names = match names.len() {
        0 => return String::new(),
        1 => format!("socket {}", names[0]),
        many if many <= SENDERS => format!("sockets {}", listed(&names)),
        many => format!("{many} sockets"),
    };
    let open = senders.iter().any(|(_, other)| !other.shutdown.send);
    match open && !socket.shutdown.receive {
        true => format!("\u{25c0}\u{2500}\u{2500} {names}"),
        false => format!("\u{25c0}\u{2500}\u{2573}\u{2500} {names}"),
    }
}

/// Name, and all else that is out of the ordinary.
fn properties(kernel: &Kernel, sock: SockId, socket: &Socket) -> Vec<String> {
    let mut words = Vec::new();
    if socket.embryo {
        let waits = |(_, other): (SockId, &Socket)| {
            let mut embryos = other.queue.iter().filter_map(|skb| skb.embryo);
            embryos.any(|embryo| embryo == sock)
        };
        let waits = kernel.socks().any(waits);
        words.push(match waits {
            true => "not accepted yet".to_owned(),
            false => "nothing leads to it yet".to_owned(),
        });
    }
    match (socket.state, socket.peer) {
        (State::Listen, _) => {
            let (taken, all) = (socket.queue.len(), u64::from(socket.backlog) + 1);
            words.push(format!("listens, {taken} of {all} places taken"));
        }
        (_, Some(peer)) if kernel.sock(peer).dead => words.push(format!("{peer} is gone")),
        (_, Some(_)) => {}
        (State::Established, None) if socket.is_connection_based() => {
            words.push("the other end is gone".to_owned());
        }
        (_, None) => words.push("not connected".to_owned()),
    }
    // Between two sockets that are each other's peer, only memory counts.
    let mutual = socket
        .peer
        .is_some_and(|peer| kernel.sock(peer).peer == Some(sock));
    if socket.ty == Type::Dgram && !mutual && !socket.queue.is_empty() {
        let (taken, all) = (socket.queue.len(), u64::from(socket.backlog) + 1);
        words.push(format!("{taken} of {all} places taken"));
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
        words.push(format!(
            "{charged} of {all} bytes of its send buffer in use"
        ));
    }
    words
}

/// What waits at a socket, first that which is read first.
fn waiting(kernel: &Kernel, socket: &Socket) -> Vec<Span> {
    if socket.queue.is_empty() {
        return vec![Span::new(Role::Dim, "empty")];
    }
    let held = socket
        .queue
        .iter()
        .take(BUFFERS)
        .map(|skb| match skb.embryo {
            Some(embryo) => match kernel.sock(embryo).peer {
                Some(client) => format!("{embryo} for {client}"),
                None => embryo.to_string(),
            },
            None => buffer(skb),
        });
    let mut spans = Vec::new();
    for (place, words) in held.enumerate() {
        if place > 0 {
            spans.push(Span::new(Role::Dim, " \u{2502} "));
        }
        spans.push(Span::new(Role::Value, words));
    }
    if socket.queue.len() > BUFFERS {
        let more = socket.queue.len() - BUFFERS;
        spans.push(Span::new(Role::Dim, format!(" \u{2502} and {more} more")));
    }
    spans
}

/// `"hello"`, or `"take it" with file 2`.
fn buffer(skb: &Skb) -> String {
    let left = &skb.data[skb.consumed..];
    let mut words = shortened(left);
    if left.len() > SHOWN {
        words += &format!(" {}", count(left.len() as u64, "byte"));
    }
    if skb.consumed > 0 {
        words += &format!(" ({} read already)", skb.consumed);
    }
    if !skb.files.is_empty() {
        let files: Vec<String> = skb.files.iter().map(ToString::to_string).collect();
        words += &format!(" with {}", listed(&files));
    }
    words
}

/// Pipes that are open.
pub fn pipes(kernel: &Kernel, _: States<'_>, room: usize) -> Vec<Row> {
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
        let text = format!("{what}; {}", listed(&ends));
        labelled(id.0, &id.to_string(), text, room)
    });
    rows.collect()
}

/// Sets of epoll(7) that are open: what they watch, and what is on their ready lists.
pub fn epolls(kernel: &Kernel, _: States<'_>, room: usize) -> Vec<Row> {
    let open = kernel.files().filter(|(_, file)| file.references > 0);
    let ids: BTreeSet<EpollId> = open
        .filter_map(|(_, file)| match file.kind {
            Kind::Epoll(epoll) => Some(epoll),
            _ => None,
        })
        .collect();
    let rows = ids.into_iter().map(|id| {
        let set = kernel.epoll(id);
        let watched = set.watched.iter().map(|watch| {
            let (file, fd) = watch.key;
            match watch.interest.events == Events::default() {
                true => format!("{file} as {fd}, and is silent"),
                false => format!(
                    "{file} as {fd} for {}",
                    interest(watch.interest.asked_for())
                ),
            }
        });
        let watched: Vec<String> = watched.collect();
        let ready: Vec<String> = set.ready.iter().map(|(_, fd)| fd.to_string()).collect();
        let watches = match watched.is_empty() {
            true => "watches nothing".to_owned(),
            false => format!("watches {}", listed(&watched)),
        };
        let ready = match ready.is_empty() {
            true => "nothing on its ready list".to_owned(),
            false => format!("on its ready list: {}", ready.join(", ")),
        };
        labelled(id.0, &id.to_string(), format!("{watches}; {ready}"), room)
    });
    rows.collect()
}

/// Names that lead to sockets, and what else is in the file system.
pub fn names(kernel: &Kernel, _: States<'_>, room: usize) -> Vec<Row> {
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
    let rows = paths.chain(abstracts);
    rows.map(|(key, label, what)| labelled(key, &format!("{label} "), what, room))
        .collect()
}
