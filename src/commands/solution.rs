//! `solution EXERCISE`: the explanation and the reference solution, once the exercise is passed.

use super::chosen;
use super::context::Context;
use super::error::CommandError;
use super::remembered;
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::Exercise;
use crate::exit_code::ExitCode;
use crate::mastery::progress::ExerciseProgress;
use crate::render::highlight::Highlighter;
use crate::render::markdown::{Document, Layout};
use crate::render::text::Text;
use crate::render::theme::Palette;
use crate::render::{ansi, highlight};

/// Prints the explanation and the solution's files.
///
/// # Errors
/// When the exercise does not exist, was not passed, has no solution in that language, or standard
/// output cannot be written.
pub fn run(
    context: &Context,
    exercise: &str,
    language: Option<&str>,
) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let exercise = chosen::exercise(&curriculum, exercise)?;
    let known = remembered::progress(context)
        .exercises
        .remove(&exercise.slug)
        .unwrap_or_default();
    if known.passed_at.is_none() {
        context.say(&format!(
            "The solution of {} is shown after a recorded pass, and none is recorded yet.",
            exercise.name()
        ));
        context.say("  Passes with --cmd, --socket or --stage do not count.");
        context.say(&format!("  Stuck? ipc-mastery hint {}", exercise.name()));
        return Ok(ExitCode::Failed);
    }
    let language = chosen_language(&curriculum, exercise, &known, language)?;
    context.print_text(&draw(context, &curriculum, exercise, language))?;
    Ok(ExitCode::Success)
}

fn chosen_language<'a>(
    curriculum: &'a Curriculum,
    exercise: &'a Exercise,
    known: &ExerciseProgress,
    asked: Option<&str>,
) -> Result<&'a str, CommandError> {
    if let Some(asked) = asked {
        return chosen::language(curriculum, exercise, asked).map(|found| found.id.value.as_str());
    }
    let offered = || {
        exercise
            .languages
            .iter()
            .map(|language| language.value.as_str())
    };
    let last = known.last.as_ref().and_then(|last| last.language.clone());
    last.iter()
        .chain(&known.passed_languages)
        .find_map(|mine| offered().find(|id| id == mine))
        .or_else(|| offered().next())
        .ok_or_else(|| CommandError::internal(format!("{} has no solution", exercise.name())))
}

fn draw(context: &Context, curriculum: &Curriculum, exercise: &Exercise, language: &str) -> Text {
    let mut text = Text::new();
    let explanation = Document::parse(&exercise.explanation);
    text.append(explanation.layout(Layout::new(ansi::reading_width())).text);
    let prefix = format!("solution/{language}/");
    let name = curriculum
        .language(language)
        .map_or(language, |language| language.name.as_str());
    let coloured = !matches!(context.theme().palette(), Palette::Bare | Palette::Mono);
    for file in &exercise.files {
        let Some(path) = file.name.strip_prefix(&prefix) else {
            continue;
        };
        text.blank();
        let heading = format!("## `{path}` · {name}");
        text.append(
            Document::parse(&heading)
                .layout(Layout::new(ansi::reading_width()))
                .text,
        );
        text.blank();
        let code = String::from_utf8_lossy(&file.bytes);
        let kind = path.rsplit('.').next().unwrap_or_default();
        text.lines.extend(if coloured {
            Highlighter::wait().lines(kind, &code)
        } else {
            highlight::plain_lines(&code)
        });
    }
    text
}
