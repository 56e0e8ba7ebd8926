//! A fence around a program: it writes only beneath one directory and signals only itself, or it
//! makes no new sockets, as far as the kernel's Landlock goes (landlock(7)). It needs no privilege
//! and cannot be taken down. Reading is not restricted: interpreters and libraries lie anywhere.

use std::io;
use std::path::Path;

use landlock::{
    ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetStatus, Scope,
};

use super::abilities::landlock_version;

/// How far the kernel's Landlock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// There is no Landlock, or it is switched off.
    Nothing,
    /// Writing can be fenced in (Linux 5.13).
    Writing,
    /// Writing and signals can be fenced in (Linux 6.12, version 6).
    WritingAndSignals,
}

/// How far this kernel goes, by asking it.
pub fn reach() -> Reach {
    match landlock_version() {
        Ok(version) if version >= 6 => Reach::WritingAndSignals,
        Ok(version) if version >= 1 => Reach::Writing,
        _ => Reach::Nothing,
    }
}

/// Confines this process's signals to itself and what it starts from now on, for good: not even
/// `kill(-1)` reaches anything else (landlock(7), LANDLOCK_SCOPE_SIGNAL, Linux 6.12). `true` only
/// when it holds, found by trying: the parent, who is outside, can no longer be signalled.
pub fn scope_signals() -> bool {
    if reach() != Reach::WritingAndSignals {
        return false;
    }
    let scoped = Ruleset::default()
        .scope(Scope::Signal)
        .and_then(Ruleset::create)
        .and_then(RulesetCreated::restrict_self);
    let Ok(status) = scoped else { return false };
    if status.ruleset != RulesetStatus::FullyEnforced {
        return false;
    }
    let parent = nix::unistd::getppid();
    nix::sys::signal::kill(parent, None) == Err(nix::errno::Errno::EPERM)
}

/// Refuses this process, and what it starts from now on, any new socket in a file system, for good:
/// bind(2) to a path gives EACCES (landlock(7), LANDLOCK_ACCESS_FS_MAKE_SOCK, Linux 5.13).
///
/// # Errors
/// When the kernel has no Landlock, or refuses the rules.
pub fn refuse_new_sockets() -> io::Result<()> {
    let fenced = Ruleset::default()
        .handle_access(AccessFs::MakeSock)
        .and_then(Ruleset::create)
        .and_then(RulesetCreated::restrict_self);
    match fenced {
        Ok(status) if status.ruleset == RulesetStatus::FullyEnforced => Ok(()),
        Ok(_) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// What may be written on the other side of every fence; see null(4), random(4), tty(4), pts(4),
/// shm_overview(7), mq_overview(7).
const OPEN: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/shm",
    "/dev/mqueue",
    "/proc",
];

/// A fence that is ready to be put up.
#[derive(Debug)]
pub struct Fence {
    ruleset: RulesetCreated,
}

impl Fence {
    /// A fence around a directory. Devices that every program may use, POSIX shared memory and
    /// queues, and /proc may be written too, as far as their modes allow: without /dev/shm there
    /// would be no semaphores, and with them no locks between processes in Python. `None` when the
    /// kernel has no Landlock.
    ///
    /// # Errors
    /// When the directory cannot be opened or the kernel refuses the rules.
    pub fn around(directory: &Path) -> io::Result<Option<Self>> {
        let reach = reach();
        if reach == Reach::Nothing {
            return Ok(None);
        }
        let build = || -> Result<RulesetCreated, Box<dyn std::error::Error + Send + Sync>> {
            // Newer rights than the kernel's are left out by the crate.
            let writing = AccessFs::from_write(ABI::V6);
            let mut ruleset = Ruleset::default().handle_access(writing)?;
            if reach == Reach::WritingAndSignals {
                ruleset = ruleset.scope(Scope::Signal)?;
            }
            let mut ruleset = ruleset.create()?;
            for path in [directory].into_iter().chain(OPEN.iter().map(Path::new)) {
                let access = match path.metadata() {
                    Ok(found) if found.is_dir() => writing,
                    Ok(_) => writing & AccessFs::from_file(ABI::V6),
                    Err(_) => continue,
                };
                ruleset = ruleset.add_rule(PathBeneath::new(PathFd::new(path)?, access))?;
            }
            Ok(ruleset)
        };
        build()
            .map(|ruleset| Some(Self { ruleset }))
            .map_err(io::Error::other)
    }

    /// A fence for signals alone. `None` when the kernel's Landlock does not know it.
    ///
    /// # Errors
    /// When the kernel refuses the rules.
    pub fn for_signals() -> io::Result<Option<Self>> {
        if reach() != Reach::WritingAndSignals {
            return Ok(None);
        }
        Ruleset::default()
            .scope(Scope::Signal)
            .and_then(Ruleset::create)
            .map(|ruleset| Some(Self { ruleset }))
            .map_err(io::Error::other)
    }

    /// Puts the fence up around this process and all it will ever start.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn put_up(self) -> io::Result<()> {
        self.ruleset
            .restrict_self()
            .map(drop)
            .map_err(io::Error::other)
    }
}
