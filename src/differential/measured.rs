//! What the running kernel is set to: limits are read, sizes of buffers and details of the release are
//! found by trying.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::performance::Performance;
use crate::model::script::Script;
use crate::model::settings::{Quirks, Settings, Truesize};
use crate::sys::bare_call::{self as bare, Direction, Fd, Sent, Whose};

/// `MSG_DONTWAIT | MSG_NOSIGNAL`.
const AT_ONCE: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
/// `UNIX_SKB_FRAGS_SZ`: what a piece of a stream takes in pages beside its head, in bytes.
const PAGED: usize = 32_768;
/// What `struct skb_shared_info` takes of a page, in bytes.
const SHARED: usize = 320;

/// A receiver that asks for credentials while a datagram waits for room in its queue, which is full of so
/// many; the last line says what comes of it where that is too late.
fn waits(queue: u32) -> String {
    let behind = queue - 1;
    format!(
        "socket dgram nonblock
bind 3 path:waits
socket dgram
connect 4 path:waits
repeat {queue}
send 4 \"a\" dontwait nosignal
fork
B: send 4 \"b\"
= asleep
setsockopt 3 passcred=on
unlink waits
read 3 10
woken B
repeat {behind}
read 3 10
recv 3 10 control=64
= 1 \"b\" creds=none,65534,65534
"
    )
}

/// The longest queue of datagrams that is filled by a sender with the least memory.
const LONGEST_QUEUE: u32 = 100;

/// Sizes of buffers, each asked for once.
#[derive(Debug, Default)]
struct Measured {
    stream: Mutex<HashMap<usize, u32>>,
    packet: Mutex<HashMap<usize, u32>>,
}

impl Truesize for Measured {
    fn stream(&self, len: usize) -> u32 {
        known(&self.stream, len, libc::SOCK_STREAM)
    }

    fn packet(&self, len: usize) -> u32 {
        known(&self.packet, len, libc::SOCK_DGRAM)
    }
}

fn known(sizes: &Mutex<HashMap<usize, u32>>, len: usize, ty: i32) -> u32 {
    let mut sizes = sizes.lock().unwrap_or_else(PoisonError::into_inner);
    *sizes
        .entry(len)
        .or_insert_with(|| measure(len, ty).unwrap_or(0))
}

/// Sends so many bytes on a pair of its own, and asks what it is charged with.
fn measure(len: usize, ty: i32) -> nix::Result<u32> {
    // The sequence that runs may have taken all descriptors that it is allowed.
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let pair = pair(ty);
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
    let (a, b) = pair?;
    let sent = bare::set_option(a, libc::SO_SNDBUF, 1 << 24)
        .and_then(|_| send(a, &vec![0; len]))
        .and_then(|_| bare::queued(a, Direction::Out));
    bare::close(a)?;
    bare::close(b)?;
    Ok(sent? as u32)
}

fn pair(ty: i32) -> nix::Result<(Fd, Fd)> {
    bare::socketpair(ty | libc::SOCK_NONBLOCK, 0)
}

fn send(fd: Fd, bytes: &[u8]) -> nix::Result<i64> {
    bare::sendmsg(
        fd,
        &Sent {
            bytes,
            flags: AT_ONCE,
            to: None,
            control: &[],
        },
    )
}

/// Measures the running kernel.
///
/// # Errors
/// When this process cannot make sockets.
pub fn settings() -> nix::Result<Settings> {
    let default = Settings::default();
    let limit = |name: &str, default: u32| {
        let text = fs::read_to_string(format!("/proc/sys/net/{name}"));
        text.ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(default)
    };
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?;
    let page = page.map_or(default.page, |page| page as usize);
    let (a, b) = pair(libc::SOCK_STREAM)?;
    let wmem_default = bare::option(a, libc::SO_SNDBUF, 1)?[0] as u32;
    bare::set_option(a, libc::SO_SNDBUF, 1)?;
    let least_sndbuf = bare::option(a, libc::SO_SNDBUF, 1)?[0] as u32;
    bare::close(a)?;
    bare::close(b)?;
    Ok(Settings {
        truesize: Arc::new(Measured::default()),
        largest_piece: page - SHARED + PAGED,
        wmem_default,
        wmem_max: limit("core/wmem_max", default.wmem_max),
        least_sndbuf,
        somaxconn: limit("core/somaxconn", default.somaxconn),
        max_dgram_qlen: limit("unix/max_dgram_qlen", default.max_dgram_qlen),
        page,
        quirks: quirks()?,
        fault: None,
    })
}

/// Measures the running kernel as [`settings`] does, and further what only two processes can try.
///
/// # Errors
/// When this process cannot make sockets, or start another.
pub fn settings_of_several() -> io::Result<Settings> {
    let mut settings = settings()?;
    settings.quirks.credentials_are_settled_before_waiting = settles_before_waiting(&settings)?;
    Ok(settings)
}

/// Whether a datagram that waits for room does without credentials that are asked for meanwhile, as row
/// H49 says. Two processes try it in the working directory of this one, which has only one thread.
fn settles_before_waiting(settings: &Settings) -> io::Result<bool> {
    if settings.max_dgram_qlen > LONGEST_QUEUE {
        return Ok(settings.quirks.credentials_are_settled_before_waiting);
    }
    let script = Script::parse(&waits(settings.max_dgram_qlen + 1));
    let script = script.map_err(|mistake| io::Error::other(mistake.to_string()))?;
    let mut performance = Performance::start(&script, &Arc::new(settings.clone()))?;
    let (mut told, mut settled) = (None, None);
    for line in &script.lines {
        told = performance.run(line)?.linux;
        settled = line.expected.clone();
    }
    Ok(told == settled)
}

/// E24: a listener asks for credentials after somebody has connected, and before that is accepted; does
/// what is accepted ask for them?
fn inherits_at_connect() -> nix::Result<bool> {
    let stream = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
    let listener = bare::socket(stream, 0)? as Fd;
    let client = bare::socket(stream, 0)? as Fd;
    bare::bind(listener, &(libc::AF_UNIX as u16).to_ne_bytes(), 2)?;
    bare::listen(listener, 1)?;
    let (name, len) = bare::name(listener, Whose::Own)?;
    bare::connect(client, &name, len)?;
    bare::set_option(listener, libc::SO_PASSCRED, 1)?;
    let accepted = bare::accept4(listener, 0)? as Fd;
    let asks = bare::option(accepted, libc::SO_PASSCRED, 1)?[0];
    for fd in [listener, client, accepted] {
        bare::close(fd)?;
    }
    Ok(asks == 0)
}

fn quirks() -> nix::Result<Quirks> {
    // H40: too large and not connected; which of them is told?
    let lone = bare::socket(libc::SOCK_DGRAM | libc::SOCK_NONBLOCK, 0)? as Fd;
    bare::set_option(lone, libc::SO_SNDBUF, 1)?;
    let told = send(lone, &[0; 8192]);
    bare::close(lone)?;
    // I18: one empty packet that nobody read; is it a reset?
    let (a, b) = pair(libc::SOCK_SEQPACKET)?;
    send(a, b"")?;
    bare::close(b)?;
    let ended = bare::recvmsg(a, &mut [0; 8], AT_ONCE, None);
    bare::close(a)?;
    // L26: does a set of epoll(7) know any ioctl(2)?
    let set = bare::epoll_create(0)? as Fd;
    let asked = bare::queued(set, Direction::Out);
    // N17: has it a mode? That is the one it has where it can have one.
    let changed = bare::fchmod(set, 0o600);
    bare::close(set)?;
    // O17: it is given more than eight bytes.
    let counter = bare::eventfd(0, libc::EFD_NONBLOCK)? as Fd;
    let added = bare::write(counter, &[0; 9]);
    bare::close(counter)?;
    // L26: neither its descriptor nor its number of events is right; which is told?
    let neither = bare::epoll_wait(-1, -1).map(drop);
    Ok(Quirks {
        options_are_inherited_at_connect: inherits_at_connect()?,
        epoll_wait_looks_at_its_set_first: neither == Err(nix::errno::Errno::EBADF),
        counters_take_eight_bytes: added.is_err(),
        anonymous_files_have_no_mode: changed == Err(nix::errno::Errno::EOPNOTSUPP),
        credentials_are_settled_before_waiting: true,
        epoll_has_its_own_ioctl: asked == Err(nix::errno::Errno::EINVAL),
        connected_is_tested_last: told == Err(nix::errno::Errno::EMSGSIZE),
        an_empty_packet_makes_no_reset: ended.is_ok(),
    })
}
