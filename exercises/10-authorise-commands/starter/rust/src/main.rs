//! Exercise 10: a server that decides for each command who may give it.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-10
//!     ipc-mastery hint exercise-10
//!
//! `std::os::unix::net` has the sockets. `nix` has `sockopt::PeerCredentials`, `umask` and
//! `Group::from_name`; for SO_PEERGROUPS there is `nix::libc::getsockopt`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [group, policy, path] = words.as_slice() else {
        eprintln!("usage: authorise-commands GROUP POLICY PATH");
        return ExitCode::FAILURE;
    };

    // 1. Bind a socket to the path, so that everybody may connect, and listen.
    // 2. Accept a client. SO_PEERCRED and SO_PEERGROUPS tell who it is.
    // 3. Take a frame; ask the policy whether this client may do that; reply.

    eprintln!("group {}, policy {}", group.display(), policy.display());
    eprintln!("next step: bind a socket to {} and listen", path.display());
    ExitCode::FAILURE
}
