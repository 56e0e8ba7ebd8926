//! Changes of queues.

use super::Kernel;
use crate::model::call::Events;
use crate::model::event::Event;
use crate::model::fault::Fault;
use crate::model::id::{FileId, SkbId, SockId};
use crate::model::sleeper::Woken;
use crate::model::socket::{Charge, Filled, Skb};

impl Kernel {
    /// Puts a buffer at the end of a queue: `skb_queue_tail`.
    pub(in crate::model) fn queue(&mut self, sock: SockId, filled: Filled) {
        let Filled {
            data,
            from,
            truesize,
            files,
            credentials,
            user,
            charge,
        } = filled;
        for file in &files {
            self.fly(*file);
        }
        if charge == Charge::Now {
            let charged = self.sock(from).charged + truesize;
            self.charge(from, charged);
        }
        let skb = self.next_skb();
        let len = data.len();
        let told = self.trace.events.is_some();
        let carried = if told { files.clone() } else { Vec::new() };
        self.socks[sock.index()].queue.push_back(Skb {
            id: skb,
            data,
            consumed: 0,
            from,
            truesize,
            files,
            credentials,
            user,
            embryo: None,
        });
        self.emit(|| Event::Queued {
            sock,
            skb,
            from,
            len,
            files: carried,
        });
        self.wake(sock, Events::IN);
    }

    /// Puts a connection into the queue of a listener.
    pub(in crate::model) fn queue_embryo(&mut self, listener: SockId, embryo: SockId) {
        let skb = self.next_skb();
        self.socks[listener.index()].queue.push_back(Skb {
            id: skb,
            data: Vec::new(),
            consumed: 0,
            from: embryo,
            truesize: 0,
            files: Vec::new(),
            credentials: None,
            user: 0,
            embryo: Some(embryo),
        });
        self.emit(|| Event::EmbryoQueued { listener, embryo });
        self.wake(listener, Events::IN);
    }

    /// Takes the connection that waited longest.
    pub(in crate::model) fn take_embryo(&mut self, listener: SockId) -> Option<SockId> {
        let queue = &mut self.socks[listener.index()].queue;
        let skb = match self.settings.fault {
            Some(Fault::NewestConnectionFirst) => queue.pop_back()?,
            _ => queue.pop_front()?,
        };
        let embryo = skb.embryo?;
        self.emit(|| Event::EmbryoTaken { listener, embryo });
        self.wake_peers(listener, Woken::First);
        Some(embryo)
    }

    /// How many files of messages that a user sent are on their way: `user->unix_inflight`.
    pub(in crate::model) fn in_flight_of(&self, user: u32) -> u32 {
        let buffers = self.socks.iter().flat_map(|socket| &socket.queue);
        let of_user = buffers.filter(|skb| skb.user == user);
        of_user.map(|skb| skb.files.len() as u32).sum()
    }

    fn next_skb(&mut self) -> SkbId {
        self.skbs += 1;
        SkbId(self.skbs)
    }

    /// Notes that bytes of a buffer were read.
    pub(in crate::model) fn consume(&mut self, sock: SockId, place: usize, bytes: usize) {
        let skb = &mut self.socks[sock.index()].queue[place];
        let before = skb.consumed;
        skb.consumed += bytes;
        let (skb, after) = (skb.id, skb.consumed);
        if before != after {
            self.emit(|| Event::Consumed {
                sock,
                skb,
                before,
                after,
            });
        }
    }

    /// Takes the open file descriptions from a buffer; whoever takes them holds their references.
    pub(in crate::model) fn detach(&mut self, sock: SockId, place: usize) -> Vec<FileId> {
        let buffer = &mut self.socks[sock.index()].queue[place];
        let (skb, files) = (buffer.id, std::mem::take(&mut buffer.files));
        if !files.is_empty() {
            self.emit(|| Event::FilesTaken {
                sock,
                skb,
                files: files.clone(),
            });
        }
        files
    }

    /// Takes a buffer out of a queue and gives its memory back; what goes with it is dropped.
    pub(in crate::model) fn unqueue(&mut self, sock: SockId, place: usize) -> Option<Skb> {
        let skb = self.socks[sock.index()].queue.remove(place)?;
        let id = skb.id;
        self.emit(|| Event::Dequeued { sock, skb: id });
        if skb.embryo.is_none() {
            let charged = self.sock(skb.from).charged - skb.truesize;
            self.charge(skb.from, charged);
            if self.sock(skb.from).wakes_senders() {
                self.wake(skb.from, Events::OUT);
            }
        }
        for file in &skb.files {
            self.land(*file);
        }
        Some(skb)
    }

    /// Notes that a collection emptied the queues of these.
    pub(in crate::model) fn collected(&mut self, socks: Vec<SockId>) {
        self.emit(|| Event::Collected { socks });
    }
}
