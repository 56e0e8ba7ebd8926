//! Exercise 13: whole messages, messages that were cut, and a sender that is told what is too big.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-13
//!     ipc-mastery hint exercise-13
//!
//! `std::os::unix::net::UnixDatagram` binds and sends; `nix::sys::socket` has `recvmsg`, its flags,
//! and `setsockopt`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::process::ExitCode;

fn receive(path: &OsStr) -> io::Result<ExitCode> {
    let _inbox = UnixDatagram::unbound()?;

    // The socket exists, but it has no name yet, so no sender can find it.
    //
    // 1. Name it: bind. Datagrams need no listen.
    // 2. For each message: receive it into 512 bytes, and find out whether that was all of it.
    // 3. Print its line, and flush.
    let message = format!("next step: bind the socket to {}", path.display());
    Err(io::Error::other(message))
}

fn send_lines(path: &OsStr) -> io::Result<ExitCode> {
    let message = format!("a later step: send each line of standard input to {}", path.display());
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [command, path] if command == "receive" => receive(path),
        [command, path] if command == "send" => send_lines(path),
        _ => Err(io::Error::other("usage: detect-truncation receive|send PATH")),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(2)
    })
}
