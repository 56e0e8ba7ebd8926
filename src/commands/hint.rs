//! `hint [EXERCISE]`: look, think, show; the next level each time, for the stage that failed.

use super::chosen;
use super::context::Context;
use super::error::CommandError;
use super::remembered;
use crate::check::verdict::Verdict;
use crate::cli::{Hint, HintLevel as Asked};
use crate::curriculum::exercise::{Exercise, Stage};
use crate::exit_code::ExitCode;
use crate::mastery::progress::{ExerciseProgress, HintLevel};
use crate::mastery::store::Store;
use crate::render::ansi;
use crate::render::markdown::{Document, Layout};
use crate::render::text::{Line, Role, Text};

/// Prints one hint and records that it was taken.
///
/// # Errors
/// When the exercise or stage does not exist or standard output cannot be written.
pub fn run(context: &Context, options: &Hint) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let exercise = chosen::exercise_or_here(context, &curriculum, options.exercise.as_deref())?;
    let known = remembered::progress(context)
        .exercises
        .remove(&exercise.slug)
        .unwrap_or_default();
    let stage = match &options.stage {
        Some(id) => chosen::stage(exercise, id)?,
        None => first_open(exercise, &known)
            .ok_or_else(|| CommandError::internal(format!("{} has no stages", exercise.name())))?,
    };
    let taken = known.hints.get(&stage.id.value).copied();
    let level = match options.level {
        Some(Asked::Look) => HintLevel::Look,
        Some(Asked::Think) => HintLevel::Think,
        Some(Asked::Show) => HintLevel::Show,
        None => HintLevel::after(taken),
    };
    let hint = match level {
        HintLevel::Look => &stage.hints.look,
        HintLevel::Think => &stage.hints.think,
        HintLevel::Show => &stage.hints.show,
    };
    let mut text = Text::new();
    text.line(
        Line::of(Role::Heading, exercise.title.clone())
            .with(Role::Plain, format!(" · {} · ", stage.title))
            .with(Role::Strong, level.word()),
    );
    text.blank();
    text.append(
        Document::parse(hint)
            .layout(Layout::new(ansi::reading_width()))
            .text,
    );
    context.print_text(&text)?;
    if let Err(error) =
        Store::open().and_then(|store| store.record_hint(&exercise.slug, &stage.id.value, level))
    {
        remembered::not_recorded(context, "this hint is not recorded", &error);
    }
    context.say("");
    context.say(after(level, stage, &known));
    Ok(ExitCode::Success)
}

/// The first stage that did not pass in the last check, required ones first; else the first stage
/// never passed; else the first.
fn first_open<'a>(exercise: &'a Exercise, known: &ExerciseProgress) -> Option<&'a Stage> {
    let last = known.last.iter().flat_map(|last| &last.stages);
    let failed = |bonus: bool| {
        let mut results = last.clone().filter(move |result| {
            let open = !matches!(result.verdict, Verdict::Pass | Verdict::NotJudged);
            open && result.bonus == bonus
        });
        results.find_map(|result| exercise.stage(&result.id))
    };
    let open = |stage: &&Stage| !known.stages_passed.contains_key(&stage.id.value);
    failed(false)
        .or_else(|| failed(true))
        .or_else(|| exercise.stages.iter().find(open))
        .or(exercise.stages.first())
}

fn after(level: HintLevel, stage: &Stage, known: &ExerciseProgress) -> &'static str {
    match level {
        HintLevel::Look => "For the mechanism behind it, ask again.",
        HintLevel::Think if known.is_helped_by_show(stage) => {
            "For a worked answer to a sister problem, ask again. A pass after that counts as \
             assisted."
        }
        HintLevel::Think => "For a worked answer to a sister problem, ask again.",
        HintLevel::Show if known.is_helped_by_show(stage) => {
            "From now on a pass of this exercise counts as assisted: it is recorded, but it is no \
             evidence that you can do it unaided. `ipc-mastery reset` with its name begins it anew."
        }
        HintLevel::Show if known.passed_unassisted_at.is_some() => {
            "You had passed this exercise before; that stays as it is."
        }
        HintLevel::Show if stage.bonus => {
            "This stage is a bonus: a pass of the exercise does not count as assisted for this."
        }
        HintLevel::Show => {
            "You had passed this stage before: a pass does not count as assisted for this."
        }
    }
}
