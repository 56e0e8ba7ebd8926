//! Which process holds which socket and which file: one walk over `/proc/PID/fd`.
//!
//! Owns the walk, spread over the cores, and an honest account of what could not be seen. It
//! joins nothing: sockets are numbers here. Raw getdents64(2) and readlinkat(2) calls, because a
//! walk costs two system calls a descriptor and nothing else should weigh.
//!
//! A process may end while it is read: it is counted as vanished and otherwise passed over.
//! Reading another user's descriptors needs `PTRACE_MODE_READ` (ptrace(2)); processes that made
//! themselves undumpable, such as ssh-agent(1), refuse even their own user. Reference: proc(5).

use std::collections::HashSet;
use std::ffi::CStr;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};
use rustix::io::Errno;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::number_map::NumberMap;
use crate::untrusted::Untrusted;

/// Bytes of the buffer for directory entries. More makes nothing faster.
const ENTRIES: usize = 16 * 1024;

/// Bytes of the buffer for a link's target.
const TARGET: usize = 4096;

/// Threads at most: the walk takes the same CPU time however it is spread.
const THREADS: usize = 4;

/// The number of the first pid namespace's inode, `PROC_PID_INIT_INO`.
const FIRST_PID_NAMESPACE: &[u8] = b"pid:[4026531836]";

/// `PF_KTHREAD` in the flags of `/proc/PID/stat`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What to look for, besides sockets, and where. The default: sockets, in all processes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Open files beneath this directory, by path.
    pub beneath: Option<&'a [u8]>,
    /// Anonymous pipes, by inode.
    pub pipes: bool,
    /// What else, by exactly what its link says: paths, `anon_inode:[eventfd]`.
    pub targets: Option<&'a HashSet<Vec<u8>>>,
    /// Whose descriptors are read.
    pub among: Among<'a>,
}

/// Whose descriptors are read.
#[derive(Clone, Copy, Debug, Default)]
pub enum Among<'a> {
    /// All processes'.
    #[default]
    All,
    /// Only those of the processes with these ids; no other is touched. Then nothing can be said
    /// of who else holds something: [`Sight::complete`] is false.
    Only(&'a [u32]),
}

/// A descriptor that refers to a socket or a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Descriptor {
    /// The inode of what it refers to: the number in `socket:[…]` or `pipe:[…]`.
    pub inode: u32,
    /// The process.
    pub pid: u32,
    /// The descriptor's number in it.
    pub fd: u32,
}

/// A process that holds something.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// Its name, `comm`: chosen by itself, at most 15 bytes.
    pub comm: Untrusted,
}

/// Processes, by pid. Cloning copies none of them: most sockets are held by one process, and all
/// its sockets share one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes(Arc<[Process]>);

impl Processes {
    /// All of them.
    pub fn as_slice(&self) -> &[Process] {
        &self.0
    }
}

impl Deref for Processes {
    type Target = [Process];

    fn deref(&self) -> &[Process] {
        &self.0
    }
}

impl From<Vec<Process>> for Processes {
    fn from(processes: Vec<Process>) -> Self {
        Self(processes.into())
    }
}

impl FromIterator<Process> for Processes {
    fn from_iter<I: IntoIterator<Item = Process>>(processes: I) -> Self {
        Self(processes.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Processes {
    type Item = &'a Process;
    type IntoIter = std::slice::Iter<'a, Process>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl IntoIterator for Processes {
    type Item = Process;
    type IntoIter = std::vec::IntoIter<Process>;

    fn into_iter(self) -> Self::IntoIter {
        Vec::from(self.as_slice()).into_iter()
    }
}

impl Serialize for Processes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

/// What all processes that could be read hold.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// In order.
    sockets: Vec<Descriptor>,
    /// In order.
    pipes: Vec<Descriptor>,
    /// Path and process, in order.
    files: Vec<(Vec<u8>, u32)>,
    /// What the link says, process and number, in order.
    targets: Vec<(Vec<u8>, u32, u32)>,
    /// Each process that holds something, alone in a list.
    processes: NumberMap<u32, Processes>,
    /// What could be seen at all.
    pub sight: Sight,
}

/// How much of the machine the walk could see.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Sight {
    /// Processes whose descriptors were read. Those that have none are not counted: they are
    /// kernel threads, or nothing that matters here.
    pub readable: usize,
    /// Processes whose descriptors may not be read. Kernel threads are not counted.
    pub denied: Vec<Process>,
    /// Processes that ended while they were read.
    pub vanished: usize,
    /// This process lives in a pid namespace of its own: there may be processes it cannot see.
    pub inner_pid_namespace: bool,
    /// `/proc` is mounted with `hidepid`: other users' processes are not in it.
    pub hidden_by_mount: bool,
    /// Only some processes were asked for: [`Among::Only`].
    pub narrowed: bool,
}

impl Sight {
    /// True when every process was seen and read: then a socket without a holder has none.
    pub fn complete(&self) -> bool {
        self.denied.is_empty()
            && !self.inner_pid_namespace
            && !self.hidden_by_mount
            && !self.narrowed
    }
}

impl Holdings {
    /// The processes that hold the socket with this inode, by pid, each once.
    pub fn of_socket(&self, inode: u32) -> Vec<Process> {
        self.holders(self.descriptors_of_socket(inode))
    }

    /// The processes that hold an end of the pipe with this inode, by pid, each once.
    pub fn of_pipe(&self, inode: u32) -> Vec<Process> {
        self.holders(self.descriptors_of_pipe(inode))
    }

    /// The descriptors of the socket with this inode, by pid and number.
    pub fn descriptors_of_socket(&self, inode: u32) -> &[Descriptor] {
        of_inode(&self.sockets, inode)
    }

    /// The descriptors of both ends of the pipe with this inode, by pid and number. Empty unless
    /// [`Wanted::pipes`] was said.
    pub fn descriptors_of_pipe(&self, inode: u32) -> &[Descriptor] {
        of_inode(&self.pipes, inode)
    }

    /// The processes that some descriptors are in, each once, when these are in order.
    pub fn processes_of(&self, descriptors: &[Descriptor]) -> Processes {
        match (descriptors.first(), descriptors.last()) {
            (Some(first), Some(last)) if first.pid == last.pid => {
                match self.processes.get(&first.pid) {
                    Some(process) => process.clone(),
                    None => self.holders(descriptors).into(),
                }
            }
            _ => self.holders(descriptors).into(),
        }
    }

    /// The descriptors of all sockets, by inode, pid and number.
    pub fn sockets(&self) -> &[Descriptor] {
        &self.sockets
    }

    /// The name of a process that holds something.
    pub fn comm(&self, pid: u32) -> Option<&Untrusted> {
        Some(&self.processes.get(&pid)?.first()?.comm)
    }

    /// The processes that hold a file open whose path the kernel now gives as this.
    pub fn of_file(&self, path: &[u8]) -> Vec<Process> {
        let from = self
            .files
            .partition_point(|(found, _)| found.as_slice() < path);
        self.files[from..]
            .iter()
            .take_while(|(found, _)| found == path)
            .map(|&(_, pid)| self.process(pid))
            .collect()
    }

    /// The descriptors whose link says this, as process and number, in order. Empty unless it is
    /// among [`Wanted::targets`].
    pub fn descriptors_of_target(&self, target: &[u8]) -> impl Iterator<Item = (u32, u32)> {
        let from = self
            .targets
            .partition_point(|(found, _, _)| found.as_slice() < target);
        let same = self.targets[from..]
            .iter()
            .take_while(move |(found, _, _)| found == target);
        same.map(|&(_, pid, fd)| (pid, fd))
    }

    fn holders(&self, descriptors: &[Descriptor]) -> Vec<Process> {
        let each = descriptors.chunk_by(|one, next| one.pid == next.pid);
        each.map(|same| self.process(same[0].pid)).collect()
    }

    fn process(&self, pid: u32) -> Process {
        Process {
            pid,
            comm: self.comm(pid).cloned().unwrap_or_default(),
        }
    }

    /// Puts holdings together as if they had been read: for tests.
    #[cfg(test)]
    pub(crate) fn made_of(sockets: &[(u32, u32, &str)], sight: Sight) -> Self {
        let mut holdings = Self {
            sight,
            ..Self::default()
        };
        for &(inode, pid, comm) in sockets {
            holdings.sockets.push(Descriptor { inode, pid, fd: 3 });
            holdings.knows(pid, comm.into());
        }
        holdings.sockets.sort_unstable();
        holdings
    }

    fn knows(&mut self, pid: u32, comm: Untrusted) {
        self.processes
            .insert(pid, vec![Process { pid, comm }].into());
    }

    /// How much was found.
    fn count(&self) -> usize {
        self.sockets.len() + self.pipes.len() + self.files.len() + self.targets.len()
    }

    fn merge(&mut self, other: Self) {
        self.sockets.extend(other.sockets);
        self.pipes.extend(other.pipes);
        self.files.extend(other.files);
        self.targets.extend(other.targets);
        self.processes.extend(other.processes);
        self.sight.readable += other.sight.readable;
        self.sight.denied.extend(other.sight.denied);
        self.sight.vanished += other.sight.vanished;
    }
}

/// The descriptors of one inode, of those in order.
fn of_inode(descriptors: &[Descriptor], inode: u32) -> &[Descriptor] {
    let from = descriptors.partition_point(|found| found.inode < inode);
    let rest = &descriptors[from..];
    let same = rest.iter().take_while(|found| found.inode == inode);
    &rest[..same.count()]
}

/// Walks over the processes that are asked for.
///
/// # Errors
/// When `/proc` itself cannot be listed.
pub fn scan(wanted: Wanted<'_>) -> io::Result<Holdings> {
    let proc = open_directory(CWD, c"/proc")?;
    let listed;
    let pids = match wanted.among {
        Among::Only(pids) => pids,
        Among::All => {
            listed = pids_of(&proc)?;
            &listed
        }
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    let walk = || {
        let mut walk = Walk {
            proc: &proc,
            wanted,
            found: Holdings::default(),
            entries: vec![MaybeUninit::uninit(); ENTRIES],
            target: vec![MaybeUninit::uninit(); TARGET],
        };
        while let Some(&pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) {
            walk.process(pid);
        }
        walk.found
    };
    let mut all = thread::scope(|scope| {
        // Few processes are read before a thread has started.
        let helpers = cores.min(THREADS).min(pids.len() / 64 + 1) - 1;
        let threads: Vec<_> = (0..helpers).map(|_| scope.spawn(walk)).collect();
        let mut all = walk();
        for thread in threads {
            all.merge(thread.join().expect("the walk does not panic"));
        }
        all
    });
    all.sockets.sort_unstable();
    all.pipes.sort_unstable();
    all.files.sort_unstable();
    all.files.dedup();
    all.targets.sort_unstable();
    all.sight.denied.sort_unstable_by_key(|process| process.pid);
    all.sight.inner_pid_namespace = inner_pid_namespace();
    all.sight.hidden_by_mount = super::mounts::mounts().is_ok_and(|mounts| {
        mounts
            .iter()
            .rev()
            .find(|mount| mount.point.bytes() == b"/proc")
            .is_some_and(super::mounts::Mount::hides_processes)
    });
    all.sight.narrowed = matches!(wanted.among, Among::Only(_));
    Ok(all)
}

fn pids_of(proc: &OwnedFd) -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    let mut buffer = vec![MaybeUninit::uninit(); ENTRIES];
    let mut entries = RawDir::new(proc, &mut buffer);
    while let Some(entry) = entries.next() {
        pids.extend(number(entry?.file_name().to_bytes()));
    }
    Ok(pids)
}

fn inner_pid_namespace() -> bool {
    let mut buffer = [MaybeUninit::uninit(); 64];
    readlinkat_raw(CWD, c"/proc/self/ns/pid", &mut buffer)
        .is_ok_and(|(target, _)| target != FIRST_PID_NAMESPACE)
}

struct Walk<'a> {
    proc: &'a OwnedFd,
    wanted: Wanted<'a>,
    found: Holdings,
    entries: Vec<MaybeUninit<u8>>,
    target: Vec<MaybeUninit<u8>>,
}

impl Walk<'_> {
    fn process(&mut self, pid: u32) {
        let before = self.found.count();
        match self.descriptors(pid) {
            Ok(0) => {}
            Ok(_) => self.found.sight.readable += 1,
            Err(Errno::NOENT | Errno::SRCH) => self.found.sight.vanished += 1,
            Err(_) => self.denied(pid),
        }
        if self.found.count() > before {
            let comm = self.comm(pid);
            self.found.knows(pid, comm);
        }
    }

    /// How many descriptors the process has.
    fn descriptors(&mut self, pid: u32) -> Result<usize, Errno> {
        let directory = open_directory(self.proc, FileOf::new(pid, "fd").path())?;
        let mut entries = RawDir::new(&directory, &mut self.entries);
        let mut count = 0;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            // Not `.` and `..`.
            let Some(fd) = number(name.to_bytes()) else {
                continue;
            };
            count += 1;
            let target = match readlinkat_raw(&directory, name, self.target.as_mut_slice()) {
                Ok((target, _)) => &*target,
                // Closed meanwhile.
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno),
            };
            let wanted = self.wanted;
            if wanted.targets.is_some_and(|set| set.contains(target)) {
                self.found.targets.push((target.to_vec(), pid, fd));
            }
            if let Some(inode) = inode_in(target, b"socket:[") {
                self.found.sockets.push(Descriptor { inode, pid, fd });
            } else if wanted.pipes
                && let Some(inode) = inode_in(target, b"pipe:[")
            {
                self.found.pipes.push(Descriptor { inode, pid, fd });
            } else if wanted
                .beneath
                .is_some_and(|directory| target.starts_with(directory))
            {
                self.found.files.push((target.to_vec(), pid));
            }
        }
        Ok(count)
    }

    fn denied(&mut self, pid: u32) {
        match self.small_file(FileOf::new(pid, "stat").path()) {
            Err(Errno::NOENT | Errno::SRCH) => self.found.sight.vanished += 1,
            Ok(stat) if is_kernel_thread(stat) => {}
            Ok(stat) => {
                let comm = Untrusted::from(comm_in(stat));
                self.found.sight.denied.push(Process { pid, comm });
            }
            // Mounted with hidepid=1, /proc refuses even this.
            Err(_) => {
                let comm = Untrusted::default();
                self.found.sight.denied.push(Process { pid, comm });
            }
        }
    }

    fn comm(&mut self, pid: u32) -> Untrusted {
        let comm = self.small_file(FileOf::new(pid, "comm").path());
        let comm = comm.unwrap_or_default();
        Untrusted::from(comm.strip_suffix(b"\n").unwrap_or(comm))
    }

    fn small_file(&mut self, path: &CStr) -> Result<&[u8], Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(self.proc, path, flags, Mode::empty())?;
        let (read, _) = rustix::io::read(&file, self.target.as_mut_slice())?;
        Ok(read)
    }
}

/// The path of a file of a process, from `/proc`. On the stack: there are many.
struct FileOf([u8; FileOf::LONGEST]);

impl FileOf {
    /// Ten digits, a slash, a short word and NUL.
    const LONGEST: usize = 24;

    fn new(pid: u32, name: &str) -> Self {
        let mut bytes = [0; Self::LONGEST];
        let rest = &mut bytes[..Self::LONGEST - 1];
        write!(&mut *rest, "{pid}/{name}").expect("the longest name is `stat`");
        Self(bytes)
    }

    fn path(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).expect("the last byte is NUL")
    }
}

fn open_directory(at: impl AsFd, path: &CStr) -> Result<OwnedFd, Errno> {
    openat(
        at,
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The number in `socket:[NUMBER]` or `pipe:[NUMBER]`.
fn inode_in(target: &[u8], kind: &[u8]) -> Option<u32> {
    number(target.strip_prefix(kind)?.strip_suffix(b"]")?)
}

/// The name in the text of `/proc/PID/stat`. It is in brackets and may itself hold brackets and
/// blanks: the first and the last bracket are the kernel's.
fn comm_in(stat: &[u8]) -> &[u8] {
    let from = stat.iter().position(|&byte| byte == b'(');
    let to = stat.iter().rposition(|&byte| byte == b')');
    match (from, to) {
        (Some(from), Some(to)) if from < to => &stat[from + 1..to],
        _ => &[],
    }
}

/// From the text of `/proc/PID/stat`: what follows the last closing bracket is the kernel's.
fn is_kernel_thread(stat: &[u8]) -> bool {
    let Some(end) = stat.iter().rposition(|&byte| byte == b')') else {
        return false;
    };
    stat[end + 1..]
        .split(|&byte| byte == b' ')
        .filter(|field| !field.is_empty())
        .nth(6)
        .and_then(|field| std::str::from_utf8(field).ok()?.parse::<u64>().ok())
        .is_some_and(|flags| flags & KERNEL_THREAD != 0)
}

#[cfg(test)]
mod tests;
