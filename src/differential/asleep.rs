//! Calls that sleep, on both machines: who may, who goes on when, and when that cannot be known.
//!
//! A process of Linux that was woken runs while whoever woke it runs on. Where what comes of it depends
//! on which of them is faster, nothing is compared any more.

use super::compare;
use super::sequence::{Machine, Pair, Step};
use crate::model::call::{Call, Fd, Flags, Type};
use crate::model::file::Kind;
use crate::model::id::Pid;
use crate::model::outcome::{Answer, Outcome, Wait};
use crate::model::script::{Action, Expected};
use nix::errno::Errno;

/// As many bytes go into one buffer of a queue, whatever the send buffer is; more may go into several.
const ONE_BUFFER: usize = 2_000;

impl Pair {
    /// What a call would sleep for, if it would.
    pub(super) fn would_sleep(&self, pid: Pid, call: &Call) -> Option<Wait> {
        let file = self.kernel.descriptor(pid, call.fd()?)?;
        if self.kernel.file(file).nonblock {
            return None;
        }
        match self.kernel.clone().begin(pid, call) {
            Outcome::Sleeps(wait) => Some(wait),
            Outcome::Done(_) | Outcome::Failed(_) | Outcome::BrokenPipe => None,
        }
    }

    /// Whether it may: somebody is left who can wake it, and it is known whom a wake-up reaches.
    pub(super) fn may_sleep(&self, pid: Pid, call: &Call, wait: Wait) -> bool {
        let sleepers = self.kernel.sleepers();
        let awake = self.kernel.processes().count() - sleepers.len();
        let file = call.fd().and_then(|fd| self.kernel.descriptor(pid, fd));
        let file = file.map(|file| self.kernel.file(file));
        let alone = file.is_some_and(|file| file.references == 1);
        let socket = file.is_some_and(|file| matches!(file.kind, Kind::Socket(_)));
        let known = match call {
            // What it holds meanwhile is not in the model: nobody else may look.
            Call::Send { to, control, .. } => alone && to.is_none() && control.is_empty(),
            Call::Write { .. } | Call::Writev { .. } => alone && socket,
            Call::Receive { flags, .. } => !flags.has(Flags::PEEK),
            Call::Read { .. } | Call::Accept { .. } | Call::Connect { .. } => true,
            _ => false,
        };
        let several = matches!(self.machine, Machine::Agents(_));
        let first = sleepers.iter().all(|sleeper| sleeper.wait != wait);
        several && known && awake > 1 && first && self.can_be_woken(pid, wait)
    }

    /// Whether another process that is awake has what it takes.
    fn can_be_woken(&self, pid: Pid, wait: Wait) -> bool {
        let (near, far) = match wait {
            Wait::Readable(sock) => match self.kernel.sock(sock).name {
                Some(_) if self.kernel.sock(sock).ty == Type::Dgram => return true,
                _ => (sock, true),
            },
            Wait::Room(sock) => (sock, true),
            Wait::Queue(sock) => (sock, false),
            Wait::Connection(_) | Wait::Other => return true,
        };
        let others = self.kernel.processes();
        let others = others.filter(|(one, _)| *one != pid && self.kernel.sleeper(*one).is_none());
        let mut files = others.flat_map(|(_, process)| process.descriptors.values());
        files.any(|slot| match self.kernel.file(slot.file).kind {
            Kind::Socket(sock) => sock == near || far && self.kernel.sock(sock).peer == Some(near),
            _ => false,
        })
    }

    /// Has a process fall asleep in a call.
    pub(super) fn fall_asleep(&mut self, pid: Pid, call: &Call) -> Step {
        let model = self.kernel.begin(pid, call);
        self.note(pid, call);
        if self.is_a_race(call, &model) {
            return Step::Raced;
        }
        let translated = self.translated(call);
        let linux = match &mut self.machine {
            Machine::Agents(agents) => agents.begin(pid, &translated, None),
            Machine::Own(_) => return Step::Raced,
        };
        self.slept += 1;
        match self.compared(model, linux) {
            Step::Same => self.let_go_on(),
            other => other,
        }
    }

    /// Ends the call that a process sleeps in by a signal.
    pub(super) fn interrupt(&mut self, pid: Pid) -> Step {
        let model = self.kernel.interrupt(pid);
        self.actions.push(Action::Interrupted { pid });
        let linux = match &self.machine {
            Machine::Agents(agents) => agents.interrupt(pid),
            Machine::Own(_) => return Step::Raced,
        };
        match self.compared(model, linux) {
            Step::Same => self.let_go_on(),
            other => other,
        }
    }

    /// Lets everybody go on who was woken; nobody else may.
    pub(super) fn let_go_on(&mut self) -> Step {
        while let Some(pid) = self.able().first().copied() {
            let call = self.kernel.sleeper(pid).map(|one| one.call.clone());
            let model = self.kernel.go_on(pid);
            self.actions.push(Action::Woken { pid });
            if !matches!(model, Outcome::Sleeps(_)) {
                self.woken += 1;
            }
            if call.is_some_and(|call| self.is_a_race(&call, &model)) {
                return Step::Raced;
            }
            match self.settled(pid, model) {
                Step::Same => {}
                other => return other,
            }
        }
        let asleep: Vec<(Pid, Wait)> = self
            .kernel
            .sleepers()
            .iter()
            .map(|one| (one.pid, one.wait))
            .collect();
        for (pid, wait) in asleep {
            match self.settled(pid, Outcome::Sleeps(wait)) {
                Step::Same => {}
                Step::Differs(mut divergence) => {
                    divergence.actions.push(Action::Woken { pid });
                    return Step::Differs(divergence);
                }
                other => return other,
            }
        }
        Step::Same
    }

    /// Whether what a call came back with, or what those do whom it woke, depends on who is faster.
    pub(super) fn is_a_race(&self, call: &Call, outcome: &Outcome) -> bool {
        let able = self.able();
        let [pid] = able[..] else {
            return able.len() > 1;
        };
        let wait = self.kernel.sleeper(pid).map(|sleeper| sleeper.wait);
        match (call, outcome) {
            // Whoever reads on finds what a sender adds that it has woken.
            (
                Call::Receive { len, .. } | Call::Read { len, .. },
                Outcome::Done(Answer::Received(received)),
            ) => matches!(wait, Some(Wait::Room(_))) && received.data.len() < *len,
            (Call::Receive { .. } | Call::Read { .. }, Outcome::Sleeps(_)) => true,
            // Whoever sends on has the room of what was read meanwhile.
            (Call::Send { payload, .. } | Call::Write { payload, .. }, _) => {
                payload.len > ONE_BUFFER
            }
            (Call::Writev { pieces, .. }, _) => {
                pieces.iter().map(|piece| piece.len).sum::<usize>() > ONE_BUFFER
            }
            (Call::Exit, _) => true,
            _ => false,
        }
    }

    /// Who sleeps and has been woken.
    fn able(&self) -> Vec<Pid> {
        let sleepers = self.kernel.sleepers().iter().map(|sleeper| sleeper.pid);
        sleepers.filter(|pid| self.kernel.can_go_on(*pid)).collect()
    }

    fn settled(&mut self, pid: Pid, model: Outcome) -> Step {
        let linux = match &self.machine {
            Machine::Agents(agents) => agents.settled(pid),
            Machine::Own(_) => return Step::Raced,
        };
        self.compared(model, linux)
    }

    fn compared(&mut self, model: Outcome, linux: std::io::Result<Expected>) -> Step {
        let linux = match linux {
            Ok(Expected::Exactly(outcome)) => outcome,
            // It did not answer in time.
            Ok(Expected::AnyName) | Err(_) => Outcome::Failed(Errno::ETIME),
        };
        // Agents answer in writing.
        let model = match Expected::of(&model) {
            Expected::Exactly(written) => written,
            Expected::AnyName => model,
        };
        match compare::same(&model, &linux, &mut self.names) {
            true => Step::Same,
            false => self.differs(model, linux),
        }
    }

    /// What keeps a call from sleeping at this descriptor.
    pub(super) fn without_waiting(&self, pid: Pid, fd: Fd) -> Flags {
        let file = self.kernel.descriptor(pid, fd);
        match file.is_some_and(|file| !self.kernel.file(file).nonblock) {
            true => Flags::DONTWAIT,
            false => Flags::default(),
        }
    }
}
