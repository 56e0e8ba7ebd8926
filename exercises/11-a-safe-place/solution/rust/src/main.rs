//! Exercise 11, reference solution in Rust: a server that makes itself a safe place.
//!
//! Every question is asked of a descriptor, so that the directory that was looked at is the one that
//! is used. The umask is never changed: it belongs to all that this process will ever make.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open, openat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept4, bind, listen, send,
    socket,
};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, fstat, mkdirat, umask};
use nix::unistd::{UnlinkatFlags, chdir, geteuid, unlinkat};

const SOCKET: &str = "server.sock";
const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC);

type Result<T> = std::result::Result<T, String>;

/// Puts words before an error.
fn about<E: std::fmt::Display>(what: impl std::fmt::Display) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}

/// Goes on only if the directory is ours and nobody else may write it: who may write a directory
/// decides what the names in it mean.
fn must_be_safe(directory: BorrowedFd<'_>, what: &str) -> Result<()> {
    let found = fstat(directory).map_err(about(what))?;
    if found.st_uid != geteuid().as_raw() {
        return Err(format!("{what}: its owner is uid {}, not we", found.st_uid));
    }
    let mode = Mode::from_bits_truncate(found.st_mode);
    if mode.intersects(Mode::S_IWGRP | Mode::S_IWOTH) {
        return Err(format!("{what}: others may write there, its mode is {:04o}", mode.bits()));
    }
    Ok(())
}

fn open_runtime_directory(path: Option<OsString>) -> Result<(PathBuf, OwnedFd)> {
    let path = PathBuf::from(path.ok_or("XDG_RUNTIME_DIR is not set")?);
    if !path.is_absolute() {
        return Err(format!("XDG_RUNTIME_DIR is not an absolute path: {path:?}"));
    }
    let directory = open(&path, DIRECTORY, Mode::empty())
        .map_err(about(format!("XDG_RUNTIME_DIR: {}", path.display())))?;
    must_be_safe(directory.as_fd(), "XDG_RUNTIME_DIR")?;
    Ok((path, directory))
}

/// Makes our directory, or takes the one that is there.
fn open_own_directory(runtime: &OwnedFd, name: &OsStr, mode: Mode) -> Result<OwnedFd> {
    let shown = name.display().to_string();
    match mkdirat(runtime, name, mode) {
        // The umask may have taken bits away; chmod is not subject to it.
        Ok(()) => fchmodat(runtime, name, mode, FchmodatFlags::FollowSymlink)
            .map_err(about(format!("{shown}: chmod")))?,
        // Which is said of anything: a link, a file, a directory of somebody else.
        Err(Errno::EEXIST) => {}
        Err(error) => return Err(format!("{shown}: mkdir: {error}")),
    }
    let directory = openat(runtime, name, DIRECTORY | OFlag::O_NOFOLLOW, Mode::empty())
        .map_err(about(format!("{shown} is no directory of ours")))?;
    must_be_safe(directory.as_fd(), &shown)?;
    Ok(directory)
}

/// One server at a time. The lock is on the directory, so there is no file to leave behind, and it
/// lasts exactly as long as this process, however that ends.
fn be_the_only_one(directory: OwnedFd) -> Result<Flock<OwnedFd>> {
    Flock::lock(directory, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, error)| format!("another server runs there: {error}"))
}

fn listen_in(directory: BorrowedFd<'_>, path: &Path, mode: Mode) -> Result<OwnedFd> {
    let address = UnixAddr::new(path).map_err(about(path.display()))?;
    // We hold the lock, so whoever made this name is dead.
    match unlinkat(directory, SOCKET, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(error) => return Err(format!("{SOCKET}: unlink: {error}")),
    }
    let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
        .map_err(about("socket"))?;
    bind(listener.as_raw_fd(), &address).map_err(about(format!("{}: bind", path.display())))?;
    // Between bind and listen nobody can connect, whatever the mode is meanwhile.
    fchmodat(directory, SOCKET, mode, FchmodatFlags::FollowSymlink).map_err(about("chmod"))?;
    listen(&listener, Backlog::MAXCONN).map_err(about("listen"))?;
    Ok(listener)
}

/// SIGTERM and SIGINT as something to read: they wait there until we look.
fn open_signals() -> Result<SignalFd> {
    let ends = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    ends.thread_block().map_err(about("sigprocmask"))?;
    SignalFd::with_flags(&ends, SfdFlags::SFD_CLOEXEC).map_err(about("signalfd"))
}

fn write_log(directory: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_NOFOLLOW;
    // 0666 is the usual wish; the umask we were started with says what becomes of it.
    let mode = Mode::from_bits_truncate(0o666);
    let log = openat(directory, "log", flags | OFlag::O_CLOEXEC, mode)?;
    std::fs::File::from(log).write_all(b"a client came\n")
}

fn serve(listener: &OwnedFd, directory: BorrowedFd<'_>) -> io::Result<()> {
    let client = accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC)?;
    // SAFETY: the kernel has opened it for us just now, and nobody else knows the number.
    let client = unsafe { OwnedFd::from_raw_fd(client) };
    write_log(directory)?;
    send(client.as_raw_fd(), b"welcome\n", MsgFlags::MSG_NOSIGNAL)?;
    Ok(())
}

fn serve_until_told(listener: &OwnedFd, signals: &SignalFd, at: BorrowedFd<'_>) -> Result<()> {
    let watched = |fd| PollFd::new(fd, PollFlags::POLLIN);
    loop {
        let mut events = [watched(signals.as_fd()), watched(listener.as_fd())];
        match poll(&mut events, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(format!("poll: {error}")),
        }
        if events[0].any() == Some(true) {
            return Ok(());
        }
        if events[1].any() == Some(true)
            // A client that is gone concerns nobody else.
            && let Err(error) = serve(listener, at)
        {
            eprintln!("a-safe-place: {error}");
        }
    }
}

struct Options {
    name: OsString,
    group: bool,
}

/// Reads the arguments, and takes over the umask that they ask for.
fn options() -> Option<Options> {
    let (mut name, mut group) = (None, false);
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        if word == "--group" {
            group = true;
        } else if word == "--umask" {
            let digits = words.next()?.into_string().ok()?;
            umask(Mode::from_bits(u32::from_str_radix(&digits, 8).ok()?)?);
        } else {
            name = Some(word);
        }
    }
    Some(Options { name: name?, group })
}

fn run(options: &Options) -> Result<()> {
    let (directory_mode, socket_mode) = match options.group {
        true => (0o710, 0o660),
        false => (0o700, 0o600),
    };
    let mode = Mode::from_bits_truncate;
    let signals = open_signals()?;
    let (path, runtime) = open_runtime_directory(std::env::var_os("XDG_RUNTIME_DIR"))?;
    let directory = open_own_directory(&runtime, &options.name, mode(directory_mode))?;
    let directory = be_the_only_one(directory)?;
    let address = path.join(&options.name).join(SOCKET);
    let listener = listen_in(directory.as_fd(), &address, mode(socket_mode))?;
    // A daemon stands in no directory. All of ours are descriptors or absolute paths.
    chdir("/").map_err(about("chdir"))?;
    println!("ready");

    serve_until_told(&listener, &signals, directory.as_fd())?;
    unlinkat(directory.as_fd(), SOCKET, UnlinkatFlags::NoRemoveDir).map_err(about(SOCKET))
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("usage: a-safe-place [--group] [--umask OCTAL] NAME");
        return ExitCode::FAILURE;
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("a-safe-place: {why}");
            ExitCode::FAILURE
        }
    }
}
