//! Draws `probe sockets`: a section for each condition.
//!
//! ```text
//! AF_UNIX sockets of this network namespace: 7
//!
//! Listening: 2
//! TYPE    INODE  NAME                PROCESS           CLIENTS  SERVICE
//! stream  10311  /run/user/1000/bus  dbus-daemon 1042        3  D-Bus session bus
//!
//! Connected: 5
//! TYPE    INODE  PROCESS    PEER   PEER'S PROCESS    THROUGH
//! stream  10544  sway 1051  10545  dbus-daemon 1042  D-Bus session bus
//! ```

use super::table::{self, Cell, Column, Cut};
use super::words;
use crate::probe::holders::Known;
use crate::probe::sockets::{Condition, Relation, Row, Sockets};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};

const OPEN: &[Column] = &[
    Column::fixed("TYPE", 4),
    Column::number("INODE", 0),
    Column::flexible("NAME", 20, 0, Cut::Middle),
    Column::flexible("PROCESS", 12, 0, Cut::End),
    Column::number("CLIENTS", 3),
    Column::flexible("SERVICE", 12, 2, Cut::End),
    Column::number("QUEUE", 5),
    Column::number("UNREAD", 6),
    Column::number("UID", 7),
    Column::number("COOKIE", 8),
];

const CONNECTED: &[Column] = &[
    Column::fixed("TYPE", 3),
    Column::number("INODE", 0),
    Column::flexible("PROCESS", 12, 0, Cut::End),
    Column::fixed("", 5),
    Column::number("PEER", 0),
    Column::flexible("PEER'S PROCESS", 12, 0, Cut::End),
    Column::flexible("THROUGH", 12, 2, Cut::Middle),
    Column::flexible("NAME", 16, 4, Cut::Middle),
    Column::number("UNREAD", 6),
    Column::number("UID", 7),
    Column::number("COOKIE", 8),
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

pub(super) fn draw(seen: &Sockets, width: usize) -> Text {
    let mut text = Text::new();
    text.line(
        Line::of(Role::Heading, "AF_UNIX sockets of this network namespace")
            .with(Role::Plain, format!(": {}", seen.sockets.len())),
    );
    if let Some(problem) = &seen.problem {
        let words = format!("The kernel did not list them: {problem}.");
        text.append(paragraph(Role::Warning, &words, width));
    }
    if let Some(words) = words::blind_spots(&seen.visibility) {
        text.append(paragraph(Role::Warning, &words, width));
    }
    if seen
        .sockets
        .iter()
        .any(|row| row.holders.known == Known::None)
    {
        let words = "A process of - means that no process holds the socket: \
            it is in a message that nobody has read yet, or the kernel's own.";
        text.append(paragraph(Role::Dim, words, width));
    }
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
            let cells: Vec<_> = rows.into_iter().map(open_row).collect();
            table::draw(OPEN, &cells, width)
        } else {
            let cells: Vec<_> = rows.into_iter().map(connected_row).collect();
            table::draw(CONNECTED, &cells, width)
        });
    }
    text
}

fn open_row(row: &Row) -> Vec<Cell> {
    vec![
        Cell::new(Role::Plain, row.kind.word()),
        Cell::new(Role::Plain, row.inode.to_string()),
        name(row),
        words::holders(&row.holders),
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
        unread(row),
        uid(row),
        Cell::new(Role::Dim, row.cookie.to_string()),
    ]
}

fn connected_row(row: &Row) -> Vec<Cell> {
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
    let name = row
        .name
        .as_ref()
        .or(peer.and_then(|peer| peer.name.as_ref()));
    vec![
        Cell::new(Role::Plain, row.kind.word()),
        Cell::new(Role::Plain, row.inode.to_string()),
        words::holders(&row.holders),
        Cell::new(
            Role::Dim,
            match peer.map(|peer| peer.relation) {
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
        match peer {
            Some(peer) => words::holders(&peer.holders),
            None => Cell::new(Role::Dim, "-"),
        },
        through,
        match name {
            Some(name) if named => Cell::new(Role::Code, words::name(name)),
            _ => Cell::new(Role::Plain, ""),
        },
        unread(row),
        uid(row),
        Cell::new(Role::Dim, row.cookie.to_string()),
    ]
}

fn name(row: &Row) -> Cell {
    match &row.name {
        Some(name) => Cell::new(Role::Code, words::name(name)),
        None => Cell::new(Role::Dim, ""),
    }
}

fn number(number: usize) -> Cell {
    let role = if number == 0 { Role::Dim } else { Role::Value };
    Cell::new(role, number.to_string())
}

fn unread(row: &Row) -> Cell {
    match row.unread {
        0 => Cell::new(Role::Plain, ""),
        bytes => Cell::new(Role::Warning, bytes.to_string()),
    }
}

fn uid(row: &Row) -> Cell {
    let uid = row.uid.map(|uid| uid.to_string());
    Cell::new(Role::Dim, uid.unwrap_or_default())
}
