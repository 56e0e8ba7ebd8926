//! What a peer does step by step, with a time between the steps: asking again until the reply is
//! another, and sending a byte at a time.

use nix::poll::PollFlags;

use super::connection::{Connection, Stop};
use crate::check::patience::Deadline;
use crate::check::protocol::{DeedResult, Outcome};

/// What is asked, and what may be replied.
pub(super) struct Asking<'a> {
    /// What is sent.
    pub(super) data: &'a [u8],
    /// The reply that is waited for.
    pub(super) back: &'a [u8],
    /// The reply until then.
    pub(super) refused: &'a [u8],
    /// Milliseconds from a reply to the next sending.
    pub(super) every_ms: u64,
}

/// Asks until the reply is the one that is waited for.
pub(super) fn ask_until(
    connection: &mut Connection,
    asking: &Asking<'_>,
    deadline: Deadline,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    loop {
        connection.send(asking.data, deadline, &mut Vec::new())?;
        outcome.asked.times += 1;
        match reply(connection, asking, deadline, outcome)? {
            Reply::Back => return Ok(()),
            Reply::Refused => outcome.asked.refused += 1,
        }
        // Nothing may come before the next request; the end is found when that is sent.
        let pause = Deadline::after_ms(asking.every_ms).earlier(deadline);
        match connection.wait(PollFlags::POLLIN, pause, "recv") {
            Err(stop) if stop.result == DeedResult::TimedOut && !deadline.passed() => {}
            Err(stop) => return Err(stop),
            Ok(()) => {
                connection.due.clear();
                connection.try_read(1, outcome)?;
            }
        }
    }
}

enum Reply {
    Back,
    Refused,
}

/// Reads one reply. It is taken for the one of which it is a beginning.
fn reply(
    connection: &mut Connection,
    asking: &Asking<'_>,
    deadline: Deadline,
    outcome: &mut Outcome,
) -> Result<Reply, Stop> {
    let mut came = Vec::new();
    outcome.same = 0;
    loop {
        if came == asking.back {
            return Ok(Reply::Back);
        }
        if came == asking.refused {
            return Ok(Reply::Refused);
        }
        let due = match asking.refused.starts_with(&came) {
            true if !came.is_empty() => asking.refused,
            _ => asking.back,
        };
        let before = came.len();
        // One at a time: what is behind the reply is not read with it.
        let taken = connection.take(&mut came, 1);
        let fits = |due: &[u8]| due.starts_with(&came);
        match taken {
            Ok(true) if fits(asking.back) || fits(asking.refused) => {}
            Ok(true) => {
                outcome.due = due.len() as u64;
                outcome.same = before as u64;
                outcome.window_due.0 = due.to_vec();
                let _ = connection.take(&mut came, 32);
                outcome.window_received.0 = came;
                return Err(Stop::new(DeedResult::Mismatch, "recv"));
            }
            Ok(false) => connection.wait(PollFlags::POLLIN, deadline, "recv")?,
            Err(stop) => {
                outcome.due = due.len() as u64;
                outcome.same = came.len() as u64;
                return Err(stop);
            }
        }
    }
}

/// Sends one byte after the other until something can be read, or nobody reads any more.
pub(super) fn drip(
    connection: &mut Connection,
    data: &[u8],
    every_ms: u64,
    deadline: Deadline,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    outcome.due = data.len() as u64;
    for byte in data.chunks(1) {
        match connection.send(byte, deadline, &mut Vec::new()) {
            // Closed: what it said before is read by another step.
            Err(stop) if matches!(stop.errno.as_str(), "EPIPE" | "ECONNRESET") => return Ok(()),
            other => other?,
        }
        outcome.same += 1;
        let pause = Deadline::after_ms(every_ms).earlier(deadline);
        match connection.wait(PollFlags::POLLIN, pause, "recv") {
            Err(stop) if stop.result == DeedResult::TimedOut && !deadline.passed() => {}
            other => return other,
        }
    }
    Err(Stop::new(DeedResult::TimedOut, "recv"))
}
