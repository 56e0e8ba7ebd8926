//! Exercise 4, reference solution in Rust: length-prefixed frames on a stream socket.
//!
//! Without arguments, a filter: frames come in on descriptor 0, and go out on descriptor 1 with
//! their ASCII letters in upper case. As `test PATH`, tests of such a filter: each connection to
//! the path has a new one behind it. Both use the same few functions for frames.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

const HEADER: usize = 4;
const LARGEST: u32 = 65536;

/// Reads until `size` bytes are there or the stream has ended; returns what came.
fn read_up_to(stream: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut data = vec![0; size];
    let mut got = 0;
    while got < size {
        match stream.read(&mut data[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    data.truncate(got);
    Ok(data)
}

fn protocol_error(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.into())
}

/// The payload of the next frame, or `None` at the end of the stream.
fn read_frame(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let header = read_up_to(stream, HEADER)?;
    if header.is_empty() {
        return Ok(None); // between two frames, and only there, the end is no error
    }
    let Ok(header) = <[u8; HEADER]>::try_from(header) else {
        return Err(protocol_error("the stream ended inside a header"));
    };
    // Before any room is made: the number is only what somebody says.
    let length = u32::from_be_bytes(header);
    if length > LARGEST {
        return Err(protocol_error(format!("a frame of {length} bytes is too long")));
    }
    let payload = read_up_to(stream, length as usize)?;
    if payload.len() < length as usize {
        return Err(protocol_error("the stream ended inside a frame"));
    }
    Ok(Some(payload))
}

/// The frame of a payload. Sent whole, it needs one call and no lock.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes().to_vec();
    frame.extend(payload);
    frame
}

// ---- the filter -----------------------------------------------------------------------------------

static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// Tells how many frames have been answered. It interrupts whatever the program does, so it takes
/// no lock and no memory: eprintln! could wait for a lock that its own thread holds.
extern "C" fn report(_signal: i32) {
    let saved = Errno::last_raw();
    let mut line = [0; 32];
    let mut room = &mut line[..];
    let _ = writeln!(room, "frames {}", ANSWERED.load(Ordering::Relaxed));
    let left = room.len();
    let _ = nix::unistd::write(io::stderr(), &line[..line.len() - left]);
    Errno::set_raw(saved);
}

fn filter() -> io::Result<()> {
    // Without SA_RESTART a call that waits returns with EINTR; read_up_to and write_all repeat it.
    let action = SigAction::new(SigHandler::Handler(report), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only does what signal-safety(7) allows.
    unsafe { sigaction(Signal::SIGUSR1, &action)? };

    let mut source = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut sink = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    while let Some(mut payload) = read_frame(&mut source)? {
        payload.make_ascii_uppercase();
        sink.write_all(&frame(&payload))?;
        ANSWERED.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

// ---- the tests ------------------------------------------------------------------------------------

/// What is said, and what must come.
type Turn = (Vec<u8>, Vec<u8>);

/// Says each turn's bytes to a new filter and compares what comes with what is due.
///
/// When the answer of a turn has come, the filter has read that turn: so what the next begins
/// with is certain to arrive by itself. After the last turn we say no more. Then every filter
/// answers what it will, and ends: nothing here has to guess how long to wait for an answer that
/// may not come.
fn goes_well(path: &OsStr, turns: &[Turn]) -> io::Result<bool> {
    let mut filter = UnixStream::connect(path)?;
    let patience = Some(Duration::from_secs(5)); // stuck is broken, but slow is not
    filter.set_read_timeout(patience)?;
    filter.set_write_timeout(patience)?;
    for (index, (said, due)) in turns.iter().enumerate() {
        // Sending fails when the filter has ended, as a right one does after a frame that is too
        // long. Whether it should have is seen in what comes.
        let _ = filter.write_all(said);
        if index == turns.len() - 1 {
            let _ = filter.shutdown(Shutdown::Write);
        }
        if read_up_to(&mut filter, due.len()).ok().as_ref() != Some(due) {
            return Ok(false);
        }
    }
    // A filter that refuses a frame may leave bytes of ours unread; then the end is announced by
    // ECONNRESET.
    Ok(match read_up_to(&mut filter, 1) {
        Ok(more) => more.is_empty(),
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    })
}

/// What each test is about, and its turns.
fn tests() -> Vec<(&'static str, Vec<Turn>)> {
    let every: Vec<u8> = (0..=255).collect();
    let both = [frame(b"first"), frame(b"second")].concat();
    let cut = |at: usize| {
        let (before, after) = both.split_at(frame(b"first").len() + at);
        vec![(before.to_vec(), frame(b"FIRST")), (after.to_vec(), frame(b"SECOND"))]
    };
    let once = |said: &[&[u8]], due: &[&[u8]]| vec![(said.concat(), due.concat())];
    let largest = vec![b'z'; LARGEST as usize];
    let longer = vec![b'z'; LARGEST as usize + 1];
    vec![
        ("a frame with every byte", once(&[&frame(&every)], &[&frame(&every.to_ascii_uppercase())])),
        (
            "two frames at once",
            once(&[&frame(b"one"), &frame(b"three")], &[&frame(b"ONE"), &frame(b"THREE")]),
        ),
        ("a header in two pieces", cut(2)),
        ("a payload in two pieces", cut(HEADER + 3)),
        (
            "an empty frame",
            once(&[&frame(b""), &frame(b"after")], &[&frame(b""), &frame(b"AFTER")]),
        ),
        ("the largest frame", once(&[&frame(&largest)], &[&frame(&largest.to_ascii_uppercase())])),
        // The whole frame, not its length alone: who accepts it must be able to show it.
        ("a frame that is too long", once(&[&frame(&longer)], &[])),
        ("a length that looks negative", once(&[b"\x80\0\0\x01", &frame(b"after")], &[])),
        ("an end inside a header", once(&[b"\0\0"], &[])),
        ("an end inside a payload", once(&[&frame(b"too short")[..9]], &[])),
    ]
}

fn test(path: &OsStr) -> io::Result<ExitCode> {
    for (what, turns) in tests() {
        if !goes_well(path, &turns)? {
            eprintln!("framing: broken: {what}");
            return Ok(ExitCode::from(1));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match &arguments[..] {
        [] => filter().map(|()| ExitCode::SUCCESS),
        [word, path] if word == "test" => test(path),
        _ => Err(io::Error::other("usage: framing [test PATH]")),
    };
    done.unwrap_or_else(|error| {
        eprintln!("framing: {error}");
        ExitCode::from(2) // of the tests: they cannot tell
    })
}
