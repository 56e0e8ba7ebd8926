//! A list of calls, run on the model and on Linux.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::agents::Agents;
use super::compare::{self, Names};
use super::generator::{FIRST_LIMIT, Range, Who};
use super::linux::Linux;
use super::shrink::Shown;
use super::topic::Topic;
use crate::model::address::{Name, PATH_MAX};
use crate::model::call::{Asked, Call, Events, Fd};
use crate::model::file::Kind;
use crate::model::id::{FileId, Pid};
use crate::model::kernel::Kernel;
use crate::model::outcome::Outcome;
use crate::model::script::{Action, Expected};
use crate::model::settings::Settings;
use crate::model::socket::State;
use crate::sys::bare_call as bare;

/// The first descriptor that a sequence gets.
pub const FIRST: Fd = 3;
/// From this one on no descriptor is a sequence's.
pub const KEPT: Fd = 900;
/// How often something is received at the end of a sequence, at most.
const MOST_DRAINED: usize = 400;

/// How often a call is made again while Linux says that too much is in flight, a millisecond apart.
const MOST_CROWDED: usize = 1_000;

/// How long Linux may take for what it does in its own time.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// Where the model and Linux differ.
#[derive(Clone, Debug)]
pub struct Divergence {
    /// The calls, up to the one that differs.
    pub calls: Vec<(Pid, Call)>,
    /// The same with what became of those that slept: the last of these differs.
    pub actions: Vec<Action>,
    /// What the model answers to that.
    pub model: Outcome,
    /// What Linux answers.
    pub linux: Outcome,
}

impl Shown for Box<Divergence> {
    fn calls(&self) -> &[(Pid, Call)] {
        &self.calls
    }
}

/// Both machines, at the same place.
#[derive(Debug)]
pub struct Pair {
    /// The model.
    pub kernel: Kernel,
    /// Calls that slept while other processes went on.
    pub slept: u64,
    /// How many of them another process woke.
    pub woken: u64,
    who: Who,
    pub(super) machine: Machine,
    pub(super) names: Names,
    topic: Topic,
    calls: Vec<(Pid, Call)>,
    pub(super) actions: Vec<Action>,
    answers: Vec<Outcome>,
}

/// Who asks Linux.
#[derive(Debug)]
pub(super) enum Machine {
    /// This process.
    Own(Box<Linux>),
    /// Several.
    Agents(Agents),
}

impl Machine {
    /// Makes a call that does not sleep, by what the model says.
    fn call(&mut self, pid: Pid, call: &Call, model: &Outcome) -> Outcome {
        match self {
            Self::Own(linux) => linux.call(call),
            Self::Agents(agents) => match agents.call_or_sleep(pid, call, model, PATIENCE) {
                Ok(Expected::Exactly(outcome)) => outcome,
                // It did not answer in time.
                Ok(Expected::AnyName) | Err(_) => Outcome::Failed(Errno::ETIME),
            },
        }
    }
}

/// How a call went on both.
#[derive(Debug)]
pub enum Step {
    /// Alike.
    Same,
    /// Alike; but there is garbage now, which Linux collects when it likes: nothing more can be compared.
    Garbage,
    /// Others of this user have so much in flight that Linux refuses more: nothing more can be compared.
    Crowded,
    /// Two processes run at the same time, and what comes of it depends on which is faster: nothing more
    /// can be compared.
    Raced,
    /// Otherwise.
    Differs(Box<Divergence>),
}

impl Pair {
    /// Two fresh machines. All descriptors of sequences are closed, and the working directory emptied.
    ///
    /// # Errors
    /// When processes cannot be started.
    pub fn fresh(settings: &Arc<Settings>, range: &Range) -> io::Result<Self> {
        let mut own = Linux::new(vec![std::process::id() as i32]);
        own.call(&Call::LimitFiles { limit: FIRST_LIMIT });
        sweep();
        let mut kernel = Kernel::new(settings.clone());
        let mut machine = match range.who {
            Who::One => {
                let _ = bare::close_range(FIRST, KEPT - 1);
                own.call(&Call::Umask { mask: 0o022 });
                let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
                kernel.give_ids(Pid(0), user.as_raw(), group.as_raw());
                Machine::Own(Box::new(own))
            }
            Who::Several => {
                let others = range.users.iter().skip(1).zip(1..);
                let further: Vec<(Pid, u32)> =
                    others.map(|(user, pid)| (Pid(pid), *user)).collect();
                for (pid, user) in &further {
                    kernel.add_process(*pid);
                    kernel.give_ids(*pid, *user, *user);
                }
                Machine::Agents(Agents::start(&further)?)
            }
        };
        if range.who == Who::Several {
            let limit = Call::LimitFiles {
                limit: range.who.first_limit(),
            };
            let pids: Vec<Pid> = kernel.processes().map(|(pid, _)| pid).collect();
            for pid in pids {
                let outcome = kernel.call(pid, &limit);
                machine.call(pid, &limit, &outcome);
            }
        }
        Ok(Self {
            kernel,
            slept: 0,
            woken: 0,
            who: range.who,
            machine,
            names: Names::default(),
            topic: range.topic,
            calls: Vec::new(),
            actions: Vec::new(),
            answers: Vec::new(),
        })
    }

    /// How many calls were made.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether none was made.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The calls that were answered alike, each with the answer of Linux.
    pub fn answered(&self) -> impl Iterator<Item = (&(Pid, Call), &Outcome)> {
        self.calls.iter().zip(&self.answers)
    }

    /// Makes a call on both. A process that sleeps gets a signal first; one that is not there, in a list
    /// of which something was left out, makes none.
    pub fn call(&mut self, pid: Pid, call: &Call) -> Step {
        if !self.kernel.has_process(pid) {
            return Step::Same;
        }
        if self.kernel.sleeper(pid).is_some() {
            match self.interrupt(pid) {
                Step::Same => {}
                other => return other,
            }
        }
        if let Some(wait) = self.would_sleep(pid, call) {
            if self.may_sleep(pid, call, wait) {
                return self.fall_asleep(pid, call);
            }
            // Linux would sleep, too; nobody would wake it, or nobody knows who is woken first.
            if let Machine::Own(_) = self.machine {
                let model = self.kernel.call(pid, call);
                self.note(pid, call);
                self.answers.push(model);
            }
            return Step::Same;
        }
        let shares_user = self.who.shares_user(self.kernel.process(pid));
        let mut model = self.kernel.call(pid, call);
        self.note(pid, call);
        if self.is_a_race(call, &model) {
            return Step::Raced;
        }
        let translated = self.translated(call);
        let mut linux = self.machine.call(pid, &translated, &model);
        let too_many = Outcome::Failed(Errno::ETOOMANYREFS);
        if shares_user && model != too_many {
            // Others of this user who compare receive what they have in flight before long.
            for _ in 0..MOST_CROWDED {
                if linux != too_many {
                    break;
                }
                let _ = nix::poll::poll(&mut [], 1_u16);
                linux = self.machine.call(pid, &translated, &model);
            }
            if linux == too_many {
                return Step::Crowded;
            }
        }
        if let (Machine::Agents(_), Expected::Exactly(written)) =
            (&self.machine, Expected::of(&model))
        {
            // Agents answer in writing.
            model = written;
        }
        if !compare::same(&model, &linux, &mut self.names) {
            return self.differs(model, linux);
        }
        self.answers.push(linux);
        match self.let_go_on() {
            Step::Same if !self.kernel.garbage().is_empty() => Step::Garbage,
            step => step,
        }
    }

    /// Writes a call down.
    pub(super) fn note(&mut self, pid: Pid, call: &Call) {
        let call = call.clone();
        self.calls.push((pid, call.clone()));
        self.actions.push(Action::Call { pid, call });
    }

    /// The machines differ in what was written down last.
    pub(super) fn differs(&mut self, model: Outcome, linux: Outcome) -> Step {
        Step::Differs(Box::new(Divergence {
            calls: std::mem::take(&mut self.calls),
            actions: std::mem::take(&mut self.actions),
            model,
            linux,
        }))
    }

    /// Makes calls, one after the other, and drains what they leave behind.
    pub fn repeat(&mut self, calls: &[(Pid, Call)]) -> Step {
        for (pid, call) in calls {
            match self.call(*pid, call) {
                Step::Same => {}
                other => return other,
            }
        }
        self.drain()
    }

    /// Asks every descriptor for all it can tell: what a sequence left behind shows so.
    pub fn drain(&mut self) -> Step {
        while let Some(pid) = self.kernel.sleepers().first().map(|one| one.pid) {
            match self.interrupt(pid) {
                Step::Same => {}
                other => return other,
            }
        }
        let processes = self.kernel.processes();
        let all: Vec<(Pid, Fd)> = processes
            .flat_map(|(pid, process)| process.descriptors.keys().map(move |fd| (pid, *fd)))
            .collect();
        for (pid, fd) in all {
            match self.drain_descriptor(pid, fd) {
                Step::Same => {}
                other => return other,
            }
        }
        Step::Same
    }

    fn drain_descriptor(&mut self, pid: Pid, fd: Fd) -> Step {
        let all = Events::IN | Events::OUT | Events::RDHUP;
        for call in [
            Call::Poll { fd, events: all },
            Call::Inq { fd },
            Call::Outq { fd },
            Call::Getsockopt {
                fd,
                option: Asked::Error,
            },
        ] {
            if !self.topic.has(&call) {
                continue;
            }
            match self.call(pid, &call) {
                Step::Same => {}
                other => return other,
            }
        }
        if self.is_set_of_epoll(pid, fd) {
            return self.call(pid, &Call::EpollWait { fd, most: 64 });
        }
        let receive = Call::Receive {
            fd,
            len: 40_000,
            flags: self.without_waiting(pid, fd),
            control: (self.topic >= Topic::Rights).then_some(64),
        };
        if !self.topic.has(&receive) {
            return Step::Same;
        }
        for _ in 0..MOST_DRAINED {
            let before = self.kernel.descriptor(pid, fd);
            let got = self.has_something_queued(before);
            match self.call(pid, &receive) {
                Step::Same if got => {}
                Step::Same => break,
                other => return other,
            }
        }
        Step::Same
    }

    fn is_set_of_epoll(&self, pid: Pid, fd: Fd) -> bool {
        let file = self.kernel.descriptor(pid, fd);
        file.is_some_and(|file| matches!(self.kernel.file(file).kind, Kind::Epoll(_)))
    }

    /// Whether something is in the queue of what a descriptor refers to.
    fn has_something_queued(&self, file: Option<FileId>) -> bool {
        let Some(file) = file else { return false };
        match self.kernel.file(file).kind {
            Kind::Socket(sock) => {
                let socket = self.kernel.sock(sock);
                !socket.queue.is_empty() && socket.state != State::Listen
            }
            _ => false,
        }
    }
}

/// Removes all that a sequence can have left in the working directory.
fn sweep() {
    let longest = "x".repeat(PATH_MAX);
    for path in ["d/p", "p", "pq", "q", "l", "f", "no", "d", &longest] {
        if std::fs::remove_file(path).is_err() {
            let _ = std::fs::remove_dir(path);
        }
    }
}

impl Pair {
    /// A call that names what Linux drew where the model drew something else.
    pub(super) fn translated(&self, call: &Call) -> Call {
        let mut call = call.clone();
        let address = match &mut call {
            Call::Bind { address, .. } | Call::Connect { address, .. } => Some(address),
            Call::Send { to, .. } => to.as_mut(),
            _ => None,
        };
        if let Some(address) = address {
            let name = Name {
                bytes: address.path.clone(),
            };
            if let Some(drawn) = self.names.of_linux(&name) {
                address.path = drawn.bytes.clone();
            }
        }
        call
    }
}

/// Runs calls from the beginning; the first difference, if there is one, also when all is drained.
pub fn run(
    settings: &Arc<Settings>,
    range: &Range,
    calls: &[(Pid, Call)],
) -> Option<Box<Divergence>> {
    let mut pair = Pair::fresh(settings, range).ok()?;
    match pair.repeat(calls) {
        Step::Differs(divergence) => Some(divergence),
        Step::Same | Step::Garbage | Step::Crowded | Step::Raced => None,
    }
}
