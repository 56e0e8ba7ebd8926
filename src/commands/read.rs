//! `read`: a lesson in the pager, with its probes and its experiment done now.
//!
//! ```text
//! $ ipc-mastery read bytes-not-messages
//! $ PAGER=cat ipc-mastery read af-unix/bytes-not-messages
//! ```
//!
//! Predictions stand above the run, what the kernel did below it, the answers of the quiz at the
//! end. Nothing is recorded: reading is no evidence.

use std::env;
use std::io::{self, IsTerminal};
use std::path::Path;

use super::context::Context;
use super::error::CommandError;
use super::pager::Pager;
use super::unknown::{self, Kind};
use crate::curriculum::Curriculum;
use crate::curriculum::lesson::{Block, Lesson};
use crate::exit_code::ExitCode;
use crate::experiment::{self, Observation};
use crate::probe;
use crate::render::ansi;
use crate::render::highlight::Highlighter;
use crate::render::lesson::{self, Found};
use crate::render::markdown::{InlineCode, Layout};
use crate::render::text::Text;
use crate::render::theme::{Palette, Theme};
use crate::untrusted::printable;

/// Prints a lesson.
///
/// # Errors
/// When there is no such lesson, the curriculum cannot be loaded, or standard output cannot be
/// written. An experiment that cannot run is told in the text and is no error.
pub fn run(context: &Context, name: &str) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let lesson = curriculum
        .lesson(name)
        .ok_or_else(|| unknown::name(&curriculum, Kind::Lesson, name))?;
    let pager = if io::stdout().is_terminal() {
        let (pager, less) = (env::var_os("PAGER"), env::var_os("LESS"));
        Pager::choose(pager.as_deref(), less.as_deref(), |program| {
            which::which(program).is_ok()
        })
    } else {
        None
    };
    let theme = match &pager {
        Some(pager) if !pager.shows_colours => Theme::new(Palette::Bare),
        _ => context.theme(),
    };
    let observation = observe(lesson);
    let width = ansi::reading_width();
    let probes = look(lesson, &curriculum, width);
    let found = Found {
        observation: observation.as_ref().map_err(String::as_str),
        probes: &probes,
    };
    let layout = match theme.palette() {
        Palette::Bare => Layout::new(width).inline_code(InlineCode::Backticks),
        _ => Layout::new(width).highlighted(Some(Highlighter::wait())),
    };
    let text = lesson::joined(lesson::set(lesson, found, layout));
    if let Some(pager) = pager
        && let Err(error) = pager.exec(&ansi::paint(&text, theme))
    {
        // The lesson is still worth printing; why there is no pager is said after it.
        context.print_text(&text)?;
        return Err(CommandError::internal("cannot run the pager").caused_by(error));
    }
    context.print_text(&text)?;
    Ok(ExitCode::Success)
}

/// Runs the lesson's experiment; the text says why when it cannot.
fn observe(lesson: &Lesson) -> Result<Observation, String> {
    let plan = lesson.experiment.as_ref().ok_or("the lesson has none")?;
    let program = Path::new(experiment::OURSELVES);
    experiment::run(&plan.name.value, &plan.params, program).map_err(|error| error.to_string())
}

/// Looks at this machine with each of the lesson's probes, once, and draws what it saw.
fn look(
    lesson: &Lesson,
    curriculum: &Curriculum,
    width: usize,
) -> Vec<(String, Result<Text, String>)> {
    let mut probes: Vec<(String, Result<Text, String>)> = Vec::new();
    for block in &lesson.blocks {
        let Block::Probe(name) = block else { continue };
        if probes.iter().any(|(known, _)| known == name) {
            continue;
        }
        let drawn = match probe::Name::parse(name) {
            Some(probe) => probe::collect(&probe.into(), &curriculum.services)
                .map(|seen| crate::render::probe::draw(&seen, width))
                .map_err(|error| error.to_string()),
            None => Err(format!("there is no probe `{}`", printable(name))),
        };
        probes.push((name.clone(), drawn));
    }
    probes
}
