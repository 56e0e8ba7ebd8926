//! Writes calls and outcomes as scripts have them. All that is written is printable ASCII: bytes and
//! names that are anything else are escaped.

use std::fmt::{self, Display, Formatter};

use super::{Action, Expected, Line, Script, words};
use crate::model::address::{Address, Name};
use crate::model::call::{Ancillary, Birth, Call, Flags, Interest, Payload, Set, Whom};
use crate::model::id::Pid;
use crate::model::outcome::{Answer, ControlMessage, Credentials, Outcome, Received, Reported};

/// The longest data that is written whole, in bytes.
const WHOLE: usize = 64;
/// How many bytes of longer data are written.
const SHOWN: usize = 16;
/// How many bytes credentials are.
const UCRED: usize = 12;

/// Bytes between quotes.
struct Quoted<'a>(&'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for byte in self.0 {
            match byte {
                b'\n' => f.write_str("\\n")?,
                b'\t' => f.write_str("\\t")?,
                0 => f.write_str("\\0")?,
                b'\\' => f.write_str("\\\\")?,
                b'"' => f.write_str("\\\"")?,
                b' '..=b'~' => write!(f, "{}", char::from(*byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A name: bare where it can be.
struct Bare<'a>(&'a [u8]);

impl Display for Bare<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain = |byte: &u8| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'\\');
        match std::str::from_utf8(self.0) {
            Ok(text) if !text.is_empty() && self.0.iter().all(plain) => f.write_str(text),
            _ => Quoted(self.0).fmt(f),
        }
    }
}

impl Display for Payload {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Quoted(&self.unit).fmt(f)?;
        match self.len == self.unit.len() {
            true => Ok(()),
            false => write!(f, "x{}", self.len),
        }
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let family = words::word(words::FAMILIES, self.family).unwrap_or_default();
        if *self == Self::only(self.family) {
            return f.write_str(match family {
                "unix" => "unnamed",
                family => family,
            });
        }
        if let Some(name) = self.path.strip_prefix(&[0])
            && *self == Self::abstract_name(name)
        {
            return write!(f, "abstract:{}", Bare(name));
        }
        let len = crate::model::address::HEADER + self.path.len() as i32 + 1;
        if family == "unix" && self.len == len && !self.path.contains(&0) {
            return write!(f, "path:{}", Bare(&self.path));
        }
        write!(f, "raw:{family}:{}:{}", Quoted(&self.path), self.len)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.as_path() {
            Some(path) => write!(f, "path:{}", Bare(path)),
            None => write!(
                f,
                "abstract:{}",
                Bare(self.bytes.get(1..).unwrap_or_default())
            ),
        }
    }
}

/// A process by its letter.
struct Called(Pid);

impl Display for Called {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&words::process_name(self.0))
    }
}

impl Display for Birth {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (word, on) in words::BIRTH.iter().zip([self.nonblock, self.cloexec]) {
            if on {
                write!(f, " {word}")?;
            }
        }
        Ok(())
    }
}

impl Display for Interest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let set = words::POLLED
            .iter()
            .filter(|(_, event)| self.events.has(*event));
        set.map(|(word, _)| word)
            .try_for_each(|word| write!(f, " {word}"))?;
        for (word, on) in words::TRIGGERS.iter().zip([self.edge, self.oneshot]) {
            if on {
                write!(f, " {word}")?;
            }
        }
        Ok(())
    }
}

/// What is ready under a descriptor: `4:in,hup`.
impl Display for Reported {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let set = words::READY
            .iter()
            .filter(|(_, event)| self.events.has(*event));
        let words: Vec<&str> = set.map(|(word, _)| *word).collect();
        write!(f, "{}:{}", self.fd, words.join(","))
    }
}

/// Numbers with commas between them.
fn joined(numbers: &[i32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
    numbers.join(",")
}

impl Display for Ancillary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let spare = match self {
            Self::Rights { fds, spare } => {
                write!(f, "rights={}", joined(fds))?;
                *spare
            }
            Self::Credentials(claimed) => {
                let who = match claimed.pid {
                    Whom::Caller => "self".to_owned(),
                    Whom::Nobody => "nobody".to_owned(),
                    Whom::Process(pid) => words::process_name(pid),
                };
                write!(f, "creds={who},{},{}", claimed.uid, claimed.gid)?;
                claimed.spare
            }
            Self::Short => return f.write_str("short-cmsg"),
            Self::Unknown => return f.write_str("unknown-cmsg"),
            Self::OtherLevel => return f.write_str("other-level"),
        };
        match spare {
            0 => Ok(()),
            spare => write!(f, " spare={spare}"),
        }
    }
}

/// The words of flags, each with a blank before it.
fn flags(table: &[(&str, Flags)], flags: Flags) -> String {
    let set = table.iter().filter(|(_, flag)| flags.has(*flag));
    set.map(|(word, _)| format!(" {word}")).collect()
}

fn ty(ty: i32) -> String {
    words::word(words::TYPES, ty).map_or_else(|| ty.to_string(), str::to_owned)
}

fn protocol(protocol: i32) -> String {
    match protocol {
        0 => String::new(),
        protocol => format!(" protocol={protocol}"),
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket {
                ty: number,
                protocol: of,
                birth,
            } => write!(f, "socket {}{}{birth}", ty(*number), protocol(*of)),
            Self::Socketpair {
                ty: number,
                protocol: of,
                birth,
            } => write!(f, "socketpair {}{}{birth}", ty(*number), protocol(*of)),
            Self::Bind { fd, address } => write!(f, "bind {fd} {address}"),
            Self::Listen { fd, backlog } => write!(f, "listen {fd} {backlog}"),
            Self::Connect { fd, address } => write!(f, "connect {fd} {address}"),
            Self::Accept { fd, birth } => write!(f, "accept {fd}{birth}"),
            Self::Send {
                fd,
                payload,
                flags: set,
                to,
                control,
            } => {
                write!(f, "send {fd} {payload}{}", flags(words::SENDING, *set))?;
                if let Some(to) = to {
                    write!(f, " to={to}")?;
                }
                control
                    .iter()
                    .try_for_each(|message| write!(f, " {message}"))
            }
            Self::Receive {
                fd,
                len,
                flags: set,
                control,
            } => {
                write!(f, "recv {fd} {len}{}", flags(words::RECEIVING, *set))?;
                match control {
                    Some(bytes) => write!(f, " control={bytes}"),
                    None => Ok(()),
                }
            }
            Self::Write { fd, payload } => write!(f, "write {fd} {payload}"),
            Self::Writev { fd, pieces } => {
                write!(f, "writev {fd}")?;
                pieces.iter().try_for_each(|piece| write!(f, " {piece}"))
            }
            Self::Read { fd, len } => write!(f, "read {fd} {len}"),
            Self::Shutdown { fd, how } => {
                let how = words::word(words::HOW, *how).unwrap_or_default();
                write!(f, "shutdown {fd} {how}")
            }
            Self::Close { fd } => write!(f, "close {fd}"),
            Self::Dup { fd } => write!(f, "dup {fd}"),
            Self::Dup2 { fd, to } => write!(f, "dup2 {fd} {to}"),
            Self::SetNonblock { fd, on } => write!(f, "nonblock {fd} {}", on_or_off(*on)),
            Self::GetNonblock { fd } => write!(f, "get-nonblock {fd}"),
            Self::SetCloexec { fd, on } => write!(f, "cloexec {fd} {}", on_or_off(*on)),
            Self::GetCloexec { fd } => write!(f, "get-cloexec {fd}"),
            Self::Getsockname { fd } => write!(f, "getsockname {fd}"),
            Self::Getpeername { fd } => write!(f, "getpeername {fd}"),
            Self::Getsockopt { fd, option } => {
                let option = words::word(words::ASKED, *option).unwrap_or_default();
                write!(f, "getsockopt {fd} {option}")
            }
            Self::Setsockopt { fd, option } => match option {
                Set::SndBuf(bytes) => write!(f, "setsockopt {fd} sndbuf={bytes}"),
                Set::RcvBuf(bytes) => write!(f, "setsockopt {fd} rcvbuf={bytes}"),
                Set::PassCred(on) => write!(f, "setsockopt {fd} passcred={}", on_or_off(*on)),
                Set::SndTimeo(ms) => write!(f, "setsockopt {fd} sndtimeo={ms}"),
                Set::RcvTimeo(ms) => write!(f, "setsockopt {fd} rcvtimeo={ms}"),
                Set::ReuseAddr => write!(f, "setsockopt {fd} reuseaddr"),
            },
            Self::Inq { fd } => write!(f, "inq {fd}"),
            Self::Outq { fd } => write!(f, "outq {fd}"),
            Self::Poll { fd, events } => {
                write!(f, "poll {fd}")?;
                let set = words::POLLED.iter().filter(|(_, event)| events.has(*event));
                set.map(|(word, _)| word)
                    .try_for_each(|word| write!(f, " {word}"))
            }
            Self::Epoll { birth } => write!(f, "epoll{birth}"),
            Self::EpollAdd {
                fd,
                target,
                interest,
            } => write!(f, "epoll-add {fd} {target}{interest}"),
            Self::EpollModify {
                fd,
                target,
                interest,
            } => write!(f, "epoll-mod {fd} {target}{interest}"),
            Self::EpollDelete { fd, target } => write!(f, "epoll-del {fd} {target}"),
            Self::EpollWait { fd, most } => write!(f, "epoll-wait {fd} {most}"),
            Self::Pipe { birth } => write!(f, "pipe{birth}"),
            Self::Eventfd { value, birth } => write!(f, "eventfd {value}{birth}"),
            Self::Fchmod { fd, mode } => write!(f, "fchmod {fd} {mode:04o}"),
            Self::Umask { mask } => write!(f, "umask {mask:04o}"),
            Self::Seek { fd, offset } => write!(f, "seek {fd} {offset}"),
            Self::Fork => f.write_str("fork"),
            Self::Exit => f.write_str("exit"),
            Self::SetIds { real, effective } => write!(f, "set-ids {real} {effective}"),
            Self::LimitFiles { limit } => write!(f, "limit-files {limit}"),
            _ => on_paths(self, f),
        }
    }
}

/// Calls whose arguments are paths.
fn on_paths(call: &Call, f: &mut Formatter<'_>) -> fmt::Result {
    let bare = |path| Bare(str::as_bytes(path));
    match call {
        Call::Open { path, access } => {
            let access = words::word(words::ACCESS, *access).unwrap_or_default();
            write!(f, "open {} {access}", bare(path))
        }
        Call::Create { path } => write!(f, "create {}", bare(path)),
        Call::Mkdir { path, mode } => write!(f, "mkdir {} {mode:04o}", bare(path)),
        Call::Symlink { target, path } => write!(f, "symlink {} {}", bare(target), bare(path)),
        Call::Unlink { path } => write!(f, "unlink {}", bare(path)),
        Call::Rename { from, to } => write!(f, "rename {} {}", bare(from), bare(to)),
        Call::Chmod { path, mode } => write!(f, "chmod {} {mode:04o}", bare(path)),
        Call::Chown { path, uid, gid } => write!(f, "chown {} {uid} {gid}", bare(path)),
        Call::Mode { path } => write!(f, "mode {}", bare(path)),
        Call::Chdir { path } => write!(f, "chdir {}", bare(path)),
        _ => unreachable!("all other calls are written above"),
    }
}

impl Display for Credentials {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let who = self
            .pid
            .map_or_else(|| "none".to_owned(), words::process_name);
        write!(f, "{who},{},{}", self.uid, self.gid)
    }
}

/// Long data is cut, unless `{:#}` asks for the whole.
impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(errno) => write!(f, "-1 {errno:?}"),
            Self::BrokenPipe => f.write_str("-1 EPIPE SIGPIPE"),
            Self::Sleeps(_) => f.write_str("asleep"),
            Self::Done(answer) => answer.fmt(f),
        }
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Descriptor(fd) => write!(f, "fd {fd}"),
            Self::Pair(first, second) => write!(f, "fds {first} {second}"),
            Self::Process(pid) => write!(f, "process {}", Called(*pid)),
            Self::Name(None) => f.write_str("name none"),
            Self::Name(Some(name)) => write!(f, "name {name}"),
            Self::Credentials(of) => write!(f, "creds {of}"),
            Self::Ready(events) => {
                f.write_str("poll")?;
                let set = words::READY.iter().filter(|(_, event)| events.has(*event));
                set.map(|(word, _)| word)
                    .try_for_each(|word| write!(f, " {word}"))
            }
            Self::Reported(reported) => {
                f.write_str("events")?;
                reported.iter().try_for_each(|one| write!(f, " {one}"))
            }
            Self::Received(received) => received.fmt(f),
        }
    }
}

impl Display for Received {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.count)?;
        let data = &self.data;
        match period(data) {
            _ if data.len() <= WHOLE => Quoted(data).fmt(f)?,
            Some(unit) => write!(f, "{}x{}", Quoted(&data[..unit]), data.len())?,
            None if f.alternate() => Quoted(data).fmt(f)?,
            None => write!(f, "{}\u{2026}{}", Quoted(&data[..SHOWN]), data.len())?,
        }
        if let Some(from) = &self.from {
            write!(f, " from={from}")?;
        }
        f.write_str(&flags(words::RECEIVED, self.flags))?;
        self.control.iter().try_for_each(|message| match message {
            ControlMessage::Rights(fds) => write!(f, " rights={}", joined(fds)),
            ControlMessage::Credentials { of, fit } => {
                write!(f, " creds={of}")?;
                match *fit {
                    UCRED => Ok(()),
                    fit => write!(f, " creds-fit={fit}"),
                }
            }
        })
    }
}

/// How many bytes are repeated over and over in this, if they are few.
fn period(data: &[u8]) -> Option<usize> {
    let repeats = |unit: &usize| data[*unit..] == data[..data.len() - unit];
    (1..=WHOLE.min(data.len())).find(repeats)
}

impl Display for Expected {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            // An expectation is never cut: it can be read again.
            Self::Exactly(outcome) => write!(f, "{outcome:#}"),
            Self::AnyName => f.write_str("name *"),
        }
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { pid, call } => write!(f, "{}: {call}", Called(*pid)),
            Self::Collect => f.write_str("collect"),
            Self::Interrupted { pid } => {
                write!(f, "interrupted {}", words::process_name(*pid))
            }
            Self::Expired { pid } => write!(f, "expired {}", words::process_name(*pid)),
            Self::Woken { pid } => write!(f, "woken {}", words::process_name(*pid)),
        }
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.times > 1 {
            writeln!(f, "repeat {}", self.times)?;
        }
        match &self.expected {
            Some(expected) => write!(f, "{}\n= {expected}", self.action),
            None => self.action.fmt(f),
        }
    }
}

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (pid, uid) in &self.processes {
            writeln!(f, "process {} {uid}", Called(*pid))?;
        }
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
