//! The learner's shell, between two answers: `!` starts it, `!COMMAND` has it run one command. It
//! begins where the scene is.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::experiment::scene::Variable;
use crate::sys::foreground;

/// The learner's shell, with what a scene adds to its environment.
#[derive(Debug)]
pub(super) struct Shell {
    program: OsString,
    directory: PathBuf,
    variables: Vec<Variable>,
}

impl Shell {
    /// The shell that `SHELL` names, `/bin/sh` when it names none, started in a directory.
    pub(super) fn new(directory: PathBuf, variables: Vec<Variable>) -> Self {
        let named = std::env::var_os("SHELL").filter(|name| !name.is_empty());
        Self {
            program: named.unwrap_or_else(|| "/bin/sh".into()),
            directory,
            variables,
        }
    }

    /// Runs a command, or the shell itself when that is empty; says what went wrong.
    pub(super) fn run(&self, command: &str) -> Option<String> {
        let mut shell = Command::new(&self.program);
        shell.current_dir(&self.directory);
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
        let ran = foreground::run(&mut shell);
        ran.err()
            .map(|error| format!("The shell cannot be started: {error}"))
    }
}
