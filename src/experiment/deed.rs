//! Calls on one descriptor: its name, its flags, its position, its end.
//!
//! They are the orders that need nothing but the descriptor. [`super::order`] has the others.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    MsgFlags, Shutdown, UnixAddr, getsockname, recv, send, setsockopt, shutdown, sockopt,
};
use rustix::fs::{OFlags, SeekFrom};
use rustix::io::FdFlags;
use serde::{Deserialize, Serialize};

use super::order::{Got, quoted};

/// A call on one descriptor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// `getsockname(2)` of an AF_UNIX socket.
    Name,
    /// `setsockopt(2)` of `SO_REUSEADDR` to 1.
    Reuse,
    /// `shutdown(2)` with `SHUT_WR`.
    ShutWrite,
    /// `recv(2)` with room for so many bytes and `MSG_DONTWAIT`.
    ReceiveNow(usize),
    /// `send(2)` with `MSG_NOSIGNAL`.
    Send(String),
    /// `lseek(2)` to a place from the beginning.
    Seek(u64),
    /// `lseek(2)` by nothing: the position as it is.
    Tell,
    /// `fcntl(2)` with `F_GETFD`: the flags of the descriptor.
    DescriptorFlags,
    /// `fcntl(2)` with `F_GETFL`: the access mode, and `O_NONBLOCK` where it is set.
    StatusFlags,
    /// `fcntl(2)` with `F_SETFL`: sets `O_NONBLOCK`.
    SetNonblocking,
}

impl Deed {
    /// The call as strace would write it, shortened to what matters.
    pub(super) fn text(&self, fd: i32) -> String {
        match self {
            Self::Name => format!("getsockname({fd})"),
            Self::Reuse => format!("setsockopt({fd}, SO_REUSEADDR, 1)"),
            Self::ShutWrite => format!("shutdown({fd}, SHUT_WR)"),
            Self::ReceiveNow(size) => format!("recv({fd}, buffer, {size}, MSG_DONTWAIT)"),
            Self::Send(bytes) => {
                format!(
                    "send({fd}, {}, {}, MSG_NOSIGNAL)",
                    quoted(bytes),
                    bytes.len()
                )
            }
            Self::Seek(to) => format!("lseek({fd}, {to}, SEEK_SET)"),
            Self::Tell => format!("lseek({fd}, 0, SEEK_CUR)"),
            Self::DescriptorFlags => format!("fcntl({fd}, F_GETFD)"),
            Self::StatusFlags => format!("fcntl({fd}, F_GETFL)"),
            Self::SetNonblocking => format!("fcntl({fd}, F_SETFL, O_NONBLOCK)"),
        }
    }

    /// Makes the call.
    pub(super) fn perform(&self, fd: BorrowedFd<'_>) -> Result<Got, Errno> {
        match self {
            Self::Name => name(fd).map(Got::Text),
            Self::Reuse => setsockopt(&fd, sockopt::ReuseAddr, &true).map(|()| Got::Done),
            Self::ShutWrite => shutdown(fd.as_raw_fd(), Shutdown::Write).map(|()| Got::Done),
            Self::ReceiveNow(size) => {
                let mut buffer = vec![0; *size];
                let count = recv(fd.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT)?;
                buffer.truncate(count);
                Ok(Got::Bytes(buffer))
            }
            Self::Send(bytes) => {
                send(fd.as_raw_fd(), bytes.as_bytes(), MsgFlags::MSG_NOSIGNAL).map(Got::Count)
            }
            Self::Seek(to) => seek(fd, SeekFrom::Start(*to)),
            Self::Tell => seek(fd, SeekFrom::Current(0)),
            Self::DescriptorFlags => {
                let flags = rustix::io::fcntl_getfd(fd).map_err(errno)?;
                let set = flags.contains(FdFlags::CLOEXEC);
                Ok(Got::Text(if set { "FD_CLOEXEC" } else { "0" }.to_owned()))
            }
            Self::StatusFlags => {
                let flags = rustix::fs::fcntl_getfl(fd).map_err(errno)?;
                Ok(Got::Text(status_flags(flags)))
            }
            Self::SetNonblocking => {
                let flags = rustix::fs::fcntl_getfl(fd).map_err(errno)?;
                rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK).map_err(errno)?;
                Ok(Got::Done)
            }
        }
    }
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

fn seek(fd: BorrowedFd<'_>, to: SeekFrom) -> Result<Got, Errno> {
    let at = rustix::fs::seek(fd, to).map_err(errno)?;
    usize::try_from(at)
        .map(Got::Count)
        .map_err(|_| Errno::EOVERFLOW)
}

/// A name as strace writes it: `"door.sock"`, `@"door"` for an abstract one, and words for none.
fn name(fd: BorrowedFd<'_>) -> Result<String, Errno> {
    use std::os::unix::ffi::OsStrExt;
    let name = getsockname::<UnixAddr>(fd.as_raw_fd())?;
    let escaped = |bytes: &[u8]| format!("\"{}\"", bytes.escape_ascii());
    Ok(match (name.path(), name.as_abstract()) {
        (Some(path), _) => escaped(path.as_os_str().as_bytes()),
        (None, Some(bytes)) => format!("@{}", escaped(bytes)),
        (None, None) => "no name".to_owned(),
    })
}

fn status_flags(flags: OFlags) -> String {
    let mode = match flags & OFlags::RWMODE {
        OFlags::RDONLY => "O_RDONLY",
        OFlags::WRONLY => "O_WRONLY",
        _ => "O_RDWR",
    };
    let nonblocking = flags.contains(OFlags::NONBLOCK);
    mode.to_owned() + if nonblocking { "|O_NONBLOCK" } else { "" }
}
