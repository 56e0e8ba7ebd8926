//! What an actor can be asked to do about files: their room, their names and their permissions.
//! The part of [`super::order`]'s vocabulary that the modules about tmpfs and about socket files
//! need, with the doing of it.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use rustix::fs::{
    CWD, FallocateFlags, FileType, MemfdFlags, Mode, OFlags, StatFs, XattrFlags, fallocate, fchmod,
    fstat, fstatfs, ftruncate, getxattr, memfd_create, mknodat, setxattr, statfs,
};
use serde::{Deserialize, Serialize};

use super::Failure;
use super::order::{Got, Outcome, quoted};

/// `TMPFS_MAGIC` of include/uapi/linux/magic.h.
const TMPFS: u64 = 0x0102_1994;

/// Something to do about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Touch {
    /// `memfd_create(2)`.
    Memfd(String),
    /// `open(2)` with `O_CREAT` for reading and writing.
    Create(String),
    /// `open(2)` of a directory with `O_TMPFILE`: a file without a name.
    Nameless(String),
    /// `ftruncate(2)`.
    Truncate(i32, u64),
    /// `pwrite(2)` of so many bytes at a place.
    WriteAt(i32, usize, u64),
    /// `write(2)` of so many bytes.
    WriteMany(i32, usize),
    /// `pread(2)` of so many bytes at a place.
    ReadAt(i32, usize, u64),
    /// `fallocate(2)` that punches a hole: place and length.
    Punch(i32, u64, u64),
    /// `fstat(2)`.
    Usage(i32),
    /// `statfs(2)`.
    Room(String),
    /// `fstatfs(2)`.
    RoomBehind(i32),
    /// `mount(2)` of a tmpfs on a directory, with these options.
    Mount(String, String),
    /// `chmod(2)`.
    Chmod(String, u32),
    /// `fchmod(2)`.
    Fchmod(i32, u32),
    /// `umask(2)`.
    Umask(u32),
    /// `chdir(2)`.
    Chdir(String),
    /// `rename(2)`.
    Rename(String, String),
    /// `link(2)`.
    Link(String, String),
    /// `symlink(2)`: what it leads to, and its name.
    Symlink(String, String),
    /// `mknod(2)` of a socket file, which is how `cp -a` copies one.
    MakeSocketFile(String),
    /// `setxattr(2)` of the access list of a file.
    SetAccess(String, List),
    /// `setxattr(2)` of the list that new files of a directory get.
    SetDefault(String, List),
    /// `getxattr(2)` of the access list of a file.
    Access(String),
    /// `read(2)` of a whole small file.
    Text(String),
    /// `write(2)` of a text to a file that exists.
    WriteText(String, String),
}

/// An access control list: acl(5). Permissions are the three bits of one digit of a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Of the owner.
    pub owner: u16,
    /// Of one more user: its uid and what it may.
    pub user: (u32, u16),
    /// Of the group.
    pub group: u16,
    /// The most that the named user and the group may.
    pub mask: u16,
    /// Of everybody else.
    pub other: u16,
}

/// What a look at files told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Account {
    /// Of one file: its length, and the room that it takes, both in bytes.
    File {
        /// Length.
        size: u64,
        /// Room taken.
        taken: u64,
    },
    /// Of a file system.
    Room {
        /// Whether it is a tmpfs.
        tmpfs: bool,
        /// Its limit in bytes; 0 when it has none.
        limit: u64,
        /// Bytes that are free.
        free: u64,
        /// Inodes that are free.
        inodes: u64,
    },
}

impl Touch {
    /// The call as strace would write it, shortened to what matters.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Memfd(name) => format!("memfd_create({}, 0)", quoted(name)),
            Self::Create(path) => format!("open({}, O_RDWR|O_CREAT)", quoted(path)),
            Self::Nameless(path) => format!("open({}, O_RDWR|O_TMPFILE)", quoted(path)),
            Self::Truncate(fd, length) => format!("ftruncate({fd}, {length})"),
            Self::WriteAt(fd, count, at) => format!("pwrite({fd}, buffer, {count}, {at})"),
            Self::WriteMany(fd, count) => format!("write({fd}, buffer, {count})"),
            Self::ReadAt(fd, count, at) => format!("pread({fd}, buffer, {count}, {at})"),
            Self::Punch(fd, at, length) => {
                format!("fallocate({fd}, FALLOC_FL_PUNCH_HOLE, {at}, {length})")
            }
            Self::Usage(fd) => format!("fstat({fd})"),
            Self::Room(path) => format!("statfs({})", quoted(path)),
            Self::RoomBehind(fd) => format!("fstatfs({fd})"),
            Self::Mount(at, options) => {
                format!("mount({}, \"tmpfs\", {})", quoted(at), quoted(options))
            }
            Self::Chmod(path, mode) => format!("chmod({}, {mode:04o})", quoted(path)),
            Self::Fchmod(fd, mode) => format!("fchmod({fd}, {mode:04o})"),
            Self::Umask(mode) => format!("umask({mode:04o})"),
            Self::Chdir(path) => format!("chdir({})", quoted(path)),
            Self::Rename(from, to) => format!("rename({}, {})", quoted(from), quoted(to)),
            Self::Link(from, to) => format!("link({}, {})", quoted(from), quoted(to)),
            Self::Symlink(to, name) => format!("symlink({}, {})", quoted(to), quoted(name)),
            Self::MakeSocketFile(path) => format!("mknod({}, S_IFSOCK)", quoted(path)),
            Self::SetAccess(path, list) => format!("setxattr({}, acl {list})", quoted(path)),
            Self::SetDefault(path, list) => {
                format!("setxattr({}, default acl {list})", quoted(path))
            }
            Self::Access(path) => format!("getxattr({}, acl)", quoted(path)),
            Self::Text(path) => format!("read({})", quoted(path)),
            Self::WriteText(path, text) => format!("write({}, {})", quoted(path), quoted(text)),
        }
    }

    /// The descriptor that the call is made on, if it is made on one.
    pub(super) fn descriptor(&self) -> Option<i32> {
        match self {
            Self::Truncate(fd, _)
            | Self::WriteAt(fd, _, _)
            | Self::WriteMany(fd, _)
            | Self::ReadAt(fd, _, _)
            | Self::Punch(fd, _, _)
            | Self::Usage(fd)
            | Self::RoomBehind(fd)
            | Self::Fchmod(fd, _) => Some(*fd),
            _ => None,
        }
    }

    /// Makes the call on a descriptor.
    pub(super) fn on(&self, fd: impl AsFd) -> Result<Got, Errno> {
        match self {
            Self::Truncate(_, length) => done(ftruncate(fd, *length)),
            Self::WriteAt(_, count, at) => {
                let written = rustix::io::pwrite(fd, &vec![b'x'; *count], *at);
                written.map(Got::Count).map_err(errno)
            }
            Self::WriteMany(_, count) => {
                let written = rustix::io::write(fd, &vec![b'x'; *count]);
                written.map(Got::Count).map_err(errno)
            }
            Self::ReadAt(_, count, at) => {
                let mut buffer = vec![0; *count];
                let read = rustix::io::pread(fd, &mut buffer[..], *at);
                read.map(Got::Count).map_err(errno)
            }
            Self::Punch(_, at, length) => {
                let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                done(fallocate(fd, flags, *at, *length))
            }
            Self::Usage(_) => {
                let told = fstat(fd).map_err(errno)?;
                Ok(Got::Account(Account::File {
                    size: told.st_size as u64,
                    // st_blocks counts pieces of 512 bytes, whatever the file system: inode(7).
                    taken: told.st_blocks as u64 * 512,
                }))
            }
            Self::RoomBehind(_) => fstatfs(fd).map(|told| room(&told)).map_err(errno),
            Self::Fchmod(_, mode) => done(fchmod(fd, Mode::from_raw_mode(*mode))),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Makes the call that gives a descriptor, if it is such a call.
    pub(super) fn open(&self) -> Option<Result<OwnedFd, Errno>> {
        let opened = match self {
            Self::Memfd(name) => memfd_create(name.as_str(), MemfdFlags::CLOEXEC),
            Self::Create(path) => {
                let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
                rustix::fs::open(path.as_str(), flags, Mode::from_raw_mode(0o644))
            }
            Self::Nameless(path) => {
                let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
                rustix::fs::open(path.as_str(), flags, Mode::from_raw_mode(0o600))
            }
            _ => return None,
        };
        Some(opened.map_err(errno))
    }

    /// Makes a call on a path.
    pub(super) fn perform(&self) -> Result<Got, Errno> {
        match self {
            Self::Room(path) => statfs(path.as_str()).map(|told| room(&told)).map_err(errno),
            Self::Mount(at, options) => {
                let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
                let kind = Some("tmpfs");
                mount(kind, at.as_str(), kind, flags, Some(options.as_str())).map(|()| Got::Done)
            }
            Self::Chmod(path, mode) => {
                done(rustix::fs::chmod(path.as_str(), Mode::from_raw_mode(*mode)))
            }
            Self::Umask(mode) => {
                nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(*mode));
                Ok(Got::Done)
            }
            Self::Chdir(path) => nix::unistd::chdir(path.as_str()).map(|()| Got::Done),
            Self::Rename(from, to) => done(rustix::fs::rename(from.as_str(), to.as_str())),
            Self::Link(from, to) => done(rustix::fs::link(from.as_str(), to.as_str())),
            Self::Symlink(to, name) => done(rustix::fs::symlink(to.as_str(), name.as_str())),
            Self::MakeSocketFile(path) => {
                let mode = Mode::from_raw_mode(0o755);
                done(mknodat(CWD, path.as_str(), FileType::Socket, mode, 0))
            }
            Self::SetAccess(path, list) => list.set(path, ACCESS),
            Self::SetDefault(path, list) => list.set(path, DEFAULT),
            Self::Access(path) => {
                let mut bytes = [0; 256];
                let read = getxattr(path.as_str(), ACCESS, &mut bytes[..]).map_err(errno)?;
                Ok(Got::Text(short_form(&bytes[..read])))
            }
            Self::Text(path) => {
                let text = std::fs::read_to_string(path).map_err(io_errno)?;
                Ok(Got::Text(text.trim_end().to_owned()))
            }
            Self::WriteText(path, text) => {
                let mut file = File::options().write(true).open(path).map_err(io_errno)?;
                file.write_all(text.as_bytes()).map_err(io_errno)?;
                Ok(Got::Count(text.len()))
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

/// The attribute that holds the access list of a file.
const ACCESS: &str = "system.posix_acl_access";

/// The attribute that holds the list that new files get.
const DEFAULT: &str = "system.posix_acl_default";

/// `POSIX_ACL_XATTR_VERSION` of include/uapi/linux/posix_acl_xattr.h.
const VERSION: u32 = 2;

/// Tags of include/uapi/linux/posix_acl.h, and the letter of their short form.
const TAGS: [(u16, char); 5] = [(1, 'u'), (2, 'u'), (4, 'g'), (0x10, 'm'), (0x20, 'o')];

impl List {
    fn entries(&self) -> [(u16, u16, u32); 5] {
        [
            (1, self.owner, u32::MAX),
            (2, self.user.1, self.user.0),
            (4, self.group, u32::MAX),
            (0x10, self.mask, u32::MAX),
            (0x20, self.other, u32::MAX),
        ]
    }

    /// As the attribute has it: a version, and eight little-endian bytes an entry.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, may, id) in self.entries() {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(may.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    fn set(&self, path: &str, name: &str) -> Result<Got, Errno> {
        done(setxattr(path, name, &self.bytes(), XattrFlags::empty()))
    }
}

/// The short form of acl(5), without empty fields: `u::rw u:1:rw g::- m::rw o::-`.
impl std::fmt::Display for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&short_form(&self.bytes()))
    }
}

fn short_form(bytes: &[u8]) -> String {
    let entries = bytes.get(4..).unwrap_or_default().chunks_exact(8);
    let words: Vec<String> = entries
        .map(|entry| {
            let number = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
            let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
            let tag = TAGS.iter().find(|(tag, _)| *tag == number(0));
            let letter = tag.map_or('?', |(_, letter)| *letter);
            let who = if id == u32::MAX {
                String::new()
            } else {
                id.to_string()
            };
            format!("{letter}:{who}:{}", letters(number(2)))
        })
        .collect();
    words.join(" ")
}

fn letters(may: u16) -> String {
    let all = [(4, 'r'), (2, 'w'), (1, 'x')];
    let set = all.into_iter().filter(|(bit, _)| may & bit != 0);
    let text: String = set.map(|(_, letter)| letter).collect();
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

fn room(told: &StatFs) -> Got {
    let unit = told.f_bsize as u64;
    Got::Account(Account::Room {
        tmpfs: told.f_type as u64 == TMPFS,
        limit: told.f_blocks * unit,
        free: told.f_bfree * unit,
        inodes: told.f_ffree,
    })
}

fn done(result: rustix::io::Result<()>) -> Result<Got, Errno> {
    result.map(|()| Got::Done).map_err(errno)
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

fn io_errno(error: std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

impl Account {
    /// What strace would write after the `=`, in the words of a learner.
    pub(super) fn text(&self) -> String {
        match self {
            Self::File { size, taken } => format!("0, size {size}, takes {taken} bytes"),
            Self::Room { limit: 0, .. } => "0, no limit".to_owned(),
            Self::Room {
                limit,
                free,
                inodes,
                ..
            } => format!("0, {free} of {limit} bytes free, {inodes} inodes free"),
        }
    }
}

impl Outcome {
    /// How long the file is and how much room it takes, in bytes.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when the call was no look at a file.
    pub fn usage(&self) -> Result<(u64, u64), Failure> {
        match self.result {
            Ok(Got::Account(Account::File { size, taken })) => Ok((size, taken)),
            _ => Err(self.unforeseen()),
        }
    }

    /// What the file system has free: bytes and inodes.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when the call was no look at a file system.
    pub fn free(&self) -> Result<(u64, u64), Failure> {
        match self.result {
            Ok(Got::Account(Account::Room { free, inodes, .. })) => Ok((free, inodes)),
            _ => Err(self.unforeseen()),
        }
    }

    /// Whether the file system is a tmpfs, and its limit in bytes.
    ///
    /// # Errors
    /// [`Failure::Unforeseen`] when the call was no look at a file system.
    pub fn file_system(&self) -> Result<(bool, u64), Failure> {
        match self.result {
            Ok(Got::Account(Account::Room { tmpfs, limit, .. })) => Ok((tmpfs, limit)),
            _ => Err(self.unforeseen()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_as_the_kernel_reads_it() {
        let list = List {
            owner: 6,
            user: (65534, 6),
            group: 0,
            mask: 6,
            other: 0,
        };
        assert_eq!(list.to_string(), "u::rw u:65534:rw g::- m::rw o::-");
        assert_eq!(list.bytes().len(), 4 + 5 * 8);
        assert_eq!(list.bytes()[12..20], [2, 0, 6, 0, 0xfe, 0xff, 0, 0]);
    }
}
