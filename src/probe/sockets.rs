//! `probe sockets`: every AF_UNIX socket of this network namespace, with the processes at both
//! ends.
//!
//! Owns the join of what sock_diag lists with what `/proc` tells of its holders, and the words for
//! a socket's condition. Neither knows the other end of a connection that waits to be accepted:
//! the listener's list of waiting clients is turned round for that.
//!
//! Not in here: sockets of other network namespaces, and files; see [`super::runtime_dir`].

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::Surroundings;
use super::holders::{Holders, Known, Visibility};
use crate::curriculum::services::{self, Kind, Part, Places, Service};
use crate::sys::proc_scan::{self, Holdings, Wanted};
use crate::sys::sock_diag::{self, Dump, FileId, Name, Socket, State, Type};

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Sockets {
    /// `ipc-mastery/probe/sockets/1`.
    pub schema: &'static str,
    /// How much could be seen of processes.
    #[serde(flatten)]
    pub visibility: Visibility,
    /// Why sockets could not be listed, if they could not.
    pub problem: Option<String>,
    /// How often the kernel's list was asked for again, because sockets came and went meanwhile.
    pub dump_repeated: u32,
    /// The sockets: listening first, then bound, then by condition; within by name and inode.
    pub sockets: Vec<Row>,
}

/// One socket.
#[derive(Clone, Debug, JsonSchema, Serialize)]
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
    /// The file it is bound to.
    pub file: Option<FileId>,
    /// The user that created it.
    pub uid: Option<u32>,
    /// Who holds it.
    pub holders: Holders,
    /// The other end.
    pub peer: Option<Peer>,
    /// Bytes that wait to be read: all of a stream, the first message of the other types.
    pub unread: u32,
    /// For listeners.
    pub queue: Option<Queue>,
    /// For listeners: connections that were accepted and are still open. For bound datagram
    /// sockets: sockets that are connected to it.
    pub clients: Option<usize>,
    /// Which service it, or its other end, belongs to.
    pub service: Option<Identified>,
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
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Peer {
    /// Its inode.
    pub inode: u32,
    /// How it is related.
    pub relation: Relation,
    /// Its name.
    pub name: Option<Name>,
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

/// A service, and what gave it away.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Identified {
    /// Its slug.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it was recognised.
    pub by: By,
    /// What it is to others.
    #[serde(skip)]
    pub part: Part,
}

/// What gave a service away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The address.
    Address,
    /// The name of the program that holds the socket: a hint, which a program can forge.
    Program,
}

impl Identified {
    /// Says how a service was recognised.
    pub fn new(service: &Service, by: By) -> Self {
        Self {
            id: service.id.clone(),
            name: service.name.clone(),
            by,
            part: service.part,
        }
    }
}

/// Which sockets are asked for; all that fit every field. The default fits every socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only sockets of this type.
    pub kind: Option<Type>,
}

/// Looks at this machine.
pub fn collect(filter: &Filter, services: &[Service], surroundings: &Surroundings) -> Sockets {
    let (mut seen, _) = collect_with(services, surroundings, Wanted::default());
    seen.sockets
        .retain(|row| filter.kind.is_none_or(|kind| row.kind == kind));
    seen
}

/// Like [`collect`]; also returns what else the walk over `/proc` found.
pub(super) fn collect_with(
    services: &[Service],
    surroundings: &Surroundings,
    wanted: Wanted<'_>,
) -> (Sockets, Holdings) {
    let mut problem = None;
    let dump = sock_diag::dump().unwrap_or_else(|error| {
        problem = Some(error.to_string());
        Dump::default()
    });
    let mut unlistable = None;
    let holdings = proc_scan::scan(wanted).unwrap_or_else(|error| {
        unlistable = Some(error.to_string());
        Holdings::default()
    });
    let repeated = dump.repeated;
    let mut rows = join(dump.sockets, &holdings, services, &surroundings.places());
    if rows.iter().any(|row| row.holders.known == Known::None) {
        mark_gone(&mut rows);
    }
    if unlistable.is_some() {
        for row in &mut rows {
            row.holders.known = Known::NotVisible;
        }
    }
    let sockets = Sockets {
        schema: "ipc-mastery/probe/sockets/1",
        visibility: Visibility::new(holdings.sight.clone(), unlistable),
        problem,
        dump_repeated: repeated,
        sockets: rows,
    };
    (sockets, holdings)
}

/// A socket without a holder may only have been closed between the list and the walk.
fn mark_gone(rows: &mut [Row]) {
    let Ok(dump) = sock_diag::dump() else { return };
    let still: HashSet<u64> = dump.sockets.iter().map(|socket| socket.cookie).collect();
    let inodes: HashSet<u32> = dump.sockets.iter().map(|socket| socket.inode).collect();
    for row in rows {
        if row.holders.known == Known::None && !still.contains(&row.cookie) {
            row.holders.known = Known::Gone;
        }
        if let Some(peer) = &mut row.peer
            && peer.holders.known == Known::None
            && !inodes.contains(&peer.inode)
        {
            peer.holders.known = Known::Gone;
        }
    }
}

/// Joins sockets with their holders, their other ends and their services.
pub fn join(
    sockets: Vec<Socket>,
    holdings: &Holdings,
    services: &[Service],
    places: &Places,
) -> Vec<Row> {
    let joint = Joint::new(&sockets, holdings);
    let identified = identify(&sockets, holdings, services, places);
    let mut rows: Vec<Row> = sockets
        .iter()
        .map(|socket| joint.row(socket, &identified))
        .collect();
    rows.sort_by(|a, b| {
        // Unnamed sockets after named ones.
        (a.condition, a.name.is_none(), &a.name, a.inode).cmp(&(
            b.condition,
            b.name.is_none(),
            &b.name,
            b.inode,
        ))
    });
    rows
}

/// Which service each name belongs to.
fn identify<'a>(
    sockets: &'a [Socket],
    holdings: &Holdings,
    services: &[Service],
    places: &Places,
) -> HashMap<&'a Name, Identified> {
    let mut known = HashMap::new();
    let mut unknown = Vec::new();
    for socket in sockets {
        let Some(name) = &socket.name else { continue };
        if known.contains_key(name) {
            continue;
        }
        let address = match name {
            Name::Path(path) => places.path(path.bytes()),
            Name::Abstract(name) => places.abstract_name(name.bytes()),
        };
        match services::by_address(services, &address, kind(socket.kind)) {
            Some(service) => {
                known.insert(name, Identified::new(service, By::Address));
            }
            // Accepted sockets are held by whoever serves, not by whoever listens.
            None if socket.state == State::Established && socket.kind != Type::Dgram => {}
            None => unknown.push((name, socket.inode)),
        }
    }
    for (name, inode) in unknown {
        let service = holdings
            .of_socket(inode)
            .iter()
            .find_map(|holder| services::by_program(services, holder.comm.bytes()));
        if let Some(service) = service {
            known.insert(name, Identified::new(service, By::Program));
        }
    }
    known
}

/// A socket's type as the catalogue of services has it.
pub(super) fn kind(kind: Type) -> Option<Kind> {
    match kind {
        Type::Stream => Some(Kind::Stream),
        Type::Dgram => Some(Kind::Dgram),
        Type::Seqpacket => Some(Kind::Seqpacket),
        Type::Other(_) => None,
    }
}

/// The tables that rows are looked up in.
struct Joint<'a> {
    holdings: &'a Holdings,
    by_inode: HashMap<u32, &'a Socket>,
    /// Client to the listener it waits for.
    waits_for: HashMap<u32, u32>,
    /// Connected sockets that carry a name.
    accepted: HashMap<&'a Name, usize>,
    /// Sockets whose peer is this one.
    pointed_at: HashMap<u32, usize>,
}

impl<'a> Joint<'a> {
    fn new(sockets: &'a [Socket], holdings: &'a Holdings) -> Self {
        let mut joint = Self {
            holdings,
            by_inode: HashMap::with_capacity(sockets.len()),
            waits_for: HashMap::new(),
            accepted: HashMap::new(),
            pointed_at: HashMap::new(),
        };
        for socket in sockets {
            joint.by_inode.insert(socket.inode, socket);
            for &client in &socket.waiting {
                joint.waits_for.insert(client, socket.inode);
            }
            if let (Some(name), State::Established) = (&socket.name, socket.state) {
                *joint.accepted.entry(name).or_default() += 1;
            }
            if let Some(peer) = socket.peer {
                *joint.pointed_at.entry(peer).or_default() += 1;
            }
        }
        joint
    }

    fn row(&self, socket: &Socket, identified: &HashMap<&Name, Identified>) -> Row {
        let listening = socket.state == State::Listening;
        let peer = self.peer(socket);
        let service = |name: &Option<Name>| identified.get(name.as_ref()?).cloned();
        Row {
            kind: socket.kind,
            condition: self.condition(socket),
            name: socket.name.clone(),
            inode: socket.inode,
            cookie: socket.cookie,
            file: socket.file,
            uid: socket.uid,
            holders: self.holders(socket.inode),
            unread: if listening { 0 } else { socket.receive_queue },
            queue: listening.then_some(Queue {
                pending: socket.receive_queue,
                backlog: socket.send_queue,
            }),
            clients: self.clients(socket),
            service: service(&socket.name)
                .or_else(|| peer.as_ref().and_then(|peer| service(&peer.name))),
            peer,
        }
    }

    fn holders(&self, inode: u32) -> Holders {
        Holders::new(self.holdings.of_socket(inode), &self.holdings.sight)
    }

    fn condition(&self, socket: &Socket) -> Condition {
        let closed = socket.shutdown;
        let alive = socket.peer.is_some_and(|peer| peer != 0);
        // The kernel marks a datagram socket as connected when another one connects to it, too
        // (unix_dgram_connect()): only its peer tells.
        let state = if socket.kind == Type::Dgram && !alive {
            State::Unconnected
        } else {
            socket.state
        };
        match state {
            State::Listening => Condition::Listening,
            State::Established if self.waits_for.contains_key(&socket.inode) => Condition::Waiting,
            State::Established if closed.receive && closed.send && !alive => Condition::PeerClosed,
            State::Established if closed.receive || closed.send => Condition::HalfClosed,
            // Its connection was made after the listeners were asked who waits.
            State::Established if !alive => Condition::Waiting,
            State::Established => Condition::Connected,
            State::Unconnected | State::Other(_) if socket.name.is_some() => Condition::Bound,
            State::Unconnected | State::Other(_) => Condition::Unconnected,
        }
    }

    fn peer(&self, socket: &Socket) -> Option<Peer> {
        let (inode, relation) = match socket.peer {
            Some(peer) if peer != 0 => {
                let back = self.by_inode.get(&peer).and_then(|peer| peer.peer);
                let mutual = back == Some(socket.inode);
                let relation = if mutual {
                    Relation::Connected
                } else {
                    Relation::SendsTo
                };
                (peer, relation)
            }
            _ => (*self.waits_for.get(&socket.inode)?, Relation::WaitsFor),
        };
        Some(Peer {
            inode,
            relation,
            name: self.by_inode.get(&inode).and_then(|peer| peer.name.clone()),
            holders: self.holders(inode),
        })
    }

    fn clients(&self, socket: &Socket) -> Option<usize> {
        match (socket.state, socket.kind) {
            (State::Listening, _) => {
                let name = socket.name.as_ref()?;
                Some(self.accepted.get(name).copied().unwrap_or(0))
            }
            (_, Type::Dgram) if socket.name.is_some() => {
                Some(self.pointed_at.get(&socket.inode).copied().unwrap_or(0))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
