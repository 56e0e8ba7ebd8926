//! What graders that were killed have left in the temporary directory, and which arenas are in use.
//!
//! A living grader holds a lock on its arena (flock(2)); the kernel lets go of it however the
//! grader ends. An arena that nobody holds is removed, after the processes that still run in it.
//! Only what is ours is touched: directories of our own user, or as root of the users that programs
//! are given.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::removal::remove;

/// How the name of every arena begins.
pub(super) const PREFIX: &str = "ipcm-";

/// An arena's lock; it ends with its holder.
#[derive(Debug)]
pub(super) struct Hold {
    _directory: File,
}

/// Takes the lock of a new arena; `None` when somebody took it for an abandoned one meanwhile.
pub(super) fn hold(arena: &Path) -> io::Result<Option<Hold>> {
    let directory = open(arena)?;
    flock(&directory, FlockOperation::LockExclusive)?;
    let still = fs::symlink_metadata(arena).is_ok_and(|now| {
        directory
            .metadata()
            .is_ok_and(|ours| (ours.dev(), ours.ino()) == (now.dev(), now.ino()))
    });
    Ok(still.then_some(Hold {
        _directory: directory,
    }))
}

/// Removes what dead graders left in a directory, and returns the owners of the arenas that living
/// ones hold, our own left out. `ours` says whose arenas are ours.
pub(super) fn sweep(parent: &Path, own: &Path, ours: impl Fn(u32) -> bool) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let arenas = entries
        .flatten()
        .filter(|entry| entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()))
        .map(|entry| entry.path())
        .filter(|path| path != own);
    let mut living = Vec::new();
    for arena in arenas {
        let Ok(owner) = fs::symlink_metadata(&arena).map(|found| found.uid()) else {
            continue;
        };
        if ours(owner) && !remove_abandoned(&arena) {
            living.push(owner);
        }
    }
    living
}

/// Removes an arena unless somebody holds it; `false` when it is held.
fn remove_abandoned(arena: &Path) -> bool {
    let directory = match open(arena) {
        Ok(directory) => directory,
        // Not a directory, or closed to us by the program: then nobody reads its lock either.
        Err(error) if is_unreadable(&error) => {
            drop(remove(arena));
            return true;
        }
        // What else keeps us from looking (no descriptors, no memory) says nothing about it.
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
    };
    if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        return false;
    }
    kill_strays(arena);
    drop(remove(arena));
    true
}

/// Whether an arena itself is why it cannot be opened.
fn is_unreadable(error: &io::Error) -> bool {
    let errno = error.raw_os_error();
    matches!(errno, Some(libc::ENOTDIR | libc::ELOOP | libc::EACCES))
}

/// Kills the processes that were started in an arena: their environment names it. Those that are
/// found by their parent are gone before; these lost theirs.
pub(super) fn kill_strays(arena: &Path) {
    let me = std::process::id().cast_signed();
    for pid in processes().filter(|&pid| pid != me) {
        let Some(process) = Pid::from_raw(pid) else {
            continue;
        };
        // The pidfd first: what is read then is about the process that will be signalled.
        let Ok(pidfd) = pidfd_open(process, PidfdFlags::empty()) else {
            continue;
        };
        if lives_in(pid, arena) {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a process was given this arena as its home.
fn lives_in(pid: i32, arena: &Path) -> bool {
    let mut home = b"HOME=".to_vec();
    home.extend(arena.as_os_str().as_bytes());
    home.push(b'/');
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|&byte| byte == 0)
        .any(|variable| variable.starts_with(&home))
}

fn open(arena: &Path) -> io::Result<File> {
    fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(arena)
}

/// A path that is an arena's by its name.
pub(super) fn template(parent: &Path) -> PathBuf {
    parent.join(format!("{PREFIX}XXXXXX"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sweeps until this is so. Between a fork and an exec elsewhere in this process a lock has one
    /// more holder, so the first sweep may still find it held.
    fn sweep_until(home: &Path, ours: impl Fn(u32) -> bool, is_so: impl Fn(&[u32]) -> bool) {
        const ROUNDS: usize = 500;
        for _ in 0..ROUNDS {
            if is_so(&sweep(home, Path::new(""), &ours)) {
                return;
            }
            let _ = nix::poll::poll(&mut [], nix::poll::PollTimeout::from(10_u8));
        }
        panic!("it never became so");
    }

    #[test]
    fn an_arena_that_nobody_holds_goes_and_one_that_is_held_stays() {
        let home = tempfile::tempdir().unwrap();
        let (dead, alive) = (
            home.path().join("ipcm-dead"),
            home.path().join("ipcm-alive"),
        );
        let other = home.path().join("other");
        for directory in [&dead, &alive, &other] {
            fs::create_dir_all(directory.join("deep/er")).unwrap();
        }
        let held = hold(&alive).unwrap().unwrap();
        let me = nix::unistd::geteuid().as_raw();
        let mine = |uid| uid == me;
        sweep_until(home.path(), mine, |whose| whose == [me] && !dead.exists());
        assert!(alive.exists() && other.exists());
        drop(held);
        sweep_until(home.path(), |_| false, <[u32]>::is_empty);
        assert!(alive.exists(), "it is not ours");
        sweep_until(home.path(), mine, |whose| {
            whose.is_empty() && !alive.exists()
        });
        assert!(other.exists());
    }

    /// A process that lives in a directory, and has begun to: from exec on it takes a moment until
    /// its environment can be seen.
    fn living_in(home: PathBuf) -> std::process::Child {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "echo here; read forever"])
            .env("HOME", home)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 5];
        let stdout = child.stdout.as_mut().unwrap();
        std::io::Read::read_exact(stdout, &mut said).unwrap();
        child
    }

    #[test]
    fn a_process_that_lives_in_an_abandoned_arena_is_killed() {
        let home = tempfile::tempdir().unwrap();
        let arena = home.path().join("ipcm-dead");
        fs::create_dir(&arena).unwrap();
        let mut stray = living_in(arena.join("s00/home"));
        let mut other = living_in(home.path().join("ipcm-deadly"));
        sweep_until(home.path(), |_| true, |_| !arena.exists());
        let ended = std::os::unix::process::ExitStatusExt::signal(&stray.wait().unwrap());
        assert_eq!(ended, Some(libc::SIGKILL));
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
