//! Calls put to a program that plays the kernel, and made on Linux beside it. Making them up and comparing
//! is [`crate::differential`]'s; here is what it means for a deed.

use nix::errno::Errno;

use super::connection::{Connection, Stop, os_errno};
use crate::check::patience::Deadline;
use crate::check::protocol::{DeedResult, Outcome};
use crate::differential::apart::examine_apart;
use crate::differential::candidate::Silence;
use crate::differential::examine::{About, Examination};

/// Compares until the first disagreement.
pub(super) fn compare(
    connection: &mut Connection,
    examination: &Examination,
    deadline: Deadline,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let left = || match deadline.passed() {
        true => std::time::Duration::ZERO,
        false => deadline.left(),
    };
    let examined =
        examine_apart(&connection.socket, examination, left).map_err(|error| {
            match error.raw_os_error().map(Errno::from_raw) {
                Some(errno) => Stop::errno(errno, "compare"),
                None => Stop::errno(os_errno(&error), "compare"),
            }
        })?;
    let Some(examined) = examined else {
        return Err(Stop::new(DeedResult::TimedOut, "compare"));
    };
    outcome.asked.times = examined.calls;
    outcome.disagreement = examined.disagreement;
    let result = match &outcome.disagreement {
        None => return Ok(()),
        Some(disagreement) => match disagreement.about {
            About::Silence(Silence::Late) => DeedResult::TimedOut,
            About::Silence(Silence::Ended) => DeedResult::End,
            _ => DeedResult::OtherAnswer,
        },
    };
    Err(Stop::new(result, "read"))
}
