//! Exercise 2: a client on a Unix stream socket that says when it has said all.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-2
//!     ipc-mastery hint exercise-2
//!
//! The calls are in `nix::sys::socket`. `std::os::unix::net::UnixStream` has all that is needed
//! too; it makes its socket and connects it in one call.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

fn run(path: &Path) -> io::Result<()> {
    let _server = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;

    // The socket exists, but nobody is at its other end.
    //
    // 1. Give it one: make a UnixAddr of the path, and connect.
    // 2. Send standard input, to its end. Then say that this was all.
    // 3. Read the reply and write it to standard output, until read says 0.

    let message = format!("next step: connect the socket to {}", path.display());
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().skip(1).last().map(PathBuf::from) else {
        eprintln!("usage: half-closing-client PATH");
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
