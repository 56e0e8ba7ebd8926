//! Draws one socket: everything that is known of it, in sentences, and what each number means.
//!
//! ```text
//! AF_UNIX sockets of this network namespace: 1 of 5
//! The descriptors of 1 of 98 processes could not be read (dbus-daemon 700): they
//! belong to other users, or do not let themselves be read; root sees more. So ?
//! means unknown, not nobody.
//!
//! Socket 10544
//! is         a stream socket, connected: both ends are open.
//! service    D-Bus session bus, by the address of the connection.
//! name       none: the other end is named /run/user/1000/bus.
//! held by    sway 1051, as descriptor 14, in sway.service.
//! other end  socket 10545, held by dbus-daemon 1042.
//! unread     0 bytes wait here; 11 wait at the other end.
//! sent       768 bytes of kernel memory hold what this end sent and nobody has
//!            read. Whole buffers are counted: 11 bytes take 768.
//! in flight  no descriptor waits here in a message (SCM_RIGHTS).
//! creator    learner, uid 1000: the owner of the socket's inode, which fchown(2)
//!            can change.
//! cookie     10544: what getsockopt(SO_COOKIE) returns; never used twice, as
//!            inodes may be.
//! recorded   pid 1042, user learner, gid 1000: who was at the other end when the
//!            connection was made: the caller of connect(2) or socketpair(2); for a
//!            client, of listen(2). It holds that end now, too.
//! namespace  network namespace 4026531833.
//!
//! The other end: ipc-mastery probe sockets --inode 10545
//! Its process: ipc-mastery probe sockets --pid 1051
//! ```

use super::super::words;
use super::head;
use crate::probe::holders::{Holders, Known, Process};
use crate::probe::sockets::{
    Borrowed, By, Condition, Doubt, Leads, Pending, Refused, Relation, Row, SeenFrom, Sockets,
    Target,
};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
use crate::sys::sock_diag::{Name, Type};

/// Columns of the words on the left, with the gap after them.
const LABEL: usize = 11;

pub(super) fn draw(seen: &Sockets, row: &Row, width: usize) -> Text {
    let mut text = head(seen, width);
    text.blank();
    text.line(Line::of(Role::Strong, format!("Socket {}", row.inode)));
    for (label, role, words) in facts(seen, row) {
        let room = width.saturating_sub(LABEL);
        let mut label = format!("{label:<LABEL$}");
        for mut line in paragraph(role, &words, room).lines {
            let mut whole = Line::of(Role::Subheading, std::mem::take(&mut label));
            if whole.spans[0].text.is_empty() {
                whole = Line::of(Role::Plain, " ".repeat(LABEL));
            }
            whole.spans.append(&mut line.spans);
            text.line(whole);
        }
    }
    text.append(next(row, width));
    text
}

/// What is known of a socket: a word and a sentence each, for this picture and for the screen.
pub(in crate::render::probe) fn facts(
    seen: &Sockets,
    row: &Row,
) -> Vec<(&'static str, Role, String)> {
    let mut facts = Vec::new();
    let mut say = |label: &'static str, role: Role, words: &str| {
        facts.push((label, role, words.to_owned()));
    };
    let plain = Role::Plain;
    say("is", plain, &what(row));
    if let Some(service) = &row.service {
        let by = match service.by {
            By::Address if row.condition == Condition::Listening => "its address",
            By::Address => "the address of the connection",
            By::Program => "the name of a program that holds it, which programs choose themselves",
        };
        say("service", plain, &format!("{}, by {by}.", service.name));
    }
    say("name", plain, &name(row));
    if let Some(leads) = &row.leads {
        let role = match leads.to {
            Target::Nothing | Target::AnotherFile => Role::Warning,
            Target::ItsFile | Target::Unknown => plain,
        };
        say("leads", role, &leads_to(leads));
    }
    say("held by", plain, &held_by(seen, row));
    say("other end", plain, &other_end(row));
    for sentence in queue(row) {
        say("queue", plain, &sentence);
    }
    if !matches!(row.condition, Condition::Listening) {
        say("unread", plain, &unread(row));
        say("sent", plain, &sent(row));
    }
    if let Some(words) = shut(row) {
        say("shut down", plain, words);
    }
    say("in flight", plain, &in_flight(row));
    if let Some(uid) = row.uid {
        let who = words::user(uid, row.user.as_ref());
        let words = format!(
            "{who}, uid {uid}: the owner of the socket's inode, which fchown(2) can change."
        );
        say("creator", plain, &words);
    }
    let words = format!(
        "{}: what getsockopt(SO_COOKIE) returns; never used twice, as inodes may be.",
        row.cookie
    );
    say("cookie", plain, &words);
    if let Some(borrowed) = &row.borrowed {
        for (label, words) in told(row, borrowed) {
            say(label, plain, &words);
        }
    }
    if let Some(namespace) = seen.network_namespace {
        say(
            "namespace",
            plain,
            &format!("network namespace {namespace}."),
        );
    }
    facts
}

fn what(row: &Row) -> String {
    let kind = match row.kind {
        Type::Seqpacket => "a seqpacket socket",
        Type::Stream => "a stream socket",
        Type::Dgram => "a datagram socket",
        Type::Other(_) => "a socket of a type that this program does not know",
    };
    let does = match (row.condition, row.kind) {
        (Condition::Listening, _) => "listening: it waits for connections.",
        (Condition::Bound, Type::Dgram) => "bound: it receives what is sent to its name.",
        (Condition::Bound, _) => {
            "bound, not listening: connect(2) gives ECONNREFUSED until listen(2) is called."
        }
        (Condition::Connected, Type::Dgram) => {
            "connected: what it sends goes to its other end, and it receives from there only."
        }
        (Condition::Connected, _) => "connected: both ends are open.",
        (Condition::Waiting, _) => {
            "waiting: connect(2) has returned, and the server has not called accept(2) for it yet."
        }
        (Condition::HalfClosed, _) => "half closed: shutdown(2) was called on an end.",
        (Condition::PeerClosed, _) => {
            "closed by its peer: what was sent before can be read; sending gives EPIPE."
        }
        (Condition::Unconnected, _) => "neither bound nor connected.",
    };
    format!("{kind}, {does}")
}

fn name(row: &Row) -> String {
    let peer = row.peer.as_ref();
    match (&row.name, peer.and_then(|peer| peer.name.as_ref())) {
        (Some(name), _) => {
            let connected = !matches!(row.condition, Condition::Listening | Condition::Bound);
            let file = match (&row.file, name) {
                (Some(file), Name::Path(_)) => format!(
                    " Its file is inode {} on device {}:{}.",
                    file.inode, file.device.major, file.device.minor
                ),
                _ => String::new(),
            };
            let kind = match name {
                Name::Path(_) => "",
                Name::Abstract(_) => ", an abstract name: no file, and no permissions",
            };
            let whose = match connected && row.kind != Type::Dgram {
                true => " An accepted socket carries the name of its listener.",
                false => "",
            };
            format!("{}{kind}.{file}{whose}", words::spoken(name))
        }
        (None, Some(name)) if peer.is_some_and(|peer| peer.relation == Relation::Connected) => {
            format!("none: the other end is named {}.", words::spoken(name))
        }
        (None, Some(name)) => format!("none: the other end is {}.", words::spoken(name)),
        (None, None) => "none.".to_owned(),
    }
}

fn leads_to(leads: &Leads) -> String {
    let eyes = match leads.seen_from {
        SeenFrom::Holder => "seen from the root directory of its process",
        SeenFrom::Here => "seen from here, as the root directory of its process may not be entered",
    };
    let what = match (leads.to, leads.doubt) {
        (Target::ItsFile, _) => "the name leads to the socket's file: new clients reach it",
        (Target::Nothing, _) => {
            "nothing has the name any more: new clients get ENOENT. The file was removed, renamed \
             or covered by a mount"
        }
        (Target::AnotherFile, _) => {
            "another file has the name now: new clients reach that one, not this socket"
        }
        (Target::Unknown, Some(Doubt::RelativeName)) => {
            "it cannot be told where the name leads: it is relative to the directory in which \
             bind(2) was called"
        }
        (Target::Unknown, Some(Doubt::MadeUpDevice)) => {
            "it cannot be told where the name leads: the file system there (overlayfs, btrfs) makes \
             device numbers up"
        }
        (Target::Unknown, Some(Doubt::NotSearchable)) => {
            "it cannot be told where the name leads: a directory on the way may not be searched"
        }
        (Target::Unknown, Some(Doubt::MayHang)) => {
            "the name was not looked up: the file system there is served by another program or \
             machine, which could make us wait"
        }
        (Target::Unknown, _) => "it cannot be told where the name leads",
    };
    format!("{what} ({eyes}).")
}

fn held_by(seen: &Sockets, row: &Row) -> String {
    if row.holders.processes.is_empty() {
        let mut words = nobody(row.holders.known).to_owned();
        if row.holders.known == Known::NotVisible && seen.in_flight > 0 {
            words.push_str(" Or it is on its way in a message that nobody has received.");
        }
        return words;
    }
    let holder = |process: &Process| {
        let numbers: Vec<String> = row
            .descriptors
            .iter()
            .filter(|held| held.pid == process.pid)
            .map(|held| held.fd.to_string())
            .collect();
        let mut words = format!("{} {}", process.comm, process.pid);
        match numbers.as_slice() {
            [] => {}
            [one] => words.push_str(&format!(", as descriptor {one}")),
            many => words.push_str(&format!(", as descriptors {}", many.join(" and "))),
        }
        if let Some(owner) = seen.owner(process.pid) {
            if let Some(unit) = &owner.unit {
                words.push_str(&format!(", in {unit}"));
            }
            if owner.other_mounts == Some(true) {
                words.push_str(", which sees other mounts than we do");
            }
        }
        words
    };
    let all: Vec<String> = row.holders.processes.iter().map(holder).collect();
    format!("{}.", all.join("; "))
}

fn nobody(known: Known) -> &'static str {
    match known {
        Known::NotVisible => "?: not every process may be read, and none of the others holds it.",
        Known::InFlight => {
            "nobody: every process was read. Descriptors wait in messages that nobody has received, \
             and it may be one of them."
        }
        Known::None => {
            "nobody: every process was read, and no descriptor is on its way. It is the kernel's \
             own, or io_uring's."
        }
        Known::Gone => "nobody: it was closed while this was looked at.",
        Known::Some => "somebody.",
    }
}

fn other_end(row: &Row) -> String {
    let Some(peer) = &row.peer else {
        return match row.condition {
            Condition::Waiting => "not known: the connection was made while this was looked at.",
            Condition::PeerClosed => "none any more.",
            _ => "none.",
        }
        .to_owned();
    };
    let whose = who(&peer.holders);
    match peer.relation {
        Relation::Connected => format!("socket {}, {whose}.", peer.inode),
        Relation::WaitsFor => format!(
            "none yet: it waits for the listener, socket {}, {whose}. The kernel has made the other \
             end, and gives it an inode at accept(2).",
            peer.inode
        ),
        Relation::SendsTo => format!(
            "socket {}, {whose}: messages go there, and need not come back.",
            peer.inode
        ),
    }
}

fn who(holders: &Holders) -> String {
    let all: Vec<String> = holders
        .processes
        .iter()
        .map(|process| format!("{} {}", process.comm, process.pid))
        .collect();
    match (holders.known, all.is_empty()) {
        (_, false) => format!("held by {}", all.join(" and ")),
        (Known::NotVisible, _) => "held by a process that may not be read".to_owned(),
        (Known::InFlight, _) => "held by nobody, perhaps on its way in a message".to_owned(),
        (Known::Gone, _) => "closed meanwhile".to_owned(),
        (Known::None | Known::Some, _) => "held by nobody".to_owned(),
    }
}

fn queue(row: &Row) -> Vec<String> {
    let Some(queue) = row.queue else {
        return match row.clients {
            Some(clients) => vec![format!("{} connected to it.", sockets(clients))],
            None => Vec::new(),
        };
    };
    let mut words = format!(
        "{} for accept(2); the backlog given to listen(2) is {}, and one more is let in.",
        match queue.pending {
            1 => "1 connection waits".to_owned(),
            many => format!("{many} connections wait"),
        },
        queue.backlog
    );
    if queue.pending > queue.backlog {
        words.push_str(" It is full: connect(2) waits, or gives EAGAIN.");
    }
    let clients = row.clients.map_or_else(String::new, |clients| {
        format!(" {clients} that it accepted are open.")
    });
    let mut all = vec![words + &clients];
    all.extend(row.pending.iter().map(waits));
    all
}

fn sockets(number: usize) -> String {
    match number {
        1 => "1 socket is".to_owned(),
        many => format!("{many} sockets are"),
    }
}

fn waits(client: &Pending) -> String {
    match client.inode {
        Some(inode) => format!("socket {inode} waits, {}.", who(&client.holders)),
        None => "a client was closed while it waited.".to_owned(),
    }
}

fn unread(row: &Row) -> String {
    let bytes = |number: u32| match number {
        1 => "1 byte waits".to_owned(),
        many => format!("{many} bytes wait"),
    };
    let first = match row.kind {
        Type::Stream => "",
        _ => " in the first message; those after it are not counted",
    };
    let here = format!("{} here{first}", bytes(row.unread));
    match &row.peer {
        Some(peer) if peer.relation == Relation::Connected => {
            let waits = match peer.unread {
                1 => "waits",
                _ => "wait",
            };
            format!("{here}; {} {waits} at the other end.", peer.unread)
        }
        _ => format!("{here}."),
    }
}

fn sent(row: &Row) -> String {
    match row.sent_memory {
        0 => "everything that this end sent was read.".to_owned(),
        memory => format!(
            "{memory} bytes of kernel memory hold what this end sent and nobody has read. Whole \
             buffers are counted: 11 bytes take 768."
        ),
    }
}

fn shut(row: &Row) -> Option<&'static str> {
    match (row.shutdown.receive, row.shutdown.send) {
        (false, false) => None,
        (true, false) => Some("receiving: read(2) gives end of file after what waits."),
        (false, true) => Some("sending: write(2) gives EPIPE; the other end reads end of file."),
        (true, true) => Some("both directions."),
    }
}

fn in_flight(row: &Row) -> String {
    match row.in_flight {
        None => "?: the descriptors that wait here in messages may not be counted.".to_owned(),
        Some(0) => "no descriptor waits here in a message (SCM_RIGHTS).".to_owned(),
        Some(number) => {
            let wait = match number {
                1 => "1 descriptor waits".to_owned(),
                many => format!("{many} descriptors wait"),
            };
            format!(
                "{wait} here in messages that nobody has received (SCM_RIGHTS). The kernel does not \
                 tell which."
            )
        }
    }
}

/// What the socket itself told, each with its label.
fn told(row: &Row, borrowed: &Borrowed) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some(who) = &borrowed.credentials {
        let pid = match who.pid {
            Some(pid) => format!("pid {pid}"),
            None => "a pid outside our pid namespace".to_owned(),
        };
        let called = match row.condition {
            Condition::Listening => "who called listen(2) on it",
            _ => {
                "who was at the other end when the connection was made: the caller of connect(2) or \
                 socketpair(2); for a client, of listen(2)"
            }
        };
        let user = words::user(who.uid, who.user.as_ref());
        let now = match (who.holds_it_now, row.condition) {
            (Some(true), _) => "It holds that end now, too.",
            (Some(false), Condition::Listening) => "It does not hold the socket now.",
            (Some(false), _) => "It does not hold that end now.",
            (None, _) => "It may have ended since.",
        };
        let words = format!("{pid}, user {user}, gid {}: {called}. {now}", who.gid);
        all.push(("recorded", words));
    } else if borrowed.refused.is_none() {
        all.push(("recorded", "nothing: it has not been connected.".to_owned()));
    }
    if let Some(file) = &borrowed.file {
        let path = words::spoken(&Name::Path(file.path.clone()));
        let words = match file.removed {
            true => format!("removed; the last path was {path}."),
            false => format!("at {path}."),
        };
        all.push(("file now", words));
    }
    match borrowed.refused {
        None => {}
        Some(Refused::FileNeedsNetAdmin) => {
            let words = "?: asking the socket for it (SIOCUNIXFILE) needs CAP_NET_ADMIN.";
            all.push(("file now", words.to_owned()));
        }
        Some(refused) => all.push(("recorded", why_not(refused).to_owned())),
    }
    all
}

fn why_not(refused: Refused) -> &'static str {
    match refused {
        Refused::NoHolder => "?: no process that holds it may be read.",
        Refused::NotPermitted => {
            "?: its process does not let us take a descriptor (pidfd_getfd(2) gives EPERM)."
        }
        Refused::Gone => "?: it was closed meanwhile.",
        Refused::FileNeedsNetAdmin => "",
        Refused::NotInThisKernel => "?: this kernel has no pidfd_getfd(2).",
    }
}

/// Where to look next.
fn next(row: &Row, width: usize) -> Text {
    let mut text = Text::new();
    text.blank();
    let mut say = |words: String| {
        text.append(paragraph(Role::Dim, &words, width));
    };
    if let Some(peer) = &row.peer {
        let which = match peer.relation {
            Relation::WaitsFor => "The listener",
            _ => "The other end",
        };
        say(format!(
            "{which}: ipc-mastery probe sockets --inode {}",
            peer.inode
        ));
    }
    if let Some(process) = row.holders.processes.first() {
        say(format!(
            "Its process: ipc-mastery probe sockets --pid {}",
            process.pid
        ));
    }
    if row.borrowed.is_none() && !row.holders.processes.is_empty() {
        say("What is recorded on it: add --borrow".to_owned());
    }
    text
}
