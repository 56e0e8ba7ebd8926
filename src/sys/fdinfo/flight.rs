//! Descriptors that are under way to a socket.

use crate::sys::fd_table;
use crate::sys::proc_scan::Descriptor;
use crate::sys::sock_diag::low_half;

/// How many descriptors wait in messages that were sent to a socket and that nobody has received:
/// `scm_fds:`. `None`: the process may not be read, the descriptor is another file by now, or the
/// kernel is older than 5.14. Reference: unix_show_fdinfo(), proc_pid_fdinfo(5).
pub fn descriptors_in_flight(socket: Descriptor) -> Option<u32> {
    let Descriptor { inode, pid, fd } = socket;
    let info = super::parse(&fd_table::info(pid, fd).ok()?);
    let same = info.inode.map(low_half) == Some(inode);
    u32::try_from(info.in_flight().filter(|_| same)?).ok()
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsFd, AsRawFd};
    use std::os::unix::net::UnixStream;

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

    use super::*;

    #[test]
    fn descriptors_in_an_unread_message_are_counted() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let descriptor = Descriptor {
            inode: low_half(rustix::fs::fstat(&theirs).unwrap().st_ino),
            pid: std::process::id(),
            fd: u32::try_from(theirs.as_raw_fd()).unwrap(),
        };
        assert_eq!(descriptors_in_flight(descriptor), Some(0));
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let sent = [std::io::stdin(), std::io::stdin()];
        let sent = [sent[0].as_fd(), sent[1].as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&sent)));
        sendmsg(
            &ours,
            &[IoSlice::new(b"x")],
            &mut control,
            SendFlags::empty(),
        )
        .unwrap();
        assert_eq!(descriptors_in_flight(descriptor), Some(2));
        let another = Descriptor {
            inode: descriptor.inode + 1,
            ..descriptor
        };
        assert_eq!(descriptors_in_flight(another), None);
    }
}
