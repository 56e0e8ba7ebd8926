//! Judges an exercise: builds the program once, runs its stages in order, and puts what was found
//! together. How a stage runs is [`super::stage`]'s.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::arena::Arena;
use super::bwrap::Bwrap;
use super::cancel::Cancel;
use super::link::LinkError;
use super::observation::Address;
use super::prepare::{Prepared, isolation, prepare};
use super::program::{self, Program, Target};
use super::second::{self, Second};
use super::stage::{self, Purpose, Setting, StageError};
use super::verdict::{Failure, Leftover, Report, StageReport, Verdict};
use super::{diagnose, payload};
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::{Exercise, Need, Stage};
use crate::curriculum::expression;
use crate::curriculum::scenario::{Action, Wait};
use crate::sys::clock::now_us;
use crate::untrusted::Untrusted;

/// What is to be judged.
#[derive(Clone, Debug)]
pub struct Request {
    /// The exercise's slug.
    pub exercise: String,
    /// The program.
    pub target: Target,
    /// Where random bytes come from; `None`: a fresh seed.
    pub seed: Option<u64>,
    /// What every deadline is multiplied by; 1 is usual.
    pub patience: u32,
    /// Only this stage and those it depends on, by id.
    pub stage: Option<String>,
    /// How the program is kept apart.
    pub containment: Containment,
    /// What is run again when the verdict is known.
    pub again: Again,
    /// Which stages are judged after one that failed.
    pub after_failure: AfterFailure,
}

/// Which stages are judged after a required one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterFailure {
    /// All that do not build on it.
    #[default]
    TheRest,
    /// None.
    Nothing,
}

/// What is run again when the verdict is known. It never changes the verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// The first stage that failed: for its system calls, and for what the compiler's sanitizers
    /// find.
    #[default]
    Failure,
    /// That; and after a pass all stages, with the compiler's sanitizers.
    FailureOrPass,
    /// Nothing: a failure is told by what its only run showed.
    Nothing,
}

/// How a program is kept apart from everything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Containment {
    /// With what needs no privilege and no other program.
    #[default]
    Usual,
    /// In a box of bubblewrap as well: for programs of people one does not know.
    Bwrap,
}

/// How far a check is.
#[derive(Clone, Debug)]
pub enum Progress {
    /// The program is being built.
    Building,
    /// A stage has begun.
    StageStarted {
        /// Its id.
        id: String,
    },
    /// A stage is over.
    StageDone(Box<StageReport>),
    /// All have passed, and are run once more with the compiler's sanitizers.
    Sanitizing,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The exercise, stage or language asked for does not exist.
    #[error("there is no {what} `{}`", Untrusted::from(name.as_str()))]
    Unknown {
        /// `exercise`, `stage` or `language`.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// `--socket` names something that no server listens at.
    #[error("nothing listens at {}", Untrusted::from(path.as_path()))]
    NobodyListens {
        /// The path.
        path: PathBuf,
    },
    /// This machine lacks something without which nothing can be judged.
    #[error("{0}")]
    CannotJudge(String),
    /// The check was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A fault of ours.
    #[error("{0}")]
    Fault(String),
}

/// Judges a program. `progress` is told as it goes on.
///
/// # Errors
/// See [`CheckError`]; a program that cannot be built is no error but a failed report.
pub fn run(
    curriculum: &Curriculum,
    request: &Request,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, CheckError> {
    let began = now_us();
    let unknown = |what, name: &str| CheckError::Unknown {
        what,
        name: name.to_owned(),
    };
    let exercise = curriculum
        .exercise(&request.exercise)
        .ok_or_else(|| unknown("exercise", &request.exercise))?;
    let chosen = chosen_stages(exercise, request.stage.as_deref())?;
    let arena = Arena::new().map_err(|error| {
        CheckError::CannotJudge(format!("no private directory can be made: {error}"))
    })?;
    let bwrap = match (request.containment, &request.target) {
        (Containment::Usual, _) | (_, Target::Socket(_)) => None,
        (Containment::Bwrap, _) => {
            Some(Bwrap::new(arena.identity()).map_err(CheckError::CannotJudge)?)
        }
    };
    let mut report = Report {
        schema: "ipc-mastery/check/1",
        exercise: exercise.slug.clone(),
        number: exercise.number,
        title: exercise.title.clone(),
        subject: request.target.subject(),
        seed: request.seed.unwrap_or_else(payload::fresh_seed),
        isolation: isolation(&arena, &request.target, bwrap.as_ref()),
        verdict: Verdict::Pass,
        evidence: matches!(request.target, Target::Directory { .. }) && request.stage.is_none(),
        build: None,
        stages: Vec::new(),
        sanitized: false,
        elapsed_ms: 0,
    };
    let program = match prepare(curriculum, request, &arena, cancel, progress)? {
        Ok(program) => Some(program),
        Err(failure) => {
            report.build = Some(with_rule(curriculum, exercise, *failure));
            None
        }
    };
    if let Target::Socket(_) = request.target
        && !exercise.role.listens()
    {
        return Err(CheckError::CannotJudge(
            "only a server can be judged while it runs; this exercise's program is no server"
                .to_owned(),
        ));
    }
    if let Some(Prepared {
        program: Program::Running(path),
        ..
    }) = &program
        && Address::look(path).state != "listening"
    {
        return Err(CheckError::NobodyListens { path: path.clone() });
    }
    let mut verdicts: BTreeMap<&str, Verdict> = BTreeMap::new();
    // Only the first failure is shown whole; only there the system calls are worth a second run.
    let mut failed = false;
    let mut lost = false;
    for (number, stage) in exercise.stages.iter().enumerate() {
        if !chosen.contains(&stage.id.value.as_str()) {
            continue;
        }
        let began = now_us();
        let waits_for = stage
            .after
            .iter()
            .find(|id| verdicts.get(id.value.as_str()) != Some(&Verdict::Pass));
        let mut leftovers = Vec::new();
        let enough = request.after_failure == AfterFailure::Nothing && lost;
        let (verdict, failure) = match (&program, waits_for) {
            (None, _) => (Verdict::NotJudged, None),
            (Some(_), _) if enough => {
                let cause = "An earlier stage did not pass.".to_owned();
                (Verdict::NotJudged, Some(because(cause)))
            }
            (Some(_), Some(id)) => {
                let title = exercise.stage(&id.value).map_or("", |stage| &stage.title);
                let cause = format!("It builds on \"{title}\", which did not pass.");
                (Verdict::NotJudged, Some(because(cause)))
            }
            (Some(prepared), None) => {
                progress(Progress::StageStarted {
                    id: stage.id.value.clone(),
                });
                let judge = Judge {
                    curriculum,
                    exercise,
                    prepared,
                    arena: &arena,
                    bwrap: bwrap.as_ref(),
                    cancel,
                };
                let explains = !failed && request.again != Again::Nothing;
                judge.stage(
                    stage,
                    number,
                    request,
                    report.seed,
                    explains,
                    &mut leftovers,
                )?
            }
        };
        failed |= verdict == Verdict::Fail;
        lost |= verdict == Verdict::Fail && !stage.bonus;
        verdicts.insert(&stage.id.value, verdict);
        let stage_report = StageReport {
            id: stage.id.value.clone(),
            title: stage.title.clone(),
            bonus: stage.bonus,
            verdict,
            failure,
            leftovers,
            sanitizer: None,
            elapsed_ms: (now_us() - began) / 1000,
        };
        progress(Progress::StageDone(Box::new(stage_report.clone())));
        report.stages.push(stage_report);
    }
    report.verdict = match &report.build {
        Some(_) => Verdict::Fail,
        None => Verdict::over(
            report
                .stages
                .iter()
                .filter(|stage| !stage.bonus)
                .map(|stage| stage.verdict),
        ),
    };
    if let (Some(prepared), Verdict::Pass, Again::FailureOrPass) =
        (&program, report.verdict, request.again)
    {
        let judge = Judge {
            curriculum,
            exercise,
            prepared,
            arena: &arena,
            bwrap: bwrap.as_ref(),
            cancel,
        };
        judge.look_once_more(request, &mut report, progress)?;
    }
    report.elapsed_ms = (now_us() - began) / 1000;
    Ok(report)
}

/// The ids of the stages to run: all, or one with everything it depends on.
fn chosen_stages<'a>(
    exercise: &'a Exercise,
    only: Option<&str>,
) -> Result<Vec<&'a str>, CheckError> {
    let Some(only) = only else {
        return Ok(exercise
            .stages
            .iter()
            .map(|stage| stage.id.value.as_str())
            .collect());
    };
    let mut open: Vec<&Stage> = vec![exercise.stage(only).ok_or_else(|| CheckError::Unknown {
        what: "stage",
        name: only.to_owned(),
    })?];
    let mut chosen = Vec::new();
    while let Some(stage) = open.pop() {
        chosen.push(stage.id.value.as_str());
        open.extend(
            stage
                .after
                .iter()
                .filter_map(|id| exercise.stage(&id.value)),
        );
    }
    Ok(chosen)
}

/// Fills in what the exercise's files say about a failed build.
fn with_rule(curriculum: &Curriculum, exercise: &Exercise, failure: Failure) -> Failure {
    let rule = diagnose::rule(exercise, &curriculum.common, &failure.rule);
    let diagnosis = curriculum
        .common
        .diagnoses
        .iter()
        .find(|diagnosis| diagnosis.id.value == failure.diagnosis);
    Failure {
        requirement: rule
            .map(|rule| rule.requirement.clone())
            .unwrap_or_default(),
        reference: rule.map(|rule| rule.reference.clone()).unwrap_or_default(),
        cause: diagnosis
            .map(|diagnosis| diagnosis.say.clone())
            .unwrap_or_default(),
        look: diagnosis
            .map(|diagnosis| diagnosis.look.clone())
            .unwrap_or_default(),
        ..failure
    }
}

/// Why a stage that has to do with other users is not judged in a box.
const NOBODY: &str = "This stage needs other users as they are. In the box of bwrap, a user namespace, they all look like nobody (65534).";
const NO_NAMESPACES: &str = "This stage needs namespaces that the program makes itself, which the box of bwrap does not let it.";

/// Why a stage that chooses the arguments is not judged with a command that says where its own go.
const ARGUMENTS: &str = "This stage starts the program with other arguments than the first ones. A command that names its arguments itself cannot be given them; without {socket} and its like in it, it gets those of each stage.";

/// What is judged, and where.
pub(super) struct Judge<'a> {
    pub(super) curriculum: &'a Curriculum,
    pub(super) exercise: &'a Exercise,
    pub(super) prepared: &'a Prepared,
    pub(super) arena: &'a Arena,
    pub(super) bwrap: Option<&'a Bwrap>,
    pub(super) cancel: &'a Cancel,
}

impl Judge<'_> {
    fn stage(
        &self,
        stage: &Stage,
        number: usize,
        request: &Request,
        seed: u64,
        explains: bool,
        leftovers: &mut Vec<Leftover>,
    ) -> Result<(Verdict, Option<Failure>), CheckError> {
        if let Program::Running(_) = &self.prepared.program
            && let Some(need) = needs_own_program(stage)
        {
            let cause =
                format!("This stage {need}; a server that already runs cannot be asked that.");
            return Ok((Verdict::CannotJudge, Some(because(cause))));
        }
        if let Program::Shell(command) = &self.prepared.program
            && program::names_its_arguments(command)
            && has_other_arguments(self.exercise, stage)
        {
            return Ok((Verdict::CannotJudge, Some(because(ARGUMENTS.to_owned()))));
        }
        let needs = self.exercise.needs.iter().chain(&stage.needs);
        let lacking = needs.copied().find(|need| !Bwrap::leaves(*need));
        if let (Some(_), Some(need)) = (self.bwrap, lacking) {
            let why = match need {
                Need::Namespaces => NO_NAMESPACES,
                Need::Users | Need::PeerPid => NOBODY,
            };
            return Ok((Verdict::CannotJudge, Some(because(why.to_owned()))));
        }
        let setting = self.setting(number, seed, request);
        let place = self.place(stage, number)?;
        let mut run = match stage::run(stage, setting, place) {
            Ok(run) => run,
            Err(error) => return stage_error(error),
        };
        leftovers.append(&mut run.leftovers);
        let Some(mut trouble) = run.trouble.take() else {
            return Ok((Verdict::Pass, None));
        };
        let second = Second {
            judge: self,
            stage,
            number,
            setting,
        };
        second.look_for_a_buffer(&mut trouble)?;
        let mut timeline_note = second::OBSERVED.to_owned();
        // What took too much of the machine once is not let loose on it again.
        if explains && trouble.seen.outcome != "limit" {
            timeline_note = second.explain(&mut trouble, &mut run)?;
        }
        let by_hand = self.by_hand(stage, &trouble.seen.kernel.calls);
        let common = &self.curriculum.common;
        match diagnose::diagnose(self.exercise, common, stage, &run, &trouble, by_hand) {
            Ok(failure) => Ok((
                Verdict::Fail,
                Some(Failure {
                    timeline_note,
                    ..failure
                }),
            )),
            Err(reason) => Ok((Verdict::CheckerError, Some(our_fault(&reason)))),
        }
    }

    fn setting(&self, number: usize, seed: u64, request: &Request) -> Setting<'_> {
        Setting {
            exercise: self.exercise,
            program: &self.prepared.program,
            arena: self.arena,
            bwrap: self.bwrap,
            seed: seed ^ number as u64,
            patience: u64::from(request.patience.max(1)),
            purpose: Purpose::Verdict,
            hurried_from: usize::MAX,
            cancel: self.cancel,
        }
    }

    /// Runs every stage that passed once more, with the compiler's sanitizers. What they find is
    /// added to the report; verdicts stay.
    fn look_once_more(
        &self,
        request: &Request,
        report: &mut Report,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), CheckError> {
        progress(Progress::Sanitizing);
        report.sanitized = self.prepared.sanitized(self.arena, self.cancel).is_some();
        let seed = report.seed;
        for stage_report in &mut report.stages {
            let found = self.exercise.stages.iter().enumerate();
            let mut found = found.filter(|(_, stage)| stage.id.value == stage_report.id);
            let (Some((number, stage)), Verdict::Pass, true) =
                (found.next(), stage_report.verdict, report.sanitized)
            else {
                continue;
            };
            let second = Second {
                judge: self,
                stage,
                number,
                setting: self.setting(number, seed, request),
            };
            stage_report.sanitizer = second.sanitize()?;
        }
        Ok(())
    }

    /// The stage as shell commands; `calls` are those that a program which plays the kernel answers
    /// otherwise. The address is not the arena's, which is gone by then, but one
    /// of the same kind and length.
    fn by_hand(&self, stage: &Stage, calls: &[String]) -> String {
        let (lead, socket) = match (&self.prepared.program, stage.path_bytes) {
            (Program::Running(socket), _) => {
                (String::new(), Untrusted::from(socket.as_path()).to_string())
            }
            (_, None) => (String::new(), format!("/tmp/{}.sock", self.exercise.slug)),
            (_, Some(bytes)) => {
                let folder = format!("/tmp/{}", "d".repeat((bytes as usize).saturating_sub(10)));
                (format!("mkdir -p {folder}\n"), format!("{folder}/sock"))
            }
        };
        let context = serde_json::json!({
            "socket": socket,
            "other": format!("/tmp/{}-other.sock", self.exercise.slug),
            "file": format!("/tmp/{}.file", self.exercise.slug),
            "program": self.prepared.by_hand,
            "calls": calls,
        });
        match expression::fill(&stage.by_hand, &context) {
            Ok(commands) => lead + &commands,
            Err(error) => format!("# {error}"),
        }
    }

    /// A fresh directory for a run of a stage.
    pub(super) fn place(
        &self,
        stage: &Stage,
        number: usize,
    ) -> Result<super::arena::Place, CheckError> {
        if let Program::Running(socket) = &self.prepared.program {
            return Ok(stage::place_of(socket.clone(), self.arena));
        }
        self.arena
            .place(number, stage.path_bytes)
            .map_err(|error| CheckError::Fault(format!("cannot make a directory: {error}")))
    }
}

fn stage_error(error: StageError) -> Result<(Verdict, Option<Failure>), CheckError> {
    match error {
        StageError::Link(LinkError::Cancelled) => Err(CheckError::Cancelled),
        StageError::CannotJudge(why) => Ok((Verdict::CannotJudge, Some(because(why.to_owned())))),
        other => {
            let reason = match std::error::Error::source(&other) {
                Some(source) => format!("{other}: {source}"),
                None => other.to_string(),
            };
            Ok((Verdict::CheckerError, Some(our_fault(&reason))))
        }
    }
}

/// A stage that was not judged, or could not be: only the reason is known.
fn because(cause: String) -> Failure {
    Failure {
        cause,
        ..Failure::default()
    }
}

fn our_fault(reason: &str) -> Failure {
    Failure {
        cause: format!("The checker itself failed: {reason}."),
        look: "This is a fault of ipc-mastery, not of your program.".to_owned(),
        ..Failure::default()
    }
}

/// Whether the stage starts the program with arguments of its own.
fn has_other_arguments(exercise: &Exercise, stage: &Stage) -> bool {
    let usual = exercise.arguments();
    stage.steps.iter().any(|step| match &step.action {
        Action::Start(start) => start.arguments.as_ref().is_some_and(|own| *own != usual),
        _ => false,
    })
}

/// Why a stage needs a program that we start, if it does.
fn needs_own_program(stage: &Stage) -> Option<&'static str> {
    if stage.path_bytes.is_some() {
        return Some("chooses the address");
    }
    let mut starts = 0;
    stage.steps.iter().find_map(|step| match &step.action {
        Action::Start(start) if start.wait == Wait::Ready => {
            starts += 1;
            (starts > 1).then_some("starts the program more than once")
        }
        Action::Start(_) => Some("starts the program a second time"),
        Action::Signal { .. }
        | Action::Interrupt { .. }
        | Action::Pause { .. }
        | Action::Resume { .. } => Some("sends it signals"),
        Action::ExpectExit { .. } => Some("waits for its end"),
        Action::ExpectLine { .. }
        | Action::ExpectNoLine { .. }
        | Action::ExpectOutput { .. }
        | Action::ExpectListed(_)
        | Action::ExpectUnlisted(_) => Some("reads its standard output"),
        Action::NoteChildren { .. } | Action::ExpectChildren { .. } => {
            Some("looks at the processes it has started")
        }
        Action::ExpectMemory { .. }
        | Action::NoteMemory { .. }
        | Action::NoteWakeups { .. }
        | Action::ExpectWakeups { .. }
        | Action::ExpectIdle { .. } => Some("measures its process"),
        Action::WaitAsleep { .. }
        | Action::NoteQueue { .. }
        | Action::ExpectFullQueue { .. }
        | Action::LimitDescriptors { .. } => Some("looks at its process"),
        Action::WriteFile { .. } | Action::Listen { .. } | Action::ServeFrames { .. } => {
            Some("prepares what the program is started with")
        }
        Action::ExpectRunning { .. }
        | Action::ExpectServedBy { .. }
        | Action::ExpectNoLeakedDescriptors { .. }
        | Action::ExpectNoLeftovers { .. }
        | Action::ExpectCloseOnExec { .. } => Some("looks at its process"),
        _ => None,
    })
}
