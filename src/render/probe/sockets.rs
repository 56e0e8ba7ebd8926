//! Draws `probe sockets`: a section for each condition.
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
//! TYPE    INODE  PROCESS   PID  PEER  PEER'S PROCESS   UID  COOKIE
//! stream   9200  sway     1051     -  -               1000    9200
//!
//! No room in every table for: cookie, name, queue, uid. A wider terminal or --json
//! shows them.
//! ```

use super::table::{self, Cell, Column, Cut, Dropped, Row as Entry};
use super::words;
use crate::probe::holders::Known;
use crate::probe::sockets::{By, Condition, Relation, Row, Sockets};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
use crate::sys::sock_diag::Name;
use crate::untrusted::Untrusted;

const OPEN: &[Column] = &[
    Column::fixed("TYPE", 4),
    Column::number("INODE", 0),
    Column::flexible("NAME", 22, 0, Cut::Middle),
    Column::flexible("PROCESS", 11, 0, Cut::Middle),
    Column::number("PID", 0),
    Column::number("CLIENTS", 3),
    Column::flexible("SERVICE", 16, 2, Cut::Middle),
    Column::number("QUEUE", 5),
    Column::number("UNREAD", 6),
    Column::number("UID", 7),
    Column::number("COOKIE", 8),
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

/// What it means that a socket has no process, by the word that stands in its place.
const HOMELESS: &[(Known, &str)] = &[
    (
        Known::None,
        "A process of - means that no process holds the socket, and that no descriptor is on its \
         way: it is the kernel's own.",
    ),
    (
        Known::InFlight,
        "In flight: no process holds the socket, and descriptors wait in messages that nobody has \
         received. It may be one of them.",
    ),
    (
        Known::Gone,
        "Gone: the socket was closed while this was looked at.",
    ),
];

pub(super) fn draw(seen: &Sockets, width: usize) -> Text {
    let mut text = Text::new();
    let number = match (seen.sockets.len(), seen.filter.is_empty()) {
        (all, true) => format!(": {all}"),
        (shown, false) => format!(": {shown} of {}", seen.total),
    };
    text.line(
        Line::of(Role::Heading, "AF_UNIX sockets of this network namespace")
            .with(Role::Plain, number),
    );
    if let Some(problem) = &seen.problem {
        let words = format!("The kernel did not list them: {problem}.");
        text.append(paragraph(Role::Warning, &words, width));
    }
    if let Some(words) = words::blind_spots(&seen.visibility) {
        text.append(paragraph(Role::Warning, &words, width));
    }
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
            table::draw(OPEN, &grouped(&rows), width, &mut dropped)
        } else {
            let cells = rows.into_iter().map(connected_row).map(Entry::Cells);
            table::draw(CONNECTED, &cells.collect::<Vec<_>>(), width, &mut dropped)
        });
    }
    text.append(dropped.say(width));
    text
}

/// Rows in the order they come in; those in a runtime directory beneath its path.
fn grouped(rows: &[&Row]) -> Vec<Entry> {
    let mut lines = Vec::new();
    let mut group: Option<&[u8]> = None;
    for row in rows {
        let directory = runtime_dir(row);
        if let (Some(directory), true) = (directory, directory != group) {
            let path = Untrusted::from(directory);
            lines.push(Entry::Group(Cell::new(Role::Dim, path.to_string())));
        }
        group = directory;
        lines.push(Entry::Cells(open_row(row, directory)));
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

fn open_row(row: &Row, group: Option<&[u8]>) -> Vec<Cell> {
    let [process, pid] = words::holders(&row.holders);
    vec![
        Cell::new(Role::Plain, row.kind.word()),
        Cell::new(Role::Plain, row.inode.to_string()),
        name(row, group),
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
        unread(row),
        uid(row),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::Curriculum;
    use crate::curriculum::services::Places;
    use crate::curriculum::source::Source;
    use crate::probe::holders::Visibility;
    use crate::probe::sockets::{Filter, View, join};
    use crate::render::probe::tests::transcript;
    use crate::sys::proc_scan::{Holdings, Sight};
    use crate::sys::sock_diag::{Shutdown, Socket, State, Type};

    fn socket(inode: u32, state: State, name: Option<&str>, peer: Option<u32>) -> Socket {
        Socket {
            kind: Type::Stream,
            state,
            inode,
            cookie: u64::from(inode),
            name: name.map(|name| Name::Path(name.into())),
            file: None,
            peer,
            waiting: Vec::new(),
            receive_queue: 0,
            send_queue: 0,
            shutdown: Shutdown::default(),
            uid: Some(1000),
            send_memory: None,
        }
    }

    #[test]
    fn the_documentation_shows_what_is_drawn() {
        let bus = Some("/run/user/1000/bus");
        let sockets = vec![
            socket(10311, State::Listening, bus, None),
            socket(10544, State::Established, None, Some(10545)),
            socket(10545, State::Established, bus, Some(10544)),
            socket(
                9100,
                State::Listening,
                Some("/run/dbus/system_bus_socket"),
                None,
            ),
            socket(9200, State::Established, None, Some(0)),
        ];
        let holdings = Holdings::made_of(
            &[
                (10311, 1042, "dbus-daemon"),
                (10545, 1042, "dbus-daemon"),
                (10544, 1051, "sway"),
                (9200, 1051, "sway"),
            ],
            Sight {
                readable: 97,
                denied: vec![crate::probe::holders::Process {
                    pid: 700,
                    comm: "dbus-daemon".into(),
                }],
                ..Sight::default()
            },
        );
        let services = Curriculum::load_services(&Source::Embedded).unwrap();
        let seen = Sockets {
            schema: "ipc-mastery/probe/sockets/1",
            sockets: join(sockets, &holdings, &services, &Places::default()),
            visibility: Visibility {
                root: false,
                ..Visibility::new(holdings.sight.clone(), None)
            },
            problem: None,
            dump_repeated: 0,
            network_namespace: None,
            in_flight: 0,
            filter: Filter::default(),
            total: 5,
            owners: Vec::new(),
            view: View::Table,
        };
        assert_eq!(
            draw(&seen, 80).plain(),
            transcript(include_str!("sockets.rs"))
        );
    }
}
