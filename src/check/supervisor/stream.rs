//! A standard stream of the program: made, drained and kept, bounded.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::errno::Errno;
use nix::sys::socket::sockopt;

use crate::check::capture::Capture;
use crate::check::protocol::{Connecting, Inherited, StdinKind, StdoutKind};
use crate::sys::spawn::{Identity, terminal};
use crate::untrusted::Untrusted;

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

/// What a program has as its descriptor 3. The name of a listener belongs to the program's user.
pub(super) fn inherited(what: &Inherited, owner: Option<Identity>) -> io::Result<OwnedFd> {
    match what {
        Inherited::Connection(connecting) => connect(connecting),
        Inherited::Listener(path) => {
            let path = Untrusted::from(path);
            let listener = UnixListener::bind(path.as_path())?;
            if let Some(Identity { uid, gid }) = owner {
                std::os::unix::fs::lchown(path.as_path(), Some(uid), Some(gid))?;
            }
            Ok(listener.into())
        }
    }
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
