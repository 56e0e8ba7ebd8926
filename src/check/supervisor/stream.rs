//! A standard stream of the program: made, drained and kept, bounded.

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use crate::check::capture::Capture;
use crate::check::protocol::StdoutKind;
use crate::sys::spawn::terminal;
use crate::untrusted::Untrusted;

pub(super) struct Stream {
    pub(super) fd: Option<OwnedFd>,
    pub(super) capture: Capture,
    /// Bytes read so far.
    pub(super) taken: u64,
}

impl Stream {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self {
            fd: Some(fd),
            capture: Capture::default(),
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
pub(super) fn streams(stdout: StdoutKind) -> io::Result<([OwnedFd; 3], [OwnedFd; 2])> {
    let stdin = std::fs::File::open("/dev/null")?.into();
    let (out_ours, out_theirs) = match stdout {
        StdoutKind::Pipe => pipe()?,
        StdoutKind::Terminal => terminal()?,
    };
    let (err_ours, err_theirs) = pipe()?;
    for fd in [&out_ours, &err_ours] {
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFL(flags))?;
    }
    Ok(([stdin, out_theirs, err_theirs], [out_ours, err_ours]))
}

pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}
