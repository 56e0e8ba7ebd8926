//! Scripts: system calls as text, one a line, and what they must answer.
//!
//! ```text
//! process B 1000            a further process, of user 1000; A, of root, is always there
//! A: socketpair stream
//! = fds 3 4                 what the call before must answer
//! send 3 "hello"            without a name it is A
//! B: recv 3 10
//! = asleep                  it sleeps: a signal ends it, unless a later line says:
//! woken B                   whoever made the last call has woken it, and it goes on
//! = 1 "x"
//! interrupted B             a signal ends the call that it sleeps in
//! expired B                 it has slept as long as SO_SNDTIMEO or SO_RCVTIMEO allows
//! collect                   garbage is collected now
//! ```
//!
//! What is written is read back as it was, whatever the call or the outcome. Nothing is run here but
//! by [`answers`]; showing a mistake or an outcome to a reader is left to others.

mod calls;
mod outcomes;
mod parse;
mod read;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod token;
mod words;
mod write;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::call::{Call, Flags, Type};
use super::file::Kind;
use super::id::Pid;
use super::kernel::Kernel;
use super::outcome::{Answer, Outcome, Wait};
use super::settings::Settings;

pub use words::process_name;

/// A script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Processes beside the first, each with its user.
    pub processes: Vec<(Pid, u32)>,
    /// What happens, in this order.
    pub lines: Vec<Line>,
}

/// A line of a script that does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which line of the text it is, from 1 on.
    pub number: usize,
    /// What is done.
    pub action: Action,
    /// How often: the expectation is about the last time.
    pub times: usize,
    /// What the call must answer, if the script says so.
    pub expected: Option<Expected>,
    /// What becomes of a call that sleeps.
    pub asleep: Asleep,
}

/// What becomes of a call that sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asleep {
    /// A signal ends it at once, so that the process can make its next call.
    #[default]
    Interrupted,
    /// It sleeps on: a later line says that its process was woken.
    Stays,
}

/// What a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A process makes a call.
    Call {
        /// Who.
        pid: Pid,
        /// What.
        call: Call,
    },
    /// Garbage is collected.
    Collect,
    /// A process that was woken goes on with the call that it sleeps in.
    Woken {
        /// Who.
        pid: Pid,
    },
    /// A process has slept as long as it may.
    Expired {
        /// Who.
        pid: Pid,
    },
    /// A process handles a signal, without `SA_RESTART`, while it sleeps in a call.
    Interrupted {
        /// Who.
        pid: Pid,
    },
}

/// An outcome as far as it has a written form: not what a call sleeps for, and not how much room of
/// the buffer for control messages was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This one.
    Exactly(Outcome),
    /// Some name, whatever it is: `name *`.
    AnyName,
}

impl Expected {
    /// What can be written of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        Self::Exactly(match outcome {
            Outcome::Sleeps(_) => Outcome::Sleeps(Wait::Other),
            Outcome::Done(Answer::Received(received)) => {
                let mut received = received.clone();
                received.control_len = 0;
                let known = words::RECEIVED
                    .iter()
                    .filter(|(_, flag)| received.flags.has(*flag));
                received.flags = known.fold(Flags::default(), |all, (_, flag)| all | *flag);
                Outcome::Done(Answer::Received(received))
            }
            outcome => outcome.clone(),
        })
    }

    /// Whether another expectation, that of an outcome, is this one.
    pub fn allows(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::AnyName, Self::Exactly(outcome)) => self.is_met_by(outcome),
            _ => self == other,
        }
    }

    /// Whether an outcome is this one.
    pub fn is_met_by(&self, outcome: &Outcome) -> bool {
        match self {
            Self::AnyName => matches!(outcome, Outcome::Done(Answer::Name(Some(_)))),
            Self::Exactly(_) => *self == Self::of(outcome),
        }
    }
}

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1 on.
    pub line: usize,
    /// The bytes of the line.
    pub columns: Range<usize>,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What would be right: sentences.
    pub help: Option<String>,
}

impl Mistake {
    /// A mistake of a whole line.
    pub(super) fn at(line: usize, message: impl Into<String>) -> Self {
        Self::new(line, 0..0, message)
    }

    /// The same, so many lines further down.
    pub(super) fn moved(mut self, lines: usize) -> Self {
        self.line += lines;
        self
    }

    fn new(line: usize, columns: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            line,
            columns,
            message: message.into(),
            help: None,
        }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for Mistake {}

impl FromStr for Call {
    type Err = Mistake;

    /// Reads what its `Display` wrote.
    fn from_str(text: &str) -> Result<Self, Mistake> {
        parse::call(text)
    }
}

impl FromStr for Expected {
    type Err = Mistake;

    /// Reads what its `Display` wrote: what stands behind `=`.
    fn from_str(text: &str) -> Result<Self, Mistake> {
        parse::expected(text)
    }
}

impl Script {
    /// Reads a script.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        parse::script(text)
    }

    /// A kernel with the processes of this script, before its first line.
    pub fn kernel(&self, settings: Arc<Settings>) -> Kernel {
        let mut kernel = Kernel::new(settings);
        for (pid, user) in &self.processes {
            kernel.add_process(*pid);
            kernel.give_ids(*pid, *user, *user);
        }
        kernel
    }
}

impl Line {
    /// Does what the line says; what a call came back with.
    ///
    /// # Errors
    /// When it is about something that the model leaves out.
    pub fn run(&self, kernel: &mut Kernel) -> Result<Option<Outcome>, Mistake> {
        match &self.action {
            Action::Woken { pid } => match kernel.sleeper(*pid) {
                Some(sleeper) if !kernel.can_go_on(*pid) => Ok(Some(Outcome::Sleeps(sleeper.wait))),
                Some(_) => Ok(Some(kernel.go_on(*pid))),
                None => Err(self.nobody_sleeps(*pid)),
            },
            Action::Interrupted { pid } => {
                self.check_nobody_is_late(kernel)?;
                match kernel.sleeper(*pid) {
                    Some(_) => Ok(Some(kernel.interrupt(*pid))),
                    None => Err(self.nobody_sleeps(*pid)),
                }
            }
            Action::Expired { pid } => {
                self.check_nobody_is_late(kernel)?;
                match kernel.sleeper(*pid).map(|sleeper| sleeper.limit) {
                    Some(Some(_)) => Ok(Some(kernel.expire(*pid))),
                    Some(None) => Err(self.sleeps_for_ever(*pid)),
                    None => Err(self.nobody_sleeps(*pid)),
                }
            }
            Action::Collect => {
                self.check_nobody_is_late(kernel)?;
                kernel.collect_garbage();
                Ok(None)
            }
            Action::Call { pid, call } if is_modelled(kernel, *pid, call) => {
                self.check_nobody_is_late(kernel)?;
                for _ in 1..self.times {
                    kernel.call(*pid, call);
                }
                Ok(Some(match self.asleep {
                    Asleep::Interrupted => kernel.call(*pid, call),
                    Asleep::Stays => kernel.begin(*pid, call),
                }))
            }
            Action::Call { .. } => {
                let message = "urgent data of a stream is not in the model";
                let mistake = Mistake::new(self.number, 0..0, message);
                Err(mistake.with_help("Leave `oob` out, or use datagrams."))
            }
        }
    }
}

impl Line {
    fn nobody_sleeps(&self, pid: Pid) -> Mistake {
        let message = format!("process {} does not sleep", process_name(pid));
        let mistake = Mistake::at(self.number, message);
        mistake.with_help("Its last call came back at once.")
    }

    fn sleeps_for_ever(&self, pid: Pid) -> Mistake {
        let message = format!("process {} may sleep for ever", process_name(pid));
        let mistake = Mistake::at(self.number, message);
        mistake.with_help(
            "Only `setsockopt FD sndtimeo=MS` or `rcvtimeo=MS` before its call sets a limit.",
        )
    }

    /// Who was woken goes on at once, so what it does comes before anything else.
    fn check_nobody_is_late(&self, kernel: &Kernel) -> Result<(), Mistake> {
        let mut sleepers = kernel.sleepers().iter().map(|sleeper| sleeper.pid);
        let Some(pid) = sleepers.find(|pid| kernel.can_go_on(*pid)) else {
            return Ok(());
        };
        let name = process_name(pid);
        let message = format!("process {name} has been woken before this");
        let mistake = Mistake::at(self.number, message);
        Err(mistake.with_help(format!("Say `woken {name}` before this line.")))
    }
}

/// Whether the model knows what a call would do: urgent data of streams is left out.
fn is_modelled(kernel: &Kernel, pid: Pid, call: &Call) -> bool {
    let (Call::Send { fd, flags, .. } | Call::Receive { fd, flags, .. }) = call else {
        return true;
    };
    let file = kernel.descriptor(pid, *fd).map(|file| kernel.file(file));
    match file.map(|file| file.kind) {
        Some(Kind::Socket(sock)) if flags.has(Flags::OOB) => kernel.sock(sock).ty != Type::Stream,
        _ => true,
    }
}

/// Every call that a script can make: its name, and how it is written.
pub fn usages() -> &'static [(&'static str, &'static str)] {
    words::CALLS
}

/// Runs a script on the model: each call with what it came back with.
///
/// # Errors
/// When it is about something that the model leaves out.
pub fn answers(script: &Script, settings: Arc<Settings>) -> Result<Vec<(Line, Outcome)>, Mistake> {
    let mut kernel = script.kernel(settings);
    let mut answers = Vec::new();
    for line in &script.lines {
        if let Some(outcome) = line.run(&mut kernel)? {
            answers.push((line.clone(), outcome));
        }
    }
    Ok(answers)
}
