//! Draws `probe runtime-dir`: the directory, its sockets, its other entries, and the sockets that
//! lost their files.
//!
//! ```text
//! Runtime directory /run/user/1000
//! From XDG_RUNTIME_DIR. On a tmpfs of its own, at most 386.6 MiB. Mode 0700, owner
//! learner.
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
//! ```

use std::collections::BTreeMap;

use super::table::{self, Cell, Column, Cut, Dropped, Row};
use super::words;
use crate::probe::runtime_dir::{
    Directory, Entry, Finding, From, Kind, Lost, Owner, RuntimeDir, State, Why,
};
use crate::probe::sockets::By;
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
use crate::untrusted::Untrusted;

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
    let mut text = directory(&seen.directory, width);
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

fn directory(directory: &Directory, width: usize) -> Text {
    let mut text = Text::new();
    text.line(
        Line::of(Role::Heading, "Runtime directory ")
            .with(Role::Code, words::quoted(&directory.path)),
    );
    let mut facts = String::from(match directory.from {
        From::Variable => "From XDG_RUNTIME_DIR.",
        From::Default => "The usual place for this user.",
    });
    if let Some(mount) = &directory.mount {
        let limit = mount.super_option("size").and_then(words::size);
        facts.push_str(&match (directory.own_mount, limit) {
            (true, Some(limit)) => format!(" On a {} of its own, at most {limit}.", mount.kind),
            (true, None) => format!(" On a {} of its own.", mount.kind),
            (false, _) => format!(" On {}, shared with other directories.", mount.kind),
        });
    }
    if let (Some(mode), Some(owner)) = (directory.mode, &directory.owner) {
        facts.push_str(&format!(" Mode {mode:04o}, owner {}.", user(owner)));
    }
    text.append(paragraph(Role::Plain, &facts, width));
    for finding in &directory.findings {
        let words = finding_words(finding, directory);
        text.append(paragraph(Role::Warning, &words, width));
    }
    if directory.mode.is_none() && !directory.others.is_empty() {
        let list: Vec<String> = directory.others.iter().map(words::quoted).collect();
        let words = format!(
            "Runtime directories of other users are here: {}. \
             As root, XDG_RUNTIME_DIR=PATH before the command looks at one.",
            list.join(", ")
        );
        text.append(paragraph(Role::Plain, &words, width));
    }
    text
}

fn finding_words(finding: &Finding, directory: &Directory) -> String {
    let uid = directory.uid;
    match finding {
        Finding::Unset => {
            "XDG_RUNTIME_DIR is not set: a login through pam_systemd or elogind sets it; \
             sudo, su and cron do not."
                .to_owned()
        }
        Finding::Relative => {
            "XDG_RUNTIME_DIR is not an absolute path. Programs must ignore it then.".to_owned()
        }
        Finding::Missing => {
            "There is no such directory. A login manager makes it when the user logs in \
             and removes it after the last logout."
                .to_owned()
        }
        Finding::NotADirectory => "It is not a directory.".to_owned(),
        Finding::Unreadable { errno } => format!("It cannot be opened: {errno}."),
        Finding::NotOurs { owner } => format!(
            "It belongs to {}, and you are user {uid}. Programs must not use it.",
            user(owner)
        ),
        Finding::WrongMode { mode } => format!(
            "Its mode is {mode:04o}. It must be 0700: whoever may enter can reach every socket in it \
             that lets others write."
        ),
    }
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
