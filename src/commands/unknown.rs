//! What is said of a name that is not known: one wording for all subcommands. A name of something
//! else is told to be that.

use super::error::CommandError;
use crate::curriculum::problem::did_you_mean;
use crate::curriculum::project::Project;
use crate::curriculum::{Curriculum, pages};
use crate::untrusted::printable;

/// What a name was meant to be the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A lesson.
    Lesson,
    /// An exercise.
    Exercise,
    /// An experiment, or the lesson that wraps one.
    Experiment,
    /// A task.
    Task,
    /// A module, a lesson or an exercise.
    Any,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Lesson => "lesson",
            Self::Exercise => "exercise",
            Self::Experiment => "experiment",
            Self::Task => "task",
            Self::Any => "module, lesson or exercise",
        }
    }

    fn names(self, curriculum: &Curriculum) -> Vec<String> {
        let lessons = || curriculum.lessons().map(|lesson| lesson.slug.clone());
        let exercises = || {
            let both = curriculum.exercises.iter();
            both.flat_map(|exercise| [exercise.slug.clone(), exercise.name()])
        };
        match self {
            // `read` knows pages beside lessons.
            Self::Lesson => {
                let pages = pages::Name::ALL.iter().map(|page| page.as_str().to_owned());
                let projects = curriculum.projects.iter().map(Project::name);
                lessons().chain(pages).chain(projects).collect()
            }
            Self::Exercise => exercises().collect(),
            Self::Task => curriculum
                .tasks
                .iter()
                .map(|task| task.slug.clone())
                .collect(),
            Self::Any => {
                let modules = curriculum.modules.iter();
                let modules = modules.map(|module| module.slug.clone());
                modules.chain(lessons()).chain(exercises()).collect()
            }
            Self::Experiment => curriculum
                .lessons()
                .filter_map(|lesson| Some((lesson, lesson.experiment.as_ref()?)))
                .flat_map(|(lesson, plan)| [plan.name.value.clone(), lesson.slug.clone()])
                .collect(),
        }
    }
}

/// The error for a name of something that should be in the curriculum and is not: with the nearest
/// name, what the name is instead, or the command that names them all.
pub fn name(curriculum: &Curriculum, kind: Kind, name: &str) -> CommandError {
    if let Some(error) = something_else(curriculum, kind, name) {
        return error;
    }
    // A lesson may be written with its module.
    let last = name.rsplit('/').next().unwrap_or(name);
    let all = match kind {
        Kind::Experiment => "`ipc-mastery try` names them all.",
        Kind::Task => "`ipc-mastery prove` names them all.",
        Kind::Lesson | Kind::Exercise | Kind::Any => "`ipc-mastery list` names them all.",
    };
    let lack = format!("there is no {}", kind.word());
    among(&lack, name, last, &kind.names(curriculum), all)
}

/// The error for a name that is none of a few: with the nearest, or all. `lack` is the clause
/// before the name: `exercise-3 has no stage`.
pub fn one_of(lack: &str, name: &str, known: &[&str]) -> CommandError {
    let names: Vec<String> = known.iter().map(|&known| known.to_owned()).collect();
    let all = format!("There is {}.", known.join(", "));
    among(lack, name, name, &names, &all)
}

/// The error for a service that the catalogue does not have: with the nearest, or where to find
/// those that are here.
pub fn service(name: &str, known: &[&str]) -> CommandError {
    let known: Vec<String> = known.iter().map(|&known| known.to_owned()).collect();
    let all = "The column SERVICE of `ipc-mastery probe sockets` names those that are here.";
    among("there is no service", name, name, &known, all)
}

fn among(lack: &str, name: &str, written: &str, known: &[String], all: &str) -> CommandError {
    let hint = did_you_mean(written, known.iter().map(String::as_str));
    CommandError::usage(format!("{lack} `{}`", printable(name)))
        .hinted(hint.unwrap_or_else(|| all.to_owned()))
}

/// A name that is known, as the name of something else.
fn something_else(curriculum: &Curriculum, kind: Kind, name: &str) -> Option<CommandError> {
    let (what, hint) = if let Some(exercise) = curriculum.exercise(name) {
        let own = exercise.name();
        let hint = format!(
            "`ipc-mastery learn {own}` shows its task; `ipc-mastery start {own}` begins it."
        );
        ("an exercise", hint)
    } else if let Some(lesson) = curriculum.lesson(name) {
        let slug = &lesson.slug;
        let hint = format!("`ipc-mastery learn {slug}` opens it; `read {slug}` prints it.");
        ("a lesson", hint)
    } else {
        let slug = &curriculum.module(name)?.slug;
        let hint = format!("`ipc-mastery learn {slug}` shows its lessons and exercises.");
        ("a module", hint)
    };
    let wanted = match kind {
        Kind::Lesson => "not a lesson",
        Kind::Exercise => "not an exercise",
        Kind::Experiment => "not an experiment",
        Kind::Task => "not a task",
        Kind::Any => return None,
    };
    let message = format!("`{}` is {what}, {wanted}", printable(name));
    Some(CommandError::usage(message).hinted(hint))
}
