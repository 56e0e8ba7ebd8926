//! `probe fds`: the descriptors of a process, as the kernel sees them.
//!
//! Owns what each descriptor is and with whom it is shared. Drawing is [`crate::render`]'s.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use schemars::JsonSchema;
use serde::Serialize;

use super::ProbeError;
use crate::sys::process;
use crate::untrusted::Untrusted;

/// Whose descriptors are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Those of the process that started us: in a terminal, the shell.
    #[default]
    Parent,
    /// Those of this process.
    Process(u32),
}

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Fds {
    /// `ipc-mastery/probe/fds/1`.
    pub schema: &'static str,
    /// The process.
    pub pid: u32,
    /// Its name.
    pub comm: Untrusted,
    /// Its descriptors, by number; nothing when they may not be read.
    pub descriptors: Option<Vec<Descriptor>>,
}

/// A descriptor.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Descriptor {
    /// Its number.
    pub fd: u32,
    /// What the link in /proc/PID/fd says.
    pub target: Untrusted,
}

/// Looks at a process.
///
/// # Errors
/// When there is no such process.
pub fn collect(subject: &Subject) -> Result<Fds, ProbeError> {
    let pid = match subject {
        Subject::Parent => std::os::unix::process::parent_id(),
        Subject::Process(pid) => *pid,
    };
    let comm = process::name(pid.cast_signed());
    if comm.is_empty() {
        return Err(ProbeError::NoProcess { pid });
    }
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok();
    let descriptors = entries.map(|entries| {
        let mut descriptors: Vec<Descriptor> = entries
            .flatten()
            .filter_map(|entry| {
                let target = fs::read_link(entry.path()).ok()?;
                Some(Descriptor {
                    fd: entry.file_name().to_str()?.parse().ok()?,
                    target: Untrusted::new(target.as_os_str().as_bytes().to_vec()),
                })
            })
            .collect();
        descriptors.sort_by_key(|descriptor| descriptor.fd);
        descriptors
    });
    Ok(Fds {
        schema: "ipc-mastery/probe/fds/1",
        pid,
        comm,
        descriptors,
    })
}
