//! What the kernel tells of whoever is at the other end of a Unix socket: the options that answer
//! from what was recorded when the connection was made, and the control messages that come with
//! what is sent. References: unix(7), socket(7), net/core/sock.c (sk_getsockopt()),
//! include/net/scm.h.
//!
//! Owns the calls and their encodings. When an answer was recorded, and what it is worth, is known
//! elsewhere.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `SO_PASSRIGHTS`, since Linux 6.16; not in the C library's headers yet.
#[cfg(not(any(target_arch = "sparc", target_arch = "sparc64")))]
const SO_PASSRIGHTS: libc::c_int = 83;
#[cfg(any(target_arch = "sparc", target_arch = "sparc64"))]
const SO_PASSRIGHTS: libc::c_int = 0x5c;

/// `SCM_PIDFD` of include/linux/socket.h.
const SCM_PIDFD: libc::c_int = 4;

/// How many supplementary groups a process may have: `NGROUPS_MAX`.
const MOST_GROUPS: usize = 65_536;

/// `struct ucred` (unix(7)), as seen from our own pid and user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Ucred {
    /// Process id; 0 when nothing was recorded, or the process is not in our pid namespace.
    pub pid: u32,
    /// User id; 4294967295 when nothing was recorded, 65534 (`kernel.overflowuid`) when it is not
    /// mapped into our user namespace.
    pub uid: u32,
    /// Group id; likewise.
    pub gid: u32,
}

impl Ucred {
    /// False for (0, −1, −1): the kernel's answer, with success, when nothing was recorded.
    pub fn was_recorded(self) -> bool {
        self.uid != u32::MAX || self.gid != u32::MAX
    }
}

impl From<libc::ucred> for Ucred {
    fn from(raw: libc::ucred) -> Self {
        Self {
            pid: raw.pid.cast_unsigned(),
            uid: raw.uid,
            gid: raw.gid,
        }
    }
}

/// `SO_PEERCRED`: process id and effective ids of who called connect(2), listen(2) or
/// socketpair(2), as they were then.
///
/// # Errors
/// When the descriptor is no socket.
pub fn recorded(socket: impl AsFd) -> io::Result<Ucred> {
    let raw = getsockopt(&socket, sockopt::PeerCredentials)?;
    Ok(Ucred {
        pid: raw.pid().cast_unsigned(),
        uid: raw.uid(),
        gid: raw.gid(),
    })
}

/// `SO_PEERGROUPS`: the supplementary groups that belong to [`recorded`].
///
/// # Errors
/// `ENODATA` when nothing was recorded, `ENOPROTOOPT` before Linux 4.13.
pub fn groups(socket: impl AsFd) -> io::Result<Vec<u32>> {
    let mut bytes = vec![0; 64 * size_of::<libc::gid_t>()];
    let read = match option_bytes(&socket, libc::SO_PEERGROUPS, &mut bytes) {
        Err(Errno::ERANGE) => {
            bytes.resize(MOST_GROUPS * size_of::<libc::gid_t>(), 0);
            option_bytes(&socket, libc::SO_PEERGROUPS, &mut bytes)?
        }
        other => other?,
    };
    let groups = bytes[..read].chunks_exact(size_of::<libc::gid_t>());
    Ok(groups
        .map(|group| u32::from_ne_bytes(group.try_into().expect("chunks of four bytes")))
        .collect())
}

/// `SO_PEERPIDFD`: a pidfd of the process in [`recorded`]. It may have ended long ago.
///
/// # Errors
/// `ENODATA` when nothing was recorded; `ENOPROTOOPT` before Linux 6.5; `ESRCH` or `EINVAL` before
/// Linux 6.16 when the process was waited for.
pub fn pidfd(socket: impl AsFd) -> io::Result<OwnedFd> {
    Ok(getsockopt(&socket, sockopt::PeerPidfd)?)
}

/// `SO_PEERSEC`: the label that a security module gave the peer, without the NUL that ends it.
///
/// # Errors
/// `ENOPROTOOPT` when no security module here labels sockets, or the peer has no label.
pub fn label(socket: impl AsFd) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4096];
    let read = option_bytes(&socket, libc::SO_PEERSEC, &mut bytes)?;
    bytes.truncate(read);
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

/// Options that decide what comes with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// `SO_PASSCRED`: `SCM_CREDENTIALS` with every message.
    Credentials,
    /// `SO_PASSPIDFD`: `SCM_PIDFD` with every message; since Linux 6.5.
    Pidfd,
    /// `SO_PASSRIGHTS`: others may send descriptors; since Linux 6.16, and on unless switched off.
    Rights,
}

/// Whether an option is there to be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Off.
    Off,
    /// On.
    On,
}

/// Sets an option.
///
/// # Errors
/// `ENOPROTOOPT` when the kernel does not know it.
#[expect(unsafe_code, reason = "setsockopt for options that nix does not know")]
pub fn set(socket: impl AsFd, pass: Pass, switch: Switch) -> io::Result<()> {
    let option = match pass {
        Pass::Credentials => {
            return Ok(setsockopt(
                &socket,
                sockopt::PassCred,
                &(switch == Switch::On),
            )?);
        }
        Pass::Pidfd => libc::SO_PASSPIDFD,
        Pass::Rights => SO_PASSRIGHTS,
    };
    let value = libc::c_int::from(switch == Switch::On);
    // SAFETY: `value` is valid for reads of its size, which is the length that is given; the
    // descriptor is borrowed for the whole call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    Errno::result(result)?;
    Ok(())
}

/// Asks whether an option is on.
///
/// # Errors
/// `ENOPROTOOPT` when the kernel does not know it.
pub fn get(socket: impl AsFd, pass: Pass) -> io::Result<Switch> {
    let option = match pass {
        Pass::Credentials => libc::SO_PASSCRED,
        Pass::Pidfd => libc::SO_PASSPIDFD,
        Pass::Rights => SO_PASSRIGHTS,
    };
    let mut value = [0; size_of::<libc::c_int>()];
    option_bytes(&socket, option, &mut value)?;
    Ok(if libc::c_int::from_ne_bytes(value) == 0 {
        Switch::Off
    } else {
        Switch::On
    })
}

/// getsockopt(2) at the level of sockets; returns how many bytes were written.
#[expect(unsafe_code, reason = "getsockopt for options that nix does not know")]
fn option_bytes(socket: impl AsFd, option: libc::c_int, value: &mut [u8]) -> Result<usize, Errno> {
    let mut length = value.len() as libc::socklen_t;
    // SAFETY: `value` is valid for writes of `length` bytes, and `length` for reads and writes; the
    // descriptor is borrowed for the whole call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    Errno::result(result)?;
    Ok((length as usize).min(value.len()))
}

/// A message, and what the kernel says of who sent it.
#[derive(Debug, Default)]
pub struct Message {
    /// How many bytes came; 0 at the end of file, when credentials mean nothing.
    pub length: usize,
    /// `SCM_CREDENTIALS`: what the sender claimed, checked by the kernel; real ids when it claimed
    /// nothing.
    pub credentials: Option<Ucred>,
    /// `SCM_PIDFD`: the process that sent.
    pub pidfd: Option<OwnedFd>,
}

/// Receives one message of at most 64 bytes with what came along (recvmsg(2)). Descriptors that
/// somebody sent are closed.
///
/// # Errors
/// As recvmsg(2).
#[expect(
    unsafe_code,
    reason = "neither nix nor rustix knows SCM_PIDFD, and both would leave its descriptor open"
)]
pub fn receive(socket: impl AsFd) -> io::Result<Message> {
    let mut data = [0_u8; 64];
    // Aligned as control messages are; room for everything that is asked for here, and some
    // descriptors that are not.
    let mut control = [MaybeUninit::<libc::cmsghdr>::uninit(); 32];
    let mut part = libc::iovec {
        iov_base: data.as_mut_ptr().cast(),
        iov_len: data.len(),
    };
    // SAFETY: zeroes are a valid msghdr: null pointers with lengths of nothing.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control) as _;
    let length = loop {
        // SAFETY: every pointer in `header` is valid for writes of the length beside it, for the
        // whole call.
        let result = unsafe {
            libc::recvmsg(
                socket.as_fd().as_raw_fd(),
                &raw mut header,
                libc::MSG_CMSG_CLOEXEC,
            )
        };
        match Errno::result(result) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    let mut message = Message {
        length: length.cast_unsigned(),
        ..Message::default()
    };
    // SAFETY: the kernel has filled `header.msg_controllen` bytes of `control`, and has set it.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !next.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR return null or a whole header inside `control`.
        let found = unsafe { next.read() };
        // SAFETY: as above; only the address of what follows the header is computed.
        let value = unsafe { libc::CMSG_DATA(next) };
        let size = (found.cmsg_len as usize).saturating_sub(value as usize - next as usize);
        match (found.cmsg_level, found.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if size >= size_of::<libc::ucred>() => {
                // SAFETY: `size` bytes follow the header, enough for a ucred; alignment is not
                // relied on.
                let raw = unsafe { value.cast::<libc::ucred>().read_unaligned() };
                message.credentials = Some(raw.into());
            }
            (libc::SOL_SOCKET, kind @ (SCM_PIDFD | libc::SCM_RIGHTS)) => {
                for at in 0..size / size_of::<libc::c_int>() {
                    // SAFETY: `size` bytes follow the header, so there are that many numbers.
                    let raw = unsafe { value.cast::<libc::c_int>().add(at).read_unaligned() };
                    // A pidfd that could not be made comes as an errno below zero.
                    if raw < 0 {
                        continue;
                    }
                    // SAFETY: the kernel has just opened this descriptor for us, and nobody else
                    // knows it.
                    let descriptor = unsafe { OwnedFd::from_raw_fd(raw) };
                    if kind == SCM_PIDFD {
                        message.pidfd = Some(descriptor);
                    }
                }
            }
            _ => {}
        }
        // SAFETY: `next` is a header inside `control`, which `header` still describes.
        next = unsafe { libc::CMSG_NXTHDR(&raw const header, next) };
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use std::io::{IoSlice, Write};
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

    use super::*;
    use crate::sys::pidfd::{self, Means};

    fn us() -> Ucred {
        Ucred {
            pid: std::process::id(),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }

    #[test]
    fn a_pair_was_made_by_us() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(recorded(&one).unwrap(), us());
        assert!(us().was_recorded());
        let mut ours: Vec<u32> = nix::unistd::getgroups()
            .unwrap()
            .into_iter()
            .map(nix::unistd::Gid::as_raw)
            .collect();
        let mut theirs = groups(&one).unwrap();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(theirs, ours);
    }

    #[test]
    fn nothing_is_recorded_on_a_socket_that_was_never_connected() {
        let socket = UnixDatagram::unbound().unwrap();
        assert!(!recorded(&socket).unwrap().was_recorded());
        let error = groups(&socket).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODATA));
    }

    #[test]
    fn a_pidfd_comes_where_the_kernel_knows_it() {
        let (one, _other) = UnixStream::pair().unwrap();
        match pidfd(&one) {
            Ok(pidfd) => assert_eq!(
                pidfd::means(pidfd).unwrap(),
                Means::Process(std::process::id())
            ),
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ENOPROTOOPT)),
        }
    }

    #[test]
    fn credentials_and_a_pidfd_come_with_a_message_once_asked_for() {
        let (receiver, mut sender) = UnixStream::pair().unwrap();
        assert_eq!(get(&receiver, Pass::Credentials).unwrap(), Switch::Off);
        sender.write_all(b"a").unwrap();
        let message = receive(&receiver).unwrap();
        assert_eq!(message.length, 1);
        assert!(message.credentials.is_none() && message.pidfd.is_none());
        set(&receiver, Pass::Credentials, Switch::On).unwrap();
        assert_eq!(get(&receiver, Pass::Credentials).unwrap(), Switch::On);
        let pidfds = set(&receiver, Pass::Pidfd, Switch::On).is_ok();
        sender.write_all(b"b").unwrap();
        let message = receive(&receiver).unwrap();
        assert_eq!(message.credentials.unwrap().pid, std::process::id());
        assert_eq!(message.pidfd.is_some(), pidfds);
        if let Some(pidfd) = message.pidfd {
            let means = pidfd::means(pidfd).unwrap();
            assert_eq!(means, Means::Process(std::process::id()));
        }
    }

    #[test]
    fn descriptors_that_nobody_asked_for_are_closed() {
        let (receiver, sender) = UnixStream::pair().unwrap();
        let mut pipe = nix::unistd::pipe().unwrap();
        let sent = [pipe.1.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&sent)];
        let data = [IoSlice::new(b"x")];
        sendmsg::<()>(sender.as_raw_fd(), &data, &rights, MsgFlags::empty(), None).unwrap();
        assert_eq!(receive(&receiver).unwrap().length, 1);
        drop(pipe.1);
        // Nobody holds the other end any more: the end of file comes at once.
        assert_eq!(nix::unistd::read(&mut pipe.0, &mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn descriptors_are_refused_where_the_kernel_lets_one_refuse_them() {
        let (receiver, sender) = UnixStream::pair().unwrap();
        if set(&receiver, Pass::Rights, Switch::Off).is_err() {
            return;
        }
        assert_eq!(get(&receiver, Pass::Rights).unwrap(), Switch::Off);
        let sent = [sender.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&sent)];
        let data = [IoSlice::new(b"x")];
        let error = sendmsg::<()>(sender.as_raw_fd(), &data, &rights, MsgFlags::empty(), None);
        assert_eq!(error, Err(Errno::EPERM));
    }
}
