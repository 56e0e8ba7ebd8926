//! `probe`: a picture of inter-process communication on this machine.

mod watch;

use super::context::Context;
use super::error::CommandError;
use super::pager::Reader;
use super::which_sockets;
use crate::cli::{self, Shown};
use crate::curriculum::Curriculum;
use crate::curriculum::manual::Manual;
use crate::curriculum::services::Service;
use crate::exit_code::ExitCode;
use crate::probe::{self, Ask, Name, env, fds};
use crate::render;
use crate::render::markdown::{self, Document};
use watch::{Form, Watched};

/// Takes a picture and prints it. What could not be seen is said in it and is no failure.
///
/// # Errors
/// When what is asked for is not there, the catalogue of services cannot be loaded or standard
/// output cannot be written.
pub fn run(context: &Context, which: &cli::Probe) -> Result<ExitCode, CommandError> {
    let catalogue = match which {
        cli::Probe::Env { .. } => Curriculum::load_catalogue(context.source())?,
        _ => Curriculum::load_services(context.source())?,
    };
    let (ask, shown) = ask(which, &catalogue.services)?;
    if shown.explain {
        return explain(context, ask.name());
    }
    if shown.schema {
        let schema = match shown.watch {
            Some(_) => probe::schema::of_changes(),
            None => probe::schema::of(ask.name()),
        };
        context.print_json(&schema)?;
        return Ok(ExitCode::Success);
    }
    if let Some(period) = shown.watch {
        let watched = Watched {
            ask: &ask,
            catalogue: &catalogue,
            period,
        };
        let form = if shown.json { Form::Json } else { Form::Words };
        return watch::run(context, &watched, form);
    }
    let seen = probe::collect(&ask, &catalogue)?;
    if shown.json {
        context.print_json(&seen)?;
    } else {
        let width = render::ansi::terminal_width();
        context.print_drawn(|out| render::probe::draw_on(&seen, width, out))?;
    }
    // The process ends now, and takes a hundred thousand small things with it.
    std::mem::forget((seen, catalogue));
    Ok(ExitCode::Success)
}

/// Shows the manual of a probe.
fn explain(context: &Context, name: Name) -> Result<ExitCode, CommandError> {
    let manual = Manual::load(context.source(), name.as_str())?;
    let reader = Reader::of_user(context);
    let page = Document::parse(&manual.text).layout(reader.layout());
    let mut text = page.text;
    let links = markdown::link_list(&page.links, reader.layout().width());
    if !links.lines.is_empty() {
        text.blank();
        text.append(links);
    }
    reader.show(context, &text)
}

/// What the command line asks for.
fn ask(which: &cli::Probe, services: &[Service]) -> Result<(Ask, Shown), CommandError> {
    Ok(match *which {
        cli::Probe::RuntimeDir { shown } => (Ask::RuntimeDir, shown),
        cli::Probe::Sockets(ref options) => {
            let width = render::ansi::terminal_width();
            let wish = which_sockets::wish(options, services, width)?;
            (Ask::Sockets(wish), options.shown)
        }
        cli::Probe::Creds { ref subject, shown } => {
            (Ask::Creds(subject.clone().unwrap_or_default()), shown)
        }
        cli::Probe::Env {
            pid,
            all,
            connect,
            shown,
        } => {
            let wish = env::Wish {
                pid,
                others: all,
                connect,
            };
            (Ask::Env(wish), shown)
        }
        cli::Probe::Fds { pid, shown } => {
            let subject = pid.map_or_else(fds::Subject::default, fds::Subject::Process);
            (Ask::Fds(subject), shown)
        }
    })
}
