//! A peer that listens: for programs that connect, and for the connections they are given.

use std::fs::Permissions;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;

use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{Backlog, SockType, UnixAddr, getsockopt, sockopt};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use super::connection::{Connection, Stop, os_errno};
use super::named::open;
use crate::check::patience::Deadline;
use crate::check::protocol::{Bytes, DeedResult};
use crate::curriculum::scenario::{SocketType, Waits};
use crate::untrusted::Untrusted;

/// Binds a socket to a path and listens (bind(2), listen(2)). A name that is there already
/// goes first: the directory is ours. Permissions are set before anybody can connect.
pub(super) fn listen(
    path: &Bytes,
    kind: SocketType,
    backlog: u32,
    mode: Option<u32>,
) -> Result<OwnedFd, Stop> {
    let path = Untrusted::from(path);
    drop(std::fs::remove_file(path.as_path()));
    let socket = open(kind, Waits::No)?;
    let address = UnixAddr::new(path.as_path()).map_err(|errno| Stop::errno(errno, "bind"))?;
    nix::sys::socket::bind(socket.as_raw_fd(), &address)
        .map_err(|errno| Stop::errno(errno, "bind"))?;
    if let Some(mode) = mode {
        std::fs::set_permissions(path.as_path(), Permissions::from_mode(mode))
            .map_err(|error| Stop::errno(os_errno(&error), "chmod"))?;
    }
    let backlog = Backlog::new(backlog as i32).map_err(|errno| Stop::errno(errno, "listen"))?;
    nix::sys::socket::listen(&socket, backlog).map_err(|errno| Stop::errno(errno, "listen"))?;
    Ok(socket)
}

/// Waits for a connection and accepts it (accept(2)).
pub(super) fn accept(listener: &OwnedFd, deadline: Deadline) -> Result<Connection, Stop> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    loop {
        match accept_with(listener, flags) {
            Ok(socket) => {
                let kind = kind_of(&socket);
                return Ok(Connection::of(socket, kind));
            }
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
                let _ = nix::poll::poll(&mut fds, deadline.poll_timeout());
                let waits = fds[0].revents().is_some_and(|found| !found.is_empty());
                if deadline.passed() && !waits {
                    return Err(Stop::new(DeedResult::TimedOut, "accept"));
                }
            }
            Err(Errno::INTR | Errno::CONNABORTED) => {}
            Err(errno) => return Err(Stop::errno(os_errno(&errno.into()), "accept")),
        }
    }
}

/// The type of a connected socket (SO_TYPE).
fn kind_of(socket: &OwnedFd) -> SocketType {
    match getsockopt(socket, sockopt::SockType) {
        Ok(SockType::SeqPacket) => SocketType::Seqpacket,
        _ => SocketType::Stream,
    }
}
