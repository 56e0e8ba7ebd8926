//! `try`: predict what the kernel does, run it, and see.

use std::path::Path;

use super::context::Context;
use super::error::CommandError;
use crate::exit_code::ExitCode;
use crate::experiment;

/// Runs an experiment, or lists all.
///
/// # Errors
/// When there is no such experiment or it cannot run.
pub fn run(context: &Context, name: Option<&str>, _json: bool) -> Result<ExitCode, CommandError> {
    let name = name.unwrap_or_default();
    let observation = experiment::run(
        name,
        &serde_json::Map::new(),
        Path::new(experiment::OURSELVES),
    )
    .map_err(|error| CommandError::internal(error.to_string()).caused_by(error))?;
    let text = serde_json::to_string_pretty(&observation).expect("plain data") + "\n";
    context.print(&text)?;
    Ok(ExitCode::Success)
}
