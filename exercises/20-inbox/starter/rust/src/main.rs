//! Exercise 20: the inbox, a server that keeps going whatever its clients do.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-20
//!     ipc-mastery hint exercise-20
//!
//! `std::os::unix::net` has the sockets. `nix` has `sockopt::PeerCredentials`, `umask`, `poll` and
//! `signalfd`; for SO_PEERGROUPS and epoll there is `nix::libc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [group, path] = words.as_slice() else {
        eprintln!("usage: inbox GROUP PATH");
        return ExitCode::FAILURE;
    };

    // 1. Bind a socket to the path, so that everybody may connect, and listen.
    // 2. Wait for all clients at once: epoll, or a thread for each.
    // 3. Take a frame; carry out its command; reply as the table in README.md says.

    eprintln!("group {}", group.display());
    eprintln!("next step: bind a socket to {} and listen", path.display());
    ExitCode::FAILURE
}
