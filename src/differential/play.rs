//! Free play: calls as somebody thinks of them, one after the other, each made on the model and by a
//! real process; both answers side by side.
//!
//! Owns the conversation (a [`Turn`] in, a [`Reply`] out) and what may be tried: calls that stay among
//! the descriptors and in the directory of the play. Processes are [`super::agents`]', and their
//! starter is [`super::session`].

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::agents::Agents;
use super::compare::{self, Names};
use super::measured;
use crate::model::address::Address;
use crate::model::call::{Ancillary, Call, Fd};
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::Outcome;
use crate::model::script::{Action, Asleep, Expected, Line, process_name};

/// The descriptors that calls may name.
const DESCRIPTORS: std::ops::Range<Fd> = 3..900;
/// The most bytes that one call receives.
const LONGEST: usize = 256 * 1024;
/// The most bytes of control messages that one call receives.
const LONGEST_CONTROL: usize = 16 * 1024;
/// How many processes there can be.
const PROCESSES: u32 = 12;
/// How long a call that should not sleep is waited for.
const PATIENCE: Duration = Duration::from_millis(400);

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// A process makes a call.
    Call {
        /// Who.
        pid: u32,
        /// What: as scripts have it.
        call: String,
        /// How often: the answer is that of the last time.
        times: usize,
        /// What becomes of it, if it sleeps.
        asleep: Asleep,
    },
    /// A process that was woken goes on with its call.
    Woken {
        /// Who.
        pid: u32,
    },
    /// A signal ends the call that a process sleeps in.
    Interrupted {
        /// Who.
        pid: u32,
    },
    /// A process has slept as long as it may.
    Expired {
        /// Who.
        pid: u32,
    },
    /// The kernel looks for sockets that nobody can reach.
    Collect,
}

impl Turn {
    /// What a line of a script does.
    pub fn of(line: &Line) -> Self {
        match &line.action {
            Action::Call { pid, call } => Self::Call {
                pid: pid.0,
                call: call.to_string(),
                times: line.times,
                asleep: line.asleep,
            },
            Action::Woken { pid } => Self::Woken { pid: pid.0 },
            Action::Interrupted { pid } => Self::Interrupted { pid: pid.0 },
            Action::Expired { pid } => Self::Expired { pid: pid.0 },
            Action::Collect => Self::Collect,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Both answered.
    Answered {
        /// The model, as scripts have it.
        model: String,
        /// This kernel.
        linux: String,
        /// Whether that is the same.
        agree: bool,
    },
    /// There is nothing to answer.
    Done,
    /// It was not tried: why, as a sentence.
    Refused(String),
}

/// Why a call is not tried on a real kernel; `None`: it may be. It must stay among the descriptors of
/// the play and in its directory.
pub fn refusal(call: &Call) -> Option<String> {
    if let Some(fd) = descriptors(call)
        .into_iter()
        .find(|fd| *fd >= 0 && !DESCRIPTORS.contains(fd))
    {
        let (first, last) = (DESCRIPTORS.start, DESCRIPTORS.end - 1);
        return Some(format!(
            "Descriptor {fd} is no part of the play: those from {first} to {last} are."
        ));
    }
    if let Some(path) = paths(call).into_iter().find(|path| leads_away(path)) {
        let path = String::from_utf8_lossy(path).into_owned();
        return Some(format!(
            "\u{201c}{}\u{201d} leads out of the directory of the play: name a file in it.",
            crate::untrusted::readable(&path)
        ));
    }
    match call {
        Call::Receive { len, .. } | Call::Read { len, .. } if *len > LONGEST => Some(format!(
            "At most {LONGEST} bytes are received at once here."
        )),
        Call::Receive {
            control: Some(room),
            ..
        } if *room > LONGEST_CONTROL => Some(format!(
            "At most {LONGEST_CONTROL} bytes of control messages are received at once here."
        )),
        _ => None,
    }
}

/// Whether a path leads elsewhere than to something below the directory one is in.
fn leads_away(path: &[u8]) -> bool {
    path.first() == Some(&b'/') || path.split(|byte| *byte == b'/').any(|part| part == b"..")
}

/// The paths that a call names.
fn paths(call: &Call) -> Vec<&[u8]> {
    match call {
        Call::Bind { address, .. } | Call::Connect { address, .. } => path_of(address),
        Call::Send { to: Some(to), .. } => path_of(to),
        Call::Open { path, .. }
        | Call::Create { path }
        | Call::Mkdir { path, .. }
        | Call::Unlink { path }
        | Call::Chmod { path, .. }
        | Call::Chown { path, .. }
        | Call::Mode { path }
        | Call::Chdir { path } => vec![path.as_bytes()],
        Call::Symlink { target, path } => vec![target.as_bytes(), path.as_bytes()],
        Call::Rename { from, to } => vec![from.as_bytes(), to.as_bytes()],
        _ => Vec::new(),
    }
}

/// The path of an address; an abstract name is none.
fn path_of(address: &Address) -> Vec<&[u8]> {
    match address.path.first() {
        None | Some(0) => Vec::new(),
        Some(_) => vec![&address.path],
    }
}

/// The descriptors that a call names.
fn descriptors(call: &Call) -> Vec<Fd> {
    let mut fds: Vec<Fd> = call.fd().into_iter().collect();
    match call {
        Call::Send { control, .. } => {
            for message in control {
                if let Ancillary::Rights { fds: sent, .. } = message {
                    fds.extend(sent);
                }
            }
        }
        Call::Dup2 { to, .. } => fds.push(*to),
        _ => {}
    }
    fds
}

/// Both sides of a play.
struct Play {
    kernel: Kernel,
    agents: Agents,
    names: Names,
    /// What abstract names begin with, where they belong to the whole machine.
    prefix: String,
}

impl Play {
    fn turn(&mut self, turn: &Turn) -> io::Result<Reply> {
        match turn {
            Turn::Call {
                pid,
                call,
                times,
                asleep,
            } => self.call(Pid(*pid), call, *times, *asleep),
            Turn::Woken { pid } => self.woken(Pid(*pid)),
            Turn::Interrupted { pid } => self.interrupted(Pid(*pid)),
            Turn::Expired { pid } => self.expired(Pid(*pid)),
            Turn::Collect => {
                self.kernel.collect_garbage();
                self.agents.let_collect()?;
                Ok(Reply::Done)
            }
        }
    }

    fn interrupted(&mut self, pid: Pid) -> io::Result<Reply> {
        if self.kernel.sleeper(pid).is_none() {
            let name = process_name(pid);
            return Ok(Reply::Refused(format!("{name} does not sleep.")));
        }
        let model = self.kernel.interrupt(pid);
        let linux = self.agents.interrupt(pid)?;
        Ok(self.answered(&model, &linux))
    }

    fn expired(&mut self, pid: Pid) -> io::Result<Reply> {
        let limit = self.kernel.sleeper(pid).map(|sleeper| sleeper.limit);
        let name = process_name(pid);
        match limit {
            Some(Some(_)) => {
                let model = self.kernel.expire(pid);
                let linux = self.agents.expired(pid)?;
                Ok(self.answered(&model, &linux))
            }
            Some(None) => Ok(Reply::Refused(format!("{name} may sleep for ever."))),
            None => Ok(Reply::Refused(format!("{name} does not sleep."))),
        }
    }

    fn woken(&mut self, pid: Pid) -> io::Result<Reply> {
        let Some(sleeper) = self.kernel.sleeper(pid) else {
            let name = process_name(pid);
            return Ok(Reply::Refused(format!("{name} does not sleep.")));
        };
        let model = match self.kernel.can_go_on(pid) {
            true => self.kernel.go_on(pid),
            false => Outcome::Sleeps(sleeper.wait),
        };
        let linux = self.agents.settled(pid)?;
        Ok(self.answered(&model, &linux))
    }

    fn call(&mut self, pid: Pid, call: &str, times: usize, asleep: Asleep) -> io::Result<Reply> {
        let call: Call = match call.parse() {
            Ok(call) => call,
            Err(mistake) => return Ok(Reply::Refused(format!("It is no call: {mistake}."))),
        };
        if let Some(why) = refusal(&call) {
            return Ok(Reply::Refused(why));
        }
        if !self.kernel.has_process(pid) {
            let name = process_name(pid);
            return Ok(Reply::Refused(format!("There is no process {name}.")));
        }
        let next = self.kernel.processes().map(|(pid, _)| pid.0).max();
        if call == Call::Fork && next.is_some_and(|last| last + 1 >= PROCESSES) {
            return Ok(Reply::Refused(
                "There is no room for one more process.".to_owned(),
            ));
        }
        let call = prefixed(call, &self.prefix);
        let mut reply = Reply::Done;
        for _ in 0..times {
            let (model, linux) = match asleep {
                Asleep::Stays => {
                    let model = self.kernel.begin(pid, &call);
                    let limit = self.kernel.sleeper(pid).and_then(|one| one.limit);
                    (model, self.agents.begin(pid, &call, limit)?)
                }
                Asleep::Interrupted => {
                    let model = self.kernel.call(pid, &call);
                    let linux = self.agents.call_or_sleep(pid, &call, &model, PATIENCE)?;
                    (model, linux)
                }
            };
            reply = self.answered(&model, &linux);
            if !matches!(reply, Reply::Answered { agree: true, .. }) {
                break;
            }
        }
        Ok(reply)
    }

    fn answered(&mut self, model: &Outcome, linux: &Expected) -> Reply {
        Reply::Answered {
            agree: self.agree(model, linux),
            model: self.shown(&Expected::of(model)),
            linux: self.shown(linux),
        }
    }

    fn agree(&mut self, model: &Outcome, linux: &Expected) -> bool {
        match (Expected::of(model), linux) {
            (Expected::Exactly(model), Expected::Exactly(linux)) => {
                compare::same(&model, linux, &mut self.names)
            }
            _ => false,
        }
    }

    fn shown(&self, answer: &Expected) -> String {
        let text = answer.to_string();
        match self.prefix.is_empty() {
            true => text,
            false => text.replace(&self.prefix, ""),
        }
    }
}

/// A call whose abstract names begin with something that nobody else uses.
fn prefixed(mut call: Call, prefix: &str) -> Call {
    let address = match &mut call {
        Call::Bind { address, .. } | Call::Connect { address, .. } => Some(address),
        Call::Send { to, .. } => to.as_mut(),
        _ => None,
    };
    if let Some(address) = address.filter(|address| address.path.first() == Some(&0)) {
        address.path.splice(1..1, prefix.bytes());
        address.len += prefix.len() as i32;
    }
    call
}

/// Plays until nobody asks any more. `processes` are those beside the first, each with its user.
///
/// # Errors
/// When processes cannot be started or do not answer.
pub fn play(processes: &[(u32, u32)], prefix: String) -> io::Result<()> {
    let settings = Arc::new(measured::settings_of_several()?);
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let further: Vec<(Pid, u32)> = processes
        .iter()
        .map(|(pid, user)| (Pid(*pid), *user))
        .collect();
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    if !user.is_root() && further.iter().any(|(_, other)| *other != user.as_raw()) {
        let why = "Only root can start processes of other users.";
        return replies(|_| Ok(Reply::Refused(why.to_owned())));
    }
    let mut kernel = Kernel::new(settings);
    kernel.give_ids(Pid(0), user.as_raw(), group.as_raw());
    for (pid, user) in &further {
        kernel.add_process(*pid);
        kernel.give_ids(*pid, *user, *user);
    }
    let mut play = Play {
        kernel,
        agents: Agents::start(&further)?,
        names: Names::default(),
        prefix,
    };
    replies(|turn| play.turn(turn))
}

/// Answers turn after turn, until there are no more.
fn replies(mut reply: impl FnMut(&Turn) -> io::Result<Reply>) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let turn: Turn = serde_json::from_str(&line?)?;
        let mut reply = serde_json::to_string(&reply(&turn)?)?;
        reply.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(reply.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_of_the_play_is_not_tried() {
        for call in [
            "unlink /etc/passwd",
            "open ../x r",
            "symlink /etc here",
            "rename a/../../b c",
            "bind 3 path:/run/x",
            "connect 3 path:a/../../b",
            "send 3 \"x\" to=path:/run/x",
            "write 1 \"x\"",
            "dup2 3 905",
            "send 3 \"x\" rights=4,0",
            "recv 3 99999999",
            "recv 3 1 control=99999999",
        ] {
            assert!(refusal(&call.parse().unwrap()).is_some(), "{call}");
        }
        for call in [
            "unlink a/b",
            "bind 3 abstract:/run/x",
            "bind 3 path:a..b",
            "close -1",
            "dup2 3 899",
            "connect 3 unspec",
            "fork",
        ] {
            assert_eq!(refusal(&call.parse().unwrap()), None, "{call}");
        }
    }

    #[test]
    fn only_abstract_names_get_a_prefix() {
        let prefix = |call: &str| prefixed(call.parse().unwrap(), "p-").to_string();
        assert_eq!(prefix("bind 3 abstract:x"), "bind 3 abstract:p-x");
        assert_eq!(prefix("bind 3 path:x"), "bind 3 path:x");
        assert_eq!(prefix("bind 3 unnamed"), "bind 3 unnamed");
        assert_eq!(
            prefix("send 3 \"x\" to=abstract:x"),
            "send 3 \"x\" to=abstract:p-x"
        );
    }
}
