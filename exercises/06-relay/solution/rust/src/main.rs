//! Exercise 6, reference solution in Rust: a relay between a client and an upstream server.
//!
//! Two threads, one for each direction. A thread may wait as long as it likes, to receive or to
//! send: the other direction does not wait for it.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

/// Waits at the path for the one client that this run is for.
fn client_at(path: &Path) -> io::Result<UnixStream> {
    let listener = UnixListener::bind(path)?;
    let (client, _) = listener.accept()?;
    // Nobody else is served, so nobody else shall find us.
    fs::remove_file(path)?;
    Ok(client)
}

/// Sends on what comes, as soon as it comes, until the end of it.
fn copy(mut from: &UnixStream, mut to: &UnixStream) -> io::Result<()> {
    let mut data = vec![0; 65536];
    loop {
        match from.read(&mut data) {
            // Only 0 is the end. An error is not: bytes were lost.
            Ok(0) => return Ok(()),
            // Rust programs ignore SIGPIPE: a receiver that is gone is an error here.
            Ok(count) => to.write_all(&data[..count])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Carries one direction to its end, and tells the end to both sides of it. Dropping a socket would
/// end the other direction too.
fn carry(from: &UnixStream, to: &UnixStream) -> io::Result<()> {
    let copied = copy(from, to);
    if copied.is_err() {
        // Whoever still sends is refused (EPIPE) instead of waiting for ever.
        from.shutdown(Shutdown::Read)?;
    }
    to.shutdown(Shutdown::Write)?;
    copied
}

fn run(upstream: &Path, path: &Path) -> io::Result<()> {
    let client = client_at(path)?;
    let upstream = UnixStream::connect(upstream)?;
    thread::scope(|scope| {
        let request = scope.spawn(|| carry(&client, &upstream));
        let answer = carry(&upstream, &client);
        let request = request.join().expect("carry does not panic");
        request.and(answer)
    })
}

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [upstream, path] = arguments.as_slice() else {
        eprintln!("usage: relay UPSTREAM PATH");
        return ExitCode::FAILURE;
    };
    match run(upstream, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}
