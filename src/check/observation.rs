//! The observation: all that diagnoses can ask about when a step did not go as it must.
//!
//! Field names are the vocabulary of `when` expressions and of diagnosis sentences in
//! `exercise.toml`; they are listed in the book for authors. Every field always has a value, so an
//! expression never fails for want of one. Text from outside is already printable.

mod address;

use std::path::Path;

use nix::sys::signal::Signal;
use serde::Serialize;

use super::bounds::Excess;
use super::journal::EntryState;
use super::listing::{self, TableState};
use super::protocol::{AskedSeen, ChildrenSeen, CutSeen, Outcome, Queue, Seen};
use super::sanitizer::Finding;
use crate::curriculum::model::Rows;
use crate::curriculum::scenario::{ExpectFile, PathKind, Printed};
use crate::curriculum::source::Source;
use crate::differential::examine::Disagreement;
use crate::untrusted::Untrusted;

pub use self::address::Address;

/// What was seen.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Observation {
    /// The stage's id.
    pub stage: String,
    /// The step's verb: `expect-echo`.
    pub step: String,
    /// How the step failed; see [`super::stage`].
    pub outcome: &'static str,
    /// `ECONNREFUSED`, or empty.
    pub errno: String,
    /// The call that failed or was waited in: `connect`, or empty.
    pub call: String,
    /// Bytes sent on the connection so far.
    pub sent: u64,
    /// Bytes received on it so far.
    pub received: u64,
    /// Bytes due back when the step began.
    pub expected: u64,
    /// How many of those came back, in order.
    pub same: u64,
    /// Offset of the first NUL in the bytes due, or -1.
    pub first_nul: i64,
    /// The bytes that came where others were due, with at most 16 right ones before them, as
    /// hexadecimal digits; at most 48 bytes, or empty.
    pub came: String,
    /// Descriptors attached on the connection so far.
    pub descriptors_sent: u64,
    /// Where in the bytes of `expect-bytes` those are that came in the place of others, or -1.
    pub found_at: i64,
    /// What was measured last by `note-queue` or `expect-full-queue`.
    pub queue: Queue,
    /// The connection, or empty.
    pub connection: String,
    /// Another connection on which bytes have come and were not read, or empty.
    pub elsewhere: String,
    /// The connection on which the wrong bytes that came had been sent, or empty.
    pub stray: String,
    /// The instance the step is about.
    pub instance: ProgramState,
    /// The first instance, named `program`.
    pub program: ProgramState,
    /// A second instance, if there is one.
    pub second: ProgramState,
    /// What stands at the address.
    pub address: Address,
    /// About a line that was waited for.
    pub line: LineState,
    /// About the standard output of the instance the step is about.
    pub output: OutputState,
    /// The socket that `expect-listed` or `expect-unlisted` is about.
    pub socket: SocketFound,
    /// The kernel's table of sockets, as the checker read it then.
    pub table: TableState,
    /// The bound for which the program was ended.
    pub limit: LimitState,
    /// What the program left behind, in words; only after `expect-no-leftovers`.
    pub leftovers: Vec<String>,
    /// About the memory of the instance the step is about, after `expect-memory`.
    pub memory: MemoryState,
    /// What the compiler's sanitizers found in another run of the stage; empty when they found
    /// nothing, when there are none, and when that run was not made.
    pub sanitizer: Finding,
    /// About filters of frames that are served.
    pub filters: FiltersState,
    /// The message that `expect-message` read.
    pub message: MessageState,
    /// The descriptor that `expect-descriptor` looked at.
    pub descriptor: DescriptorState,
    /// What `expect-file` found.
    pub file: FileState,
    /// Where `expect-cut` found the frames cut.
    pub cut: CutSeen,
    /// What came of `ask-until`.
    pub asked: AskedSeen,
    /// Where `compare-calls` or `compare-script` found the program to part from Linux.
    pub kernel: KernelState,
    /// What `expect-wakeups` counted.
    pub wakeups: WakeupState,
    /// What `expect-children` found.
    pub children: ChildrenSeen,
    /// What `expect-entry` read.
    pub entry: EntryState,
}

/// A program that plays the kernel, where it parts from Linux.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KernelState {
    /// In what: `errno`, `allowed`, `refused`, `data`, …; empty when it does not.
    pub about: String,
    /// Calls that show it; the last is answered otherwise.
    pub calls: Vec<String>,
    /// The last of them.
    pub asked: String,
    /// Its name.
    pub call: String,
    /// What Linux answers.
    pub linux: String,
    /// What the program answers; printable.
    pub program: String,
    /// The errno of the check with which Linux refuses, or empty.
    pub errno: String,
    /// Why it refuses: a sentence, or empty.
    pub reason: String,
    /// Where that is written, or empty.
    pub reference: String,
}

impl KernelState {
    /// What a peer found; `rows` has the reasons.
    pub fn new(disagreement: &Disagreement, rows: &Rows) -> Self {
        let (row, errno) = &disagreement.refused;
        let why = rows.why(row, errno);
        let asked = disagreement.calls.last().cloned().unwrap_or_default();
        let call = asked.split(' ').nth(1).unwrap_or(&asked).to_owned();
        Self {
            about: match serde_json::to_value(disagreement.about) {
                Ok(serde_json::Value::String(word)) => word,
                _ => "silence".to_owned(),
            },
            calls: disagreement.calls.clone(),
            asked,
            call,
            linux: disagreement.linux.clone(),
            program: Untrusted::new(disagreement.program.clone().into_bytes()).to_string(),
            errno: errno.clone(),
            reason: why.map_or_else(String::new, |why| why.says.clone()),
            reference: why.map_or_else(String::new, |why| why.reference.clone()),
        }
    }
}

/// Threads that have been awake.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct WakeupState {
    /// How many, since `note-wakeups`.
    pub woke: u64,
    /// How many there are.
    pub threads: u64,
    /// How many may have been.
    pub at_most: u64,
}

/// A message that came.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MessageState {
    /// Whether one came at all.
    pub came: bool,
    /// How many bytes it had.
    pub bytes: u64,
    /// Whether it was longer than it must be.
    pub longer: bool,
    /// How many descriptors came with it.
    pub descriptors: u64,
    /// Whether descriptors had no room (MSG_CTRUNC).
    pub control_cut: bool,
    /// The name of its sender, or empty: it has none, or was on a connection.
    pub from: String,
    /// Whether that is the program's address.
    pub from_program: bool,
}

/// A descriptor that came.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DescriptorState {
    /// `regular`, `directory`, `pipe`, `socket`, `device`, `eventfd`, `memfd`, `network-namespace` or
    /// `other`.
    pub file: &'static str,
    /// `read`, `write`, `read-write` or `path`.
    pub access: &'static str,
    /// Where its offset stood, or -1.
    pub offset: i64,
    /// Its seals, with a blank between them: `write`, `grow`, `shrink`, `seal`.
    pub seals: String,
    /// The connection whose descriptor is the same file, `checker` when it is the checker's own
    /// namespace, or empty.
    pub same_as: String,
}

/// What stands at a path.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileState {
    /// The path.
    pub path: String,
    /// `missing`, `socket`, `regular`, `directory`, `link` or `other`.
    pub kind: &'static str,
    /// What it had to be.
    pub wanted: &'static str,
    /// Its permissions in octal digits, as in `660`.
    pub mode: String,
    /// What they had to be, or empty.
    pub wanted_mode: String,
}

impl FileState {
    /// What was found, and what was wanted.
    pub fn new(path: &Path, kind: PathKind, mode: u32, wanted: &ExpectFile) -> Self {
        Self {
            path: Untrusted::from(path).to_string(),
            kind: kind.word(),
            wanted: wanted.kind.word(),
            mode: format!("{mode:03o}"),
            wanted_mode: wanted
                .mode
                .map_or_else(String::new, |mode| format!("{mode:03o}")),
        }
    }
}

/// Filters of frames that a program of tests is tried on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FiltersState {
    /// Connections that the program made.
    pub connections: u64,
    /// Frames that it sent whole on them.
    pub frames: u64,
    /// Whether one of the filters did other than a right one, so that it could be seen.
    pub shown: bool,
    /// What is wrong with them, in the words of the step.
    pub what: String,
}

/// Standard output so far.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OutputState {
    /// How many bytes.
    pub bytes: u64,
    /// The last of them, at most 64; printable.
    pub got: String,
}

impl OutputState {
    /// What the supervisor saw.
    pub fn from_seen(seen: &Seen) -> Self {
        let kept = &seen.stdout.0;
        let last = kept[kept.len().saturating_sub(64)..].to_vec();
        Self {
            bytes: seen.printed,
            got: Untrusted::new(last).to_string(),
        }
    }
}

/// A bound that was passed; empty and zero when none was.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LimitState {
    /// `memory`, `processes`, `disk`, `files`, `output`, `cpu`, or empty.
    pub which: &'static str,
    /// How much was used: bytes, a count, or milliseconds of CPU time.
    pub used: u64,
    /// How much is allowed.
    pub allowed: u64,
    /// Both in words: `1051 MiB of memory, 1024 MiB are allowed`.
    pub words: String,
}

impl From<Excess> for LimitState {
    fn from(excess: Excess) -> Self {
        Self {
            which: excess.which.word(),
            used: excess.used,
            allowed: excess.allowed,
            words: excess.words(),
        }
    }
}

/// Memory of an instance, in bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct MemoryState {
    /// The peak of what was resident since it was ready, or since `note-memory`.
    pub peak: u64,
    /// By how much that is more than what was resident then.
    pub growth: u64,
    /// By how much it may have grown.
    pub limit: u64,
}

/// An instance of the program.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProgramState {
    /// Its main process, or 0.
    pub pid: i32,
    /// Whether it runs.
    pub running: bool,
    /// Whether it called exit.
    pub exited: bool,
    /// Its exit status, or -1.
    pub status: i32,
    /// The signal that ended it, or empty.
    pub signal: String,
    /// Whether the signal that ended it is one we sent.
    pub killed_by_us: bool,
    /// Whether it is stopped, as SIGSTOP does, and not by us.
    pub stopped: bool,
    /// CPU time since the step began, in milliseconds.
    pub cpu_ms: u64,
    /// Time since the step began, in milliseconds.
    pub waited_ms: u64,
    /// The last system call before a signal ended it, from a second run under strace; empty where
    /// there was none. Only known at the first failure of a check.
    pub last_call: String,
    /// The call it sleeps in, or empty.
    pub syscall: String,
    /// The descriptor of that call, or -1.
    pub syscall_fd: i32,
    /// What that descriptor is, or empty.
    pub syscall_fd_kind: String,
    /// Whether that descriptor is O_NONBLOCK.
    pub syscall_fd_nonblocking: bool,
    /// While it sleeps on a connected socket: whether a listening socket of its is O_NONBLOCK.
    pub listener_nonblocking: bool,
    /// Our connection at the other end of it, or empty.
    pub syscall_fd_peer: String,
    /// Threads, its own and of all below it; 0 when it has ended. What is said of the call it sleeps
    /// in is of the first one.
    pub threads: usize,
    /// Open descriptors.
    pub descriptors: usize,
    /// Open descriptors when it became ready; 3 of a program whose readiness was not waited for.
    pub descriptors_at_ready: usize,
    /// Connections we have open.
    pub connections_open: usize,
    /// The last lines on standard error, or empty.
    pub stderr: String,
    /// How many lines it printed on standard output.
    pub stdout_lines: usize,
}

/// A line that was waited for, and what came instead.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LineState {
    /// The line.
    pub wanted: String,
    /// The last line printed there, or empty.
    pub got: String,
    /// How many lines were printed there.
    pub lines: usize,
    /// The peer.
    pub peer_pid: i64,
    /// Its user.
    pub peer_uid: i64,
    /// Its group.
    pub peer_gid: i64,
    /// The program.
    pub server_pid: i64,
    /// The number after `pid=` in `got`, or -2.
    pub got_pid: i64,
    /// The number after `uid=` in `got`, or -2.
    pub got_uid: i64,
    /// The number after `gid=` in `got`, or -2.
    pub got_gid: i64,
    /// The number after the first blank in `wanted`, or -2.
    pub wanted_number: i64,
    /// The number after the first blank in `got`, or -2.
    pub got_number: i64,
    /// Whether a second run, with a terminal as standard output, printed it.
    pub appears_on_terminal: bool,
    /// A line that has the name of the wanted line's socket in it, where none begins as it must.
    pub similar: String,
    /// What follows the second blank in `got`.
    pub got_name: String,
    /// Where `got` stops, if it is a beginning of `wanted`: at a `blank`, a `control` character, a
    /// `byte` that is no ASCII, or another `character`; otherwise empty.
    pub cut_at: &'static str,
    /// Whether `wanted` and `got` are the same but for blanks and tabs.
    pub only_blanks_differ: bool,
}

/// A socket that is only there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SocketFound {
    /// What its step calls it.
    pub label: String,
    /// Its inode.
    pub inode: u64,
    /// `stream`, `dgram`, `seqpacket`, or empty.
    #[serde(rename = "type")]
    pub socket_type: &'static str,
    /// `unnamed`, `bound`, `listening`, `connected`, `accepted`, or `closed`.
    pub state: &'static str,
    /// What kind of name it has bound: `path`, `relative`, `abstract` or `none`.
    pub kind: &'static str,
    /// What became of its file: `kept`, `removed`, `renamed`, or `none` where it never had one.
    pub file: &'static str,
    /// Its name as the kernel shows it.
    pub name: String,
    /// The length of that.
    pub name_bytes: usize,
    /// Whether the name is UTF-8.
    pub utf8: bool,
    /// Whether another socket of the stage has connected to it.
    pub has_client: bool,
}

impl Observation {
    /// Takes over what a peer saw.
    pub fn with_outcome(mut self, outcome: &Outcome) -> Self {
        self.errno.clone_from(&outcome.errno);
        self.call.clone_from(&outcome.call);
        self.sent = outcome.sent;
        self.received = outcome.received;
        self.expected = outcome.due;
        self.same = outcome.same;
        self.first_nul = outcome.first_nul.map_or(-1, |at| at as i64);
        self.descriptors_sent = outcome.descriptors_sent;
        self.found_at = outcome.found_at.map_or(-1, |at| at as i64);
        let window = &outcome.window_received.0;
        self.came = window.iter().map(|byte| format!("{byte:02x}")).collect();
        self.connection.clone_from(&outcome.connection);
        self.elsewhere.clone_from(&outcome.elsewhere);
        self.stray.clone_from(&outcome.stray);
        let message = &outcome.message;
        self.message = MessageState {
            came: message.came,
            bytes: message.bytes,
            longer: message.longer,
            descriptors: message.descriptors,
            control_cut: message.control_cut,
            from: Untrusted::from(&message.from).to_string(),
            from_program: message.from_program,
        };
        self.cut = outcome.cut;
        self.asked = outcome.asked;
        if let Some(disagreement) = &outcome.disagreement {
            // Reasons that cannot be read are left out: what differs is told without them.
            let rows = Rows::load(&Source::Embedded).unwrap_or_default();
            self.kernel = KernelState::new(disagreement, &rows);
        }
        let descriptor = &outcome.descriptor;
        let seals: Vec<&str> = descriptor.seals.iter().map(|seal| seal.word()).collect();
        self.descriptor = DescriptorState {
            file: descriptor.file.word(),
            access: descriptor.access.word(),
            offset: descriptor.offset.map_or(-1, |offset| offset as i64),
            seals: seals.join(" "),
            same_as: String::new(),
        };
        self
    }
}

impl ProgramState {
    /// What the supervisor saw of an instance. `cpu_before` is its CPU time when the step began.
    pub fn from_seen(seen: &Seen, cpu_before: u64, waited_ms: u64) -> Self {
        let signal = seen.signal.map(|number| {
            Signal::try_from(number).map_or_else(
                |_| format!("signal {number}"),
                |known| known.as_str().to_owned(),
            )
        });
        Self {
            pid: seen.pid,
            running: seen.running,
            exited: seen.status.is_some(),
            status: seen.status.unwrap_or(-1),
            signal: signal.unwrap_or_default(),
            killed_by_us: seen.killed_by_us,
            stopped: seen.stopped,
            cpu_ms: seen.cpu_ms.saturating_sub(cpu_before),
            waited_ms,
            last_call: String::new(),
            syscall: seen.syscall.clone(),
            syscall_fd: seen.syscall_fd.unwrap_or(-1),
            syscall_fd_kind: seen.syscall_fd_kind.clone(),
            syscall_fd_nonblocking: seen.syscall_fd_nonblocking,
            listener_nonblocking: seen.listener_nonblocking,
            syscall_fd_peer: String::new(),
            threads: seen.threads,
            descriptors: seen.descriptors,
            descriptors_at_ready: seen.descriptors_at_ready,
            connections_open: 0,
            stderr: last_lines(&Untrusted::from(&seen.stderr), 6).join("\n"),
            stdout_lines: seen.stdout.0.iter().filter(|&&byte| byte == b'\n').count(),
        }
    }

    /// An instance that is not there.
    pub fn absent() -> Self {
        Self {
            status: -1,
            syscall_fd: -1,
            ..Self::default()
        }
    }
}

/// The last lines of a program's output, printable; empty ones at the end left out.
pub fn last_lines(output: &Untrusted, most: usize) -> Vec<String> {
    let mut lines = output.lines();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let from = lines.len().saturating_sub(most);
    lines.split_off(from)
}

impl LineState {
    /// A line that did not come; `output` is what came.
    pub fn new(wanted: &str, stream: Printed, outcome: &Outcome, seen: &Seen) -> Self {
        let output = match stream {
            Printed::Stdout => &seen.stdout,
            Printed::Stderr => &seen.stderr,
        };
        let got = last_lines(&Untrusted::from(output), 1)
            .pop()
            .unwrap_or_default();
        Self {
            wanted: wanted.to_owned(),
            peer_pid: outcome.me.pid.into(),
            peer_uid: outcome.me.uid.into(),
            peer_gid: outcome.me.gid.into(),
            server_pid: seen.pid.into(),
            got_pid: number_after(&got, "pid="),
            got_uid: number_after(&got, "uid="),
            got_gid: number_after(&got, "gid="),
            wanted_number: number_after(wanted, " "),
            got_number: number_after(&got, " "),
            got,
            lines: output.0.iter().filter(|&&byte| byte == b'\n').count(),
            ..Self::default()
        }
    }

    /// A line about a socket: what it must be, what came, and what came instead.
    pub fn of_listing(wanted: &[u8], got: &[u8], similar: &[u8]) -> Self {
        let shown = |line: &[u8]| Untrusted::from(line).to_string();
        Self {
            wanted: shown(wanted),
            got: shown(got),
            similar: shown(similar),
            got_name: shown(listing::third_part(got)),
            cut_at: listing::cut_at(wanted, got),
            only_blanks_differ: listing::only_blanks_differ(wanted, got),
            ..Self::default()
        }
    }
}

fn number_after(line: &str, key: &str) -> i64 {
    let digits = |rest: &str| {
        let end = rest
            .char_indices()
            .find(|(at, character)| !(character.is_ascii_digit() || *at == 0 && *character == '-'))
            .map_or(rest.len(), |(at, _)| at);
        rest[..end].parse().ok()
    };
    line.find(key)
        .and_then(|at| digits(&line[at + key.len()..]))
        .unwrap_or(-2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_key() {
        assert_eq!(number_after("peer pid=12 uid=-1 gid=7", "pid="), 12);
        assert_eq!(number_after("peer pid=12 uid=-1 gid=7", "uid="), -1);
        assert_eq!(number_after("hello", "pid="), -2);
    }
}
