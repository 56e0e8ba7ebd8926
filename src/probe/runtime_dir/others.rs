//! The runtime directories of other users, as far as they show from outside: their names, owners
//! and modes, and how many entries those have that let us look.

use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, StatxFlags, openat, statx};
use schemars::JsonSchema;
use serde::Serialize;

use super::lifetime::Records;
use super::place::Owner;
use super::walk;
use crate::sys::mounts::Mount;
use crate::sys::users::Users;
use crate::untrusted::Untrusted;

/// Entries counted at most.
const ENTRIES: usize = 10_000;

/// A runtime directory of another user.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Other {
    /// Its path.
    pub path: Untrusted,
    /// Its owner; `None`: its status could not be read.
    pub owner: Option<Owner>,
    /// Its permission bits.
    pub mode: Option<u32>,
    /// The type of what is mounted there; `None`: it is no mount point.
    pub mounted: Option<Untrusted>,
    /// How many entries it has; `None`: we may not list them, or it was not tried.
    pub entries: Option<usize>,
    /// Why they could not be listed: an errno's name.
    pub errno: Option<String>,
    /// How many sessions its owner has, as the login manager has it.
    pub sessions: Option<usize>,
}

/// Those in a directory, usually `/run/user`, but for our own.
pub(super) fn others(
    parent: &Path,
    own: &[u8],
    mounts: &[Mount],
    users: &Users,
    records: Records<'_>,
) -> Vec<Other> {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut others: Vec<Other> = entries
        .filter_map(|entry| Some(Untrusted::from(entry.ok()?.path().as_path())))
        .filter(|path| path.bytes() != own)
        .map(|path| other(path, mounts, users, records))
        .collect();
    others.sort_by(|a, b| {
        let uid = |other: &Other| other.owner.as_ref().map(|owner| owner.uid);
        (uid(a), &a.path).cmp(&(uid(b), &b.path))
    });
    others
}

fn other(path: Untrusted, mounts: &[Mount], users: &Users, records: Records<'_>) -> Other {
    let mounted = mounts
        .iter()
        .rev()
        .find(|mount| mount.point == path)
        .map(|mount| mount.kind.clone());
    let mut seen = Other {
        path,
        owner: None,
        mode: None,
        mounted,
        entries: None,
        errno: None,
        sessions: None,
    };
    // What is neither a plain directory nor memory may keep whoever looks waiting.
    let quick = seen
        .mounted
        .as_ref()
        .is_none_or(|kind| matches!(kind.bytes(), b"tmpfs" | b"ramfs"));
    if !quick {
        return seen;
    }
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    match statx(CWD, seen.path.as_path(), flags, StatxFlags::BASIC_STATS) {
        Ok(status) => {
            seen.owner = Some(Owner::of(status.stx_uid, users));
            seen.mode = Some(u32::from(status.stx_mode) & 0o7777);
            seen.sessions = records.user(status.stx_uid).map(|record| record.sessions);
        }
        Err(errno) => seen.errno = Some(walk::errno_name(errno)),
    }
    match count(&seen.path) {
        Ok(count) => seen.entries = Some(count),
        Err(errno) => seen.errno = Some(walk::errno_name(errno)),
    }
    seen
}

fn count(path: &Untrusted) -> Result<usize, rustix::io::Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(CWD, path.as_path(), flags, Mode::empty())?;
    let mut count = 0;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            count += 1;
        }
        if count == ENTRIES {
            break;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn others_are_told_with_owner_and_number_of_entries() {
        let parent = tempfile::tempdir().unwrap();
        for (name, entries) in [("1000", 0), ("1001", 2), ("1002", 1)] {
            let directory = parent.path().join(name);
            fs::create_dir(&directory).unwrap();
            for entry in 0..entries {
                fs::write(directory.join(entry.to_string()), "").unwrap();
            }
        }
        let closed = parent.path().join("1002");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let own = parent.path().join("1000");
        let records = Records {
            root: parent.path(),
        };
        let seen = others(
            parent.path(),
            own.as_os_str().as_encoded_bytes(),
            &[],
            &Users::default(),
            records,
        );
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].entries, Some(2));
        assert_eq!(
            seen[0].owner.as_ref().unwrap().uid,
            rustix::process::getuid().as_raw()
        );
        let root = rustix::process::geteuid().is_root();
        let expected = if root {
            (Some(1), None)
        } else {
            (None, Some("EACCES".to_owned()))
        };
        assert_eq!((seen[1].entries, seen[1].errno.clone()), expected);
    }
}
