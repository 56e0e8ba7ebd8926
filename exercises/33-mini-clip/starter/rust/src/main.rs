//! Exercise 33: a clipboard whose payload never passes its socket.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-33
//!     ipc-mastery hint exercise-33
//!
//! `nix::sys::socket` has `sendmsg`, `recvmsg`, and `ControlMessage::ScmRights`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::ExitCode;

fn paste(kind: &OsStr, path: &OsStr) -> io::Result<ExitCode> {
    let (_reading, _writing) = io::pipe()?;

    // 1. Connect a stream socket to the path.
    // 2. Send the type and a line feed, with the writing end attached.
    // 3. Drop your own writing end, read the answer, then the pipe.
    let message = format!("next step: ask for {kind:?} at {path:?}");
    Err(io::Error::other(message))
}

fn copy(kind: &OsStr, path: &OsStr) -> io::Result<ExitCode> {
    let message = format!("a later step: offer {kind:?} at {path:?}");
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [command, kind, path] = arguments.as_slice() else {
        eprintln!("usage: mini-clip copy|paste TYPE PATH");
        return ExitCode::from(1);
    };
    let done = match command.to_str() {
        Some("copy") => copy(kind, path),
        Some("paste") => paste(kind, path),
        _ => Err(io::Error::other("there are two commands: copy and paste")),
    };
    done.unwrap_or_else(|error| {
        eprintln!("mini-clip: {error}");
        ExitCode::from(1)
    })
}
