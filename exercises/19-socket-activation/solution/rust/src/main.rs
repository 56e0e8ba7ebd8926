//! Exercise 19, reference solution in Rust: an echo server that is started with its sockets in hand.
//!
//! First it reads its letter: LISTEN_PID says to whom it is addressed, LISTEN_FDS how many descriptors
//! came along, from 3 on, and LISTEN_FDNAMES what they are called. It believes none of it before it has
//! looked. Then each socket has a thread, and so has each client.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode};
use std::{env, fs, thread};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{SockType, UnixAddr, getpeername, getsockopt, sockopt};

/// Behind the standard three.
const FIRST: RawFd = 3;

const LETTER: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// What was given to this process, and what each is called.
enum Given {
    Nothing,
    Listeners(Vec<(UnixListener, Vec<u8>)>),
    /// The manager has accepted: this program serves one client and ends.
    Connection(UnixStream, Vec<u8>),
}

/// What a descriptor is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Listening,
    Connected,
}

/// A decimal number of digits alone: `parse` would take a `+` as well.
fn number(text: &OsStr) -> Option<i32> {
    let digits = text.to_str()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// How many descriptors were given to this process. The variables may be left from another one: whoever
/// is not named by LISTEN_PID was given nothing.
fn count_given() -> Result<i32, String> {
    let (Some(pid), Some(count)) = (env::var_os("LISTEN_PID"), env::var_os("LISTEN_FDS")) else {
        return Ok(0);
    };
    if number(&pid).and_then(|pid| u32::try_from(pid).ok()) != Some(process::id()) {
        return Ok(0);
    }
    match number(&count) {
        Some(count) if count <= i32::MAX - FIRST => Ok(count),
        _ => Err(format!("LISTEN_FDS is not a count: {count:?}")),
    }
}

/// Looks at a descriptor before it is used: the manager may have been configured for another program.
fn look_at(fd: RawFd) -> Result<Kind, String> {
    let look = || -> nix::Result<Option<Kind>> {
        // SAFETY: asking about a number that is not open gives EBADF, and nothing else here uses it.
        let socket = unsafe { BorrowedFd::borrow_raw(fd) };
        if getsockopt(&socket, sockopt::SockType)? != SockType::Stream {
            return Ok(None);
        }
        // Programs that this one starts must not have it.
        fcntl(socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        if getsockopt(&socket, sockopt::AcceptConn)? {
            return Ok(Some(Kind::Listening));
        }
        getpeername::<UnixAddr>(fd)?; // ENOTCONN: nobody is at the other end
        Ok(Some(Kind::Connected))
    };
    match look() {
        Ok(Some(kind)) => Ok(kind),
        Ok(None) => Err(format!("descriptor {fd} is not a stream socket")),
        Err(errno) => Err(format!("descriptor {fd}: {errno}")),
    }
}

/// The names, the first of which is descriptor 3's. A name may be empty, and still counts.
fn names(count: usize) -> Result<Vec<Vec<u8>>, String> {
    let Some(variable) = env::var_os("LISTEN_FDNAMES") else {
        return Ok(vec![Vec::new(); count]);
    };
    let split = variable.as_bytes().split(|&byte| byte == b':');
    let names: Vec<Vec<u8>> = split.map(<[u8]>::to_vec).collect();
    if names.len() != count {
        return Err(format!("LISTEN_FDNAMES has {} names for {count} sockets", names.len()));
    }
    Ok(names)
}

/// Takes what was given, after a look at each.
fn take() -> Result<Given, String> {
    let count = count_given()?;
    if count == 0 {
        return Ok(Given::Nothing);
    }
    // One by one: a count that is far too large ends at the first descriptor that is not there.
    let mut kinds = Vec::new();
    for fd in FIRST..FIRST + count {
        let kind = look_at(fd)?;
        if kind == Kind::Connected && count != 1 {
            return Err(format!("descriptor {fd} does not listen"));
        }
        kinds.push(kind);
    }
    let mut names = names(kinds.len())?;
    // SAFETY: they are open, they were given to this process, and nothing else here has used them.
    let owned = |fd| unsafe { OwnedFd::from_raw_fd(fd) };
    if kinds[0] == Kind::Connected {
        return Ok(Given::Connection(owned(FIRST).into(), names.remove(0)));
    }
    let sockets = names.into_iter().zip(FIRST..);
    Ok(Given::Listeners(sockets.map(|(name, fd)| (owned(fd).into(), name)).collect()))
}

/// Ends the program at SIGTERM, and removes the name if it is the program's own. That of a socket that was
/// given is the manager's, which goes on listening.
fn end_when_told(signals: SigSet, own: Option<PathBuf>) {
    thread::spawn(move || {
        let told = signals.wait();
        if let Some(path) = own {
            let _ = fs::remove_file(path); // a name that is gone is no reason to stay
        }
        process::exit(i32::from(told.is_err()));
    });
}

/// Runs the hook, without what was meant for this process alone.
fn run_hook() -> io::Result<()> {
    let Some(hook) = env::var_os("IPC_HOOK").filter(|hook| !hook.is_empty()) else {
        return Ok(());
    };
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(hook);
    for variable in LETTER {
        shell.env_remove(variable);
    }
    shell.status().map(drop)
}

/// One datagram, as in sd_notify(3).
fn tell_manager() -> io::Result<()> {
    let Some(path) = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address).map(drop)
}

/// Serves one client until it has said its last, or is gone: that ends only this conversation.
fn converse(mut client: &UnixStream, name: &[u8]) -> io::Result<()> {
    let mut bytes = [0; 16384];
    loop {
        let count = match client.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        if name == b"upper" {
            bytes[..count].make_ascii_uppercase();
        }
        client.write_all(&bytes[..count])?;
    }
}

/// Serves all who come to one socket.
fn serve(listener: &UnixListener, name: &[u8]) -> io::Result<()> {
    // This thread has nothing else to wait for. O_NONBLOCK belongs to the open file, which is the
    // manager's, too: what it is, nobody can know.
    listener.set_nonblocking(false)?;
    loop {
        let (client, _) = listener.accept()?;
        let name = name.to_vec();
        thread::spawn(move || converse(&client, &name));
    }
}

fn run(path: &Path) -> Result<(), String> {
    let words = |error: io::Error| error.to_string();
    // Blocked in every thread that begins later, so that only the one that waits for it hears it.
    let signals = SigSet::from(Signal::SIGTERM);
    signals.thread_block().map_err(|errno| errno.to_string())?;
    let given = take()?;
    let mut own = None;
    let given = match given {
        Given::Nothing => {
            let listener = UnixListener::bind(path).map_err(words)?;
            own = Some(path.to_owned());
            Given::Listeners(vec![(listener, Vec::new())])
        }
        given => given,
    };
    end_when_told(signals, own);
    run_hook().map_err(words)?;
    // The sockets listen: from here on nobody is refused.
    if let Err(error) = tell_manager() {
        eprintln!("socket-activation: NOTIFY_SOCKET: {error}"); // no reason not to serve
    }
    let threads = match given {
        Given::Nothing => Vec::new(),
        Given::Connection(client, name) => {
            let served = client.set_nonblocking(false).and_then(|()| converse(&client, &name));
            return served.map_err(words);
        }
        Given::Listeners(sockets) => sockets
            .into_iter()
            .map(|(listener, name)| thread::spawn(move || serve(&listener, &name)))
            .collect(),
    };
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?.map_err(words)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [path] = arguments.as_slice() else {
        eprintln!("usage: socket-activation PATH");
        return ExitCode::FAILURE;
    };
    match run(Path::new(path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("socket-activation: {error}");
            ExitCode::FAILURE
        }
    }
}
