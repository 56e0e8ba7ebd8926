//! `lint`: every mistake in lessons and exercises, for their authors.

use std::path::PathBuf;

use super::context::Context;
use super::error::CommandError;
use super::unknown;
use crate::curriculum::Curriculum;
use crate::curriculum::schema::{KINDS, Kind};
use crate::curriculum::source::Source;
use crate::exit_code::ExitCode;
use crate::experiment::sentences::{self, Backed};

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
    context.print(&unbacked(&curriculum))?;
    Ok(ExitCode::Success)
}

/// How many factual sentences no claim backs: a note for authors, and no mistake.
fn unbacked(curriculum: &Curriculum) -> String {
    let mut total = Backed::default();
    let mut each = String::new();
    for lesson in curriculum.lessons() {
        let Backed { backed, unbacked } = sentences::count(lesson);
        total.backed += backed;
        total.unbacked += unbacked;
        if unbacked > 0 {
            each += &format!(
                "  {unbacked:3} of {:3}  {}\n",
                backed + unbacked,
                lesson.slug
            );
        }
    }
    if total.unbacked == 0 {
        return String::new();
    }
    let all = total.backed + total.unbacked;
    format!(
        "Note: no claim backs {} of {all} factual sentences of lessons:\n{each}",
        total.unbacked
    )
}
