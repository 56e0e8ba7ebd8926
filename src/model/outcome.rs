//! What a call comes back with.

use nix::errno::Errno;
use schemars::JsonSchema;
use serde::Serialize;

use super::address::Name;
use super::call::{Events, Fd, Flags};
use super::id::{Pid, SockId};

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked for.
    Done(Answer),
    /// It failed: -1, and this in errno.
    Failed(Errno),
    /// It failed with EPIPE, and its process was sent SIGPIPE.
    BrokenPipe,
    /// It sleeps.
    Sleeps(Wait),
}

impl Outcome {
    /// The same as a process sees it that ignores SIGPIPE.
    pub fn without_signal(&self) -> Self {
        match self {
            Self::BrokenPipe => Self::Failed(Errno::EPIPE),
            outcome => outcome.clone(),
        }
    }
}

/// What a call gives back when it succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A number that means nothing but itself: 0, a count of bytes, the value of an option.
    Number(i64),
    /// A new descriptor.
    Descriptor(Fd),
    /// Two new descriptors.
    Pair(Fd, Fd),
    /// What was received.
    Received(Received),
    /// A name of a socket; `None`: it has none.
    Name(Option<Name>),
    /// What SO_PEERCRED says.
    Credentials(Credentials),
    /// What poll(2) reports.
    Ready(Events),
    /// What epoll_wait(2) reports, in its order.
    Reported(Vec<Reported>),
    /// A new process, or the process that ended.
    Process(Pid),
}

/// A `struct epoll_event` whose data is the descriptor that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Under which descriptor it was added.
    pub fd: Fd,
    /// What is ready.
    pub events: Events,
}

/// What recvmsg(2) fills in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// What it returned: more than was copied when `MSG_TRUNC` asked for the whole length.
    pub count: usize,
    /// What was copied.
    pub data: Vec<u8>,
    /// Whose it is; `None`: the kernel says nothing (`msg_namelen` 0).
    pub from: Option<Name>,
    /// `MSG_TRUNC` and `MSG_CTRUNC`.
    pub flags: Flags,
    /// Control messages in their order.
    pub control: Vec<ControlMessage>,
    /// `msg_controllen` afterwards.
    pub control_len: usize,
}

/// A control message as it is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlMessage {
    /// `SCM_RIGHTS`.
    Rights(Vec<Fd>),
    /// `SCM_CREDENTIALS`, of which so many bytes fitted.
    Credentials {
        /// Whose they are.
        of: Credentials,
        /// How many of the 12 bytes are there.
        fit: usize,
    },
}

/// `struct ucred`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Credentials {
    /// Process; none: 0, nobody in particular.
    pub pid: Option<Pid>,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// What a call sleeps for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// Something to read, an end, or an error, at this socket.
    Readable(SockId),
    /// Room in what this socket may send.
    Room(SockId),
    /// Room in the queue of this socket.
    Queue(SockId),
    /// A connection at this listening socket.
    Connection(SockId),
    /// A pipe, an eventfd or a set of epoll(7).
    Other,
}

/// Why a call went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Failed(Errno),
    Sleeps(Wait),
}

impl From<Result<Answer, Stop>> for Outcome {
    fn from(result: Result<Answer, Stop>) -> Self {
        match result {
            Ok(answer) => Self::Done(answer),
            Err(Stop::Failed(errno)) => Self::Failed(errno),
            Err(Stop::Sleeps(wait)) => Self::Sleeps(wait),
        }
    }
}
