//! Which exercise and which stage a command line means.

use super::context::Context;
use super::error::CommandError;
use super::remembered;
use super::unknown::{self, Kind};
use crate::check::marker::{self, Marker};
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::{Exercise, Language, Stage};

/// The exercise with this name.
///
/// # Errors
/// When there is none.
pub fn exercise<'a>(curriculum: &'a Curriculum, name: &str) -> Result<&'a Exercise, CommandError> {
    curriculum
        .exercise(name)
        .ok_or_else(|| unknown::name(curriculum, Kind::Exercise, name))
}

/// The marker in the current directory or a parent.
///
/// # Errors
/// When there is one that cannot be used, or the current directory cannot be told.
pub fn marker_here() -> Result<Option<Marker>, CommandError> {
    let here = std::env::current_dir().map_err(|error| {
        CommandError::usage("the current directory cannot be told").caused_by(error)
    })?;
    marker::find(&here).map_err(CommandError::from)
}

/// The exercise with this name; without one, the exercise that was started in this directory or a
/// parent, else the one started last.
///
/// # Errors
/// When it does not exist, or none was started.
pub fn exercise_or_here<'a>(
    context: &Context,
    curriculum: &'a Curriculum,
    name: Option<&str>,
) -> Result<&'a Exercise, CommandError> {
    if let Some(name) = name {
        return exercise(curriculum, name);
    }
    if let Some(marker) = marker_here()? {
        return exercise(curriculum, &marker.exercise);
    }
    match remembered::progress(context).last_start {
        Some(started) => exercise(curriculum, &started.exercise),
        None => Err(
            CommandError::usage("no exercise was named, and none was started")
                .hinted("Name one, as `list` shows them, or begin with `ipc-mastery start`."),
        ),
    }
}

/// The stage with this id.
///
/// # Errors
/// When there is none; with the nearest id, or all ids.
pub fn stage<'a>(exercise: &'a Exercise, id: &str) -> Result<&'a Stage, CommandError> {
    exercise.stage(id).ok_or_else(|| {
        let stages = exercise.stages.iter();
        let ids: Vec<&str> = stages.map(|stage| stage.id.value.as_str()).collect();
        unknown::one_of(&format!("{} has no stage", exercise.name()), id, &ids)
    })
}

/// The language with this id, if the exercise can be written in it.
///
/// # Errors
/// When it cannot; with the nearest id, or all ids.
pub fn language<'a>(
    curriculum: &'a Curriculum,
    exercise: &Exercise,
    id: &str,
) -> Result<&'a Language, CommandError> {
    let offered: Vec<&str> = exercise
        .languages
        .iter()
        .map(|language| language.value.as_str())
        .collect();
    let found = offered
        .contains(&id)
        .then(|| curriculum.language(id))
        .flatten();
    found.ok_or_else(|| {
        unknown::one_of(
            &format!("{} has no language", exercise.name()),
            id,
            &offered,
        )
    })
}
