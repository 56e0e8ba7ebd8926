//! Moves on connections: connecting as a peer process, and traffic that must go well.

use super::talk::path_bytes;
use super::{Failed, GRACE_MS, Runner, StageError, Stepped};
use crate::check::link::Link;
use crate::check::program::Program;
use crate::check::protocol::{Deed, DeedResult};
use crate::curriculum::scenario::Payload;
use crate::sys::clock::Deadline;

impl Runner<'_> {
    pub(super) fn connect(&mut self, connection: &str, peer: &str, within_ms: u64) -> Stepped {
        if !self.peers.contains_key(peer) {
            let link = Link::start("peer")?;
            self.peers.insert(peer.to_owned(), link);
            self.connections
                .insert(connection.to_owned(), peer.to_owned());
            // A server that somebody runs is theirs, and so are its clients; our own program's
            // clients are its own user's.
            let user = match self.setting.program {
                Program::Running(_) => None,
                Program::Words(_) | Program::Shell(_) => self.setting.arena.identity(),
            };
            let outcome = self.deed(connection, &Deed::Identify { user }, GRACE_MS)?;
            if outcome.result != DeedResult::Done {
                return Err(StageError::Fault(format!(
                    "a peer cannot become user: {}",
                    outcome.errno
                )));
            }
        }
        self.connections
            .insert(connection.to_owned(), peer.to_owned());
        let path = path_bytes(self.place.address.as_os_str());
        let deed = Deed::Connect {
            connection: connection.to_owned(),
            path,
            inode: self.ready,
            within_ms,
        };
        let stepped = self.traffic(connection, &deed, within_ms)?;
        if stepped.is_err() {
            self.connections.remove(connection);
        }
        Ok(stepped)
    }

    /// Sends until nothing more goes through *and* the program sleeps: on a busy machine a socket
    /// stays full for a while although its reader is about to run.
    pub(super) fn send_until_blocked(
        &mut self,
        connection: &str,
        limit: u64,
        within_ms: u64,
    ) -> Stepped {
        let deadline = Deadline::after_ms(within_ms);
        let data = self.draw(Payload::Random(limit));
        let mut from = 0;
        loop {
            let deed = Deed::SendUntilBlocked {
                connection: connection.to_owned(),
                data: data.clone(),
                from,
                within_ms: (deadline.left().as_millis() as u64).max(1),
            };
            let before = self.deed_sent(connection)?;
            if let Err(failed) = self.traffic(connection, &deed, within_ms)? {
                return Ok(Err(failed));
            }
            let accepted = self.deed_sent(connection)? - before;
            from += accepted;
            if from >= limit || deadline.passed() || self.sleeps(accepted)? {
                return Ok(Ok(()));
            }
        }
    }

    /// Bytes sent on a connection so far.
    pub(super) fn deed_sent(&mut self, connection: &str) -> Result<u64, StageError> {
        let nothing = Deed::Read {
            connection: connection.to_owned(),
            bytes: Some(0),
            within_ms: 1,
        };
        Ok(self.deed(connection, &nothing, GRACE_MS)?.sent)
    }

    /// A deed that must be done.
    pub(super) fn traffic(&mut self, connection: &str, deed: &Deed, within_ms: u64) -> Stepped {
        let outcome = self.deed(connection, deed, within_ms)?;
        let failed = match outcome.result {
            DeedResult::Done => return Ok(Ok(())),
            DeedResult::TimedOut => "timeout",
            DeedResult::End => "end",
            DeedResult::Reset => "reset",
            DeedResult::Mismatch => "mismatch",
            DeedResult::Extra => "extra",
            DeedResult::Errno => "errno",
            DeedResult::Replaced => "wrong-server",
            DeedResult::Fault => {
                return Err(StageError::Fault(format!(
                    "connection `{connection}` cannot do this: {}",
                    outcome.call
                )));
            }
        };
        self.note(
            format!("{failed}: {} {}", outcome.call, outcome.errno)
                .trim_end()
                .to_owned(),
        );
        Ok(Err(Failed {
            deed: Some(outcome),
            ..Failed::new(failed, "server")
        }))
    }
}
