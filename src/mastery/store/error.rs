//! Why progress cannot be read or recorded: plain sentences for whoever has to tell the learner.
//! Callers go on without; a verdict is a verdict whether or not it was written down.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::untrusted::Untrusted;

/// Why progress cannot be read or recorded.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Neither `XDG_STATE_HOME` nor a home directory is known.
    #[error("there is no home directory to keep progress in")]
    NoHome,
    /// The directory cannot be made, or the file in it cannot be.
    #[error("cannot create {}", shown(path))]
    Unwritable {
        /// What could not be made.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The database may be read but not written.
    #[error("{} can be read but not written", shown(path))]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// There is no room.
    #[error("there is no room left on the disk for {}", shown(path))]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// Another program holds the database for too long.
    #[error("another program keeps {} locked", shown(path))]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The file is damaged, or is no progress database.
    #[error("{} is damaged or is not a progress database", shown(path))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        error: rusqlite::Error,
    },
    /// A newer ipc-mastery has written it.
    #[error(
        "{} was written by a newer ipc-mastery (its format is {found}, this program knows {known})",
        shown(path)
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format this program knows.
        known: i64,
    },
    /// Times in it are the machine's, and now a simulated clock is to write beside them.
    #[error(
        "{} holds real times, and {} is set",
        shown(path),
        super::super::clock::VARIABLE
    )]
    RealTime {
        /// The database.
        path: PathBuf,
    },
    /// Anything else.
    #[error("cannot use {}", shown(path))]
    Other {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        error: rusqlite::Error,
    },
}

fn shown(path: &Path) -> Untrusted {
    Untrusted::from(path)
}

impl StoreError {
    /// Sorts what SQLite says.
    pub(super) fn from_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let code = match &error {
            rusqlite::Error::SqliteFailure(failure, _) => failure.code,
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => ErrorCode::DatabaseCorrupt,
            _ => ErrorCode::Unknown,
        };
        match code {
            ErrorCode::DiskFull => Self::Full { path },
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly { path },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy { path },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt { path, error },
            _ => Self::Other { path, error },
        }
    }

    /// What the learner could do: a sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::NoHome => "Set HOME, or XDG_STATE_HOME to an absolute path.".to_owned(),
            Self::Unwritable { .. } | Self::ReadOnly { .. } => {
                "Give yourself write permission there, or set XDG_STATE_HOME to a directory that \
                 you can write to."
                    .to_owned()
            }
            Self::Full { .. } => "Make room on that disk and try again.".to_owned(),
            Self::Busy { .. } => "Wait until it has finished and try again.".to_owned(),
            Self::Corrupt { path, .. } => format!(
                "Nothing was changed. To begin anew and keep the damaged file, move it aside: \
                 mv {} {}",
                quoted(path),
                quoted(&path.with_extension("sqlite.damaged"))
            ),
            Self::Newer { .. } => {
                "Use the newer ipc-mastery, or set XDG_STATE_HOME to another directory.".to_owned()
            }
            Self::RealTime { .. } => format!(
                "Nothing was recorded. Unset {}, or set XDG_STATE_HOME to another directory.",
                super::super::clock::VARIABLE
            ),
            Self::Other { path, .. } => format!(
                "Look at the permissions of {} and of its directory.",
                shown(path)
            ),
        }
    }
}

/// A path as one word of a shell command, as far as it is printable.
fn quoted(path: &Path) -> String {
    let text = shown(path).to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{text}'")
    }
}
