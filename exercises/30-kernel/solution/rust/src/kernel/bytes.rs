//! Bytes through a stream: send(2) and recv(2), and what is the same for messages.

use std::mem;

use super::rights::Attached;
use super::*;

/// What a receiver takes out of a queue, before anything is put into its buffers.
#[derive(Default)]
pub(super) struct Taken {
    pub data: Vec<u8>,
    /// What the call returns: not always how much data there is.
    pub count: usize,
    pub trunc: bool,
    /// The sender's name.
    pub from: Option<Name>,
    /// Files that came along. Each is a reference of ours.
    pub files: Vec<FileId>,
    pub creds: Option<Creds>,
    /// Whether this is anything at all, and not just an end.
    pub any: bool,
}

impl Kernel {
    pub(super) fn send(&mut self, pid: Pid, fd: Fd, mut message: Message) -> Answer {
        let sock = self.sock(pid, fd)?;
        message.dontwait = self.dontwait(pid, fd, message.dontwait)?;
        if message.to.as_ref().is_some_and(|to| to.len < 0) {
            return Err(Errno::EINVAL);
        }
        let len = message.data.len();
        match self.sockets[sock].ty {
            Type::Stream => self.send_stream(pid, sock, message)?,
            Type::Dgram => self.send_dgram(pid, sock, message)?,
            Type::Seqpacket => self.send_seqpacket(pid, sock, message)?,
        }
        Ok(Outcome::Number(len as i64))
    }

    /// `unix_stream_sendmsg`
    fn send_stream(&mut self, pid: Pid, sock: SockId, message: Message) -> Result<()> {
        let attached = self.attach(pid, &message.control)?;
        let socket = &self.sockets[sock];
        if message.to.is_some_and(|to| to.len > 0) {
            return Err(match socket.state {
                State::Established => Errno::EISCONN,
                _ => Errno::EOPNOTSUPP,
            });
        }
        let other = socket.peer.ok_or(Errno::ENOTCONN)?;
        if socket.send_shutdown {
            return Err(Errno::EPIPE);
        }
        if message.data.is_empty() {
            // Nothing is sent; not even what is attached.
            return Ok(());
        }
        self.check_error(sock)?;
        if self.sockets[other].rcv_shutdown {
            return Err(Errno::EPIPE);
        }
        self.queue(pid, sock, other, message.data, attached);
        Ok(())
    }

    /// Whether a socket may send: `sock_alloc_send_pskb`.
    pub(super) fn check_error(&mut self, sock: SockId) -> Result<()> {
        if let Some(error) = self.sockets[sock].error.take() {
            return Err(error);
        }
        match self.sockets[sock].send_shutdown {
            true => Err(Errno::EPIPE),
            false => Ok(()),
        }
    }

    /// Puts a message into a queue.
    pub(super) fn queue(
        &mut self,
        pid: Pid,
        from: SockId,
        other: SockId,
        data: Vec<u8>,
        attached: Attached,
    ) {
        let creds = self.creds_for(pid, from, other, attached.creds);
        self.share_files(&attached.files);
        let skb = Skb { data, from, files: attached.files, creds };
        self.sockets[other].queue.push_back(skb);
    }

    pub(super) fn recv(&mut self, pid: Pid, fd: Fd, mut wanted: Wanted) -> Answer {
        let sock = self.sock(pid, fd)?;
        wanted.dontwait = self.dontwait(pid, fd, wanted.dontwait)?;
        let taken = self.take(sock, wanted)?;
        Ok(Outcome::Received(self.deliver(pid, sock, taken, wanted)))
    }

    /// read(2) is told nothing but bytes, and does not even look when there is no room for any.
    pub(super) fn read_sock(&mut self, pid: Pid, fd: Fd, len: usize) -> Result<Vec<u8>> {
        if len == 0 {
            return Ok(Vec::new());
        }
        let sock = self.sock(pid, fd)?;
        let dontwait = self.dontwait(pid, fd, false)?;
        let taken = self.take(sock, Wanted { len, dontwait, ..Wanted::default() })?;
        self.drop_files(taken.files);
        Ok(taken.data)
    }

    fn take(&mut self, sock: SockId, wanted: Wanted) -> Result<Taken> {
        match self.sockets[sock].ty {
            Type::Stream => self.take_stream(sock, wanted),
            Type::Dgram | Type::Seqpacket => self.take_packet(sock, wanted),
        }
    }

    /// `unix_stream_read_generic`
    fn take_stream(&mut self, sock: SockId, wanted: Wanted) -> Result<Taken> {
        if self.sockets[sock].state != State::Established {
            return Err(Errno::EINVAL);
        }
        let mut taken = Taken::default();
        match wanted.peek {
            true => self.peek_bytes(sock, wanted.len, &mut taken),
            false => self.take_bytes(sock, wanted.len, &mut taken),
        }
        taken.count = taken.data.len();
        if taken.any {
            return Ok(taken);
        }
        // What was sent comes first, then an error, then the end.
        if let Some(error) = self.sockets[sock].error.take() {
            return Err(error);
        }
        match self.sockets[sock].rcv_shutdown {
            true => Ok(taken),
            false => Err(wait(wanted.dontwait)),
        }
    }

    fn take_bytes(&mut self, sock: SockId, len: usize, taken: &mut Taken) {
        while self.goes_with(sock, 0, taken) {
            let skb = &mut self.sockets[sock].queue[0];
            let size = skb.data.len().min(len - taken.data.len());
            taken.data.extend(skb.data.drain(..size));
            // Descriptors go with the first byte of their message.
            taken.files = mem::take(&mut skb.files);
            if !skb.data.is_empty() {
                return;
            }
            self.sockets[sock].queue.pop_front();
            // Behind descriptors a call reads no further, or it would not be clear whose they are.
            if !taken.files.is_empty() || taken.data.len() == len {
                return;
            }
        }
    }

    fn peek_bytes(&mut self, sock: SockId, len: usize, taken: &mut Taken) {
        let mut place = 0;
        while self.goes_with(sock, place, taken) {
            let skb = &self.sockets[sock].queue[place];
            let size = skb.data.len().min(len - taken.data.len());
            taken.data.extend(&skb.data[..size]);
            if !skb.files.is_empty() {
                taken.files = skb.files.clone();
                self.share_files(&taken.files);
                return;
            }
            // A full buffer is no reason to stop: Linux looks on, as far as the next descriptors.
            place += 1;
        }
    }

    /// Whether there is one more message, and it may be read together with those before it.
    fn goes_with(&self, sock: SockId, place: usize, taken: &mut Taken) -> bool {
        let socket = &self.sockets[sock];
        let Some(skb) = socket.queue.get(place) else {
            return false;
        };
        if !taken.any {
            taken.any = true;
            taken.from = self.sockets[skb.from].name.clone();
            taken.creds = skb.creds;
        }
        // Whoever asks for credentials is never given the bytes of two senders at once.
        !socket.passcred || taken.creds == skb.creds
    }

    /// SIOCINQ: how many bytes there are to read.
    pub(super) fn inq(&self, pid: Pid, fd: Fd) -> Answer {
        let socket = match self.files[self.file(pid, fd)?].kind {
            Kind::Socket(sock) => &self.sockets[sock],
            Kind::Regular { inode, offset, .. } => {
                let left = self.content(inode).len() as i64 - offset as i64;
                return Ok(Outcome::Number(left));
            }
        };
        if socket.state == State::Listening {
            return Err(Errno::EINVAL);
        }
        let mut lens = socket.queue.iter().map(|skb| skb.data.len());
        let len: usize = match socket.ty {
            // The next recv(2) gets no more than the first.
            Type::Dgram => lens.next().unwrap_or(0),
            Type::Stream | Type::Seqpacket => lens.sum(),
        };
        Ok(Outcome::Number(len as i64))
    }
}
