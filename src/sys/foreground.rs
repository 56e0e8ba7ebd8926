//! A program in the foreground of our terminal, as system(3) runs one: what is typed is for it, and
//! so are Ctrl-C and Ctrl-\.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};

use nix::sys::signal::{SigSet, Signal};

use super::clock::Deadline;
use super::wake::{Keyboard, Wake, Woken};

/// The keys' signals.
const KEYS: [Signal; 2] = [Signal::SIGINT, Signal::SIGQUIT];

/// Runs a program and waits for its end. SIGINT and SIGQUIT that come meanwhile are not for us. To
/// be called while the process has one thread.
///
/// # Errors
/// When the program cannot be started.
#[expect(unsafe_code, reason = "a child inherits what we hold back")]
pub fn run(command: &mut Command) -> io::Result<ExitStatus> {
    let mut held = Wake::new(&KEYS)?;
    // SAFETY: pthread_sigmask(3) is async-signal-safe, and nothing is allocated.
    unsafe {
        command.pre_exec(|| {
            let keys: SigSet = KEYS.into_iter().collect();
            Ok(keys.thread_unblock()?)
        });
    }
    let ended = command.status();
    while let Ok(Woken::Signal(_)) = held.wait(Keyboard::NotOurs, Deadline::after_ms(0)) {}
    ended
}
