//! Which call recorded credentials on a socket: from its names and condition, and from the socket
//! itself where it is at hand. The kernel does not say.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::{UnixAddr, getpeername};
use schemars::JsonSchema;
use serde::Serialize;

use super::fact::Fact;
use super::recorded::NamedUcred;
use crate::probe::sockets::{Condition, Relation, Row};
use crate::sys::sock_diag::{Name, Type};
use crate::untrusted::Untrusted;

/// The call by which credentials were recorded on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedBy {
    /// listen(2) on this socket: it is a listener, and names its own server.
    Listen,
    /// connect(2) of the client: this is the socket that accept(2) returned.
    PeersConnect,
    /// listen(2) of the server: this socket called connect(2).
    PeersListen,
    /// socketpair(2): both ends name who made them.
    Socketpair,
    /// One of the two sockets of a connection; which cannot be told from their names.
    Connection,
    /// Nothing is recorded: it was never connected, or is a datagram socket that no socketpair(2)
    /// made.
    Nothing,
}

/// Which call recorded, from what sock_diag lists: an accepted socket carries its listener's name,
/// a client usually none, the ends of a pair never.
pub(super) fn by_names(row: &Row, rows: &[Row]) -> RecordedBy {
    let peer = row.peer.as_ref();
    match (row.condition, row.kind) {
        (Condition::Listening, _) => RecordedBy::Listen,
        (Condition::Bound | Condition::Unconnected, _) => RecordedBy::Nothing,
        (Condition::Waiting, _) => RecordedBy::PeersListen,
        (_, Type::Dgram) => match peer {
            Some(peer) if peer.relation == Relation::Connected && row.name.is_none() => {
                RecordedBy::Socketpair
            }
            _ => RecordedBy::Nothing,
        },
        _ => {
            let known = peer.is_some();
            let peer = peer.and_then(|peer| peer.name.as_ref());
            by_both_names(row.name.as_ref(), peer, known, rows)
        }
    }
}

fn by_both_names(
    own: Option<&Name>,
    peer: Option<&Name>,
    peer_known: bool,
    rows: &[Row],
) -> RecordedBy {
    let of_a_listener = |name: &Name| {
        rows.iter()
            .any(|row| row.condition == Condition::Listening && row.name.as_ref() == Some(name))
    };
    match (own, peer) {
        (Some(_), None) if peer_known => RecordedBy::PeersConnect,
        (None, Some(_)) => RecordedBy::PeersListen,
        (None, None) if peer_known => RecordedBy::Socketpair,
        (Some(own), _) if of_a_listener(own) => RecordedBy::PeersConnect,
        (Some(_), Some(peer)) if of_a_listener(peer) => RecordedBy::PeersListen,
        _ => RecordedBy::Connection,
    }
}

/// The same, with the socket in hand: it knows its peer's name even when that has closed, and
/// whether anything was recorded.
pub(super) fn by_socket(
    row: &Row,
    socket: &OwnedFd,
    peercred: &Fact<NamedUcred>,
    rows: &[Row],
) -> RecordedBy {
    if *peercred == Fact::Absent {
        return RecordedBy::Nothing;
    }
    let connected = !matches!(
        row.condition,
        Condition::Listening | Condition::Bound | Condition::Unconnected | Condition::Waiting
    );
    if row.kind == Type::Dgram {
        // connect(2) records nothing for datagrams; only socketpair(2) does.
        return RecordedBy::Socketpair;
    }
    if !connected {
        return by_names(row, rows);
    }
    let peer = getpeername::<UnixAddr>(socket.as_raw_fd());
    let name = peer.as_ref().ok().and_then(|address| {
        let path = |path: &Path| Name::Path(Untrusted::from(path));
        let abstract_name = |name: &[u8]| Name::Abstract(Untrusted::from(name));
        let named = address.path().map(path);
        named.or_else(|| address.as_abstract().map(abstract_name))
    });
    by_both_names(row.name.as_ref(), name.as_ref(), peer.is_ok(), rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_which_call_recorded() {
        let (one, two) = (Name::Path("/a".into()), Name::Path("/b".into()));
        let by = |own, peer, known| by_both_names(own, peer, known, &[]);
        assert_eq!(by(Some(&one), None, true), RecordedBy::PeersConnect);
        assert_eq!(by(None, Some(&one), true), RecordedBy::PeersListen);
        assert_eq!(by(None, None, true), RecordedBy::Socketpair);
        assert_eq!(by(None, None, false), RecordedBy::Connection);
        assert_eq!(by(Some(&one), Some(&two), true), RecordedBy::Connection);
    }
}
