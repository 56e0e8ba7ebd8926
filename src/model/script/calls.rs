//! Reads a call: its name, its arguments in their order, and the words at its end.

use super::Mistake;
use super::read::{Choice, Reader};
use super::token::Token;
use super::words::{self, CALLS};
use crate::model::call::{Ancillary, Birth, Call, Claimed, Events, Flags, Interest, Set, Whom};

const INT: std::ops::RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;
/// The last offset that can be sought: what a file holds is kept in memory.
const FARTHEST: i64 = 16 << 20;

/// How long a call may be told to sleep, in milliseconds: not so long that nobody would wait for it.
const LIMITS: std::ops::RangeInclusive<i64> = 0..=10_000;

/// Reads a call from all tokens of a line, its process excepted.
pub(super) fn call(line: usize, tokens: &[Token<'_>], end: usize) -> Result<Call, Mistake> {
    let Some((name, arguments)) = tokens.split_first() else {
        let mistake = Mistake::new(line, end..end + 1, "a call is missing");
        return Err(mistake.with_help(words::advice("", &words::names(CALLS))));
    };
    let Some(usage) = words::value(CALLS, name.text) else {
        let message = format!("there is no call `{}`", name.text);
        let mistake = Mistake::new(line, name.start..name.end(), message);
        return Err(mistake.with_help(words::advice(name.text, &words::names(CALLS))));
    };
    let mut reader = Reader::new(line, arguments, name.end(), usage);
    let call = arguments_of(name.text, &mut reader)?;
    reader.finish()?;
    Ok(call)
}

fn arguments_of(name: &str, reader: &mut Reader<'_>) -> Result<Call, Mistake> {
    Ok(match name {
        "socket" => {
            let (ty, protocol, birth) = creation(reader)?;
            Call::Socket {
                ty,
                protocol,
                birth,
            }
        }
        "socketpair" => {
            let (ty, protocol, birth) = creation(reader)?;
            Call::Socketpair {
                ty,
                protocol,
                birth,
            }
        }
        "bind" => Call::Bind {
            fd: reader.fd()?,
            address: reader.address()?,
        },
        "listen" => Call::Listen {
            fd: reader.fd()?,
            backlog: reader.number("a backlog", INT)?,
        },
        "connect" => Call::Connect {
            fd: reader.fd()?,
            address: reader.address()?,
        },
        "accept" => Call::Accept {
            fd: reader.fd()?,
            birth: birth(reader)?,
        },
        "send" => send(reader)?,
        "recv" => receive(reader)?,
        "write" => Call::Write {
            fd: reader.fd()?,
            payload: reader.payload()?,
        },
        "writev" => {
            let fd = reader.fd()?;
            let mut pieces = vec![reader.payload()?];
            while let Some(piece) = reader.next_if(|_| true) {
                pieces.push(reader.parse_payload(piece)?);
            }
            Call::Writev { fd, pieces }
        }
        "read" => Call::Read {
            fd: reader.fd()?,
            len: reader.length()?,
        },
        "shutdown" => Call::Shutdown {
            fd: reader.fd()?,
            how: reader.one_of("what to shut down", words::HOW)?,
        },
        "dup2" => Call::Dup2 {
            fd: reader.fd()?,
            to: reader.fd()?,
        },
        "nonblock" => Call::SetNonblock {
            fd: reader.fd()?,
            on: reader.on_or_off()?,
        },
        "cloexec" => Call::SetCloexec {
            fd: reader.fd()?,
            on: reader.on_or_off()?,
        },
        "getsockopt" => Call::Getsockopt {
            fd: reader.fd()?,
            option: reader.one_of("an option", words::ASKED)?,
        },
        "setsockopt" => set_option(reader)?,
        "poll" => {
            let fd = reader.fd()?;
            let mut events = Events::default();
            for choice in reader.choices(&words::names(words::POLLED), &[])? {
                events |= words::value(words::POLLED, choice.name).unwrap_or_default();
            }
            Call::Poll { fd, events }
        }
        "epoll" => Call::Epoll {
            birth: birth(reader)?,
        },
        "epoll-add" => Call::EpollAdd {
            fd: reader.fd()?,
            target: reader.fd()?,
            interest: interest(reader)?,
        },
        "epoll-mod" => Call::EpollModify {
            fd: reader.fd()?,
            target: reader.fd()?,
            interest: interest(reader)?,
        },
        "epoll-del" => Call::EpollDelete {
            fd: reader.fd()?,
            target: reader.fd()?,
        },
        "epoll-wait" => Call::EpollWait {
            fd: reader.fd()?,
            most: reader.number("a number of events", INT)?,
        },
        "pipe" => Call::Pipe {
            birth: birth(reader)?,
        },
        "eventfd" => Call::Eventfd {
            value: reader.user("a value")?,
            birth: birth(reader)?,
        },
        "seek" => Call::Seek {
            fd: reader.fd()?,
            offset: reader.number("an offset", 0..=FARTHEST)?,
        },
        "fork" => Call::Fork,
        "exit" => Call::Exit,
        "set-ids" => Call::SetIds {
            real: reader.user("a real user")?,
            effective: reader.user("an effective user")?,
        },
        "limit-files" => Call::LimitFiles {
            limit: reader.number("a limit", 0..=i64::from(i32::MAX))?,
        },
        "close" => Call::Close { fd: reader.fd()? },
        "dup" => Call::Dup { fd: reader.fd()? },
        "get-nonblock" => Call::GetNonblock { fd: reader.fd()? },
        "get-cloexec" => Call::GetCloexec { fd: reader.fd()? },
        "getsockname" => Call::Getsockname { fd: reader.fd()? },
        "getpeername" => Call::Getpeername { fd: reader.fd()? },
        "inq" => Call::Inq { fd: reader.fd()? },
        "outq" => Call::Outq { fd: reader.fd()? },
        _ => on_files(name, reader)?,
    })
}

/// Calls that have to do with the file system.
fn on_files(name: &str, reader: &mut Reader<'_>) -> Result<Call, Mistake> {
    Ok(match name {
        "open" => Call::Open {
            path: reader.path("a path")?,
            access: reader.one_of("what to open it for", words::ACCESS)?,
        },
        "create" => Call::Create {
            path: reader.path("a path")?,
        },
        "mkdir" => Call::Mkdir {
            path: reader.path("a path")?,
            mode: reader.mode()?,
        },
        "symlink" => Call::Symlink {
            target: reader.path("a target")?,
            path: reader.path("a path")?,
        },
        "unlink" => Call::Unlink {
            path: reader.path("a path")?,
        },
        "rename" => Call::Rename {
            from: reader.path("an old path")?,
            to: reader.path("a new path")?,
        },
        "chmod" => Call::Chmod {
            path: reader.path("a path")?,
            mode: reader.mode()?,
        },
        "chown" => Call::Chown {
            path: reader.path("a path")?,
            uid: reader.user("a user")?,
            gid: reader.user("a group")?,
        },
        "fchmod" => Call::Fchmod {
            fd: reader.fd()?,
            mode: reader.mode()?,
        },
        "mode" => Call::Mode {
            path: reader.path("a path")?,
        },
        "umask" => Call::Umask {
            mask: reader.mode()?,
        },
        "chdir" => Call::Chdir {
            path: reader.path("a path")?,
        },
        _ => unreachable!("every call of the table is read"),
    })
}

/// Type, protocol and birth of a socket.
fn creation(reader: &mut Reader<'_>) -> Result<(i32, i32, Birth), Mistake> {
    let token = reader.next("a type")?;
    let ty = match words::value(words::TYPES, token.text) {
        Some(ty) => ty,
        None if token.text.parse::<i64>().is_ok() => reader.parse_number(token, token.text, INT)?,
        None => {
            let mistake = reader.wrong(token, format!("`{}` is no type of socket", token.text));
            let help = words::advice(token.text, &words::names(words::TYPES));
            return Err(mistake.with_help(help));
        }
    };
    let choices = reader.choices(&[words::BIRTH, &["protocol="]].concat(), &[])?;
    let mut protocol = 0;
    for choice in &choices {
        if choice.name == "protocol=" {
            protocol = reader.parse_number(choice.token, choice.value, INT)?;
        }
    }
    Ok((ty, protocol, birth_of(&choices)))
}

/// What a set of epoll(7) is to tell, and how often.
fn interest(reader: &mut Reader<'_>) -> Result<Interest, Mistake> {
    let known = [words::names(words::POLLED), words::TRIGGERS.to_vec()].concat();
    let mut interest = Interest::default();
    for choice in reader.choices(&known, &[])? {
        match choice.name {
            "et" => interest.edge = true,
            "oneshot" => interest.oneshot = true,
            event => interest.events |= words::value(words::POLLED, event).unwrap_or_default(),
        }
    }
    Ok(interest)
}

fn birth(reader: &mut Reader<'_>) -> Result<Birth, Mistake> {
    Ok(birth_of(&reader.choices(words::BIRTH, &[])?))
}

fn birth_of(choices: &[Choice<'_>]) -> Birth {
    let has = |name| choices.iter().any(|choice| choice.name == name);
    Birth {
        nonblock: has("nonblock"),
        cloexec: has("cloexec"),
    }
}

/// Words of [`Call::Send`] that may stand more than once: each is a control message, or says
/// something of the one before it.
const CONTROL: &[&str] = &[
    "rights=",
    "creds=",
    "spare=",
    "short-cmsg",
    "unknown-cmsg",
    "other-level",
];

fn send(reader: &mut Reader<'_>) -> Result<Call, Mistake> {
    let (fd, payload) = (reader.fd()?, reader.payload()?);
    let known = [words::names(words::SENDING), vec!["to="]].concat();
    let mut flags = Flags::default();
    let mut to = None;
    let mut control = Vec::new();
    for choice in reader.choices(&known, CONTROL)? {
        let Choice { token, name, value } = choice;
        match name {
            "to=" => to = Some(reader.parse_address(token, value)?),
            "rights=" => control.push(Ancillary::Rights {
                fds: reader.fds(token, value)?,
                spare: 0,
            }),
            "creds=" => control.push(Ancillary::Credentials(claimed(reader, token, value)?)),
            "short-cmsg" => control.push(Ancillary::Short),
            "unknown-cmsg" => control.push(Ancillary::Unknown),
            "other-level" => control.push(Ancillary::OtherLevel),
            "spare=" => {
                // Four bytes more would be one more descriptor.
                let bytes = reader.parse_number(token, value, 0..=3)?;
                match control.last_mut() {
                    Some(Ancillary::Rights { spare, .. }) => *spare = bytes,
                    Some(Ancillary::Credentials(claimed)) => claimed.spare = bytes,
                    _ => {
                        let mistake = reader.wrong(token, "there is nothing that has spare bytes");
                        let help = "`spare=` stands behind the `rights=` or `creds=` it is for.";
                        return Err(mistake.with_help(help));
                    }
                }
            }
            flag => flags |= words::value(words::SENDING, flag).unwrap_or_default(),
        }
    }
    Ok(Call::Send {
        fd,
        payload,
        flags,
        to,
        control,
    })
}

/// `WHO,UID,GID`.
fn claimed(reader: &Reader<'_>, token: Token<'_>, value: &str) -> Result<Claimed, Mistake> {
    let parts: Vec<&str> = value.split(',').collect();
    let [who, uid, gid] = parts[..] else {
        let mistake = reader.wrong(token, "credentials are a process, a user and a group");
        return Err(mistake.with_help("They are written `creds=self,0,0` or `creds=A,0,0`."));
    };
    let pid = match who {
        "self" => Whom::Caller,
        "nobody" => Whom::Nobody,
        name => Whom::Process(reader.process(token, name)?),
    };
    let ids = 0..=i64::from(u32::MAX);
    Ok(Claimed {
        pid,
        uid: reader.parse_number(token, uid, ids.clone())?,
        gid: reader.parse_number(token, gid, ids)?,
        spare: 0,
    })
}

fn receive(reader: &mut Reader<'_>) -> Result<Call, Mistake> {
    let (fd, len) = (reader.fd()?, reader.length()?);
    let known = [words::names(words::RECEIVING), vec!["control="]].concat();
    let mut flags = Flags::default();
    let mut control = None;
    for Choice { token, name, value } in reader.choices(&known, &[])? {
        match name {
            "control=" => {
                control = Some(reader.parse_number(token, value, 0..=i64::from(i32::MAX))?);
            }
            flag => flags |= words::value(words::RECEIVING, flag).unwrap_or_default(),
        }
    }
    Ok(Call::Receive {
        fd,
        len,
        flags,
        control,
    })
}

fn set_option(reader: &mut Reader<'_>) -> Result<Call, Mistake> {
    let fd = reader.fd()?;
    let token = reader.next("an option")?;
    let (name, value) = token.text.split_once('=').unwrap_or((token.text, ""));
    let option = match (name, value) {
        ("sndbuf", value) => Set::SndBuf(reader.parse_number(token, value, INT)?),
        ("rcvbuf", value) => Set::RcvBuf(reader.parse_number(token, value, INT)?),
        ("passcred", "on") => Set::PassCred(true),
        ("passcred", "off") => Set::PassCred(false),
        ("sndtimeo", value) => Set::SndTimeo(reader.parse_number(token, value, LIMITS)?),
        ("rcvtimeo", value) => Set::RcvTimeo(reader.parse_number(token, value, LIMITS)?),
        ("reuseaddr", "") => Set::ReuseAddr,
        _ => {
            let message = format!("`{}` is no option that can be set", token.text);
            let known = [
                "sndbuf=N",
                "rcvbuf=N",
                "passcred=on",
                "passcred=off",
                "sndtimeo=MS",
                "rcvtimeo=MS",
                "reuseaddr",
            ];
            let help = words::advice(token.text, &known);
            return Err(reader.wrong(token, message).with_help(help));
        }
    };
    Ok(Call::Setsockopt { fd, option })
}
