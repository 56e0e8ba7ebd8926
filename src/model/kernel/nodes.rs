//! Changes of the file system.

use super::Kernel;
use crate::model::event::Event;
use crate::model::id::{NodeId, Pid};
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
        let node = &mut self.tree.nodes[node.index()];
        (node.uid, node.gid) = (uid, gid);
    }

    /// Writes into a regular file at an offset.
    pub(in crate::model) fn write_node(&mut self, node: NodeId, offset: usize, bytes: &[u8]) {
        if let NodeKind::Regular(data) = &mut self.tree.nodes[node.index()].kind {
            let end = offset + bytes.len();
            if data.len() < end {
                data.resize(end, 0);
            }
            data[offset..end].copy_from_slice(bytes);
        }
    }
}
