//! Joins the files of a tree with the sockets bound to them, with those who hold them, and with
//! the catalogue of services. Pure.

use std::collections::{HashMap, HashSet};

use super::flaw::{self, Judged};
use super::reach::Reach;
use super::walk::{self, Found, Leads, Tree};
use super::{Bound, Directory, Entry, Kind, Lost, Owner, State, Why};
use crate::curriculum::services::{self, Part, Places, Service};
use crate::probe::holders::Holders;
use crate::probe::sockets::{By, Condition, Identified, Row, Sockets};
use crate::sys::netns::Foreign;
use crate::sys::proc_scan::Holdings;
use crate::sys::sock_diag::{FileId, Name, Type};
use crate::sys::users::Users;
use crate::untrusted::Untrusted;

/// All that is joined.
pub(super) struct Joint<'a> {
    pub(super) directory: &'a Directory,
    /// The directory's path without symbolic links.
    pub(super) root: &'a [u8],
    pub(super) sockets: &'a Sockets,
    pub(super) holdings: &'a Holdings,
    pub(super) services: &'a [Service],
    pub(super) places: &'a Places,
    pub(super) users: &'a Users,
    /// Seconds since 1970.
    pub(super) now: u64,
    /// Sockets bound in other network namespaces.
    pub(super) elsewhere: Vec<Foreign>,
}

impl Joint<'_> {
    pub(super) fn entries(&self, tree: &Tree) -> Vec<Entry> {
        let bound = self.bound();
        let mut entries: Vec<Entry> = tree
            .found
            .iter()
            .map(|found| self.entry(found, &bound))
            .collect();
        let targets: HashMap<FileId, (State, Option<Identified>)> = entries
            .iter()
            .filter(|entry| entry.kind != Kind::Symlink)
            .filter_map(|entry| Some((entry.file?, (entry.state, entry.service.clone()))))
            .collect();
        let reaches = self.reaches(tree);
        for (entry, found) in entries.iter_mut().zip(&tree.found) {
            let judged = Judged {
                kind: entry.kind,
                mode: entry.mode.zip(entry.group),
                owner: entry.owner.as_ref(),
                host: self.directory.owner.as_ref().map(|owner| owner.uid),
                reach: *reaches.get(above(&found.path)).unwrap_or(&Reach::NOBODY),
                leads_out: found
                    .link
                    .as_ref()
                    .is_some_and(|link| link.leads == Leads::Elsewhere),
                is_known: entry.service.is_some(),
            };
            entry.findings = flaw::flaws(judged);
            let Some(link) = &found.link else { continue };
            match link.leads {
                Leads::Nowhere if entry.service.is_none() => entry.state = State::Dangling,
                Leads::To(file) => {
                    if let Some((_, service)) = targets.get(&file) {
                        entry.service.clone_from(service);
                    }
                }
                Leads::Nowhere | Leads::Elsewhere => {}
            }
        }
        entries
    }

    /// Who gets to the entries of each directory, by its path below ours.
    fn reaches<'t>(&self, tree: &'t Tree) -> HashMap<&'t [u8], Reach> {
        let mut reaches = HashMap::new();
        reaches.insert(&b""[..], self.directory.reach.unwrap_or(Reach::NOBODY));
        // What is above comes first: paths are sorted.
        for found in tree.found.iter().filter(|it| it.kind == Kind::Directory) {
            let before = *reaches.get(above(&found.path)).unwrap_or(&Reach::NOBODY);
            let status = found.status.as_ref().ok();
            let status = status.map(|status| (status.mode, status.uid, status.gid));
            reaches.insert(found.path.as_slice(), before.through(status));
        }
        reaches
    }

    /// The socket bound to each file: the listener if there is one.
    fn bound(&self) -> HashMap<FileId, &Row> {
        let mut bound: HashMap<FileId, &Row> = HashMap::new();
        for row in &self.sockets.sockets {
            let Some(file) = row.file else { continue };
            let better = bound.get(&file).is_none_or(|other| rank(row) < rank(other));
            if better {
                bound.insert(file, row);
            }
        }
        bound
    }

    fn entry(&self, found: &Found, bound: &HashMap<FileId, &Row>) -> Entry {
        let absolute = self.absolute(&found.path);
        let address = self.places.path(&absolute);
        let status = found.status.as_ref().ok();
        let mut entry = Entry {
            path: Untrusted::from(found.path.as_slice()),
            kind: found.kind,
            mode: status.map(|status| status.mode & 0o7777),
            owner: status.map(|status| self.owner(status.uid)),
            group: status.map(|status| status.gid),
            findings: Vec::new(),
            age_seconds: status.map(|status| {
                self.now
                    .saturating_sub(u64::try_from(status.made).unwrap_or(0))
            }),
            size: status
                .filter(|_| found.kind == Kind::File)
                .map(|status| status.size),
            file: status.map(|status| status.file),
            state: State::Present,
            service: None,
            socket: None,
            holders: None,
            target: found
                .link
                .as_ref()
                .map(|link| Untrusted::from(link.text.as_slice())),
            mounted: found.mounted.clone(),
            error: match found.status {
                Err(errno) if found.kind != Kind::Mount => Some(walk::errno_name(errno)),
                _ => None,
            },
        };
        match found.kind {
            Kind::Socket => {
                let row = entry.file.and_then(|file| bound.get(&file).copied());
                self.socket(&mut entry, row, &absolute);
            }
            Kind::Mount => {
                entry.state = State::Mounted;
                entry.service = services::by_file(self.services, &address)
                    .map(|service| Identified::new(service, By::Address));
            }
            kind => {
                entry.service = services::by_file(self.services, &address)
                    .map(|service| Identified::new(service, By::Address));
                if matches!(kind, Kind::File | Kind::Fifo) {
                    let holders = self.holdings.of_file(&absolute);
                    entry.holders = Some(Holders::new(holders, &self.holdings.sight));
                }
            }
        }
        entry
    }

    fn socket(&self, entry: &mut Entry, row: Option<&Row>, absolute: &[u8]) {
        let address = self.places.path(absolute);
        let by_path = |kind: Option<Type>| {
            let kind = kind.and_then(crate::probe::sockets::kind);
            services::by_address(self.services, &address, kind)
                .or_else(|| services::by_file(self.services, &address))
                .map(|service| Identified::new(service, By::Address))
        };
        match row {
            Some(row) => {
                entry.service = by_path(Some(row.kind)).or_else(|| {
                    // Who listens in place of a service does not say which one.
                    let service = row.service.as_deref().cloned();
                    service.filter(|service| service.part != Part::Activator)
                });
                entry.state = self.state(row);
                entry.holders = Some(row.holders.clone());
                entry.socket = Some(Bound {
                    kind: row.kind,
                    inode: row.inode,
                    queue: row.queue,
                    clients: row.clients,
                    bound_as: self.bound_as(row, absolute),
                });
            }
            None => {
                entry.service = by_path(None);
                let placeholder = entry
                    .service
                    .as_ref()
                    .is_some_and(|service| service.part == Part::Placeholder);
                let foreign = self.elsewhere.iter().find(|foreign| match foreign.file {
                    Some(file) => entry.file == Some(file),
                    None => foreign.path == absolute,
                });
                entry.state = if placeholder {
                    State::Placeholder
                } else if let Some(foreign) = foreign {
                    let holders = self.holdings.of_socket(foreign.inode);
                    entry.holders = Some(Holders::new(holders, &self.holdings.sight));
                    entry.socket = Some(Bound {
                        kind: foreign.kind,
                        inode: foreign.inode,
                        queue: None,
                        clients: None,
                        bound_as: None,
                    });
                    State::OtherNamespace
                } else if self.sockets.problem.is_some() {
                    State::Unknown
                } else {
                    State::Stale
                };
            }
        }
    }

    fn state(&self, row: &Row) -> State {
        match row.condition {
            Condition::Listening
                if row.queue.is_some_and(|queue| queue.pending > queue.backlog) =>
            {
                State::QueueFull
            }
            Condition::Listening if self.only_activators(row) => State::Activation,
            Condition::Listening => State::Listening,
            Condition::Bound => State::Bound,
            _ if row.kind == Type::Dgram => State::Bound,
            _ => State::OnlyConnections,
        }
    }

    /// Whether only programs hold it that listen in place of others.
    fn only_activators(&self, row: &Row) -> bool {
        let mut holders = row.holders.processes.iter().peekable();
        holders.peek().is_some()
            && holders.all(|holder| {
                services::by_program(self.services, holder.comm.bytes())
                    .is_some_and(|service| service.part == Part::Activator)
            })
    }

    fn bound_as(&self, row: &Row, absolute: &[u8]) -> Option<Untrusted> {
        let name = row.name.as_ref()?.text();
        (name.bytes() != absolute).then(|| name.clone())
    }

    fn owner(&self, uid: u32) -> Owner {
        Owner {
            uid,
            name: self.users.name(uid).cloned(),
        }
    }

    fn absolute(&self, path: &[u8]) -> Vec<u8> {
        let mut absolute = self.root.to_vec();
        absolute.push(b'/');
        absolute.extend(path);
        absolute
    }

    /// Sockets bound here whose file is not here: by the file system's device where it is this
    /// directory's own, else by name.
    pub(super) fn lost(&self, tree: &Tree, entries: &[Entry]) -> Vec<Lost> {
        let files: HashSet<FileId> = entries.iter().filter_map(|entry| entry.file).collect();
        let device = self.directory.mount.as_ref().map(|mount| mount.device);
        let own_device = device.filter(|_| self.directory.own_mount);
        let mut prefixes = vec![self.root.to_vec(), self.directory.path.bytes().to_vec()];
        for prefix in &mut prefixes {
            while prefix.pop_if(|last| *last == b'/').is_some() {}
            prefix.push(b'/');
        }
        let mut lost = Vec::new();
        for row in &self.sockets.sockets {
            let (Some(name @ Name::Path(path)), Some(file)) = (&row.name, row.file) else {
                continue;
            };
            let open = matches!(row.condition, Condition::Listening | Condition::Bound);
            let below = prefixes
                .iter()
                .find_map(|prefix| path.bytes().strip_prefix(prefix.as_slice()));
            let here = below.is_some() || own_device == Some(file.device);
            if !open || !here || files.contains(&file) {
                continue;
            }
            lost.push(Lost {
                name: name.clone(),
                kind: row.kind,
                inode: row.inode,
                why: why(
                    tree,
                    below,
                    device.is_some_and(|device| device != file.device),
                ),
                holders: row.holders.clone(),
                clients: row.clients,
                service: row.service.as_deref().cloned(),
            });
        }
        lost
    }
}

/// The directory a path is in: empty for our own.
fn above(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    &path[..end]
}

fn rank(row: &Row) -> u8 {
    match row.condition {
        Condition::Listening => 0,
        Condition::Bound => 1,
        _ => 2,
    }
}

fn why(tree: &Tree, below: Option<&[u8]>, other_device: bool) -> Why {
    let Some(below) = below else {
        return if tree.unread.is_empty() {
            Why::Removed
        } else {
            Why::Unseen
        };
    };
    let beneath = |directory: &[u8]| {
        directory.is_empty()
            || below
                .strip_prefix(directory)
                .is_some_and(|rest| rest.starts_with(b"/"))
    };
    if tree
        .unread
        .iter()
        .any(|unread| beneath(unread.path.bytes()))
    {
        Why::Unseen
    } else if other_device {
        Why::OtherMount
    } else if tree.found.iter().any(|found| found.path == below) {
        Why::Replaced
    } else {
        Why::Removed
    }
}
