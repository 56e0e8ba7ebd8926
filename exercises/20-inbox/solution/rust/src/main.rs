//! Exercise 20, reference solution in Rust: the inbox, a server that keeps going whatever its clients
//! do.
//!
//! One loop serves all clients, and no call in it waits for one of them but epoll_wait(). For each
//! client there is at most one frame that has not come to its end and one reply that has not gone.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use nix::errno::Errno;
use nix::libc::{self, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket, sockopt,
};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{self, Uid};

const HEADER: usize = 4;
const LARGEST: usize = 65536;
const SHOWN: usize = 200;

#[derive(Clone, Copy)]
enum Status {
    Done,
    Unknown,
    NotAllowed,
    TooLarge,
    NotWritten,
}

// ---- the address --------------------------------------------------------------------------------

/// Removes what a dead server left at the path, and nothing else. The lock, which the caller keeps,
/// lasts as long as its process, however that ends; its file stays, or two of us could hold one.
fn make_way(path: &Path) -> io::Result<File> {
    if path.as_os_str().is_empty() {
        return Err(ErrorKind::NotFound.into()); // the kernel would take it for an abstract name
    }
    let address = UnixAddr::new(path)?; // a path that does not fit is refused here
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(lock_path)?;
    lock.try_lock()?;
    // One that knows nothing of our lock? connect() is refused when nobody listens.
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let probe = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        if connect(probe.as_raw_fd(), &address) == Err(Errno::ECONNREFUSED) {
            fs::remove_file(path)?;
        }
    }
    Ok(lock)
}

fn listen_at(path: &Path) -> io::Result<(UnixListener, File)> {
    let lock = make_way(path)?;
    // bind() makes the name with mode 0777 less the umask: 0666 from its first moment.
    let before = umask(Mode::from_bits_truncate(0o111));
    let listener = UnixListener::bind(path);
    umask(before);
    Ok((listener?, lock))
}

/// The socket that a service manager listens at for us. Its name is not ours to remove.
fn given_listener() -> Option<UnixListener> {
    let variable = |name| std::env::var(name).ok();
    if variable("LISTEN_PID")? != process::id().to_string() || variable("LISTEN_FDS")? != "1" {
        return None;
    }
    // SAFETY: the variables say that it is open and meant for us, and nothing else here uses it.
    let listener = unsafe { UnixListener::from_raw_fd(3) };
    // SAFETY: it changes a flag of that descriptor.
    unsafe { libc::fcntl(3, libc::F_SETFD, libc::FD_CLOEXEC) };
    Some(listener)
}

// ---- one client ---------------------------------------------------------------------------------

/// A connection: who it is, the frame that is coming, the reply that is going.
struct Client {
    stream: UnixStream,
    uid: u32,
    pid: i32,
    /// Of the group.
    member: bool,
    frame: Vec<u8>,
    unsent: Vec<u8>,
    /// Its frame was too large: what still comes is thrown away.
    leaving: bool,
    /// What the loop waits for.
    events: i32,
}

/// What becomes of a conversation.
#[derive(PartialEq)]
enum Next {
    GoesOn,
    IsOver,
    /// The program ends: somebody said so who may.
    Shutdown,
}

/// The supplementary groups of who connected. Their number is not known before; when there is no
/// room for all, the kernel says ERANGE and how much is needed.
fn supplementary(stream: &UnixStream) -> nix::Result<Vec<u32>> {
    let mut groups = vec![0_u32; 16];
    loop {
        let mut bytes = size_of_val(groups.as_slice()) as libc::socklen_t;
        // SAFETY: the kernel writes at most so many bytes there, and how many they are.
        let done = unsafe {
            let room = groups.as_mut_ptr().cast();
            let (level, name) = (libc::SOL_SOCKET, libc::SO_PEERGROUPS);
            libc::getsockopt(stream.as_raw_fd(), level, name, room, &raw mut bytes)
        };
        groups.resize(bytes as usize / size_of::<u32>(), 0);
        match Errno::result(done) {
            Ok(_) => return Ok(groups),
            Err(Errno::ERANGE) => {}
            Err(errno) => return Err(errno),
        }
    }
}

impl Client {
    fn new(stream: UnixStream, group: u32) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let told = getsockopt(&stream, sockopt::PeerCredentials)?;
        Ok(Self {
            uid: told.uid(),
            pid: told.pid(),
            member: told.gid() == group || supplementary(&stream)?.contains(&group),
            stream,
            frame: Vec::new(),
            unsent: Vec::new(),
            leaving: false,
            events: EPOLLIN,
        })
    }

    fn may_shut_down(&self) -> bool {
        self.uid == Uid::effective().as_raw() || self.uid == 0
    }

    fn may_send(&self) -> bool {
        self.member || self.may_shut_down()
    }

    /// Sends what is left of a reply. What does not go now waits, and until it has gone nothing more
    /// is read from this client: a client that does not read is made to wait, and nobody else.
    fn send_rest(&mut self) -> io::Result<()> {
        let sent = match self.stream.write(&self.unsent) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            sent => sent?,
        };
        self.unsent.drain(..sent);
        Ok(())
    }

    fn reply(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend(bytes);
        self.send_rest()
    }

    fn tell(&mut self, status: Status) -> io::Result<()> {
        self.reply(&(status as u32).to_be_bytes())
    }

    /// Writes the line about a message. Nothing of a message gets into it but printable ASCII, and of
    /// that no backslash: no text can end the line or look like something else.
    fn write_line(&self, text: &[u8]) -> io::Result<()> {
        let mut line = format!("message uid={} pid={} bytes={} ", self.uid, self.pid, text.len());
        for &byte in text.iter().take(SHOWN) {
            match byte {
                b'\\' => line += "\\x5c",
                b' '..=b'~' => line.push(char::from(byte)),
                _ => write!(line, "\\x{byte:02x}").expect("a string has room"),
            }
        }
        line.push('\n');
        // Not through io::stdout(), which would keep what it could not write and try it again later.
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            rest = &rest[unistd::write(io::stdout(), rest)?..];
        }
        Ok(())
    }

    fn carry_out(&mut self, command: &[u8]) -> io::Result<Next> {
        match command {
            b"PING" => self.reply(b"\0\0\0\x04PONG")?,
            b"SHUTDOWN" if self.may_shut_down() => {
                drop(self.tell(Status::Done)); // also when nobody hears it: it was allowed
                return Ok(Next::Shutdown);
            }
            b"SHUTDOWN" => self.tell(Status::NotAllowed)?,
            [b'S', b'E', b'N', b'D', b' ', ..] if !self.may_send() => self.tell(Status::NotAllowed)?,
            // First the line, then the word for it: who is told 0 can rely on the line.
            [b'S', b'E', b'N', b'D', b' ', text @ ..] => match self.write_line(text) {
                Ok(()) => self.tell(Status::Done)?,
                Err(_) => self.tell(Status::NotWritten)?,
            },
            _ => self.tell(Status::Unknown)?,
        }
        Ok(Next::GoesOn)
    }

    /// What the frame's header says; 0 as long as it is not whole.
    fn length(&self) -> usize {
        let header = self.frame.first_chunk::<HEADER>();
        header.map_or(0, |&header| u32::from_be_bytes(header) as usize)
    }

    /// Takes what came, at most to the end of a frame: so nothing is read ahead, and what a client has
    /// announced but not sent takes no memory.
    fn receive(&mut self) -> io::Result<Next> {
        let end = HEADER + self.length();
        let mut room = [0; 16384];
        let room = &mut room[..(end - self.frame.len()).min(16384)];
        let count = self.stream.read(room)?;
        if count == 0 {
            return Ok(Next::IsOver);
        }
        self.frame.extend(&room[..count]);
        if self.frame.len() < HEADER {
            return Ok(Next::GoesOn);
        }
        let length = self.length();
        if length > LARGEST {
            // Before anything is made of this number.
            self.leaving = true;
            self.tell(Status::TooLarge)?;
        } else if self.frame.len() == HEADER + length {
            let frame = std::mem::take(&mut self.frame);
            return self.carry_out(&frame[HEADER..]);
        }
        Ok(Next::GoesOn)
    }

    /// Throws away what comes. After close() the client's send() would fail, and who gets EPIPE there
    /// may never come to read the status.
    fn drain(&mut self) -> io::Result<Next> {
        let count = self.stream.read(&mut [0; 65536])?;
        Ok(if count == 0 { Next::IsOver } else { Next::GoesOn })
    }

    /// Does one thing for this client, without waiting.
    fn serve(&mut self) -> Next {
        let done = if !self.unsent.is_empty() {
            self.send_rest().map(|()| Next::GoesOn)
        } else if self.leaving {
            self.drain()
        } else {
            self.receive()
        };
        match done {
            Ok(next) => next,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Next::GoesOn,
            Err(_) => Next::IsOver, // this client has gone; that is no concern of others
        }
    }
}

// ---- the loop -----------------------------------------------------------------------------------

/// An epoll instance, and what it says.
struct Loop(OwnedFd);

impl Loop {
    fn new() -> io::Result<Self> {
        // SAFETY: it returns a new descriptor, or -1.
        let epoll = Errno::result(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor is open and nobody else's.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(epoll) }))
    }

    fn watch(&self, operation: i32, fd: RawFd, events: i32) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: fd as u64 };
        // SAFETY: the kernel reads the event, and nothing of it is kept.
        let done = unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, fd, &raw mut event) };
        Ok(Errno::result(done).map(drop)?)
    }

    /// Waits for a descriptor to which something has happened; `None`: so many milliseconds have
    /// passed. One at a time: none can be about a client that has gone since.
    fn wait(&self, milliseconds: i32) -> io::Result<Option<RawFd>> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: there is room for one event.
        let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, milliseconds) };
        match Errno::result(count) {
            Ok(1) => Ok(Some(event.u64 as RawFd)),
            Ok(_) | Err(Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

struct Inbox {
    group: u32,
    events: Loop,
    listener: UnixListener,
    /// Whether the loop looks at the listener.
    listening: bool,
    clients: HashMap<RawFd, Client>,
}

impl Inbox {
    /// When there is no descriptor for a new connection, the loop would be told of it without end.
    /// So it looks away until a client has gone, or some time has passed: the want may be another's.
    fn look_at_listener(&mut self, look: bool) -> io::Result<()> {
        if look != self.listening {
            let events = if look { EPOLLIN } else { 0 };
            self.events.watch(EPOLL_CTL_MOD, self.listener.as_raw_fd(), events)?;
        }
        self.listening = look;
        Ok(())
    }

    fn admit(&mut self) -> io::Result<()> {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                return match error.raw_os_error() {
                    Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                        self.look_at_listener(false)
                    }
                    Some(libc::EAGAIN | libc::EINTR | libc::ECONNABORTED) => Ok(()),
                    _ => Err(error),
                };
            }
        };
        let fd = stream.as_raw_fd();
        // Who is it? One of whom the kernel cannot tell is let go.
        if let Ok(client) = Client::new(stream, self.group) {
            self.events.watch(EPOLL_CTL_ADD, fd, client.events)?;
            self.clients.insert(fd, client);
        }
        Ok(())
    }

    /// Serves one client; whether the program goes on.
    fn serve(&mut self, fd: RawFd) -> io::Result<bool> {
        let Some(client) = self.clients.get_mut(&fd) else {
            return Ok(true);
        };
        match client.serve() {
            Next::GoesOn => {
                let events = if client.unsent.is_empty() { EPOLLIN } else { EPOLLOUT };
                if events != client.events {
                    self.events.watch(EPOLL_CTL_MOD, fd, events)?;
                }
                client.events = events;
            }
            Next::IsOver => {
                self.clients.remove(&fd); // which closes the connection
                self.look_at_listener(true)?;
            }
            Next::Shutdown => return Ok(false),
        }
        Ok(true)
    }

    /// Serves until somebody ends it who may.
    fn run(&mut self, ends: &SignalFd) -> io::Result<()> {
        let (listener, ends) = (self.listener.as_raw_fd(), ends.as_raw_fd());
        self.events.watch(EPOLL_CTL_ADD, listener, EPOLLIN)?;
        self.events.watch(EPOLL_CTL_ADD, ends, EPOLLIN)?;
        loop {
            match self.events.wait(if self.listening { -1 } else { 500 })? {
                None => self.look_at_listener(true)?,
                Some(fd) if fd == ends => return Ok(()),
                Some(fd) if fd == listener => self.admit()?,
                Some(fd) => {
                    if !self.serve(fd)? {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// As many clients as the administrator lets us have.
fn raise_descriptor_limit() {
    let mut files = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both read or write this structure and nothing else.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut files) == 0 {
            files.rlim_cur = files.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const files);
        }
    }
}

fn run(group: u32, path: &Path) -> io::Result<()> {
    raise_descriptor_limit();
    // A signal becomes something to read, and has its place in the loop like all else.
    let ending = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    ending.thread_block()?;
    let ends = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC)?;
    let mut own_name = None;
    let listener = match given_listener() {
        Some(listener) => listener,
        None => {
            let (listener, lock) = listen_at(path)?;
            own_name = Some((path, lock));
            listener
        }
    };
    listener.set_nonblocking(true)?;
    let (events, clients) = (Loop::new()?, HashMap::new());
    Inbox { group, events, listener, listening: true, clients }.run(&ends)?;
    if let Some((path, _lock)) = own_name {
        drop(fs::remove_file(path));
    }
    Ok(())
}

/// A group's number. `None`: it is no number, or -1, which is nobody's group.
fn group_number(text: &OsStr) -> Option<u32> {
    let text = text.to_str()?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&group| digits && group != u32::MAX)
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [group, path] = words.as_slice() else {
        eprintln!("usage: inbox GROUP PATH");
        return ExitCode::FAILURE;
    };
    let Some(group) = group_number(group) else {
        eprintln!("inbox: not the number of a group: {}", group.display());
        return ExitCode::FAILURE;
    };
    match run(group, &PathBuf::from(path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inbox: {error}");
            ExitCode::FAILURE
        }
    }
}
