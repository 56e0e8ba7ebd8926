//! `path`: where you are on the mastery path, and what is next.

use serde::Serialize;

use super::context::Context;
use super::error::CommandError;
use super::remembered;
use crate::exit_code::ExitCode;
use crate::mastery::path::{self, LevelStanding, Next, Tally};
use crate::render::{ansi, listing};

/// What `path --json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    schema: &'static str,
    title: &'a str,
    next: &'a Option<Next>,
    lessons: Tally,
    exercises: Tally,
    levels: &'a [LevelStanding],
    later: &'a [String],
}

/// Prints the path.
///
/// # Errors
/// When the curriculum cannot be loaded or standard output cannot be written.
pub fn run(context: &Context, json: bool) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let standing = path::standing(&curriculum, &remembered::progress(context));
    if json {
        context.print_json(&Printed {
            schema: "ipc-mastery/path/1",
            title: &standing.title,
            next: &standing.next,
            lessons: standing.lessons,
            exercises: standing.exercises,
            levels: &standing.levels,
            later: &standing.later,
        })?;
    } else {
        context.print_text(&listing::path(&standing, ansi::terminal_width()))?;
    }
    Ok(ExitCode::Success)
}
