//! How long something may take: time in which whoever is watched waited for a CPU does not count.
//!
//! On a busy machine a program that is right gets its turn late, and so do our own helpers. A clock
//! on the wall would call that silence. So a deadline moves by what the watched processes, with all
//! their threads and all below them, have spent on run queues since it was set: the second number
//! of /proc/PID/schedstat. It moves by [`MOST`] times its length at most, and not at all once they
//! have had a CPU for half of its length: whoever goes round in a loop has had its turn. The kernel
//! adds a wait to its account when it is over; so whoever is late and waits at this moment is looked
//! at again until it has had its turn, as far as a deadline moves at all. Where the kernel keeps no
//! such account, the wall decides.
//!
//! What our own helpers wait counts too, since a program may be waiting for them; what they run does
//! not.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nix::poll::PollTimeout;

use crate::sys::clock::now_us;
use crate::sys::process::{self, Turns};

/// By how many times its length a deadline moves at most.
pub(super) const MOST: u64 = 5;
/// Deadlines that are shorter are rhythms, not patience, and do not move: in milliseconds.
const SHORTEST_MS: u64 = 1_000;

/// When to look again at somebody who waits for a CPU, in milliseconds.
const AGAIN_MS: u64 = 20;

thread_local! {
    static WATCHED: RefCell<Watched> = RefCell::default();
}

/// Whose waiting does not count, for the deadlines of this thread.
#[derive(Default)]
struct Watched {
    pids: BTreeSet<i32>,
    /// Whose waiting does not count either; but what they run is nobody's turn.
    helpers: BTreeSet<i32>,
    /// What each thread had had when it was last looked at.
    threads: BTreeMap<i32, Turns>,
    /// What all have had while they were watched, of the helpers the waiting. Never less than before.
    total: Turns,
}

impl Watched {
    fn look(&mut self) -> Turns {
        let of = |pids: &BTreeSet<i32>| -> BTreeMap<i32, Turns> {
            pids.iter().flat_map(|pid| process::turns(*pid)).collect()
        };
        let watched = of(&self.pids);
        let mut now = of(&self.helpers);
        now.extend(watched.iter().map(|(thread, turns)| (*thread, *turns)));
        for (thread, turns) in &now {
            // One that is seen for the first time has had this since it was started.
            let before = self.threads.get(thread).copied().unwrap_or_default();
            self.total.waited_ns += turns.waited_ns.saturating_sub(before.waited_ns);
            if watched.contains_key(thread) {
                self.total.ran_ns += turns.ran_ns.saturating_sub(before.ran_ns);
            }
        }
        // Who is missing may only have been missed: /proc tells of children one after the other.
        self.threads
            .retain(|thread, _| now.contains_key(thread) || process::is_there(*thread));
        self.threads.extend(now);
        self.total
    }

    /// Whether a thread wants a CPU and has had none since the last look. That may be the one that looks,
    /// which then looks once more.
    fn waits(&mut self) -> bool {
        let before = self.threads.clone();
        self.look();
        let all = self.pids.union(&self.helpers);
        let mut wanting = all.flat_map(|pid| process::runnable(*pid));
        wanting.any(|thread| {
            let had = before.get(&thread);
            had.is_some() && had == self.threads.get(&thread)
        })
    }
}

/// From now on, what this process and all below it wait for a CPU does not count.
pub fn watch(pid: i32) {
    WATCHED.with_borrow_mut(|watched| {
        if watched.pids.insert(pid) {
            // What it had before is not ours.
            watched.threads.extend(process::turns(pid));
        }
    });
}

/// From now on, what this process and all below it wait for a CPU does not count either: who is waited
/// for may wait for them. What they run does not matter.
pub fn watch_helper(pid: i32) {
    WATCHED.with_borrow_mut(|watched| {
        if watched.helpers.insert(pid) {
            let had = process::turns(pid);
            let new = had
                .into_iter()
                .filter(|(thread, _)| !watched.threads.contains_key(thread));
            let new: Vec<_> = new.collect();
            watched.threads.extend(new);
        }
    });
}

/// What a process that is gone, or no longer ours, waits for a CPU counts again.
pub fn forget(pid: i32) {
    WATCHED.with_borrow_mut(|watched| watched.pids.remove(&pid));
}

/// What all watched processes have had of the CPUs, with what the helpers have waited for one.
fn turns() -> Turns {
    WATCHED.with_borrow_mut(Watched::look)
}

/// What all watched processes and helpers have waited for a CPU, in microseconds.
pub fn starved_us() -> u64 {
    turns().waited_ns / 1000
}

/// By how much a deadline of this length moves, both in microseconds, with what the watched have had
/// since it was set.
fn moves(length_us: u64, since: Turns) -> u64 {
    if had_its_turn(length_us, since) {
        return 0;
    }
    (since.waited_ns / 1000).min(length_us.saturating_mul(MOST))
}

/// Whether the watched have had a CPU for half of a deadline of this length, in microseconds.
fn had_its_turn(length_us: u64, since: Turns) -> bool {
    since.ran_ns / 1000 >= length_us / 2
}

/// What is left of a deadline that is this late, in microseconds; `waits`: one of the watched wants a
/// CPU at this moment, and the kernel has not yet counted that.
fn more(length_us: u64, late_us: u64, since: Turns, waits: bool) -> u64 {
    let most = length_us.saturating_mul(MOST).saturating_sub(late_us);
    match moves(length_us, since).saturating_sub(late_us) {
        0 if waits && !had_its_turn(length_us, since) => most.min(AGAIN_MS * 1000),
        left => left,
    }
}

/// A moment by which something must have happened, if nobody had to wait for a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    began_us: u64,
    length_us: u64,
    /// What the watched had had when it was set; `None`: it does not move.
    before: Option<Turns>,
}

impl Deadline {
    /// So many milliseconds from now.
    pub fn after_ms(wait: u64) -> Self {
        Self {
            began_us: now_us(),
            length_us: wait.saturating_mul(1000),
            before: (wait >= SHORTEST_MS).then(turns),
        }
    }

    /// The next beat of a rhythm, so many milliseconds from now: it does not move.
    pub fn of_a_rhythm(every: u64) -> Self {
        Self {
            began_us: now_us(),
            length_us: every.saturating_mul(1000),
            before: None,
        }
    }

    /// What is left; nothing once it has passed.
    pub fn left(self) -> Duration {
        let left = |until: u64| until.saturating_sub(now_us());
        let until = self.began_us.saturating_add(self.length_us);
        match (left(until), self.before) {
            // Only who is late has to be looked at.
            (0, Some(before)) => {
                let waits = WATCHED.with_borrow_mut(Watched::waits);
                let now = turns();
                let since = Turns {
                    ran_ns: now.ran_ns.saturating_sub(before.ran_ns),
                    waited_ns: now.waited_ns.saturating_sub(before.waited_ns),
                };
                let late_us = now_us().saturating_sub(until);
                Duration::from_micros(more(self.length_us, late_us, since, waits))
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
        let (one, others) = (spinner(), [spinner(), spinner(), spinner()]);
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
        others.into_iter().for_each(end);
        // Four share one CPU, so the one that is watched waits for most of the time.
        assert!(took_ms > SHORTEST_MS * 4 / 3, "{took_ms} ms");

        let mut asleep = Command::new("sleep").arg("60").spawn().unwrap();
        watch(asleep.id() as i32);
        let began = turns().waited_ns;
        let deadline = Deadline::after_ms(SHORTEST_MS);
        let _ = nix::poll::poll(&mut [], deadline.poll_timeout());
        let starved = (turns().waited_ns - began) / 1000;
        forget(asleep.id() as i32);
        asleep.kill().unwrap();
        asleep.wait().unwrap();
        assert!(starved < SHORTEST_MS * 1000 / 2, "{starved} us");
    }

    #[test]
    fn of_a_helper_what_it_waits_counts_and_what_it_runs_does_not() {
        let (one, others) = (spinner(), [spinner(), spinner(), spinner()]);
        let mut watched = Watched::default();
        watched.helpers.insert(one.id() as i32);
        let patience = Deadline::after_ms(SHORTEST_MS * 60);
        while watched.look().waited_ns < 100_000_000 {
            assert!(!patience.passed(), "it never waited");
        }
        assert_eq!(watched.look().ran_ns, 0);
        watched.pids.insert(one.id() as i32);
        let before = watched.look().ran_ns;
        while watched.look().ran_ns == before {
            assert!(!patience.passed(), "it never ran");
        }
        end(one);
        others.into_iter().for_each(end);
    }

    #[test]
    fn who_wants_a_cpu_and_has_none_waits_and_who_sleeps_does_not() {
        let (one, others) = (spinner(), [spinner(), spinner(), spinner()]);
        let mut watched = Watched::default();
        watched.pids.insert(one.id() as i32);
        watched.look();
        // One CPU goes round among four: soon a turn of another lies around two looks.
        let patience = Deadline::after_ms(SHORTEST_MS * 60);
        while !watched.waits() {
            assert!(!patience.passed(), "it never waited");
        }
        end(one);
        others.into_iter().for_each(end);

        let mut asleep = Command::new("sleep").arg("60").spawn().unwrap();
        let mut watched = Watched::default();
        watched.pids.insert(asleep.id() as i32);
        let patience = Deadline::after_ms(SHORTEST_MS * 60);
        while !process::sleeps(asleep.id() as i32) || watched.waits() {
            assert!(!patience.passed(), "it never slept");
        }
        assert!(!watched.waits());
        asleep.kill().unwrap();
        asleep.wait().unwrap();
    }

    #[test]
    fn who_waits_at_the_deadline_is_looked_at_again_until_the_last_moment_of_all() {
        let length_us = 1_000_000;
        let none = Turns::default();
        let a_look = AGAIN_MS * 1000;
        assert_eq!(more(length_us, 0, none, false), 0);
        assert_eq!(more(length_us, 0, none, true), a_look);
        assert_eq!(more(length_us, length_us * MOST - 1, none, true), 1);
        assert_eq!(more(length_us, length_us * MOST, none, true), 0);
        let turn = Turns {
            ran_ns: 500_000_000,
            waited_ns: 3_000_000_000,
        };
        assert_eq!(more(length_us, 0, turn, true), 0);
        let counted = Turns {
            ran_ns: 1_000,
            waited_ns: 3_000_000_000,
        };
        assert_eq!(more(length_us, length_us, counted, true), 2_000_000);
    }

    #[test]
    fn a_deadline_moves_for_who_waits_and_not_for_who_had_its_turn() {
        let length_us = 5_000_000;
        let had = |ran_ms: u64, waited_ms: u64| Turns {
            ran_ns: ran_ms * 1_000_000,
            waited_ns: waited_ms * 1_000_000,
        };
        assert_eq!(moves(length_us, had(0, 0)), 0);
        assert_eq!(moves(length_us, had(2_400, 3_000)), 3_000_000);
        assert_eq!(moves(length_us, had(100, 90_000)), length_us * MOST);
        assert_eq!(moves(length_us, had(2_500, 3_000)), 0);
    }

    #[test]
    fn a_rhythm_does_not_move() {
        assert!(Deadline::after_ms(20).before.is_none());
        assert!(Deadline::after_ms(SHORTEST_MS).before.is_some());
    }
}
