//! Exercise 5: a file server for slow readers.
//!
//! README.md says what to build and exactly what is tested.
//!
//!     ipc-mastery check exercise-5
//!     ipc-mastery hint exercise-5
//!
//! The standard library has the sockets; `nix::poll` has the call that waits for several at once.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn run(file: &Path, socket: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    loop {
        let (client, _) = listener.accept()?;

        // A client is here, and will send a byte for every copy that it wants.
        //
        // 1. Receive its requests. Open the file, and send what is in it, piece by piece.
        // 2. When the client has no more requests: print the line, close the connection.
        // 3. Do that for many clients at once. Which of these calls may not wait then?

        eprintln!("next step: send {} to the client", file.display());
        drop(client);
    }
}

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [.., file, socket] = arguments.as_slice() else {
        eprintln!("usage: file-server FILE SOCKET");
        return ExitCode::FAILURE;
    };
    match run(file, socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("file-server: {error}");
            ExitCode::FAILURE
        }
    }
}
