//! The rows of `runtime-dir`: its entries, and sockets whose files are not there.

use super::super::table::{Cell, Column, Cut};
use super::super::words;
use super::{At, Facets, Key, Listing, Row};
use crate::probe::holders::Holders;
use crate::probe::runtime_dir::{Entry, Kind, Lost, RuntimeDir, State};
use crate::probe::sockets::Identified;
use crate::render::text::Role;

const COLUMNS: &[Column] = &[
    Column::flexible("NAME", 18, 0, Cut::Middle),
    Column::fixed("KIND", 5),
    Column::fixed("STATE", 0),
    Column::flexible("SERVICE", 14, 2, Cut::Middle),
    Column::flexible("PROCESS", 11, 0, Cut::Middle),
    Column::number("PID", 3),
    Column::fixed("MODE", 4),
    Column::number("AGE", 6),
];

pub(super) fn list(seen: &RuntimeDir) -> Listing {
    let mut listing = Listing::new("entries", COLUMNS);
    if let Some(problem) = &seen.problem {
        listing.note(format!(
            "The kernel did not list sockets: {problem}. States are unknown."
        ));
    }
    if let Some(words) = words::blind_spots(&seen.visibility) {
        listing.note(words);
    }
    for unread in &seen.unread {
        let path = words::quoted(&unread.path);
        listing.note(format!(
            "The entries of {path} could not be listed: {}.",
            unread.errno
        ));
    }
    if seen.cut_off {
        listing.note("There are more entries than are looked at.".to_owned());
    }
    for (at, entry) in seen.entries.iter().enumerate() {
        let facets = Facets {
            listening: matches!(
                entry.state,
                State::Listening | State::QueueFull | State::Activation
            ),
            kind: entry.kind.word(),
            processes: processes(entry.holders.as_ref()),
            service: service(entry.service.as_ref()),
        };
        // It grows older, which is no news.
        let known = Entry {
            age_seconds: None,
            ..entry.clone()
        };
        let key = Key::File(entry.path.clone());
        listing.row(key, At::Row(at), facets, &entry_row(entry), &known);
    }
    for (at, lost) in seen.lost.iter().enumerate() {
        let facets = Facets {
            listening: false,
            kind: Kind::Socket.word(),
            processes: processes(Some(&lost.holders)),
            service: service(lost.service.as_ref()),
        };
        let key = Key::Lost(lost.inode);
        listing.row(key, At::Lost(at), facets, &lost_row(lost), lost);
    }
    listing
}

fn processes(holders: Option<&Holders>) -> Vec<crate::probe::holders::Process> {
    holders.map_or_else(Vec::new, |holders| holders.processes.to_vec())
}

fn service(service: Option<&Identified>) -> Option<(String, String)> {
    service.map(|service| (service.id.clone(), service.name.clone()))
}

pub(super) fn entry_row(entry: &Entry) -> Row {
    let [process, pid] = match &entry.holders {
        Some(holders) => words::holders(holders),
        None => [Cell::new(Role::Plain, ""), Cell::new(Role::Plain, "")],
    };
    let state = match entry.state {
        State::Listening | State::Activation => Role::Good,
        State::QueueFull | State::Stale | State::OnlyConnections | State::Dangling => Role::Warning,
        State::Unknown => Role::Warning,
        State::Bound | State::OtherNamespace => Role::Plain,
        State::Placeholder | State::Mounted | State::Present => Role::Dim,
    };
    let mode = entry.mode.map(|mode| format!("{mode:04o}"));
    let age = entry.age_seconds.map(words::age);
    let mut more = String::new();
    if let Some(bound) = &entry.socket {
        more += &format!("{} {} ", bound.inode, bound.kind.word());
    }
    if let Some(target) = entry.target.as_ref().or(entry.mounted.as_ref()) {
        more += &format!("{target} ");
    }
    if let Some(service) = &entry.service {
        more += &service.id;
    }
    Row {
        cells: vec![
            Cell::new(Role::Code, words::quoted(&entry.path)),
            Cell::new(Role::Plain, entry.kind.word()),
            Cell::new(state, entry.state.words()),
            words::service(entry.service.as_ref()),
            process,
            pid,
            Cell::new(Role::Plain, mode.unwrap_or_else(|| "?".to_owned())),
            Cell::new(Role::Dim, age.unwrap_or_default()),
        ],
        more,
    }
}

pub(super) fn lost_row(lost: &Lost) -> Row {
    let [process, pid] = words::holders(&lost.holders);
    Row {
        cells: vec![
            Cell::new(Role::Code, words::name(&lost.name)),
            Cell::new(Role::Plain, lost.kind.word()),
            Cell::new(Role::Warning, "no file"),
            words::service(lost.service.as_ref()),
            process,
            pid,
            Cell::new(Role::Plain, ""),
            Cell::new(Role::Plain, ""),
        ],
        more: lost.inode.to_string(),
    }
}
