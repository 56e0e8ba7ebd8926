//! getsockname(2) and getpeername(2): `unix_getname`.

use nix::errno::Errno;

use super::Result;
use crate::model::call::Fd;
use crate::model::fault::Fault;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::row;

impl Kernel {
    pub(super) fn getsockname(&mut self, pid: Pid, fd: Fd) -> Result<Answer> {
        let (_, sock) = self.sock_at(pid, fd)?;
        let name = self.sock(sock).name.as_deref().cloned();
        self.by(row("D01"));
        Ok(Answer::Name(name))
    }

    pub(super) fn getpeername(&mut self, pid: Pid, fd: Fd) -> Result<Answer> {
        let (_, sock) = self.sock_at(pid, fd)?;
        let Some(peer) = self.sock(sock).peer else {
            return Err(self.refuse(row("D02"), Errno::ENOTCONN));
        };
        if self.sock(peer).dead {
            if self.wrong(Fault::DeadPeerHasNoName) {
                return Err(self.refuse(row("D02"), Errno::ENOTCONN));
            }
            self.by(row("D08"));
        }
        let name = self.sock(peer).name.as_deref().cloned();
        self.by(if name.is_some() {
            row("D10")
        } else {
            row("D03")
        });
        Ok(Answer::Name(name))
    }
}
