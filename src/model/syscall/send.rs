//! send(2), sendto(2) and sendmsg(2): `unix_stream_sendmsg`, `unix_dgram_sendmsg`,
//! `unix_seqpacket_sendmsg`.

use nix::errno::Errno;

use super::{Result, control::Attached};
use crate::model::address::Address;
use crate::model::call::{Ancillary, Events, Flags, Payload, Type};
use crate::model::fault::Fault;
use crate::model::id::{FileId, Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::{Answer, Stop, Wait};
use crate::model::row::{Row, row};
use crate::model::sleeper::{Parked, Progress};
use crate::model::socket::{Charge, Filled, State};

/// What is sent, and how.
pub(super) struct Message<'a> {
    pub payload: &'a Payload,
    pub flags: Flags,
    pub to: Option<&'a Address>,
    pub control: &'a [Ancillary],
}

/// What a socket keeps back of its send buffer for a packet, in bytes.
const SPARE: u32 = 32;
/// What a piece of a stream leaves of half a send buffer, in bytes.
const HALF_SPARE: u32 = 64;

impl Kernel {
    pub(super) fn send(
        &mut self,
        pid: Pid,
        file: FileId,
        sock: SockId,
        message: &Message<'_>,
    ) -> Result<Answer> {
        if message.to.is_some_and(|to| to.len < 0) {
            return Err(self.refuse(row("A06"), Errno::EINVAL));
        }
        let nonblock = self.may_not_wait(file) || message.flags.has(Flags::DONTWAIT);
        let sent = match self.sock(sock).ty {
            Type::Stream => self.send_stream(pid, sock, message, nonblock)?,
            Type::Dgram => {
                let to = message.to.filter(|to| to.len > 0);
                self.send_packet(pid, sock, message, to, nonblock)?
            }
            Type::Seqpacket => {
                if let Some(error) = self.take_error(sock) {
                    return Err(self.refuse(row("I08"), error));
                }
                if self.sock(sock).state != State::Established {
                    return Err(self.refuse(row("I03"), Errno::ENOTCONN));
                }
                if message.to.is_some() {
                    self.by(row("I04"));
                }
                self.send_packet(pid, sock, message, None, nonblock)?
            }
        };
        Ok(Answer::Number(sent as i64))
    }

    fn send_stream(
        &mut self,
        pid: Pid,
        sock: SockId,
        message: &Message<'_>,
        nonblock: bool,
    ) -> Result<usize> {
        let mut sent = self.take_progress().sent;
        let attached = self.attach(pid, message.control)?;
        if message.flags.has(Flags::OOB) {
            // Urgent data is not in the model: it is a kernel without CONFIG_AF_UNIX_OOB.
            return Err(self.refuse(row("M05"), Errno::EOPNOTSUPP));
        }
        if message.to.is_some_and(|to| to.len > 0) {
            return Err(match self.sock(sock).state {
                State::Established => self.refuse(row("F21"), Errno::EISCONN),
                _ => self.refuse(row("F21"), Errno::EOPNOTSUPP),
            });
        }
        let Some(other) = self.sock(sock).peer else {
            return Err(self.refuse(row("F22"), Errno::ENOTCONN));
        };
        // Who slept for room looks at the error first, and gets no SIGPIPE.
        let looks = self.has_just_begun() && !self.wrong(Fault::SendAfterShutWrite);
        if looks && self.sock(sock).shutdown.send {
            return Err(self.pipe_broken(pid, message.flags, row("F04")));
        }
        let len = message.payload.len;
        if len == 0 {
            self.by(if attached.files.is_empty() {
                row("F19")
            } else {
                row("J05")
            });
        }
        while sent < len {
            match self.send_piece(pid, sock, other, message, &attached, sent, nonblock) {
                Ok(size) => sent += size,
                // What is already in the queue stays there, also while the rest waits for room.
                Err(Stop::Failed(_)) if sent > 0 => {
                    self.by(row("F10"));
                    break;
                }
                Err(stop) => {
                    self.keep_progress(Progress {
                        sent,
                        ..Progress::default()
                    });
                    return Err(stop);
                }
            }
        }
        Ok(sent)
    }

    /// One turn of the loop in `unix_stream_sendmsg`.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the variables of that loop"
    )]
    fn send_piece(
        &mut self,
        pid: Pid,
        sock: SockId,
        other: SockId,
        message: &Message<'_>,
        attached: &Attached,
        sent: usize,
        nonblock: bool,
    ) -> Result<usize> {
        // Two buffers at least fit into what it may send.
        let half = (self.sock(sock).sndbuf / 2 - HALF_SPARE) as usize;
        let rest = message.payload.len - sent;
        let size = rest.min(half).min(self.settings().largest_piece);
        if size == half {
            self.by(row("F28"));
        }
        self.reserve(sock, nonblock, row("F11"))?;
        let checked = match sent {
            0 => self.check_in_flight(pid, attached),
            _ => Ok(()),
        };
        let target = self.sock(other);
        let gone = target.dead || target.shutdown.receive;
        let checked = match checked {
            Ok(()) if gone => Err(self.pipe_broken(pid, message.flags, row("G04"))),
            checked => checked,
        };
        if let Err(stop) = checked {
            self.free_unsent(sock);
            return Err(stop);
        }
        let files = match sent {
            0 => attached.files.clone(),
            _ if self.wrong(Fault::FilesInEveryPiece) => attached.files.clone(),
            _ => {
                if !attached.files.is_empty() {
                    self.by(row("J36"));
                }
                Vec::new()
            }
        };
        self.by(row("O01"));
        let attached = Attached {
            files,
            credentials: attached.credentials,
        };
        let data = message.payload.bytes(sent, size);
        self.post(pid, sock, other, data, attached, None);
        Ok(size)
    }

    /// Puts a buffer into the queue of who receives it: `skb_queue_tail`, and `unix_scm_to_skb` before.
    fn post(
        &mut self,
        pid: Pid,
        sock: SockId,
        other: SockId,
        data: Vec<u8>,
        attached: Attached,
        parked: Option<Parked>,
    ) {
        let truesize = &self.settings().truesize;
        let truesize = match self.sock(sock).ty {
            Type::Stream => truesize.stream(data.len()),
            Type::Dgram | Type::Seqpacket => truesize.packet(data.len()),
        };
        // What waited knows already whom to tell of.
        let settled = self
            .settings()
            .quirks
            .credentials_are_settled_before_waiting;
        let credentials = match parked {
            Some(parked) if parked.other == other && settled => {
                self.by(row("H49"));
                parked.credentials
            }
            _ => self.credentials_for(pid, attached.credentials, sock, other),
        };
        let filled = Filled {
            data,
            from: sock,
            truesize,
            files: attached.files,
            credentials,
            user: self.process(pid).uid,
            charge: match parked {
                Some(_) => Charge::Before,
                None => Charge::Now,
            },
        };
        self.queue(other, filled);
    }

    fn send_packet(
        &mut self,
        pid: Pid,
        sock: SockId,
        message: &Message<'_>,
        to: Option<&Address>,
        nonblock: bool,
    ) -> Result<usize> {
        let attached = self.attach(pid, message.control)?;
        let parked = self.take_progress().parked;
        let other = match parked {
            Some(parked) => Ok(parked.other),
            None => {
                // Who slept for room to send has passed these checks, whatever has changed since.
                if self.has_just_begun() {
                    self.check_packet(sock, message, to)?;
                }
                self.reserve(sock, nonblock, row("H15"))?;
                let checked = self.check_in_flight(pid, &attached);
                checked.and_then(|()| self.find_receiver(pid, sock, to))
            }
        };
        let other = other.and_then(|other| self.admitted(pid, sock, other, to, nonblock));
        let other = match other {
            Ok(other) => other,
            Err(stop) => {
                self.keep_or_free(pid, sock, message, &attached, parked, stop);
                return Err(stop);
            }
        };
        let len = message.payload.len;
        if len == 0 {
            self.by(if attached.files.is_empty() {
                row("H06")
            } else {
                row("J06")
            });
        }
        self.by(row("H01"));
        let data = message.payload.bytes(0, len);
        self.post(pid, sock, other, data, attached, parked);
        Ok(len)
    }

    /// What is looked at before there is a buffer.
    fn check_packet(
        &mut self,
        sock: SockId,
        message: &Message<'_>,
        to: Option<&Address>,
    ) -> Result<()> {
        if message.flags.has(Flags::OOB) {
            return Err(self.refuse(row("H29"), Errno::EOPNOTSUPP));
        }
        if let Some(to) = to
            && !to.is_valid()
        {
            return Err(self.refuse(row("H36"), Errno::EINVAL));
        }
        let connected = to.is_some() || self.sock(sock).peer.is_some();
        if !connected && !self.settings().quirks.connected_is_tested_last {
            return Err(self.refuse(row("H09"), Errno::ENOTCONN));
        }
        if self.sock(sock).passcred && self.sock(sock).name.is_none() {
            self.by(row("B19"));
            self.autobind(sock);
        }
        let spare = if self.wrong(Fault::PacketsMayFillTheBuffer) {
            0
        } else {
            SPARE
        };
        if message.payload.len > (self.sock(sock).sndbuf - spare) as usize {
            return Err(self.refuse(row("H17"), Errno::EMSGSIZE));
        }
        Ok(())
    }

    /// A packet was not sent: its buffer stays while its sender sleeps, and is freed when it fails.
    fn keep_or_free(
        &mut self,
        pid: Pid,
        sock: SockId,
        message: &Message<'_>,
        attached: &Attached,
        parked: Option<Parked>,
        stop: Stop,
    ) {
        match (stop, parked) {
            (Stop::Sleeps(Wait::Queue(other)), None) => {
                self.by(row("H46"));
                let truesize = self.settings().truesize.packet(message.payload.len);
                let credentials = self.credentials_for(pid, attached.credentials, sock, other);
                self.park(Parked {
                    sock,
                    other,
                    truesize,
                    credentials,
                });
            }
            (Stop::Sleeps(_), Some(parked)) => self.keep_parked(parked),
            (_, Some(parked)) => {
                self.keep_parked(parked);
                self.drop_parked();
            }
            (_, None) => self.free_unsent(sock),
        }
    }

    /// Whom a packet goes to.
    fn find_receiver(&mut self, pid: Pid, sock: SockId, to: Option<&Address>) -> Result<SockId> {
        match to {
            Some(to) => {
                if self.sock(sock).peer.is_some() {
                    self.by(row("H28"));
                }
                self.find(pid, to, self.sock(sock).ty)
            }
            None => match self.sock(sock).peer {
                Some(peer) => Ok(peer),
                None => Err(self.refuse(row("H09"), Errno::ENOTCONN)),
            },
        }
    }

    /// Who receives a packet, if it can be sent now; who slept still means whom it meant before.
    fn admitted(
        &mut self,
        pid: Pid,
        sock: SockId,
        mut other: SockId,
        to: Option<&Address>,
        nonblock: bool,
    ) -> Result<SockId> {
        if !self.may_send(sock, other) {
            return Err(self.refuse(row("H10"), Errno::EPERM));
        }
        if self.sock(other).dead {
            if self.sock(sock).ty == Type::Seqpacket || self.sock(sock).peer == Some(other) {
                return Err(self.send_to_the_dead(sock, other));
            }
            if to.is_none() {
                return Err(self.refuse(row("H48"), Errno::ECONNRESET));
            }
            // Somebody else may have the name by now.
            other = self.find_receiver(pid, sock, to)?;
            if !self.may_send(sock, other) {
                return Err(self.refuse(row("H10"), Errno::EPERM));
            }
        }
        if self.sock(other).shutdown.receive && !self.wrong(Fault::ShutReceiverTakesPackets) {
            return Err(self.refuse(row("G12"), Errno::EPIPE));
        }
        let mutual = self.sock(other).peer == Some(sock);
        if other == sock {
            self.by(row("H16"));
        } else if mutual && !self.wrong(Fault::QueueLimitForMutualPeers) {
            self.by(row("H38"));
        } else if self.sock(other).queue_is_full()
            && !self.wrong(Fault::QueueOfDatagramsIsUnlimited)
        {
            if nonblock && self.sock(sock).peer == Some(other) {
                self.relay(sock, other);
            }
            return Err(self.wait(nonblock, row("H14"), Wait::Queue(other)));
        }
        Ok(other)
    }

    /// The receiver of a datagram is gone.
    fn send_to_the_dead(&mut self, sock: SockId, other: SockId) -> Stop {
        if self.sock(sock).ty == Type::Seqpacket {
            return self.refuse(row("I06"), Errno::EPIPE);
        }
        if !self.wrong(Fault::DeadPeerIsKept) {
            self.set_peer(sock, None);
            self.set_state(sock, State::Close);
            self.end_relay(sock, other);
            self.wake(sock, Events::OUT);
            self.disconnected(sock, other);
        }
        self.refuse(row("H12"), Errno::ECONNREFUSED)
    }

    /// `sock_alloc_send_pskb`: an error that waits, an end that was shut, room in the send buffer.
    fn reserve(&mut self, sock: SockId, nonblock: bool, full: Row) -> Result<()> {
        if let Some(error) = self.take_error(sock) {
            return Err(self.refuse(row("H19"), error));
        }
        if self.sock(sock).shutdown.send {
            return Err(self.refuse(row("G13"), Errno::EPIPE));
        }
        let room = self.sock(sock).sndbuf;
        let room = if self.wrong(Fault::SendBufferIsTwiceAsLarge) {
            room * 2
        } else {
            room
        };
        if self.sock(sock).charged >= room {
            return Err(self.wait(nonblock, full, Wait::Room(sock)));
        }
        Ok(())
    }

    /// `too_many_unix_fds`.
    fn check_in_flight(&mut self, pid: Pid, attached: &Attached) -> Result<()> {
        let process = self.process(pid);
        if attached.files.is_empty() || process.is_privileged() {
            return Ok(());
        }
        if self.in_flight_of(process.uid) > process.limit {
            return Err(self.refuse(row("J32"), Errno::ETOOMANYREFS));
        }
        Ok(())
    }

    fn pipe_broken(&mut self, pid: Pid, flags: Flags, row: Row) -> Stop {
        if !flags.has(Flags::NOSIGNAL) && !self.wrong(Fault::BrokenStreamIsSilent) {
            self.break_pipe(pid);
        }
        self.refuse(row, Errno::EPIPE)
    }
}
