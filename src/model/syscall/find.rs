//! How an address is looked up: `unix_find_other`.

use nix::errno::Errno;

use super::Result;
use crate::model::address::Address;
use crate::model::call::Type;
use crate::model::fault::Fault;
use crate::model::id::{Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::Stop;
use crate::model::row::row;
use crate::model::tree::{Last, May, NodeKind};

impl Kernel {
    pub(super) fn find(&mut self, pid: Pid, address: &Address, ty: Type) -> Result<SockId> {
        let name = address.name();
        let Some(path) = name.as_path() else {
            return match self.holder(ty, &name) {
                Some(sock) => Ok(sock),
                None => Err(self.refuse(row("B01"), Errno::ECONNREFUSED)),
            };
        };
        let path = String::from_utf8_lossy(path).into_owned();
        let refuse = |kernel: &mut Self, errno| -> Stop { kernel.refuse(row("A10"), errno) };
        let place = self.tree().walk(self.process(pid), &path, Last::Followed);
        let place = place.map_err(|errno| match errno {
            Errno::EACCES => self.refuse(row("N06"), errno),
            errno => refuse(self, errno),
        })?;
        let Some(node) = place.node else {
            return Err(refuse(self, Errno::ENOENT));
        };
        if !self.wrong(Fault::ModeIsNotAsked)
            && !self.tree().may(self.process(pid), node, May::Write)
        {
            return Err(self.refuse(row("N04"), Errno::EACCES));
        }
        match self.tree().node(node).kind {
            NodeKind::Socket(Some(sock)) if self.sock(sock).ty == ty => Ok(sock),
            NodeKind::Socket(Some(sock)) if self.wrong(Fault::TypeIsNotCompared) => Ok(sock),
            NodeKind::Socket(Some(_)) => Err(self.refuse(row("A22"), Errno::EPROTOTYPE)),
            _ => Err(refuse(self, Errno::ECONNREFUSED)),
        }
    }
}
