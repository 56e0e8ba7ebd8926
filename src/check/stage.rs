//! Carries out one stage: its steps in order, each with a deadline, until one does not go as it
//! must. What that means is [`super::diagnose`]'s; the words are [`super::wording`]'s.
//!
//! Long because every verb of the step vocabulary is carried out here, and all share one runner's
//! state: instances, connections and what was due on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arena::{Arena, Place};
use super::cancel::Cancel;
use super::link::{Link, LinkError};
use super::observation::{Address, LineState, Observation, ProgramState};
use super::program::Program;
use super::protocol::{Answer, Bytes, Deed, DeedResult, Draw, Order, Outcome, Seen, StdoutKind};
use super::trace;
use super::verdict::{Event, Side};
use super::wording;
use crate::curriculum::exercise::Stage;
use crate::curriculum::expression;
use crate::curriculum::scenario::{Action, ExitStatus, Payload, Step, Wait};
use crate::sys::clock::{Deadline, now_us};
use crate::sys::spawn::Limits;
use crate::untrusted::Untrusted;

/// How long a step may take when it does not say, in milliseconds.
const STEP_MS: u64 = 5_000;
/// How long a stage may take whatever its steps say, in milliseconds.
const STAGE_MS: u64 = 60_000;
/// How long a program may take to end once its connection has ended, in milliseconds: a crash is
/// seen on the wire before it is seen in the process table. Only a failing step waits for it.
const ENDING_MS: u64 = 1_000;
/// Descriptors a program may have opened for its own use since it became ready.
const OWN_DESCRIPTORS: usize = 8;
/// How long a helper may be silent beyond the deadline of what it was asked, in milliseconds.
const GRACE_MS: u64 = 10_000;
/// How long a step may take in a run that is not for the verdict, in milliseconds: what hangs has
/// been waited for already.
const SECOND_RUN_STEP_MS: u64 = 1_500;

/// What is the same for all stages of a check.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// What is run.
    pub program: &'a Program,
    /// Where.
    pub arena: &'a Arena,
    /// Where random bytes come from.
    pub seed: u64,
    /// What every deadline is multiplied by.
    pub patience: u64,
    /// What this run is for.
    pub purpose: Purpose<'a>,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// To judge.
    Verdict,
    /// To find out whether a missing line sits in a buffer: standard output is a terminal.
    Terminal,
    /// To see the program's system calls: it runs under this strace.
    Trace(&'a Path),
}

/// How a stage went.
#[derive(Debug)]
pub struct Run {
    /// The step that failed, by its place, with what was seen; `None`: all went well.
    pub trouble: Option<Trouble>,
    /// What was done, in order.
    pub did: Vec<String>,
    /// Both sides, on one clock.
    pub timeline: Vec<Event>,
}

/// A step that did not go as it must.
#[derive(Debug)]
pub struct Trouble {
    /// Which step of the stage.
    pub index: usize,
    /// All that was seen.
    pub seen: Observation,
    /// What the peer saw, when one was at work.
    pub outcome: Option<Outcome>,
    /// The program's standard error, printable.
    pub stderr: Vec<String>,
}

/// Carries out a stage.
///
/// # Errors
/// When a helper process fails, the file system does, or the check is cancelled.
pub fn run(stage: &Stage, setting: Setting<'_>, place: Place) -> Result<Run, StageError> {
    let runner = Runner {
        setting,
        place,
        supervisor: None,
        peers: BTreeMap::new(),
        connections: BTreeMap::new(),
        ready: None,
        payloads: 0,
        did: Vec::new(),
        timeline: Vec::new(),
        began_us: now_us(),
        deadline: Deadline::after_ms(STAGE_MS * setting.patience),
        cpu_before: BTreeMap::new(),
    };
    runner.run(stage)
}

/// Why a stage could not be carried out: nobody's fault but ours, or a wish to stop.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A helper process.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// What was asked of it cannot be done.
    #[error("{0}")]
    Fault(String),
}

struct Runner<'a> {
    setting: Setting<'a>,
    place: Place,
    supervisor: Option<Link>,
    peers: BTreeMap<String, Link>,
    /// Which peer holds a connection.
    connections: BTreeMap<String, String>,
    /// Device and inode of the address when it became ready.
    ready: Option<(u64, u64)>,
    payloads: u64,
    did: Vec<String>,
    timeline: Vec<Event>,
    began_us: u64,
    deadline: Deadline,
    /// CPU time of each instance when the step began.
    cpu_before: BTreeMap<String, u64>,
}

/// How a step failed, before all is known about it.
struct Failed {
    outcome: &'static str,
    name: String,
    deed: Option<Outcome>,
    line: Option<String>,
}

impl Failed {
    fn new(outcome: &'static str, name: &str) -> Self {
        Self {
            outcome,
            name: name.to_owned(),
            deed: None,
            line: None,
        }
    }
}

type Stepped = Result<Result<(), Failed>, StageError>;

impl Runner<'_> {
    fn run(mut self, stage: &Stage) -> Result<Run, StageError> {
        let mut trouble = None;
        for (index, step) in stage.steps.iter().enumerate() {
            let began = now_us();
            self.remember_cpu()?;
            let clause = wording::did(&step.action);
            self.note(clause.clone());
            self.did.push(clause);
            if let Err(failed) = self.step(step)? {
                trouble = Some(self.trouble(stage, index, step, failed, began)?);
                break;
            }
        }
        if trouble.is_none() {
            trouble = self.crash_at_the_end(stage)?;
        }
        if self.supervisor.is_some() {
            self.order(&Order::Finish, GRACE_MS)?;
            self.collect_events()?;
        }
        if let Purpose::Trace(_) = self.setting.purpose {
            self.timeline
                .extend(trace::read(&self.trace_file("server"), self.began_us));
        }
        self.timeline.sort_by_key(|event| event.at_us);
        Ok(Run {
            trouble,
            did: self.did,
            timeline: self.timeline,
        })
    }

    fn trace_file(&self, name: &str) -> PathBuf {
        self.place.directory.join(format!("trace-{name}"))
    }

    /// A program that crashed after the last step has not passed.
    fn crash_at_the_end(&mut self, stage: &Stage) -> Result<Option<Trouble>, StageError> {
        let Some(step) = stage.steps.last() else {
            return Ok(None);
        };
        for name in self.cpu_before.keys().cloned().collect::<Vec<_>>() {
            let seen = self.look(&name)?;
            if seen.signal.is_some() && !seen.killed_by_us {
                let failed = Failed::new("exited", &name);
                let index = stage.steps.len() - 1;
                return self.trouble(stage, index, step, failed, now_us()).map(Some);
            }
        }
        Ok(None)
    }

    fn step(&mut self, step: &Step) -> Stepped {
        let mut asked = step.within.unwrap_or(STEP_MS) * self.setting.patience;
        if self.setting.purpose != Purpose::Verdict {
            asked = asked.min(SECOND_RUN_STEP_MS * self.setting.patience);
        }
        let within_ms = asked.min(self.deadline.left().as_millis() as u64).max(1);
        match &step.action {
            Action::Start { name, wait } => self.start(name, *wait, within_ms),
            Action::Signal { name, signal } => {
                let number = format!("SIG{signal}").parse::<nix::sys::signal::Signal>();
                let Ok(number) = number else {
                    return Err(StageError::Fault(format!("no signal {signal}")));
                };
                let order = Order::Signal {
                    name: name.clone(),
                    signal: number as i32,
                };
                match self.order(&order, GRACE_MS)? {
                    Answer::Done => Ok(Ok(())),
                    _ => Ok(Err(Failed::new("exited", name))),
                }
            }
            Action::Interrupt { name } => {
                match self.order(
                    &Order::Interrupt {
                        name: name.clone(),
                        within_ms,
                    },
                    within_ms,
                )? {
                    Answer::Done => Ok(Ok(())),
                    Answer::Ended => Ok(Err(Failed::new("exited", name))),
                    _ => Ok(Err(Failed::new("timeout", name))),
                }
            }
            Action::ExpectExit { name, status } => self.expect_exit(name, *status, within_ms),
            Action::ExpectRunning { name } => {
                let seen = self.look(name)?;
                Ok(if seen.running {
                    Ok(())
                } else {
                    Err(Failed::new("exited", name))
                })
            }
            Action::Connect { connection, peer } => self.connect(connection, peer, within_ms),
            Action::ExpectServedBy { connection, name } => {
                let identity = Deed::Read {
                    connection: connection.clone(),
                    bytes: Some(0),
                    within_ms,
                };
                let outcome = self.deed(connection, &identity, within_ms)?;
                let pid = outcome.server.map_or(0, |server| server.pid);
                if self.owns(name, pid)? {
                    return Ok(Ok(()));
                }
                Ok(Err(Failed {
                    deed: Some(outcome),
                    ..Failed::new("wrong-server", name)
                }))
            }
            Action::Send {
                connection,
                data,
                piece,
            } => {
                let data = self.draw(data.clone());
                let deed = Deed::Send {
                    connection: connection.clone(),
                    data,
                    piece: *piece,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::SendUntilBlocked { connection, limit } => {
                self.send_until_blocked(connection, *limit, within_ms)
            }
            Action::Exchange { connection, data } => {
                let data = self.draw(data.clone());
                let deed = Deed::Exchange {
                    connection: connection.clone(),
                    data,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::SendDescriptors {
                connection,
                data,
                holds,
                file,
                count,
            } => {
                let deed = Deed::SendDescriptors {
                    connection: connection.clone(),
                    data: self.draw(data.clone()),
                    holds: self.draw(holds.clone()),
                    file: *file,
                    count: *count,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::FinishPipe { connection } => {
                let deed = Deed::FinishPipe {
                    connection: connection.clone(),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ShutDownWriting { connection } => {
                let deed = Deed::ShutDownWriting {
                    connection: connection.clone(),
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ReadSome { connection, bytes } => {
                let bytes = Some(*bytes);
                let deed = Deed::Read {
                    connection: connection.clone(),
                    bytes,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ExpectEcho { connection } => {
                let deed = Deed::Read {
                    connection: connection.clone(),
                    bytes: None,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ExpectEnd { connection } => {
                let deed = Deed::ReadEnd {
                    connection: connection.clone(),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::Abandon { connection } => {
                let deed = Deed::Abandon {
                    connection: connection.clone(),
                    within_ms,
                };
                let stepped = self.traffic(connection, &deed, within_ms);
                self.connections.remove(connection);
                stepped
            }
            Action::Close { connection } => {
                let deed = Deed::Close {
                    connection: connection.clone(),
                };
                let stepped = self.traffic(connection, &deed, within_ms);
                self.connections.remove(connection);
                stepped
            }
            Action::ExpectLine {
                name,
                connection,
                text,
            } => self.expect_line(name, connection, text, within_ms),
            Action::ExpectNoLeakedDescriptors { name } => {
                let seen = self.look(name)?;
                let at_most = seen.descriptors_at_ready + self.connections.len() + OWN_DESCRIPTORS;
                let order = Order::AwaitDescriptors {
                    name: name.clone(),
                    at_most,
                    within_ms,
                };
                match self.order(&order, within_ms)? {
                    Answer::Done => Ok(Ok(())),
                    Answer::Ended => Ok(Err(Failed::new("exited", name))),
                    _ => Ok(Err(Failed::new("leaked", name))),
                }
            }
            Action::ExpectCloseOnExec { name, connection } => {
                let identity = Deed::Read {
                    connection: connection.clone(),
                    bytes: Some(0),
                    within_ms,
                };
                let outcome = self.deed(connection, &identity, within_ms)?;
                let inode = outcome.pipe_inode;
                let order = Order::AwaitPipe {
                    name: name.clone(),
                    inode,
                    within_ms,
                };
                let failed = match self.order(&order, within_ms)? {
                    Answer::Pipe {
                        close_on_exec: true,
                    } => return Ok(Ok(())),
                    Answer::Pipe {
                        close_on_exec: false,
                    } => "not-close-on-exec",
                    Answer::Ended => "exited",
                    _ => "timeout",
                };
                Ok(Err(Failed {
                    deed: Some(outcome),
                    ..Failed::new(failed, name)
                }))
            }
        }
    }

    fn start(&mut self, name: &str, wait: Wait, within_ms: u64) -> Stepped {
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
        if self.supervisor.is_none() {
            self.supervisor = Some(Link::start("supervisor")?);
            let directory = path_bytes(self.setting.arena.root().as_os_str());
            self.order(&Order::Guard { directory }, GRACE_MS)?;
        }
        let arena = self.setting.arena;
        let environment = arena.environment(&self.place);
        let mut argv = self.setting.program.argv(&self.place);
        if let Purpose::Trace(strace) = self.setting.purpose {
            argv = trace::wrap(strace, &self.trace_file(name), argv);
        }
        let order = Order::Start {
            name: name.to_owned(),
            argv: argv.iter().map(|word| path_bytes(word)).collect(),
            env: environment
                .iter()
                .map(|(k, v)| (path_bytes(k), path_bytes(v)))
                .collect(),
            cwd: path_bytes(self.place.directory.as_os_str()),
            identity: arena.identity(),
            limits: Limits {
                cpu_seconds: Some(60 * self.setting.patience),
                file_bytes: Some(256 << 20),
                descriptors: Some(1024),
                processes: arena.identity().map(|_| 512),
            },
            stdout: match self.setting.purpose {
                Purpose::Terminal => StdoutKind::Terminal,
                Purpose::Verdict | Purpose::Trace(_) => StdoutKind::Pipe,
            },
        };
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
        let name = name.to_owned();
        match wait {
            Wait::Nothing => Ok(Ok(())),
            Wait::Exit => match self.order(
                &Order::AwaitExit {
                    name: name.clone(),
                    within_ms,
                },
                within_ms,
            )? {
                Answer::Done => Ok(Ok(())),
                _ => Ok(Err(Failed::new("still-running", &name))),
            },
            Wait::Ready => {
                let path = path_bytes(self.place.address.as_os_str());
                let order = Order::AwaitReady {
                    name: name.clone(),
                    path,
                    within_ms,
                };
                match self.order(&order, within_ms)? {
                    Answer::Ready { dev, ino } => {
                        self.ready = Some((dev, ino));
                        Ok(Ok(()))
                    }
                    Answer::Ended => Ok(Err(Failed::new("exited", &name))),
                    _ => Ok(Err(Failed::new("not-ready", &name))),
                }
            }
        }
    }

    /// Sends until nothing more goes through *and* the program sleeps: on a busy machine a socket
    /// stays full for a while although its reader is about to run.
    fn send_until_blocked(&mut self, connection: &str, limit: u64, within_ms: u64) -> Stepped {
        let deadline = Deadline::after_ms(within_ms);
        let data = self.draw(Payload::Random(limit));
        let mut from = 0;
        loop {
            let deed = Deed::SendUntilBlocked {
                connection: connection.to_owned(),
                data: data.clone(),
                from,
                within_ms: (deadline.left().as_millis() as u64).max(1),
            };
            let before = self.deed_sent(connection)?;
            if let Err(failed) = self.traffic(connection, &deed, within_ms)? {
                return Ok(Err(failed));
            }
            from += self.deed_sent(connection)? - before;
            if from >= limit || deadline.passed() || self.sleeps()? {
                return Ok(Ok(()));
            }
        }
    }

    /// Bytes sent on a connection so far.
    fn deed_sent(&mut self, connection: &str) -> Result<u64, StageError> {
        let nothing = Deed::Read {
            connection: connection.to_owned(),
            bytes: Some(0),
            within_ms: 1,
        };
        Ok(self.deed(connection, &nothing, GRACE_MS)?.sent)
    }

    /// Whether the program sleeps, and not for bytes that have arrived.
    fn sleeps(&mut self) -> Result<bool, StageError> {
        if !self.cpu_before.contains_key("server") {
            return Ok(true);
        }
        let seen = self.look("server")?;
        let reads = matches!(
            seen.syscall.as_str(),
            "read" | "readv" | "recvfrom" | "recvmsg"
        );
        let waits_for_bytes = reads && seen.syscall_fd_kind == "connected socket";
        Ok(!seen.syscall.is_empty() && !waits_for_bytes)
    }

    fn expect_exit(&mut self, name: &str, status: ExitStatus, within_ms: u64) -> Stepped {
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
        };
        Ok(if right {
            Ok(())
        } else {
            Err(Failed::new("wrong-status", name))
        })
    }

    fn connect(&mut self, connection: &str, peer: &str, within_ms: u64) -> Stepped {
        if !self.peers.contains_key(peer) {
            let link = Link::start("peer")?;
            self.peers.insert(peer.to_owned(), link);
            self.connections
                .insert(connection.to_owned(), peer.to_owned());
            let user = self.setting.arena.identity();
            let outcome = self.deed(connection, &Deed::Identify { user }, GRACE_MS)?;
            if outcome.result != DeedResult::Done {
                return Err(StageError::Fault(format!(
                    "a peer cannot become user: {}",
                    outcome.errno
                )));
            }
        }
        self.connections
            .insert(connection.to_owned(), peer.to_owned());
        let path = path_bytes(self.place.address.as_os_str());
        let deed = Deed::Connect {
            connection: connection.to_owned(),
            path,
            inode: self.ready,
            within_ms,
        };
        let stepped = self.traffic(connection, &deed, within_ms)?;
        if stepped.is_err() {
            self.connections.remove(connection);
        }
        Ok(stepped)
    }

    fn expect_line(&mut self, name: &str, connection: &str, text: &str, within_ms: u64) -> Stepped {
        let identity = Deed::Read {
            connection: connection.to_owned(),
            bytes: Some(0),
            within_ms,
        };
        let outcome = self.deed(connection, &identity, within_ms)?;
        let line = expression::fill(text, &serde_json::json!({ "peer": outcome.me }))
            .map_err(|error| StageError::Fault(error.to_string()))?;
        let order = Order::AwaitLine {
            name: name.to_owned(),
            line: Bytes(line.clone().into_bytes()),
            within_ms,
        };
        let failed = match self.order(&order, within_ms)? {
            Answer::Done => return Ok(Ok(())),
            Answer::Ended => "exited",
            _ => "line-missing",
        };
        let seen = self.look(name)?;
        let printed = seen.stdout.0.contains(&b'\n');
        let failed = if failed == "line-missing" && printed {
            "line-different"
        } else {
            failed
        };
        Ok(Err(Failed {
            deed: Some(outcome),
            line: Some(line),
            ..Failed::new(failed, name)
        }))
    }

    /// A deed that must be done.
    fn traffic(&mut self, connection: &str, deed: &Deed, within_ms: u64) -> Stepped {
        let outcome = self.deed(connection, deed, within_ms)?;
        let failed = match outcome.result {
            DeedResult::Done => return Ok(Ok(())),
            DeedResult::TimedOut => "timeout",
            DeedResult::End => "end",
            DeedResult::Reset => "reset",
            DeedResult::Mismatch => "mismatch",
            DeedResult::Extra => "extra",
            DeedResult::Errno => "errno",
            DeedResult::Replaced => "wrong-server",
            DeedResult::Fault => {
                return Err(StageError::Fault(format!(
                    "connection `{connection}` cannot do this: {}",
                    outcome.call
                )));
            }
        };
        self.note(
            format!("{failed}: {} {}", outcome.call, outcome.errno)
                .trim_end()
                .to_owned(),
        );
        Ok(Err(Failed {
            deed: Some(outcome),
            ..Failed::new(failed, "server")
        }))
    }

    fn deed(
        &mut self,
        connection: &str,
        deed: &Deed,
        within_ms: u64,
    ) -> Result<Outcome, StageError> {
        let Some(peer) = self.connections.get(connection) else {
            return Err(StageError::Fault(format!(
                "there is no connection `{connection}`"
            )));
        };
        let Some(link) = self.peers.get_mut(peer) else {
            return Err(StageError::Fault(format!("there is no peer `{peer}`")));
        };
        let deadline = Deadline::after_ms(within_ms + GRACE_MS);
        Ok(link.ask(deed, deadline, self.setting.cancel)?)
    }

    fn order(&mut self, order: &Order, within_ms: u64) -> Result<Answer, StageError> {
        let Some(supervisor) = &mut self.supervisor else {
            return Err(StageError::Fault(
                "this step needs a program that was started".to_owned(),
            ));
        };
        let deadline = Deadline::after_ms(within_ms + GRACE_MS);
        match supervisor.ask(order, deadline, self.setting.cancel)? {
            Answer::Fault { message } => Err(StageError::Fault(message)),
            answer => Ok(answer),
        }
    }

    fn look(&mut self, name: &str) -> Result<Seen, StageError> {
        match self.order(
            &Order::Look {
                name: name.to_owned(),
            },
            GRACE_MS,
        )? {
            Answer::Seen(seen) => Ok(*seen),
            other => Err(unexpected(&other)),
        }
    }

    fn owns(&mut self, name: &str, pid: i32) -> Result<bool, StageError> {
        match self.order(
            &Order::Owns {
                name: name.to_owned(),
                pid,
            },
            GRACE_MS,
        )? {
            Answer::Owned { yes } => Ok(yes),
            other => Err(unexpected(&other)),
        }
    }

    fn remember_cpu(&mut self) -> Result<(), StageError> {
        for name in self.cpu_before.keys().cloned().collect::<Vec<_>>() {
            let order = Order::CpuTime { name: name.clone() };
            if let Answer::CpuTime { ms } = self.order(&order, GRACE_MS)? {
                self.cpu_before.insert(name, ms);
            }
        }
        Ok(())
    }

    /// All that can be seen about a step that failed.
    fn trouble(
        &mut self,
        stage: &Stage,
        index: usize,
        step: &Step,
        failed: Failed,
        began_us: u64,
    ) -> Result<Trouble, StageError> {
        let waited_ms = (now_us() - began_us) / 1000;
        let mut observation = Observation {
            stage: stage.id.value.clone(),
            step: wording::verb(&step.action).to_owned(),
            outcome: failed.outcome,
            first_nul: -1,
            instance: ProgramState::absent(),
            program: ProgramState::absent(),
            second: ProgramState::absent(),
            address: Address::look(&self.place.address),
            ..Observation::default()
        };
        let mut stderr = Vec::new();
        let names: Vec<String> = self.cpu_before.keys().cloned().collect();
        for name in names {
            if matches!(failed.outcome, "end" | "reset" | "errno") {
                let order = Order::AwaitExit {
                    name: name.clone(),
                    within_ms: ENDING_MS,
                };
                self.order(&order, ENDING_MS)?;
            }
            let seen = self.look(&name)?;
            let cpu_before = self.cpu_before.get(&name).copied().unwrap_or(0);
            let mut state = ProgramState::from_seen(&seen, cpu_before, waited_ms);
            state.connections_open = self.connections.len();
            if name == failed.name {
                stderr = super::observation::last_lines(&Untrusted::from(&seen.stderr), 12);
                if let (Some(line), Some(deed)) = (&failed.line, &failed.deed) {
                    observation.line = LineState::new(line, deed, &seen);
                }
            }
            if name == failed.name {
                observation.instance = state.clone();
            }
            if name == "server" {
                observation.program = state;
            } else {
                observation.second = state;
            }
        }
        if let Some(deed) = &failed.deed {
            observation = observation.with_outcome(deed);
        }
        // Crashing is worse than whatever the crash looked like from outside.
        let crashed = |state: &ProgramState| !state.signal.is_empty() && !state.killed_by_us;
        if crashed(&observation.program) || crashed(&observation.second) {
            observation.outcome = "exited";
        }
        Ok(Trouble {
            index,
            seen: observation,
            outcome: failed.deed,
            stderr,
        })
    }

    fn draw(&mut self, payload: Payload) -> Draw {
        self.payloads += 1;
        Draw {
            payload,
            seed: self.setting.seed,
            place: self.payloads,
        }
    }

    fn note(&mut self, what: String) {
        let at_us = now_us().saturating_sub(self.began_us);
        self.timeline.push(Event {
            at_us,
            side: Side::Checker,
            what,
        });
    }

    fn collect_events(&mut self) -> Result<(), StageError> {
        let Answer::Events { events } = self.order(&Order::Events, GRACE_MS)? else {
            return Ok(());
        };
        let began = self.began_us;
        self.timeline.extend(events.into_iter().map(|event| Event {
            at_us: event.at_us.saturating_sub(began),
            ..event
        }));
        Ok(())
    }
}

fn unexpected(answer: &Answer) -> StageError {
    StageError::Fault(format!("the supervisor answered {answer:?}"))
}

fn path_bytes(text: &std::ffi::OsStr) -> Bytes {
    use std::os::unix::ffi::OsStrExt;
    Bytes(text.as_bytes().to_vec())
}

/// The place of a server that already runs.
pub fn place_of(socket: PathBuf, arena: &Arena) -> Place {
    Place {
        directory: arena.root().to_owned(),
        address: socket,
    }
}
