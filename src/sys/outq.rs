//! How much of what was sent on a socket is still unread at the other end.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::libc;

/// Asks SIOCOUTQ: for a Unix socket, the memory of what was sent on it and has not been received.
/// It is 0 exactly when all has been received (unix(7), Ioctls; kernel: `unix_outq_len`).
///
/// # Errors
/// When the descriptor is no socket.
#[expect(
    unsafe_code,
    reason = "a system call that neither nix nor rustix wraps"
)]
pub fn unread(socket: &impl AsFd) -> io::Result<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: SIOCOUTQ (the number of TIOCOUTQ) writes one int, to a place that holds one.
    let done = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if done == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(bytes.max(0) as u64)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::unread;

    #[test]
    fn it_is_zero_when_the_other_end_has_read_everything() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        assert_eq!(unread(&ours).unwrap(), 0);
        ours.write_all(b"abc").unwrap();
        assert!(unread(&ours).unwrap() > 0);
        theirs.read_exact(&mut [0; 3]).unwrap();
        assert_eq!(unread(&ours).unwrap(), 0);
    }
}
