//! `reset [EXERCISE]`: forget progress, all or that of one exercise. Asks first; never touches the
//! learner's files.

use std::io::{self, BufRead, IsTerminal};

use super::chosen;
use super::context::Context;
use super::error::CommandError;
use crate::cli::Reset;
use crate::exit_code::ExitCode;
use crate::mastery::store::{Remembered, Scope, Store};

/// Says what would be forgotten, asks, and forgets it.
///
/// # Errors
/// When the exercise does not exist, nobody can be asked, or nothing can be forgotten.
pub fn run(context: &Context, options: &Reset) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let exercise = match &options.exercise {
        Some(name) => Some(chosen::exercise(&curriculum, name)?),
        None => None,
    };
    let (scope, whose) = match exercise {
        Some(exercise) => (
            Scope::Exercise(&exercise.slug),
            format!("{} ({})", exercise.name(), exercise.slug),
        ),
        None => (Scope::All, "all lessons and exercises".to_owned()),
    };
    let store = Store::open_if_present()?;
    let Some((store, remembered)) = (match store {
        Some(store) => {
            let remembered = store.remembered(scope)?;
            (!remembered.is_nothing()).then_some((store, remembered))
        }
        None => None,
    }) else {
        context.say(&format!("Nothing is remembered of {whose}."));
        return Ok(ExitCode::Success);
    };
    context.say(&format!("This forgets your progress in {whose}:"));
    for line in words(&remembered) {
        context.say(&format!("  {line}"));
    }
    context.say("Your files are not touched.");
    if !options.yes && !confirmed(context)? {
        context.say("Nothing was forgotten.");
        return Ok(ExitCode::Success);
    }
    store.forget(scope)?;
    context.say("Forgotten.");
    Ok(ExitCode::Success)
}

fn words(remembered: &Remembered) -> Vec<String> {
    [
        (remembered.passed, "exercise passed", "exercises passed"),
        (remembered.attempts, "check", "checks"),
        (
            remembered.trials,
            "check that could not count (--cmd, --socket, --stage)",
            "checks that could not count (--cmd, --socket, --stage)",
        ),
        (remembered.hints, "hint taken", "hints taken"),
        (
            remembered.starts,
            "place where `start` put files",
            "places where `start` put files",
        ),
        (remembered.lessons, "lesson opened", "lessons opened"),
        (
            remembered.answers,
            "answer to a question",
            "answers to questions",
        ),
        (
            remembered.reviews,
            "answer in a review",
            "answers in reviews",
        ),
        (
            remembered.predictions,
            "prediction or stated fact",
            "predictions and stated facts",
        ),
        (remembered.proofs, "task tried", "tasks tried"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
    .collect()
}

fn confirmed(context: &Context) -> Result<bool, CommandError> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(
            CommandError::usage("nobody can be asked: standard input is no terminal")
                .hinted("Add --yes to forget it without being asked."),
        );
    }
    context.say("Type `yes` to forget it:");
    let mut answer = String::new();
    stdin
        .lock()
        .read_line(&mut answer)
        .map_err(|error| CommandError::usage("the answer cannot be read").caused_by(error))?;
    Ok(answer.trim() == "yes")
}
