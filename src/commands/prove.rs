//! `prove`: does a task, whose answers are evidence that an outcome is reached.
//!
//! ```text
//! $ ipc-mastery prove                 what there is to prove, and what is proven
//! $ ipc-mastery prove connect-steps   does this task
//! $ ipc-mastery prove O8              does the next task of this outcome
//! $ ipc-mastery prove socket-names    asks the questions of a lesson that you may know already
//! ```
//!
//! A task is answered in lines, from a terminal or through a pipe. That it was begun is recorded
//! before its first question: a try that is left counts as one that was not passed.
//!
//! A task about a scene sets it first and ends it last, however the task ends. Meanwhile a line that
//! begins with `!` is for the learner's shell.

mod answers;
mod shell;

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use serde_json::Value;

use super::context::Context;
use super::error::CommandError;
use super::remembered;
use super::unknown::{self, Kind};
use crate::cli;
use crate::curriculum::Curriculum;
use crate::curriculum::lesson::Lesson;
use crate::curriculum::task::{self, Live, Task};
use crate::exit_code::ExitCode;
use crate::experiment::scene::Scene;
use crate::experiment::{self, ExperimentError, Observation};
use crate::mastery::evidence::{self, PieceState};
use crate::mastery::path;
use crate::mastery::progress::Progress;
use crate::mastery::proof::{Asked, Given, Judged, Proof, ProofError};
use crate::mastery::store::{Begun, Reading, Store};
use crate::probe;
use crate::render::markdown::Layout;
use crate::render::{ansi, task as drawing};
use crate::untrusted::Untrusted;
use answers::{Asking, Ready};
use drawing::Aim;
use shell::Shell;

/// Does a task, or lists what there is.
///
/// # Errors
/// When there is no such task, this machine lacks what it needs, or nothing can be printed.
pub fn run(context: &Context, options: &cli::Prove) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let progress = remembered::progress(context);
    let Some(name) = &options.name else {
        let listing = drawing::listing(&curriculum, &progress);
        if options.json {
            context.print_json(&listing)?;
        } else {
            context.print_text(&drawing::list(&listing, ansi::reading_width()))?;
        }
        return Ok(ExitCode::Success);
    };
    let mut sitting = Sitting {
        context,
        curriculum: &curriculum,
        layout: Layout::new(ansi::reading_width()),
        asking: Asking::new(context),
        scene: None,
    };
    if let Some(lesson) = curriculum.lesson(name) {
        unread(lesson, &progress)?;
        return sitting.pass_over(lesson, options.seed);
    }
    let task = chosen(&curriculum, &progress, name)?;
    let outcomes = evidence::outcomes_of(&curriculum, &task.slug);
    sitting.hold(task, options.seed, Aim::Evidence(&outcomes))
}

/// Who has opened a lesson has seen its questions.
fn unread(lesson: &Lesson, progress: &Progress) -> Result<(), CommandError> {
    let slug = &lesson.slug;
    if lesson.quiz.is_empty() {
        let message = format!("`{slug}` has no questions that could show that you know it");
        return Err(CommandError::usage(message));
    }
    let known = progress.lessons.get(slug);
    if known.is_some_and(|known| known.first_read_at.is_some()) {
        let message = format!("you have opened `{slug}` already");
        let hint = format!("`ipc-mastery learn {slug}` goes on with it.");
        return Err(CommandError::usage(message).hinted(hint));
    }
    Ok(())
}

/// The task with this name, or the next one of an outcome.
fn chosen<'a>(
    curriculum: &'a Curriculum,
    progress: &Progress,
    name: &str,
) -> Result<&'a Task, CommandError> {
    if let Some(task) = curriculum.task(name) {
        return Ok(task);
    }
    let standing = path::standing(curriculum, progress);
    let mut outcomes = standing.levels.iter().flat_map(|level| &level.outcomes);
    let Some(outcome) = outcomes.find(|outcome| outcome.id.eq_ignore_ascii_case(name)) else {
        return Err(unknown::name(curriculum, Kind::Task, name));
    };
    let pieces = &outcome.evidence.pieces;
    let open = pieces
        .iter()
        .filter(|piece| piece.state != PieceState::Earned);
    let mut tasks = open
        .chain(pieces)
        .filter_map(|piece| curriculum.task(&piece.name));
    tasks.next().ok_or_else(|| {
        let message = format!("{} has no task: it is shown otherwise", outcome.id);
        CommandError::usage(message).hinted("`ipc-mastery path` says what gives evidence for it.")
    })
}

/// Somebody doing a task.
struct Sitting<'a> {
    context: &'a Context,
    curriculum: &'a Curriculum,
    layout: Layout<'a>,
    asking: Asking<'a>,
    /// What stands while the task is done.
    scene: Option<Scene>,
}

/// A try that is recorded, or why it is not.
enum Record {
    Kept(Store, Begun),
    Practice,
}

impl Sitting<'_> {
    /// Asks what somebody must know to pass over a lesson: its variant, where there is one that this
    /// machine can run, then its questions.
    fn pass_over(&mut self, lesson: &Lesson, seed: Option<u64>) -> Result<ExitCode, CommandError> {
        let named = lesson.variant.as_ref();
        if let Some(variant) = named.and_then(|named| self.curriculum.task(&named.value)) {
            let outcomes = evidence::outcomes_of(self.curriculum, &variant.slug);
            match self.hold(variant, seed, Aim::Evidence(&outcomes)) {
                Ok(ExitCode::Success) => {}
                Err(error) if error.code == ExitCode::CannotJudge => {
                    let why = "Its prediction cannot be judged on this machine; its questions are \
                               asked alone.";
                    self.context.say(why);
                }
                other => return other,
            }
        }
        let task = Task::of_lesson(lesson);
        self.hold(&task, seed, Aim::Known(&lesson.slug))
    }

    /// Asks a task from its first question to its result.
    fn hold(
        &mut self,
        task: &Task,
        seed: Option<u64>,
        aim: Aim<'_>,
    ) -> Result<ExitCode, CommandError> {
        let drawn = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
        let mut proof = Proof::draw(task, drawn);
        self.context
            .print_text(&drawing::opening(task, aim, self.layout))?;
        if self.stage(&proof)? == Ready::Left {
            return Ok(ExitCode::Interrupted);
        }
        // A variant is shown when it was predicted; everything else is shown first. It is run before
        // in any case, so that nobody is asked what cannot be judged here.
        let mut obs = Value::Null;
        let mut hidden = None;
        if task.kind == task::Kind::Variant {
            hidden = Some(self.observe(&proof)?);
        } else {
            obs = self.look(&proof)?;
            proof.keep_askable(&obs).map_err(unfit)?;
        }
        if proof.asked.is_empty() {
            let message = format!("nothing can be asked for `{}` on this machine", task.slug);
            return Err(CommandError::cannot_judge(message));
        }
        let record = match seed {
            Some(_) => Record::Practice,
            None => self.begin(&proof),
        };
        let of = proof.asked.len();
        let needed = task.pass.min(of);
        let trying = drawing::trying(of, needed, record.worth(), self.layout);
        self.context.print_text(&trying)?;
        let Some(right) = self.ask_all(&proof, obs, hidden)? else {
            self.context
                .say("Ended early: this was a try, and it is not passed.");
            return Ok(ExitCode::Interrupted);
        };
        let mut worth = record.worth();
        if let Record::Kept(store, begun) = record {
            let known = |store: &Store| match aim {
                Aim::Known(lesson) if right >= needed && begun.counts => {
                    store.record_reading(Reading {
                        lesson,
                        block: 0,
                        blocks: 1,
                    })
                }
                _ => Ok(()),
            };
            let kept = store
                .record_proof(begun, right, needed)
                .and_then(|()| known(&store));
            if let Err(error) = kept {
                worth = drawing::Worth::Practice;
                remembered::not_recorded(self.context, "this try is not recorded", &error);
            }
        }
        let result = drawing::Outcome {
            right,
            needed,
            of,
            worth,
        };
        self.context
            .print_text(&drawing::ending(result, aim, drawn, self.layout))?;
        Ok(if right >= needed {
            ExitCode::Success
        } else {
            ExitCode::Failed
        })
    }

    /// Records that the task was begun. Where nothing can be recorded, it is practice.
    fn begin(&self, proof: &Proof<'_>) -> Record {
        let begin = || {
            let store = Store::open()?;
            let begun = store.begin_proof(&proof.task.slug, proof.seed, proof.asked.len())?;
            Ok((store, begun))
        };
        match begin() {
            Ok((store, begun)) => Record::Kept(store, begun),
            Err(error) => {
                remembered::not_recorded(self.context, "this try is not recorded", &error);
                Record::Practice
            }
        }
    }

    /// Asks every question; gives how many were answered right, `None` when the input has ended.
    /// What is `hidden` decides, and is shown when all is answered.
    fn ask_all(
        &mut self,
        proof: &Proof<'_>,
        obs: Value,
        hidden: Option<Observation>,
    ) -> Result<Option<usize>, CommandError> {
        let of = proof.asked.len();
        let mut right = 0;
        let mut later: Vec<(&Asked<'_>, Given)> = Vec::new();
        for (number, asked) in proof.asked.iter().enumerate() {
            let place = drawing::Place {
                number: number + 1,
                of,
            };
            let Some(given) = self.asking.ask(asked, &obs, place, self.layout)? else {
                return Ok(None);
            };
            if hidden.is_some() {
                later.push((asked, given));
                continue;
            }
            let mut judged = proof.judge(asked, &given, &obs).map_err(unfit)?;
            if !judged.right && matches!(proof.task.live, Some(Live::Probe(_) | Live::Scene(_))) {
                // The machine may have changed since; what is so now is right, too.
                let now = self.look(proof)?;
                let again = proof.judge(asked, &given, &now).map_err(unfit)?;
                judged = if again.right { again } else { judged };
            }
            right += usize::from(judged.right);
            self.tell(&judged)?;
        }
        if let Some(seen) = hidden {
            self.context.print_text(&drawing::ran(&seen, self.layout))?;
            for (number, (asked, given)) in later.iter().enumerate() {
                let judged = proof.judge(asked, given, &seen.obs).map_err(unfit)?;
                right += usize::from(judged.right);
                let place = drawing::Place {
                    number: number + 1,
                    of,
                };
                let prompt = proof
                    .text(asked, &asked.question.prompt, &seen.obs)
                    .map_err(unfit)?;
                self.context
                    .print_text(&drawing::recalled(place, &prompt, self.layout))?;
                self.tell(&judged)?;
                if !judged.right {
                    let wording = asked.wording(&seen.obs).map_err(unfit)?;
                    let key = asked.key(&seen.obs).map_err(unfit)?;
                    self.context.print_text(&drawing::kernels_answer(
                        &wording,
                        &key,
                        self.layout,
                    ))?;
                }
            }
        }
        Ok(Some(right))
    }

    fn tell(&self, judged: &Judged) -> Result<(), CommandError> {
        let beliefs = &self.curriculum.misconceptions;
        self.context
            .print_text(&drawing::told(judged, beliefs, self.layout))
    }

    /// Sets the scene of a task, says what to do about it, and lets it go on when the learner is
    /// ready.
    fn stage(&mut self, proof: &Proof<'_>) -> Result<Ready, CommandError> {
        let Some(Live::Scene(staged)) = &proof.task.live else {
            return Ok(Ready::Yes);
        };
        let program = Path::new(experiment::OURSELVES);
        let catalogue = &self.curriculum.catalogue;
        let scene = Scene::begin(&staged.name.value, &proof.params, catalogue, program);
        let scene = self.scene.insert(scene.map_err(told)?);
        let seen = scene.look(catalogue).map_err(told)?;
        let brief = proof.brief(&seen).map_err(unfit)?.unwrap_or_default();
        let waits = scene.waits();
        let mut said = drawing::brief(&brief, self.layout);
        if let Some(directory) = scene.directory() {
            let shown = Untrusted::from(directory.as_path()).to_string();
            said.append(drawing::shell(&shown, self.layout));
            self.asking.shell = Some(Shell::new(directory, scene.variables()));
        }
        self.context.print_text(&said)?;
        if !waits {
            return Ok(Ready::Yes);
        }
        let ready = self.asking.ready()?;
        if ready == Ready::Yes
            && let Some(scene) = &mut self.scene
        {
            scene.go_on().map_err(told)?;
        }
        Ok(ready)
    }

    /// What a task is asked about: what its experiment saw, which is shown, or its probe, or what is
    /// there of its scene.
    fn look(&mut self, proof: &Proof<'_>) -> Result<Value, CommandError> {
        match &proof.task.live {
            None => Ok(Value::Null),
            Some(Live::Scene(_)) => match &mut self.scene {
                Some(scene) => scene.look(&self.curriculum.catalogue).map_err(told),
                None => Err(CommandError::internal("the task has no scene")),
            },
            Some(Live::Experiment { .. }) => {
                let seen = self.observe(proof)?;
                self.context.print_text(&drawing::ran(&seen, self.layout))?;
                Ok(seen.obs)
            }
            Some(Live::Probe(name)) => {
                let known = probe::Name::parse(&name.value).ok_or_else(|| {
                    CommandError::usage(format!("there is no probe `{}`", name.value))
                })?;
                let seen = probe::collect(&known.into(), &self.curriculum.catalogue)?;
                serde_json::to_value(&seen).map_err(|error| {
                    CommandError::internal("a probe cannot be written down").caused_by(error)
                })
            }
        }
    }

    fn observe(&self, proof: &Proof<'_>) -> Result<Observation, CommandError> {
        let Some(Live::Experiment { name, .. }) = &proof.task.live else {
            return Err(CommandError::internal("the task has no experiment"));
        };
        let program = Path::new(experiment::OURSELVES);
        experiment::run(&name.value, &proof.params, program).map_err(told)
    }
}

/// Why an experiment or a scene did not run.
fn told(error: ExperimentError) -> CommandError {
    match error {
        ExperimentError::Lacking { .. } => CommandError::cannot_judge(error.to_string()),
        ExperimentError::Unknown { .. } | ExperimentError::Parameters { .. } => {
            CommandError::usage(error.to_string())
        }
        _ => CommandError::internal(error.to_string()).caused_by(error),
    }
}

impl Record {
    fn worth(&self) -> drawing::Worth {
        match self {
            Self::Kept(_, begun) => match begun.counts_from {
                None => drawing::Worth::Counts,
                Some(from) => drawing::Worth::TooSoon(from),
            },
            Self::Practice => drawing::Worth::Practice,
        }
    }
}

/// What is told of a question that does not fit what was drawn or observed.
pub(super) fn unfit(error: ProofError) -> CommandError {
    CommandError::internal(error.to_string()).caused_by(error)
}
