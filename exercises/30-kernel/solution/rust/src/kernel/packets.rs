//! Messages that keep their ends: datagrams, and the packets of a connection.

use std::mem;

use super::bytes::Taken;
use super::*;

impl Kernel {
    /// `unix_seqpacket_sendmsg`. An address is of no use here, and does no harm either.
    pub(super) fn send_seqpacket(
        &mut self,
        pid: Pid,
        sock: SockId,
        message: Message,
    ) -> Result<()> {
        if let Some(error) = self.sockets[sock].error.take() {
            return Err(error);
        }
        if self.sockets[sock].state != State::Established {
            return Err(Errno::ENOTCONN);
        }
        self.send_dgram(pid, sock, Message { to: None, ..message })
    }

    /// `unix_dgram_sendmsg`
    pub(super) fn send_dgram(&mut self, pid: Pid, sock: SockId, message: Message) -> Result<()> {
        let attached = self.attach(pid, &message.control)?;
        let to = message.to.filter(|to| to.len > 0);
        if let Some(to) = &to {
            to.check()?;
        }
        self.autobind_to_pass(sock);
        self.check_error(sock)?;
        // To whom it goes is asked only now: an error of an earlier call is told to whoever comes.
        let other = match to {
            Some(to) => self.find(&to, Type::Dgram)?,
            None => self.sockets[sock].peer.ok_or(Errno::ENOTCONN)?,
        };
        if !self.may_send(sock, other) {
            return Err(Errno::EPERM);
        }
        if self.sockets[other].dead {
            return Err(self.peer_is_dead(sock, other));
        }
        if self.sockets[other].rcv_shutdown {
            return Err(Errno::EPIPE);
        }
        if self.is_full(sock, other) {
            return Err(wait(message.dontwait));
        }
        self.queue(pid, sock, other, message.data, attached);
        Ok(())
    }

    /// A socket that has a peer takes messages from nobody else: `unix_may_send`.
    fn may_send(&self, sock: SockId, other: SockId) -> bool {
        self.sockets[other].peer.is_none_or(|peer| peer == sock)
    }

    /// Whether a queue takes no more from this socket. Between two that have each other as their
    /// peers there is no such limit.
    pub(super) fn is_full(&self, sock: SockId, other: SockId) -> bool {
        let receiver = &self.sockets[other];
        let limited = other != sock && receiver.peer != Some(sock);
        limited && receiver.queue.len() > receiver.backlog
    }

    /// A datagram socket forgets a peer that is gone, and is told only once.
    fn peer_is_dead(&mut self, sock: SockId, peer: SockId) -> Errno {
        if self.sockets[sock].ty == Type::Seqpacket {
            return Errno::EPIPE;
        }
        self.sockets[sock].peer = None;
        self.disconnected(sock, peer);
        Errno::ECONNREFUSED
    }

    /// `unix_dgram_connect`
    pub(super) fn connect_dgram(&mut self, sock: SockId, address: &Address) -> Result<()> {
        let other = match address.family {
            Family::Unspec if address.len >= 2 => None,
            _ => {
                address.check()?;
                self.autobind_to_pass(sock);
                let other = self.find(address, Type::Dgram)?;
                if !self.may_send(sock, other) {
                    return Err(Errno::EPERM);
                }
                Some(other)
            }
        };
        let old = mem::replace(&mut self.sockets[sock].peer, other);
        if let Some(old) = old
            && other != Some(old)
        {
            self.disconnected(sock, old);
        }
        Ok(())
    }

    /// A datagram socket has left its peer. What the old peer sent is thrown away, and if it still
    /// counts on this socket it is told: `unix_dgram_disconnected`.
    fn disconnected(&mut self, sock: SockId, old: SockId) {
        if self.sockets[sock].queue.is_empty() {
            return;
        }
        for skb in mem::take(&mut self.sockets[sock].queue) {
            self.drop_files(skb.files);
        }
        let old = &mut self.sockets[old];
        if !old.dead && old.peer == Some(sock) {
            old.error = Some(Errno::ECONNRESET);
        }
    }

    /// `__unix_dgram_recvmsg`
    pub(super) fn take_packet(&mut self, sock: SockId, wanted: Wanted) -> Result<Taken> {
        let seqpacket = self.sockets[sock].ty == Type::Seqpacket;
        if seqpacket && self.sockets[sock].state != State::Established {
            return Err(Errno::ENOTCONN);
        }
        // An error comes before what is in the queue; a stream has it the other way round.
        if let Some(error) = self.sockets[sock].error.take() {
            return Err(error);
        }
        let Some(skb) = self.sockets[sock].queue.front() else {
            // Datagrams have no end, but nobody is left to sleep for ever.
            let ends = seqpacket || !wanted.dontwait;
            return match self.sockets[sock].rcv_shutdown && ends {
                true => Ok(Taken::default()),
                false => Err(wait(wanted.dontwait)),
            };
        };
        let whole = skb.data.len();
        let size = whole.min(wanted.len);
        let mut taken = Taken {
            data: skb.data[..size].to_vec(),
            count: if wanted.trunc { whole } else { size },
            trunc: size < whole,
            from: self.sockets[skb.from].name.clone(),
            files: skb.files.clone(),
            creds: skb.creds,
            any: true,
        };
        if wanted.peek {
            self.share_files(&taken.files);
        } else if let Some(skb) = self.sockets[sock].queue.pop_front() {
            taken.files = skb.files;
        }
        Ok(taken)
    }
}
