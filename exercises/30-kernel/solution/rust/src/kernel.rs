//! The kernel: what it keeps, and which function makes which call.
//!
//! Files, sockets and inodes lie in lists, and whatever refers to one of them has its number.
//! Nothing is taken out of a list before the next boot, so a number never comes to mean something
//! else, and a socket can still ask for the name of its peer when the peer is long gone.

mod bytes;
mod connections;
mod descriptors;
mod endings;
mod files;
mod garbage;
mod names;
mod packets;
mod poll;
mod rights;

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::calls::*;

pub type Result<T> = std::result::Result<T, Errno>;

/// The outcome of a call that has nothing to tell.
const DONE: Outcome = Outcome::Number(0);

// ---- processes, descriptors, files --------------------------------------------------------------

struct Process {
    descriptors: BTreeMap<Fd, Descriptor>,
    /// RLIMIT_NOFILE
    limit: Fd,
}

/// An entry of a process's table. Several may lead to one file.
#[derive(Clone, Copy)]
struct Descriptor {
    file: FileId,
    cloexec: bool,
}

type FileId = usize;

/// An open file description: `struct file`.
struct File {
    kind: Kind,
    nonblock: bool,
    /// Descriptors and messages that lead here; without any it is released.
    references: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Socket(SockId),
    Regular { inode: InodeId, offset: usize, access: Access },
}

type InodeId = usize;

/// What a path leads to.
enum Inode {
    Regular(Vec<u8>),
    /// The socket that is bound here, for as long as it lives.
    Socket(Option<SockId>),
}

// ---- sockets ------------------------------------------------------------------------------------

type SockId = usize;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Type {
    Stream,
    Dgram,
    Seqpacket,
}

/// Datagram sockets stay closed: they are ready from the start, and a peer is all they ever have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Listening,
    Established,
}

/// `struct unix_sock`
struct Socket {
    ty: Type,
    state: State,
    /// The socket that gets what this one sends. It may be dead, and need not have us as its peer.
    peer: Option<SockId>,
    name: Option<Name>,
    /// Where it is bound, if that is a path.
    inode: Option<InodeId>,
    /// RCV_SHUTDOWN: nothing more comes in.
    rcv_shutdown: bool,
    /// SEND_SHUTDOWN: nothing more goes out.
    send_shutdown: bool,
    /// What the next call is told of, once.
    error: Option<Errno>,
    /// What others sent here.
    queue: VecDeque<Skb>,
    /// Connections to this listener that nobody has accepted.
    waiting: VecDeque<SockId>,
    /// How many may lie in either queue; one more is let in.
    backlog: usize,
    /// SO_PASSCRED
    passcred: bool,
    /// SO_PEERCRED
    peercred: Option<Creds>,
    /// Whether there is a file for it: what connect(2) makes has none until accept(2).
    accepted: bool,
    dead: bool,
}

/// A message, or a piece of a stream: `struct sk_buff`.
struct Skb {
    /// What nobody has read yet.
    data: Vec<u8>,
    from: SockId,
    files: Vec<FileId>,
    /// Who sent it, if anybody wanted to know then.
    creds: Option<Creds>,
}

// ---- the machine --------------------------------------------------------------------------------

pub struct Kernel {
    boot: Boot,
    processes: BTreeMap<Pid, Process>,
    /// The process that was started last.
    last: Pid,
    files: Vec<File>,
    sockets: Vec<Socket>,
    inodes: Vec<Inode>,
    /// The working directory; there is no other.
    directory: HashMap<Name, InodeId>,
    /// Abstract names. Each type of socket has its own.
    abstract_names: HashMap<(Type, Name), SockId>,
    /// How many names were drawn.
    drawn: u32,
}

impl Kernel {
    pub fn new(boot: Boot) -> Self {
        let first = Process { descriptors: BTreeMap::new(), limit: 1024 };
        Self {
            boot,
            processes: BTreeMap::from([('A', first)]),
            last: 'A',
            files: Vec::new(),
            sockets: Vec::new(),
            inodes: Vec::new(),
            directory: HashMap::new(),
            abstract_names: HashMap::new(),
            drawn: 0,
        }
    }

    pub fn call(&mut self, pid: Pid, call: Call) -> Answer {
        if !self.processes.contains_key(&pid) {
            return Err(Errno::ESRCH);
        }
        match call {
            Call::Socket { ty, protocol, new } => self.socket(pid, ty, protocol, new),
            Call::Socketpair { ty, protocol, new } => self.socketpair(pid, ty, protocol, new),
            Call::Bind { fd, address } => self.bind(pid, fd, &address),
            Call::Listen { fd, backlog } => self.listen(pid, fd, backlog),
            Call::Connect { fd, address } => self.connect(pid, fd, &address),
            Call::Accept { fd, new } => self.accept(pid, fd, new),
            Call::Send { fd, message } => self.send(pid, fd, message),
            Call::Recv { fd, wanted } => self.recv(pid, fd, wanted),
            Call::Write { fd, data } => self.write(pid, fd, data),
            Call::Read { fd, len } => self.read(pid, fd, len),
            Call::Shutdown { fd, how } => self.shutdown(pid, fd, how),
            Call::Close { fd } => self.close(pid, fd),
            Call::Dup { fd } => self.dup(pid, fd),
            Call::Dup2 { fd, to } => self.dup2(pid, fd, to),
            Call::SetNonblock { fd, on } => self.set_nonblock(pid, fd, on),
            Call::GetNonblock { fd } => self.get_nonblock(pid, fd),
            Call::SetCloexec { fd, on } => self.set_cloexec(pid, fd, on),
            Call::GetCloexec { fd } => self.get_cloexec(pid, fd),
            Call::Getsockname { fd } => self.getsockname(pid, fd),
            Call::Getpeername { fd } => self.getpeername(pid, fd),
            Call::Getsockopt { fd, option } => self.getsockopt(pid, fd, option),
            Call::SetPasscred { fd, on } => self.set_passcred(pid, fd, on),
            Call::Inq { fd } => self.inq(pid, fd),
            Call::Poll { fd, events } => Ok(self.poll(pid, fd, events)),
            Call::Open { path, access } => self.open(pid, &path, access),
            Call::Create { path } => self.create(pid, &path),
            Call::Unlink { path } => self.unlink(&path),
            Call::Seek { fd, offset } => self.seek(pid, fd, offset),
            Call::LimitFiles { limit } => self.limit_files(pid, limit),
            Call::Fork => self.fork(pid),
            Call::Exit => self.exit(pid),
        }
    }

    /// The file that a descriptor leads to: `fdget`.
    fn file(&self, pid: Pid, fd: Fd) -> Result<FileId> {
        let descriptor = self.processes[&pid].descriptors.get(&fd);
        descriptor.map(|descriptor| descriptor.file).ok_or(Errno::EBADF)
    }

    /// The socket that a descriptor leads to: `sockfd_lookup`.
    fn sock(&self, pid: Pid, fd: Fd) -> Result<SockId> {
        match self.files[self.file(pid, fd)?].kind {
            Kind::Socket(sock) => Ok(sock),
            Kind::Regular { .. } => Err(Errno::ENOTSOCK),
        }
    }

    /// Whether a call must come back at once: it says so itself, or O_NONBLOCK does.
    fn dontwait(&self, pid: Pid, fd: Fd, said: bool) -> Result<bool> {
        Ok(said || self.files[self.file(pid, fd)?].nonblock)
    }

    /// Who a process is.
    fn creds_of(&self, pid: Pid) -> Creds {
        Creds { pid: Some(pid), uid: self.boot.uid, gid: self.boot.gid }
    }
}

/// How a call ends that finds nothing to do.
fn wait(dontwait: bool) -> Errno {
    match dontwait {
        true => Errno::EAGAIN,
        false => Errno::Asleep,
    }
}
