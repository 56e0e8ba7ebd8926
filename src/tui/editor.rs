//! The learner's editor: which it is, and opening a file in it. Giving it the terminal is the
//! caller's.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

use crate::untrusted::Untrusted;

/// Why a file was not edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// No editor is known.
    #[error("no editor was found")]
    None,
    /// It could not be started.
    #[error("the editor could not be started")]
    NotStarted(#[source] io::Error),
    /// It ended in failure.
    #[error("the editor `{}` ended with {status}", Untrusted::from(editor.clone()))]
    Failed {
        /// What was run.
        editor: OsString,
        /// How it ended.
        status: ExitStatus,
    },
}

impl EditError {
    /// All of it in one clause, and what to do.
    pub fn told(&self) -> String {
        match self {
            Self::None => format!("{self}; set VISUAL or EDITOR"),
            Self::NotStarted(error) => format!("{self}: {error}"),
            Self::Failed { .. } => self.to_string(),
        }
    }
}

/// The editor that the learner has set: `$VISUAL`, else `$EDITOR`. It may hold arguments.
pub fn wanted() -> Option<OsString> {
    ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty())
}

/// Opens a file in the learner's editor, else in one that is usually there, and waits until it is
/// closed.
///
/// # Errors
/// See [`EditError`].
pub fn edit(file: &Path) -> Result<(), EditError> {
    let (mut command, editor) = match wanted() {
        Some(wanted) => {
            // The variable is a piece of shell by convention (environ(7), git-var(1)).
            let mut script = wanted.clone();
            script.push(" \"$@\"");
            let mut command = Command::new("sh");
            command.arg("-c").arg(script).arg("sh");
            (command, wanted)
        }
        None => {
            let found = ["sensible-editor", "editor", "nano", "vim", "vi"]
                .into_iter()
                .find_map(|name| which::which(name).ok())
                .ok_or(EditError::None)?;
            (Command::new(&found), found.into_os_string())
        }
    };
    let status = command.arg(file).status().map_err(EditError::NotStarted)?;
    if status.success() {
        Ok(())
    } else {
        Err(EditError::Failed { editor, status })
    }
}
