//! Which service a socket belongs to, and what gave it away.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

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

/// Which service each name belongs to.
pub(super) fn identify<'a>(
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
pub(in crate::probe) fn kind(kind: Type) -> Option<Kind> {
    match kind {
        Type::Stream => Some(Kind::Stream),
        Type::Dgram => Some(Kind::Dgram),
        Type::Seqpacket => Some(Kind::Seqpacket),
        Type::Other(_) => None,
    }
}
