//! Exercise 34: a client of the inbox.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-34
//!     ipc-mastery hint exercise-34
//!
//! `std::os::unix::net::UnixStream` is enough for nearly all of it. connect(2) with a limit of time
//! needs the calls in `nix::sys::socket`.

use std::env;
use std::process::ExitCode;

const USAGE: u8 = 64;
const SOFTWARE: u8 = 70;
const CONFIG: u8 = 78;

fn main() -> ExitCode {
    if !env::args_os().skip(1).eq(["ping"]) {
        eprintln!("usage: inbox-client ping");
        return ExitCode::from(USAGE);
    }
    let Some(path) = env::var_os("IPC_INBOX") else {
        eprintln!("no inbox: IPC_INBOX is not set");
        return ExitCode::from(CONFIG);
    };

    // 1. Connect a stream socket to the path, and look at what that says.
    // 2. Send a frame with PING: four bytes of length, most significant first, and the word.
    // 3. Read the reply, however many calls that takes. If it is the frame PONG, print pong.

    eprintln!("next step: connect to {path:?}");
    ExitCode::from(SOFTWARE)
}
