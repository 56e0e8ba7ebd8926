//! Exercise 14: a command server on a Unix SEQPACKET socket.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-14
//!     ipc-mastery hint exercise-14
//!
//! The standard library has no SEQPACKET sockets. `nix::sys::socket` has `socket` with
//! `SockType::SeqPacket`, `bind`, `listen`, `accept4`, `recvmsg` and `send`.

use std::process::ExitCode;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().skip(1).last() else {
        eprintln!("usage: seqpacket-commands PATH");
        return ExitCode::FAILURE;
    };
    let flags = SockFlag::SOCK_CLOEXEC;
    let _listener = match socket(AddressFamily::Unix, SockType::SeqPacket, flags, None) {
        Ok(listener) => listener,
        Err(errno) => {
            eprintln!("seqpacket-commands: socket: {errno}");
            return ExitCode::FAILURE;
        }
    };

    // 1. Bind it to the path, and listen.
    // 2. Accept a client. `recvmsg` takes one packet, which is one command; `send` its reply.
    // 3. Wait for all clients at once: `poll`, or a thread for each.

    eprintln!("next step: bind the socket to {} and listen", path.display());
    ExitCode::FAILURE
}
