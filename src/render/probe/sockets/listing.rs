//! Draws sockets as tables: one for each condition.
//!
//! ```text
//! AF_UNIX sockets of this network namespace: 5
//! The descriptors of 1 of 98 processes could not be read (dbus-daemon 700): they
//! belong to other users, or do not let themselves be read; root sees more. So ?
//! means unknown, not nobody.
//!
//! Listening: 2
//! TYPE   INODE NAME                     PROCESS      PID CLIENTS SERVICE
//! stream  9100 /run/dbus/sy…_bus_socket ?                      0 D-Bus system bus
//! /run/user/1000/
//! stream 10311   bus                    dbus-daemon 1042       1 D-Bus session bus
//!
//! Connected: 2
//! TYPE    INODE  PROCESS       PID   PEER  PEER'S PROCESS   PID  THROUGH
//! stream  10545  dbus-daemon  1042  10544  sway            1051  D-Bus session bus
//! stream  10544  sway         1051  10545  dbus-daemon     1042  D-Bus session bus
//!
//! Waiting to be accepted: 1
//! connect(2) has returned; the server has not called accept(2) for these yet.
//! TYPE    INODE  PROCESS   PID  PEER  PEER'S PROCESS  USER  COOKIE
//! stream   9200  sway     1051     -  -               1000    9200
//!
//! No room in every table for: cookie, name, queue, user. A wider terminal or
//! --json shows them.
//! ```

use super::super::section;
use super::super::table::{self, Cell, Cells, Column, Cut, Dropped};
use super::super::words;
use super::{HOMELESS, head};
use crate::probe::sockets::{By, Condition, Leads, Owner, Relation, Row, Sockets, Target};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Sink, Text};
use crate::sys::sock_diag::Name;
use crate::untrusted::Untrusted;

const OPEN: &[Column] = &[
    Column::fixed("TYPE", 4),
    Column::number("INODE", 0),
    Column::flexible("NAME", 22, 0, Cut::Middle),
    Column::fixed("FILE", 1),
    Column::flexible("PROCESS", 11, 0, Cut::Middle),
    Column::number("PID", 0),
    Column::number("CLIENTS", 3),
    Column::flexible("SERVICE", 16, 2, Cut::Middle),
    Column::number("QUEUE", 5),
    Column::number("UNREAD", 6),
    Column::number("FDS IN FLIGHT", 6),
    Column::flexible("RECORDED", 8, 1, Cut::End),
    Column::flexible("USER", 6, 7, Cut::End),
    Column::flexible("UNIT", 10, 8, Cut::Middle),
    Column::fixed("MOUNTS", 8),
    Column::number("COOKIE", 9),
];

const CONNECTED: &[Column] = &[
    Column::fixed("TYPE", 3),
    Column::number("INODE", 0),
    Column::flexible("PROCESS", 11, 0, Cut::Middle),
    Column::number("PID", 0),
    Column::fixed("", 5),
    Column::number("PEER", 0),
    Column::flexible("PEER'S PROCESS", 11, 0, Cut::Middle),
    Column::number("PID", 0),
    Column::flexible("THROUGH", 14, 2, Cut::Middle),
    Column::flexible("NAME", 16, 4, Cut::Middle),
    Column::number("UNREAD", 6),
    Column::number("PEER UNREAD", 7),
    Column::number("FDS IN FLIGHT", 6),
    Column::flexible("RECORDED", 8, 1, Cut::End),
    Column::flexible("USER", 6, 7, Cut::End),
    Column::number("SENT MEMORY", 9),
    Column::flexible("UNIT", 10, 8, Cut::Middle),
    Column::fixed("MOUNTS", 8),
    Column::number("COOKIE", 9),
];

const SECTIONS: &[(Condition, &str, &str)] = &[
    (Condition::Listening, section::LISTENING, ""),
    (
        Condition::Bound,
        section::BOUND,
        "Datagram sockets receive here; a stream socket refuses connections until listen(2).",
    ),
    (Condition::Connected, section::CONNECTED, ""),
    (
        Condition::Waiting,
        section::WAITING,
        "connect(2) has returned; the server has not called accept(2) for these yet.",
    ),
    (
        Condition::HalfClosed,
        "Half closed",
        "One direction is shut down, by shutdown(2).",
    ),
    (
        Condition::PeerClosed,
        "Closed by the peer",
        "What the peer sent before can still be read; sending gives EPIPE.",
    ),
    (Condition::Unconnected, "Neither bound nor connected", ""),
];

/// What it means that a name leads elsewhere, by what stands in the column FILE.
const NAMES: &[(Target, &str)] = &[
    (
        Target::Nothing,
        "A file of none: nothing has the socket's name any more, so new clients get ENOENT. It was \
         removed, renamed or covered by a mount.",
    ),
    (
        Target::AnotherFile,
        "A file of another: another file has the socket's name now, and new clients reach that one.",
    ),
];

pub(super) fn draw(seen: &Sockets, width: usize, out: &mut dyn Sink) {
    let mut text = head(seen, width);
    for &(known, words) in HOMELESS {
        if seen.sockets.iter().any(|row| row.holders.known == known) {
            text.append(paragraph(Role::Dim, words, width));
        }
    }
    let guessed = |row: &Row| {
        row.service
            .as_ref()
            .is_some_and(|found| found.by == By::Program)
    };
    if seen.sockets.iter().any(guessed) {
        text.append(paragraph(Role::Dim, words::GUESSED, width));
    }
    for &(target, words) in NAMES {
        let leads = |row: &Row| row.leads.is_some_and(|leads| leads.to == target);
        if seen.sockets.iter().any(leads) {
            text.append(paragraph(Role::Dim, words, width));
        }
    }
    if seen.sockets.iter().any(|row| row.borrowed.is_some()) {
        let words = "RECORDED: the pid and the user of the other end when the connection was \
            made; of a listener, when listen(2) was called. With ! that process does not hold it now.";
        text.append(paragraph(Role::Dim, words, width));
    }
    out.text(&text);
    let mut dropped = Dropped::default();
    for &(condition, title, note) in SECTIONS {
        let rows: Vec<&Row> = seen
            .sockets
            .iter()
            .filter(|row| row.condition == condition)
            .collect();
        if rows.is_empty() {
            continue;
        }
        let mut text = Text::new();
        text.blank();
        text.line(Line::of(Role::Strong, title).with(Role::Plain, format!(": {}", rows.len())));
        if !note.is_empty() {
            text.append(paragraph(Role::Dim, note, width));
        }
        out.text(&text);
        let open = matches!(
            condition,
            Condition::Listening | Condition::Bound | Condition::Unconnected
        );
        if open {
            let fill = |before: Option<&&Row>, row: &&Row, cells: &mut Cells| {
                open_row(seen, before.copied(), row, cells);
            };
            table::draw_each(OPEN, &rows, fill, width, &mut dropped, out);
        } else {
            let fill = |_: Option<&&Row>, row: &&Row, cells: &mut Cells| {
                connected_row(seen, row, cells);
            };
            table::draw_each(CONNECTED, &rows, fill, width, &mut dropped, out);
        }
    }
    out.text(&dropped.say(width));
}

/// `/run/user/UID/`, if the socket is bound beneath it.
fn runtime_dir(row: &Row) -> Option<&[u8]> {
    let Some(Name::Path(path)) = &row.name else {
        return None;
    };
    let rest = path.bytes().strip_prefix(b"/run/user/")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits > 0 && rest.get(digits) == Some(&b'/') && rest.len() > digits + 1;
    whole.then(|| &path.bytes()[..b"/run/user/".len() + digits + 1])
}

/// Rows come in their order; those in a runtime directory stand beneath its path.
fn open_row(seen: &Sockets, before: Option<&Row>, row: &Row, cells: &mut Cells) {
    let group = runtime_dir(row);
    if let Some(directory) = group
        && before.and_then(runtime_dir) != group
    {
        let path = Untrusted::from(directory);
        cells.beneath(Cell::new(Role::Dim, path.to_string()));
    }
    cells.add(Role::Plain, row.kind.word());
    cells.number(Role::Plain, row.inode);
    name(row, group, cells);
    file(row.leads.as_ref(), cells);
    words::add_holders(&row.holders, cells);
    match row.clients {
        Some(0) => cells.add(Role::Dim, "0"),
        Some(clients) => cells.number(Role::Value, clients as u64),
        None => cells.empty(),
    }
    words::add_service(row.service.as_deref(), cells);
    match row.queue {
        Some(queue) => {
            cells.push_number(queue.pending.into());
            cells.push("/");
            cells.push_number(queue.backlog.into());
            cells.end(match queue.pending {
                0 => Role::Dim,
                _ => Role::Warning,
            });
        }
        None => cells.empty(),
    }
    amount(row.unread, cells);
    in_flight(row, cells);
    recorded(row, cells);
    user(row, cells);
    unit(owner(seen, row), cells);
    mounts(owner(seen, row), cells);
    cells.number(Role::Dim, row.cookie);
}

fn connected_row(seen: &Sockets, row: &Row, cells: &mut Cells) {
    let peer = row.peer.as_ref();
    let peers_name = peer.and_then(|peer| peer.name.as_ref());
    let name = row.name.as_ref().or(peers_name);
    cells.add(Role::Plain, row.kind.word());
    cells.number(Role::Plain, row.inode);
    words::add_holders(&row.holders, cells);
    cells.add(
        Role::Dim,
        match peer.map(|peer| peer.relation) {
            Some(Relation::Connected) if row.shutdown.receive && row.shutdown.send => "---",
            Some(Relation::Connected) if row.shutdown.receive => "-->",
            Some(Relation::Connected) if row.shutdown.send => "<--",
            Some(Relation::Connected) => "<->",
            Some(Relation::SendsTo) => "-->",
            Some(Relation::WaitsFor) => "..>",
            None => "",
        },
    );
    match peer {
        Some(peer) => {
            cells.number(Role::Plain, peer.inode);
            words::add_holders(&peer.holders, cells);
        }
        None => {
            cells.add(Role::Dim, "-");
            cells.add(Role::Dim, "-");
            cells.empty();
        }
    }
    match (&row.service, name) {
        (Some(_), Some(name)) => {
            words::add_service(row.service.as_deref(), cells);
            words::add_name(name, cells);
        }
        (Some(_), None) => {
            words::add_service(row.service.as_deref(), cells);
            cells.empty();
        }
        (None, Some(name)) => {
            words::add_name(name, cells);
            cells.empty();
        }
        (None, None) => {
            cells.empty();
            cells.empty();
        }
    }
    amount(row.unread, cells);
    amount(peer.map_or(0, |peer| peer.unread), cells);
    in_flight(row, cells);
    recorded(row, cells);
    user(row, cells);
    amount(row.sent_memory, cells);
    unit(owner(seen, row), cells);
    mounts(owner(seen, row), cells);
    cells.number(Role::Dim, row.cookie);
}

fn name(row: &Row, group: Option<&[u8]>, cells: &mut Cells) {
    match (&row.name, group) {
        (Some(name), Some(group)) => {
            let below = Untrusted::from(&name.text().bytes()[group.len()..]);
            cells.push("  ");
            cells.push(&words::quoted(&below));
            cells.end(Role::Code);
        }
        (Some(name), None) => words::add_name(name, cells),
        (None, _) => cells.empty(),
    }
}

/// Something that waits; nothing is not drawn.
fn amount(bytes: u32, cells: &mut Cells) {
    match bytes {
        0 => cells.empty(),
        bytes => cells.number(Role::Warning, bytes),
    }
}

fn in_flight(row: &Row, cells: &mut Cells) {
    match row.in_flight {
        Some(descriptors) => amount(descriptors, cells),
        None => cells.add(Role::Warning, "?"),
    }
}

/// What is wrong with a name: nothing is drawn when it leads to its file, or nobody can tell.
fn file(leads: Option<&Leads>, cells: &mut Cells) {
    match leads.map(|leads| leads.to) {
        Some(Target::Nothing) => cells.add(Role::Warning, "none"),
        Some(Target::AnotherFile) => cells.add(Role::Warning, "another"),
        Some(Target::ItsFile | Target::Unknown) | None => cells.empty(),
    }
}

fn recorded(row: &Row, cells: &mut Cells) {
    let Some(borrowed) = &row.borrowed else {
        return cells.empty();
    };
    let Some(who) = &borrowed.credentials else {
        return match borrowed.refused {
            Some(_) => cells.add(Role::Warning, "?"),
            None => cells.add(Role::Dim, "-"),
        };
    };
    match who.pid {
        Some(pid) => cells.push(&pid.to_string()),
        None => cells.push("?"),
    }
    let elsewhere = who.holds_it_now == Some(false);
    cells.push(if elsewhere { "! " } else { " " });
    cells.push(&words::user(who.uid, who.user.as_ref()));
    cells.end(if elsewhere {
        Role::Warning
    } else {
        Role::Value
    });
}

fn user(row: &Row, cells: &mut Cells) {
    match (&row.user, row.uid) {
        (Some(name), Some(_)) => cells.push_untrusted(name),
        (None, Some(uid)) => cells.push_number(uid.into()),
        (_, None) => {}
    }
    cells.end(Role::Dim);
}

fn owner<'a>(seen: &'a Sockets, row: &Row) -> Option<&'a Owner> {
    if seen.owners.is_empty() {
        return None;
    }
    seen.owner(row.holders.processes.first()?.pid)
}

fn unit(owner: Option<&Owner>, cells: &mut Cells) {
    if let Some(unit) = owner.and_then(|owner| owner.unit.as_ref()) {
        cells.push_untrusted(unit);
    }
    cells.end(Role::Dim);
}

fn mounts(owner: Option<&Owner>, cells: &mut Cells) {
    match owner.and_then(|owner| owner.other_mounts) {
        Some(true) => cells.add(Role::Warning, "other"),
        Some(false) | None => cells.empty(),
    }
}
