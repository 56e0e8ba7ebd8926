//! The rows of `fds`: the descriptors of a process.

use super::super::table::{Cell, Column, Cut};
use super::{At, Facets, Key, Listing, Row};
use crate::probe::fds::{Descriptor, Fds};
use crate::render::text::Role;

const COLUMNS: &[Column] = &[
    Column::number("FD", 0),
    Column::flexible("TARGET", 20, 0, Cut::Middle),
];

pub(super) fn list(seen: &Fds) -> Listing {
    let mut listing = Listing::new("descriptors", COLUMNS);
    match &seen.descriptors {
        None => listing.note("Its descriptors may not be read.".to_owned()),
        Some(descriptors) => {
            for (at, descriptor) in descriptors.iter().enumerate() {
                let key = Key::Descriptor(descriptor.fd);
                let facets = Facets::default();
                listing.row(key, At::Row(at), facets, &row(descriptor), descriptor);
            }
        }
    }
    listing
}

pub(super) fn row(descriptor: &Descriptor) -> Row {
    Row {
        cells: vec![
            Cell::new(Role::Plain, descriptor.fd.to_string()),
            Cell::new(Role::Value, descriptor.target.to_string()),
        ],
        more: String::new(),
    }
}
