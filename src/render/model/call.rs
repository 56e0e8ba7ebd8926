//! A call with what it came back with, in the notation of C as strace(1) prints it.

use super::values::{
    ancillary, born, delivered, message_flags, or_zero, polled, sockaddr, socket_type, structure,
    sun_path, ucred, watched,
};
use super::words::{quoted, shortened};
use crate::model::call::{Access, Asked, Call, Events, Flags, How, Interest, Set};
use crate::model::outcome::{Answer, Outcome, Received, Reported};
use crate::model::script::process_name;

/// What stands where nothing is known.
const UNKNOWN: &str = "\u{2026}";

/// A call and what came back: `send(3, "hello", 5, 0)` and `= 5`.
pub struct Written {
    /// The call.
    pub call: String,
    /// What it returned.
    pub result: String,
}

/// Writes a call that was made.
pub fn written(call: &Call, outcome: &Outcome) -> Written {
    let answer = match outcome {
        Outcome::Done(answer) => Some(answer),
        Outcome::Failed(_) | Outcome::BrokenPipe | Outcome::Sleeps(_) => None,
    };
    let result = match outcome {
        Outcome::Failed(errno) => format!("= -1 {errno:?}"),
        Outcome::BrokenPipe => "= -1 EPIPE".to_owned(),
        Outcome::Sleeps(_) => "<unfinished ...>".to_owned(),
        Outcome::Done(answer) => format!("= {}", returned(call, answer)),
    };
    Written {
        call: made(call, answer),
        result,
    }
}

/// Writes a call that is being made: what it will fill in is not known yet.
pub fn being_made(call: &Call) -> String {
    made(call, None)
}

/// What the call returns, as C has it.
fn returned(call: &Call, answer: &Answer) -> String {
    match answer {
        Answer::Number(_)
            if matches!(
                call,
                Call::Getsockopt { .. } | Call::Inq { .. } | Call::Outq { .. } | Call::Mode { .. }
            ) =>
        {
            "0".to_owned()
        }
        Answer::Number(number) => match call {
            Call::Umask { .. } => format!("0{number:03o}"),
            Call::GetNonblock { .. } if *number != 0 => "O_RDWR|O_NONBLOCK".to_owned(),
            Call::GetNonblock { .. } => "O_RDWR".to_owned(),
            Call::GetCloexec { .. } if *number != 0 => "FD_CLOEXEC".to_owned(),
            _ => number.to_string(),
        },
        Answer::Descriptor(fd) => fd.to_string(),
        Answer::Received(received) => received.count.to_string(),
        Answer::Process(_) if *call == Call::Exit => "?".to_owned(),
        Answer::Process(pid) => process_name(*pid),
        Answer::Ready(ready) if *ready == Events::default() => "0 (Timeout)".to_owned(),
        Answer::Ready(ready) => format!("1 ([{{revents={}}}])", polled(*ready)),
        Answer::Reported(reported) => reported.len().to_string(),
        Answer::Pair(..) | Answer::Name(_) | Answer::Credentials(_) => "0".to_owned(),
    }
}

/// The call with its arguments; some of them are only known when it is done.
fn made(call: &Call, answer: Option<&Answer>) -> String {
    match call {
        Call::Socket {
            ty,
            protocol,
            birth,
        } => format!("socket(AF_UNIX, {}, {protocol})", socket_type(*ty, *birth)),
        Call::Socketpair {
            ty,
            protocol,
            birth,
        } => {
            let ty = socket_type(*ty, *birth);
            format!("socketpair(AF_UNIX, {ty}, {protocol}, {})", pair(answer))
        }
        Call::Bind { fd, address } => format!("bind({fd}, {})", sockaddr(address)),
        Call::Listen { fd, backlog } => format!("listen({fd}, {backlog})"),
        Call::Connect { fd, address } => format!("connect({fd}, {})", sockaddr(address)),
        Call::Accept { fd, birth } => match born("SOCK", *birth) {
            words if words.is_empty() => format!("accept({fd}, NULL, NULL)"),
            words => format!("accept4({fd}, NULL, NULL, {})", words.join("|")),
        },
        Call::Send {
            fd,
            payload,
            flags,
            to,
            control,
        } => {
            let data = shortened(&payload.bytes(0, payload.len.min(super::words::SHOWN + 1)));
            let (len, flags) = (payload.len, message_flags(*flags));
            match (to, control.as_slice()) {
                (None, []) => format!("send({fd}, {data}, {len}, {flags})"),
                (Some(to), []) => format!("sendto({fd}, {data}, {len}, {flags}, {})", sockaddr(to)),
                (to, control) => {
                    let name = to
                        .as_ref()
                        .map(|to| format!("msg_name={}, ", structure(to)));
                    let control: Vec<String> = control.iter().map(ancillary).collect();
                    format!(
                        "sendmsg({fd}, {{{}msg_iov=[{{{data}, {len}}}], msg_control=[{}]}}, {flags})",
                        name.unwrap_or_default(),
                        control.join(", ")
                    )
                }
            }
        }
        Call::Receive {
            fd,
            len,
            flags,
            control,
        } => receive(*fd, *len, *flags, *control, answer),
        Call::Write { fd, payload } => {
            let data = shortened(&payload.bytes(0, payload.len.min(super::words::SHOWN + 1)));
            format!("write({fd}, {data}, {})", payload.len)
        }
        Call::Writev { fd, pieces } => {
            let shown = pieces
                .iter()
                .map(|piece| shortened(&piece.bytes(0, piece.len.min(super::words::SHOWN + 1))));
            let shown: Vec<String> = shown.collect();
            format!("writev({fd}, [{}], {})", shown.join(", "), pieces.len())
        }
        Call::Read { fd, len } => format!("read({fd}, {}, {len})", data(answer)),
        Call::Shutdown { fd, how } => {
            let how = match how {
                How::Read => "SHUT_RD",
                How::Write => "SHUT_WR",
                How::Both => "SHUT_RDWR",
                How::Invalid => "3",
            };
            format!("shutdown({fd}, {how})")
        }
        Call::Getsockname { fd } => format!("getsockname({fd}, {})", found(answer)),
        Call::Getpeername { fd } => format!("getpeername({fd}, {})", found(answer)),
        Call::Getsockopt { fd, option } => getsockopt(*fd, *option, answer),
        Call::Setsockopt { fd, option } => setsockopt(*fd, *option),
        Call::Inq { fd } => format!("ioctl({fd}, SIOCINQ, [{}])", number(answer)),
        Call::Outq { fd } => format!("ioctl({fd}, SIOCOUTQ, [{}])", number(answer)),
        Call::Poll { fd, events } => {
            format!("poll([{{fd={fd}, events={}}}], 1, 0)", polled(*events))
        }
        Call::Epoll { birth } => {
            format!("epoll_create1({})", or_zero(born("EPOLL", *birth)))
        }
        Call::EpollAdd {
            fd,
            target,
            interest,
        } => epoll_ctl("ADD", *fd, *target, *interest),
        Call::EpollModify {
            fd,
            target,
            interest,
        } => epoll_ctl("MOD", *fd, *target, *interest),
        Call::EpollDelete { fd, target } => {
            format!("epoll_ctl({fd}, EPOLL_CTL_DEL, {target}, NULL)")
        }
        Call::EpollWait { fd, most } => {
            format!("epoll_wait({fd}, {}, {most}, 0)", reported(answer))
        }
        Call::Pipe { birth } => match born("O", *birth) {
            words if words.is_empty() => format!("pipe({})", pair(answer)),
            words => format!("pipe2({}, {})", pair(answer), words.join("|")),
        },
        Call::Eventfd { value, birth } => {
            format!("eventfd2({value}, {})", or_zero(born("EFD", *birth)))
        }
        _ => other(call, answer),
    }
}

fn epoll_ctl(operation: &str, fd: i32, target: i32, interest: Interest) -> String {
    let events = watched(interest);
    format!("epoll_ctl({fd}, EPOLL_CTL_{operation}, {target}, {{{events}, data={target}}})")
}

/// What epoll_wait(2) filled in.
fn reported(answer: Option<&Answer>) -> String {
    let Some(Answer::Reported(reported)) = answer else {
        return UNKNOWN.to_owned();
    };
    let one = |one: &Reported| {
        let interest = Interest {
            events: one.events,
            ..Interest::default()
        };
        format!("{{{}, data={}}}", watched(interest), one.fd)
    };
    let all: Vec<String> = reported.iter().map(one).collect();
    format!("[{}]", all.join(", "))
}

/// Calls that are about descriptors, files and processes.
fn other(call: &Call, answer: Option<&Answer>) -> String {
    let path = |path: &str| quoted(path.as_bytes());
    match call {
        Call::Close { fd } => format!("close({fd})"),
        Call::Dup { fd } => format!("dup({fd})"),
        Call::Dup2 { fd, to } => format!("dup2({fd}, {to})"),
        Call::SetNonblock { fd, on: true } => format!("fcntl({fd}, F_SETFL, O_NONBLOCK)"),
        Call::SetNonblock { fd, on: false } => format!("fcntl({fd}, F_SETFL, 0)"),
        Call::GetNonblock { fd } => format!("fcntl({fd}, F_GETFL)"),
        Call::SetCloexec { fd, on: true } => format!("fcntl({fd}, F_SETFD, FD_CLOEXEC)"),
        Call::SetCloexec { fd, on: false } => format!("fcntl({fd}, F_SETFD, 0)"),
        Call::GetCloexec { fd } => format!("fcntl({fd}, F_GETFD)"),
        Call::Open { path: at, access } => {
            let access = match access {
                Access::Read => "O_RDONLY",
                Access::Write => "O_WRONLY",
                Access::Both => "O_RDWR",
                Access::Path => "O_PATH",
            };
            format!("open({}, {access})", path(at))
        }
        Call::Create { path: at } => format!("mknod({}, S_IFREG|0666)", path(at)),
        Call::Mkdir { path: at, mode } => format!("mkdir({}, 0{mode:03o})", path(at)),
        Call::Symlink { target, path: at } => format!("symlink({}, {})", path(target), path(at)),
        Call::Unlink { path: at } => format!("unlink({})", path(at)),
        Call::Rename { from, to } => format!("rename({}, {})", path(from), path(to)),
        Call::Chmod { path: at, mode } => format!("chmod({}, 0{mode:03o})", path(at)),
        Call::Chown { path: at, uid, gid } => format!("chown({}, {uid}, {gid})", path(at)),
        Call::Fchmod { fd, mode } => format!("fchmod({fd}, 0{mode:03o})"),
        Call::Mode { path: at } => {
            let mode = match answer {
                Some(Answer::Number(mode)) => format!("0{mode:03o}"),
                _ => UNKNOWN.to_owned(),
            };
            format!("stat({}, {{st_mode={mode}}})", path(at))
        }
        Call::Umask { mask } => format!("umask(0{mask:03o})"),
        Call::Chdir { path: at } => format!("chdir({})", path(at)),
        Call::Seek { fd, offset } => format!("lseek({fd}, {offset}, SEEK_SET)"),
        Call::Fork => "fork()".to_owned(),
        Call::Exit => "_exit(0)".to_owned(),
        Call::SetIds { real, effective } => {
            let ids = format!("({real}, {effective}, {effective})");
            format!("setresgid{ids}, setresuid{ids}")
        }
        Call::LimitFiles { limit } => {
            format!("setrlimit(RLIMIT_NOFILE, {{rlim_cur={limit}, rlim_max={limit}}})")
        }
        _ => unreachable!("all other calls are written above"),
    }
}

fn receive(
    fd: i32,
    len: usize,
    flags: Flags,
    control: Option<usize>,
    answer: Option<&Answer>,
) -> String {
    let words = message_flags(flags);
    let received = match answer {
        Some(Answer::Received(received)) => Some(received),
        _ => None,
    };
    let plain = received.is_none_or(|it| it.from.is_none() && it.flags == Flags::default());
    if control.is_none() && plain {
        return format!("recv({fd}, {}, {len}, {words})", data(answer));
    }
    let mut parts = Vec::new();
    if let Some(from) = received.and_then(|it| it.from.as_ref()) {
        parts.push(format!("msg_name={}", sun_path(from)));
    }
    parts.push(format!("msg_iov=[{{{}, {len}}}]", data(answer)));
    match received {
        Some(received) if !received.control.is_empty() => {
            let messages: Vec<String> = received.control.iter().map(delivered).collect();
            parts.push(format!("msg_control=[{}]", messages.join(", ")));
        }
        Some(_) => {}
        None => parts.push(format!("msg_controllen={}", control.unwrap_or(0))),
    }
    if let Some(Received { flags, .. }) = received {
        parts.push(format!("msg_flags={}", message_flags(*flags)));
    }
    format!("recvmsg({fd}, {{{}}}, {words})", parts.join(", "))
}

fn getsockopt(fd: i32, option: Asked, answer: Option<&Answer>) -> String {
    let name = match option {
        Asked::Type => "SO_TYPE",
        Asked::Error => "SO_ERROR",
        Asked::AcceptConn => "SO_ACCEPTCONN",
        Asked::PeerCred => "SO_PEERCRED",
        Asked::SndBuf => "SO_SNDBUF",
        Asked::PassCred => "SO_PASSCRED",
        Asked::Domain => "SO_DOMAIN",
        Asked::Protocol => "SO_PROTOCOL",
    };
    let value = match answer {
        Some(Answer::Credentials(of)) => ucred(*of),
        Some(Answer::Number(error)) if option == Asked::Error && *error != 0 => {
            let errno = i32::try_from(*error).map(nix::errno::Errno::from_raw);
            errno.map_or_else(|_| number(answer), |errno| format!("[{errno:?}]"))
        }
        answer => format!("[{}]", number(answer)),
    };
    format!("getsockopt({fd}, SOL_SOCKET, {name}, {value})")
}

fn setsockopt(fd: i32, option: Set) -> String {
    let (name, value) = match option {
        Set::SndBuf(bytes) => ("SO_SNDBUF", bytes),
        Set::RcvBuf(bytes) => ("SO_RCVBUF", bytes),
        Set::PassCred(on) => ("SO_PASSCRED", i32::from(on)),
        Set::SndTimeo(ms) => return timeo(fd, "SO_SNDTIMEO", ms),
        Set::RcvTimeo(ms) => return timeo(fd, "SO_RCVTIMEO", ms),
        Set::ReuseAddr => ("SO_REUSEADDR", 1),
    };
    format!("setsockopt({fd}, SOL_SOCKET, {name}, [{value}])")
}

fn timeo(fd: i32, name: &str, ms: u32) -> String {
    let (seconds, micros) = (ms / 1000, ms % 1000 * 1000);
    format!("setsockopt({fd}, SOL_SOCKET, {name}, {{tv_sec={seconds}, tv_usec={micros}}})")
}

fn number(answer: Option<&Answer>) -> String {
    match answer {
        Some(Answer::Number(number)) => number.to_string(),
        _ => UNKNOWN.to_owned(),
    }
}

/// The bytes that were received.
fn data(answer: Option<&Answer>) -> String {
    match answer {
        Some(Answer::Received(received)) => shortened(&received.data),
        _ => UNKNOWN.to_owned(),
    }
}

fn pair(answer: Option<&Answer>) -> String {
    match answer {
        Some(Answer::Pair(first, second)) => format!("[{first}, {second}]"),
        _ => UNKNOWN.to_owned(),
    }
}

/// The name that was found, with its length.
fn found(answer: Option<&Answer>) -> String {
    match answer {
        Some(Answer::Name(Some(name))) => format!("{}, [{}]", sun_path(name), name.address_len()),
        Some(Answer::Name(None)) => "{sa_family=AF_UNIX}, [2]".to_owned(),
        _ => format!("{UNKNOWN}, {UNKNOWN}"),
    }
}
