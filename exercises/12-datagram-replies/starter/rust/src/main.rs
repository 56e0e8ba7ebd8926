//! Exercise 12: requests and replies in datagrams.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-12
//!     ipc-mastery hint exercise-12
//!
//! `std::os::unix::net::UnixDatagram` binds, sends and receives; `nix::sys::socket` has addresses
//! with their length, flags such as `MSG_DONTWAIT`, and a `bind` that lets the kernel choose a name.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::ExitCode;

fn serve(path: &Path) -> io::Result<ExitCode> {
    let _inbox = UnixDatagram::unbound()?;

    // The socket exists, but it has no name yet, so no client can send to it.
    //
    // 1. Name it: bind. Datagrams need no listen.
    // 2. Receive a request, and with it the name of its sender.
    // 3. Send the reply to that name, from this socket.
    let message = format!("next step: bind the socket to {}", path.display());
    Err(io::Error::other(message))
}

fn ask(server: &Path, name: &OsStr, seconds: &OsStr, texts: &[OsString]) -> io::Result<ExitCode> {
    let (server, name, seconds) = (server.display(), name.display(), seconds.display());
    let text = texts[0].display();
    let message =
        format!("a later step: as {name}, ask {server} for {text}, for {seconds} s at most");
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [command, path] if command == "serve" => serve(Path::new(path)),
        [command, path, name, seconds, texts @ ..] if command == "ask" && !texts.is_empty() => {
            ask(Path::new(path), name, seconds, texts)
        }
        _ => Err(io::Error::other(
            "usage: serve SOCKET, or ask SOCKET NAME SECONDS TEXT...",
        )),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(1)
    })
}
