//! connect(2): `unix_stream_connect` and `unix_dgram_connect`.

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::address::{Address, Family, HEADER};
use crate::model::call::{Events, Fd, Type};
use crate::model::fault::Fault;
use crate::model::id::{FileId, Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::{Answer, Wait};
use crate::model::row::row;
use crate::model::sleeper::Woken;
use crate::model::socket::State;

impl Kernel {
    pub(super) fn connect(&mut self, pid: Pid, fd: Fd, address: &Address) -> Result<Answer> {
        // The address is copied before anybody looks what the descriptor is of.
        self.file_at(pid, fd)?;
        self.check_length(address)?;
        let (file, sock) = self.sock_at(pid, fd)?;
        match self.sock(sock).ty {
            Type::Dgram => self.connect_datagrams(pid, sock, address),
            Type::Stream | Type::Seqpacket => self.connect_stream(pid, file, sock, address),
        }
    }

    fn connect_stream(
        &mut self,
        pid: Pid,
        file: FileId,
        sock: SockId,
        address: &Address,
    ) -> Result<Answer> {
        if !address.is_valid() {
            let row = match address {
                Address {
                    len: HEADER,
                    family: Family::Unix,
                    ..
                } => row("B07"),
                Address {
                    family: Family::Unspec,
                    ..
                } => row("E20"),
                _ => row("A07"),
            };
            return Err(self.refuse(row, Errno::EINVAL));
        }
        if self.sock(sock).passcred && self.sock(sock).name.is_none() {
            self.by(row("B18"));
            self.autobind(sock);
        }
        if self.wrong(Fault::OwnStateFirst) {
            self.check_own_state(sock)?;
        }
        let other = self.find(pid, address, self.sock(sock).ty)?;
        let listener = self.sock(other);
        if listener.state != State::Listen {
            return Err(self.refuse(row("A25"), Errno::ECONNREFUSED));
        }
        if listener.shutdown.receive && !self.wrong(Fault::ShutListenerAdmits) {
            return Err(self.refuse(row("E13"), Errno::ECONNREFUSED));
        }
        if listener.queue_is_full() && !self.wrong(Fault::BacklogIsUnlimited) {
            let nonblock = self.may_not_wait(file);
            let row = match self.sock(sock).state {
                State::Close => row("E09"),
                _ => row("E16"),
            };
            return Err(self.wait(nonblock, row, Wait::Queue(other)));
        }
        self.check_own_state(sock)?;

        // The other end of the connection, which nobody has accepted yet.
        let ty = self.sock(sock).ty;
        let embryo = self.create_sock(ty);
        self.set_peer(embryo, Some(sock));
        self.set_state(embryo, State::Established);
        if self.settings().quirks.options_are_inherited_at_connect {
            self.inherit_passcred(other, embryo);
        }
        self.by(row("K09"));
        self.remember_process(embryo, pid);
        self.by(row("D04"));
        let name = self.sock(other).name.clone();
        if !self.wrong(Fault::AcceptedHasNoName) {
            self.share_name(embryo, name);
        }
        let of = self.sock(other).peercred;
        self.by(row("N14"));
        self.set_peercred(sock, of);
        self.set_state(sock, State::Established);
        self.set_peer(sock, Some(embryo));
        self.by(row("E28"));
        self.queue_embryo(other, embryo);
        Ok(DONE)
    }

    /// What is accepted asks for credentials as its listener does: `unix_sock_inherit_flags`.
    pub(super) fn inherit_passcred(&mut self, listener: SockId, embryo: SockId) {
        let passcred = self.sock(listener).passcred && !self.wrong(Fault::PasscredIsNotInherited);
        self.by(row("E24"));
        self.set_passcred(embryo, passcred);
    }

    fn check_own_state(&mut self, sock: SockId) -> Result<()> {
        match self.sock(sock).state {
            State::Close => Ok(()),
            State::Established => Err(self.refuse(row("E18"), Errno::EISCONN)),
            State::Listen => Err(self.refuse(row("E17"), Errno::EINVAL)),
        }
    }

    fn connect_datagrams(&mut self, pid: Pid, sock: SockId, address: &Address) -> Result<Answer> {
        if address.len < HEADER {
            return Err(self.refuse(row("A06"), Errno::EINVAL));
        }
        let other = if address.family == Family::Unspec {
            self.by(row("H20"));
            None
        } else {
            if !address.is_valid() {
                return Err(self.refuse(row("H36"), Errno::EINVAL));
            }
            if self.sock(sock).passcred && self.sock(sock).name.is_none() {
                self.by(row("B19"));
                self.autobind(sock);
            }
            let other = self.find(pid, address, Type::Dgram)?;
            if !self.may_send(sock, other) {
                return Err(self.refuse(row("H10"), Errno::EPERM));
            }
            if other == sock {
                self.by(row("H26"));
            }
            self.set_state(sock, State::Established);
            self.set_state(other, State::Established);
            Some(other)
        };
        let old = self.sock(sock).peer;
        self.set_peer(sock, other);
        if let Some(old) = old {
            if other.is_none() {
                self.set_state(sock, State::Close);
            }
            self.end_relay(sock, old);
            self.wake(sock, Events::OUT);
            if other != Some(old) {
                self.by(row("H18"));
                self.disconnected(sock, old);
                if self.sock(old).peer.is_none() {
                    self.set_state(old, State::Close);
                }
            }
        }
        Ok(DONE)
    }

    /// Whether a datagram socket takes anything from another: `unix_may_send`.
    pub(super) fn may_send(&self, sock: SockId, other: SockId) -> bool {
        let peer = self.sock(other).peer;
        peer.is_none() || peer == Some(sock) || self.wrong(Fault::ConnectedTakesFromAll)
    }

    /// A datagram socket left its peer: `unix_dgram_disconnected`.
    pub(super) fn disconnected(&mut self, sock: SockId, old: SockId) {
        if self.sock(sock).queue.is_empty() || self.wrong(Fault::ReconnectKeepsQueue) {
            return;
        }
        self.by(row("H19"));
        while self.unqueue(sock, 0).is_some() {}
        self.wake_peers(sock, Woken::All);
        let other = self.sock(old);
        if !other.dead && other.peer == Some(sock) && !self.wrong(Fault::ReconnectDoesNotReset) {
            self.set_error(old, Some(Errno::ECONNRESET));
            self.wake(old, Events::ERR);
        }
    }
}
