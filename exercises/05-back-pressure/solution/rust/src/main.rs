//! Exercise 5, reference solution in Rust: a file server for slow readers.
//!
//! One thread, non-blocking sockets, `poll`. There is no buffer for any client: what the kernel
//! did not take is still in the file, and the offset says where it begins.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::errno::Errno;
use nix::libc::{EMFILE, ENFILE};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A turn of one client: short enough that a fast reader does not keep the others waiting.
const PIECE: usize = 64 * 1024;

/// How a turn ended.
enum Turn {
    /// There may be more to do at once.
    GoOn,
    /// Nothing more can be done before this event.
    Wait(PollFlags),
    /// The connection is over.
    Over,
}

/// A file that is being sent.
struct Transfer {
    file: File,
    /// How much of it the kernel has taken.
    at: u64,
}

/// A connection and what is due on it.
struct Client {
    stream: UnixStream,
    /// Copies that are due, the one that has begun included.
    requests: usize,
    transfer: Option<Transfer>,
    /// What the kernel has taken in all.
    sent: u64,
    /// What it waits for; empty when it can go on.
    waits_for: PollFlags,
}

impl Client {
    fn new(stream: UnixStream) -> io::Result<Self> {
        // The listener's O_NONBLOCK is not handed on.
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            requests: 0,
            transfer: None,
            sent: 0,
            waits_for: PollFlags::POLLIN,
        })
    }

    /// Receives requests. A client whose requests are not yet served is not read from: more
    /// requests wait in the socket, and if they fill it, their sender waits.
    fn receive(&mut self) -> io::Result<Turn> {
        let mut requests = [0; 4096];
        // A byte is a request, so a call may bring many.
        self.requests = self.stream.read(&mut requests)?;
        Ok(if self.requests == 0 { Turn::Over } else { Turn::GoOn })
    }

    fn send_piece(&mut self, path: &Path, piece: &mut [u8]) -> io::Result<Turn> {
        if self.transfer.is_none() {
            self.transfer = Some(Transfer { file: File::open(path)?, at: 0 });
        }
        let transfer = self.transfer.as_mut().expect("opened above");
        let size = transfer.file.read_at(piece, transfer.at)?;
        if size == 0 {
            // The end of the file, and of this copy.
            self.transfer = None;
            self.requests -= 1;
            return Ok(Turn::GoOn);
        }
        // Rust programs ignore SIGPIPE: a reader that is gone is an error here.
        let taken = self.stream.write(&piece[..size])? as u64;
        // Perhaps less than a piece: the rest is read from the file again.
        transfer.at += taken;
        self.sent += taken;
        Ok(Turn::GoOn)
    }

    fn take_turn(&mut self, path: &Path, piece: &mut [u8]) -> Turn {
        let (turn, wants) = match self.requests {
            0 => (self.receive(), PollFlags::POLLIN),
            _ => (self.send_piece(path, piece), PollFlags::POLLOUT),
        };
        match turn {
            Ok(turn) => turn,
            Err(error) if error.kind() == ErrorKind::Interrupted => Turn::GoOn,
            // Not an error, a reason to wait.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Turn::Wait(wants),
            Err(error) => {
                // The reader is gone: ECONNRESET or EPIPE. Or there is no file.
                eprintln!("file-server: {error}");
                Turn::Over
            }
        }
    }

    /// Says what the kernel has taken, and flushes it.
    fn report(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "sent {}", self.sent)?;
        out.flush()
    }
}

struct Server {
    listener: UnixListener,
    /// What to wait for at the listener; empty while there are no descriptors left.
    accepts: PollFlags,
    clients: Vec<Client>,
}

impl Server {
    /// Sleeps until somebody can go on, and marks those who can.
    fn wait(&mut self) -> io::Result<()> {
        let mut timeout = PollTimeout::NONE;
        let mut fds = vec![PollFd::new(self.listener.as_fd(), self.accepts)];
        for client in &self.clients {
            if client.waits_for.is_empty() {
                timeout = PollTimeout::ZERO;
            }
            fds.push(PollFd::new(client.stream.as_fd(), client.waits_for));
        }
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let happened: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        for (client, happened) in self.clients.iter_mut().zip(&happened[1..]) {
            if *happened {
                client.waits_for = PollFlags::empty();
            }
        }
        if happened[0] {
            self.accept()?;
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        match self.listener.accept() {
            Ok((stream, _)) => self.clients.push(Client::new(stream)?),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            // Who comes now waits in the backlog, until a connection gives a descriptor back.
            Err(error) if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) => {
                self.accepts = PollFlags::empty();
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn run(&mut self, path: &Path) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            self.wait()?;
            // One turn for each of those that can go on; who still can comes into the next round.
            let mut reported = Ok(());
            self.clients.retain_mut(|client| {
                if !client.waits_for.is_empty() {
                    return true;
                }
                match client.take_turn(path, &mut piece) {
                    Turn::GoOn => true,
                    Turn::Wait(event) => {
                        client.waits_for = event;
                        true
                    }
                    Turn::Over => {
                        self.accepts = PollFlags::POLLIN;
                        reported = client.report();
                        false // it is dropped, and dropping closes what it has open
                    }
                }
            });
            reported?;
        }
    }
}

fn run(file: &Path, socket: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    listener.set_nonblocking(true)?;
    let mut server = Server {
        listener,
        accepts: PollFlags::POLLIN,
        clients: Vec::new(),
    };
    server.run(file)
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
