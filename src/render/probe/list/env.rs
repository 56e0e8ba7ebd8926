//! The rows of `env`: the variables that name endpoints.

use super::super::table::{Cell, Column, Cut};
use super::{At, Facets, Key, Listing, Row};
use crate::probe::env::{Env, Variable};
use crate::render::text::Role;

const COLUMNS: &[Column] = &[
    Column::flexible("VARIABLE", 14, 0, Cut::Middle),
    Column::flexible("VALUE", 20, 0, Cut::Middle),
    Column::flexible("SERVICE", 12, 2, Cut::Middle),
];

pub(super) fn list(seen: &Env) -> Listing {
    let mut listing = Listing::new("variables", COLUMNS);
    for (at, variable) in seen.variables.iter().enumerate() {
        let facets = Facets {
            service: Some((variable.service.clone(), variable.service.clone())),
            ..Facets::default()
        };
        let key = Key::Variable(variable.name.as_str().into());
        listing.row(key, At::Row(at), facets, &row(variable), variable);
    }
    listing
}

pub(super) fn row(variable: &Variable) -> Row {
    let value = match &variable.value {
        Some(value) => Cell::new(Role::Value, value.to_string()),
        None => Cell::new(Role::Dim, "-"),
    };
    Row {
        cells: vec![
            Cell::new(Role::Strong, variable.name.as_str()),
            value,
            Cell::new(Role::Plain, variable.service.as_str()),
        ],
        more: String::new(),
    }
}
