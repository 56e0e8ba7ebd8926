//! Exercise 2, reference solution in Rust: a client that says when it has said all.
//!
//! One thread sends while the other reads. Neither waits for the other, so the server can stop
//! reading to answer, or stop answering to read, and nothing stands still.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

/// Says what failed as well as why.
fn because(what: &str) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// Hands on every byte to the end, in pieces of whatever size they come.
fn copy(mut from: impl Read, mut to: impl Write, what: [&str; 2]) -> io::Result<()> {
    let mut data = vec![0; 65536];
    loop {
        match from.read(&mut data) {
            Ok(0) => return to.flush().map_err(because(what[1])),
            // One write may accept only a part; `write_all` goes on with the rest.
            Ok(count) => to.write_all(&data[..count]).map_err(because(what[1]))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(because(what[0])(error)),
        }
    }
}

/// Sends standard input, then says that nothing more will come. That ends one direction only, and
/// it ends it whoever else has a copy of the descriptor; closing one would do neither.
fn speak(server: &UnixStream) -> io::Result<()> {
    let done = copy(io::stdin(), server, ["read of standard input", "send"]);
    let ended = match &done {
        Ok(()) => server.shutdown(Shutdown::Write),
        // The server takes no more (EPIPE; Rust programs ignore SIGPIPE). It may be saying why.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        // Nobody will ever finish the request: do not let the listening wait for an answer to it.
        Err(_) => server.shutdown(Shutdown::Both),
    };
    done.and(ended)
}

/// Writes the reply, until the server has said its last.
fn listen(server: &UnixStream) -> io::Result<()> {
    let done = copy(server, io::stdout(), ["recv", "write to standard output"]);
    if done.is_err() {
        // Nobody will take the rest of the reply: do not let the sending wait for that. It cannot
        // fail on a socket that was connected once.
        let _ = server.shutdown(Shutdown::Both);
    }
    done
}

fn run(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() {
        // The kernel would take it for an abstract name.
        return Err(because("the path is empty")(io::ErrorKind::NotFound.into()));
    }
    // A path that does not fit into the address is refused here.
    let server = UnixStream::connect(path).map_err(because(&path.to_string_lossy()))?;
    thread::scope(|scope| {
        let speaking = scope.spawn(|| speak(&server));
        // The reply is read to its end before anything is reported.
        let listened = listen(&server);
        let spoke = speaking.join().expect("speaking does not panic");
        listened.and(spoke)
    })
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().skip(1).last().map(PathBuf::from) else {
        eprintln!("usage: half-closing-client PATH");
        return ExitCode::FAILURE;
    };
    match run(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("half-closing-client: {error}");
            ExitCode::FAILURE
        }
    }
}
