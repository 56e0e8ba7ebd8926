//! `probe runtime-dir`: every entry of the runtime directory, and who lives there.
//!
//! Owns which directory that is, what is wrong with it, and the join of its files with the
//! sockets bound to them: by device and inode, never by text, because a name is what was bound
//! once and may be relative, lead through symbolic links or be out of date. Walking the tree is
//! [`walk`]'s. Nothing is connected to and no other file system is entered.

mod flaw;
mod join;
mod lifetime;
mod others;
mod place;
mod reach;
mod remedy;
mod walk;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::UNIX_EPOCH;

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
pub use flaw::Flaw;
use lifetime::Records;
pub use lifetime::{Ends, Lifetime, MadeBy};
pub use others::Other;
pub use place::{Directory, Finding, From, Owner, Usage};
pub use reach::Reach;
pub use remedy::{Circumstance, Remedy, RemedyId};
use remedy::{Traces, Usual};
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
    /// What is known of the services that entries belong to, by name.
    pub services: Vec<Explained>,
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

/// A service that an entry belongs to.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Explained {
    /// Its slug.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is spoken there.
    pub protocol: String,
    /// Variables that announce it.
    pub variables: Vec<String>,
    /// What it is for: a sentence.
    pub meaning: String,
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
    /// Its group's id.
    pub group: Option<u32>,
    /// What is dangerous about it, given the directories on its path.
    pub findings: Vec<Flaw>,
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
    let mut place = place::locate(surroundings, &users);
    let opened = place.open(&users);
    let canonical = opened
        .as_ref()
        .and_then(|directory| place::real_path(directory).ok())
        .unwrap_or_else(|| place.path.bytes().to_vec());
    let mounts = mounts::mounts().unwrap_or_default();
    if let Some(directory) = &opened {
        place.on(directory, &canonical, mounts::of(&mounts, &canonical));
    }
    let machine = Machine {
        users: &users,
        mounts: &mounts,
        records: Records {
            root: Path::new("/"),
        },
    };
    machine.surround(&mut place, &canonical);
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
        services: explained(services, &entries, &lost),
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

/// What is known of this machine.
struct Machine<'a> {
    users: &'a Users,
    mounts: &'a [Mount],
    records: Records<'a>,
}

impl Machine<'_> {
    /// Notes what is around the directory: who made it, who else has one, how we came here and what
    /// would mend what is wrong.
    fn surround(&self, place: &mut Directory, canonical: &[u8]) {
        if place.mode.is_some() {
            let owner = place.owner.as_ref().map_or(place.uid, |owner| owner.uid);
            let subject = lifetime::Subject {
                path: canonical,
                uid: owner,
                name: self.users.name(owner),
                mount: place.mount.as_ref(),
                own_mount: place.own_mount,
            };
            place.lifetime = Some(lifetime::lifetime(self.records, subject));
        }
        let parent = Path::new("/run/user");
        let (users, records) = (self.users, self.records);
        place.others = others::others(parent, canonical, self.mounts, users, records);
        place.circumstances = Traces::of_this_process().circumstances();
        let usual = self.usual(place.uid);
        place.remedies = remedy::remedies(place, usual);
    }

    /// Whether `/run/user/UID` could be used.
    fn usual(&self, uid: u32) -> Usual {
        let path = format!("/run/user/{uid}");
        let good = rustix::fs::lstat(&path)
            .is_ok_and(|status| status.st_uid == uid && status.st_mode & 0o170_777 == 0o040_700);
        if good { Usual::Good } else { Usual::NotGood }
    }
}

/// What is known of the services that were found.
fn explained(services: &[Service], entries: &[Entry], lost: &[Lost]) -> Vec<Explained> {
    let entries = entries.iter().filter_map(|entry| entry.service.as_ref());
    let lost = lost.iter().filter_map(|lost| lost.service.as_ref());
    let found: BTreeSet<&str> = entries
        .chain(lost)
        .map(|service| service.id.as_str())
        .collect();
    let mut explained: Vec<Explained> = services
        .iter()
        .filter(|service| found.contains(service.id.as_str()))
        .map(|service| Explained {
            id: service.id.clone(),
            name: service.name.clone(),
            protocol: service.protocol.clone(),
            variables: service.variables.clone(),
            meaning: service.meaning.clone(),
        })
        .collect();
    explained.sort_by(|a, b| a.name.cmp(&b.name));
    explained
}

#[cfg(test)]
mod tests;
