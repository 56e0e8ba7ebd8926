//! Descriptors that a peer keeps in flight: sent and never received. The kernel counts those of a
//! user together and holds the sum against the RLIMIT_NOFILE of whoever sends the next one (unix(7),
//! ETOOMANYREFS; kernel: `too_many_unix_fds`). What stages make of it is not ours.

use std::fs::File;
use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair,
};

use super::connection::os_errno;

/// A message that nobody receives, with descriptors. They are in flight until it is dropped.
pub(super) struct InFlight {
    /// Both ends: the message lies in the queue of the second.
    _ends: (OwnedFd, OwnedFd),
}

impl InFlight {
    /// Sends so many descriptors, at most SCM_MAX_FD.
    ///
    /// # Errors
    /// `EINVAL` above SCM_MAX_FD; `ETOOMANYREFS` where our user has too many in flight already.
    pub(super) fn new(descriptors: u32) -> Result<Self, Errno> {
        let kind = SockType::SeqPacket;
        let ends = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
        let null = File::open("/dev/null").map_err(|error| os_errno(&error))?;
        let sent = vec![null.as_raw_fd(); descriptors as usize];
        let rights = [ControlMessage::ScmRights(&sent)];
        let data = [IoSlice::new(b"+")];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        sendmsg::<()>(ends.0.as_raw_fd(), &data, &rights, flags, None)?;
        Ok(Self { _ends: ends })
    }
}
