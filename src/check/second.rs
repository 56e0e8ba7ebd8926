//! Other runs of a stage, which explain its verdict and never change it: with a terminal, under
//! strace, built with the compiler's sanitizers. All have the same seed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::judge::{CheckError, Judge};
use super::link::LinkError;
use super::program::Program;
use super::sanitizer::{self, Finding};
use super::stage::{self, Purpose, Run, Setting, StageError, Trouble};
use super::trace;
use crate::curriculum::exercise::Stage;
use crate::curriculum::expression;
use crate::curriculum::scenario::{Action, Moment, Step};

/// A stage whose first run is over.
pub(super) struct Second<'a> {
    pub(super) judge: &'a Judge<'a>,
    pub(super) stage: &'a Stage,
    /// Its place in the exercise.
    pub(super) number: usize,
    /// How the first run was made.
    pub(super) setting: Setting<'a>,
}

/// Each kind of run has directories of its own.
#[derive(Clone, Copy)]
enum Round {
    Terminal = 1,
    Trace,
    Sanitized,
}

impl Second<'_> {
    /// A line that did not come: does it sit in a buffer? On a terminal, programs write line by
    /// line, so a second run has one as its standard output.
    pub(super) fn look_for_a_buffer(&self, trouble: &mut Trouble) -> Result<(), CheckError> {
        if !matches!(trouble.seen.outcome, "line-missing" | "line-different") {
            return Ok(());
        }
        let setting = Setting {
            purpose: Purpose::Terminal,
            ..self.setting
        };
        if let Some(second) = self.again(Round::Terminal, setting)? {
            trouble.seen.line.appears_on_terminal = second
                .trouble
                .is_none_or(|other| other.index > trouble.index);
        }
        Ok(())
    }

    /// Adds to a failure what other runs show: system calls, and what the compiler's sanitizers
    /// find. Returns where the program's side of the timeline comes from.
    pub(super) fn explain(
        &self,
        trouble: &mut Trouble,
        run: &mut Run,
    ) -> Result<String, CheckError> {
        if !may_be_misuse_of_memory(trouble) {
            return self.trace(trouble, run);
        }
        let (judge, at) = (self.judge, trouble.index);
        let (traced, finding) = thread::scope(|scope| {
            // The build takes a while; meanwhile there is another run to make.
            scope.spawn(|| judge.prepared.sanitized(judge.arena, judge.cancel));
            let traced = self.trace(trouble, run);
            (traced, self.sanitize_from(at))
        });
        trouble.seen.sanitizer = finding?.unwrap_or_default();
        traced
    }

    /// What the compiler's sanitizers find in this stage, if there are any and they find something.
    pub(super) fn sanitize(&self) -> Result<Option<Finding>, CheckError> {
        self.sanitize_from(usize::MAX)
    }

    /// The same, in a hurry from this step on, by its place.
    fn sanitize_from(&self, hurried_from: usize) -> Result<Option<Finding>, CheckError> {
        let Judge {
            prepared,
            arena,
            cancel,
            ..
        } = *self.judge;
        let built = prepared.sanitized(arena, cancel);
        if cancel.is_cancelled() {
            return Err(CheckError::Cancelled);
        }
        let (Some(program), Some(directory)) = (built, prepared.directory()) else {
            return Ok(None);
        };
        let setting = Setting {
            program,
            purpose: Purpose::Sanitized,
            hurried_from,
            ..self.setting
        };
        let Some(run) = self.again(Round::Sanitized, setting)? else {
            return Ok(None);
        };
        let report = String::from_utf8_lossy(&run.stderr);
        Ok(sanitizer::read(&report, directory).map(|finding| self.worded(finding)))
    }

    /// A finding with the sentence that the exercises' files have for its kind.
    fn worded(&self, finding: Finding) -> Finding {
        let all = &self.judge.curriculum.common.findings;
        let entry = |kind: &str| all.iter().find(|entry| entry.kind.value == kind);
        let words = match entry(&finding.kind).or_else(|| entry("any")) {
            Some(entry) => expression::fill(&entry.say, &finding)
                .unwrap_or_else(|error| format!("{} ({error})", finding.kind)),
            None => finding.kind.clone(),
        };
        Finding { words, ..finding }
    }

    /// Puts the timeline of a second run, with its system calls, in place of the first run's, where
    /// that is possible. Returns where the program's side comes from.
    fn trace(&self, trouble: &mut Trouble, run: &mut Run) -> Result<String, CheckError> {
        if let Program::Running(_) = self.judge.prepared.program {
            return Ok(OBSERVED.to_owned());
        }
        let in_an_instant = |step: &Step| {
            matches!(
                step.action,
                Action::Signal {
                    moment: Moment::BeforeCall,
                    ..
                }
            )
        };
        if self.stage.steps.iter().any(in_an_instant) {
            return Ok(format!("{OBSERVED} {IN_AN_INSTANT}"));
        }
        let Some(strace) = trace::strace() else {
            return Ok(format!("{OBSERVED} {NO_STRACE}"));
        };
        let setting = Setting {
            purpose: Purpose::Trace(&strace),
            hurried_from: trouble.index,
            ..self.setting
        };
        match self.again(Round::Trace, setting)? {
            Some(second)
                if second
                    .trouble
                    .as_ref()
                    .is_some_and(|other| alike(other, trouble)) =>
            {
                trouble.seen.program.last_call = trace::last_call(&second.timeline);
                run.timeline = second.timeline;
                Ok(TRACED.to_owned())
            }
            _ if !may_trace(&strace) => Ok(format!("{OBSERVED} {NOT_PERMITTED}")),
            _ => Ok(format!("{OBSERVED} {ANOTHER_WAY}")),
        }
    }

    /// Another run of the stage; `None` when it could not be made.
    fn again(&self, round: Round, setting: Setting<'_>) -> Result<Option<Run>, CheckError> {
        if let Program::Running(_) = self.judge.prepared.program {
            return Ok(None);
        }
        let stages = self.judge.exercise.stages.len();
        let place = self
            .judge
            .place(self.stage, self.number + round as usize * stages)?;
        match stage::run(self.stage, setting, place) {
            Ok(run) => Ok(Some(run)),
            Err(StageError::Link(LinkError::Cancelled)) => Err(CheckError::Cancelled),
            Err(_) => Ok(None),
        }
    }
}

/// Where the program's side of a timeline comes from, when nothing better can be had.
pub(super) const OBSERVED: &str =
    "The program's side is what it printed, and what the kernel says of its process.";
/// Why its system calls are not shown.
const NO_STRACE: &str = "Its system calls are not shown: strace is not installed.";
/// The same.
const NOT_PERMITTED: &str = "Its system calls are not shown: strace may not trace here.";
/// The same: a process has one tracer.
const IN_AN_INSTANT: &str = "Its system calls are not shown: while strace traces it, no signal can be sent in that instant.";
/// The same.
const ANOTHER_WAY: &str =
    "Its system calls are not shown: a second run, under strace, did not fail in the same way.";
/// The same with system calls.
const TRACED: &str = "From a second run of this stage under strace, with the same seed. The \
                      verdict is that of the first run.";

/// Whether strace may trace anything here (ptrace(2)): found by trying.
fn may_trace(strace: &Path) -> bool {
    Command::new(strace)
        .args(["-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether two runs failed in the same way. A crash may be met at this step or at the next.
fn alike(one: &Trouble, other: &Trouble) -> bool {
    let signal = |trouble: &Trouble| trouble.seen.program.signal.clone();
    one.index == other.index || (!signal(one).is_empty() && signal(one) == signal(other))
}

/// Whether a failure may come from memory that was misused: a crash, an unexpected end, a bound, or
/// other bytes than were due. What only takes too long is not looked at again.
fn may_be_misuse_of_memory(trouble: &Trouble) -> bool {
    let seen = &trouble.seen;
    let crashed = |signal: &str, killed_by_us: bool| !signal.is_empty() && !killed_by_us;
    crashed(&seen.program.signal, seen.program.killed_by_us)
        || crashed(&seen.second.signal, seen.second.killed_by_us)
        || matches!(
            seen.outcome,
            "exited" | "wrong-status" | "end" | "reset" | "errno" | "mismatch" | "extra" | "limit"
        )
}
