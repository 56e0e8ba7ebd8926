//! The join of what sock_diag lists with what `/proc` tells of its holders: both ends of every
//! connection, and the words for a socket's condition. Pure.
//!
//! Neither of the two knows the other end of a connection that waits to be accepted: the
//! listener's list of waiting clients is turned round for that.

use std::collections::HashMap;

use super::row::{Condition, Peer, Pending, Queue, Relation, Row};
use super::service::{Identified, identify};
use crate::curriculum::services::{Places, Service};
use crate::probe::holders::{Holders, Known};
use crate::sys::proc_scan::Holdings;
use crate::sys::sock_diag::{FileId, Name, Socket, State, Type};

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

/// The tables that rows are looked up in.
struct Joint<'a> {
    holdings: &'a Holdings,
    by_inode: HashMap<u32, &'a Socket>,
    /// Client to the listener it waits for.
    waits_for: HashMap<u32, u32>,
    /// Connected sockets that carry a name. Two listeners may have one name, and then their files
    /// differ.
    accepted: HashMap<(&'a Name, Option<FileId>), usize>,
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
            // A client that was closed while it waited is 0.
            for &client in socket.waiting.iter().filter(|&&client| client != 0) {
                joint.waits_for.insert(client, socket.inode);
            }
            if let (Some(name), State::Established) = (&socket.name, socket.state) {
                *joint.accepted.entry((name, socket.file)).or_default() += 1;
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
            leads: None,
            uid: socket.uid,
            user: None,
            holders: self.holders(socket.inode),
            descriptors: Vec::new(),
            shutdown: socket.shutdown,
            unread: unread(socket),
            sent_memory: sent_memory(socket),
            in_flight: Some(0),
            queue: listening.then_some(Queue {
                pending: socket.receive_queue,
                backlog: socket.send_queue,
            }),
            pending: socket
                .waiting
                .iter()
                .map(|&client| self.pending(client))
                .collect(),
            clients: self.clients(socket),
            service: service(&socket.name)
                .or_else(|| peer.as_ref().and_then(|peer| service(&peer.name))),
            peer,
            borrowed: None,
        }
    }

    fn pending(&self, client: u32) -> Pending {
        let gone = Holders {
            known: Known::Gone,
            processes: Vec::new(),
        };
        match client {
            0 => Pending {
                inode: None,
                holders: gone,
            },
            inode => Pending {
                inode: Some(inode),
                holders: self.holders(inode),
            },
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
        let peer = self.by_inode.get(&inode);
        Some(Peer {
            inode,
            relation,
            name: peer.and_then(|peer| peer.name.clone()),
            holders: self.holders(inode),
            unread: peer.map_or(0, |peer| unread(peer)),
            sent_memory: peer.map_or(0, |peer| sent_memory(peer)),
        })
    }

    fn clients(&self, socket: &Socket) -> Option<usize> {
        match (socket.state, socket.kind) {
            (State::Listening, _) => {
                let name = socket.name.as_ref()?;
                Some(
                    self.accepted
                        .get(&(name, socket.file))
                        .copied()
                        .unwrap_or(0),
                )
            }
            (_, Type::Dgram) if socket.name.is_some() => {
                Some(self.pointed_at.get(&socket.inode).copied().unwrap_or(0))
            }
            _ => None,
        }
    }
}

/// The receive queue, unless it counts connections.
fn unread(socket: &Socket) -> u32 {
    match socket.state {
        State::Listening => 0,
        _ => socket.receive_queue,
    }
}

/// The send queue, unless it is a backlog.
fn sent_memory(socket: &Socket) -> u32 {
    match socket.state {
        State::Listening => 0,
        _ => socket.send_queue,
    }
}
