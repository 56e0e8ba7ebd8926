//! What a descriptor can be: plain data, one variant a kind.

use schemars::JsonSchema;
use serde::Serialize;

use crate::probe::holders::Process;
use crate::probe::sockets::{Condition, Identified, Peer, Queue};
use crate::sys::net_tables::Entry;
use crate::sys::sock_diag::{Device, Name, Type};
use crate::untrusted::Untrusted;

/// What a descriptor leads to.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum What {
    /// A regular file.
    File {
        /// Its path, as this process would see it.
        path: Untrusted,
        /// Whether the path still leads to it.
        name: NameState,
        /// Bytes; nothing where its file system was not asked.
        size: Option<u64>,
    },
    /// A directory.
    Directory {
        /// Its path.
        path: Untrusted,
        /// Whether the path still leads to it.
        name: NameState,
    },
    /// A terminal: what isatty(3) says yes to.
    Terminal {
        /// Its path.
        path: Untrusted,
        /// For the master of a pseudoterminal: N of `/dev/pts/N`, its other end.
        master_of: Option<u32>,
        /// For a pseudoterminal: who has its other end; for `/dev/pts/N` that is the terminal
        /// emulator, or sshd(8). Told by its number, which each mount of devpts counts anew.
        other_end: Vec<Held>,
    },
    /// A device file.
    Device {
        /// Its path.
        path: Untrusted,
        /// A block device, which is read like a file.
        block: bool,
        /// Its numbers.
        device: Device,
    },
    /// A symbolic link, opened with `O_PATH | O_NOFOLLOW`.
    Link {
        /// Its path.
        path: Untrusted,
    },
    /// The file of a socket in a file system, opened with `O_PATH`.
    SocketFile {
        /// Its path.
        path: Untrusted,
    },
    /// A file on a file system that would have to ask another machine or program, or in a mount
    /// that is not visible from here: it was not asked what it is.
    NotAsked {
        /// Its path.
        path: Untrusted,
        /// Why not.
        because: NotAsked,
    },
    /// A pipe, or a FIFO.
    Pipe {
        /// For a FIFO its path; nothing for a pipe.
        path: Option<Untrusted>,
        /// Who has which end open.
        ends: Option<Ends>,
    },
    /// A socket of AF_UNIX.
    UnixSocket(Box<UnixSocket>),
    /// Another socket.
    Socket {
        /// Its protocol, as the kernel names it.
        protocol: Option<String>,
        /// What `/proc/PID/net` tells of it; nothing when it is of another network namespace, or
        /// there is no table.
        details: Option<Entry>,
    },
    /// eventfd(2).
    Eventfd {
        /// Its counter: 0 means that a read waits.
        count: Option<u64>,
        /// Made with `EFD_SEMAPHORE`: each read takes one.
        semaphore: Option<bool>,
    },
    /// timerfd_create(2).
    Timerfd {
        /// Its clock: `CLOCK_MONOTONIC`.
        clock: String,
        /// Nanoseconds to the next expiration; nothing when it does not run, or has expired and
        /// goes on when it is read.
        expires_in: Option<u64>,
        /// Nanoseconds between later expirations; nothing when it expires once.
        interval: Option<u64>,
        /// Expirations that nobody has read.
        unread: u64,
    },
    /// signalfd(2).
    Signalfd {
        /// The signals that it takes.
        signals: Vec<String>,
    },
    /// epoll(7).
    Epoll {
        /// What it watches.
        watches: Vec<EpollWatch>,
    },
    /// inotify(7).
    Inotify {
        /// What it watches.
        watches: Vec<Watch>,
    },
    /// fanotify(7).
    Fanotify {
        /// What it watches.
        watches: Vec<Watch>,
    },
    /// pidfd_open(2).
    Pidfd {
        /// Of which process.
        of: PidfdOf,
    },
    /// memfd_create(2).
    Memfd {
        /// The name given to it: for debugging, it leads nowhere.
        name: Untrusted,
        /// Bytes.
        size: u64,
        /// What can no longer be done to it; nothing when it could not be asked.
        seals: Option<Vec<&'static str>>,
    },
    /// io_uring_setup(2).
    IoUring {
        /// Entries of the submission queue.
        submissions: Option<u64>,
        /// Entries of the completion queue.
        completions: Option<u64>,
    },
    /// A namespace, held open: namespaces(7).
    Namespace {
        /// `net`, `mnt`, …
        of: String,
        /// Its number.
        inode: Option<u64>,
        /// Whether the process is in it; nothing when that could not be read.
        own: Option<bool>,
    },
    /// bpf(2).
    Bpf {
        /// `map`, `prog`, `link`, …
        object: String,
        /// Its id, as bpftool(8) names it.
        id: Option<u32>,
    },
    /// userfaultfd(2).
    Userfaultfd,
    /// perf_event_open(2).
    Perf,
    /// Memory of a device, to be shared with others.
    DmaBuf {
        /// The name given to it.
        name: Untrusted,
    },
    /// memfd_secret(2).
    SecretMemory {
        /// Bytes.
        size: u64,
    },
    /// mq_open(3).
    MessageQueue {
        /// Its name.
        name: Untrusted,
    },
    /// Something else without a name in a file system: `[landlock-ruleset]`.
    Anonymous {
        /// As the kernel names it.
        name: Untrusted,
    },
}

/// Whether a path still leads to the open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameState {
    /// It does, as far as the kernel tells.
    Stands,
    /// The file has no name any more: its content goes when the last descriptor is closed.
    Deleted,
    /// This name was removed or replaced; the file has another one.
    Removed,
    /// It never had one: `O_TMPFILE`.
    Never,
    /// The path ends with ` (deleted)`, and whether that is the kernel's word or part of the name
    /// could not be found out.
    Unknown,
}

/// Why a file was not asked what it is.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotAsked {
    /// Its file system would ask another machine or another program, which may not answer.
    FileSystem(Untrusted),
    /// Its mount is not visible from here.
    Mount,
    /// It was closed meanwhile, or refused.
    Refused,
}

/// Who has the ends of a pipe open.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Ends {
    /// Who can read from it, this process included.
    pub readers: Vec<Held>,
    /// Who can write to it, this process included.
    pub writers: Vec<Held>,
    /// Every process was read: who is not listed has it not open.
    pub complete: bool,
}

/// A process that holds something, and through which descriptors.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Held {
    /// The process.
    #[serde(flatten)]
    pub process: Process,
    /// Its descriptors, by number.
    pub fds: Vec<u32>,
}

/// A socket of AF_UNIX.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct UnixSocket {
    /// Its type, when sock_diag lists it.
    #[serde(rename = "type")]
    pub kind: Option<Type>,
    /// What it does; nothing when sock_diag does not list it: it is of another network namespace,
    /// or not accepted yet.
    pub condition: Option<Condition>,
    /// What it is bound to, or the listener it was accepted from.
    pub name: Option<Name>,
    /// The other end.
    pub peer: Option<UnixPeer>,
    /// For listeners.
    pub queue: Option<Queue>,
    /// Bytes that wait to be read: of other types than stream, those of the first message.
    pub unread: u32,
    /// Descriptors in messages that wait to be received.
    pub in_flight: Option<u64>,
    /// Which service it, or its other end, belongs to.
    pub service: Option<Identified>,
}

/// The other end of a socket of AF_UNIX.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct UnixPeer {
    /// The socket, and who holds it.
    #[serde(flatten)]
    pub socket: Peer,
    /// Through which descriptors.
    pub held: Vec<Held>,
}

/// A watch of epoll(7).
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct EpollWatch {
    /// The number under which it was added.
    pub fd: u32,
    /// What it waits for, without `EPOLLERR` and `EPOLLHUP`, which are always reported.
    pub events: Vec<&'static str>,
    /// `EPOLLONESHOT`, and it has fired: silent until `EPOLL_CTL_MOD`.
    pub spent: bool,
    /// What the program gave to tell it by.
    pub data: u64,
    /// What it is now.
    pub is: EpollTarget,
}

/// What became of a file that epoll watches: a watch follows the open file, not the number.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpollTarget {
    /// The descriptor with this number still is that file.
    Same,
    /// The number is closed, or leads to another file; that file is still open here under these
    /// numbers.
    Renumbered(Vec<u32>),
    /// The same, and other processes hold the file.
    OnlyElsewhere(Vec<Held>),
    /// The number is closed, or leads to another file; who keeps the watched file open was not
    /// found.
    NotFound,
    /// The kernel does not compare here, and device and inode of this number fit; those of event
    /// files and their like always do.
    Unsure,
}

/// A watch of inotify(7) or fanotify(7).
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Watch {
    /// The watch descriptor, for inotify.
    pub watch: Option<i32>,
    /// Where it is, when that is known.
    pub path: Option<Untrusted>,
    /// The inode; nothing for marks on mounts and file systems.
    pub inode: Option<u64>,
    /// The device of its file system.
    pub device: Option<Device>,
    /// What is waited for: `IN_CREATE`.
    pub events: Vec<&'static str>,
}

/// Of whom a pidfd is.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PidfdOf {
    /// This process.
    Process(Process),
    /// A process that has ended and was waited for.
    Gone,
    /// A process outside this pid namespace.
    Elsewhere,
    /// The kernel did not say.
    Unknown,
}

impl What {
    /// Which of the groups of a picture it belongs to.
    pub fn group(&self) -> Group {
        match self {
            Self::File { .. }
            | Self::Directory { .. }
            | Self::Terminal { .. }
            | Self::Device { .. }
            | Self::Link { .. }
            | Self::SocketFile { .. }
            | Self::NotAsked { .. } => Group::Files,
            Self::Pipe { .. } => Group::Pipes,
            Self::UnixSocket(_) | Self::Socket { .. } => Group::Sockets,
            Self::Eventfd { .. }
            | Self::Timerfd { .. }
            | Self::Signalfd { .. }
            | Self::Epoll { .. }
            | Self::Inotify { .. }
            | Self::Fanotify { .. }
            | Self::Pidfd { .. }
            | Self::IoUring { .. } => Group::Events,
            Self::Memfd { .. } | Self::SecretMemory { .. } | Self::DmaBuf { .. } => Group::Memory,
            _ => Group::Others,
        }
    }
}

/// The groups of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What has a path.
    Files,
    /// Pipes and FIFOs.
    Pipes,
    /// Sockets.
    Sockets,
    /// What waits for events.
    Events,
    /// Memory without a path.
    Memory,
    /// The rest.
    Others,
}
