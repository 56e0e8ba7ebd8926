//! Reads what a call must come back with: what stands behind `=`.

use nix::errno::Errno;

use super::read::{Choice, Reader};
use super::token::Token;
use super::words;
use super::{Expected, Mistake};
use crate::model::address::Name;
use crate::model::call::{Events, Flags};
use crate::model::outcome::{
    Answer, ControlMessage, Credentials, Outcome, Received, Reported, Wait,
};

/// How many bytes credentials are.
const UCRED: usize = 12;
/// The last number that Linux may ever use for an errno.
const MOST_ERRNOS: i32 = 4095;

const USAGE: &str = "= N | fd N | fds N N | process B | -1 ERRNO | -1 EPIPE SIGPIPE | asleep | N \"data\" | \
                     name ADDRESS | creds A,UID,GID | poll in out | events FD:in,out";
/// First words of an outcome that is no number.
const FIRST: &[&str] = &[
    "fd", "fds", "process", "asleep", "name", "creds", "poll", "events",
];

/// Reads what is expected from the tokens behind `=`.
pub(super) fn expected(line: usize, tokens: &[Token<'_>], end: usize) -> Result<Expected, Mistake> {
    if let [name, any] = tokens
        && (name.text, any.text) == ("name", "*")
    {
        return Ok(Expected::AnyName);
    }
    Ok(Expected::of(&outcome(line, tokens, end)?))
}

fn outcome(line: usize, tokens: &[Token<'_>], end: usize) -> Result<Outcome, Mistake> {
    let mut reader = Reader::new(line, tokens, end, USAGE);
    let first = reader.next("an outcome")?;
    let answer = match first.text {
        "asleep" => {
            reader.finish()?;
            // What it sleeps for has no written form.
            return Ok(Outcome::Sleeps(Wait::Other));
        }
        "-1" => {
            let errno = errno(&mut reader)?;
            let signalled =
                errno == Errno::EPIPE && reader.next_if(|word| word == "SIGPIPE").is_some();
            reader.finish()?;
            return Ok(match signalled {
                true => Outcome::BrokenPipe,
                false => Outcome::Failed(errno),
            });
        }
        "fd" => Answer::Descriptor(reader.fd()?),
        "fds" => Answer::Pair(reader.fd()?, reader.fd()?),
        "process" => {
            let token = reader.next("a process")?;
            Answer::Process(reader.process(token, token.text)?)
        }
        "name" => Answer::Name(name(&mut reader)?),
        "creds" => {
            let token = reader.next("credentials")?;
            Answer::Credentials(credentials(&reader, token, token.text)?)
        }
        "poll" => {
            let mut events = Events::default();
            for choice in reader.choices(&words::names(words::READY), &[])? {
                events |= words::value(words::READY, choice.name).unwrap_or_default();
            }
            Answer::Ready(events)
        }
        "events" => {
            let mut all = Vec::new();
            while let Some(token) = reader.next_if(|_| true) {
                all.push(reported(&reader, token)?);
            }
            Answer::Reported(all)
        }
        number if number.parse::<i64>().is_ok() => {
            match reader.next_if(|text| text.starts_with('"')) {
                Some(data) => Answer::Received(received(&mut reader, first, data)?),
                None => {
                    let least = -i64::from(i32::MAX);
                    Answer::Number(reader.parse_number(first, number, least..=i64::MAX)?)
                }
            }
        }
        word => {
            let mistake = reader.wrong(first, format!("`{word}` is no outcome"));
            return Err(mistake.with_help(words::advice(word, FIRST)));
        }
    };
    reader.finish()?;
    Ok(Outcome::Done(answer))
}

/// `4:in,hup`.
fn reported(reader: &Reader<'_>, token: Token<'_>) -> Result<Reported, Mistake> {
    let wrong = |message: String| {
        let known = words::names(words::READY).join(", ");
        let help = format!("It is written `4:in,hup`; known: {known}.");
        reader.wrong(token, message).with_help(help)
    };
    let Some((fd, names)) = token.text.split_once(':') else {
        return Err(wrong(format!(
            "`{}` does not say what is ready",
            token.text
        )));
    };
    let mut events = Events::default();
    for name in names.split(',') {
        let event = words::value(words::READY, name);
        events |= event.ok_or_else(|| wrong(format!("`{name}` is no event")))?;
    }
    let fd = reader.parse_number(token, fd, i64::from(i32::MIN)..=i64::from(i32::MAX))?;
    Ok(Reported { fd, events })
}

/// `EAGAIN`.
fn errno(reader: &mut Reader<'_>) -> Result<Errno, Mistake> {
    let token = reader.next("an errno")?;
    let errno = match token.text {
        "EWOULDBLOCK" => Some(Errno::EWOULDBLOCK),
        "ENOTSUP" => Some(Errno::EOPNOTSUPP),
        text => {
            let mut all = (1..=MOST_ERRNOS).map(Errno::from_raw);
            all.find(|errno| *errno != Errno::UnknownErrno && format!("{errno:?}") == text)
        }
    };
    errno.ok_or_else(|| {
        let mistake = reader.wrong(token, format!("`{}` is no errno", token.text));
        mistake.with_help("An errno is written as in errno(3), such as EAGAIN.")
    })
}

/// `path:NAME`, `abstract:NAME` or `none`.
fn name(reader: &mut Reader<'_>) -> Result<Option<Name>, Mistake> {
    let token = reader.next("a name")?;
    match token.text {
        "none" => Ok(None),
        text => parse_name(reader, token, text).map(Some),
    }
}

fn parse_name(reader: &Reader<'_>, token: Token<'_>, text: &str) -> Result<Name, Mistake> {
    if !text.starts_with("path:") && !text.starts_with("abstract:") {
        let mistake = reader.wrong(token, format!("`{text}` is no name"));
        return Err(mistake.with_help("Known: path:NAME, abstract:NAME."));
    }
    let address = reader.parse_address(token, text)?;
    let mut bytes = address.path;
    if text.starts_with("path:") {
        bytes.push(0);
    }
    Ok(Name { bytes })
}

/// `A,0,0` or `none,65534,65534`.
fn credentials(reader: &Reader<'_>, token: Token<'_>, text: &str) -> Result<Credentials, Mistake> {
    let parts: Vec<&str> = text.split(',').collect();
    let [who, uid, gid] = parts[..] else {
        let mistake = reader.wrong(token, "credentials are a process, a user and a group");
        return Err(mistake.with_help("They are written `A,0,0` or `none,65534,65534`."));
    };
    let pid = match who {
        "none" => None,
        name => Some(reader.process(token, name)?),
    };
    let ids = 0..=i64::from(u32::MAX);
    Ok(Credentials {
        pid,
        uid: reader.parse_number(token, uid, ids.clone())?,
        gid: reader.parse_number(token, gid, ids)?,
    })
}

/// `N "data"` and the words behind it.
fn received(
    reader: &mut Reader<'_>,
    count: Token<'_>,
    data: Token<'_>,
) -> Result<Received, Mistake> {
    let data = reader.parse_payload(data)?;
    let mut received = Received {
        count: reader.parse_number(count, count.text, 0..=i64::from(i32::MAX))?,
        data: data.bytes(0, data.len),
        ..Received::default()
    };
    let known = [words::names(words::RECEIVED), vec!["from="]].concat();
    for choice in reader.choices(&known, &["rights=", "creds=", "creds-fit="])? {
        let Choice { token, name, value } = choice;
        match name {
            "from=" => received.from = Some(parse_name(reader, token, value)?),
            "rights=" => {
                let fds = reader.fds(token, value)?;
                received.control.push(ControlMessage::Rights(fds));
            }
            "creds=" => {
                let of = credentials(reader, token, value)?;
                let message = ControlMessage::Credentials { of, fit: UCRED };
                received.control.push(message);
            }
            "creds-fit=" => match received.control.last_mut() {
                Some(ControlMessage::Credentials { fit, .. }) => {
                    *fit = reader.parse_number(token, value, 0..=UCRED as i64)?;
                }
                _ => {
                    let mistake = reader.wrong(token, "there are no credentials before this");
                    return Err(mistake.with_help("`creds-fit=` stands behind its `creds=`."));
                }
            },
            flag => {
                let flag: Flags = words::value(words::RECEIVED, flag).unwrap_or_default();
                received.flags |= flag;
            }
        }
    }
    Ok(received)
}
