//! Exercise 6: a relay between a client and an upstream server.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-6
//!     ipc-mastery hint exercise-6
//!
//! `std::os::unix::net` has all the calls; `nix::poll` is there if you want it.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn run(upstream: &Path, path: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    let (_client, _) = listener.accept()?;

    // A client is here. The upstream does not know it yet.
    //
    // 1. Connect to the upstream.
    // 2. Carry what comes from the client to the upstream, and what comes from the upstream to
    //    the client. You cannot know which of them speaks next.
    // 3. When one of them has said its last, tell the other, and go on the other way.

    let message = format!("next step: connect to {}", upstream.display());
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [upstream, path] = arguments.as_slice() else {
        eprintln!("usage: relay UPSTREAM PATH");
        return ExitCode::FAILURE;
    };
    match run(upstream, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}
