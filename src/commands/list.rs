//! `list`: modules, lessons and exercises with your progress.

use super::context::Context;
use super::error::CommandError;
use crate::exit_code::ExitCode;

/// Prints the list.
///
/// # Errors
/// When the curriculum cannot be loaded or standard output cannot be written.
pub fn run(context: &Context, json: bool) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let text = if json {
        serde_json::to_string_pretty(&curriculum).expect("a curriculum is plain data") + "\n"
    } else {
        curriculum
            .lessons()
            .map(|lesson| format!("{}\n", lesson.slug))
            .collect()
    };
    context.print(&text)?;
    Ok(ExitCode::Success)
}
