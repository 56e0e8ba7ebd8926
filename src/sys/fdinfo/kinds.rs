//! What each kind of file adds to its fdinfo: the `show_fdinfo` of fs/eventfd.c, fs/signalfd.c,
//! fs/timerfd.c, fs/eventpoll.c, fs/notify/fdinfo.c, fs/pidfs.c, net/socket.c, io_uring/fdinfo.c.

use super::{FdInfo, device};
use crate::sys::file_handle::Handle;
use crate::sys::sock_diag::Device;

/// A timer's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// `clockid_t`: 0 is CLOCK_REALTIME.
    pub clock: i32,
    /// Expirations that nobody has read.
    pub ticks: u64,
    /// Until the next expiration, whatever was given to timerfd_settime(2); zero: it does not run.
    pub value: Spec,
    /// Between later expirations; zero: there is one only.
    pub interval: Spec,
}

/// `struct timespec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// Whole seconds.
    pub seconds: u64,
    /// And nanoseconds.
    pub nanoseconds: u32,
}

/// A file that an epoll descriptor watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpollTarget {
    /// The number it had when it was added: it may be closed, or another file, since.
    pub fd: u32,
    /// `EPOLL*` bits.
    pub events: u32,
    /// What the program gave to tell it by.
    pub data: u64,
    /// Its inode. Since Linux 4.14; the same for every `anon_inode`.
    pub inode: Option<u64>,
    /// The device of that inode's file system.
    pub device: Option<Device>,
}

/// A watch of inotify(7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InotifyWatch {
    /// The watch descriptor.
    pub watch: i32,
    /// The inode that is watched.
    pub inode: u64,
    /// The device of its file system.
    pub device: Device,
    /// `IN_*` bits.
    pub mask: u32,
    /// By which open_by_handle_at(2) finds it; with CONFIG_EXPORTFS.
    pub handle: Option<Handle>,
}

/// A mark of fanotify(7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanotifyMark {
    /// What it is on.
    pub what: FanotifyWhat,
    /// `FAN_*` bits.
    pub mask: u64,
    /// For marks on inodes: as for [`InotifyWatch::handle`].
    pub handle: Option<Handle>,
}

/// What a mark of fanotify(7) is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanotifyWhat {
    /// One file or directory.
    Inode {
        /// Its inode.
        inode: u64,
        /// The device of its file system.
        device: Device,
    },
    /// A mount, by its id.
    Mount(i64),
    /// A whole file system.
    FileSystem(Device),
}

/// What a pidfd refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PidOf {
    /// This process.
    Process(u32),
    /// A process that has ended and was waited for.
    Gone,
    /// A process that the pid namespace of this `/proc` does not show.
    Elsewhere,
}

impl FdInfo {
    /// eventfd: its counter.
    pub fn event_counter(&self) -> Option<u64> {
        self.hexadecimal("eventfd-count")
    }

    /// eventfd: made with `EFD_SEMAPHORE`. Since Linux 6.5.
    pub fn event_semaphore(&self) -> Option<bool> {
        Some(self.value("eventfd-semaphore")? != "0")
    }

    /// signalfd: bit N-1 stands for signal N.
    pub fn signals(&self) -> Option<u64> {
        self.hexadecimal("sigmask")
    }

    /// timerfd.
    pub fn timer(&self) -> Option<Timer> {
        Some(Timer {
            clock: self.number("clockid")?,
            ticks: self.number("ticks")?,
            value: spec(self.value("it_value")?)?,
            interval: spec(self.value("it_interval")?)?,
        })
    }

    /// epoll: what it watches.
    pub fn epoll_targets(&self) -> Vec<EpollTarget> {
        let lines = self.rest.iter().filter(|(name, _)| name == "tfd");
        lines.filter_map(|(_, value)| epoll_target(value)).collect()
    }

    /// inotify: its watches.
    pub fn inotify_watches(&self) -> Vec<InotifyWatch> {
        let lines = self.rest.iter().filter(|(name, _)| name == "inotify wd");
        lines
            .filter_map(|(_, value)| {
                let (watch, rest) = value.split_once(' ')?;
                let fields = Fields(rest);
                Some(InotifyWatch {
                    // In hexadecimal, whatever it looks like.
                    watch: i32::from_str_radix(watch, 16).ok()?,
                    inode: fields.hexadecimal("ino:")?,
                    device: device(fields.word("sdev:")?)?,
                    mask: u32::try_from(fields.hexadecimal("mask:")?).ok()?,
                    handle: fields.handle(),
                })
            })
            .collect()
    }

    /// fanotify: its marks.
    pub fn fanotify_marks(&self) -> Vec<FanotifyMark> {
        let mark = |name: &str, value: &str| {
            let (first, rest) = value.split_once(' ')?;
            let fields = Fields(rest);
            let what = match name {
                "fanotify ino" => FanotifyWhat::Inode {
                    inode: u64::from_str_radix(first, 16).ok()?,
                    device: device(fields.word("sdev:")?)?,
                },
                "fanotify mnt_id" => FanotifyWhat::Mount(i64::from_str_radix(first, 16).ok()?),
                "fanotify sdev" => FanotifyWhat::FileSystem(device(first)?),
                _ => return None,
            };
            let mask = fields.hexadecimal("mask:")?;
            Some(FanotifyMark {
                what,
                mask,
                handle: fields.handle(),
            })
        };
        let lines = self.rest.iter();
        lines
            .filter_map(|(name, value)| mark(name, value))
            .collect()
    }

    /// pidfd: of whom.
    pub fn pid(&self) -> Option<PidOf> {
        Some(match self.number::<i64>("Pid")? {
            -1 => PidOf::Gone,
            0 => PidOf::Elsewhere,
            pid => PidOf::Process(u32::try_from(pid).ok()?),
        })
    }

    /// Sockets of AF_UNIX: descriptors in messages that wait to be received (`SCM_RIGHTS`). Since
    /// Linux 5.11.
    pub fn in_flight(&self) -> Option<u64> {
        self.number("scm_fds")
    }

    /// io_uring: entries of the submission queue and of the completion queue.
    pub fn ring_entries(&self) -> Option<(u64, u64)> {
        let entries = |name| self.hexadecimal(name)?.checked_add(1);
        Some((entries("SqMask")?, entries("CqMask")?))
    }

    /// The master of a pseudoterminal: N of `/dev/pts/N`.
    pub fn terminal_index(&self) -> Option<u32> {
        self.number("tty-index")
    }

    /// BPF: the id that bpftool(8) knows it by.
    pub fn bpf(&self) -> Option<u32> {
        ["map_id", "prog_id", "link_id"]
            .into_iter()
            .find_map(|name| self.number(name))
    }
}

/// `(99, 935741059)`.
fn spec(text: &str) -> Option<Spec> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let (seconds, nanoseconds) = inner.split_once(',')?;
    Some(Spec {
        seconds: seconds.trim().parse().ok()?,
        nanoseconds: nanoseconds.trim().parse().ok()?,
    })
}

/// `       36 events: c0000019 data:     7f9d00000024  pos:0 ino:158a7ee sdev:9`, after `tfd:`.
fn epoll_target(value: &str) -> Option<EpollTarget> {
    let (fd, rest) = value.split_once(' ')?;
    let fields = Fields(rest);
    Some(EpollTarget {
        fd: fd.parse().ok()?,
        events: u32::try_from(fields.hexadecimal("events:")?).ok()?,
        data: fields.hexadecimal("data:")?,
        inode: fields.hexadecimal("ino:"),
        device: fields.word("sdev:").and_then(device),
    })
}

/// `name:value` or `name: value`, parted by blanks.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn word(&self, name: &str) -> Option<&'a str> {
        let mut words = self.0.split_whitespace();
        let value = words.find_map(|word| word.strip_prefix(name))?;
        if value.is_empty() {
            words.next()
        } else {
            Some(value)
        }
    }

    fn hexadecimal(&self, name: &str) -> Option<u64> {
        u64::from_str_radix(self.word(name)?, 16).ok()
    }

    /// `fhandle-bytes:8 fhandle-type:1 f_handle:1a4412005a8cd4e3`.
    fn handle(&self) -> Option<Handle> {
        let length = usize::try_from(self.hexadecimal("fhandle-bytes:")?).ok()?;
        let kind = i32::try_from(self.hexadecimal("fhandle-type:")?).ok()?;
        let digits = self.word("f_handle:")?.as_bytes();
        let bytes: Option<Vec<u8>> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let bytes = bytes.filter(|bytes| bytes.len() == length)?;
        Some(Handle { kind, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const DISK: Device = Device {
        major: 254,
        minor: 0,
    };

    #[test]
    fn events_signals_and_timers() {
        let info = parse(
            b"eventfd-count:               1f\neventfd-id: 8\neventfd-semaphore: 1\n\
              sigmask:\t8000000200004202\n\
              clockid: 7\nticks: 3\nsettime flags: 01\nit_value: (99, 935741059)\n\
              it_interval: (5, 0)\n",
        );
        assert_eq!(info.event_counter(), Some(31));
        assert_eq!(info.event_semaphore(), Some(true));
        assert_eq!(info.signals(), Some(0x8000_0002_0000_4202));
        let timer = info.timer().unwrap();
        assert_eq!((timer.clock, timer.ticks), (7, 3));
        assert_eq!(timer.value.nanoseconds, 935_741_059);
        assert_eq!(timer.interval.seconds, 5);
    }

    #[test]
    fn epoll_tells_numbers_events_and_inodes() {
        let info = parse(
            b"tfd:        3 events: 1000001c data:     7f9d00000003  pos:0 ino:40e sdev:10\n\
              tfd:       36 events: c0000019 data: ffffffffffffffff  pos:-1 ino:158a7ee sdev:9\n\
              tfd:        5 events:       19 data:                1\n",
        );
        let targets = info.epoll_targets();
        assert_eq!(targets.len(), 3);
        assert_eq!((targets[0].fd, targets[0].inode), (3, Some(0x40e)));
        assert_eq!(targets[1].events, 0xc000_0019);
        assert_eq!(targets[1].data, u64::MAX);
        assert_eq!(targets[1].device, Some(Device { major: 0, minor: 9 }));
        assert_eq!((targets[2].inode, targets[2].device), (None, None));
    }

    #[test]
    fn watches_and_marks_name_inodes_and_devices() {
        let info = parse(
            b"inotify wd:a ino:12441a sdev:fe00000 mask:2 ignored_mask:0 fhandle-bytes:8 \
              fhandle-type:1 f_handle:1a4412005a8cd4e3\n\
              inotify wd:1 ino:9aa5e4 sdev:fe00000 mask:fff ignored_mask:0\n\
              fanotify flags:0 event-flags:8000\n\
              fanotify ino:9aa5e4 sdev:fe00000 mflags:0 mask:2 ignored_mask:0\n\
              fanotify mnt_id:1b mflags:0 mask:8 ignored_mask:0\n\
              fanotify sdev:fe00000 mflags:0 mask:20 ignored_mask:0\n",
        );
        let watches = info.inotify_watches();
        assert_eq!((watches.len(), watches[0].watch), (2, 10));
        assert_eq!((watches[1].inode, watches[1].device), (0x9a_a5e4, DISK));
        assert_eq!(watches[1].mask, 0xfff);
        let handle = watches[0].handle.as_ref().unwrap();
        assert_eq!((handle.kind, handle.bytes[0]), (1, 0x1a));
        assert_eq!(watches[1].handle, None);
        let marks = info.fanotify_marks();
        assert_eq!(marks.len(), 3);
        assert_eq!(marks[1].what, FanotifyWhat::Mount(27));
        assert_eq!(marks[2].what, FanotifyWhat::FileSystem(DISK));
    }

    #[test]
    fn a_pidfd_tells_who_has_gone() {
        let pid = |text: &str| parse(text.as_bytes()).pid();
        assert_eq!(pid("Pid:\t42\nNSpid:\t42\n"), Some(PidOf::Process(42)));
        assert_eq!(pid("Pid:\t-1\n"), Some(PidOf::Gone));
        assert_eq!(pid("Pid:\t0\n"), Some(PidOf::Elsewhere));
        assert_eq!(pid("Pid:\t-2\n"), None);
    }

    #[test]
    fn rings_sockets_terminals_and_bpf_objects() {
        let info = parse(b"SqMask:\t0x7\nCqMask:\t0xf\nscm_fds: 2\ntty-index:\t4\nmap_id:\t25\n");
        assert_eq!(info.ring_entries(), Some((8, 16)));
        assert_eq!(info.in_flight(), Some(2));
        assert_eq!(info.terminal_index(), Some(4));
        assert_eq!(info.bpf(), Some(25));
    }
}
