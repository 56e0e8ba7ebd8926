//! Exercise 32: variables that lead nowhere, and where they went wrong.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-32
//!     ipc-mastery hint exercise-32
//!
//! `nix::sys::socket` has `socket`, `connect` and `UnixAddr`, which makes abstract names too.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::ExitCode;

fn run(_root: &OsString, names: &[OsString]) -> io::Result<()> {
    let mut data = Vec::new();
    io::stdin().read_to_end(&mut data)?;

    // The input is NAME=VALUE, NUL, NAME=VALUE, NUL ...
    //
    // 1. Take the strings apart; they are bytes (std::os::unix::ffi::OsStrExt).
    // 2. For each name, find the first string that begins with it and `=`.
    // 3. Print one line: NAME STATE. The first stage asks for `unset` and `empty` only.
    let message = format!(
        "next step: look {} names up in {} bytes",
        names.len(),
        data.len()
    );
    Err(io::Error::other(message))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // ROOT stands in front of every name that is looked up.
    let Some((root, names)) = arguments.split_first() else {
        eprintln!("usage: env-doctor ROOT NAME... < SNAPSHOTS");
        return ExitCode::from(2);
    };
    match run(root, names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("env-doctor: {error}");
            ExitCode::from(1)
        }
    }
}
