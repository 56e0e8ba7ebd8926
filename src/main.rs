//! The program: reads the command line, does what it says, reports what went wrong.

use clap::Parser;
use ipc_mastery::cli::Cli;
use ipc_mastery::commands;

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are asked for; everything else is a mistake.
        Err(answer) => return commands::answer(&answer).into(),
    };
    let colours = cli.colours;
    match commands::run(cli) {
        Ok(code) => code.into(),
        Err(error) => commands::report(&error, colours).into(),
    }
}
