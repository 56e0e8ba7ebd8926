//! The learner's shell, between two answers: `!` starts it, `!COMMAND` has it run one command.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::experiment::scene::Variable;
use crate::sys::clock::Deadline;
use crate::sys::wake::{Keyboard, Wake, Woken};

/// The learner's shell, with what a scene adds to its environment.
#[derive(Debug)]
pub(super) struct Shell {
    program: OsString,
    variables: Vec<Variable>,
}

impl Shell {
    /// The shell that `SHELL` names; `/bin/sh` when it names none.
    pub(super) fn new(variables: Vec<Variable>) -> Self {
        let named = std::env::var_os("SHELL").filter(|name| !name.is_empty());
        Self {
            program: named.unwrap_or_else(|| "/bin/sh".into()),
            variables,
        }
    }

    /// Names of the variables that it adds.
    pub(super) fn announced(&self) -> Vec<&str> {
        let names = self.variables.iter();
        names.map(|(name, _)| name.as_str()).collect()
    }

    /// Runs a command, or the shell itself when that is empty; says what went wrong.
    pub(super) fn run(&self, command: &str) -> Option<String> {
        let mut shell = Command::new(&self.program);
        shell.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if command.is_empty() {
            if !io::stdin().is_terminal() {
                return Some("A shell needs a terminal; `!COMMAND` does not.".to_owned());
            }
        } else {
            shell.args(["-c", command]);
        }
        if !io::stdin().is_terminal() {
            // What follows in our input are answers.
            shell.stdin(Stdio::null());
        }
        // Ctrl-C is for the command, as in system(3).
        let mut held = Wake::new(&[Signal::SIGINT, Signal::SIGQUIT]).ok();
        let ran = shell.status();
        if let Some(held) = &mut held {
            while let Ok(Woken::Signal(_)) = held.wait(Keyboard::NotOurs, Deadline::after_ms(0)) {}
        }
        ran.err()
            .map(|error| format!("The shell cannot be started: {error}"))
    }
}
