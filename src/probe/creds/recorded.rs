//! What is recorded on somebody's socket: who the kernel says is at its other end.
//!
//! Owns taking a duplicate of a socket out of a process that holds it (pidfd_getfd(2)), asking
//! that, and comparing the answer with whoever holds the other end now. Which socket is meant is
//! [`super::find`]'s, which call recorded [`super::occasion`]'s. It never connects: that would wake
//! services, and tell nothing of connections that are there.
//!
//! Where no holder lets us, one of our own clients may: what a client's socket records is what its
//! listener recorded when listen(2) was called.

use std::io;
use std::os::fd::OwnedFd;

use schemars::JsonSchema;
use serde::Serialize;

use super::fact::{Fact, Named, Names, errno, errno_name};
use super::find::{self, Which};
use super::identity::{self, Start};
use super::live::Pidfd;
use super::occasion::{self, RecordedBy};
use super::role;
use crate::curriculum::services::Service;
use crate::probe::holders::{Holders, Known};
use crate::probe::sockets::{self, Condition, Relation, Row};
use crate::probe::{ProbeError, Surroundings};
use crate::sys::peer_credentials::{self, Ucred};
use crate::sys::proc_scan::{Holdings, Wanted};
use crate::sys::sock_diag::{Name, Type};
use crate::sys::{pidfd, process};
use crate::untrusted::Untrusted;

/// A socket, and what is recorded on it.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Recorded {
    /// Its inode in sockfs.
    pub inode: u32,
    /// `SO_COOKIE`.
    pub cookie: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// What it does.
    pub condition: Condition,
    /// What it is bound to.
    pub name: Option<Name>,
    /// The user that created it: all that sock_diag(7) tells of credentials, and all that is told
    /// without permission.
    pub creator: Option<Named>,
    /// Who holds it.
    pub holders: Holders,
    /// The other end.
    pub peer: Option<Peer>,
    /// Connections that were accepted from it and are still open: sockets with the same name.
    pub accepted: Option<usize>,
    /// The descriptor that was asked.
    pub asked: Option<Asked>,
    /// Holders that did not let us.
    pub refusals: Vec<Refusal>,
    /// What keeps processes of the same user from each other: `kernel.yama.ptrace_scope`.
    pub ptrace_scope: Option<u32>,
    /// What was recorded; `None` when nobody let us ask.
    pub record: Option<Record>,
    /// Which call it was recorded by.
    pub recorded_by: RecordedBy,
    /// What the record means by now.
    pub now: Option<Now>,
}

/// The other end of a socket.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Peer {
    /// Its inode.
    pub inode: u32,
    /// How it is related.
    pub relation: Relation,
    /// Who holds it.
    pub holders: Holders,
}

/// Whose descriptor was asked.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Asked {
    /// The process.
    pub pid: u32,
    /// Its name.
    pub comm: Untrusted,
    /// The number of the descriptor.
    pub fd: i32,
    /// The socket it is.
    pub inode: u32,
    /// It is not the socket itself, but one of its clients, which recorded the same.
    pub client: bool,
}

/// A process that did not let us duplicate its descriptor.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Refusal {
    /// The process.
    pub pid: u32,
    /// Its name.
    pub comm: Untrusted,
    /// The error's name.
    pub error: String,
}

/// What the kernel recorded on a socket.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Record {
    /// SO_PEERCRED; absent when nothing was recorded.
    pub peercred: Fact<NamedUcred>,
    /// SO_PEERGROUPS.
    pub groups: Fact<Vec<Named>>,
    /// SO_PEERPIDFD.
    pub pidfd: Fact<Pidfd>,
    /// SO_PEERSEC.
    pub label: Fact<Untrusted>,
}

/// `struct ucred`, with names.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct NamedUcred {
    /// Process id; 0 when it has none in our pid namespace.
    pub pid: u32,
    /// Effective user id.
    pub user: Named,
    /// Effective group id.
    pub group: Named,
}

/// What a record means by now.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Now {
    /// The recorded process.
    pub process: State,
    /// The process that has the recorded pid now, whether it is the same or not.
    pub owner_of_pid: Option<Seen>,
    /// Who holds the other end now, or the listener itself.
    pub holders: Vec<Seen>,
    /// What can be said of those holders.
    pub known: Known,
    /// Whether the recorded process is among them; `None` when not all holders can be seen.
    pub still_held: Option<bool>,
}

/// What became of a recorded process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It runs: SO_PEERPIDFD vouches for it.
    Alive,
    /// It has ended, and its parent has not waited for it: nobody else can have its pid yet.
    Ended,
    /// It has ended, and nobody has its pid.
    Gone,
    /// It has ended, and another process has its pid now.
    Recycled,
    /// It has no pid in our pid namespace.
    OutsideOurNamespace,
    /// A process has this pid, and without SO_PEERPIDFD nothing tells whether it is the same.
    Unproven,
}

/// A process now.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Seen {
    /// Its process id.
    pub pid: u32,
    /// Its name.
    pub comm: Untrusted,
    /// Its effective user id now.
    pub user: Option<Named>,
    /// When it was started.
    pub start: Option<Start>,
}

/// Looks at a socket.
pub(super) fn look(
    which: &Which,
    names: &Names,
    services: &[Service],
    surroundings: &Surroundings,
) -> Result<Recorded, ProbeError> {
    let (rows, holdings) = sockets::collect_with(services, surroundings, Wanted::default());
    if let Some(problem) = rows.problem {
        return Err(ProbeError::Kernel {
            what: "sockets cannot be listed",
            error: io::Error::other(problem),
        });
    }
    let rows = rows.sockets;
    let row = find::find(which, &rows, &holdings)?;
    let mut refusals = Vec::new();
    let mut taken = take(row, false, &holdings, &mut refusals);
    if taken.is_none() && row.condition == Condition::Listening {
        taken = clients_of(row, &rows)
            .find_map(|client| take(client, true, &holdings, &mut Vec::new()));
    }
    let mut recorded = Recorded {
        inode: row.inode,
        cookie: row.cookie,
        kind: row.kind,
        condition: row.condition,
        name: row.name.clone(),
        creator: row.uid.map(|uid| names.user(uid)),
        holders: row.holders.clone(),
        peer: row.peer.as_ref().map(|peer| Peer {
            inode: peer.inode,
            relation: peer.relation,
            holders: peer.holders.clone(),
        }),
        accepted: row.clients,
        asked: None,
        refusals,
        ptrace_scope: ptrace_scope(),
        record: None,
        recorded_by: occasion::by_names(row, &rows),
        now: None,
    };
    if let Some((socket, asked)) = taken {
        let record = record(&socket, names);
        if !asked.client {
            recorded.recorded_by = occasion::by_socket(row, &socket, &record.peercred, &rows);
        }
        recorded.now = now(&recorded, &record, names);
        recorded.record = Some(record);
        recorded.asked = Some(asked);
    }
    Ok(recorded)
}

fn ptrace_scope() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?;
    text.trim().parse().ok()
}

/// Duplicates a socket out of the first process that lets us. What is found is verified to be the
/// socket: a number may have been given to another file since the walk.
fn take(
    row: &Row,
    client: bool,
    holdings: &Holdings,
    refusals: &mut Vec<Refusal>,
) -> Option<(OwnedFd, Asked)> {
    for descriptor in holdings.descriptors_of_socket(row.inode) {
        let pid = descriptor.pid;
        if refusals.iter().any(|refusal| refusal.pid == pid) {
            continue;
        }
        let comm = || process::name(pid.cast_signed());
        let fd = descriptor.fd.cast_signed();
        let socket =
            pidfd::open(pid).and_then(|process| pidfd::duplicate_socket(process, fd, row.inode));
        match socket {
            Ok(Some(socket)) => {
                let asked = Asked {
                    pid,
                    comm: comm(),
                    fd,
                    inode: row.inode,
                    client,
                };
                return Some((socket, asked));
            }
            Ok(None) => {}
            Err(error) => refusals.push(Refusal {
                pid,
                comm: comm(),
                error: errno_name(&error),
            }),
        }
    }
    None
}

/// The sockets that called connect(2) to this listener.
fn clients_of<'a>(listener: &'a Row, rows: &'a [Row]) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(|row| match &row.peer {
        Some(peer) if peer.relation == Relation::WaitsFor => peer.inode == listener.inode,
        Some(peer) if peer.relation == Relation::Connected => {
            listener.name.is_some()
                && peer.name == listener.name
                // Of two sockets with the listener's name, one is a file that replaced another.
                && accepted_from(listener, peer.inode, rows)
        }
        _ => false,
    })
}

fn accepted_from(listener: &Row, inode: u32, rows: &[Row]) -> bool {
    rows.iter()
        .any(|row| row.inode == inode && row.file == listener.file)
}

fn record(socket: &OwnedFd, names: &Names) -> Record {
    let peercred = match peer_credentials::recorded(socket) {
        Ok(ucred) if !ucred.was_recorded() => Fact::Absent,
        other => Fact::new(other).map(|ucred: Ucred| NamedUcred {
            pid: ucred.pid,
            user: names.user(ucred.uid),
            group: names.group(ucred.gid),
        }),
    };
    let groups = match peer_credentials::groups(socket) {
        Err(error) if errno(&error) == nix::errno::Errno::ENODATA => Fact::Absent,
        other => Fact::since(other, "4.13", &[nix::errno::Errno::ENOPROTOOPT]),
    };
    Record {
        peercred,
        groups: groups.map(|groups| groups.into_iter().map(|id| names.group(id)).collect()),
        pidfd: role::told(peer_credentials::pidfd(socket)),
        label: role::label(peer_credentials::label(socket)),
    }
}

/// Compares a record with whoever is there now.
fn now(recorded: &Recorded, record: &Record, names: &Names) -> Option<Now> {
    let ucred = record.peercred.known()?;
    let holders = match (recorded.recorded_by, &recorded.peer) {
        (RecordedBy::Listen, _) => Some(&recorded.holders),
        (_, Some(peer)) => Some(&peer.holders),
        (_, None) => None,
    };
    let owner_of_pid = seen(ucred.pid, names);
    let process = state(ucred.pid, &record.pidfd, owner_of_pid.is_some());
    let processes = holders.map_or(&[][..], |holders| &holders.processes);
    let same = matches!(process, State::Alive | State::Ended | State::Unproven);
    let held = same && processes.iter().any(|holder| holder.pid == ucred.pid);
    let known = holders.map_or(Known::Gone, |holders| holders.known);
    Some(Now {
        process,
        owner_of_pid,
        holders: processes
            .iter()
            .filter_map(|holder| seen(holder.pid, names))
            .collect(),
        known,
        still_held: (held || known != Known::NotVisible).then_some(held),
    })
}

/// What became of the process that had this pid when it was recorded. `owned`: a process has it
/// now.
fn state(pid: u32, pidfd: &Fact<Pidfd>, owned: bool) -> State {
    let gone = if owned { State::Recycled } else { State::Gone };
    match pidfd {
        _ if pid == 0 => State::OutsideOurNamespace,
        Fact::Known(told) if told.pid == pid && !told.ended => State::Alive,
        Fact::Known(told) if told.pid == pid => State::Ended,
        Fact::Known(_) => gone,
        // What kernels before Linux 6.16 say of a process that was waited for.
        Fact::Refused(why) if why == "ESRCH" || why == "EINVAL" => gone,
        _ if owned => State::Unproven,
        _ => State::Gone,
    }
}

fn seen(pid: u32, names: &Names) -> Option<Seen> {
    if pid == 0 {
        return None;
    }
    let status = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Uid:"));
    let user = line
        .and_then(|line| std::str::from_utf8(line).ok())
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    Some(Seen {
        pid,
        comm: process::name(pid.cast_signed()),
        user: user.map(|uid| names.user(uid)),
        start: identity::start(pid),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_is_called_recycled_only_when_the_recorded_process_is_gone() {
        let told = |pid, ended| {
            Fact::Known(Pidfd {
                pid,
                ended,
                inode: None,
            })
        };
        assert_eq!(state(7, &told(7, false), true), State::Alive);
        assert_eq!(state(7, &told(7, true), true), State::Ended);
        assert_eq!(state(7, &told(0, true), true), State::Recycled);
        assert_eq!(state(7, &told(0, true), false), State::Gone);
        assert_eq!(state(0, &told(0, false), false), State::OutsideOurNamespace);
        let old = Fact::Unsupported("Linux 6.5".to_owned());
        assert_eq!(state(7, &old, true), State::Unproven);
        assert_eq!(state(7, &old, false), State::Gone);
        let reaped = Fact::Refused("ESRCH".to_owned());
        assert_eq!(state(7, &reaped, true), State::Recycled);
    }
}
