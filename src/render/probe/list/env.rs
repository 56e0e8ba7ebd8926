//! The rows of `env`: the variables that name endpoints.

use super::super::env::{address, state};
use super::super::table::{Cell, Column, Cut};
use super::super::words;
use super::{At, Facets, Key, Listing, Row};
use crate::probe::env::endpoint::{Endpoint, State};
use crate::probe::env::{Env, Variable};
use crate::render::text::Role;

const COLUMNS: &[Column] = &[
    Column::flexible("VARIABLE", 14, 0, Cut::Middle),
    Column::fixed("STATE", 0),
    Column::flexible("LEADS TO", 20, 0, Cut::Middle),
    Column::flexible("PROCESS", 10, 3, Cut::Middle),
    Column::number("PID", 4),
    Column::flexible("SERVICE", 12, 2, Cut::Middle),
];

pub(super) fn list(seen: &Env) -> Listing {
    let mut listing = Listing::new("variables", COLUMNS);
    for finding in &seen.findings {
        listing.note(format!("{} {}", finding.title, finding.reason));
    }
    for (at, variable) in seen.variables.iter().enumerate() {
        let found = decides(variable);
        let holders = found.and_then(|found| found.holders.as_ref());
        let facets = Facets {
            listening: variable.state == State::Listening,
            kind: found.and_then(|it| it.kind).map_or("", |kind| kind.word()),
            processes: holders.map(|it| it.processes.to_vec()).unwrap_or_default(),
            service: found.and_then(|found| {
                let service = found.service.as_ref()?;
                Some((service.id.clone(), service.name.clone()))
            }),
        };
        let key = Key::Variable(variable.name.as_str().into());
        listing.row(key, At::Row(at), facets, &row(variable), variable);
    }
    listing
}

/// The endpoint that counts: the first that answers, else the first.
fn decides(variable: &Variable) -> Option<&Endpoint> {
    let mut endpoints = variable.endpoints.iter();
    endpoints
        .find(|it| it.state.answers())
        .or(variable.endpoints.first())
}

pub(super) fn row(variable: &Variable) -> Row {
    let found = decides(variable);
    let leads = match (found.and_then(|it| it.address.as_ref()), &variable.value) {
        (Some(at), _) => Cell::new(Role::Code, address(at)),
        (None, Some(value)) => Cell::new(Role::Dim, words::quoted(value)),
        (None, None) => Cell::new(Role::Dim, "-"),
    };
    let [process, pid] = match found.and_then(|it| it.holders.as_ref()) {
        Some(holders) => words::holders(holders),
        None => [Cell::new(Role::Plain, ""), Cell::new(Role::Plain, "")],
    };
    Row {
        cells: vec![
            Cell::new(Role::Strong, variable.name.as_str()),
            state(Some(variable.state)),
            leads,
            process,
            pid,
            words::service(found.and_then(|it| it.service.as_ref())),
        ],
        more: variable
            .value
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}
