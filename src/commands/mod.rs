//! One file a subcommand: gather, call, print. No logic worth testing lives here.

mod asking;
pub mod check;
pub mod chosen;
pub mod completions;
pub mod context;
pub mod doctor;
pub mod error;
pub mod hint;
pub mod learn;
pub mod lint;
pub mod list;
pub mod man;
pub mod model;
pub mod model_play;
pub mod model_verify;
pub mod pager;
pub mod path;
pub mod probe;
pub mod prove;
pub mod read;
pub mod remembered;
pub mod reset;
pub mod review;
pub mod role;
pub mod solution;
pub mod start;
pub mod try_all;
pub mod try_experiment;
pub mod unknown;
mod which_sockets;

use std::io::{self, Write as _};

use crate::cli::{Cli, Colours, Command};
use crate::exit_code::ExitCode;
use crate::render::ansi;
use context::Context;
use error::CommandError;

/// Carries out what the command line asks for.
///
/// # Errors
/// Whatever kept it from being done, with the exit status it leads to.
pub fn run(cli: Cli) -> Result<ExitCode, CommandError> {
    let context = Context::new(&cli);
    match cli.command.unwrap_or(Command::Learn { name: None }) {
        Command::Check(options) => check::run(&context, &options),
        Command::Lint { dir, schema } => lint::run(&context, dir, schema.as_deref()),
        Command::List { json } => list::run(&context, json),
        Command::Model(asked) => model::run(&context, &asked),
        Command::Probe(which) => probe::run(&context, &which),
        Command::Read { lesson } => read::run(&context, &lesson),
        Command::Path { json } => path::run(&context, json),
        Command::Prove(options) => prove::run(&context, &options),
        Command::Review(options) => review::run(&context, options),
        Command::Reset(options) => reset::run(&context, &options),
        Command::Start(options) => start::run(&context, &options),
        Command::Hint(options) => hint::run(&context, &options),
        Command::Solution { exercise, lang } => solution::run(&context, &exercise, lang.as_deref()),
        Command::Doctor { json } => doctor::run(&context, json),
        Command::Man => man::run(&context),
        Command::Completions { shell } => completions::run(&context, shell),
        Command::Learn { name } => learn::run(&context, name.as_deref()),
        Command::Try {
            all: true,
            json,
            schema,
            ..
        } => try_all::run(&context, json, schema),
        Command::Try {
            experiment,
            params,
            json,
            ..
        } => try_experiment::run(&context, experiment.as_deref(), &params, json),
        Command::Role { role } => role::run(&role),
    }
}

/// Tells the user on standard error why a subcommand was not done, and gives the exit status.
pub fn report(error: &CommandError, colours: Colours) -> ExitCode {
    let text = error::draw(error, colours.theme(&io::stderr()), ansi::terminal_width());
    // When even standard error has gone there is nobody left to tell; the status still says it.
    drop(io::stderr().write_all(text.as_bytes()));
    error.code
}
