//! The supervisor: the process that owns the learner's program.
//!
//! One thread, one loop. It starts instances, drains and keeps what they print (bounded), waits
//! for what it is told to wait for, and at the end kills the whole tree it started, orphans
//! included, and reaps it. When the grader dies the line breaks and the same end comes. It judges
//! nothing: what it sees goes to the grader. How a process is started is [`crate::sys::spawn`]'s.
//!
//! One instance as the kernel shows it is `instance`, what it has started `children`, what is waited
//! for `condition`, a standard stream `stream`, a signal `signal`; `guard` keeps bounds and `footprint`
//! measures for it; `ending` kills, `leftovers` tells what is left, `monitor` sheds who started it.

mod children;
mod condition;
mod ending;
mod footprint;
mod guard;
mod instance;
mod leftovers;
mod monitor;
mod signal;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use self::condition::{Condition, Interruption, Sleep, Waiting, Window};
use self::ending::{send_each, signal_all};
use self::guard::Guard;
use self::instance::{End, Instance};
use self::leftovers::Before;
use self::stream::{Listeners, Stream, streams};
use super::bounds::Excess;
use super::link::Line;
use super::protocol::{Answer, Bytes, First, Order};
use super::verdict::{Event, Side};
use super::{patience, payload};
use crate::check::patience::Deadline;
use crate::curriculum::scenario::{FIRST, Whom};
use crate::sys::clock::now_us;
use crate::sys::fence::{self, Fence};
use crate::sys::spawn::{Identity, Spawn, become_subreaper, shield};
use crate::untrusted::Untrusted;

/// Events kept for the timeline; a program that prints without end must not fill memory.
const MOST_EVENTS: usize = 2000;
/// Descriptors that a program is started with; compared with later, unless it becomes ready.
const STANDARD_DESCRIPTORS: usize = 3;

/// Plays the supervisor until the grader hangs up. Standard input is the line to it.
///
/// # Errors
/// When that is no line, or the process cannot be set up.
pub fn play() -> io::Result<()> {
    let line = Line::from_stdin()?;
    become_subreaper()?;
    shield()?;
    let mask = SigSet::from(Signal::SIGCHLD);
    mask.thread_block()?;
    let children = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    // Those who look may be kept from it as well: the grader and all below it.
    super::patience::watch_helper(nix::unistd::getppid().as_raw());
    let mut supervisor = Supervisor {
        line,
        children,
        // Before anything is started: what is started inherits it.
        scoped: fence::scope_signals(),
        identity: None,
        guard: None,
        before: None,
        known: BTreeSet::new(),
        frozen: BTreeSet::new(),
        excess: None,
        listeners: Listeners::default(),
        instances: BTreeMap::new(),
        events: Vec::new(),
        waiting: None,
        guarded: None,
    };
    let result = supervisor.serve();
    supervisor.clear_up();
    if let Some(directory) = &supervisor.guarded {
        drop(super::arena::remove(directory));
    }
    match result {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        other => other,
    }
}

struct Supervisor {
    line: Line,
    children: SignalFd,
    instances: BTreeMap<String, Instance>,
    events: Vec<Event>,
    waiting: Option<Waiting>,
    /// Whether our signals reach nothing but what we started.
    scoped: bool,
    /// The user that the program is, when it is not who we are.
    identity: Option<Identity>,
    /// Keeps what we started within its bounds.
    guard: Option<Guard>,
    /// What there was before.
    before: Option<Before>,
    /// Every process of ours that was ever seen.
    known: BTreeSet<i32>,
    /// Processes that were stopped for counting.
    frozen: BTreeSet<i32>,
    /// The bound for which all was ended.
    excess: Option<Excess>,
    /// Sockets that listen for programs.
    listeners: Listeners,
    /// What the grader would remove; ours to remove when it dies.
    guarded: Option<PathBuf>,
}

impl Supervisor {
    fn serve(&mut self) -> io::Result<()> {
        loop {
            self.sleep()?;
            self.drain();
            self.reap();
            self.keep_within_bounds();
            if let Some(answer) = self.look_at_condition() {
                self.waiting = None;
                self.line.answer(&answer)?;
            }
            while self.waiting.is_none() {
                let Some(order) = self.line.next::<Order>()? else {
                    break;
                };
                if let Some(answer) = self.obey(order) {
                    self.line.answer(&answer)?;
                }
            }
            if let Some(answer) = self.look_at_condition() {
                self.waiting = None;
                self.line.answer(&answer)?;
            }
        }
    }

    /// Sleeps until something happens, or it is time to look again.
    fn sleep(&mut self) -> io::Result<()> {
        let look = self.next_look();
        let timeout = match &mut self.waiting {
            None => look.map_or(nix::poll::PollTimeout::NONE, Deadline::poll_timeout),
            Some(waiting) => {
                let next = match waiting.what {
                    Condition::Ready(..)
                    | Condition::Descriptors(_)
                    | Condition::Pipe(_)
                    | Condition::Children(_)
                    | Condition::Asleep(_)
                    | Condition::Idle(_)
                    | Condition::NothingLeft
                    | Condition::Stopped(Interruption { sent: false, .. })
                    | Condition::Paused(Interruption { sent: false, .. }) => {
                        let next = Deadline::after_ms(waiting.tick_ms);
                        waiting.tick_ms = (waiting.tick_ms * 2).min(20);
                        next
                    }
                    Condition::Stopped(_)
                    | Condition::Paused(_)
                    | Condition::Exit
                    | Condition::Line(..)
                    | Condition::Output(_)
                    | Condition::Printed => waiting.deadline,
                };
                look.map_or(next, |look| look.earlier(next)).poll_timeout()
            }
        };
        let mut fds = vec![
            PollFd::new(self.line.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.children.as_fd(), PollFlags::POLLIN),
        ];
        for instance in self.instances.values() {
            for stream in [&instance.stdout, &instance.stderr] {
                if let Some(fd) = &stream.fd {
                    fds.push(PollFd::new(fd.as_fd(), PollFlags::POLLIN));
                }
            }
        }
        match nix::poll::poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        // The grader may vanish while we wait for something on its behalf.
        match fds[0].revents() {
            Some(events) if events.contains(PollFlags::POLLHUP) => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            _ => Ok(()),
        }
    }

    fn event(&mut self, what: String) {
        if self.events.len() < MOST_EVENTS {
            self.events.push(Event {
                at_us: now_us(),
                side: Side::Program,
                what,
            });
        }
    }

    /// Takes what the programs have printed: always, so that a chatty one never blocks on us.
    fn drain(&mut self) {
        let mut said = Vec::new();
        for (name, instance) in &mut self.instances {
            let streams = [
                (&mut instance.stdout, "stdout"),
                (&mut instance.stderr, "stderr"),
            ];
            for (stream, which) in streams {
                for line in stream.drain() {
                    said.push(format!("{}prints on {which}: {line}", prefix(name)));
                }
            }
        }
        for what in said {
            self.event(what);
        }
    }

    /// When to look at what the programs use; `None` when there is nothing to look at.
    fn next_look(&self) -> Option<Deadline> {
        let alive = self
            .instances
            .values()
            .any(|instance| instance.end.is_none());
        let watched = alive && self.excess.is_none();
        self.guard.as_ref().filter(|_| watched).map(Guard::next)
    }

    /// Ends everything when a bound has been passed.
    fn keep_within_bounds(&mut self) {
        if self.excess.is_some() || self.instances.is_empty() {
            return;
        }
        let Some(guard) = &mut self.guard else { return };
        let output = self.instances.values().map(Instance::printed).sum();
        let (scoped, identity, frozen) = (self.scoped, self.identity, &mut self.frozen);
        let mut freeze = |seen: &BTreeSet<i32>| {
            if !signal_all(scoped, identity, Signal::SIGSTOP) {
                send_each(seen, Signal::SIGSTOP);
            }
            frozen.extend(seen);
        };
        let excess = guard
            .output(output)
            .or_else(|| guard.look(&mut self.known, &mut freeze));
        let Some(excess) = excess else {
            self.thaw();
            return;
        };
        self.excess = Some(excess);
        self.event(format!("uses {}: it is ended", excess.words()));
        self.end_all();
    }

    /// Lets what was stopped for counting go on.
    fn thaw(&mut self) {
        if self.frozen.is_empty() {
            return;
        }
        // Of the stops and continuations that follow from this, nothing is to be learned.
        let frozen = std::mem::take(&mut self.frozen);
        for instance in self.instances.values_mut() {
            instance.quiet = true;
        }
        if !signal_all(self.scoped, self.identity, Signal::SIGCONT) {
            send_each(&frozen, Signal::SIGCONT);
        }
        self.reap();
        for instance in self.instances.values_mut() {
            instance.quiet = false;
        }
    }

    /// Learns of every child that has ended or stopped; tells whether any is left.
    fn reap(&mut self) -> bool {
        while let Ok(Some(_)) = self.children.read_signal() {}
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED;
        loop {
            match waitpid(None, Some(flags)) {
                Ok(WaitStatus::StillAlive) => return true,
                Ok(status) => self.learn(status),
                Err(Errno::EINTR) => {}
                Err(_) => return false,
            }
        }
    }

    fn learn(&mut self, status: WaitStatus) {
        let Some(pid) = status.pid().map(Pid::as_raw) else {
            return;
        };
        self.known.insert(pid);
        let Some((name, instance)) = self
            .instances
            .iter_mut()
            .find(|(_, instance)| instance.pid == pid)
        else {
            return;
        };
        let who = prefix(name);
        let what = match status {
            WaitStatus::Exited(_, code) => {
                instance.stopped = false;
                let end = instance.ended_with(code);
                instance.end = Some(end);
                match end {
                    End::Exited(code) => format!("{who}ends with status {code}"),
                    End::Signalled(signal) => format!("{who}is ended by signal {signal}"),
                }
            }
            WaitStatus::Signaled(_, signal, _) => {
                instance.stopped = false;
                instance.end = Some(End::Signalled(signal as i32));
                if !instance.sent.contains(&(signal as i32)) && self.excess.is_none() {
                    let guard = self.guard.as_ref();
                    self.excess = guard.and_then(|guard| guard.by_signal(signal as i32));
                }
                format!("{who}is ended by {}", signal.as_str())
            }
            WaitStatus::Stopped(..) | WaitStatus::Continued(_) if instance.quiet => return,
            // On its way to being killed: see `ending`.
            WaitStatus::Stopped(..) if instance.sent.contains(&(Signal::SIGKILL as i32)) => return,
            WaitStatus::Stopped(_, signal) => {
                instance.stopped = true;
                format!("{who}is stopped by {}", signal.as_str())
            }
            WaitStatus::Continued(_) => {
                instance.stopped = false;
                format!("{who}continues")
            }
            _ => return,
        };
        // What it printed last belongs before its end.
        self.drain();
        self.event(what);
    }

    /// Carries out an order; `None` when its answer has to wait.
    fn obey(&mut self, order: Order) -> Option<Answer> {
        match order {
            Order::Guard {
                directory,
                identity,
                bounds,
            } => {
                let directory = Untrusted::from(&directory).as_path().to_owned();
                self.identity = identity;
                self.before = Some(Before::look());
                self.guard = Some(Guard::new(bounds, directory.clone()));
                self.guarded = Some(directory);
                Some(Answer::Done)
            }
            Order::Start {
                name,
                argv,
                env,
                cwd,
                identity,
                limits,
                stdin,
                inherits,
                umask,
                stdout,
                keep_output,
                first,
                fence,
            } => {
                let os = |bytes: Bytes| Untrusted::new(bytes.0).as_path().as_os_str().to_owned();
                let listeners = &mut self.listeners;
                let started = streams(&stdin, stdout).and_then(|(stdio, ours)| {
                    let spawn = Spawn {
                        argv: argv.into_iter().map(os).collect(),
                        env: env
                            .into_iter()
                            .map(|(key, value)| (os(key), os(value)))
                            .collect(),
                        cwd: os(cwd).into(),
                        stdio,
                        others: inherits
                            .iter()
                            .map(|what| listeners.inherited(what, identity))
                            .collect::<io::Result<_>>()?,
                        identity,
                        limits,
                        umask,
                        fence: match &fence {
                            Some(directory) => Fence::around(Untrusted::from(directory).as_path())?,
                            None => Fence::for_signals()?,
                        },
                    };
                    spawn.start().map(|child| (child.id() as i32, ours))
                });
                match started {
                    Ok((started, [stdout, stderr])) => {
                        let pid = match first {
                            First::Program => started,
                            First::Monitor => monitor::leave(started),
                        };
                        self.event(format!("{}starts as process {pid}", prefix(&name)));
                        let instance = Instance {
                            pid,
                            monitored: first == First::Monitor && pid == started,
                            stdout: Stream::new(stdout, Some(keep_output)),
                            stderr: Stream::new(stderr, None),
                            end: None,
                            stopped: false,
                            quiet: false,
                            sent: Vec::new(),
                            descriptors_at_ready: STANDARD_DESCRIPTORS,
                            memory_noted: 0,
                            sleeps_noted: BTreeMap::new(),
                            children_noted: BTreeSet::new(),
                        };
                        patience::watch(instance.pid);
                        self.instances.insert(name, instance);
                        Some(Answer::Done)
                    }
                    Err(error) => Some(Answer::NotStarted {
                        errno: error.raw_os_error().map_or_else(
                            || error.to_string(),
                            |raw| errno_name(Errno::from_raw(raw)),
                        ),
                    }),
                }
            }
            Order::AwaitReady {
                name,
                at,
                kind,
                within_ms,
            } => self.wait(name, Condition::Ready(at, kind), within_ms),
            Order::AwaitExit { name, within_ms } => self.wait(name, Condition::Exit, within_ms),
            Order::AwaitLine {
                name,
                stream,
                line,
                within_ms,
            } => self.wait(name, Condition::Line(stream, line), within_ms),
            Order::AwaitDescriptors {
                name,
                at_most,
                within_ms,
            } => self.wait(name, Condition::Descriptors(at_most), within_ms),
            Order::AwaitPipe {
                name,
                inode,
                within_ms,
            } => self.wait(name, Condition::Pipe(inode), within_ms),
            Order::AwaitSleep { name, within_ms } => {
                self.wait(name, Condition::Asleep(Sleep::default()), within_ms)
            }
            Order::AwaitIdle { name, within_ms } => {
                let pid = self.instances.get(&name).map_or(0, |instance| instance.pid);
                self.wait(name, Condition::Idle(Window::new(pid)), within_ms)
            }
            Order::AwaitOutput {
                name,
                data,
                within_ms,
            } => {
                let wanted = payload::bytes(&data.payload, data.seed, data.place);
                self.wait(name, Condition::Output(wanted), within_ms)
            }
            Order::AwaitPrinted { name, within_ms } => {
                self.wait(name, Condition::Printed, within_ms)
            }
            Order::NoteMemory { name } => Some(match self.instances.get_mut(&name) {
                Some(instance) => {
                    instance.note_memory();
                    Answer::Done
                }
                None => no_instance(&name),
            }),
            Order::Memory { name } => Some(match self.instances.get(&name) {
                Some(instance) => instance.memory(),
                None => no_instance(&name),
            }),
            Order::Interrupt { name, within_ms } => {
                self.wait(name, Condition::Stopped(Interruption::new()), within_ms)
            }
            Order::Pause { name, within_ms } => {
                self.wait(name, Condition::Paused(Interruption::new()), within_ms)
            }
            Order::Resume { name } => Some(match self.instances.get(&name) {
                Some(instance) if instance.end.is_none() => {
                    let _ = kill(Pid::from_raw(instance.pid), Signal::SIGCONT);
                    Answer::Done
                }
                Some(_) => Answer::Ended,
                None => no_instance(&name),
            }),
            Order::Signal {
                name,
                whom: Whom::Program,
                signal,
                moment,
            } => Some(self.send_signal(&name, signal, moment)),
            Order::Signal { name, signal, .. } => Some(self.send_to_child(&name, signal)),
            Order::NoteChildren { name } => Some(match self.instances.get_mut(&name) {
                Some(instance) => {
                    instance.note_children();
                    Answer::Done
                }
                None => no_instance(&name),
            }),
            Order::AwaitChildren {
                name,
                children,
                within_ms,
            } => self.wait(name, Condition::Children(children), within_ms),
            Order::Look { name } => {
                // As it is now: what was printed, who ended, and a bound that was just passed.
                self.drain();
                self.reap();
                if let Some(guard) = &mut self.guard {
                    guard.hurry();
                }
                self.keep_within_bounds();
                Some(match self.instances.get(&name) {
                    Some(instance) => Answer::Seen(Box::new(instance.look(self.excess))),
                    None => no_instance(&name),
                })
            }
            Order::NoteWakeups { name } => Some(match self.instances.get_mut(&name) {
                Some(instance) => {
                    instance.note_wakeups();
                    Answer::Done
                }
                None => no_instance(&name),
            }),
            Order::Wakeups { name } => Some(match self.instances.get(&name) {
                Some(instance) => instance.wakeups(),
                None => no_instance(&name),
            }),
            Order::CpuTime { name } => Some(match self.instances.get(&name) {
                Some(instance) => Answer::CpuTime {
                    ms: instance.cpu_ms(),
                },
                None => no_instance(&name),
            }),
            Order::Owns { name, pid } => Some(match self.instances.get(&name) {
                Some(instance) => Answer::Owned {
                    yes: instance.owns(pid),
                },
                None => no_instance(&name),
            }),
            Order::Events => Some(Answer::Events {
                events: std::mem::take(&mut self.events),
            }),
            Order::AwaitNothingLeft { name, within_ms } => {
                self.wait(name, Condition::NothingLeft, within_ms)
            }
            Order::Leftovers => Some(Answer::Left {
                left: self.leftovers(),
            }),
            Order::Finish => Some(Answer::Left {
                left: self.clear_up(),
            }),
            Order::Release => {
                self.guarded = None;
                Some(Answer::Done)
            }
        }
    }
}

fn no_instance(name: &str) -> Answer {
    Answer::Fault {
        message: format!("no instance `{name}` was started"),
    }
}

/// The first instance is "the program"; others are named.
fn prefix(name: &str) -> String {
    if name == FIRST {
        String::new()
    } else {
        format!("[{name}] ")
    }
}

/// `ECONNREFUSED`: the name of an errno.
pub(super) fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}
