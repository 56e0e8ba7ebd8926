//! What time it is, passed in so that tests decide. Seconds since the epoch (`time(2)`).

use std::time::{SystemTime, UNIX_EPOCH};

/// Where the time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still at this second since the epoch.
    At(i64),
}

/// Set to a number of seconds since the epoch, it makes the program's clock stand still there: for
/// tests and for teachers who try out a schedule.
pub const VARIABLE: &str = "IPC_MASTERY_NOW";

impl Clock {
    /// The machine's clock, unless [`VARIABLE`] says otherwise.
    pub fn of_environment() -> Self {
        let said = std::env::var(VARIABLE).ok();
        said.and_then(|seconds| seconds.parse().ok())
            .map_or(Self::System, Self::At)
    }

    /// Seconds since the epoch. Negative when the machine believes to be before 1970.
    pub fn now(self) -> i64 {
        match self {
            Self::At(seconds) => seconds,
            Self::System => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => since.as_secs() as i64,
                Err(before) => -(before.duration().as_secs() as i64),
            },
        }
    }
}
