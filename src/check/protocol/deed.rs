//! What the grader asks of a peer, and what that answers.

use serde::{Deserialize, Serialize};

use super::{Bytes, Draw};
use crate::curriculum::scenario::{
    Access, Attached, Claim, Delivery, FileKind, FrameFault, PassedFile, Sender, SocketFile,
    SocketState, SocketType, WhenFull,
};
use crate::sys::spawn::Identity;

/// What the grader asks of a peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Deed {
    /// Become another user, if one is given, and tell who you are.
    Identify {
        /// The user to become.
        user: Option<Persona>,
    },
    /// Connect to a socket, by name but only if it is still this inode.
    Connect {
        /// The new connection.
        connection: String,
        /// The type of socket.
        kind: SocketType,
        /// The address.
        to: SocketAddress,
        /// Device and inode a path had when it became ready; `None`: whatever is there.
        inode: Option<(u64, u64)>,
        /// SO_SNDBUF of our end.
        send_buffer: Option<u32>,
        /// The user to become before connecting.
        user: Option<Persona>,
        /// How long at most.
        within_ms: u64,
    },
    /// Open a datagram socket.
    OpenSocket {
        /// What it is called, as connections are.
        connection: String,
        /// What to bind it to.
        bind: Bound,
        /// Whether SO_PASSCRED is set.
        asks_credentials: bool,
    },
    /// Send one message.
    SendMessage {
        /// The connection, or the socket.
        connection: String,
        /// Where to, from a socket that is not connected.
        to: Option<SocketAddress>,
        /// What.
        data: Draw,
        /// In how many pieces it lies in memory.
        pieces: u32,
        /// What goes with it.
        attach: Vec<Attached>,
        /// The bytes each of those holds.
        holds: Vec<Draw>,
        /// The directory that `directory` stands for.
        directory: Bytes,
        /// Whether it says who it is from.
        credentials: Claim,
        /// What becomes of it when there is no room.
        full: WhenFull,
        /// How long at most.
        within_ms: u64,
    },
    /// Read one message.
    ReceiveMessage {
        /// The connection, or the socket.
        connection: String,
        /// What must come.
        data: Draw,
        /// Who must have sent it.
        from: Sender,
        /// Where the program is.
        program: SocketAddress,
        /// How many descriptors must come.
        descriptors: u32,
        /// For how many there is room.
        room: u32,
        /// How long at most.
        within_ms: u64,
    },
    /// See that no message has come.
    ExpectNoMessage {
        /// The connection, or the socket.
        connection: String,
    },
    /// Look at a descriptor that came with the last message.
    ExamineDescriptor {
        /// The connection, or the socket, that it came on.
        connection: String,
        /// Which.
        index: u32,
        /// What must be read from its offset to its end.
        holds: Option<Draw>,
        /// How long at most.
        within_ms: u64,
    },
    /// Add to the eventfd that was attached last.
    AddToEventfd {
        /// The connection, or the socket.
        connection: String,
        /// How much.
        count: u64,
    },
    /// Let a process of the same user open only so many more descriptors (prlimit(2)): the
    /// supervisor may not, when it is another user without CAP_SYS_RESOURCE.
    LimitDescriptors {
        /// The process.
        pid: i32,
        /// How many more; `None`: as before.
        spare: Option<u64>,
    },
    /// Listen at a path.
    Listen {
        /// The new listener.
        listener: String,
        /// The path.
        path: Bytes,
        /// Connections that may wait.
        backlog: u32,
        /// Permissions of the name.
        mode: Option<u32>,
    },
    /// Accept a connection.
    Accept {
        /// The listener.
        listener: String,
        /// The new connection.
        connection: String,
        /// How long at most.
        within_ms: u64,
    },
    /// Close a listener and leave its name.
    StopListening {
        /// The listener.
        listener: String,
    },
    /// Put a filter of frames behind every connection to a listener, until the next such deed, and
    /// serve them while there is no other deed.
    ServeFrames {
        /// The listener.
        listener: String,
        /// What is wrong with the filters.
        fault: FrameFault,
        /// How they answer.
        delivery: Delivery,
        /// How long the first answer of all is held back.
        delay_ms: u64,
    },
    /// Tell what came of these filters.
    TellServed,
    /// Make many connections, some of them at once, each with an exchange of its own.
    ManyClients {
        /// The address.
        to: SocketAddress,
        /// Device and inode it had when it became ready.
        inode: Option<(u64, u64)>,
        /// In all.
        count: u64,
        /// At the same time.
        at_once: u64,
        /// What each sends and must get back.
        data: Draw,
        /// How long at most, all together.
        within_ms: u64,
    },
    /// Send random bytes as long as they are taken.
    Flood {
        /// The connection.
        connection: String,
        /// What.
        data: Draw,
        /// How long at most.
        within_ms: u64,
    },
    /// Read exactly these bytes.
    Expect {
        /// The connection.
        connection: String,
        /// What must come.
        data: Draw,
        /// How long at most.
        within_ms: u64,
    },
    /// Measure how much of what the program sent is unread.
    Queue {
        /// The connection.
        connection: String,
    },
    /// See that nothing has come.
    ExpectNothing {
        /// The connection.
        connection: String,
    },
    /// Send bytes.
    Send {
        /// The connection.
        connection: String,
        /// What.
        data: Draw,
        /// Bytes a call; `None`: all.
        piece: Option<u64>,
        /// Where they are due.
        due: Due,
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
        /// Where they are due.
        due: Due,
        /// How long at most.
        within_ms: u64,
    },
    /// Send and read at once.
    Exchange {
        /// The connection.
        connection: String,
        /// What is sent on it.
        data: Draw,
        /// What must come back on it.
        back: Draw,
        /// The connection on which `back` is sent, and `data` must come out.
        other: Option<String>,
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
    /// Make sockets of one kind, and hold them.
    MakeSockets {
        /// What they are called together.
        socket: String,
        /// Of which kind.
        making: Making,
        /// One for each: what it is bound to, if it is.
        addresses: Vec<Option<SocketAddress>>,
        /// Which they connect to, or are accepted from.
        to: Option<String>,
        /// How long at most.
        within_ms: u64,
    },
    /// Close such sockets; files stay.
    CloseSockets {
        /// What they are called.
        socket: String,
    },
}

/// Who a peer becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// User and group.
    pub identity: Identity,
    /// A supplementary group; `None`: it has none at all.
    pub member_of: Option<u32>,
}

/// What a peer's socket is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// Nothing.
    Nothing,
    /// A name that the kernel chooses.
    Autobind,
    /// This.
    To(SocketAddress),
}

/// A kind of socket to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Making {
    /// Its type.
    pub kind: SocketType,
    /// What is done with it.
    pub state: SocketState,
    /// What becomes of its file.
    pub file: SocketFile,
}

/// What a socket is bound to (unix(7)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketAddress {
    /// A path.
    Path(Bytes),
    /// A path from a directory.
    Relative {
        /// The directory.
        directory: Bytes,
        /// The path from there.
        name: Bytes,
    },
    /// An abstract name, without the NUL in front.
    Abstract(Bytes),
}

impl SocketAddress {
    /// The name as the kernel shows it in /proc/net/unix: each NUL of an abstract one, that in
    /// front too, as `@`.
    pub fn shown(&self) -> Vec<u8> {
        let at_sign = |byte: &u8| if *byte == 0 { b'@' } else { *byte };
        match self {
            Self::Path(name) | Self::Relative { name, .. } => name.0.clone(),
            Self::Abstract(name) => std::iter::once(b'@')
                .chain(name.0.iter().map(at_sign))
                .collect(),
        }
    }
}

/// A socket that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Its inode (fstat(2)).
    pub inode: u64,
}

/// Where bytes that were sent must come out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// Nowhere that anybody has said.
    Nowhere,
    /// On this connection, held by the same peer.
    On(String),
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
    /// Where in the bytes due those are that came in their place, if they are there.
    pub found_at: Option<u64>,
    /// What was measured of the program's queue.
    pub queue: Queue,
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
    /// Sockets that were made.
    pub made: Vec<Made>,
    /// What came of filters of frames.
    pub filters: FiltersSeen,
    /// The message that was read last.
    pub message: MessageSeen,
    /// The descriptor that was looked at last.
    pub descriptor: DescriptorSeen,
    /// The connection that all this is about.
    pub connection: String,
    /// Inode of its socket, at our end.
    pub inode: u64,
    /// Another connection on which bytes have come and were not read; empty: none.
    pub elsewhere: String,
    /// The connection on which the wrong bytes that came had been sent; empty: none.
    pub stray: String,
    /// When it was over.
    pub at_us: u64,
}

/// What the program has sent on a connection and we have not read. It is measured at our end and
/// in the kernel's tables; the program is not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Bytes that wait to be read (SIOCINQ).
    pub bytes: u64,
    /// Those, and all that were read: what the kernel has taken from the program.
    pub taken: u64,
    /// Kernel memory of what waits, as the program's SIOCOUTQ would tell, in bytes.
    pub memory: u64,
    /// The limit of that, in bytes: while `memory` is less, a call that sends is taken. 0 when the
    /// program does not have its end open.
    pub limit: u64,
    /// Whether the program has closed its end.
    pub closed: bool,
}

/// A message, as recvmsg(2) gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSeen {
    /// Whether one came.
    pub came: bool,
    /// Its bytes; of a longer one as many as were asked for.
    pub bytes: u64,
    /// Whether it was longer than what is due (MSG_TRUNC).
    pub longer: bool,
    /// Descriptors that came with it.
    pub descriptors: u64,
    /// Whether descriptors had no room (MSG_CTRUNC).
    pub control_cut: bool,
    /// The sender's name, as /proc/net/unix would show it; empty: it has none.
    pub from: Bytes,
    /// Whether that is the program's address.
    pub from_program: bool,
}

/// A descriptor that came, as fstat(2), fcntl(2) and lseek(2) tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescriptorSeen {
    /// What kind of file.
    pub file: FileKind,
    /// How it is open.
    pub access: Access,
    /// Where its offset stood, in bytes; `None`: it has none.
    pub offset: Option<u64>,
}

/// What came of the filters of frames behind a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiltersSeen {
    /// Connections that were made.
    pub connections: u64,
    /// Frames that were sent whole on them, as a right filter counts.
    pub frames: u64,
    /// Whether one of the filters did other than a right one.
    pub shown: bool,
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
    /// The right message, from somebody else.
    OtherSender,
    /// The right message, with other descriptors than it must have.
    OtherDescriptors,
    /// The deed makes no sense: a fault of the exercise.
    Fault,
}
