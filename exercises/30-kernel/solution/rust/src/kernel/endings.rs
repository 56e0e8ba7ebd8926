//! How it ends: shutdown(2), and what becomes of a socket that nothing leads to any more.

use std::mem;

use super::*;

impl Kernel {
    /// `unix_shutdown`
    pub(super) fn shutdown(&mut self, pid: Pid, fd: Fd, how: How) -> Answer {
        let sock = self.sock(pid, fd)?;
        if how == How::Invalid {
            return Err(Errno::EINVAL);
        }
        let read = matches!(how, How::Read | How::Both);
        let write = matches!(how, How::Write | How::Both);
        let socket = &mut self.sockets[sock];
        socket.rcv_shutdown |= read;
        socket.send_shutdown |= write;
        if let (Some(peer), Type::Stream | Type::Seqpacket) = (socket.peer, socket.ty) {
            // What one end does not send the other does not receive, and the other way round.
            let peer = &mut self.sockets[peer];
            peer.rcv_shutdown |= write;
            peer.send_shutdown |= read;
        }
        Ok(DONE)
    }

    /// `unix_release_sock`
    pub(super) fn release_sock(&mut self, sock: SockId) {
        self.forget_name(sock);
        let socket = &mut self.sockets[sock];
        socket.dead = true;
        socket.state = State::Closed;
        socket.rcv_shutdown = true;
        socket.send_shutdown = true;
        let waiting = mem::take(&mut socket.waiting);
        if let (Some(peer), Type::Stream | Type::Seqpacket) = (socket.peer.take(), socket.ty) {
            self.tell_peer(sock, peer);
        }
        for embryo in waiting {
            self.release_sock(embryo);
        }
        for skb in mem::take(&mut self.sockets[sock].queue) {
            self.drop_files(skb.files);
        }
    }

    /// The other end of a connection learns that this one is gone, and whether anything got lost.
    fn tell_peer(&mut self, sock: SockId, peer: SockId) {
        let socket = &self.sockets[sock];
        let lost = match socket.queue.front() {
            // One empty message is nothing that could be missed.
            Some(first) if first.data.is_empty() => socket.queue.len() > 1,
            first => first.is_some(),
        };
        let reset = lost || !socket.accepted;
        let peer = &mut self.sockets[peer];
        peer.rcv_shutdown = true;
        peer.send_shutdown = true;
        if reset {
            peer.error = Some(Errno::ECONNRESET);
        }
    }
}
