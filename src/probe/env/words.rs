//! What is the matter with an endpoint, in a clause, and who a process is: for the sentences of
//! [`super::causes`]. Names are printable here, and no longer than a sentence bears.

use super::endpoint::{Address, Endpoint, State};
use crate::probe::holders::Process;
use crate::untrusted::Untrusted;

/// `4711 (tmux: client)`.
pub(super) fn told(process: &Process) -> String {
    format!("{} ({})", process.pid, process.comm)
}

/// As much of a name as a sentence bears.
fn brief(name: &Untrusted) -> String {
    const MOST: usize = 200;
    let text = name.to_string();
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], name.bytes().len()),
        None => text,
    }
}

/// What is the matter with an endpoint: a clause.
pub(super) fn describe(endpoint: &Endpoint) -> String {
    let at = match (&endpoint.at, &endpoint.address) {
        (Some(at), _) => brief(at),
        (None, Some(Address::Path(path))) => brief(path),
        (None, Some(Address::Abstract(name))) => format!("@{}", brief(name)),
        (None, Some(Address::Process(pid))) => format!("process {pid}"),
        (None, None) => "its value".to_owned(),
    };
    let owner = match (&endpoint.user, endpoint.uid) {
        (Some(user), _) => format!("{user}"),
        (None, Some(uid)) => format!("user {uid}"),
        (None, None) => "somebody else".to_owned(),
    };
    match endpoint.state {
        State::NoListener => format!("who listened at {at} is gone, only old connections are open"),
        State::Stale => format!("{at} is a socket file that nobody listens at any more"),
        State::Missing => format!("{at} is not there"),
        State::Denied => format!("{at} may not be searched"),
        State::NotWritable => format!("{at} may not be written to, and it belongs to {owner}"),
        State::WrongType => format!("{at} is not what it should be"),
        State::NotPrivate if endpoint.yours == Some(false) => format!("{at} belongs to {owner}"),
        State::NotPrivate => format!("others may enter {at}: its mode is not 0700"),
        State::Relative => format!("{at} does not begin with a slash"),
        State::NoBase => format!("it is relative to {at}, which is not set"),
        _ => format!("{at} does not answer"),
    }
}
