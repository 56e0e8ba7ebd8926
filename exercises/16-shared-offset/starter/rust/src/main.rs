//! Exercise 16: one open file, one offset, two processes.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-16
//!     ipc-mastery hint exercise-16
//!
//! `nix::sys::socket` has `sendmsg`, `recvmsg`, and `ControlMessage::ScmRights`.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;

fn lend(path: &Path, name: &OsStr, place: &str, count: &str) -> io::Result<()> {
    let file = File::open(name)?;

    // 1. Place the offset of the file: Seek.
    // 2. Connect a stream socket to the path.
    // 3. Send "read COUNT\n", the descriptor attached to the first byte.
    // 4. Read the answer to the end of the stream; then say where your offset stands.
    let message =
        format!("next step: place {file:?} at {place}, and lend it at {path:?} to read {count}");
    Err(io::Error::other(message))
}

fn borrow(path: &Path) -> io::Result<()> {
    let message = format!("a later step: borrow a file at {path:?}");
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let text = |at: usize| {
        arguments
            .get(at)
            .and_then(|text| text.to_str())
            .unwrap_or("all")
    };
    let done = match (text(0), arguments.len()) {
        ("lend", 4 | 5) => lend(Path::new(&arguments[1]), &arguments[2], text(3), text(4)),
        ("borrow", 2) => borrow(Path::new(&arguments[1])),
        _ => Err(io::Error::other(
            "usage: lend SOCKET FILE OFFSET [COUNT], or borrow SOCKET",
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
