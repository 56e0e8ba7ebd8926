//! `list`: modules, lessons and exercises with your progress.

use serde::Serialize;

use super::context::Context;
use super::error::CommandError;
use super::remembered;
use crate::exit_code::ExitCode;
use crate::mastery::path::{self, ModuleStanding, Next, Tally};
use crate::mastery::progress::Progress;
use crate::mastery::project::ProjectStanding;
use crate::render::{ansi, listing, task};

/// What `list --json` prints.
#[derive(Serialize)]
struct Listing<'a> {
    schema: &'static str,
    next: &'a Option<Next>,
    lessons: Tally,
    exercises: Tally,
    modules: &'a [ModuleStanding],
    projects: &'a [ProjectStanding],
    progress: &'a Progress,
}

/// Prints the list.
///
/// # Errors
/// When the curriculum cannot be loaded or standard output cannot be written.
pub fn run(context: &Context, json: bool) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let progress = remembered::progress(context);
    let standing = path::standing(&curriculum, &progress);
    let projects = curriculum.projects.iter();
    let projects: Vec<_> = projects
        .map(|project| ProjectStanding::of(project, &progress))
        .collect();
    if json {
        context.print_json(&Listing {
            schema: "ipc-mastery/list/1",
            next: &standing.next,
            lessons: standing.lessons,
            exercises: standing.exercises,
            modules: &standing.modules,
            projects: &projects,
            progress: &progress,
        })?;
    } else {
        let width = ansi::terminal_width();
        let mut text = listing::list(&standing, width);
        text.append(listing::projects(&projects, width));
        text.append(task::explored(
            &task::listing(&curriculum, &progress),
            width,
        ));
        context.print_text(&text)?;
    }
    Ok(ExitCode::Success)
}
