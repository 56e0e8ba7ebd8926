//! The step vocabulary: what a stage does to the learner's program, as data.
//!
//! A stage is a list of steps written in `exercise.toml`. Reading them is `scenario/read`, bytes to
//! send are `scenario/payload`, sockets that are only there are `scenario/socket`; carrying steps
//! out is [`crate::check`]'s. Sizes are bytes, times are milliseconds.

mod children;
mod compare;
mod entry;
mod file;
mod frames;
mod listed;
mod message;
mod passed;
mod payload;
mod read;
mod socket;
mod start;

use serde::{Deserialize, Serialize};

pub use self::children::Children;
pub use self::entry::{ExpectEntry, Field, FieldValue};
pub use self::file::{ExpectFile, FileContent, MakeFile, PathKind};
pub use self::frames::{Delivery, Filters, FrameFault};
pub use self::listed::{Listed, Unlisted};
pub use self::message::{
    Access, Attached, AttachedFile, Binding, Claim, ExpectDescriptor, ExpectMessage, FileKind,
    OpenSocket, Seal, SendMessage, Sender, WhenFull,
};
pub use self::passed::{Passed, PassedState, Waits};
pub use self::payload::{Drawn, Payload};
pub use self::read::verbs;
pub use self::socket::{MakeSocket, Namespace, SocketFile, SocketName, SocketState, SocketType};
pub use self::start::{Sink, Start, Wait};
use super::reader::Located;
use crate::differential::examine::Examination;

/// The first instance of the program: the one that a step means when it names none.
pub const FIRST: &str = "program";

/// One step of a stage.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The rule that is broken when it does not go as it must, by id.
    pub rule: Located<String>,
    /// How long it may take, in milliseconds, before patience is applied; `None`: the default.
    pub within: Option<u64>,
}

/// What a step does. Names of instances (`program`), connections (`a`) and peers (`peer`) are the
/// author's.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Starts an instance of the program and waits as told.
    Start(Box<Start>),
    /// Makes the file that `{file}` stands for.
    WriteFile {
        /// Its content.
        data: Payload,
    },
    /// Makes a file, a directory or a symbolic link of the program's user.
    MakeFile(MakeFile),
    /// Removes a file that is no directory.
    RemoveFile {
        /// Where.
        path: String,
    },
    /// Looks at what stands at a path.
    ExpectFile(ExpectFile),
    /// Waits until an instance sleeps in a system call, with all its threads.
    WaitAsleep {
        /// The instance.
        name: String,
    },
    /// An instance must neither run nor want to: it waits for what it is given.
    ExpectIdle {
        /// The instance.
        name: String,
    },
    /// Remembers how much memory an instance holds now, for `expect-memory`.
    NoteMemory {
        /// The instance.
        name: String,
    },
    /// The peak of an instance's resident memory since it was ready, or since `note-memory`.
    ExpectMemory {
        /// The instance.
        name: String,
        /// By how many bytes it may have grown.
        growth: u64,
    },
    /// Waits until an instance sleeps, and remembers how often each of its threads has gone to sleep.
    NoteWakeups {
        /// The instance.
        name: String,
    },
    /// Waits until it sleeps again; no more of its threads may have been awake since.
    ExpectWakeups {
        /// The instance.
        name: String,
        /// Threads, with those of all its children.
        at_most: u64,
    },
    /// Remembers which processes an instance has started.
    NoteChildren {
        /// The instance.
        name: String,
    },
    /// Waits until the processes that an instance has started are these, and as they must be.
    ExpectChildren {
        /// The instance.
        name: String,
        /// What they must be.
        children: Children,
    },
    /// Lets an instance open only so many more descriptors (RLIMIT_NOFILE).
    LimitDescriptors {
        /// The instance.
        name: String,
        /// How many more; `None`: as many as when it was started.
        spare: Option<u64>,
    },
    /// A peer that is the program's user keeps descriptors in flight until the stage ends: the
    /// kernel counts those of a user together, whoever sent them (unix(7), ETOOMANYREFS).
    KeepInFlight {
        /// How many.
        descriptors: u32,
    },
    /// Waits for the end of an instance's standard output, which must be exactly this.
    ExpectOutput {
        /// The instance.
        name: String,
        /// The output.
        data: Payload,
    },
    /// A peer listens at an address, for the program to connect to.
    Listen {
        /// The new listener.
        listener: String,
        /// Where.
        at: At,
        /// Connections that may wait (listen(2)).
        backlog: u32,
        /// Permissions of the name; `None`: those that the umask leaves.
        mode: Option<u32>,
        /// The type of socket.
        kind: SocketType,
        /// The process that listens.
        peer: String,
    },
    /// Waits until the program connects, and accepts.
    Accept {
        /// The listener.
        listener: String,
        /// The new connection.
        connection: String,
    },
    /// Closes a listener and leaves its name: a stale name.
    StopListening {
        /// The listener.
        listener: String,
    },
    /// A peer makes sockets that are only there: for programs that look at the machine.
    MakeSocket(Box<MakeSocket>),
    /// Closes sockets that `make-socket` made, and leaves their files.
    CloseSocket {
        /// The sockets.
        socket: String,
    },
    /// Waits for the end of standard output; sockets must have their lines in it.
    ExpectListed(Listed),
    /// Waits for the end of standard output; sockets must have no such line in it.
    ExpectUnlisted(Unlisted),
    /// Puts a filter of frames behind every connection to a listener, until the stage ends or the
    /// next such step: what a program that tests filters is tried on.
    ServeFrames {
        /// The listener.
        listener: String,
        /// The filters.
        filters: Filters,
    },
    /// Sends a signal to an instance's main process, or to its child.
    Signal {
        /// The instance.
        name: String,
        /// Which of its processes.
        whom: Whom,
        /// Which, as in `TERM`.
        signal: String,
        /// When.
        moment: Moment,
    },
    /// Waits until an instance sleeps, stops it with SIGSTOP, and leaves it stopped: what happens
    /// until `resume` it finds all at once.
    Pause {
        /// The instance.
        name: String,
    },
    /// Continues an instance that `pause` stopped.
    Resume {
        /// The instance.
        name: String,
    },
    /// Waits until an instance sleeps, in a system call mostly, stops it with SIGSTOP, waits until
    /// it has stopped, and continues it: an interruption that no program can see coming.
    Interrupt {
        /// The instance.
        name: String,
    },
    /// Waits until an instance has ended, and looks at its status and its last words.
    ExpectExit {
        /// The instance.
        name: String,
        /// The status it must end with.
        status: ExitStatus,
        /// One of these must stand on its standard error, in capitals or not; empty: anything may.
        says: Vec<String>,
    },
    /// The instance must still run.
    ExpectRunning {
        /// The instance.
        name: String,
    },
    /// Connects to the address, as a peer process of that name.
    Connect {
        /// The new connection.
        connection: String,
        /// The process that connects.
        peer: String,
        /// SO_SNDBUF of our end, as setsockopt(2) is given it; `None`: the default.
        send_buffer: Option<u32>,
        /// Whose process it is.
        user: Who,
    },
    /// Opens a datagram socket, as a peer process of that name.
    OpenSocket(OpenSocket),
    /// Sends one message, with what goes with it.
    SendMessage(Box<SendMessage>),
    /// Reads one message, which must be this.
    ExpectMessage(Box<ExpectMessage>),
    /// Waits until the program sleeps; by then no message may have come.
    ExpectNoMessage {
        /// The connection, or the socket.
        connection: String,
    },
    /// Looks at a descriptor that came with the last message.
    ExpectDescriptor(Box<ExpectDescriptor>),
    /// Reads one datagram, which must be an entry for the journal.
    ExpectEntry(Box<ExpectEntry>),
    /// Adds to the eventfd that went with a message last.
    AddToEventfd {
        /// The connection, or the socket.
        connection: String,
        /// How much.
        count: u64,
    },
    /// Ends a peer process, and waits until it is gone.
    EndPeer {
        /// The process.
        peer: String,
    },
    /// Many connections, so many of them at once; each sends and must get it back.
    ManyClients {
        /// Connections in all.
        count: u64,
        /// How many are open at the same time.
        at_once: u64,
        /// What each sends.
        data: Payload,
        /// What must come back to each; `None`: the same.
        back: Option<Payload>,
    },
    /// Sends random bytes until so many are sent or the program takes no more; an end or a reset is
    /// well.
    Flood {
        /// The connection.
        connection: String,
        /// Bytes at most.
        bytes: u64,
    },
    /// The connection must have been answered by this instance (SO_PEERCRED).
    ExpectServedBy {
        /// The connection.
        connection: String,
        /// The instance.
        name: String,
    },
    /// Sends bytes, all of them.
    Send {
        /// The connection.
        connection: String,
        /// What.
        data: Payload,
        /// Bytes per `send` call; `None`: all in one.
        piece: Option<u64>,
        /// The connection on which these bytes must come out; `None`: as the exercise's answers.
        due: Option<String>,
    },
    /// Sends bytes without reading until nothing more goes through, at most `limit`.
    SendUntilBlocked {
        /// The connection.
        connection: String,
        /// Bytes at most.
        limit: u64,
        /// The connection on which these bytes must come out; `None`: as the exercise says.
        due: Option<String>,
    },
    /// Sends and reads at the same time until all sent bytes have come back. With `back`, that must
    /// come in their place: from the program, or, sent on the connection `other` where `data` must
    /// come out, from there.
    Exchange {
        /// The connection.
        connection: String,
        /// What is sent on it.
        data: Payload,
        /// What must come back on it; `None`: the same.
        back: Option<Payload>,
        /// The connection on which `back` is sent and `data` must come out.
        other: Option<String>,
    },
    /// Sends bytes with descriptors attached to the first of them (SCM_RIGHTS).
    SendDescriptors {
        /// The connection.
        connection: String,
        /// The bytes that carry them.
        data: Payload,
        /// What can be read from the first descriptor.
        holds: Payload,
        /// What kind of file it is.
        file: PassedFile,
        /// How many copies of it are attached.
        count: u32,
    },
    /// Finishes what the pipe passed last can deliver: writes its content and closes it.
    FinishPipe {
        /// The connection it was passed on.
        connection: String,
    },
    /// Says "no more from me": shutdown(SHUT_WR).
    ShutDownWriting {
        /// The connection.
        connection: String,
    },
    /// Reads some of what has been sent and not yet come back, at most `bytes`.
    ReadSome {
        /// The connection.
        connection: String,
        /// Bytes at most.
        bytes: u64,
    },
    /// Reads all that is due on the connection and has not come yet, and compares.
    ExpectDue {
        /// The connection.
        connection: String,
    },
    /// Reads exactly so much, which must be this.
    ExpectBytes {
        /// The connection.
        connection: String,
        /// What must come.
        data: Payload,
    },
    /// Waits until an instance sleeps, and remembers how much of what it sent is unread.
    NoteQueue {
        /// The instance.
        name: String,
        /// Our end.
        connection: String,
    },
    /// The same, and the kernel must not take more: the next call that sends would block.
    ExpectFullQueue {
        /// The instance.
        name: String,
        /// Our end.
        connection: String,
        /// Or so many bytes have been taken: all there are, on a machine with large queues.
        or_taken: Option<u64>,
    },
    /// Waits until the program sleeps; by then nothing may have come.
    ExpectNothing {
        /// The connection.
        connection: String,
    },
    /// Reads to the end of the stream. First comes a beginning of `data` that ends between two
    /// frames, then `then`, then the end.
    ExpectCut {
        /// The connection.
        connection: String,
        /// All frames that may come.
        data: Payload,
        /// What must come in place of those that do not.
        then: Payload,
    },
    /// Sends the same again and again, and reads a reply each time, which must be `refused` until
    /// it is `back`.
    AskUntil {
        /// The connection.
        connection: String,
        /// What is sent.
        data: Payload,
        /// The reply that is waited for.
        back: Payload,
        /// The reply until then.
        refused: Payload,
        /// Milliseconds from a reply to the next sending.
        every: u64,
        /// Behind a longer pause, in milliseconds, `back` proves nothing, and is asked for anew.
        apart: Option<u64>,
    },
    /// Asks the program, which plays the kernel, what calls come back with, and has Linux make the same
    /// calls.
    Compare {
        /// The connection.
        connection: String,
        /// Which calls.
        examination: Examination,
    },
    /// Sends one byte after the other, until something can be read or the connection has ended:
    /// before all are gone, one of both must be.
    Drip {
        /// The connection.
        connection: String,
        /// What.
        data: Payload,
        /// Milliseconds from one byte to the next.
        every: u64,
    },
    /// Reads the end of the stream, and nothing before it.
    ExpectEnd {
        /// The connection.
        connection: String,
    },
    /// Waits until something can be read, then closes without reading it.
    Abandon {
        /// The connection.
        connection: String,
    },
    /// Closes the connection.
    Close {
        /// The connection.
        connection: String,
    },
    /// Waits for a line on the instance's standard output, or standard error. The text is a
    /// template over `peer` (`pid`, `uid`, `gid` of the process behind `connection`) and `queue`
    /// (what was measured last).
    ExpectLine {
        /// The instance.
        name: String,
        /// Where it must come.
        stream: Printed,
        /// The connection whose peer the line is about.
        connection: String,
        /// The exact line.
        text: String,
    },
    /// By now, no line may stand on the instance's standard output or standard error that begins so.
    /// What it does later is not waited for: a step before this one shows that it has come so far.
    ExpectNoLine {
        /// The instance.
        name: String,
        /// Where it must not stand.
        stream: Printed,
        /// How it begins.
        starts: String,
    },
    /// The instance must come back to as many open descriptors as when it became ready, or to the
    /// standard three where that was not waited for, give or take the connections that are open.
    ExpectNoLeakedDescriptors {
        /// The instance.
        name: String,
    },
    /// The instance has ended, and nothing of it may be left: no process, no socket's name at the
    /// address, no shared memory, queue or semaphore.
    ExpectNoLeftovers {
        /// The instance.
        name: String,
    },
    /// The pipe passed last, as the instance holds it now, must be close-on-exec.
    ExpectCloseOnExec {
        /// The instance.
        name: String,
        /// The connection it was passed on.
        connection: String,
    },
}

/// The user of a peer process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The program's own.
    Program,
    /// Another, in no group of the program's: only the superuser can play that.
    Stranger,
    /// Another, whose supplementary groups have the program's group among them.
    Member,
    /// The superuser.
    Superuser,
}

impl Action {
    /// Whether it asks nothing of the program, so that no rule can be broken in it.
    pub fn only_prepares(&self) -> bool {
        matches!(
            self,
            Self::WriteFile { .. }
                | Self::MakeFile(_)
                | Self::RemoveFile { .. }
                | Self::Listen { .. }
                | Self::StopListening { .. }
                | Self::MakeSocket(_)
                | Self::CloseSocket { .. }
        )
    }
}

/// Which process of an instance a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The one that was started.
    Program,
    /// The one that this has started last.
    Child,
}

/// When a signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Now, wherever the program is.
    Now,
    /// In the instant before the system call that it sleeps in: after it has looked whether a signal
    /// came, and before it sleeps.
    BeforeCall,
}

/// One of the addresses of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// The one that `{socket}` stands for.
    Socket,
    /// The one that `{other}` stands for.
    Other,
}

/// Where a program prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Printed {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a program must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitStatus {
    /// With status 0.
    Zero,
    /// With another status, by itself: not by a signal.
    NonZero,
    /// With exactly this status.
    Exactly(i32),
    /// In whatever way.
    Any,
}

/// A kind of file whose descriptor is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassedFile {
    /// A regular file, opened for reading.
    Regular,
    /// The reading end of a pipe; nothing is in it until `finish-pipe`.
    Pipe,
}
