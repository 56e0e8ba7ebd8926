//! Exercise 4: frames on a stream.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-4
//!     ipc-mastery hint exercise-4
//!
//! Signals are in `nix::sys::signal`. What Rust calls standard input and output has buffers of its
//! own; the sockets below have none.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// The payload of the next frame, or `None` at the end of the stream. A frame is four bytes of
/// length, most significant first, then so many bytes.
fn read_frame(_stream: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    eprintln!("next step: read a header from descriptor 0");
    Ok(None)
}

/// Sends the frame of a payload.
fn write_frame(_stream: &mut UnixStream, _payload: &[u8]) -> io::Result<()> {
    Err(io::Error::other("next step: send the answer"))
}

fn filter() -> io::Result<()> {
    let mut source = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut sink = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    while let Some(payload) = read_frame(&mut source)? {
        // Make a to z upper case here, and nothing else.
        write_frame(&mut sink, &payload)?;
    }
    Ok(())
}

/// The second half of the task: 0 when the filters behind the path are right, 1 when they are not.
fn test(path: &OsStr) -> io::Result<ExitCode> {
    eprintln!("next step: connect to {} and test what is there", path.display());
    Ok(ExitCode::from(2))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match &arguments[..] {
        [word, path] if word == "test" => test(path),
        _ => filter().map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("framing: {error}");
        ExitCode::from(2)
    })
}
