//! From a file handle, as inotify and fanotify show them, to a path: open_by_handle_at(2).
//!
//! Needs `CAP_DAC_READ_SEARCH`. What is opened is a place (`O_PATH`), and a directory of the file
//! system to say which one is meant.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nix::libc;
use rustix::fs::{CWD, Mode, OFlags, fstat, openat};

use super::sock_diag::Device;

/// `MAX_HANDLE_SZ`.
const LONGEST: usize = 128;

/// `struct file_handle`, in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// `handle_type`: how the file system made it.
    pub kind: i32,
    /// `f_handle`.
    pub bytes: Vec<u8>,
}

/// `struct file_handle` with room for the longest.
#[repr(C)]
struct Raw {
    length: libc::c_uint,
    kind: libc::c_int,
    bytes: [u8; LONGEST],
}

/// The path that a handle leads to now: only if a file with this device and inode is there. The
/// mount is a directory on the file system that made the handle.
///
/// # Errors
/// `EPERM` without the capability; `ESTALE` when the file has gone; `NotFound` when it is another
/// one, or has no path here.
pub fn path(mount: &Path, handle: &Handle, device: Device, inode: u64) -> io::Result<Vec<u8>> {
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mount = openat(CWD, mount, directory, Mode::empty())?;
    let place = open(&mount, handle)?;
    let found = fstat(&place)?;
    if (Device::from_stat(found.st_dev), found.st_ino) != (device, inode) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let link = format!("/proc/self/fd/{}", place.as_raw_fd());
    let path = std::fs::read_link(link)?;
    // Without a name in memory the kernel makes one up: what counts is where it leads.
    if super::fd_table::file_at(None, &path)? != (device, inode) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(path.into_os_string().into_vec())
}

#[expect(unsafe_code, reason = "a system call without a wrapper")]
fn open(mount: &OwnedFd, handle: &Handle) -> io::Result<OwnedFd> {
    let mut raw = Raw {
        length: libc::c_uint::try_from(handle.bytes.len()).unwrap_or(libc::c_uint::MAX),
        kind: handle.kind,
        bytes: [0; LONGEST],
    };
    let room = raw.bytes.get_mut(..handle.bytes.len());
    let room = room.ok_or(io::ErrorKind::InvalidInput)?;
    room.copy_from_slice(&handle.bytes);
    // SAFETY: the kernel reads `length` bytes of the handle, which are within the structure, and
    // writes nothing; it answers with a new descriptor or -1.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            mount.as_raw_fd(),
            &raw mut raw,
            libc::O_PATH | libc::O_CLOEXEC,
        )
    };
    match i32::try_from(fd) {
        // SAFETY: the kernel has just made this descriptor, and nobody else knows its number.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_handle_is_refused() {
        let nowhere = Device { major: 0, minor: 0 };
        for length in [0, 8, LONGEST, LONGEST + 1] {
            let handle = Handle {
                kind: 1,
                bytes: vec![0xff; length],
            };
            assert!(path(Path::new("/proc"), &handle, nowhere, 0).is_err());
        }
    }
}
