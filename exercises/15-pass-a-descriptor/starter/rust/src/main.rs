//! Exercise 15: open files go from one program to another.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-15
//!     ipc-mastery hint exercise-15
//!
//! `nix::sys::socket` has `sendmsg`, `recvmsg`, and `ControlMessage::ScmRights`; `nix::libc` has what
//! is below them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::process::ExitCode;

fn send(path: &OsStr, names: &[OsString]) -> io::Result<()> {
    let files = names
        .iter()
        .map(File::open)
        .collect::<io::Result<Vec<File>>>()?;

    // 1. Read the note: standard input, to its end.
    // 2. Connect a stream socket to the path.
    // 3. Send "files N\n" and the note, the descriptors attached to the first byte.
    // 4. Drop your files, shut down the writing side, and read the answer.
    let message = format!("next step: deliver {} files at {path:?}", files.len());
    Err(io::Error::other(message))
}

fn receive(path: &OsStr) -> io::Result<()> {
    let message = format!("a later step: take a delivery at {path:?}");
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [command, path, names @ ..] if command == "send" && !names.is_empty() => send(path, names),
        [command, .., path] if command == "receive" => receive(path),
        _ => Err(io::Error::other(
            "usage: send SOCKET FILE... < note, or receive [--who] SOCKET",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}
