//! `probe`: a picture of inter-process communication on this machine.

use super::context::Context;
use super::error::CommandError;
use crate::cli;
use crate::curriculum::Curriculum;
use crate::exit_code::ExitCode;
use crate::probe::{self, Name};
use crate::render;

/// Takes a picture and prints it. What could not be seen is said in it and is no failure.
///
/// # Errors
/// When the catalogue of services cannot be loaded or standard output cannot be written.
pub fn run(context: &Context, which: &cli::Probe) -> Result<ExitCode, CommandError> {
    let (name, json) = match *which {
        cli::Probe::RuntimeDir { json } => (Name::RuntimeDir, json),
        cli::Probe::Sockets { json } => (Name::Sockets, json),
    };
    let services = Curriculum::load_services(context.source())?;
    let seen = probe::collect(name, &services);
    if json {
        let text = serde_json::to_string_pretty(&seen).expect("what a probe saw is plain data");
        context.print(&(text + "\n"))?;
    } else {
        let width = render::ansi::terminal_width();
        context.print_text(&render::probe::draw(&seen, width))?;
    }
    Ok(ExitCode::Success)
}
