//! What an actor can be asked to do about descriptors that are handed on: made in pairs, put under
//! a number, found under it by the next program.

use std::fs;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use rustix::io::FdFlags;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};
use serde::{Deserialize, Serialize};

use super::actor::Table;
use super::order::Got;
use crate::sys::inherited;

/// Something to do about descriptors that are handed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handed {
    /// `pipe2(2)` without flags.
    Pipe,
    /// `socketpair(2)` of AF_UNIX streams.
    Pair,
    /// `socket(2)` of an AF_UNIX stream with `SOCK_CLOEXEC`.
    SocketClosing,
    /// `dup2(2)` onto a number that is the actor's already; the same one, perhaps.
    Onto(i32, i32),
    /// `fcntl(2)` with `F_SETFD`: no close-on-exec.
    KeepOpen(i32),
    /// `fcntl(2)` with `F_GETFD` of a number that came across `execve(2)`. From here on it is the
    /// actor's.
    Inherited(i32),
    /// `readlink(2)` of `/proc/self/fd/N`: what it leads to.
    LeadsTo(i32),
}

impl Handed {
    /// The call as strace would write it, shortened to what matters.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Pipe => "pipe2(0)".to_owned(),
            Self::Pair => "socketpair(AF_UNIX, SOCK_STREAM)".to_owned(),
            Self::SocketClosing => "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0)".to_owned(),
            Self::Onto(old, new) => format!("dup2({old}, {new})"),
            Self::KeepOpen(fd) => format!("fcntl({fd}, F_SETFD, 0)"),
            Self::Inherited(fd) => format!("fcntl({fd}, F_GETFD)"),
            Self::LeadsTo(fd) => format!("readlink(\"/proc/self/fd/{fd}\")"),
        }
    }

    /// Makes the call.
    pub(super) fn perform(&self, table: &mut Table) -> Result<Got, Errno> {
        match self {
            Self::Pipe => {
                let (reader, writer) = nix::unistd::pipe()?;
                Ok(Got::Ends(table.keep(reader), table.keep(writer)))
            }
            Self::Pair => {
                let flags = SocketFlags::empty();
                let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
                let (one, other) = net::socketpair(family, kind, flags, None).map_err(errno)?;
                Ok(Got::Ends(table.keep(one), table.keep(other)))
            }
            Self::SocketClosing => {
                let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
                let fd = net::socket_with(family, kind, SocketFlags::CLOEXEC, None);
                Ok(Got::Descriptor(table.keep(fd.map_err(errno)?)))
            }
            Self::Onto(old, new) if old == new => {
                let same = inherited::onto_itself(table.get(*old)?);
                same.map(Got::Descriptor).map_err(io_errno)
            }
            Self::Onto(old, new) => {
                let mut target = table.take(*new)?;
                let made = match table.get(*old) {
                    Ok(source) => nix::unistd::dup2(source, &mut target),
                    Err(error) => Err(error),
                };
                table.keep(target);
                made.map(|()| Got::Descriptor(*new))
            }
            Self::KeepOpen(fd) => {
                let set = rustix::io::fcntl_setfd(table.get(*fd)?, FdFlags::empty());
                set.map(|()| Got::Done).map_err(errno)
            }
            Self::Inherited(fd) => {
                if table.get(*fd).is_err() {
                    let taken = inherited::take(*fd).map_err(io_errno)?;
                    table.keep(taken);
                }
                let flags = rustix::io::fcntl_getfd(table.get(*fd)?).map_err(errno)?;
                let set = flags.contains(FdFlags::CLOEXEC);
                Ok(Got::Text(if set { "FD_CLOEXEC" } else { "0" }.to_owned()))
            }
            Self::LeadsTo(fd) => {
                let number = table.get(*fd)?.as_raw_fd();
                let target = fs::read_link(format!("/proc/self/fd/{number}")).map_err(io_errno)?;
                Ok(Got::Text(target.to_string_lossy().into_owned()))
            }
        }
    }
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

fn io_errno(error: std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}
