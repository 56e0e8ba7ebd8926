//! One descriptor as it was read, and what of it may be asked without touching it.

use std::io;

use super::what::{NameState, NotAsked};
use crate::sys::fd_table::{self, Status};
use crate::sys::fdinfo::{self, FdInfo};
use crate::sys::mounts::{self, Mount};
use crate::sys::sock_diag::Device;
use crate::untrusted::Untrusted;

/// What was read of a descriptor.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) fd: u32,
    /// What its link says.
    pub(super) target: Vec<u8>,
    pub(super) info: FdInfo,
    /// What stat(2) says, where it may be asked.
    pub(super) status: Result<Status, NotAsked>,
}

/// File systems that ask another machine or another program when asked for a status. Others of
/// their kind begin with `fuse`, `nfs` or `smb`.
const REMOTE: &[&[u8]] = &[
    b"9p",
    b"acfs",
    b"afs",
    b"autofs",
    b"beegfs",
    b"ceph",
    b"cifs",
    b"coda",
    b"gfs2",
    b"gpfs",
    b"lustre",
    b"ncpfs",
    b"ocfs2",
    b"orangefs",
    b"virtiofs",
];

/// What the kernel appends to a path that leads to nothing.
const DELETED: &[u8] = b" (deleted)";

/// The surroundings of a process, in which its paths mean something.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// The process, or the thread whose table is read.
    pub(super) pid: u32,
    /// The mounts it sees.
    mounts: Vec<Mount>,
    /// The mounts we see.
    own_mounts: Vec<Mount>,
    /// It sees the same mounts as we do.
    same_namespace: bool,
    /// The device that memfds are on.
    pub(super) memfd_device: Option<Device>,
}

impl Surroundings {
    pub(super) fn of(pid: u32) -> Self {
        let namespace = |who: &str| std::fs::read_link(format!("/proc/{who}/ns/mnt")).ok();
        let theirs = namespace(&pid.to_string());
        Self {
            pid,
            mounts: mounts::mounts_of(pid).unwrap_or_default(),
            own_mounts: mounts::mounts().unwrap_or_default(),
            same_namespace: theirs.is_some() && theirs == namespace("self"),
            memfd_device: memfd_device(),
        }
    }

    /// Reads a descriptor; nothing when it was closed meanwhile.
    ///
    /// # Errors
    /// When it may not be read: then none of them may.
    pub(super) fn read(&self, fd: u32) -> io::Result<Option<Open>> {
        let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        let read = || {
            let target = fd_table::target(self.pid, fd)?;
            let info = fdinfo::parse(&fd_table::info(self.pid, fd)?);
            Ok((target, info))
        };
        let (target, info) = match read() {
            Ok(read) => read,
            Err(error) if denied(&error) => return Err(error),
            Err(_) => return Ok(None),
        };
        let status = self
            .may_ask(&target, &info)
            .and_then(|()| fd_table::status(self.pid, fd).map_err(|_| NotAsked::Refused));
        Ok(Some(Open {
            fd,
            target,
            info,
            status,
        }))
    }

    /// The mount with this id, as the process sees it; else as we do.
    pub(super) fn mount(&self, id: i64) -> Option<&Mount> {
        let mut all = self.mounts.iter().chain(&self.own_mounts);
        all.find(|mount| mount.id == id)
    }

    /// Where we have a file system mounted that answers by itself.
    pub(super) fn own_local_mount(&self, device: Device) -> Option<&Untrusted> {
        let mut mounts = self.own_mounts.iter();
        let found = mounts.find(|mount| {
            mount.device == device && !remote_on_the_way(&self.own_mounts, mount.point.bytes())
        });
        found.map(|mount| &mount.point)
    }

    /// Whether a file can tell about itself alone.
    fn may_ask(&self, target: &[u8], info: &FdInfo) -> Result<(), NotAsked> {
        let Some(path) = target.strip_prefix(b"/") else {
            // A pipe, a socket: made by the kernel, without a file system of anybody's.
            return Ok(());
        };
        match info.mount.and_then(|id| self.mount(id)) {
            Some(mount) if is_remote(mount) => Err(NotAsked::FileSystem(mount.kind.clone())),
            Some(_) => Ok(()),
            // The kernel's own mounts, of memfds and message queues, are not listed; their files
            // have one name each.
            None if path.starts_with(b"memfd:") || !path.contains(&b'/') => Ok(()),
            None => Err(NotAsked::Mount),
        }
    }

    /// What the link's words mean: the path, and whether it still leads to the file. ` (deleted)`
    /// may be the end of a real name, so the kernel's count of names is asked, and where that does
    /// not decide, the path itself.
    pub(super) fn path(&self, open: &Open) -> (Untrusted, NameState) {
        let whole = Untrusted::from(open.target.as_slice());
        let Some(stem) = open.target.strip_suffix(DELETED) else {
            return (whole, NameState::Stands);
        };
        let stem = Untrusted::from(stem);
        let Ok(status) = &open.status else {
            return (whole, NameState::Unknown);
        };
        if status.links == 0 {
            let temporary = open.info.flags.is_some_and(|flags| flags.temporary());
            let state = if temporary {
                NameState::Never
            } else {
                NameState::Deleted
            };
            return (stem, state);
        }
        match self.leads_to(&whole, status) {
            Some(true) => (whole, NameState::Stands),
            Some(false) => (stem, NameState::Removed),
            None => (whole, NameState::Unknown),
        }
    }

    /// Whether a path leads to a file now; nothing when that cannot be found out.
    fn leads_to(&self, path: &Untrusted, status: &Status) -> Option<bool> {
        let (root_of, mounts) = if self.same_namespace {
            (None, &self.own_mounts)
        } else {
            (Some(self.pid), &self.mounts)
        };
        if remote_on_the_way(mounts, path.bytes()) {
            return None;
        }
        match fd_table::file_at(root_of, path.as_path()) {
            Ok(found) => Some(found == (status.device, status.inode)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
            Err(_) => None,
        }
    }

    /// The magic number of the file system of a file in a mount that nobody sees: the kernel's own.
    pub(super) fn hidden_file_system(&self, open: &Open) -> Option<u64> {
        let seen = open.info.mount.is_some_and(|id| self.mount(id).is_some());
        if seen || open.status.is_err() {
            return None;
        }
        fd_table::file_system(self.pid, open.fd).ok()
    }
}

/// Whether looking a path up may reach a file system that would have to ask somebody.
fn remote_on_the_way(mounts: &[Mount], path: &[u8]) -> bool {
    let on_the_way = |mount: &&Mount| {
        let point = mount.point.bytes();
        let point = point.strip_suffix(b"/").unwrap_or(point);
        let rest = path.strip_prefix(point);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    mounts.iter().filter(on_the_way).any(is_remote)
}

fn is_remote(mount: &Mount) -> bool {
    let kind = mount.kind.bytes();
    REMOTE.contains(&kind)
        || [&b"fuse"[..], b"nfs", b"smb"]
            .iter()
            .any(|prefix| kind.starts_with(prefix))
}

/// The device of the mount that the kernel keeps for memfds: that of one of ours.
fn memfd_device() -> Option<Device> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let memfd = rustix::fs::memfd_create("ipc-mastery", flags).ok()?;
    Some(Device::from_stat(rustix::fs::fstat(memfd).ok()?.st_dev))
}
