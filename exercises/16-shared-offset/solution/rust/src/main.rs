//! Exercise 16, reference solution in Rust: one open file, one offset, two processes.
//!
//!     lend SOCKET FILE OFFSET [COUNT]     lends an open file, and says where its offset is afterwards
//!     borrow SOCKET                       reads from a file that somebody lends, and gives it back
//!
//! Over the socket go a line and a descriptor, and back come a line and a descriptor. The two
//! descriptors have different numbers and lead to the same open file.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

/// Sends a line with a descriptor attached. It is a few bytes, and the first on its way: they fit.
fn send_line(peer: &UnixStream, line: &str, file: &File) -> io::Result<()> {
    let numbers = [file.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&numbers)];
    let data = [IoSlice::new(line.as_bytes())];
    sendmsg::<UnixAddr>(
        peer.as_raw_fd(),
        &data,
        &rights,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?;
    Ok(())
}

// ---- lend ---------------------------------------------------------------------------------------

/// A number in decimal digits, or `all`.
fn read_count(text: &str) -> io::Result<u64> {
    match text {
        "all" => Ok(u64::MAX),
        _ => text.parse().map_err(io::Error::other),
    }
}

fn lend(path: &Path, name: &OsStr, place: &str, count: &str) -> io::Result<()> {
    let place = place.parse().map_err(io::Error::other)?;
    read_count(count)?;
    let named = |error: io::Error| io::Error::other(format!("{}: {error}", name.display()));
    // For reading only: whoever gets the descriptor can do with it what we could.
    let mut file = File::open(name).map_err(named)?;
    file.seek(SeekFrom::Start(place)).map_err(named)?;

    let mut borrower = UnixStream::connect(path)?;
    send_line(&borrower, &format!("read {count}\n"), &file)?;
    // The descriptor that comes with the answer leads to where ours leads: read() has no room for
    // it, and the kernel closes it.
    let mut answer = Vec::new();
    borrower.read_to_end(&mut answer)?;
    if !answer.starts_with(b"read ") || !answer.ends_with(b"\n") {
        return Err(io::Error::other("the borrower did not say that it is done"));
    }

    // We read nothing. Where our offset stands is where the borrower has left it.
    let now = file.stream_position()?;
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    let mode = match flags.contains(OFlag::O_NONBLOCK) {
        true => "nonblocking",
        false => "blocking",
    };
    writeln!(io::stdout(), "offset {now} {mode}")
}

// ---- borrow -------------------------------------------------------------------------------------

/// One recvmsg(2): how many bytes came, and the descriptor, if one did.
fn receive(lender: &UnixStream, room: &mut [u8]) -> io::Result<(usize, Option<File>)> {
    let mut control = cmsg_space!([RawFd; 1]);
    let mut data = [IoSliceMut::new(room)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<UnixAddr>(lender.as_raw_fd(), &mut data, Some(&mut control), flags)?;
    let mut files = Vec::new();
    for each in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = each {
            // SAFETY: they were made for this process, and nobody else owns them.
            files.extend(
                numbers
                    .into_iter()
                    .map(|number| unsafe { OwnedFd::from_raw_fd(number) }),
            );
        }
    }
    Ok((message.bytes, files.into_iter().next().map(File::from)))
}

/// Takes the line, and the descriptor under whatever number the kernel gave it.
fn take_loan(lender: &UnixStream) -> io::Result<(File, u64)> {
    let mut line = Vec::new();
    let mut file = None;
    while !line.ends_with(b"\n") {
        let mut room = [0; 64];
        let (size, came) = receive(lender, &mut room)?;
        if size == 0 {
            return Err(io::Error::other(
                "nobody lends anything: the line is missing",
            ));
        }
        line.extend(&room[..size]);
        file = file.or(came);
    }
    let file = file.ok_or(io::Error::other(
        "nobody lends anything: no descriptor came",
    ))?;
    let line = String::from_utf8(line).map_err(io::Error::other)?;
    let count = line
        .strip_prefix("read ")
        .and_then(|rest| rest.strip_suffix('\n'));
    let count = count.ok_or(io::Error::other("the line is not `read` and a number"))?;
    Ok((file, read_count(count)?))
}

/// Copies from where the offset stands, and not a byte more than so many: what we read, nobody else
/// who has this open file will read. A `File` reads nothing ahead. What became of reading is inside;
/// an error outside is one of standard output.
fn copy(mut file: &File, most: u64) -> io::Result<io::Result<u64>> {
    let mut out = io::stdout().lock();
    let mut data = [0; 65536];
    let mut copied = 0;
    while copied < most {
        let size = data
            .len()
            .min(usize::try_from(most - copied).unwrap_or(usize::MAX));
        match file.read(&mut data[..size]) {
            Ok(0) => break,
            Ok(got) => {
                out.write_all(&data[..got])?;
                copied += got as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    out.flush()?;
    Ok(Ok(copied))
}

/// What a call returned: its number, or the name of its error.
fn result_of<T: ToString>(result: io::Result<T>) -> String {
    match result {
        Ok(number) => number.to_string(),
        Err(error) => format!("{:?}", Errno::from_raw(error.raw_os_error().unwrap_or(0))),
    }
}

fn borrow(path: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    let (lender, _) = listener.accept()?;
    fs::remove_file(path)?; // one loan is all we take

    let (mut file, most) = take_loan(&lender)?;
    let got = result_of(copy(&file, most)?);
    // No byte is written: the kernel says whether it would be allowed before it looks at the size.
    let written = result_of(file.write(b""));
    send_line(&lender, &format!("read {got} write {written}\n"), &file)
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let text = |at: usize| {
        arguments
            .get(at)
            .and_then(|text| text.to_str())
            .unwrap_or("all")
    };
    let done = match (text(0), arguments.len()) {
        ("lend", 4 | 5) => lend(Path::new(&arguments[1]), &arguments[2], text(3), text(4)),
        ("borrow", 2) => borrow(Path::new(&arguments[1])),
        _ => Err(io::Error::other(
            "usage: lend SOCKET FILE OFFSET [COUNT], or borrow SOCKET",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}
