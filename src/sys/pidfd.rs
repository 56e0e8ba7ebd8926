//! Processes by descriptor: pidfds, what they tell, and descriptors taken through them.
//!
//! A pid may be given to another process once its owner was waited for; a pidfd never means
//! another one. So what is read by pid is worth nothing unless a pidfd that was opened before
//! still lives after. References: pidfd_open(2), pidfd_getfd(2), proc_pid_fdinfo(5), fs/pidfs.c.
//!
//! Owns opening, asking and duplicating, and knows nothing of what a duplicated socket tells.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat, fstatfs};
use rustix::io::Errno;
use rustix::process::{
    ForeignRawFd, Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open as open_raw,
};

/// `PID_FS_MAGIC` of include/uapi/linux/magic.h.
const PIDFS: u64 = 0x5049_4446;

/// What a pidfd says of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// It has this pid in our pid namespace. It may have ended and wait for its parent.
    Process(u32),
    /// It has ended and was waited for: its pid may belong to another process by now.
    Reaped,
    /// It has no pid in our pid namespace.
    OutsideOurNamespace,
}

/// Opens a process (pidfd_open(2)). Anybody may.
///
/// # Errors
/// `ESRCH` when there is no such process, `EINVAL` when it is a thread and not the first of its
/// process.
pub fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::from(Errno::SRCH))?;
    Ok(open_raw(pid, PidfdFlags::empty())?)
}

/// Whether the process has ended. Waited for or not, it runs no more.
///
/// # Errors
/// When the descriptor cannot be polled.
pub fn has_ended(pidfd: impl AsFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Ok(rustix::io::retry_on_intr(|| poll(&mut fds, Some(&at_once)))? > 0)
}

/// Sends signal 0, which only asks whether it could be sent (pidfd_send_signal(2)).
///
/// # Errors
/// `ESRCH` when the process has ended and was waited for, `EPERM` when we may not signal it.
#[expect(unsafe_code, reason = "rustix and nix know no signal 0 for a pidfd")]
pub fn exists(pidfd: impl AsFd) -> nix::Result<()> {
    // SAFETY: the call takes integers and a null pointer; the descriptor is borrowed for all of it.
    let result = unsafe {
        nix::libc::syscall(
            nix::libc::SYS_pidfd_send_signal,
            pidfd.as_fd().as_raw_fd(),
            0,
            std::ptr::null::<nix::libc::siginfo_t>(),
            0,
        )
    };
    nix::errno::Errno::result(result).map(drop)
}

/// Which process a pidfd means, from `Pid:` of its fdinfo.
///
/// # Errors
/// When fdinfo cannot be read, or the descriptor is no pidfd (`InvalidData`).
pub fn means(pidfd: impl AsFd) -> io::Result<Means> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd()))?;
    parse_means(&info).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The kernel writes −1 for a process that was waited for, 0 for one that our pid namespace does
/// not know (pidfd_show_fdinfo()).
fn parse_means(info: &str) -> Option<Means> {
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    Some(match pid.trim().parse::<i64>().ok()? {
        -1 => Means::Reaped,
        0 => Means::OutsideOurNamespace,
        pid => Means::Process(u32::try_from(pid).ok()?),
    })
}

/// The number that tells this process from every other one since the machine was started: the
/// inode of its pidfd in pidfs. `None` before Linux 6.9, where all pidfds share one.
///
/// # Errors
/// When the descriptor's status cannot be read.
pub fn identity(pidfd: impl AsFd) -> io::Result<Option<u64>> {
    let file_system = fstatfs(&pidfd)?;
    if file_system.f_type as u64 != PIDFS {
        return Ok(None);
    }
    Ok(Some(fstat(&pidfd)?.st_ino))
}

/// Duplicates a descriptor of another process (pidfd_getfd(2)); it is close-on-exec here. The
/// process is not told. As long as the duplicate is open, closing the original closes nothing: a
/// peer waits for its end of file until then, so drop it at once.
///
/// # Errors
/// `EPERM` without `PTRACE_MODE_ATTACH_REALCREDS` permission (ptrace(2): another user's process,
/// one that is not dumpable, Yama, another user namespace), `EBADF` when the process has no such
/// descriptor, `ESRCH` when it has ended, `ENOSYS` before Linux 5.6.
pub fn duplicate(process: impl AsFd, descriptor: i32) -> io::Result<OwnedFd> {
    Ok(pidfd_getfd(
        process,
        descriptor as ForeignRawFd,
        PidfdGetfdFlags::empty(),
    )?)
}

/// Like [`duplicate`], of a descriptor that was seen to be the socket with this inode. `None`: it
/// is another file by now.
///
/// # Errors
/// As [`duplicate`].
pub fn duplicate_socket(
    process: impl AsFd,
    descriptor: i32,
    inode: u32,
) -> io::Result<Option<OwnedFd>> {
    let duplicate = duplicate(process, descriptor)?;
    let status = fstat(&duplicate)?;
    let same = FileType::from_raw_mode(status.st_mode) == FileType::Socket
        && super::sock_diag::low_half(status.st_ino) == inode;
    Ok(same.then_some(duplicate))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::sys::sock_diag::low_half;

    #[test]
    fn a_pidfd_of_ours_means_us_and_has_not_ended() {
        let pidfd = open(std::process::id()).unwrap();
        assert_eq!(means(&pidfd).unwrap(), Means::Process(std::process::id()));
        assert!(!has_ended(&pidfd).unwrap());
    }

    #[test]
    fn a_process_that_was_waited_for_has_no_pid_any_more() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let pidfd = open(pid).unwrap();
        assert_eq!(means(&pidfd).unwrap(), Means::Process(pid));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(has_ended(&pidfd).unwrap());
        assert_eq!(means(&pidfd).unwrap(), Means::Reaped);
    }

    #[test]
    fn two_pidfds_of_a_process_have_one_identity_and_another_process_has_another() {
        let ours = [open(std::process::id()), open(std::process::id())];
        let [one, two] = ours.map(|pidfd| identity(pidfd.unwrap()).unwrap());
        assert_eq!(one, two);
        let parent = open(std::os::unix::process::parent_id()).unwrap();
        match identity(parent).unwrap() {
            Some(other) => assert_ne!(one, Some(other)),
            None => assert_eq!(one, None),
        }
    }

    #[test]
    fn pid_zero_and_pids_out_of_range_are_no_processes() {
        for pid in [0, u32::MAX] {
            let error = open(pid).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::SRCH.raw_os_error()));
        }
    }

    #[test]
    fn a_socket_of_ours_is_duplicated_and_another_file_in_its_place_is_not() {
        let us = open(std::process::id()).unwrap();
        let (socket, other) = UnixStream::pair().unwrap();
        let inode = low_half(fstat(&socket).unwrap().st_ino);
        let same = duplicate_socket(&us, socket.as_raw_fd(), inode).unwrap();
        let same = same.expect("it is this socket");
        assert_eq!(low_half(fstat(&same).unwrap().st_ino), inode);
        let wrong = duplicate_socket(&us, other.as_raw_fd(), inode).unwrap();
        assert!(wrong.is_none());
        let error = duplicate(&us, i32::MAX).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::BADF.raw_os_error()));
    }

    #[test]
    fn fdinfo_is_read_whatever_else_is_in_it() {
        assert_eq!(
            parse_means("pos:\t0\nPid:\t-1\nNSpid:\t-1\n"),
            Some(Means::Reaped)
        );
        assert_eq!(parse_means("Pid:\t0\n"), Some(Means::OutsideOurNamespace));
        assert_eq!(parse_means("pos:\t0\n"), None);
    }
}
