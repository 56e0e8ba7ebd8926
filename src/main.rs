//! The program: reads the command line, does what it says, reports what went wrong.

use clap::Parser;
use ipc_mastery::cli::Cli;
use ipc_mastery::commands;

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let colours = cli.colours;
    match commands::run(cli) {
        Ok(code) => code.into(),
        Err(error) => commands::report(&error, colours).into(),
    }
}
