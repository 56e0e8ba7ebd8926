//! A connection of a peer: the socket, the bytes due back on it, and every way to use it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sockopt};

use super::become_persona;
use super::named::{on_address, open};
use crate::check::patience::Deadline;
use crate::check::protocol::{
    Bytes, Credentials, DeedResult, Outcome, Persona, Queue, SocketAddress,
};
use crate::check::supervisor::errno_name;
use crate::curriculum::scenario::{PassedFile, SocketType, Waits};
use crate::sys::sock_diag;
use crate::untrusted::Untrusted;

/// Bytes sent last on a connection that are remembered: 2 MiB.
const REMEMBERED: usize = 2 << 20;
/// So many equal bytes are no coincidence.
const TELLING: usize = 8;

pub(super) struct Connection {
    pub(super) socket: OwnedFd,
    pub(super) due: VecDeque<u8>,
    pub(super) sent: u64,
    pub(super) received: u64,
    /// What was sent last.
    said: VecDeque<u8>,
    pub(super) descriptors_sent: u64,
    pub(super) server: Option<Credentials>,
    pub(super) pipe: Option<PassedPipe>,
    /// Its type.
    pub(super) kind: SocketType,
    /// Descriptors that came with the last message.
    pub(super) passed: Vec<OwnedFd>,
    /// The eventfd that was attached last.
    pub(super) eventfd: Option<OwnedFd>,
    /// What is kept open because its other end was attached.
    pub(super) held: Vec<OwnedFd>,
}

pub(super) struct PassedPipe {
    pub(super) inode: u64,
    pub(super) writer: Option<File>,
    pub(super) content: Vec<u8>,
}

/// Why a deed went no further; the counts are filled in later.
pub(super) struct Stop {
    pub(super) result: DeedResult,
    pub(super) errno: String,
    pub(super) call: &'static str,
    /// The connection it is about, when that is not the one the deed names.
    pub(super) about: Option<String>,
}

impl Stop {
    pub(super) fn new(result: DeedResult, call: &'static str) -> Self {
        Self {
            result,
            errno: String::new(),
            call,
            about: None,
        }
    }

    pub(super) fn errno(errno: Errno, call: &'static str) -> Self {
        let result = match errno {
            Errno::ECONNRESET => DeedResult::Reset,
            _ => DeedResult::Errno,
        };
        Self {
            result,
            errno: errno_name(errno),
            call,
            about: None,
        }
    }
}

/// Where to connect, and how.
pub(super) struct Destination<'a> {
    /// The type of socket.
    pub(super) kind: SocketType,
    /// The address.
    pub(super) to: &'a SocketAddress,
    /// Device and inode that a path must have; `None`: whatever is there.
    pub(super) inode: Option<(u64, u64)>,
    /// SO_SNDBUF of our end.
    pub(super) send_buffer: Option<u32>,
    /// The user to become before connecting, once the name has been found: it may be one that the
    /// directory keeps out, so that the socket's own mode decides.
    pub(super) user: Option<Persona>,
}

/// Connects to an address. When the inode is given, a path is pinned first and must still be that
/// inode: a program cannot aim us at somebody else's socket by swapping a symbolic link.
pub(super) fn connect(
    destination: &Destination<'_>,
    deadline: Deadline,
) -> Result<Connection, Stop> {
    let pinned = match destination.to {
        SocketAddress::Path(path) => Some(pin(path, destination.inode)?),
        SocketAddress::Abstract(_) | SocketAddress::Relative { .. } => None,
    };
    if let Some(user) = destination.user {
        become_persona(user)?;
    }
    let socket = open(destination.kind, Waits::Yes)?;
    if let Some(bytes) = destination.send_buffer {
        nix::sys::socket::setsockopt(&socket, sockopt::SndBuf, &(bytes as usize))
            .map_err(|errno| Stop::errno(errno, "setsockopt"))?;
    }
    // A full backlog makes connect wait; SO_SNDTIMEO bounds that (unix(7), unix_stream_connect).
    let left = deadline.left().as_millis().max(1) as i64;
    let wait = nix::sys::time::TimeVal::new(left / 1000, (left % 1000) * 1000);
    nix::sys::socket::setsockopt(&socket, sockopt::SendTimeout, &wait)
        .map_err(|errno| Stop::errno(errno, "setsockopt"))?;
    let through = pinned
        .as_ref()
        .map(|pinned| format!("/proc/self/fd/{}", pinned.as_raw_fd()))
        .map(|path| SocketAddress::Path(Bytes(path.into_bytes())));
    let address = through.as_ref().unwrap_or(destination.to);
    loop {
        let mut connected = Ok(());
        on_address(
            address,
            |address| {
                connected = nix::sys::socket::connect(socket.as_raw_fd(), address);
                Ok(())
            },
            "connect",
        )?;
        match connected {
            Ok(()) => break,
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Err(Stop::new(DeedResult::TimedOut, "connect")),
            Err(errno) => return Err(Stop::errno(errno, "connect")),
        }
    }
    let nonblocking = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
    nix::fcntl::fcntl(&socket, nonblocking).map_err(|errno| Stop::errno(errno, "fcntl"))?;
    Ok(Connection::of(socket, destination.kind))
}

/// Holds what stands at a path, and sees that it is what became ready.
fn pin(path: &Bytes, inode: Option<(u64, u64)>) -> Result<File, Stop> {
    use nix::fcntl::OFlag;
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let path = Untrusted::from(path);
    let pinned = nix::fcntl::open(path.as_path(), flags, nix::sys::stat::Mode::empty())
        .map_err(|errno| Stop::errno(errno, "open"))?;
    let pinned = File::from(pinned);
    if let Some(wanted) = inode {
        let now = pinned
            .metadata()
            .map(|metadata| (metadata.dev(), metadata.ino()));
        if now.ok() != Some(wanted) {
            return Err(Stop::new(DeedResult::Replaced, "open"));
        }
    }
    Ok(pinned)
}

impl Connection {
    /// A socket of this type, with nothing due on it.
    pub(super) fn of(socket: OwnedFd, kind: SocketType) -> Self {
        let server = nix::sys::socket::getsockopt(&socket, sockopt::PeerCredentials)
            .ok()
            .map(|found| Credentials {
                pid: found.pid(),
                uid: found.uid(),
                gid: found.gid(),
            });
        Self {
            socket,
            due: VecDeque::new(),
            sent: 0,
            received: 0,
            said: VecDeque::new(),
            descriptors_sent: 0,
            server,
            pipe: None,
            kind,
            passed: Vec::new(),
            eventfd: None,
            held: Vec::new(),
        }
    }

    pub(super) fn wait(
        &self,
        flags: PollFlags,
        deadline: Deadline,
        call: &'static str,
    ) -> Result<(), Stop> {
        let mut fds = [PollFd::new(self.socket.as_fd(), flags)];
        loop {
            match nix::poll::poll(&mut fds, deadline.poll_timeout()) {
                Ok(0) if deadline.passed() => return Err(Stop::new(DeedResult::TimedOut, call)),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => return Err(Stop::errno(errno, "poll")),
            }
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(REMEMBERED)..];
        let room = REMEMBERED - bytes.len();
        self.said.drain(..self.said.len().saturating_sub(room));
        self.said.extend(bytes);
    }

    /// Whether these bytes, and enough of them, were sent on this connection lately.
    pub(super) fn said(&mut self, bytes: &[u8]) -> bool {
        bytes.len() >= TELLING
            && self
                .said
                .make_contiguous()
                .windows(bytes.len())
                .any(|window| window == bytes)
    }

    /// Whether bytes have come that were not read.
    pub(super) fn has_unread(&self) -> bool {
        let mut byte = [0];
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        matches!(
            nix::sys::socket::recv(self.socket.as_raw_fd(), &mut byte, flags),
            Ok(1)
        )
    }

    /// The inode of our socket.
    pub(super) fn inode(&self) -> u64 {
        nix::sys::stat::fstat(&self.socket).map_or(0, |found| found.st_ino)
    }

    /// One send; `None` when it would block. A signal for writing to a closed socket is not ours
    /// to die of: MSG_NOSIGNAL.
    pub(super) fn try_send(&mut self, bytes: &[u8]) -> Result<Option<usize>, Stop> {
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        match nix::sys::socket::send(self.socket.as_raw_fd(), bytes, flags) {
            Ok(count) => {
                self.sent += count as u64;
                self.remember(&bytes[..count]);
                Ok(Some(count))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(errno) => Err(Stop::errno(errno, "send")),
        }
    }

    /// Sends all; what went is in `gone`, however it ends.
    pub(super) fn send(
        &mut self,
        bytes: &[u8],
        deadline: Deadline,
        gone: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.try_send(rest)? {
                Some(count) => {
                    gone.extend(&rest[..count]);
                    rest = &rest[count..];
                }
                None => self.wait(PollFlags::POLLOUT, deadline, "send")?,
            }
        }
        Ok(())
    }

    /// Sends until the socket has taken nothing for `stalled_ms`; what went is in `gone`, however it
    /// ends.
    pub(super) fn send_until_blocked(
        &mut self,
        bytes: &[u8],
        stalled_ms: u64,
        deadline: Deadline,
        gone: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(count) = self.try_send(rest)? {
                gone.extend(&rest[..count]);
                rest = &rest[count..];
                continue;
            }
            let pause = Deadline::after_ms(stalled_ms).earlier(deadline);
            match self.wait(PollFlags::POLLOUT, pause, "send") {
                Ok(()) => {}
                Err(stop) if stop.result == DeedResult::TimedOut => return Ok(()),
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    /// Reads what has come, up to `most`; `None` when nothing has. Compares with what is due.
    pub(super) fn try_read(
        &mut self,
        most: usize,
        outcome: &mut Outcome,
    ) -> Result<Option<usize>, Stop> {
        let mut buffer = vec![0; most.clamp(1, 64 * 1024)];
        let count = match nix::sys::socket::recv(
            self.socket.as_raw_fd(),
            &mut buffer,
            MsgFlags::MSG_DONTWAIT,
        ) {
            Ok(0) => return Err(Stop::new(DeedResult::End, "recv")),
            Ok(count) => count,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(Stop::errno(errno, "recv")),
        };
        buffer.truncate(count);
        self.received += count as u64;
        let same = same(&buffer, &self.due);
        outcome.same += same as u64;
        if same < count {
            let from = same.saturating_sub(16);
            let window = |bytes: Vec<u8>| Bytes(bytes.into_iter().skip(from).take(48).collect());
            outcome.window_at = outcome.same - (same - from) as u64;
            outcome.window_due = window(self.due.iter().take(from + 48).copied().collect());
            outcome.window_received = window(buffer);
            let extra = same == self.due.len();
            let result = if extra {
                DeedResult::Extra
            } else {
                DeedResult::Mismatch
            };
            return Err(Stop::new(result, "recv"));
        }
        self.due.drain(..count);
        Ok(Some(count))
    }

    /// Takes what has come, at most so much more of it; whether anything had. Compares nothing.
    pub(super) fn take(&mut self, came: &mut Vec<u8>, most: usize) -> Result<bool, Stop> {
        let mut buffer = vec![0; most.clamp(1, 64 * 1024)];
        let flags = MsgFlags::MSG_DONTWAIT;
        match nix::sys::socket::recv(self.socket.as_raw_fd(), &mut buffer, flags) {
            Ok(0) => Err(Stop::new(DeedResult::End, "recv")),
            Ok(count) => {
                self.received += count as u64;
                came.extend(&buffer[..count]);
                Ok(true)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(false),
            Err(errno) => Err(Stop::errno(errno, "recv")),
        }
    }

    pub(super) fn begin_read(&self, outcome: &mut Outcome) {
        outcome.due = self.due.len() as u64;
        outcome.first_nul = self
            .due
            .iter()
            .position(|&byte| byte == 0)
            .map(|at| at as u64);
    }

    /// What was due and did not come, for a window when the deadline or the end came first.
    pub(super) fn show_missing(&self, outcome: &mut Outcome) {
        outcome.window_at = outcome.same;
        outcome.window_due = Bytes(self.due.iter().take(48).copied().collect());
    }

    pub(super) fn read(
        &mut self,
        wanted: usize,
        deadline: Deadline,
        outcome: &mut Outcome,
    ) -> Result<(), Stop> {
        self.begin_read(outcome);
        let mut left = wanted;
        while left > 0 {
            let turn = match self.try_read(left, outcome) {
                Ok(Some(count)) => {
                    left -= count;
                    Ok(())
                }
                Ok(None) => self.wait(PollFlags::POLLIN, deadline, "recv"),
                Err(stop) => Err(stop),
            };
            if let Err(stop) = turn {
                if outcome.window_due.0.is_empty() {
                    self.show_missing(outcome);
                }
                return Err(stop);
            }
        }
        Ok(())
    }

    pub(super) fn read_end(
        &mut self,
        deadline: Deadline,
        outcome: &mut Outcome,
    ) -> Result<(), Stop> {
        self.begin_read(outcome);
        loop {
            match self.try_read(64 * 1024, outcome) {
                Err(stop) if stop.result == DeedResult::End && self.due.is_empty() => {
                    return Ok(());
                }
                Err(stop) => return Err(stop),
                Ok(Some(_)) => {}
                Ok(None) => self.wait(PollFlags::POLLIN, deadline, "recv")?,
            }
        }
    }

    /// How much of what the program sent is unread.
    pub(super) fn queue(&self) -> Result<Queue, Stop> {
        let bytes = rustix::io::ioctl_fionread(&self.socket)
            .map_err(|errno| Stop::errno(Errno::from_raw(errno.raw_os_error()), "ioctl"))?;
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::empty())];
        nix::poll::poll(&mut fds, PollTimeout::ZERO).map_err(|errno| Stop::errno(errno, "poll"))?;
        let inode = nix::sys::stat::fstat(&self.socket)
            .map_err(|errno| Stop::errno(errno, "fstat"))?
            .st_ino;
        let memory = sock_diag::queue_behind(inode)
            .map_err(|error| Stop::errno(os_errno(&error), "sock_diag"))?
            .unwrap_or_default();
        Ok(Queue {
            bytes,
            taken: self.received + bytes,
            memory: memory.used.into(),
            limit: memory.limit.into(),
            closed: fds[0].any().unwrap_or(true),
        })
    }

    pub(super) fn send_descriptors(
        &mut self,
        bytes: &[u8],
        content: Vec<u8>,
        file: PassedFile,
        count: usize,
        deadline: Deadline,
    ) -> Result<(), Stop> {
        let (passed, writer, inode) = match file {
            PassedFile::Regular => (regular_file(&content)?, None, 0),
            PassedFile::Pipe => {
                let (reader, writer) =
                    io::pipe().map_err(|error| Stop::errno(os_errno(&error), "pipe"))?;
                let reader = File::from(OwnedFd::from(reader));
                let inode = reader.metadata().map_or(0, |metadata| metadata.ino());
                (reader, Some(File::from(OwnedFd::from(writer))), inode)
            }
        };
        let descriptors = vec![passed.as_raw_fd(); count];
        let control = [ControlMessage::ScmRights(&descriptors)];
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        let sent = loop {
            let iov = [IoSlice::new(bytes)];
            let call = nix::sys::socket::sendmsg::<UnixAddr>(
                self.socket.as_raw_fd(),
                &iov,
                &control,
                flags,
                None,
            );
            match call {
                Ok(sent) => break sent,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => self.wait(PollFlags::POLLOUT, deadline, "sendmsg")?,
                Err(errno) => return Err(Stop::errno(errno, "sendmsg")),
            }
        };
        self.sent += sent as u64;
        self.descriptors_sent += count as u64;
        let mut gone = bytes[..sent].to_vec();
        let sent_all = self.send(&bytes[sent..], deadline, &mut gone);
        self.due.extend(gone);
        sent_all?;
        match file {
            PassedFile::Regular => self.due.extend(&content),
            PassedFile::Pipe => {
                self.pipe = Some(PassedPipe {
                    inode,
                    writer,
                    content,
                })
            }
        }
        Ok(())
    }

    pub(super) fn finish_pipe(&mut self, deadline: Deadline) -> Result<(), Stop> {
        let Some(pipe) = &mut self.pipe else {
            return Err(Stop::new(DeedResult::Fault, "write"));
        };
        let content = std::mem::take(&mut pipe.content);
        let Some(mut writer) = pipe.writer.take() else {
            return Err(Stop::new(DeedResult::Fault, "write"));
        };
        let nonblocking = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
        nix::fcntl::fcntl(&writer, nonblocking).map_err(|errno| Stop::errno(errno, "fcntl"))?;
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            match writer.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut fds = [PollFd::new(writer.as_fd(), PollFlags::POLLOUT)];
                    let _ = nix::poll::poll(&mut fds, deadline.poll_timeout());
                    if deadline.passed() {
                        return Err(Stop::new(DeedResult::TimedOut, "write"));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::errno(os_errno(&error), "write")),
            }
        }
        self.due.extend(&content);
        Ok(())
    }
}

/// A file with this content, open for reading only and at its beginning; it has no name that could
/// be left behind (memfd_create(2)).
pub(super) fn regular_file(content: &[u8]) -> Result<File, Stop> {
    let make = || -> io::Result<File> {
        let flags = nix::sys::memfd::MFdFlags::MFD_CLOEXEC;
        let mut writer = File::from(nix::sys::memfd::memfd_create("passed", flags)?);
        writer.write_all(content)?;
        File::open(format!("/proc/self/fd/{}", writer.as_raw_fd()))
    };
    make().map_err(|error| Stop::errno(os_errno(&error), "open"))
}

pub(super) fn os_errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

/// How many bytes at the beginning are the same. Nearly always all are, so that is asked first.
fn same(came: &[u8], due: &VecDeque<u8>) -> usize {
    if due.as_slices().0.starts_with(came) {
        return came.len();
    }
    came.iter().zip(due).take_while(|(a, b)| a == b).count()
}
