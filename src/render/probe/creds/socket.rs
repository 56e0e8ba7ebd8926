//! Draws what is recorded on a socket, and what that is worth by now.
//!
//! ```text
//! Socket inode:10311 /run/user/1000/agent (stream, listening)
//! A listener: the kernel recorded its own server when that called listen(2). Every
//! client that connects is told this.
//!
//! Recorded
//!   SO_PEERCRED       pid 1041, uid 1000 (ada), gid 1000 (ada)
//!   SO_PEERGROUPS     27 (sudo)
//!   SO_PEERPIDFD      a process that has ended (pidfd inode 77)
//!   SO_PEERSEC        no label: no security module here gives one
//!
//! NOW            PID  PROCESS    UID         STARTED
//! has that pid  1041  cat        1001 (bob)  1m ago
//! holds it      1042  ssh-agent  1000 (ada)  1m ago
//! - Process 1041 is gone, and the number belongs to another process now. Whoever
//!   looks the number up finds the wrong one.
//! - It does not hold the listener now: ssh-agent 1042 does.
//!
//! Asked: descriptor 3 of ssh-agent 1042, by a duplicate that pidfd_getfd(2) made.
//! Nothing was connected.
//! Connections accepted from it and still open: 2. Each records its own client;
//! `ipc-mastery probe sockets` lists their inodes.
//! ```

use super::parts::{Said, all_named, bullet, fact, field, heading, label, named, pidfd};
use crate::probe::creds::{Fact, Now, Record, Recorded, RecordedBy, Seen, State, Viewer};
use crate::probe::holders::Known;
use crate::render::markdown::paragraph;
use crate::render::probe::table::{self, Cell, Column, Cut, Dropped, Row};
use crate::render::probe::words::{self, age};
use crate::render::text::{Line, Role, Text};

const NOW: &[Column] = &[
    Column::fixed("NOW", 0),
    Column::number("PID", 0),
    Column::flexible("PROCESS", 11, 0, Cut::Middle),
    Column::flexible("UID", 8, 0, Cut::End),
    Column::fixed("STARTED", 1),
];

pub(super) fn draw(seen: &Recorded, viewer: &Viewer, width: usize) -> Text {
    let mut text = Text::new();
    let name = match &seen.name {
        Some(name) => words::name(name),
        None => "without a name".to_owned(),
    };
    let about = format!(
        "inode:{} {name} ({}, {})",
        seen.inode,
        seen.kind.word(),
        seen.condition.words()
    );
    text.append(heading("Socket", &about, width));
    text.append(paragraph(Role::Plain, recorded_by(seen.recorded_by), width));
    text.blank();
    match &seen.record {
        Some(record) => text.append(recorded(record, width)),
        None => text.append(unasked(seen, viewer, width)),
    };
    if let (Some(record), Some(now)) = (&seen.record, &seen.now) {
        text.blank();
        text.append(now_table(now, seen.recorded_by, width));
        for sentence in verdict(record, now, seen) {
            text.append(bullet(&sentence, width));
        }
    }
    text.append(footnotes(seen, width));
    text
}

fn recorded_by(by: RecordedBy) -> &'static str {
    match by {
        RecordedBy::Listen => {
            "A listener: the kernel recorded its own server when that called listen(2). Every \
             client that connects is told this."
        }
        RecordedBy::PeersConnect => {
            "The server's end of a connection: the kernel recorded the client when that called \
             connect(2)."
        }
        RecordedBy::PeersListen => {
            "The client's end of a connection: it was told what the kernel recorded of the server \
             when that called listen(2)."
        }
        RecordedBy::Socketpair => {
            "One end of a socketpair(2): both ends name the process that made the pair."
        }
        RecordedBy::Connection => {
            "One end of a connection: from names alone it cannot be told whether this is the \
             client's (then it names who called listen(2)) or the server's (then it names who \
             called connect(2))."
        }
        RecordedBy::Nothing => {
            "Nothing is recorded on it: connect(2), listen(2) and socketpair(2) record, and none \
             of them did here. For datagrams only socketpair(2) does."
        }
    }
}

fn recorded(record: &Record, width: usize) -> Text {
    let mut text = Text::new();
    text.line(Line::of(Role::Heading, "Recorded"));
    let ucred = fact(&record.peercred, "nothing: (0, -1, -1)", |told| {
        format!(
            "pid {}, uid {}, gid {}",
            told.pid,
            named(&told.user),
            named(&told.group)
        )
    });
    text.append(field("SO_PEERCRED", &ucred, width));
    let groups = fact(&record.groups, "nothing", |groups| {
        if groups.is_empty() {
            "no supplementary groups".to_owned()
        } else {
            all_named(groups)
        }
    });
    text.append(field("SO_PEERGROUPS", &groups, width));
    let process = match &record.pidfd {
        // Before Linux 6.16 a process that was waited for cannot be had any more.
        Fact::Refused(why) if why == "ESRCH" || why == "EINVAL" => {
            Said::new(Role::Value, format!("{why}: the process has ended"))
        }
        other => fact(other, "nothing", pidfd),
    };
    text.append(field("SO_PEERPIDFD", &process, width));
    text.append(field("SO_PEERSEC", &label(&record.label), width));
    text
}

fn now_table(now: &Now, by: RecordedBy, width: usize) -> Text {
    let row = |what: &str, seen: &Seen| {
        Row::Cells(vec![
            Cell::new(Role::Plain, what),
            Cell::new(Role::Dim, seen.pid.to_string()),
            Cell::new(Role::Value, seen.comm.to_string()),
            Cell::new(
                Role::Plain,
                seen.user.as_ref().map_or_else(|| "?".to_owned(), named),
            ),
            Cell::new(
                Role::Plain,
                seen.start.map_or_else(String::new, |start| {
                    format!("{} ago", age(start.age_seconds))
                }),
            ),
        ])
    };
    let mut rows = Vec::new();
    if let Some(owner) = &now.owner_of_pid {
        let what = match now.process {
            State::Recycled => "has that pid",
            _ => "recorded",
        };
        rows.push(row(what, owner));
    }
    let holds = match by {
        RecordedBy::Listen => "holds it",
        _ => "other end",
    };
    rows.extend(now.holders.iter().map(|holder| row(holds, holder)));
    if rows.is_empty() {
        return Text::new();
    }
    table::draw(NOW, &rows, width, &mut Dropped::default())
}

/// What the record is worth by now.
fn verdict(record: &Record, now: &Now, seen: &Recorded) -> Vec<Said> {
    let mut said = Vec::new();
    let Some(told) = record.peercred.known() else {
        return said;
    };
    let pid = told.pid;
    said.push(match now.process {
        State::Alive => Said::new(
            Role::Good,
            format!("Process {pid} still runs: SO_PEERPIDFD vouches that it is the same."),
        ),
        State::Ended => Said::new(
            Role::Warning,
            format!("Process {pid} has ended, and its parent has not waited for it yet."),
        ),
        State::Gone => Said::new(
            Role::Warning,
            format!(
                "Process {pid} is gone. Whoever asks SO_PEERCRED is still told its number, and \
                 another process may get it."
            ),
        ),
        State::Recycled => Said::new(
            Role::Bad,
            format!(
                "Process {pid} is gone, and the number belongs to another process now. Whoever \
                 looks the number up finds the wrong one."
            ),
        ),
        State::OutsideOurNamespace => Said::new(
            Role::Warning,
            "The process has no pid in our pid namespace: it is told as 0.".to_owned(),
        ),
        State::Unproven => Said::new(
            Role::Warning,
            format!(
                "A process {pid} runs. Without SO_PEERPIDFD nothing tells whether it is the one \
                 that was recorded."
            ),
        ),
    });
    let at_end = match seen.recorded_by {
        RecordedBy::Listen => "the listener",
        _ => "the other end",
    };
    match (now.still_held, now.known) {
        (Some(true), _) => {}
        (Some(false), Known::Gone) => said.push(Said::new(
            Role::Warning,
            format!("Nobody holds {at_end} now: it is closed."),
        )),
        (Some(false), Known::None | Known::InFlight) => said.push(Said::new(
            Role::Warning,
            format!("No process holds {at_end} now."),
        )),
        (Some(false), _) => said.push(Said::new(
            Role::Warning,
            format!(
                "It does not hold {at_end} now: {}.",
                list(
                    &now.holders
                        .iter()
                        .map(|one| (one.pid, one.comm.to_string()))
                        .collect::<Vec<_>>()
                )
            ),
        )),
        (None, _) => said.push(Said::new(
            Role::Warning,
            format!("Who holds {at_end} now cannot be seen."),
        )),
    }
    let runs_as = now
        .owner_of_pid
        .as_ref()
        .and_then(|owner| owner.user.as_ref());
    if let (State::Alive, Some(user)) = (now.process, runs_as)
        && user.id != told.user.id
    {
        said.push(Said::new(
            Role::Warning,
            format!(
                "It runs as uid {} now and is told as uid {}: it changed its ids afterwards.",
                named(user),
                named(&told.user)
            ),
        ));
    }
    said
}

fn list(processes: &[(u32, String)]) -> String {
    let all: Vec<String> = processes
        .iter()
        .map(|(pid, comm)| format!("{comm} {pid} does"))
        .collect();
    all.join(", ")
}

/// What is missing when nobody let us ask, and what is known all the same.
fn unasked(seen: &Recorded, viewer: &Viewer, width: usize) -> Text {
    let mut words = vec!["What is recorded on it cannot be read.".to_owned()];
    for refusal in seen.refusals.iter().take(3) {
        words.push(format!(
            "{} {} does not let its descriptor be taken: {}.",
            refusal.comm, refusal.pid, refusal.error
        ));
    }
    if seen.refusals.is_empty() {
        let why = match seen.holders.known {
            Known::NotVisible => {
                "Who holds it may not be seen: it belongs to another user, or to a process that is \
                 not dumpable."
            }
            Known::None | Known::InFlight => {
                "No process holds it: it is in a message that nobody has read yet, or the kernel's \
                 own."
            }
            Known::Gone | Known::Some => "It was closed meanwhile.",
        };
        words.push(why.to_owned());
    } else {
        words.push(
            "pidfd_getfd(2) needs permission to attach with ptrace(2): the same user, and a process \
             that is dumpable."
                .to_owned(),
        );
        if let Some(scope @ 1..) = seen.ptrace_scope {
            words.push(format!(
                "kernel.yama.ptrace_scope is {scope}, so even then only its parent, or root, has it."
            ));
        }
    }
    let mut text = paragraph(Role::Warning, &words.join(" "), width);
    if let Some(creator) = &seen.creator {
        let words = format!(
            "Without it: the user that created the socket, by sock_diag(7), is {}.",
            named(creator)
        );
        text.append(paragraph(Role::Plain, &words, width));
    }
    if viewer.user.id != 0 && seen.holders.known != Known::Gone {
        text.append(paragraph(Role::Plain, "As root, this shows it:", width));
        let command = format!("  sudo ipc-mastery probe creds inode:{}", seen.inode);
        text.line(Line::of(Role::Code, command));
    }
    text
}

fn footnotes(seen: &Recorded, width: usize) -> Text {
    let mut text = Text::new();
    let mut say = |words: String| {
        text.append(paragraph(Role::Dim, &words, width));
    };
    if let Some(asked) = &seen.asked {
        let whose = if asked.client {
            format!(
                "Nobody who holds it lets us ask, and a client of it does: descriptor {} of {} {} \
                 (inode:{}) was told the same",
                asked.fd, asked.comm, asked.pid, asked.inode
            )
        } else {
            format!(
                "Asked: descriptor {} of {} {}",
                asked.fd, asked.comm, asked.pid
            )
        };
        say(format!(
            "{whose}, by a duplicate that pidfd_getfd(2) made. Nothing was connected."
        ));
    }
    if let Some(accepted) = seen.accepted.filter(|&accepted| accepted > 0)
        && seen.recorded_by == RecordedBy::Listen
    {
        say(format!(
            "Connections accepted from it and still open: {accepted}. Each records its own client; \
             `ipc-mastery probe sockets` lists their inodes."
        ));
    }
    let mut whole = Text::new();
    if !text.lines.is_empty() {
        whole.blank();
        whole.append(text);
    }
    whole
}
