//! poll(2) of one descriptor, without waiting.

use super::*;

impl Kernel {
    pub(super) fn poll(&self, pid: Pid, fd: Fd, wanted: Events) -> Outcome {
        let ready = match self.file(pid, fd) {
            // A program that leaves out a descriptor sets it to a negative number.
            Err(_) if fd < 0 => Events::default(),
            Err(_) => Events { nval: true, ..Events::default() },
            Ok(file) => match self.files[file].kind {
                Kind::Socket(sock) => self.poll_sock(sock),
                Kind::Regular { .. } => Events { input: true, output: true, ..Events::default() },
            },
        };
        // Errors and hang-ups are told to whoever did not ask for them, too.
        Outcome::Poll(Events {
            input: ready.input && wanted.input,
            output: ready.output && wanted.output,
            rdhup: ready.rdhup && wanted.rdhup,
            ..ready
        })
    }

    /// `unix_poll`, `unix_dgram_poll`
    fn poll_sock(&self, sock: SockId) -> Events {
        let socket = &self.sockets[sock];
        let never_connected = socket.ty != Type::Dgram && socket.state == State::Closed;
        let something = !socket.queue.is_empty() || !socket.waiting.is_empty();
        Events {
            // The end is something to receive, too.
            input: something || socket.rcv_shutdown,
            output: self.is_writable(sock),
            err: socket.error.is_some(),
            hup: never_connected || (socket.rcv_shutdown && socket.send_shutdown),
            rdhup: socket.rcv_shutdown,
            nval: false,
        }
    }

    /// Whether send(2) would come back at once; so does EPIPE. Send buffers are never full here, but
    /// the queue of a datagram socket's peer may be.
    fn is_writable(&self, sock: SockId) -> bool {
        let socket = &self.sockets[sock];
        if socket.state == State::Listening {
            return false;
        }
        match (socket.ty, socket.peer) {
            (Type::Dgram, Some(peer)) => self.sockets[peer].dead || !self.is_full(sock, peer),
            _ => true,
        }
    }
}
