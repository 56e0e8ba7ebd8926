//! Receives a message with a control buffer of an exact size, however small: what a program gets
//! that has misjudged it. Libraries round the size up, or refuse a message that was cut.
//!
//! Reference: cmsg(3), recvmsg(2), unix(7); kernel: `put_cmsg`, `scm_detach_fds`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

/// What arrived.
#[derive(Debug)]
pub struct Received {
    /// How many bytes of the buffer were filled.
    pub count: usize,
    /// The descriptors that found room, with close-on-exec.
    pub descriptors: Vec<OwnedFd>,
    /// How many bytes of credentials found room: 12 are all of them. None when none came.
    pub credentials: Option<usize>,
    /// `MSG_CTRUNC`: control messages had no room.
    pub control_cut: bool,
    /// `MSG_TRUNC`: bytes had no room.
    pub cut: bool,
}

/// recvmsg(2) without waiting, with a control buffer of exactly `room` bytes.
///
/// # Errors
/// What recvmsg(2) gives; `EAGAIN` when nothing is there.
#[expect(unsafe_code, reason = "wrappers give no control over the size")]
pub fn receive(socket: impl AsFd, buffer: &mut [u8], room: usize) -> io::Result<Received> {
    // Words, so that the kernel finds the buffer aligned as a cmsghdr must be.
    let mut control = vec![0_u64; room.div_ceil(size_of::<u64>())];
    let mut piece = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all bits zero are a msghdr: null pointers and lengths of 0.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut piece;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = room as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: the header names one buffer of `buffer.len()` bytes and a control buffer that has at
    // least `room` bytes; both outlive the call.
    let count = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut header, flags) };
    let count = usize::try_from(Errno::result(count)?).expect("a count is not negative");
    let filled = (header.msg_controllen as usize).min(room);
    let bytes: Vec<u8> = control.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let mut received = Received {
        count,
        descriptors: Vec::new(),
        credentials: None,
        control_cut: header.msg_flags & libc::MSG_CTRUNC != 0,
        cut: header.msg_flags & libc::MSG_TRUNC != 0,
    };
    for (level, kind, payload) in messages(&bytes[..filled]) {
        match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                for number in payload.chunks_exact(size_of::<libc::c_int>()) {
                    let number = i32::from_ne_bytes(number.try_into().expect("four bytes"));
                    // SAFETY: the kernel has just installed this descriptor for us, and nobody
                    // else knows of it.
                    received
                        .descriptors
                        .push(unsafe { OwnedFd::from_raw_fd(number) });
                }
            }
            (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                received.credentials = Some(payload.len());
            }
            _ => {}
        }
    }
    Ok(received)
}

/// The control messages in a buffer: level, type and payload of each.
fn messages(bytes: &[u8]) -> Vec<(i32, i32, &[u8])> {
    const LENGTH: usize = size_of::<usize>();
    const HEADER: usize = LENGTH + 8;
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some((head, _)) = rest.split_at_checked(HEADER) {
        let number = |at: usize| {
            let bytes = head[at..at + 4].try_into().expect("four bytes");
            i32::from_ne_bytes(bytes)
        };
        let length = head[..LENGTH].try_into().expect("a word");
        let length = usize::from_ne_bytes(length).min(rest.len());
        if length < HEADER {
            break;
        }
        found.push((number(LENGTH), number(LENGTH + 4), &rest[HEADER..length]));
        // The next one begins at a multiple of a word: CMSG_ALIGN.
        rest = &rest[length.next_multiple_of(LENGTH).min(rest.len())..];
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io::{IoSlice, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

    use super::receive;

    fn sent(room: usize) -> (usize, bool) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let fd = theirs.as_raw_fd();
        let rights = [ControlMessage::ScmRights(&[fd, fd, fd])];
        let bytes = [IoSlice::new(b"x")];
        sendmsg::<()>(ours.as_raw_fd(), &bytes, &rights, MsgFlags::empty(), None).expect("sent");
        let received = receive(&theirs, &mut [0; 8], room).expect("received");
        assert_eq!(received.count, 1);
        (received.descriptors.len(), received.control_cut)
    }

    #[test]
    fn as_many_descriptors_arrive_as_have_room_and_the_rest_is_told() {
        assert_eq!(sent(0), (0, true));
        assert_eq!(sent(16), (0, true));
        assert_eq!(sent(20), (1, true));
        assert_eq!(sent(24), (2, true));
        assert_eq!(sent(32), (3, false));
    }

    #[test]
    fn a_message_without_control_data_is_only_bytes() {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair");
        assert!(receive(&theirs, &mut [0; 8], 64).is_err(), "nothing yet");
        ours.write_all(b"hello").expect("sent");
        let mut buffer = [0; 8];
        let received = receive(&theirs, &mut buffer, 64).expect("received");
        assert_eq!(&buffer[..received.count], b"hello");
        assert!(received.descriptors.is_empty() && received.credentials.is_none());
        assert!(!received.control_cut && !received.cut);
    }
}
