//! Which directory is the runtime directory, and what is not as the XDG Base Directory
//! Specification, or prudence, has it.
//!
//! What is in it is [`super::walk`]'s, who made it [`super::lifetime`]'s, and what to do about a
//! finding [`super::remedy`]'s.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, StatVfsMountFlags, openat};
use schemars::JsonSchema;
use serde::Serialize;

use super::lifetime::Lifetime;
use super::others::Other;
use super::reach::{self, Reach};
use super::remedy::{Circumstance, Remedy};
use super::walk;
use crate::probe::Surroundings;
use crate::sys::mounts::Mount;
use crate::sys::users;
use crate::sys::users::Users;
use crate::untrusted::Untrusted;

/// The directory itself.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Directory {
    /// Its path.
    pub path: Untrusted,
    /// Where the path comes from.
    pub from: From,
    /// Where it really is, when symbolic links lead there.
    pub real_path: Option<Untrusted>,
    /// Whose runtime directory was looked for: the real user id.
    pub uid: u32,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// Its owner.
    pub owner: Option<Owner>,
    /// Its permission bits.
    pub mode: Option<u32>,
    /// The mount it is on.
    pub mount: Option<Mount>,
    /// True when it is a mount point of its own.
    pub own_mount: bool,
    /// How full the file system is.
    pub usage: Option<Usage>,
    /// Who made it, and when it goes.
    pub lifetime: Option<Lifetime>,
    /// Who can get as far as its entries.
    pub reach: Option<Reach>,
    /// How we were started, as far as it bears on the variable.
    pub circumstances: Vec<Circumstance>,
    /// What mends the findings: commands, not run.
    pub remedies: Vec<Remedy>,
    /// Runtime directories of other users: those in `/run/user`.
    pub others: Vec<Other>,
}

/// Where the path comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// `$XDG_RUNTIME_DIR`.
    Variable,
    /// The variable is not set: `/run/user/UID`.
    Default,
}

/// Something about the directory that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "id")]
pub enum Finding {
    /// `XDG_RUNTIME_DIR` is not set, or empty, which means the same.
    Unset,
    /// The variable holds a relative path.
    Relative,
    /// The variable ends with a slash: programs that compare texts take it for another directory.
    TrailingSlash,
    /// The variable names the usual place of another user.
    OfAnotherUser {
        /// Whose.
        owner: Owner,
    },
    /// Nothing is there.
    Missing,
    /// Something is there that is no directory.
    NotADirectory,
    /// It cannot be opened.
    Unreadable {
        /// Why: an errno's name.
        errno: String,
    },
    /// It belongs to somebody else.
    NotOurs {
        /// To whom.
        owner: Owner,
    },
    /// Its mode is not 0700.
    WrongMode {
        /// Its permission bits.
        mode: u32,
    },
    /// It is on a disk: what is in it outlives a restart of the machine.
    OnDisk {
        /// The file system's type.
        file_system: Untrusted,
    },
    /// It is on a network file system: sockets there reach only programs of this machine, and locks
    /// may not work.
    Remote {
        /// The file system's type.
        file_system: Untrusted,
    },
    /// Nothing can be made in it: it is mounted read-only.
    ReadOnly,
    /// Less than a tenth of its bytes or inodes is left.
    NearlyFull,
    /// A directory above it lets others exchange what is below.
    Exchangeable {
        /// That directory.
        above: Untrusted,
    },
    /// So long that names of sockets in it soon have more than the 107 bytes that bind(2) takes.
    LongPath {
        /// Bytes that a name in it may have.
        left: usize,
    },
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Owner {
    /// The user id.
    pub uid: u32,
    /// The name in `/etc/passwd`.
    pub name: Option<Untrusted>,
}

/// How full a file system is (statvfs(3)). A limit of `None` means there is none of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Usage {
    /// Bytes in use.
    pub bytes_used: u64,
    /// Bytes at most.
    pub bytes_limit: Option<u64>,
    /// Inodes in use: files, directories, sockets, links.
    pub inodes_used: u64,
    /// Inodes at most.
    pub inodes_limit: Option<u64>,
}

/// File systems whose files are on another machine, or may be.
const REMOTE: &[&[u8]] = &[
    b"nfs",
    b"nfs4",
    b"cifs",
    b"smb3",
    b"9p",
    b"ceph",
    b"afs",
    b"lustre",
    b"fuse.sshfs",
    b"fuse.glusterfs",
    b"virtiofs",
];

/// File systems that live in memory.
const IN_MEMORY: &[&[u8]] = &[b"tmpfs", b"ramfs", b"devtmpfs"];

/// Bytes of a socket's path: `sun_path` without the NUL that ends it (unix(7)).
const SUN_PATH: usize = 107;

/// Names in runtime directories have so many bytes, sometimes: `/gnupg/d.…/S.gpg-agent.browser`.
const ROOM: usize = 52;

/// Which directory it is.
pub(super) fn locate(surroundings: &Surroundings, users: &Users) -> Directory {
    let mut findings = Vec::new();
    let (path, from) = match &surroundings.runtime_dir {
        Some(path) => {
            let bytes = path.as_bytes();
            if !bytes.starts_with(b"/") {
                findings.push(Finding::Relative);
            }
            if bytes.len() > 1 && bytes.ends_with(b"/") {
                findings.push(Finding::TrailingSlash);
            }
            if let Some(uid) = usual_owner(bytes)
                && uid != surroundings.uid
            {
                findings.push(Finding::OfAnotherUser {
                    owner: Owner::of(uid, users),
                });
            }
            (Untrusted::from(path.clone()), From::Variable)
        }
        None => {
            findings.push(Finding::Unset);
            let path = format!("/run/user/{}", surroundings.uid);
            (Untrusted::from(path), From::Default)
        }
    };
    Directory {
        path,
        from,
        real_path: None,
        uid: surroundings.uid,
        findings,
        owner: None,
        mode: None,
        mount: None,
        own_mount: false,
        usage: None,
        lifetime: None,
        reach: None,
        circumstances: Vec::new(),
        remedies: Vec::new(),
        others: Vec::new(),
    }
}

/// Whose place a path is by its name: `/run/user/1000` or what is below it.
fn usual_owner(path: &[u8]) -> Option<u32> {
    let rest = path
        .strip_prefix(b"/run/user/")
        .or_else(|| path.strip_prefix(b"/var/run/user/"))?;
    let digits = rest.split(|&byte| byte == b'/').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl Owner {
    /// The user with this id.
    pub fn of(uid: u32, users: &Users) -> Self {
        Self {
            uid,
            name: users.name(uid).cloned(),
        }
    }
}

impl Directory {
    /// Opens it and notes what is wrong with it.
    pub(super) fn open(&mut self, users: &Users) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match openat(CWD, self.path.as_path(), flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(error) => {
                self.findings.push(match error {
                    rustix::io::Errno::NOENT => Finding::Missing,
                    rustix::io::Errno::NOTDIR => Finding::NotADirectory,
                    other => Finding::Unreadable {
                        errno: walk::errno_name(other),
                    },
                });
                return None;
            }
        };
        if let Ok(status) = rustix::fs::fstat(&directory) {
            let owner = Owner::of(status.st_uid, users);
            let mode = status.st_mode & 0o7777;
            if status.st_uid != self.uid {
                self.findings.push(Finding::NotOurs {
                    owner: owner.clone(),
                });
            }
            if mode != 0o700 {
                self.findings.push(Finding::WrongMode { mode });
            }
            self.owner = Some(owner);
            self.mode = Some(mode);
        }
        Some(directory)
    }

    /// Notes on which mount it is, and what is wrong with that.
    pub(super) fn on(&mut self, directory: &OwnedFd, canonical: &[u8], mount: Option<&Mount>) {
        self.own_mount = mount.is_some_and(|mount| mount.point.bytes() == canonical);
        self.mount = mount.cloned();
        if canonical != without_slashes(self.path.bytes()) && self.path.bytes().starts_with(b"/") {
            self.real_path = Some(Untrusted::from(canonical));
        }
        if let Some(mount) = mount {
            let file_system = mount.kind.clone();
            if REMOTE.contains(&mount.kind.bytes()) {
                self.findings.push(Finding::Remote { file_system });
            } else if !IN_MEMORY.contains(&mount.kind.bytes()) {
                self.findings.push(Finding::OnDisk { file_system });
            }
        }
        if let Ok(status) = rustix::fs::fstatvfs(directory) {
            let usage = Usage::new(&status);
            if status.f_flag.contains(StatVfsMountFlags::RDONLY) {
                self.findings.push(Finding::ReadOnly);
            }
            if usage.is_nearly_full() {
                self.findings.push(Finding::NearlyFull);
            }
            self.usage = Some(usage);
        }
        let left = SUN_PATH.saturating_sub(without_slashes(self.path.bytes()).len() + 1);
        if left < ROOM {
            self.findings.push(Finding::LongPath { left });
        }
        let ladder = reach::ladder(canonical);
        if let Some(above) = reach::exchangeable(&ladder, self.uid, users::stand_in()) {
            self.findings.push(Finding::Exchangeable { above });
        }
        self.reach = Some(Reach::of(&ladder));
    }
}

impl Usage {
    fn new(status: &rustix::fs::StatVfs) -> Self {
        let limit = |count: u64| (count > 0).then_some(count);
        Self {
            bytes_used: (status.f_blocks.saturating_sub(status.f_bfree))
                .saturating_mul(status.f_frsize),
            bytes_limit: limit(status.f_blocks.saturating_mul(status.f_frsize)),
            inodes_used: status.f_files.saturating_sub(status.f_ffree),
            inodes_limit: limit(status.f_files),
        }
    }

    /// Whether less than a tenth of what there may be is left.
    fn is_nearly_full(self) -> bool {
        let over = |used: u64, limit: Option<u64>| {
            limit.is_some_and(|limit| u128::from(used) * 10 > u128::from(limit) * 9)
        };
        over(self.bytes_used, self.bytes_limit) || over(self.inodes_used, self.inodes_limit)
    }
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte != b'/');
    end.map_or(b"/", |end| &path[..=end])
}

/// The path without symbolic links, as the kernel has it now.
pub(super) fn real_path(directory: &OwnedFd) -> io::Result<Vec<u8>> {
    let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
    Ok(std::fs::read_link(link)?
        .into_os_string()
        .into_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_place_tells_whose_it_is() {
        assert_eq!(usual_owner(b"/run/user/1000"), Some(1000));
        assert_eq!(usual_owner(b"/run/user/1000/"), Some(1000));
        assert_eq!(usual_owner(b"/run/user/12/deep"), Some(12));
        assert_eq!(usual_owner(b"/run/user/ada"), None);
        assert_eq!(usual_owner(b"/tmp/run/user/1"), None);
    }

    #[test]
    fn a_file_system_without_limits_is_never_full() {
        let usage = |bytes_used, bytes_limit, inodes_used, inodes_limit| Usage {
            bytes_used,
            bytes_limit,
            inodes_used,
            inodes_limit,
        };
        assert!(!usage(1 << 60, None, 1 << 40, None).is_nearly_full());
        assert!(!usage(90, Some(100), 0, Some(10)).is_nearly_full());
        assert!(usage(91, Some(100), 0, Some(10)).is_nearly_full());
        assert!(usage(0, Some(100), 10, Some(10)).is_nearly_full());
    }
}
