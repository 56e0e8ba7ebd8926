//! `__role`: serve as a disposable process of ipc-mastery itself. Hidden; only the program calls it.

use super::error::CommandError;
use crate::check;
use crate::differential;
use crate::exit_code::ExitCode;
use crate::experiment;
use crate::probe::{creds, machine};

/// Plays a part until its input says it is over.
///
/// # Errors
/// When there is no such part, or it cannot read its request or write its answer.
pub fn run(role: &str) -> Result<ExitCode, CommandError> {
    let played = match role {
        "experiment" => experiment::role::play(),
        "machine" => machine::role::play(),
        "creds-server" | "creds-client" | "creds-child" => creds::role::play(role),
        "supervisor" => check::supervisor::play(),
        "differential" => differential::role::play(),
        "peer" => check::peer::play(),
        _ => return Err(CommandError::usage("there is no such role")),
    };
    played.map_err(|error| CommandError::internal("this process cannot go on").caused_by(error))?;
    Ok(ExitCode::Success)
}
