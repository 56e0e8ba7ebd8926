//! Exercise 18: a broker that hands out open files, and a worker that asks for them.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-18
//!     ipc-mastery hint exercise-18
//!
//! The standard library has no SEQPACKET sockets. `nix::sys::socket` has them, with `sendmsg` and
//! `recvmsg`; `nix::fcntl` has `openat2`.

use std::ffi::OsString;
use std::process::ExitCode;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

fn broker(list: &OsString, directory: &OsString, path: &OsString) -> ExitCode {
    let flags = SockFlag::SOCK_CLOEXEC;
    let _listener = match socket(AddressFamily::Unix, SockType::SeqPacket, flags, None) {
        Ok(listener) => listener,
        Err(errno) => {
            eprintln!("socket: {errno}");
            return ExitCode::FAILURE;
        }
    };

    // 1. Read the list, and open the directory.
    // 2. Bind the socket to the path, so that everybody may connect, and listen.
    // 3. Accept a client. One packet is one request; open what it asks for.
    // 4. `sendmsg` the reply: one byte, and with `+` the descriptor, as `ControlMessage::ScmRights`.

    eprintln!("list {}, directory {}", list.display(), directory.display());
    eprintln!(
        "next step: bind the socket to {} and listen",
        path.display()
    );
    ExitCode::FAILURE
}

fn worker(path: &OsString) -> ExitCode {
    // Comes last: connect, ask for each name, copy what is given to standard output.
    eprintln!("next step: connect to {}", path.display());
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command = words.first().and_then(|word| word.to_str());
    match (command, words.get(1..).unwrap_or_default()) {
        (Some("broker"), [list, directory, path]) => broker(list, directory, path),
        (Some("worker"), [path, names @ ..]) if !names.is_empty() => worker(path),
        _ => {
            eprintln!("usage: broker LIST DIRECTORY SOCKET, or worker SOCKET NAME...");
            ExitCode::FAILURE
        }
    }
}
