//! Exercise 23: a broker that hands on what is published, and waits for nobody.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-23
//!     ipc-mastery hint exercise-23
//!
//! `std::os::unix::net` has the sockets, `std::sync` what threads share. `nix::poll` has `poll`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [limit, path] = words.as_slice() else {
        eprintln!("usage: publish-subscribe BYTES PATH");
        return ExitCode::FAILURE;
    };

    // 1. Bind a socket to the path and listen.
    // 2. Take frames from many clients at once, and carry out SUB, UNSUB and PUB.
    // 3. Give each client a queue of its own for what the kernel does not take at once.

    eprintln!("limit of each queue: {} bytes", limit.display());
    eprintln!("next step: bind a socket to {} and listen", path.display());
    ExitCode::FAILURE
}
