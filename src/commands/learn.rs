//! `learn`: the full screen.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};

use super::chosen;
use super::context::Context;
use super::error::CommandError;
use super::unknown::{self, Kind};
use crate::curriculum::Curriculum;
use crate::curriculum::source::Source;
use crate::exit_code::ExitCode;
use crate::render::theme::{Surroundings, Terminal};
use crate::tui::path::Node;
use crate::tui::{self, Options};

/// Shows the screen until the learner leaves it.
///
/// # Errors
/// When there is no terminal, the name is unknown, or the curriculum cannot be loaded.
pub fn run(context: &Context, name: Option<&str>) -> Result<ExitCode, CommandError> {
    let surroundings = Surroundings::of_output(Terminal::of(&io::stdout()));
    if !surroundings.terminal || !io::stdin().is_terminal() {
        return Err(no_terminal("`learn` needs a terminal to draw on"));
    }
    if surroundings.term.as_deref() == Some("dumb".as_ref()) {
        return Err(no_terminal(
            "`learn` needs a terminal that can move its cursor, and TERM is `dumb`",
        ));
    }
    let curriculum = context.curriculum()?;
    let open = name.map(|name| find(&curriculum, name)).transpose()?;
    tui::run(Options {
        curriculum,
        source: context.source().clone(),
        open,
        // A marker that cannot be used is told by `check`; the screen does without.
        here: chosen::marker_here().ok().flatten(),
        theme: context.theme(),
        ourselves: ourselves(context.source()),
    })?;
    Ok(ExitCode::Success)
}

/// What our own program has to be told to find the same curriculum from anywhere.
fn ourselves(source: &Source) -> Vec<OsString> {
    match source {
        Source::Embedded => Vec::new(),
        Source::Directory(pack) => {
            let pack = fs::canonicalize(pack).unwrap_or_else(|_| pack.clone());
            vec!["--curriculum".into(), pack.into()]
        }
    }
}

fn no_terminal(message: &str) -> CommandError {
    CommandError::usage(message)
        .hinted("`ipc-mastery list` names the lessons; `ipc-mastery read LESSON` prints one.")
        .hinted("`ipc-mastery probe runtime-dir` shows who lives in your runtime directory.")
        .hinted("`ipc-mastery check EXERCISE` judges a program.")
}

fn find(curriculum: &Curriculum, name: &str) -> Result<Node, CommandError> {
    if let Some(module) = curriculum.module(name) {
        return Ok(Node::Module(module.slug.clone()));
    }
    if let Some(lesson) = curriculum.lesson(name) {
        return Ok(Node::Lesson(lesson.slug.clone()));
    }
    if let Some(exercise) = curriculum.exercise(name) {
        return Ok(Node::Exercise(exercise.slug.clone()));
    }
    Err(unknown::name(curriculum, Kind::Any, name))
}
