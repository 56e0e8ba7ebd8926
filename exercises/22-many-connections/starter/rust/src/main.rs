//! Exercise 22: many connections.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-22
//!     ipc-mastery hint exercise-22
//!
//! `std::os::unix::net` has the sockets, `nix::poll` has poll(2), and epoll is in `nix::libc`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

fn run(path: &Path) -> io::Result<()> {
    let _listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;

    // The socket exists, but it has no name yet, so no client can find it.
    //
    // 1. Name it and let clients queue up: bind and listen, or UnixListener::bind, which does both.
    // 2. Make it non-blocking, and wait for it: poll or epoll.
    // 3. The listener is readable: accept, and wait for the new socket as well.
    // 4. A client is readable: read once, send back what is a whole frame, and wait again.

    let message = format!("next step: bind the socket to {}", path.display());
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().skip(1).last().map(PathBuf::from) else {
        eprintln!("usage: program [WORKERS] SOCKET");
        return ExitCode::FAILURE;
    };
    match run(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
