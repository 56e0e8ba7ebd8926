//! Where the name of a bound socket leads now: to its file, to another one, or to nothing.
//!
//! A socket keeps the file it was bound to, however that is renamed or removed afterwards; the
//! kernel tells its device and inode, and the name as it was given to bind(2). So the name is
//! looked up once more, as whoever holds the socket would see it: from `/proc/PID/root`, in that
//! process's mount namespace. Where the file system makes device numbers up for stat(2) (overlayfs,
//! btrfs), a difference proves nothing, and that is said.
//!
//! Nothing is opened but the name itself (`O_PATH`), and nothing on a file system that another
//! program serves: a FUSE mount can make whoever looks wait.

use std::collections::HashMap;
use std::fs;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, open, openat2};
use rustix::io::Errno;
use schemars::JsonSchema;
use serde::Serialize;

use super::owner::mount_namespace;
use super::row::{Condition, Row};
use crate::sys::mounts::{self, Mount};
use crate::sys::sock_diag::{Device, FileId, Name};

/// Where a name leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Leads {
    /// Where to.
    pub to: Target,
    /// Whose eyes saw that.
    pub seen_from: SeenFrom,
    /// Why it is not known.
    pub doubt: Option<Doubt>,
}

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The socket's own file: connect(2) to the name reaches it.
    ItsFile,
    /// Nothing: the file was removed or renamed. New clients get `ENOENT`.
    Nothing,
    /// Another file has the name now: new clients reach that one.
    AnotherFile,
    /// That cannot be told.
    Unknown,
}

/// From where a name was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenFrom {
    /// The root directory of a process that holds the socket.
    Holder,
    /// Our own: no holder's root may be entered. A holder may see other files under the name.
    Here,
}

/// Why it cannot be told where a name leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The name is relative to the directory that a process was in when it called bind(2).
    RelativeName,
    /// The file system makes device numbers up for stat(2).
    MadeUpDevice,
    /// A directory on the way may not be searched.
    NotSearchable,
    /// It is on a file system that another program or machine serves, which may make us wait.
    MayHang,
    /// The kernel gave no device and inode, or the look-up failed otherwise.
    NoAnswer,
}

/// Looks the names of bound sockets up.
pub(super) fn look(rows: &mut [Row]) {
    let mut all = Mounts::default();
    for row in rows {
        let own = matches!(row.condition, Condition::Listening | Condition::Bound);
        let Some(Name::Path(path)) = row.name.as_ref().filter(|_| own) else {
            continue;
        };
        let pid = row.holders.processes.first().map(|holder| holder.pid);
        row.leads = Some(leads(row.file, path.bytes(), pid, all.of(pid)));
    }
}

/// The mounts of each mount namespace that was met, by its number.
#[derive(Default)]
struct Mounts(HashMap<Option<u64>, Vec<Mount>>);

impl Mounts {
    /// Those that a process sees; ours where that may not be known.
    fn of(&mut self, pid: Option<u32>) -> &[Mount] {
        let namespace = pid.and_then(mount_namespace);
        self.0.entry(namespace).or_insert_with(|| {
            let its = pid.filter(|_| namespace.is_some());
            let its = its.and_then(|pid| fs::read(format!("/proc/{pid}/mountinfo")).ok());
            match its {
                Some(text) => mounts::parse(&text),
                None => mounts::mounts().unwrap_or_default(),
            }
        })
    }
}

fn leads(file: Option<FileId>, path: &[u8], holder: Option<u32>, mounts: &[Mount]) -> Leads {
    let relative = !path.starts_with(b"/");
    let directory = if relative { "cwd" } else { "root" };
    let held = holder.and_then(|pid| directory_of(&format!("/proc/{pid}/{directory}")).ok());
    let (at, seen_from) = match held {
        Some(at) => (Ok(at), SeenFrom::Holder),
        None => (directory_of("/"), SeenFrom::Here),
    };
    let unknown = |doubt| Leads {
        to: Target::Unknown,
        seen_from,
        doubt: Some(doubt),
    };
    let Some(file) = file else {
        return unknown(Doubt::NoAnswer);
    };
    if relative && seen_from == SeenFrom::Here {
        return unknown(Doubt::RelativeName);
    }
    if may_hang(file.device, path, mounts) {
        return unknown(Doubt::MayHang);
    }
    let known = |to| Leads {
        to,
        seen_from,
        doubt: None,
    };
    match at.and_then(|at| found(&at, path, relative)) {
        Ok(found) => {
            let devices = mounts::devices_of(mounts, found.device);
            let same = |device: &Device| {
                FileId {
                    device: *device,
                    ..found
                } == file
            };
            if devices.iter().any(same) {
                known(Target::ItsFile)
            } else if relative {
                unknown(Doubt::RelativeName)
            } else if devices.len() > 1 {
                unknown(Doubt::MadeUpDevice)
            } else {
                known(Target::AnotherFile)
            }
        }
        Err(Errno::NOENT | Errno::NOTDIR) if relative => unknown(Doubt::RelativeName),
        Err(Errno::NOENT | Errno::NOTDIR) => known(Target::Nothing),
        Err(Errno::ACCESS | Errno::PERM) => unknown(Doubt::NotSearchable),
        Err(_) => unknown(Doubt::NoAnswer),
    }
}

fn directory_of(path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty())
}

/// The file that a name leads to; symbolic links are followed, as connect(2) does, within the root
/// of whoever holds the socket.
fn found(at: &OwnedFd, path: &[u8], relative: bool) -> Result<FileId, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = match relative {
        true => ResolveFlags::NO_MAGICLINKS,
        false => ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
    };
    let file = openat2(at, path, flags, Mode::empty(), resolve)?;
    let status = fstat(file)?;
    Ok(FileId::from_stat(status.st_dev, status.st_ino))
}

/// Whether a look-up may wait for another program or machine: the socket's file is on such a file
/// system, or the name leads through one.
fn may_hang(device: Device, path: &[u8], mounts: &[Mount]) -> bool {
    let own = mounts.iter().find(|mount| mount.device == device);
    own.into_iter()
        .chain(mounts::of(mounts, path))
        .any(|mount| {
            let kind = mount.kind.bytes();
            kind.starts_with(b"fuse") || SLOW.contains(&kind)
        })
}

/// File systems that are served by somebody who may not answer, besides FUSE.
const SLOW: &[&[u8]] = &[
    b"autofs",
    b"nfs",
    b"nfs4",
    b"cifs",
    b"smb3",
    b"9p",
    b"ceph",
    b"afs",
    b"virtiofs",
];
