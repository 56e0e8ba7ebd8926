//! `/proc/PID/fdinfo/N`: what the kernel tells of an open file, taken apart.
//!
//! [`parse`] takes any bytes and never fails: what is not there, or has another form, is `None`.
//! Four lines come first for every file, then locks, then what its kind adds (`show_fdinfo` of the
//! file's operations): those are [`kinds`]'. The text is the kernel's own, but a few kinds print
//! paths, so the first line with a name counts and the reader asks only for what fits the kind.
//! References: proc_pid_fdinfo(5), fs/proc/fd.c.

mod flight;
mod kinds;

pub use flight::descriptors_in_flight;
pub use kinds::{EpollTarget, FanotifyMark, FanotifyWhat, InotifyWatch, PidOf, Spec, Timer};

use nix::libc;
use schemars::JsonSchema;
use serde::Serialize;

use super::sock_diag::Device;

/// What the kernel tells of an open file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FdInfo {
    /// `pos`: the offset. 0 for what has none.
    pub position: Option<i64>,
    /// `flags`: the access mode and status flags of the open file description, and the
    /// descriptor's own `O_CLOEXEC`.
    pub flags: Option<Flags>,
    /// `mnt_id`: the mount it was opened through.
    pub mount: Option<i64>,
    /// `ino`: the inode. Since Linux 5.14.
    pub inode: Option<u64>,
    /// Locks that this descriptor holds.
    pub locks: Vec<Lock>,
    /// The other lines: name and value.
    rest: Vec<(String, String)>,
}

/// Flags as fcntl(2) F_GETFL has them, with `O_CLOEXEC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub i32);

/// What may be done through a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// `O_RDONLY`.
    Read,
    /// `O_WRONLY`.
    Write,
    /// `O_RDWR`.
    ReadWrite,
    /// `O_PATH`: it stands for a place, not for its content.
    PathOnly,
    /// The access mode 3: only ioctl(2), on some devices.
    Neither,
}

impl Access {
    /// Whether read(2) may be called.
    pub fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    /// Whether write(2) may be called.
    pub fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// Flags that mean something to a reader, by name. `O_SYNC` holds `O_DSYNC`; `O_LARGEFILE` is the
/// kernel's own.
const NAMES: &[(i32, &str)] = &[
    (libc::O_APPEND, "O_APPEND"),
    (libc::O_NONBLOCK, "O_NONBLOCK"),
    (libc::O_ASYNC, "O_ASYNC"),
    (libc::O_DIRECT, "O_DIRECT"),
    (libc::O_NOATIME, "O_NOATIME"),
    (libc::O_NOFOLLOW, "O_NOFOLLOW"),
];

impl Flags {
    /// The access mode.
    pub fn access(self) -> Access {
        if self.0 & libc::O_PATH != 0 {
            return Access::PathOnly;
        }
        match self.0 & libc::O_ACCMODE {
            libc::O_RDONLY => Access::Read,
            libc::O_WRONLY => Access::Write,
            libc::O_RDWR => Access::ReadWrite,
            _ => Access::Neither,
        }
    }

    /// Closed by execve(2): a flag of the descriptor, not of what it leads to.
    pub fn close_on_exec(self) -> bool {
        self.0 & libc::O_CLOEXEC != 0
    }

    /// Made without a name.
    pub fn temporary(self) -> bool {
        self.0 & libc::O_TMPFILE == libc::O_TMPFILE
    }

    /// The status flags by name: those that a program sets to change what calls do.
    pub fn names(self) -> Vec<&'static str> {
        let sync = if self.0 & libc::O_SYNC == libc::O_SYNC {
            Some("O_SYNC")
        } else if self.0 & libc::O_DSYNC != 0 {
            Some("O_DSYNC")
        } else {
            None
        };
        let set = |&&(flag, _): &&(i32, &str)| self.0 & flag == flag;
        let names = NAMES.iter().filter(set).map(|&(_, name)| name);
        names.chain(sync).collect()
    }
}

/// A lock on a file, as `/proc/locks` has it (proc_locks(5)).
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Lock {
    /// Whose it is, and so what releases it.
    pub kind: LockKind,
    /// Shared or exclusive.
    pub access: LockAccess,
    /// The process that asked for it, if the kernel names one.
    pub pid: Option<u32>,
    /// The first byte that is locked.
    pub start: u64,
    /// The last byte that is locked; `None`: to the end of the file, however it grows.
    pub end: Option<u64>,
}

/// Kinds of locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockKind {
    /// flock(2): of the open file description.
    Flock,
    /// fcntl(2) F_SETLK: of the process.
    Posix,
    /// fcntl(2) F_OFD_SETLK: of the open file description.
    OpenFileDescription,
    /// fcntl(2) F_SETLEASE.
    Lease,
    /// Held for a client over the network.
    Delegation,
}

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockAccess {
    /// Shared: keeps others from writing.
    Read,
    /// Exclusive.
    Write,
}

/// Takes the text of a fdinfo file apart.
pub fn parse(text: &[u8]) -> FdInfo {
    let mut info = FdInfo::default();
    for line in String::from_utf8_lossy(text).lines() {
        let Some((name, value)) = line.split_once(':') else {
            // `inotify wd:1 …` has a colon; `inotify` alone says nothing.
            continue;
        };
        let value = value.trim();
        match name {
            "pos" if info.position.is_none() => info.position = value.parse().ok(),
            "flags" if info.flags.is_none() => {
                info.flags = i32::from_str_radix(value, 8).ok().map(Flags);
            }
            "mnt_id" if info.mount.is_none() => info.mount = value.parse().ok(),
            "ino" if info.inode.is_none() => info.inode = value.parse().ok(),
            "lock" => info.locks.extend(lock(value)),
            _ => info.rest.push((name.to_owned(), value.to_owned())),
        }
    }
    info
}

/// `1: POSIX  ADVISORY  WRITE 7883 fe:00:10135009 5 14`, after `lock:`.
fn lock(value: &str) -> Option<Lock> {
    let mut words = value.split_whitespace().skip(1);
    let kind = match words.next()? {
        "FLOCK" => LockKind::Flock,
        "POSIX" => LockKind::Posix,
        "OFDLCK" => LockKind::OpenFileDescription,
        "LEASE" => LockKind::Lease,
        "DELEG" => LockKind::Delegation,
        _ => return None,
    };
    let _state = words.next()?;
    let access = match words.next()? {
        "READ" => LockAccess::Read,
        "WRITE" => LockAccess::Write,
        _ => return None,
    };
    let pid = words.next()?.parse().ok().filter(|&pid| pid != 0);
    let _file = words.next()?;
    let start = words.next()?.parse().ok()?;
    let end = match words.next()? {
        "EOF" => None,
        end => Some(end.parse().ok()?),
    };
    Some(Lock {
        kind,
        access,
        pid,
        start,
        end,
    })
}

impl FdInfo {
    /// The value of the first line with this name.
    fn value(&self, name: &str) -> Option<&str> {
        let found = self.rest.iter().find(|(found, _)| found == name)?;
        Some(&found.1)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.value(name)?.parse().ok()
    }

    fn hexadecimal(&self, name: &str) -> Option<u64> {
        let digits = self.value(name)?;
        u64::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).ok()
    }
}

/// From `sdev`: the kernel's own form of a device number, in hexadecimal.
fn device(digits: &str) -> Option<Device> {
    Some(Device::from_kernel(u32::from_str_radix(digits, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{Strategy, any, prop, proptest};

    #[test]
    fn the_first_lines_are_taken_apart_and_cannot_be_forged_by_later_ones() {
        let info = parse(b"pos:\t5\nflags:\t02112002\nmnt_id:\t27\nino:\t99\npos:\t7\nino:\t1\n");
        assert_eq!(
            (info.position, info.mount, info.inode),
            (Some(5), Some(27), Some(99))
        );
        let flags = info.flags.unwrap();
        assert_eq!(flags.access(), Access::ReadWrite);
        assert_eq!(flags.names(), ["O_APPEND", "O_DSYNC"]);
        assert!(flags.close_on_exec());
    }

    #[test]
    fn a_path_and_a_file_without_a_name_are_told_from_what_is_open() {
        assert_eq!(Flags(0o12_000_000).access(), Access::PathOnly);
        assert!(Flags(0o22_300_002).temporary());
        assert!(!Flags(0o2_300_000).temporary(), "O_DIRECTORY alone");
        assert_eq!(Flags(0o4_010_001).names(), ["O_SYNC"]);
    }

    #[test]
    fn locks_tell_whose_they_are_and_what_they_cover() {
        let info = parse(
            b"lock:\t1: POSIX  ADVISORY  WRITE 7883 fe:00:10135009 5 14\n\
              lock:\t1: OFDLCK ADVISORY  READ -1 fe:00:10135137 0 EOF\n\
              lock:\t1: LEASE  ACTIVE    READ 7883 fe:00:10135552 0 EOF\n\
              lock:\t1: FLOCK  ADVISORY\nlock:\n",
        );
        assert_eq!(info.locks.len(), 3, "{info:?}");
        assert_eq!(info.locks[0].kind, LockKind::Posix);
        assert_eq!((info.locks[0].start, info.locks[0].end), (5, Some(14)));
        assert_eq!(info.locks[1].pid, None);
        assert_eq!(info.locks[1].access, LockAccess::Read);
        assert_eq!(info.locks[2].kind, LockKind::Lease);
    }

    /// Text that is nearly of the right form.
    fn nearly() -> impl Strategy<Value = String> {
        let line = prop::sample::select(vec![
            "pos:\t",
            "flags:\t0",
            "mnt_id:\t",
            "ino:\t",
            "lock:\t1: POSIX ADVISORY WRITE ",
            "tfd: ",
            "inotify wd:",
            "sigmask:\t",
            "it_value: (",
            "clockid: ",
            "Pid:\t",
            "fanotify ino:",
            "eventfd-count: ",
            "events: ",
            " sdev:",
            "\n",
            "SqMask:\t0x",
        ]);
        prop::collection::vec((line, "[ -~\n]{0,12}"), 0..12).prop_map(|lines| {
            lines
                .into_iter()
                .map(|(a, b)| format!("{a}{b}\n"))
                .collect()
        })
    }

    fn ask_everything(info: &FdInfo) {
        let _ = (info.event_counter(), info.event_semaphore(), info.signals());
        let _ = (info.timer(), info.epoll_targets(), info.inotify_watches());
        let _ = (info.fanotify_marks(), info.pid(), info.in_flight());
        let _ = (info.ring_entries(), info.terminal_index(), info.bpf());
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in any::<Vec<u8>>()) {
            ask_everything(&parse(&bytes));
        }

        #[test]
        fn whatever_resembles_the_form_is_taken(text in nearly()) {
            ask_everything(&parse(text.as_bytes()));
        }

        #[test]
        fn numbers_are_read_back(pos in any::<i64>(), flags in 0..i32::MAX, inode in any::<u64>()) {
            let text = format!("pos:\t{pos}\nflags:\t0{flags:o}\nmnt_id:\t1\nino:\t{inode}\n");
            let info = parse(text.as_bytes());
            assert_eq!(info.position, Some(pos));
            assert_eq!(info.flags, Some(Flags(flags)));
            assert_eq!(info.inode, Some(inode));
        }
    }
}
