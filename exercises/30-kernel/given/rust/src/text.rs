//! The text of calls and outcomes: reads the values of `calls.rs` and writes them.
//!
//! All of it is here, for every step: there is nothing to do in this file.

use std::fmt::{self, Display, Formatter};

use crate::calls::*;

// ---- writing ------------------------------------------------------------------------------------

/// The line that an answer is.
pub fn write(answer: &Answer) -> String {
    match answer {
        Ok(outcome) => outcome.to_string(),
        Err(Errno::Asleep) => "asleep".to_owned(),
        Err(errno) => format!("-1 {errno:?}"),
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Fd(fd) => write!(f, "fd {fd}"),
            Self::Fds(first, second) => write!(f, "fds {first} {second}"),
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Received(received) => received.fmt(f),
            Self::Name(None) => f.write_str("name none"),
            Self::Name(Some(name)) => write!(f, "name {}", Named(name)),
            Self::Creds(creds) => write!(f, "creds {creds}"),
            Self::Poll(events) => write!(f, "poll{events}"),
        }
    }
}

impl Display for Received {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, Quoted(&self.data))?;
        if let Some(name) = &self.from {
            write!(f, " from={}", Named(name))?;
        }
        for (word, set) in [("trunc", self.trunc), ("ctrunc", self.ctrunc)] {
            if set {
                write!(f, " {word}")?;
            }
        }
        if let Some((creds, fit)) = &self.creds {
            write!(f, " creds={creds}")?;
            if *fit < 12 {
                write!(f, " creds-fit={fit}")?;
            }
        }
        for (place, fd) in self.rights.iter().enumerate() {
            f.write_str(if place == 0 { " rights=" } else { "," })?;
            write!(f, "{fd}")?;
        }
        Ok(())
    }
}

impl Display for Creds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{pid},{},{}", self.uid, self.gid),
            None => write!(f, "none,{},{}", self.uid, self.gid),
        }
    }
}

impl Display for Events {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let words = [
            ("in", self.input),
            ("out", self.output),
            ("err", self.err),
            ("hup", self.hup),
            ("rdhup", self.rdhup),
            ("nval", self.nval),
        ];
        words.iter().filter(|(_, set)| *set).try_for_each(|(word, _)| write!(f, " {word}"))
    }
}

/// Bytes between quotes.
struct Quoted<'a>(&'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for byte in self.0 {
            match byte {
                b'"' => f.write_str("\\\"")?,
                b'\\' => f.write_str("\\\\")?,
                b' '..=b'~' => write!(f, "{}", char::from(*byte))?,
                byte => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A name with its kind before it.
struct Named<'a>(&'a [u8]);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            [0, rest @ ..] => write!(f, "abstract:{}", Quoted(rest)),
            path => write!(f, "path:{}", Quoted(path)),
        }
    }
}

// ---- reading ------------------------------------------------------------------------------------

/// The longest data that is read, and the farthest that a file may be sought, in bytes: both are
/// kept in memory.
const LONGEST: usize = 1 << 20;

/// What a line says; `None`: it is no call that this program knows.
pub fn read(line: &str) -> Option<Line> {
    let words = split(line)?;
    match *words.first()? {
        "boot" => Some(Line::Boot(boot(&words[1..]))),
        "collect" => words.get(1).is_none().then_some(Line::Collect),
        caller => {
            let name = caller.strip_suffix(':')?;
            let mut words = Words { rest: words[1..].iter() };
            Some(Line::Call(process(name)?, call(&mut words)?))
        }
    }
}

/// Words with blanks between them; what stands between quotes may hold some.
fn split(line: &str) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let mut start = None;
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in line.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                start = start.or(Some(at));
            }
            blank if blank.is_whitespace() && !quoted => {
                words.extend(start.take().map(|start| &line[start..at]));
            }
            _ => start = start.or(Some(at)),
        }
    }
    words.extend(start.map(|start| &line[start..]));
    (!quoted).then_some(words)
}

fn boot(words: &[&str]) -> Boot {
    let mut boot = Boot::default();
    for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
        let Ok(value) = value.parse() else { continue };
        match key {
            "uid" => boot.uid = value,
            "gid" => boot.gid = value,
            "max-dgram-qlen" => boot.max_dgram_qlen = value,
            "somaxconn" => boot.somaxconn = value,
            _ => {}
        }
    }
    boot
}

/// The words of a call that were not yet taken.
struct Words<'a> {
    rest: std::slice::Iter<'a, &'a str>,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.rest.next().copied()
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.next()?.parse().ok()
    }

    fn on_or_off(&mut self) -> Option<bool> {
        match self.next()? {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        }
    }

    fn data(&mut self) -> Option<Vec<u8>> {
        data(self.next()?)
    }

    fn path(&mut self) -> Option<Vec<u8>> {
        name(self.next()?)
    }

    fn address(&mut self) -> Option<Address> {
        address(self.next()?)
    }

    fn birth(&mut self) -> Option<New> {
        let mut new = New { nonblock: false, cloexec: false };
        while let Some(word) = self.next() {
            match word {
                "nonblock" => new.nonblock = true,
                "cloexec" => new.cloexec = true,
                _ => return None,
            }
        }
        Some(new)
    }
}

fn call(words: &mut Words<'_>) -> Option<Call> {
    let call = match words.next()? {
        "socket" => {
            let (ty, protocol, new) = kind(words)?;
            Call::Socket { ty, protocol, new }
        }
        "socketpair" => {
            let (ty, protocol, new) = kind(words)?;
            Call::Socketpair { ty, protocol, new }
        }
        "bind" => Call::Bind { fd: words.number()?, address: words.address()? },
        "listen" => Call::Listen { fd: words.number()?, backlog: words.number()? },
        "connect" => Call::Connect { fd: words.number()?, address: words.address()? },
        "accept" => Call::Accept { fd: words.number()?, new: words.birth()? },
        "send" => Call::Send { fd: words.number()?, message: message(words)? },
        "recv" => Call::Recv { fd: words.number()?, wanted: wanted(words)? },
        "write" => Call::Write { fd: words.number()?, data: words.data()? },
        "read" => Call::Read { fd: words.number()?, len: words.number()? },
        "shutdown" => Call::Shutdown { fd: words.number()?, how: how(words)? },
        "close" => Call::Close { fd: words.number()? },
        "dup" => Call::Dup { fd: words.number()? },
        "dup2" => Call::Dup2 { fd: words.number()?, to: words.number()? },
        "nonblock" => Call::SetNonblock { fd: words.number()?, on: words.on_or_off()? },
        "get-nonblock" => Call::GetNonblock { fd: words.number()? },
        "cloexec" => Call::SetCloexec { fd: words.number()?, on: words.on_or_off()? },
        "get-cloexec" => Call::GetCloexec { fd: words.number()? },
        "getsockname" => Call::Getsockname { fd: words.number()? },
        "getpeername" => Call::Getpeername { fd: words.number()? },
        "getsockopt" => Call::Getsockopt { fd: words.number()?, option: option(words)? },
        "setsockopt" => {
            let (fd, word) = (words.number()?, words.next()?);
            let on = word == "passcred=on";
            (on || word == "passcred=off").then_some(Call::SetPasscred { fd, on })?
        }
        "inq" => Call::Inq { fd: words.number()? },
        "poll" => Call::Poll { fd: words.number()?, events: events(words)? },
        "open" => Call::Open { path: words.path()?, access: access(words)? },
        "create" => Call::Create { path: words.path()? },
        "unlink" => Call::Unlink { path: words.path()? },
        "seek" => Call::Seek { fd: words.number()?, offset: offset(words)? },
        "limit-files" => Call::LimitFiles { limit: words.number()? },
        "fork" => Call::Fork,
        "exit" => Call::Exit,
        _ => return None,
    };
    words.next().is_none().then_some(call)
}

/// Type, protocol, and what the descriptor is asked to be.
fn kind(words: &mut Words<'_>) -> Option<(i32, i32, New)> {
    let ty = match words.next()? {
        "stream" => 1,
        "dgram" => 2,
        "raw" => 3,
        "seqpacket" => 5,
        number => number.parse().ok()?,
    };
    let mut protocol = 0;
    let before = words.rest.clone();
    match words.next().and_then(|word| word.strip_prefix("protocol=")) {
        Some(number) => protocol = number.parse().ok()?,
        None => words.rest = before,
    }
    Some((ty, protocol, words.birth()?))
}

fn message(words: &mut Words<'_>) -> Option<Message> {
    let mut message = Message { data: words.data()?, ..Message::default() };
    while let Some(word) = words.next() {
        match word.split_once('=').unwrap_or((word, "")) {
            // Nobody here is sent a signal.
            ("nosignal", "") => {}
            ("dontwait", "") => message.dontwait = true,
            ("to", value) => message.to = Some(address(value)?),
            ("rights", "") => message.control.push(Control::Rights(Vec::new())),
            ("rights", value) => {
                let fds = value.split(',').map(|fd| fd.parse().ok());
                message.control.push(Control::Rights(fds.collect::<Option<_>>()?));
            }
            ("creds", value) => message.control.push(creds(value)?),
            _ => return None,
        }
    }
    Some(message)
}

/// `WHO,UID,GID`
fn creds(text: &str) -> Option<Control> {
    let mut parts = text.split(',');
    let pid = match parts.next()? {
        "self" => Whom::Caller,
        "nobody" => Whom::Nobody,
        name => Whom::Process(process(name)?),
    };
    let (uid, gid) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(Control::Creds { pid, uid, gid })
}

fn wanted(words: &mut Words<'_>) -> Option<Wanted> {
    let mut wanted = Wanted { len: words.number()?, ..Wanted::default() };
    while let Some(word) = words.next() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("peek", "") => wanted.peek = true,
            ("trunc", "") => wanted.trunc = true,
            ("dontwait", "") => wanted.dontwait = true,
            ("cmsg-cloexec", "") => wanted.cmsg_cloexec = true,
            ("control", value) => wanted.control = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(wanted)
}

fn how(words: &mut Words<'_>) -> Option<How> {
    Some(match words.next()? {
        "read" => How::Read,
        "write" => How::Write,
        "both" => How::Both,
        "invalid" => How::Invalid,
        _ => return None,
    })
}

fn option(words: &mut Words<'_>) -> Option<SockOption> {
    Some(match words.next()? {
        "type" => SockOption::Type,
        "domain" => SockOption::Domain,
        "protocol" => SockOption::Protocol,
        "acceptconn" => SockOption::Acceptconn,
        "error" => SockOption::Error,
        "peercred" => SockOption::Peercred,
        "passcred" => SockOption::Passcred,
        _ => return None,
    })
}

fn events(words: &mut Words<'_>) -> Option<Events> {
    let mut events = Events::default();
    while let Some(word) = words.next() {
        match word {
            "in" => events.input = true,
            "out" => events.output = true,
            "rdhup" => events.rdhup = true,
            _ => return None,
        }
    }
    Some(events)
}

fn access(words: &mut Words<'_>) -> Option<Access> {
    Some(match words.next()? {
        "r" => Access::Read,
        "w" => Access::Write,
        "rw" => Access::Both,
        _ => return None,
    })
}

fn offset(words: &mut Words<'_>) -> Option<usize> {
    words.number().filter(|offset| *offset <= LONGEST)
}

fn process(name: &str) -> Option<Pid> {
    let mut letters = name.chars();
    let pid = letters.next().filter(char::is_ascii_uppercase)?;
    letters.next().is_none().then_some(pid)
}

fn address(text: &str) -> Option<Address> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let of_family = |family| Some(Address { family, path: Vec::new(), len: 2 });
    match kind {
        "path" => {
            let path = name(rest)?;
            let len = 2 + path.len() as i32 + 1;
            Some(Address { family: Family::Unix, path, len })
        }
        "abstract" => {
            let path = [b"\0", name(rest)?.as_slice()].concat();
            let len = 2 + path.len() as i32;
            Some(Address { family: Family::Unix, path, len })
        }
        "raw" => {
            let (kind, rest) = rest.split_once(':')?;
            let (path, rest) = unquote(rest)?;
            let len = rest.strip_prefix(':')?.parse().ok()?;
            Some(Address { family: family(kind)?, path, len })
        }
        _ if text.contains(':') => None,
        "unnamed" => of_family(Family::Unix),
        kind => of_family(family(kind).filter(|family| *family != Family::Unix)?),
    }
}

fn family(word: &str) -> Option<Family> {
    Some(match word {
        "unix" => Family::Unix,
        "unspec" => Family::Unspec,
        "inet" => Family::Inet,
        _ => return None,
    })
}

/// A bare name, or one between quotes.
fn name(text: &str) -> Option<Vec<u8>> {
    match text.starts_with('"') {
        true => unquote(text).filter(|(_, rest)| rest.is_empty()).map(|(bytes, _)| bytes),
        false => (!text.is_empty() && !text.contains('"')).then(|| text.as_bytes().to_vec()),
    }
}

/// `"text"`, or `"ab"x300`: ab over and over, 300 bytes.
fn data(text: &str) -> Option<Vec<u8>> {
    let (unit, rest) = unquote(text)?;
    if rest.is_empty() {
        return Some(unit);
    }
    let len: usize = rest.strip_prefix('x')?.parse().ok()?;
    let possible = len <= LONGEST && (len == 0 || !unit.is_empty());
    possible.then(|| unit.iter().copied().cycle().take(len).collect())
}

/// The bytes of a quoted text, and what follows it.
fn unquote(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut bytes = Vec::new();
    loop {
        let at = rest.find(['"', '\\'])?;
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        if rest[at..].starts_with('"') {
            return Some((bytes, &rest[at + 1..]));
        }
        let escape = &rest[at + 1..];
        let (byte, len) = match escape.chars().next()? {
            'n' => (b'\n', 1),
            't' => (b'\t', 1),
            '0' => (0, 1),
            '\\' => (b'\\', 1),
            '"' => (b'"', 1),
            'x' => (u8::from_str_radix(escape.get(1..3)?, 16).ok()?, 3),
            _ => return None,
        };
        bytes.push(byte);
        rest = &escape[len..];
    }
}
