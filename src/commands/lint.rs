//! `lint`: every mistake in lessons and exercises, for their authors.

use std::path::PathBuf;

use super::context::Context;
use super::error::CommandError;
use super::unknown;
use crate::curriculum::schema::{KINDS, Kind};
use crate::curriculum::source::Source;
use crate::exit_code::ExitCode;

/// Checks a directory, or what is built in, and says what is there; or prints a schema.
///
/// # Errors
/// With all mistakes, each at its place.
pub fn run(
    context: &Context,
    dir: Option<PathBuf>,
    schema: Option<&str>,
) -> Result<ExitCode, CommandError> {
    if let Some(name) = schema {
        let kind = Kind::find(name).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            unknown::one_of("there is no schema of", name, &names)
        })?;
        context.print_json(&kind.schema())?;
        return Ok(ExitCode::Success);
    }
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
