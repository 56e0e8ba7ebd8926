//! `model verify`: the model against the running kernel.
//!
//! First the rows of the catalogue, as scripts; then calls by chance, until time is over or the two
//! differ. The exit status is 1 when they differ, unless an error was put into the model on purpose:
//! then it is 1 when they do not. Where so many rows differ that this is no Linux, it is 3.

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::context::Context;
use super::error::CommandError;
use crate::cli::Verify;
use crate::curriculum::LoadError;
use crate::curriculum::model;
use crate::differential::generator::Who;
use crate::differential::report::Report;
use crate::differential::role::{Difference, Request, Told};
use crate::differential::session::Session;
use crate::differential::verification::{Chance, RowsRun, Verification};
use crate::exit_code::ExitCode;
use crate::experiment::OURSELVES;
use crate::model::fault::{Fault, Needs};
use crate::render::ansi;
use crate::render::model_verify as drawing;

/// Which part of the time, and of the calls, several processes get beside what one process gets.
const SHARE: u64 = 4;
/// How long an error that was put in may stay unnoticed, in milliseconds.
const PATIENCE_MS: u64 = 20_000;

/// Compares, and prints what was found.
///
/// # Errors
/// When the process that compares cannot be started, or nothing can be printed.
pub fn run(context: &Context, options: &Verify) -> Result<ExitCode, CommandError> {
    if options.schema {
        context.print_json(&Verification::json_schema())?;
        return Ok(ExitCode::Success);
    }
    if options.fault.as_deref() == Some("list") {
        context.print_text(&drawing::list_of_faults())?;
        return Ok(ExitCode::Success);
    }
    if options.faults {
        return faults(context, options);
    }
    let fault = options.fault.as_deref().map(known).transpose()?;
    let rows = run_rows(context, options.passes)?;
    if rows.are_of_another_system() {
        match options.json {
            true => print_json(context, rows, None)?,
            false => context.print_text(&drawing::not_linux(&rows))?,
        }
        return Ok(ExitCode::CannotJudge);
    }
    if !options.json {
        context.print_text(&drawing::rows(&rows, ansi::terminal_width()))?;
        if let Some(fault) = fault {
            context.print_text(&drawing::put_in(fault))?;
        }
    }
    let seed = options.seed.unwrap_or_else(any_seed);
    let mut show = |report: &Report| {
        if !options.json {
            progress(&drawing::progress(report));
        }
    };
    let (one, mut difference) = compare(options, seed, Who::One, fault, &mut show)?;
    let mut several = None;
    if difference.is_none() && nix::unistd::geteuid().is_root() {
        // Processes that talk are slower: they get less time, and fewer calls.
        let limited = Verify {
            seconds: options.seconds.div_ceil(SHARE),
            calls: options.calls.map(|calls| calls.div_ceil(SHARE)),
            ..options.clone()
        };
        let (report, found) = compare(&limited, seed, Who::Several, fault, &mut show)?;
        several = Some(report);
        difference = found;
    }
    progress("");
    let chance = Chance {
        fault: fault.map(Fault::id),
        one,
        several,
        difference,
    };
    let status = match chance.difference.is_some() == fault.is_some() {
        true => ExitCode::Success,
        false => ExitCode::Failed,
    };
    if options.json {
        print_json(context, rows, Some(chance))?;
    } else {
        let counts = match options.rows {
            true => drawing::Counts::Shown,
            false => drawing::Counts::Summed,
        };
        let width = ansi::terminal_width();
        context.print_text(&drawing::chance(&chance, &rows, counts, width))?;
    }
    Ok(status)
}

fn print_json(
    context: &Context,
    rows: RowsRun,
    chance: Option<Chance>,
) -> Result<(), CommandError> {
    let schema = Verification::SCHEMA;
    context.print_json(&Verification {
        schema,
        rows,
        chance,
    })
}

/// Every error that chance can find, one after the other.
fn faults(context: &Context, options: &Verify) -> Result<ExitCode, CommandError> {
    let seed = options.seed.unwrap_or_else(any_seed);
    let mut all_found = true;
    for fault in Fault::ALL {
        let who = match fault.needs() {
            Needs::OneProcess => Who::One,
            Needs::SeveralProcesses if nix::unistd::geteuid().is_root() => Who::Several,
            Needs::SeveralProcesses => continue,
        };
        let limited = Verify {
            seconds: PATIENCE_MS / 1000,
            ..options.clone()
        };
        let (report, difference) = compare(&limited, seed, who, Some(*fault), |_| {})?;
        all_found &= difference.is_some();
        let line = drawing::found(*fault, &report, difference.as_ref());
        context.print_text(&line)?;
    }
    Ok(if all_found {
        ExitCode::Success
    } else {
        ExitCode::Failed
    })
}

fn known(id: &str) -> Result<Fault, CommandError> {
    Fault::parse(id).ok_or_else(|| {
        let ids = Fault::ALL.iter().map(|fault| fault.id());
        let near = crate::curriculum::problem::did_you_mean(id, ids);
        let message = format!("there is no error `{}`", crate::untrusted::printable(id));
        let hint = near.unwrap_or_else(|| "`--fault list` tells all.".to_owned());
        CommandError::usage(message).hinted(hint)
    })
}

fn any_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(1, |since| since.as_micros() as u64 % 1_000_000)
}

/// Shows how far it is where somebody looks, in place of what was shown before.
fn progress(line: &str) {
    let mut error = io::stderr();
    if error.is_terminal() {
        let _ = write!(error, "\r\x1b[K{line}");
        let _ = error.flush();
    }
}

fn started(request: impl FnOnce(String) -> Request) -> Result<Session, CommandError> {
    let cannot = |error| CommandError::internal("nothing can be compared").caused_by(error);
    Session::start(Path::new(OURSELVES), request).map_err(cannot)
}

fn told(session: &mut Session) -> Result<Option<Told>, CommandError> {
    let cannot = |error| CommandError::internal("the comparison broke off").caused_by(error);
    session.report().map_err(cannot)
}

fn run_rows(context: &Context, passes: NonZeroU32) -> Result<RowsRun, CommandError> {
    let files = model::rows(context.source()).map_err(LoadError::from)?;
    let texts = files.iter().map(|file| file.text.clone()).collect();
    let mut session = started(|directory| Request::Rows {
        texts,
        passes,
        directory,
    })?;
    let mut run = RowsRun::default();
    while let Some(said) = told(&mut session)? {
        match said {
            Told::Row { row, differs } => {
                run.add(row, differs);
                if passes.get() > 1 {
                    progress(&drawing::rows_so_far(&run));
                }
            }
            Told::Skipped { row } => drop(run.skipped.insert(row)),
            Told::Waits => context.say(&drawing::waits()),
            Told::Progress(_) | Told::Verified(_) | Told::Differs(_) => {}
        }
    }
    Ok(run)
}

fn compare(
    options: &Verify,
    seed: u64,
    who: Who,
    fault: Option<Fault>,
    mut progress: impl FnMut(&Report),
) -> Result<(Report, Option<Difference>), CommandError> {
    let mut session = started(|directory| Request::Verify {
        seed,
        time_ms: options.seconds.saturating_mul(1000),
        calls: options.calls.unwrap_or(u64::MAX),
        who,
        fault: fault.map(|fault| fault.id().to_owned()),
        directory,
    })?;
    let mut difference = None;
    let mut last = Report::default();
    while let Some(said) = told(&mut session)? {
        match said {
            Told::Progress(report) => progress(&report),
            Told::Verified(report) => last = report,
            Told::Differs(found) => difference = Some(found),
            Told::Row { .. } | Told::Skipped { .. } | Told::Waits => {}
        }
    }
    Ok((last, difference))
}
