//! Exercise 18, reference solution in Rust: a broker that hands out open files, and a worker.
//!
//!     broker LIST DIRECTORY SOCKET      hands out files beneath DIRECTORY, as LIST allows
//!     worker SOCKET NAME...             asks for files by name, and copies them to standard output
//!
//! One packet is one request, one packet is its reply: a status byte, and with `+` one descriptor.
//! In the broker each client has a thread, whose calls wait for this client alone.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
    UnixAddr, accept4, bind, connect, listen, recvmsg, send, sendmsg, socket,
};
use nix::sys::stat::{Mode, umask};

/// Bytes of a request.
const LONGEST: usize = 256;

// The status of a reply.
const GIVEN: u8 = b'+';
const NOT_ALLOWED: u8 = b'-';
const NOT_POSSIBLE: u8 = b'!';
const NO_REQUEST: u8 = b'?';

// ---- broker -------------------------------------------------------------------------------------

/// What is handed out.
struct Broker {
    /// The requests that are allowed, byte for byte.
    list: HashSet<Vec<u8>>,
    /// The directory beneath which names are looked up.
    shelf: OwnedFd,
}

impl Broker {
    fn new(list: &Path, directory: &Path) -> io::Result<Self> {
        let list = fs::read(list)?;
        let lines = list.split(|&byte| byte == b'\n').map(<[u8]>::to_vec);
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self {
            list: lines.collect(),
            shelf: open(directory, flags, Mode::empty())?,
        })
    }

    /// Opens a regular file beneath the shelf. The kernel itself stays beneath the directory and
    /// follows no symbolic link, in no part of the name. Who looks first and opens then has a gap
    /// between the two, in which the name may change.
    fn open_beneath(&self, name: &[u8], access: OFlag) -> io::Result<File> {
        // A FIFO would keep open() waiting for its other end.
        let flags = access | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let how = OpenHow::new().flags(flags).resolve(resolve);
        let file = File::from(openat2(&self.shelf, OsStr::from_bytes(name), how)?);
        // Asked of what is open, not of the name.
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(file)
    }

    /// What is to be sent for one request: a status, and with `+` a file.
    fn answer(&self, request: &[u8]) -> (u8, Option<File>) {
        let (name, access) = if let Some(name) = request.strip_prefix(b"read ") {
            (name, OFlag::O_RDONLY)
        } else if let Some(name) = request.strip_prefix(b"write ") {
            (name, OFlag::O_WRONLY)
        } else {
            return (NO_REQUEST, None);
        };
        if name.is_empty() {
            return (NO_REQUEST, None);
        }
        if !self.list.contains(request) {
            return (NOT_ALLOWED, None);
        }
        // Opened anew for each request: a copy of one descriptor would share its offset.
        match self.open_beneath(name, access) {
            Ok(file) => (GIVEN, Some(file)),
            Err(_) => (NOT_POSSIBLE, None),
        }
    }

    fn serve(&self, client: &OwnedFd) -> nix::Result<()> {
        loop {
            // One byte of room more than a request needs: who fills it sent too much. There is no
            // room for descriptors, so the kernel closes what a client attaches.
            let mut packet = [0; LONGEST + 1];
            let mut room = [IoSliceMut::new(&mut packet)];
            let flags = MsgFlags::empty();
            let length = match recvmsg::<UnixAddr>(client.as_raw_fd(), &mut room, None, flags) {
                Err(Errno::EINTR) => continue,
                received => received?.bytes,
            };
            let (status, file) = match length {
                0 => return Ok(()),
                1..=LONGEST => self.answer(&packet[..length]),
                _ => (NO_REQUEST, None),
            };
            reply(client, status, file.as_ref())?;
            // Here our own descriptor of the file is closed. The message holds a reference.
        }
    }
}

/// Sends one reply. This may wait, which is the concern of this client alone.
fn reply(client: &OwnedFd, status: u8, file: Option<&File>) -> nix::Result<()> {
    let (client, flags) = (client.as_raw_fd(), MsgFlags::MSG_NOSIGNAL);
    let Some(file) = file else {
        return send(client, &[status], flags).map(drop);
    };
    let byte = [status];
    let data = [IoSlice::new(&byte)];
    let numbers = [file.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&numbers)];
    match sendmsg::<UnixAddr>(client, &data, &rights, flags, None) {
        // Too many descriptors of this user are under way.
        Err(Errno::ETOOMANYREFS) => send(client, &[NOT_POSSIBLE], flags).map(drop),
        sent => sent.map(drop),
    }
}

fn listen_at(path: &Path) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    // bind() makes the name with mode 0777 less the umask: 0666 from its first moment.
    let before = umask(Mode::from_bits_truncate(0o111));
    bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    umask(before);
    listen(&listener, Backlog::MAXCONN)?;
    Ok(listener)
}

fn run_broker(list: &Path, directory: &Path, path: &Path) -> io::Result<ExitCode> {
    let broker = Arc::new(Broker::new(list, directory)?);
    let listener = listen_at(path)?;
    loop {
        let client = match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            // SAFETY: it is new, and nobody else has it.
            Ok(client) => unsafe { OwnedFd::from_raw_fd(client) },
            Err(Errno::EINTR | Errno::ECONNABORTED) => continue,
            // The table is full until a client leaves; to ask again at once would be to spin.
            Err(Errno::EMFILE | Errno::ENFILE) => {
                thread::sleep(Duration::from_millis(100));
                continue;
            }
            Err(errno) => return Err(errno.into()),
        };
        let broker = Arc::clone(&broker);
        thread::spawn(move || {
            // What goes wrong on a connection ends this one; EPIPE and ECONNRESET are no news.
            drop(broker.serve(&client));
        });
    }
}

// ---- worker -------------------------------------------------------------------------------------

/// Takes one reply: its status, and the file that came with `+`.
fn take_reply(broker: &OwnedFd) -> io::Result<(u8, Option<File>)> {
    let mut packet = [0; 2];
    let mut room = [IoSliceMut::new(&mut packet)];
    let mut control = cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let reply = loop {
        match recvmsg::<UnixAddr>(broker.as_raw_fd(), &mut room, Some(&mut control), flags) {
            Err(Errno::EINTR) => {}
            received => break received?,
        }
    };
    let length = reply.bytes;
    if length == 0 {
        return Err(io::Error::other("the broker has gone"));
    }
    // The status says whether there is a file to look for, so nobody waits for one.
    let mut files = Vec::new();
    for message in reply.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = message {
            // SAFETY: they are new, and nobody else has them.
            let owned = |number| unsafe { File::from_raw_fd(number) };
            files.extend(numbers.into_iter().map(owned));
        }
    }
    if length != 1 || files.len() != usize::from(packet[0] == GIVEN) {
        return Err(io::Error::other(
            "the broker sent something that is no reply",
        ));
    }
    Ok((packet[0], files.pop()))
}

fn run_worker(path: &Path, names: &[OsString]) -> io::Result<ExitCode> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let broker = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    connect(broker.as_raw_fd(), &UnixAddr::new(path)?)?;
    let mut status = ExitCode::SUCCESS;
    for name in names {
        let request = [b"read ", name.as_bytes()].concat();
        send(broker.as_raw_fd(), &request, MsgFlags::MSG_NOSIGNAL)?;
        let (told, file) = take_reply(&broker)?;
        let Some(mut file) = file else {
            eprintln!("{}: the broker says {}", name.display(), char::from(told));
            status = ExitCode::FAILURE;
            continue;
        };
        io::copy(&mut file, &mut io::stdout())?;
        // Here the file is closed: it was given to us, and nobody else does that.
    }
    io::stdout().flush()?;
    Ok(status)
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command = words.first().and_then(|word| word.to_str());
    let ended = match (command, words.get(1..).unwrap_or_default()) {
        (Some("broker"), [list, directory, path]) => {
            run_broker(list.as_ref(), directory.as_ref(), path.as_ref())
        }
        (Some("worker"), [path, names @ ..]) if !names.is_empty() => {
            run_worker(path.as_ref(), names)
        }
        _ => Err(io::Error::other(
            "usage: broker LIST DIRECTORY SOCKET, or worker SOCKET NAME...",
        )),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}
