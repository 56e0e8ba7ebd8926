//! What can keep a subcommand from being done, and the one place that turns it into a message,
//! causes, hints and an exit status.

use std::error::Error;
use std::io;

use crate::curriculum::LoadError;
use crate::exit_code::ExitCode;

/// Why a subcommand could not be done.
#[derive(Debug)]
pub struct CommandError {
    /// The exit status it leads to.
    pub code: ExitCode,
    /// What went wrong: lower-case, without a full stop.
    pub message: String,
    /// What could be done: sentences.
    pub hints: Vec<String>,
    /// What it comes from.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

impl CommandError {
    /// The command line or an input file is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// This machine lacks something.
    pub fn cannot_judge(message: impl Into<String>) -> Self {
        Self::new(ExitCode::CannotJudge, message)
    }

    /// A fault of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Internal, message)
    }

    fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hints: Vec::new(),
            cause: None,
        }
    }

    /// Adds a sentence that says what could be done.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says what it comes from.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        let message = error.to_string();
        Self::usage(message).caused_by(error)
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::internal("cannot write the output").caused_by(error)
    }
}
