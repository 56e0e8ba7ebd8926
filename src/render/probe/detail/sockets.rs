//! What is known of a socket.

use super::{Page, Target};
use crate::probe::sockets::{Condition, Peer, Relation, Row, SeenFrom, Sockets, Target as LeadsTo};
use crate::render::probe::words;
use crate::render::text::{Line, Role};
use crate::sys::sock_diag::{Name, Type};

pub(super) fn tell(page: &mut Page<'_>, seen: &Sockets, row: &Row) {
    let title = format!("Socket {}", row.inode);
    let what = format!("   {}, {}", row.kind.word(), row.condition.words());
    page.title(Line::of(Role::Heading, title).with(Role::Plain, what));
    name(page, row);
    page.fact("Type", kind(row.kind));
    page.fact("State", state(row));
    if let Some(words) = shutdown(row) {
        page.fact("Shut down", words);
    }
    queue(page, row);
    in_flight(page, row);
    page.holders("Held by", &row.holders);
    if let Some(peer) = &row.peer {
        tell_peer(page, peer);
    }
    if let Some(clients) = row.clients {
        let words = match (row.condition, clients) {
            (Condition::Listening, 0) => "No accepted connection is open.".to_owned(),
            (Condition::Listening, 1) => "1 accepted connection is open.".to_owned(),
            (Condition::Listening, many) => format!("{many} accepted connections are open."),
            (_, 0) => "No socket is connected to it.".to_owned(),
            (_, 1) => "1 socket is connected to it.".to_owned(),
            (_, many) => format!("{many} sockets are connected to it."),
        };
        page.fact("Clients", &words);
    }
    page.service(row.service.as_ref());
    if let Some(uid) = row.uid {
        let words =
            format!("By user {uid}: whoever called socket(2), or connect(2) for an accepted one.");
        page.fact("Made", &words);
    }
    let words = format!(
        "Inode {} in /proc/PID/fd; cookie {}, which no later socket gets.",
        row.inode, row.cookie
    );
    page.fact("Numbers", &words);
    links(page, seen, row);
}

fn name(page: &mut Page<'_>, row: &Row) {
    match (&row.name, row.condition) {
        (Some(name), Condition::Listening | Condition::Bound | Condition::Unconnected) => {
            let words = format!("{}: {}", words::name(name), name_kind(name));
            page.fact_as(Role::Plain, "Name", &words);
        }
        (Some(name), _) => {
            let words = format!(
                "{}: {} An accepted socket carries the name of its listener.",
                words::name(name),
                name_kind(name)
            );
            page.fact("Name", &words);
        }
        (None, _) => page.fact("Name", "None: bind(2) was not called for it."),
    }
    if let Some(leads) = row.leads {
        let (role, words) = match leads.to {
            LeadsTo::ItsFile => (Role::Plain, "The name leads to its file."),
            LeadsTo::Nothing => (
                Role::Warning,
                "The name leads to nothing any more: the file was removed or renamed. New clients \
                 get ENOENT.",
            ),
            LeadsTo::AnotherFile => (
                Role::Warning,
                "Another file has the name now: new clients reach that one.",
            ),
            LeadsTo::Unknown => (Role::Dim, "? — where the name leads cannot be told."),
        };
        let from = match leads.seen_from {
            SeenFrom::Holder => "",
            SeenFrom::Here => " Its holder may see another file there.",
        };
        page.fact_as(role, "File", &format!("{words}{from}"));
    }
}

fn shutdown(row: &Row) -> Option<&'static str> {
    match (row.shutdown.receive, row.shutdown.send, row.condition) {
        // That the peer has closed it says both.
        (_, _, Condition::PeerClosed) | (false, false, _) => None,
        (true, true, _) => Some("Both directions: it neither receives nor sends."),
        (true, false, _) => Some("It receives nothing more: read(2) gives 0 after what is left."),
        (false, true, _) => Some("It sends nothing more: the peer reads to the end."),
    }
}

fn in_flight(page: &mut Page<'_>, row: &Row) {
    match row.in_flight {
        Some(0) => {}
        Some(1) => page.fact(
            "In flight",
            "1 descriptor waits here in a message (SCM_RIGHTS).",
        ),
        Some(many) => {
            let words = format!("{many} descriptors wait here in messages (SCM_RIGHTS).");
            page.fact("In flight", &words);
        }
        None => page.fact(
            "In flight",
            "? — whether descriptors wait here may not be read.",
        ),
    }
}

fn name_kind(name: &Name) -> &'static str {
    match name {
        Name::Path(_) => "a path, as it was given to bind(2).",
        Name::Abstract(_) => "an abstract name, which no file stands for.",
    }
}

fn kind(kind: Type) -> &'static str {
    match kind {
        Type::Stream => "stream: bytes in order, without boundaries between writes.",
        Type::Dgram => "dgram: whole messages; no connection is needed.",
        Type::Seqpacket => "seqpacket: whole messages in order, over a connection.",
        Type::Other(_) => "of a type that this program does not know.",
    }
}

fn state(row: &Row) -> &'static str {
    match (row.condition, row.kind) {
        (Condition::Listening, _) => "Listening: it waits for connections.",
        (Condition::Bound, Type::Dgram) => "Bound: it receives what is sent to its name.",
        (Condition::Bound, _) => {
            "Bound, not listening: connect(2) to it gives ECONNREFUSED until listen(2)."
        }
        (Condition::Connected, _) => "Connected, and both ends are open.",
        (Condition::Waiting, _) => {
            "Waiting to be accepted: connect(2) has returned; the server has not called \
             accept(2) for it yet."
        }
        (Condition::HalfClosed, _) => "Half closed: one direction is shut down, by shutdown(2).",
        (Condition::PeerClosed, _) => {
            "Closed by the peer: what it sent before can still be read; sending gives EPIPE."
        }
        (Condition::Unconnected, _) => "Neither bound nor connected.",
    }
}

fn queue(page: &mut Page<'_>, row: &Row) {
    if let Some(queue) = row.queue {
        let pending = match queue.pending {
            0 => "No connection waits for accept(2)".to_owned(),
            1 => "1 connection waits for accept(2)".to_owned(),
            many => format!("{many} connections wait for accept(2)"),
        };
        let full = if queue.pending > queue.backlog {
            " It is full: connect(2) waits, or gives EAGAIN."
        } else {
            ""
        };
        let words = format!("{pending}; the backlog is {}.{full}", queue.backlog);
        page.fact("Queue", &words);
        for client in &row.pending {
            let inode = match client.inode {
                Some(inode) => format!("Socket {inode} waits."),
                None => "A client waited and has closed its socket.".to_owned(),
            };
            page.fact("", &inode);
            if client.inode.is_some() {
                page.holders("", &client.holders);
            }
        }
        return;
    }
    let unread = match (row.unread, row.kind) {
        (0, _) => "Nothing waits to be read.".to_owned(),
        (bytes, Type::Stream) => format!("{bytes} bytes wait to be read: all that has arrived."),
        (bytes, _) => {
            format!("{bytes} bytes wait to be read in the first message; more may follow it.")
        }
    };
    page.fact("Queue", &unread);
    if row.sent_memory > 0 {
        let words = format!(
            "What it sent and nobody has read takes {} bytes of the kernel's memory: whole \
             buffers, more than the bytes in them.",
            row.sent_memory
        );
        page.fact("", &words);
    }
}

fn tell_peer(page: &mut Page<'_>, peer: &Peer) {
    let mut words = match peer.relation {
        Relation::Connected => format!("Socket {}: each is the other's peer.", peer.inode),
        Relation::WaitsFor => format!("The listener {}, whose accept(2) it waits for.", peer.inode),
        Relation::SendsTo => format!(
            "Socket {}: what is sent goes there; that one is not connected back.",
            peer.inode
        ),
    };
    if let Some(name) = &peer.name {
        words += &format!(" Its name: {}.", words::name(name));
    }
    page.fact("Peer", &words);
    page.holders("Held by", &peer.holders);
}

fn links(page: &mut Page<'_>, seen: &Sockets, row: &Row) {
    let holder = row.holders.processes.first();
    let peer = row.peer.as_ref();
    if let Some(peer) = peer
        && seen.sockets.iter().any(|other| other.inode == peer.inode)
    {
        let words = match peer.relation {
            Relation::WaitsFor => "its listener",
            _ => "its peer",
        };
        page.socket(words, peer.inode);
    }
    if matches!(
        row.condition,
        Condition::Connected | Condition::HalfClosed | Condition::PeerClosed
    ) {
        let way = ("creds".to_owned(), Target::Recorded(row.cookie));
        page.ways("recorded of its peer", &[way]);
    }
    if let Some(holder) = holder {
        page.process("holder", holder);
    }
    if let Some(theirs) = peer.and_then(|peer| peer.holders.processes.first()) {
        page.process("peer's", theirs);
    }
    for client in &row.pending {
        if let Some(inode) = client.inode {
            page.socket("waits", inode);
        }
    }
    for other in row.holders.processes.iter().skip(1) {
        page.process("holder", other);
    }
}
