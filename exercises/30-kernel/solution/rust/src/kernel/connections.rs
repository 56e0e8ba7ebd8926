//! Connections: listen(2), connect(2), accept(2), getpeername(2).

use super::*;

impl Kernel {
    /// `unix_listen`
    pub(super) fn listen(&mut self, pid: Pid, fd: Fd, backlog: i32) -> Answer {
        let sock = self.sock(pid, fd)?;
        let socket = &self.sockets[sock];
        if socket.ty == Type::Dgram {
            return Err(Errno::EOPNOTSUPP);
        }
        if socket.name.is_none() || socket.state == State::Established {
            return Err(Errno::EINVAL);
        }
        let creds = self.creds_of(pid);
        let socket = &mut self.sockets[sock];
        // Without its sign, a negative number is a very large one.
        socket.backlog = (backlog as u32).min(self.boot.somaxconn) as usize;
        socket.state = State::Listening;
        socket.peercred = Some(creds);
        Ok(DONE)
    }

    pub(super) fn connect(&mut self, pid: Pid, fd: Fd, address: &Address) -> Answer {
        // The address is fetched before anybody asks what the descriptor is of.
        self.file(pid, fd)?;
        address.check_len()?;
        let sock = self.sock(pid, fd)?;
        match self.sockets[sock].ty {
            Type::Dgram => self.connect_dgram(sock, address)?,
            Type::Stream | Type::Seqpacket => {
                let dontwait = self.dontwait(pid, fd, false)?;
                self.connect_stream(pid, sock, address, dontwait)?;
            }
        }
        Ok(DONE)
    }

    /// `unix_stream_connect`
    fn connect_stream(
        &mut self,
        pid: Pid,
        sock: SockId,
        address: &Address,
        dontwait: bool,
    ) -> Result<()> {
        address.check()?;
        self.autobind_to_pass(sock);
        let ty = self.sockets[sock].ty;
        let other = self.find(address, ty)?;
        let listener = &self.sockets[other];
        if listener.state != State::Listening || listener.rcv_shutdown {
            return Err(Errno::ECONNREFUSED);
        }
        if listener.waiting.len() > listener.backlog {
            return Err(wait(dontwait));
        }
        // Whether this socket can be connected at all is asked last.
        match self.sockets[sock].state {
            State::Closed => {}
            State::Established => return Err(Errno::EISCONN),
            State::Listening => return Err(Errno::EINVAL),
        }

        // The other end is made now, and not by accept(2): what is sent meanwhile waits there.
        let embryo = self.new_sock(ty);
        let creds = self.creds_of(pid);
        let listener = &mut self.sockets[other];
        listener.waiting.push_back(embryo);
        let (name, passcred, peercred) =
            (listener.name.clone(), listener.passcred, listener.peercred);
        let end = &mut self.sockets[embryo];
        end.state = State::Established;
        end.peer = Some(sock);
        end.name = name;
        end.passcred = passcred;
        end.peercred = Some(creds);
        let socket = &mut self.sockets[sock];
        socket.state = State::Established;
        socket.peer = Some(embryo);
        socket.peercred = peercred;
        Ok(())
    }

    /// `unix_accept`
    pub(super) fn accept(&mut self, pid: Pid, fd: Fd, new: New) -> Answer {
        self.file(pid, fd)?;
        // A number is taken first, so without one the connection goes on waiting.
        let number = self.free(pid).next().ok_or(Errno::EMFILE)?;
        let sock = self.sock(pid, fd)?;
        let socket = &mut self.sockets[sock];
        if socket.ty == Type::Dgram {
            return Err(Errno::EOPNOTSUPP);
        }
        if socket.state != State::Listening {
            return Err(Errno::EINVAL);
        }
        let Some(embryo) = socket.waiting.pop_front() else {
            let shut = socket.rcv_shutdown;
            let dontwait = self.dontwait(pid, fd, false)?;
            // Where nobody can connect any more, nobody would wake it.
            return Err(if shut && !dontwait { Errno::EINVAL } else { wait(dontwait) });
        };
        self.give(pid, number, embryo, new);
        Ok(Outcome::Fd(number))
    }

    /// The name of the other end, be it dead or alive.
    pub(super) fn getpeername(&self, pid: Pid, fd: Fd) -> Answer {
        let sock = self.sock(pid, fd)?;
        let peer = self.sockets[sock].peer.ok_or(Errno::ENOTCONN)?;
        Ok(Outcome::Name(self.sockets[peer].name.clone()))
    }
}
