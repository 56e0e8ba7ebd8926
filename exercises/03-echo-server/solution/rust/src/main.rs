//! Exercise 3, reference solution in Rust: an echo server on a Unix stream socket.
//!
//! One client at a time: accept, say who it is, echo until its end, close, next. What a client
//! does wrong ends its own connection and nothing else. Descriptors close when their owner goes
//! out of scope; nothing here closes one by hand.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, accept4,
    bind, connect, getsockopt, listen, recvmsg, send, socket, sockopt,
};

/// The kernel attaches no more descriptors to one message (SCM_MAX_FD).
const MOST_DESCRIPTORS: usize = 253;

/// Removes what a dead server left at the path, and nothing else. Returns the lock, which the
/// caller keeps.
///
/// `bind` never replaces a file, so a leftover must go first. But it may be the name of a living
/// server, and removing that would cut it off from its clients. Two questions keep us from it.
fn make_way(path: &Path, address: &UnixAddr) -> io::Result<File> {
    // Is another of us here? The lock lasts exactly as long as its process, however that ends. It
    // is never given back, and its file never removed: that would let two of us hold one.
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(lock_path)?;
    lock.try_lock()?;

    // Is any other server here? `connect` is refused when nobody listens. It is also refused for
    // a file that is no socket, which is not ours to remove.
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let probe = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        if connect(probe.as_raw_fd(), address) == Err(Errno::ECONNREFUSED) {
            fs::remove_file(path)?;
        }
    }
    Ok(lock)
}

fn listen_at(path: &Path) -> io::Result<(OwnedFd, File)> {
    if path.as_os_str().is_empty() {
        // The kernel would take it for an abstract name.
        return Err(io::ErrorKind::NotFound.into());
    }
    // A path that does not fit into the address is refused here, with ENAMETOOLONG.
    let address = UnixAddr::new(path)?;
    let lock = make_way(path, &address)?;
    let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(listener.as_raw_fd(), &address)?;
    listen(&listener, Backlog::MAXCONN)?;
    Ok((listener, lock))
}

/// Says who connected. The kernel noted it at connect; the client cannot forge it.
fn report_peer(client: &OwnedFd) -> io::Result<()> {
    let peer = getsockopt(client, sockopt::PeerCredentials)?;
    let mut out = io::stdout().lock();
    writeln!(out, "peer pid={} uid={} gid={}", peer.pid(), peer.uid(), peer.gid())?;
    out.flush()
}

/// Sends all of it. `send` may accept only a part; the rest is for the next call. Rust programs
/// ignore SIGPIPE, so a client that is gone is an error here.
fn send_all(client: &OwnedFd, mut data: &[u8]) -> nix::Result<()> {
    while !data.is_empty() {
        match send(client.as_raw_fd(), data, MsgFlags::empty()) {
            Ok(sent) => data = &data[sent..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Receives bytes, and the first descriptor that comes with them.
fn receive(client: &OwnedFd, data: &mut [u8]) -> nix::Result<(usize, Option<File>)> {
    let mut control = cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let (count, raw) = loop {
        let mut bytes = [IoSliceMut::new(data)];
        match recvmsg::<()>(client.as_raw_fd(), &mut bytes, Some(&mut control), flags) {
            Ok(message) => {
                let mut raw = Vec::new();
                for header in message.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(descriptors) = header {
                        raw.extend(descriptors);
                    }
                }
                break (message.bytes, raw);
            }
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    };
    // SAFETY: the kernel has opened these for us just now, and nobody else knows the numbers.
    let files = raw.into_iter().map(|raw| unsafe { File::from_raw_fd(raw) });
    // Every descriptor that came is open here now, wanted or not: own them all, keep the first.
    let mut files: Vec<File> = files.collect();
    files.truncate(1);
    Ok((count, files.pop()))
}

/// Sends what can be read from a file, to its end.
fn send_content(client: &OwnedFd, file: &mut File) -> nix::Result<()> {
    let mut data = vec![0; 65536];
    loop {
        match file.read(&mut data) {
            Ok(0) => return Ok(()),
            Ok(count) => send_all(client, &data[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                eprintln!("echo-server: read of a passed file: {error}");
                return Ok(());
            }
        }
    }
}

/// Echoes until the client has said its last.
fn serve(client: &OwnedFd) -> nix::Result<()> {
    let mut data = vec![0; 65536];
    loop {
        let (count, passed) = receive(client, &mut data)?;
        if count == 0 {
            return Ok(());
        }
        send_all(client, &data[..count])?;
        if let Some(mut file) = passed {
            send_content(client, &mut file)?;
        }
    }
}

fn run(path: &Path) -> io::Result<()> {
    let (listener, _lock) = listen_at(path)?;
    loop {
        let client = match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            // SAFETY: the kernel has opened it for us just now, and nobody else knows the number.
            Ok(raw) => unsafe { OwnedFd::from_raw_fd(raw) },
            Err(Errno::EINTR | Errno::ECONNABORTED) => continue,
            Err(error) => return Err(error.into()),
        };
        report_peer(&client)?;
        if let Err(error) = serve(&client) {
            // The client is gone: ECONNRESET on reading, EPIPE on writing.
            eprintln!("echo-server: {error}");
        }
    }
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().skip(1).last().map(PathBuf::from) else {
        eprintln!("usage: echo-server PATH");
        return ExitCode::FAILURE;
    };
    match run(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo-server: {error}");
            ExitCode::FAILURE
        }
    }
}
