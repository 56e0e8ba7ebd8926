//! `doctor`: what this machine can and cannot do, and why.

use std::env;
use std::io::{self, IsTerminal};
use std::path::Path;

use super::context::Context;
use super::error::CommandError;
use crate::exit_code::ExitCode;
use crate::mastery::store::{Journal, Store, StoreError};
use crate::probe::machine::{self, Finding, Group, State};
use crate::render::{ansi, doctor};
use crate::untrusted::Untrusted;

/// Looks at the machine and prints what was found. That something is missing is no failure.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(context: &Context, json: bool) -> Result<ExitCode, CommandError> {
    let mut machine = machine::collect(Path::new("/proc/self/exe"));
    machine.findings.extend([state_directory(), screen()]);
    machine.findings.sort_by_key(|finding| finding.group);
    if json {
        context.print_json(&machine)?;
    } else {
        context.print_text(&doctor::draw(&machine, ansi::terminal_width()))?;
    }
    Ok(ExitCode::Success)
}

fn state_directory() -> Finding {
    let (state, detail, get) = match Store::open() {
        Ok(store) => {
            let path = Untrusted::from(store.path());
            match store.journal() {
                _ if !store.is_writable() => (
                    State::Limited,
                    format!("{path} can be read but not written"),
                    StoreError::ReadOnly {
                        path: store.path().to_owned(),
                    }
                    .hint(),
                ),
                Journal::WriteAhead => (
                    State::Here,
                    format!("{path} is writable, write-ahead log"),
                    String::new(),
                ),
                Journal::Rollback => (
                    State::Limited,
                    format!("{path} is writable, rollback journal: programs wait for each other"),
                    "Set XDG_STATE_HOME to a directory on a local file system.".to_owned(),
                ),
            }
        }
        Err(error) => (State::Missing, error.to_string(), error.hint()),
    };
    Finding {
        id: "state-dir",
        name: "state directory",
        group: Group::Places,
        state,
        detail,
        needed_for: "remembering your progress",
        get,
    }
}

fn screen() -> Finding {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let term = set("TERM");
    let mut detail = Vec::new();
    let mut get = "";
    let state = if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        detail.push("input or output is no terminal here".to_owned());
        get = "Run it in a terminal to see what that can do.";
        State::NotTried
    } else {
        let size = ansi::terminal_size();
        let fits = size.is_some_and(|(columns, rows)| columns >= 80 && rows >= 24);
        detail.push(match size {
            Some((columns, rows)) => format!("{columns} columns, {rows} rows"),
            None => "its size is unknown".to_owned(),
        });
        if term.as_deref().is_none_or(|term| term == "dumb") {
            get = "Set TERM to what your terminal is.";
            State::Missing
        } else if fits {
            State::Here
        } else {
            get = "Make it 80 columns by 24 rows or larger.";
            State::Limited
        }
    };
    detail.push(match &term {
        Some(term) => format!("TERM={}", Untrusted::from(term.as_os_str())),
        None => "TERM is not set".to_owned(),
    });
    detail.push(
        if set("NO_COLOR").is_some() {
            "no colour, as NO_COLOR asks"
        } else if set("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit") {
            "24-bit colour; 16 colours are used"
        } else {
            "16 colours are used"
        }
        .to_owned(),
    );
    Finding {
        id: "screen",
        name: "screen",
        group: Group::Terminal,
        state,
        detail: detail.join(", "),
        needed_for: "the full screen: ipc-mastery learn",
        get: get.to_owned(),
    }
}
