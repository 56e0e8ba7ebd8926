//! Which descriptors are one open file description: within the process, and with others.
//!
//! Only what has the same link can be the same; among those the kernel is asked ([`kcmp`]), which
//! answers in a stable order, so that a new one is placed by halving. A socket is the exception: it
//! cannot be opened twice, so the same inode is the same description.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::open::Open;
use super::what::Held;
use crate::probe::holders::Process;
use crate::sys::fd_table;
use crate::sys::fdinfo;
use crate::sys::kcmp::{self, Refused, Slot};
use crate::sys::proc_scan::Holdings;
use crate::sys::sock_diag::low_half;
use crate::untrusted::Untrusted;

/// Whether the kernel compares open files here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparing {
    /// It does.
    Possible,
    /// kcmp(2) is forbidden, as by a container's system call filter.
    NotPermitted,
    /// The kernel was built without kcmp(2).
    Unsupported,
}

impl Comparing {
    /// Asks it about ourselves, which is always allowed where anything is.
    pub(super) fn here() -> Self {
        let me = std::process::id();
        match kcmp::same_table(me, me) {
            Ok(_) => Self::Possible,
            Err(Refused::Permission) => Self::NotPermitted,
            Err(Refused::Gone | Refused::Unsupported) => Self::Unsupported,
        }
    }
}

/// With whom a descriptor is shared: offset and status flags are then common, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Sharing {
    /// Every comparison that was needed was answered. If not, there may be more than is listed.
    pub known: bool,
    /// Other descriptors of this process that are the same open file description.
    pub fds: Vec<u32>,
    /// Other processes that have the same open file description.
    pub processes: Vec<Held>,
    /// Other descriptors of this process for the same file, opened separately.
    pub same_file_fds: Vec<u32>,
    /// Other processes that have the same path open, separately.
    pub same_file_processes: Vec<Held>,
    /// What has the same link, and could not be compared.
    pub unsure: Vec<Held>,
}

/// The open file descriptions of a process.
pub(super) struct Descriptions<'a> {
    pid: u32,
    /// By link: descriptions in the kernel's order, each with indexes of its descriptors.
    by_target: HashMap<&'a [u8], Vec<Vec<usize>>>,
    /// Descriptors that could not be placed.
    unplaced: Vec<usize>,
}

impl<'a> Descriptions<'a> {
    /// Sorts the descriptors of a process.
    pub(super) fn sort(pid: u32, opens: &'a [Open], comparing: Comparing) -> Self {
        let mut sorted = Self {
            pid,
            by_target: HashMap::new(),
            unplaced: Vec::new(),
        };
        for (at, open) in opens.iter().enumerate() {
            let groups = sorted.by_target.entry(&open.target).or_default();
            let place = if groups.is_empty() {
                Ok(Err(0))
            } else if socket_inode(&open.target).is_some() {
                Ok(Ok(0))
            } else if comparing == Comparing::Possible {
                let slot = Slot { pid, fd: open.fd };
                find(groups, slot, |group| Slot {
                    pid,
                    fd: opens[group[0]].fd,
                })
            } else {
                Err(Refused::Unsupported)
            };
            match place {
                Ok(Ok(same)) => groups[same].push(at),
                Ok(Err(new)) => groups.insert(new, vec![at]),
                Err(_) => sorted.unplaced.push(at),
            }
        }
        sorted
    }

    /// One descriptor for each open file description with this link.
    pub(super) fn with_target(&self, target: &[u8]) -> impl Iterator<Item = &Vec<usize>> {
        self.by_target.get(target).into_iter().flatten()
    }

    /// Finds who else has them. Each comparison costs a system call, and a stranger's descriptor
    /// is compared with a few of ours.
    pub(super) fn share(
        &self,
        opens: &[Open],
        holdings: &Holdings,
        comparing: Comparing,
    ) -> Vec<Sharing> {
        let mut sharing: Vec<Sharing> = opens
            .iter()
            .map(|_| Sharing {
                known: comparing == Comparing::Possible,
                ..Sharing::default()
            })
            .collect();
        for &at in &self.unplaced {
            sharing[at].known = false;
        }
        for (target, groups) in &self.by_target {
            let mut with = Strangers::new(groups.len());
            for slot in strangers(target, self.pid, holdings) {
                if socket_inode(target).is_some() {
                    with.same[0].push(slot);
                } else if comparing == Comparing::Possible {
                    let ours = |group: &Vec<usize>| Slot {
                        pid: self.pid,
                        fd: opens[group[0]].fd,
                    };
                    match find(groups, slot, ours) {
                        Ok(Ok(same)) => with.same[same].push(slot),
                        Ok(Err(_)) => with.other.push(slot),
                        // Closed meanwhile: it shares nothing.
                        Err(Refused::Gone) => {}
                        Err(_) => with.unsure.push(slot),
                    }
                } else {
                    with.unsure.push(slot);
                }
            }
            for (index, group) in groups.iter().enumerate() {
                let inode = opens[group[0]].info.inode;
                let apart = if target.starts_with(b"/") {
                    with.same_file(index, |other| {
                        let info = fd_table::info(other.pid, other.fd);
                        info.is_ok_and(|info| fdinfo::parse(&info).inode == inode)
                    })
                } else {
                    Vec::new()
                };
                for &at in group {
                    let found = &mut sharing[at];
                    let others = group.iter().filter(|&&other| other != at);
                    found.fds = others.map(|&other| opens[other].fd).collect();
                    found.processes = held(&with.same[index], holdings);
                    found.same_file_processes = held(&apart, holdings);
                    found.unsure = held(&with.unsure, holdings);
                    found.known &= with.unsure.is_empty();
                    found.known |= socket_inode(target).is_some();
                }
            }
        }
        self.same_files(opens, &mut sharing);
        sharing
    }

    /// Descriptors of the process for one file, by whatever name, opened separately.
    fn same_files(&self, opens: &[Open], sharing: &mut [Sharing]) {
        let mut by_file: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, open) in opens.iter().enumerate() {
            if let (true, Ok(status)) = (open.target.starts_with(b"/"), &open.status) {
                let file = (status.device, status.inode);
                by_file.entry(file).or_default().push(at);
            }
        }
        for group in by_file.values().filter(|group| group.len() > 1) {
            for &at in group {
                let found = &mut sharing[at];
                if !found.known {
                    continue;
                }
                let others = group.iter().map(|&other| opens[other].fd);
                let others = others.filter(|fd| *fd != opens[at].fd && !found.fds.contains(fd));
                found.same_file_fds = others.collect();
            }
        }
    }
}

/// What others have under one link.
struct Strangers {
    /// For each of our descriptions.
    same: Vec<Vec<Slot>>,
    other: Vec<Slot>,
    unsure: Vec<Slot>,
}

impl Strangers {
    /// Those that are not one of our descriptions, and are the same file: the same path may lead
    /// to another one in another mount namespace, or after it was replaced.
    fn same_file(&self, description: usize, same: impl Fn(&Slot) -> bool) -> Vec<Slot> {
        let ours = self.same.iter().enumerate();
        let ours = ours.filter(|(at, _)| *at != description);
        let slots = ours.flat_map(|(_, slots)| slots).chain(&self.other);
        slots.copied().filter(same).collect()
    }

    fn new(groups: usize) -> Self {
        Self {
            same: vec![Vec::new(); groups],
            other: Vec::new(),
            unsure: Vec::new(),
        }
    }
}

/// Descriptors of other processes with this link. Ours are left out: we only look.
pub(super) fn strangers(target: &[u8], pid: u32, holdings: &Holdings) -> Vec<Slot> {
    let slots: Vec<Slot> = match socket_inode(target) {
        Some(inode) => {
            let found = holdings.descriptors_of_socket(inode).iter();
            found
                .map(|found| Slot {
                    pid: found.pid,
                    fd: found.fd,
                })
                .collect()
        }
        None => {
            let found = holdings.descriptors_of_target(target);
            found.map(|(pid, fd)| Slot { pid, fd }).collect()
        }
    };
    let me = std::process::id();
    let others = |slot: &Slot| slot.pid != pid && slot.pid != me;
    slots.into_iter().filter(others).collect()
}

/// The descriptors by process.
pub(super) fn held(slots: &[Slot], holdings: &Holdings) -> Vec<Held> {
    let mut by_pid: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for slot in slots {
        by_pid.entry(slot.pid).or_default().push(slot.fd);
    }
    let held = by_pid.into_iter().map(|(pid, mut fds)| {
        fds.sort_unstable();
        let comm = holdings.comm(pid).map(|comm| Untrusted::from(comm.bytes()));
        Held {
            process: Process {
                pid,
                comm: comm.unwrap_or_default(),
            },
            fds,
        }
    });
    held.collect()
}

/// The inode in `socket:[…]`.
pub(super) fn socket_inode(target: &[u8]) -> Option<u32> {
    let digits = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    let inode: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(low_half(inode))
}

/// Where a descriptor is among descriptions in the kernel's order: `Ok` the one that it is, `Err`
/// where it would be.
fn find(
    groups: &[Vec<usize>],
    slot: Slot,
    ours: impl Fn(&Vec<usize>) -> Slot,
) -> Result<Result<usize, usize>, Refused> {
    let mut from = 0;
    let mut to = groups.len();
    while from < to {
        let middle = from + (to - from) / 2;
        match kcmp::files(ours(&groups[middle]), slot)? {
            Ordering::Equal => return Ok(Ok(middle)),
            Ordering::Less => from = middle + 1,
            Ordering::Greater => to = middle,
        }
    }
    Ok(Err(from))
}
