//! System calls as a program makes them that may be wrong: descriptors are plain numbers, addresses
//! have any length, control messages any shape. Wrappers refuse what has to be tried here.
//!
//! Whoever uses this owns every descriptor of its process from the first free number on; nothing else
//! in that process may hold one. Errors are the kernel's own.

#![expect(
    unsafe_code,
    reason = "what is passed on purpose no wrapper lets through"
)]

use std::ffi::CString;
use std::io::IoSlice;

use nix::errno::Errno;
use nix::libc::{self, c_int, c_long};

/// A descriptor, there or not.
pub type Fd = c_int;

/// What a call that succeeds returns.
pub type Returned = nix::Result<i64>;

/// What is sent: sendmsg(2).
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Flags of the call.
    pub flags: c_int,
    /// `msg_name`: a `struct sockaddr_un` that starts so, and `msg_namelen`.
    pub to: Option<(&'a [u8], i32)>,
    /// Control messages: level, type, `cmsg_len`, and what comes behind the header.
    pub control: &'a [(c_int, c_int, usize, Vec<u8>)],
}

/// What arrived: recvmsg(2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// What the call returned.
    pub count: i64,
    /// `msg_name`, as far as `msg_namelen` says; nothing when it says 0.
    pub from: Vec<u8>,
    /// `msg_flags`.
    pub flags: c_int,
    /// Control messages: level, type and payload.
    pub control: Vec<(c_int, c_int, Vec<u8>)>,
    /// `msg_controllen`.
    pub control_len: usize,
}

/// More events than one process has descriptors.
const MOST_EVENTS: c_int = 1024;

fn returned(result: c_long) -> Returned {
    Errno::result(result)
}

/// A `struct sockaddr_un` that starts with these bytes, with zeros behind them, and room to spare.
fn address(bytes: &[u8]) -> [u8; 256] {
    let mut whole = [0; 256];
    let len = bytes.len().min(whole.len());
    whole[..len].copy_from_slice(&bytes[..len]);
    whole
}

fn path(path: &str) -> nix::Result<CString> {
    CString::new(path).map_err(|_| Errno::EINVAL)
}

/// socket(2).
pub fn socket(ty: c_int, protocol: c_int) -> Returned {
    // SAFETY: takes numbers only.
    returned(unsafe { libc::socket(libc::AF_UNIX, ty, protocol) }.into())
}

/// socketpair(2).
pub fn socketpair(ty: c_int, protocol: c_int) -> nix::Result<(Fd, Fd)> {
    let mut pair = [0; 2];
    // SAFETY: `pair` has room for the two numbers that are written.
    returned(unsafe { libc::socketpair(libc::AF_UNIX, ty, protocol, pair.as_mut_ptr()) }.into())?;
    Ok((pair[0], pair[1]))
}

/// bind(2) to an address that starts with these bytes, of any length.
pub fn bind(fd: Fd, bytes: &[u8], len: i32) -> Returned {
    let whole = address(bytes);
    // SAFETY: the kernel reads at most 128 bytes of an address, and there are 256.
    returned(unsafe { libc::bind(fd, whole.as_ptr().cast(), len as libc::socklen_t) }.into())
}

/// connect(2) to an address that starts with these bytes, of any length.
pub fn connect(fd: Fd, bytes: &[u8], len: i32) -> Returned {
    let whole = address(bytes);
    // SAFETY: as in `bind`.
    returned(unsafe { libc::connect(fd, whole.as_ptr().cast(), len as libc::socklen_t) }.into())
}

/// listen(2).
pub fn listen(fd: Fd, backlog: c_int) -> Returned {
    // SAFETY: takes numbers only.
    returned(unsafe { libc::listen(fd, backlog) }.into())
}

/// accept4(2), without asking for the address.
pub fn accept4(fd: Fd, flags: c_int) -> Returned {
    let nowhere = std::ptr::null_mut();
    // SAFETY: a null address is not written to.
    returned(unsafe { libc::accept4(fd, nowhere, nowhere.cast(), flags) }.into())
}

/// sendmsg(2).
pub fn sendmsg(fd: Fd, sent: &Sent<'_>) -> Returned {
    let mut whole = address(sent.to.map_or(&[], |to| to.0));
    let mut control: Vec<u64> = Vec::new();
    for (level, kind, len, payload) in sent.control {
        control.push(*len as u64);
        control.push(u64::from(*level as u32) | u64::from(*kind as u32) << 32);
        let words = payload.chunks(size_of::<u64>()).map(|chunk| {
            let mut word = [0; size_of::<u64>()];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        });
        control.extend(words);
    }
    let mut piece = libc::iovec {
        iov_base: sent.bytes.as_ptr().cast_mut().cast(),
        iov_len: sent.bytes.len(),
    };
    // SAFETY: all bits zero are a msghdr: null pointers and lengths of 0.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    if let Some((_, len)) = sent.to {
        header.msg_name = whole.as_mut_ptr().cast();
        header.msg_namelen = len as libc::socklen_t;
    }
    header.msg_iov = &raw mut piece;
    header.msg_iovlen = 1;
    if !control.is_empty() {
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = (control.len() * size_of::<u64>()) as _;
    }
    // SAFETY: the kernel reads the address, the bytes and the control messages, which outlive the
    // call; it writes to none of them.
    returned(unsafe { libc::sendmsg(fd, &raw const header, sent.flags) } as c_long)
}

/// recvmsg(2) into a buffer; `room`: the size of the buffer for control messages, if there is one.
pub fn recvmsg(
    fd: Fd,
    buffer: &mut [u8],
    flags: c_int,
    room: Option<usize>,
) -> nix::Result<Arrived> {
    let mut name = [0_u8; 256];
    let mut control = vec![0_u64; room.unwrap_or(0).div_ceil(size_of::<u64>()).max(1)];
    let mut piece = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all bits zero are a msghdr: null pointers and lengths of 0.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = name.as_mut_ptr().cast();
    header.msg_namelen = name.len() as libc::socklen_t;
    header.msg_iov = &raw mut piece;
    header.msg_iovlen = 1;
    if let Some(room) = room {
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = room as _;
    }
    // SAFETY: the header names buffers of the lengths it says, which outlive the call.
    let count = returned(unsafe { libc::recvmsg(fd, &raw mut header, flags) } as c_long)?;
    let control_len = header.msg_controllen as usize;
    Ok(Arrived {
        count,
        from: name[..(header.msg_namelen as usize).min(name.len())].to_vec(),
        flags: header.msg_flags,
        control: match room {
            Some(room) => messages(&control, control_len.min(room)),
            None => Vec::new(),
        },
        control_len: room.map_or(0, |_| control_len),
    })
}

/// The control messages in a buffer.
fn messages(words: &[u64], len: usize) -> Vec<(c_int, c_int, Vec<u8>)> {
    const HEADER: usize = 16;
    if len < HEADER {
        return Vec::new();
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let mut messages = Vec::new();
    let mut at = 0;
    while at + HEADER <= len {
        let word =
            |from: usize| u64::from_ne_bytes(bytes[from..from + 8].try_into().expect("eight"));
        let size = word(at) as usize;
        let (level, kind) = (word(at + 8) as u32 as c_int, (word(at + 8) >> 32) as c_int);
        if size < HEADER {
            break;
        }
        let end = (at + size).min(len);
        messages.push((level, kind, bytes[at + HEADER..end].to_vec()));
        at += size.next_multiple_of(8);
    }
    messages
}

/// read(2).
pub fn read(fd: Fd, buffer: &mut [u8]) -> Returned {
    // SAFETY: the buffer has the length that is passed.
    returned(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) } as c_long)
}

/// write(2).
pub fn write(fd: Fd, bytes: &[u8]) -> Returned {
    // SAFETY: as many bytes are there as is passed.
    returned(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) } as c_long)
}

/// writev(2).
pub fn writev(fd: Fd, pieces: &[Vec<u8>]) -> Returned {
    let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    // SAFETY: an IoSlice has the layout of an iovec, and as many are there as is passed.
    returned(unsafe { libc::writev(fd, slices.as_ptr().cast(), slices.len() as c_int) } as c_long)
}

/// shutdown(2).
pub fn shutdown(fd: Fd, how: c_int) -> Returned {
    // SAFETY: takes numbers only.
    returned(unsafe { libc::shutdown(fd, how) }.into())
}

/// close(2).
pub fn close(fd: Fd) -> Returned {
    // SAFETY: the caller owns all descriptors there are.
    returned(unsafe { libc::close(fd) }.into())
}

/// close_range(2) of all from the first to the last.
pub fn close_range(first: Fd, last: Fd) -> Returned {
    // SAFETY: the caller owns all descriptors there are.
    returned(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })
}

/// dup(2).
pub fn dup(fd: Fd) -> Returned {
    // SAFETY: takes numbers only.
    returned(unsafe { libc::dup(fd) }.into())
}

/// dup2(2).
pub fn dup2(fd: Fd, to: Fd) -> Returned {
    // SAFETY: takes numbers only; the caller owns what `to` may have been.
    returned(unsafe { libc::dup2(fd, to) }.into())
}

/// fcntl(2) with a number.
pub fn fcntl(fd: Fd, command: c_int, argument: c_int) -> Returned {
    // SAFETY: the commands that are used take a number.
    returned(unsafe { libc::fcntl(fd, command, argument) }.into())
}

/// getsockname(2) or getpeername(2): the address, and the length that the kernel says it has.
pub fn name(fd: Fd, whose: Whose) -> nix::Result<(Vec<u8>, i32)> {
    let mut whole = [0_u8; 256];
    let mut len = whole.len() as libc::socklen_t;
    let place = whole.as_mut_ptr().cast();
    // SAFETY: the address has the length that is passed.
    let result = unsafe {
        match whose {
            Whose::Own => libc::getsockname(fd, place, &raw mut len),
            Whose::Peer => libc::getpeername(fd, place, &raw mut len),
        }
    };
    returned(result.into())?;
    Ok((
        whole[..(len as usize).min(whole.len())].to_vec(),
        len as i32,
    ))
}

/// Whose name is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// That of the socket.
    Own,
    /// That of its peer.
    Peer,
}

/// getsockopt(2) of an option of `SOL_SOCKET` that is so many ints, three at most.
pub fn option(fd: Fd, option: c_int, ints: usize) -> nix::Result<[c_int; 3]> {
    let mut value = [0; 3];
    let mut len = (ints.min(value.len()) * size_of::<c_int>()) as libc::socklen_t;
    let place = value.as_mut_ptr().cast();
    // SAFETY: there is room for what `len` says.
    let result = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, option, place, &raw mut len) };
    returned(result.into())?;
    Ok(value)
}

/// setsockopt(2) of an option of `SOL_SOCKET` that is an int.
pub fn set_option(fd: Fd, option: c_int, value: c_int) -> Returned {
    let place = (&raw const value).cast();
    let len = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the option is one int, which outlives the call.
    returned(unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, option, place, len) }.into())
}

/// setsockopt(2) of `SO_SNDTIMEO` or `SO_RCVTIMEO`, in milliseconds; 0: for ever.
pub fn set_limit(fd: Fd, option: c_int, ms: u32) -> Returned {
    let limit = libc::timeval {
        tv_sec: i64::from(ms / 1000),
        tv_usec: i64::from(ms % 1000) * 1000,
    };
    let len = size_of_val(&limit) as libc::socklen_t;
    // SAFETY: the option is one timeval, which outlives the call.
    returned(
        unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, option, (&raw const limit).cast(), len) }
            .into(),
    )
}

/// ioctl(2) with `SIOCINQ` or `SIOCOUTQ`.
pub fn queued(fd: Fd, direction: Direction) -> Returned {
    let request = match direction {
        Direction::In => libc::FIONREAD,
        Direction::Out => libc::TIOCOUTQ,
    };
    let mut bytes: c_int = 0;
    // SAFETY: both write one int, to a place that holds one.
    returned(unsafe { libc::ioctl(fd, request, &raw mut bytes) }.into())?;
    Ok(bytes.into())
}

/// Which queue is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What may be received.
    In,
    /// What was sent and not received.
    Out,
}

/// poll(2) of one descriptor, without waiting.
pub fn poll(fd: Fd, events: i16) -> nix::Result<i16> {
    let mut asked = libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    // SAFETY: one pollfd is there.
    returned(unsafe { libc::poll(&raw mut asked, 1, 0) }.into())?;
    Ok(asked.revents)
}

/// epoll_create1(2).
pub fn epoll_create(flags: c_int) -> Returned {
    // SAFETY: takes numbers only.
    returned(unsafe { libc::epoll_create1(flags) }.into())
}

/// epoll_ctl(2); what is told of `target` is told under its own number.
pub fn epoll_ctl(fd: Fd, operation: c_int, target: Fd, events: u32) -> Returned {
    let mut event = libc::epoll_event {
        events,
        u64: target as u64,
    };
    // SAFETY: one epoll_event is there.
    returned(unsafe { libc::epoll_ctl(fd, operation, target, &raw mut event) }.into())
}

/// epoll_wait(2) for so many events, without waiting: whose, and which.
pub fn epoll_wait(fd: Fd, most: c_int) -> nix::Result<Vec<(Fd, u32)>> {
    let room = most.clamp(0, MOST_EVENTS);
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; room as usize];
    // SAFETY: there is room for as many events as are asked for; where less than 1 is asked for, none
    // is written.
    let count =
        returned(unsafe { libc::epoll_wait(fd, events.as_mut_ptr(), most.min(room), 0) }.into())?;
    let told = events[..count as usize].iter();
    Ok(told.map(|event| (event.u64 as Fd, event.events)).collect())
}

/// pipe2(2).
pub fn pipe2(flags: c_int) -> nix::Result<(Fd, Fd)> {
    let mut pair = [0; 2];
    // SAFETY: there is room for the two numbers that are written.
    returned(unsafe { libc::pipe2(pair.as_mut_ptr(), flags) }.into())?;
    Ok((pair[0], pair[1]))
}

/// eventfd(2).
pub fn eventfd(value: u32, flags: c_int) -> Returned {
    // SAFETY: takes numbers only.
    returned(unsafe { libc::eventfd(value, flags) }.into())
}

/// open(2), for a new file with these permission bits.
pub fn open(name: &str, flags: c_int, mode: u32) -> Returned {
    let name = path(name)?;
    // SAFETY: the path ends with a zero and outlives the call.
    returned(unsafe { libc::open(name.as_ptr(), flags, mode) }.into())
}

/// lseek(2) from the start.
pub fn seek(fd: Fd, offset: i64) -> Returned {
    // SAFETY: takes numbers only.
    returned(unsafe { libc::lseek(fd, offset, libc::SEEK_SET) })
}

/// fchmod(2).
pub fn fchmod(fd: Fd, mode: u32) -> Returned {
    // SAFETY: takes numbers only.
    returned(unsafe { libc::fchmod(fd, mode) }.into())
}

extern "C" fn nothing(_: c_int) {}

/// Has this thread keep SIGPIPE for itself: it ends nobody, and [`take_sigpipe`] tells of it. What this
/// thread forks does the same.
///
/// # Errors
/// What pthread_sigmask(3) reports.
pub fn keep_sigpipe() -> nix::Result<()> {
    sigpipe().thread_block()
}

/// Whether SIGPIPE was sent to this thread since it was asked last; it waits for nothing.
pub fn take_sigpipe() -> bool {
    let none = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let set = sigpipe();
    // SAFETY: the set and the time outlive the call, and nothing else is asked for.
    let told = unsafe { libc::sigtimedwait(set.as_ref(), std::ptr::null_mut(), &raw const none) };
    told == libc::SIGPIPE
}

fn sigpipe() -> nix::sys::signal::SigSet {
    let mut set = nix::sys::signal::SigSet::empty();
    set.add(nix::sys::signal::Signal::SIGPIPE);
    set
}

/// From now on SIGUSR1 breaks off a call that sleeps, which fails with EINTR, and does nothing else.
pub fn be_interruptible() -> nix::Result<()> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    let action = SigAction::new(
        SigHandler::Handler(nothing),
        SaFlags::empty(),
        SigSet::empty(),
    );
    // SAFETY: the handler does nothing, so whatever it interrupts is undisturbed.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.map(drop)
}
