//! What the grader asks of the supervisor, and what that answers.

use serde::{Deserialize, Serialize};

use super::{Bytes, Draw, Outcome, SocketAddress};
use crate::check::bounds::{Bounds, Excess};
use crate::check::verdict::{Event, Leftover};
use crate::curriculum::scenario::{Children, Moment, Printed, SocketType, Waits, Whom};
use crate::sys::spawn::{Identity, Limits};

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
        /// What its standard input is.
        stdin: StdinKind,
        /// The descriptors it has beside the standard ones: 3 and so on.
        inherits: Vec<Inherited>,
        /// Its umask.
        umask: u32,
        /// What its standard output is.
        stdout: StdoutKind,
        /// Bytes of its standard output that are kept whole.
        keep_output: u64,
        /// Whose the first process is.
        first: First,
        /// The only directory it may write in, where the kernel can fence it in; `None`: only its
        /// signals are fenced in.
        fence: Option<Bytes>,
    },
    /// Wait until the address is a socket that listens, or, of datagrams, that receives; or the
    /// instance has ended.
    AwaitReady {
        /// The instance.
        name: String,
        /// The address.
        at: SocketAddress,
        /// The type of socket.
        kind: SocketType,
        /// How long at most.
        within_ms: u64,
    },
    /// Send a signal to the main process, or to the one that it has started last.
    Signal {
        /// The instance.
        name: String,
        /// Which of its processes.
        whom: Whom,
        /// The number.
        signal: i32,
        /// When.
        moment: Moment,
    },
    /// Wait until it sleeps, SIGSTOP, wait until stopped, SIGCONT.
    Interrupt {
        /// The instance.
        name: String,
        /// How long stopping may take.
        within_ms: u64,
    },
    /// Wait until it sleeps, SIGSTOP, wait until stopped.
    Pause {
        /// The instance.
        name: String,
        /// How long at most.
        within_ms: u64,
    },
    /// SIGCONT.
    Resume {
        /// The instance.
        name: String,
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
        /// Where it must come.
        stream: Printed,
        /// The exact line, without its line feed.
        line: Bytes,
        /// How long at most.
        within_ms: u64,
    },
    /// Wait until it sleeps in a system call, with all its threads and children.
    AwaitSleep {
        /// The instance.
        name: String,
        /// How long at most.
        within_ms: u64,
    },
    /// Wait for a stretch of time in which it hardly runs and hardly wants to.
    AwaitIdle {
        /// The instance.
        name: String,
        /// How long at most.
        within_ms: u64,
    },
    /// Wait for the end of its standard output, and compare.
    AwaitOutput {
        /// The instance.
        name: String,
        /// What it must be.
        data: Draw,
        /// How long at most.
        within_ms: u64,
    },
    /// Wait for the end of its standard output, and hand it over.
    AwaitPrinted {
        /// The instance.
        name: String,
        /// How long at most.
        within_ms: u64,
    },
    /// Remember what memory it holds now.
    NoteMemory {
        /// The instance.
        name: String,
    },
    /// Tell the peak of its memory.
    Memory {
        /// The instance.
        name: String,
    },
    /// Remember how often each thread has gone to sleep.
    NoteWakeups {
        /// The instance.
        name: String,
    },
    /// Tell how many threads have gone to sleep since.
    Wakeups {
        /// The instance.
        name: String,
    },
    /// Remember which processes the main process has started.
    NoteChildren {
        /// The instance.
        name: String,
    },
    /// Wait until they are as they must be.
    AwaitChildren {
        /// The instance.
        name: String,
        /// What they must be.
        children: Children,
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
    /// Wait until an instance has ended and all that it started with it.
    AwaitNothingLeft {
        /// The instance.
        name: String,
        /// How long at most.
        within_ms: u64,
    },
    /// Tell what instances that have ended have left.
    Leftovers,
    /// Kill all that is left, reap it, remove what is the programs' own, and tell what it was.
    Finish,
    /// The grader has that answer: the arena is not the supervisor's to remove any more.
    Release,
}

/// Whose the process is that is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum First {
    /// The program's.
    Program,
    /// A monitor's, which starts the program and is not needed afterwards.
    Monitor,
}

/// What a program's standard input is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StdinKind {
    /// /dev/null.
    Nothing,
    /// This file.
    File(Bytes),
    /// A connection to a socket at this path; it is the standard output as well.
    Connection(Connecting),
}

/// A connection that the supervisor makes for the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connecting {
    /// Where a peer listens.
    pub path: Bytes,
    /// SO_SNDBUF of the program's end.
    pub send_buffer: Option<u32>,
}

/// What a program has as a descriptor beside the standard ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inherited {
    /// A connection.
    Connection {
        /// Where to.
        connecting: Connecting,
        /// Whether calls on it wait.
        waits: Waits,
    },
    /// A socket that listens at a path; of datagrams, one that is bound there. It stays, as a
    /// service manager's does: an instance that is started later has the same.
    Listener {
        /// The path.
        path: Bytes,
        /// Its type.
        kind: SocketType,
        /// Whether calls on it wait.
        waits: Waits,
    },
    /// This file, open for reading.
    File(Bytes),
}

/// What a program's standard output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StdoutKind {
    /// A pipe, as the exercises say.
    Pipe,
    /// A pseudo-terminal: to find out whether a missing line sits in a buffer.
    Terminal,
    /// /dev/full.
    Full,
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
    /// A signal could not be sent in the instant that was asked for, and was not sent.
    NoSuchMoment,
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
    /// What standard output was, compared; the fields of the outcome that have to do with
    /// connections are empty.
    Output(Box<Outcome>),
    /// What it printed on standard output so far, as much as is kept whole.
    Printed {
        /// The bytes.
        output: Bytes,
    },
    /// Memory, in bytes.
    Memory {
        /// The peak of what was resident since it was noted (VmHWM).
        peak: u64,
        /// What was resident when it was noted.
        noted: u64,
    },
    /// Threads that have gone to sleep since that was noted.
    Wakeups {
        /// How many.
        woke: u64,
        /// How many there are.
        threads: u64,
    },
    /// Children that are not as they must be.
    Children(Box<ChildrenSeen>),
    /// Yes or no.
    Owned {
        /// The answer.
        yes: bool,
    },
    /// What programs have left.
    Left {
        /// All of it.
        left: Vec<Left>,
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

/// Something that is left. Who is in the supervisor's Landlock domain may not look at what processes
/// outside of it have open (landlock(7)): that is the grader's to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// What.
    pub leftover: Leftover,
    /// The path by which another process of the same user may have it open: then it is not the
    /// program's. None where it is the program's beyond doubt, or nobody can say.
    pub unless_open: Option<Bytes>,
}

impl Left {
    /// What no other process's descriptors can explain.
    pub fn beyond_doubt(leftover: Leftover) -> Self {
        Self {
            leftover,
            unless_open: None,
        }
    }
}

/// Children of an instance that are not as they must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildrenSeen {
    /// What is wrong first: `ended` (its parent has not waited for it), `count`, `same`,
    /// `descriptors`, `variables`, `no-new-privs`, `seccomp`, or empty.
    pub wrong: String,
    /// How many there are.
    pub count: u64,
    /// The child in question, or 0.
    pub pid: i32,
    /// Descriptors that it has open.
    pub descriptors: u64,
    /// Names in its environment that may not be there.
    pub variables: Vec<String>,
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
    /// Whether that descriptor is O_NONBLOCK.
    pub syscall_fd_nonblocking: bool,
    /// While it sleeps on a connected socket: whether a listening socket of its is O_NONBLOCK.
    pub listener_nonblocking: bool,
    /// The inode of its peer, when that is a connected socket; 0: none.
    pub syscall_fd_peer: u32,
    /// Threads, its own and of all below it.
    pub threads: usize,
    /// Descriptors open now.
    pub descriptors: usize,
    /// Descriptors open when it became ready; the standard three until then.
    pub descriptors_at_ready: usize,
    /// Its standard output, bounded.
    pub stdout: Bytes,
    /// Bytes on standard output in all.
    pub printed: u64,
    /// Its standard error, bounded.
    pub stderr: Bytes,
}
