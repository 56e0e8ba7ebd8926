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

use super::super::table::{self, Cell, Column, Cut, Dropped, Row as Entry};
use super::super::words;
use super::{HOMELESS, head};
use crate::probe::sockets::{By, Condition, Leads, Owner, Relation, Row, Sockets, Target};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
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
    (Condition::Listening, "Listening", ""),
    (
        Condition::Bound,
        "Bound, not listening",
        "Datagram sockets receive here; a stream socket refuses connections until listen(2).",
    ),
    (Condition::Connected, "Connected", ""),
    (
        Condition::Waiting,
        "Waiting to be accepted",
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

pub(super) fn draw(seen: &Sockets, width: usize) -> Text {
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
            made; of a listener, when listen(2) was called. The process may have ended since.";
        text.append(paragraph(Role::Dim, words, width));
    }
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
        text.blank();
        text.line(Line::of(Role::Strong, title).with(Role::Plain, format!(": {}", rows.len())));
        if !note.is_empty() {
            text.append(paragraph(Role::Dim, note, width));
        }
        let open = matches!(
            condition,
            Condition::Listening | Condition::Bound | Condition::Unconnected
        );
        text.append(if open {
            table::draw(OPEN, &grouped(seen, &rows), width, &mut dropped)
        } else {
            let cells = rows.into_iter().map(|row| connected_row(seen, row));
            let cells: Vec<Entry> = cells.map(Entry::Cells).collect();
            table::draw(CONNECTED, &cells, width, &mut dropped)
        });
    }
    text.append(dropped.say(width));
    text
}

/// Rows in the order they come in; those in a runtime directory beneath its path.
fn grouped(seen: &Sockets, rows: &[&Row]) -> Vec<Entry> {
    let mut lines = Vec::new();
    let mut group: Option<&[u8]> = None;
    for row in rows {
        let directory = runtime_dir(row);
        if let (Some(directory), true) = (directory, directory != group) {
            let path = Untrusted::from(directory);
            lines.push(Entry::Group(Cell::new(Role::Dim, path.to_string())));
        }
        group = directory;
        lines.push(Entry::Cells(open_row(seen, row, directory)));
    }
    lines
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

fn open_row(seen: &Sockets, row: &Row, group: Option<&[u8]>) -> Vec<Cell> {
    let [process, pid] = words::holders(&row.holders);
    vec![
        Cell::new(Role::Plain, row.kind.word()),
        Cell::new(Role::Plain, row.inode.to_string()),
        name(row, group),
        file(row.leads.as_ref()),
        process,
        pid,
        match row.clients {
            Some(clients) => number(clients),
            None => Cell::new(Role::Plain, ""),
        },
        words::service(row.service.as_ref()),
        match row.queue {
            Some(queue) => {
                let role = if queue.pending > 0 {
                    Role::Warning
                } else {
                    Role::Dim
                };
                Cell::new(role, format!("{}/{}", queue.pending, queue.backlog))
            }
            None => Cell::new(Role::Plain, ""),
        },
        amount(row.unread),
        in_flight(row),
        recorded(row),
        user(row),
        unit(owner(seen, row)),
        mounts(owner(seen, row)),
        Cell::new(Role::Dim, row.cookie.to_string()),
    ]
}

fn connected_row(seen: &Sockets, row: &Row) -> Vec<Cell> {
    let peer = row.peer.as_ref();
    let through = match (
        &row.service,
        &row.name,
        peer.and_then(|peer| peer.name.as_ref()),
    ) {
        (Some(_), _, _) => words::service(row.service.as_ref()),
        (None, Some(name), _) | (None, None, Some(name)) => {
            Cell::new(Role::Code, words::name(name))
        }
        (None, None, None) => Cell::new(Role::Plain, ""),
    };
    let named = row.service.is_some();
    let [process, pid] = words::holders(&row.holders);
    let [peer_process, peer_pid] = match peer {
        Some(peer) => words::holders(&peer.holders),
        None => [Cell::new(Role::Dim, "-"), Cell::new(Role::Plain, "")],
    };
    let name = row
        .name
        .as_ref()
        .or(peer.and_then(|peer| peer.name.as_ref()));
    vec![
        Cell::new(Role::Plain, row.kind.word()),
        Cell::new(Role::Plain, row.inode.to_string()),
        process,
        pid,
        Cell::new(
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
        ),
        match peer {
            Some(peer) => Cell::new(Role::Plain, peer.inode.to_string()),
            None => Cell::new(Role::Dim, "-"),
        },
        peer_process,
        peer_pid,
        through,
        match name {
            Some(name) if named => Cell::new(Role::Code, words::name(name)),
            _ => Cell::new(Role::Plain, ""),
        },
        amount(row.unread),
        amount(peer.map_or(0, |peer| peer.unread)),
        in_flight(row),
        recorded(row),
        user(row),
        amount(row.sent_memory),
        unit(owner(seen, row)),
        mounts(owner(seen, row)),
        Cell::new(Role::Dim, row.cookie.to_string()),
    ]
}

fn name(row: &Row, group: Option<&[u8]>) -> Cell {
    match (&row.name, group) {
        (Some(name), Some(group)) => {
            let below = Untrusted::from(&name.text().bytes()[group.len()..]);
            Cell::new(Role::Code, format!("  {}", words::quoted(&below)))
        }
        (Some(name), None) => Cell::new(Role::Code, words::name(name)),
        (None, _) => Cell::new(Role::Dim, ""),
    }
}

fn number(number: usize) -> Cell {
    let role = if number == 0 { Role::Dim } else { Role::Value };
    Cell::new(role, number.to_string())
}

/// Something that waits; nothing is not drawn.
fn amount(bytes: u32) -> Cell {
    match bytes {
        0 => Cell::new(Role::Plain, ""),
        bytes => Cell::new(Role::Warning, bytes.to_string()),
    }
}

fn in_flight(row: &Row) -> Cell {
    match row.in_flight {
        Some(descriptors) => amount(descriptors),
        None => Cell::new(Role::Warning, "?"),
    }
}

/// What is wrong with a name: nothing is drawn when it leads to its file, or nobody can tell.
fn file(leads: Option<&Leads>) -> Cell {
    match leads.map(|leads| leads.to) {
        Some(Target::Nothing) => Cell::new(Role::Warning, "none"),
        Some(Target::AnotherFile) => Cell::new(Role::Warning, "another"),
        Some(Target::ItsFile | Target::Unknown) | None => Cell::new(Role::Plain, ""),
    }
}

fn recorded(row: &Row) -> Cell {
    let Some(borrowed) = &row.borrowed else {
        return Cell::new(Role::Plain, "");
    };
    let Some(who) = &borrowed.credentials else {
        return match borrowed.refused {
            Some(_) => Cell::new(Role::Warning, "?"),
            None => Cell::new(Role::Dim, "-"),
        };
    };
    let pid = who
        .pid
        .map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    Cell::new(
        Role::Value,
        format!("{pid} {}", words::user(who.uid, who.user.as_ref())),
    )
}

fn user(row: &Row) -> Cell {
    let user = row.uid.map(|uid| words::user(uid, row.user.as_ref()));
    Cell::new(Role::Dim, user.unwrap_or_default())
}

fn owner<'a>(seen: &'a Sockets, row: &Row) -> Option<&'a Owner> {
    seen.owner(row.holders.processes.first()?.pid)
}

fn unit(owner: Option<&Owner>) -> Cell {
    let unit = owner.and_then(|owner| owner.unit.as_ref());
    Cell::new(Role::Dim, unit.map(ToString::to_string).unwrap_or_default())
}

fn mounts(owner: Option<&Owner>) -> Cell {
    match owner.and_then(|owner| owner.other_mounts) {
        Some(true) => Cell::new(Role::Warning, "other"),
        Some(false) | None => Cell::new(Role::Plain, ""),
    }
}
