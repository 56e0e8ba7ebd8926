//! Directories that programs of this kind live in.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access};
use rustix::process::geteuid;

use super::{Finding, Group, State, shown};

/// Bytes of a socket address's path, without the NUL at its end (unix(7)).
const ADDRESS: usize = 107;
/// Bytes that a check needs below the temporary directory for its socket, at most.
const NEEDED: usize = 40;

pub(super) fn collect() -> Vec<Finding> {
    vec![runtime(), temporary()]
}

fn runtime() -> Finding {
    let usual = PathBuf::from(format!("/run/user/{}", geteuid().as_raw()));
    let set = env::var_os("XDG_RUNTIME_DIR")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    let (state, detail) = match set {
        Some(path) => {
            let (state, words) = judge_runtime(&path);
            (state, format!("{} {words}", shown(&path)))
        }
        None if usual.is_dir() => (
            State::Limited,
            format!("XDG_RUNTIME_DIR is not set, but {} is there", shown(&usual)),
        ),
        None => (
            State::Missing,
            format!(
                "XDG_RUNTIME_DIR is not set and there is no {}",
                shown(&usual)
            ),
        ),
    };
    let get = if state == State::Here {
        ""
    } else {
        "Log in through a session that logind knows (not su or sudo), or see pam_systemd(8)."
    };
    Finding {
        id: "runtime-dir",
        name: "runtime directory",
        group: Group::Places,
        state,
        detail,
        needed_for: "the endpoints of your session: probe runtime-dir and its lessons",
        get: get.to_owned(),
    }
}

/// What the XDG specification asks of it: a directory, ours, closed to others.
fn judge_runtime(path: &Path) -> (State, String) {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) => return (State::Missing, format!("cannot be used: {error}")),
    };
    let mode = found.mode() & 0o7777;
    if !path.is_absolute() {
        (State::Limited, "is no absolute path".to_owned())
    } else if !found.is_dir() {
        (State::Missing, "is no directory".to_owned())
    } else if found.uid() != geteuid().as_raw() {
        (
            State::Limited,
            format!("belongs to user {}, not to you", found.uid()),
        )
    } else if mode != 0o700 {
        (
            State::Limited,
            format!("has mode {mode:04o} instead of 0700"),
        )
    } else {
        (State::Here, "is yours, mode 0700".to_owned())
    }
}

/// Checked programs run there: it must be writable, executable and not too long a name.
fn temporary() -> Finding {
    let path = env::temp_dir();
    let place = shown(&path);
    let room = ADDRESS.saturating_sub(path.as_os_str().len());
    let noexec = statvfs(&path).is_ok_and(|found| found.flags().contains(FsFlags::ST_NOEXEC));
    let (state, detail, get) =
        if let Err(errno) = access(&path, AccessFlags::W_OK | AccessFlags::X_OK) {
            let get = "Set TMPDIR to a directory that you can write to.";
            (
                State::Missing,
                format!("{place} cannot be written: {}", errno.desc()),
                get,
            )
        } else if noexec {
            let get = "Set TMPDIR to a directory on a file system without noexec.";
            (
                State::Limited,
                format!("{place} is mounted noexec: built programs cannot run there"),
                get,
            )
        } else if room < NEEDED {
            let get = "Set TMPDIR to a shorter path, such as /tmp.";
            let words = format!("{place} leaves {room} of {ADDRESS} bytes of a socket address");
            (State::Limited, words, get)
        } else {
            (State::Here, format!("{place} is writable"), "")
        };
    Finding {
        id: "temporary-dir",
        name: "temporary directory",
        group: Group::Places,
        state,
        detail,
        needed_for: "running programs in checks and experiments",
        get: get.to_owned(),
    }
}
