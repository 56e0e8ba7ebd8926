//! What open file descriptions lead to: sockets and their queues, pipes, names.

use std::collections::BTreeSet;

use super::event::{shut_words, ty_word};
use super::table::{Row, wrapped};
use super::words::{count, listed, named, padded, quoted, shortened};
use crate::model::call::Type;
use crate::model::file::Kind;
use crate::model::id::{PipeId, SockId};
use crate::model::kernel::Kernel;
use crate::model::socket::{Shut, Skb, Socket, State};
use crate::model::tree::NodeKind;
use crate::render::text::{Role, Span};

/// Columns of what a thing is called.
const LABEL: usize = 11;

/// A row with a label, and text that goes on beside it.
fn labelled(key: u32, label: &str, parts: &[Vec<Span>], room: usize) -> Row {
    let mut lines = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let label = if place == 0 { label } else { "" };
        let mut spans = vec![Span::new(Role::Strong, padded(label, LABEL))];
        spans.extend(part.iter().cloned());
        lines.extend(wrapped(&spans, room, LABEL));
    }
    Row {
        key,
        lines,
        called: padded(label, LABEL),
    }
}

fn plain(text: impl Into<String>) -> Vec<Span> {
    vec![Span::new(Role::Plain, text)]
}

/// Sockets that live, with what waits at each.
pub fn sockets(kernel: &Kernel, room: usize) -> Vec<Row> {
    let live = kernel.socks().filter(|(_, socket)| !socket.dead);
    live.map(|(sock, socket)| {
        let parts = [
            plain(properties(kernel, sock, socket)),
            queue(kernel, sock, socket),
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
fn queue(kernel: &Kernel, sock: SockId, socket: &Socket) -> Vec<Span> {
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
    // Between two sockets that are each other's peer, only memory counts.
    let mutual = socket
        .peer
        .is_some_and(|peer| kernel.sock(peer).peer == Some(sock));
    let label = match socket.ty {
        Type::Dgram if !mutual => {
            let room = u64::from(socket.backlog) + 1;
            format!("queue ({} of {room}): ", socket.queue.len())
        }
        _ => "queue: ".to_owned(),
    };
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

/// Pipes that are open.
pub fn pipes(kernel: &Kernel, room: usize) -> Vec<Row> {
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
pub fn names(kernel: &Kernel, room: usize) -> Vec<Row> {
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
        let spans = [
            Span::new(Role::Strong, label.clone()),
            Span::new(Role::Plain, what),
        ];
        Row {
            key,
            lines: wrapped(&spans, room, LABEL),
            called: label,
        }
    });
    rows.collect()
}
