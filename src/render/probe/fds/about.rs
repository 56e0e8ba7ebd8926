//! What a descriptor is, in the cells of its line.

use super::some;
use crate::probe::fds::{Descriptor, Ends, Held, PidfdOf, UnixPeer, UnixSocket, What};
use crate::probe::holders::Known;
use crate::probe::sockets::{Condition, Relation};
use crate::render::probe::words;
use crate::render::text::Role;
use crate::sys::fdinfo::Access;
use crate::sys::net_tables::{self, Entry};

/// The cells that depend on the kind.
pub(super) struct About {
    pub(super) kind: &'static str,
    pub(super) what: String,
    pub(super) role: Role,
    /// Where the next read or write begins, of how much; and status flags.
    pub(super) state: String,
}

pub(super) fn of(open: &Descriptor, pid: u32) -> About {
    let (kind, what) = kind_and_what(open, pid);
    let mut state = position(open);
    for flag in &open.flags {
        if !state.is_empty() {
            state.push(' ');
        }
        state.push_str(flag);
    }
    let path = open.target.bytes().starts_with(b"/");
    About {
        kind,
        what,
        role: if path { Role::Code } else { Role::Value },
        state,
    }
}

/// Where the next read or write begins, of how much.
fn position(open: &Descriptor) -> String {
    let reads_or_writes = open
        .access
        .is_some_and(|access| access.reads() || access.writes());
    let size = match open.what {
        What::File { size, .. } => size,
        What::Memfd { size, .. } => Some(size),
        What::Device { block: true, .. } => None,
        _ => return String::new(),
    };
    match (open.position, size) {
        (Some(position), Some(size)) if reads_or_writes => format!("{position}/{size}"),
        (Some(position), None) if reads_or_writes => position.to_string(),
        _ => String::new(),
    }
}

fn kind_and_what(open: &Descriptor, pid: u32) -> (&'static str, String) {
    match &open.what {
        What::File { path, .. } => ("file", words::quoted(path)),
        What::Directory { path, .. } => ("directory", words::quoted(path)),
        What::Terminal {
            path, master_of, ..
        } => (
            "terminal",
            match master_of {
                Some(index) => format!("{}, master of /dev/pts/{index}", words::quoted(path)),
                None => words::quoted(path),
            },
        ),
        What::Device { path, .. } => ("device", words::quoted(path)),
        What::Link { path } => ("link", words::quoted(path)),
        What::SocketFile { path } => ("socket file", words::quoted(path)),
        What::NotAsked { path, .. } => ("not asked", words::quoted(path)),
        What::Pipe {
            path: Some(path), ..
        } => ("FIFO", words::quoted(path)),
        What::Pipe { path: None, ends } => ("pipe", pipe(open, ends.as_ref(), pid)),
        What::UnixSocket(socket) => ("unix", unix(socket, pid)),
        What::Socket { protocol, details } => internet(protocol.as_deref(), details.as_ref()),
        What::Eventfd { count, semaphore } => ("eventfd", eventfd(*count, *semaphore)),
        What::Timerfd {
            clock,
            expires_in,
            interval,
            unread,
        } => ("timerfd", timer(clock, *expires_in, *interval, *unread)),
        What::Signalfd { signals } => ("signalfd", signals.join(" ")),
        What::Epoll { watches } => ("epoll", counted(watches.len(), "watches", "descriptor")),
        What::Inotify { watches } => ("inotify", counted(watches.len(), "watches", "file")),
        What::Fanotify { watches } => ("fanotify", counted(watches.len(), "has", "mark")),
        What::Pidfd { of } => ("pidfd", pidfd(of)),
        What::Memfd { name, size, .. } => {
            ("memfd", format!("{}, {size} bytes", words::quoted(name)))
        }
        What::IoUring {
            submissions: Some(submissions),
            completions: Some(completions),
        } => (
            "io_uring",
            format!("{submissions} submissions, {completions} completions"),
        ),
        What::IoUring { .. } => ("io_uring", String::new()),
        What::Namespace { of, inode, own } => ("namespace", namespace(of, *inode, *own)),
        What::Bpf { object, id } => (
            "bpf",
            match id {
                Some(id) => format!("{object} {id}"),
                None => object.clone(),
            },
        ),
        What::Userfaultfd => ("userfaultfd", String::new()),
        What::Perf => ("perf", String::new()),
        What::DmaBuf { name } => ("dma-buf", words::quoted(name)),
        What::SecretMemory { size } => ("secretmem", format!("{size} bytes")),
        What::MessageQueue { name } => ("queue", words::quoted(name)),
        What::Anonymous { name } => ("kernel", name.to_string()),
    }
}

/// Who is at the other end of a pipe: `from cat 4712 (1)`.
fn pipe(open: &Descriptor, ends: Option<&Ends>, pid: u32) -> String {
    let Some(ends) = ends else {
        return String::new();
    };
    let sides = [
        (reads(open), &ends.writers, "from", "no writer"),
        (writes(open), &ends.readers, "to", "no reader"),
    ];
    let words = sides.into_iter().filter(|(matters, ..)| *matters);
    let words = words.map(|(_, held, way, nobody)| {
        let strangers: Vec<&Held> = held.iter().filter(|held| held.process.pid != pid).collect();
        let own = held.iter().filter(|held| held.process.pid == pid);
        let own: Vec<String> = own
            .flat_map(|held| &held.fds)
            .filter(|&&fd| fd != open.fd)
            .map(u32::to_string)
            .collect();
        match (strangers.split_first(), own.is_empty()) {
            (Some((first, rest)), _) => format!("{way} {}", first_of(first, rest.len())),
            (None, false) => format!("{way} {} of this process", some(&own, 3)),
            (None, true) if ends.complete => nobody.to_owned(),
            (None, true) => format!("{nobody} seen"),
        }
    });
    words.collect::<Vec<_>>().join(", ")
}

/// A holder and how many more there are: `cat 4712 (1) +2`.
fn first_of(first: &Held, more: usize) -> String {
    let fds: Vec<String> = first.fds.iter().map(u32::to_string).collect();
    let more = match more {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    format!(
        "{} {} ({}){more}",
        first.process.comm,
        first.process.pid,
        some(&fds, 3)
    )
}

/// `watches 3 files`.
fn counted(count: usize, does: &str, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{does} {count} {noun}{plural}")
}

fn eventfd(count: Option<u64>, semaphore: Option<bool>) -> String {
    let count = match count {
        Some(0) => "counter 0: reading waits".to_owned(),
        Some(count) => format!("counter {count}"),
        None => "counter not told".to_owned(),
    };
    match semaphore {
        Some(true) => format!("{count}, semaphore: a read takes 1"),
        _ => count,
    }
}

fn timer(clock: &str, expires_in: Option<u64>, interval: Option<u64>, unread: u64) -> String {
    let mut words = clock.to_owned();
    match (expires_in, interval) {
        (Some(left), Some(interval)) => words.push_str(&format!(
            ", expires in {}, then every {}",
            duration(left),
            duration(interval)
        )),
        (Some(left), None) => words.push_str(&format!(", expires once, in {}", duration(left))),
        // The kernel starts it again when it is read: timerfd_read_iter().
        (None, Some(interval)) if unread > 0 => {
            words.push_str(&format!(", due: when read, every {}", duration(interval)))
        }
        (None, _) => words.push_str(", not running"),
    }
    match unread {
        0 => {}
        1 => words.push_str(", 1 expiration unread"),
        more => words.push_str(&format!(", {more} expirations unread")),
    }
    words
}

/// Nanoseconds as a person says them: `1.5 s`, `20 ms`.
fn duration(nanoseconds: u64) -> String {
    let (whole, unit) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let tenths = nanoseconds / (whole / 10);
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        rest => format!("{}.{rest} {unit}", tenths / 10),
    }
}

fn pidfd(of: &PidfdOf) -> String {
    match of {
        PidfdOf::Process(process) => format!("{} {}", process.comm, process.pid),
        PidfdOf::Gone => "a process that has ended".to_owned(),
        PidfdOf::Elsewhere => "a process outside this pid namespace".to_owned(),
        PidfdOf::Unknown => "of whom is not told".to_owned(),
    }
}

fn namespace(of: &str, inode: Option<u64>, own: Option<bool>) -> String {
    let inode = inode.map(|inode| format!(" {inode}")).unwrap_or_default();
    let own = match own {
        Some(true) => ", the one it is in",
        Some(false) => ", not the one it is in",
        None => "",
    };
    format!("{of}{inode}{own}")
}

fn unix(socket: &UnixSocket, pid: u32) -> String {
    let mut words = match socket.kind {
        Some(kind) => kind.word().to_owned(),
        None => return "not listed here: of another network namespace, or not accepted".to_owned(),
    };
    let peer = socket.peer.as_ref();
    let holder = peer.map(|peer| holder(peer, pid));
    let name = socket.name.as_ref().map(words::name);
    match socket.condition {
        Some(Condition::Listening) => {
            words.push_str(&format!(", listens at {}", name.unwrap_or_default()));
        }
        Some(Condition::Bound) => {
            words.push_str(&format!(", bound to {}", name.unwrap_or_default()));
        }
        Some(Condition::Unconnected) | None => words.push_str(", unconnected"),
        Some(Condition::PeerClosed) => words.push_str(", the other end is closed"),
        Some(condition) => {
            let how = match (condition, peer.map(|peer| peer.socket.relation)) {
                (Condition::Waiting, _) => "waits for",
                (_, Some(Relation::SendsTo)) => "sends to",
                _ => "to",
            };
            let holder = holder.unwrap_or_else(|| "?".to_owned());
            words.push_str(&format!(" {how} {holder}"));
            if condition == Condition::HalfClosed {
                words.push_str(", half closed");
            }
        }
    }
    words
}

/// Who has the other end: `dbus-daemon 1042 (12)`.
fn holder(peer: &UnixPeer, pid: u32) -> String {
    match peer.held.split_first() {
        Some((only, [])) if only.process.pid == pid => {
            let fds: Vec<String> = only.fds.iter().map(u32::to_string).collect();
            format!("{} of this process", some(&fds, 3))
        }
        Some((first, rest)) => first_of(first, rest.len()),
        None => match peer.socket.holders.known {
            Known::None => "nobody".to_owned(),
            Known::InFlight => "one in a message not received".to_owned(),
            Known::Gone => "a closed socket".to_owned(),
            Known::NotVisible | Known::Some => "?".to_owned(),
        },
    }
}

fn internet(protocol: Option<&str>, details: Option<&Entry>) -> (&'static str, String) {
    let protocol = protocol.unwrap_or("unknown family");
    let words = match details {
        Some(Entry::Internet {
            local,
            remote,
            state,
        }) => {
            let state = state.map(|state| format!("{state} ")).unwrap_or_default();
            let remote = remote.as_ref().map(|remote| format!(" to {remote}"));
            format!("{protocol} {state}{local}{}", remote.unwrap_or_default())
        }
        Some(Entry::Netlink { protocol, port }) => format!("{protocol}, port {port}"),
        Some(Entry::Packet {
            protocol: ethertype,
            interface,
            ..
        }) => {
            let device = match interface {
                0 => "any device".to_owned(),
                index => format!("device {index}"),
            };
            format!("{protocol}, protocol {ethertype:#06x}, {device}")
        }
        None if net_tables::has_table(protocol) => {
            format!("{protocol}, unbound, or of another network namespace")
        }
        None => protocol.to_owned(),
    };
    ("socket", words)
}

/// Whether something can be read from it.
pub(super) fn reads(open: &Descriptor) -> bool {
    open.access.is_some_and(Access::reads)
}

/// Whether something can be written to it.
pub(super) fn writes(open: &Descriptor) -> bool {
    open.access.is_some_and(Access::writes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_decimal_at_most() {
        let durations = [7, 1_500, 20_000_000, 1_000_000_000, 99_930_000_000].map(duration);
        assert_eq!(durations, ["7 ns", "1.5 µs", "20 ms", "1 s", "99.9 s"]);
    }

    #[test]
    fn a_timer_says_whether_it_runs() {
        assert_eq!(
            timer("CLOCK_BOOTTIME", None, None, 0),
            "CLOCK_BOOTTIME, not running"
        );
        assert_eq!(
            timer("CLOCK_REALTIME", Some(1_000_000_000), None, 2),
            "CLOCK_REALTIME, expires once, in 1 s, 2 expirations unread"
        );
    }
}
