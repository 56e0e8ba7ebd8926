//! Exercise 12, reference solution in Rust: requests and replies in datagrams.
//!
//!     serve SOCKET
//!     ask SOCKET NAME SECONDS TEXT...
//!
//! A datagram server has one socket and no connections. Whom a reply goes to is the name that came
//! with the request; whether it gets there is no concern of the next client.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, UnixAddr, bind, recvfrom, sendto};

/// Bytes of a message.
const LONGEST: usize = 8192;
/// Digits of an id.
const MOST_DIGITS: usize = 9;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

// ---- serve --------------------------------------------------------------------------------------

/// Whether the name is left over: a socket's file that no socket has any more.
fn is_stale(path: &Path) -> io::Result<bool> {
    // connect() says ECONNREFUSED of any file that is no socket, too.
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    let refused = UnixDatagram::unbound()?.connect(path);
    Ok(refused.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused))
}

fn take_name(path: &Path) -> io::Result<UnixDatagram> {
    match UnixDatagram::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_stale(path)? => {
            fs::remove_file(path)?;
            UnixDatagram::bind(path)
        }
        bound => bound,
    }
}

/// The reply to a request; `None`: the message has no id, so there is none.
fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let mut parts = request.splitn(3, |&byte| byte == b' ');
    let id = parts.next()?;
    if !(1..=MOST_DIGITS).contains(&id.len()) || !id.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let word = parts.next().unwrap_or_default();
    let text = parts.next().unwrap_or_default();
    Some(match word {
        b"UPPER" => [id, b" ok ", &text.to_ascii_uppercase()].concat(),
        b"LENGTH" => [id, b" ok ", text.len().to_string().as_bytes()].concat(),
        _ => [id, b" no"].concat(),
    })
}

fn serve(path: &Path) -> io::Result<bool> {
    let inbox = take_name(path)?;
    let fd = inbox.as_raw_fd();
    let mut buffer = [0; LONGEST];
    loop {
        // nix's address keeps its length, also that of an abstract name.
        let (size, client) = match recvfrom::<UnixAddr>(fd, &mut buffer) {
            Err(Errno::EINTR) => continue,
            got => got?,
        };
        let Some(client) = client.filter(|client| !client.is_unnamed()) else {
            continue; // who has no name cannot be answered
        };
        if let Some(reply) = answer(&buffer[..size]) {
            // A client that is gone (ECONNREFUSED, ENOENT) or does not read (EAGAIN) gets no reply.
            // That is its affair, and nothing here may wait for it.
            let _ = sendto(fd, &reply, &client, MsgFlags::MSG_DONTWAIT);
        }
    }
}

// ---- ask ----------------------------------------------------------------------------------------

/// What is left of the time, if anything is.
fn left(until: Instant) -> Option<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

/// Sends a request, again and again while nobody is there; false: the time is up.
fn send_request(
    outbox: &UnixDatagram,
    server: &Path,
    request: &[u8],
    until: Instant,
) -> io::Result<bool> {
    while let Some(left) = left(until) {
        // While there is no room, the kernel waits, so long. poll() could not: it does not know
        // where the next message will go.
        outbox.set_write_timeout(Some(left))?;
        // The name is looked up for each try. A socket that was connected would go on meaning the
        // server that is gone.
        match outbox.send_to(request, server) {
            Ok(_) => return Ok(true),
            Err(error) => match error.kind() {
                ErrorKind::ConnectionRefused | ErrorKind::NotFound => {
                    thread::sleep(left.min(BETWEEN_TRIES));
                }
                ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
    Ok(false)
}

/// Waits for the reply that has this id, and returns its result; `Err`: in words, why there is none.
fn take_reply(
    inbox: &UnixDatagram,
    server: &Path,
    id: usize,
    until: Instant,
) -> io::Result<Result<Vec<u8>, &'static str>> {
    let ok = format!("{id} ok ").into_bytes();
    let no = format!("{id} no").into_bytes();
    let mut buffer = [0; LONGEST + MOST_DIGITS + 32];
    while let Some(left) = left(until) {
        inbox.set_read_timeout(Some(left))?;
        let (size, sender) = match inbox.recv_from(&mut buffer) {
            Ok(got) => got,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => continue,
                _ => return Err(error),
            },
        };
        // Anybody may send to our name.
        if sender.as_pathname() != Some(server) {
            continue;
        }
        let reply = &buffer[..size];
        if let Some(result) = reply.strip_prefix(&ok[..]) {
            return Ok(Ok(result.to_vec()));
        }
        if reply == no {
            return Ok(Err("refused"));
        }
        // To another request, perhaps one that we no longer wait for.
    }
    Ok(Err("no answer"))
}

/// Asks for each text; whether all had a result.
fn ask_all(
    mine: &UnixDatagram,
    server: &Path,
    limit: Duration,
    texts: &[OsString],
) -> io::Result<bool> {
    let mut all = true;
    for (text, id) in texts.iter().zip(1..) {
        let until = Instant::now() + limit;
        let request = [format!("{id} UPPER ").as_bytes(), text.as_bytes()].concat();
        let result = match send_request(mine, server, &request, until)? {
            true => take_reply(mine, server, id, until)?,
            false => Err("no answer: it could not be sent"),
        };
        match result {
            Ok(result) => io::stdout().write_all(&[&result[..], b"\n"].concat())?,
            Err(why) => {
                eprintln!("{id}: {why}");
                all = false;
            }
        }
    }
    io::stdout().flush()?;
    Ok(all)
}

fn ask(server: &Path, name: &OsStr, seconds: &OsStr, texts: &[OsString]) -> io::Result<bool> {
    let seconds = seconds.to_str().and_then(|text| text.parse().ok());
    let limit = Duration::from_secs(seconds.ok_or(ErrorKind::InvalidInput)?);
    if name == "-" {
        let mine = UnixDatagram::unbound()?;
        // The family alone: the kernel chooses a name that nobody else has.
        bind(mine.as_raw_fd(), &UnixAddr::new_unnamed())?;
        return ask_all(&mine, server, limit, texts);
    }
    let mine = UnixDatagram::bind(name)?; // if it is somebody else's, it stays
    let done = ask_all(&mine, server, limit, texts);
    fs::remove_file(name)?;
    done
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [command, path] if command == "serve" => serve(Path::new(path)),
        [command, path, name, seconds, texts @ ..] if command == "ask" && !texts.is_empty() => {
            ask(Path::new(path), name, seconds, texts)
        }
        _ => Err(io::Error::other(
            "usage: serve SOCKET, or ask SOCKET NAME SECONDS TEXT...",
        )),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}
