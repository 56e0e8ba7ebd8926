//! `lint`: every mistake in lessons and exercises, for their authors.

use std::path::PathBuf;

use super::context::Context;
use super::error::CommandError;
use crate::curriculum::source::Source;
use crate::exit_code::ExitCode;

/// Checks a directory, or what is built in, and says what is there.
///
/// # Errors
/// With all mistakes, each at its place.
pub fn run(context: &Context, dir: Option<PathBuf>) -> Result<ExitCode, CommandError> {
    let source = dir.map_or_else(|| context.source().clone(), Source::Directory);
    let curriculum = context.load(&source)?;
    let count = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    let items = curriculum.lessons().map(|lesson| lesson.quiz.len()).sum();
    let mutants = curriculum
        .exercises
        .iter()
        .map(|exercise| exercise.proof.mutants.len())
        .sum();
    context.print(&format!(
        "No mistakes in {}, {}, {} and {}.\n",
        count(curriculum.lessons().count(), "lesson"),
        count(items, "quiz item"),
        count(curriculum.exercises.len(), "exercise"),
        count(mutants, "mutant"),
    ))?;
    Ok(ExitCode::Success)
}
