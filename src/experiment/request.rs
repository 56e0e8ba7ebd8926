//! What the processes of an experiment are asked for, one JSON line on standard input.
//!
//! Three layers, all our own binary. The *guard* makes a private directory, starts the worker in a
//! process group of its own, and clears everything away, also when its caller has died. The
//! *worker* is the routine. It starts the *actors*, which make the calls.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Observation;
use super::scene::Part;

/// A request to the role `experiment`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Be the guard of this experiment.
    Guard(Work),
    /// Be the worker: run the routine.
    Work(Work),
    /// Be an actor: serve orders.
    Act,
    /// Be a program that looks at one variable of its environment.
    Variable(String),
    /// Take part in a scene.
    Scene(Part),
}

/// Which experiment, and its parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Work {
    /// The experiment's name.
    pub experiment: String,
    /// Its parameters.
    pub params: Map<String, Value>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Response {
    /// It ran.
    Observed(Observation),
    /// This machine lacks something it needs.
    Lacking(String),
    /// Its parameters are wrong.
    Parameters(String),
    /// Something happened that the routine does not foresee.
    Failed(String),
    /// It did not end in time.
    TimedOut,
}

impl Request {
    /// The line that asks for it.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).expect("a request is plain data") + "\n"
    }
}

impl Response {
    /// The line that says it.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).expect("a response is plain data") + "\n"
    }
}
