//! The file that a socket is bound to, wherever that is now.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use nix::libc;
use rustix::fs::fstat;
use rustix::io::Errno;

use crate::untrusted::Untrusted;

/// `SIOCUNIXFILE` of include/uapi/linux/un.h: nix and libc do not name it.
const SIOCUNIXFILE: libc::Ioctl = 0x89e0;

/// The path of the file that a socket is bound to, as it is now in our mount namespace, and whether
/// the file was removed: then it is the last one.
///
/// # Errors
/// `ENOENT` when the socket is not bound to a file, `EPERM` without `CAP_NET_ADMIN`, `EOPNOTSUPP`
/// or `ENOTTY` before Linux 4.17. Reference: unix_open_file().
#[expect(
    unsafe_code,
    reason = "an ioctl that neither nix nor rustix wraps returns a descriptor"
)]
pub fn of(socket: impl AsFd) -> Result<(Untrusted, bool), Errno> {
    let errno = |error: &io::Error| Errno::from_io_error(error).unwrap_or(Errno::IO);
    // SAFETY: SIOCUNIXFILE takes no argument and touches no memory of ours.
    let found = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), SIOCUNIXFILE, 0) };
    if found < 0 {
        return Err(errno(&io::Error::last_os_error()));
    }
    // SAFETY: the kernel has just given us this descriptor (`O_PATH`, close-on-exec), and nothing
    // else knows it.
    let file = unsafe { OwnedFd::from_raw_fd(found) };
    let removed = fstat(&file)?.st_nlink == 0;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let path = fs::read_link(link).map_err(|error| errno(&error))?;
    let mut path = path.into_os_string().into_vec();
    if removed && path.ends_with(b" (deleted)") {
        path.truncate(path.len() - b" (deleted)".len());
    }
    Ok((Untrusted::from(OsString::from_vec(path)), removed))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_socket_knows_its_file_under_its_new_name_and_when_it_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let directory = fs::canonicalize(directory.path()).unwrap();
        let socket = UnixListener::bind(directory.join("a")).unwrap();
        let found = of(&socket);
        if found == Err(Errno::PERM) {
            // Needs CAP_NET_ADMIN; that it is refused is what an ordinary user sees.
            return;
        }
        let path = |name: &str| Untrusted::from(directory.join(name).as_path());
        assert_eq!(found, Ok((path("a"), false)));
        fs::rename(directory.join("a"), directory.join("b")).unwrap();
        assert_eq!(of(&socket), Ok((path("b"), false)));
        fs::remove_file(directory.join("b")).unwrap();
        assert_eq!(of(&socket), Ok((path("b"), true)));
        let (unbound, _other) = UnixStream::pair().unwrap();
        assert_eq!(of(&unbound), Err(Errno::NOENT));
    }
}
