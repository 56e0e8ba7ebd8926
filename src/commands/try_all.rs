//! `try --all`: whether all that lessons say holds on this kernel.
//!
//! Runs every experiment once. The exit status is 1 when something differs on this kernel; what
//! cannot run here is told and changes nothing.

use std::path::Path;

use super::context::Context;
use super::error::CommandError;
use crate::exit_code::ExitCode;
use crate::experiment;
use crate::experiment::claims::{Report, Standing, judge};
use crate::render::markdown::Layout;
use crate::render::{ansi, claims as drawing};

/// Judges every lesson and prints what was found.
///
/// # Errors
/// When there is no curriculum, or nothing can be printed.
pub fn run(context: &Context, json: bool, schema: bool) -> Result<ExitCode, CommandError> {
    if schema {
        context.print_json(&Report::json_schema())?;
        return Ok(ExitCode::Success);
    }
    let curriculum = context.curriculum()?;
    let kernel = experiment::running_kernel();
    let lessons = curriculum.lessons().map(|lesson| {
        let observed = lesson.experiment.as_ref().map(|plan| {
            let program = Path::new(experiment::OURSELVES);
            experiment::run(&plan.name.value, &plan.params, program)
        });
        judge(lesson, observed.as_ref(), &kernel)
    });
    let lessons = lessons.collect();
    let report = Report::new(kernel, lessons);
    if json {
        context.print_json(&report)?;
    } else {
        context.print_text(&drawing::report(
            &report,
            Layout::new(ansi::reading_width()),
        ))?;
    }
    Ok(if report.has(Standing::Differs) {
        ExitCode::Failed
    } else if report.has(Standing::Failed) {
        ExitCode::Internal
    } else {
        ExitCode::Success
    })
}
