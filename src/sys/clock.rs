//! The one clock that all our processes share: CLOCK_MONOTONIC (clock_gettime(2)).

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Microseconds on CLOCK_MONOTONIC; the same in every process of this boot.
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

/// What must be subtracted from CLOCK_REALTIME to get CLOCK_MONOTONIC, in microseconds: for
/// joining other programs' time stamps with ours.
pub fn realtime_offset_us() -> i64 {
    let real = clock_gettime(ClockId::Realtime);
    let real_us = real.tv_sec * 1_000_000 + real.tv_nsec / 1000;
    real_us - now_us() as i64
}

/// A moment by which something must have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(u64);

impl Deadline {
    /// So long from now.
    pub fn after(wait: Duration) -> Self {
        Self(now_us().saturating_add(wait.as_micros() as u64))
    }

    /// So many milliseconds from now.
    pub fn after_ms(wait: u64) -> Self {
        Self::after(Duration::from_millis(wait))
    }

    /// What is left; nothing once it has passed.
    pub fn left(self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(now_us()))
    }

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        now_us() >= self.0
    }

    /// The moment so long after this one.
    pub fn later(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by.as_micros() as u64))
    }

    /// The earlier of two.
    pub fn earlier(self, other: Self) -> Self {
        self.min(other)
    }

    /// What is left as poll(2) wants it: milliseconds, rounded up.
    pub fn poll_timeout(self) -> nix::poll::PollTimeout {
        let ms = self.left().as_micros().div_ceil(1000).min(i32::MAX as u128) as i32;
        nix::poll::PollTimeout::try_from(ms).unwrap_or(nix::poll::PollTimeout::MAX)
    }
}
