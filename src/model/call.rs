//! System calls as data: what a process asks the kernel for.

use schemars::JsonSchema;
use serde::Serialize;

use super::address::Address;
use super::id::Pid;

/// A file descriptor.
pub type Fd = i32;

/// The type of a socket: each has its own abstract names (row B13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_DGRAM`.
    Dgram,
    /// `SOCK_SEQPACKET`.
    Seqpacket,
}

/// `SOCK_NONBLOCK` and `SOCK_CLOEXEC`, at the birth of a descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Birth {
    /// The open file description does not block.
    pub nonblock: bool,
    /// execve(2) closes the descriptor.
    pub cloexec: bool,
}

/// Flags of send(2) and recv(2), and `msg_flags`, with the kernel's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub i32);

impl Flags {
    /// `MSG_OOB`.
    pub const OOB: Self = Self(0x1);
    /// `MSG_PEEK`.
    pub const PEEK: Self = Self(0x2);
    /// `MSG_CTRUNC`.
    pub const CTRUNC: Self = Self(0x8);
    /// `MSG_TRUNC`.
    pub const TRUNC: Self = Self(0x20);
    /// `MSG_DONTWAIT`.
    pub const DONTWAIT: Self = Self(0x40);
    /// `MSG_EOR`.
    pub const EOR: Self = Self(0x80);
    /// `MSG_WAITALL`.
    pub const WAITALL: Self = Self(0x100);
    /// `MSG_NOSIGNAL`.
    pub const NOSIGNAL: Self = Self(0x4000);
    /// `MSG_MORE`.
    pub const MORE: Self = Self(0x8000);
    /// `MSG_CMSG_CLOEXEC`.
    pub const CMSG_CLOEXEC: Self = Self(0x4000_0000);

    /// Whether all of these are set.
    pub fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Those that are not among these.
    pub fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }
}

impl std::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What poll(2) is asked for and reports, with the kernel's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Events(pub i16);

impl Events {
    /// `POLLIN`.
    pub const IN: Self = Self(0x1);
    /// `POLLOUT`.
    pub const OUT: Self = Self(0x4);
    /// `POLLERR`.
    pub const ERR: Self = Self(0x8);
    /// `POLLHUP`.
    pub const HUP: Self = Self(0x10);
    /// `POLLNVAL`.
    pub const NVAL: Self = Self(0x20);
    /// `POLLRDHUP`.
    pub const RDHUP: Self = Self(0x2000);

    /// Whether all of these are set.
    pub fn has(self, events: Self) -> bool {
        self.0 & events.0 == events.0
    }

    /// Only those that are set in both.
    pub fn and(self, events: Self) -> Self {
        Self(self.0 & events.0)
    }
}

impl std::ops::BitOr for Events {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Events {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What a set of epoll(7) is to tell of something, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Interest {
    /// Which events; none: nothing is told.
    pub events: Events,
    /// `EPOLLET`: once for each change.
    pub edge: bool,
    /// `EPOLLONESHOT`: once, and then nothing until it is asked for again.
    pub oneshot: bool,
}

impl Interest {
    /// The same, without what is told of everything.
    pub fn asked_for(self) -> Self {
        let always = Events::ERR.0 | Events::HUP.0;
        Self {
            events: Events(self.events.0 & !always),
            ..self
        }
    }

    /// The same, with what is told of everything: `EPOLLERR` and `EPOLLHUP`.
    pub(super) fn with_what_is_always_told(self) -> Self {
        Self {
            events: self.events | Events::ERR | Events::HUP,
            ..self
        }
    }
}

/// What is sent: bytes, over and over until there are enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What is repeated.
    pub unit: Vec<u8>,
    /// How many bytes there are.
    pub len: usize,
}

impl Payload {
    /// These bytes, once.
    pub fn once(bytes: &[u8]) -> Self {
        Self {
            unit: bytes.to_vec(),
            len: bytes.len(),
        }
    }

    /// So many bytes from a place on.
    pub fn bytes(&self, start: usize, len: usize) -> Vec<u8> {
        let unit = self.unit.len().max(1);
        let mut bytes = Vec::with_capacity(len);
        let mut at = start % unit;
        while bytes.len() < len {
            let take = (unit - at).min(len - bytes.len());
            bytes.extend_from_slice(&self.unit[at..at + take]);
            at = 0;
        }
        bytes
    }
}

/// A control message that is sent with sendmsg(2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ancillary {
    /// `SCM_RIGHTS` with these descriptors; `spare` bytes more than they need are counted in
    /// `cmsg_len`.
    Rights {
        /// Descriptors of the sender.
        fds: Vec<Fd>,
        /// Bytes that make no descriptor.
        spare: usize,
    },
    /// `SCM_CREDENTIALS`.
    Credentials(Claimed),
    /// A header whose `cmsg_len` is too small for itself.
    Short,
    /// A type that `SOL_SOCKET` does not know.
    Unknown,
    /// A level that is not `SOL_SOCKET`.
    OtherLevel,
}

/// Who a sender says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The process.
    pub pid: Whom,
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Bytes too many in `cmsg_len`; 0 where it is right.
    pub spare: usize,
}

/// A process that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Whoever calls.
    Caller,
    /// This one.
    Process(Pid),
    /// A number that no process has.
    Nobody,
}

/// What shutdown(2) ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `SHUT_RD`.
    Read,
    /// `SHUT_WR`.
    Write,
    /// `SHUT_RDWR`.
    Both,
    /// A number that means none of them.
    Invalid,
}

/// An option of getsockopt(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `SO_TYPE`.
    Type,
    /// `SO_ERROR`, which is cleared.
    Error,
    /// `SO_ACCEPTCONN`.
    AcceptConn,
    /// `SO_PEERCRED`.
    PeerCred,
    /// `SO_SNDBUF`.
    SndBuf,
    /// `SO_PASSCRED`.
    PassCred,
    /// `SO_DOMAIN`.
    Domain,
    /// `SO_PROTOCOL`.
    Protocol,
}

/// An option of setsockopt(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// `SO_SNDBUF`, in bytes before the kernel doubles it.
    SndBuf(i32),
    /// `SO_RCVBUF`, which changes nothing (row F25).
    RcvBuf(i32),
    /// `SO_PASSCRED`.
    PassCred(bool),
    /// `SO_SNDTIMEO`, in milliseconds: how long a call that sends or connects may sleep; 0: for ever.
    SndTimeo(u32),
    /// `SO_RCVTIMEO`, in milliseconds: how long a call that receives or accepts may sleep; 0: for ever.
    RcvTimeo(u32),
    /// `SO_REUSEADDR`, which changes nothing (row A23).
    ReuseAddr,
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `O_RDONLY`.
    Read,
    /// `O_WRONLY`.
    Write,
    /// `O_RDWR`.
    Both,
    /// `O_PATH`: to name it and nothing else.
    Path,
}

/// A system call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the manual page of each call explains its arguments"
)]
pub enum Call {
    /// socket(2).
    Socket {
        ty: i32,
        protocol: i32,
        birth: Birth,
    },
    /// socketpair(2).
    Socketpair {
        ty: i32,
        protocol: i32,
        birth: Birth,
    },
    /// bind(2).
    Bind { fd: Fd, address: Address },
    /// listen(2).
    Listen { fd: Fd, backlog: i32 },
    /// connect(2).
    Connect { fd: Fd, address: Address },
    /// accept4(2).
    Accept { fd: Fd, birth: Birth },
    /// send(2), sendto(2) and sendmsg(2).
    Send {
        fd: Fd,
        payload: Payload,
        flags: Flags,
        to: Option<Address>,
        control: Vec<Ancillary>,
    },
    /// recvmsg(2); `control`: the size of the buffer for control messages, if there is one.
    Receive {
        fd: Fd,
        len: usize,
        flags: Flags,
        control: Option<usize>,
    },
    /// write(2).
    Write { fd: Fd, payload: Payload },
    /// writev(2).
    Writev { fd: Fd, pieces: Vec<Payload> },
    /// read(2).
    Read { fd: Fd, len: usize },
    /// shutdown(2).
    Shutdown { fd: Fd, how: How },
    /// close(2).
    Close { fd: Fd },
    /// dup(2).
    Dup { fd: Fd },
    /// dup2(2).
    Dup2 { fd: Fd, to: Fd },
    /// fcntl(2) with `F_SETFL`: `O_NONBLOCK`.
    SetNonblock { fd: Fd, on: bool },
    /// fcntl(2) with `F_GETFL`: `O_NONBLOCK`.
    GetNonblock { fd: Fd },
    /// fcntl(2) with `F_SETFD`: `FD_CLOEXEC`.
    SetCloexec { fd: Fd, on: bool },
    /// fcntl(2) with `F_GETFD`: `FD_CLOEXEC`.
    GetCloexec { fd: Fd },
    /// getsockname(2).
    Getsockname { fd: Fd },
    /// getpeername(2).
    Getpeername { fd: Fd },
    /// getsockopt(2).
    Getsockopt { fd: Fd, option: Asked },
    /// setsockopt(2).
    Setsockopt { fd: Fd, option: Set },
    /// ioctl(2) with `SIOCINQ`.
    Inq { fd: Fd },
    /// ioctl(2) with `SIOCOUTQ`.
    Outq { fd: Fd },
    /// poll(2) of one descriptor, without waiting.
    Poll { fd: Fd, events: Events },
    /// epoll_create1(2); the kernel knows no `nonblock` here.
    Epoll { birth: Birth },
    /// epoll_ctl(2) with `EPOLL_CTL_ADD`.
    EpollAdd {
        fd: Fd,
        target: Fd,
        interest: Interest,
    },
    /// epoll_ctl(2) with `EPOLL_CTL_MOD`.
    EpollModify {
        fd: Fd,
        target: Fd,
        interest: Interest,
    },
    /// epoll_ctl(2) with `EPOLL_CTL_DEL`.
    EpollDelete { fd: Fd, target: Fd },
    /// epoll_wait(2) for so many events, without waiting.
    EpollWait { fd: Fd, most: i32 },
    /// pipe2(2).
    Pipe { birth: Birth },
    /// eventfd(2).
    Eventfd { value: u32, birth: Birth },
    /// open(2) of what is there.
    Open { path: String, access: Access },
    /// creat(2) of an empty regular file that is not yet there.
    Create { path: String },
    /// mkdir(2).
    Mkdir { path: String, mode: u32 },
    /// symlink(2).
    Symlink { target: String, path: String },
    /// unlink(2).
    Unlink { path: String },
    /// rename(2).
    Rename { from: String, to: String },
    /// chmod(2).
    Chmod { path: String, mode: u32 },
    /// chown(2).
    Chown { path: String, uid: u32, gid: u32 },
    /// fchmod(2).
    Fchmod { fd: Fd, mode: u32 },
    /// stat(2): the permission bits.
    Mode { path: String },
    /// umask(2).
    Umask { mask: u32 },
    /// chdir(2).
    Chdir { path: String },
    /// lseek(2) with `SEEK_SET`.
    Seek { fd: Fd, offset: u32 },
    /// fork(2).
    Fork,
    /// _exit(2).
    Exit,
    /// setresgid(2) and setresuid(2), with no supplementary groups.
    SetIds { real: u32, effective: u32 },
    /// setrlimit(2) of `RLIMIT_NOFILE`.
    LimitFiles { limit: u32 },
}

impl Call {
    /// The descriptor that the call is made at.
    pub fn fd(&self) -> Option<Fd> {
        match self {
            Self::Send { fd, .. }
            | Self::Dup2 { fd, .. }
            | Self::Bind { fd, .. }
            | Self::Listen { fd, .. }
            | Self::Connect { fd, .. }
            | Self::Accept { fd, .. }
            | Self::Receive { fd, .. }
            | Self::Write { fd, .. }
            | Self::Writev { fd, .. }
            | Self::Read { fd, .. }
            | Self::Shutdown { fd, .. }
            | Self::Close { fd }
            | Self::Dup { fd }
            | Self::SetNonblock { fd, .. }
            | Self::GetNonblock { fd }
            | Self::SetCloexec { fd, .. }
            | Self::GetCloexec { fd }
            | Self::Getsockname { fd }
            | Self::Getpeername { fd }
            | Self::Getsockopt { fd, .. }
            | Self::Setsockopt { fd, .. }
            | Self::Inq { fd }
            | Self::Outq { fd }
            | Self::Poll { fd, .. }
            | Self::EpollAdd { fd, .. }
            | Self::EpollModify { fd, .. }
            | Self::EpollDelete { fd, .. }
            | Self::EpollWait { fd, .. }
            | Self::Fchmod { fd, .. }
            | Self::Seek { fd, .. } => Some(*fd),
            Self::Socket { .. }
            | Self::Socketpair { .. }
            | Self::Epoll { .. }
            | Self::Pipe { .. }
            | Self::Eventfd { .. }
            | Self::Open { .. }
            | Self::Create { .. }
            | Self::Mkdir { .. }
            | Self::Symlink { .. }
            | Self::Unlink { .. }
            | Self::Rename { .. }
            | Self::Chmod { .. }
            | Self::Chown { .. }
            | Self::Mode { .. }
            | Self::Umask { .. }
            | Self::Chdir { .. }
            | Self::Fork
            | Self::Exit
            | Self::SetIds { .. }
            | Self::LimitFiles { .. } => None,
        }
    }
}
