//! A standard stream of the program: made, drained and kept, bounded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr, sockopt};
use nix::sys::stat::{Mode, umask};

use crate::check::capture::Capture;
use crate::check::protocol::{Connecting, Inherited, StdinKind, StdoutKind};
use crate::curriculum::scenario::{SocketType, Waits};
use crate::sys::spawn::{Identity, terminal};
use crate::untrusted::Untrusted;

/// Sockets that listen for programs and outlive them, by their path: as a service manager keeps them
/// (systemd.socket(5)).
#[derive(Default)]
pub(super) struct Listeners(BTreeMap<Vec<u8>, OwnedFd>);

impl Listeners {
    /// What a program has as a descriptor beside the standard ones. The name of a listener belongs
    /// to the program's user.
    pub(super) fn inherited(
        &mut self,
        what: &Inherited,
        owner: Option<Identity>,
    ) -> io::Result<OwnedFd> {
        match what {
            Inherited::Connection { connecting, waits } => {
                let made = connect(connecting)?;
                let_wait(&made, *waits)?;
                Ok(made)
            }
            Inherited::File(path) => Ok(File::open(Untrusted::from(path).as_path())?.into()),
            Inherited::Listener { path, kind, waits } => {
                let made = match self.0.get(&path.0) {
                    Some(kept) => kept.try_clone()?,
                    None => {
                        let made = listening(Untrusted::from(path).as_path(), *kind, owner)?;
                        self.0.insert(path.0.clone(), made.try_clone()?);
                        made
                    }
                };
                let_wait(&made, *waits)?;
                Ok(made)
            }
        }
    }
}

pub(super) struct Stream {
    pub(super) fd: Option<OwnedFd>,
    pub(super) capture: Capture,
    /// Bytes read so far.
    pub(super) taken: u64,
}

impl Stream {
    /// A stream of which so many bytes are kept whole, if that is more than usual.
    pub(super) fn new(fd: OwnedFd, keep: Option<u64>) -> Self {
        let capture = keep.map_or_else(Capture::default, |keep| Capture::keeping(keep as usize));
        Self {
            fd: Some(fd),
            capture,
            taken: 0,
        }
    }

    /// Reads what is there and returns the lines that became whole, printable.
    pub(super) fn drain(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0; 16 * 1024];
        // Bounded work a turn: a flood must not keep us from the deadline.
        for _ in 0..16 {
            let Some(fd) = &self.fd else { break };
            match nix::unistd::read(fd, &mut buffer) {
                Ok(0) => self.fd = None,
                Ok(count) => {
                    self.taken += count as u64;
                    lines.extend(self.capture.take(&buffer[..count]));
                }
                Err(Errno::EAGAIN | Errno::EINTR) => break,
                // A pseudo-terminal without a holder reports EIO.
                Err(_) => self.fd = None,
            }
        }
        if self.fd.is_none() {
            lines.extend(self.capture.end());
        }
        lines
            .into_iter()
            .map(|line| format!("\"{}\"", Untrusted::new(line)))
            .collect()
    }
}

/// Standard streams for a program, and our ends of its output.
pub(super) fn streams(
    stdin: &StdinKind,
    stdout: StdoutKind,
) -> io::Result<([OwnedFd; 3], [OwnedFd; 2])> {
    let open = |path: &std::path::Path| std::fs::File::open(path).map(OwnedFd::from);
    let stdin = match stdin {
        StdinKind::Nothing => open(std::path::Path::new("/dev/null"))?,
        StdinKind::File(path) => open(Untrusted::from(path).as_path())?,
        StdinKind::Connection(connecting) => connect(connecting)?,
    };
    let both_ways = nix::sys::socket::getsockopt(&stdin, sockopt::SockType).is_ok();
    let (out_ours, out_theirs) = match stdout {
        StdoutKind::Pipe => pipe()?,
        StdoutKind::Terminal => terminal()?,
        StdoutKind::Full => {
            let full = std::fs::File::options().write(true).open("/dev/full")?;
            // Our end of a pipe that nobody has ends at once.
            (pipe()?.0, full.into())
        }
    };
    let (err_ours, err_theirs) = pipe()?;
    for fd in [&out_ours, &err_ours] {
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFL(flags))?;
    }
    // What is its standard output goes to the peer; our end of the pipe then says nothing.
    let out_theirs = if both_ways {
        stdin.try_clone()?
    } else {
        out_theirs
    };
    Ok(([stdin, out_theirs, err_theirs], [out_ours, err_ours]))
}

fn listening(path: &Path, kind: SocketType, owner: Option<Identity>) -> io::Result<OwnedFd> {
    let kind = match kind {
        SocketType::Stream => SockType::Stream,
        SocketType::Dgram => SockType::Datagram,
        SocketType::Seqpacket => SockType::SeqPacket,
    };
    let flags = SockFlag::SOCK_CLOEXEC;
    let made = socket::socket(AddressFamily::Unix, kind, flags, None)?;
    // Everybody may connect, as with a service manager that was told nothing else (SocketMode= in
    // systemd.socket(5)). By path it could be changed later, but not for sure of this file.
    let before = umask(Mode::from_bits_truncate(0o111));
    let bound = socket::bind(made.as_raw_fd(), &UnixAddr::new(path)?);
    umask(before);
    bound?;
    if let Some(Identity { uid, gid }) = owner {
        std::os::unix::fs::lchown(path, Some(uid), Some(gid))?;
    }
    if kind != SockType::Datagram {
        socket::listen(&made, Backlog::MAXCONN)?;
    }
    Ok(made)
}

/// Sets or clears O_NONBLOCK, which all who have the open file description share.
fn let_wait(descriptor: &OwnedFd, waits: Waits) -> io::Result<()> {
    let flags = match waits {
        Waits::Yes => OFlag::empty(),
        Waits::No => OFlag::O_NONBLOCK,
    };
    fcntl(descriptor, FcntlArg::F_SETFL(flags))?;
    Ok(())
}

fn connect(connecting: &Connecting) -> io::Result<OwnedFd> {
    let stream = UnixStream::connect(Untrusted::from(&connecting.path).as_path())?;
    if let Some(bytes) = connecting.send_buffer {
        nix::sys::socket::setsockopt(&stream, sockopt::SndBuf, &(bytes as usize))?;
    }
    Ok(stream.into())
}

pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}
