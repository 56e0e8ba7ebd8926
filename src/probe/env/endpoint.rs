//! What a value leads to: is it there, does somebody listen, whose is it, may it be reached. Asks
//! sock_diag's list and the file system; connects to nothing.
//!
//! A file and a socket belong together by device and inode, an abstract name by its bytes within
//! one network namespace.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FileType, Stat, accessat};
use schemars::JsonSchema;
use serde::Serialize;

use super::walk::{End, Walked, walk};
use crate::curriculum::services::{Bases, Leads, Part, Reading, Target, Variable};
use crate::probe::holders::{Holders, Known, Process};
use crate::probe::sockets::{Condition, Identified, Row, Sockets};
use crate::sys::mounts::{self, Mount};
use crate::sys::netns::{self, Foreign};
use crate::sys::process;
use crate::sys::sock_diag::{FileId, Name, Type};
use crate::sys::users::Users;
use crate::untrusted::Untrusted;

/// One place that a value leads to.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Endpoint {
    /// Where it is; nothing when the value names no place on this machine.
    pub address: Option<Address>,
    /// What is there.
    pub state: State,
    /// For `denied` and `not-writable`: the file or directory that refuses. For `missing`: the
    /// first name on the path that is not there. For `no-base`: the variable that is not set.
    pub at: Option<Untrusted>,
    /// The user that made the socket, or owns the file, directory or process.
    pub uid: Option<u32>,
    /// That user's name.
    pub user: Option<Untrusted>,
    /// Whether that is the user of the process looked at.
    pub yours: Option<bool>,
    /// The socket's type.
    #[serde(rename = "type")]
    pub kind: Option<Type>,
    /// The socket's inode in sockfs.
    pub inode: Option<u32>,
    /// Who holds the socket; for a process, itself.
    pub holders: Option<Holders>,
    /// The service, as far as the address or the holder's name tells.
    pub service: Option<Identified>,
    /// What to know of values written like this: a sentence.
    pub note: Option<String>,
    /// With `--connect`: what connect(2) said, `connected` or the name of an errno.
    pub connect: Option<String>,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum Address {
    /// A file name.
    Path(Untrusted),
    /// An abstract socket name.
    Abstract(Untrusted),
    /// A process id.
    Process(u32),
}

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A socket that accepts connections.
    Listening,
    /// It listens in place of a service that its first client starts.
    Activation,
    /// It listens, and more connections wait than its backlog allows.
    QueueFull,
    /// A datagram socket receives here.
    Bound,
    /// A directory, file or process of this name is there.
    Present,
    /// A socket of another network namespace is bound to the file: it can be reached.
    OtherNamespace,
    /// Connections are open that a listener accepted which is gone.
    NoListener,
    /// A socket file to which no socket is bound: `ECONNREFUSED`.
    Stale,
    /// Nothing has this name.
    Missing,
    /// A directory of the path may not be searched, or the kernel refuses the path.
    Denied,
    /// The socket is there; connecting needs write permission on its file, which is lacking.
    NotWritable,
    /// Something else is there than what the variable should name.
    WrongType,
    /// The directory belongs to somebody else, or others may enter it.
    NotPrivate,
    /// The path does not begin with a slash.
    Relative,
    /// It is relative to a directory that the environment does not name.
    NoBase,
    /// The value is written like no address that is known for this variable.
    NotUnderstood,
    /// It leads to another machine, or to no endpoint.
    Elsewhere,
    /// It is on a file system that is not entered, because a program or a server answers for it.
    NotEntered,
    /// It cannot be told.
    Unknown,
}

impl State {
    /// Whether programs find what they look for.
    pub fn answers(self) -> bool {
        matches!(
            self,
            Self::Listening
                | Self::Activation
                | Self::QueueFull
                | Self::Bound
                | Self::Present
                | Self::OtherNamespace
        )
    }

    /// Whether it is certain that they do not.
    pub fn fails(self) -> bool {
        !self.answers()
            && !matches!(
                self,
                Self::Elsewhere | Self::NotEntered | Self::Unknown | Self::NotUnderstood
            )
    }

    /// As tables write it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::Activation => "activation",
            Self::QueueFull => "queue full",
            Self::Bound => "bound",
            Self::Present => "there",
            Self::OtherNamespace => "other netns",
            Self::NoListener => "no listener",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Denied => "denied",
            Self::NotWritable => "not writable",
            Self::WrongType => "wrong type",
            Self::NotPrivate => "not private",
            Self::Relative => "relative",
            Self::NoBase => "no directory",
            Self::NotUnderstood => "?",
            Self::Elsewhere => "elsewhere",
            Self::NotEntered => "not looked at",
            Self::Unknown => "?",
        }
    }
}

/// Through whose eyes endpoints are looked at.
#[derive(Clone, Debug)]
pub(super) struct Viewer {
    pub(super) uid: u32,
    /// It is this process: the kernel can be asked what it may do.
    pub(super) ourselves: bool,
    /// Group, and supplementary groups.
    pub(super) groups: Vec<u32>,
    /// Where its root directory is seen from here.
    pub(super) root: PathBuf,
    /// It has another network namespace than we: its abstract names are not ours.
    pub(super) other_netns: bool,
}

/// Looks endpoints up.
pub(super) struct Resolver<'a> {
    sockets: &'a Sockets,
    by_file: HashMap<FileId, &'a Row>,
    by_abstract: HashMap<&'a [u8], &'a Row>,
    mounts: Vec<Mount>,
    elsewhere: std::cell::OnceCell<Vec<Foreign>>,
    pub(super) users: &'a Users,
    pub(super) viewer: Viewer,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(sockets: &'a Sockets, users: &'a Users, viewer: Viewer) -> Self {
        let mut by_file: HashMap<FileId, &Row> = HashMap::new();
        let mut by_abstract: HashMap<&[u8], &Row> = HashMap::new();
        for row in &sockets.sockets {
            if let Some(file) = row.file
                && by_file
                    .get(&file)
                    .is_none_or(|other| rank(row) < rank(other))
            {
                by_file.insert(file, row);
            }
            if let Some(Name::Abstract(name)) = &row.name
                && by_abstract
                    .get(name.bytes())
                    .is_none_or(|other| rank(row) < rank(other))
            {
                by_abstract.insert(name.bytes(), row);
            }
        }
        Self {
            sockets,
            by_file,
            by_abstract,
            mounts: mounts::mounts().unwrap_or_default(),
            elsewhere: std::cell::OnceCell::new(),
            users,
            viewer,
        }
    }

    /// What a value of a variable leads to.
    pub(super) fn value(&self, variable: &Variable, value: &[u8], bases: &Bases) -> Vec<Endpoint> {
        let readings = variable.reading(value, bases);
        readings
            .iter()
            .map(|reading| self.endpoint(reading))
            .collect()
    }

    /// Where programs look when the variable is not set.
    pub(super) fn default(&self, variable: &Variable, bases: &Bases) -> Vec<Endpoint> {
        let leads = variable.default_leads();
        let targets = variable.defaults(bases).into_iter();
        targets
            .map(|target| {
                self.endpoint(&Reading {
                    leads,
                    target,
                    secret: false,
                    note: None,
                })
            })
            .collect()
    }

    fn endpoint(&self, reading: &Reading<'_>) -> Endpoint {
        let mut endpoint = Endpoint {
            address: None,
            state: State::Unknown,
            at: None,
            uid: None,
            user: None,
            yours: None,
            kind: None,
            inode: None,
            holders: None,
            service: None,
            note: reading.note.map(str::to_owned),
            connect: None,
        };
        match &reading.target {
            Target::Elsewhere => endpoint.state = State::Elsewhere,
            Target::Unreadable => endpoint.state = State::NotUnderstood,
            Target::NoBase(name) => {
                endpoint.state = State::NoBase;
                endpoint.at = Some(Untrusted::from(*name));
            }
            Target::Process(pid) => self.process(&mut endpoint, *pid),
            Target::Abstract(name) => {
                endpoint.address = Some(Address::Abstract(Untrusted::from(name.as_slice())));
                endpoint.state = match self.by_abstract.get(name.as_slice()) {
                    _ if self.viewer.other_netns => State::Unknown,
                    Some(row) => self.socket(&mut endpoint, row),
                    None if self.sockets.problem.is_some() => State::Unknown,
                    None => State::Missing,
                };
            }
            Target::Path(path) => {
                endpoint.address = Some(Address::Path(Untrusted::from(path.as_slice())));
                self.path(&mut endpoint, path, reading.leads);
            }
        }
        endpoint.user = endpoint.uid.and_then(|uid| self.users.name(uid).cloned());
        endpoint.yours = endpoint.uid.map(|uid| uid == self.viewer.uid);
        endpoint
    }

    fn process(&self, endpoint: &mut Endpoint, pid: u32) {
        use std::os::unix::fs::MetadataExt;
        endpoint.address = Some(Address::Process(pid));
        let status = std::fs::metadata(format!("/proc/{pid}"));
        endpoint.state = match status {
            Ok(status) => {
                endpoint.uid = Some(status.uid());
                let comm = i32::try_from(pid).map(process::name).unwrap_or_default();
                endpoint.holders = Some(Holders {
                    known: Known::Some,
                    processes: vec![Process { pid, comm }].into(),
                });
                State::Present
            }
            Err(_) if self.sockets.visibility.hidden_by_mount => State::Unknown,
            Err(_) => State::Missing,
        };
    }

    fn path(&self, endpoint: &mut Endpoint, path: &[u8], leads: Leads) {
        let walked = walk(path, &self.viewer.root, &self.mounts);
        let at = |path: &[u8]| Some(Untrusted::from(if path.is_empty() { b"/" } else { path }));
        let status = match &walked.end {
            End::Relative => {
                endpoint.state = State::Relative;
                return;
            }
            End::Missing => {
                endpoint.state = State::Missing;
                endpoint.at = at(&walked.path);
                return;
            }
            End::NotEntered => {
                endpoint.state = State::NotEntered;
                endpoint.at = at(&walked.path);
                return;
            }
            End::Refused(errno) => {
                endpoint.state = match *errno {
                    rustix::io::Errno::NOTDIR => State::Missing,
                    _ => State::Denied,
                };
                if *errno != rustix::io::Errno::NAMETOOLONG {
                    endpoint.at = at(&walked.path);
                }
                return;
            }
            End::File(status) => status,
        };
        endpoint.uid = Some(status.st_uid);
        let kind = FileType::from_raw_mode(status.st_mode);
        let refused = self.refused(&walked);
        endpoint.state = match (leads, kind) {
            (Leads::Directory, FileType::Directory) => State::Present,
            (Leads::PrivateDirectory, FileType::Directory) => {
                if status.st_uid == self.viewer.uid && status.st_mode & 0o777 == 0o700 {
                    State::Present
                } else {
                    State::NotPrivate
                }
            }
            (Leads::File, FileType::RegularFile) => State::Present,
            (Leads::Socket, FileType::Socket) => self.socket_file(endpoint, status, path),
            _ => State::WrongType,
        };
        if let Some(directory) = refused {
            endpoint.state = State::Denied;
            endpoint.at = at(&directory);
        } else if kind == FileType::Socket
            && endpoint.state.answers()
            && !self.may(&walked.path, status, Access::WRITE_OK)
        {
            endpoint.state = State::NotWritable;
            endpoint.at = at(&walked.path);
        }
    }

    /// The first directory of a path that the viewer may not search. Our own kernel has told by
    /// refusing; for others the permission bits are read.
    fn refused(&self, walked: &Walked) -> Option<Vec<u8>> {
        if self.viewer.ourselves {
            return None;
        }
        walked
            .directories
            .iter()
            .find(|(path, status)| !self.may(path, status, Access::EXEC_OK))
            .map(|(path, _)| path.clone())
    }

    /// Whether the viewer has a permission. For another process by its ids and the file's bits
    /// alone (inode(7)): access lists are not read.
    fn may(&self, path: &[u8], status: &Stat, access: Access) -> bool {
        if self.viewer.ourselves {
            return accessat(CWD, path, access, AtFlags::EACCESS).is_ok();
        }
        if self.viewer.uid == 0 {
            return true;
        }
        let shift = if status.st_uid == self.viewer.uid {
            6
        } else if self.viewer.groups.contains(&status.st_gid) {
            3
        } else {
            0
        };
        let bit = if access == Access::WRITE_OK { 0o2 } else { 0o1 };
        status.st_mode >> shift & bit != 0
    }

    fn socket_file(&self, endpoint: &mut Endpoint, status: &Stat, path: &[u8]) -> State {
        let file = FileId::from_stat(status.st_dev, status.st_ino);
        let row = mounts::devices_of(&self.mounts, file.device)
            .into_iter()
            .find_map(|device| self.by_file.get(&FileId { device, ..file }));
        if let Some(row) = row {
            return self.socket(endpoint, row);
        }
        if self.sockets.problem.is_some() {
            return State::Unknown;
        }
        let elsewhere = self.elsewhere.get_or_init(netns::elsewhere);
        let foreign = elsewhere.iter().find(|foreign| match foreign.file {
            Some(found) => found == file,
            None => foreign.path == path,
        });
        match foreign {
            Some(foreign) => {
                endpoint.kind = Some(foreign.kind);
                endpoint.inode = Some(foreign.inode);
                State::OtherNamespace
            }
            None => State::Stale,
        }
    }

    fn socket(&self, endpoint: &mut Endpoint, row: &Row) -> State {
        endpoint.kind = Some(row.kind);
        endpoint.inode = Some(row.inode);
        endpoint.holders = Some(row.holders.clone());
        endpoint.service = row.service.as_deref().cloned();
        endpoint.uid = row.uid.or(endpoint.uid);
        match row.condition {
            Condition::Listening
                if row.queue.is_some_and(|queue| queue.pending > queue.backlog) =>
            {
                State::QueueFull
            }
            Condition::Listening
                if row
                    .service
                    .as_ref()
                    .is_some_and(|service| service.part == Part::Activator) =>
            {
                State::Activation
            }
            Condition::Listening => State::Listening,
            Condition::Bound if row.kind == Type::Dgram => State::Bound,
            _ if row.kind == Type::Dgram => State::Bound,
            _ => State::NoListener,
        }
    }

    /// The paths at which the viewer's user listens for a service.
    pub(super) fn listeners(&self, service: &str) -> Vec<Vec<u8>> {
        let rows = self.sockets.sockets.iter().filter(|row| {
            row.condition == Condition::Listening
                && row.uid == Some(self.viewer.uid)
                && row
                    .service
                    .as_ref()
                    .is_some_and(|found| found.id == service)
        });
        let mut paths: Vec<Vec<u8>> = rows
            .filter_map(|row| match &row.name {
                Some(Name::Path(path)) => Some(path.bytes().to_vec()),
                _ => None,
            })
            .collect();
        paths.dedup();
        paths
    }

    /// Whether the viewer's user listens for a service.
    pub(super) fn listens(&self, service: &str) -> bool {
        !self.listeners(service).is_empty()
    }

    /// Living sockets of the viewer's user whose address belongs to one of these services, each
    /// with a value that names it.
    pub(super) fn alternatives(
        &self,
        variable: &Variable,
        services: &[&str],
        bases: &Bases,
    ) -> Vec<Vec<u8>> {
        let mut values = Vec::new();
        for row in &self.sockets.sockets {
            let ours = row.uid == Some(self.viewer.uid);
            let fits = row
                .service
                .as_ref()
                .is_some_and(|found| services.contains(&found.id.as_str()));
            if !ours || !fits || row.condition != Condition::Listening {
                continue;
            }
            let target = match &row.name {
                Some(Name::Path(path)) => Target::Path(path.bytes().to_vec()),
                Some(Name::Abstract(name)) => Target::Abstract(name.bytes().to_vec()),
                None => continue,
            };
            let Some(value) = variable.value_for(&target, bases) else {
                continue;
            };
            // The name may be out of date: what it leads to now counts.
            let leads = self.value(variable, &value, bases);
            if leads
                .iter()
                .any(|endpoint| endpoint.inode == Some(row.inode))
                && best(&leads).is_some_and(|found| found.state.answers())
                && !values.contains(&value)
            {
                values.push(value);
            }
        }
        values
    }
}

fn rank(row: &Row) -> u8 {
    match row.condition {
        Condition::Listening => 0,
        Condition::Bound => 1,
        _ => 2,
    }
}

/// The endpoint that decides: the first that answers, else the first.
pub(super) fn best(endpoints: &[Endpoint]) -> Option<&Endpoint> {
    endpoints
        .iter()
        .find(|endpoint| endpoint.state.answers())
        .or_else(|| endpoints.first())
}

/// The viewer that a process is.
pub(super) fn viewer_of(pid: u32) -> Viewer {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = |field: &str| -> Vec<u32> {
        status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .map(|rest| {
                rest.split_whitespace()
                    .filter_map(|word| word.parse().ok())
                    .collect()
            })
            .unwrap_or_default()
    };
    let mut groups = numbers("Groups:");
    groups.extend(numbers("Gid:").get(1));
    let same = |name: &str| {
        let link = |who: &str| std::fs::read_link(format!("/proc/{who}/ns/{name}"));
        match (link("self"), link(&pid.to_string())) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            // Who may not read it may not read the environment either.
            _ => true,
        }
    };
    Viewer {
        uid: numbers("Uid:").get(1).copied().unwrap_or(u32::MAX),
        ourselves: false,
        groups,
        root: if same("mnt") {
            PathBuf::from("/")
        } else {
            PathBuf::from(format!("/proc/{pid}/root"))
        },
        other_netns: !same("net"),
    }
}

/// The viewer that this process is.
pub(super) fn this_viewer() -> Viewer {
    Viewer {
        uid: rustix::process::geteuid().as_raw(),
        ourselves: true,
        groups: Vec::new(),
        root: Path::new("/").to_owned(),
        other_netns: false,
    }
}
