//! The rows of `sockets`.

use super::super::table::{Cell, Column, Cut};
use super::super::words;
use super::{At, Facets, Key, Listing, Row};
use crate::probe::holders::Holders;
use crate::probe::sockets::{Condition, Peer, Relation, Row as Socket, Sockets};
use crate::render::text::Role;

const COLUMNS: &[Column] = &[
    Column::fixed("STATE", 0),
    Column::fixed("TYPE", 6),
    Column::number("INODE", 7),
    Column::flexible("NAME", 24, 0, Cut::Middle),
    Column::flexible("PROCESS", 12, 0, Cut::Middle),
    Column::number("PID", 3),
    Column::fixed("", 2),
    Column::flexible("PEER", 12, 2, Cut::Middle),
    Column::number("PID", 5),
    Column::number("QUEUE", 4),
    Column::flexible("SERVICE", 12, 8, Cut::Middle),
];

pub(super) fn list(seen: &Sockets) -> Listing {
    let mut listing = Listing::new("sockets", COLUMNS);
    if let Some(problem) = &seen.problem {
        listing.note(format!("The kernel did not list them: {problem}."));
    }
    if let Some(words) = words::blind_spots(&seen.visibility) {
        listing.note(words);
    }
    for (at, socket) in seen.sockets.iter().enumerate() {
        let facets = Facets {
            listening: socket.condition == Condition::Listening,
            kind: socket.kind.word(),
            processes: socket.holders.processes.to_vec(),
            service: socket
                .service
                .as_ref()
                .map(|service| (service.id.clone(), service.name.clone())),
        };
        let key = Key::Socket(socket.cookie);
        listing.row(key, At::Row(at), facets, &row(socket), socket);
    }
    listing
}

pub(super) fn row(socket: &Socket) -> Row {
    let peer = socket.peer.as_ref();
    let peer_name = peer.and_then(|peer| peer.name.as_ref());
    let name = match (&socket.name, peer_name) {
        (Some(name), _) => Cell::new(Role::Code, words::name(name)),
        (None, Some(name)) => Cell::new(Role::Dim, format!("→ {}", words::name(name))),
        (None, None) => Cell::new(Role::Plain, ""),
    };
    let [process, pid] = words::holders(&socket.holders);
    let [peer_process, peer_pid] = match peer {
        Some(peer) => words::holders(&peer.holders),
        None => [Cell::new(Role::Plain, ""), Cell::new(Role::Plain, "")],
    };
    let queue = match (socket.queue, socket.unread) {
        (Some(queue), _) if queue.pending > 0 => Cell::new(
            Role::Warning,
            format!("{}/{}", queue.pending, queue.backlog),
        ),
        (Some(queue), _) => Cell::new(Role::Dim, format!("0/{}", queue.backlog)),
        (None, 0) => Cell::new(Role::Plain, ""),
        (None, bytes) => Cell::new(Role::Warning, format!("{bytes} B")),
    };
    let state = match socket.condition {
        Condition::Listening => Role::Good,
        Condition::Waiting | Condition::HalfClosed | Condition::PeerClosed => Role::Warning,
        _ => Role::Plain,
    };
    Row {
        cells: vec![
            Cell::new(state, socket.condition.words()),
            Cell::new(Role::Plain, socket.kind.word()),
            Cell::new(Role::Plain, socket.inode.to_string()),
            name,
            process,
            pid,
            Cell::new(Role::Dim, arrow(peer)),
            peer_process,
            peer_pid,
            queue,
            words::service(socket.service.as_deref()),
        ],
        more: more(socket),
    }
}

pub(in crate::render::probe) fn arrow(peer: Option<&Peer>) -> &'static str {
    match peer.map(|peer| peer.relation) {
        Some(Relation::Connected) => "<->",
        Some(Relation::SendsTo) => "-->",
        Some(Relation::WaitsFor) => "..>",
        None => "",
    }
}

/// What no column shows, or not all of.
fn more(socket: &Socket) -> String {
    let mut more = String::new();
    let mut others = |holders: &Holders| {
        for process in holders.processes.iter().skip(1) {
            more += &format!("{} {} ", process.comm, process.pid);
        }
    };
    others(&socket.holders);
    if let Some(peer) = &socket.peer {
        others(&peer.holders);
        more += &format!("{} ", peer.inode);
        if let (Some(name), Some(_)) = (&peer.name, &socket.name) {
            more += &words::name(name);
        }
    }
    if let Some(service) = &socket.service {
        more += &format!(" {}", service.id);
    }
    more
}
