//! Calls that take paths: open(2), unlink(2), rename(2), chmod(2) and their like.

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::call::{Access, Birth, Fd};
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::{NodeId, Pid};
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::row;
use crate::model::tree::{Last, May, NodeKind, Place};

impl Kernel {
    fn place(&mut self, pid: Pid, path: &str, last: Last) -> Result<Place> {
        let place = self.tree().walk(self.process(pid), path, last);
        place.map_err(|errno| self.refuse(row("A10"), errno))
    }

    fn node_at(&mut self, pid: Pid, path: &str, last: Last) -> Result<(Place, NodeId)> {
        let place = self.place(pid, path, last)?;
        match place.node {
            Some(node) => Ok((place, node)),
            None => Err(self.refuse(row("A10"), Errno::ENOENT)),
        }
    }

    pub(super) fn open(&mut self, pid: Pid, path: &str, access: Access) -> Result<Answer> {
        let fd = self.free_descriptor(pid)?;
        let (_, node) = self.node_at(pid, path, Last::Followed)?;
        let directory = self.tree().node(node).kind == NodeKind::Directory;
        if directory && matches!(access, Access::Write | Access::Both) {
            return Err(self.refuse(row("N15"), Errno::EISDIR));
        }
        let wanted: &[May] = match access {
            Access::Read => &[May::Read],
            Access::Write => &[May::Write],
            Access::Both => &[May::Read, May::Write],
            Access::Path => &[],
        };
        for may in wanted {
            if !self.tree().may(self.process(pid), node, *may) {
                return Err(self.refuse(row("N06"), Errno::EACCES));
            }
        }
        let socket = matches!(self.tree().node(node).kind, NodeKind::Socket(_));
        if socket && access != Access::Path {
            return Err(self.refuse(row("A19"), Errno::ENXIO));
        }
        let file = self.open_file(
            Kind::Regular {
                node,
                offset: 0,
                access,
            },
            false,
        );
        self.install(pid, fd, file, Birth::default().cloexec);
        Ok(Answer::Descriptor(fd))
    }

    /// Where something new may be made.
    fn free_place(&mut self, pid: Pid, path: &str) -> Result<Place> {
        let place = self.place(pid, path, Last::Kept)?;
        if place.node.is_some() {
            return Err(self.refuse(row("N16"), Errno::EEXIST));
        }
        self.check_write(pid, place.parent)?;
        Ok(place)
    }

    fn check_write(&mut self, pid: Pid, directory: NodeId) -> Result<()> {
        match self.tree().may(self.process(pid), directory, May::Write) {
            true => Ok(()),
            false => Err(self.refuse(row("N08"), Errno::EACCES)),
        }
    }

    pub(super) fn creat(&mut self, pid: Pid, path: &str) -> Result<Answer> {
        // It is opened, too, and closed again.
        self.free_descriptor(pid)?;
        let place = self.free_place(pid, path)?;
        let mode = 0o666 & !self.process(pid).umask;
        self.make_node(pid, &place, NodeKind::Regular(Vec::new()), mode);
        Ok(DONE)
    }

    pub(super) fn mkdir(&mut self, pid: Pid, path: &str, mode: u32) -> Result<Answer> {
        let place = self.free_place(pid, path)?;
        let mode = mode & !self.process(pid).umask;
        self.make_node(pid, &place, NodeKind::Directory, mode);
        Ok(DONE)
    }

    pub(super) fn symlink(&mut self, pid: Pid, target: &str, path: &str) -> Result<Answer> {
        let place = self.free_place(pid, path)?;
        self.make_node(pid, &place, NodeKind::Symlink(target.to_owned()), 0o777);
        Ok(DONE)
    }

    pub(super) fn unlink(&mut self, pid: Pid, path: &str) -> Result<Answer> {
        let (place, node) = self.node_at(pid, path, Last::Kept)?;
        self.check_write(pid, place.parent)?;
        if self.tree().node(node).kind == NodeKind::Directory {
            return Err(self.refuse(row("N15"), Errno::EISDIR));
        }
        self.by(row("A13"));
        self.remove_path(&place.path);
        Ok(DONE)
    }

    pub(super) fn rename(&mut self, pid: Pid, from: &str, to: &str) -> Result<Answer> {
        let old = self.place(pid, from, Last::Kept)?;
        let new = self.place(pid, to, Last::Kept)?;
        let Some(node) = old.node else {
            return Err(self.refuse(row("A12"), Errno::ENOENT));
        };
        self.check_write(pid, old.parent)?;
        if new.node == Some(node) {
            return Ok(DONE);
        }
        self.check_write(pid, new.parent)?;
        self.by(row("A12"));
        self.remove_path(&old.path);
        if new.node.is_some() {
            self.remove_path(&new.path);
        }
        self.link_path(&new.path, node);
        Ok(DONE)
    }

    pub(super) fn chmod(&mut self, pid: Pid, path: &str, mode: u32) -> Result<Answer> {
        let (_, node) = self.node_at(pid, path, Last::Followed)?;
        self.check_owner(pid, node)?;
        self.set_node_mode(node, mode & 0o777);
        Ok(DONE)
    }

    fn check_owner(&mut self, pid: Pid, node: NodeId) -> Result<()> {
        self.check_user(pid, self.tree().node(node).uid)
    }

    /// Whether a process may change what belongs to a user.
    fn check_user(&mut self, pid: Pid, owner: u32) -> Result<()> {
        let process = self.process(pid);
        match process.is_privileged() || process.euid == owner {
            true => Ok(()),
            false => Err(self.refuse(row("N10"), Errno::EPERM)),
        }
    }

    pub(super) fn chown(&mut self, pid: Pid, path: &str, uid: u32, gid: u32) -> Result<Answer> {
        let (_, node) = self.node_at(pid, path, Last::Followed)?;
        let (process, old) = (self.process(pid), self.tree().node(node));
        // An owner may give a file to its own group, and change nothing else.
        let own = process.euid == old.uid && uid == old.uid;
        let own = own && (gid == old.gid || gid == process.egid);
        if !process.is_privileged() && !own {
            return Err(self.refuse(row("N10"), Errno::EPERM));
        }
        self.by(row("N10"));
        self.set_owner(node, uid, gid);
        Ok(DONE)
    }

    /// fchmod(2) of a socket changes what bind(2) gives the node, not a node that is there.
    pub(super) fn fchmod(&mut self, pid: Pid, fd: Fd, mode: u32) -> Result<Answer> {
        let file = self.file_at(pid, fd)?;
        match self.file(file).kind {
            Kind::Socket(sock) => {
                self.check_user(pid, self.sock(sock).owner)?;
                self.by(if self.sock(sock).node.is_some() {
                    row("N03")
                } else {
                    row("N02")
                });
                self.set_sock_mode(sock, mode & 0o777);
                if self.wrong(Fault::FchmodReachesNode)
                    && let Some(node) = self.sock(sock).node
                {
                    self.set_node_mode(node, mode & 0o777);
                }
            }
            Kind::Regular { node, .. } => {
                self.check_owner(pid, node)?;
                self.set_node_mode(node, mode & 0o777);
            }
            Kind::PipeIn(pipe) | Kind::PipeOut(pipe) => {
                self.check_user(pid, self.pipe(pipe).owner)?;
            }
            Kind::Eventfd { .. } | Kind::Epoll(_) => {
                if self.settings().quirks.anonymous_files_have_no_mode {
                    return Err(self.refuse(row("N17"), Errno::EOPNOTSUPP));
                }
                // All of them are one file, which is root's.
                self.check_user(pid, 0)?;
            }
        }
        Ok(DONE)
    }

    pub(super) fn mode(&mut self, pid: Pid, path: &str) -> Result<Answer> {
        let (_, node) = self.node_at(pid, path, Last::Followed)?;
        self.by(row("N01"));
        Ok(Answer::Number(i64::from(self.tree().node(node).mode)))
    }

    pub(super) fn seek(&mut self, pid: Pid, fd: Fd, offset: u32) -> Result<Answer> {
        let file = self.file_at(pid, fd)?;
        match self.file(file).kind {
            Kind::Regular { .. } => {
                self.set_offset(file, u64::from(offset));
                Ok(Answer::Number(i64::from(offset)))
            }
            // An eventfd or a set of epoll(7) may be sought, and nothing comes of it.
            Kind::Eventfd { .. } | Kind::Epoll(_) => Ok(Answer::Number(0)),
            _ => Err(self.refuse(row("C09"), Errno::ESPIPE)),
        }
    }
}
