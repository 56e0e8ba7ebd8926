//! Exercise 1: the sockets of this machine that can be reached by name.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-1
//!     ipc-mastery hint exercise-1
//!
//! The numbers of the types are in `nix::libc`: SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET.

use std::process::ExitCode;
use std::{fs, io};

fn run() -> io::Result<()> {
    let table = fs::read("/proc/net/unix")?;
    let mut lines = 0;
    for _line in table.split(|&byte| byte == b'\n') {
        // Num RefCount Protocol Flags Type St Inode Path
        //
        // 1. Take the columns apart. Type is a number, as SOCK_STREAM is; Path is the rest.
        // 2. Can the socket be reached by a name? README.md says when.
        // 3. If so, write one line to standard output: INODE TYPE NAME.
        lines += 1;
    }

    let message = format!("next step: take the columns of these {lines} lines apart");
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
