//! close(2), dup(2), dup2(2), pipe2(2), eventfd(2).

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::call::{Birth, Fd};
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::row;
use crate::model::socket::Shut;

impl Kernel {
    pub(super) fn close(&mut self, pid: Pid, fd: Fd) -> Result<Answer> {
        let file = self.any_file_at(pid, fd)?;
        let described = self.file(file);
        self.by(match described.references {
            1 => row("C11"),
            _ if described.in_flight > 0 => row("J04"),
            _ => row("G08"),
        });
        self.uninstall(pid, fd);
        if self.wrong(Fault::CloseShutsDown)
            && let Kind::Socket(sock) = self.file(file).kind
            && let Some(peer) = self.sock(sock).peer
            && self.sock(sock).is_connection_based()
        {
            self.add_shutdown(
                peer,
                Shut {
                    receive: true,
                    send: false,
                },
            );
        }
        Ok(DONE)
    }

    pub(super) fn dup(&mut self, pid: Pid, fd: Fd) -> Result<Answer> {
        let file = self.any_file_at(pid, fd)?;
        let new = self.free_descriptor(pid)?;
        self.install(pid, new, file, false);
        Ok(Answer::Descriptor(new))
    }

    pub(super) fn dup2(&mut self, pid: Pid, fd: Fd, to: Fd) -> Result<Answer> {
        let limit = self.process(pid).limit as Fd;
        if to < 0 || (fd != to && to >= limit) {
            return Err(self.refuse(row("C19"), Errno::EBADF));
        }
        let file = self.any_file_at(pid, fd)?;
        if fd != to {
            self.uninstall(pid, to);
            self.install(pid, to, file, false);
        }
        Ok(Answer::Descriptor(to))
    }

    pub(super) fn pipe2(&mut self, pid: Pid, birth: Birth) -> Result<Answer> {
        let (first, second) = self.two_free_descriptors(pid)?;
        let pipe = self.create_pipe(self.process(pid).euid);
        let out = self.open_file(Kind::PipeOut(pipe), birth.nonblock);
        let into = self.open_file(Kind::PipeIn(pipe), birth.nonblock);
        self.install(pid, first, out, birth.cloexec);
        self.install(pid, second, into, birth.cloexec);
        Ok(Answer::Pair(first, second))
    }

    pub(super) fn eventfd(&mut self, pid: Pid, value: u32, birth: Birth) -> Result<Answer> {
        let fd = self.free_descriptor(pid)?;
        let counter = u64::from(value);
        let file = self.open_file(Kind::Eventfd { counter }, birth.nonblock);
        self.install(pid, fd, file, birth.cloexec);
        Ok(Answer::Descriptor(fd))
    }
}
