//! The order of blame: of all that was seen when a step failed, which one is the cause.
//!
//! A program that was ended for its memory also broke a connection, and perhaps a promise to
//! answer; what is said is the memory. The order is fixed here and nowhere else: a bound that we
//! keep, a crash or an end, a program that is stopped, one that does not listen, other bytes than
//! were due, and last of all time that ran out. Between what the steps themselves see, the order of
//! `common.toml` decides. Pure.

use super::observation::{Observation, ProgramState};

/// What a failed step is put down to; the first that is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    /// It went beyond what it may use, and was ended for it.
    Bound,
    /// A signal that was not ours ended it.
    Crash,
    /// It is stopped.
    Stopped,
    /// What the step itself saw: an end, no listener, other bytes, nothing in time.
    Step,
}

impl Blame {
    /// The first that holds of what was seen.
    fn of(seen: &Observation) -> Self {
        let instances = [&seen.program, &seen.second];
        if !seen.limit.which.is_empty() {
            Self::Bound
        } else if instances.iter().any(|state| crashed(state)) {
            Self::Crash
        } else if instances.iter().any(|state| state.stopped && !state.exited) {
            Self::Stopped
        } else {
            Self::Step
        }
    }
}

/// Ended by a signal that was not ours.
fn crashed(state: &ProgramState) -> bool {
    !state.signal.is_empty() && !state.killed_by_us
}

/// Makes the outcome that of the cause, where the step saw only a consequence.
pub fn settle(seen: &mut Observation) {
    seen.outcome = match Blame::of(seen) {
        Blame::Step => return,
        Blame::Bound => "limit",
        Blame::Crash => "exited",
        Blame::Stopped => "stopped",
    };
    // What a call came to is a consequence too.
    seen.errno.clear();
}

/// Whether an exercise's own diagnosis may be asked about an outcome: one that was written without
/// a thought of bounds and stops would explain a consequence.
pub fn admits(outcome: &str, when: &str) -> bool {
    match outcome {
        "limit" => when.contains("limit"),
        "stopped" => when.contains("stopped"),
        _ => true,
    }
}
