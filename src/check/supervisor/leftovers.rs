//! What a program leaves behind: processes that outlive it, and objects that outlive processes.
//!
//! Reported whoever's it may be; removed only when it is the program's own beyond doubt: made since
//! the start by a user that nobody else is, or by a process of the program's tree, or held by one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;
use std::os::fd::AsFd;

use super::Supervisor;
use super::instance::Instance;
use crate::check::patience::Deadline;
use crate::check::verdict::{Leftover, LeftoverKind};
use crate::sys::ipc_objects::{self, Kind, Object};
use crate::sys::process;
use crate::sys::sock_diag;
use crate::untrusted::Untrusted;

/// Where POSIX shared memory, semaphores and message queues have their names.
const NAMED: [(&str, LeftoverKind); 2] = [
    ("/dev/shm", LeftoverKind::PosixSharedMemory),
    ("/dev/mqueue", LeftoverKind::PosixMessageQueue),
];
/// How long processes may take to follow their main process, in milliseconds.
const FOLLOWING_MS: u64 = 100;

/// What there was before the program was started.
#[derive(Debug)]
pub(super) struct Before {
    objects: BTreeSet<(Kind, i32)>,
    names: BTreeSet<(PathBuf, u64)>,
}

impl Before {
    pub(super) fn look() -> Self {
        let objects = ipc_objects::list();
        Self {
            objects: objects.iter().map(|found| (found.kind, found.id)).collect(),
            names: names().map(|(path, inode, ..)| (path, inode)).collect(),
        }
    }
}

/// Paths of named objects, with inode, owner and kind.
fn names() -> impl Iterator<Item = (PathBuf, u64, u32, LeftoverKind)> {
    NAMED.into_iter().flat_map(|(directory, kind)| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(move |entry| {
            let metadata = entry.metadata().ok()?;
            Some((entry.path(), metadata.ino(), metadata.uid(), kind))
        })
    })
}

impl Supervisor {
    /// All that has been left so far by programs that have ended.
    pub(super) fn leftovers(&self) -> Vec<Leftover> {
        let mut left = self.processes_left();
        let objects = self.objects_left().into_iter();
        left.extend(objects.map(|(object, _)| leftover_object(&object, false)));
        let held = self.held();
        left.extend(
            self.names_left(&held)
                .into_iter()
                .map(|(path, kind, _)| leftover_name(&path, kind, false)),
        );
        left
    }

    /// Ends everything, removes what is the program's own, and tells what there was.
    pub(super) fn clear_up(&mut self) -> Vec<Leftover> {
        self.let_follow();
        let mut left = self.processes_left();
        for leftover in &mut left {
            leftover.removed = true;
        }
        let held = self.held();
        self.end_all();
        for (object, own) in self.objects_left() {
            let removed = own && ipc_objects::remove(object.kind, object.id).is_ok();
            left.push(leftover_object(&object, removed));
        }
        for (path, kind, own) in self.names_left(&held) {
            let removed = own && fs::remove_file(&path).is_ok();
            left.push(leftover_name(&path, kind, removed));
        }
        left
    }

    /// Whether processes of instances that have ended are still there.
    pub(super) fn outlived(&self) -> bool {
        !self.orphans().is_empty()
    }

    /// Gives the processes of an orderly end a moment to follow.
    fn let_follow(&mut self) {
        let deadline = Deadline::after_ms(FOLLOWING_MS);
        while self.ended_orderly() && self.reap() && self.outlived() && !deadline.passed() {
            let mut fds = [PollFd::new(self.children.as_fd(), PollFlags::POLLIN)];
            match nix::poll::poll(&mut fds, deadline.poll_timeout()) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
    }

    /// Whether every instance has had the chance to end what it started: none runs, and none was
    /// killed.
    fn ended_orderly(&self) -> bool {
        let orderly = |instance: &Instance| {
            instance.end.is_some() && !instance.sent.contains(&(Signal::SIGKILL as i32))
        };
        !self.instances.is_empty() && self.instances.values().all(orderly)
    }

    /// Processes below us that belong to no instance that runs.
    fn orphans(&self) -> BTreeSet<i32> {
        let mut orphans = process::descendants(nix::unistd::getpid().as_raw());
        let running = self.instances.values().filter(|one| one.end.is_none());
        for instance in running {
            orphans.retain(|&pid| !instance.owns(pid));
        }
        orphans.retain(|&pid| process::stat(pid).is_some_and(|stat| stat.state != 'Z'));
        orphans
    }

    fn processes_left(&self) -> Vec<Leftover> {
        if !self.ended_orderly() {
            return Vec::new();
        }
        let orphans = self.orphans();
        if orphans.is_empty() {
            return Vec::new();
        }
        let sockets = sock_diag::dump()
            .map(|dump| dump.sockets)
            .unwrap_or_default();
        let describe = |pid: i32| {
            let mut what = format!("process {pid} ({})", process::name(pid));
            let open = process::descriptors(pid);
            let names = open.iter().filter_map(|(_, to)| {
                let text = to.to_str()?;
                let inode = text.strip_prefix("socket:[")?.strip_suffix(']')?;
                let inode: u32 = inode.parse().ok()?;
                let found = sockets.iter().find(|socket| socket.inode == inode)?;
                match found.name.as_ref()? {
                    sock_diag::Name::Path(name) => Some(name.to_string()),
                    sock_diag::Name::Abstract(name) => Some(format!("@{name}")),
                }
            });
            let names: BTreeSet<String> = names.collect();
            if !names.is_empty() {
                let names: Vec<String> = names.into_iter().collect();
                what.push_str(&format!(", which has {} open", names.join(", ")));
            }
            if self.instances.values().any(|one| one.prints_through(&open)) {
                what.push_str(", which keeps the output open");
            }
            Leftover {
                kind: LeftoverKind::Process,
                what,
                removed: false,
            }
        };
        orphans.into_iter().map(describe).collect()
    }

    /// System V objects made since the start, and whether they are the program's beyond doubt.
    fn objects_left(&self) -> Vec<(Object, bool)> {
        let Some(before) = &self.before else {
            return Vec::new();
        };
        let user = self.user();
        let fresh = |found: &Object| {
            found.owner == user && !before.objects.contains(&(found.kind, found.id))
        };
        let own = |found: &Object| {
            self.identity.is_some() || found.processes.iter().any(|pid| self.known.contains(pid))
        };
        ipc_objects::list()
            .into_iter()
            .filter(fresh)
            // Of a user with other programs, what other processes made is theirs.
            .filter(|found| own(found) || found.processes.is_empty())
            .map(|found| (found.clone(), own(&found)))
            .collect()
    }

    /// Named objects made since the start, and whether they are the program's beyond doubt.
    fn names_left(&self, held: &BTreeSet<PathBuf>) -> Vec<(PathBuf, LeftoverKind, bool)> {
        let Some(before) = &self.before else {
            return Vec::new();
        };
        let user = self.user();
        names()
            .filter(|(path, inode, owner, _)| {
                *owner == user && !before.names.contains(&(path.clone(), *inode))
            })
            .map(|(path, _, _, kind)| {
                let own = self.identity.is_some() || held.contains(&path);
                (path, kind, own)
            })
            .collect()
    }

    /// The named objects that processes of ours hold open or have mapped.
    fn held(&self) -> BTreeSet<PathBuf> {
        let Some(before) = &self.before else {
            return BTreeSet::new();
        };
        let fresh = names().any(|(path, inode, ..)| !before.names.contains(&(path, inode)));
        if !fresh {
            return BTreeSet::new();
        }
        let named = |path: &Path| {
            NAMED
                .iter()
                .any(|(directory, _)| path.starts_with(directory))
        };
        process::descendants(nix::unistd::getpid().as_raw())
            .into_iter()
            .flat_map(|pid| {
                let open = process::descriptors(pid).into_iter().map(|(_, to)| to);
                open.chain(process::mapped_files(pid))
            })
            .filter(|path| named(path))
            .collect()
    }

    fn user(&self) -> u32 {
        let me = nix::unistd::geteuid().as_raw();
        self.identity.map_or(me, |identity| identity.uid)
    }
}

fn leftover_object(object: &Object, removed: bool) -> Leftover {
    let kind = match object.kind {
        Kind::SharedMemory => LeftoverKind::SharedMemory,
        Kind::MessageQueue => LeftoverKind::MessageQueue,
        Kind::Semaphores => LeftoverKind::Semaphores,
    };
    Leftover {
        kind,
        what: format!("{} {}", object.kind.words(), object.id),
        removed,
    }
}

fn leftover_name(path: &Path, kind: LeftoverKind, removed: bool) -> Leftover {
    let words = match kind {
        LeftoverKind::PosixMessageQueue => "POSIX message queue",
        _ => "POSIX shared memory",
    };
    Leftover {
        kind,
        what: format!("{words} {}", Untrusted::from(path)),
        removed,
    }
}
