//! What the grader asks of a peer, and what that answers.

use serde::{Deserialize, Serialize};

use super::{Bytes, Draw};
use crate::curriculum::scenario::{
    Attached, Claim, Delivery, FrameFault, PassedFile, Sender, SocketFile, SocketState, SocketType,
    WhenFull,
};
use crate::differential::examine::Examination;
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
    /// Make a user namespace and a network namespace, and be in them from then on.
    EnterNamespaces,
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
    /// Read one datagram as it comes.
    ReceiveDatagram {
        /// The socket.
        connection: String,
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
    /// Send descriptors to ourselves, and leave them lying until we end.
    KeepInFlight {
        /// How many, at most SCM_MAX_FD.
        descriptors: u32,
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
        /// The type of socket.
        kind: SocketType,
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
        /// What each sends.
        data: Draw,
        /// What must come back to each.
        back: Draw,
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
    /// Read to the end of the stream: whole frames, then something else.
    ExpectCut {
        /// The connection.
        connection: String,
        /// All frames that may come.
        data: Draw,
        /// What must come in place of those that do not.
        then: Draw,
        /// How long at most.
        within_ms: u64,
    },
    /// Send the same until another reply comes.
    AskUntil {
        /// The connection.
        connection: String,
        /// What.
        data: Draw,
        /// The reply that is waited for.
        back: Draw,
        /// The reply until then.
        refused: Draw,
        /// From a reply to the next sending.
        every_ms: u64,
        /// Behind a longer pause the reply proves nothing.
        apart_ms: Option<u64>,
        /// How long at most.
        within_ms: u64,
    },
    /// Compare what the program answers, as a kernel, with what Linux does.
    Compare {
        /// The connection.
        connection: String,
        /// Which calls.
        examination: Examination,
        /// How long at most.
        within_ms: u64,
    },
    /// Send one byte after the other until something comes.
    Drip {
        /// The connection.
        connection: String,
        /// What.
        data: Draw,
        /// From one byte to the next.
        every_ms: u64,
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

/// Where bytes that were sent must come out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// Nowhere that anybody has said.
    Nowhere,
    /// On this connection, held by the same peer.
    On(String),
}
