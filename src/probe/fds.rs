//! `probe fds`: the descriptors of a process, as the kernel sees them.
//!
//! Owns the order of looking: the table is read ([`open`]), each descriptor is told what it is
//! ([`classify`]), the kernel compares open file descriptions ([`sharing`]), and one walk over the
//! other processes finds who holds the other ends ([`ends`], [`epoll`]). Nothing is read from or
//! written to a descriptor, and none is taken over; of memfds alone a second one is opened, for
//! reading, because seals are told to nobody else. Drawing is [`crate::render`]'s.

mod classify;
mod ends;
mod epoll;
mod open;
mod process;
mod sharing;
mod watches;
mod what;
mod words;

use std::collections::HashSet;
use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::holders::Visibility;
use super::{Name, ProbeError};
use crate::curriculum::services::Service;
use crate::sys::fd_table;
use crate::sys::fdinfo::{Access, Lock};
use crate::sys::proc_scan::{self, Holdings, Wanted};
use crate::untrusted::Untrusted;
use open::{Open, Surroundings};
pub use process::{Limit, State, Threads};
pub use sharing::{Comparing, Sharing};
use sharing::{Descriptions, socket_inode};
pub use what::{
    Ends, EpollTarget, EpollWatch, Group, Held, NameState, NotAsked, PidfdOf, UnixPeer, UnixSocket,
    Watch, What,
};

/// Whose descriptors are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Those of the process that started us: in a terminal, the shell.
    #[default]
    Parent,
    /// Those of this process.
    Process(u32),
}

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Fds {
    /// `ipc-mastery/probe/fds/1`.
    pub schema: &'static str,
    /// The process.
    pub pid: u32,
    /// Its name.
    pub comm: Untrusted,
    /// The user it runs as: its effective user id.
    pub uid: Option<u32>,
    /// Whether its descriptors could be read.
    pub state: State,
    /// How many it has: known even where they may not be read, since Linux 6.2.
    pub count: Option<u64>,
    /// How many it may have: `RLIMIT_NOFILE`.
    pub limit: Option<Limit>,
    /// Its threads, and whether they have the same descriptors.
    pub threads: Option<Threads>,
    /// Whether the kernel compares open file descriptions here.
    pub comparing: Comparing,
    /// How much could be seen of other processes; nothing when there was no need to look.
    pub others: Option<Visibility>,
    /// Why sockets could not be listed, if they could not.
    pub problem: Option<String>,
    /// Its descriptors, by number; nothing when they may not be read.
    pub descriptors: Option<Vec<Descriptor>>,
}

/// A descriptor.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Descriptor {
    /// Its number.
    pub fd: u32,
    /// What the link in `/proc/PID/fd` says.
    pub target: Untrusted,
    /// What it leads to.
    pub what: What,
    /// What may be done through it.
    pub access: Option<Access>,
    /// Status flags of the open file description: `O_APPEND`.
    pub flags: Vec<&'static str>,
    /// Closed by execve(2); if not, a program that is started keeps it.
    pub close_on_exec: Option<bool>,
    /// The offset: where the next read(2) or write(2) begins. Nothing for what has none.
    pub position: Option<i64>,
    /// The inode.
    pub inode: Option<u64>,
    /// The mount it was opened through, for what has a path.
    pub mount: Option<OnMount>,
    /// Locks that it holds.
    pub locks: Vec<Lock>,
    /// Who has the same open file description, or the same file.
    pub sharing: Sharing,
}

/// A mount that a file was opened through.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct OnMount {
    /// Its id, as in `/proc/PID/mountinfo`.
    pub id: i64,
    /// Where it is; nothing when it is not visible from here.
    pub point: Option<Untrusted>,
    /// The type of its file system.
    pub file_system: Option<Untrusted>,
}

/// Looks at a process.
///
/// # Errors
/// When there is no such process.
pub fn collect(
    subject: &Subject,
    services: &[Service],
    surroundings: &super::Surroundings,
) -> Result<Fds, ProbeError> {
    let pid = match subject {
        Subject::Parent => std::os::unix::process::parent_id(),
        Subject::Process(pid) => *pid,
    };
    let found = process::look(pid).ok_or(ProbeError::NoProcess { pid })?;
    let mut seen = Fds {
        schema: Name::Fds.schema(),
        pid,
        comm: found.comm,
        uid: found.uid,
        state: found.state,
        count: found.table.and_then(fd_table::count),
        limit: found.limit,
        threads: None,
        comparing: Comparing::here(),
        others: None,
        problem: None,
        descriptors: None,
    };
    let Some(table) = found.table else {
        return Ok(seen);
    };
    let around = Surroundings::of(table);
    let read = |numbers: Vec<u32>| -> io::Result<Vec<Open>> {
        let opens = numbers.into_iter().map(|fd| around.read(fd));
        opens.filter_map(Result::transpose).collect()
    };
    let opens = match fd_table::numbers(table).and_then(read) {
        Ok(opens) => opens,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            seen.state = State::Denied;
            return Ok(seen);
        }
        Err(_) => return Err(ProbeError::NoProcess { pid }),
    };
    seen.count = Some(opens.len() as u64);
    seen.threads = Some(process::threads(pid, table));
    let mut whats: Vec<What> = opens
        .iter()
        .map(|open| classify::classify(open, &around))
        .collect();
    watches::name_from_opens(&mut whats, &opens);
    let descriptions = Descriptions::sort(table, &opens, seen.comparing);
    let mut holdings = Holdings::default();
    if !opens.is_empty() {
        let targets = targets(&opens, &whats);
        let wanted = Wanted {
            targets: Some(&targets),
            ..Wanted::default()
        };
        let mut unlistable = None;
        holdings = proc_scan::scan(wanted).unwrap_or_else(|error| {
            unlistable = Some(error.to_string());
            Holdings::default()
        });
        seen.others = Some(Visibility::new(holdings.sight.clone(), unlistable));
    }
    let shared = descriptions.share(&opens, &holdings, seen.comparing);
    let ends = ends::Ends {
        pid: table,
        comm: &seen.comm,
        opens: &opens,
        holdings: &holdings,
        complete: seen
            .others
            .as_ref()
            .is_some_and(|others| others.owners_complete),
    };
    ends.of_pipes(&mut whats);
    ends.of_terminals(&mut whats);
    seen.problem = ends.of_sockets(&mut whats, services, &surroundings.places());
    let epoll = epoll::Epoll {
        pid: table,
        opens: &opens,
        descriptions: &descriptions,
        holdings: &holdings,
        comparing: seen.comparing,
    };
    for (what, open) in whats.iter_mut().zip(&opens) {
        if let What::Epoll { watches } = what {
            *watches = epoll.watches(open);
        }
    }
    let parts = whats.into_iter().zip(shared);
    let descriptors = opens.iter().zip(parts);
    seen.descriptors = Some(
        descriptors
            .map(|(open, (what, sharing))| descriptor(open, what, sharing, &around))
            .collect(),
    );
    Ok(seen)
}

/// What the walk over other processes is to look for. Sockets it finds in any case.
fn targets(opens: &[Open], whats: &[What]) -> HashSet<Vec<u8>> {
    let watched = opens.iter().flat_map(|open| open.info.epoll_targets());
    let watched = watched.flat_map(|added| epoll::targets_of(&added));
    let own = opens.iter().map(|open| open.target.clone());
    let ends = whats.iter().zip(opens);
    let ends = ends.flat_map(|(what, open)| ends::terminal_targets(what, open));
    own.chain(watched)
        .chain(ends)
        .filter(|target| socket_inode(target).is_none())
        .collect()
}

fn descriptor(open: &Open, what: What, sharing: Sharing, around: &Surroundings) -> Descriptor {
    let flags = open.info.flags;
    let seekable = matches!(
        what,
        What::File { .. } | What::Directory { .. } | What::Memfd { .. } | What::Device { .. }
    );
    let has_path = open.target.starts_with(b"/");
    Descriptor {
        fd: open.fd,
        target: Untrusted::from(open.target.as_slice()),
        what,
        access: flags.map(|flags| flags.access()),
        flags: flags.map(|flags| flags.names()).unwrap_or_default(),
        close_on_exec: flags.map(|flags| flags.close_on_exec()),
        position: open.info.position.filter(|_| seekable),
        inode: open.info.inode,
        mount: open.info.mount.filter(|_| has_path).map(|id| {
            let mount = around.mount(id);
            OnMount {
                id,
                point: mount.map(|mount| mount.point.clone()),
                file_system: mount.map(|mount| mount.kind.clone()),
            }
        }),
        locks: open.info.locks.clone(),
        sharing,
    }
}
