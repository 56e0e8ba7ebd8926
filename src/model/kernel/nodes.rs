//! Changes of the file system.

use super::Kernel;
use crate::model::event::Event;
use crate::model::id::{NodeId, Pid, SockId};
use crate::model::tree::{Node, NodeKind, Place};

impl Kernel {
    /// Makes a node that belongs to the effective user and group of a process: `vfs_mknod`.
    pub(in crate::model) fn make_node(
        &mut self,
        pid: Pid,
        place: &Place,
        kind: NodeKind,
        mode: u32,
    ) -> NodeId {
        let process = self.process(pid);
        let (uid, gid) = (process.euid, process.egid);
        let node = NodeId(self.tree.nodes.len() as u32);
        self.tree.nodes.push(Node {
            kind,
            mode,
            uid,
            gid,
        });
        self.tree.paths.insert(place.path.clone(), node);
        self.emit(|| Event::NodeCreated {
            node,
            path: place.path.clone(),
        });
        node
    }

    /// Takes a path away from its node.
    pub(in crate::model) fn remove_path(&mut self, path: &str) {
        if let Some(node) = self.tree.paths.remove(path) {
            self.emit(|| Event::NodeRemoved {
                node,
                path: path.to_owned(),
            });
        }
    }

    /// Lets another path lead to a node.
    pub(in crate::model) fn link_path(&mut self, path: &str, node: NodeId) {
        self.tree.paths.insert(path.to_owned(), node);
        self.emit(|| Event::NodeCreated {
            node,
            path: path.to_owned(),
        });
    }

    /// Sets permission bits.
    pub(in crate::model) fn set_node_mode(&mut self, node: NodeId, after: u32) {
        let before = std::mem::replace(&mut self.tree.nodes[node.index()].mode, after);
        self.emit(|| Event::NodeMode {
            node,
            before,
            after,
        });
    }

    /// Sets owner and group.
    pub(in crate::model) fn set_owner(&mut self, node: NodeId, uid: u32, gid: u32) {
        let owned = &mut self.tree.nodes[node.index()];
        let before = [owned.uid, owned.gid];
        let after = [uid, gid];
        (owned.uid, owned.gid) = (uid, gid);
        if before != after {
            self.emit(|| Event::NodeOwner {
                node,
                before,
                after,
            });
        }
    }

    /// Lets a node lead to a socket, or nowhere.
    pub(super) fn lead(&mut self, node: NodeId, after: Option<SockId>) {
        let kind = &mut self.tree.nodes[node.index()].kind;
        let before = match std::mem::replace(kind, NodeKind::Socket(after)) {
            NodeKind::Socket(sock) => sock,
            _ => None,
        };
        self.emit(|| Event::NodeLeads {
            node,
            before,
            after,
        });
    }

    /// Writes into a regular file at an offset.
    pub(in crate::model) fn write_node(&mut self, node: NodeId, offset: usize, bytes: &[u8]) {
        if let NodeKind::Regular(data) = &mut self.tree.nodes[node.index()].kind {
            let end = offset + bytes.len();
            let before = data.len();
            if before < end {
                data.resize(end, 0);
            }
            data[offset..end].copy_from_slice(bytes);
            let after = data.len();
            self.emit(|| Event::NodeWritten {
                node,
                before,
                after,
            });
        }
    }
}
