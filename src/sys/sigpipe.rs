//! SIGPIPE as a program in C finds it: with its default action.
//!
//! Rust's runtime ignores the signal before `main`, so our processes never see it. One that shall
//! show what it does asks for the default here.

use std::io;

use nix::libc;

/// Gives SIGPIPE its default action in this process: a write to a stream that nobody can read ends
/// the process (signal(7), send(2)).
///
/// # Errors
/// What sigaction(2) reports.
#[expect(unsafe_code, reason = "no safe call sets the disposition of a signal")]
pub fn restore_default() -> io::Result<()> {
    // SAFETY: the default action is no code of ours, so nothing can run in a signal handler.
    let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    if before == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
