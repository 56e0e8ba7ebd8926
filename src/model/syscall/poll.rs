//! poll(2): `unix_poll`, `unix_dgram_poll`, `pipe_poll`, `eventfd_poll`, `ep_eventpoll_poll`.

use crate::model::call::{Events, Fd, Type};
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::{FileId, Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::row;
use crate::model::socket::{Shut, State};

impl Kernel {
    pub(super) fn poll(&mut self, pid: Pid, fd: Fd, events: Events) -> Answer {
        if fd < 0 {
            self.by(row("L23"));
            return Answer::Ready(Events::default());
        }
        let file = self.descriptor(pid, fd);
        let Some(file) = file.filter(|file| !self.file(*file).kind.is_path_only()) else {
            self.by(row("L23"));
            return Answer::Ready(Events::NVAL);
        };
        let ready = self.ready(file, events);
        // Errors and hang-ups are told to whoever did not ask, too.
        if events == Events::default() && ready.has(Events::HUP) {
            self.by(row("L09"));
        }
        Answer::Ready(ready.and(events | Events::ERR | Events::HUP))
    }

    /// What is ready of an open file description, and what is told unasked: `vfs_poll`.
    pub(super) fn ready(&mut self, file: FileId, events: Events) -> Events {
        match self.file(file).kind {
            Kind::Epoll(epoll) => self.poll_epoll(epoll),
            Kind::Socket(sock) => self.poll_sock(sock, events),
            Kind::PipeOut(pipe) => {
                let pipe = self.pipe(pipe);
                let mut ready = Events::default();
                if !pipe.is_empty() {
                    ready |= Events::IN;
                }
                if pipe.writers == 0 {
                    ready |= Events::HUP;
                }
                ready
            }
            Kind::PipeIn(pipe) => {
                let pipe = self.pipe(pipe);
                let mut ready = Events::default();
                if pipe.has_free_page() {
                    ready |= Events::OUT;
                }
                if pipe.readers == 0 {
                    ready |= Events::ERR;
                }
                ready
            }
            Kind::Regular { .. } => Events::IN | Events::OUT,
            Kind::Eventfd { counter } => {
                let mut ready = Events::default();
                if counter > 0 {
                    self.by(row("L17"));
                    ready |= Events::IN;
                }
                if counter < u64::MAX - 1 {
                    ready |= Events::OUT;
                }
                ready
            }
        }
    }

    fn poll_sock(&mut self, sock: SockId, events: Events) -> Events {
        let socket = self.sock(sock);
        let (ty, state, shut) = (socket.ty, socket.state, socket.shutdown);
        let (failed, empty) = (socket.error.is_some(), socket.queue.is_empty());
        let mut ready = Events::default();
        if failed {
            self.by(row("L08"));
            ready |= Events::ERR;
        }
        if shut == Shut::BOTH {
            self.by(if ty == Type::Dgram {
                row("L20")
            } else {
                row("G09")
            });
            ready |= Events::HUP;
        }
        if shut.receive {
            self.by(if shut.send { row("L04") } else { row("L05") });
            if !self.wrong(Fault::EndIsNotReadable) {
                ready |= Events::IN;
            }
            ready |= Events::RDHUP;
        }
        if !empty {
            if ready.has(Events::HUP) {
                self.by(row("F38"));
            }
            if state == State::Listen {
                self.by(row("L02"));
            }
            ready |= Events::IN;
        }
        if ty != Type::Dgram && state == State::Close && !self.wrong(Fault::FreshIsNotHungUp) {
            self.by(row("L01"));
            ready |= Events::HUP;
        }
        if events.has(Events::OUT) && self.is_writable(sock) {
            self.by(if shut.send { row("L07") } else { row("L03") });
            ready |= Events::OUT;
        }
        ready
    }

    /// `unix_writable`, and for datagrams whether the peer takes more.
    fn is_writable(&mut self, sock: SockId) -> bool {
        let socket = self.sock(sock);
        if socket.state == State::Listen && !self.wrong(Fault::ListenerIsWritable) {
            self.by(row("L02"));
            return false;
        }
        // The kernel counts from 1: a socket that has sent nothing is charged with one byte.
        let used = u64::from(socket.charged) + 1;
        let (sndbuf, charged) = (socket.sndbuf, socket.charged);
        let part = if self.wrong(Fault::WritableAtHalf) {
            2
        } else {
            4
        };
        if used * part > u64::from(sndbuf) {
            self.by(if charged < sndbuf {
                row("F12")
            } else {
                row("F13")
            });
            return false;
        }
        let socket = self.sock(sock);
        if let (Type::Dgram, Some(peer)) = (socket.ty, socket.peer) {
            let other = self.sock(peer);
            let full = other.peer != Some(sock) && other.queue_is_full() && !other.dead;
            if full {
                self.relay(sock, peer);
            }
            if full && !self.wrong(Fault::PollIgnoresFullPeer) {
                self.by(row("H21"));
                return false;
            }
        }
        true
    }
}
