//! Which program is meant: what the command line says, else the marker that `start` left here or
//! above, else the last `start`. Judging it is [`super::judge`]'s.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::marker::{self, Marker, MarkerError};
use super::program::Target;
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::Exercise;
use crate::untrusted::Untrusted;

/// What the command line says about the program.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The exercise, by any of its names.
    pub exercise: Option<String>,
    /// `--dir`.
    pub dir: Option<PathBuf>,
    /// `--cmd`.
    pub cmd: Option<String>,
    /// `--socket`.
    pub socket: Option<PathBuf>,
}

/// Why it is not known which program is meant.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// No such exercise.
    #[error("there is no exercise `{}`", Untrusted::from(.0.as_str()))]
    UnknownExercise(String),
    /// No exercise was named and no marker is here.
    #[error("which exercise? none is named, and nothing here was made by `start`")]
    NoExercise,
    /// No program of this exercise was ever started.
    #[error("no program of yours for {name} is known here")]
    NoProgram {
        /// `exercise-3`.
        name: String,
    },
    /// `--dir` names something that is no directory, or cannot be entered.
    #[error("cannot use {} as a directory", Untrusted::from(directory.as_path()))]
    NoDirectory {
        /// What was named.
        directory: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The directory holds no program in a language we know.
    #[error(
        "{} holds none of {}",
        Untrusted::from(directory.as_path()),
        mains.join(", ")
    )]
    NoMain {
        /// The directory.
        directory: PathBuf,
        /// The files looked for.
        mains: Vec<String>,
    },
    /// The marker is unreadable.
    #[error(transparent)]
    Marker(#[from] MarkerError),
}

/// The exercise and the program that are meant. `last` is what `start` made last.
///
/// # Errors
/// When it cannot be told.
pub fn locate<'a>(
    curriculum: &'a Curriculum,
    wish: &Wish,
    here: &Path,
    last: Option<&Marker>,
) -> Result<(&'a Exercise, Target), LocateError> {
    let named = match &wish.exercise {
        Some(name) => Some(
            curriculum
                .exercise(name)
                .ok_or_else(|| LocateError::UnknownExercise(name.clone()))?,
        ),
        None => None,
    };
    if let Some(directory) = &wish.dir {
        fs::read_dir(directory).map_err(|error| LocateError::NoDirectory {
            directory: directory.clone(),
            error,
        })?;
    }
    let from = wish.dir.as_deref().unwrap_or(here);
    let marker = marker::find(from)?;
    let fits = |marker: &&Marker| named.is_none_or(|exercise| exercise.slug == marker.exercise);
    let marker = marker.as_ref().filter(fits).or_else(|| match wish.dir {
        Some(_) => None,
        None => last.filter(|last| last.directory.is_dir()).filter(fits),
    });
    let exercise = match (named, marker) {
        (Some(exercise), _) => exercise,
        (None, Some(marker)) => curriculum
            .exercise(&marker.exercise)
            .ok_or_else(|| LocateError::UnknownExercise(marker.exercise.clone()))?,
        (None, None) => return Err(LocateError::NoExercise),
    };
    if let Some(command) = &wish.cmd {
        return Ok((exercise, Target::Command(command.clone())));
    }
    if let Some(socket) = &wish.socket {
        return Ok((exercise, Target::Socket(socket.clone())));
    }
    if let Some(marker) = marker {
        let target = Target::Directory {
            path: marker.directory.clone(),
            language: marker.language.clone(),
        };
        return Ok((exercise, target));
    }
    let Some(directory) = &wish.dir else {
        return Err(LocateError::NoProgram {
            name: exercise.name(),
        });
    };
    let language = exercise
        .languages
        .iter()
        .filter_map(|id| curriculum.language(&id.value))
        .find(|language| directory.join(&language.main).is_file());
    match language {
        Some(language) => {
            let language = language.id.value.clone();
            Ok((
                exercise,
                Target::Directory {
                    path: directory.clone(),
                    language,
                },
            ))
        }
        None => Err(LocateError::NoMain {
            directory: directory.clone(),
            mains: curriculum
                .languages
                .iter()
                .map(|language| language.main.clone())
                .collect(),
        }),
    }
}
