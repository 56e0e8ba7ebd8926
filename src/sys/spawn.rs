//! Starting a program that is not trusted: its session, descriptors, signals, limits and user.
//!
//! Whatever must happen between fork and exec happens here, and nowhere else. What is started and
//! what is done about it afterwards is decided elsewhere.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::libc;

use super::fence::Fence;

/// A user to become: uid, gid, and no supplementary groups (credentials(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// Real, effective and saved user id.
    pub uid: u32,
    /// Real, effective and saved group id.
    pub gid: u32,
}

/// Resource limits, soft and hard alike; `None` leaves what is inherited (setrlimit(2)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// CPU seconds.
    pub cpu_seconds: Option<u64>,
    /// Bytes a file may grow to.
    pub file_bytes: Option<u64>,
    /// Open descriptors: what it starts with, and what it may raise that to.
    pub descriptors: Option<(u64, u64)>,
    /// Processes and threads beyond those that the user has when the program starts.
    pub processes: Option<u64>,
}

/// What to start, and how.
#[derive(Debug)]
pub struct Spawn {
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory.
    pub cwd: PathBuf,
    /// Standard input, output and error.
    pub stdio: [OwnedFd; 3],
    /// What it has as its descriptors 3 and so on.
    pub others: Vec<OwnedFd>,
    /// The user to become, when we may.
    pub identity: Option<Identity>,
    /// Limits to set.
    pub limits: Limits,
    /// The umask.
    pub umask: u32,
    /// A fence to put up around it.
    pub fence: Option<Fence>,
}

impl Spawn {
    /// Starts it in a session of its own, with descriptors 0, 1, 2, those given, and no others, all signals
    /// at their defaults, no way to gain privileges, no core dumps; it dies with its parent
    /// (setsid(2), close_range(2), prctl(2) PR_SET_NO_NEW_PRIVS and PR_SET_PDEATHSIG).
    ///
    /// # Errors
    /// Whatever kept it from being started, exec included: `ENOENT` and `EACCES` are about the
    /// program.
    #[expect(
        unsafe_code,
        reason = "the steps between fork and exec have no safe form"
    )]
    pub fn start(self) -> io::Result<Child> {
        let Self {
            argv,
            env,
            cwd,
            stdio,
            others,
            identity,
            mut limits,
            umask,
            mut fence,
        } = self;
        if let Some(more) = limits.processes {
            limits.processes = room_for_one(identity).map(|least| least + more);
        }
        let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let [stdin, stdout, stderr] = stdio;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(env)
            .current_dir(cwd)
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::from(stdout))
            .stderr(Stdio::from(stderr));
        let parent = nix::unistd::getpid().as_raw();
        let settle = move || {
            settle(identity, limits, umask, fence.take(), parent)?;
            leave_open(&others)
        };
        // SAFETY: this process has one thread (it is the supervisor), so the child may do what any
        // process may; `settle` makes system calls and touches no state of the parent.
        unsafe {
            command.pre_exec(settle);
        }
        command.spawn()
    }
}

/// Runs in the child between fork and exec.
#[expect(unsafe_code, reason = "system calls in a forked child")]
fn settle(
    identity: Option<Identity>,
    limits: Limits,
    umask: u32,
    fence: Option<Fence>,
    parent: libc::pid_t,
) -> io::Result<()> {
    // SAFETY: plain system calls on values; none of them touches memory of ours.
    unsafe {
        check(libc::setsid())?;
        libc::umask(umask as libc::mode_t);
        for signal in 1..=64 {
            // KILL, STOP and the two that libc keeps refuse: that is well.
            libc::signal(signal, libc::SIG_DFL);
        }
        // Ours blocks some, and std hands the mask on.
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        check(libc::sigemptyset(&mut none))?;
        check(libc::sigprocmask(
            libc::SIG_SETMASK,
            &none,
            std::ptr::null_mut(),
        ))?;
        let same = |value: u64| (value, value);
        limit(libc::RLIMIT_CORE, Some((0, 0)))?;
        limit(libc::RLIMIT_CPU, limits.cpu_seconds.map(same))?;
        limit(libc::RLIMIT_FSIZE, limits.file_bytes.map(same))?;
        limit(libc::RLIMIT_NOFILE, limits.descriptors)?;
        limit(libc::RLIMIT_NPROC, limits.processes.map(same))?;
        if let Some(Identity { uid, gid }) = identity {
            check(libc::setgroups(0, std::ptr::null()))?;
            check(libc::setresgid(gid, gid, gid))?;
            check(libc::setresuid(uid, uid, uid))?;
        }
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        // The kernel shall take it first when memory runs out. Our own processes are not dumpable,
        // which closes their files in /proc to their own user; until exec that is this one too.
        libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
        let score = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY);
        if score >= 0 {
            libc::write(score, c"1000".as_ptr().cast(), 4);
            libc::close(score);
        }
        // After the change of user, which clears it.
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
        if libc::getppid() != parent {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        fence.map_or(Ok(()), Fence::put_up)?;
        // Close-on-exec rather than closed: std's own pipe for exec's errno must still work.
        let flags = libc::CLOSE_RANGE_CLOEXEC as libc::c_int;
        check(libc::close_range(3, libc::c_uint::MAX, flags))?;
    }
    Ok(())
}

/// Gives descriptors the numbers 3 and so on, open across exec.
#[expect(unsafe_code, reason = "system calls in a forked child")]
fn leave_open(others: &[OwnedFd]) -> io::Result<()> {
    let numbers = 3..3 + others.len() as libc::c_int;
    // SAFETY: whatever has one of these numbers in this child is one of ours that exec would close:
    // each of the given ones took the lowest that was free, and std's own pipe, made after them, has
    // a higher one. All are out of the way before the first number is taken.
    unsafe {
        let mut aside = [-1; MOST_OTHERS];
        for (other, aside) in others.iter().zip(&mut aside) {
            *aside = libc::fcntl(other.as_raw_fd(), libc::F_DUPFD_CLOEXEC, numbers.end);
            check(*aside)?;
        }
        numbers
            .zip(aside)
            .try_for_each(|(number, aside)| check(libc::dup2(aside, number)))
    }
}

/// So many descriptors are given to a program at most.
pub const MOST_OTHERS: usize = 16;

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Sets a limit, soft and hard, neither above what is allowed now.
///
/// # Safety
/// None needed beyond being callable between fork and exec.
#[expect(unsafe_code, reason = "system calls in a forked child")]
unsafe fn limit(resource: libc::__rlimit_resource_t, value: Option<(u64, u64)>) -> io::Result<()> {
    let Some((soft, hard)) = value else {
        return Ok(());
    };
    let mut now = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `now` lives on this stack for the length of both calls.
    unsafe {
        check(libc::getrlimit(resource, &mut now))?;
        let hard = hard.min(now.rlim_max);
        check(libc::setrlimit(
            resource,
            &libc::rlimit {
                rlim_cur: soft.min(hard),
                rlim_max: hard,
            },
        ))
    }
}

/// Descriptors that our own processes may open: more than the programs they deal with, since the
/// kernel counts descriptors in flight for each user against the limit of the sender (unix(7),
/// ETOOMANYREFS).
const OWN_DESCRIPTORS: u64 = 16_384;

/// Closes this process to others of the same user: they may not trace it, read its memory or its
/// descriptors (PR_SET_DUMPABLE in prctl(2)). And lets it open more descriptors than they may.
///
/// # Errors
/// What the kernel reports.
pub fn shield() -> io::Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let not_dumpable = rustix::process::DumpableBehavior::NotDumpable;
    rustix::process::set_dumpable_behavior(not_dumpable)?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < OWN_DESCRIPTORS {
        setrlimit(Resource::RLIMIT_NOFILE, hard.min(OWN_DESCRIPTORS), hard)?;
    }
    Ok(())
}

/// Opens this process again to others of the same user: what it starts may be looked at in proc(5), by
/// itself too. For a copy that holds nothing which is not theirs to see.
///
/// # Errors
/// What prctl reports.
pub fn unshield() -> io::Result<()> {
    let dumpable = rustix::process::DumpableBehavior::Dumpable;
    rustix::process::set_dumpable_behavior(dumpable).map_err(Into::into)
}

/// Makes this process adopt the orphans among its descendants, so that none escapes it
/// (prctl(2) PR_SET_CHILD_SUBREAPER).
///
/// # Errors
/// What prctl reports.
pub fn become_subreaper() -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(Into::into)
}

/// A limit on processes and threads under which a user can have one more, at most twice the
/// smallest such. Found by trying, since the kernel counts all that the user has, in other pid
/// namespaces too, where /proc does not show it (RLIMIT_NPROC in getrlimit(2)). `None` when it
/// cannot be found. For a process with one thread.
#[expect(unsafe_code, reason = "forked children that only make system calls")]
fn room_for_one(identity: Option<Identity>) -> Option<u64> {
    const LEAST: libc::rlim_t = 64;
    // SAFETY: the children make system calls on values and end; they touch no state of the parent.
    let child = unsafe {
        let child = libc::fork();
        if child == 0 {
            if let Some(Identity { uid, gid }) = identity
                && (libc::setgroups(0, std::ptr::null()) != 0
                    || libc::setresgid(gid, gid, gid) != 0
                    || libc::setresuid(uid, uid, uid) != 0)
            {
                libc::_exit(0);
            }
            for doublings in 1..=20 {
                let mut limit = libc::rlimit {
                    rlim_cur: 0,
                    rlim_max: 0,
                };
                libc::getrlimit(libc::RLIMIT_NPROC, &mut limit);
                limit.rlim_cur = (LEAST << (doublings - 1)).min(limit.rlim_max);
                if libc::setrlimit(libc::RLIMIT_NPROC, &limit) != 0 {
                    break;
                }
                let another = libc::fork();
                if another == 0 {
                    libc::_exit(0);
                }
                if another > 0 {
                    libc::waitpid(another, std::ptr::null_mut(), 0);
                    libc::_exit(doublings);
                }
            }
            libc::_exit(0);
        }
        child
    };
    let pid = (child > 0).then(|| nix::unistd::Pid::from_raw(child))?;
    match nix::sys::wait::waitpid(pid, None) {
        Ok(nix::sys::wait::WaitStatus::Exited(_, doublings)) if doublings > 0 => {
            Some(LEAST << (doublings - 1))
        }
        _ => None,
    }
}

/// Signals every process of a user that our signals reach: those that we started, once
/// [`super::fence::scope_signals`] holds. Only a process with that user's id may do so without
/// meeting others, so a child becomes that user first. For a process with one thread.
///
/// # Errors
/// When the child cannot be made or cannot become that user.
#[expect(unsafe_code, reason = "a forked child that only makes system calls")]
pub fn signal_all_of(identity: Identity, signal: nix::sys::signal::Signal) -> io::Result<()> {
    if identity.uid == 0 || identity.uid == nix::unistd::getuid().as_raw() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the child makes system calls on values and ends; it touches no state of the parent.
    let child = unsafe {
        let child = libc::fork();
        if child == 0 {
            let Identity { uid, gid } = identity;
            let became = libc::setgroups(0, std::ptr::null()) == 0
                && libc::setresgid(gid, gid, gid) == 0
                && libc::setresuid(uid, uid, uid) == 0
                && libc::getuid() == uid
                && libc::geteuid() == uid;
            if became {
                libc::kill(-1, signal as libc::c_int);
            }
            libc::_exit(i32::from(!became));
        }
        check(child)?;
        child
    };
    let status = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child), None)?;
    match status {
        nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(()),
        // Killed by its own kind: then the program, which is the same user, was faster. Try again.
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// Takes on another user for good: for the roles of our own binary.
///
/// # Errors
/// `EPERM` when we may not.
pub fn become_user(identity: Identity) -> io::Result<()> {
    become_member(identity, &[])
}

/// The same, with these supplementary groups (setgroups(2)).
///
/// # Errors
/// `EPERM` without the capabilities.
pub fn become_member(identity: Identity, groups: &[u32]) -> io::Result<()> {
    let gid = nix::unistd::Gid::from_raw(identity.gid);
    let uid = nix::unistd::Uid::from_raw(identity.uid);
    let groups: Vec<_> = groups
        .iter()
        .map(|group| nix::unistd::Gid::from_raw(*group))
        .collect();
    nix::unistd::setgroups(&groups)?;
    nix::unistd::setresgid(gid, gid, gid)?;
    nix::unistd::setresuid(uid, uid, uid)?;
    Ok(())
}

/// A pseudo-terminal: the side to read what a program prints, and the side to give it (pty(7)).
///
/// # Errors
/// What openpty reports.
pub fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let pair = nix::pty::openpty(None, None)?;
    // Line feeds as they are: the program's output is compared with lines.
    let mut settings = nix::sys::termios::tcgetattr(&pair.slave)?;
    settings
        .output_flags
        .remove(nix::sys::termios::OutputFlags::OPOST);
    nix::sys::termios::tcsetattr(&pair.slave, nix::sys::termios::SetArg::TCSANOW, &settings)?;
    for side in [&pair.master, &pair.slave] {
        nix::fcntl::fcntl(
            side,
            nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC),
        )?;
    }
    debug_assert!(pair.master.as_raw_fd() > 2);
    Ok((pair.master, pair.slave))
}
