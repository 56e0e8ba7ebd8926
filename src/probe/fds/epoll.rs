//! What an epoll descriptor watches: the open file that was added, which may have another number
//! by now, or none in this process.
//!
//! epoll_ctl(2) keeps the open file description and, to tell watches apart, the number it had then.
//! When that number is closed while the description stays open elsewhere, the watch goes on. The
//! kernel compares a descriptor with a watch ([`kcmp::watched`]), so what is said is sure.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::open::Open;
use super::sharing::{Comparing, Descriptions, held, strangers};
use super::what::{EpollTarget, EpollWatch};
use super::words;
use crate::sys::fdinfo::EpollTarget as Added;
use crate::sys::kcmp::{self, Slot, Watched};
use crate::sys::proc_scan::Holdings;

/// All that is needed to say what is watched.
pub(super) struct Epoll<'a> {
    pub(super) pid: u32,
    pub(super) opens: &'a [Open],
    pub(super) descriptions: &'a Descriptions<'a>,
    pub(super) holdings: &'a Holdings,
    pub(super) comparing: Comparing,
}

impl Epoll<'_> {
    /// The watches of one epoll descriptor.
    pub(super) fn watches(&self, epoll: &Open) -> Vec<EpollWatch> {
        // One number may have been added several times, for different files.
        let mut seen: HashMap<u32, u32> = HashMap::new();
        let watches = epoll.info.epoll_targets().into_iter().map(|added| {
            let nth = seen.entry(added.fd).or_default();
            let watched = Watched {
                epoll: Slot {
                    pid: self.pid,
                    fd: epoll.fd,
                },
                target: added.fd,
                nth: *nth,
            };
            *nth += 1;
            EpollWatch {
                fd: added.fd,
                events: words::epoll(added.events),
                spent: words::epoll_spent(added.events),
                data: added.data,
                is: self.target(&added, watched),
            }
        });
        watches.collect()
    }

    fn target(&self, added: &Added, watched: Watched) -> EpollTarget {
        let at = self.opens.binary_search_by_key(&added.fd, |open| open.fd);
        let named = at.ok().map(|at| &self.opens[at]);
        if self.comparing != Comparing::Possible {
            return match named {
                Some(open) if fits(open, added) => EpollTarget::Unsure,
                _ => EpollTarget::NotFound,
            };
        }
        let is = |slot: Slot| kcmp::watched(slot, watched) == Ok(Ordering::Equal);
        let own = |fd: u32| Slot { pid: self.pid, fd };
        if named.is_some_and(|open| is(own(open.fd))) {
            return EpollTarget::Same;
        }
        let mut candidates = self.opens.iter().filter(|open| fits(open, added));
        if let Some(found) = candidates.find(|open| is(own(open.fd))) {
            let group = self.descriptions.with_target(&found.target);
            let group = group.map(|group| group.iter().map(|&at| self.opens[at].fd));
            let mut groups = group.map(Iterator::collect::<Vec<u32>>);
            let fds = groups.find(|fds| fds.contains(&found.fd));
            return EpollTarget::Renumbered(fds.unwrap_or_else(|| vec![found.fd]));
        }
        let elsewhere: Vec<Slot> = targets_of(added)
            .iter()
            .flat_map(|target| strangers(target, self.pid, self.holdings))
            .filter(|&slot| is(slot))
            .collect();
        if elsewhere.is_empty() {
            EpollTarget::NotFound
        } else {
            EpollTarget::OnlyElsewhere(held(&elsewhere, self.holdings))
        }
    }
}

/// Whether device and inode are those that epoll names.
fn fits(open: &Open, added: &Added) -> bool {
    let inode = added
        .inode
        .is_none_or(|inode| open.info.inode.is_none_or(|own| own == inode));
    let device = match (&open.status, added.device) {
        (Ok(status), Some(device)) => status.device == device,
        _ => true,
    };
    inode && device
}

/// What the link of a watched file may say, where its inode tells: for the walk over others.
pub(super) fn targets_of(added: &Added) -> Vec<Vec<u8>> {
    let Some(inode) = added.inode else {
        return Vec::new();
    };
    ["socket", "pipe"]
        .map(|kind| format!("{kind}:[{inode}]").into_bytes())
        .to_vec()
}
