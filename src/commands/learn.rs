//! `learn`: the full screen.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use super::chosen;
use super::context::Context;
use super::error::CommandError;
use super::unknown::{self, Kind};
use crate::curriculum::Curriculum;
use crate::curriculum::model::Rows;
use crate::curriculum::problem::SourceFile;
use crate::curriculum::source::Source;
use crate::exit_code::ExitCode;
use crate::render::theme::{Surroundings, Terminal};
use crate::tui::path::Node;
use crate::tui::{self, Options, Play};

/// Shows the screen until the learner leaves it.
///
/// # Errors
/// When there is no terminal, the name is unknown, or the curriculum cannot be loaded.
pub fn run(context: &Context, name: Option<&str>) -> Result<ExitCode, CommandError> {
    match drawable() {
        Drawable::Yes => {}
        Drawable::NoTerminal => return Err(no_terminal("`learn` needs a terminal to draw on")),
        Drawable::NoCursor => {
            return Err(no_terminal(
                "`learn` needs a terminal that can move its cursor, and TERM is `dumb`",
            ));
        }
    }
    let curriculum = context.curriculum()?;
    let open = name.map(|name| find(&curriculum, name)).transpose()?;
    let opened = Opened {
        open,
        ..Opened::default()
    };
    show(context, curriculum, opened)
}

/// Whether there is a terminal to draw on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawable {
    /// There is.
    Yes,
    /// Standard input or output is none.
    NoTerminal,
    /// It cannot move its cursor.
    NoCursor,
}

/// Whether the screen can be shown.
pub fn drawable() -> Drawable {
    let surroundings = Surroundings::of_output(Terminal::of(&io::stdout()));
    if !surroundings.terminal || !io::stdin().is_terminal() {
        Drawable::NoTerminal
    } else if surroundings.term.as_deref() == Some("dumb".as_ref()) {
        Drawable::NoCursor
    } else {
        Drawable::Yes
    }
}

/// What the screen begins with.
#[derive(Debug, Default)]
pub struct Opened {
    /// A node of the path.
    pub open: Option<Node>,
    /// A script of the model, and why its checks refuse.
    pub script: Option<(Arc<SourceFile>, Arc<Rows>)>,
    /// Whether calls are to be typed.
    pub play: Play,
}

/// Shows the screen until the learner leaves it.
///
/// # Errors
/// When the terminal cannot be used.
pub fn show(
    context: &Context,
    curriculum: Curriculum,
    opened: Opened,
) -> Result<ExitCode, CommandError> {
    tui::run(Options {
        curriculum,
        source: context.source().clone(),
        open: opened.open,
        script: opened.script,
        play: opened.play,
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
