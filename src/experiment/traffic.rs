//! What an actor can be asked to do with sockets beyond one call for one stream: pairs, waiting or
//! not, messages with control data of every size, and what the kernel tells of the peer. The part
//! of [`super::order`]'s vocabulary that queues, datagrams and lost descriptors need.

use std::io::IoSlice;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, getpeername, sendmsg};
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};
use serde::{Deserialize, Serialize};

use super::Failure;
use super::order::{Got, Kind, Outcome, quoted};
use crate::sys::{control_message, peer_credentials};

/// Something to do with a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Traffic {
    /// `socketpair(2)`.
    Pair(Kind),
    /// `pipe(2)`.
    Pipe,
    /// `socket(2)` of AF_UNIX with `SOCK_NONBLOCK`.
    Nonblocking(Kind),
    /// `setsockopt(2)` of `SO_SNDTIMEO`, in milliseconds.
    SendTimeout(i32, u64),
    /// `poll(2)` for writing, without waiting.
    PollNow(i32),
    /// `sendmsg(2)` of some bytes with these descriptors attached, each so many times.
    SendMany(i32, String, Vec<i32>, usize),
    /// `recvmsg(2)` with room for so many bytes, and a control buffer of so many.
    ReceiveWith(i32, usize, usize),
    /// `setrlimit(2)`: no descriptor gets this number or a higher one.
    LimitDescriptors(u64),
    /// `getpeername(2)`.
    PeerName(i32),
    /// `getsockopt(2)` with `SO_PEERGROUPS`.
    PeerGroups(i32),
    /// `getsockopt(2)` with `SO_PEERPIDFD`.
    PeerPidfd(i32),
    /// `getsockopt(2)` with `SO_PEERSEC`.
    PeerLabel(i32),
}

/// A message with what came beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The descriptors.
    pub fds: Vec<i32>,
    /// How many bytes of credentials came, if some did.
    pub credentials: Option<usize>,
    /// `MSG_CTRUNC`.
    pub control_cut: bool,
    /// `MSG_TRUNC`.
    pub cut: bool,
}

impl Traffic {
    /// The call as strace would write it, shortened to what matters.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Pair(kind) => format!("socketpair({})", kind.name()),
            Self::Pipe => "pipe()".to_owned(),
            Self::Nonblocking(kind) => format!("socket({}|SOCK_NONBLOCK)", kind.name()),
            Self::SendTimeout(fd, wait) => format!("setsockopt({fd}, SO_SNDTIMEO, {wait} ms)"),
            Self::PollNow(fd) => format!("poll({fd}, POLLOUT, 0)"),
            Self::SendMany(fd, bytes, sent, 1) => {
                format!("sendmsg({fd}, {}, SCM_RIGHTS {sent:?})", quoted(bytes))
            }
            Self::SendMany(fd, bytes, _, times) => {
                format!(
                    "sendmsg({fd}, {}, SCM_RIGHTS, {times} of them)",
                    quoted(bytes)
                )
            }
            Self::ReceiveWith(fd, _, room) => format!("recvmsg({fd}, control {room})"),
            Self::LimitDescriptors(limit) => format!("setrlimit(RLIMIT_NOFILE, {limit})"),
            Self::PeerName(fd) => format!("getpeername({fd})"),
            Self::PeerGroups(fd) => format!("getsockopt({fd}, SO_PEERGROUPS)"),
            Self::PeerPidfd(fd) => format!("getsockopt({fd}, SO_PEERPIDFD)"),
            Self::PeerLabel(fd) => format!("getsockopt({fd}, SO_PEERSEC)"),
        }
    }

    /// The descriptor that the call is made on, if it is made on one.
    pub(super) fn descriptor(&self) -> Option<i32> {
        match self {
            Self::Pair(_) | Self::Pipe | Self::Nonblocking(_) | Self::LimitDescriptors(_) => None,
            Self::SendTimeout(fd, _)
            | Self::PollNow(fd)
            | Self::SendMany(fd, ..)
            | Self::ReceiveWith(fd, ..)
            | Self::PeerName(fd)
            | Self::PeerGroups(fd)
            | Self::PeerPidfd(fd)
            | Self::PeerLabel(fd) => Some(*fd),
        }
    }

    /// Makes a call that gives descriptors, if it is such a call.
    pub(super) fn open(&self) -> Option<Result<Vec<OwnedFd>, Errno>> {
        let both = |(one, other)| vec![one, other];
        let opened = match self {
            Self::Pair(kind) => {
                let flags = SocketFlags::empty();
                net::socketpair(AddressFamily::UNIX, socket_type(*kind), flags, None).map(both)
            }
            Self::Pipe => return Some(nix::unistd::pipe().map(both)),
            Self::Nonblocking(kind) => {
                let flags = SocketFlags::NONBLOCK;
                net::socket_with(AddressFamily::UNIX, socket_type(*kind), flags, None)
                    .map(|fd| vec![fd])
            }
            _ => return None,
        };
        Some(opened.map_err(errno))
    }

    /// Makes a call on a descriptor. Descriptors that come with a message are returned beside what
    /// it gave.
    pub(super) fn on(&self, fd: BorrowedFd<'_>) -> Result<(Got, Vec<OwnedFd>), Errno> {
        let plain = |got| Ok((got, Vec::new()));
        match self {
            Self::SendTimeout(_, wait) => {
                let wait = Some(Duration::from_millis(*wait));
                net::sockopt::set_socket_timeout(fd, net::sockopt::Timeout::Send, wait)
                    .map_err(errno)?;
                plain(Got::Done)
            }
            Self::PollNow(_) => {
                let mut asked = [PollFd::new(fd, PollFlags::POLLOUT)];
                poll(&mut asked, PollTimeout::ZERO)?;
                let told = asked[0].revents().unwrap_or(PollFlags::empty());
                let names: Vec<&str> = told.iter_names().map(|(name, _)| name).collect();
                plain(Got::Text(if names.is_empty() {
                    "nothing".to_owned()
                } else {
                    names.join("|")
                }))
            }
            Self::SendMany(_, bytes, sent, times) => {
                let all = sent.repeat(*times);
                let rights = [ControlMessage::ScmRights(&all)];
                let pieces = [IoSlice::new(bytes.as_bytes())];
                let flags = MsgFlags::MSG_NOSIGNAL;
                let count = sendmsg::<()>(fd.as_raw_fd(), &pieces, &rights, flags, None)?;
                plain(Got::Count(count))
            }
            Self::ReceiveWith(_, size, room) => {
                let mut buffer = vec![0; *size];
                let received =
                    control_message::receive(fd, &mut buffer, *room).map_err(io_errno)?;
                buffer.truncate(received.count);
                let arrival = Arrival {
                    bytes: buffer,
                    fds: received
                        .descriptors
                        .iter()
                        .map(AsRawFd::as_raw_fd)
                        .collect(),
                    credentials: received.credentials,
                    control_cut: received.control_cut,
                    cut: received.cut,
                };
                Ok((Got::Arrival(arrival), received.descriptors))
            }
            Self::PeerName(_) => {
                let name = getpeername::<UnixAddr>(fd.as_raw_fd())?;
                let path = name.path().map(|path| path.to_string_lossy().into_owned());
                plain(Got::Text(path.unwrap_or_else(|| "no name".to_owned())))
            }
            Self::PeerGroups(_) => {
                let groups = peer_credentials::groups(fd).map_err(io_errno)?;
                plain(Got::Text(super::standing::listed(groups)))
            }
            Self::PeerPidfd(_) => {
                let pidfd = peer_credentials::pidfd(fd).map_err(io_errno)?;
                Ok((Got::Descriptor(pidfd.as_raw_fd()), vec![pidfd]))
            }
            Self::PeerLabel(_) => {
                let label = peer_credentials::label(fd).map_err(io_errno)?;
                plain(Got::Text(String::from_utf8_lossy(&label).into_owned()))
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// Makes a call that needs no descriptor and gives none.
    pub(super) fn perform(&self) -> Result<Got, Errno> {
        match self {
            Self::LimitDescriptors(limit) => {
                let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
                setrlimit(Resource::RLIMIT_NOFILE, (*limit).min(hard), hard)?;
                Ok(Got::Done)
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

/// The constant of a kind.
pub(super) fn socket_type(kind: Kind) -> SocketType {
    match kind {
        Kind::Stream => SocketType::STREAM,
        Kind::Seqpacket => SocketType::SEQPACKET,
        Kind::Datagram => SocketType::DGRAM,
    }
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

fn io_errno(error: std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

impl Arrival {
    /// What strace would write after the `=`, shortened to what matters.
    pub(super) fn text(&self) -> String {
        let mut words = match &self.bytes[..] {
            [] => vec!["0".to_owned()],
            bytes => vec![format!("{} \"{}\"", bytes.len(), bytes.escape_ascii())],
        };
        if let Some(count) = self.credentials {
            words.push(format!("{count} bytes of credentials"));
        }
        words.push(match &self.fds[..] {
            [] => "no descriptor".to_owned(),
            fds if fds.len() > 8 => format!("{} descriptors", fds.len()),
            fds => format!("SCM_RIGHTS {fds:?}"),
        });
        if self.control_cut {
            words.push("MSG_CTRUNC".to_owned());
        }
        if self.cut {
            words.push("MSG_TRUNC".to_owned());
        }
        words.join(", ")
    }
}

impl Outcome {
    /// The message, with what came beside it.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when there was none.
    pub fn arrival(&self) -> Result<&Arrival, Failure> {
        match &self.result {
            Ok(Got::Arrival(arrival)) => Ok(arrival),
            _ => Err(self.unforeseen()),
        }
    }

    /// The number it gave.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when it gave none.
    pub fn number(&self) -> Result<i64, Failure> {
        match self.result {
            Ok(Got::Number(number)) => Ok(number),
            _ => Err(self.unforeseen()),
        }
    }
}
