//! Exercise 37: a broker in two processes, one with the rights and one with the clients.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-37
//!     ipc-mastery hint exercise-37
//!
//! `nix::sys::socket` has SEQPACKET sockets, `sendmsg` and `recvmsg`; `nix::fcntl` has `openat2`;
//! what is missing there is in `nix::libc`: `unshare`, `prctl`.

use std::ffi::OsString;
use std::process::ExitCode;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

fn broker(list: &OsString, directory: &OsString, path: &OsString) -> ExitCode {
    let flags = SockFlag::SOCK_CLOEXEC;
    let _pair = match socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags) {
        Ok(pair) => pair,
        Err(errno) => {
            eprintln!("socketpair: {errno}");
            return ExitCode::FAILURE;
        }
    };

    // 1. Read the list, open the directory, and listen at the path.
    // 2. Start the worker: `Command::new("/proc/self/exe")` with `env_clear()`, the listening
    //    socket and one end of the pair left open for it. Close that end here.
    // 3. Answer what the worker asks: a status byte, and with `+` a descriptor.
    // 4. Start another worker when this one dies; end both at SIGTERM.

    eprintln!("list {}, directory {}", list.display(), directory.display());
    eprintln!(
        "next step: listen at {}, and start the worker",
        path.display()
    );
    ExitCode::FAILURE
}

fn worker(listener: &OsString, to_broker: &OsString) -> ExitCode {
    // Accept clients, pass each request to the broker, and pass its reply on.
    eprintln!(
        "next step: poll the listener {} and the broker {}",
        listener.display(),
        to_broker.display()
    );
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match &words[..] {
        [command, listener, broker] if command == "--worker" => worker(listener, broker),
        [list, directory, path] => broker(list, directory, path),
        _ => {
            eprintln!("usage: LIST DIRECTORY SOCKET");
            ExitCode::FAILURE
        }
    }
}
