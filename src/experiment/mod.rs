//! Live proofs: named routines of real syscalls with typed parameters and one observation.
//!
//! One file a module. An experiment runs in a role of our own binary, re-executed, so that nothing
//! forks from a threaded program and nothing it does outlives it. What it saw is data; lessons
//! compare it with predictions, and [`crate::render`] draws it.

pub mod judgement;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an experiment saw, with the calls that it made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// `ipc-mastery/observation/1`.
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

/// One call and what it returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The part it belongs to.
    pub part: String,
    /// Who made it: `server`, `client`, …
    pub who: String,
    /// The call, as strace would write it.
    pub call: String,
    /// What it returned: `3`, `-1 ECONNREFUSED`, `5 "hello"`.
    pub result: String,
    /// Whether this is the line that decides.
    pub decisive: bool,
}
