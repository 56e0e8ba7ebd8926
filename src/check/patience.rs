//! How long something may take: time in which whoever is watched waited for a CPU does not count.
//!
//! On a busy machine a program that is right gets its turn late, and so do our own helpers. A clock
//! on the wall would call that silence. So a deadline moves by what the watched processes, with all
//! their threads and all below them, have spent on run queues since it was set: the second number
//! of /proc/PID/schedstat. It moves by [`MOST`] times its length at most, so that a program that
//! goes round in a loop ends its step. Where the kernel keeps no such account, the wall decides.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nix::poll::PollTimeout;

use crate::sys::clock::now_us;
use crate::sys::process;

/// By how many times its length a deadline moves at most.
const MOST: u64 = 5;
/// Deadlines that are shorter are rhythms, not patience, and do not move: in milliseconds.
const SHORTEST_MS: u64 = 1_000;

thread_local! {
    static WATCHED: RefCell<Watched> = RefCell::default();
}

/// Whose waiting does not count, for the deadlines of this thread.
#[derive(Default)]
struct Watched {
    pids: BTreeSet<i32>,
    /// What each thread had waited when it was last looked at, in nanoseconds.
    waited: BTreeMap<i32, u64>,
    /// What all have waited while they were watched, in nanoseconds. Never less than before.
    total_ns: u64,
}

impl Watched {
    fn look(&mut self) -> u64 {
        let now: BTreeMap<i32, u64> = self
            .pids
            .iter()
            .flat_map(|pid| process::waited_for_cpu_ns(*pid))
            .collect();
        for (thread, waited) in &now {
            // One that is seen for the first time has waited since it was started.
            let before = self.waited.get(thread).copied().unwrap_or(0);
            self.total_ns += waited.saturating_sub(before);
        }
        self.waited = now;
        self.total_ns / 1000
    }
}

/// From now on, what this process and all below it wait for a CPU does not count.
pub fn watch(pid: i32) {
    WATCHED.with_borrow_mut(|watched| {
        if watched.pids.insert(pid) {
            // What it waited before is not ours.
            watched.waited.extend(process::waited_for_cpu_ns(pid));
        }
    });
}

/// What a process that is gone, or no longer ours, waits for a CPU counts again.
pub fn forget(pid: i32) {
    WATCHED.with_borrow_mut(|watched| watched.pids.remove(&pid));
}

/// What all watched processes have waited for a CPU, in microseconds.
pub fn starved_us() -> u64 {
    WATCHED.with_borrow_mut(Watched::look)
}

/// A moment by which something must have happened, if nobody had to wait for a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    began_us: u64,
    length_us: u64,
    /// What had been waited when it was set, in microseconds; `None`: it does not move.
    starved_us: Option<u64>,
}

impl Deadline {
    /// So many milliseconds from now.
    pub fn after_ms(wait: u64) -> Self {
        Self {
            began_us: now_us(),
            length_us: wait.saturating_mul(1000),
            starved_us: (wait >= SHORTEST_MS).then(starved_us),
        }
    }

    /// What is left; nothing once it has passed.
    pub fn left(self) -> Duration {
        let left = |until: u64| until.saturating_sub(now_us());
        let until = self.began_us.saturating_add(self.length_us);
        match (left(until), self.starved_us) {
            // Only who is late has to be looked at.
            (0, Some(before)) => {
                let starved = starved_us().saturating_sub(before);
                let moved = starved.min(self.length_us.saturating_mul(MOST));
                Duration::from_micros(left(until.saturating_add(moved)))
            }
            (left, _) => Duration::from_micros(left),
        }
    }

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// The earlier of two.
    pub fn earlier(self, other: Self) -> Self {
        if other.left() < self.left() {
            other
        } else {
            self
        }
    }

    /// What is left as poll(2) wants it: milliseconds, rounded up.
    pub fn poll_timeout(self) -> PollTimeout {
        let ms = self.left().as_micros().div_ceil(1000).min(i32::MAX as u128) as i32;
        PollTimeout::try_from(ms).unwrap_or(PollTimeout::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use nix::sched::{CpuSet, sched_setaffinity};
    use nix::unistd::Pid;

    use super::*;

    /// A process that wants the first CPU it may use all the time.
    fn spinner() -> Child {
        let child = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(child.id() as i32);
        let mine = nix::sched::sched_getaffinity(Pid::from_raw(0)).unwrap();
        let first = (0..CpuSet::count()).find(|cpu| mine.is_set(*cpu).unwrap());
        let mut only = CpuSet::new();
        only.set(first.unwrap()).unwrap();
        sched_setaffinity(pid, &only).unwrap();
        child
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn who_waits_for_a_cpu_is_given_that_time_and_who_sleeps_is_not() {
        let (one, other) = (spinner(), spinner());
        let watched = one.id() as i32;
        watch(watched);
        let began = now_us();
        let deadline = Deadline::after_ms(SHORTEST_MS);
        while !deadline.passed() {
            let _ = nix::poll::poll(&mut [], deadline.poll_timeout());
        }
        let took_ms = (now_us() - began) / 1000;
        forget(watched);
        end(one);
        end(other);
        // Two share one CPU, so the one that is watched waits for at least a third of the time.
        assert!(took_ms > SHORTEST_MS * 4 / 3, "{took_ms} ms");

        let mut asleep = Command::new("sleep").arg("60").spawn().unwrap();
        watch(asleep.id() as i32);
        let began = starved_us();
        let deadline = Deadline::after_ms(SHORTEST_MS);
        let _ = nix::poll::poll(&mut [], deadline.poll_timeout());
        let starved = starved_us() - began;
        forget(asleep.id() as i32);
        asleep.kill().unwrap();
        asleep.wait().unwrap();
        assert!(starved < SHORTEST_MS * 1000 / 2, "{starved} us");
    }

    #[test]
    fn a_rhythm_does_not_move() {
        assert!(Deadline::after_ms(20).starved_us.is_none());
        assert!(Deadline::after_ms(SHORTEST_MS).starved_us.is_some());
    }
}
