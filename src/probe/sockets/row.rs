//! One socket as the probe tells it: plain data with the names that JSON has.
//!
//! How the facts come together is [`mod@super::join`]'s; what can only be had by looking further is in
//! files of its own: [`super::file`], [`super::flight`], [`super::borrow`].

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::borrow::Borrowed;
use super::file::Leads;
use super::service::Identified;
use crate::probe::holders::Holders;
use crate::sys::proc_scan::Descriptor;
use crate::sys::sock_diag::{FileId, Name, Shutdown, Type};
use crate::untrusted::Untrusted;

/// One socket.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Row {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// What it does.
    pub condition: Condition,
    /// What it is bound to, or the listener it was accepted from.
    pub name: Option<Name>,
    /// Its inode in sockfs: as in `/proc/PID/fd`.
    pub inode: u32,
    /// `SO_COOKIE`: never used twice.
    pub cookie: u64,
    /// The file it is bound to: device and inode, which renaming and removing leave as they are.
    pub file: Option<FileId>,
    /// Where its name leads now: for sockets that were bound to a path themselves.
    pub leads: Option<Leads>,
    /// The user that created it, unless fchown(2) gave the socket away.
    pub uid: Option<u32>,
    /// That user's name.
    pub user: Option<Untrusted>,
    /// Who holds it.
    pub holders: Holders,
    /// By which descriptors they hold it: empty when only [`super::Depth::Table`] was asked for.
    pub descriptors: Vec<Held>,
    /// The other end.
    pub peer: Option<Peer>,
    /// Which directions are shut down.
    pub shutdown: Shutdown,
    /// Bytes that wait to be read: all of a stream, the first message of the other types.
    pub unread: u32,
    /// Kernel memory of what it sent and nobody has read, in bytes. It counts whole buffers, so 11
    /// bytes show as 768 (sk_wmem_alloc_get()).
    pub sent_memory: u32,
    /// Descriptors in messages that wait to be read here (`SCM_RIGHTS`); for a listener, on
    /// connections it has not accepted. `None`: that may not be read.
    pub in_flight: Option<u32>,
    /// For listeners: how many wait.
    pub queue: Option<Queue>,
    /// For listeners: the clients that wait for accept(2).
    pub pending: Vec<Pending>,
    /// For listeners: connections that were accepted and are still open. For bound datagram
    /// sockets: sockets that are connected to it.
    pub clients: Option<usize>,
    /// Which service it, or its other end, belongs to.
    pub service: Option<Arc<Identified>>,
    /// What the socket itself told: only when it was asked for.
    pub borrowed: Option<Box<Borrowed>>,
}

/// What a socket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Waits for connections.
    Listening,
    /// Has a name and no connection: a datagram socket receives, a stream socket does nothing.
    Bound,
    /// Connected, and both ends are open.
    Connected,
    /// Connected, and not accepted yet by the listener.
    Waiting,
    /// Connected, and one direction is shut down.
    HalfClosed,
    /// Was connected; the other end is closed.
    PeerClosed,
    /// Neither bound nor connected.
    Unconnected,
}

impl Condition {
    /// As tables write it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::Bound => "bound",
            Self::Connected => "connected",
            Self::Waiting => "waiting",
            Self::HalfClosed => "half closed",
            Self::PeerClosed => "peer closed",
            Self::Unconnected => "unconnected",
        }
    }
}

/// The other end of a socket.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Peer {
    /// Its inode.
    pub inode: u32,
    /// How it is related.
    pub relation: Relation,
    /// Its name.
    pub name: Option<Name>,
    /// Who holds it.
    pub holders: Holders,
    /// Bytes that it has not read, as in [`Row::unread`].
    pub unread: u32,
    /// Memory of what it sent, as in [`Row::sent_memory`].
    pub sent_memory: u32,
}

/// A descriptor of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Held {
    /// The process.
    pub pid: u32,
    /// The descriptor's number in it.
    pub fd: u32,
}

impl From<Descriptor> for Held {
    fn from(descriptor: Descriptor) -> Self {
        Self {
            pid: descriptor.pid,
            fd: descriptor.fd,
        }
    }
}

/// A client that waits for accept(2).
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub struct Pending {
    /// Its socket's inode. `None`: it was closed while it waited.
    pub inode: Option<u32>,
    /// Who holds it.
    pub holders: Holders,
}

/// How the other end is related.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Each is the other's peer.
    Connected,
    /// The listener whose accept(2) this connection waits for.
    WaitsFor,
    /// Datagrams go there; answers need not come back this way.
    SendsTo,
}

/// The queue of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Queue {
    /// Connections that wait for accept(2).
    pub pending: u32,
    /// The backlog given to listen(2), limited by `net.core.somaxconn`.
    pub backlog: u32,
}
