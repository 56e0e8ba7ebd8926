//! Words of scripts and the values they stand for: tables that reading and writing share.

use crate::model::address::Family;
use crate::model::call::{Access, Asked, Events, Flags, How};
use crate::model::id::Pid;

/// Types of sockets that have a word; any other is a number.
pub(super) const TYPES: &[(&str, i32)] =
    &[("stream", 1), ("dgram", 2), ("seqpacket", 5), ("raw", 3)];

/// Flags of a call that sends, in the order in which they are written.
pub(super) const SENDING: &[(&str, Flags)] = &[
    ("oob", Flags::OOB),
    ("peek", Flags::PEEK),
    ("dontwait", Flags::DONTWAIT),
    ("eor", Flags::EOR),
    ("waitall", Flags::WAITALL),
    ("nosignal", Flags::NOSIGNAL),
    ("more", Flags::MORE),
    ("trunc", Flags::TRUNC),
];

/// Flags of a call that receives.
pub(super) const RECEIVING: &[(&str, Flags)] = &[
    ("peek", Flags::PEEK),
    ("trunc", Flags::TRUNC),
    ("dontwait", Flags::DONTWAIT),
    ("waitall", Flags::WAITALL),
    ("oob", Flags::OOB),
    ("cmsg-cloexec", Flags::CMSG_CLOEXEC),
];

/// What a message says of itself when it was received.
pub(super) const RECEIVED: &[(&str, Flags)] = &[("trunc", Flags::TRUNC), ("ctrunc", Flags::CTRUNC)];

/// What poll(2) can be asked for.
pub(super) const POLLED: &[(&str, Events)] = &[
    ("in", Events::IN),
    ("out", Events::OUT),
    ("rdhup", Events::RDHUP),
];

/// What poll(2) can report.
pub(super) const READY: &[(&str, Events)] = &[
    ("in", Events::IN),
    ("out", Events::OUT),
    ("err", Events::ERR),
    ("hup", Events::HUP),
    ("rdhup", Events::RDHUP),
    ("nval", Events::NVAL),
];

/// How often a set of epoll(7) is to tell of something, when not as long as it is ready.
pub(super) const TRIGGERS: &[&str] = &["et", "oneshot"];

/// What shutdown(2) can end.
pub(super) const HOW: &[(&str, How)] = &[
    ("read", How::Read),
    ("write", How::Write),
    ("both", How::Both),
    ("invalid", How::Invalid),
];

/// Options that can be asked for.
pub(super) const ASKED: &[(&str, Asked)] = &[
    ("type", Asked::Type),
    ("error", Asked::Error),
    ("acceptconn", Asked::AcceptConn),
    ("peercred", Asked::PeerCred),
    ("sndbuf", Asked::SndBuf),
    ("passcred", Asked::PassCred),
    ("domain", Asked::Domain),
    ("protocol", Asked::Protocol),
];

/// What a file can be opened for.
pub(super) const ACCESS: &[(&str, Access)] = &[
    ("r", Access::Read),
    ("w", Access::Write),
    ("rw", Access::Both),
    ("path", Access::Path),
];

/// Families of addresses.
pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("unix", Family::Unix),
    ("unspec", Family::Unspec),
    ("inet", Family::Inet),
];

/// The options at the birth of a descriptor.
pub(super) const BIRTH: &[&str] = &["nonblock", "cloexec"];

/// Every call with its arguments.
pub(super) const CALLS: &[(&str, &str)] = &[
    (
        "socket",
        "socket stream|dgram|seqpacket|raw|NUMBER [protocol=N] [nonblock] [cloexec]",
    ),
    (
        "socketpair",
        "socketpair stream|dgram|seqpacket|raw|NUMBER [protocol=N] [nonblock] [cloexec]",
    ),
    ("bind", "bind FD ADDRESS"),
    ("listen", "listen FD BACKLOG"),
    ("connect", "connect FD ADDRESS"),
    ("accept", "accept FD [nonblock] [cloexec]"),
    (
        "send",
        "send FD PAYLOAD [FLAG...] [to=ADDRESS] [rights=FD,FD] [spare=N] [creds=WHO,UID,GID] \
         [short-cmsg] [unknown-cmsg] [other-level]",
    ),
    (
        "recv",
        "recv FD LENGTH [peek] [trunc] [dontwait] [waitall] [oob] [cmsg-cloexec] [control=BYTES]",
    ),
    ("write", "write FD PAYLOAD"),
    ("writev", "writev FD PAYLOAD..."),
    ("read", "read FD LENGTH"),
    ("shutdown", "shutdown FD read|write|both|invalid"),
    ("close", "close FD"),
    ("dup", "dup FD"),
    ("dup2", "dup2 FD FD"),
    ("nonblock", "nonblock FD on|off"),
    ("get-nonblock", "get-nonblock FD"),
    ("cloexec", "cloexec FD on|off"),
    ("get-cloexec", "get-cloexec FD"),
    ("getsockname", "getsockname FD"),
    ("getpeername", "getpeername FD"),
    (
        "getsockopt",
        "getsockopt FD type|error|acceptconn|peercred|sndbuf|passcred|domain|protocol",
    ),
    (
        "setsockopt",
        "setsockopt FD sndbuf=N|rcvbuf=N|passcred=on|passcred=off|sndtimeo=MS|rcvtimeo=MS|reuseaddr",
    ),
    ("inq", "inq FD"),
    ("outq", "outq FD"),
    ("poll", "poll FD [in] [out] [rdhup]"),
    ("epoll", "epoll [nonblock] [cloexec]"),
    (
        "epoll-add",
        "epoll-add FD FD [in] [out] [rdhup] [et] [oneshot]",
    ),
    (
        "epoll-mod",
        "epoll-mod FD FD [in] [out] [rdhup] [et] [oneshot]",
    ),
    ("epoll-del", "epoll-del FD FD"),
    ("epoll-wait", "epoll-wait FD MOST"),
    ("pipe", "pipe [nonblock] [cloexec]"),
    ("eventfd", "eventfd N [nonblock] [cloexec]"),
    ("open", "open PATH r|w|rw|path"),
    ("create", "create PATH"),
    ("mkdir", "mkdir PATH MODE"),
    ("symlink", "symlink TARGET PATH"),
    ("unlink", "unlink PATH"),
    ("rename", "rename FROM TO"),
    ("chmod", "chmod PATH MODE"),
    ("chown", "chown PATH UID GID"),
    ("fchmod", "fchmod FD MODE"),
    ("mode", "mode PATH"),
    ("umask", "umask MODE"),
    ("chdir", "chdir PATH"),
    ("seek", "seek FD OFFSET"),
    ("fork", "fork"),
    ("exit", "exit"),
    ("set-ids", "set-ids REAL EFFECTIVE"),
    ("limit-files", "limit-files N"),
];

/// The value of a word.
pub(super) fn value<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    let mut rows = table.iter();
    rows.find(|(name, _)| *name == word)
        .map(|(_, value)| *value)
}

/// The word of a value.
pub(super) fn word<T: Copy + PartialEq>(
    table: &[(&'static str, T)],
    value: T,
) -> Option<&'static str> {
    let mut rows = table.iter();
    rows.find(|(_, known)| *known == value)
        .map(|(name, _)| *name)
}

/// All words of a table.
pub(super) fn names<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(name, _)| *name).collect()
}

/// The processes that have a name: `A` to `Z`.
pub(super) const MOST_PROCESSES: u32 = 26;

/// What a process is called.
pub fn process_name(pid: Pid) -> String {
    match u8::try_from(pid.0) {
        Ok(place) if pid.0 < MOST_PROCESSES => char::from(b'A' + place).to_string(),
        _ => format!("P{}", pid.0),
    }
}

/// The process with this name.
pub(super) fn process_named(name: &str) -> Option<Pid> {
    match name.as_bytes() {
        [letter @ b'A'..=b'Z'] => Some(Pid(u32::from(letter - b'A'))),
        _ => None,
    }
}

/// The most words that are listed to somebody who wrote something close to one of them.
const FEW: usize = 12;

/// What to say to somebody who wrote an unknown word: the nearest known one, and the others unless
/// they are many.
pub(super) fn advice(word: &str, known: &[&str]) -> String {
    let all = format!("Known: {}.", known.join(", "));
    let near = known.iter().map(|known| (distance(word, known), known));
    let near = near.filter(|(distance, known)| *distance <= known.len().max(3) / 3);
    match near.min() {
        Some((_, nearest)) if known.len() > FEW => format!("Did you mean `{nearest}`?"),
        Some((_, nearest)) => format!("Did you mean `{nearest}`? {all}"),
        None => all,
    }
}

/// How many characters must be put in, left out, changed, or swapped with the next to make one word
/// of another.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let changed = rows[i][j] + usize::from(from != to);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *to && *from == b[j - 1] {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_proposed_and_a_far_one_is_not() {
        let known = ["listen", "send"];
        assert!(advice("lisen", &known).starts_with("Did you mean `listen`?"));
        assert!(advice("sned", &known).starts_with("Did you mean `send`?"));
        assert_eq!(advice("frobnicate", &known), "Known: listen, send.");
    }

    #[test]
    fn processes_are_called_by_letters() {
        assert_eq!(process_name(Pid(0)), "A");
        assert_eq!(process_named("Z"), Some(Pid(25)));
        assert_eq!(process_named("AB"), None);
        assert_eq!(process_name(Pid(26)), "P26");
    }
}
