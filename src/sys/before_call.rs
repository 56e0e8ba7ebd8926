//! A signal in the instant before a system call: after a program has looked whether one came, and
//! before it sleeps. No other timing finds out whether the program then misses it (ptrace(2),
//! signal(7)).
//!
//! The process is stopped where it enters the call that it sleeps in; the call is made to do nothing,
//! and the program to be about to make it once more. There the signal comes, with its handler. Which
//! program that is worth trying on is decided elsewhere.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

/// Why the signal did not come there. It was not sent; the process goes on as it was.
#[derive(Debug)]
pub enum Missed {
    /// We may not trace it, or cannot on this processor.
    Forbidden(Errno),
    /// It was in no system call that it would go back to.
    NotInCall,
    /// It has ended meanwhile.
    Ended(WaitStatus),
}

impl From<Errno> for Missed {
    fn from(errno: Errno) -> Self {
        Self::Forbidden(errno)
    }
}

/// How often the process may make another call before it is back in the one that it slept in.
const OTHER_CALLS: usize = 1000;
/// How long one of its stops is waited for at most.
const STOP: Duration = Duration::from_secs(10);

/// Sends the signal to a child that sleeps in a system call, in the instant before that call.
/// `wait` returns when a child has changed, or so much time has passed. The process must have one
/// thread: another would take the signal.
///
/// # Errors
/// When it cannot be done; see [`Missed`].
#[cfg(target_arch = "x86_64")]
pub fn send(pid: Pid, signal: Signal, wait: impl FnMut(Duration)) -> Result<(), Missed> {
    let mut traced = x86_64::Traced::seize(pid, wait)?;
    let sent = traced
        .go_before_call()
        .and_then(|()| traced.deliver(signal));
    match sent {
        Ok(()) => Ok(()),
        Err(missed) => {
            traced.leave();
            Err(missed)
        }
    }
}

/// Sends nothing: registers are known of x86-64 only.
///
/// # Errors
/// Always.
#[cfg(not(target_arch = "x86_64"))]
pub fn send(_: Pid, _: Signal, _: impl FnMut(Duration)) -> Result<(), Missed> {
    Err(Missed::Forbidden(Errno::ENOSYS))
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::time::{Duration, Instant};

    use nix::errno::Errno;
    use nix::sys::ptrace::{self, Options};
    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::Pid;

    use super::{Missed, OTHER_CALLS, STOP};
    use crate::sys::process;

    /// Bytes of the instruction `syscall`.
    const INSTRUCTION: u64 = 2;
    /// No system call: the kernel takes up nothing again.
    const NONE: u64 = u64::MAX;
    /// restart_syscall(2): what the kernel makes of a poll that was interrupted.
    const RESTART: u64 = nix::libc::SYS_restart_syscall as u64;

    /// A process that is traced, and stopped while none of these functions runs.
    pub(super) struct Traced<W> {
        pid: Pid,
        wait: W,
    }

    impl<W: FnMut(Duration)> Traced<W> {
        pub(super) fn seize(pid: Pid, wait: W) -> Result<Self, Missed> {
            ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD)?;
            Ok(Self { pid, wait })
        }

        /// Brings it to where it is about to make the call that it sleeps in.
        pub(super) fn go_before_call(&mut self) -> Result<(), Missed> {
            ptrace::interrupt(self.pid)?;
            self.stopped(|status| matches!(status, WaitStatus::PtraceEvent(..)))?;
            let slept = ptrace::getregs(self.pid)?;
            let call = slept.orig_rax;
            // Interrupted ones have an error; one that is done has its result.
            if call == NONE || (slept.rax as i64) >= 0 {
                return Err(Missed::NotInCall);
            }
            for _ in 0..OTHER_CALLS {
                self.go_to_next_stop_of_a_call()?;
                let entry = ptrace::getregs(self.pid)?;
                if entry.orig_rax == call || entry.orig_rax == RESTART {
                    return self.skip(call);
                }
                self.go_to_next_stop_of_a_call()?;
            }
            Err(Missed::NotInCall)
        }

        /// Makes the call that is being entered do nothing, and the program about to make it.
        fn skip(&mut self, call: u64) -> Result<(), Missed> {
            let entry = ptrace::getregs(self.pid)?;
            let mut nothing = entry;
            nothing.orig_rax = NONE;
            ptrace::setregs(self.pid, nothing)?;
            self.go_to_next_stop_of_a_call()?;
            let mut again = entry;
            again.rip -= INSTRUCTION;
            again.rax = call;
            again.orig_rax = NONE;
            ptrace::setregs(self.pid, again)?;
            Ok(())
        }

        /// Sends the signal, has it handled where the process is, and lets it go.
        pub(super) fn deliver(&mut self, signal: Signal) -> Result<(), Missed> {
            let blocked = process::blocks_signal(self.pid.as_raw(), signal);
            kill(self.pid, signal)?;
            if blocked {
                // It stays pending, as it would.
                ptrace::detach(self.pid, None)?;
                return Ok(());
            }
            ptrace::cont(self.pid, None)?;
            self.stopped(
                |status| matches!(status, WaitStatus::Stopped(_, came) if *came == signal),
            )?;
            ptrace::detach(self.pid, signal)?;
            Ok(())
        }

        /// Lets it go on as it was.
        pub(super) fn leave(&mut self) {
            if ptrace::detach(self.pid, None) == Err(Errno::ESRCH) {
                // It runs, or has ended.
                let _ = ptrace::interrupt(self.pid);
                let _ = self.stopped(|_| true);
                let _ = ptrace::detach(self.pid, None);
            }
        }

        fn go_to_next_stop_of_a_call(&mut self) -> Result<(), Missed> {
            ptrace::syscall(self.pid, None)?;
            self.stopped(|status| matches!(status, WaitStatus::PtraceSyscall(_)))?;
            Ok(())
        }

        /// Waits until it has stopped in the way that is meant; signals on the way are passed on.
        fn stopped(&mut self, meant: impl Fn(&WaitStatus) -> bool) -> Result<(), Missed> {
            let by = Instant::now() + STOP;
            loop {
                match waitpid(self.pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL))? {
                    WaitStatus::StillAlive => {
                        let left = by.saturating_duration_since(Instant::now());
                        if left.is_zero() {
                            return Err(Missed::NotInCall);
                        }
                        (self.wait)(left);
                    }
                    status if meant(&status) => return Ok(()),
                    ended @ (WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => {
                        return Err(Missed::Ended(ended));
                    }
                    WaitStatus::Stopped(_, other) => ptrace::syscall(self.pid, other)?,
                    _ => ptrace::syscall(self.pid, None)?,
                }
            }
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::process::{Child, Command, Stdio};

    use nix::poll::{PollFd, PollFlags, PollTimeout};
    use nix::sys::signal::kill;

    use super::*;
    use crate::sys::process;

    /// A shell that says `got` when it finds that a signal came, and waits for lines.
    fn shell() -> Child {
        let script = "trap 'echo got' TERM; echo ready; while :; do read line; done";
        let mut command = Command::new("/bin/sh");
        let piped = command.args(["-c", script]).stdin(Stdio::piped());
        piped.stdout(Stdio::piped()).spawn().unwrap()
    }

    fn wait_until_it_reads(child: &Child) {
        let read = nix::libc::SYS_read;
        let pid = child.id() as i32;
        while process::syscall(pid).is_none_or(|(call, _)| call != read) {
            assert!(process::stat(pid).is_some_and(|stat| stat.state != 'Z'));
            std::thread::yield_now();
        }
    }

    /// Waits for so many bytes.
    fn says(child: &mut Child, bytes: usize) -> String {
        let mut said = vec![0; bytes];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut said)
            .unwrap();
        String::from_utf8(said).unwrap()
    }

    fn has_said_something(child: &Child) -> bool {
        let stdout = child.stdout.as_ref().unwrap();
        let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
        nix::poll::poll(&mut fds, PollTimeout::ZERO).unwrap() > 0
    }

    #[test]
    fn a_signal_before_the_call_is_handled_and_the_call_sleeps_all_the_same() {
        let mut child = shell();
        assert_eq!(says(&mut child, 6), "ready\n");
        let pid = Pid::from_raw(child.id() as i32);
        wait_until_it_reads(&child);
        // One that comes while it sleeps wakes it.
        kill(pid, Signal::SIGTERM).unwrap();
        assert_eq!(says(&mut child, 4), "got\n");
        wait_until_it_reads(&child);
        match send(pid, Signal::SIGTERM, |_| std::thread::yield_now()) {
            // Where tracing is forbidden there is nothing to be seen.
            Err(Missed::Forbidden(_)) => {
                child.kill().unwrap();
                child.wait().unwrap();
                return;
            }
            other => other.unwrap(),
        }
        wait_until_it_reads(&child);
        assert!(!has_said_something(&child));
        // It was not lost: the shell finds it when the call is over.
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"a line\n")
            .unwrap();
        assert_eq!(says(&mut child, 4), "got\n");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn who_has_ended_is_no_longer_there() {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let pid = Pid::from_raw(child.id() as i32);
        let sent = send(pid, Signal::SIGTERM, |_| ());
        assert!(matches!(sent, Err(Missed::Forbidden(Errno::ESRCH))));
    }
}
