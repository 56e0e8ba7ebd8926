//! Draws `probe fds`: one line a descriptor, in groups, with what more there is to say beneath it.
//!
//! ```text
//! Descriptors of process 4711 (relay)
//! 8 open. At most 1024 (RLIMIT_NOFILE); the process may raise that to 4096. The
//! next one gets number 7.
//! Besides 0, 1 and 2, one is not close-on-exec, so a program that this one starts
//! keeps it: 3.
//!
//! FD MODE KIND     WHAT                            AT, FLAGS          EXEC   INODE
//! Files, terminals, devices: 4
//!  0 rw   terminal /dev/pts/3                                         kept    1000
//!        Its other end: foot 4100 (9).
//!        Same open file as 1, 2; bash 4200 (0, 1, 2, 255): O_NONBLOCK set by one
//!        holds for all.
//!  1 rw   terminal /dev/pts/3                                         kept    1001
//!        Same open file as 0.
//!  2 rw   terminal /dev/pts/3                                         kept    1002
//!        Same open file as 0.
//!  3 w    file     /var/log/relay                  2048/2048 O_APPEND kept    1003
//!        Deleted: no name leads to it, and its content goes when the last
//!        descriptor is closed.
//! Pipes and FIFOs: 1
//!  4 r    pipe     no writer                                          closed  1004
//!        No process can write: reading gives end of file once it is empty, unless
//!        the other end is in a message that nobody has received.
//! Sockets: 1
//!  5 rw   unix     stream to dbus-daemon 1042 (12) O_NONBLOCK         closed  1005
//!        Through /run/user/1000/bus.
//!        2 descriptors wait in messages to be received (SCM_RIGHTS).
//! Events and timers: 2
//!  6 rw   epoll    watches 2 descriptors                              closed  1006
//!        5: EPOLLIN EPOLLRDHUP on unix stream to dbus-daemon 1042 (12)
//!        7: EPOLLIN EPOLLRDHUP on a file closed here, and open in worker 4712 (7):
//!        its events still come
//!  8 rw   eventfd  counter 0: reading waits                           closed  1008
//! ```

mod about;
mod notes;

use super::table::{self, Cell, Column, Cut, Dropped, Row};
use super::words;
use crate::probe::fds::{Comparing, Descriptor, Fds, Group, State};
use crate::render::markdown::paragraph;
use crate::render::text::{Role, Text};
use crate::sys::fdinfo::Access;

const COLUMNS: &[Column] = &[
    Column::number("FD", 0),
    Column::fixed("MODE", 0),
    Column::fixed("KIND", 0),
    Column::flexible("WHAT", 34, 0, Cut::Middle),
    Column::flexible("AT, FLAGS", 12, 3, Cut::End),
    Column::fixed("EXEC", 2),
    Column::number("INODE", 5),
];

const GROUPS: &[(Group, &str)] = &[
    (Group::Files, "Files, terminals, devices"),
    (Group::Pipes, "Pipes and FIFOs"),
    (Group::Sockets, "Sockets"),
    (Group::Events, "Events and timers"),
    (Group::Memory, "Memory"),
    (Group::Others, "Others"),
];

pub(super) fn draw(seen: &Fds, width: usize) -> Text {
    let mut text = Text::new();
    let process = format!(" {} ({})", seen.pid, seen.comm);
    text.append(words::heading("Descriptors of process", &process, width));
    for (role, words) in head(seen) {
        text.append(paragraph(role, &words, width));
    }
    let Some(descriptors) = &seen.descriptors else {
        return text;
    };
    let mut rows = Vec::new();
    for &(group, title) in GROUPS {
        let members = descriptors
            .iter()
            .filter(|descriptor| descriptor.what.group() == group);
        let members: Vec<&Descriptor> = members.collect();
        if members.is_empty() {
            continue;
        }
        let title = format!("{title}: {}", members.len());
        rows.push(Row::Group(Cell::new(Role::Strong, title)));
        for descriptor in members {
            rows.push(Row::Cells(cells(descriptor, seen.pid)));
            for note in notes::of(descriptor, seen) {
                rows.extend(indented(note.role, &note.words, width));
            }
        }
    }
    let mut dropped = Dropped::default();
    if !rows.is_empty() {
        text.blank();
        text.append(table::draw(COLUMNS, &rows, width, &mut dropped));
    }
    text.append(dropped.say(width));
    text
}

/// What there is to say of the process as a whole.
fn head(seen: &Fds) -> Vec<(Role, String)> {
    let mut lines = Vec::new();
    let Some(descriptors) = &seen.descriptors else {
        lines.push((Role::Warning, unread(seen)));
        lines.extend(counted(seen).map(|words| (Role::Plain, words)));
        return lines;
    };
    let mut words = format!("{} open.", descriptors.len());
    if let Some(limit) = seen.limit {
        words.push_str(&match (limit.soft, limit.hard) {
            (Some(soft), Some(hard)) if soft == hard => format!(" At most {soft} (RLIMIT_NOFILE)."),
            (Some(soft), hard) => format!(
                " At most {soft} (RLIMIT_NOFILE); the process may raise that to {}.",
                hard.map_or("any number".to_owned(), |hard| hard.to_string())
            ),
            (None, _) => " No limit (RLIMIT_NOFILE).".to_owned(),
        });
    }
    let full = seen.limit.and_then(|limit| limit.soft);
    let next = (0..).zip(descriptors).find(|(at, open)| *at != open.fd);
    let next = next.map_or(descriptors.len() as u64, |(at, _)| u64::from(at));
    if full.is_some_and(|soft| next >= soft) {
        lines.push((Role::Plain, words));
        let words = "The limit is reached: the next open(2), socket(2) or accept(2) gives EMFILE.";
        lines.push((Role::Bad, words.to_owned()));
    } else {
        words.push_str(&format!(" The next one gets number {next}."));
        lines.push((Role::Plain, words));
    }
    let kept = descriptors
        .iter()
        .filter(|open| open.fd > 2 && open.close_on_exec == Some(false));
    let kept: Vec<String> = kept.map(|open| open.fd.to_string()).collect();
    if !kept.is_empty() {
        let words = format!(
            "Besides 0, 1 and 2, {} not close-on-exec, so a program that this one starts keeps {}: {}.",
            if kept.len() == 1 {
                "one is"
            } else {
                "these are"
            },
            if kept.len() == 1 { "it" } else { "them" },
            some(&kept, 20)
        );
        lines.push((Role::Warning, words));
    }
    if let Some(threads) = &seen.threads {
        if let Some(shown) = threads.shown {
            let words =
                format!("The first thread has ended; these are the descriptors of thread {shown}.");
            lines.push((Role::Warning, words));
        }
        let own = threads.own_tables.iter().flatten();
        let own: Vec<String> = own.map(u32::to_string).collect();
        if !own.is_empty() {
            let words = format!(
                "Threads with descriptors of their own, which are not shown here: {}.",
                some(&own, 20)
            );
            lines.push((Role::Warning, words));
        }
    }
    let not_compared = match seen.comparing {
        Comparing::Possible => None,
        Comparing::NotPermitted => Some("kcmp(2) is forbidden here"),
        Comparing::Unsupported => Some("this kernel has no kcmp(2)"),
    };
    if let Some(why) = not_compared {
        let words = format!("Which descriptors are one open file description is not known: {why}.");
        lines.push((Role::Warning, words));
    }
    if let Some(problem) = &seen.problem {
        let words = format!("The kernel did not list the sockets of AF_UNIX: {problem}.");
        lines.push((Role::Warning, words));
    }
    let blind = seen.others.as_ref().and_then(words::blind_spots);
    lines.extend(blind.map(|words| (Role::Warning, words)));
    lines
}

/// How many there are, of those that may not be read.
fn counted(seen: &Fds) -> Option<String> {
    let count = seen.count?;
    let limit = seen.limit.and_then(|limit| limit.soft);
    let limit = limit.map(|limit| format!(" of at most {limit}"));
    Some(format!("It has {count} open{}.", limit.unwrap_or_default()))
}

/// Why there is nothing to show, and what would help.
fn unread(seen: &Fds) -> String {
    let me = rustix::process::geteuid();
    match seen.state {
        State::Zombie => "It has ended, and its parent has not waited for it: the kernel has \
            closed all its descriptors."
            .to_owned(),
        State::KernelThread => "It is a thread of the kernel, which has no descriptors.".to_owned(),
        State::Denied | State::Read if me.is_root() => {
            "They may not be read, not even by root: a security module or another user namespace \
             keeps us from it."
                .to_owned()
        }
        State::Denied | State::Read if seen.uid == Some(me.as_raw()) => {
            "They may not be read, although the process is yours: it does not let itself be traced \
             (PR_SET_DUMPABLE in prctl(2)), or it has capabilities that you have not. Root may \
             read them."
                .to_owned()
        }
        State::Denied | State::Read => {
            let whose = match seen.uid {
                Some(uid) => format!("the process belongs to user {uid}"),
                None => "it is not known whose process it is".to_owned(),
            };
            format!("They may not be read: {whose}. That user or root may read them.")
        }
    }
}

fn cells(open: &Descriptor, pid: u32) -> Vec<Cell> {
    let about = about::of(open, pid);
    let mode = match open.access {
        Some(Access::Read) => "r",
        Some(Access::Write) => "w",
        Some(Access::ReadWrite) => "rw",
        Some(Access::PathOnly) => "path",
        Some(Access::Neither) => "ioctl",
        None => "?",
    };
    let exec = match open.close_on_exec {
        Some(true) => Cell::new(Role::Dim, "closed"),
        Some(false) if open.fd > 2 => Cell::new(Role::Warning, "kept"),
        Some(false) => Cell::new(Role::Dim, "kept"),
        None => Cell::new(Role::Warning, "?"),
    };
    let inode = open.inode.map(|inode| inode.to_string());
    vec![
        Cell::new(Role::Strong, open.fd.to_string()),
        Cell::new(Role::Plain, mode),
        Cell::new(Role::Plain, about.kind),
        Cell::new(about.role, about.what),
        Cell::new(Role::Plain, about.state),
        exec,
        Cell::new(Role::Dim, inode.unwrap_or_default()),
    ]
}

/// What a descriptor is, for the screen: the kind, what it leads to, and its state.
pub(super) fn about(open: &Descriptor, pid: u32) -> (&'static str, Cell, String) {
    let about = about::of(open, pid);
    (about.kind, Cell::new(about.role, about.what), about.state)
}

/// What more there is to say of a descriptor: a sentence each, for the screen.
pub(super) fn sentences(open: &Descriptor, seen: &Fds) -> Vec<(Role, String)> {
    let notes = notes::of(open, seen).into_iter();
    notes.map(|note| (note.role, note.words)).collect()
}

/// What there is to know of all of them, for the screen.
pub(super) fn warnings(seen: &Fds) -> Vec<String> {
    let head = head(seen).into_iter();
    let warnings = head.filter(|(role, _)| *role == Role::Warning);
    warnings.map(|(_, words)| words).collect()
}

/// A note beneath a line, wrapped.
fn indented(role: Role, words: &str, width: usize) -> Vec<Row> {
    const INDENT: usize = 7;
    let lines = paragraph(role, words, width.saturating_sub(INDENT).max(20)).lines;
    let rows = lines.into_iter().map(|line| {
        let text = format!("{:INDENT$}{}", "", line.plain());
        Row::Group(Cell::new(role, text))
    });
    rows.collect()
}

/// The first few of a list.
fn some(list: &[String], most: usize) -> String {
    match list.len().checked_sub(most) {
        Some(more) if more > 0 => format!("{} and {more} more", list[..most].join(", ")),
        _ => list.join(", "),
    }
}

#[cfg(test)]
mod tests;
