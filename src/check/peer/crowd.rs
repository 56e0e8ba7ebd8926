//! Many connections at once: a crowd of clients in one process, each with an exchange of its own.

use std::collections::BTreeSet;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::connection::{Connection, Destination, Stop, connect};
use super::exchange::{End, exchange};
use crate::check::patience::Deadline;
use crate::check::protocol::{Outcome, SocketAddress};
use crate::curriculum::scenario::SocketType;
use crate::sys::process;

/// How large a crowd is, and what each of it does.
pub(super) struct Crowd<'a> {
    /// The address.
    pub(super) to: &'a SocketAddress,
    /// Device and inode it must have.
    pub(super) inode: Option<(u64, u64)>,
    /// Connections in all.
    pub(super) count: u64,
    /// Connections that are open at the same time.
    pub(super) at_once: u64,
    /// What each sends.
    pub(super) data: &'a [u8],
    /// What must come back to each.
    pub(super) back: &'a [u8],
}

/// Comes in waves of `at_once`: all of a wave connect, then all exchange, then all close.
pub(super) fn come(
    crowd: &Crowd<'_>,
    deadline: Deadline,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let mut served = 0;
    while served < crowd.count {
        let size = crowd.at_once.min(crowd.count - served);
        let mut wave = Vec::new();
        for _ in 0..size {
            let destination = Destination {
                kind: SocketType::Stream,
                to: crowd.to,
                inode: crowd.inode,
                send_buffer: None,
                user: None,
            };
            let mut connection = connect(&destination, deadline)?;
            connection.due.extend(crowd.back);
            wave.push(connection);
        }
        let mut ends: Vec<End<'_>> = wave.iter_mut().map(|one| end(one, crowd.data)).collect();
        exchange(&mut ends, deadline, outcome)?;
        served += size;
    }
    Ok(())
}

fn end<'a>(connection: &'a mut Connection, data: &'a [u8]) -> End<'a> {
    End {
        name: "",
        connection,
        rest: data,
        outcome: Outcome::default(),
    }
}

/// Lets this process open as many descriptors as it ever may (getrlimit(2), RLIMIT_NOFILE).
pub(super) fn make_room() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

/// The limit under which a process finds so many free numbers for new descriptors.
pub(super) fn room_for(pid: i32, spare: u64) -> u64 {
    let open: BTreeSet<u64> = process::descriptors(pid)
        .into_iter()
        .map(|(number, _)| number as u64)
        .collect();
    let mut free = (0..).filter(|number| !open.contains(number));
    free.nth(spare as usize).unwrap_or(0)
}
