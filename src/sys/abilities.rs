//! Questions to the kernel that have no safe wrapper: whether a socket option exists, which version
//! of Landlock there is, whether a process may be traced. Each is one system call; what the answers
//! are good for is decided elsewhere.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc;

/// Options of a Unix socket that not every kernel knows, by their place in
/// `include/uapi/asm-generic/socket.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOption {
    /// The credentials of who connected or listened (unix(7)).
    PeerCred,
    /// The peer's supplementary groups, since 4.13.
    PeerGroups,
    /// A pidfd of the peer, since 6.5.
    PeerPidfd,
    /// A pidfd with every message, since 6.5.
    PassPidfd,
    /// Whether descriptors may arrive, since 6.16.
    PassRights,
}

impl SocketOption {
    fn number(self) -> libc::c_int {
        match self {
            Self::PeerCred => libc::SO_PEERCRED,
            Self::PeerGroups => libc::SO_PEERGROUPS,
            Self::PeerPidfd => libc::SO_PEERPIDFD,
            Self::PassPidfd => libc::SO_PASSPIDFD,
            // Not in the C library's headers everywhere yet; architectures with numbers of their
            // own ask for an option they do not know, and are told so.
            Self::PassRights => 83,
        }
    }
}

/// Asks a connected socket for an option (getsockopt(2)). A pidfd that comes back is closed again.
///
/// # Errors
/// `ENOPROTOOPT` when the kernel does not know the option.
#[expect(unsafe_code, reason = "getsockopt for options that nix does not know")]
pub fn has_option(socket: BorrowedFd<'_>, option: SocketOption) -> io::Result<()> {
    let mut value = [0_u8; 4096];
    let mut length = value.len() as libc::socklen_t;
    // SAFETY: `value` is valid for writes of `length` bytes, and `length` for reads and writes; the
    // descriptor is borrowed for the whole call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option.number(),
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    Errno::result(result)?;
    if option == SocketOption::PeerPidfd && length as usize == size_of::<libc::c_int>() {
        let pidfd = i32::from_ne_bytes([value[0], value[1], value[2], value[3]]);
        // SAFETY: the kernel has just opened this descriptor for us, and nobody else knows it.
        unsafe { libc::close(pidfd) };
    }
    Ok(())
}

/// The newest version of Landlock that the kernel knows (landlock_create_ruleset(2)). Asking changes
/// nothing.
///
/// # Errors
/// `ENOSYS` when the kernel was built without it, `EOPNOTSUPP` when it is switched off.
#[expect(unsafe_code, reason = "the call has no wrapper")]
pub fn landlock_version() -> io::Result<u32> {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the kernel wants no attributes and touches no memory of ours.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0_usize,
            VERSION,
        )
    };
    Ok(Errno::result(result)? as u32)
}

/// Lets the parent trace this process from now on (ptrace(2), PTRACE_TRACEME). For a process that
/// ends right after.
///
/// # Errors
/// `EPERM` when tracing is forbidden.
#[expect(
    unsafe_code,
    reason = "nix wraps ptrace behind a feature that nothing else needs"
)]
pub fn let_parent_trace() -> io::Result<()> {
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request ignores pid, address and data, and touches no memory.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, nothing, nothing) };
    Errno::result(result)?;
    Ok(())
}

/// Begins to trace a process without stopping it (ptrace(2), PTRACE_SEIZE). It is let go when the
/// caller ends.
///
/// # Errors
/// `EPERM` when it may not be traced by the caller, `ESRCH` when it does not exist.
#[expect(
    unsafe_code,
    reason = "nix wraps ptrace behind a feature that nothing else needs"
)]
pub fn trace(pid: i32) -> io::Result<()> {
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request ignores the address, takes no options, and touches no memory of ours.
    let result = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, nothing, nothing) };
    Errno::result(result)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn every_kernel_knows_who_the_peer_is() {
        let (one, _other) = UnixStream::pair().unwrap();
        has_option(one.as_fd(), SocketOption::PeerCred).unwrap();
    }

    #[test]
    fn a_socket_that_is_no_unix_socket_has_no_peer_pidfd() {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        has_option(tcp.as_fd(), SocketOption::PeerPidfd).unwrap_err();
    }

    #[test]
    fn asking_for_a_pidfd_leaves_no_descriptor_behind() {
        let open = || fs::read_link("/proc/self/fd/900").is_ok();
        let (one, _other) = UnixStream::pair().unwrap();
        assert!(!open());
        for _ in 0..1000 {
            drop(has_option(one.as_fd(), SocketOption::PeerPidfd));
        }
        assert!(!open());
    }
}
