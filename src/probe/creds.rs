//! `probe creds`: who a process is to its peers, and who a socket says its peer is.
//!
//! Owns the picture of a process's identity ([`identity`]), a live run of every mechanism by which
//! the kernel tells one process of another ([`live`]), and what is recorded on somebody's socket
//! ([`recorded`]). Drawing is [`crate::render`]'s.

mod capabilities;
mod fact;
mod find;
mod identity;
mod live;
mod occasion;
mod recorded;
pub mod role;
mod session;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use schemars::JsonSchema;
use serde::Serialize;

pub use capabilities::Capabilities;
pub use fact::{Fact, Named};
pub use find::Which;
pub use identity::{
    Identity, Ids, Mapped, NAMESPACES, Namespace, Seccomp, SeccompMode, Sets, Start,
};
pub use live::{Answers, Event, Live, Moment, Pidfd};
pub use occasion::RecordedBy;
pub use recorded::{Asked, NamedUcred, Now, Peer, Record, Recorded, Refusal, Seen, State};
pub use session::Session;

use super::{ProbeError, Surroundings};
use crate::curriculum::services::Service;
use crate::untrusted::Untrusted;

/// Whose credentials are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Those of this process: what a peer would see of you now. With a live run.
    #[default]
    Ourselves,
    /// Those of this process.
    Process(u32),
    /// Those that are recorded on this socket.
    Socket(Which),
}

impl Subject {
    /// From the command line: digits are a process, `inode:N` and `cookie:N` a socket, `@name` one
    /// with an abstract name, and anything else the path of one. A path that looks like one of
    /// those is written `./123`.
    ///
    /// # Errors
    /// With what is wrong with it, in words.
    pub fn parse(text: &OsStr) -> Result<Self, String> {
        let bytes = text.as_bytes();
        let shown = || Untrusted::from(text);
        if let Some(number) = bytes.strip_prefix(b"inode:").and_then(digits) {
            let inode = number
                .parse()
                .map_err(|_| format!("{} is no inode", shown()))?;
            return Ok(Self::Socket(Which::Inode(inode)));
        }
        if let Some(number) = bytes.strip_prefix(b"cookie:").and_then(digits) {
            let cookie = number
                .parse()
                .map_err(|_| format!("{} is no cookie", shown()))?;
            return Ok(Self::Socket(Which::Cookie(cookie)));
        }
        if let Some(number) = digits(bytes) {
            let pid = number
                .parse()
                .map_err(|_| format!("{} is no process id", shown()))?;
            return Ok(Self::Process(pid));
        }
        Ok(match bytes.strip_prefix(b"@") {
            Some(name) => Self::Socket(Which::Abstract(name.to_vec())),
            None if bytes.is_empty() => {
                return Err("an empty name is neither a process nor a socket".to_owned());
            }
            None => Self::Socket(Which::Path(bytes.to_vec())),
        })
    }
}

fn digits(bytes: &[u8]) -> Option<&str> {
    let only = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    only.then(|| std::str::from_utf8(bytes).ok()).flatten()
}

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Creds {
    /// `ipc-mastery/probe/creds/1`.
    pub schema: &'static str,
    /// Who looks.
    pub viewer: Viewer,
    /// The process, when one was asked for.
    pub process: Option<Identity>,
    /// The live run, for this process.
    pub live: Option<Live>,
    /// Why there is no live run, when there should be one.
    pub live_problem: Option<String>,
    /// The socket, when one was asked for.
    pub socket: Option<Recorded>,
}

/// Who looks: what may be seen depends on it.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Viewer {
    /// The effective user.
    pub user: Named,
    /// In a user namespace that is not the first one, where 65534 may be anybody who is not mapped.
    pub in_user_namespace: bool,
}

/// Looks at a process or a socket.
///
/// # Errors
/// When there is no such process or socket, or several sockets have the name.
pub fn collect(
    subject: &Subject,
    services: &[Service],
    surroundings: &Surroundings,
) -> Result<Creds, ProbeError> {
    let names = fact::Names::load();
    let mut seen = Creds {
        schema: super::Name::Creds.schema(),
        viewer: Viewer {
            user: names.user(rustix::process::geteuid().as_raw()),
            in_user_namespace: identity::in_user_namespace(),
        },
        process: None,
        live: None,
        live_problem: None,
        socket: None,
    };
    match subject {
        Subject::Ourselves => {
            seen.process = Some(identity::look(std::process::id(), &names)?);
            match live::run() {
                Ok(live) => seen.live = Some(live),
                Err(why) => seen.live_problem = Some(why),
            }
        }
        Subject::Process(pid) => seen.process = Some(identity::look(*pid, &names)?),
        Subject::Socket(which) => {
            let socket = recorded::look(which, &names, services, surroundings)?;
            seen.socket = Some(socket);
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_process_and_everything_else_is_a_socket() {
        let parse = |text: &str| Subject::parse(OsStr::new(text));
        let socket = |which| Ok(Subject::Socket(which));
        assert_eq!(parse("4711"), Ok(Subject::Process(4711)));
        assert_eq!(parse("inode:12"), socket(Which::Inode(12)));
        assert_eq!(parse("cookie:12"), socket(Which::Cookie(12)));
        assert_eq!(parse("@x y"), socket(Which::Abstract(b"x y".to_vec())));
        assert_eq!(parse("./4711"), socket(Which::Path(b"./4711".to_vec())));
        assert_eq!(parse("inode:x"), socket(Which::Path(b"inode:x".to_vec())));
        parse("99999999999").unwrap_err();
        parse("inode:99999999999").unwrap_err();
        parse("").unwrap_err();
    }
}
