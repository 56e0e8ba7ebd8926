//! Live proofs: named routines of real syscalls with typed parameters and one observation.
//!
//! One file a module. An experiment runs in a role of our own binary, re-executed, so that nothing
//! forks from a threaded program and nothing it does outlives it. What it saw is data; lessons
//! compare it with predictions, and [`crate::render`] draws it.

mod access_list;
mod activation;
mod actor;
mod af_unix;
mod capsule;
pub mod claims;
mod clipboard;
mod connect;
mod credentials;
mod deed;
mod endings;
mod environment;
mod faces;
mod files;
mod handed;
mod identity;
pub mod judgement;
mod letter;
pub mod lint;
mod losses;
mod names;
pub mod order;
mod overview;
mod passing;
mod permissions;
mod pids;
mod place;
mod policy;
mod queue;
mod recorded;
mod refusal;
pub mod registry;
mod request;
pub mod role;
mod runner;
mod runtime_dir;
pub mod scene;
mod scope;
pub mod sentences;
mod sessions;
mod setting;
mod stage;
mod standing;
mod tmpfs;
mod tmux;
mod traffic;
mod types;
mod varied;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use registry::{ALL, Experiment, find};
pub use runner::{ExperimentError, OURSELVES, run};

/// What an experiment saw, with the calls that it made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// [`Observation::SCHEMA`].
    pub schema: String,
    /// The experiment's name.
    pub experiment: String,
    /// The kernel release it ran on, as `uname -r` has it.
    pub kernel: String,
    /// The calls of each part, in order.
    pub calls: Vec<Call>,
    /// What was seen: one object a part, `a`, `b`, …
    pub obs: Value,
}

impl Observation {
    /// The name and version of its JSON form.
    pub const SCHEMA: &str = "ipc-mastery/observation/1";

    /// The calls of one part.
    pub fn part(&self, id: &str) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.part == id)
    }

    /// What this machine lacks for one part, as a clause, when something else has taken its place:
    /// then what was seen shows the lesson's point and proves nothing.
    pub fn lacking(&self, id: &str) -> Option<&str> {
        self.obs.get(id)?.get("lacking")?.as_str()
    }

    /// The same as a sentence without its full stop, with what is shown instead.
    pub fn instead(&self, id: &str) -> Option<String> {
        let what = self.lacking(id)?;
        let source = self.obs.get(id)?.get("source").and_then(Value::as_str);
        Some(match source {
            Some(source) => format!("this machine lacks {what}; what is shown is {source}"),
            None => format!("this machine lacks {what}; something else took its place"),
        })
    }
}

/// One call and what it returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The part it belongs to.
    pub part: String,
    /// Who made it: `server`, `client`, …
    pub who: String,
    /// The call, as strace would write it.
    pub call: String,
    /// What it returned: `3`, `-1 ECONNREFUSED (Connection refused)`, `5 "hello"`.
    pub result: String,
    /// Whether this is the line that decides.
    pub decisive: bool,
}

/// Why a routine gave no observation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A call that the routine relies on gave something else.
    #[error("{call} gave {result}")]
    Unforeseen {
        /// The call.
        call: String,
        /// What it gave.
        result: String,
    },
    /// This machine lacks something.
    #[error("{0}")]
    Lacking(String),
    /// The parameters do not fit.
    #[error("{0}")]
    Parameters(String),
    /// A fault of ours.
    #[error("{0}")]
    Fault(String),
}

/// The parameters of an experiment that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The running kernel's release: uname(2). Empty when it does not say.
pub fn running_kernel() -> String {
    nix::sys::utsname::uname()
        .map(|names| names.release().to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// An address in the experiment's private directory.
fn path(name: &str) -> order::Address {
    order::Address::Path(name.to_owned())
}

/// Reads a routine's parameters; unknown ones are an error when `T` denies them.
fn parameters<T: DeserializeOwned>(params: &Map<String, Value>) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(params.clone()))
        .map_err(|error| Failure::Parameters(error.to_string()))
}
