//! One file a subcommand: gather, call, print. No logic worth testing lives here.

pub mod context;
pub mod error;
pub mod learn;
pub mod list;

use crate::cli::{Cli, Command};
use crate::exit_code::ExitCode;
use context::Context;
use error::CommandError;

/// Carries out what the command line asks for.
///
/// # Errors
/// Whatever kept it from being done, with the exit status it leads to.
pub fn run(cli: Cli) -> Result<ExitCode, CommandError> {
    let context = Context::new(&cli);
    match cli.command.unwrap_or(Command::Learn { name: None }) {
        Command::List { json } => list::run(&context, json),
        Command::Learn { name } => learn::run(&context, name.as_deref()),
        _ => Err(CommandError::usage("this subcommand is not built yet")),
    }
}

/// Tells the user on standard error why a subcommand was not done, and gives the exit status.
pub fn report(error: &CommandError) -> ExitCode {
    use crate::curriculum::LoadError;
    anstream::eprintln!("error: {}", error.message);
    let mut cause = error
        .cause
        .as_deref()
        .map(|cause| cause as &dyn std::error::Error);
    while let Some(error) = cause {
        if let Some(LoadError::Problems(problems)) = error.downcast_ref() {
            anstream::eprintln!("{problems}");
        }
        cause = error.source();
        if let Some(cause) = cause {
            anstream::eprintln!("  cause: {cause}");
        }
    }
    for hint in &error.hints {
        anstream::eprintln!("  hint: {hint}");
    }
    error.code
}
