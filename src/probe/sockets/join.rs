//! The join of what sock_diag lists with what `/proc` tells of its holders: both ends of every
//! connection, and the words for a socket's condition. Pure.
//!
//! Neither of the two knows the other end of a connection that waits to be accepted: the
//! listener's list of waiting clients is turned round for that.

use std::collections::HashMap;
use std::sync::Arc;

use super::row::{Condition, Peer, Pending, Queue, Relation, Row};
use super::service::{Identified, identify};
use crate::curriculum::services::{Places, Service};
use crate::probe::holders::{Holders, Known, Processes};
use crate::sys::number_map::NumberMap;
use crate::sys::proc_scan::Holdings;
use crate::sys::sock_diag::{FileId, Name, Socket, State, Type};

/// Joins sockets with their holders, their other ends and their services.
pub fn join(
    sockets: Vec<Socket>,
    holdings: &Holdings,
    services: &[Service],
    places: &Places,
) -> Vec<Row> {
    let names = Names::new(&sockets);
    let joint = Joint::new(&sockets, &names, holdings);
    let identified = identify(&sockets, &names, holdings, services, places);
    let ranks = names.ranks();
    // Numbers are sorted, not rows: those are large. Unnamed sockets come after named ones.
    let mut order: Vec<(Condition, u64, u32)> = sockets
        .iter()
        .zip(0..)
        .map(|(socket, at)| {
            let rank = names
                .of(at as usize)
                .map_or(UNNAMED, |number| ranks[number]);
            let place = u64::from(rank) << 32 | u64::from(socket.inode);
            (joint.condition(socket), place, at)
        })
        .collect();
    order.sort_unstable();
    order
        .into_iter()
        .map(|(condition, _, at)| joint.row(at as usize, condition, &identified))
        .collect()
}

/// The names that occur, each with a number: thousands of accepted sockets have their listener's.
pub(super) struct Names<'a> {
    distinct: Vec<&'a Name>,
    /// For each socket.
    numbers: Vec<u32>,
}

/// In place of a number: the socket has no name.
const UNNAMED: u32 = u32::MAX;

impl<'a> Names<'a> {
    fn new(sockets: &'a [Socket]) -> Self {
        let mut known: HashMap<&Name, u32> = HashMap::new();
        let mut distinct = Vec::new();
        let mut number = |name| {
            *known.entry(name).or_insert_with(|| {
                distinct.push(name);
                u32::try_from(distinct.len() - 1).expect("inodes have 32 bits")
            })
        };
        let numbers = sockets
            .iter()
            .map(|socket| socket.name.as_ref().map_or(UNNAMED, &mut number))
            .collect();
        Self { distinct, numbers }
    }

    /// The names, by their numbers.
    pub(super) fn distinct(&self) -> &[&'a Name] {
        &self.distinct
    }

    /// The number of the name of the socket at this place.
    pub(super) fn of(&self, at: usize) -> Option<usize> {
        let number = self.numbers[at];
        (number != UNNAMED).then_some(number as usize)
    }

    /// The place of each name among all, in their order.
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.distinct.len()).collect();
        order.sort_unstable_by_key(|&number| self.distinct[number]);
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[number] = rank;
        }
        ranks
    }
}

/// The tables that rows are looked up in.
struct Joint<'a> {
    sockets: &'a [Socket],
    names: &'a Names<'a>,
    holdings: &'a Holdings,
    /// Places of sockets.
    by_inode: NumberMap<u32, usize>,
    /// Who holds each socket.
    held: Vec<Processes>,
    /// Client to the listener it waits for.
    waits_for: NumberMap<u32, u32>,
    /// Connected sockets that carry a name, by its number. Two listeners may have one name, and
    /// then their files differ.
    accepted: NumberMap<(usize, Option<FileId>), usize>,
    /// Datagram sockets whose peer is this one.
    pointed_at: NumberMap<u32, usize>,
}

impl<'a> Joint<'a> {
    fn new(sockets: &'a [Socket], names: &'a Names<'a>, holdings: &'a Holdings) -> Self {
        let mut joint = Self {
            sockets,
            names,
            holdings,
            by_inode: NumberMap::default(),
            held: vec![Processes::default(); sockets.len()],
            waits_for: NumberMap::default(),
            accepted: NumberMap::default(),
            pointed_at: NumberMap::default(),
        };
        joint.by_inode.reserve(sockets.len());
        for (at, socket) in sockets.iter().enumerate() {
            joint.by_inode.insert(socket.inode, at);
            // A client that was closed while it waited is 0.
            for &client in socket.waiting.iter().filter(|&&client| client != 0) {
                joint.waits_for.insert(client, socket.inode);
            }
            if let (Some(number), State::Established) = (names.of(at), socket.state) {
                *joint.accepted.entry((number, socket.file)).or_default() += 1;
            }
            if let (Type::Dgram, Some(peer)) = (socket.kind, socket.peer) {
                *joint.pointed_at.entry(peer).or_default() += 1;
            }
        }
        let held = holdings.sockets().chunk_by(|a, b| a.inode == b.inode);
        for descriptors in held {
            if let Some(&at) = joint.by_inode.get(&descriptors[0].inode) {
                joint.held[at] = holdings.processes_of(descriptors);
            }
        }
        joint
    }

    fn row(&self, at: usize, condition: Condition, identified: &[Option<Arc<Identified>>]) -> Row {
        let socket = &self.sockets[at];
        let listening = socket.state == State::Listening;
        let peer = self.peer(socket);
        let service = |at: usize| identified[self.names.of(at)?].clone();
        let peers_service = || {
            let peer = self.by_inode.get(&peer.as_ref()?.inode)?;
            service(*peer)
        };
        Row {
            kind: socket.kind,
            condition,
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
            clients: self.clients(at),
            service: service(at).or_else(peers_service),
            peer,
            borrowed: None,
        }
    }

    fn pending(&self, client: u32) -> Pending {
        let gone = Holders {
            known: Known::Gone,
            processes: Processes::default(),
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
        let processes = match self.by_inode.get(&inode) {
            Some(&at) => self.held[at].clone(),
            None => self.holdings.of_socket(inode).into(),
        };
        Holders::new(processes, &self.holdings.sight)
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
                let back = self.find(peer).and_then(|peer| peer.peer);
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
        let peer = self.find(inode);
        Some(Peer {
            inode,
            relation,
            name: peer.and_then(|peer| peer.name.clone()),
            holders: self.holders(inode),
            unread: peer.map_or(0, unread),
            sent_memory: peer.map_or(0, sent_memory),
        })
    }

    /// The socket with this inode.
    fn find(&self, inode: u32) -> Option<&Socket> {
        Some(&self.sockets[*self.by_inode.get(&inode)?])
    }

    fn clients(&self, at: usize) -> Option<usize> {
        let socket = &self.sockets[at];
        match (socket.state, socket.kind) {
            (State::Listening, _) => {
                let accepted = self.accepted.get(&(self.names.of(at)?, socket.file));
                Some(accepted.copied().unwrap_or(0))
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
