//! Exercise 8: a server that asks the kernel who is calling.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-8
//!     ipc-mastery hint exercise-8
//!
//! `nix::sys::socket` has `getsockopt` with `sockopt::PeerCredentials`. It has nothing for
//! SO_PEERGROUPS: `nix::libc::getsockopt` takes `nix::libc::SO_PEERGROUPS`.

use std::process::ExitCode;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let (Some(_group), Some(path)) = (arguments.first(), arguments.get(1)) else {
        eprintln!("usage: who-is-calling GROUP PATH");
        return ExitCode::FAILURE;
    };
    let flags = SockFlag::SOCK_CLOEXEC;
    let _listener = match socket(AddressFamily::Unix, SockType::Stream, flags, None) {
        Ok(listener) => listener,
        Err(errno) => {
            eprintln!("who-is-calling: socket: {errno}");
            return ExitCode::FAILURE;
        }
    };

    // 1. Bind it to the path, let everybody write to that name, and listen. (UnixListener::bind
    //    does the first and the last.)
    // 2. Accept. Ask the kernel: SO_PEERCRED and SO_PEERGROUPS. Print the line.
    // 3. Read questions, one line each, and answer them from what the kernel said.

    eprintln!("next step: bind the socket to {} and listen", path.display());
    ExitCode::FAILURE
}
