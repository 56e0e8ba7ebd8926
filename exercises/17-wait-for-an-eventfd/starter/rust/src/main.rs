//! Exercise 17: wait for an eventfd.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-17
//!     ipc-mastery hint exercise-17
//!
//! `nix::sys::socket` has `recvmsg`, `nix::poll` has `poll`; `nix::libc` has what is below them, and
//! epoll.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// The socket that the program was given: connected, so do not connect and do not listen.
fn inherited() -> io::Result<UnixStream> {
    let number = std::env::var("IPC_FD")
        .map_err(|_| io::Error::other("IPC_FD must say which descriptor is the socket"))?;
    let number: RawFd = number.parse().map_err(io::Error::other)?;
    // SAFETY: the descriptor was made for this program, and nobody else owns it.
    Ok(UnixStream::from(unsafe { OwnedFd::from_raw_fd(number) }))
}

fn serve(owner: &UnixStream) -> io::Result<()> {
    // 1. recvmsg() on the socket: it brings "watch X\n", and with it the eventfd (SCM_RIGHTS).
    // 2. Answer "watching X\n".
    // 3. Then wait for two things at once: more from the owner, and the eventfd.
    let fd = owner.as_raw_fd();
    let message = format!("next step: take an eventfd from descriptor {fd}");
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    match inherited().and_then(|owner| serve(&owner)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}
