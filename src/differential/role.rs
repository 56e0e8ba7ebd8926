//! The role `differential` of our own binary: a process that owns all its descriptors, in an empty
//! directory and, where it may, a network namespace of its own. It reads a request and reports as JSON,
//! a line each.

use std::io::{self, Write};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generator::{Range, Who};
use super::measured;
use super::performance::Performance;
use super::play;
use super::report::Report;
use super::sequence::Divergence;
use super::topic::Topic;
use super::turnstile::{self, Turnstile};
use super::verify::{Limits, verify};
use crate::model::catalogue;
use crate::model::fault::Fault;
use crate::model::script::{Action, Line, Script};
use crate::model::settings::Settings;
use crate::sys::bare_call as bare;

/// What is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Calls by chance.
    Verify {
        /// What chance starts with.
        seed: u64,
        /// When to stop, in milliseconds.
        time_ms: u64,
        /// When to stop, in calls.
        calls: u64,
        /// Who makes the calls.
        who: Who,
        /// The error to put into the model.
        fault: Option<String>,
        /// The directory to be in: empty, and writable for everybody.
        directory: String,
    },
    /// Calls as somebody types them: see [`play()`].
    Play {
        /// Processes beside the first, each with its user.
        processes: Vec<(u32, u32)>,
        /// The directory to be in: empty, and writable for everybody.
        directory: String,
    },
    /// Rows of the catalogue.
    Rows {
        /// Texts with rows.
        texts: Vec<String>,
        /// How many times each is played.
        passes: NonZeroU32,
        /// The directory to be in: empty, and writable for everybody.
        directory: String,
    },
}

/// What is reported.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// How far it is.
    Progress(Report),
    /// What came of it.
    Verified(Report),
    /// The model and Linux differ.
    Differs(Difference),
    /// Another program plays rows: nothing goes on until it has ended.
    Waits,
    /// A row needs users that this process cannot be.
    Skipped {
        /// Which.
        row: String,
    },
    /// A row was run.
    Row {
        /// Which.
        row: String,
        /// The call that Linux answers otherwise: what it is, what the row says, what Linux says.
        differs: Option<[String; 3]>,
    },
}

/// A difference, as text.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The calls, a line each.
    pub calls: Vec<String>,
    /// What the model answers to the last.
    pub model: String,
    /// What Linux answers.
    pub linux: String,
}

/// Plays the part that standard input asks for.
///
/// # Errors
/// When the request is not understood, or the process cannot be what it must be.
pub fn play() -> io::Result<()> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line)?;
    set_pdeathsig(Signal::SIGKILL)?;
    set_child_subreaper(true)?;
    bare::close_range(3, i32::MAX)?;
    let alone = unshare(CloneFlags::CLONE_NEWNET).is_ok();
    let may = match nix::unistd::geteuid().is_root() {
        true => May::Everything,
        false => May::OneUser,
    };
    // Names that belong to the whole machine are told apart from those of others.
    let prefix = match alone {
        true => String::new(),
        false => format!("ipc-mastery-{}-", std::process::id()),
    };
    match request {
        Request::Play {
            processes,
            directory,
        } => {
            std::env::set_current_dir(directory)?;
            play::play(&processes, prefix)
        }
        Request::Verify {
            seed,
            time_ms,
            calls,
            who,
            fault,
            directory,
        } => {
            std::env::set_current_dir(directory)?;
            let fault = fault.as_deref().map(|id| {
                Fault::parse(id)
                    .ok_or_else(|| io::Error::other(format!("there is no fault `{id}`")))
            });
            let mut settings = match who {
                Who::Several => measured::settings_of_several()?,
                Who::One => measured::settings()?,
            };
            settings.fault = fault.transpose()?;
            let range = Range {
                prefix,
                privileged: nix::unistd::geteuid().is_root(),
                users: vec![0, 1234, 77],
                who,
                topic: Topic::Everything,
            };
            let limits = Limits {
                time: Duration::from_millis(time_ms),
                calls,
            };
            let verified = verify(&Arc::new(settings), seed, limits, &range, |report| {
                let _ = tell(&Told::Progress(report.clone()));
            })?;
            if let Some(divergence) = verified.divergence {
                tell(&Told::Differs(difference(
                    &divergence,
                    verified.prefix.as_str(),
                )))?;
            }
            tell(&Told::Verified(verified.report.named()))
        }
        Request::Rows {
            texts,
            passes,
            directory,
        } => {
            std::env::set_current_dir(directory)?;
            let taken = || drop(tell(&Told::Waits));
            // Who cannot pass goes on: nobody plays rows there.
            let _alone = (!alone).then(|| Turnstile::pass(turnstile::NAME, taken));
            (0..passes.get()).try_for_each(|_| rows(&texts, may))
        }
    }
}

fn tell(told: &Told) -> io::Result<()> {
    let mut line = serde_json::to_string(told)?;
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}

fn difference(divergence: &Divergence, prefix: &str) -> Difference {
    let actions = divergence.actions.iter();
    let calls = actions.map(|action| action.to_string().replace(prefix, "n"));
    Difference {
        calls: calls.collect(),
        model: divergence.model.to_string().replace(prefix, "n"),
        linux: divergence.linux.to_string().replace(prefix, "n"),
    }
}

/// What this process may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum May {
    /// It is root.
    Everything,
    /// It is somebody, and nobody else.
    OneUser,
}

/// Whether a row shows the same to whoever is not root: users are neither changed nor told.
fn is_for_everybody(script: &Script) -> bool {
    let tells_users = |line: &Line| match &line.expected {
        Some(expected) => expected.to_string().contains("creds"),
        None => false,
    };
    let names_users = |line: &Line| match &line.action {
        Action::Call { call, .. } => {
            let call = call.to_string();
            ["set-ids", "chown", "creds=", "limit-files", "mode", "chmod"]
                .iter()
                .any(|word| call.contains(word))
        }
        Action::Collect
        | Action::Woken { .. }
        | Action::Interrupted { .. }
        | Action::Expired { .. } => false,
    };
    script.processes.is_empty()
        && !script
            .lines
            .iter()
            .any(|line| tells_users(line) || names_users(line))
}

/// Runs every row, each with processes of its own.
fn rows(texts: &[String], may: May) -> io::Result<()> {
    let settings = Arc::new(Settings::default());
    for text in texts {
        for entry in catalogue::read(text).map_err(io::Error::other)? {
            if may == May::OneUser && !is_for_everybody(&entry.script) {
                tell(&Told::Skipped {
                    row: entry.row.to_string(),
                })?;
                continue;
            }
            let mut performance = Performance::start(&entry.script, &settings)?;
            let mut differs = None;
            for line in &entry.script.lines {
                let answer = performance.run(line)?.linux;
                let (Some(answer), Some(expected)) = (answer, &line.expected) else {
                    continue;
                };
                if !expected.allows(&answer) {
                    let call = line.action.to_string();
                    differs = Some([call, expected.to_string(), answer.to_string()]);
                    break;
                }
            }
            drop(performance);
            sweep()?;
            tell(&Told::Row {
                row: entry.row.to_string(),
                differs,
            })?;
        }
    }
    Ok(())
}

/// Empties the working directory.
fn sweep() -> io::Result<()> {
    for entry in std::fs::read_dir(".")? {
        let path = entry?.path();
        if std::fs::remove_file(&path).is_err() {
            std::fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}
