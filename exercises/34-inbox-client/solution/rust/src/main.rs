//! Exercise 34, reference solution in Rust: a client of the inbox.
//!
//! Before each call the socket is told how much time is left, so that one deadline holds for all
//! calls together. Values of the environment are `OsString`s: bytes, which need not be UTF-8.

use std::env;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr, sockopt};
use nix::sys::time::TimeVal;

const MOST_TEXT: usize = 65536 - b"SEND ".len();
const MOST_PATH: usize = 107; // sun_path, with its NUL

// Exit statuses, as in sysexits(3).
const USAGE: u8 = 64;
const DATAERR: u8 = 65;
const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
const OSERR: u8 = 71;
const OSFILE: u8 = 72;
const IOERR: u8 = 74;
const TEMPFAIL: u8 = 75;
const PROTOCOL: u8 = 76;
const NOPERM: u8 = 77;
const CONFIG: u8 = 78;

/// An exit status, and why.
type Failure = (u8, String);
type Attempt<T> = Result<T, Failure>;

fn fail<T>(status: u8, why: impl Into<String>) -> Attempt<T> {
    Err((status, why.into()))
}

/// A variable's value. Set to nothing is the same as not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Where the inbox is: what IPC_INBOX says, else the well-known place. Nobody looks whether
/// something is there: connect() does, and says what is wrong.
fn find_inbox() -> Attempt<OsString> {
    let (name, path) = match (variable("IPC_INBOX"), variable("XDG_RUNTIME_DIR")) {
        (Some(path), _) => ("IPC_INBOX", path),
        (None, Some(mut path)) => {
            path.push("/inbox.sock");
            ("XDG_RUNTIME_DIR", path)
        }
        (None, None) => {
            let why = "no inbox: neither IPC_INBOX nor XDG_RUNTIME_DIR says where it is";
            return fail(CONFIG, why);
        }
    };
    if !path.as_bytes().starts_with(b"/") {
        return fail(CONFIG, format!("{name} is not an absolute path: {path:?}"));
    }
    if path.len() > MOST_PATH {
        return fail(CONFIG, format!("{name} is too long for a socket's name: {path:?}"));
    }
    Ok(path)
}

/// A connection to the inbox, until a deadline.
struct Inbox {
    stream: UnixStream,
    deadline: Instant,
}

fn time_left(deadline: Instant) -> Attempt<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => fail(TEMPFAIL, "the inbox did not reply in time"),
        // The kernel counts in microseconds, and 0 would mean no limit.
        left => Ok(left.max(Duration::from_millis(1))),
    }
}

impl Inbox {
    fn connect(path: &OsString, timeout: Duration) -> Attempt<Self> {
        let deadline = Instant::now() + timeout;
        let os = |errno: Errno| (OSERR, errno.to_string());
        let socket: OwnedFd =
            socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
                .map_err(os)?;
        let address = UnixAddr::new(path.as_os_str()).map_err(os)?;
        loop {
            // connect() waits while the inbox's queue is full: for as long as this lets it.
            let left = time_left(deadline)?;
            let most = TimeVal::new(left.as_secs() as i64, i64::from(left.subsec_micros()));
            socket::setsockopt(&socket, sockopt::SendTimeout, &most).map_err(os)?;
            let Err(errno) = socket::connect(socket.as_raw_fd(), &address) else {
                return Ok(Self { stream: socket.into(), deadline });
            };
            let (status, what) = match errno {
                Errno::EINTR => continue,
                Errno::ENOENT | Errno::ENOTDIR => (OSFILE, "there is no inbox"),
                Errno::ECONNREFUSED => (UNAVAILABLE, "no inbox listens"),
                Errno::EACCES => (NOPERM, "you may not connect"),
                Errno::EAGAIN => (TEMPFAIL, "the inbox has too many callers"),
                _ => (OSERR, "cannot connect"),
            };
            return fail(status, format!("{path:?}: {what}: {errno}"));
        }
    }

    fn send_frame(&mut self, payload: &[u8]) -> Attempt<()> {
        let length = (payload.len() as u32).to_be_bytes();
        let frame = [&length[..], payload].concat();
        let mut rest = &frame[..];
        while !rest.is_empty() {
            let left = time_left(self.deadline)?;
            let sent = self.stream.set_write_timeout(Some(left)).and_then(|()| self.stream.write(rest));
            match sent {
                Ok(count) => rest = &rest[count..],
                Err(error) => match error.kind() {
                    // It takes no more, but may have said why: that is read next.
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => return Ok(()),
                    ErrorKind::Interrupted | ErrorKind::WouldBlock => {}
                    _ => return fail(PROTOCOL, format!("send: {error}")),
                },
            }
        }
        Ok(())
    }

    /// Exactly so many bytes, in however many pieces they come.
    fn receive(&mut self) -> Attempt<[u8; 4]> {
        let mut data = [0; 4];
        let mut got = 0;
        while got < data.len() {
            let left = time_left(self.deadline)?;
            let count =
                self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.read(&mut data[got..]));
            match count {
                Ok(0) => return fail(PROTOCOL, format!("the inbox hung up after {got} of 4 bytes")),
                Ok(count) => got += count,
                // With a timeout, even SIGSTOP and SIGCONT interrupt: signal(7).
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return fail(PROTOCOL, format!("recv: {error}")),
            }
        }
        Ok(data)
    }

    fn ping(&mut self) -> Attempt<()> {
        self.send_frame(b"PING")?;
        // Only one length can be right, so nothing is allocated, and no wrong one is waited for.
        let length = u32::from_be_bytes(self.receive()?);
        if length != 4 {
            return fail(PROTOCOL, format!("PONG has 4 bytes, and the inbox announces {length}"));
        }
        if self.receive()? != *b"PONG" {
            return fail(PROTOCOL, "the inbox replied something else than PONG");
        }
        Ok(())
    }

    fn send(&mut self, text: &[u8]) -> Attempt<()> {
        self.send_frame(&[b"SEND ", text].concat())?;
        let status = u32::from_be_bytes(self.receive()?);
        let (code, words) = match status {
            0 => return Ok(()),
            1 => (SOFTWARE, "the inbox does not know this command"),
            2 => (NOPERM, "you may not send to this inbox"),
            3 => (DATAERR, "the text is too large for this inbox"),
            4 => (IOERR, "the inbox could not write the line"),
            _ => (PROTOCOL, "no status has this number"),
        };
        fail(code, format!("status {status}: {words}"))
    }
}

fn read_text() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().take(MOST_TEXT as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn run() -> Attempt<()> {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<&[u8]> = arguments.iter().map(|word| word.as_bytes()).collect();
    let (asks, text) = match words[..] {
        [b"ping"] => (true, None),
        [b"send"] => {
            let text = read_text().map_err(|error| (IOERR, format!("standard input: {error}")))?;
            (false, Some(text))
        }
        [b"hello"] => {
            let session = variable("XDG_SESSION_ID").unwrap_or_else(|| "unknown".into());
            (true, Some([b"hello from session ", &session.into_vec()[..]].concat()))
        }
        _ => return fail(USAGE, "usage: inbox-client ping | send | hello"),
    };
    if text.as_ref().is_some_and(|text| text.len() > MOST_TEXT) {
        return fail(DATAERR, format!("the text has more than {MOST_TEXT} bytes"));
    }

    let timeout = variable("IPC_INBOX_TIMEOUT").and_then(|value| value.to_str()?.parse().ok());
    let timeout = Duration::from_millis(timeout.unwrap_or(30_000));
    let mut inbox = Inbox::connect(&find_inbox()?, timeout)?;
    if asks {
        inbox.ping()?;
    }
    match text {
        Some(text) => inbox.send(&text),
        // println!() would panic where nothing can be written.
        None => writeln!(io::stdout(), "pong")
            .map_err(|error| (IOERR, format!("standard output: {error}"))),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err((status, why)) => {
            eprintln!("inbox-client: {why}");
            ExitCode::from(status)
        }
    }
}
