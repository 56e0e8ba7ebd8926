//! Exercise 11: a server that makes itself a safe place.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-11
//!     ipc-mastery hint exercise-11

use std::ffi::OsString;
use std::process::ExitCode;

use nix::sys::stat::{Mode, umask};

struct Options {
    name: OsString,
    group: bool,
}

/// Reads the arguments, and takes over the umask that they ask for, as if the program had been
/// started with that one.
fn options() -> Option<Options> {
    let (mut name, mut group) = (None, false);
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        if word == "--group" {
            group = true;
        } else if word == "--umask" {
            let digits = words.next()?.into_string().ok()?;
            umask(Mode::from_bits(u32::from_str_radix(&digits, 8).ok()?)?);
        } else {
            name = Some(word);
        }
    }
    Some(Options { name: name?, group })
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("usage: a-safe-place [--group] [--umask OCTAL] NAME");
        return ExitCode::FAILURE;
    };

    // 1. Find the runtime directory: $XDG_RUNTIME_DIR. Is it safe?
    // 2. Make the directory NAME in it, or look at the one that is there.
    // 3. Bind a stream socket to server.sock in there, see to its mode, and listen.
    // 4. Go to /, print `ready`, and say `welcome` to every client, until SIGTERM comes.

    let group = if options.group { " and its group" } else { "" };
    eprintln!("next step: find the directory for {}{group}", options.name.display());
    ExitCode::FAILURE
}
