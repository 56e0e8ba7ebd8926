//! The other ends: who reads and writes a pipe, and with whom a socket is connected.

use std::collections::{BTreeMap, HashMap};

use super::open::Open;
use super::sharing::{held, socket_inode, strangers};
use super::what::{self, Held, UnixPeer, UnixSocket, What};
use crate::curriculum::services::{Places, Service};
use crate::probe::sockets::{self, Row};
use crate::sys::fd_table;
use crate::sys::fdinfo;
use crate::sys::kcmp::Slot;
use crate::sys::net_tables::{self, Entry};
use crate::sys::netns;
use crate::sys::proc_scan::Holdings;
use crate::sys::sock_diag;
use crate::untrusted::Untrusted;

/// Major numbers of `/dev/pts/N`: `UNIX98_PTY_SLAVE_MAJOR` and seven more.
const SLAVES: std::ops::RangeInclusive<u32> = 136..=143;

/// What the links of a pseudoterminal's other end may say.
pub(super) fn terminal_targets(what: &What, open: &Open) -> Vec<Vec<u8>> {
    match what {
        What::Terminal {
            master_of: Some(index),
            ..
        } => vec![format!("/dev/pts/{index}").into_bytes()],
        What::Terminal { .. } if slave_index(open).is_some() => {
            vec![b"/dev/ptmx".to_vec(), b"/dev/pts/ptmx".to_vec()]
        }
        _ => Vec::new(),
    }
}

/// N of `/dev/pts/N`.
fn slave_index(open: &Open) -> Option<u32> {
    let device = open.status.as_ref().ok()?.special;
    let major = SLAVES.contains(&device.major).then_some(device.major)?;
    Some(device.minor + (major - SLAVES.start()) * 256)
}

/// All that is needed to find other ends.
pub(super) struct Ends<'a> {
    pub(super) pid: u32,
    pub(super) comm: &'a Untrusted,
    pub(super) opens: &'a [Open],
    pub(super) holdings: &'a Holdings,
    /// Every process was read.
    pub(super) complete: bool,
}

impl Ends<'_> {
    /// Fills in who has the ends of each pipe open.
    pub(super) fn of_pipes(&self, whats: &mut [What]) {
        let mut known: HashMap<&[u8], what::Ends> = HashMap::new();
        for (what, open) in whats.iter_mut().zip(self.opens) {
            if let What::Pipe { ends, .. } = what {
                let found = known
                    .entry(&open.target)
                    .or_insert_with(|| self.of_pipe(&open.target));
                *ends = Some(found.clone());
            }
        }
    }

    /// Fills in who has the other ends of pseudoterminals.
    pub(super) fn of_terminals(&self, whats: &mut [What]) {
        for (what, open) in whats.iter_mut().zip(self.opens) {
            let targets = terminal_targets(what, open);
            let What::Terminal {
                master_of,
                other_end,
                ..
            } = what
            else {
                continue;
            };
            let index = slave_index(open).filter(|_| master_of.is_none());
            let own = self
                .opens
                .iter()
                .filter(|open| targets.contains(&open.target));
            let own = own.map(|open| Slot {
                pid: self.pid,
                fd: open.fd,
            });
            let others = targets
                .iter()
                .flat_map(|target| strangers(target, self.pid, self.holdings));
            let ends: Vec<Slot> = own
                .chain(others)
                .filter(|slot| {
                    index.is_none_or(|index| {
                        let info = fd_table::info(slot.pid, slot.fd);
                        info.is_ok_and(|info| fdinfo::parse(&info).terminal_index() == Some(index))
                    })
                })
                .collect();
            *other_end = self.held(&ends);
        }
    }

    fn of_pipe(&self, target: &[u8]) -> what::Ends {
        let own = self.opens.iter().filter(|open| open.target == target);
        let own = own.map(|open| Slot {
            pid: self.pid,
            fd: open.fd,
        });
        let mut readers = Vec::new();
        let mut writers = Vec::new();
        for slot in own.chain(strangers(target, self.pid, self.holdings)) {
            // Closed meanwhile, or opened with O_PATH: neither.
            let (reads, writes) =
                fd_table::reads_and_writes(slot.pid, slot.fd).unwrap_or((false, false));
            if reads {
                readers.push(slot);
            }
            if writes {
                writers.push(slot);
            }
        }
        what::Ends {
            readers: self.held(&readers),
            writers: self.held(&writers),
            complete: self.complete,
        }
    }

    /// Like [`held`]; the process that is looked at need not have been met on the walk.
    fn held(&self, slots: &[Slot]) -> Vec<Held> {
        let mut held = held(slots, self.holdings);
        for holder in &mut held {
            if holder.process.pid == self.pid {
                holder.process.comm = self.comm.clone();
            }
        }
        held
    }

    /// Fills in what is known of sockets. Returns why those of AF_UNIX could not be listed.
    pub(super) fn of_sockets(
        &self,
        whats: &mut [What],
        services: &[Service],
        places: &Places,
    ) -> Option<String> {
        let mut problem = None;
        let mut unix: Option<HashMap<u32, Row>> = None;
        let mut tables: BTreeMap<String, HashMap<u64, Entry>> = BTreeMap::new();
        for (what, open) in whats.iter_mut().zip(self.opens) {
            let What::Socket { protocol, details } = what else {
                continue;
            };
            let Some(inode) = socket_inode(&open.target) else {
                continue;
            };
            let is_unix = protocol
                .as_ref()
                .is_none_or(|name| name.starts_with("UNIX"));
            if is_unix {
                let rows = unix.get_or_insert_with(|| {
                    let dump = sock_diag::dump().unwrap_or_else(|error| {
                        problem = Some(error.to_string());
                        sock_diag::Dump::default()
                    });
                    let mut dump = dump;
                    // A process of another network namespace has its sockets there, mostly.
                    if let Ok(Some(theirs)) = netns::dump_of(self.pid) {
                        dump.sockets.extend(theirs.sockets);
                    }
                    let rows = sockets::join(dump.sockets, self.holdings, services, places);
                    rows.into_iter().map(|row| (row.inode, row)).collect()
                });
                let row = rows.get(&inode);
                if row.is_some() || protocol.is_some() {
                    *what = What::UnixSocket(Box::new(self.unix(open, row)));
                }
            } else if let Some(protocol) = protocol {
                let table = tables.entry(protocol.clone()).or_insert_with(|| {
                    net_tables::sockets(self.pid, protocol)
                        .into_iter()
                        .collect()
                });
                let inode = open.info.inode.unwrap_or(inode.into());
                *details = table.get(&inode).cloned();
            }
        }
        problem
    }

    fn unix(&self, open: &Open, row: Option<&Row>) -> UnixSocket {
        let peer = row.and_then(|row| row.peer.clone()).map(|peer| {
            let found = self.holdings.descriptors_of_socket(peer.inode).iter();
            let slots: Vec<Slot> = found
                .map(|found| Slot {
                    pid: found.pid,
                    fd: found.fd,
                })
                .collect();
            UnixPeer {
                held: held(&slots, self.holdings),
                socket: peer,
            }
        });
        UnixSocket {
            kind: row.map(|row| row.kind),
            condition: row.map(|row| row.condition),
            name: row.and_then(|row| row.name.clone()),
            peer,
            queue: row.and_then(|row| row.queue),
            unread: row.map_or(0, |row| row.unread),
            in_flight: open.info.in_flight(),
            service: row.and_then(|row| row.service.as_deref().cloned()),
        }
    }
}
