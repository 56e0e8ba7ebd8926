//! The rows of `fds`: the descriptors of a process.

use super::super::fds;
use super::super::table::{Cell, Column, Cut};
use super::{At, Facets, Key, Listing, Row};
use crate::probe::fds::{Descriptor, Fds, What};
use crate::probe::sockets::Condition;
use crate::render::text::Role;
use crate::sys::fdinfo::Access;

const COLUMNS: &[Column] = &[
    Column::number("FD", 0),
    Column::fixed("MODE", 3),
    Column::fixed("KIND", 0),
    Column::flexible("WHAT", 24, 0, Cut::Middle),
    Column::flexible("STATE", 10, 2, Cut::End),
    Column::number("INODE", 4),
];

pub(super) fn list(seen: &Fds) -> Listing {
    let mut listing = Listing::new("descriptors", COLUMNS);
    for words in fds::warnings(seen) {
        listing.note(words);
    }
    for (at, open) in seen.descriptors.iter().flatten().enumerate() {
        let (kind, ..) = fds::about(open, seen.pid);
        let mut facets = Facets {
            kind,
            ..Facets::default()
        };
        if let What::UnixSocket(socket) = &open.what {
            facets.listening = socket.condition == Some(Condition::Listening);
            let service = socket.service.as_ref();
            facets.service = service.map(|service| (service.id.clone(), service.name.clone()));
            let peer = socket.peer.iter();
            facets.processes = peer
                .flat_map(|peer| peer.socket.holders.processes.clone())
                .collect();
        }
        // Time goes by, which is no news.
        let mut known = open.clone();
        if let What::Timerfd { expires_in, .. } = &mut known.what {
            *expires_in = None;
        }
        let key = Key::Descriptor(open.fd);
        listing.row(key, At::Row(at), facets, &row(seen, open), &known);
    }
    listing
}

pub(super) fn row(seen: &Fds, open: &Descriptor) -> Row {
    let (kind, what, state) = fds::about(open, seen.pid);
    Row {
        cells: vec![
            Cell::new(Role::Strong, open.fd.to_string()),
            Cell::new(Role::Plain, mode(open.access)),
            Cell::new(Role::Plain, kind),
            what,
            Cell::new(Role::Plain, state),
            Cell::new(
                Role::Dim,
                open.inode
                    .map(|inode| inode.to_string())
                    .unwrap_or_default(),
            ),
        ],
        more: open.target.to_string(),
    }
}

fn mode(access: Option<Access>) -> &'static str {
    match access {
        Some(Access::Read) => "r",
        Some(Access::Write) => "w",
        Some(Access::ReadWrite) => "rw",
        Some(Access::PathOnly) => "path",
        Some(Access::Neither) => "ioctl",
        None => "?",
    }
}
