//! The caller's end of a scene: starts its guard, asks its director, ends it.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout};
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::Failure;
use super::super::request::{Request, Work};
use super::super::runner::{ExperimentError, guard, line_within};
use super::{Answer, Part, Wish};

/// Longer than a director takes with anything, also where the machine is busy.
const TIME_FOR_AN_ANSWER: Duration = Duration::from_secs(30);

/// The processes of a scene, by their guard.
#[derive(Debug)]
pub(super) struct Caller {
    scene: String,
    guard: Child,
    orders: Option<ChildStdin>,
    answers: ChildStdout,
    /// What was there when the scene stood first.
    first: Value,
}

impl Caller {
    /// Starts the processes of a scene and waits until it stands.
    pub(super) fn start(
        scene: &str,
        params: &Map<String, Value>,
        program: &Path,
    ) -> Result<Self, ExperimentError> {
        let mut guard = guard(program)?;
        let missing = || io::Error::other("a pipe is missing");
        let orders = guard.stdin.take();
        let answers = guard.stdout.take().ok_or_else(missing)?;
        let mut helper = Self {
            scene: scene.to_owned(),
            guard,
            orders,
            answers,
            first: Value::Null,
        };
        let work = Work {
            experiment: scene.to_owned(),
            params: params.clone(),
        };
        helper.first = helper.ask(&Request::Scene(Part::Guard(work)).line())?;
        Ok(helper)
    }

    /// What is there now, as the director tells it.
    pub(super) fn look(&mut self) -> Result<Value, ExperimentError> {
        self.wish(Wish::Look)
    }

    /// Lets happen what the scene waits for.
    pub(super) fn go_on(&mut self) -> Result<(), ExperimentError> {
        self.wish(Wish::GoOn).map(drop)
    }

    /// A text of what was there first.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.first.get(key)?.as_str()
    }

    /// A failure as callers are told it.
    pub(super) fn error(&self, failure: Failure) -> ExperimentError {
        self.told(Answer::from(Err(failure)))
            .err()
            .unwrap_or_else(|| io::Error::other("a failure is no answer").into())
    }

    fn wish(&mut self, wish: Wish) -> Result<Value, ExperimentError> {
        let line = serde_json::to_string(&wish).expect("a wish is plain data") + "\n";
        self.ask(&line)
    }

    fn ask(&mut self, line: &str) -> Result<Value, ExperimentError> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let orders = self.orders.as_mut().ok_or_else(gone)?;
        orders.write_all(line.as_bytes())?;
        match line_within(&mut self.answers, TIME_FOR_AN_ANSWER)? {
            Some(answer) => {
                let answer = serde_json::from_slice(&answer).map_err(io::Error::from)?;
                self.told(answer)
            }
            None => {
                let name = self.scene.clone();
                Err(ExperimentError::TimedOut { name })
            }
        }
    }

    fn told(&self, answer: Answer) -> Result<Value, ExperimentError> {
        let name = self.scene.clone();
        match answer {
            Answer::Seen(seen) => Ok(seen),
            Answer::Lacking(what) => Err(ExperimentError::Lacking { name, what }),
            Answer::Parameters(message) => Err(ExperimentError::Parameters { name, message }),
            Answer::Failed(message) => Err(ExperimentError::Failed { name, message }),
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // At the end of its input the guard clears everything away, whatever the director does.
        drop(self.orders.take());
        let _ = self.guard.wait();
    }
}
