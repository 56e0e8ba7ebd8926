//! A list of calls: run on the model and on Linux, and made as short as it can be when they differ.

use std::sync::Arc;

use super::compare::{self, Names};
use super::linux::Linux;
use crate::model::address::{Name, PATH_MAX};
use crate::model::call::{Asked, Call, Events, Fd, Flags};
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::Outcome;
use crate::model::settings::Settings;
use crate::sys::bare_call as bare;

/// The first descriptor that a sequence gets.
const FIRST: Fd = 3;
/// `RLIMIT_NOFILE` of a fresh process.
const LIMIT: u32 = 1024;
/// How often something is received at the end of a sequence, at most.
const MOST_DRAINED: usize = 400;

/// Where the model and Linux differ.
#[derive(Clone, Debug)]
pub struct Divergence {
    /// The calls, up to the one that differs.
    pub calls: Vec<Call>,
    /// What the model answers to the last of them.
    pub model: Outcome,
    /// What Linux answers.
    pub linux: Outcome,
}

/// Both machines, at the same place.
#[derive(Debug)]
pub struct Pair {
    /// The model.
    pub kernel: Kernel,
    /// This process.
    linux: Linux,
    names: Names,
    calls: Vec<Call>,
}

/// How a call went on both.
#[derive(Debug)]
pub enum Step {
    /// Alike.
    Same,
    /// Alike; but there is garbage now, which Linux collects when it likes: nothing more can be compared.
    Garbage,
    /// Otherwise.
    Differs(Box<Divergence>),
}

impl Pair {
    /// Two fresh machines. All descriptors from 3 on are closed, and the working directory emptied.
    pub fn fresh(settings: &Arc<Settings>) -> Self {
        let _ = bare::close_from(FIRST);
        let mut linux = Linux::new(vec![std::process::id() as i32]);
        for call in [
            Call::LimitFiles { limit: LIMIT },
            Call::Umask { mask: 0o022 },
        ] {
            linux.call(&call);
        }
        sweep();
        let mut kernel = Kernel::new(settings.clone());
        kernel.give_ids(
            Pid(0),
            nix::unistd::geteuid().as_raw(),
            nix::unistd::getegid().as_raw(),
        );
        Self {
            kernel,
            linux,
            names: Names::default(),
            calls: Vec::new(),
        }
    }

    /// How many calls were made.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether none was made.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Makes a call on both.
    pub fn call(&mut self, call: &Call) -> Step {
        let model = self.kernel.call(Pid(0), call);
        self.calls.push(call.clone());
        if let Outcome::Sleeps(_) = model {
            // Linux would sleep, too; nobody would wake it.
            return Step::Same;
        }
        let linux = self.linux.call(&translated(call, &self.names));
        if !compare::same(&model, &linux, &mut self.names) {
            let calls = std::mem::take(&mut self.calls);
            return Step::Differs(Box::new(Divergence {
                calls,
                model,
                linux,
            }));
        }
        match self.kernel.garbage().is_empty() {
            true => Step::Same,
            false => Step::Garbage,
        }
    }

    /// Asks every descriptor for all it can tell: what a sequence left behind shows so.
    pub fn drain(&mut self) -> Step {
        let fds: Vec<Fd> = self
            .kernel
            .process(Pid(0))
            .descriptors
            .keys()
            .copied()
            .collect();
        let all = Events::IN | Events::OUT | Events::RDHUP;
        for fd in fds {
            for call in [
                Call::Poll { fd, events: all },
                Call::Inq { fd },
                Call::Outq { fd },
                Call::Getsockopt {
                    fd,
                    option: Asked::Error,
                },
            ] {
                match self.call(&call) {
                    Step::Same => {}
                    other => return other,
                }
            }
            let receive = Call::Receive {
                fd,
                len: 40_000,
                flags: Flags::default(),
                control: Some(64),
            };
            for _ in 0..MOST_DRAINED {
                let before = self.kernel.descriptor(Pid(0), fd);
                let got = self.kernel_would_give(before);
                match self.call(&receive) {
                    Step::Same if got => {}
                    Step::Same => break,
                    other => return other,
                }
            }
        }
        Step::Same
    }

    /// Whether something is in the queue of what a descriptor refers to.
    fn kernel_would_give(&self, file: Option<crate::model::id::FileId>) -> bool {
        let Some(file) = file else { return false };
        match self.kernel.file(file).kind {
            crate::model::file::Kind::Socket(sock) => {
                let socket = self.kernel.sock(sock);
                !socket.queue.is_empty() && socket.state != crate::model::socket::State::Listen
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

/// A call that names what Linux drew where the model drew something else.
fn translated(call: &Call, names: &Names) -> Call {
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
        if let Some(drawn) = names.of_linux(&name) {
            address.path = drawn.bytes.clone();
        }
    }
    call
}

/// Runs calls from the beginning; the first difference, if there is one, also when all is drained.
pub fn run(settings: &Arc<Settings>, calls: &[Call]) -> Option<Box<Divergence>> {
    let mut pair = Pair::fresh(settings);
    for call in calls {
        match pair.call(call) {
            Step::Same => {}
            Step::Garbage => return None,
            Step::Differs(divergence) => return Some(divergence),
        }
    }
    match pair.drain() {
        Step::Differs(divergence) => Some(divergence),
        Step::Same | Step::Garbage => None,
    }
}

/// Leaves out whatever can be left out while they still differ.
pub fn shrink(settings: &Arc<Settings>, found: Box<Divergence>) -> Box<Divergence> {
    let mut best = found;
    loop {
        let mut shorter = false;
        // Long stretches first: most of a sequence has nothing to do with it.
        let mut stretch = (best.calls.len() / 2).max(1);
        loop {
            let mut at = 0;
            while at < best.calls.len() {
                let end = (at + stretch).min(best.calls.len());
                let rest = [&best.calls[..at], &best.calls[end..]].concat();
                match run(settings, &rest) {
                    Some(divergence) if divergence.calls.len() < best.calls.len() => {
                        best = divergence;
                        shorter = true;
                    }
                    _ => at += stretch,
                }
            }
            if stretch == 1 {
                break;
            }
            stretch /= 2;
        }
        if !shorter {
            return best;
        }
    }
}
