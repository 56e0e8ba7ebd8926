//! socket(2) and socketpair(2): `__sys_socket`, `__sys_socketpair`, `unix_create`.

use nix::errno::Errno;

use super::Result;
use crate::model::call::{Birth, Fd, Type};
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::{Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::row;
use crate::model::socket::State;

/// Bits of the type that are not flags: `SOCK_TYPE_MASK`.
const TYPE_MASK: i32 = 0xf;
/// `SOCK_MAX`.
const TYPES: i32 = 11;
/// `PF_UNIX`, the only protocol there is beside 0.
const PROTOCOL: i32 = 1;

impl Kernel {
    pub(super) fn socket(
        &mut self,
        pid: Pid,
        ty: i32,
        protocol: i32,
        birth: Birth,
    ) -> Result<Answer> {
        self.check_type_flags(ty)?;
        let sock = self.unix_create(ty, protocol)?;
        let fd = self.free_descriptor(pid)?;
        self.give(pid, fd, sock, birth);
        Ok(Answer::Descriptor(fd))
    }

    pub(super) fn socketpair(
        &mut self,
        pid: Pid,
        ty: i32,
        protocol: i32,
        birth: Birth,
    ) -> Result<Answer> {
        self.check_type_flags(ty)?;
        // Both numbers are taken before there is a socket.
        let (first, second) = self.two_free_descriptors(pid)?;
        let (a, b) = (
            self.unix_create(ty, protocol)?,
            self.unix_create(ty, protocol)?,
        );
        self.by(row("C05"));
        self.set_peer(a, Some(b));
        self.set_peer(b, Some(a));
        for sock in [a, b] {
            self.by(row("K10"));
            self.remember_process(sock, pid);
            self.set_state(sock, State::Established);
        }
        self.give(pid, first, a, birth);
        self.give(pid, second, b, birth);
        Ok(Answer::Pair(first, second))
    }

    /// `__sys_socket_create`: beside the type only flags that are known.
    fn check_type_flags(&mut self, ty: i32) -> Result<()> {
        match ty & !TYPE_MASK {
            0 => Ok(()),
            _ => Err(self.refuse(row("C03"), Errno::EINVAL)),
        }
    }

    /// `__sock_create` and `unix_create`.
    fn unix_create(&mut self, ty: i32, protocol: i32) -> Result<SockId> {
        if !(0..TYPES).contains(&ty) {
            return Err(self.refuse(row("C03"), Errno::EINVAL));
        }
        if protocol != 0 && protocol != PROTOCOL {
            return Err(self.refuse(row("C02"), Errno::EPROTONOSUPPORT));
        }
        let ty = match ty {
            1 => Type::Stream,
            2 => Type::Dgram,
            3 => {
                self.by(row("C01"));
                match self.wrong(Fault::RawIsStream) {
                    true => Type::Stream,
                    false => Type::Dgram,
                }
            }
            5 => Type::Seqpacket,
            _ => return Err(self.refuse(row("C03"), Errno::ESOCKTNOSUPPORT)),
        };
        Ok(self.create_sock(ty))
    }

    /// Opens a socket under a descriptor: `sock_alloc_file`, `fd_install`.
    pub(super) fn give(&mut self, pid: Pid, fd: Fd, sock: SockId, birth: Birth) {
        self.set_sock_owner(sock, self.process(pid).euid);
        let file = self.open_file(Kind::Socket(sock), birth.nonblock);
        self.install(pid, fd, file, birth.cloexec);
    }
}
