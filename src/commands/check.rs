//! `check`: build, run and judge a program; again on every save when asked to.

use std::io::{self, IsTerminal};

use super::chosen;
use super::context::Context;
use super::error::CommandError;
use super::remembered::not_recorded;
use super::unknown::{self, Kind};
use crate::check::cancel::Cancel;
use crate::check::locate::{self, LocateError, Wish};
use crate::check::marker::Marker;
use crate::check::verdict::{Report, Subject, Verdict};
use crate::check::watch::Watch;
use crate::check::{self, AfterFailure, Again, CheckError, Containment, Progress, Request, Target};
use crate::cli;
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::Exercise;
use crate::curriculum::source::Source;
use crate::exit_code::ExitCode;
use crate::mastery::store::{Store, StoreError};
use crate::render::ansi;
use crate::render::verdict;
use crate::sys::interrupt::on_interrupt;
use crate::sys::spawn::shield;

/// Judges a program.
///
/// # Errors
/// When it is not known which program is meant, or nothing could be judged.
pub fn run(context: &Context, options: &cli::Check) -> Result<ExitCode, CommandError> {
    shield().map_err(|error| CommandError::internal("cannot shield itself").caused_by(error))?;
    let cancel = Cancel::new().map_err(no_descriptor)?;
    let wish = cancel.clone();
    on_interrupt(move || wish.cancel())
        .map_err(|error| CommandError::internal("cannot handle signals").caused_by(error))?;
    let curriculum = needed(context, options)?;
    let store = Store::open();
    let (exercise, target) = locate(&curriculum, options, store.as_ref().ok())?;
    if let Some(id) = &options.stage {
        chosen::stage(exercise, id)?;
    }
    let request = Request {
        exercise: exercise.slug.clone(),
        target,
        seed: options.seed,
        patience: options.patience,
        stage: options.stage.clone(),
        again: match (options.once, options.sanitize) {
            (true, _) => Again::Nothing,
            (false, true) => Again::FailureOrPass,
            (false, false) => Again::Failure,
        },
        after_failure: match options.fail_fast {
            true => AfterFailure::Nothing,
            false => AfterFailure::TheRest,
        },
        containment: match options.isolation {
            cli::Isolation::Usual => Containment::Usual,
            cli::Isolation::Bwrap => Containment::Bwrap,
        },
    };
    if let (Target::Directory { path, .. }, true) = (&request.target, options.watch) {
        let watch = Watch::new(path).map_err(|error| {
            CommandError::cannot_judge("the directory cannot be watched")
                .caused_by(error)
                .hinted("Leave out --watch and run `check` after each change.")
        })?;
        let judge = |cancel: &Cancel| once(context, options, &curriculum, &request, &store, cancel);
        return on_every_save(context, watch, &cancel, judge);
    }
    once(context, options, &curriculum, &request, &store, &cancel)
}

/// What is needed of the curriculum. A pack that is being written is loaded and checked whole.
fn needed(context: &Context, options: &cli::Check) -> Result<Curriculum, CommandError> {
    if let (Source::Embedded, Some(name)) = (context.source(), &options.exercise)
        && let Some(alone) = Curriculum::load_exercise(context.source(), name)?
    {
        return Ok(alone);
    }
    context.curriculum()
}

/// Judges, and judges again on every save, until Ctrl-C; a check that goes on then is given up.
fn on_every_save(
    context: &Context,
    mut watch: Watch,
    cancel: &Cancel,
    judge: impl Fn(&Cancel) -> Result<ExitCode, CommandError>,
) -> Result<ExitCode, CommandError> {
    let broken =
        |error: io::Error| CommandError::internal("cannot watch any longer").caused_by(error);
    loop {
        let judged = watch.during(cancel, |round| (judge(round), round.is_cancelled()));
        let ((result, given_up), saved) = judged.map_err(broken)?;
        if cancel.is_cancelled() {
            return Ok(ExitCode::Interrupted);
        }
        match result {
            Ok(_) => {}
            Err(_) if given_up => {}
            Err(error) => drop(super::report(&error, context.colours())),
        }
        if saved {
            context.say("\nSaved: starting over.");
            continue;
        }
        context.say("\nWaiting for a change; Ctrl-C ends.");
        if !watch.wait(cancel).map_err(broken)? {
            return Ok(ExitCode::Interrupted);
        }
    }
}

fn once(
    context: &Context,
    options: &cli::Check,
    curriculum: &Curriculum,
    request: &Request,
    store: &Result<Store, StoreError>,
    cancel: &Cancel,
) -> Result<ExitCode, CommandError> {
    let live = !options.json && io::stderr().is_terminal();
    let stages = curriculum
        .exercise(&request.exercise)
        .map(|exercise| &exercise.stages);
    let mut tell = |progress: Progress| {
        let words = match progress {
            Progress::Building => "building".to_owned(),
            Progress::StageStarted { id } => stages
                .and_then(|stages| stages.iter().find(|stage| stage.id.value == id))
                .map_or(id, |stage| stage.title.clone()),
            Progress::StageDone(_) => return,
            Progress::Sanitizing => "looking once more, with the compiler's sanitizers".to_owned(),
        };
        if live {
            anstream::eprint!("\r\x1b[K… {words}");
        }
    };
    let result = check::run(curriculum, request, cancel, &mut tell);
    if live {
        anstream::eprint!("\r\x1b[K");
    }
    let report = result.map_err(explain)?;
    if options.json {
        let json = serde_json::to_string_pretty(&report).expect("a report is plain data");
        context.print(&(json + "\n"))?;
    } else {
        context.print_text(&verdict::draw(&report, ansi::terminal_width().min(100)))?;
        if let Some(words) = about_sanitizers(options, curriculum, &report) {
            context.say(words);
        }
    }
    record(context, store, &report);
    Ok(code(report.verdict))
}

/// What is said of the compiler's sanitizers after a pass.
fn about_sanitizers(
    options: &cli::Check,
    curriculum: &Curriculum,
    report: &Report,
) -> Option<&'static str> {
    let Subject::Directory { language, .. } = &report.subject else {
        return None;
    };
    let has_some = !curriculum.language(language)?.sanitize.is_empty();
    match (report.verdict, options.sanitize, report.sanitized) {
        (Verdict::Pass, true, false) if has_some => Some(
            "note: the compiler here has no sanitizers; `ipc-mastery doctor` tells how to get them",
        ),
        (Verdict::Pass, true, false) => {
            Some("note: there are no sanitizers for programs in this language")
        }
        (Verdict::Pass, false, _) if has_some && report.evidence => {
            Some("`ipc-mastery check --sanitize` looks for mistakes that only luck hides.")
        }
        _ => None,
    }
}

/// Remembers the verdict; where that is impossible the verdict stands all the same.
fn record(context: &Context, store: &Result<Store, StoreError>, report: &Report) {
    const UNRECORDED: &str = "this verdict was not recorded";
    match store {
        Ok(store) => {
            if let Err(error) = store.record_check(report) {
                not_recorded(context, UNRECORDED, &error);
            }
        }
        Err(error) => not_recorded(context, UNRECORDED, error),
    }
}

fn locate<'a>(
    curriculum: &'a Curriculum,
    options: &cli::Check,
    store: Option<&Store>,
) -> Result<(&'a Exercise, Target), CommandError> {
    let wish = Wish {
        exercise: options.exercise.clone(),
        dir: options.dir.clone(),
        cmd: options.cmd.clone(),
        socket: options.socket.clone(),
    };
    let here = std::env::current_dir()
        .map_err(|error| CommandError::usage("the current directory is gone").caused_by(error))?;
    let started = store
        .and_then(|store| store.snapshot().ok())
        .and_then(|progress| progress.last_start);
    let last = started.map(|started| Marker {
        directory: started.directory.as_path().to_owned(),
        exercise: started.exercise,
        language: started.language,
    });
    locate::locate(curriculum, &wish, &here, last.as_ref()).map_err(|error| {
        let message = error.to_string();
        let hint = match &error {
            LocateError::UnknownExercise(name) => {
                return unknown::name(curriculum, Kind::Exercise, name);
            }
            LocateError::NoExercise => {
                "Name one: `ipc-mastery check exercise-3`; `ipc-mastery list` shows them.".to_owned()
            }
            LocateError::NoProgram { name } => format!(
                "`ipc-mastery start {name} --lang c` makes one; --dir, --cmd and --socket name another."
            ),
            LocateError::NoDirectory { .. } | LocateError::NoMain { .. } => {
                "Name the directory of your program with --dir.".to_owned()
            }
            LocateError::Marker(_) => "Remove it, or run `start` again elsewhere.".to_owned(),
        };
        let said = CommandError::usage(message).hinted(hint);
        match error {
            LocateError::NoDirectory { error, .. } => said.caused_by(error),
            _ => said,
        }
    })
}

fn explain(error: CheckError) -> CommandError {
    let message = error.to_string();
    match error {
        CheckError::Unknown { .. } => CommandError::usage(message),
        CheckError::NobodyListens { .. } => CommandError::usage(message)
            .hinted("Start your server first; `check` without --socket starts it for you."),
        CheckError::CannotJudge(_) => CommandError::cannot_judge(message)
            .hinted("`ipc-mastery doctor` tells what this machine has, and how to get the rest."),
        CheckError::Cancelled => CommandError::interrupted(),
        CheckError::Fault(_) => CommandError::internal(message),
    }
}

fn no_descriptor(error: io::Error) -> CommandError {
    CommandError::internal("no descriptor is left").caused_by(error)
}

fn code(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Pass => ExitCode::Success,
        Verdict::Fail => ExitCode::Failed,
        Verdict::CannotJudge | Verdict::NotJudged => ExitCode::CannotJudge,
        Verdict::CheckerError => ExitCode::Internal,
    }
}
