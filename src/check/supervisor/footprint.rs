//! How much a directory holds, measured while a hostile program changes it.
//!
//! One descriptor is open at a time however deep the tree is, no link is followed, and the walk
//! ends once it has seen more than it was asked for. It climbs only to directories it came from.

use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};

/// What a directory holds, itself not included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Footprint {
    /// Files, directories, sockets and all else that has a name.
    pub(super) files: u64,
    /// Bytes on disk (`st_blocks` in stat(3type)), a file with several names counted once over all.
    pub(super) bytes: u64,
}

/// Measures, stopping where `files` or `bytes` go beyond what `enough` says. What cannot be read
/// counts nothing.
pub(super) fn measure(directory: &Path, enough: Footprint) -> Footprint {
    let mut found = Footprint::default();
    let Ok(root) = open(directory, FLAGS, Mode::empty()) else {
        return found;
    };
    let Some(mut here) = Level::enter(root, &mut found, enough) else {
        return found;
    };
    // Where we came from: identity and what is still to be visited there, no descriptors.
    let mut above: Vec<Waiting> = Vec::new();
    loop {
        if found.files > enough.files || found.bytes > enough.bytes {
            return found;
        }
        if let Some(name) = here.waiting.directories.pop() {
            let below = openat(
                &here.directory,
                OsStr::from_bytes(name.as_bytes()),
                FLAGS,
                Mode::empty(),
            );
            if let Some(below) = below
                .ok()
                .and_then(|fd| Level::enter(fd, &mut found, enough))
            {
                above.push(std::mem::replace(&mut here, below).waiting);
            }
            continue;
        }
        let Some(waiting) = above.pop() else {
            return found;
        };
        // Somebody may have moved the directory meanwhile: then `..` is another one.
        let Ok(directory) = openat(&here.directory, "..", FLAGS, Mode::empty()) else {
            return found;
        };
        if !fstat(&directory).is_ok_and(|stat| (stat.st_dev, stat.st_ino) == waiting.identity) {
            return found;
        }
        here = Level { directory, waiting };
    }
}

const FLAGS: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

struct Level {
    directory: OwnedFd,
    waiting: Waiting,
}

struct Waiting {
    identity: (u64, u64),
    directories: Vec<CString>,
}

impl Level {
    /// Counts what is in a directory and notes the directories in it.
    fn enter(directory: OwnedFd, found: &mut Footprint, enough: Footprint) -> Option<Self> {
        let stat = fstat(&directory).ok()?;
        let mut listing = Dir::from_fd(directory.try_clone().ok()?).ok()?;
        let mut directories = Vec::new();
        for entry in listing.iter() {
            let Ok(entry) = entry else { break };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(stat) = fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) else {
                continue;
            };
            found.files += 1;
            found.bytes += on_disk(&stat);
            if found.files > enough.files {
                break;
            }
            if SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFDIR {
                directories.push(name.to_owned());
            }
        }
        Some(Self {
            directory,
            waiting: Waiting {
                identity: (stat.st_dev, stat.st_ino),
                directories,
            },
        })
    }
}

/// A name's share of what its file takes.
#[allow(
    clippy::unnecessary_cast,
    reason = "st_nlink is as wide as the architecture has it"
)]
fn on_disk(stat: &FileStat) -> u64 {
    let names = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFDIR => 1,
        _ => stat.st_nlink.max(1),
    };
    stat.st_blocks.max(0) as u64 * 512 / names as u64
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ALL: Footprint = Footprint {
        files: u64::MAX,
        bytes: u64::MAX,
    };

    #[test]
    fn every_name_counts_however_deep_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(directory.path().join("z")).unwrap();
        fs::write(deep.join("file"), vec![1; 1 << 20]).unwrap();
        fs::hard_link(deep.join("file"), directory.path().join("z/again")).unwrap();
        std::os::unix::fs::symlink("/", directory.path().join("a/root")).unwrap();
        let found = measure(directory.path(), ALL);
        assert_eq!(found.files, 7);
        assert!((1 << 20..2 << 20).contains(&found.bytes), "{found:?}");
    }

    #[test]
    fn a_path_longer_than_any_call_takes_is_measured_too() {
        let directory = tempfile::tempdir().unwrap();
        let mut here = open(directory.path(), FLAGS, Mode::empty()).unwrap();
        let name = "d".repeat(200);
        for _ in 0..100 {
            nix::sys::stat::mkdirat(&here, name.as_str(), Mode::S_IRWXU).unwrap();
            here = openat(&here, name.as_str(), FLAGS, Mode::empty()).unwrap();
        }
        assert_eq!(measure(directory.path(), ALL).files, 100);
    }

    #[test]
    fn the_walk_ends_when_it_has_seen_enough() {
        let directory = tempfile::tempdir().unwrap();
        for name in 0..50 {
            fs::write(directory.path().join(name.to_string()), "").unwrap();
        }
        let enough = Footprint {
            files: 10,
            bytes: u64::MAX,
        };
        assert_eq!(measure(directory.path(), enough).files, 11);
    }
}
