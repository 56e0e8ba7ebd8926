//! Exercise 24: a server with limits for each user.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-24
//!     ipc-mastery hint exercise-24
//!
//! `std::os::unix::net` has the sockets. `nix` has `sockopt::PeerCredentials` and `umask`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [burst, refill_ms, connections, frame_ms, path] = words.as_slice() else {
        eprintln!("usage: limits BURST REFILL-MS CONNECTIONS FRAME-MS PATH");
        return ExitCode::FAILURE;
    };

    // 1. Bind a socket to the path, so that everybody may connect, and listen.
    // 2. Accept clients. SO_PEERCRED tells whose bucket and whose count it is.
    // 3. Take a frame; take a token for it; reply.

    eprintln!("burst {}, refill {} ms", burst.display(), refill_ms.display());
    eprintln!("connections {}, frame {} ms", connections.display(), frame_ms.display());
    eprintln!("next step: bind a socket to {} and listen", path.display());
    ExitCode::FAILURE
}
