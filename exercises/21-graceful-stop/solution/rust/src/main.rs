//! Exercise 21, reference solution in Rust: a server that stops when it is told to.
//!
//! Each client has a thread, whose calls wait for this client alone. The main thread waits for clients
//! and for signals. Closing one end of a socket pair tells all the others at once that it is time; a
//! channel whose senders have gone tells that the last of them has finished.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

const LARGEST: u32 = 1 << 20;

/// Waits until one of the descriptors can be read; tells which can.
fn readable(fds: &[&dyn AsFd], timeout: PollTimeout) -> io::Result<Vec<bool>> {
    let polled = fds.iter().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
    let mut polled: Vec<PollFd> = polled.collect();
    loop {
        match poll(&mut polled, timeout) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(_) => return Ok(polled.iter().map(|fd| fd.any().unwrap_or(true)).collect()),
        }
    }
}

/// What the threads of the clients share.
#[derive(Clone)]
struct Shift {
    /// Its stream ends when the server is told to stop.
    stopped: Arc<UnixStream>,
    /// Nothing is ever sent: it is there as long as somebody works.
    _working: Sender<()>,
}

impl Shift {
    /// Waits until a request begins, or until there is no reason to wait for one.
    fn begins(&self, client: &UnixStream) -> io::Result<bool> {
        let seen = readable(&[&*self.stopped, client], PollTimeout::NONE)?;
        if !seen[0] {
            return Ok(true);
        }
        // Bytes that came before the signal may have come after poll() looked: it is asked again.
        Ok(readable(&[client], PollTimeout::ZERO)?[0])
    }

    /// Answers requests, until the client has said its last or the server stops between two.
    fn serve(&self, mut client: &UnixStream) -> io::Result<()> {
        while self.begins(client)? {
            let mut header = [0; 4];
            client.read_exact(&mut header)?;
            let length = u32::from_be_bytes(header);
            if length > LARGEST {
                return Err(ErrorKind::InvalidData.into());
            }
            let mut payload = vec![0; length as usize];
            client.read_exact(&mut payload)?;
            payload.reverse();
            client.write_all(&[&header, payload.as_slice()].concat())?;
        }
        Ok(())
    }

    /// Gives a client a thread of its own.
    fn take(&self, client: UnixStream) -> io::Result<()> {
        let shift = self.clone();
        thread::Builder::new().spawn(move || {
            // What goes wrong on a connection ends this one. EPIPE and ECONNRESET are no news, and a
            // read that finds the end where a request would begin is the usual end.
            drop(shift.serve(&client));
        })?;
        Ok(())
    }
}

/// Takes all who wait for a connection.
fn take_all(listener: &UnixListener, shift: &Shift) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((client, _)) => shift.take(client)?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Both signals, as a descriptor. Whoever blocks them before the name can be seen is never caught
/// unprepared: one that comes too early waits in the kernel. And whoever blocks them before the first
/// thread starts has them blocked in all.
fn watch_signals() -> io::Result<SignalFd> {
    let told = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    told.thread_block()?;
    // There is no terminal to lose, and nothing to read anew.
    // SAFETY: no handler is installed.
    unsafe { signal(Signal::SIGHUP, SigHandler::SigIgn) }?;
    Ok(SignalFd::with_flags(&told, SfdFlags::SFD_CLOEXEC)?)
}

fn run(grace: Duration, path: &Path) -> io::Result<()> {
    let signals = watch_signals()?;
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    let (stop, stopped) = UnixStream::pair()?;
    let (working, finished) = mpsc::channel();
    let shift = Shift { stopped: Arc::new(stopped), _working: working };

    while !readable(&[&signals, &listener], PollTimeout::NONE)?[0] {
        take_all(&listener, &shift)?;
    }
    let deadline = Instant::now() + grace;

    // From now on nobody comes. The name goes first: then nobody new can find us, a successor can take
    // the name, and accept() gets to the end of those who had been let into the queue. Closed with
    // them in it, the socket would reset their connections.
    drop(fs::remove_file(path));
    take_all(&listener, &shift)?;
    drop(listener);
    drop(stop);

    // Ours is the last sender that is not a client's. When all have gone, the channel ends; when the
    // grace is over first, whatever is not finished ends with the process.
    drop(shift);
    drop(finished.recv_timeout(deadline.saturating_duration_since(Instant::now())));
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<_> = env::args_os().skip(1).collect();
    let [grace, path] = words.as_slice() else {
        eprintln!("usage: graceful-stop GRACE PATH");
        return ExitCode::FAILURE;
    };
    let Some(grace) = grace.to_str().and_then(|text| text.parse().ok()) else {
        eprintln!("graceful-stop: not a number of milliseconds: {}", grace.display());
        return ExitCode::FAILURE;
    };
    match run(Duration::from_millis(grace), Path::new(path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("graceful-stop: {error}");
            ExitCode::FAILURE
        }
    }
}
