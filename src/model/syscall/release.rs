//! What happens when nothing refers to a file any more: `__fput`, `unix_release_sock`, and the
//! collection of sockets that only refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use nix::errno::Errno;

use crate::model::call::Events;
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::{FileId, SockId};
use crate::model::kernel::Kernel;
use crate::model::row::row;
use crate::model::sleeper::Woken;
use crate::model::socket::{Shut, State};

/// Whether somebody had accepted a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepted {
    Yes,
    No,
}

impl Kernel {
    /// Releases what a call left without references. A message that goes may take more with it.
    pub(super) fn release_files(&mut self) {
        while let Some(file) = self.next_released() {
            self.unwatch_everywhere(file);
            match self.file(file).kind {
                Kind::Epoll(epoll) => self.clear_epoll(epoll),
                Kind::Socket(sock) => self.release_sock(sock, Accepted::Yes),
                kind @ (Kind::PipeIn(_) | Kind::PipeOut(_)) => self.close_pipe_end(kind),
                Kind::Regular { .. } | Kind::Eventfd { .. } => {}
            }
        }
    }

    /// `unix_release_sock`.
    fn release_sock(&mut self, sock: SockId, accepted: Accepted) {
        if !self.wrong(Fault::NameOutlivesSocket) {
            self.forget_name(sock);
        }
        self.bury(sock);
        self.add_shutdown(sock, Shut::BOTH);
        let state = self.sock(sock).state;
        self.set_state(sock, State::Close);
        self.wake_peers(sock, Woken::All);
        let peer = self.sock(sock).peer;
        self.set_peer(sock, None);
        if let Some(peer) = peer {
            if self.sock(sock).is_connection_based() {
                self.tell_peer(sock, peer, accepted);
                self.wake(peer, Events::default());
            } else {
                self.by(row("D09"));
            }
            self.end_relay(sock, peer);
        }
        while let Some(skb) = self.unqueue(sock, 0) {
            if let (State::Listen, Some(embryo)) = (state, skb.embryo) {
                self.release_sock(embryo, Accepted::No);
            }
            if !skb.files.is_empty() {
                self.by(row("J24"));
            }
        }
    }

    /// The other end of a connection sees that this one is gone.
    fn tell_peer(&mut self, sock: SockId, peer: SockId, accepted: Accepted) {
        self.add_shutdown(peer, Shut::BOTH);
        let mut unread = self.sock(sock).queue.iter().map(|skb| skb.left());
        let first = unread.next();
        let quirk = self.settings().quirks.an_empty_packet_makes_no_reset;
        let something_unread = match first {
            Some(0) if quirk => {
                let more = unread.next().is_some();
                self.by(row("I18"));
                more || self.wrong(Fault::EmptyPacketResets)
            }
            first => first.is_some(),
        };
        if something_unread && !self.wrong(Fault::UnreadMakesNoReset) {
            self.by(row("F06"));
            self.set_error(peer, Some(Errno::ECONNRESET));
        } else if accepted == Accepted::No && !self.wrong(Fault::ClosedListenerResetsNobody) {
            self.by(row("E12"));
            self.set_error(peer, Some(Errno::ECONNRESET));
        } else {
            self.by(row("L04"));
        }
    }

    /// Sockets that no process can reach: they are only referred to by messages in queues of their
    /// like.
    pub fn garbage(&self) -> Vec<SockId> {
        let live = |sock: &SockId| !self.sock(*sock).dead;
        let suspects: Vec<SockId> = self
            .files()
            .filter(|(_, file)| file.references > 0 && file.references == file.in_flight)
            .filter_map(|(_, file)| match file.kind {
                Kind::Socket(sock) => Some(sock),
                _ => None,
            })
            .collect();
        if suspects.is_empty() {
            return suspects;
        }
        // Mark from what processes hold.
        let held = self
            .files()
            .filter(|(_, file)| file.references > file.in_flight);
        let mut marked: BTreeSet<SockId> = BTreeSet::new();
        let mut next: Vec<SockId> = held
            .filter_map(|(_, file)| match file.kind {
                Kind::Socket(sock) => Some(sock),
                _ => None,
            })
            .collect();
        while let Some(sock) = next.pop() {
            if !marked.insert(sock) {
                continue;
            }
            for skb in &self.sock(sock).queue {
                next.extend(skb.embryo);
                next.extend(skb.files.iter().filter_map(|file| self.sock_of(*file)));
            }
        }
        suspects
            .into_iter()
            .filter(live)
            .filter(|sock| !marked.contains(sock))
            .collect()
    }

    fn sock_of(&self, file: FileId) -> Option<SockId> {
        match self.file(file).kind {
            Kind::Socket(sock) => Some(sock),
            _ => None,
        }
    }

    /// Empties the queues of sockets that nobody can reach, as often as that leaves others which nobody
    /// can reach: `__unix_gc`. Linux does it in its own time; here somebody has to ask. All that were
    /// found come back.
    pub fn collect_garbage(&mut self) -> Vec<SockId> {
        let mut all = Vec::new();
        loop {
            let garbage = self.dead_components();
            if garbage.is_empty() {
                return all;
            }
            self.by(row("J26"));
            self.collected(garbage.clone());
            for sock in &garbage {
                self.empty_queue(*sock);
            }
            self.release_files();
            all.extend(garbage);
        }
    }

    /// Garbage whose references all wait at sockets that it can be reached from in turn:
    /// `unix_scc_dead`. What such sockets merely hold is closed like anything else when they let go of it.
    fn dead_components(&self) -> Vec<SockId> {
        let garbage = self.garbage();
        let holders: BTreeMap<SockId, BTreeSet<SockId>> = garbage
            .iter()
            .map(|sock| (*sock, self.holders(*sock, &garbage)))
            .collect();
        let reached = |from: SockId| {
            let mut seen = BTreeSet::new();
            let mut next = vec![from];
            while let Some(sock) = next.pop() {
                let further = holders[&sock].iter().filter(|holder| seen.insert(**holder));
                next.extend(further.copied().collect::<Vec<_>>());
            }
            seen
        };
        let dead = |sock: &SockId| {
            reached(*sock)
                .iter()
                .all(|other| reached(*other).contains(sock))
        };
        garbage.iter().copied().filter(dead).collect()
    }

    /// Which of these have a message with a descriptor of a socket in their queues; one that waits to be
    /// accepted counts for who listens.
    fn holders(&self, of: SockId, among: &[SockId]) -> BTreeSet<SockId> {
        let carries = |sock: SockId| {
            let mut files = self.sock(sock).queue.iter().flat_map(|skb| &skb.files);
            files.any(|file| self.sock_of(*file) == Some(of))
        };
        let holds = |sock: &SockId| {
            let mut waiting = self.sock(*sock).queue.iter().filter_map(|skb| skb.embryo);
            carries(*sock) || waiting.any(carries)
        };
        among.iter().copied().filter(holds).collect()
    }

    fn empty_queue(&mut self, sock: SockId) {
        if self.sock(sock).state != State::Listen {
            while self.unqueue(sock, 0).is_some() {}
            return;
        }
        // Connections that wait are not messages; but what waits in them is.
        let waiting = self.sock(sock).queue.iter().filter_map(|skb| skb.embryo);
        for embryo in waiting.collect::<Vec<_>>() {
            while self.unqueue(embryo, 0).is_some() {}
        }
    }
}
