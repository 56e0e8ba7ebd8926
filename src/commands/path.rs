//! `path`: where you are on the mastery path, and what is next.

use serde::Serialize;

use super::context::Context;
use super::error::CommandError;
use super::{remembered, review};
use crate::exit_code::ExitCode;
use crate::mastery::path::{self, LevelStanding, Next, NextProof, Tally};
use crate::mastery::review::listing::{self as due, Summary};
use crate::render::{ansi, listing, review as drawing};

/// What `path --json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    schema: &'static str,
    title: &'a str,
    next: &'a Option<Next>,
    proof: &'a Option<NextProof>,
    simulated: bool,
    lessons: Tally,
    exercises: Tally,
    review: Summary,
    levels: &'a [LevelStanding],
    later: &'a [String],
}

/// Prints the path.
///
/// # Errors
/// When the curriculum cannot be loaded or standard output cannot be written.
pub fn run(context: &Context, json: bool) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let progress = remembered::progress(context);
    let standing = path::standing(&curriculum, &progress);
    let deck = review::deck(&curriculum, &progress);
    if json {
        context.print_json(&Printed {
            schema: "ipc-mastery/path/1",
            title: &standing.title,
            next: &standing.next,
            proof: &standing.proof,
            simulated: standing.simulated,
            lessons: standing.lessons,
            exercises: standing.exercises,
            review: due::summary(&deck),
            levels: &standing.levels,
            later: &standing.later,
        })?;
    } else {
        let width = ansi::terminal_width();
        let mut text = listing::path(&standing, width);
        text.append(drawing::on_the_path(&deck, width));
        context.print_text(&text)?;
    }
    Ok(ExitCode::Success)
}
