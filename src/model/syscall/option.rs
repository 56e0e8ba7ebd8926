//! getsockopt(2), setsockopt(2) and ioctl(2).

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::call::{Asked, Events, Fd, Set, Type};
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::{Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::{Answer, Credentials, Stop};
use crate::model::row::row;
use crate::model::socket::State;
use crate::model::tree::NodeKind;

impl Kernel {
    pub(super) fn getsockopt(&mut self, pid: Pid, fd: Fd, option: Asked) -> Result<Answer> {
        let (_, sock) = self.sock_at(pid, fd)?;
        let socket = self.sock(sock);
        let number = match option {
            Asked::Type => match socket.ty {
                Type::Stream => 1,
                Type::Dgram => 2,
                Type::Seqpacket => 5,
            },
            Asked::Error => {
                let error = match self.wrong(Fault::ErrorIsNotCleared) {
                    true => socket.error,
                    false => self.take_error(sock),
                };
                self.by(if error.is_some() {
                    row("F07")
                } else {
                    row("O08")
                });
                error.map_or(0, |error| error as i64)
            }
            Asked::AcceptConn => {
                let listens = socket.state == State::Listen;
                self.by(row("E25"));
                i64::from(listens)
            }
            Asked::PeerCred => {
                let of = socket.peercred;
                self.by(if of.is_some() { row("K13") } else { row("K11") });
                let nobody = Credentials {
                    pid: None,
                    uid: u32::MAX,
                    gid: u32::MAX,
                };
                return Ok(Answer::Credentials(of.unwrap_or(nobody)));
            }
            Asked::SndBuf => {
                let sndbuf = socket.sndbuf;
                self.by(row("F26"));
                i64::from(sndbuf)
            }
            Asked::PassCred => i64::from(socket.passcred),
            Asked::Domain => 1,
            Asked::Protocol => 0,
        };
        self.by(row("C04"));
        Ok(Answer::Number(number))
    }

    pub(super) fn setsockopt(&mut self, pid: Pid, fd: Fd, option: Set) -> Result<Answer> {
        let (_, sock) = self.sock_at(pid, fd)?;
        match option {
            Set::SndBuf(bytes) => {
                let settings = self.settings();
                // A negative number is a very large one.
                let bytes = (bytes as u32).min(settings.wmem_max);
                let doubled = if self.wrong(Fault::SndBufIsNotDoubled) {
                    bytes
                } else {
                    bytes * 2
                };
                let sndbuf = doubled.max(settings.least_sndbuf);
                self.set_sndbuf(sock, sndbuf);
                self.by(row("F26"));
                if self.sock(sock).wakes_senders() {
                    self.wake(sock, Events::OUT);
                }
            }
            Set::RcvBuf(_) => self.by(row("F25")),
            Set::PassCred(on) => self.set_passcred(sock, on),
            Set::SndTimeo(ms) => self.set_sndtimeo(sock, ms),
            Set::RcvTimeo(ms) => self.set_rcvtimeo(sock, ms),
            Set::ReuseAddr => self.by(row("A23")),
        }
        Ok(DONE)
    }

    /// `unix_inq_len`.
    pub(super) fn inq(&mut self, pid: Pid, fd: Fd) -> Result<Answer> {
        let file = self.file_at(pid, fd)?;
        let sock = match self.file(file).kind {
            Kind::Socket(sock) => sock,
            Kind::PipeIn(pipe) | Kind::PipeOut(pipe) => {
                return Ok(Answer::Number(self.pipe(pipe).len() as i64));
            }
            Kind::Regular { node, offset, .. } => {
                let len = match &self.tree().node(node).kind {
                    NodeKind::Regular(data) => data.len() as i64,
                    _ => 0,
                };
                return Ok(Answer::Number(len - offset as i64));
            }
            Kind::Eventfd { .. } => return Err(self.refuse(row("C19"), Errno::ENOTTY)),
            Kind::Epoll(_) => return Err(self.not_of_epoll()),
        };
        let socket = self.sock(sock);
        if socket.state == State::Listen {
            return Err(self.refuse(row("F30"), Errno::EINVAL));
        }
        let mut lengths = socket.queue.iter().map(|skb| skb.left());
        let (row, bytes) = match socket.ty {
            Type::Stream => (row("F29"), lengths.sum()),
            Type::Seqpacket => (row("I11"), lengths.sum()),
            Type::Dgram if self.wrong(Fault::InqCountsAllDatagrams) => (row("H30"), lengths.sum()),
            Type::Dgram => (row("H30"), lengths.next().unwrap_or(0)),
        };
        self.by(row);
        let bytes: usize = bytes;
        Ok(Answer::Number(bytes as i64))
    }

    /// `unix_outq_len`.
    pub(super) fn outq(&mut self, pid: Pid, fd: Fd) -> Result<Answer> {
        let file = self.file_at(pid, fd)?;
        let Kind::Socket(sock) = self.file(file).kind else {
            return Err(match self.file(file).kind {
                Kind::Epoll(_) => self.not_of_epoll(),
                _ => self.refuse(row("C19"), Errno::ENOTTY),
            });
        };
        let charged = self.sock(sock).charged;
        self.by(row("O03"));
        let bytes = match self.wrong(Fault::OutqCountsBytes) {
            true => self.unread_of(sock),
            false => i64::from(charged),
        };
        Ok(Answer::Number(bytes))
    }

    /// What ioctl(2) says of a set of epoll(7): `ep_eventpoll_ioctl`, which is new.
    fn not_of_epoll(&mut self) -> Stop {
        let errno = match self.settings().quirks.epoll_has_its_own_ioctl {
            true => Errno::EINVAL,
            false => Errno::ENOTTY,
        };
        self.refuse(row("L26"), errno)
    }

    fn unread_of(&self, sock: SockId) -> i64 {
        let buffers = self.socks().flat_map(|(_, socket)| &socket.queue);
        let mine = buffers.filter(|skb| skb.from == sock && skb.embryo.is_none());
        mine.map(|skb| skb.left() as i64).sum()
    }
}
