//! Descriptors that are on their way: sent with `SCM_RIGHTS`, and not received yet.
//!
//! `/proc/PID/fdinfo` of a socket says how many descriptors wait in its receive queue (`scm_fds:`,
//! Linux 5.11, unix_show_fdinfo()), and of a listener, in those of all connections that it has not
//! accepted. Which descriptors they are, the kernel does not tell: a socket that nobody holds may
//! be one of them.

use super::row::{Condition, Row};
use crate::probe::holders::Known;
use crate::sys::fdinfo;
use crate::sys::proc_scan::Holdings;
use crate::sys::sock_diag::Type;

/// Reads where descriptors can wait, and says of sockets that nobody holds that they may be on
/// their way. Returns how many were seen.
pub(super) fn look(rows: &mut [Row], holdings: &Holdings) -> u32 {
    let homeless = rows.iter().any(|row| row.holders.known == Known::None);
    let message_sent = rows
        .iter()
        .any(|row| row.kind != Type::Stream && row.sent_memory > 0);
    for row in rows.iter_mut() {
        if may_hold(row, homeless || message_sent) {
            row.in_flight = read(row.inode, holdings);
        }
    }
    // A socket is counted once, but holds what waits at a listener for each of its clients.
    let seen: u32 = rows.iter().filter_map(|row| row.in_flight).sum();
    if seen > 0 {
        settle(rows);
    }
    seen
}

/// A message of no bytes carries descriptors too, and then the queue of a datagram socket does not
/// show it.
fn may_hold(row: &Row, empty_messages: bool) -> bool {
    row.unread > 0
        || row.queue.is_some_and(|queue| queue.pending > 0)
        || (row.kind != Type::Stream && row.condition != Condition::Listening && empty_messages)
}

/// All descriptors of a socket tell the same: the first that may be read is taken.
fn read(inode: u32, holdings: &Holdings) -> Option<u32> {
    let descriptors = holdings.descriptors_of_socket(inode).iter();
    descriptors.copied().find_map(fdinfo::descriptors_in_flight)
}

/// What has no holder may be in one of the messages.
pub(super) fn settle(rows: &mut [Row]) {
    for row in rows {
        let peer = row.peer.iter_mut().map(|peer| &mut peer.holders);
        let pending = row.pending.iter_mut().map(|client| &mut client.holders);
        let all = std::iter::once(&mut row.holders).chain(peer).chain(pending);
        for holders in all.filter(|holders| holders.known == Known::None) {
            holders.known = Known::InFlight;
        }
    }
}
