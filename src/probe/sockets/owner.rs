//! What is told of a process that holds sockets, besides its name: which unit of systemd it belongs
//! to, and whether it sees other mounts than we do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use schemars::JsonSchema;
use serde::Serialize;

use super::row::Row;
use crate::sys::cgroup;
use crate::untrusted::Untrusted;

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Its name, `comm`.
    pub comm: Untrusted,
    /// The unit of systemd that it belongs to, a service or a scope, by its cgroup.
    pub unit: Option<Untrusted>,
    /// Its mount namespace: the number of `/proc/PID/ns/mnt`. `None`: that may not be read.
    pub mount_namespace: Option<u64>,
    /// Whether that is another one than ours: paths may mean other files there.
    pub other_mounts: Option<bool>,
}

/// The number of a process's mount namespace. Needs `PTRACE_MODE_READ` (ptrace(2)).
pub(super) fn mount_namespace(pid: u32) -> Option<u64> {
    Some(fs::metadata(format!("/proc/{pid}/ns/mnt")).ok()?.ino())
}

/// Those that hold the sockets of these rows, or their other ends, or wait for them; by pid.
pub(super) fn owners(rows: &[Row]) -> Vec<Owner> {
    let mut names = BTreeMap::new();
    for row in rows {
        let peer = row.peer.iter().map(|peer| &peer.holders);
        let pending = row.pending.iter().map(|client| &client.holders);
        for holders in std::iter::once(&row.holders).chain(peer).chain(pending) {
            for process in &holders.processes {
                names.entry(process.pid).or_insert(&process.comm);
            }
        }
    }
    let ours = mount_namespace(std::process::id());
    let owner = |(pid, comm): (u32, &Untrusted)| {
        let mount_namespace = mount_namespace(pid);
        Owner {
            pid,
            comm: comm.clone(),
            unit: cgroup::unit_of(pid),
            mount_namespace,
            other_mounts: mount_namespace.zip(ours).map(|(its, ours)| its != ours),
        }
    };
    names.into_iter().map(owner).collect()
}
