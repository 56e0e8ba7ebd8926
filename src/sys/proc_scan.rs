//! Which process holds which socket and which file: one walk over `/proc/PID/fd`.
//!
//! Owns the walk, spread over the cores, and an honest account of what could not be seen. It
//! joins nothing: sockets are numbers here. Raw getdents64(2) and readlinkat(2) calls, because a
//! walk costs two system calls a descriptor and nothing else should weigh.
//!
//! A process may end while it is read: it is counted as vanished and otherwise passed over.
//! Reading another user's descriptors needs `PTRACE_MODE_READ` (ptrace(2)); processes that made
//! themselves undumpable, such as ssh-agent(1), refuse even their own user. Reference: proc(5).

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};
use rustix::io::Errno;
use schemars::JsonSchema;
use serde::Serialize;

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

/// What to look for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Besides sockets, open files beneath this directory.
    pub beneath: Option<&'a [u8]>,
}

/// A process that holds something.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// Its name, `comm`: chosen by itself, at most 15 bytes.
    pub comm: Untrusted,
}

/// What all processes that could be read hold.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    sockets: Vec<(u32, u32)>,
    files: Vec<(Vec<u8>, u32)>,
    processes: BTreeMap<u32, Untrusted>,
    /// What could be seen at all.
    pub sight: Sight,
}

/// How much of the machine the walk could see.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Sight {
    /// Processes whose descriptors were read. Kernel threads are not counted.
    pub readable: usize,
    /// Processes whose descriptors may not be read. Kernel threads are not counted.
    pub denied: Vec<Process>,
    /// Processes that ended while they were read.
    pub vanished: usize,
    /// This process lives in a pid namespace of its own: there may be processes it cannot see.
    pub inner_pid_namespace: bool,
    /// `/proc` is mounted with `hidepid`: other users' processes are not in it.
    pub hidden_by_mount: bool,
}

impl Sight {
    /// True when every process was seen and read: then a socket without a holder has none.
    pub fn complete(&self) -> bool {
        self.denied.is_empty() && !self.inner_pid_namespace && !self.hidden_by_mount
    }
}

impl Holdings {
    /// The processes that hold the socket with this inode, by pid, each once.
    pub fn of_socket(&self, inode: u32) -> Vec<Process> {
        let from = self.sockets.partition_point(|&(found, _)| found < inode);
        self.sockets[from..]
            .iter()
            .take_while(|&&(found, _)| found == inode)
            .map(|&(_, pid)| self.process(pid))
            .collect()
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

    fn process(&self, pid: u32) -> Process {
        Process {
            pid,
            comm: self.processes.get(&pid).cloned().unwrap_or_default(),
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
            holdings.sockets.push((inode, pid));
            holdings.processes.insert(pid, comm.into());
        }
        holdings.sockets.sort_unstable();
        holdings
    }

    fn merge(&mut self, other: Self) {
        self.sockets.extend(other.sockets);
        self.files.extend(other.files);
        self.processes.extend(other.processes);
        self.sight.readable += other.sight.readable;
        self.sight.denied.extend(other.sight.denied);
        self.sight.vanished += other.sight.vanished;
    }
}

/// Walks over all processes.
///
/// # Errors
/// When `/proc` itself cannot be listed.
pub fn scan(wanted: Wanted<'_>) -> io::Result<Holdings> {
    let proc = open_directory(CWD, c"/proc")?;
    let mut pids = Vec::new();
    let mut buffer = vec![MaybeUninit::uninit(); ENTRIES];
    let mut entries = RawDir::new(&proc, &mut buffer);
    while let Some(entry) = entries.next() {
        pids.extend(number(entry?.file_name().to_bytes()));
    }
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
    all.sockets.dedup();
    all.files.sort_unstable();
    all.files.dedup();
    all.sight.denied.sort_unstable_by_key(|process| process.pid);
    all.sight.inner_pid_namespace = inner_pid_namespace();
    all.sight.hidden_by_mount = super::mounts::mounts().is_ok_and(|mounts| {
        mounts
            .iter()
            .rev()
            .find(|mount| mount.point.bytes() == b"/proc")
            .is_some_and(super::mounts::Mount::hides_processes)
    });
    Ok(all)
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
        let sockets = self.found.sockets.len();
        let files = self.found.files.len();
        match self.descriptors(pid) {
            Ok(()) => self.found.sight.readable += 1,
            Err(Errno::NOENT | Errno::SRCH) => self.found.sight.vanished += 1,
            Err(_) => self.denied(pid),
        }
        if self.found.sockets.len() > sockets || self.found.files.len() > files {
            let comm = self.comm(pid);
            self.found.processes.insert(pid, comm);
        }
    }

    fn descriptors(&mut self, pid: u32) -> Result<(), Errno> {
        let directory = open_directory(self.proc, &file_of(pid, "fd"))?;
        let mut entries = RawDir::new(&directory, &mut self.entries);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_bytes().first() == Some(&b'.') {
                continue;
            }
            let target = match readlinkat_raw(&directory, name, self.target.as_mut_slice()) {
                Ok((target, _)) => &*target,
                // Closed meanwhile.
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno),
            };
            if let Some(inode) = socket_inode(target) {
                self.found.sockets.push((inode, pid));
            } else if self
                .wanted
                .beneath
                .is_some_and(|directory| target.starts_with(directory))
            {
                self.found.files.push((target.to_vec(), pid));
            }
        }
        Ok(())
    }

    fn denied(&mut self, pid: u32) {
        match self.small_file(&file_of(pid, "stat")) {
            Err(Errno::NOENT | Errno::SRCH) => self.found.sight.vanished += 1,
            Ok(stat) if is_kernel_thread(&stat) => {}
            // Mounted with hidepid=1, /proc refuses even this.
            _ => {
                let comm = self.comm(pid);
                self.found.sight.denied.push(Process { pid, comm });
            }
        }
    }

    fn comm(&mut self, pid: u32) -> Untrusted {
        let mut comm = self.small_file(&file_of(pid, "comm")).unwrap_or_default();
        comm.pop_if(|last| *last == b'\n');
        Untrusted::new(comm)
    }

    fn small_file(&mut self, path: &CStr) -> Result<Vec<u8>, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(self.proc, path, flags, Mode::empty())?;
        let (read, _) = rustix::io::read(&file, self.target.as_mut_slice())?;
        Ok(read.to_vec())
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

fn file_of(pid: u32, name: &str) -> std::ffi::CString {
    std::ffi::CString::new(format!("{pid}/{name}")).expect("digits and a word hold no NUL")
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

/// The number in `socket:[NUMBER]`.
fn socket_inode(target: &[u8]) -> Option<u32> {
    number(target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
}

/// From the text of `/proc/PID/stat`. The name in brackets may itself hold brackets and blanks:
/// what follows the last closing one is the kernel's.
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
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_socket_we_hold_is_found_with_our_name() {
        let (socket, _other) = UnixStream::pair().unwrap();
        let inode = crate::sys::sock_diag::low_half(rustix::fs::fstat(&socket).unwrap().st_ino);
        let holders = scan(Wanted::default()).unwrap().of_socket(inode);
        let own = holders
            .iter()
            .find(|holder| holder.pid == std::process::id())
            .expect("we hold it");
        let comm = std::fs::read("/proc/self/comm").unwrap();
        assert_eq!(own.comm.bytes(), comm.strip_suffix(b"\n").unwrap());
    }

    #[test]
    fn a_file_we_hold_open_is_found_by_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let directory = std::fs::canonicalize(directory.path()).unwrap();
        let path = directory.join("held.lock");
        let _file = std::fs::File::create(&path).unwrap();
        let beneath = directory.as_os_str().as_encoded_bytes();
        let holdings = scan(Wanted {
            beneath: Some(beneath),
        })
        .unwrap();
        let holders = holdings.of_file(path.as_os_str().as_encoded_bytes());
        assert_eq!(holders[0].pid, std::process::id());
        assert!(holdings.of_file(b"/nowhere").is_empty());
    }

    #[test]
    fn only_digits_make_a_socket_inode() {
        assert_eq!(socket_inode(b"socket:[4711]"), Some(4711));
        for other in [
            &b"socket:[]"[..],
            b"socket:[4711",
            b"socket:[-1]",
            b"socket:[99999999999]",
            b"/tmp/socket:[1]",
            b"pipe:[1]",
        ] {
            assert_eq!(socket_inode(other), None, "{}", other.escape_ascii());
        }
    }

    #[test]
    fn a_program_cannot_pass_for_a_kernel_thread_by_its_name() {
        assert!(is_kernel_thread(b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0"));
        let forged = b"9 (x) S 0 0 0 0 -1 2129984) S 1 9 9 0 -1 4194560 0 0";
        assert!(!is_kernel_thread(forged));
        assert!(!is_kernel_thread(b"garbage"));
    }
}
