//! The scene `door`: a server that knows of whoever connects what the kernel tells it, and nothing
//! else (unix(7), `SO_PEERCRED`). It keeps that of the last one.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::read;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::{Failure, parameters};
use super::member::{Member, say};
use super::{Part, Set};

/// What is said of somebody who was not there yet.
const NOBODY: &str = "nobody yet";

/// Ways to connect, the best first.
#[derive(Debug, Deserialize)]
struct Ways {
    ways: Vec<Way>,
}

/// A way to connect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    /// The program that it needs.
    program: String,
    /// The command.
    command: String,
}

/// The server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::experiment) struct Doorman {
    door: String,
}

/// Who came.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Visitor {
    pid: i32,
    uid: u32,
    gid: u32,
}

struct Door {
    directory: PathBuf,
    /// How to connect, with a program that this machine has.
    command: Option<String>,
    doorman: Member,
}

/// Sets it.
pub(super) fn set(params: &Map<String, Value>) -> Result<Box<dyn Set>, Failure> {
    let Ways { ways } = parameters(params)?;
    let here = std::env::current_dir();
    let here = here.map_err(|error| Failure::Fault(format!("no directory: {error}")))?;
    let door = here.join("door").to_string_lossy().into_owned();
    let way = ways
        .into_iter()
        .find(|way| which::which(&way.program).is_ok());
    let command = way.map(|way| way.command);
    let doorman = Member::start("doorman", Part::Doorman(Doorman { door }))?;
    Ok(Box::new(Door {
        directory: here,
        command,
        doorman,
    }))
}

impl Set for Door {
    fn look(&mut self) -> Result<Value, Failure> {
        self.doorman.go_on()?;
        let said = self.doorman.said()?;
        let last: Option<Visitor> = serde_json::from_str(&said)
            .map_err(|error| Failure::Fault(format!("the doorman says nothing of use: {error}")))?;
        let last = match last {
            Some(visitor) => json!(visitor),
            None => json!({ "pid": NOBODY, "uid": NOBODY, "gid": NOBODY }),
        };
        Ok(json!({
            "directory": self.directory.to_string_lossy(),
            "command": self.command,
            "uid": nix::unistd::geteuid().as_raw(),
            "gid": nix::unistd::getegid().as_raw(),
            "groups": nix::unistd::getgroups().map_or(0, |groups| groups.len()),
            "doorman": self.doorman.pid(),
            "last": last,
        }))
    }
}

impl Doorman {
    /// Serves: whoever connects is told that they are known, and let go; the director is told who
    /// was last.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(super) fn play(&self) -> io::Result<()> {
        let listener = UnixListener::bind(&self.door)?;
        say("ready")?;
        let stdin = io::stdin();
        let mut last: Option<Visitor> = None;
        loop {
            let mut waiting = [
                PollFd::new(listener.as_fd(), PollFlags::POLLIN),
                PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(_) => {}
            }
            let [visited, asked] = waiting.map(|one| one.any().unwrap_or(true));
            // Who has come before the question is in the answer.
            if visited {
                let (mut visitor, _) = listener.accept()?;
                let peer = getsockopt(&visitor, sockopt::PeerCredentials)?;
                last = Some(Visitor {
                    pid: peer.pid(),
                    uid: peer.uid(),
                    gid: peer.gid(),
                });
                // It may have left already.
                let _ = visitor.write_all(b"I know who you are.\n");
            } else if asked {
                if read(&stdin, &mut [0; 64])? == 0 {
                    return Ok(());
                }
                say(&serde_json::to_string(&last)?)?;
            }
        }
    }
}
