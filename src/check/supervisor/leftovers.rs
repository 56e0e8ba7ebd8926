//! What a program leaves behind: processes that outlive it, and objects that outlive processes.
//!
//! Reported whoever's it may be; removed only when it is the program's own beyond doubt: made since
//! the start by a user that nobody else is, or by a process of the program's tree, or held by one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;
use std::os::fd::AsFd;

use super::Supervisor;
use super::instance::Instance;
use crate::check::patience::Deadline;
use crate::check::protocol::{Bytes, Left};
use crate::check::verdict::{Leftover, LeftoverKind};
use crate::sys::ipc_objects::{self, Object};
use crate::sys::posix_objects;
use crate::sys::process;
use crate::sys::sock_diag;
use crate::untrusted::Untrusted;

/// How long processes may take to follow their main process, in milliseconds.
const FOLLOWING_MS: u64 = 100;

/// What there was before the program was started.
#[derive(Debug)]
pub(super) struct Before {
    objects: BTreeSet<(ipc_objects::Kind, i32)>,
    names: BTreeSet<(PathBuf, u64)>,
}

impl Before {
    pub(super) fn look() -> Self {
        let objects = ipc_objects::list();
        Self {
            objects: objects.iter().map(|found| (found.kind, found.id)).collect(),
            names: posix_objects::list().map(|object| named(&object)).collect(),
        }
    }
}

fn named(object: &posix_objects::Object) -> (PathBuf, u64) {
    (object.path.clone(), object.inode)
}

impl Supervisor {
    /// All that has been left so far by programs that have ended.
    pub(super) fn leftovers(&self) -> Vec<Left> {
        let processes = self.processes_left().into_iter().map(Left::beyond_doubt);
        let objects = self.objects_left().into_iter();
        let objects = objects.map(|(object, _)| left_object(&object, false));
        let names = self.names_left(&self.held()).into_iter();
        let names = names.map(|(object, own)| left_name(&object, own, false));
        processes.chain(objects).chain(names).collect()
    }

    /// Ends everything, removes what is the program's own, and tells what there was.
    pub(super) fn clear_up(&mut self) -> Vec<Left> {
        self.let_follow();
        let ended = |leftover| {
            Left::beyond_doubt(Leftover {
                removed: true,
                ..leftover
            })
        };
        let mut left: Vec<Left> = self.processes_left().into_iter().map(ended).collect();
        let held = self.held();
        self.end_all();
        for (object, own) in self.objects_left() {
            let removed = own && ipc_objects::remove(object.kind, object.id).is_ok();
            left.push(left_object(&object, removed));
        }
        for (object, own) in self.names_left(&held) {
            let removed = own && fs::remove_file(&object.path).is_ok();
            left.push(left_name(&object, own, removed));
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
    fn names_left(&self, held: &BTreeSet<PathBuf>) -> Vec<(posix_objects::Object, bool)> {
        let user = self.user();
        let own = |path: &Path| self.identity.is_some() || held.contains(path);
        self.names_since()
            .filter(|object| object.owner == user)
            .map(|object| {
                let own = own(&object.path);
                (object, own)
            })
            .collect()
    }

    /// Named objects made since the start, by whomever.
    fn names_since(&self) -> impl Iterator<Item = posix_objects::Object> {
        let before = self.before.as_ref();
        let since = before.map(|before| {
            let new = |object: &posix_objects::Object| !before.names.contains(&named(object));
            posix_objects::list().filter(new)
        });
        since.into_iter().flatten()
    }

    /// The paths of those that processes of ours hold open or have mapped.
    fn held(&self) -> BTreeSet<PathBuf> {
        let mut since = self.names_since().peekable();
        if since.peek().is_none() {
            return BTreeSet::new();
        }
        let ours = process::descendants(nix::unistd::getpid().as_raw());
        since
            .filter(|object| ours.iter().any(|pid| object.is_open_in(*pid)))
            .map(|object| object.path)
            .collect()
    }

    fn user(&self) -> u32 {
        let me = nix::unistd::geteuid().as_raw();
        self.identity.map_or(me, |identity| identity.uid)
    }
}

fn left_object(object: &Object, removed: bool) -> Left {
    let kind = match object.kind {
        ipc_objects::Kind::SharedMemory => LeftoverKind::SharedMemory,
        ipc_objects::Kind::MessageQueue => LeftoverKind::MessageQueue,
        ipc_objects::Kind::Semaphores => LeftoverKind::Semaphores,
    };
    Left::beyond_doubt(Leftover {
        kind,
        what: format!("{} {}", object.kind.words(), object.id),
        removed,
    })
}

fn left_name(object: &posix_objects::Object, own: bool, removed: bool) -> Left {
    let kind = match object.kind {
        posix_objects::Kind::SharedMemory => LeftoverKind::PosixSharedMemory,
        posix_objects::Kind::MessageQueue => LeftoverKind::PosixMessageQueue,
    };
    Left {
        leftover: Leftover {
            kind,
            what: format!("{} {}", object.kind.words(), Untrusted::from(&*object.path)),
            removed,
        },
        unless_open: (!own).then(|| Bytes(object.path.as_os_str().as_bytes().to_vec())),
    }
}
