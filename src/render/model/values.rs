//! Values in the notation of C: types, flags, addresses, control messages.

use super::words::quoted;
use crate::model::address::{Address, Family, Name};
use crate::model::call::{Ancillary, Birth, Claimed, Events, Flags, Interest, Whom};
use crate::model::outcome::{ControlMessage, Credentials};
use crate::model::script::process_name;

/// `SOCK_STREAM|SOCK_NONBLOCK`.
pub fn socket_type(ty: i32, birth: Birth) -> String {
    let ty = match ty {
        1 => "SOCK_STREAM".to_owned(),
        2 => "SOCK_DGRAM".to_owned(),
        3 => "SOCK_RAW".to_owned(),
        5 => "SOCK_SEQPACKET".to_owned(),
        ty => ty.to_string(),
    };
    [vec![ty], born("SOCK", birth)].concat().join("|")
}

/// `SOCK_NONBLOCK` and `SOCK_CLOEXEC`, or the same of another call.
pub fn born(prefix: &str, birth: Birth) -> Vec<String> {
    let words = [("NONBLOCK", birth.nonblock), ("CLOEXEC", birth.cloexec)];
    let set = words.into_iter().filter(|(_, on)| *on);
    set.map(|(word, _)| format!("{prefix}_{word}")).collect()
}

/// Words with bars between them; 0 without any.
pub fn or_zero(words: Vec<String>) -> String {
    match words.is_empty() {
        true => "0".to_owned(),
        false => words.join("|"),
    }
}

/// `MSG_PEEK|MSG_DONTWAIT`, or 0.
pub fn message_flags(flags: Flags) -> String {
    let words = [
        (Flags::OOB, "MSG_OOB"),
        (Flags::PEEK, "MSG_PEEK"),
        (Flags::CTRUNC, "MSG_CTRUNC"),
        (Flags::TRUNC, "MSG_TRUNC"),
        (Flags::DONTWAIT, "MSG_DONTWAIT"),
        (Flags::EOR, "MSG_EOR"),
        (Flags::WAITALL, "MSG_WAITALL"),
        (Flags::NOSIGNAL, "MSG_NOSIGNAL"),
        (Flags::MORE, "MSG_MORE"),
        (Flags::CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"),
    ];
    let set = words.into_iter().filter(|(flag, _)| flags.has(*flag));
    or_zero(set.map(|(_, word)| word.to_owned()).collect())
}

/// `POLLIN|POLLHUP`, or 0.
pub fn polled(events: Events) -> String {
    let words = [
        (Events::IN, "POLLIN"),
        (Events::OUT, "POLLOUT"),
        (Events::ERR, "POLLERR"),
        (Events::HUP, "POLLHUP"),
        (Events::NVAL, "POLLNVAL"),
        (Events::RDHUP, "POLLRDHUP"),
    ];
    let set = words.into_iter().filter(|(event, _)| events.has(*event));
    or_zero(set.map(|(_, word)| word.to_owned()).collect())
}

/// `EPOLLIN|EPOLLET`, or 0.
pub fn watched(interest: Interest) -> String {
    let words = [
        (Events::IN, "EPOLLIN"),
        (Events::OUT, "EPOLLOUT"),
        (Events::ERR, "EPOLLERR"),
        (Events::HUP, "EPOLLHUP"),
        (Events::RDHUP, "EPOLLRDHUP"),
    ];
    let set = words
        .into_iter()
        .filter(|(event, _)| interest.events.has(*event));
    let mut words: Vec<String> = set.map(|(_, word)| word.to_owned()).collect();
    for (word, on) in [
        ("EPOLLET", interest.edge),
        ("EPOLLONESHOT", interest.oneshot),
    ] {
        if on {
            words.push(word.to_owned());
        }
    }
    or_zero(words)
}

/// An address and its length: two arguments.
pub fn sockaddr(address: &Address) -> String {
    format!("{}, {}", structure(address), address.len)
}

/// A `struct sockaddr_un`.
pub fn structure(address: &Address) -> String {
    let family = match address.family {
        Family::Unix => "AF_UNIX",
        Family::Unspec => "AF_UNSPEC",
        Family::Inet => "AF_INET",
    };
    let path = match address.path.as_slice() {
        [] => String::new(),
        [0, name @ ..] => format!(", sun_path=@{}", quoted(name)),
        path => format!(", sun_path={}", quoted(path)),
    };
    format!("{{sa_family={family}{path}}}")
}

/// A name as a `struct sockaddr_un`.
pub fn sun_path(name: &Name) -> String {
    let path = match name.as_path() {
        Some(path) => quoted(path),
        None => format!("@{}", quoted(name.bytes.get(1..).unwrap_or_default())),
    };
    format!("{{sa_family=AF_UNIX, sun_path={path}}}")
}

/// A control message that is sent.
pub fn ancillary(message: &Ancillary) -> String {
    match message {
        Ancillary::Rights { fds, .. } => rights(fds),
        Ancillary::Credentials(Claimed { pid, uid, gid, .. }) => {
            let pid = match pid {
                Whom::Caller => "getpid()".to_owned(),
                Whom::Process(pid) => process_name(*pid),
                Whom::Nobody => "nobody".to_owned(),
            };
            format!("{{SCM_CREDENTIALS, {{pid={pid}, uid={uid}, gid={gid}}}}}")
        }
        Ancillary::Short => "{cmsg_len too small}".to_owned(),
        Ancillary::Unknown => "{SOL_SOCKET, unknown type}".to_owned(),
        Ancillary::OtherLevel => "{another level}".to_owned(),
    }
}

/// A control message that was received.
pub fn delivered(message: &ControlMessage) -> String {
    match message {
        ControlMessage::Rights(fds) => rights(fds),
        ControlMessage::Credentials { of, .. } => format!("{{SCM_CREDENTIALS, {}}}", ucred(*of)),
    }
}

pub fn rights(fds: &[i32]) -> String {
    let fds: Vec<String> = fds.iter().map(i32::to_string).collect();
    format!("{{SCM_RIGHTS, [{}]}}", fds.join(", "))
}

/// A `struct ucred`.
pub fn ucred(of: Credentials) -> String {
    let pid = of.pid.map_or_else(|| "0".to_owned(), process_name);
    format!("{{pid={pid}, uid={}, gid={}}}", of.uid, of.gid)
}
