//! Who talks to whom: sockets put together by process, or by service. Pure.
//!
//! Connections that look alike are counted, not listed. Which end of a connection is the server's
//! is told by names: an accepted socket carries the name of its listener, and a client has none.

use std::collections::BTreeMap;

use super::row::{Condition, Relation, Row};
use crate::probe::holders::{Holders, Known, Process};
use crate::sys::sock_diag::Name;

/// What sockets are put together by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// The processes that hold them.
    #[default]
    Process,
    /// The services they belong to, or else the names they came through.
    Service,
}

/// An end of a connection: a process, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// A process, by its id, with its name.
    Process(u32, crate::untrusted::Untrusted),
    /// Nobody who could be seen.
    Nobody(Absence),
}

/// Why no process stands at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Absence {
    /// Not every process may be read.
    NotVisible,
    /// Perhaps it is on its way in a message.
    InFlight,
    /// Nobody holds it.
    Nobody,
    /// It was closed while this was looked at.
    Gone,
}

impl From<Known> for Absence {
    fn from(known: Known) -> Self {
        match known {
            Known::NotVisible => Self::NotVisible,
            Known::InFlight => Self::InFlight,
            Known::Gone => Self::Gone,
            Known::None | Known::Some => Self::Nobody,
        }
    }
}

/// What leads from one end to the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Through {
    /// A service, by its name.
    Service(String),
    /// A name that belongs to no known service.
    Name(Name),
    /// No name: socketpair(2).
    Pair,
}

/// How a party takes part in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// It accepted the other's connection.
    From,
    /// It connected to the other.
    To,
    /// It connected to the other, which has not called accept(2) yet.
    Waits,
    /// It sends datagrams to the other.
    Sends,
    /// Neither: both ends were made together.
    Both,
}

/// A socket that others can reach.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Whether it listens; else it is bound, and datagrams may be sent to it.
    pub listens: bool,
    /// Its name.
    pub name: Option<Name>,
    /// The service.
    pub service: Option<String>,
}

/// Connections of a party that look alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// Which way.
    pub direction: Direction,
    /// Through what.
    pub through: Through,
    /// Who is at the other end. One of them, when several processes hold that.
    pub other: Party,
}

/// A party with what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// What others can reach, and how often the same.
    pub endpoints: BTreeMap<Endpoint, usize>,
    /// To whom it talks, and by how many connections.
    pub links: BTreeMap<Link, usize>,
    /// Its other sockets, by condition.
    pub rest: BTreeMap<Condition, usize>,
    /// How many sockets it holds.
    pub sockets: usize,
}

/// What is put together under one service or name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Who can be reached there, by which name.
    pub servers: BTreeMap<(Endpoint, Party), usize>,
    /// Who is connected to whom: client and server, and how often. Of socket pairs, the two ends.
    pub connections: BTreeMap<(Direction, Party, Party), usize>,
}

/// Every process with its sockets, those that could not be seen at the end.
pub fn by_process(rows: &[Row]) -> BTreeMap<Party, Holdings> {
    let mut parties: BTreeMap<Party, Holdings> = BTreeMap::new();
    for row in rows {
        for party in parties_of(&row.holders) {
            let party = parties.entry(party).or_default();
            party.sockets += 1;
            if let Some(endpoint) = endpoint(row) {
                *party.endpoints.entry(endpoint).or_default() += 1;
            }
            match (link(row), endpoint(row)) {
                (Some(link), _) => *party.links.entry(link).or_default() += 1,
                (None, Some(_)) => {}
                (None, None) => *party.rest.entry(row.condition).or_default() += 1,
            }
        }
    }
    parties
}

/// Every service and name with who is there and who talks to it. Each connection is counted once,
/// whichever of its ends are among the rows.
pub fn by_service(rows: &[Row]) -> BTreeMap<Through, Traffic> {
    let mut all: BTreeMap<Through, Traffic> = BTreeMap::new();
    let listed: std::collections::HashSet<u32> = rows.iter().map(|row| row.inode).collect();
    for row in rows {
        let here = first(&row.holders);
        if let Some(endpoint) = endpoint(row) {
            let servers = &mut all.entry(through(row)).or_default().servers;
            *servers.entry((endpoint, here.clone())).or_default() += 1;
        }
        let (Some(link), Some(peer)) = (link(row), &row.peer) else {
            continue;
        };
        let client = match link.direction {
            Direction::To | Direction::Waits | Direction::Sends => true,
            // The other end tells of it, if it is among the rows.
            Direction::From => !listed.contains(&peer.inode),
            Direction::Both => row.inode < peer.inode || !listed.contains(&peer.inode),
        };
        if !client {
            continue;
        }
        let ends = match link.direction {
            Direction::From => (Direction::To, link.other, here),
            direction => (direction, here, link.other),
        };
        let traffic = all.entry(link.through).or_default();
        *traffic.connections.entry(ends).or_default() += 1;
    }
    all
}

fn parties_of(holders: &Holders) -> Vec<Party> {
    match &*holders.processes {
        [] => vec![Party::Nobody(holders.known.into())],
        all => all.iter().map(party).collect(),
    }
}

fn first(holders: &Holders) -> Party {
    match holders.processes.first() {
        Some(process) => party(process),
        None => Party::Nobody(holders.known.into()),
    }
}

fn party(process: &Process) -> Party {
    Party::Process(process.pid, process.comm.clone())
}

fn endpoint(row: &Row) -> Option<Endpoint> {
    let listens = match row.condition {
        Condition::Listening => true,
        Condition::Bound => false,
        _ => return None,
    };
    Some(Endpoint {
        listens,
        name: row.name.clone(),
        service: row.service.as_ref().map(|service| service.name.clone()),
    })
}

fn through(row: &Row) -> Through {
    let peer = row.peer.as_ref().and_then(|peer| peer.name.as_ref());
    match (&row.service, row.name.as_ref().or(peer)) {
        (Some(service), _) => Through::Service(service.name.clone()),
        (None, Some(name)) => Through::Name(name.clone()),
        (None, None) => Through::Pair,
    }
}

fn link(row: &Row) -> Option<Link> {
    let peer = row.peer.as_ref()?;
    let direction = match (peer.relation, &row.name, &peer.name) {
        (Relation::SendsTo, _, _) => Direction::Sends,
        (Relation::WaitsFor, _, _) => Direction::Waits,
        (Relation::Connected, Some(_), None) => Direction::From,
        (Relation::Connected, None, Some(_)) => Direction::To,
        (Relation::Connected, _, _) => Direction::Both,
    };
    Some(Link {
        direction,
        through: through(row),
        other: first(&peer.holders),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::rows;
    use super::*;
    use crate::sys::proc_scan::Sight;

    fn process(pid: u32, comm: &str) -> Party {
        Party::Process(pid, comm.into())
    }

    #[test]
    fn a_server_has_its_endpoint_and_its_client_under_one_process() {
        let graph = by_process(&rows(Sight::default()));
        let bus = &graph[&process(1, "dbus-daemon")];
        assert_eq!((bus.sockets, bus.endpoints.len()), (2, 1));
        let link = bus.links.keys().next().unwrap();
        assert_eq!(link.direction, Direction::From);
        assert_eq!(link.other, process(2, "app"));
        let app = graph[&process(2, "app")].links.keys().next().unwrap();
        let service = Through::Service("D-Bus session bus".into());
        assert_eq!((app.direction, &app.through), (Direction::To, &service));
        let late = graph[&process(3, "late")].links.keys().next().unwrap();
        assert_eq!(late.direction, Direction::Waits);
    }

    #[test]
    fn a_connection_is_counted_once_under_its_service() {
        let rows = rows(Sight::default());
        let bus = Through::Service("D-Bus session bus".into());
        let traffic = &by_service(&rows)[&bus];
        let ends =
            |direction, pid, comm| (direction, process(pid, comm), process(1, "dbus-daemon"));
        let expected = [
            (ends(Direction::To, 2, "app"), 1),
            (ends(Direction::Waits, 3, "late"), 1),
        ];
        assert!(traffic.connections.clone().into_iter().eq(expected));
        // From the server's end alone, too.
        let server: Vec<Row> = rows.into_iter().filter(|row| row.inode == 11).collect();
        let traffic = &by_service(&server)[&bus];
        let expected = [(ends(Direction::To, 2, "app"), 1)];
        assert!(traffic.connections.clone().into_iter().eq(expected));
    }
}
