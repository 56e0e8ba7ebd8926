//! `model`: the model kernel, for looking into.
//!
//! ```text
//! $ ipc-mastery model step socketpair-after-fork
//! $ ipc-mastery model step my-script.txt
//! $ printf 'socketpair stream\nsend 3 "hello"\n' | ipc-mastery model step -
//! ```
//!
//! Each call of the script is shown with what it comes back with, what happens inside, and the state
//! behind it: on a terminal with keys, else one below the other.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::context::Context;
use super::error::CommandError;
use super::learn::{self, Drawable, Opened};
use super::{model_play, model_verify};
use crate::cli::{Model, Step};
use crate::curriculum::LoadError;
use crate::curriculum::model::{self, Rows};
use crate::curriculum::problem::{Problems, SourceFile, did_you_mean};
use crate::exit_code::ExitCode;
use crate::model::run::{self, Run};
use crate::model::script::{Mistake, Script};
use crate::model::settings::Settings;
use crate::render::ansi;
use crate::render::model::data::Steps;
use crate::render::model::{self as drawing, Cast, Told};
use crate::untrusted::printable;

/// Does what is asked of the model.
///
/// # Errors
/// When there is no such script, it holds a mistake, or standard output cannot be written.
pub fn run(context: &Context, asked: &Model) -> Result<ExitCode, CommandError> {
    match asked {
        Model::Step(options) => step(context, options),
        Model::Verify(options) => model_verify::run(context, options),
        Model::Play => model_play::run(context),
    }
}

fn step(context: &Context, options: &Step) -> Result<ExitCode, CommandError> {
    let Some(script) = &options.script else {
        context.print_json(&Steps::json_schema())?;
        return Ok(ExitCode::Success);
    };
    let file = source_of(context, script)?;
    let rows = Rows::load(context.source())?;
    let settings = Arc::new(Settings::default());
    let script = Script::parse(&file.text).map_err(|mistake| told(&file, mistake))?;
    let run = Run::of(&script, settings).map_err(|mistake| told(&file, mistake))?;
    if options.json {
        context.print_json(&Steps::of(&run, &rows))?;
    } else if !options.print && learn::drawable() == Drawable::Yes {
        let opened = Opened {
            script: Some((file, Arc::new(rows))),
            ..Opened::default()
        };
        return learn::show(context, context.curriculum()?, opened);
    } else {
        let width = ansi::terminal_width();
        let source = &file.text;
        let cast = &Cast::of(&run);
        context.print_drawn(|sink| {
            sink.text(&drawing::title(source, width));
            for place in 0..run.steps().len() {
                let told = Told {
                    source,
                    rows: &rows,
                    cast,
                };
                sink.text(&drawing::frame(&run, place, told, width).apart());
            }
        })?;
    }
    Ok(match run.steps().iter().all(run::Step::is_as_expected) {
        true => ExitCode::Success,
        false => ExitCode::Failed,
    })
}

/// The text of a script: standard input, a file, or one that is shipped.
fn source_of(context: &Context, script: &Path) -> Result<Arc<SourceFile>, CommandError> {
    let name = script.to_string_lossy();
    let read = match script.to_str() {
        Some("-") => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        _ => std::fs::read(script),
    };
    match read {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(|error| {
                let message = format!("{} is no text in UTF-8", printable(&name));
                CommandError::usage(message).caused_by(error)
            })?;
            Ok(Arc::new(SourceFile {
                name: name.into_owned(),
                text,
            }))
        }
        Err(error) => shipped(context, &name, error),
    }
}

/// A script that is shipped, where there is no file of this name.
fn shipped(
    context: &Context,
    name: &str,
    error: io::Error,
) -> Result<Arc<SourceFile>, CommandError> {
    let scripts = model::scripts(context.source()).map_err(LoadError::from)?;
    let mut all = scripts.iter();
    if let Some(script) = all.find(|script| model::name_of(&script.name) == name) {
        return Ok(Arc::clone(script));
    }
    let names: Vec<&str> = scripts.iter().map(|it| model::name_of(&it.name)).collect();
    let message = format!("there is no script {}", printable(name));
    let unknown = match error.kind() {
        io::ErrorKind::NotFound => CommandError::usage(message),
        _ => CommandError::usage(format!("cannot read {}", printable(name))).caused_by(error),
    };
    let near = did_you_mean(name, names.iter().copied());
    let hint = near.unwrap_or_else(|| format!("A file, or one of: {}.", names.join(", ")));
    Err(unknown.hinted(hint))
}

/// A mistake of a script, to be drawn with its place.
pub(super) fn told(file: &Arc<SourceFile>, mistake: Mistake) -> CommandError {
    let problems = Problems(vec![model::problem(file, mistake)]);
    CommandError::usage("the script cannot be run").caused_by(problems)
}
