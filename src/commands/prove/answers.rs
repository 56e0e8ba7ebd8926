//! Asks a question of a task at a terminal and through a pipe alike. Lines for the learner's shell are
//! none of the answers.

use std::io::{self, BufRead};

use serde_json::Value;

use super::shell::Shell;
use super::unfit;
use crate::commands::asking::{self, Lines};
use crate::commands::context::Context;
use crate::commands::error::CommandError;
use crate::mastery::proof::{Asked, Given};
use crate::render::markdown::Layout;
use crate::render::task as drawing;

/// Somebody who answers.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    context: &'a Context,
    /// Where a line that begins with `!` goes, instead of being an answer.
    pub(super) shell: Option<Shell>,
}

/// What somebody says who is asked whether to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// To begin.
    Yes,
    /// Nothing more: the input has ended.
    Left,
}

impl<'a> Asking<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self {
            context,
            shell: None,
        }
    }

    /// Waits until somebody is ready.
    pub(super) fn ready(&mut self) -> Result<Ready, CommandError> {
        loop {
            self.context.print("Press Enter when you are ready: ")?;
            match self.read()? {
                Read::End => {
                    self.context.print("\n")?;
                    return Ok(Ready::Left);
                }
                Read::Line(_) => return Ok(Ready::Yes),
                Read::ForTheShell => {}
            }
        }
    }

    /// Asks a question. `None` when the input has ended.
    pub(super) fn ask(
        &mut self,
        asked: &Asked<'_>,
        obs: &Value,
        place: drawing::Place,
        layout: Layout<'_>,
    ) -> Result<Option<Given>, CommandError> {
        let wording = asked.wording(obs).map_err(unfit)?;
        let label = place.label();
        asking::ask(self.context, self, (asked, &wording), &label, layout)
    }

    /// Reads a line; the shell has those that are for it.
    fn read(&self) -> Result<Read, CommandError> {
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(Read::End);
        }
        match (&self.shell, line.trim().strip_prefix('!')) {
            (Some(shell), Some(command)) => {
                if let Some(trouble) = shell.run(command.trim()) {
                    self.context.say(&trouble);
                }
                Ok(Read::ForTheShell)
            }
            _ => Ok(Read::Line(line)),
        }
    }
}

/// What was read.
enum Read {
    Line(String),
    ForTheShell,
    End,
}

impl Lines for Asking<'_> {
    fn line(&mut self) -> Result<Option<String>, CommandError> {
        Ok(match self.read()? {
            Read::Line(line) => Some(line),
            // An empty line is no answer: the question stands.
            Read::ForTheShell => Some(String::new()),
            Read::End => None,
        })
    }
}
