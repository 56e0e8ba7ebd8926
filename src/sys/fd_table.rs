//! One process's table of descriptors, read without touching what they lead to.
//!
//! Following the link `/proc/PID/fd/N` reaches the open file's inode without opening it: stat(2)
//! and getxattr(2) of it start no program, wait for no writer and rewind no tape. File systems
//! that would have to ask another machine or another program are the exception: [`status`] is not
//! to be called for them. All of it needs `PTRACE_MODE_READ`. References: proc_pid_fd(5), proc_fd_link()
//! in fs/proc/fd.c.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags, fstat, getxattr, openat,
    openat2, statfs, statx,
};

use super::sock_diag::Device;

/// What stat(2) tells of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What kind of file.
    pub kind: FileType,
    /// Its inode.
    pub inode: u64,
    /// The device of its file system.
    pub device: Device,
    /// The device that it is, for device files.
    pub special: Device,
    /// Bytes.
    pub size: u64,
    /// How many names it has.
    pub links: u32,
}

/// The numbers in use, in order.
///
/// # Errors
/// When the process may not be read, or has gone.
pub fn numbers(pid: u32) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        numbers.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok()),
        );
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// How many there are: told to everybody, by the size of the directory. Since Linux 6.2; 0 before,
/// and then nothing.
pub fn count(pid: u32) -> Option<u64> {
    // proc_fd_getattr() in fs/proc/fd.c.
    let size = fs::metadata(format!("/proc/{pid}/fd")).ok()?.size();
    (size > 0).then_some(size)
}

/// What the link says: a path, or `socket:[…]` and the like. A path begins with a slash, which no
/// other does. ` (deleted)` at its end may be the kernel's word, or part of the name.
///
/// # Errors
/// When it was closed, or may not be read.
pub fn target(pid: u32, fd: u32) -> io::Result<Vec<u8>> {
    Ok(fs::read_link(link(pid, fd))?.into_os_string().into_vec())
}

/// The text of its fdinfo file.
///
/// # Errors
/// When it was closed, or may not be read.
pub fn info(pid: u32, fd: u32) -> io::Result<Vec<u8>> {
    fs::read(format!("/proc/{pid}/fdinfo/{fd}"))
}

/// Its status, as far as this machine knows it already.
///
/// # Errors
/// When it was closed, or may not be read.
pub fn status(pid: u32, fd: u32) -> io::Result<Status> {
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let found = statx(CWD, link(pid, fd), flags, StatxFlags::BASIC_STATS)?;
    Ok(Status {
        kind: FileType::from_raw_mode(found.stx_mode.into()),
        inode: found.stx_ino,
        device: Device {
            major: found.stx_dev_major,
            minor: found.stx_dev_minor,
        },
        special: Device {
            major: found.stx_rdev_major,
            minor: found.stx_rdev_minor,
        },
        size: found.stx_size,
        links: found.stx_nlink,
    })
}

/// The magic number of its file system: statfs(2). To be asked only where no other machine or
/// program would have to answer.
///
/// # Errors
/// When it was closed, or may not be read.
pub fn file_system(pid: u32, fd: u32) -> io::Result<u64> {
    Ok(statfs(link(pid, fd))?.f_type as u64)
}

/// Whether it reads and whether it writes: told by the mode of the link itself.
///
/// # Errors
/// When it was closed, or may not be read.
pub fn reads_and_writes(pid: u32, fd: u32) -> io::Result<(bool, bool)> {
    let mode = fs::symlink_metadata(link(pid, fd))?.mode();
    Ok((mode & 0o400 != 0, mode & 0o200 != 0))
}

/// The protocol of a socket as the kernel names it, in whatever network namespace it is: `TCP`,
/// `UDPv6`, `NETLINK`, `UNIX-STREAM`. `None`: not told.
pub fn protocol(pid: u32, fd: u32) -> Option<String> {
    // sockfs_xattr_get() in net/socket.c.
    let mut buffer = [0; 64];
    let length = getxattr(link(pid, fd), c"system.sockprotoname", &mut buffer).ok()?;
    let name = buffer.get(..length)?;
    let name = name.strip_suffix(b"\0").unwrap_or(name);
    let plain = |byte: &u8| byte.is_ascii_graphic();
    (!name.is_empty() && name.iter().all(plain)).then(|| String::from_utf8_lossy(name).into_owned())
}

/// Opens a memfd that a process has open, for reading. The caller knows the device that all memfds
/// are on; whatever else is found under the number is not opened.
///
/// # Errors
/// When it is something else by now, or may not be opened.
pub fn open_memfd(pid: u32, fd: u32, device: Device) -> io::Result<OwnedFd> {
    let place = openat(
        CWD,
        link(pid, fd),
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let found = fstat(&place)?;
    let regular = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    if !regular || Device::from_stat(found.st_dev) != device {
        return Err(io::ErrorKind::NotFound.into());
    }
    use std::os::fd::AsRawFd;
    let own = format!("/proc/self/fd/{}", place.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(openat(CWD, own, flags, Mode::empty())?)
}

/// The device and inode of the file that this path now leads to, without following symbolic links;
/// beneath the root directory of a process, or of this one. Opens a place (`O_PATH`), no file.
///
/// # Errors
/// When there is nothing, or it may not be looked at.
pub fn file_at(root_of: Option<u32>, path: &Path) -> io::Result<(Device, u64)> {
    let root = match root_of {
        Some(pid) => format!("/proc/{pid}/root"),
        None => "/".to_owned(),
    };
    let place = OFlags::PATH | OFlags::CLOEXEC;
    let root = openat(CWD, root, place | OFlags::DIRECTORY, Mode::empty())?;
    let inner = path.strip_prefix("/").unwrap_or(path);
    let found = openat2(
        &root,
        inner,
        place | OFlags::NOFOLLOW,
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )?;
    let found = fstat(&found)?;
    Ok((Device::from_stat(found.st_dev), found.st_ino))
}

fn link(pid: u32, fd: u32) -> String {
    format!("/proc/{pid}/fd/{fd}")
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn slot(fd: &impl AsRawFd) -> (u32, u32) {
        (std::process::id(), fd.as_raw_fd().cast_unsigned())
    }

    #[test]
    fn a_socket_tells_its_protocol_and_a_file_does_not() {
        let (socket, _other) = UnixStream::pair().unwrap();
        let (pid, fd) = slot(&socket);
        assert!(numbers(pid).unwrap().contains(&fd));
        assert!(count(pid).is_none_or(|count| count > 2));
        assert!(target(pid, fd).unwrap().starts_with(b"socket:["));
        assert_eq!(protocol(pid, fd).as_deref(), Some("UNIX-STREAM"));
        assert_eq!(status(pid, fd).unwrap().kind, FileType::Socket);
        let file = fs::File::open("/dev/null").unwrap();
        assert_eq!(protocol(slot(&file).0, slot(&file).1), None);
        assert_eq!(reads_and_writes(pid, slot(&file).1).unwrap(), (true, false));
    }

    #[test]
    fn only_a_memfd_is_opened() {
        let memfd = rustix::fs::memfd_create("m", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let (pid, fd) = slot(&memfd);
        let device = status(pid, fd).unwrap().device;
        assert!(open_memfd(pid, fd, device).is_ok());
        let file = tempfile::tempfile().unwrap();
        assert!(open_memfd(pid, slot(&file).1, device).is_err());
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let directory = fs::canonicalize(directory.path()).unwrap();
        let file = directory.join("file");
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&directory, directory.join("link")).unwrap();
        assert!(file_at(None, &file).is_ok());
        assert!(file_at(Some(std::process::id()), &file).is_ok());
        assert!(file_at(None, &directory.join("link/file")).is_err());
    }
}
