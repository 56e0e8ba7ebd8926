//! Exercise 7: a server at an abstract name.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-7
//!     ipc-mastery hint exercise-7
//!
//! `std::os::linux::net::SocketAddrExt` makes addresses of abstract names and reads them;
//! `UnixListener::bind_addr` takes one. `nix::sys::socket` has the same calls as the C library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(name) = std::env::args_os().skip(1).last() else {
        eprintln!("usage: abstract-name NAME");
        return ExitCode::FAILURE;
    };

    // 1. Bind a stream socket to the abstract name: a NUL, and these bytes behind it. Listen.
    // 2. Print what getsockname() says (`local_addr`), and that you are ready.
    // 3. Accept one client after another; send back what it sends, in upper case.

    let name = name.display();
    eprintln!("next step: bind a socket to the abstract name {name} and listen");
    ExitCode::FAILURE
}
