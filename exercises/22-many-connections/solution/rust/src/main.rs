//! Exercise 22, reference solution in Rust: one loop for all clients.
//!
//!     program [WORKERS] SOCKET
//!
//! The loop never waits for one client: every socket is non-blocking, and epoll is the only place
//! where the program sleeps. What one client has sent and not yet got back lies in a buffer of its
//! own, as long as the largest frame. While that is full nothing more is read from this client: so
//! its answers cannot pile up here, and they wait where they belong, with whoever does not read.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;

use nix::libc;
use nix::unistd::{ForkResult, fork};

const HEADER: usize = 4;
const LONGEST: usize = 65536;
const ROOM: usize = HEADER + LONGEST;
const ENDLESS: usize = u32::MAX as usize;

const READABLE: u32 = libc::EPOLLIN as u32;
const WRITABLE: u32 = libc::EPOLLOUT as u32;
/// A connection wakes one worker that sleeps, not all.
const EXCLUSIVE: u32 = libc::EPOLLEXCLUSIVE as u32;

// ---- epoll --------------------------------------------------------------------------------------

struct Epoll(OwnedFd);

impl Epoll {
    fn new() -> io::Result<Self> {
        // SAFETY: a call on values; what it returns is a new descriptor, or -1.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn control(&self, what: i32, fd: RawFd, events: u32, id: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: id };
        // SAFETY: `event` lives as long as the call.
        check(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), what, fd, &mut event) }).map(drop)
    }

    fn add(&self, fd: RawFd, events: u32, id: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, events, id)
    }

    /// Waits, and returns the ids of those for whom something has happened.
    fn wait(&self) -> io::Result<Vec<u64>> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        let room = events.len() as i32;
        // SAFETY: there is room for so many events.
        let found =
            unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), room, -1) };
        match check(found) {
            Ok(count) => Ok(events[..count as usize].iter().map(|event| event.u64).collect()),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn check(result: i32) -> io::Result<i32> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(result),
    }
}

// ---- one client ---------------------------------------------------------------------------------

struct Client {
    stream: UnixStream,
    bytes: Vec<u8>,
    /// So many of them, at the front, go back: whole frames.
    ready: usize,
    /// All that comes goes back as it comes.
    endless: bool,
    /// Nothing more is read: it has said its last, or what is no frame.
    ended: bool,
    watched: u32,
}

impl Client {
    fn new(stream: UnixStream) -> Self {
        let (bytes, ready) = (Vec::new(), 0);
        Self { stream, bytes, ready, endless: false, ended: false, watched: READABLE }
    }

    /// Counts the whole frames at the front of the buffer.
    fn find_frames(&mut self) {
        while !self.endless {
            let rest = &self.bytes[self.ready..];
            let Some(header) = rest.first_chunk::<HEADER>() else {
                return;
            };
            match u32::from_be_bytes(*header) as usize {
                ENDLESS => self.endless = true,
                length if length > LONGEST => {
                    self.ended = true;
                    return;
                }
                length if rest.len() < HEADER + length => return,
                length => self.ready += HEADER + length,
            }
        }
        self.ready = self.bytes.len();
    }

    fn read(&mut self) -> io::Result<()> {
        let mut room = [0; ROOM];
        let room = &mut room[..ROOM - self.bytes.len()];
        if let Some(count) = now(self.stream.read(room))? {
            self.ended = count == 0;
            self.bytes.extend_from_slice(&room[..count]);
            self.find_frames();
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        // Rust programs ignore SIGPIPE from the start.
        if let Some(count) = now(self.stream.write(&self.bytes[..self.ready]))? {
            self.bytes.drain(..count);
            self.ready -= count;
        }
        Ok(())
    }

    /// Does what can be done at once, and says whether the conversation goes on.
    /// One read and one write, however much there is: then it is the others' turn.
    fn serve(&mut self) -> io::Result<bool> {
        if !self.ended && self.bytes.len() < ROOM {
            self.read()?;
        }
        if self.ready > 0 {
            self.write()?;
        }
        Ok(!(self.ended && self.ready == 0))
    }

    /// What this client can do next, and nothing else: a socket that nobody wants to write to is
    /// writable all the time, and one that has ended is readable all the time.
    fn wanted(&self) -> u32 {
        let mut wanted = 0;
        if !self.ended && self.bytes.len() < ROOM {
            wanted |= READABLE;
        }
        if self.ready > 0 {
            wanted |= WRITABLE;
        }
        wanted
    }
}

/// What a call did, or `None`: nothing can be done now.
fn now(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(None)
        }
        done => done.map(Some),
    }
}

// ---- all of them --------------------------------------------------------------------------------

/// The listener's id in the epoll set.
const LISTENER: u64 = 0;

/// One process: it has its clients to itself, and the listener in common with the others.
struct Worker {
    listener: UnixListener,
    epoll: Epoll,
    clients: HashMap<u64, Client>,
    /// Ids are not used again, as the numbers of descriptors are.
    last_id: u64,
    /// Keeps a descriptor free for the last client; `None` while all are in use.
    reserve: Option<File>,
}

impl Worker {
    fn new(listener: UnixListener) -> io::Result<Self> {
        let (epoll, clients) = (Epoll::new()?, HashMap::new());
        let mut worker = Self { listener, epoll, clients, last_id: LISTENER, reserve: None };
        worker.hold_reserve()?;
        Ok(worker)
    }

    /// Keeps a descriptor free, and looks whether a client comes.
    fn hold_reserve(&mut self) -> io::Result<()> {
        self.reserve = Some(File::open("/dev/null")?);
        self.epoll.add(self.listener.as_raw_fd(), READABLE | EXCLUSIVE, LISTENER)
    }

    fn accept(&mut self) -> io::Result<UnixStream> {
        match self.listener.accept() {
            Err(error) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                // No descriptor is left. The connection stays in the queue, and epoll would report
                // it for ever: do not look there until a client leaves. This last one gets the
                // reserve's number, for it may be that no other worker has been woken for it.
                self.epoll.control(libc::EPOLL_CTL_DEL, self.listener.as_raw_fd(), 0, LISTENER)?;
                self.reserve = None;
                Ok(self.listener.accept()?.0)
            }
            accepted => Ok(accepted?.0),
        }
    }

    /// Takes one connection from the queue. If there are more, epoll says so again.
    fn take_client(&mut self) -> io::Result<()> {
        let Ok(stream) = self.accept() else {
            return Ok(()); // another worker was faster
        };
        stream.set_nonblocking(true)?;
        let client = Client::new(stream);
        self.last_id += 1;
        self.epoll.add(client.stream.as_raw_fd(), client.watched, self.last_id)?;
        self.clients.insert(self.last_id, client);
        Ok(())
    }

    fn close_client(&mut self, id: u64) {
        // There is no duplicate of the socket, so this takes it out of the epoll set, too.
        self.clients.remove(&id);
        if self.reserve.is_none() {
            let _ = self.hold_reserve(); // there may still be none left
        }
    }

    fn work(&mut self) -> io::Result<()> {
        loop {
            for id in self.epoll.wait()? {
                if id == LISTENER {
                    self.take_client()?;
                    continue;
                }
                let Some(client) = self.clients.get_mut(&id) else {
                    continue;
                };
                // EPIPE, ECONNRESET: this client is gone, and that is all.
                if !client.serve().unwrap_or(false) {
                    self.close_client(id);
                } else if client.wanted() != client.watched {
                    client.watched = client.wanted();
                    let fd = client.stream.as_raw_fd();
                    self.epoll.control(libc::EPOLL_CTL_MOD, fd, client.watched, id)?;
                }
            }
        }
    }
}

/// Most programs are started with a soft limit of 1024 descriptors, for the sake of those that use
/// select. Whoever can count further may have as many as the hard limit says.
fn raise_limit() -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` lives as long as the call.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the same.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }).map(drop)
}

fn run(workers: usize, path: &OsString) -> io::Result<()> {
    raise_limit()?;
    let listener = UnixListener::bind(path)?; // with a queue of at least 128
    listener.set_nonblocking(true)?;
    // Each worker is a process, and this one is the first.
    for _ in 1..workers {
        // SAFETY: there are no threads.
        if let ForkResult::Child = unsafe { fork() }? {
            break;
        }
    }
    Worker::new(listener)?.work()
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [path] => run(1, path),
        [workers, path] => match workers.to_str().and_then(|text| text.parse().ok()) {
            Some(workers) => run(workers, path),
            None => Err(io::Error::other("WORKERS is a number")),
        },
        _ => Err(io::Error::other("usage: program [WORKERS] SOCKET")),
    };
    if let Err(error) = done {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
