//! Descriptors by their numbers: those that came across execve(2), and dup2(2) onto the same one.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::libc;

/// The first number behind standard input, output and error.
const FIRST: RawFd = 3;

/// Looks at a number with `F_GETFD` (fcntl(2)) and takes the descriptor that came across execve(2)
/// under it, as a service does with what `LISTEN_FDS` counts. For a process that has opened nothing
/// by itself, each number once: from here on it belongs to whoever has it.
///
/// # Errors
/// `EBADF` when nothing is open there, and for the three standard ones.
#[expect(unsafe_code, reason = "a descriptor that is known by its number only")]
pub fn take(number: RawFd) -> io::Result<OwnedFd> {
    if number < FIRST {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the call looks at the table of descriptors and changes nothing.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, and nothing in this process owns it, as the caller promises.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// dup2(2) of a descriptor onto its own number, which does nothing but look whether it is open.
///
/// # Errors
/// As dup2(2).
#[expect(unsafe_code, reason = "no safe call takes the same descriptor twice")]
pub fn onto_itself(fd: &OwnedFd) -> io::Result<RawFd> {
    let number = fd.as_raw_fd();
    // SAFETY: with two equal numbers the call closes nothing and makes nothing.
    match unsafe { libc::dup2(number, number) } {
        -1 => Err(io::Error::last_os_error()),
        same => Ok(same),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_descriptor_and_the_standard_ones_are_refused() {
        for number in [0, 1, 2, 1_000_000] {
            let error = take(number).expect_err("refused");
            assert_eq!(error.raw_os_error(), Some(libc::EBADF), "{number}");
        }
    }

    #[test]
    fn a_descriptor_onto_itself_keeps_its_number_and_close_on_exec() {
        let file = OwnedFd::from(std::fs::File::open("/dev/null").expect("opens"));
        assert_eq!(onto_itself(&file).expect("open"), file.as_raw_fd());
        let flags = rustix::io::fcntl_getfd(&file).expect("open");
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
}
