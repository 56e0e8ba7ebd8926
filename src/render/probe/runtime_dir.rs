//! Draws `probe runtime-dir`: the directory, its sockets, its other entries, and the sockets that
//! lost their files.
//!
//! ```text
//! Runtime directory /run/user/1000
//! From XDG_RUNTIME_DIR. Mode 0700, owner learner.
//! A tmpfs of its own, mounted rw,nosuid,nodev. Used: 12 KiB of 386.6 MiB, 14 of
//! 98993 inodes.
//! Mounted by systemd-logind (user-runtime-dir@1000.service). It goes when the last
//! session of learner has ended, and there are 2 now.
//! All entries belong to learner.
//!
//! Listening: 1
//! NAME SERVICE           PROCESS      PID CLIENTS MODE AGE TYPE    QUEUE INODE
//! bus  D-Bus session bus dbus-daemon 1042       3 0777  2h stream 0/4096 10311
//!
//! Stale: 1
//! No socket is bound to the file: its server has gone. connect(2) gives
//! ECONNREFUSED.
//! NAME        PROCESS  MODE  AGE
//! stale.sock  -        0755   2h
//!
//! Other entries: 2
//! Mounts are not entered: a FUSE mount can make whoever looks wait.
//! KIND   NAME            SERVICE             OPEN IN   PID  DETAIL       MODE  AGE
//! mount  doc             document portal                    fuse.portal  ?       ?
//! file   wayland-1.lock  Wayland compositor  sway     1051  0 B          0640   2h
//!
//! What lives here: 1
//! D-Bus session bus: Programs of one session call each other here. Announced by
//! DBUS_SESSION_BUS_ADDRESS.
//! Of no service that is known here: stale.sock.
//!
//! Runtime directories of other users: 1
//! DIRECTORY       OWNER  MODE  MOUNTED  SESSIONS  ENTRIES
//! /run/user/1001  ada    0700  tmpfs           1   EACCES
//! ```

mod directory;

use std::collections::BTreeMap;

use super::table::{self, Cell, Column, Cut, Dropped, Row};
use super::words;
use crate::probe::runtime_dir::{Entry, Flaw, Kind, Lost, Owner, RuntimeDir, State, Why};
use crate::probe::sockets::By;
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
use crate::untrusted::Untrusted;

/// Entries with the same flaw that are named; of more, the rest is counted.
const NAMED: usize = 8;

/// More entries of one kind in one directory than this are drawn as one line.
const SIBLINGS: usize = 8;

const SOCKETS: &[Column] = &[
    Column::flexible("NAME", 22, 0, Cut::Middle),
    Column::flexible("SERVICE", 18, 0, Cut::Middle),
    Column::flexible("PROCESS", 12, 0, Cut::Middle),
    Column::number("PID", 0),
    Column::number("CLIENTS", 4),
    Column::fixed("MODE", 0),
    Column::number("AGE", 0),
    Column::fixed("OWNER", 2),
    Column::fixed("TYPE", 5),
    Column::number("QUEUE", 6),
    Column::number("INODE", 7),
    Column::flexible("BOUND AS", 12, 8, Cut::Middle),
];

const OTHERS: &[Column] = &[
    Column::fixed("KIND", 0),
    Column::flexible("NAME", 22, 0, Cut::Middle),
    Column::flexible("SERVICE", 14, 0, Cut::Middle),
    Column::flexible("OPEN IN", 10, 3, Cut::Middle),
    Column::number("PID", 4),
    Column::flexible("DETAIL", 10, 5, Cut::Middle),
    Column::fixed("MODE", 0),
    Column::number("AGE", 0),
    Column::fixed("OWNER", 2),
];

const LOST: &[Column] = &[
    Column::fixed("FILE", 0),
    Column::flexible("BOUND AS", 24, 0, Cut::Middle),
    Column::flexible("PROCESS", 12, 0, Cut::Middle),
    Column::number("PID", 0),
    Column::number("CLIENTS", 3),
    Column::flexible("SERVICE", 10, 2, Cut::Middle),
    Column::fixed("TYPE", 4),
    Column::number("INODE", 5),
];

/// The states of sockets, in the order in which they are drawn, with what they mean.
const SECTIONS: &[(State, &str, &str)] = &[
    (State::Listening, "Listening", ""),
    (
        State::QueueFull,
        "Listening, with a full queue",
        "More clients wait than the backlog allows: connect(2) waits, or gives EAGAIN. \
         The server is busy for a moment, or it hangs.",
    ),
    (
        State::Activation,
        "Listening in place of a service",
        "A manager listens; the first client starts the service, which inherits the socket.",
    ),
    (
        State::Bound,
        "Bound, not listening",
        "Datagram sockets receive here; a stream socket refuses connections until listen(2).",
    ),
    (
        State::OtherNamespace,
        "In another network namespace",
        "The path reaches the server all the same; ss does not list it here.",
    ),
    (
        State::OnlyConnections,
        "No listener any more",
        "Connections that were accepted here are still open; a new one gets ECONNREFUSED.",
    ),
    (
        State::Stale,
        "Stale",
        "No socket is bound to the file: its server has gone. connect(2) gives ECONNREFUSED.",
    ),
    (
        State::Placeholder,
        "Placeholders",
        "Nobody listens here, on purpose.",
    ),
    (State::Unknown, "Not known", ""),
];

pub(super) fn draw(seen: &RuntimeDir, width: usize) -> Text {
    let mut text = directory::draw(&seen.directory, width);
    let mut say = |role, words: &str| {
        text.append(paragraph(role, words, width));
    };
    if let Some(problem) = &seen.problem {
        let words = format!("The kernel did not list sockets: {problem}. States are unknown.");
        say(Role::Warning, &words);
    }
    if !seen.entries.is_empty()
        && let Some(words) = words::blind_spots(&seen.visibility)
    {
        say(Role::Warning, &words);
    }
    for unread in &seen.unread {
        let path = words::quoted(&unread.path);
        let words = format!(
            "The entries of {path} could not be listed: {}.",
            unread.errno
        );
        say(Role::Warning, &words);
    }
    if seen.cut_off {
        say(Role::Warning, "There are more entries than are looked at.");
    }
    let guessed = |entry: &Entry| {
        let service = entry.service.as_ref();
        service.is_some_and(|service| service.by == By::Program)
    };
    if seen.entries.iter().any(guessed) {
        say(Role::Dim, words::GUESSED);
    }
    let owner = common_owner(seen);
    if let Some(owner) = &owner
        && !seen.entries.is_empty()
    {
        say(
            Role::Dim,
            &format!("All entries belong to {}.", user(owner)),
        );
    }

    text.append(dangers(seen, width));
    let mut dropped = Dropped::default();
    for &(state, title, note) in SECTIONS {
        let rows: Vec<_> = seen
            .entries
            .iter()
            .filter(|entry| entry.kind == Kind::Socket && entry.state == state)
            .map(|entry| Row::Cells(socket_row(entry, owner.is_some())))
            .collect();
        if rows.is_empty() {
            continue;
        }
        section(&mut text, title, rows.len());
        if !note.is_empty() {
            text.append(paragraph(Role::Dim, note, width));
        }
        text.append(table::draw(SOCKETS, &rows, width, &mut dropped));
    }
    if !seen.lost.is_empty() {
        section(&mut text, "Bound here, without their file", seen.lost.len());
        for (why, sentence) in REASONS {
            if seen.lost.iter().any(|lost| lost.why == *why) {
                text.append(paragraph(Role::Dim, sentence, width));
            }
        }
        let rows: Vec<_> = seen
            .lost
            .iter()
            .map(|lost| Row::Cells(lost_row(lost)))
            .collect();
        text.append(table::draw(LOST, &rows, width, &mut dropped));
    }
    let others: Vec<&Entry> = seen
        .entries
        .iter()
        .filter(|entry| entry.kind != Kind::Socket)
        .collect();
    if !others.is_empty() {
        section(&mut text, "Other entries", others.len());
        if others.iter().any(|entry| entry.kind == Kind::Mount) {
            let words = "Mounts are not entered: a FUSE mount can make whoever looks wait.";
            text.append(paragraph(Role::Dim, words, width));
        }
        let rows = other_rows(&others, owner.is_some());
        text.append(table::draw(OTHERS, &rows, width, &mut dropped));
    }
    if seen.entries.is_empty() && seen.directory.mode.is_some() {
        text.append(paragraph(Role::Plain, "It is empty.", width));
    }
    text.append(meanings(seen, width));
    text.append(directory::others(
        &seen.directory.others,
        width,
        &mut dropped,
    ));
    text.append(dropped.say(width));
    text
}

/// Why a socket's file may not be there, with what that means.
const REASONS: &[(Why, &str)] = &[
    (
        Why::Removed,
        "removed: the file is gone, so no new client can find the socket.",
    ),
    (
        Why::Replaced,
        "replaced: another file has the name now, and new clients reach that one.",
    ),
    (
        Why::OtherMount,
        "other mount: bound on a file system that is mounted there only for that process.",
    ),
    (
        Why::Unseen,
        "not seen: its directory could not be listed, so the file may be there.",
    ),
];

fn section(text: &mut Text, title: &str, number: usize) {
    text.blank();
    text.line(Line::of(Role::Strong, title).with(Role::Plain, format!(": {number}")));
}

/// What is dangerous about entries: a line each, those of one kind together.
fn dangers(seen: &RuntimeDir, width: usize) -> Text {
    let mut text = Text::new();
    let mut found: BTreeMap<(u8, String), Vec<String>> = BTreeMap::new();
    for entry in &seen.entries {
        for flaw in &entry.findings {
            let (rank, words) = flaw_words(flaw);
            let names = found.entry((rank, words)).or_default();
            names.push(words::quoted(&entry.path));
        }
    }
    if found.is_empty() {
        return text;
    }
    section(&mut text, "To look at", found.values().map(Vec::len).sum());
    for ((_, words), names) in found {
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
        let line = format!("{}{more}: {words}", names.join(", "));
        text.append(paragraph(Role::Warning, &line, width));
    }
    text
}

/// What is said of a flaw, and how soon.
fn flaw_words(flaw: &Flaw) -> (u8, String) {
    let fixed = |rank, words: &str| (rank, words.to_owned());
    match flaw {
        Flaw::EverybodyConnects => fixed(
            0,
            "everybody on this machine can connect: the socket and all directories above let \
             them. Its server has to look at SO_PEERCRED.",
        ),
        Flaw::GroupConnects { gid } => (
            1,
            format!(
                "members of group {gid} can connect: the socket and all directories above let \
                 them."
            ),
        ),
        Flaw::EverybodyWrites => fixed(2, "everybody can write to it."),
        Flaw::EverybodyExchanges => fixed(
            3,
            "everybody can remove what is in this directory and put something else there.",
        ),
        Flaw::RunsAsAnother => fixed(
            4,
            "a set-user-ID or set-group-ID program: whoever runs it gets its owner's rights.",
        ),
        Flaw::Device => fixed(5, "a device, which does not belong here."),
        Flaw::ForeignOwner { owner } => (
            6,
            format!(
                "belongs to {}: made by a program that ran as that user, through sudo for \
                 example.",
                user(owner)
            ),
        ),
        Flaw::LeadsOut => fixed(
            7,
            "a link that leads out of the directory: what is there is not kept from others by it.",
        ),
    }
}

/// What each service is for.
fn meanings(seen: &RuntimeDir, width: usize) -> Text {
    let mut text = Text::new();
    let strangers: Vec<String> = seen
        .entries
        .iter()
        .filter(|entry| entry.service.is_none())
        .filter(|entry| !matches!(entry.kind, Kind::Directory | Kind::Symlink))
        .map(|entry| words::quoted(&entry.path))
        .collect();
    if seen.services.is_empty() && strangers.is_empty() {
        return text;
    }
    section(&mut text, "What lives here", seen.services.len());
    for service in &seen.services {
        let words = format!("{}: {}", service.name, service.meaning);
        let words = match service.variables.as_slice() {
            [] => words,
            variables => format!("{words} Announced by {}.", variables.join(", ")),
        };
        text.append(paragraph(Role::Plain, &words, width));
    }
    if !strangers.is_empty() {
        let more = match strangers.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = strangers.iter().take(NAMED).cloned().collect::<Vec<_>>();
        let words = format!(
            "Of no service that is known here: {}{more}.",
            names.join(", ")
        );
        text.append(paragraph(Role::Dim, &words, width));
    }
    text
}

fn user(owner: &Owner) -> String {
    match &owner.name {
        Some(name) => name.to_string(),
        None => owner.uid.to_string(),
    }
}

/// The owner of every entry, if it is the same.
fn common_owner(seen: &RuntimeDir) -> Option<Owner> {
    let mut owners = seen.entries.iter().filter_map(|entry| entry.owner.as_ref());
    let first = owners.next()?;
    owners.all(|owner| owner == first).then(|| first.clone())
}

fn socket_row(entry: &Entry, same_owner: bool) -> Vec<Cell> {
    let empty = || Cell::new(Role::Plain, "");
    let socket = entry.socket.as_ref();
    let [process, pid] = match &entry.holders {
        Some(holders) => words::holders(holders),
        None => [Cell::new(Role::Dim, "-"), empty()],
    };
    vec![
        Cell::new(Role::Code, words::quoted(&entry.path)),
        words::service(entry.service.as_ref()),
        process,
        pid,
        match socket.and_then(|socket| socket.clients) {
            Some(clients) => Cell::new(Role::Value, clients.to_string()),
            None => empty(),
        },
        mode(entry),
        age(entry),
        owner(entry, same_owner),
        match socket {
            Some(socket) => Cell::new(Role::Plain, socket.kind.word()),
            None => empty(),
        },
        match socket.and_then(|socket| socket.queue) {
            Some(queue) => Cell::new(Role::Plain, format!("{}/{}", queue.pending, queue.backlog)),
            None => empty(),
        },
        match socket {
            Some(socket) => Cell::new(Role::Dim, socket.inode.to_string()),
            None => empty(),
        },
        match socket.and_then(|socket| socket.bound_as.as_ref()) {
            Some(name) => Cell::new(Role::Dim, words::quoted(name)),
            None => empty(),
        },
    ]
}

fn other_rows(entries: &[&Entry], same_owner: bool) -> Vec<Row> {
    let mut siblings: BTreeMap<(&[u8], Kind), usize> = BTreeMap::new();
    for entry in entries {
        *siblings.entry((parent(entry), entry.kind)).or_default() += 1;
    }
    let mut drawn: BTreeMap<(&[u8], Kind), usize> = BTreeMap::new();
    let mut rows = Vec::new();
    for entry in entries {
        let family = (parent(entry), entry.kind);
        let many = siblings[&family];
        let foldable = !family.0.is_empty() && many > SIBLINGS && entry.kind != Kind::Directory;
        if !foldable {
            rows.push(Row::Cells(other_row(entry, same_owner)));
            continue;
        }
        let before = drawn.entry(family).or_default();
        *before += 1;
        if *before == 1 {
            let mut row = other_row(entry, same_owner);
            let directory = words::quoted(&Untrusted::from(family.0));
            row[1] = Cell::new(Role::Code, format!("{directory}/*"));
            row[3] = Cell::new(Role::Plain, "");
            row[4] = Cell::new(Role::Plain, "");
            row[5] = Cell::new(Role::Value, format!("{many} entries"));
            rows.push(Row::Cells(row));
        }
    }
    rows
}

fn parent(entry: &Entry) -> &[u8] {
    let path = entry.path.bytes();
    let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    &path[..end]
}

fn other_row(entry: &Entry, same_owner: bool) -> Vec<Cell> {
    // That nobody has a plain file open is the rule, and not worth a word.
    let [process, pid] = match &entry.holders {
        Some(holders) if !holders.processes.is_empty() => words::holders(holders),
        _ => [Cell::new(Role::Plain, ""), Cell::new(Role::Plain, "")],
    };
    vec![
        Cell::new(Role::Plain, entry.kind.word()),
        Cell::new(Role::Code, words::quoted(&entry.path)),
        words::service(entry.service.as_ref()),
        process,
        pid,
        detail(entry),
        mode(entry),
        age(entry),
        owner(entry, same_owner),
    ]
}

fn detail(entry: &Entry) -> Cell {
    if let Some(error) = &entry.error {
        return Cell::new(Role::Warning, error.clone());
    }
    if let Some(kind) = &entry.mounted {
        return Cell::new(Role::Plain, kind.to_string());
    }
    if let Some(target) = &entry.target {
        let (role, sign) = if entry.state == State::Dangling {
            (Role::Warning, "nowhere: ")
        } else {
            (Role::Plain, "")
        };
        return Cell::new(role, format!("-> {sign}{}", words::quoted(target)));
    }
    match entry.size {
        Some(size) => Cell::new(Role::Dim, format!("{size} B")),
        None => Cell::new(Role::Plain, ""),
    }
}

fn lost_row(lost: &Lost) -> Vec<Cell> {
    let [process, pid] = words::holders(&lost.holders);
    vec![
        Cell::new(Role::Warning, why(lost.why)),
        Cell::new(Role::Code, words::name(&lost.name)),
        process,
        pid,
        match lost.clients {
            Some(clients) => Cell::new(Role::Value, clients.to_string()),
            None => Cell::new(Role::Plain, ""),
        },
        words::service(lost.service.as_ref()),
        Cell::new(Role::Plain, lost.kind.word()),
        Cell::new(Role::Dim, lost.inode.to_string()),
    ]
}

fn why(why: Why) -> &'static str {
    match why {
        Why::Removed => "removed",
        Why::Replaced => "replaced",
        Why::OtherMount => "other mount",
        Why::Unseen => "not seen",
    }
}

fn mode(entry: &Entry) -> Cell {
    match entry.mode {
        Some(mode) => Cell::new(Role::Plain, format!("{mode:04o}")),
        None => Cell::new(Role::Dim, "?"),
    }
}

fn age(entry: &Entry) -> Cell {
    match entry.age_seconds {
        Some(seconds) => Cell::new(Role::Dim, words::age(seconds)),
        None => Cell::new(Role::Dim, "?"),
    }
}

fn owner(entry: &Entry, same: bool) -> Cell {
    match &entry.owner {
        Some(owner) if !same => Cell::new(Role::Plain, user(owner)),
        _ => Cell::new(Role::Plain, ""),
    }
}

#[cfg(test)]
mod tests;
