//! Ending everything that a program has started, whatever session it moved to, and reaping it.
//!
//! With Landlock's signal scope (Linux 6.12) one `kill(-1)` reaches exactly the program's tree, in
//! one pass of the kernel that no fork outruns. Where that is missing, the tree is stopped process
//! by process until nothing new turns up, and then killed.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Supervisor;
use crate::check::patience::Deadline;
use crate::sys::process;
use crate::sys::spawn::{Identity, signal_all_of};

/// How long a killed process may take to end, in milliseconds: one that sleeps in the kernel where
/// no signal reaches it must not hold us for ever.
const LONGEST_MS: u64 = 10_000;
/// Between two looks at what is left, in milliseconds.
const ROUND_MS: u64 = 20;
/// Rounds of stopping; a program that forks faster than it can be stopped is killed as it is.
const STOPPING_ROUNDS: usize = 50;

impl Supervisor {
    /// Kills all that is below us and waits until it is gone.
    pub(super) fn end_all(&mut self) {
        for instance in self.instances.values_mut() {
            if instance.end.is_none() {
                instance.sent.push(Signal::SIGKILL as i32);
            }
        }
        let deadline = Deadline::after_ms(LONGEST_MS);
        while self.reap() && !deadline.passed() {
            self.kill_all();
            // A child that ends wakes us; an orphan that we adopt meanwhile does not.
            let mut fds = [PollFd::new(self.children.as_fd(), PollFlags::POLLIN)];
            let round = Deadline::after_ms(ROUND_MS);
            match nix::poll::poll(&mut fds, round.poll_timeout()) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        self.drain();
    }

    fn kill_all(&self) {
        if !signal_all(self.scoped, self.identity, Signal::SIGKILL) {
            kill_one_by_one();
        }
    }
}

/// Sends a signal to all that is below us and to nobody else, in one pass of the kernel. `false`:
/// that cannot be done here.
pub(super) fn signal_all(scoped: bool, identity: Option<Identity>, signal: Signal) -> bool {
    let root = nix::unistd::geteuid().is_root();
    match (scoped, identity) {
        // The scope is ours alone, and who we are is what the program is.
        (true, None) if !root => kill(Pid::from_raw(-1), signal) != Err(Errno::EPERM),
        // Both bounds at once: processes of the program's user, and of those only ours.
        (true, Some(identity)) if root && identity.uid != 0 => {
            signal_all_of(identity, signal).is_ok()
        }
        _ => false,
    }
}

/// What is stopped cannot fork: once a look finds nothing new, all are caught.
fn kill_one_by_one() {
    let me = nix::unistd::getpid().as_raw();
    let mut caught = BTreeSet::new();
    for _ in 0..STOPPING_ROUNDS {
        let mut fresh = false;
        for pid in process::descendants(me) {
            if caught.insert(pid) {
                fresh = true;
                let _ = kill(Pid::from_raw(pid), Signal::SIGSTOP);
            }
        }
        if !fresh {
            break;
        }
    }
    for pid in process::descendants(me) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Sends a signal to each of these.
pub(super) fn send_each(pids: &BTreeSet<i32>, signal: Signal) {
    for &pid in pids {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}
