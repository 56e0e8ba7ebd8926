//! Exercise 13, reference solution in Rust: whole messages, messages that were cut, and a sender
//! that is told what is too big.
//!
//!     detect-truncation receive PATH
//!     detect-truncation send PATH < messages, one a line
//!
//! The receiver has room for 512 bytes. What does not fit is gone when the call returns; only the
//! call that lost it can say so.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, IoSliceMut, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recvmsg, setsockopt, sockopt};

const ROOM: usize = 512;
/// What is asked for; the kernel doubles it.
const SEND_BUFFER: usize = 65536;

/// One message: how long it was, and whether a part of it was lost. `UnixDatagram::recv` tells
/// neither.
fn receive_one(inbox: &UnixDatagram, data: &mut [u8]) -> nix::Result<(usize, bool)> {
    let mut place = [IoSliceMut::new(data)];
    // As a flag of the call, MSG_TRUNC asks for the real length, which may be more than ROOM. As a
    // flag of the answer, it says that something was lost. There are other flags.
    let got = recvmsg::<()>(inbox.as_raw_fd(), &mut place, None, MsgFlags::MSG_TRUNC)?;
    Ok((got.bytes, got.flags.contains(MsgFlags::MSG_TRUNC)))
}

fn receive(path: &OsStr) -> io::Result<ExitCode> {
    let inbox = UnixDatagram::bind(path)?;
    let mut out = io::stdout().lock();
    loop {
        let mut data = [0; ROOM];
        let (real, cut) = match receive_one(&inbox, &mut data) {
            Ok(got) => got,
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if cut {
            writeln!(out, "TRUNC real={real}")?;
        } else {
            // 0 is the length of an empty message; datagrams have no end.
            let sum: u32 = data[..real].iter().copied().map(u32::from).sum();
            writeln!(out, "WHOLE bytes={real} sum={sum}")?;
        }
        out.flush()?;
    }
}

fn send_lines(path: &OsStr) -> io::Result<ExitCode> {
    let outbox = UnixDatagram::unbound()?;
    setsockopt(&outbox, sockopt::SndBuf, &SEND_BUFFER)?;
    outbox.connect(path)?;
    let mut status = ExitCode::SUCCESS;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let message = line?;
        let size = message.len();
        match outbox.send(&message) {
            Ok(_) => writeln!(out, "SENT bytes={size}")?,
            Err(error) if error.raw_os_error() == Some(nix::libc::EMSGSIZE) => {
                // Nothing of it was sent. The next line may fit.
                writeln!(out, "TOOBIG bytes={size}")?;
                status = ExitCode::from(1);
            }
            Err(error) => return Err(error),
        }
    }
    out.flush()?;
    Ok(status)
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [command, path] if command == "receive" => receive(path),
        [command, path] if command == "send" => send_lines(path),
        _ => Err(io::Error::other("usage: detect-truncation receive|send PATH")),
    };
    done.unwrap_or_else(|error| {
        eprintln!("detect-truncation: {error}");
        ExitCode::from(2)
    })
}
