//! Whether two descriptors are one open file description: kcmp(2).
//!
//! A descriptor is a number in a table; what it leads to, the open file description, holds the
//! offset and the status flags, and may be shared by dup(2), fork(2) and `SCM_RIGHTS`. `/proc`
//! does not tell; the kernel compares when asked. The order it answers in is stable until the next
//! boot and tells nothing else, so that N descriptors are sorted with N log N questions.
//!
//! Needs `PTRACE_MODE_READ` of both processes, and a kernel with CONFIG_KCMP: see [`Refused`].
//! Reference: kcmp(2), kernel/kcmp.c.

use std::cmp::Ordering;
use std::io;

use nix::libc;

/// `enum kcmp_type`: not in the libc crate.
const FILE: libc::c_int = 0;
const FILES: libc::c_int = 2;
const EPOLL_TARGET: libc::c_int = 7;

/// A descriptor of a process. Thread ids are taken too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// The process, or one of its threads.
    pub pid: u32,
    /// The descriptor's number.
    pub fd: u32,
}

/// What an epoll descriptor watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The epoll descriptor.
    pub epoll: Slot,
    /// The number that was given to epoll_ctl(2).
    pub target: u32,
    /// Which of several that were added under this number, from 0.
    pub nth: u32,
}

/// Why the kernel did not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One of the processes may not be read.
    #[error("one of the processes may not be read")]
    Permission,
    /// The kernel has no kcmp(2), or it is filtered.
    #[error("this kernel does not compare")]
    Unsupported,
    /// A process or a descriptor is not there any more.
    #[error("closed meanwhile")]
    Gone,
}

/// Compares two open file descriptions. Equal means that they are one.
///
/// # Errors
/// When the kernel does not answer.
pub fn files(one: Slot, other: Slot) -> Result<Ordering, Refused> {
    call([one.pid, other.pid], FILE, [one.fd.into(), other.fd.into()])
}

/// Whether two processes or threads share one table of descriptors (`CLONE_FILES`).
///
/// # Errors
/// When the kernel does not answer.
pub fn same_table(one: u32, other: u32) -> Result<bool, Refused> {
    Ok(call([one, other], FILES, [0, 0])? == Ordering::Equal)
}

/// Compares a descriptor with what an epoll descriptor watches.
///
/// # Errors
/// When the kernel does not answer, or there is no such watch.
pub fn watched(one: Slot, watched: Watched) -> Result<Ordering, Refused> {
    // struct kcmp_epoll_slot: efd, tfd, toff.
    let slot = [watched.epoll.fd, watched.target, watched.nth];
    let address = slot.as_ptr() as libc::c_ulong;
    let answer = call(
        [one.pid, watched.epoll.pid],
        EPOLL_TARGET,
        [one.fd.into(), address],
    );
    // The kernel reads the slot during the call.
    std::hint::black_box(&slot);
    answer
}

#[expect(unsafe_code, reason = "a system call without a wrapper")]
fn call(
    pids: [u32; 2],
    kind: libc::c_int,
    indexes: [libc::c_ulong; 2],
) -> Result<Ordering, Refused> {
    let [one, other] = pids.map(u32::cast_signed);
    let [first, second] = indexes;
    // SAFETY: kcmp(2) writes nothing; for KCMP_EPOLL_TFD it reads three ints at `second`, which
    // `watched` keeps alive, and answers EFAULT for an address it cannot read.
    let answer = unsafe { libc::syscall(libc::SYS_kcmp, one, other, kind, first, second) };
    match answer {
        0 => Ok(Ordering::Equal),
        1 => Ok(Ordering::Less),
        2 => Ok(Ordering::Greater),
        -1 => Err(match io::Error::last_os_error().raw_os_error() {
            // An unprivileged seccomp filter, as of older container engines, answers EPERM too.
            Some(libc::EPERM | libc::EACCES) => Refused::Permission,
            Some(libc::EBADF | libc::ESRCH | libc::ENOENT) => Refused::Gone,
            _ => Refused::Unsupported,
        }),
        // "Not equal, and no order": the kernel never answers so today.
        _ => Err(Refused::Unsupported),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::{AsRawFd, OwnedFd};

    use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

    use super::*;

    fn slot(fd: &impl AsRawFd) -> Slot {
        Slot {
            pid: std::process::id(),
            fd: fd.as_raw_fd().cast_unsigned(),
        }
    }

    #[test]
    fn a_duplicate_is_equal_and_a_file_opened_twice_is_not() {
        let file = File::open("/dev/null").unwrap();
        let duplicate = file.try_clone().unwrap();
        let again = File::open("/dev/null").unwrap();
        assert_eq!(files(slot(&file), slot(&duplicate)), Ok(Ordering::Equal));
        let order = files(slot(&file), slot(&again)).unwrap();
        assert_eq!(files(slot(&again), slot(&file)), Ok(order.reverse()));
        assert_ne!(order, Ordering::Equal);
    }

    #[test]
    fn what_epoll_watches_is_found_under_another_number() {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        let (reader, _writer) = nix::unistd::pipe().unwrap();
        epoll
            .add(&reader, EpollEvent::new(EpollFlags::EPOLLIN, 0))
            .unwrap();
        let target = slot(&reader).fd;
        let kept: OwnedFd = reader.try_clone().unwrap();
        drop(reader);
        let what = Watched {
            epoll: slot(&epoll.0),
            target,
            nth: 0,
        };
        assert_eq!(watched(slot(&kept), what), Ok(Ordering::Equal));
        assert_eq!(
            watched(slot(&kept), Watched { nth: 1, ..what }),
            Err(Refused::Gone)
        );
    }

    #[test]
    fn threads_of_this_program_share_their_table() {
        let me = std::process::id();
        let thread = std::thread::spawn(|| rustix::thread::gettid().as_raw_nonzero().get());
        drop(thread);
        assert_eq!(same_table(me, me), Ok(true));
        assert_eq!(
            same_table(me, std::os::unix::process::parent_id()),
            Ok(false)
        );
        assert_eq!(same_table(me, u32::MAX >> 1), Err(Refused::Gone));
    }
}
