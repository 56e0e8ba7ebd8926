//! Which service a socket belongs to, and what gave it away.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::join::Names;
use crate::curriculum::services::{self, Kind, Part, Places, Service};
use crate::sys::proc_scan::Holdings;
use crate::sys::sock_diag::{Name, Socket, State, Type};

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

/// Which service each name belongs to, by the number that the name has here.
pub(super) fn identify(
    sockets: &[Socket],
    names: &Names<'_>,
    holdings: &Holdings,
    services: &[Service],
    places: &Places,
) -> Vec<Option<Arc<Identified>>> {
    let mut known: Vec<Option<Arc<Identified>>> = vec![None; names.distinct().len()];
    let mut unknown = Vec::new();
    // Thousands of accepted sockets have their listener's name: each is looked up once a type.
    let mut tried = vec![0_u8; known.len()];
    for (at, socket) in sockets.iter().enumerate() {
        let Some(number) = names.of(at) else { continue };
        if known[number].is_some() {
            continue;
        }
        let kind = kind(socket.kind);
        let bit = 1 << kind.map_or(0, |kind| 1 + kind as u8);
        if tried[number] & bit == 0 {
            tried[number] |= bit;
            let address = match names.distinct()[number] {
                Name::Path(path) => places.path(path.bytes()),
                Name::Abstract(name) => places.abstract_name(name.bytes()),
            };
            if let Some(service) = services::by_address(services, &address, kind) {
                known[number] = Some(Arc::new(Identified::new(service, By::Address)));
                continue;
            }
        }
        // Accepted sockets are held by whoever serves, not by whoever listens.
        if socket.state != State::Established || socket.kind == Type::Dgram {
            unknown.push((number, socket.inode));
        }
    }
    for (number, inode) in unknown {
        let service = holdings
            .of_socket(inode)
            .iter()
            .find_map(|holder| services::by_program(services, holder.comm.bytes()));
        if let Some(service) = service {
            known[number] = Some(Arc::new(Identified::new(service, By::Program)));
        }
    }
    known
}

/// A socket's type as the catalogue of services has it.
pub(in crate::probe) fn kind(kind: Type) -> Option<Kind> {
    match kind {
        Type::Stream => Some(Kind::Stream),
        Type::Dgram => Some(Kind::Dgram),
        Type::Seqpacket => Some(Kind::Seqpacket),
        Type::Other(_) => None,
    }
}
