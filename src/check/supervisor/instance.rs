//! One instance of the program, as the kernel shows it.

use std::collections::{BTreeMap, BTreeSet};

use super::stream::Stream;
use crate::check::bounds::Excess;
use crate::check::capture::Capture;
use crate::check::protocol::{Answer, Bytes, DeedResult, Outcome, Seen};
use crate::curriculum::scenario::Printed;
use crate::sys::process;
use crate::sys::sock_diag::{self, Socket};

pub(super) struct Instance {
    pub(super) pid: i32,
    /// Whether that process is a monitor's, which tells how the program ended.
    pub(super) monitored: bool,
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
    pub(super) end: Option<End>,
    pub(super) stopped: bool,
    /// Stops and continuations are our doing, for the moment.
    pub(super) quiet: bool,
    /// Signals we sent.
    pub(super) sent: Vec<i32>,
    pub(super) descriptors_at_ready: usize,
    /// Resident memory when that was noted last, in bytes.
    pub(super) memory_noted: u64,
    /// How often each thread had gone to sleep when that was noted last.
    pub(super) sleeps_noted: BTreeMap<i32, u64>,
    /// The children it had when they were noted last.
    pub(super) children_noted: BTreeSet<i32>,
}

#[derive(Clone, Copy)]
pub(super) enum End {
    Exited(i32),
    Signalled(i32),
}

impl Instance {
    /// How it ended when its main process called exit: a monitor says 128 and more for a signal
    /// (bwrap(1), as the shell does).
    pub(super) fn ended_with(&self, code: i32) -> End {
        match code {
            129..=192 if self.monitored => End::Signalled(code - 128),
            _ => End::Exited(code),
        }
    }

    /// The program itself: the main process, or what its monitor has started.
    pub(super) fn program(&self) -> i32 {
        match process::children(self.pid).as_slice() {
            [only] if self.monitored => *only,
            _ => self.pid,
        }
    }

    /// Bytes on standard output and standard error so far.
    pub(super) fn printed(&self) -> u64 {
        self.stdout.taken + self.stderr.taken
    }

    /// Whether one of these open descriptors is what our end of its output reads from.
    pub(super) fn prints_through(&self, open: &[(i32, std::path::PathBuf)]) -> bool {
        let ours = [&self.stdout.fd, &self.stderr.fd]
            .into_iter()
            .flatten()
            .filter_map(|fd| nix::sys::stat::fstat(fd).ok())
            .map(|stat| format!("pipe:[{}]", stat.st_ino));
        let ours: Vec<String> = ours.collect();
        open.iter()
            .any(|(_, to)| ours.iter().any(|pipe| to.as_os_str() == pipe.as_str()))
    }

    /// What is kept of what it prints there.
    pub(super) fn prints_on(&self, stream: Printed) -> &Capture {
        match stream {
            Printed::Stdout => &self.stdout.capture,
            Printed::Stderr => &self.stderr.capture,
        }
    }

    pub(super) fn look(&self, excess: Option<Excess>) -> Seen {
        let (status, signal) = match self.end {
            Some(End::Exited(code)) => (Some(code), None),
            Some(End::Signalled(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        let mut seen = Seen {
            pid: self.pid,
            running: self.end.is_none(),
            status,
            signal,
            stopped: self.stopped,
            excess,
            killed_by_us: signal.is_some_and(|signal| self.sent.contains(&signal)),
            cpu_ms: self.cpu_ms(),
            descriptors_at_ready: self.descriptors_at_ready,
            stdout: Bytes(self.stdout.capture.bytes()),
            printed: self.stdout.taken,
            stderr: Bytes(self.stderr.capture.bytes()),
            ..Seen::default()
        };
        if seen.running {
            let open = process::descriptors(self.pid);
            seen.descriptors = open.len();
            seen.threads = process::threads_of_tree(self.pid);
            if let Some((number, first)) = process::syscall(self.pid) {
                let (name, on_descriptor) = process::syscall_name(number);
                name.clone_into(&mut seen.syscall);
                if on_descriptor {
                    seen.syscall_fd = Some(first as i32);
                    let link = open.iter().find(|(number, _)| *number == first as i32);
                    seen.syscall_fd_kind = link.map_or("not open", |(_, to)| kind(to)).to_owned();
                    seen.syscall_fd_nonblocking = nonblocking(self.pid, first as i32);
                    seen.listener_nonblocking = seen.syscall_fd_kind == CONNECTED
                        && open
                            .iter()
                            .any(|(at, to)| kind(to) == LISTENING && nonblocking(self.pid, *at));
                    seen.syscall_fd_peer = link.and_then(|(_, to)| peer(to)).unwrap_or(0);
                }
            }
        }
        seen
    }

    /// Remembers what is resident now, and lets the peak begin anew from there.
    pub(super) fn note_memory(&mut self) {
        process::reset_peak(self.pid);
        self.memory_noted = process::memory(self.pid).map_or(0, |memory| memory.resident);
    }

    /// Remembers how often each thread has gone to sleep.
    pub(super) fn note_wakeups(&mut self) {
        self.sleeps_noted = process::sleeps_of_threads(self.pid);
    }

    /// The threads that have gone to sleep since: whoever was awake has, when all sleep.
    pub(super) fn wakeups(&self) -> Answer {
        let now = process::sleeps_of_threads(self.pid);
        let woke = now
            .iter()
            .filter(|(thread, sleeps)| self.sleeps_noted.get(thread) != Some(sleeps));
        Answer::Wakeups {
            woke: woke.count() as u64,
            threads: now.len() as u64,
        }
    }

    pub(super) fn memory(&self) -> Answer {
        Answer::Memory {
            peak: process::memory(self.pid).map_or(0, |memory| memory.peak),
            noted: self.memory_noted,
        }
    }

    /// Standard output so far, as much as is kept whole.
    pub(super) fn output(&self) -> Answer {
        let printed = self.stdout.capture.beginning();
        Answer::Printed {
            output: Bytes(printed.to_vec()),
        }
    }

    /// Standard output so far, compared with what it must be.
    pub(super) fn compare_output(&self, wanted: &[u8]) -> Answer {
        let printed = self.stdout.capture.beginning();
        let same = printed
            .iter()
            .zip(wanted)
            .take_while(|(a, b)| a == b)
            .count();
        let result = if same < printed.len() && same < wanted.len() {
            DeedResult::Mismatch
        } else if printed.len() > wanted.len() {
            DeedResult::Extra
        } else if self.stdout.fd.is_some() {
            DeedResult::TimedOut
        } else if printed.len() < wanted.len() {
            DeedResult::End
        } else {
            DeedResult::Done
        };
        let from = same.saturating_sub(16);
        let window = |bytes: &[u8]| {
            let end = bytes.len().min(from + 48);
            Bytes(bytes.get(from..end).unwrap_or_default().to_vec())
        };
        let first_nul = wanted.iter().position(|&byte| byte == 0);
        Answer::Output(Box::new(Outcome {
            result,
            call: "read".to_owned(),
            received: printed.len() as u64,
            due: wanted.len() as u64,
            same: same as u64,
            first_nul: first_nul.map(|at| at as u64),
            window_due: window(wanted),
            window_received: window(printed),
            window_at: from as u64,
            ..Outcome::default()
        }))
    }

    pub(super) fn cpu_ms(&self) -> u64 {
        process::stat(self.pid).map_or(0, |stat| stat.cpu_ms)
    }

    pub(super) fn owns(&self, pid: i32) -> bool {
        pid == self.pid
            || process::stat(pid).is_some_and(|stat| stat.session == self.pid)
            || process::descendants(self.pid).contains(&pid)
    }

    /// Whether a process of this instance has the socket open. One whose descriptors we may not
    /// see is believed.
    pub(super) fn may_hold(&self, socket: u32) -> bool {
        let wanted = format!("socket:[{socket}]");
        let mut tree = process::descendants(self.pid);
        tree.insert(self.pid);
        tree.iter().any(|&pid| {
            let open = process::descriptors(pid);
            let holds = open.iter().any(|(_, to)| to.as_os_str() == wanted.as_str());
            holds || process::hides_descriptors(pid)
        })
    }

    pub(super) fn pipe(&self, inode: u64) -> Option<Answer> {
        let wanted = format!("pipe:[{inode}]");
        let open = process::descriptors(self.pid);
        let (number, _) = open
            .iter()
            .find(|(_, to)| to.as_os_str() == wanted.as_str())?;
        let flags = process::descriptor_flags(self.pid, *number)?;
        Some(Answer::Pipe {
            close_on_exec: flags & nix::libc::O_CLOEXEC != 0,
        })
    }
}

const LISTENING: &str = "listening socket";
const CONNECTED: &str = "connected socket";

/// Whether an open descriptor is O_NONBLOCK.
fn nonblocking(pid: i32, descriptor: i32) -> bool {
    let flags = process::descriptor_flags(pid, descriptor);
    flags.is_some_and(|flags| flags & nix::libc::O_NONBLOCK != 0)
}

/// The socket that a link in /proc/PID/fd refers to.
fn socket(link: &std::path::Path) -> Option<Socket> {
    let text = link.to_string_lossy();
    let inode = text.strip_prefix("socket:[")?.strip_suffix(']')?;
    let inode: u32 = inode.parse().ok()?;
    let sockets = sock_diag::dump().ok()?.sockets;
    sockets.into_iter().find(|socket| socket.inode == inode)
}

/// The inode of the peer of such a socket.
fn peer(link: &std::path::Path) -> Option<u32> {
    socket(link)?.peer
}

/// What a link in /proc/PID/fd refers to, in words.
pub(super) fn kind(link: &std::path::Path) -> &'static str {
    let text = link.to_string_lossy();
    if text.starts_with("socket:") {
        return match socket(link).map(|socket| socket.state) {
            Some(sock_diag::State::Listening) => LISTENING,
            Some(sock_diag::State::Established) => CONNECTED,
            _ => "socket",
        };
    }
    if text.starts_with("pipe:") {
        "pipe"
    } else if text.starts_with("anon_inode:[eventpoll]") {
        "epoll set"
    } else if text.starts_with("anon_inode:[eventfd]") {
        "eventfd"
    } else if text.starts_with("/dev/pts/") || text == "/dev/tty" {
        "terminal"
    } else {
        "file"
    }
}
