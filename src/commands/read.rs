//! `read`: a lesson in the pager, with its probes and its experiment done now; or a page to look
//! things up in.
//!
//! ```text
//! $ ipc-mastery read bytes-not-messages
//! $ PAGER=cat ipc-mastery read af-unix/bytes-not-messages
//! $ ipc-mastery read quick-reference
//! ```
//!
//! Predictions stand above the run, what the kernel did below it, the answers of the quiz at the
//! end. Nothing is recorded: reading is no evidence.

use std::path::Path;

use super::context::Context;
use super::error::CommandError;
use super::pager::Reader;
use super::remembered;
use super::unknown::{self, Kind};
use crate::curriculum::Curriculum;
use crate::curriculum::lesson::{Block, Lesson, Shown};
use crate::curriculum::pages::{Name, Pages};
use crate::curriculum::project::{Project, ProjectStage};
use crate::exit_code::ExitCode;
use crate::experiment::{self, Observation};
use crate::mastery::evidence;
use crate::mastery::project;
use crate::probe;
use crate::render::ansi;
use crate::render::lesson::{self, Found};
use crate::render::markdown::Document;
use crate::render::pages::{self, Medium, Standing};
use crate::render::text::Text;
use crate::untrusted::printable;

/// Prints a lesson or a page.
///
/// # Errors
/// When there is neither of this name, the curriculum cannot be loaded, or standard output cannot be
/// written. An experiment that cannot run is told in the text and is no error.
pub fn run(context: &Context, name: &str) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    if let Some(page) = Name::parse(name) {
        return show_page(context, page, &curriculum);
    }
    if let Some(project) = curriculum.project(name) {
        return show_project(context, project, &curriculum);
    }
    let lesson = curriculum
        .lesson(name)
        .ok_or_else(|| unknown::name(&curriculum, Kind::Lesson, name))?;
    let reader = Reader::of_user(context);
    let observation = observe(lesson);
    let width = ansi::reading_width();
    let probes = look(lesson, &curriculum, width);
    let variant = lesson.variant.as_ref();
    let outcomes = variant.map_or_else(Vec::new, |slug| {
        evidence::outcomes_of(&curriculum, &slug.value)
    });
    let found = Found {
        observation: observation.as_ref().map_err(String::as_str),
        probes: &probes,
        outcomes: &outcomes,
    };
    let text = lesson::joined(lesson::set(lesson, found, reader.layout()));
    reader.show(context, &text)
}

/// Shows a page whose links fit this machine.
fn show_page(
    context: &Context,
    page: Name,
    curriculum: &Curriculum,
) -> Result<ExitCode, CommandError> {
    let loaded = Pages::load(context.source(), curriculum)?;
    let release = experiment::running_kernel();
    let medium = Medium::Terminal { release: &release };
    let markdown = match page {
        Name::QuickReference => pages::quick_reference(&loaded.quick_reference, curriculum, medium),
        Name::Glossary => pages::glossary(&loaded.glossary, curriculum, medium),
        Name::Corrections => pages::corrections(&loaded, curriculum, medium),
    };
    show_markdown(context, &markdown)
}

/// Shows the page of a project, with what was passed.
fn show_project(
    context: &Context,
    project: &Project,
    curriculum: &Curriculum,
) -> Result<ExitCode, CommandError> {
    let progress = remembered::progress(context);
    let standing = |stage: &ProjectStage| match project::passed(stage, &progress) {
        true => Standing::Passed,
        false => Standing::Open,
    };
    let release = experiment::running_kernel();
    let medium = Medium::Terminal { release: &release };
    show_markdown(
        context,
        &pages::project(project, curriculum, medium, standing),
    )
}

fn show_markdown(context: &Context, markdown: &str) -> Result<ExitCode, CommandError> {
    let reader = Reader::of_user(context);
    let text = Document::parse(markdown).layout(reader.layout()).text;
    reader.show(context, &text)
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
        let Block::Probe(Shown { name, .. }) = block else {
            continue;
        };
        if probes.iter().any(|(known, _)| known == name) {
            continue;
        }
        let drawn = match probe::Name::parse(name) {
            Some(probe) => probe::collect(&probe.into(), &curriculum.catalogue)
                .map(|seen| crate::render::probe::draw(&seen, width))
                .map_err(|error| error.to_string()),
            None => Err(format!("there is no probe `{}`", printable(name))),
        };
        probes.push((name.clone(), drawn));
    }
    probes
}
