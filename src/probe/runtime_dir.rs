//! `probe runtime-dir`: every entry of the runtime directory, and who lives there.
//!
//! Owns which directory that is, what is wrong with it, and the join of its files with the
//! sockets bound to them: by device and inode, never by text, because a name is what was bound
//! once and may be relative, lead through symbolic links or be out of date. Walking the tree is
//! [`walk`]'s. Nothing is connected to and no other file system is entered.

mod join;
mod walk;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::UNIX_EPOCH;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use schemars::JsonSchema;
use serde::Serialize;

use super::Surroundings;
use super::holders::{Holders, Visibility};
use super::sockets::{self, Identified, Queue};
use crate::curriculum::services::Service;
use crate::sys::mounts::{self, Mount};
use crate::sys::netns;
use crate::sys::proc_scan::Wanted;
use crate::sys::sock_diag::{FileId, Name, Type};
use crate::sys::users::Users;
use crate::untrusted::Untrusted;
use walk::Tree;

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct RuntimeDir {
    /// `ipc-mastery/probe/runtime-dir/1`.
    pub schema: &'static str,
    /// Which directory, and what it is.
    pub directory: Directory,
    /// How much could be seen of processes.
    #[serde(flatten)]
    pub visibility: Visibility,
    /// Why sockets could not be listed, if they could not.
    pub problem: Option<String>,
    /// Every entry beneath it, by path.
    pub entries: Vec<Entry>,
    /// Sockets that were bound here and whose file is not here.
    pub lost: Vec<Lost>,
    /// Directories whose entries could not be listed.
    pub unread: Vec<Unread>,
    /// Set when there were more entries than are looked at.
    pub cut_off: bool,
}

impl RuntimeDir {
    /// The directories that were looked into, by absolute path: the runtime directory first.
    pub fn directories(&self) -> Vec<Untrusted> {
        if self.directory.mode.is_none() {
            return Vec::new();
        }
        let root = self.directory.path.bytes();
        let below = |entry: &Entry| {
            let mut path = root.to_vec();
            path.push(b'/');
            path.extend(entry.path.bytes());
            Untrusted::new(path)
        };
        let inner = self.entries.iter();
        let inner = inner
            .filter(|entry| entry.kind == Kind::Directory)
            .map(below);
        std::iter::once(self.directory.path.clone())
            .chain(inner)
            .collect()
    }
}

/// The directory itself.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Directory {
    /// Its path.
    pub path: Untrusted,
    /// Where the path comes from.
    pub from: From,
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
    /// Runtime directories of other users: names in `/run/user`.
    pub others: Vec<Untrusted>,
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

/// Something about the directory that is not as the XDG Base Directory Specification has it.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "id")]
pub enum Finding {
    /// `XDG_RUNTIME_DIR` is not set.
    Unset,
    /// The variable holds a relative path.
    Relative,
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
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Owner {
    /// The user id.
    pub uid: u32,
    /// The name in `/etc/passwd`.
    pub name: Option<Untrusted>,
}

/// One entry.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Entry {
    /// Its path below the directory.
    pub path: Untrusted,
    /// What kind of file it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: Option<u32>,
    /// Its owner.
    pub owner: Option<Owner>,
    /// Seconds since it was made, or, where the file system does not keep that, since its status
    /// changed.
    pub age_seconds: Option<u64>,
    /// Bytes, for regular files.
    pub size: Option<u64>,
    /// Its device and inode.
    pub file: Option<FileId>,
    /// What is known of its use.
    pub state: State,
    /// The service it belongs to.
    pub service: Option<Identified>,
    /// The socket bound to it.
    pub socket: Option<Bound>,
    /// Who holds the socket, or has the file open.
    pub holders: Option<Holders>,
    /// Where a symbolic link points.
    pub target: Option<Untrusted>,
    /// For mount points: the type of what is mounted, which is not entered.
    pub mounted: Option<Untrusted>,
    /// Why its status could not be read: an errno's name.
    pub error: Option<String>,
}

/// The socket that is bound to an entry.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Bound {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Its inode in sockfs.
    pub inode: u32,
    /// For listeners.
    pub queue: Option<Queue>,
    /// How many clients are connected to it.
    pub clients: Option<usize>,
    /// The name it was bound with, when that is not this path.
    pub bound_as: Option<Untrusted>,
}

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A socket.
    Socket,
    /// A FIFO.
    Fifo,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character or block device.
    Device,
    /// Another file system is mounted here; it was not touched.
    Mount,
    /// The file system does not say.
    Unknown,
}

impl Kind {
    /// As tables write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Fifo => "fifo",
            Self::File => "file",
            Self::Directory => "dir",
            Self::Symlink => "link",
            Self::Device => "device",
            Self::Mount => "mount",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of an entry's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A socket that accepts connections.
    Listening,
    /// It listens, and more connections wait than its backlog allows: connect(2) waits, or gives
    /// EAGAIN. For a moment, or because its server hangs.
    QueueFull,
    /// A socket that listens in place of a service which its first client starts.
    Activation,
    /// A socket with this name that does not listen: a datagram socket receives here.
    Bound,
    /// The listener is gone; connections that it accepted are still open.
    OnlyConnections,
    /// No socket is bound to this file: its server is gone, connect(2) gives ECONNREFUSED.
    Stale,
    /// Its server is in another network namespace: reachable by this path, and not in ours.
    OtherNamespace,
    /// A socket nobody is meant to listen at.
    Placeholder,
    /// Sockets could not be listed: nothing is known.
    Unknown,
    /// Another file system.
    Mounted,
    /// A symbolic link that leads nowhere.
    Dangling,
    /// A file that is there; nothing more can be said.
    Present,
}

impl State {
    /// As tables write it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::QueueFull => "queue full",
            Self::Activation => "activation",
            Self::Bound => "bound",
            Self::OnlyConnections => "no listener",
            Self::Stale => "stale",
            Self::OtherNamespace => "other netns",
            Self::Placeholder => "placeholder",
            Self::Unknown => "?",
            Self::Mounted => "mounted",
            Self::Dangling => "dangling",
            Self::Present => "-",
        }
    }
}

/// A socket that was bound in the directory and whose file is not there.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Lost {
    /// The name it was bound to.
    pub name: Name,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Its inode in sockfs.
    pub inode: u32,
    /// Why its file is not there.
    pub why: Why,
    /// Who holds it.
    pub holders: Holders,
    /// How many clients are connected to it.
    pub clients: Option<usize>,
    /// The service.
    pub service: Option<Identified>,
}

/// Why a socket's file is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The file was removed or renamed: nobody can connect any more.
    Removed,
    /// Another file has the name now: clients reach that one.
    Replaced,
    /// It was bound on another file system, mounted there in another mount namespace.
    OtherMount,
    /// Its directory could not be read, so it may be there.
    Unseen,
}

/// A directory whose entries could not be listed.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Unread {
    /// Its path below the runtime directory.
    pub path: Untrusted,
    /// Why: an errno's name.
    pub errno: String,
}

/// Looks at this machine.
pub fn collect(services: &[Service], surroundings: &Surroundings) -> RuntimeDir {
    let users = Users::load();
    let mut place = locate(surroundings);
    let opened = open(&mut place, surroundings, &users);
    let canonical = opened
        .as_ref()
        .and_then(|directory| real_path(directory).ok())
        .unwrap_or_else(|| place.path.bytes().to_vec());
    let mounts = mounts::mounts().unwrap_or_default();
    let mount = mounts::of(&mounts, &canonical).cloned();
    place.own_mount = opened.is_some()
        && mount
            .as_ref()
            .is_some_and(|mount| mount.point.bytes() == canonical);
    place.mount = mount.filter(|_| opened.is_some());

    let tree = opened.as_ref().map_or_else(Tree::default, |directory| {
        walk::walk(directory, &canonical, &mounts)
    });
    let mut beneath = canonical.clone();
    beneath.push(b'/');
    let wanted = Wanted {
        beneath: Some(&beneath),
        ..Wanted::default()
    };
    let mut places = surroundings.places();
    places.runtime = Some(canonical.clone());
    let (sockets, holdings) = sockets::collect_with(services, surroundings, wanted);
    let mut joint = join::Joint {
        directory: &place,
        root: &canonical,
        sockets: &sockets,
        holdings: &holdings,
        services,
        places: &places,
        users: &users,
        now: surroundings
            .now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_secs()),
        elsewhere: Vec::new(),
    };
    let mut entries = joint.entries(&tree);
    if entries.iter().any(|entry| entry.state == State::Stale) {
        joint.elsewhere = netns::elsewhere();
        entries = joint.entries(&tree);
    }
    let lost = joint.lost(&tree, &entries);
    RuntimeDir {
        schema: "ipc-mastery/probe/runtime-dir/1",
        entries,
        lost,
        unread: tree.unread,
        cut_off: tree.cut_off,
        directory: place,
        visibility: sockets.visibility,
        problem: sockets.problem,
    }
}

fn locate(surroundings: &Surroundings) -> Directory {
    let mut findings = Vec::new();
    let (path, from) = match &surroundings.runtime_dir {
        Some(path) => {
            if !path.as_bytes().starts_with(b"/") {
                findings.push(Finding::Relative);
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
        uid: surroundings.uid,
        findings,
        owner: None,
        mode: None,
        mount: None,
        own_mount: false,
        others: Vec::new(),
    }
}

/// Opens the directory and notes what is wrong with it.
fn open(place: &mut Directory, surroundings: &Surroundings, users: &Users) -> Option<OwnedFd> {
    place.others = others(place);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = match openat(CWD, place.path.as_path(), flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(error) => {
            place.findings.push(match error {
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
        let owner = Owner {
            uid: status.st_uid,
            name: users.name(status.st_uid).cloned(),
        };
        let mode = status.st_mode & 0o7777;
        if status.st_uid != surroundings.uid {
            place.findings.push(Finding::NotOurs {
                owner: owner.clone(),
            });
        }
        if mode != 0o700 {
            place.findings.push(Finding::WrongMode { mode });
        }
        place.owner = Some(owner);
        place.mode = Some(mode);
    }
    Some(directory)
}

fn others(place: &Directory) -> Vec<Untrusted> {
    let Ok(entries) = std::fs::read_dir("/run/user") else {
        return Vec::new();
    };
    let mut others: Vec<Untrusted> = entries
        .filter_map(|entry| Some(Untrusted::from(entry.ok()?.path().as_path())))
        .filter(|path| *path != place.path)
        .collect();
    others.sort();
    others
}

/// The path without symbolic links, as the kernel has it now.
fn real_path(directory: &OwnedFd) -> io::Result<Vec<u8>> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", directory.as_raw_fd());
    Ok(std::fs::read_link(link)?
        .into_os_string()
        .into_encoded_bytes())
}

#[cfg(test)]
mod tests;
