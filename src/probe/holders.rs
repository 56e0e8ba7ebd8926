//! Who holds something, and how sure that is: shared by the probes.

use schemars::JsonSchema;
use serde::Serialize;

use crate::sys::proc_scan::Sight;
pub use crate::sys::proc_scan::{Process, Processes};

/// The processes that hold a socket or a file.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Holders {
    /// What the list is worth.
    pub known: Known,
    /// Those that were seen, by pid.
    #[schemars(with = "Vec<Process>")]
    pub processes: Processes,
}

/// What is known of something's holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// At least one was seen. Others may be invisible.
    Some,
    /// Every process was read and none holds it, and no descriptor is on its way anywhere: it
    /// belongs to the kernel, or to io_uring(7).
    None,
    /// Every process was read and none holds it, and descriptors wait in messages that nobody has
    /// received (`SCM_RIGHTS`): it may be one of them.
    InFlight,
    /// None was seen, but not every process may be read.
    NotVisible,
    /// It was closed while this was looked at.
    Gone,
}

impl Holders {
    /// From the processes that were seen.
    pub fn new(processes: impl Into<Processes>, sight: &Sight) -> Self {
        let processes = processes.into();
        let known = if !processes.is_empty() {
            Known::Some
        } else if sight.complete() {
            Known::None
        } else {
            Known::NotVisible
        };
        Self { known, processes }
    }
}

/// How many processes could be read: without it, a missing holder means nothing.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Visibility {
    /// Every process was read: a socket without a holder has none.
    pub owners_complete: bool,
    /// Processes that were read.
    pub readable: usize,
    /// Processes that may not be read.
    pub denied: usize,
    /// Which those are.
    pub denied_processes: Vec<Process>,
    /// Processes that ended meanwhile.
    pub vanished: usize,
    /// This process is in a pid namespace of its own and may not see others at all.
    pub inner_pid_namespace: bool,
    /// `/proc` is mounted with `hidepid`: other users' processes are not in it.
    pub hidden_by_mount: bool,
    /// Processes could not be listed: why.
    pub unlistable: Option<String>,
    /// Looked at as root.
    pub root: bool,
}

impl Visibility {
    /// From the account of a walk, or from why there was none.
    pub fn new(sight: Sight, unlistable: Option<String>) -> Self {
        Self {
            owners_complete: sight.complete() && unlistable.is_none(),
            readable: sight.readable,
            denied: sight.denied.len(),
            denied_processes: sight.denied,
            vanished: sight.vanished,
            inner_pid_namespace: sight.inner_pid_namespace,
            hidden_by_mount: sight.hidden_by_mount,
            unlistable,
            root: rustix::process::geteuid().is_root(),
        }
    }
}
