//! What a process of an experiment can be asked to do, and what it answers.
//!
//! One order is one system call, or one step that a learner would see as one. Each knows how strace
//! would write it. Doing it is [`super::actor`]'s; choosing the order of things is the routines'.

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::Failure;
use super::deed::Deed;
use super::files::{Account, Touch};
use super::handed::Handed;
use super::identity::{self, Act, Status};
use super::letter::Letter;
use super::place::Place;
use super::standing::Standing;
use super::traffic::{Arrival, Traffic};

/// A kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_SEQPACKET`.
    Seqpacket,
    /// `SOCK_DGRAM`.
    Datagram,
}

impl Kind {
    /// The constant's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "SOCK_STREAM",
            Self::Seqpacket => "SOCK_SEQPACKET",
            Self::Datagram => "SOCK_DGRAM",
        }
    }
}

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// A path, relative to the experiment's private directory.
    Path(String),
    /// A TCP port of 127.0.0.1.
    Loopback(u16),
    /// An abstract name: text, and so many NUL bytes behind it. All of them belong to the name.
    Abstract(String, usize),
    /// A family and no name: what asks `bind(2)` for a name of the kernel's choice.
    Unnamed,
}

impl Address {
    fn family(&self) -> &'static str {
        match self {
            Self::Path(_) | Self::Abstract(..) | Self::Unnamed => "AF_UNIX",
            Self::Loopback(_) => "AF_INET",
        }
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// `socket(2)` in the family of an address.
    Socket(Address, Kind),
    /// `bind(2)`.
    Bind(i32, Address),
    /// `listen(2)`.
    Listen(i32, i32),
    /// `connect(2)`.
    Connect(i32, Address),
    /// `accept(2)`.
    Accept(i32),
    /// `getsockname(2)`: the port, for an AF_INET socket.
    Port(i32),
    /// `write(2)`.
    Write(i32, String),
    /// `read(2)` with room for so many bytes.
    Read(i32, usize),
    /// `getsockopt(2)` with `SO_PEERCRED`.
    PeerCredentials(i32),
    /// `getsockopt(2)` with `SO_ACCEPTCONN`: 1 when it listens.
    Listening(i32),
    /// `sendmsg(2)` of some bytes with one descriptor attached.
    SendDescriptor(i32, String, i32),
    /// `recvmsg(2)` with room for descriptors.
    ReceiveDescriptor(i32, usize),
    /// `close(2)`.
    Close(i32),
    /// `open(2)` for reading.
    Open(String),
    /// `lstat(2)`.
    Stat(String),
    /// `unlink(2)`.
    Unlink(String),
    /// `mkdir(2)` with mode 0700.
    Mkdir(String),
    /// `rmdir(2)`.
    Rmdir(String),
    /// `getenv(3)` in the process itself.
    Getenv(String),
    /// `execve(2)` in a child, with exactly this environment; the program answers `getenv(3)`, and
    /// that is the call this order stands for.
    Execute(Environment, String),
    /// Something that read(2) cannot read: makes a descriptor of this kind.
    Descriptor(Special),
    /// A call that needs nothing but one descriptor.
    On(i32, Deed),
    /// `dup(2)`.
    Duplicate(i32),
    /// `open(2)` for reading, with `O_CLOEXEC` written out.
    OpenClosing(String),
    /// `recvmsg(2)` without flags, with room for descriptors.
    ReceiveInherited(i32, usize),
    /// `signal(2)`: SIGPIPE has its default action from here on.
    DefaultSigpipe,
    /// Something about processes and their identity.
    Identity(Act),
    /// Something about the environment.
    Letter(Letter),
    /// Something about descriptors that are handed on.
    Handed(Handed),
    /// Something about where the process stands.
    Place(Place),
    /// Something about files.
    File(Touch),
    /// Something more about sockets.
    Traffic(Traffic),
    /// Something about where a process stands.
    Standing(Standing),
}

/// The environment a program is started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Environment {
    /// Nothing at all.
    Empty,
    /// What the starting process has.
    Own,
}

/// Kinds of descriptors that are no byte streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Special {
    /// `pidfd_open(2)` of the process itself.
    Pidfd,
    /// `epoll_create1(2)`.
    Epoll,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Got {
    /// Nothing but success.
    Done,
    /// A descriptor.
    Descriptor(i32),
    /// A count of bytes.
    Count(usize),
    /// Whether an option is on.
    Flag(bool),
    /// A port number.
    Port(u16),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Process, user and group. Uid and gid are −1 where there is nobody.
    Credentials(i32, i64, i64),
    /// Bytes, and the descriptors that came with them.
    Message(Vec<u8>, Vec<i32>),
    /// What lstat(2) tells.
    Stat {
        /// `socket`, `file` or `directory`.
        kind: String,
        /// Permission bits.
        mode: u32,
        /// Size in bytes.
        size: i64,
        /// Inode number.
        inode: u64,
    },
    /// The value of a variable, if it is set.
    Value(Option<String>),
    /// Something with a name of its own: flags, the name of a socket.
    Text(String),
    /// Nothing: the process was killed by the signal with this name.
    Killed(String),
    /// A process.
    Process(i32),
    /// Bytes, and the credentials that came with them: process, user and group.
    Signed(Vec<u8>, Option<(i32, i64, i64)>),
    /// What a status file says.
    Status(Status),
    /// That something can be read.
    Readable,
    /// Two descriptors.
    Ends(i32, i32),
    /// What a look at files told.
    Account(Account),
    /// A message with what came beside it.
    Arrival(Arrival),
    /// A number.
    Number(i64),
}

/// What became of an order: what it gave, or the errno.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The order, as strace would write it: for saying what was not foreseen.
    pub call: String,
    /// What it gave, or the number of the error.
    pub result: Result<Got, i32>,
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.as_bytes().escape_ascii())
}

fn address(address: &Address) -> String {
    match address {
        Address::Path(path) => quoted(path),
        Address::Loopback(port) => format!("127.0.0.1:{port}"),
        Address::Abstract(name, 0) => format!("@{}", quoted(name)),
        Address::Abstract(name, nuls) => format!("@{} + {nuls} NULs", quoted(name)),
        Address::Unnamed => "AF_UNIX without a name".to_owned(),
    }
}

impl Order {
    /// The call as strace would write it, shortened to what matters.
    pub fn text(&self) -> String {
        match self {
            Self::Socket(at, kind) => format!("socket({}, {}, 0)", at.family(), kind.name()),
            Self::Bind(fd, at) => format!("bind({fd}, {})", address(at)),
            Self::Listen(fd, backlog) => format!("listen({fd}, {backlog})"),
            Self::Connect(fd, at) => format!("connect({fd}, {})", address(at)),
            Self::Accept(fd) => format!("accept({fd})"),
            Self::Port(fd) => format!("getsockname({fd})"),
            Self::Write(fd, bytes) => format!("write({fd}, {}, {})", quoted(bytes), bytes.len()),
            Self::Read(fd, size) => format!("read({fd}, buffer, {size})"),
            Self::PeerCredentials(fd) => format!("getsockopt({fd}, SO_PEERCRED)"),
            Self::Listening(fd) => format!("getsockopt({fd}, SO_ACCEPTCONN)"),
            Self::SendDescriptor(fd, bytes, sent) => {
                format!("sendmsg({fd}, {}, SCM_RIGHTS [{sent}])", quoted(bytes))
            }
            Self::ReceiveDescriptor(fd, size) => format!("recvmsg({fd}, buffer, {size})"),
            Self::Close(fd) => format!("close({fd})"),
            Self::Open(path) => format!("open({}, O_RDONLY)", quoted(path)),
            Self::Stat(path) => format!("lstat({})", quoted(path)),
            Self::Unlink(path) => format!("unlink({})", quoted(path)),
            Self::Mkdir(path) => format!("mkdir({}, 0700)", quoted(path)),
            Self::Rmdir(path) => format!("rmdir({})", quoted(path)),
            Self::Getenv(name) | Self::Execute(_, name) => format!("getenv({})", quoted(name)),
            Self::Descriptor(Special::Pidfd) => "pidfd_open(getpid(), 0)".to_owned(),
            Self::Descriptor(Special::Epoll) => "epoll_create1(0)".to_owned(),
            Self::On(fd, deed) => deed.text(*fd),
            Self::Duplicate(fd) => format!("dup({fd})"),
            Self::OpenClosing(path) => format!("open({}, O_RDONLY|O_CLOEXEC)", quoted(path)),
            Self::ReceiveInherited(fd, size) => format!("recvmsg({fd}, buffer, {size}, 0)"),
            Self::DefaultSigpipe => "signal(SIGPIPE, SIG_DFL)".to_owned(),
            Self::Identity(act) => act.text(),
            Self::Letter(letter) => letter.text(),
            Self::Handed(handed) => handed.text(),
            Self::Place(place) => place.text(),
            Self::File(touch) => touch.text(),
            Self::Traffic(traffic) => traffic.text(),
            Self::Standing(standing) => standing.text(),
        }
    }
}

impl Outcome {
    /// What strace would write after the `=`.
    pub fn text(&self) -> String {
        match &self.result {
            Err(number) => {
                let errno = Errno::from_raw(*number);
                format!("-1 {errno:?} ({})", words(errno))
            }
            Ok(Got::Done) => "0".to_owned(),
            Ok(Got::Descriptor(fd)) => fd.to_string(),
            Ok(Got::Count(count)) => count.to_string(),
            Ok(Got::Flag(true)) => "0, 1 (it listens)".to_owned(),
            Ok(Got::Flag(false)) => "0, 0 (it does not listen)".to_owned(),
            Ok(Got::Port(port)) => format!("0, 127.0.0.1:{port}"),
            Ok(Got::Bytes(bytes)) if bytes.is_empty() => "0".to_owned(),
            Ok(Got::Bytes(bytes)) => format!("{} \"{}\"", bytes.len(), bytes.escape_ascii()),
            Ok(Got::Credentials(pid, uid, gid)) => format!("0, pid {pid}, uid {uid}, gid {gid}"),
            Ok(Got::Message(bytes, fds)) => {
                let what = if fds.is_empty() {
                    "no descriptor".to_owned()
                } else {
                    format!("SCM_RIGHTS {fds:?}")
                };
                format!("{} \"{}\", {what}", bytes.len(), bytes.escape_ascii())
            }
            Ok(Got::Stat {
                kind, mode, size, ..
            }) => {
                format!("0, {kind}, mode {mode:04o}, size {size}")
            }
            Ok(Got::Value(None)) => "not set".to_owned(),
            Ok(Got::Value(Some(value))) => quoted(value),
            Ok(Got::Text(text)) => text.clone(),
            Ok(Got::Killed(signal)) => format!("killed by {signal}"),
            Ok(Got::Process(pid)) => pid.to_string(),
            Ok(Got::Signed(bytes, credentials)) => identity::signed_text(bytes, *credentials),
            Ok(Got::Status(status)) => identity::status_text(status),
            Ok(Got::Readable) => "1, readable".to_owned(),
            Ok(Got::Ends(one, other)) => format!("0, [{one}, {other}]"),
            Ok(Got::Account(account)) => account.text(),
            Ok(Got::Arrival(arrival)) => arrival.text(),
            Ok(Got::Number(number)) => number.to_string(),
        }
    }

    /// `success`, or the name of the error, or of the signal that ended the process.
    pub fn name(&self) -> String {
        match &self.result {
            Ok(Got::Killed(signal)) => signal.clone(),
            Ok(_) => "success".to_owned(),
            Err(number) => format!("{:?}", Errno::from_raw(*number)),
        }
    }

    pub(super) fn unforeseen(&self) -> Failure {
        Failure::Unforeseen {
            call: self.call.clone(),
            result: self.text(),
        }
    }

    /// Success and nothing else.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when the call failed.
    pub fn done(&self) -> Result<(), Failure> {
        self.result
            .as_ref()
            .map(drop)
            .map_err(|_| self.unforeseen())
    }

    /// The descriptor it gave.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it gave none.
    pub fn descriptor(&self) -> Result<i32, Failure> {
        match self.result {
            Ok(Got::Descriptor(fd)) => Ok(fd),
            _ => Err(self.unforeseen()),
        }
    }

    /// The port it gave.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it gave none.
    pub fn port(&self) -> Result<u16, Failure> {
        match self.result {
            Ok(Got::Port(port)) => Ok(port),
            _ => Err(self.unforeseen()),
        }
    }

    /// The bytes it gave, as text.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it gave none.
    pub fn bytes(&self) -> Result<String, Failure> {
        match &self.result {
            Ok(Got::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            _ => Err(self.unforeseen()),
        }
    }

    /// The credentials it gave.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it gave none.
    pub fn credentials(&self) -> Result<(i32, i64, i64), Failure> {
        match self.result {
            Ok(Got::Credentials(pid, uid, gid)) => Ok((pid, uid, gid)),
            _ => Err(self.unforeseen()),
        }
    }

    /// What lstat(2) told: kind, permission bits and size as text, and the inode.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when the call was no lstat(2).
    pub fn stat(&self) -> Result<(String, u64), Failure> {
        match &self.result {
            Ok(Got::Stat {
                kind,
                mode,
                size,
                inode,
            }) => Ok((format!("{kind}, mode {mode:04o}, size {size}"), *inode)),
            _ => Err(self.unforeseen()),
        }
    }

    /// Whether the option is on.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when the call was no look at an option.
    pub fn flag(&self) -> Result<bool, Failure> {
        match self.result {
            Ok(Got::Flag(flag)) => Ok(flag),
            _ => Err(self.unforeseen()),
        }
    }

    /// The descriptors that came with the message.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when there was no message.
    pub fn descriptors(&self) -> Result<&[i32], Failure> {
        match &self.result {
            Ok(Got::Message(_, fds)) => Ok(fds),
            _ => Err(self.unforeseen()),
        }
    }

    /// The value of the variable; `None` when it is not set.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when the call was no look at a variable.
    pub fn value(&self) -> Result<Option<&str>, Failure> {
        match &self.result {
            Ok(Got::Value(value)) => Ok(value.as_deref()),
            _ => Err(self.unforeseen()),
        }
    }

    /// What it told: flags, or the name of a socket.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it told nothing.
    pub fn told(&self) -> Result<&str, Failure> {
        match &self.result {
            Ok(Got::Text(text)) => Ok(text),
            _ => Err(self.unforeseen()),
        }
    }

    /// The count or position it gave.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it gave none.
    pub fn count(&self) -> Result<usize, Failure> {
        match self.result {
            Ok(Got::Count(count)) => Ok(count),
            _ => Err(self.unforeseen()),
        }
    }

    /// The process it gave.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it gave none.
    pub fn process(&self) -> Result<i32, Failure> {
        match self.result {
            Ok(Got::Process(pid)) => Ok(pid),
            _ => Err(self.unforeseen()),
        }
    }

    /// The bytes as text, and the credentials that came with them.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when there was no message.
    #[expect(
        clippy::type_complexity,
        reason = "process, user and group, if they came"
    )]
    pub fn signed(&self) -> Result<(String, Option<(i32, i64, i64)>), Failure> {
        match &self.result {
            Ok(Got::Signed(bytes, credentials)) => {
                Ok((String::from_utf8_lossy(bytes).into_owned(), *credentials))
            }
            _ => Err(self.unforeseen()),
        }
    }

    /// What the status file said.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when the call was no look at one.
    pub fn status(&self) -> Result<&Status, Failure> {
        match &self.result {
            Ok(Got::Status(status)) => Ok(status),
            _ => Err(self.unforeseen()),
        }
    }
    /// The two descriptors it gave.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it gave none.
    pub fn ends(&self) -> Result<(i32, i32), Failure> {
        match self.result {
            Ok(Got::Ends(one, other)) => Ok((one, other)),
            _ => Err(self.unforeseen()),
        }
    }
}
/// What strace says of an error: strerror(3).
fn words(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}
