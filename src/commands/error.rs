//! What can keep a subcommand from being done, and the one place that turns it into a message,
//! causes, hints and an exit status.

use std::error::Error;
use std::io;

use crate::check::marker::MarkerError;
use crate::curriculum::LoadError;
use crate::curriculum::problem::Problems;
use crate::exit_code::ExitCode;
use crate::mastery::store::StoreError;
use crate::probe::ProbeError;
use crate::render::text::{Line, Role, Text};
use crate::render::theme::Theme;
use crate::render::{ansi, problem};
use crate::untrusted::readable;

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

    /// Ctrl-C.
    pub fn interrupted() -> Self {
        Self::new(ExitCode::Interrupted, "interrupted")
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

/// What the user is told: the message, the mistakes of the curriculum if there are any, the causes,
/// the hints. `width` is that of the terminal, in columns.
pub fn draw(error: &CommandError, theme: Theme, width: usize) -> String {
    let mut said = error.message.clone();
    let mut out = ansi::paint(&labelled(Role::Bad, "error", &said), theme);
    let mut cause = error
        .cause
        .as_deref()
        .map(|cause| cause as &(dyn Error + 'static));
    while let Some(error) = cause {
        if let Some(problems) = error.downcast_ref::<Problems>() {
            // The drawing says more than the cause in words.
            out.push('\n');
            out += &problem::draw(problems, theme, width);
            cause = error.source();
            continue;
        }
        let message = error.to_string();
        if message != said {
            out += &ansi::paint(&labelled(Role::Dim, "  cause", &message), theme);
            said = message;
        }
        if let Some(LoadError::Problems(problems)) = error.downcast_ref() {
            out.push('\n');
            out += &problem::draw(problems, theme, width);
        }
        cause = error.source();
    }
    for hint in &error.hints {
        out += &ansi::paint(&labelled(Role::Note, "  hint", hint), theme);
    }
    out
}

/// `label: message`, with further lines of the message below its first.
fn labelled(role: Role, label: &str, message: &str) -> Text {
    let mut text = Text::new();
    for (index, line) in message.lines().enumerate() {
        let line = readable(line);
        text.line(if index == 0 {
            Line::of(role, label)
                .with(Role::Plain, ": ")
                .with(Role::Plain, line)
        } else {
            Line::of(Role::Plain, " ".repeat(label.len() + 2)).with(Role::Plain, line)
        });
    }
    text
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        let message = error.to_string();
        Self::usage(message).caused_by(error)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        let hint = error.hint();
        let told = match error {
            StoreError::Corrupt { .. } | StoreError::Newer { .. } => Self::usage(message),
            StoreError::Other { .. } => Self::internal(message),
            StoreError::NoHome
            | StoreError::Unwritable { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Full { .. }
            | StoreError::Busy { .. }
            | StoreError::RealTime { .. } => Self::cannot_judge(message),
        };
        told.hinted(hint).caused_by(error)
    }
}

impl From<MarkerError> for CommandError {
    fn from(error: MarkerError) -> Self {
        let message = error.to_string();
        Self::usage(message)
            .hinted("Mend it, or remove it and name the exercise and --dir.")
            .caused_by(error)
    }
}

impl From<ProbeError> for CommandError {
    fn from(error: ProbeError) -> Self {
        let message = error.to_string();
        match error {
            ProbeError::NoProcess { .. } | ProbeError::NoSocket { .. } => Self::usage(message),
            ProbeError::Thread { process, .. } => {
                Self::usage(message).hinted(format!("Ask for its process: {process}."))
            }
            ProbeError::NoSuchSocket { file: true, .. } => Self::usage(message).hinted(
                "There is a file with this name, and no socket is bound to it: its server is gone, or it is no socket at all.",
            ),
            ProbeError::NoSuchSocket { .. } => {
                Self::usage(message).hinted("`ipc-mastery probe sockets` lists all.")
            }
            ProbeError::ForeignSocket { inode, holder, .. } => {
                let target = holder.map_or_else(|| "PID".to_owned(), |pid| pid.to_string());
                Self::usage(message).hinted(format!(
                    "Ask from there: `sudo nsenter --net --target {target} ipc-mastery probe creds inode:{inode}`."
                ))
            }
            ProbeError::SeveralSockets { sockets, .. } => {
                let most = 20;
                let mut told = Self::usage(message);
                for socket in sockets.iter().take(most) {
                    told = told.hinted(format!("One is {socket}."));
                }
                if sockets.len() > most {
                    told = told.hinted("`ipc-mastery probe sockets` lists the others.");
                }
                told
            }
            ProbeError::Kernel { .. } => Self::cannot_judge(message).caused_by(error),
        }
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::internal("cannot write the output").caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::theme::Palette;

    #[test]
    fn causes_are_told_once_from_the_outside_in() {
        let full = io::Error::other("no space left on device");
        let error = CommandError::from(full).hinted("Free some space.");
        assert_eq!(
            draw(&error, Theme::new(Palette::Bare), 80),
            "error: cannot write the output\n  cause: no space left on device\n  hint: Free some space.\n"
        );
    }

    #[test]
    fn a_cause_that_says_the_same_again_is_left_out() {
        let error = CommandError::usage("it is so").caused_by("it is so");
        assert_eq!(
            draw(&error, Theme::new(Palette::Bare), 80),
            "error: it is so\n"
        );
    }
}
