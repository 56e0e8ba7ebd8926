//! Exercise 9: a log daemon that stamps each message with its sender.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-9
//!     ipc-mastery hint exercise-9
//!
//! `std::os::unix::net::UnixDatagram` can bind; `nix::sys::socket` has `setsockopt`, and `nix::libc`
//! has `recvmsg` and the rest of the C library.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::ExitCode;

fn run(path: &Path) -> io::Result<()> {
    let _inbox = UnixDatagram::unbound()?;

    // The socket exists, but it has no name yet, so no sender can find it.
    //
    // 1. Name it: bind.
    // 2. For each message: receive it, and what the kernel says of its sender.
    // 3. Print its line, and flush.
    let message = format!("next step: bind the socket to {}", path.display());
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [path] => run(Path::new(path)),
        _ => Err(io::Error::other("usage: stamp-each-message PATH")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
