//! A socket and what waits in it: the parts of `struct unix_sock` and `struct sk_buff` that a program
//! can notice.

use std::collections::VecDeque;
use std::sync::Arc;

use nix::errno::Errno;
use schemars::JsonSchema;
use serde::Serialize;

use super::address::Name;
use super::call::Type;
use super::id::{FileId, NodeId, SkbId, SockId};
use super::outcome::Credentials;

/// `sk->sk_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// `TCP_CLOSE`: fresh, or dead.
    Close,
    /// `TCP_LISTEN`.
    Listen,
    /// `TCP_ESTABLISHED`.
    Established,
}

/// `sk->sk_shutdown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Shut {
    /// `RCV_SHUTDOWN`: nothing more comes in.
    pub receive: bool,
    /// `SEND_SHUTDOWN`: nothing more goes out.
    pub send: bool,
}

impl Shut {
    /// Both.
    pub const BOTH: Self = Self {
        receive: true,
        send: true,
    };

    /// Whatever either holds.
    pub fn and(self, other: Self) -> Self {
        Self {
            receive: self.receive || other.receive,
            send: self.send || other.send,
        }
    }

    /// What it means for the other end.
    pub fn seen_from_the_peer(self) -> Self {
        Self {
            receive: self.send,
            send: self.receive,
        }
    }
}

/// `struct unix_sock`.
#[derive(Clone, Debug)]
pub struct Socket {
    /// Its type.
    pub ty: Type,
    /// Its state.
    pub state: State,
    /// `unix_peer(sk)`; it may be dead.
    pub peer: Option<SockId>,
    /// The name it was bound to, or that it has from its listener.
    pub name: Option<Arc<Name>>,
    /// Its node in the file system, when it was bound to a path.
    pub node: Option<NodeId>,
    /// What was shut down.
    pub shutdown: Shut,
    /// `sk->sk_err`.
    pub error: Option<Errno>,
    /// `sk->sk_receive_queue`.
    pub queue: VecDeque<Skb>,
    /// `sk->sk_max_ack_backlog`.
    pub backlog: u32,
    /// `sk->sk_sndbuf`, in bytes.
    pub sndbuf: u32,
    /// `sk_wmem_alloc_get(sk)`: memory of all that it sent and nobody has read, in bytes.
    pub charged: u32,
    /// `SO_PASSCRED`.
    pub passcred: bool,
    /// `SO_SNDTIMEO`, in milliseconds; `None`: for ever.
    pub sndtimeo: Option<u32>,
    /// `SO_RCVTIMEO`, in milliseconds; `None`: for ever.
    pub rcvtimeo: Option<u32>,
    /// What `SO_PEERCRED` says.
    pub peercred: Option<Credentials>,
    /// Permission bits of its inode in sockfs, which a node gets at bind.
    pub mode: u32,
    /// The user who made it, or accepted it: who owns its inode in sockfs.
    pub owner: u32,
    /// `SOCK_DEAD`.
    pub dead: bool,
    /// Nobody has accepted it yet: it has no open file description.
    pub embryo: bool,
    /// Its open file description.
    pub file: Option<FileId>,
}

impl Socket {
    /// `unix_recvq_full`.
    pub fn queue_is_full(&self) -> bool {
        self.queue.len() > self.backlog as usize
    }

    /// Whether there is any room in its send buffer for whoever was woken: the kernel counts from 1
    /// (`sock_wait_for_wmem`).
    pub fn has_room(&self) -> bool {
        self.charged + 1 < self.sndbuf
    }

    /// Whether so much of its send buffer is free that whoever sleeps for room is woken: three quarters
    /// (`unix_write_space`, which asks `unix_writable`).
    pub fn wakes_senders(&self) -> bool {
        // The kernel counts from 1, and what is just being freed has one byte left.
        let free = (u64::from(self.charged) + 2) * 4 <= u64::from(self.sndbuf);
        free && self.state != State::Listen
    }

    /// Whether type and state are those of a connection.
    pub fn is_connection_based(&self) -> bool {
        self.ty != Type::Dgram
    }
}

/// `struct sk_buff`.
#[derive(Clone, Debug)]
pub struct Skb {
    /// Its number.
    pub id: SkbId,
    /// What it was sent with.
    pub data: Vec<u8>,
    /// How much of it was read.
    pub consumed: usize,
    /// Who sent it, and is charged for it.
    pub from: SockId,
    /// What it is charged with, in bytes.
    pub truesize: u32,
    /// Open file descriptions on their way.
    pub files: Vec<FileId>,
    /// Who sent it, if anybody asked by then.
    pub credentials: Option<Credentials>,
    /// The real user who sent it, on whose account its files are.
    pub user: u32,
    /// The connection that waits, in the queue of a listener.
    pub embryo: Option<SockId>,
}

impl Skb {
    /// `unix_skb_len`: what is left to read, in bytes.
    pub fn left(&self) -> usize {
        self.data.len() - self.consumed
    }
}

/// A buffer before it is in a queue.
#[derive(Clone, Debug)]
pub(super) struct Filled {
    /// What it holds.
    pub data: Vec<u8>,
    /// Who sends it.
    pub from: SockId,
    /// What it is charged with, in bytes.
    pub truesize: u32,
    /// Open file descriptions that go with it.
    pub files: Vec<FileId>,
    /// Who its sender is, if anybody asks.
    pub credentials: Option<Credentials>,
    /// The user who sends it.
    pub user: u32,
    /// When its sender is charged.
    pub charge: Charge,
}

/// When a sender is charged with a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charge {
    /// When it is put into a queue: nothing can be noticed in between.
    Now,
    /// It was, before it waited for room there.
    Before,
}
