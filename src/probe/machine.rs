//! `doctor`: what this machine can and cannot do. Programs are looked for on the PATH; what the
//! kernel allows is found by trying, in a throw-away process of our own wherever trying would change
//! this one. What cannot be tried without touching somebody else is said to be untried.
//!
//! Where the learner's progress is kept and how the terminal looks is not known here; the caller
//! adds findings of its own.

pub(super) mod attempt;
mod kernel;
mod places;
pub mod role;
mod tools;

use std::ffi::OsStr;
use std::path::Path;

use serde::Serialize;

use crate::untrusted::Untrusted;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// `ipc-mastery/doctor/1`.
    pub schema: &'static str,
    /// The kernel, as `uname -sr` has it.
    pub kernel: String,
    /// The processor's architecture, as `uname -m` has it.
    pub architecture: String,
    /// The effective user id.
    pub uid: u32,
    /// Each thing that was looked for, by group.
    pub findings: Vec<Finding>,
}

/// One thing that was looked for.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Unique and stable.
    pub id: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// Whether it is here.
    pub state: State,
    /// What was seen, printable.
    pub detail: String,
    /// What it is needed for: a clause.
    pub needed_for: &'static str,
    /// How to get it: a sentence; empty when it is here or cannot be got.
    pub get: String,
}

/// Kinds of things, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// For writing exercises.
    Languages,
    /// For looking at sockets and programs by hand.
    Tools,
    /// What the kernel knows and allows.
    Kernel,
    /// Directories.
    Places,
    /// Editor, pager, screen.
    Terminal,
}

/// Whether something is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is.
    Here,
    /// It is, with limits.
    Limited,
    /// It is not.
    Missing,
    /// It could not be tried safely.
    NotTried,
}

impl Group {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Languages,
        Self::Tools,
        Self::Kernel,
        Self::Places,
        Self::Terminal,
    ];
}

/// Looks at this machine. `program` is our own binary, for what is tried in a process of its own.
pub fn collect(program: &Path) -> Machine {
    let (kernel, architecture) = kernel::release();
    let mut findings = tools::collect();
    findings.extend(kernel::collect(program));
    findings.extend(places::collect());
    findings.sort_by_key(|finding| finding.group);
    Machine {
        schema: "ipc-mastery/doctor/1",
        kernel,
        architecture,
        uid: rustix::process::geteuid().as_raw(),
        findings,
    }
}

/// Bytes of the environment or of a program, as they may be printed.
fn shown(text: impl AsRef<OsStr>) -> String {
    Untrusted::from(text.as_ref()).to_string()
}
