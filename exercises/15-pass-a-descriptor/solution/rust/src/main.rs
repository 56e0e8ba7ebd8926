//! Exercise 15, reference solution in Rust: open files go from one program to another.
//!
//!     send SOCKET FILE... < note      delivers the open files and a note
//!     receive [--who] SOCKET          takes one delivery and copies it to standard output
//!
//! Over the socket go a line, the note, and with the first byte the descriptors. No byte of a file
//! does. Rust programs ignore SIGPIPE, so a sender that is gone is an error (EPIPE) of one write.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, bind, listen,
    sendmsg, setsockopt, socket, sockopt,
};

/// Files of a delivery.
const MOST: usize = 16;
/// Bytes of its line and its note.
const LONGEST: usize = 32 + 1024 * 1024;

// ---- send ---------------------------------------------------------------------------------------

/// Sends the line and the note with one call, and the descriptors with their first byte.
fn deliver(mut receiver: &UnixStream, files: &[File], note: &[u8]) -> io::Result<()> {
    let line = format!("files {}\n", files.len()).into_bytes();
    let numbers: Vec<RawFd> = files.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let data = [IoSlice::new(&line), IoSlice::new(note)];
    let sent = loop {
        let fd = receiver.as_raw_fd();
        match sendmsg::<UnixAddr>(fd, &data, &rights, MsgFlags::MSG_NOSIGNAL, None) {
            Err(Errno::EINTR) => {}
            sent => break sent?,
        }
    };
    // What was not taken goes without the descriptors, which went with the first byte.
    let all = [&line, note].concat();
    receiver.write_all(&all[sent..])
}

fn send(path: &Path, names: &[OsString]) -> io::Result<()> {
    if names.len() > MOST {
        return Err(io::Error::other("a delivery has at most 16 files"));
    }
    let open = |name: &OsString| {
        File::open(name).map_err(|error| io::Error::other(format!("{}: {error}", name.display())))
    };
    let files = names.iter().map(open).collect::<io::Result<Vec<File>>>()?;
    let mut note = Vec::new();
    io::stdin().read_to_end(&mut note)?;

    let mut receiver = UnixStream::connect(path)?;
    deliver(&receiver, &files, &note)?;
    // The message holds its own references: ours are of no use any more.
    drop(files);
    receiver.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    receiver.read_to_end(&mut answer)?;
    if answer == format!("taken {}\n", names.len()).into_bytes() {
        Ok(())
    } else {
        Err(io::Error::other("the delivery was not taken"))
    }
}

// ---- receive ------------------------------------------------------------------------------------

#[derive(Default)]
struct Delivery {
    data: Vec<u8>,
    /// Those that are not used are closed when they are dropped.
    files: Vec<OwnedFd>,
    /// Whether the kernel dropped descriptors.
    dropped: bool,
    from: Option<libc::ucred>,
}

/// One recvmsg(2); whether that was the end of the stream. This is libc's: what nix returns hides
/// the descriptors that came when there were more of them than room.
fn read_piece(sender: &UnixStream, got: &mut Delivery) -> io::Result<bool> {
    const RIGHTS: usize = MOST * size_of::<RawFd>();
    // SAFETY: this computes a number.
    const ROOM: usize = unsafe {
        (libc::CMSG_SPACE(RIGHTS as u32) + libc::CMSG_SPACE(size_of::<libc::ucred>() as u32))
            as usize
    };
    // Of u64, so that it is aligned as a header must be.
    let mut control = [0_u64; ROOM.div_ceil(8)];
    let mut buffer = [0_u8; 65536];
    let mut pieces = [libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    }];
    // SAFETY: all zeros is a msghdr without anything.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = pieces.as_mut_ptr();
    message.msg_iovlen = pieces.len();
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = ROOM;
    // SAFETY: the pointers are to the arrays above, with their lengths.
    let size = unsafe { libc::recvmsg(sender.as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC) };
    let size = Errno::result(size)? as usize;
    if size == 0 {
        // Credentials that come with the end are made up: process 0, user 0.
        return Ok(true);
    }
    // SAFETY: the kernel has filled in the message and the control buffer.
    let mut each = unsafe { libc::CMSG_FIRSTHDR(&message) };
    while !each.is_null() {
        // SAFETY: `each` is a header in the control buffer, and its length is that of what follows.
        unsafe {
            let header = &*each;
            let size = header.cmsg_len - libc::CMSG_LEN(0) as usize;
            let data = libc::CMSG_DATA(each);
            match (header.cmsg_level, header.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    let numbers = data.cast::<RawFd>();
                    got.files.extend((0..size / size_of::<RawFd>()).map(|at| {
                        // They were made for this process, and nobody else owns them.
                        OwnedFd::from_raw_fd(numbers.add(at).read_unaligned())
                    }));
                }
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if size == size_of::<libc::ucred>() => {
                    got.from = Some(data.cast::<libc::ucred>().read_unaligned());
                }
                _ => {}
            }
            each = libc::CMSG_NXTHDR(&message, each);
        }
    }
    got.dropped |= message.msg_flags & libc::MSG_CTRUNC != 0;
    if got.data.len() < LONGEST {
        got.data.extend(&buffer[..size]);
    }
    Ok(false)
}

fn read_delivery(sender: &UnixStream) -> io::Result<Delivery> {
    let mut got = Delivery::default();
    loop {
        match read_piece(sender, &mut got) {
            Ok(true) => return Ok(got),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}

/// Where the note begins, if the delivery is good.
fn note_of(got: &Delivery) -> Option<usize> {
    let count = got.files.len();
    let line = format!("files {count}\n").into_bytes();
    let good = got.data.starts_with(&line)
        && (1..=MOST).contains(&count)
        && !got.dropped
        && got.data.len() < LONGEST;
    good.then_some(line.len())
}

/// Takes a delivery and answers; where its note begins, if it is good.
fn take(mut sender: UnixStream) -> Option<(Delivery, usize)> {
    let taken = read_delivery(&sender)
        .inspect_err(|error| eprintln!("recvmsg: {error}"))
        .ok()
        .and_then(|got| note_of(&got).map(|at| (got, at)));
    let answer = match &taken {
        Some((got, _)) => {
            if let Some(from) = got.from {
                eprintln!("from pid={} uid={} gid={}", from.pid, from.uid, from.gid);
            }
            format!("taken {}\n", got.files.len())
        }
        None => "refused\n".to_owned(),
    };
    // A sender that is gone does not hear it: its affair.
    let _ = sender.write_all(answer.as_bytes());
    taken
}

fn receive(path: &Path, asks_who: bool) -> io::Result<()> {
    let listener = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    // Whether the kernel is to say who sends; connections take this over from here, so it comes before
    // the first of them can be made.
    setsockopt(&listener, sockopt::PassCred, &asks_who)?;
    listen(&listener, Backlog::new(16)?)?;
    let listener = UnixListener::from(listener);
    let (got, note) = loop {
        let (sender, _) = listener.accept()?;
        if let Some(taken) = take(sender) {
            break taken;
        }
    };
    fs::remove_file(path)?;

    let mut out = io::stdout().lock();
    out.write_all(&got.data[note..])?;
    for file in got.files {
        // From where its offset stands.
        io::copy(&mut File::from(file), &mut out)?;
    }
    out.flush()
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [command, path, names @ ..] if command == "send" && !names.is_empty() => {
            send(Path::new(path), names)
        }
        [command, path] if command == "receive" => receive(Path::new(path), false),
        [command, flag, path] if command == "receive" && flag == "--who" => {
            receive(Path::new(path), true)
        }
        _ => Err(io::Error::other(
            "usage: send SOCKET FILE... < note, or receive [--who] SOCKET",
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
