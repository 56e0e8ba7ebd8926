//! The file system as far as sockets need it: directories, modes and owners.

use std::collections::BTreeMap;

use nix::errno::Errno;

use super::file::Process;
use super::id::{NodeId, SockId};

/// A node: `struct inode`.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A directory.
    Directory,
    /// A regular file with this content.
    Regular(Vec<u8>),
    /// A symbolic link to this path.
    Symlink(String),
    /// A socket; the one that is bound to it, while it lives.
    Socket(Option<SockId>),
}

/// What may be asked of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Pass through a directory.
    Search = 0o1,
    /// Write.
    Write = 0o2,
    /// Read.
    Read = 0o4,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The directory that holds it.
    pub parent: NodeId,
    /// Its full path, without symbolic links.
    pub path: String,
    /// What is there.
    pub node: Option<NodeId>,
}

/// All nodes, and the paths that lead to them.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) paths: BTreeMap<String, NodeId>,
}

/// The root of the tree.
pub const ROOT: NodeId = NodeId(0);
/// Symbolic links that are followed before a path is called a loop.
const MOST_LINKS: usize = 40;

impl Default for Tree {
    fn default() -> Self {
        let root = Node {
            kind: NodeKind::Directory,
            mode: 0o777,
            uid: 0,
            gid: 0,
        };
        Self {
            nodes: vec![root],
            paths: BTreeMap::from([(String::new(), ROOT)]),
        }
    }
}

impl Tree {
    /// The node with this number.
    pub fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.index()]
    }

    /// Every path with what is there, the root excepted.
    pub fn paths(&self) -> impl Iterator<Item = (&str, NodeId)> {
        let paths = self.paths.iter().filter(|(path, _)| !path.is_empty());
        paths.map(|(path, node)| (path.as_str(), *node))
    }

    /// Whether a process may do this: `generic_permission`.
    pub fn may(&self, process: &Process, node: NodeId, may: May) -> bool {
        let node = self.node(node);
        if process.is_privileged() {
            return true;
        }
        let class = match node {
            Node { uid, .. } if *uid == process.euid => 6,
            Node { gid, .. } if *gid == process.egid => 3,
            _ => 0,
        };
        node.mode >> class & may as u32 != 0
    }

    /// Walks a path: `link_path_walk`. Symbolic links on the way are followed; the last one if asked.
    pub(super) fn walk(&self, process: &Process, path: &str, last: Last) -> Result<Place, Errno> {
        let mut at = process.cwd.clone();
        let mut rest: Vec<String> = Vec::new();
        push(&mut rest, path);
        let mut links = 0;
        let mut found = None;
        if rest.is_empty() {
            return Err(Errno::ENOENT);
        }
        while let Some(name) = rest.pop() {
            let directory = self.paths.get(&at).copied().ok_or(Errno::ENOENT)?;
            if self.node(directory).kind != NodeKind::Directory {
                return Err(Errno::ENOTDIR);
            }
            if !self.may(process, directory, May::Search) {
                return Err(Errno::EACCES);
            }
            if name == ".." {
                at = parent(&at).to_owned();
                continue;
            }
            let next = match at.as_str() {
                "" => name,
                at => format!("{at}/{name}"),
            };
            let node = self.paths.get(&next).copied();
            let link = node.and_then(|node| match &self.node(node).kind {
                NodeKind::Symlink(target) => Some(target),
                _ => None,
            });
            if let (Some(target), true) = (link, !rest.is_empty() || last == Last::Followed) {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::ELOOP);
                }
                push(&mut rest, target);
                continue;
            }
            if node.is_none() && !rest.is_empty() {
                return Err(Errno::ENOENT);
            }
            found = Some((directory, node));
            at = next;
        }
        let own = self.paths.get(&at).copied();
        let (parent, node) = found.unwrap_or((own.unwrap_or(ROOT), own));
        Ok(Place {
            parent,
            path: at,
            node,
        })
    }
}

/// What becomes of a symbolic link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It is followed.
    Followed,
    /// It is what is meant.
    Kept,
}

fn push(rest: &mut Vec<String>, path: &str) {
    let names = path
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".");
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.reverse();
    rest.extend(names);
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
