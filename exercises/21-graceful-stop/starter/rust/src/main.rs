//! Exercise 21: a server that stops when it is told to.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-21
//!     ipc-mastery hint exercise-21
//!
//! `std::os::unix::net` has the sockets. `nix` has `SigSet`, `SignalFd` and `poll`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [grace, path] = words.as_slice() else {
        eprintln!("usage: graceful-stop GRACE PATH");
        return ExitCode::FAILURE;
    };

    // 1. Bind a socket to the path, and listen.
    // 2. Answer frames, of several clients at a time.
    // 3. Learn of SIGTERM and SIGINT, wherever the program waits; then finish what has begun.

    eprintln!("{} ms of grace", grace.display());
    eprintln!("next step: bind a socket to {} and listen", path.display());
    ExitCode::FAILURE
}
