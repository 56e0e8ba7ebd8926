//! Leaving a monitor behind: bwrap stays as the parent of the program it starts, and would be all
//! that is seen of it. Once the program runs its monitor is killed; the program becomes a child of
//! the supervisor, which adopts orphans, and ends before its eyes.

use std::path::PathBuf;

use nix::poll::PollTimeout;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::check::patience::Deadline;
use crate::sys::process;

/// How long a monitor may take to start the program, in milliseconds.
const STARTING_MS: u64 = 10_000;

/// The process of the program that a monitor has started; the monitor itself when it has ended
/// before it could be left, or takes too long.
pub(super) fn leave(monitor: i32) -> i32 {
    let deadline = Deadline::after_ms(STARTING_MS);
    let own = executable(monitor);
    while !deadline.passed() {
        if process::stat(monitor).is_none_or(|stat| stat.state == 'Z') {
            return monitor;
        }
        let mut children = process::descendants(monitor).into_iter();
        if let Some(program) = children.next()
            && own.is_some()
            && executable(program).is_some_and(|there| Some(&there) != own.as_ref())
        {
            let monitor = Pid::from_raw(monitor);
            let _ = kill(monitor, Signal::SIGKILL);
            let _ = waitpid(monitor, None);
            return program;
        }
        // The kernel does not announce an exec; this is a matter of milliseconds.
        let _ = nix::poll::poll(&mut [], PollTimeout::from(1_u8));
    }
    monitor
}

fn executable(pid: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}
