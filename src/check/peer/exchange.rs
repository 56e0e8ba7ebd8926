//! Traffic both ways at once: on one connection, or across two that a relay joins.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};

use super::connection::{Connection, Stop};
use crate::check::patience::Deadline;
use crate::check::protocol::{DeedResult, Outcome};

/// One end of an exchange.
pub(super) struct End<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The connection; what is due on it has been noted.
    pub(super) connection: &'a mut Connection,
    /// What is still to be sent on it.
    pub(super) rest: &'a [u8],
    /// What was seen on it.
    pub(super) outcome: Outcome,
}

impl End<'_> {
    fn done(&self) -> bool {
        self.rest.is_empty() && self.connection.due.is_empty()
    }

    /// Sends and reads what can be, and says whether anything moved.
    fn turn(&mut self) -> Result<bool, Stop> {
        let mut moved = false;
        if !self.rest.is_empty()
            && let Some(count) = self.connection.try_send(self.rest)?
        {
            self.rest = &self.rest[count..];
            moved = true;
        }
        let read = self.connection.try_read(64 * 1024, &mut self.outcome)?;
        Ok(moved | read.is_some())
    }
}

/// Sends and reads on all ends until each has sent all and received all that is due.
pub(super) fn exchange(
    ends: &mut [End<'_>],
    deadline: Deadline,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    for end in &mut *ends {
        end.connection.begin_read(&mut end.outcome);
    }
    let stopped = run(ends, deadline);
    let about = match &stopped {
        Err((_, about)) => *about,
        Ok(()) => 0,
    };
    let end = &mut ends[about];
    if stopped.is_err() && end.outcome.window_due.0.is_empty() {
        end.connection.show_missing(&mut end.outcome);
    }
    *outcome = end.outcome.clone();
    stopped.map_err(|(mut stop, _)| {
        stop.about = Some(end.name.to_owned());
        stop
    })
}

/// Goes on until all ends are done; otherwise why not, and which end.
fn run(ends: &mut [End<'_>], deadline: Deadline) -> Result<(), (Stop, usize)> {
    while !ends.iter().all(End::done) {
        let mut moved = false;
        for (at, end) in ends.iter_mut().enumerate() {
            // An end that is done may be closed by the other side while the rest goes on.
            if !end.done() {
                moved |= end.turn().map_err(|stop| (stop, at))?;
            }
        }
        if moved {
            continue;
        }
        let late = ends.iter().position(|end| !end.connection.due.is_empty());
        let mut fds: Vec<PollFd<'_>> = ends
            .iter()
            .filter(|end| !end.done())
            .map(|end| {
                let mut flags = PollFlags::POLLIN;
                flags.set(PollFlags::POLLOUT, !end.rest.is_empty());
                PollFd::new(end.connection.socket.as_fd(), flags)
            })
            .collect();
        match nix::poll::poll(&mut fds, deadline.poll_timeout()) {
            Ok(0) if deadline.passed() => {
                let stop = Stop::new(DeedResult::TimedOut, "recv");
                return Err((stop, late.unwrap_or(0)));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err((Stop::errno(errno, "poll"), 0)),
        }
    }
    Ok(())
}
