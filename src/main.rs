//! The program: reads the command line, does what it says, reports what went wrong.

use std::io::{self, Write};

use clap::Parser;
use ipc_mastery::cli::{Background, Cli, Colours, When};
use ipc_mastery::commands;
use ipc_mastery::exit_code::ExitCode;

fn main() -> std::process::ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => {
            let colours = cli.colours;
            commands::run(cli).unwrap_or_else(|error| commands::report(&error, colours))
        }
        Err(answer) => tell(&answer),
    };
    code.into()
}

/// Prints what the command line itself is answered with: help and version on standard output, a
/// mistake in it on standard error. A reader that has gone is no error.
fn tell(answer: &clap::Error) -> ExitCode {
    let printed = answer.print().and_then(|()| io::stdout().flush());
    match printed {
        _ if answer.use_stderr() => ExitCode::Usage,
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let colours = Colours {
                color: When::Auto,
                background: Background::Auto,
            };
            commands::report(&error.into(), colours)
        }
        _ => ExitCode::Success,
    }
}
