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

impl Clock {
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
