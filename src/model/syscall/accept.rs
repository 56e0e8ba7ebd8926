//! accept4(2): `__sys_accept4`, `unix_accept`.

use nix::errno::Errno;

use super::Result;
use crate::model::call::{Birth, Fd};
use crate::model::fault::Fault;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::{Answer, Stop, Wait};
use crate::model::row::row;
use crate::model::socket::State;

impl Kernel {
    pub(super) fn accept(&mut self, pid: Pid, fd: Fd, birth: Birth) -> Result<Answer> {
        let file = self.file_at(pid, fd)?;
        // The number is taken before anything is looked at.
        let new = self.free_descriptor(pid);
        if new.is_err() {
            self.by(row("E19"));
        }
        let new = new?;
        let (_, sock) = self.sock_at(pid, fd)?;
        let socket = self.sock(sock);
        if !socket.is_connection_based() {
            return Err(self.refuse(row("E02"), Errno::EOPNOTSUPP));
        }
        if socket.state != State::Listen {
            return Err(self.refuse(row("E05"), Errno::EINVAL));
        }
        let shut = socket.shutdown.receive;
        let Some(embryo) = self.take_embryo(sock) else {
            let nonblock = self.may_not_wait(file);
            if shut && !nonblock {
                return Err(self.refuse(row("E14"), Errno::EINVAL));
            }
            return Err(match nonblock && self.wrong(Fault::EmptyAcceptIsRefused) {
                true => Stop::Failed(Errno::EINVAL),
                false => self.wait(nonblock, row("E06"), Wait::Connection(sock)),
            });
        };
        if shut {
            self.by(row("E14"));
        }
        let client = self.sock(embryo).peer;
        self.by(match client.is_some_and(|client| self.sock(client).dead) {
            true => row("E11"),
            false => row("E21"),
        });
        if !self.settings().quirks.options_are_inherited_at_connect {
            self.inherit_passcred(sock, embryo);
        }
        self.by(row("C06"));
        let birth = match self.wrong(Fault::AcceptInheritsNonblock) {
            true => Birth {
                nonblock: self.file(file).nonblock,
                ..birth
            },
            false => birth,
        };
        self.give(pid, new, embryo, birth);
        Ok(Answer::Descriptor(new))
    }
}
