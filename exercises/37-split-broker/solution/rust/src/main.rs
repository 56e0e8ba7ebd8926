//! Exercise 37, reference solution in Rust: a broker with the rights, a worker with the clients.
//!
//!     program LIST DIRECTORY SOCKET
//!
//! The broker opens things and never sees a client. The worker has the clients and can open
//! nothing. Between them is a pair of sockets, on which they speak as clients do: one packet is one
//! request, one packet is its reply, a status byte and with `+` one descriptor. The worker asks for
//! one thing at a time and waits for the reply, so no reply can be taken for that of another.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, OpenHow, ResolveFlag, fcntl, open, openat2};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
    UnixAddr, accept4, bind, listen, recv, recvmsg, send, sendmsg, socket, socketpair,
};
use nix::sys::stat::{Mode, SFlag, umask};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

/// Bytes of a request.
const LONGEST: usize = 256;
/// Clients at the same time.
const MOST: usize = 64;

// The status of a reply.
const GIVEN: u8 = b'+';
const NOT_ALLOWED: u8 = b'-';
const NOT_POSSIBLE: u8 = b'!';
const NO_REQUEST: u8 = b'?';

// ---- what both speak ----------------------------------------------------------------------------

/// A packet that has the form of a request. It says nothing about whether it is allowed.
enum Request<'a> {
    Read(&'a [u8]),
    Write(&'a [u8]),
    Device(&'a [u8]),
    Namespace,
}

fn request_in(packet: &[u8]) -> Option<Request<'_>> {
    let named = |word: &[u8]| packet.strip_prefix(word).filter(|name| !name.is_empty());
    if packet.len() > LONGEST {
        None
    } else if let Some(name) = named(b"read ") {
        Some(Request::Read(name))
    } else if let Some(name) = named(b"write ") {
        Some(Request::Write(name))
    } else if let Some(name) = named(b"device ") {
        Some(Request::Device(name))
    } else {
        (packet == b"netns").then_some(Request::Namespace)
    }
}

/// Sends one reply. The message holds a reference of its own: the file is still the caller's.
fn reply(to: &OwnedFd, status: u8, file: Option<&File>, flags: MsgFlags) -> nix::Result<()> {
    let (to, flags) = (to.as_raw_fd(), flags | MsgFlags::MSG_NOSIGNAL);
    let Some(file) = file else {
        return send(to, &[status], flags).map(drop);
    };
    let byte = [status];
    let data = [IoSlice::new(&byte)];
    let numbers = [file.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&numbers)];
    match sendmsg::<UnixAddr>(to, &data, &rights, flags, None) {
        // Clients that do not read keep descriptors under way, and there is a limit to them for
        // each user. That is a no for this request.
        Err(Errno::ETOOMANYREFS) => send(to, &[NOT_POSSIBLE], flags).map(drop),
        sent => sent.map(drop),
    }
}

/// Takes one reply: its status, and the file that came with `+`.
fn take_reply(from: &OwnedFd) -> nix::Result<(u8, Option<File>)> {
    let mut byte = [0];
    let mut room = [IoSliceMut::new(&mut byte)];
    let mut control = nix::cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<UnixAddr>(from.as_raw_fd(), &mut room, Some(&mut control), flags)?;
    if message.bytes == 0 {
        return Err(Errno::EPIPE);
    }
    let mut files = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            // SAFETY: they are new, and nobody else has them.
            let owned = |number| unsafe { File::from_raw_fd(number) };
            files.extend(numbers.into_iter().map(owned));
        }
    }
    match (byte[0], files.pop()) {
        // The table was full, and the kernel has dropped it.
        (GIVEN, None) => Ok((NOT_POSSIBLE, None)),
        (GIVEN, file) => Ok((GIVEN, file)),
        (status, _) => Ok((status, None)),
    }
}

fn pair() -> nix::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_CLOEXEC;
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
}

// ---- the broker: it may open, and sees no client ------------------------------------------------

/// What is handed out.
struct Broker {
    /// The requests that are allowed, byte for byte.
    list: HashSet<Vec<u8>>,
    /// The directory beneath which files are looked up, and that for devices.
    shelf: OwnedFd,
    devices: OwnedFd,
}

impl Broker {
    fn new(list: &Path, directory: &Path) -> io::Result<Self> {
        let list = fs::read(list)?;
        let lines = list.split(|&byte| byte == b'\n').map(<[u8]>::to_vec);
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self {
            list: lines.collect(),
            shelf: open(directory, flags, Mode::empty())?,
            devices: open("/dev", flags, Mode::empty())?,
        })
    }

    /// Decides about one request. The worker is not believed: whoever breaks it can send anything.
    fn decide(&self, packet: &[u8]) -> (u8, Option<File>) {
        let Some(request) = request_in(packet) else {
            return (NO_REQUEST, None);
        };
        if !self.list.contains(packet) {
            return (NOT_ALLOWED, None);
        }
        // Opened anew for each request: a copy of one descriptor would share its offset.
        let opened = match request {
            Request::Read(name) => open_beneath(&self.shelf, name, OFlag::O_RDONLY, SFlag::S_IFREG),
            Request::Write(name) => {
                open_beneath(&self.shelf, name, OFlag::O_WRONLY, SFlag::S_IFREG)
            }
            Request::Device(name) => {
                open_beneath(&self.devices, name, OFlag::O_RDWR, SFlag::S_IFCHR)
            }
            Request::Namespace => new_namespace(),
        };
        match opened {
            Ok(file) => (GIVEN, Some(file)),
            Err(_) => (NOT_POSSIBLE, None),
        }
    }

    /// Answers one request of the worker; an error when the worker has gone.
    fn answer(&self, worker: &OwnedFd) -> nix::Result<()> {
        let mut packet = [0; LONGEST + 1];
        match recv(worker.as_raw_fd(), &mut packet, MsgFlags::empty())? {
            0 => Err(Errno::EPIPE),
            length => {
                let (status, file) = self.decide(&packet[..length]);
                reply(worker, status, file.as_ref(), MsgFlags::empty())
                // Here our own descriptor of the file is closed.
            }
        }
    }
}

/// Opens what is of one kind beneath a directory. The kernel itself stays beneath it and follows no
/// symbolic link.
fn open_beneath(top: &OwnedFd, name: &[u8], access: OFlag, kind: SFlag) -> io::Result<File> {
    // A FIFO would keep open() waiting for its other end, and everybody with it.
    let flags = access | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
    let how = OpenHow::new().flags(flags).resolve(resolve);
    let file = File::from(openat2(top, OsStr::from_bytes(name), how)?);
    // Asked of what is open, not of the name.
    let mode = nix::sys::stat::fstat(&file)?.st_mode;
    if mode & SFlag::S_IFMT.bits() != kind.bits() {
        return Err(io::Error::other("of another kind"));
    }
    Ok(file)
}

/// Makes a network namespace. A process can only change its own, so a child does; in a user
/// namespace of its own it needs no privilege for it. The namespace lives as long as somebody has
/// it open.
fn new_namespace() -> io::Result<File> {
    let (ours, theirs) = pair()?;
    // SAFETY: the broker has one thread, so its child may do what any process may.
    let child = match unsafe { fork()? } {
        ForkResult::Child => {
            // SAFETY: system calls on values.
            if unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) } == 0
                && let Ok(file) = File::open("/proc/self/ns/net")
            {
                let _ = reply(&theirs, GIVEN, Some(&file), MsgFlags::empty());
            }
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => child,
    };
    drop(theirs); // so that the end of the child is the end of the pair
    let taken = take_reply(&ours);
    waitpid(child, None)?;
    taken?.1.ok_or(io::ErrorKind::PermissionDenied.into())
}

fn listen_at(path: &Path) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    // bind() makes the name with mode 0777 less the umask: 0666 from its first moment.
    let before = umask(Mode::from_bits_truncate(0o111));
    bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    umask(before);
    listen(&listener, Backlog::MAXCONN)?;
    Ok(listener)
}

/// A worker that runs, and our end of the pair.
struct Worker {
    process: Child,
    pair: OwnedFd,
}

impl Worker {
    /// Starts this program again, with the listener, one end of a pair, and nothing else. fork()
    /// alone would give it all memory and all open files of the broker; exec() leaves it those that
    /// are not close-on-exec, and an environment that is written here.
    fn start(listener: &OwnedFd) -> io::Result<Self> {
        let (ours, theirs) = pair()?;
        let numbers = [listener.as_raw_fd(), theirs.as_raw_fd()];
        let mut command = Command::new("/proc/self/exe");
        command
            .arg("--worker")
            .args(numbers.map(|number| number.to_string()));
        command.env_clear().env("PATH", "/usr/bin:/bin");
        let settle = move || {
            SigSet::empty().thread_set_mask()?; // a mask outlives exec()
            for number in numbers {
                // SAFETY: they are open as long as the borrow lasts.
                let file = unsafe { BorrowedFd::borrow_raw(number) };
                fcntl(file, FcntlArg::F_SETFD(FdFlag::empty()))?;
            }
            Ok(())
        };
        // SAFETY: what runs between fork() and exec() makes system calls only.
        let process = unsafe { command.pre_exec(settle) }.spawn()?;
        Ok(Self {
            process,
            pair: ours,
        })
        // Here `theirs` is closed, so that the end of the worker is the end of the pair.
    }

    fn end(mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait()?; // or it stays as a zombie
        Ok(())
    }
}

fn run_broker(list: &Path, directory: &Path, path: &Path) -> io::Result<()> {
    let broker = Broker::new(list, directory)?;
    // SIGTERM becomes something to read, and interrupts nothing half done.
    let mut term = SigSet::empty();
    term.add(Signal::SIGTERM);
    term.thread_block()?;
    let signals = SignalFd::with_flags(&term, SfdFlags::SFD_CLOEXEC)?;

    let listener = listen_at(path)?;
    let mut worker = Worker::start(&listener)?;
    loop {
        let mut watched = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(worker.pair.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut watched, PollTimeout::NONE)?;
        let [ended, asked] = watched.map(|each| each.any() == Some(true));
        if ended {
            break;
        }
        if asked && broker.answer(&worker.pair).is_err() {
            // Its clients have seen the end. Who is in the listener's queue waits for the next.
            worker.end()?;
            // One that fails at its start shall not keep a CPU busy.
            thread::sleep(Duration::from_millis(50));
            worker = Worker::start(&listener)?;
        }
    }
    fs::remove_file(path)?;
    worker.end()
}

// ---- the worker: it has the clients, and may open nothing ---------------------------------------

#[cfg(target_arch = "x86_64")]
const OUR_ARCH: u32 = 0xC000_003E; // AUDIT_ARCH_X86_64
#[cfg(target_arch = "aarch64")]
const OUR_ARCH: u32 = 0xC000_00B7; // AUDIT_ARCH_AARCH64

/// What the loop below needs, and what Rust's memory and its end need.
const NEEDED: &[libc::c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_write,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_sigaltstack,
    libc::SYS_exit_group,
];

/// Gives up, for good, every system call but those. All others fail with EPERM: nothing can be
/// opened, made or started, whoever gets this process to do it.
fn give_up_rights() -> io::Result<()> {
    let rule = |code: u32, jt, jf, k| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let end = libc::BPF_RET | libc::BPF_K;
    // The offsets of `arch` and `nr` in struct seccomp_data are 4 and 0.
    let mut rules = vec![
        rule(load, 0, 0, 4),
        rule(equal, 1, 0, OUR_ARCH),
        rule(end, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        rule(load, 0, 0, 0),
    ];
    for &number in NEEDED {
        rules.push(rule(equal, 0, 1, number as u32));
        rules.push(rule(end, 0, 0, libc::SECCOMP_RET_ALLOW));
    }
    rules.push(rule(
        end,
        0,
        0,
        libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
    ));
    let filter = libc::sock_fprog {
        len: rules.len() as u16,
        filter: rules.as_mut_ptr(),
    };
    // SAFETY: the filter outlives the call; the kernel copies it.
    unsafe {
        Errno::result(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        Errno::result(libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &filter,
        ))?;
    }
    Ok(())
}

/// How a turn ended.
enum Turn {
    Next,
    ClientGone,
    BrokerGone,
}

/// Takes one request of a client.
fn serve(client: &OwnedFd, broker: &OwnedFd) -> Turn {
    // One byte of room more than a request needs: who fills it sent too much. There is no room for
    // descriptors, so the kernel closes what a client attaches.
    let mut packet = [0; LONGEST + 1];
    let now = MsgFlags::MSG_DONTWAIT;
    let (status, file) = match recv(client.as_raw_fd(), &mut packet, now) {
        Err(Errno::EAGAIN | Errno::EINTR) => return Turn::Next,
        Err(_) | Ok(0) => return Turn::ClientGone,
        Ok(length) if request_in(&packet[..length]).is_none() => (NO_REQUEST, None),
        Ok(length) => {
            let asked = send(
                broker.as_raw_fd(),
                &packet[..length],
                MsgFlags::MSG_NOSIGNAL,
            );
            // Taken whatever has become of the client: one that is left lying is the next one's.
            match asked.and_then(|_| take_reply(broker)) {
                Ok(taken) => taken,
                Err(_) => return Turn::BrokerGone,
            }
        }
    };
    match reply(client, status, file.as_ref(), now) {
        Ok(()) => Turn::Next,
        // It is gone, or its queue is full: who does not read is let go.
        Err(_) => Turn::ClientGone,
    }
}

fn run_worker(listener: &OwnedFd, broker: &OwnedFd) -> io::Result<()> {
    give_up_rights()?;
    let mut clients: Vec<OwnedFd> = Vec::new();
    let mut full = false; // no descriptor is left for another client
    loop {
        // Whoever comes when all places are taken waits in the queue of connections.
        let mut watched = vec![PollFd::new(broker.as_fd(), PollFlags::POLLIN)];
        watched.extend(
            clients
                .iter()
                .map(|client| PollFd::new(client.as_fd(), PollFlags::POLLIN)),
        );
        if clients.len() < MOST && !full {
            watched.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
        }
        poll(&mut watched, PollTimeout::NONE)?;
        let ready: Vec<bool> = watched
            .iter()
            .map(|each| each.any() == Some(true))
            .collect();
        if ready[0] {
            return Ok(()); // it sends nothing unasked: this is its end
        }
        let newcomer = ready.get(1 + clients.len()) == Some(&true);
        let mut place = 0;
        let mut broker_gone = false;
        clients.retain(|client| {
            place += 1;
            if !ready[place] || broker_gone {
                return true;
            }
            match serve(client, broker) {
                Turn::Next => true,
                Turn::BrokerGone => {
                    broker_gone = true;
                    true
                }
                Turn::ClientGone => {
                    full = false;
                    false
                }
            }
        });
        if broker_gone {
            return Ok(());
        }
        if newcomer {
            match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
                // SAFETY: it is new, and nobody else has it.
                Ok(client) => clients.push(unsafe { OwnedFd::from_raw_fd(client) }),
                Err(Errno::EMFILE | Errno::ENFILE) => full = true,
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNABORTED) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let ended = match &words[..] {
        [command, listener, broker] if command == "--worker" => {
            let number = |word: &OsString| word.to_str().and_then(|word| word.parse().ok());
            match (number(listener), number(broker)) {
                (Some(listener), Some(broker)) => {
                    // SAFETY: the broker has left these two open for us.
                    let [listener, broker]: [OwnedFd; 2] =
                        [listener, broker].map(|number| unsafe { OwnedFd::from_raw_fd(number) });
                    run_worker(&listener, &broker)
                }
                _ => Err(io::Error::other("the broker starts the worker")),
            }
        }
        [list, directory, path] => run_broker(list.as_ref(), directory.as_ref(), path.as_ref()),
        _ => Err(io::Error::other("usage: LIST DIRECTORY SOCKET")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
