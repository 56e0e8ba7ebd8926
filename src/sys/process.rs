//! What /proc tells of one process: its ending, CPU time, the call it sleeps in, its descriptors,
//! its children (proc(5)). Missing permission gives empty answers, never errors: a process may
//! vanish, or hide, between two looks.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use nix::libc;
use nix::sys::signal::Signal;

use crate::untrusted::Untrusted;

/// The fields of /proc/PID/stat that we use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// `R`, `S`, `D`, `T`, `Z`, …
    pub state: char,
    /// Whether it is ending or has ended: `PF_EXITING`, include/linux/sched.h.
    pub ending: bool,
    /// Parent.
    pub ppid: i32,
    /// Session.
    pub session: i32,
    /// User and system CPU time, in milliseconds.
    pub cpu_ms: u64,
    /// The same of its children that have ended and were waited for.
    pub children_cpu_ms: u64,
    /// Threads.
    pub threads: u64,
    /// When it was started, in clock ticks after the boot.
    pub started: u64,
    /// Resident memory in bytes; what is shared counts for each process that shares it.
    pub resident: u64,
}

/// `PF_EXITING` in the flags of /proc/PID/stat.
const PF_EXITING: i64 = 0x4;

/// Reads /proc/PID/stat.
pub fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in the second field belongs to the process and may hold anything: what counts begins
/// after the last `)`.
fn parse_stat(line: &[u8]) -> Option<Stat> {
    let end = line.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&line[end + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
    let ticks = number(11)? + number(12)?;
    let children_ticks = number(13)? + number(14)?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let in_ms = |ticks: i64| ticks.max(0) as u64 * 1000 / per_second;
    Some(Stat {
        state: fields.first()?.chars().next()?,
        ending: number(6)? & PF_EXITING != 0,
        ppid: number(1)? as i32,
        session: number(3)? as i32,
        cpu_ms: in_ms(ticks),
        children_cpu_ms: in_ms(children_ticks),
        threads: number(17)?.max(0) as u64,
        started: number(19)?.max(0) as u64,
        resident: number(21)?.max(0) as u64 * rustix::param::page_size() as u64,
    })
}

/// Resident memory of a process in bytes, of which shared pages count by their share
/// (proc_pid_smaps(5), Pss); `None` when we may not look. Slow: the kernel walks all page tables.
pub fn proportional_memory(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The name a process has given itself, at most 15 bytes (proc_pid_comm(5)).
pub fn name(pid: i32) -> Untrusted {
    let mut name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    if name.last() == Some(&b'\n') {
        name.pop();
    }
    Untrusted::new(name)
}

/// Threads that a user has now, as far as /proc shows them; `None` in a pid namespace of our own,
/// where /proc does not show all that the kernel counts (RLIMIT_NPROC in getrlimit(2)).
pub fn threads_of_user(uid: u32) -> Option<u64> {
    const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    if namespace.as_os_str() != FIRST_PID_NAMESPACE {
        return None;
    }
    let pids = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse::<i32>().ok()?;
        (entry.metadata().ok()?.uid() == uid).then_some(pid)
    });
    Some(pids.filter_map(stat).map(|stat| stat.threads).sum())
}

/// Whether a process sleeps, with all its threads and all below it. Whoever has ended is not awake.
pub fn sleeps(pid: i32) -> bool {
    let mut tree = descendants(pid);
    tree.insert(pid);
    let awake = |thread: PathBuf| {
        fs::read(thread.join("stat"))
            .ok()
            .and_then(|line| parse_stat(&line))
            .is_some_and(|stat| match stat.state {
                'S' => is_on_its_way(&thread),
                'Z' | 'X' => false,
                _ => true,
            })
    };
    !tree.into_iter().flat_map(threads).any(awake)
}

/// Whether the main thread of a process sleeps.
pub fn main_thread_sleeps(pid: i32) -> bool {
    let thread = PathBuf::from(format!("/proc/{pid}"));
    stat(pid).is_some_and(|stat| stat.state == 'S') && !is_on_its_way(&thread)
}

/// Whether a thread whose state is `S` has not given up its CPU: it sets its state before it looks
/// for the last time at what it is to wait for, and may be kept from going on for long right there.
/// /proc/PID/syscall waits for that, and says `running` of whoever did not sleep after all (kernel:
/// `task_current_syscall`, `wait_task_inactive`). Where we may not look, the state is believed.
fn is_on_its_way(thread: &Path) -> bool {
    fs::read(thread.join("syscall")).is_ok_and(|line| line.starts_with(b"running"))
}

/// How many threads a process and all below it have. Those that have ended do not count, though the
/// kernel shows them until it has let go of them.
pub fn threads_of_tree(pid: i32) -> usize {
    let mut tree = descendants(pid);
    tree.insert(pid);
    let lives = |thread: &PathBuf| {
        let line = fs::read(thread.join("stat")).ok();
        line.and_then(|line| parse_stat(&line))
            .is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
    };
    tree.into_iter().flat_map(threads).filter(lives).count()
}

/// Whether a process's main thread blocks a signal (`SigBlk` in /proc/PID/status, proc_pid_status(5)).
pub fn blocks_signal(pid: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal as i32 - 1)) != 0)
}

/// How often each thread of a process and of all below it has gone to sleep of its own will, by the
/// thread's id (`voluntary_ctxt_switches` in /proc/PID/task/TID/status, proc_pid_status(5)).
pub fn sleeps_of_threads(pid: i32) -> BTreeMap<i32, u64> {
    let mut tree = descendants(pid);
    tree.insert(pid);
    let of = |thread: PathBuf| {
        let id: i32 = thread.file_name()?.to_str()?.parse().ok()?;
        let status = fs::read_to_string(thread.join("status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        Some((id, line.trim().parse().ok()?))
    };
    tree.into_iter().flat_map(threads).filter_map(of).collect()
}

/// What a thread has had of the CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// On a CPU, in nanoseconds (kernel: `sum_exec_runtime`).
    pub ran_ns: u64,
    /// Waiting for one, in nanoseconds (kernel: `sched_info.run_delay`).
    pub waited_ns: u64,
}

/// The turns of each thread of a process and of all below it, by the thread's id
/// (/proc/PID/task/TID/schedstat). Nothing without CONFIG_SCHED_INFO.
pub fn turns(pid: i32) -> Vec<(i32, Turns)> {
    let mut tree = descendants(pid);
    tree.insert(pid);
    let of = |thread: PathBuf| {
        let id = thread.file_name()?.to_str()?.parse().ok()?;
        let line = fs::read_to_string(thread.join("schedstat")).ok()?;
        let mut numbers = line.split_whitespace().map(|word| word.parse::<u64>());
        let ran_ns = numbers.next()?.ok()?;
        let waited_ns = numbers.next()?.ok()?;
        Some((id, Turns { ran_ns, waited_ns }))
    };
    tree.into_iter().flat_map(threads).filter_map(of).collect()
}

/// Whether there is a process or a thread of this id.
pub fn is_there(id: i32) -> bool {
    fs::exists(format!("/proc/{id}")).unwrap_or(false)
}

/// What a process, with all its threads and all below it, has had of the CPUs.
pub fn turns_of_tree(pid: i32) -> Turns {
    let sum = |all: Turns, (_, one): (i32, Turns)| Turns {
        ran_ns: all.ran_ns + one.ran_ns,
        waited_ns: all.waited_ns + one.waited_ns,
    };
    turns(pid).into_iter().fold(Turns::default(), sum)
}

/// The threads of a process and of all below it that run or wait for a CPU (state R in
/// /proc/PID/task/TID/stat).
pub fn runnable(pid: i32) -> Vec<i32> {
    let mut tree = descendants(pid);
    tree.insert(pid);
    let wants = |thread: PathBuf| {
        let stat = parse_stat(&fs::read(thread.join("stat")).ok()?)?;
        let id = thread.file_name()?.to_str()?.parse().ok()?;
        (stat.state == 'R').then_some(id)
    };
    tree.into_iter()
        .flat_map(threads)
        .filter_map(wants)
        .collect()
}

fn threads(pid: i32) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"));
    entries.map_or_else(
        |_| Vec::new(),
        |entries| entries.flatten().map(|entry| entry.path()).collect(),
    )
}

/// Resident memory, in bytes (proc_pid_status(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Now: VmRSS.
    pub resident: u64,
    /// At most, since the start or since [`reset_peak`]: VmHWM.
    pub peak: u64,
}

/// The memory of a process.
pub fn memory(pid: i32) -> Option<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    Some(Memory {
        resident: field("VmRSS:")?,
        peak: field("VmHWM:")?,
    })
}

/// Lets the peak of a process begin anew at what is resident now (proc_pid_clear_refs(5)). Where we
/// may not, the peak goes on.
pub fn reset_peak(pid: i32) {
    drop(fs::write(format!("/proc/{pid}/clear_refs"), "5"));
}

/// Sets the soft RLIMIT_NOFILE of a process and returns what it was (prlimit(2)).
///
/// # Errors
/// `ESRCH`, `EPERM`; `EINVAL` above the hard limit.
pub fn limit_descriptors(pid: i32, limit: u64) -> std::io::Result<u64> {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let process = Pid::from_raw(pid).ok_or(std::io::ErrorKind::InvalidInput)?;
    // The hard limit stays; it is that of a process of ours, which had the same.
    let path = format!("/proc/{pid}/limits");
    let limits = fs::read_to_string(path)?;
    let hard = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    let wanted = Rlimit {
        current: Some(limit),
        maximum: hard,
    };
    let before = prlimit(Some(process), Resource::Nofile, wanted)?;
    Ok(before.current.unwrap_or(u64::MAX))
}

/// The system call a process sleeps in and its first argument, from /proc/PID/syscall; `None` when
/// it runs, or we may not look.
pub fn syscall(pid: i32) -> Option<(i64, u64)> {
    let line = fs::read_to_string(format!("/proc/{pid}/syscall")).ok()?;
    let mut words = line.split_whitespace();
    let number = words.next()?.parse().ok()?;
    let first = u64::from_str_radix(words.next()?.trim_start_matches("0x"), 16).ok()?;
    (number >= 0).then_some((number, first))
}

/// The name of a system call that a server may sleep in, and whether its first argument is a
/// descriptor.
pub fn syscall_name(number: i64) -> (&'static str, bool) {
    let table: &[(libc::c_long, &str, bool)] = &[
        (libc::SYS_read, "read", true),
        (libc::SYS_readv, "readv", true),
        (libc::SYS_write, "write", true),
        (libc::SYS_writev, "writev", true),
        (libc::SYS_recvfrom, "recvfrom", true),
        (libc::SYS_recvmsg, "recvmsg", true),
        (libc::SYS_sendto, "sendto", true),
        (libc::SYS_sendmsg, "sendmsg", true),
        (libc::SYS_accept, "accept", true),
        (libc::SYS_accept4, "accept4", true),
        (libc::SYS_connect, "connect", true),
        (libc::SYS_epoll_pwait, "epoll_pwait", true),
        (libc::SYS_flock, "flock", true),
        (libc::SYS_fcntl, "fcntl", true),
        (libc::SYS_ppoll, "ppoll", false),
        (libc::SYS_pselect6, "pselect6", false),
        (libc::SYS_futex, "futex", false),
        (libc::SYS_nanosleep, "nanosleep", false),
        (libc::SYS_clock_nanosleep, "clock_nanosleep", false),
        (libc::SYS_wait4, "wait4", false),
        (libc::SYS_waitid, "waitid", false),
        (libc::SYS_rt_sigtimedwait, "sigtimedwait", false),
        (libc::SYS_openat, "openat", false),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_poll, "poll", false),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_select, "select", false),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_epoll_wait, "epoll_wait", true),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_pause, "pause", false),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, "open", false),
    ];
    table
        .iter()
        .find(|(known, _, _)| *known == number as libc::c_long)
        .map_or(("another call", false), |&(_, name, on_descriptor)| {
            (name, on_descriptor)
        })
}

/// The descriptors a process has open, with what each link says (`socket:[123]`, a path).
pub fn descriptors(pid: i32) -> Vec<(i32, PathBuf)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, fs::read_link(entry.path()).ok()?))
        })
        .collect()
}

/// Whether the kernel keeps a process's descriptors from us (proc_pid_fd(5)). One that is ending hides
/// nothing, though only root may list what it has no more.
pub fn hides_descriptors(pid: i32) -> bool {
    let denied = |error: io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    fs::read_dir(format!("/proc/{pid}/fd")).is_err_and(denied)
        && stat(pid).is_some_and(|stat| !stat.ending)
}

/// The names of the variables that a process was started with; those that it has set itself since are
/// not among them (proc_pid_environ(5)).
pub fn variables(pid: i32) -> Vec<Untrusted> {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let entries = environment.split(|&byte| byte == 0);
    let names = entries.filter_map(|entry| entry.split(|&byte| byte == b'=').next());
    let some = names.filter(|name| !name.is_empty());
    some.map(Untrusted::from).collect()
}

/// The files a process has mapped into its memory (proc_pid_maps(5)); a mapping outlives the
/// descriptor it was made from.
pub fn mapped_files(pid: i32) -> Vec<PathBuf> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let paths = maps
        .lines()
        .filter_map(|line| line.find('/').map(|at| PathBuf::from(&line[at..])));
    let paths: BTreeSet<PathBuf> = paths.collect();
    paths.into_iter().collect()
}

/// The flags of an open descriptor as fdinfo has them, O_CLOEXEC among them.
pub fn descriptor_flags(pid: i32, descriptor: i32) -> Option<i32> {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    i32::from_str_radix(line.trim(), 8).ok()
}

/// All processes below one, itself not included: children first, then theirs.
pub fn descendants(pid: i32) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for child in children(parent) {
            if found.insert(child) {
                open.push(child);
            }
        }
    }
    found
}

/// The children of a process, of all its threads.
pub fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) => found.extend(
                list.split_whitespace()
                    .filter_map(|p| p.parse::<i32>().ok()),
            ),
            Err(_) => return children_by_parent(pid),
        }
    }
    found
}

/// The same without CONFIG_PROC_CHILDREN.
fn children_by_parent(pid: i32) -> Vec<i32> {
    all()
        .filter(|&other| stat(other).is_some_and(|stat| stat.ppid == pid))
        .collect()
}

/// All processes that /proc shows.
pub fn all() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let line = b"7 (a ) S 1 2) R 5 7 9 0 -1 0 0 0 0 0 3 4 0 0 20 0 6 0 1 1 2 9\n";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.state, stat.ppid, stat.session), ('R', 5, 9));
        assert_eq!(stat.threads, 6);
        assert_eq!(stat.resident, 2 * rustix::param::page_size() as u64);
    }

    #[test]
    fn this_process_is_found_with_its_descriptors() {
        let me = std::process::id() as i32;
        assert!(matches!(stat(me).unwrap().state, 'R' | 'S'));
        assert!(descriptors(me).iter().any(|(number, _)| *number == 0));
        assert!(!hides_descriptors(me));
    }

    #[test]
    fn a_process_that_has_ended_hides_nothing() {
        use nix::sys::wait::{Id, WaitPidFlag, waitid};
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id() as i32;
        let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(nix::unistd::Pid::from_raw(pid)), ended).unwrap();
        assert!(stat(pid).unwrap().ending);
        assert!(!hides_descriptors(pid));
        child.wait().unwrap();
    }
}
