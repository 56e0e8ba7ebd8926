//! What a peer does step by step, with a time between the steps: asking again until the reply is
//! another, and sending a byte at a time.

use std::time::{Duration, Instant};

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
    /// A pause so long, from one sending to the next reply, and what is waited for proves nothing:
    /// the machine was too busy to ask at this pace.
    pub(super) apart: Option<Duration>,
    /// Milliseconds in which it is asked again and again.
    pub(super) within_ms: u64,
}

/// How often what was waited for may prove nothing; then it counts, however it came.
const BUSY: u32 = 3;

/// How long a reply may take, in milliseconds. The end of the asking is not its limit: whoever is
/// asked just before that would have no time left to reply.
const REPLY_MS: u64 = 5_000;

impl Asking<'_> {
    /// Whether a reply that came now came after too long a pause; the first has nothing before it.
    fn was_late(&self, before: Option<Instant>) -> bool {
        let pause = before.map(|before| before.elapsed());
        self.apart
            .is_some_and(|apart| pause.is_none_or(|pause| pause > apart))
    }
}

/// Asks until the reply is the one that is waited for.
pub(super) fn ask_until(
    connection: &mut Connection,
    asking: &Asking<'_>,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let asks = Deadline::after_ms(asking.within_ms);
    let mut before = None;
    let mut busy = 0;
    loop {
        let sent = Instant::now();
        let deadline = Deadline::after_ms(REPLY_MS);
        connection.send(asking.data, deadline, &mut Vec::new())?;
        outcome.asked.times += 1;
        match reply(connection, asking, deadline, outcome)? {
            Reply::Back if busy < BUSY && asking.was_late(before) => {
                busy += 1;
                outcome.asked = Default::default();
            }
            Reply::Back => return Ok(()),
            Reply::Refused => outcome.asked.refused += 1,
        }
        before = Some(sent);
        // Nothing may come before the next request; the end is found when that is sent.
        let pause = Deadline::of_a_rhythm(asking.every_ms).earlier(asks);
        match connection.wait(PollFlags::POLLIN, pause, "recv") {
            Err(stop) if stop.result == DeedResult::TimedOut && !asks.passed() => {}
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
        let pause = Deadline::of_a_rhythm(every_ms).earlier(deadline);
        match connection.wait(PollFlags::POLLIN, pause, "recv") {
            Err(stop) if stop.result == DeedResult::TimedOut && !deadline.passed() => {}
            other => return other,
        }
    }
    Err(Stop::new(DeedResult::TimedOut, "recv"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::check::protocol::AskedSeen;
    use crate::curriculum::scenario::SocketType;

    /// What is asked of a program that answers so, one answer to each question, `apart` being so long.
    fn asked(answers: &'static [u8], apart: Option<Duration>) -> AskedSeen {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
        let program = std::thread::spawn(move || {
            for answer in answers {
                theirs.read_exact(&mut [0]).expect("a question");
                theirs.write_all(&[*answer]).expect("somebody who reads");
            }
        });
        let asking = Asking {
            data: b"?",
            back: b"y",
            refused: b"n",
            every_ms: 1,
            apart,
            within_ms: 60_000,
        };
        let mut connection = Connection::of(ours.into(), SocketType::Stream);
        let mut outcome = Outcome::default();
        let done = ask_until(&mut connection, &asking, &mut outcome);
        assert!(done.is_ok(), "the last answer is the one waited for");
        program.join().expect("each answer was asked for");
        outcome.asked
    }

    #[test]
    fn the_reply_that_is_waited_for_ends_it() {
        let seen = asked(b"nny", None);
        assert_eq!((seen.times, seen.refused), (3, 2));
        assert_eq!(asked(b"y", None).times, 1);
    }

    #[test]
    fn a_first_reply_proves_nothing_about_a_pace() {
        let seen = asked(b"ynny", Some(Duration::from_secs(60)));
        assert_eq!((seen.times, seen.refused), (3, 2));
    }

    #[test]
    fn a_machine_that_is_always_busy_is_asked_three_times_more() {
        let seen = asked(b"yyyny", Some(Duration::ZERO));
        assert_eq!((seen.times, seen.refused), (2, 1));
    }

    #[test]
    fn a_question_just_before_the_end_of_the_asking_has_its_reply() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
        let program = std::thread::spawn(move || {
            theirs.read_exact(&mut [0]).expect("a question");
            theirs.write_all(b"n").expect("somebody who reads");
            // Open until it is looked at: an end would be something else.
            theirs
        });
        let asking = Asking {
            data: b"?",
            back: b"y",
            refused: b"n",
            every_ms: 1,
            apart: None,
            within_ms: 0,
        };
        let mut connection = Connection::of(ours.into(), SocketType::Stream);
        let mut outcome = Outcome::default();
        let stop = ask_until(&mut connection, &asking, &mut outcome);
        let stop = stop.expect_err("it was refused until the end");
        drop(program.join().expect("the one question was answered"));
        assert_eq!(stop.result, DeedResult::TimedOut);
        assert_eq!((outcome.asked.times, outcome.asked.refused), (1, 1));
    }
}
