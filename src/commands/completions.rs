//! `completions SHELL`: a shell completion script on standard output.

use clap_complete::Shell;

use super::context::Context;
use super::error::CommandError;
use crate::cli;
use crate::exit_code::ExitCode;

/// Prints the script.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(context: &Context, shell: Shell) -> Result<ExitCode, CommandError> {
    context.print(&script(shell))?;
    Ok(ExitCode::Success)
}

/// The script.
pub fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::documented(), "ipc-mastery", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
