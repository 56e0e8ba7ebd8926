//! `probe creds`: who a process is to its peers.
//!
//! Owns the picture of a process's identity, as another process would be told it. Drawing is
//! [`crate::render`]'s.

use schemars::JsonSchema;
use serde::Serialize;

use super::ProbeError;
use crate::sys::process;
use crate::untrusted::Untrusted;

/// Whose credentials are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Those of this process: what a peer would see of you now.
    #[default]
    Ourselves,
    /// Those of this process.
    Process(u32),
}

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Creds {
    /// `ipc-mastery/probe/creds/1`.
    pub schema: &'static str,
    /// The process.
    pub pid: u32,
    /// Its name.
    pub comm: Untrusted,
}

/// Looks at a process.
///
/// # Errors
/// When there is no such process.
pub fn collect(subject: &Subject) -> Result<Creds, ProbeError> {
    let pid = match subject {
        Subject::Ourselves => std::process::id(),
        Subject::Process(pid) => *pid,
    };
    let comm = process::name(pid.cast_signed());
    if comm.is_empty() {
        return Err(ProbeError::NoProcess { pid });
    }
    Ok(Creds {
        schema: "ipc-mastery/probe/creds/1",
        pid,
        comm,
    })
}
