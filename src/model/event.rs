//! What happens inside while a call runs: one event for each change, with what was before.

use nix::errno::Errno;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::address::Name;
use super::call::{Fd, Interest, Type};
use super::id::{EpollId, FileId, NodeId, Pid, PipeId, SkbId, SockId};
use super::outcome::{Credentials, Wait};
use super::row::Row;
use super::socket::{Shut, State};

/// A change, or a check that refused.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "the fields say what they are: `before` and `after` above all"
)]
pub enum Event {
    /// A check said no; the call ends with this errno.
    Refused {
        #[schemars(with = "String")]
        row: Row,
        #[serde(serialize_with = "as_name")]
        #[schemars(with = "String")]
        errno: Errno,
    },
    /// A process got a descriptor.
    DescriptorInstalled { pid: Pid, fd: Fd, file: FileId },
    /// A process gave a descriptor up.
    DescriptorClosed { pid: Pid, fd: Fd, file: FileId },
    /// An open file description came into being.
    FileOpened { file: FileId },
    /// Something took or dropped a reference to it.
    References {
        file: FileId,
        before: u32,
        after: u32,
    },
    /// Nothing refers to it any more.
    FileReleased { file: FileId },
    /// Its offset moved.
    Offset {
        file: FileId,
        before: u64,
        after: u64,
    },
    /// It blocks, or no longer.
    Nonblock {
        file: FileId,
        before: bool,
        after: bool,
    },
    /// A socket came into being.
    SocketCreated { sock: SockId, ty: Type },
    /// It changed its state.
    SocketState {
        sock: SockId,
        before: State,
        after: State,
    },
    /// It points to another peer.
    Peer {
        sock: SockId,
        before: Option<SockId>,
        after: Option<SockId>,
    },
    /// It has a name now.
    Named {
        sock: SockId,
        #[schemars(with = "String")]
        name: Name,
    },
    /// A name leads to it no longer.
    Unnamed {
        sock: SockId,
        #[schemars(with = "String")]
        name: Name,
    },
    /// It is dead: nobody has a descriptor of it, and none is under way.
    SocketDied { sock: SockId },
    /// It takes so many waiting connections, or datagrams.
    Backlog {
        sock: SockId,
        before: u32,
        after: u32,
    },
    /// What may no longer be sent or received.
    Shutdown {
        sock: SockId,
        before: Shut,
        after: Shut,
    },
    /// An error waits to be told, or was told.
    Pending {
        sock: SockId,
        #[serde(serialize_with = "as_names")]
        #[schemars(with = "Option<String>")]
        before: Option<Errno>,
        #[serde(serialize_with = "as_names")]
        #[schemars(with = "Option<String>")]
        after: Option<Errno>,
    },
    /// Memory that is charged to it, in bytes.
    Charged {
        sock: SockId,
        before: u32,
        after: u32,
    },
    /// What SO_PEERCRED will say of it.
    PeerCredentials { sock: SockId, of: Credentials },
    /// A buffer was put at the end of a queue.
    Queued {
        sock: SockId,
        skb: SkbId,
        from: SockId,
        len: usize,
        files: Vec<FileId>,
    },
    /// Bytes of a buffer were read.
    Consumed {
        sock: SockId,
        skb: SkbId,
        before: usize,
        after: usize,
    },
    /// A buffer left its queue.
    Dequeued { sock: SockId, skb: SkbId },
    /// A connection waits at a listener.
    EmbryoQueued { listener: SockId, embryo: SockId },
    /// A connection was accepted.
    EmbryoTaken { listener: SockId, embryo: SockId },
    /// Somebody who sleeps for this socket looks again.
    Woken { sock: SockId },
    /// A set of epoll(7) watches an open file description, under this descriptor.
    Watched {
        epoll: EpollId,
        file: FileId,
        fd: Fd,
    },
    /// It watches it no longer.
    Unwatched {
        epoll: EpollId,
        file: FileId,
        fd: Fd,
    },
    /// What it watches went to the end of its ready list.
    BecameReady {
        epoll: EpollId,
        file: FileId,
        fd: Fd,
    },
    /// What it watches left its ready list.
    LeftReady {
        epoll: EpollId,
        file: FileId,
        fd: Fd,
    },
    /// A process sleeps in its call.
    FellAsleep { pid: Pid, wait: Wait },
    /// It was woken, and goes on with its call.
    WentOn { pid: Pid },
    /// The file system has a new node.
    NodeCreated { node: NodeId, path: String },
    /// A path leads to it no longer.
    NodeRemoved { node: NodeId, path: String },
    /// Its permission bits.
    NodeMode {
        node: NodeId,
        before: u32,
        after: u32,
    },
    /// Which socket a node leads to.
    NodeLeads {
        node: NodeId,
        before: Option<SockId>,
        after: Option<SockId>,
    },
    /// Its owner and its group.
    NodeOwner {
        node: NodeId,
        before: [u32; 2],
        after: [u32; 2],
    },
    /// Bytes were written into a regular file; it is so long, in bytes.
    NodeWritten {
        node: NodeId,
        before: usize,
        after: usize,
    },
    /// execve(2) closes a descriptor, or does not.
    Cloexec {
        pid: Pid,
        fd: Fd,
        before: bool,
        after: bool,
    },
    /// The counter of an eventfd.
    Counter {
        file: FileId,
        before: u64,
        after: u64,
    },
    /// A pipe came into being.
    PipeCreated { pipe: PipeId },
    /// Bytes that wait in a pipe.
    PipeHolds {
        pipe: PipeId,
        before: usize,
        after: usize,
    },
    /// Open file descriptions that read from a pipe, and those that write.
    PipeEnds {
        pipe: PipeId,
        before: [u32; 2],
        after: [u32; 2],
    },
    /// A set of epoll(7) came into being.
    EpollCreated { epoll: EpollId },
    /// What a set of epoll(7) watches something for.
    Interest {
        epoll: EpollId,
        file: FileId,
        fd: Fd,
        before: Interest,
        after: Interest,
    },
    /// The send buffer of a socket, in bytes.
    SendBuffer {
        sock: SockId,
        before: u32,
        after: u32,
    },
    /// `SO_PASSCRED`.
    PassCred {
        sock: SockId,
        before: bool,
        after: bool,
    },
    /// How long a call that sends may sleep, in milliseconds.
    SendLimit {
        sock: SockId,
        before: Option<u32>,
        after: Option<u32>,
    },
    /// How long a call that receives may sleep, in milliseconds.
    ReceiveLimit {
        sock: SockId,
        before: Option<u32>,
        after: Option<u32>,
    },
    /// Permission bits of a socket's own inode.
    SocketMode {
        sock: SockId,
        before: u32,
        after: u32,
    },
    /// The user that a socket's own inode belongs to.
    SocketOwner {
        sock: SockId,
        before: u32,
        after: u32,
    },
    /// A datagram socket is to be told when there is room in the queue of another, or no longer.
    WantsRoom {
        sock: SockId,
        before: Option<SockId>,
        after: Option<SockId>,
    },
    /// Whoever receives takes open file descriptions from a buffer.
    FilesTaken {
        sock: SockId,
        skb: SkbId,
        files: Vec<FileId>,
    },
    /// Real and effective user, real and effective group of a process.
    Ids {
        pid: Pid,
        before: [u32; 4],
        after: [u32; 4],
    },
    /// Its file mode creation mask.
    Umask { pid: Pid, before: u32, after: u32 },
    /// Its working directory.
    Directory {
        pid: Pid,
        before: String,
        after: String,
    },
    /// Its `RLIMIT_NOFILE`.
    FileLimit { pid: Pid, before: u32, after: u32 },
    /// A process was sent `SIGPIPE`.
    BrokenPipe { pid: Pid },
    /// Sockets that nobody can reach were found, and their queues emptied.
    Collected { socks: Vec<SockId> },
    /// A process came into being.
    ProcessStarted { pid: Pid, parent: Pid },
    /// A process ended.
    ProcessEnded { pid: Pid },
}

fn as_name<S: Serializer>(errno: &Errno, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{errno:?}"))
}

fn as_names<S: Serializer>(errno: &Option<Errno>, serializer: S) -> Result<S::Ok, S::Error> {
    errno
        .map(|errno| format!("{errno:?}"))
        .serialize(serializer)
}
