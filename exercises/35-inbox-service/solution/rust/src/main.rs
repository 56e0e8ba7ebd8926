//! Exercise 35, reference solution in Rust: the inbox as a service, with a queue for every user.
//!
//! One loop serves all clients, and no call in it waits for one of them but epoll_wait(). A message is
//! a file in the state directory, so status 0 means that it is there whatever becomes of this process.
//! The journal and the service manager are told by datagrams, and never waited for.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::{env, mem};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, SealFlag, fcntl};
use nix::libc::{self, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLLIN, EPOLLOUT};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{ControlMessage, MsgFlags, SockType, UnixAddr, getsockopt, sendmsg, sockopt};
use nix::unistd::{Group, Uid};

const HEADER: usize = 4;
/// Bytes of a payload.
const LARGEST: usize = 65536;
/// Bytes of a text that go into one frame of a reply.
const PIECE: usize = 65000;
/// Bytes that are kept of a connection's parts.
const MOST_PARTS: usize = 1 << 20;
/// In a queue.
const MOST_MESSAGES: usize = 100;

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Done,
    Unknown,
    NotAllowed,
    TooLarge,
    NotKept,
    Empty,
    Full,
}

/// A decimal number of digits alone, that a user or a group may have: -1 is nobody's.
fn number(text: &[u8]) -> Option<u32> {
    let digits = text.iter().all(u8::is_ascii_digit);
    let value = str::from_utf8(text).ok()?.parse().ok();
    value.filter(|&value| digits && value != u32::MAX)
}

// ---- those who are told -------------------------------------------------------------------------

/// What a socket's name stands for; with an `@` it is abstract.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
        _ => SocketAddr::from_pathname(name),
    }
}

/// As sd_notify(3) does. Nobody who listens there is no reason not to serve.
fn tell_manager(state: &str) {
    let Some(manager) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
        return;
    };
    let tell = || UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address(&manager)?);
    if let Err(error) = tell() {
        eprintln!("inbox-service: NOTIFY_SOCKET: {error}");
    }
}

/// The system's log. It is a service like this one: it may be missing, restarted, or slow. So the
/// socket is not connected, which would bind us to one journal for ever.
struct Journal {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Journal {
    fn new() -> io::Result<Self> {
        let path = env::var_os("IPC_JOURNAL").filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| "/run/systemd/journal/socket".into());
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address: address(&path)? })
    }

    /// Sends one entry, or drops it: a log that is full must not stop the service. Each value comes
    /// with its length, so no byte of it can end the field and begin another.
    fn record(&self, fields: &[(&str, &[u8])]) {
        let mut entry = Vec::new();
        for (name, value) in [("SYSLOG_IDENTIFIER", b"inbox".as_slice())].iter().chain(fields) {
            entry.extend(name.as_bytes());
            entry.push(b'\n');
            entry.extend((value.len() as u64).to_le_bytes());
            entry.extend(*value);
            entry.push(b'\n');
        }
        let _ = self.socket.send_to_addr(&entry, &self.address);
    }
}

// ---- the queues ---------------------------------------------------------------------------------

/// Every user's messages. One is a file, `UID-NUMBER`; what is in it is `SENDER TEXT`.
///
/// It is written under another name and then renamed: a file that has its name is whole. That outlives
/// the process, however it ends. To outlive the machine it would take `sync_all` as well, of the file
/// and of the directory.
struct Queues {
    directory: PathBuf,
    queues: HashMap<u32, VecDeque<u64>>,
    last: u64,
}

impl Queues {
    fn load(directory: PathBuf) -> io::Result<Self> {
        let mut queues: HashMap<u32, VecDeque<u64>> = HashMap::new();
        for entry in fs::read_dir(&directory)? {
            let name = entry?.file_name();
            let parts = name.to_str().and_then(|name| name.split_once('-'));
            let numbers = parts.map(|(user, count)| (user.parse(), count.parse()));
            if let Some((Ok(user), Ok(count))) = numbers {
                queues.entry(user).or_default().push_back(count);
            }
        }
        for queue in queues.values_mut() {
            queue.make_contiguous().sort_unstable();
        }
        let last = queues.values().flatten().max().copied().unwrap_or(0);
        Ok(Self { directory, queues, last })
    }

    fn put(&mut self, to: u32, from: u32, text: &[u8]) -> Status {
        let queue = self.queues.entry(to).or_default();
        if queue.len() >= MOST_MESSAGES {
            return Status::Full;
        }
        let count = self.last + 1;
        let write = || {
            let unnamed = self.directory.join("new");
            let mut options = OpenOptions::new();
            options.create(true).write(true).truncate(true).mode(0o600);
            let mut file = options.open(&unnamed)?;
            file.write_all(format!("{from} ").as_bytes())?;
            file.write_all(text)?;
            fs::rename(unnamed, self.directory.join(format!("{to}-{count}")))
        };
        if write().is_err() {
            return Status::NotKept;
        }
        self.last = count;
        queue.push_back(count);
        Status::Done
    }

    /// Takes out the oldest message of a user, `SENDER TEXT`.
    fn take(&mut self, of: u32) -> io::Result<Option<Vec<u8>>> {
        let Some(queue) = self.queues.get_mut(&of) else {
            return Ok(None);
        };
        let Some(count) = queue.front() else {
            return Ok(None);
        };
        let path = self.directory.join(format!("{of}-{count}"));
        let message = fs::read(&path)?;
        // First it is gone, then it is told: so nobody can be told it twice.
        fs::remove_file(path)?;
        queue.pop_front();
        Ok(Some(message))
    }
}

// ---- the secret ---------------------------------------------------------------------------------

/// A file in memory that nobody can change any more, this process included.
struct Secret(OwnedFd);

impl Secret {
    fn load(path: &OsStr) -> io::Result<Self> {
        let content = fs::read(path)?;
        let memory = memfd_create(c"secret", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        let mut file = File::from(memory);
        file.write_all(&content)?;
        let content = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK;
        fcntl(&file, FcntlArg::F_ADD_SEALS(content | SealFlag::F_SEAL_SEAL))?;
        Ok(Self(file.into()))
    }

    /// A file with an offset of its own: a copy of the descriptor would share the one that there is.
    fn open(&self) -> io::Result<File> {
        File::open(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

// ---- one client ---------------------------------------------------------------------------------

/// A connection: who it is, the frame that is coming, the reply that is going.
struct Client {
    stream: UnixStream,
    pid: i32,
    uid: u32,
    gid: u32,
    /// The owner, uid 0, or a member of the group.
    trusted: bool,
    frame: Vec<u8>,
    /// To be put in front of the next message.
    parts: Vec<u8>,
    unsent: Vec<u8>,
    /// Goes with the first byte of what is unsent.
    attached: Option<File>,
    /// Its frame was too large: what still comes is thrown away.
    leaving: bool,
    /// What the loop waits for.
    events: i32,
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

fn add_frame(reply: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    reply.extend((length as u32).to_be_bytes());
    reply.extend(parts.concat());
}

impl Client {
    fn new(stream: UnixStream, shared: &Shared) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let told = getsockopt(&stream, sockopt::PeerCredentials)?;
        let trusted = told.uid() == 0
            || told.uid() == Uid::effective().as_raw()
            || told.gid() == shared.group
            || supplementary(&stream)?.contains(&shared.group);
        let client = Self {
            stream,
            pid: told.pid(),
            uid: told.uid(),
            gid: told.gid(),
            trusted,
            frame: Vec::new(),
            parts: Vec::new(),
            unsent: Vec::new(),
            attached: None,
            leaving: false,
            events: EPOLLIN,
        };
        let message = format!("connection from uid {}", client.uid);
        client.record(shared, "connect", b"6", message.as_bytes(), None);
        Ok(client)
    }

    fn record(
        &self,
        shared: &Shared,
        event: &str,
        priority: &[u8],
        message: &[u8],
        more: Option<(&str, &[u8])>,
    ) {
        let ids = [i64::from(self.pid), self.uid.into(), self.gid.into()].map(|id| id.to_string());
        let mut fields = vec![
            ("MESSAGE", message),
            ("PRIORITY", priority),
            ("INBOX_EVENT", event.as_bytes()),
            ("INBOX_PID", ids[0].as_bytes()),
            ("INBOX_UID", ids[1].as_bytes()),
            ("INBOX_GID", ids[2].as_bytes()),
        ];
        fields.extend(more);
        shared.journal.record(&fields);
    }

    /// Sends what is left of a reply. What does not go now waits, and until it has gone nothing more
    /// is read from this client: a client that does not read is made to wait, and nobody else.
    fn send_rest(&mut self) -> io::Result<()> {
        let data = [IoSlice::new(&self.unsent)];
        let number = self.attached.as_ref().map(|file| [file.as_raw_fd()]);
        let rights = number.as_ref().map(|number| ControlMessage::ScmRights(number));
        let to = self.stream.as_raw_fd();
        match sendmsg::<UnixAddr>(to, &data, rights.as_slice(), MsgFlags::MSG_NOSIGNAL, None) {
            Ok(sent) => {
                self.unsent.drain(..sent);
                self.attached = None; // the message holds a reference of its own
                Ok(())
            }
            Err(Errno::EAGAIN) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn tell(&mut self, status: Status) -> io::Result<()> {
        self.unsent.extend((status as u32).to_be_bytes());
        self.send_rest()
    }

    fn refuse(&mut self, shared: &Shared, command: &str) -> io::Result<()> {
        let message = format!("{command} refused to uid {}", self.uid);
        let more = Some(("INBOX_COMMAND", command.as_bytes()));
        self.record(shared, "refuse", b"4", message.as_bytes(), more);
        self.tell(Status::NotAllowed)
    }

    /// Keeps a message for somebody: the text, behind the parts that came before.
    fn send(&mut self, shared: &mut Shared, to: u32, text: &[u8]) -> io::Result<()> {
        let mut whole = mem::take(&mut self.parts);
        whole.extend(text);
        if to != self.uid && !self.trusted {
            return self.refuse(shared, "SEND");
        }
        let status = shared.queues.put(to, self.uid, &whole);
        if status == Status::Done {
            let more = Some(("INBOX_TO", to.to_string()));
            let more = more.as_ref().map(|(name, value)| (*name, value.as_bytes()));
            self.record(shared, "message", b"6", &whole, more);
        }
        self.tell(status)
    }

    fn take(&mut self, shared: &mut Shared) -> io::Result<()> {
        let message = match shared.queues.take(self.uid) {
            Ok(Some(message)) => message,
            Ok(None) => return self.tell(Status::Empty),
            Err(_) => return self.tell(Status::NotKept),
        };
        let blank = message.iter().position(|&byte| byte == b' ').unwrap_or(0);
        let (sender, mut text) = message.split_at(blank + 1);
        let mut reply = (Status::Done as u32).to_be_bytes().to_vec();
        while text.len() > PIECE {
            add_frame(&mut reply, &[b"MORE ", &text[..PIECE]]);
            text = &text[PIECE..];
        }
        add_frame(&mut reply, &[sender, text]);
        self.unsent.extend(reply);
        self.send_rest()
    }

    fn hand_out_secret(&mut self, shared: &Shared) -> io::Result<()> {
        if !self.trusted {
            return self.refuse(shared, "SECRET");
        }
        self.attached = shared.secret.open().ok();
        self.tell(if self.attached.is_some() { Status::Done } else { Status::NotKept })
    }

    fn keep_part(&mut self, part: &[u8]) -> io::Result<()> {
        if self.parts.len() + part.len() > MOST_PARTS {
            self.parts.clear();
            return self.tell(Status::TooLarge);
        }
        self.parts.extend(part);
        self.tell(Status::Done)
    }

    fn carry_out(&mut self, shared: &mut Shared, command: &[u8]) -> io::Result<()> {
        match command {
            b"PING" => {
                add_frame(&mut self.unsent, &[b"PONG"]);
                self.send_rest()
            }
            b"TAKE" => self.take(shared),
            b"SECRET" => self.hand_out_secret(shared),
            [b'P', b'A', b'R', b'T', b' ', part @ ..] => self.keep_part(part),
            [b'S', b'E', b'N', b'D', b' ', rest @ ..] => {
                let blank = rest.iter().position(|&byte| byte == b' ');
                let to = blank.and_then(|blank| Some((number(&rest[..blank])?, &rest[blank + 1..])));
                match to {
                    Some((to, text)) => self.send(shared, to, text),
                    None => self.tell(Status::Unknown),
                }
            }
            _ => self.tell(Status::Unknown),
        }
    }

    /// What the frame's header says; 0 as long as it is not whole.
    fn length(&self) -> usize {
        let header = self.frame.first_chunk::<HEADER>();
        header.map_or(0, |&header| u32::from_be_bytes(header) as usize)
    }

    /// Takes what came, at most to the end of a frame: so nothing is read ahead, and what a client has
    /// announced but not sent takes no memory. Whether the conversation goes on.
    fn receive(&mut self, shared: &mut Shared) -> io::Result<bool> {
        let end = HEADER + self.length();
        let mut room = [0; 16384];
        let room = &mut room[..(end - self.frame.len()).min(16384)];
        let count = self.stream.read(room)?;
        if count == 0 {
            return Ok(false);
        }
        self.frame.extend(&room[..count]);
        if self.frame.len() < HEADER {
            return Ok(true);
        }
        let length = self.length();
        if length > LARGEST {
            // Before anything is made of this number.
            self.leaving = true;
            self.tell(Status::TooLarge)?;
        } else if self.frame.len() == HEADER + length {
            let frame = mem::take(&mut self.frame);
            self.carry_out(shared, &frame[HEADER..])?;
        }
        Ok(true)
    }

    /// Throws away what comes. After close() the client's send() would fail, and who gets EPIPE there
    /// may never come to read the status.
    fn drain(&mut self) -> io::Result<bool> {
        Ok(self.stream.read(&mut [0; 65536])? != 0)
    }

    /// Does one thing for this client, without waiting; whether the conversation goes on.
    fn serve(&mut self, shared: &mut Shared) -> bool {
        let done = if !self.unsent.is_empty() {
            self.send_rest().map(|()| true)
        } else if self.leaving {
            self.drain()
        } else {
            self.receive(shared)
        };
        match done {
            Ok(goes_on) => goes_on,
            // Any other error is this client's, who has gone; that is no concern of others.
            Err(error) => error.kind() == ErrorKind::WouldBlock,
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

/// What all clients share.
struct Shared {
    group: u32,
    journal: Journal,
    queues: Queues,
    secret: Secret,
}

struct Service {
    shared: Shared,
    events: Loop,
    listener: UnixListener,
    /// Whether the loop looks at the listener.
    listening: bool,
    clients: HashMap<RawFd, Client>,
}

impl Service {
    /// Lets the loop look at the listener, or not: exercise 20 says why.
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
        if let Ok(client) = Client::new(stream, &self.shared) {
            self.events.watch(EPOLL_CTL_ADD, fd, client.events)?;
            self.clients.insert(fd, client);
        }
        Ok(())
    }

    fn serve(&mut self, fd: RawFd) -> io::Result<()> {
        let Some(client) = self.clients.get_mut(&fd) else {
            return Ok(());
        };
        if !client.serve(&mut self.shared) {
            self.clients.remove(&fd); // which closes the connection
            return self.look_at_listener(true);
        }
        let events = if client.unsent.is_empty() { EPOLLIN } else { EPOLLOUT };
        if events != client.events {
            self.events.watch(EPOLL_CTL_MOD, fd, events)?;
        }
        client.events = events;
        Ok(())
    }

    /// Serves until the manager says that it is over.
    fn run(&mut self, ends: &SignalFd) -> io::Result<()> {
        let (listener, ends) = (self.listener.as_raw_fd(), ends.as_raw_fd());
        self.events.watch(EPOLL_CTL_ADD, listener, EPOLLIN)?;
        self.events.watch(EPOLL_CTL_ADD, ends, EPOLLIN)?;
        tell_manager("READY=1");
        loop {
            match self.events.wait(if self.listening { -1 } else { 500 })? {
                None => self.look_at_listener(true)?,
                Some(fd) if fd == ends => break,
                Some(fd) if fd == listener => self.admit()?,
                Some(fd) => self.serve(fd)?,
            }
        }
        tell_manager("STOPPING=1");
        Ok(())
    }
}

// ---- the start ----------------------------------------------------------------------------------

/// The socket that the manager listens at. Its name is the manager's, too.
fn given_listener() -> io::Result<UnixListener> {
    let variable = |name| env::var(name).unwrap_or_default();
    if variable("LISTEN_PID") != process::id().to_string() || variable("LISTEN_FDS") != "1" {
        return Err(io::Error::other("LISTEN_PID and LISTEN_FDS give it no socket"));
    }
    // SAFETY: asking about a number that is not open gives EBADF, and nothing else here uses it.
    let given = unsafe { BorrowedFd::borrow_raw(3) };
    let stream = getsockopt(&given, sockopt::SockType) == Ok(SockType::Stream);
    if !stream || getsockopt(&given, sockopt::AcceptConn) != Ok(true) {
        let what = "LISTEN_FDS: descriptor 3 is not a stream socket that listens";
        return Err(io::Error::other(what));
    }
    fcntl(given, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    // SAFETY: it is open, it was given to this process, and nothing else here uses it from now on.
    let listener = unsafe { UnixListener::from_raw_fd(3) };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A group's number; a name is looked up, for those who write units.
fn group_number(text: &OsStr) -> io::Result<u32> {
    if let Some(group) = number(text.as_bytes()) {
        return Ok(group);
    }
    let found = text.to_str().and_then(|name| Group::from_name(name).ok().flatten());
    found.map(|group| group.gid.as_raw()).ok_or_else(|| io::Error::other("there is no such group"))
}

fn run(group: &OsStr, secret: &OsStr) -> io::Result<()> {
    // A terminal that goes is no business of ours.
    // SAFETY: no handler is installed.
    unsafe { signal(Signal::SIGHUP, SigHandler::SigIgn) }?;
    let listener = given_listener()?;
    let state = env::var_os("STATE_DIRECTORY");
    let state = state.ok_or_else(|| io::Error::other("STATE_DIRECTORY is not set"))?;
    let shared = Shared {
        group: group_number(group)?,
        journal: Journal::new()?,
        queues: Queues::load(state.into())?,
        secret: Secret::load(secret)?,
    };
    // SIGTERM becomes something to read, and has its place in the loop like all else.
    let ending = SigSet::from(Signal::SIGTERM);
    ending.thread_block()?;
    let ends = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC)?;
    let (events, clients) = (Loop::new()?, HashMap::new());
    Service { shared, events, listener, listening: true, clients }.run(&ends)
}

fn main() -> ExitCode {
    let words: Vec<_> = env::args_os().skip(1).collect();
    let [group, secret] = words.as_slice() else {
        eprintln!("usage: inbox-service GROUP SECRET-FILE");
        return ExitCode::FAILURE;
    };
    match run(group, secret) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inbox-service: {error}");
            ExitCode::FAILURE
        }
    }
}
