//! Exercise 33, reference solution in Rust: a clipboard whose payload never passes its socket.
//!
//!     mini-clip copy TYPE PATH < payload      owns the clipboard until it is ended
//!     mini-clip paste TYPE PATH > payload
//!
//! Over the socket go four short lines and one descriptor: the end of a pipe that paste made. Rust
//! programs ignore SIGPIPE, so a reader that is gone is an error (EPIPE) of one write.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

/// The longest line, its line feed included.
const LINE: usize = 100;

/// Reads a line, byte by byte: there are few, and what follows the line feed is the next one's.
fn read_line(mut owner: &UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while line.len() < LINE {
        let mut byte = [0];
        owner.read_exact(&mut byte)?;
        if byte == *b"\n" {
            return Ok(line);
        }
        line.extend(byte);
    }
    Err(io::Error::other("the owner of the clipboard talks too much"))
}

/// Sends a line, with a descriptor attached to its first byte.
fn ask(mut owner: &UnixStream, kind: &[u8], descriptor: &impl AsRawFd) -> io::Result<()> {
    let line = [kind, b"\n"].concat();
    let descriptors = [descriptor.as_raw_fd()];
    let control = [ControlMessage::ScmRights(&descriptors)];
    let data = [IoSlice::new(&line)];
    let flags = MsgFlags::MSG_NOSIGNAL;
    let sent = sendmsg::<UnixAddr>(owner.as_raw_fd(), &data, &control, flags, None)?;
    // What was not accepted goes without the descriptor, which went with the first byte.
    owner.write_all(&line[sent..])
}

fn paste(kind: &[u8], path: &Path) -> io::Result<ExitCode> {
    let owner = UnixStream::connect(path)?;
    // Both ends are close-on-exec: the standard library makes all descriptors so.
    let (mut reading, writing) = io::pipe()?;
    ask(&owner, kind, &writing)?;
    // As long as we could write ourselves, the pipe would not end for us.
    drop(writing);

    if read_line(&owner)? != kind {
        return Err(io::Error::other("that is no answer to what was asked"));
    }
    match read_line(&owner)?.as_slice() {
        b"ok" => {}
        b"none" => {
            eprintln!("mini-clip: the clipboard has no such type");
            return Ok(ExitCode::from(2));
        }
        _ => return Err(io::Error::other("that is no answer")),
    }
    let mut out = io::stdout().lock();
    let count = io::copy(&mut reading, &mut out)?;
    out.flush()?;

    // The pipe also ends when its writer is killed. Only this line says that it was all.
    if read_line(&owner)? == format!("done {count}").into_bytes() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(io::Error::other("the payload is not complete"))
    }
}

/// Reads a line and the descriptors that come with its pieces, whichever those are. All that are
/// not used are closed when they are dropped. `None`: that was no request.
fn read_request(client: &UnixStream) -> io::Result<Option<(Vec<u8>, OwnedFd)>> {
    let mut line = Vec::new();
    let mut descriptors = Vec::new();
    while line.len() < LINE {
        let mut data = [0; LINE];
        let mut pieces = [IoSliceMut::new(&mut data)];
        let mut control = nix::cmsg_space!([i32; 16]);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let fd = client.as_raw_fd();
        let message = recvmsg::<UnixAddr>(fd, &mut pieces, Some(&mut control), flags)?;
        for each in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(came) = each {
                // SAFETY: the kernel has just made them for this process, and for nobody else.
                descriptors.extend(came.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
            }
        }
        let count = message.bytes;
        if count == 0 {
            return Ok(None);
        }
        let start = line.len();
        line.extend(&data[..count]);
        if let Some(end) = line[start..].iter().position(|&byte| byte == b'\n') {
            line.truncate(start + end);
            return Ok(descriptors.into_iter().next().map(|first| (line, first)));
        }
    }
    Ok(None)
}

fn serve(mut client: &UnixStream, kind: &[u8], payload: &[u8]) -> io::Result<()> {
    let Some((request, descriptor)) = read_request(client)? else {
        return Ok(());
    };
    if request != kind {
        return client.write_all(&[&request, &b"\nnone\n"[..]].concat());
    }
    // Answer first: until then nobody reads the pipe, and it may be too small for all.
    client.write_all(&[&request, &b"\nok\n"[..]].concat())?;
    let mut pipe = File::from(descriptor);
    pipe.write_all(payload)?;
    drop(pipe); // the reader waits for this
    client.write_all(format!("done {}\n", payload.len()).as_bytes())
}

fn copy(kind: &[u8], path: &Path) -> io::Result<ExitCode> {
    let mut payload = Vec::new();
    io::stdin().read_to_end(&mut payload)?;
    if path.symlink_metadata().is_ok() {
        fs::remove_file(path)?; // the newest owner has the clipboard
    }
    let listener = UnixListener::bind(path)?;
    loop {
        let (client, _) = listener.accept()?;
        // A client that is gone, or a descriptor that cannot be written to: its affair.
        if let Err(error) = serve(&client, kind, &payload) {
            eprintln!("mini-clip: {error}");
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [command, kind, path] = arguments.as_slice() else {
        eprintln!("usage: mini-clip copy|paste TYPE PATH");
        return ExitCode::from(1);
    };
    let kind = kind.clone().into_vec();
    let path = Path::new(path);
    let done = match command.to_str() {
        Some("copy") => copy(&kind, path),
        Some("paste") => paste(&kind, path),
        _ => Err(io::Error::other("there are two commands: copy and paste")),
    };
    done.unwrap_or_else(|error| {
        eprintln!("mini-clip: {error}");
        ExitCode::from(1)
    })
}
