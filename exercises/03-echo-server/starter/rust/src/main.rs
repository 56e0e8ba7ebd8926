//! Exercise 3: an echo server on a Unix stream socket.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-3
//!     ipc-mastery hint exercise-3
//!
//! The calls are in `nix::sys::socket`. You may use `std::os::unix::net` instead, as far as it
//! goes: it has no SO_PEERCRED and no SCM_RIGHTS.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

fn run(path: &Path) -> io::Result<()> {
    let _listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;

    // The socket exists, but it has no name yet, so no client can find it.
    //
    // 1. Name it: make a UnixAddr of the path, and bind.
    // 2. Let clients queue up: listen.
    // 3. For each client: accept, then read and write back until read says 0, then close.

    let message = format!("next step: bind the socket to {}", path.display());
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().skip(1).last().map(PathBuf::from) else {
        eprintln!("usage: echo-server PATH");
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
