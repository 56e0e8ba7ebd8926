//! Walks a directory tree without leaving its file system and without touching mount points: a
//! FUSE mount may hang whoever looks at it, and refuses even root.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, StatxFlags, openat, openat2, statx,
};
use rustix::io::Errno;

use super::{Kind, Unread};
use crate::sys::mounts::Mount;
use crate::sys::sock_diag::{Device, FileId, low_half};
use crate::untrusted::Untrusted;

/// Entries looked at: more are not a runtime directory any more.
const ENTRIES: usize = 20_000;

/// Directories within directories: each one costs a descriptor.
const DEPTH: usize = 64;

/// All that a walk found.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) found: Vec<Found>,
    pub(super) unread: Vec<Unread>,
    pub(super) cut_off: bool,
}

/// One entry.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) status: Result<Status, Errno>,
    pub(super) link: Option<Link>,
    pub(super) mounted: Option<Untrusted>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    pub(super) file: FileId,
    /// Seconds since 1970: when it was made, else when its status last changed.
    pub(super) made: i64,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) text: Vec<u8>,
    pub(super) leads: Leads,
}

/// Where a symbolic link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To this file of the same file system.
    To(FileId),
    /// Nowhere, or in a circle.
    Nowhere,
    /// To another file system, which was not touched.
    Elsewhere,
}

/// Walks over everything beneath an open directory with this absolute path.
pub(super) fn walk(root: &OwnedFd, path: &[u8], mounts: &[Mount]) -> Tree {
    let points = mounts
        .iter()
        .filter_map(|mount| {
            let below = mount.point.bytes().strip_prefix(path)?.strip_prefix(b"/")?;
            Some((below.to_vec(), mount.kind.clone()))
        })
        .collect();
    // The file system's own device, which is what sockets carry; st_dev differs on btrfs.
    let device = crate::sys::mounts::of(mounts, path).map(|mount| mount.device);
    let mut walk = Walk {
        root,
        path,
        points,
        device,
        tree: Tree::default(),
    };
    walk.directory(root, &[], 0);
    walk.tree.found.sort_by(|a, b| a.path.cmp(&b.path));
    walk.tree
}

struct Walk<'a> {
    root: &'a OwnedFd,
    path: &'a [u8],
    points: HashMap<Vec<u8>, Untrusted>,
    device: Option<Device>,
    tree: Tree,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &OwnedFd, path: &[u8], depth: usize) {
        let entries = match Dir::read_from(directory) {
            Ok(entries) => entries,
            Err(errno) => return self.unread(path, errno),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(errno) => return self.unread(path, errno),
            };
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if self.tree.found.len() >= ENTRIES {
                self.tree.cut_off = true;
                return;
            }
            let mut below = path.to_vec();
            if !below.is_empty() {
                below.push(b'/');
            }
            below.extend(name);
            let found = self.entry(directory, name, below.clone(), entry.file_type());
            let descend = found.kind == Kind::Directory && found.status.is_ok();
            self.tree.found.push(found);
            if descend {
                if depth + 1 >= DEPTH {
                    self.tree.cut_off = true;
                    continue;
                }
                match enter(directory, name) {
                    Ok(inner) => self.directory(&inner, &below, depth + 1),
                    Err(errno) => self.unread(&below, errno),
                }
            }
        }
    }

    fn entry(&self, directory: &OwnedFd, name: &[u8], path: Vec<u8>, kind: FileType) -> Found {
        if let Some(kind) = self.points.get(&path) {
            return Found {
                path,
                kind: Kind::Mount,
                status: Err(Errno::XDEV),
                link: None,
                mounted: Some(kind.clone()),
            };
        }
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let status = statx(directory, name, flags, wanted).map(|status| {
            let file = FileId::from_stat(
                rustix::fs::makedev(status.stx_dev_major, status.stx_dev_minor),
                status.stx_ino,
            );
            let born = status.stx_mask & StatxFlags::BTIME.bits() != 0;
            Status {
                mode: u32::from(status.stx_mode),
                uid: status.stx_uid,
                gid: status.stx_gid,
                size: status.stx_size,
                file: FileId {
                    device: self.device.unwrap_or(file.device),
                    ..file
                },
                made: if born {
                    status.stx_btime.tv_sec
                } else {
                    status.stx_ctime.tv_sec
                },
            }
        });
        let kind = match &status {
            Ok(status) => kind_of(FileType::from_raw_mode(status.mode)),
            Err(_) => kind_of(kind),
        };
        let link = (kind == Kind::Symlink)
            .then(|| self.link(directory, name, &path))
            .flatten();
        Found {
            path,
            kind,
            status,
            link,
            mounted: None,
        }
    }

    fn link(&self, directory: &OwnedFd, name: &[u8], path: &[u8]) -> Option<Link> {
        let text = rustix::fs::readlinkat(directory, name, Vec::new())
            .ok()?
            .into_bytes();
        // An absolute target leaves our mount at `/` first; what is beneath us is looked up here.
        let inside = text
            .strip_prefix(self.path)
            .and_then(|rest| rest.strip_prefix(b"/"));
        let leads = match inside {
            Some(inside) => self.leads(inside),
            None if text.starts_with(b"/") => Leads::Elsewhere,
            None => self.leads(path),
        };
        Some(Link { text, leads })
    }

    fn leads(&self, path: &[u8]) -> Leads {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        match openat2(self.root, path, flags, Mode::empty(), ResolveFlags::NO_XDEV) {
            Ok(target) => match rustix::fs::fstat(&target) {
                Ok(status) => Leads::To(FileId {
                    device: self
                        .device
                        .unwrap_or_else(|| Device::from_stat(status.st_dev)),
                    inode: low_half(status.st_ino),
                }),
                Err(_) => Leads::Elsewhere,
            },
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => Leads::Nowhere,
            Err(_) => Leads::Elsewhere,
        }
    }

    fn unread(&mut self, path: &[u8], errno: Errno) {
        self.tree.unread.push(Unread {
            path: Untrusted::from(path),
            errno: errno_name(errno),
        });
    }
}

/// Opens a directory in a directory, unless it is a link or on another file system.
fn enter(directory: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat2(
        &directory,
        name,
        flags,
        Mode::empty(),
        ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS,
    ) {
        // Before Linux 5.6, or forbidden by a seccomp filter; mount points were left out already.
        Err(Errno::NOSYS | Errno::PERM) => openat(&directory, name, flags, Mode::empty()),
        other => other,
    }
}

fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::Socket => Kind::Socket,
        FileType::Fifo => Kind::Fifo,
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::CharacterDevice | FileType::BlockDevice => Kind::Device,
        FileType::Unknown => Kind::Unknown,
    }
}

/// `EACCES` for errno 13.
pub(super) fn errno_name(errno: Errno) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(errno.raw_os_error()))
}
