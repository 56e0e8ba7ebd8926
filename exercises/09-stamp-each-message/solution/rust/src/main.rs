//! Exercise 9, reference solution in Rust: a log daemon that stamps each message with its sender.
//!
//!     stamp-each-message PATH
//!
//! Datagrams have no connection that could be asked who is there. With SO_PASSCRED the kernel puts
//! the sender's ids on each message, in a control message beside the bytes.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, bind, setsockopt, socket, sockopt,
};

/// Bytes of a message that are logged.
const TEXT: usize = 256;
/// The overflow uid, kernel.overflowuid.
const NOBODY_ID: libc::uid_t = 65534;

struct Record {
    text: Vec<u8>,
    cut: bool,
    sender: Option<libc::ucred>,
}

fn open_inbox(path: &OsStr) -> nix::Result<OwnedFd> {
    let inbox = socket(
        AddressFamily::Unix,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    // Ask before the name is there: what is sent before anybody asks carries no ids.
    setsockopt(&inbox, sockopt::PassCred, &true)?;
    bind(inbox.as_raw_fd(), &UnixAddr::new(Path::new(path))?)?;
    Ok(inbox)
}

/// The ids that came with a message, if they came whole and name somebody.
fn find_sender(message: &libc::msghdr) -> Option<libc::ucred> {
    // SAFETY: recvmsg(2) has filled in the message and the control buffer that it points to, and the
    // length of a header is that of what follows it.
    let sender = unsafe {
        let mut each = libc::CMSG_FIRSTHDR(message);
        loop {
            let header = each.as_ref()?;
            let whole = libc::CMSG_LEN(size_of::<libc::ucred>() as u32) as usize;
            if header.cmsg_level == libc::SOL_SOCKET
                && header.cmsg_type == libc::SCM_CREDENTIALS
                && header.cmsg_len == whole
            {
                break libc::CMSG_DATA(each).cast::<libc::ucred>().read_unaligned();
            }
            each = libc::CMSG_NXTHDR(message, each);
        }
    };
    // Where the kernel knows nothing it has to write something: these.
    (sender.pid != 0 && sender.uid != NOBODY_ID).then_some(sender)
}

/// One recvmsg(2). This is libc's: what nix returns hides the ids when descriptors that were
/// attached had no room.
fn receive(inbox: &OwnedFd) -> io::Result<Record> {
    // There is room for the ids and for nothing else: the kernel closes any descriptor that a sender
    // attaches, and says MSG_CTRUNC, which is no news here.
    // SAFETY: this computes a number.
    const ROOM: usize = unsafe { libc::CMSG_SPACE(size_of::<libc::ucred>() as u32) as usize };
    // Of u64, so that it is aligned as a header must be.
    let mut control = [0_u64; ROOM.div_ceil(8)];
    let mut text = vec![0; TEXT];
    let mut place = libc::iovec {
        iov_base: text.as_mut_ptr().cast(),
        iov_len: text.len(),
    };
    // SAFETY: all zeros is a msghdr without anything.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &mut place;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = ROOM;
    let size = loop {
        // SAFETY: the pointers are to what lives above, with their lengths.
        let got = unsafe { libc::recvmsg(inbox.as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC) };
        match Errno::result(got) {
            Err(Errno::EINTR) => {}
            got => break got?,
        }
    };
    // 0 is an empty message, and no end.
    text.truncate(size as usize);
    let cut = message.msg_flags & libc::MSG_TRUNC != 0;
    let sender = find_sender(&message);
    Ok(Record { text, cut, sender })
}

/// In printable ASCII, so that a text can neither end its quotes nor its line.
fn quoted(text: &[u8]) -> String {
    let shown = text.iter().map(|&byte| match byte {
        b'"' | b'\\' => format!("\\x{byte:02x}"),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    format!("\"{}\"", shown.collect::<String>())
}

fn stamp(sender: Option<libc::ucred>) -> String {
    match sender {
        Some(sender) => format!("pid={} uid={} gid={}", sender.pid, sender.uid, sender.gid),
        None => "unknown".to_owned(),
    }
}

fn run(path: &OsStr) -> io::Result<()> {
    let inbox = open_inbox(path)?;
    let mut out = io::stdout().lock();
    loop {
        let record = receive(&inbox)?;
        let more = if record.cut { "..." } else { "" };
        let line = format!("{} {}{more}", stamp(record.sender), quoted(&record.text));
        writeln!(out, "{line}")?;
        out.flush()?;
    }
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [path] => run(path),
        _ => Err(io::Error::other("usage: stamp-each-message PATH")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stamp-each-message: {error}");
            ExitCode::FAILURE
        }
    }
}
