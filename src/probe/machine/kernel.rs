//! What the kernel knows and allows, found by trying.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{InitFlags, Inotify};
use nix::sys::utsname::uname;
use rustix::process::{PidfdFlags, geteuid, getpid, pidfd_open};

use super::role::{self, Attempt, Waiting};
use super::{Finding, Group, State, shown};
use crate::sys::abilities::{self, SocketOption};
use crate::sys::{mounts, sock_diag};

/// The kernel's name and release, and the architecture.
pub(super) fn release() -> (String, String) {
    match uname() {
        Ok(name) => (
            format!("{} {}", shown(name.sysname()), shown(name.release())),
            shown(name.machine()),
        ),
        Err(errno) => (
            format!("unknown: {errno}"),
            std::env::consts::ARCH.to_owned(),
        ),
    }
}

pub(super) fn collect(program: &Path) -> Vec<Finding> {
    let mut findings = socket_options();
    findings.extend([
        pidfd(),
        unix_diag(),
        landlock(),
        user_namespaces(program),
        trace_child(program),
        trace_other(program),
        trace_strangers(),
        strangers(),
        inotify(),
        function_trace(),
    ]);
    findings
}

fn finding(
    id: &'static str,
    name: &'static str,
    needed_for: &'static str,
    (state, detail): (State, String),
    get: &str,
) -> Finding {
    let get = if matches!(state, State::Here | State::NotTried) {
        ""
    } else {
        get
    };
    Finding {
        id,
        name,
        group: Group::Kernel,
        state,
        detail,
        needed_for,
        get: get.to_owned(),
    }
}

/// `Here` with a detail, or `Missing` with the error.
fn tried<T>(result: io::Result<T>, detail: impl FnOnce(T) -> String) -> (State, String) {
    match result {
        Ok(value) => (State::Here, detail(value)),
        Err(error) => (State::Missing, error_words(&error)),
    }
}

/// The error without its number.
fn error_words(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(errno) => format!("{errno:?}: {}", errno.desc()),
        None => error.to_string(),
    }
}

fn works<T>(_: T) -> String {
    "works".to_owned()
}

fn socket_options() -> Vec<Finding> {
    let ask = |option: SocketOption| {
        let (one, _other) = UnixStream::pair()?;
        abilities::has_option(one.as_fd(), option)
    };
    [
        (
            "so-peercred",
            "SO_PEERCRED",
            SocketOption::PeerCred,
            "who is at the other end: the credential stages",
            "Every Linux since 2.2 has it.",
        ),
        (
            "so-peergroups",
            "SO_PEERGROUPS",
            SocketOption::PeerGroups,
            "the peer's supplementary groups",
            "Linux 4.13 or later has it.",
        ),
        (
            "so-peerpidfd",
            "SO_PEERPIDFD",
            SocketOption::PeerPidfd,
            "a peer that cannot be mistaken for a later process with its number",
            "Linux 6.5 or later has it.",
        ),
        (
            "so-passpidfd",
            "SO_PASSPIDFD",
            SocketOption::PassPidfd,
            "a pidfd of the sender with each message",
            "Linux 6.5 or later has it.",
        ),
        (
            "so-passrights",
            "SO_PASSRIGHTS",
            SocketOption::PassRights,
            "refusing descriptors before they arrive",
            "Linux 6.16 or later has it.",
        ),
    ]
    .into_iter()
    .map(|(id, name, option, needed_for, get)| {
        finding(id, name, needed_for, tried(ask(option), works), get)
    })
    .collect()
}

fn pidfd() -> Finding {
    let opened = pidfd_open(getpid(), PidfdFlags::empty()).map_err(io::Error::from);
    finding(
        "pidfd-open",
        "pidfd_open",
        "waiting for processes without races: every check and experiment",
        tried(opened, works),
        "Linux 5.3 or later has it; a container's seccomp filter may forbid it.",
    )
}

fn unix_diag() -> Finding {
    let dump = sock_diag::dump();
    finding(
        "unix-diag",
        "unix_diag (sock_diag)",
        "listing sockets, their peers and queues; knowing when a server listens",
        tried(dump, |dump| {
            format!(
                "{} AF_UNIX sockets in this network namespace",
                dump.sockets.len()
            )
        }),
        "The kernel needs CONFIG_UNIX_DIAG: modprobe unix_diag, as root.",
    )
}

fn landlock() -> Finding {
    finding(
        "landlock",
        "Landlock",
        "keeping a checked program away from your files",
        tried(abilities::landlock_version(), |version| {
            format!("ABI version {version}")
        }),
        "The kernel needs CONFIG_SECURITY_LANDLOCK, and landlock in the boot option lsm=.",
    )
}

fn user_namespaces(program: &Path) -> Finding {
    let seen = match role::ask(program, Attempt::UserNamespace) {
        Ok(()) if geteuid().is_root() => {
            let words = "works for root, who tried it; other users were not tried";
            (State::Here, words.to_owned())
        }
        Ok(()) => (State::Here, "works without privilege".to_owned()),
        Err(why) => (State::Missing, why + &restriction()),
    };
    finding(
        "user-namespaces",
        "user namespaces",
        "experiments with other users and networks, without being root; bwrap",
        seen,
        "An administrator can allow them; a container may forbid them whatever the setting.",
    )
}

/// Settings known to forbid user namespaces.
fn restriction() -> String {
    [
        ("/proc/sys/user/max_user_namespaces", "0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
        ),
    ]
    .iter()
    .filter(|(file, forbidding)| {
        fs::read_to_string(file).is_ok_and(|value| value.trim() == *forbidding)
    })
    .map(|(file, value)| format!("; {file} is {value}"))
    .collect()
}

fn trace_child(program: &Path) -> Finding {
    let seen = match role::ask(program, Attempt::BeTraced) {
        Ok(()) => (State::Here, "works".to_owned()),
        Err(why) => (State::Missing, why),
    };
    finding(
        "ptrace-child",
        "tracing a child",
        "strace PROGRAM and gdb PROGRAM; the program's side of a timeline",
        seen,
        "A seccomp filter or /proc/sys/kernel/yama/ptrace_scope of 2 or 3 forbids it.",
    )
}

fn trace_other(program: &Path) -> Finding {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    let scope = match &scope {
        Some(scope) => format!("yama's ptrace_scope is {}", shown(scope.trim())),
        None => "there is no yama".to_owned(),
    };
    let seen = match Waiting::start(program) {
        Err(error) => (State::NotTried, format!("no process to try it on: {error}")),
        Ok(waiting) => match role::ask(program, Attempt::Trace(waiting.pid())) {
            Ok(()) => (State::Here, format!("works; {scope}")),
            Err(why) => (State::Missing, format!("{why}; {scope}")),
        },
    };
    finding(
        "ptrace-attach",
        "attaching to a program",
        "strace -p PID and gdb -p PID",
        seen,
        "As root: sysctl kernel.yama.ptrace_scope=0, or run the tracer as root.",
    )
}

fn trace_strangers() -> Finding {
    let detail = "trying would touch a process of somebody else; root can, where yama allows";
    finding(
        "ptrace-strangers",
        "attaching to others'",
        "strace -p PID on a service of the system",
        (State::NotTried, detail.to_owned()),
        "",
    )
}

/// Whether processes of other users can be seen at all, and their descriptors.
fn strangers() -> Finding {
    let me = geteuid().as_raw();
    let hidden = mounts::mounts().is_ok_and(|mounts| {
        mounts::of(&mounts, b"/proc").is_some_and(mounts::Mount::hides_processes)
    });
    let others: Vec<_> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .iter()
                .all(u8::is_ascii_digit)
        })
        .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.uid() != me))
        .map(|entry| entry.path())
        .collect();
    let readable = others
        .iter()
        .filter(|process| fs::read_dir(process.join("fd")).is_ok())
        .count();
    let seen = match (others.len(), readable) {
        (0, _) if hidden => (State::Missing, "/proc is mounted with hidepid".to_owned()),
        (0, _) => (
            State::NotTried,
            "there is no process of another user to look at".to_owned(),
        ),
        (all, 0) => (
            State::Limited,
            format!("{all} processes of other users are visible, their descriptors are not"),
        ),
        (all, some) => {
            let words =
                format!("descriptors of {some} of {all} processes of other users are visible");
            (
                if some == all {
                    State::Here
                } else {
                    State::Limited
                },
                words,
            )
        }
    };
    finding(
        "other-processes",
        "other users' processes",
        "naming the owner of every socket in probe sockets",
        seen,
        "Run the probe as root to see all.",
    )
}

fn inotify() -> Finding {
    let watching = Inotify::init(InitFlags::IN_CLOEXEC).map_err(io::Error::from);
    finding(
        "inotify",
        "inotify",
        "check --watch, and grading on save",
        tried(watching, works),
        "Raise /proc/sys/fs/inotify/max_user_instances, or run check by hand.",
    )
}

fn function_trace() -> Finding {
    let file = [
        "/sys/kernel/tracing/trace",
        "/sys/kernel/debug/tracing/trace",
    ];
    let opened = file
        .iter()
        .map(File::open)
        .find(Result::is_ok)
        .unwrap_or_else(|| File::open(file[0]));
    finding(
        "tracefs",
        "tracefs",
        "watching kernel functions at work; optional",
        tried(opened, |_| "readable".to_owned()),
        "It takes root and a mounted tracefs; a locked-down kernel forbids it to root as well.",
    )
}
