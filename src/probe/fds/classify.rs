//! What a descriptor is, from its link, its fdinfo and its status.
//!
//! A link that begins with a slash is a path, and a path may hold any bytes; no other link begins
//! so. Kinds that have a path of their own (memfds, message queues) are told by their file system,
//! which no name can imitate.

use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::signal::Signal;
use rustix::fs::FileType;

use super::open::{Open, Surroundings};
use super::watches;
use super::what::{NotAsked, PidfdOf, What};
use super::words;
use crate::probe::holders::Process;
use crate::sys::fd_table;
use crate::sys::fdinfo::{FdInfo, PidOf, Spec};
use crate::sys::process;
use crate::untrusted::Untrusted;

/// `TMPFS_MAGIC`, `HUGETLBFS_MAGIC`, `MQUEUE_MAGIC`, `SECRETMEM_MAGIC`, `DMA_BUF_MAGIC`.
const TMPFS: u64 = 0x0102_1994;
const HUGETLBFS: u64 = 0x9584_58f6;
const MQUEUE: u64 = 0x1980_0202;
const SECRETMEM: u64 = 0x5345_434d;
const DMA_BUF: u64 = 0x444d_4142;

/// Major numbers of terminals: consoles and serial lines, `/dev/tty` and its kin, pseudoterminals,
/// and serial lines over USB, on chips and of hypervisors (Documentation/admin-guide/devices.txt).
const TERMINALS: &[u32] = &[
    4, 5, 136, 137, 138, 139, 140, 141, 142, 143, 166, 188, 204, 229,
];

/// Namespaces, as their links name them.
const NAMESPACES: &[&str] = &["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];

/// What it is. Sockets and what epoll watches are not told here: they need to know others.
pub(super) fn classify(open: &Open, around: &Surroundings) -> What {
    let target = open.target.as_slice();
    if target.starts_with(b"/") {
        return with_path(open, around);
    }
    if let Some(name) = target.strip_prefix(b"anon_inode:") {
        return anonymous(name, open, around);
    }
    let (prefix, _) = split(target);
    match prefix {
        b"pipe" => What::Pipe {
            path: None,
            ends: None,
        },
        b"socket" => What::Socket {
            protocol: fd_table::protocol(around.pid, open.fd),
            details: None,
        },
        b"pidfd" => pidfd(&open.info),
        other => match NAMESPACES.iter().find(|name| name.as_bytes() == other) {
            Some(name) => What::Namespace {
                of: (*name).to_owned(),
                inode: open.info.inode,
                own: own_namespace(around.pid, name, target),
            },
            None => What::Anonymous {
                name: Untrusted::from(target),
            },
        },
    }
}

/// `net:[4026531833]`: the word before the colon, and the rest.
fn split(target: &[u8]) -> (&[u8], &[u8]) {
    match target.iter().position(|&byte| byte == b':') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &[]),
    }
}

fn own_namespace(pid: u32, name: &str, target: &[u8]) -> Option<bool> {
    use std::os::unix::ffi::OsStrExt;
    let own = std::fs::read_link(format!("/proc/{pid}/ns/{name}")).ok()?;
    Some(own.as_os_str().as_bytes() == target)
}

fn with_path(open: &Open, around: &Surroundings) -> What {
    let (path, name) = around.path(open);
    let status = match &open.status {
        Ok(status) => status,
        Err(because) => return not_asked(open, path, because),
    };
    match status.kind {
        FileType::Directory => What::Directory { path, name },
        FileType::Fifo => What::Pipe {
            path: Some(path),
            ends: None,
        },
        FileType::Symlink => What::Link { path },
        FileType::Socket => What::SocketFile { path },
        FileType::CharacterDevice if TERMINALS.contains(&status.special.major) => What::Terminal {
            path,
            master_of: open.info.terminal_index(),
            other_end: Vec::new(),
        },
        FileType::CharacterDevice | FileType::BlockDevice => What::Device {
            path,
            block: status.kind == FileType::BlockDevice,
            device: status.special,
        },
        FileType::RegularFile | FileType::Unknown => {
            let stem = |prefix: &str| {
                let name = path.bytes().strip_prefix(prefix.as_bytes());
                Untrusted::from(name.unwrap_or(path.bytes()))
            };
            let size = status.size;
            match around.hidden_file_system(open) {
                Some(TMPFS | HUGETLBFS) if path.bytes().starts_with(b"/memfd:") => What::Memfd {
                    name: stem("/memfd:"),
                    size,
                    seals: seals(open, around),
                },
                Some(SECRETMEM) => What::SecretMemory { size },
                Some(DMA_BUF) => What::DmaBuf {
                    name: stem("/dmabuf:"),
                },
                Some(MQUEUE) => What::MessageQueue { name: path },
                _ => What::File {
                    path,
                    name,
                    size: Some(size),
                },
            }
        }
    }
}

/// The terminal's fdinfo gives it away even where nothing may be asked.
fn not_asked(open: &Open, path: Untrusted, because: &NotAsked) -> What {
    match open.info.terminal_index() {
        Some(master_of) => What::Terminal {
            path,
            master_of: Some(master_of),
            other_end: Vec::new(),
        },
        None => What::NotAsked {
            path,
            because: because.clone(),
        },
    }
}

/// Seals are told to who holds a descriptor: the memfd is opened once more, for reading, which
/// changes nothing of it.
fn seals(open: &Open, around: &Surroundings) -> Option<Vec<&'static str>> {
    let memfd = fd_table::open_memfd(around.pid, open.fd, around.memfd_device?).ok()?;
    let seals = fcntl(memfd.as_fd(), FcntlArg::F_GET_SEALS).ok()?;
    Some(words::seals(SealFlag::from_bits_retain(seals)))
}

fn anonymous(name: &[u8], open: &Open, around: &Surroundings) -> What {
    let info = &open.info;
    let bare = name
        .strip_prefix(b"[")
        .and_then(|name| name.strip_suffix(b"]"));
    match bare.unwrap_or(name) {
        b"eventfd" => What::Eventfd {
            count: info.event_counter(),
            semaphore: info.event_semaphore(),
        },
        b"timerfd" => timer(info),
        b"signalfd" => What::Signalfd {
            signals: signals(info.signals().unwrap_or(0)),
        },
        b"eventpoll" => What::Epoll {
            watches: Vec::new(),
        },
        b"inotify" => What::Inotify {
            watches: watches::inotify(info, around),
        },
        b"fanotify" => What::Fanotify {
            watches: watches::fanotify(info, around),
        },
        b"pidfd" => pidfd(info),
        b"io_uring" => {
            let entries = info.ring_entries();
            What::IoUring {
                submissions: entries.map(|(submissions, _)| submissions),
                completions: entries.map(|(_, completions)| completions),
            }
        }
        b"userfaultfd" => What::Userfaultfd,
        b"perf_event" => What::Perf,
        other => match other.strip_prefix(b"bpf-").or(other.strip_prefix(b"bpf_")) {
            Some(object) => What::Bpf {
                object: Untrusted::from(object).to_string(),
                id: info.bpf(),
            },
            None => What::Anonymous {
                name: Untrusted::from(name),
            },
        },
    }
}

fn timer(info: &FdInfo) -> What {
    let nanoseconds = |spec: Spec| {
        let all = spec.seconds.saturating_mul(1_000_000_000);
        Some(all.saturating_add(spec.nanoseconds.into())).filter(|&all| all > 0)
    };
    let timer = info.timer();
    What::Timerfd {
        clock: timer.map_or_else(String::new, |timer| words::clock(timer.clock)),
        expires_in: timer.and_then(|timer| nanoseconds(timer.value)),
        interval: timer.and_then(|timer| nanoseconds(timer.interval)),
        unread: timer.map_or(0, |timer| timer.ticks),
    }
}

fn pidfd(info: &FdInfo) -> What {
    let of = match info.pid() {
        Some(PidOf::Process(pid)) => PidfdOf::Process(Process {
            pid,
            comm: process::name(pid.cast_signed()),
        }),
        Some(PidOf::Gone) => PidfdOf::Gone,
        Some(PidOf::Elsewhere) => PidfdOf::Elsewhere,
        None => PidfdOf::Unknown,
    };
    What::Pidfd { of }
}

/// Signals by name. The C library counts real-time signals from 34 and keeps two to itself.
fn signals(mask: u64) -> Vec<String> {
    let set = (1..=64).filter(|number| mask >> (number - 1) & 1 == 1);
    set.map(|number: i32| match (Signal::try_from(number), number) {
        (Ok(signal), _) => signal.as_str().to_owned(),
        (Err(_), 34) => "SIGRTMIN".to_owned(),
        (Err(_), 35..) => format!("SIGRTMIN+{}", number - 34),
        (Err(_), _) => number.to_string(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named_as_the_c_library_does() {
        let mask = 1 << 1 | 1 << 9 | 1 << 31 | 1 << 33 | 1 << 63;
        assert_eq!(
            signals(mask),
            ["SIGINT", "SIGUSR1", "32", "SIGRTMIN", "SIGRTMIN+30"]
        );
    }

    #[test]
    fn the_word_before_the_colon_decides() {
        assert_eq!(
            split(b"net:[4026531833]"),
            (&b"net"[..], &b"[4026531833]"[..])
        );
        assert_eq!(split(b"nothing"), (&b"nothing"[..], &b""[..]));
    }
}
