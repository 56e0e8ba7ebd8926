//! Where bytes belong that came in the wrong place: elsewhere in what is due, or on another connection.

use super::Peer;
use super::connection::Connection;
use crate::check::protocol::Outcome;

impl Peer {
    /// Where bytes are that should be here, and where those come from that should not.
    pub(super) fn look_around(&mut self, name: &str, outcome: &mut Outcome) {
        let unread = |(other, connection): (&String, &Connection)| {
            (other != name && connection.has_unread()).then(|| other.clone())
        };
        outcome.elsewhere = self.connections.iter().find_map(unread).unwrap_or_default();
        let right = outcome.same.saturating_sub(outcome.window_at) as usize;
        let wrong = outcome.window_received.0.get(right..).unwrap_or_default();
        let source = |(other, connection): (&String, &mut Connection)| {
            connection.said(wrong).then(|| other.clone())
        };
        outcome.stray = self
            .connections
            .iter_mut()
            .find_map(source)
            .unwrap_or_default();
    }
}

/// So many bytes are no coincidence.
const CERTAIN: usize = 8;

/// Where in the bytes due those are that came in their place: behind it, or else before.
pub(super) fn found_at(due: &[u8], outcome: &Outcome) -> Option<u64> {
    let same = outcome.same as usize;
    let came = &outcome.window_received.0;
    let came = came.get(same - (outcome.window_at as usize).min(same)..)?;
    let find = |part: &[u8]| part.windows(came.len()).position(|place| place == came);
    if came.len() < CERTAIN || same > due.len() {
        return None;
    }
    let at = find(&due[same..]).map(|at| same + at).or_else(|| find(due));
    at.map(|at| at as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::protocol::Bytes;

    fn outcome(same: u64, window_at: u64, received: &[u8]) -> Outcome {
        Outcome {
            same,
            window_at,
            window_received: Bytes(received.to_vec()),
            ..Outcome::default()
        }
    }

    #[test]
    fn bytes_in_the_wrong_place_are_found_where_they_belong() {
        let due: Vec<u8> = (0..100).collect();
        let hole: Vec<u8> = (24..40).chain(60..92).collect();
        assert_eq!(found_at(&due, &outcome(40, 24, &hole)), Some(60));
        let again: Vec<u8> = (24..40).chain(0..32).collect();
        assert_eq!(found_at(&due, &outcome(40, 24, &again)), Some(0));
        let others = [7; 48];
        assert_eq!(found_at(&due, &outcome(40, 24, &others)), None);
        assert_eq!(found_at(&due, &outcome(100, 84, &again)), Some(0));
    }

    #[test]
    fn a_few_bytes_are_found_nowhere() {
        let due: Vec<u8> = (0..100).collect();
        assert_eq!(found_at(&due, &outcome(0, 0, &[50, 51, 52])), None);
        assert_eq!(found_at(&due, &outcome(0, 0, &[])), None);
    }
}
