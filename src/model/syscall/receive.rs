//! recv(2) and recvmsg(2): `unix_stream_read_generic`, `__unix_dgram_recvmsg`.

use nix::errno::Errno;

use super::{Result, control::Taken};
use crate::model::address::Name;
use crate::model::call::{Flags, Type};
use crate::model::fault::Fault;
use crate::model::id::{FileId, Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::{Received, Stop, Wait};
use crate::model::row::row;
use crate::model::sleeper::{Progress, Woken};
use crate::model::socket::State;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Room for data, in bytes.
    pub len: usize,
    pub flags: Flags,
    pub control: Control,
}

/// What becomes of control messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Control {
    /// The call knows of none: read(2).
    Dropped,
    /// They go into a buffer of so many bytes, if there is one: recvmsg(2).
    Delivered(Option<usize>),
}

/// What a stream has given so far.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct Gathered {
    pub data: Vec<u8>,
    from: Option<Name>,
    named: bool,
    /// Whether the queue ended before the buffer did.
    dry: bool,
    taken: Taken,
}

impl Gathered {
    /// The bytes, and whose they are.
    fn alone(self) -> Received {
        Received {
            count: self.data.len(),
            data: self.data,
            from: self.from,
            ..Received::default()
        }
    }
}

impl Kernel {
    /// Receives.
    pub(super) fn receive(
        &mut self,
        pid: Pid,
        file: FileId,
        sock: SockId,
        mut wanted: Wanted,
    ) -> Result<Received> {
        if self.may_not_wait(file) {
            wanted.flags |= Flags::DONTWAIT;
        }
        let ty = self.sock(sock).ty;
        if ty == Type::Seqpacket && self.sock(sock).state != State::Established {
            return Err(self.refuse(row("I03"), Errno::ENOTCONN));
        }
        match ty {
            Type::Stream => self.receive_stream(pid, sock, wanted),
            Type::Dgram | Type::Seqpacket => self.receive_packet(pid, sock, wanted),
        }
    }

    fn receive_stream(&mut self, pid: Pid, sock: SockId, wanted: Wanted) -> Result<Received> {
        let Wanted { len, flags, .. } = wanted;
        let nonblock = flags.has(Flags::DONTWAIT);
        if self.sock(sock).state != State::Established {
            return Err(self.refuse(row("F22"), Errno::EINVAL));
        }
        if flags.has(Flags::OOB) {
            // Urgent data is not in the model: it is a kernel without CONFIG_AF_UNIX_OOB.
            return Err(self.refuse(row("M05"), Errno::EOPNOTSUPP));
        }
        let mut gathered = self.take_progress().gathered.unwrap_or_default();
        gathered.dry = false;
        if flags.has(Flags::PEEK) {
            self.peek_stream(sock, len, &mut gathered);
        } else {
            self.take_stream(sock, len, &mut gathered);
        }
        if !gathered.taken.read && gathered.data.is_empty() {
            self.end_of_stream(sock, nonblock)?;
        } else if flags.has(Flags::WAITALL) && gathered.dry {
            // It waits for more, unless there will be none; an error that is met so is lost.
            self.by(row("F16"));
            let ended = self.take_error(sock).is_some() || self.sock(sock).shutdown.receive;
            if !ended && !nonblock {
                if self.is_interrupted() {
                    // What is there is given without any control message.
                    return Ok(gathered.alone());
                }
                self.keep_progress(Progress {
                    gathered: Some(gathered),
                    ..Progress::default()
                });
                return Err(Stop::Sleeps(Wait::Readable(sock)));
            }
        }
        let Gathered {
            data, from, taken, ..
        } = gathered;
        let mut received = Received {
            count: data.len(),
            data,
            from,
            ..Received::default()
        };
        match wanted.control {
            Control::Delivered(room) => self.deliver(pid, sock, taken, flags, room, &mut received),
            Control::Dropped => {
                if !taken.files.is_empty() {
                    self.by(row("J15"));
                }
                self.drop_taken(taken);
            }
        }
        Ok(received)
    }

    /// There is nothing to read: an error, the end, or patience.
    fn end_of_stream(&mut self, sock: SockId, nonblock: bool) -> Result<()> {
        if let Some(error) = self.take_error(sock) {
            return Err(self.refuse(row("F05"), error));
        }
        if self.sock(sock).shutdown.receive {
            self.by(row("F03"));
            return Ok(());
        }
        Err(self.wait(nonblock, row("F09"), Wait::Readable(sock)))
    }

    fn take_stream(&mut self, sock: SockId, len: usize, gathered: &mut Gathered) {
        while self.look_at(sock, 0, gathered) {
            let skb = &self.sock(sock).queue[0];
            let chunk = skb.left().min(len - gathered.data.len());
            let start = skb.consumed;
            gathered
                .data
                .extend_from_slice(&skb.data[start..start + chunk]);
            if chunk == 0 {
                self.by(row("F20"));
            }
            self.consume(sock, 0, chunk);
            let files = self.detach(sock, 0);
            let with_files = !files.is_empty();
            if with_files {
                gathered.taken.files = files;
                gathered.taken.owned = true;
            }
            if self.sock(sock).queue[0].left() > 0 {
                self.by(if with_files { row("J12") } else { row("F02") });
                return;
            }
            self.unqueue(sock, 0);
            self.by(row("O02"));
            if !gathered.taken.files.is_empty() && !self.wrong(Fault::FilesMakeNoBarrier) {
                self.by(row("J11"));
                return;
            }
            if gathered.data.len() == len {
                return;
            }
        }
        gathered.dry = self.sock(sock).queue.is_empty();
    }

    fn peek_stream(&mut self, sock: SockId, len: usize, gathered: &mut Gathered) {
        let mut place = 0;
        while self.look_at(sock, place, gathered) {
            let skb = &self.sock(sock).queue[place];
            let left = len - gathered.data.len();
            let chunk = skb.left().min(left);
            let start = skb.consumed;
            gathered
                .data
                .extend_from_slice(&skb.data[start..start + chunk]);
            let files = skb.files.clone();
            if !files.is_empty() {
                if left == 0 {
                    // It walks on with no room left, up to the next descriptors.
                    self.by(row("J52"));
                    if self.wrong(Fault::PeekStopsWhenFull) {
                        return;
                    }
                }
                self.by(row("J21"));
                gathered.taken.files = files;
                return;
            }
            self.by(row("F15"));
            place += 1;
        }
    }

    /// Whether a piece of a stream may be read with those before it; notes whose it is.
    fn look_at(&mut self, sock: SockId, place: usize, gathered: &mut Gathered) -> bool {
        let socket = self.sock(sock);
        let Some(skb) = socket.queue.get(place) else {
            return false;
        };
        let (from, credentials) = (skb.from, skb.credentials);
        if socket.passcred {
            if gathered.taken.read && gathered.taken.credentials != credentials {
                // Messages of different writers are never glued.
                self.by(row("K07"));
                if !self.wrong(Fault::WritersAreGlued) {
                    return false;
                }
            }
            if !gathered.taken.read {
                gathered.taken.credentials = credentials;
            }
        }
        gathered.taken.read = true;
        if !gathered.named {
            gathered.named = true;
            gathered.from = self.sock(from).name.as_deref().cloned();
            self.by(row("D12"));
        } else {
            self.by(row("F01"));
        }
        true
    }

    fn receive_packet(&mut self, pid: Pid, sock: SockId, wanted: Wanted) -> Result<Received> {
        let Wanted { len, flags, .. } = wanted;
        let nonblock = flags.has(Flags::DONTWAIT);
        if flags.has(Flags::OOB) {
            return Err(self.refuse(row("H29"), Errno::EOPNOTSUPP));
        }
        let seqpacket = self.sock(sock).ty == Type::Seqpacket;
        let queued_first =
            self.wrong(Fault::PacketsBeforeError) && !self.sock(sock).queue.is_empty();
        if !queued_first && let Some(error) = self.take_error(sock) {
            return Err(self.refuse(if seqpacket { row("I07") } else { row("H19") }, error));
        }
        let Some(skb) = self.sock(sock).queue.front() else {
            let shut = self.sock(sock).shutdown.receive;
            if shut && (seqpacket || !nonblock) {
                self.by(if seqpacket { row("I06") } else { row("G11") });
                return Ok(Received::default());
            }
            if shut && self.wrong(Fault::DatagramsEnd) {
                return Ok(Received::default());
            }
            let row = if shut { row("G10") } else { row("H24") };
            return Err(self.wait(nonblock, row, Wait::Readable(sock)));
        };
        let whole = skb.data.len();
        let size = whole.min(len);
        let mut received = Received {
            data: skb.data[..size].to_vec(),
            ..Received::default()
        };
        let (from, credentials) = (skb.from, skb.credentials);
        let peeked = skb.files.clone();
        received.from = self.sock(from).name.as_deref().cloned();
        self.by(match &received.from {
            Some(_) if self.sock(from).dead => row("H23"),
            Some(_) => row("H08"),
            None => row("H07"),
        });
        if size < whole {
            self.by(if seqpacket { row("I02") } else { row("H02") });
            if !self.wrong(Fault::NoTrunc) {
                received.flags |= Flags::TRUNC;
            }
        } else if len == size {
            self.by(row("H05"));
        }
        received.count = match flags.has(Flags::TRUNC) && !self.wrong(Fault::TruncReturnsCopied) {
            true => {
                self.by(if seqpacket { row("I15") } else { row("H03") });
                whole
            }
            false => size,
        };
        let mut taken = Taken {
            credentials,
            read: true,
            ..Taken::default()
        };
        if flags.has(Flags::PEEK) {
            self.by(row("H32"));
            if !peeked.is_empty() {
                self.by(row("J21"));
                taken.files = peeked;
            }
        } else {
            taken.files = self.detach(sock, 0);
            taken.owned = true;
            self.unqueue(sock, 0);
            if size < whole && !taken.files.is_empty() {
                self.by(row("J38"));
            }
        }
        // Who only peeks makes no room, and wakes all the same.
        self.wake_peers(sock, Woken::First);
        match wanted.control {
            Control::Delivered(room) => self.deliver(pid, sock, taken, flags, room, &mut received),
            Control::Dropped => self.drop_taken(taken),
        }
        Ok(received)
    }
}
