//! What the grader and its two kinds of helper process say to each other: one JSON object a line.
//!
//! The *supervisor* owns the learner's program; a *peer* carries traffic with it. Times are
//! microseconds on CLOCK_MONOTONIC, waits are milliseconds. Carrying out is [`super::supervisor`]'s
//! and [`super::peer`]'s, asking is [`super::stage`]'s.

use serde::{Deserialize, Serialize};

use super::bounds::{Bounds, Excess};
use super::verdict::Event;
use crate::curriculum::scenario::PassedFile;
use crate::sys::spawn::{Identity, Limits};
use crate::untrusted::Untrusted;

/// Bytes in JSON: hexadecimal, since names and output need not be UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let digits = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16).ok()
        };
        let bytes = hex
            .as_bytes()
            .chunks(2)
            .map(digits)
            .collect::<Option<Vec<u8>>>();
        bytes
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not hexadecimal"))
    }
}

impl From<&Bytes> for Untrusted {
    fn from(bytes: &Bytes) -> Self {
        Self::new(bytes.0.clone())
    }
}

/// What the grader asks of the supervisor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Order {
    /// Keep what will be started within bounds, and remember a directory that has to go when the
    /// grader dies before it can remove it.
    Guard {
        /// The directory.
        directory: Bytes,
        /// The user that programs become.
        identity: Option<Identity>,
        /// What they may use, all together.
        bounds: Bounds,
    },
    /// Start an instance of the program.
    Start {
        /// The instance.
        name: String,
        /// Program and arguments.
        argv: Vec<Bytes>,
        /// The environment.
        env: Vec<(Bytes, Bytes)>,
        /// The working directory.
        cwd: Bytes,
        /// The user to become.
        identity: Option<Identity>,
        /// Limits.
        limits: Limits,
        /// What its standard output is.
        stdout: StdoutKind,
        /// The only directory it may write in, where the kernel can fence it in; `None`: no fence.
        fence: Option<Bytes>,
    },
    /// Wait until the address is a listening socket, or the instance has ended.
    AwaitReady {
        /// The instance.
        name: String,
        /// The address.
        path: Bytes,
        /// How long at most.
        within_ms: u64,
    },
    /// Send a signal to the main process.
    Signal {
        /// The instance.
        name: String,
        /// The number.
        signal: i32,
    },
    /// Wait until it sleeps, SIGSTOP, wait until stopped, SIGCONT.
    Interrupt {
        /// The instance.
        name: String,
        /// How long stopping may take.
        within_ms: u64,
    },
    /// Wait until the main process has ended.
    AwaitExit {
        /// The instance.
        name: String,
        /// How long at most.
        within_ms: u64,
    },
    /// Wait until a line stands on standard output.
    AwaitLine {
        /// The instance.
        name: String,
        /// The exact line, without its line feed.
        line: Bytes,
        /// How long at most.
        within_ms: u64,
    },
    /// Wait until no more than so many descriptors are open in the main process.
    AwaitDescriptors {
        /// The instance.
        name: String,
        /// The most.
        at_most: usize,
        /// How long at most.
        within_ms: u64,
    },
    /// Wait until the main process holds the pipe with this inode; tell its descriptor flags.
    AwaitPipe {
        /// The instance.
        name: String,
        /// Inode of the pipe.
        inode: u64,
        /// How long at most.
        within_ms: u64,
    },
    /// Tell all that can be seen of an instance.
    Look {
        /// The instance.
        name: String,
    },
    /// Tell the CPU time of an instance's main process.
    CpuTime {
        /// The instance.
        name: String,
    },
    /// Whether a process is one of the tree that was started as this instance.
    Owns {
        /// The instance.
        name: String,
        /// The process.
        pid: i32,
    },
    /// Hand over what happened since the last time.
    Events,
    /// Kill all that is left, reap it, and tell what it was.
    Finish,
}

/// What a program's standard output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StdoutKind {
    /// A pipe, as the exercises say.
    Pipe,
    /// A pseudo-terminal: to find out whether a missing line sits in a buffer.
    Terminal,
}

/// What the supervisor answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// Done.
    Done,
    /// The program could not be started.
    NotStarted {
        /// The errno's name.
        errno: String,
    },
    /// It did not happen in time.
    TimedOut,
    /// The instance ended first, or the thing asked for ended.
    Ended,
    /// The address listens.
    Ready {
        /// Device of the socket's inode.
        dev: u64,
        /// The inode.
        ino: u64,
    },
    /// Whether the pipe is close-on-exec in the main process.
    Pipe {
        /// FD_CLOEXEC.
        close_on_exec: bool,
    },
    /// All that can be seen.
    Seen(Box<Seen>),
    /// CPU time.
    CpuTime {
        /// In milliseconds.
        ms: u64,
    },
    /// Yes or no.
    Owned {
        /// The answer.
        yes: bool,
    },
    /// What happened.
    Events {
        /// In order; times are absolute.
        events: Vec<Event>,
    },
    /// The order could not be carried out: a fault of ours.
    Fault {
        /// Why.
        message: String,
    },
}

/// An instance as the kernel shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The main process.
    pub pid: i32,
    /// Whether it runs.
    pub running: bool,
    /// Its status, if it called exit.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether the signal that ended it is one we sent.
    pub killed_by_us: bool,
    /// Whether it is stopped (SIGSTOP and the like), and not by us.
    pub stopped: bool,
    /// The bound it was ended for.
    pub excess: Option<Excess>,
    /// CPU time of the main process, in milliseconds.
    pub cpu_ms: u64,
    /// The system call it sleeps in, by name; empty when it runs or we may not know.
    pub syscall: String,
    /// The descriptor that call is about.
    pub syscall_fd: Option<i32>,
    /// What that descriptor is.
    pub syscall_fd_kind: String,
    /// Descriptors open now.
    pub descriptors: usize,
    /// Descriptors open when it became ready.
    pub descriptors_at_ready: usize,
    /// Its standard output, bounded.
    pub stdout: Bytes,
    /// Its standard error, bounded.
    pub stderr: Bytes,
}

/// What the grader asks of a peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Deed {
    /// Become another user, if one is given, and tell who you are.
    Identify {
        /// The user to become.
        user: Option<Identity>,
    },
    /// Connect to a socket, by name but only if it is still this inode.
    Connect {
        /// The new connection.
        connection: String,
        /// The address.
        path: Bytes,
        /// Device and inode it had when it became ready; `None`: whatever is there.
        inode: Option<(u64, u64)>,
        /// How long at most.
        within_ms: u64,
    },
    /// Send bytes and remember them as due back.
    Send {
        /// The connection.
        connection: String,
        /// What.
        data: Draw,
        /// Bytes a call; `None`: all.
        piece: Option<u64>,
        /// How long at most.
        within_ms: u64,
    },
    /// Send until the socket takes no more.
    SendUntilBlocked {
        /// The connection.
        connection: String,
        /// What; its length is the limit.
        data: Draw,
        /// How many bytes of it to leave out at the beginning.
        from: u64,
        /// How long at most.
        within_ms: u64,
    },
    /// Send and read at once.
    Exchange {
        /// The connection.
        connection: String,
        /// What.
        data: Draw,
        /// How long at most.
        within_ms: u64,
    },
    /// Send bytes with descriptors attached.
    SendDescriptors {
        /// The connection.
        connection: String,
        /// The carrying bytes.
        data: Draw,
        /// What the first descriptor can deliver.
        holds: Draw,
        /// What kind of file.
        file: PassedFile,
        /// How many.
        count: u32,
        /// How long at most.
        within_ms: u64,
    },
    /// Write the content of the pipe passed last, and close it.
    FinishPipe {
        /// The connection.
        connection: String,
        /// How long at most.
        within_ms: u64,
    },
    /// shutdown(SHUT_WR).
    ShutDownWriting {
        /// The connection.
        connection: String,
    },
    /// Read at most so many of the bytes that are due, and compare.
    Read {
        /// The connection.
        connection: String,
        /// At most; `None`: all that are due.
        bytes: Option<u64>,
        /// How long at most.
        within_ms: u64,
    },
    /// Read the end of the stream.
    ReadEnd {
        /// The connection.
        connection: String,
        /// How long at most.
        within_ms: u64,
    },
    /// Wait until something can be read, then close.
    Abandon {
        /// The connection.
        connection: String,
        /// How long at most.
        within_ms: u64,
    },
    /// Close.
    Close {
        /// The connection.
        connection: String,
    },
}

/// A payload to draw: see [`super::payload::bytes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// What.
    pub payload: crate::curriculum::scenario::Payload,
    /// The seed.
    pub seed: u64,
    /// Which payload of the stage.
    pub place: u64,
}

/// What a peer answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it went.
    pub result: DeedResult,
    /// The errno's name, when a call failed.
    pub errno: String,
    /// The call that failed, or that was waited in.
    pub call: String,
    /// Bytes sent on this connection so far.
    pub sent: u64,
    /// Bytes received on this connection so far.
    pub received: u64,
    /// Bytes that were due when the deed began.
    pub due: u64,
    /// How many of the bytes received in this deed are as they must be.
    pub same: u64,
    /// Where the first NUL is in the bytes due, if there is one.
    pub first_nul: Option<u64>,
    /// Descriptors attached on this connection so far.
    pub descriptors_sent: u64,
    /// A window of the bytes due, around the first difference.
    pub window_due: Bytes,
    /// The window of the bytes received at the same place.
    pub window_received: Bytes,
    /// Offset of the windows in the bytes due.
    pub window_at: u64,
    /// The process at the other end, as recorded at listen (SO_PEERCRED).
    pub server: Option<Credentials>,
    /// Who this peer is.
    pub me: Credentials,
    /// Inode of the pipe passed last.
    pub pipe_inode: u64,
    /// When it was over.
    pub at_us: u64,
}

/// Process, user and group (unix(7), struct ucred).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Process id.
    pub pid: i32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// How a deed went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeedResult {
    /// As it should.
    #[default]
    Done,
    /// The deadline passed.
    TimedOut,
    /// The stream ended too early.
    End,
    /// ECONNRESET.
    Reset,
    /// Other bytes came.
    Mismatch,
    /// More bytes came than were due.
    Extra,
    /// A call failed; see `errno`.
    Errno,
    /// The name is not the socket that became ready.
    Replaced,
    /// The deed makes no sense: a fault of the exercise.
    Fault,
}
