//! Runs an experiment from a program with threads: starts the guard, waits for its answer.
//!
//! The caller holds the guard's input open. When the caller ends for any reason, the guard sees the
//! end of its input and clears everything away.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Map, Value};

use super::request::{Request, Response, Work};
use super::{Observation, registry};

/// The path of the running program, for starting it once more.
pub const OURSELVES: &str = "/proc/self/exe";

/// Starts a guard, the leader of a process group of its own, with a pipe to it and one from it.
pub(super) fn guard(program: &Path) -> io::Result<Child> {
    Command::new(program)
        .args(ROLE)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// The arguments that make our binary play a part in an experiment.
pub(super) const ROLE: [&str; 2] = ["__role", "experiment"];

/// Longer than a guard takes with the slowest routine.
const TIME_FOR_A_GUARD: Duration = Duration::from_secs(30);

/// Why there is no observation.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// No experiment has this name.
    #[error("there is no experiment `{name}`")]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The parameters do not fit the experiment.
    #[error("the parameters of `{name}` are wrong: {message}")]
    Parameters {
        /// The experiment.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// This machine lacks something the experiment needs.
    #[error("this machine lacks what `{name}` needs: {what}")]
    Lacking {
        /// The experiment.
        name: String,
        /// What is missing.
        what: String,
    },
    /// It did not end in time.
    #[error("`{name}` did not end in time")]
    TimedOut {
        /// The experiment.
        name: String,
    },
    /// Something happened that the routine does not foresee.
    #[error("`{name}` failed: {message}")]
    Failed {
        /// The experiment.
        name: String,
        /// What happened.
        message: String,
    },
    /// The experiment's process could not be started or understood.
    #[error("cannot run an experiment")]
    Process(#[from] io::Error),
}

/// Runs the experiment `name`. `program` is the path of our binary: [`OURSELVES`], or another one
/// in tests.
///
/// # Errors
/// When there is no such experiment, this machine lacks something, or it fails.
pub fn run(
    name: &str,
    params: &Map<String, Value>,
    program: &Path,
) -> Result<Observation, ExperimentError> {
    let unknown = || ExperimentError::Unknown {
        name: name.to_owned(),
    };
    registry::find(name).ok_or_else(unknown)?;
    let mut guard = guard(program)?;
    let answer = ask(&mut guard, name, params);
    if matches!(answer, Ok(None)) {
        // Its own limit is far below ours: it is stuck. Its processes die with it.
        guard.kill()?;
    }
    // Without its input a guard that is still at work clears away and ends.
    drop(guard.stdin.take());
    guard.wait()?;
    let name = name.to_owned();
    match answer? {
        Some(Response::Observed(observation)) => Ok(observation),
        None | Some(Response::TimedOut) => Err(ExperimentError::TimedOut { name }),
        Some(Response::Lacking(what)) => Err(ExperimentError::Lacking { name, what }),
        Some(Response::Parameters(message)) => Err(ExperimentError::Parameters { name, message }),
        Some(Response::Failed(message)) => Err(ExperimentError::Failed { name, message }),
    }
}

/// Sends the request and reads the answer. `None` when there is none in time.
fn ask(guard: &mut Child, name: &str, params: &Map<String, Value>) -> io::Result<Option<Response>> {
    let missing = || io::Error::other("a pipe is missing");
    let request = Request::Guard(Work {
        experiment: name.to_owned(),
        params: params.clone(),
    });
    let input = guard.stdin.as_mut().ok_or_else(missing)?;
    input.write_all(request.line().as_bytes())?;
    let output = guard.stdout.as_mut().ok_or_else(missing)?;
    match line_within(output, TIME_FOR_A_GUARD)? {
        Some(answer) => Ok(Some(serde_json::from_slice(&answer)?)),
        None => Ok(None),
    }
}

/// The next line that a helper says. `None` when there is none in time.
///
/// # Errors
/// When the helper has ended without one, or its pipe cannot be read.
pub(super) fn line_within(
    output: &mut (impl Read + AsFd),
    time: Duration,
) -> io::Result<Option<Vec<u8>>> {
    let deadline = Instant::now() + time;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(
            &mut [PollFd::new(output.as_fd(), PollFlags::POLLIN)],
            timeout,
        ) {
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
            Ok(0) => return Ok(None),
            Ok(_) => {}
        }
        let mut piece = [0; 65536];
        let count = output.read(&mut piece)?;
        if count == 0 {
            let message = "the experiment's process ended without an answer";
            return Err(io::Error::other(message));
        }
        answer.extend_from_slice(&piece[..count]);
    }
    Ok(Some(answer))
}
