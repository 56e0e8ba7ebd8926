//! Calls and outcomes as values: what is asked of the kernel, and what it may answer.
//!
//! All of it is here, for every step: there is nothing to do in this file.
#![allow(dead_code, reason = "calls are added to the kernel one after the other")]

// ---- what comes in ------------------------------------------------------------------------------

pub type Fd = i32;
/// A process is called by a letter.
pub type Pid = char;

/// The machine that starts.
#[derive(Clone, Debug)]
pub struct Boot {
    /// The user and the group of its process.
    pub uid: u32,
    pub gid: u32,
    /// net.unix.max_dgram_qlen
    pub max_dgram_qlen: u32,
    /// net.core.somaxconn
    pub somaxconn: u32,
}

impl Default for Boot {
    fn default() -> Self {
        Self { uid: 0, gid: 0, max_dgram_qlen: 10, somaxconn: 4096 }
    }
}

pub enum Line {
    Boot(Boot),
    Collect,
    Call(Pid, Call),
}

/// A system call. Numbers that may be wrong are left as they came.
#[derive(Clone, Debug)]
pub enum Call {
    Socket { ty: i32, protocol: i32, new: New },
    Socketpair { ty: i32, protocol: i32, new: New },
    Bind { fd: Fd, address: Address },
    Listen { fd: Fd, backlog: i32 },
    Connect { fd: Fd, address: Address },
    Accept { fd: Fd, new: New },
    Send { fd: Fd, message: Message },
    Recv { fd: Fd, wanted: Wanted },
    Write { fd: Fd, data: Vec<u8> },
    Read { fd: Fd, len: usize },
    Shutdown { fd: Fd, how: How },
    Close { fd: Fd },
    Dup { fd: Fd },
    Dup2 { fd: Fd, to: Fd },
    SetNonblock { fd: Fd, on: bool },
    GetNonblock { fd: Fd },
    SetCloexec { fd: Fd, on: bool },
    GetCloexec { fd: Fd },
    Getsockname { fd: Fd },
    Getpeername { fd: Fd },
    Getsockopt { fd: Fd, option: SockOption },
    SetPasscred { fd: Fd, on: bool },
    Inq { fd: Fd },
    Poll { fd: Fd, events: Events },
    Open { path: Vec<u8>, access: Access },
    Create { path: Vec<u8> },
    Unlink { path: Vec<u8> },
    Seek { fd: Fd, offset: usize },
    LimitFiles { limit: Fd },
    Fork,
    Exit,
}

/// What a new descriptor is asked to be: SOCK_NONBLOCK, SOCK_CLOEXEC.
#[derive(Clone, Copy, Debug)]
pub struct New {
    pub nonblock: bool,
    pub cloexec: bool,
}

/// `struct sockaddr_un` and its length, neither of which need be right.
#[derive(Clone, Debug)]
pub struct Address {
    pub family: Family,
    /// What sun_path begins with; all after it is zeros.
    pub path: Vec<u8>,
    /// addrlen: the two bytes of the family, and as much of the path as counts.
    pub len: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Unix,
    Unspec,
    Inet,
}

/// What sendmsg(2) is given.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub data: Vec<u8>,
    pub dontwait: bool,
    pub to: Option<Address>,
    /// Control messages in their order.
    pub control: Vec<Control>,
}

#[derive(Clone, Debug)]
pub enum Control {
    /// SCM_RIGHTS
    Rights(Vec<Fd>),
    /// SCM_CREDENTIALS: who the sender says it is.
    Creds { pid: Whom, uid: u32, gid: u32 },
}

#[derive(Clone, Copy, Debug)]
pub enum Whom {
    Caller,
    Process(Pid),
    /// A number that no process has.
    Nobody,
}

/// What recvmsg(2) is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Bytes at most.
    pub len: usize,
    pub peek: bool,
    pub trunc: bool,
    pub dontwait: bool,
    pub cmsg_cloexec: bool,
    /// The size of the buffer for control messages, where there is one.
    pub control: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Read,
    Write,
    Both,
    Invalid,
}

#[derive(Clone, Copy, Debug)]
pub enum SockOption {
    Type,
    Domain,
    Protocol,
    Acceptconn,
    Error,
    Peercred,
    Passcred,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    Both,
}

/// What poll(2) is asked for, and what it says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Events {
    pub input: bool,
    pub output: bool,
    pub err: bool,
    pub hup: bool,
    pub rdhup: bool,
    pub nval: bool,
}

// ---- what goes out ------------------------------------------------------------------------------

pub type Answer = Result<Outcome, Errno>;

#[derive(Clone, Debug)]
pub enum Outcome {
    Number(i64),
    Fd(Fd),
    Fds(Fd, Fd),
    Process(Pid),
    Received(Received),
    Name(Option<Name>),
    Creds(Creds),
    Poll(Events),
}

/// A name as the kernel keeps it. An abstract one begins with a zero; a path does not, and has none
/// at its end either.
pub type Name = Vec<u8>;

/// What recvmsg(2) fills in.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub count: usize,
    pub data: Vec<u8>,
    pub from: Option<Name>,
    pub trunc: bool,
    pub ctrunc: bool,
    /// Credentials, and how many of their 12 bytes fitted.
    pub creds: Option<(Creds, usize)>,
    pub rights: Vec<Fd>,
}

/// `struct ucred`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creds {
    pub pid: Option<Pid>,
    pub uid: u32,
    pub gid: u32,
}

/// Why a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::upper_case_acronyms, reason = "errno(3) has these names")]
pub enum Errno {
    EPERM = 1,
    ENOENT = 2,
    ESRCH = 3,
    EBADF = 9,
    EAGAIN = 11,
    EEXIST = 17,
    ENOTDIR = 20,
    EINVAL = 22,
    EMFILE = 24,
    ESPIPE = 29,
    EPIPE = 32,
    ENOSYS = 38,
    ENXIO = 6,
    ENOTSOCK = 88,
    EPROTOTYPE = 91,
    EPROTONOSUPPORT = 93,
    ESOCKTNOSUPPORT = 94,
    EOPNOTSUPP = 95,
    EADDRINUSE = 98,
    ECONNRESET = 104,
    EISCONN = 106,
    ENOTCONN = 107,
    ECONNREFUSED = 111,
    /// No errno, but it leaves a call the same way: whoever calls would sleep now.
    Asleep,
}
