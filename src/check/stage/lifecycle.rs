//! Moves about the program itself: starting it, waiting for its end, its lines, its sleep.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::signal::Signal;

use super::conversation::given;
use super::talk::{path_bytes, unexpected};
use super::{Failed, GRACE_MS, Purpose, Runner, StageError, Stepped};
use crate::check::arena::Making;
use crate::check::bounds::Bounds;
use crate::check::link::Link;
use crate::check::observation::{Address, MemoryState, WakeupState};
use crate::check::patience::Deadline;
use crate::check::payload;
use crate::check::program::Program;
use crate::check::protocol::{
    Answer, ChildrenSeen, Connecting, First, Inherited, Order, Outcome, StdinKind, StdoutKind,
};
use crate::check::verdict::{Leftover, LeftoverKind};
use crate::check::{sanitizer, trace};
use crate::curriculum::exercise::Role;
use crate::curriculum::scenario::{
    Action, At, Children, ExitStatus, FIRST, Moment, Passed, PassedState, Payload, Sink, Start,
    Wait, Waits, Whom,
};
use crate::sys::spawn::Limits;

/// The variable that tells whom the descriptors are for.
const LISTEN_PID: &str = "LISTEN_PID";
/// Why a stage whose signal must come in a certain instant is not judged.
const NO_SUCH_MOMENT: &str = "This stage sends a signal in a certain instant, for which the tester must trace your program (ptrace(2)); that is not possible here.";
/// Descriptors that a program may open.
const DESCRIPTORS: u64 = 1024;
/// Bytes of standard output that are kept whole at least, to be looked through: 8 MiB.
const KEEP_OUTPUT: u64 = 8 << 20;

impl Runner<'_> {
    /// Starts an instance and waits as told, or as its role says.
    pub(super) fn start(&mut self, start: &Start, within_ms: u64) -> Stepped {
        let role = self.setting.exercise.role;
        let name = start.name.as_str();
        if let Program::Running(_) = self.setting.program {
            self.ready = None;
            let address = Address::look(&self.place.address);
            let listening = address.state == "listening";
            return Ok(if listening {
                Ok(())
            } else {
                Err(Failed::new("not-ready", name))
            });
        }
        self.starts.insert(start.name.clone(), start.clone());
        self.need_supervisor()?;
        let order = self.start_order(start, role)?;
        match self.order(&order, GRACE_MS)? {
            Answer::Done => {}
            Answer::NotStarted { errno } => {
                let deed = Outcome {
                    errno,
                    call: "execve".to_owned(),
                    ..Outcome::default()
                };
                return Ok(Err(Failed {
                    deed: Some(deed),
                    ..Failed::new("errno", name)
                }));
            }
            other => return Err(unexpected(&other)),
        }
        self.cpu_before.insert(name.to_owned(), 0);
        if let Some(connection) = connection_of(start, role)
            && let Err(failed) = self.accept(&given(name), connection, GRACE_MS)?
        {
            return Ok(Err(failed));
        }
        if role == Role::Activated {
            self.ready = std::fs::symlink_metadata(&self.place.address)
                .ok()
                .map(|found| (found.dev(), found.ino()));
        }
        let name = name.to_owned();
        match start.wait {
            Wait::Nothing => Ok(Ok(())),
            Wait::Exit => {
                let order = Order::AwaitExit {
                    name: name.clone(),
                    within_ms,
                };
                Ok(match self.order(&order, within_ms)? {
                    Answer::Done => Ok(()),
                    _ => Err(Failed::new("still-running", &name)),
                })
            }
            Wait::Ready => {
                let order = Order::AwaitReady {
                    name: name.clone(),
                    at: self.program_address(),
                    kind: self.program_type(),
                    within_ms,
                };
                match self.order(&order, within_ms)? {
                    Answer::Ready { dev, ino } => {
                        // An abstract name is no file that could be swapped.
                        self.ready = (ino != 0).then_some((dev, ino));
                        Ok(Ok(()))
                    }
                    Answer::Ended => Ok(Err(Failed::new("exited", &name))),
                    _ => Ok(Err(Failed::new("not-ready", &name))),
                }
            }
        }
    }

    /// What the program may use in this stage.
    fn bounds(&self) -> Bounds {
        Bounds::usual(self.setting.patience).for_clients(self.largest_crowd())
    }

    /// How many clients of a crowd there are at once in any stage of the exercise.
    fn largest_crowd(&self) -> u64 {
        let stages = &self.setting.exercise.stages;
        let crowds = stages.iter().flat_map(|stage| &stage.steps);
        let largest = crowds.filter_map(|step| match step.action {
            Action::ManyClients { at_once, .. } => Some(at_once),
            _ => None,
        });
        largest.max().unwrap_or(0)
    }

    /// What an activated program is given, as the supervisor makes it.
    fn inherited(
        &mut self,
        passed: &[Passed],
        connecting: Option<Connecting>,
    ) -> Result<Vec<Inherited>, StageError> {
        let mut inherited = Vec::new();
        for one in passed {
            let path = match one.at {
                At::Socket => &self.place.address,
                At::Other => &self.place.other,
            };
            inherited.push(match (one.state, &connecting) {
                (PassedState::Listening, _) => Inherited::Listener {
                    path: path_bytes(path.as_os_str()),
                    kind: one.kind,
                    waits: one.waits,
                },
                (PassedState::Connected, Some(connecting)) => Inherited::Connection {
                    connecting: connecting.clone(),
                    waits: one.waits,
                },
                (PassedState::Connected, None) => {
                    let message = "a program that is given a connection needs `connection`";
                    return Err(StageError::Fault(message.to_owned()));
                }
                (PassedState::File, _) => {
                    let path = self.place.input();
                    self.write(&path, &Payload::Text("no socket\n".to_owned()))?;
                    Inherited::File(path_bytes(path.as_os_str()))
                }
            });
        }
        Ok(inherited)
    }

    fn need_supervisor(&mut self) -> Result<(), StageError> {
        if self.supervisor.is_none() {
            self.supervisor = Some(Link::start("supervisor")?);
            let directory = path_bytes(self.setting.arena.root().as_os_str());
            let guard = Order::Guard {
                directory,
                identity: self.setting.arena.identity(),
                bounds: self.bounds(),
            };
            self.order(&guard, GRACE_MS)?;
        }
        Ok(())
    }

    /// The order to start an instance: its words, environment, descriptors and limits.
    fn start_order(&mut self, start: &Start, role: Role) -> Result<Order, StageError> {
        let name = start.name.as_str();
        let arena = self.setting.arena;
        let mut environment = arena.environment(&self.place, self.setting.exercise.names);
        // A command that somebody typed means files where it was typed.
        let cwd = match self.setting.program {
            Program::Shell(_) => std::env::current_dir().unwrap_or_else(|_| "/".into()),
            Program::Words(_) | Program::Running(_) => self.place.directory.clone(),
        };
        let arguments = start
            .arguments
            .clone()
            .unwrap_or_else(|| self.setting.exercise.arguments());
        let mut argv = self.setting.program.argv(&self.place, &arguments);
        let stdin = match &start.stdin {
            Some(data) => {
                let path = self.place.input();
                self.write(&path, data)?;
                StdinKind::File(path_bytes(path.as_os_str()))
            }
            None => StdinKind::Nothing,
        };
        let connecting = match connection_of(start, role) {
            Some(_) => Some(Connecting {
                path: self.listen_for(name)?,
                send_buffer: start.send_buffer,
            }),
            None => None,
        };
        let (stdin, inherits) = match (role, connecting) {
            (Role::Filter, Some(connecting)) => (StdinKind::Connection(connecting), Vec::new()),
            (Role::Pair, Some(connecting)) => {
                environment.push(("IPC_FD".into(), "3".into()));
                (
                    stdin,
                    vec![Inherited::Connection {
                        connecting,
                        waits: Waits::Yes,
                    }],
                )
            }
            (Role::Activated, connecting) => {
                let passed = start.passed();
                if !passed.is_empty() {
                    environment.extend(activation(&passed));
                    if start.environment.iter().all(|(name, _)| name != LISTEN_PID) {
                        argv = with_listen_pid(argv);
                    }
                }
                (stdin, self.inherited(&passed, connecting)?)
            }
            _ => (stdin, Vec::new()),
        };
        for (name, value) in &start.environment {
            environment.retain(|(known, _)| known != name.as_str());
            let value = value.as_ref().map(|value| self.place.fill(value));
            environment.extend(value.map(|value| (name.into(), value)));
        }
        if self.setting.purpose == Purpose::Sanitized {
            environment.extend(sanitizer::options());
        }
        if let Purpose::Trace(strace) = self.setting.purpose {
            argv = trace::wrap(strace, &self.trace_file(name), argv);
        }
        let mut first = First::Program;
        if let Some(bwrap) = self.setting.bwrap {
            argv = bwrap.wrap(argv, arena.root(), &cwd);
            first = First::Monitor;
        }
        Ok(Order::Start {
            name: name.to_owned(),
            argv: argv.iter().map(|word| path_bytes(word)).collect(),
            env: environment
                .iter()
                .map(|(k, v)| (path_bytes(k), path_bytes(v)))
                .collect(),
            cwd: path_bytes(cwd.as_os_str()),
            identity: arena.identity(),
            limits: limits(&self.bounds(), self.largest_crowd()),
            stdin,
            inherits,
            umask: start.umask,
            stdout: match (self.setting.purpose, start.stdout) {
                (_, Sink::Full) => StdoutKind::Full,
                (Purpose::Terminal, Sink::Pipe) => StdoutKind::Terminal,
                (Purpose::Verdict | Purpose::Trace(_) | Purpose::Sanitized, Sink::Pipe) => {
                    StdoutKind::Pipe
                }
            },
            // One byte more than is wanted shows that there is more.
            keep_output: KEEP_OUTPUT.max(self.output_wanted + 1),
            first,
            // A command that somebody typed may well write a log elsewhere; a program may not. In a
            // box there is nothing else to write to, and behind a fence no box could be made.
            fence: match self.setting.program {
                _ if first == First::Monitor => None,
                Program::Words(_) => Some(path_bytes(arena.root().as_os_str())),
                Program::Shell(_) | Program::Running(_) => None,
            },
        })
    }

    /// Writes a file of the stage, readable by the program.
    pub(super) fn write(&mut self, path: &Path, data: &Payload) -> Result<(), StageError> {
        let bytes = self.bytes_of(data);
        self.setting
            .arena
            .make(path, &Making::File(&bytes), None)
            .map_err(|error| StageError::Fault(format!("cannot write a file: {error}")))
    }

    /// The bytes that a payload of this step stands for.
    pub(super) fn bytes_of(&mut self, data: &Payload) -> Vec<u8> {
        let draw = self.draw(data.clone());
        payload::bytes(&draw.payload, draw.seed, draw.place)
    }

    /// The peak of resident memory, against what was noted.
    pub(super) fn expect_memory(&mut self, name: &str, limit: u64) -> Stepped {
        let order = Order::Memory {
            name: name.to_owned(),
        };
        let Answer::Memory { peak, noted } = self.order(&order, GRACE_MS)? else {
            return Ok(Err(Failed::new("exited", name)));
        };
        let growth = peak.saturating_sub(noted);
        if growth <= limit {
            return Ok(Ok(()));
        }
        Ok(Err(Failed {
            memory: Some(MemoryState {
                peak,
                growth,
                limit,
            }),
            ..Failed::new("too-much-memory", name)
        }))
    }

    /// Sends a signal. In a run that is not for the verdict it comes while the program sleeps, since
    /// somebody else may trace it.
    pub(super) fn signal(
        &mut self,
        name: &str,
        signal: &str,
        moment: Moment,
        within_ms: u64,
    ) -> Stepped {
        let Ok(number) = format!("SIG{signal}").parse::<Signal>() else {
            return Err(StageError::Fault(format!("no signal {signal}")));
        };
        if moment == Moment::BeforeCall
            && let Err(failed) = self.fall_asleep(name, within_ms)?
        {
            return Ok(Err(failed));
        }
        let moment = match self.setting.purpose {
            Purpose::Verdict => moment,
            Purpose::Terminal | Purpose::Trace(_) | Purpose::Sanitized => Moment::Now,
        };
        let order = Order::Signal {
            name: name.to_owned(),
            whom: Whom::Program,
            signal: number as i32,
            moment,
        };
        match self.order(&order, GRACE_MS)? {
            Answer::Done => Ok(Ok(())),
            Answer::NoSuchMoment => Err(StageError::CannotJudge(NO_SUCH_MOMENT)),
            _ => Ok(Err(Failed::new("exited", name))),
        }
    }

    /// Sends a signal to the process that the program has started last.
    pub(super) fn signal_child(&mut self, name: &str, signal: &str) -> Stepped {
        let Ok(number) = format!("SIG{signal}").parse::<Signal>() else {
            return Err(StageError::Fault(format!("no signal {signal}")));
        };
        let order = Order::Signal {
            name: name.to_owned(),
            whom: Whom::Child,
            signal: number as i32,
            moment: Moment::Now,
        };
        match self.order(&order, GRACE_MS)? {
            Answer::Done => Ok(Ok(())),
            _ => Ok(Err(Failed {
                children: ChildrenSeen {
                    wrong: "count".to_owned(),
                    ..ChildrenSeen::default()
                },
                ..Failed::new("other-children", name)
            })),
        }
    }

    /// Remembers which processes the program has started.
    pub(super) fn note_children(&mut self, name: &str) -> Stepped {
        let name = name.to_owned();
        self.order(&Order::NoteChildren { name }, GRACE_MS)?;
        Ok(Ok(()))
    }

    /// Waits until the processes that the program has started are as they must be.
    pub(super) fn expect_children(
        &mut self,
        name: &str,
        children: &Children,
        within_ms: u64,
    ) -> Stepped {
        let order = Order::AwaitChildren {
            name: name.to_owned(),
            children: children.clone(),
            within_ms,
        };
        match self.order(&order, within_ms)? {
            Answer::Done => Ok(Ok(())),
            Answer::Children(children) => Ok(Err(Failed {
                children: *children,
                ..Failed::new("other-children", name)
            })),
            _ => Ok(Err(Failed::new("exited", name))),
        }
    }

    /// Waits until it sleeps, and remembers how often its threads have.
    pub(super) fn note_wakeups(&mut self, name: &str, within_ms: u64) -> Stepped {
        if let Err(failed) = self.fall_asleep(name, within_ms)? {
            return Ok(Err(failed));
        }
        let name = name.to_owned();
        self.order(&Order::NoteWakeups { name }, GRACE_MS)?;
        Ok(Ok(()))
    }

    /// Waits until it sleeps again, and counts the threads that have been awake.
    pub(super) fn expect_wakeups(&mut self, name: &str, at_most: u64, within_ms: u64) -> Stepped {
        if let Err(failed) = self.fall_asleep(name, within_ms)? {
            return Ok(Err(failed));
        }
        let order = Order::Wakeups {
            name: name.to_owned(),
        };
        let (woke, threads) = match self.order(&order, GRACE_MS)? {
            Answer::Wakeups { woke, threads } => (woke, threads),
            other => return Err(unexpected(&other)),
        };
        if woke <= at_most {
            return Ok(Ok(()));
        }
        Ok(Err(Failed {
            wakeups: WakeupState {
                woke,
                threads,
                at_most,
            },
            ..Failed::new("woken", name)
        }))
    }

    /// Waits until an instance sleeps, with all its threads.
    pub(super) fn fall_asleep(&mut self, name: &str, within_ms: u64) -> Stepped {
        let order = Order::AwaitSleep {
            name: name.to_owned(),
            within_ms,
        };
        self.await_done(&order, name, "not-asleep", within_ms)
    }

    /// An order whose answer is done, ended, or late; the word is for the last.
    pub(super) fn await_done(
        &mut self,
        order: &Order,
        name: &str,
        late: &'static str,
        within_ms: u64,
    ) -> Stepped {
        Ok(match self.order(order, within_ms)? {
            Answer::Done => Ok(()),
            Answer::Ended => Err(Failed::new("exited", name)),
            _ => Err(Failed::new(late, name)),
        })
    }

    pub(super) fn expect_exit(
        &mut self,
        name: &str,
        status: ExitStatus,
        says: &[String],
        within_ms: u64,
    ) -> Stepped {
        let order = Order::AwaitExit {
            name: name.to_owned(),
            within_ms,
        };
        if !matches!(self.order(&order, within_ms)?, Answer::Done) {
            return Ok(Err(Failed::new("still-running", name)));
        }
        let seen = self.look(name)?;
        let right = match status {
            ExitStatus::Any => true,
            ExitStatus::Zero => seen.status == Some(0),
            ExitStatus::NonZero => seen.status.is_some_and(|status| status != 0),
            ExitStatus::Exactly(wanted) => seen.status == Some(wanted),
        };
        let last_words = String::from_utf8_lossy(&seen.stderr.0).to_lowercase();
        let said = says.is_empty()
            || says
                .iter()
                .any(|word| last_words.contains(&word.to_lowercase()));
        Ok(if !right {
            Err(Failed::new("wrong-status", name))
        } else if !said {
            Err(Failed::new("wrong-message", name))
        } else {
            Ok(())
        })
    }

    pub(super) fn expect_no_leftovers(&mut self, name: &str, within_ms: u64) -> Stepped {
        let order = Order::AwaitNothingLeft {
            name: name.to_owned(),
            within_ms,
        };
        self.order(&order, within_ms)?;
        if self.look(name)?.running {
            return Ok(Err(Failed::new("still-running", name)));
        }
        let mut leftovers = self.left(&Order::Leftovers)?;
        let address = Address::look(&self.place.address);
        if address.kind == "socket" {
            leftovers.push(Leftover {
                kind: LeftoverKind::SocketFile,
                what: format!("socket file {}", address.path),
                removed: false,
            });
        }
        if leftovers.is_empty() {
            return Ok(Ok(()));
        }
        Ok(Err(Failed {
            leftovers,
            ..Failed::new("leftovers", name)
        }))
    }

    /// Waits until the program sleeps, with all its threads; whether it did. One that somebody else
    /// started is believed to.
    pub(super) fn fell_asleep(&mut self, deadline: Deadline) -> Result<bool, StageError> {
        if !self.cpu_before.contains_key(FIRST) {
            return Ok(true);
        }
        let within_ms = (deadline.left().as_millis() as u64).max(1);
        let order = Order::AwaitSleep {
            name: FIRST.to_owned(),
            within_ms,
        };
        Ok(matches!(
            self.order(&order, within_ms)?,
            Answer::Done | Answer::Ended
        ))
    }
}

/// What the kernel itself keeps, of the same bounds: a little further out where the supervisor
/// would see who went beyond.
fn limits(bounds: &Bounds, clients: u64) -> Limits {
    Limits {
        cpu_seconds: Some(bounds.cpu.div_ceil(1000) + 1),
        file_bytes: Some(bounds.disk),
        // As a login gives them: what is more has to be asked for (setrlimit(2)).
        descriptors: Some((DESCRIPTORS, DESCRIPTORS.max(2 * clients + 64))),
        processes: Some(bounds.processes + 64),
    }
}

/// Our end of the connection that a program is started with, if it is started with one.
fn connection_of(start: &Start, role: Role) -> Option<&String> {
    let is_connection = |one: &Passed| one.state == PassedState::Connected;
    let given = match role {
        Role::Filter | Role::Pair => true,
        Role::Activated => start.passed().iter().any(is_connection),
        Role::Server | Role::Client | Role::Tool => false,
    };
    start.connection.as_ref().filter(|_| given)
}

/// The variables that tell an activated program what it is given (sd_listen_fds(3)).
fn activation(passed: &[Passed]) -> [(OsString, OsString); 2] {
    let names: Vec<&str> = passed.iter().map(|one| one.name.as_str()).collect();
    [
        ("LISTEN_FDS".into(), passed.len().to_string().into()),
        ("LISTEN_FDNAMES".into(), names.join(":").into()),
    ]
}

/// The words that start a program under which LISTEN_PID is its own process (sd_listen_fds(3)).
fn with_listen_pid(argv: Vec<OsString>) -> Vec<OsString> {
    let shell = ["/bin/sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh"];
    shell.into_iter().map(OsString::from).chain(argv).collect()
}
