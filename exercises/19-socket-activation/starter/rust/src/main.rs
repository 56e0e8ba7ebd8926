//! Exercise 19: an echo server that is started with its sockets in hand.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-19
//!     ipc-mastery hint exercise-19

use std::process::{self, ExitCode};
use std::env;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [path] = arguments.as_slice() else {
        eprintln!("usage: socket-activation PATH");
        return ExitCode::FAILURE;
    };

    // 1. Was the letter for this process, and how many descriptors came with it?
    // 2. If there is one, accept clients from descriptor 3 and echo what they send.
    // 3. If there is none, make a socket at the path, and serve that.

    let (pid, count) = (env::var_os("LISTEN_PID"), env::var_os("LISTEN_FDS"));
    eprintln!("LISTEN_PID {pid:?} (this is {}), LISTEN_FDS {count:?}", process::id());
    eprintln!("next step: accept a client from descriptor 3; {} is for later", path.display());
    ExitCode::FAILURE
}
