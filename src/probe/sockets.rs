//! `probe sockets`: every AF_UNIX socket of this network namespace, with the processes at both
//! ends.
//!
//! Owns what is asked and the order of looking: sock_diag lists the sockets, `/proc` tells who
//! holds them, [`mod@join`] brings both together, and files of their own look further: where names
//! lead now ([`mod@file`]), what is on its way ([`flight`]), what is known of the holders
//! ([`owner`]) and what only the socket itself tells ([`borrow`]).
//!
//! Not in here: sockets of other network namespaces, and files; see [`super::runtime_dir`].

mod borrow;
mod file;
mod filter;
mod flight;
pub mod graph;
mod join;
mod owner;
mod row;
mod service;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use schemars::JsonSchema;
use serde::Serialize;

use super::holders::{Known, Visibility};
use super::{ProbeError, Surroundings};
use crate::curriculum::services::Service;
use crate::sys::proc_scan::{self, Holdings, Wanted};
use crate::sys::sock_diag::{self, Dump};
use crate::sys::users::Users;
pub use borrow::{Borrowed, FileNow, Recorded, Refused};
pub use file::{Doubt, Leads, SeenFrom, Target};
pub use filter::Filter;
pub use join::join;
pub use owner::Owner;
pub use row::{Condition, Held, Peer, Pending, Queue, Relation, Row};
pub(super) use service::kind;
pub use service::{By, Identified};

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Sockets {
    /// `ipc-mastery/probe/sockets/1`.
    pub schema: &'static str,
    /// How much could be seen of processes.
    #[serde(flatten)]
    pub visibility: Visibility,
    /// Why sockets could not be listed, if they could not.
    pub problem: Option<String>,
    /// How often the kernel's list was asked for again, because sockets came and went meanwhile.
    pub dump_repeated: u32,
    /// The network namespace that was looked at: the number of `/proc/self/ns/net`.
    pub network_namespace: Option<u64>,
    /// Descriptors in messages that nobody has received, as far as they could be counted.
    pub in_flight: u32,
    /// Which sockets were asked for.
    pub filter: Filter,
    /// How many sockets there are, with those that were not asked for.
    pub total: usize,
    /// The sockets: listening first, then bound, then by condition; within by name and inode.
    pub sockets: Vec<Row>,
    /// The processes that hold them, or their other ends, by pid: empty when only
    /// [`Depth::Table`] was asked for.
    pub owners: Vec<Owner>,
    /// How it is to be drawn.
    #[serde(skip)]
    pub view: View,
}

impl Sockets {
    /// What is told of a process.
    pub fn owner(&self, pid: u32) -> Option<&Owner> {
        let at = self.owners.binary_search_by_key(&pid, |owner| owner.pid);
        Some(&self.owners[at.ok()?])
    }
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Which sockets.
    pub filter: Filter,
    /// How far to look.
    pub depth: Depth,
    /// How to draw them.
    pub view: View,
}

impl From<Filter> for Wish {
    fn from(filter: Filter) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }
}

/// How far to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What a table of ordinary width shows.
    #[default]
    Table,
    /// Besides, what is known of each holder.
    Owners,
    /// Besides, what each socket itself tells: a descriptor of it is borrowed for a moment.
    Borrow,
}

/// How sockets are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// A table for each condition; one socket alone, in sentences.
    #[default]
    Table,
    /// A tree: who talks to whom.
    Tree(graph::Grouping),
}

/// Looks at this machine.
///
/// # Errors
/// When a process or a socket that was asked for by its number is not there.
pub fn collect(
    wish: &Wish,
    services: &[Service],
    surroundings: &Surroundings,
) -> Result<Sockets, ProbeError> {
    let (mut seen, holdings) = collect_with(services, surroundings, Wanted::default());
    let users = Users::load();
    seen.in_flight = flight::look(&mut seen.sockets, &holdings);
    let Wish {
        filter,
        depth,
        view,
    } = wish;
    seen.sockets.retain(|row| filter.fits(row));
    if seen.sockets.is_empty() && seen.problem.is_none() {
        check(filter)?;
    }
    file::look(&mut seen.sockets);
    for row in &mut seen.sockets {
        row.user = row.uid.and_then(|uid| users.name(uid)).cloned();
    }
    if *depth >= Depth::Owners {
        seen.owners = owner::owners(&seen.sockets);
        for row in &mut seen.sockets {
            let descriptors = holdings.descriptors_of_socket(row.inode).iter();
            row.descriptors = descriptors.copied().map(Held::from).collect();
        }
    }
    if *depth >= Depth::Borrow {
        borrow::ask(&mut seen.sockets, &holdings, &users);
    }
    seen.filter = filter.clone();
    seen.view = *view;
    Ok(seen)
}

/// Whether what a filter names by its number is there at all.
fn check(filter: &Filter) -> Result<(), ProbeError> {
    if let Some(pid) = filter.pid
        && fs::metadata(format!("/proc/{pid}")).is_err()
    {
        return Err(ProbeError::NoProcess { pid });
    }
    match filter.inode {
        Some(inode) => Err(ProbeError::NoSocket { inode }),
        None => Ok(()),
    }
}

/// All sockets with their holders; also returns what else the walk over `/proc` found.
pub(super) fn collect_with(
    services: &[Service],
    surroundings: &Surroundings,
    wanted: Wanted<'_>,
) -> (Sockets, Holdings) {
    let mut problem = None;
    let dump = sock_diag::dump().unwrap_or_else(|error| {
        problem = Some(error.to_string());
        Dump::default()
    });
    let mut unlistable = None;
    let holdings = proc_scan::scan(wanted).unwrap_or_else(|error| {
        unlistable = Some(error.to_string());
        Holdings::default()
    });
    let repeated = dump.repeated;
    let mut rows = join(dump.sockets, &holdings, services, &surroundings.places());
    if rows.iter().any(|row| row.holders.known == Known::None) {
        mark_gone(&mut rows);
    }
    if unlistable.is_some() {
        for row in &mut rows {
            row.holders.known = Known::NotVisible;
        }
    }
    let sockets = Sockets {
        schema: "ipc-mastery/probe/sockets/1",
        visibility: Visibility::new(holdings.sight.clone(), unlistable),
        problem,
        dump_repeated: repeated,
        network_namespace: fs::metadata("/proc/thread-self/ns/net")
            .ok()
            .map(|namespace| namespace.ino()),
        in_flight: 0,
        filter: Filter::default(),
        total: rows.len(),
        sockets: rows,
        owners: Vec::new(),
        view: View::default(),
    };
    (sockets, holdings)
}

/// A socket without a holder may only have been closed between the list and the walk.
fn mark_gone(rows: &mut [Row]) {
    let Ok(dump) = sock_diag::dump() else { return };
    let still: HashSet<u64> = dump.sockets.iter().map(|socket| socket.cookie).collect();
    let inodes: HashSet<u32> = dump.sockets.iter().map(|socket| socket.inode).collect();
    for row in rows {
        if row.holders.known == Known::None && !still.contains(&row.cookie) {
            row.holders.known = Known::Gone;
        }
        if let Some(peer) = &mut row.peer
            && peer.holders.known == Known::None
            && !inodes.contains(&peer.inode)
        {
            peer.holders.known = Known::Gone;
        }
    }
}

#[cfg(test)]
mod tests;
