//! The marker: a small file that `start` leaves beside a learner's program, by which `check` knows
//! which exercise it is and in which language. Finding it is all that happens here; building and
//! running the program is the rest of [`crate::check`].

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::untrusted::Untrusted;

/// The file's name.
pub const NAME: &str = ".ipc-mastery.toml";

/// The newest format this program writes and reads.
const FORMAT: u32 = 1;

/// What a marker says, and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The directory it lies in: the program's.
    pub directory: PathBuf,
    /// The exercise's slug.
    pub exercise: String,
    /// The language's id.
    pub language: String,
}

/// Why a marker cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MarkerError {
    /// It cannot be read.
    #[error("cannot read {}", Untrusted::from(path.as_path()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// It is not what `start` writes.
    #[error("{} is not what `start` writes", Untrusted::from(path.as_path()))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: toml::de::Error,
    },
    /// A newer ipc-mastery wrote it.
    #[error(
        "{} was written by a newer ipc-mastery (its format is {found}, this program knows {FORMAT})",
        Untrusted::from(path.as_path())
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    exercise: String,
    language: String,
}

/// The marker in a directory or the nearest of its parents; `None` when there is none.
///
/// # Errors
/// When there is one that cannot be used; its parents are not searched then.
pub fn find(start: &Path) -> Result<Option<Marker>, MarkerError> {
    for directory in start.ancestors() {
        let path = directory.join(NAME);
        match fs::read_to_string(&path) {
            Ok(text) => return parse(directory, path, &text).map(Some),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            // A parent that may not be searched holds no marker of ours.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && directory != start => {
            }
            Err(error) => return Err(MarkerError::Unreadable { path, error }),
        }
    }
    Ok(None)
}

fn parse(directory: &Path, path: PathBuf, text: &str) -> Result<Marker, MarkerError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let stored = match toml::from_str::<Format>(text) {
        Ok(Format { format: found }) if found > FORMAT => {
            return Err(MarkerError::Newer { path, found });
        }
        Ok(_) => toml::from_str::<Stored>(text),
        Err(error) => Err(error),
    };
    match stored {
        Ok(stored) => Ok(Marker {
            directory: directory.to_owned(),
            exercise: stored.exercise,
            language: stored.language,
        }),
        Err(error) => Err(MarkerError::Malformed { path, error }),
    }
}

impl Marker {
    /// Writes the marker into its directory, where none may be yet.
    ///
    /// # Errors
    /// When it cannot be written, or one is there.
    pub fn write(&self) -> io::Result<()> {
        // Slugs and ids are kebab-case words, which TOML's basic strings hold as they are; Rust's
        // escapes for other characters are not TOML's, so anything else is refused.
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        };
        if !plain(&self.exercise) || !plain(&self.language) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let text = format!(
            "# Written by `ipc-mastery start`; `ipc-mastery check` finds your program by it.\n\
             format = {FORMAT}\nexercise = \"{}\"\nlanguage = \"{}\"\n",
            self.exercise, self.language
        );
        let path = self.directory.join(NAME);
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(directory: &Path) -> Marker {
        Marker {
            directory: directory.to_owned(),
            exercise: "echo-server".to_owned(),
            language: "c".to_owned(),
        }
    }

    #[test]
    fn a_marker_is_found_from_its_directory_and_from_below() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("src/net");
        fs::create_dir_all(&deep).unwrap();
        let written = marker(home.path());
        written.write().unwrap();
        assert_eq!(find(home.path()).unwrap(), Some(written.clone()));
        assert_eq!(find(&deep).unwrap(), Some(written));
    }

    #[test]
    fn without_a_marker_there_is_none() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(find(home.path()).unwrap(), None);
        assert_eq!(find(&home.path().join("missing")).unwrap(), None);
    }

    #[test]
    fn a_marker_is_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        marker(home.path()).write().unwrap();
        let again = marker(home.path()).write().unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_broken_marker_is_named_and_not_passed_over() {
        let home = tempfile::tempdir().unwrap();
        marker(home.path()).write().unwrap();
        let below = home.path().join("below");
        fs::create_dir(&below).unwrap();
        for (text, message) in [
            ("format = 1\n", "is not what `start` writes"),
            ("exercise", "is not what `start` writes"),
            ("format = 9\nwhat = 1\n", "a newer ipc-mastery"),
        ] {
            fs::write(below.join(NAME), text).unwrap();
            let error = find(&below).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
