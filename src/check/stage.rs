//! Carries out one stage: its steps in order, each with a deadline, until one does not go as it
//! must. What that means is [`super::diagnose`]'s; the words are [`super::wording`]'s.
//!
//! The verbs are carried out in `stage/`: those about the program in `lifecycle`, about what it prints
//! in `output`, about connections in `conversation`, about messages and files in `messages`; `talk`
//! asks the helper processes, `trouble` gathers what is seen when a step fails.

mod conversation;
mod lifecycle;
mod messages;
mod output;
mod sockets;
mod step;
mod talk;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::sockets::{AboutSocket, Group};
use super::arena::{Arena, Place};
use super::bwrap::Bwrap;
use super::cancel::Cancel;
use super::journal::EntryState;
use super::link::{Link, LinkError};
use super::observation::{FileState, MemoryState, Observation, WakeupState};
use super::program::Program;
use super::protocol::{Bytes, ChildrenSeen, Draw, Outcome, Queue};
use super::trace;
use super::verdict::{Event, Leftover, Side};
use super::wording;
use crate::check::patience::Deadline;
use crate::curriculum::exercise::{Exercise, Need, Stage};
use crate::curriculum::scenario::{Action, FIRST, Payload, Printed, Start, Who};
use crate::sys::clock::now_us;

/// How long a step may take when it does not say, in milliseconds.
const STEP_MS: u64 = 5_000;
/// How long a stage may take whatever its steps say, in milliseconds. Steps behind that have
/// [`LAST_STEPS_MS`].
const STAGE_MS: u64 = 60_000;
/// How long a step has where the stage is late, in milliseconds: whoever is right is not late in it.
const LAST_STEPS_MS: u64 = 1_000;
/// How long a program may take to end once its connection has ended, in milliseconds: a crash is
/// seen on the wire before it is seen in the process table. Only a failing step waits for it: first
/// until the program sleeps, for a step's time, since one that is awake may be on its way to its end;
/// then for this.
const ENDING_MS: u64 = 1_000;
/// Descriptors a program may have opened for its own use since it became ready.
const OWN_DESCRIPTORS: usize = 8;
/// How long a helper may be silent beyond the deadline of what it was asked, in milliseconds: longer
/// than the supervisor waits for a killed program to end.
const GRACE_MS: u64 = 30_000;
/// How long a step may take that failed in an earlier run, in milliseconds: what hangs has been waited
/// for already.
const HURRIED_STEP_MS: u64 = 1_500;

/// Why a stage with a client of another user is not judged.
const NOBODY_ELSE: &str =
    "This stage has a client of another user, and only the superuser can play one.";

/// Why a stage with a network namespace is not judged.
const NO_NAMESPACES: &str = "This machine does not let ordinary users make user namespaces, and with them network namespaces of their own (user_namespaces(7)).";

/// What is the same for all stages of a check.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Whose stage it is.
    pub exercise: &'a Exercise,
    /// What is run.
    pub program: &'a Program,
    /// Where.
    pub arena: &'a Arena,
    /// The box it runs in, when one was asked for.
    pub bwrap: Option<&'a Bwrap>,
    /// Where random bytes come from.
    pub seed: u64,
    /// What every deadline is multiplied by.
    pub patience: u64,
    /// What this run is for.
    pub purpose: Purpose<'a>,
    /// From this step on, by its place, no step has more than [`HURRIED_STEP_MS`].
    pub hurried_from: usize,
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
    /// To hear what the compiler's sanitizers say: it was built with them.
    Sanitized,
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
    /// What the program left behind.
    pub leftovers: Vec<Leftover>,
    /// All that the program printed on standard error, when that is what the run was for.
    pub stderr: Vec<u8>,
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
/// When a helper process fails, the file system does, or the check is cancelled; when the stage has a
/// client of another user and nobody else can be played.
pub fn run(stage: &Stage, setting: Setting<'_>, place: Place) -> Result<Run, StageError> {
    // Before anything is started: a stage that is given up midway would take the arena with it.
    if needs_another_user(stage) && setting.arena.stranger().is_none() {
        return Err(StageError::CannotJudge(NOBODY_ELSE));
    }
    let mut runner = Runner {
        setting,
        place,
        supervisor: None,
        peers: BTreeMap::new(),
        connections: BTreeMap::new(),
        unconnected: BTreeSet::new(),
        listeners: BTreeMap::new(),
        sockets: BTreeMap::new(),
        starts: BTreeMap::new(),
        serving: None,
        ready: None,
        payloads: 0,
        did: Vec::new(),
        timeline: Vec::new(),
        began_us: now_us(),
        deadline: Deadline::after_ms(STAGE_MS * setting.patience),
        cpu_before: BTreeMap::new(),
        queue: Queue::default(),
        examined: BTreeMap::new(),
        output_wanted: output_wanted(stage),
    };
    let needs = setting.exercise.needs.iter().chain(&stage.needs);
    if needs.copied().any(|need| need == Need::Namespaces) {
        runner.try_namespaces()?;
    }
    runner.run(stage)
}

fn needs_another_user(stage: &Stage) -> bool {
    stage.steps.iter().any(|step| match &step.action {
        Action::Connect { user, .. } => *user != Who::Program,
        Action::OpenSocket(opening) => opening.user != Who::Program,
        _ => false,
    })
}

/// The longest output that a stage compares, in bytes.
fn output_wanted(stage: &Stage) -> u64 {
    let lengths = stage.steps.iter().filter_map(|step| match &step.action {
        Action::ExpectOutput { data, .. } => Some(data.length()),
        _ => None,
    });
    lengths.max().unwrap_or(0)
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
    /// This machine, or this user, lacks what the stage needs.
    #[error("{0}")]
    CannotJudge(&'static str),
}

struct Runner<'a> {
    setting: Setting<'a>,
    place: Place,
    supervisor: Option<Link>,
    peers: BTreeMap<String, Link>,
    /// Which peer holds a connection.
    connections: BTreeMap<String, String>,
    /// Which of them are sockets that are not connected.
    unconnected: BTreeSet<String>,
    /// Which peer holds a listener.
    listeners: BTreeMap<String, String>,
    /// Sockets that are only there.
    sockets: BTreeMap<String, Group>,
    /// How each instance was started.
    starts: BTreeMap<String, Start>,
    /// Which peer serves filters of frames, and what is wrong with them.
    serving: Option<(String, String)>,
    /// Device and inode of the address when it became ready.
    ready: Option<(u64, u64)>,
    payloads: u64,
    did: Vec<String>,
    timeline: Vec<Event>,
    began_us: u64,
    deadline: Deadline,
    /// CPU time of each instance when the step began.
    cpu_before: BTreeMap<String, u64>,
    /// The queue that was measured last.
    queue: Queue,
    /// Device and inode of the descriptor that was looked at last on each connection.
    examined: BTreeMap<String, (u64, u64)>,
    /// The longest output that will be compared, in bytes.
    output_wanted: u64,
}

/// How a step failed, before all is known about it.
struct Failed {
    outcome: &'static str,
    name: String,
    deed: Option<Outcome>,
    line: Option<(String, Printed)>,
    memory: Option<MemoryState>,
    file: FileState,
    wakeups: WakeupState,
    children: ChildrenSeen,
    entry: EntryState,
    /// The connection with whose descriptor the one that came is the same, or `checker`.
    same_as: String,
    /// A line that is there and must not be.
    found: Option<Bytes>,
    leftovers: Vec<Leftover>,
    listed: Option<Box<AboutSocket>>,
}

impl Failed {
    fn new(outcome: &'static str, name: &str) -> Self {
        Self {
            outcome,
            name: name.to_owned(),
            deed: None,
            line: None,
            memory: None,
            file: FileState::default(),
            wakeups: WakeupState::default(),
            children: ChildrenSeen::default(),
            entry: EntryState::default(),
            same_as: String::new(),
            found: None,
            leftovers: Vec::new(),
            listed: None,
        }
    }
}

type Stepped = Result<Result<(), Failed>, StageError>;

impl Runner<'_> {
    fn run(mut self, stage: &Stage) -> Result<Run, StageError> {
        let ran = self.carry_out(stage);
        if ran.is_err() && self.supervisor.is_some() {
            // A supervisor that is given up without an end takes the arena with it, which the next
            // stage needs. The first error tells what went wrong, and not what comes of this.
            drop(self.finish());
        }
        ran
    }

    fn carry_out(&mut self, stage: &Stage) -> Result<Run, StageError> {
        let mut trouble = None;
        for (index, step) in stage.steps.iter().enumerate() {
            let began = now_us();
            self.remember_cpu()?;
            let clause = wording::did(&step.action);
            self.note(clause.clone());
            self.did.push(clause);
            if let Err(failed) = self.step(index, step)? {
                trouble = Some(self.trouble(stage, index, step, failed, began)?);
                break;
            }
        }
        if trouble.is_none() {
            trouble = self.crash_at_the_end(stage)?;
        }
        let mut leftovers = Vec::new();
        if self.supervisor.is_some() {
            leftovers = self.finish()?;
            self.collect_events()?;
        }
        if let Purpose::Trace(_) = self.setting.purpose {
            self.timeline
                .extend(trace::read(&self.trace_file(FIRST), self.began_us));
        }
        self.timeline.sort_by_key(|event| event.at_us);
        let stderr = self.last_words()?;
        Ok(Run {
            trouble,
            did: std::mem::take(&mut self.did),
            timeline: std::mem::take(&mut self.timeline),
            leftovers,
            stderr,
        })
    }

    /// All that was printed on standard error, in a run that is made for it.
    fn last_words(&mut self) -> Result<Vec<u8>, StageError> {
        let mut words = Vec::new();
        if self.setting.purpose == Purpose::Sanitized {
            for name in self.cpu_before.keys().cloned().collect::<Vec<_>>() {
                words.extend(self.look(&name)?.stderr.0);
            }
        }
        Ok(words)
    }

    fn trace_file(&self, name: &str) -> PathBuf {
        self.place.directory.join(format!("trace-{name}"))
    }

    fn draw(&mut self, payload: Payload) -> Draw {
        self.payloads += 1;
        let arena = self.setting.arena;
        let digits = |who| arena.uid(who).to_string();
        Draw {
            payload: payload.with_uids(&digits),
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
}

/// The place of a server that already runs.
pub fn place_of(socket: PathBuf, arena: &Arena) -> Place {
    Place {
        directory: arena.root().to_owned(),
        name: arena.name("s"),
        group: arena.group(),
        other: arena.root().join("other.sock"),
        address: socket,
    }
}
