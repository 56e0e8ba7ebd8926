//! Changes of sets of epoll(7), and what puts something on their ready lists.

use super::Kernel;
use crate::model::call::{Events, Fd, Interest};
use crate::model::epoll::{Epoll, Key, Watch};
use crate::model::event::Event;
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::{EpollId, FileId, PipeId, SockId};
use crate::model::row::row;

/// Where somebody waits for a change: a `wait_queue_head_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Bell {
    /// `sk_sleep`.
    Sock(SockId),
    /// `rd_wait` of a pipe.
    PipeOut(PipeId),
    /// `wr_wait` of a pipe.
    PipeIn(PipeId),
    /// `wqh` of an eventfd.
    Eventfd(FileId),
    /// `poll_wait` of a set of epoll(7).
    Epoll(EpollId),
}

impl Kernel {
    /// A new set that watches nothing.
    pub(in crate::model) fn create_epoll(&mut self) -> EpollId {
        let epoll = EpollId(self.epolls.len() as u32);
        self.epolls.push(Epoll::default());
        self.emit(|| Event::EpollCreated { epoll });
        epoll
    }

    /// Adds something to what a set watches: `ep_insert`.
    pub(in crate::model) fn watch(&mut self, epoll: EpollId, watch: Watch) {
        self.epolls[epoll.index()].watched.push(watch);
        let (file, fd) = watch.key;
        self.emit(|| Event::Watched { epoll, file, fd });
    }

    /// Changes what it is watched for.
    pub(in crate::model) fn set_interest(&mut self, epoll: EpollId, place: usize, after: Interest) {
        let watch = &mut self.epolls[epoll.index()].watched[place];
        let (file, fd) = watch.key;
        let before = std::mem::replace(&mut watch.interest, after);
        if before != after {
            self.emit(|| Event::Interest {
                epoll,
                file,
                fd,
                before,
                after,
            });
        }
    }

    /// Takes something out of a set: `ep_remove`.
    pub(in crate::model) fn unwatch(&mut self, epoll: EpollId, key: Key) {
        let set = &mut self.epolls[epoll.index()];
        let Some(place) = set.find(key) else {
            return;
        };
        set.watched.remove(place);
        set.ready.retain(|ready| *ready != key);
        let (file, fd) = key;
        self.emit(|| Event::Unwatched { epoll, file, fd });
    }

    /// Puts something at the end of the ready list, unless it is there.
    pub(in crate::model) fn make_ready(&mut self, epoll: EpollId, key: Key) {
        let set = &mut self.epolls[epoll.index()];
        if set.ready.contains(&key) {
            return;
        }
        set.ready.push_back(key);
        let (file, fd) = key;
        self.emit(|| Event::BecameReady { epoll, file, fd });
    }

    /// Takes the first of the ready list.
    pub(in crate::model) fn take_ready(&mut self, epoll: EpollId) -> Option<Key> {
        let key = self.epolls[epoll.index()].ready.pop_front()?;
        let (file, fd) = key;
        self.emit(|| Event::LeftReady { epoll, file, fd });
        Some(key)
    }

    /// Something changed where sets may be watching: each puts what it has there on its ready list, if it
    /// wants to know of such a change. No event means that it may be any.
    pub(in crate::model) fn ring(&mut self, bell: Bell, change: Events) {
        // Whoever came last is called first.
        let mut called = Vec::new();
        for (index, set) in self.epolls.iter().enumerate() {
            let heard =
                set.watched.iter().rev().filter(|watch| {
                    self.rings_at(watch.key.0) == Some(bell) && watch.hears(change)
                });
            called.extend(heard.map(|watch| (EpollId(index as u32), watch.key)));
        }
        for (epoll, key) in called {
            self.make_ready(epoll, key);
            self.ring(Bell::Epoll(epoll), Events::IN);
        }
    }

    /// Where whoever watches an open file description waits.
    fn rings_at(&self, file: FileId) -> Option<Bell> {
        match self.file(file).kind {
            Kind::Socket(sock) => Some(Bell::Sock(sock)),
            Kind::PipeOut(pipe) => Some(Bell::PipeOut(pipe)),
            Kind::PipeIn(pipe) => Some(Bell::PipeIn(pipe)),
            Kind::Eventfd { .. } => Some(Bell::Eventfd(file)),
            Kind::Epoll(epoll) => Some(Bell::Epoll(epoll)),
            Kind::Regular { .. } => None,
        }
    }

    /// Nothing refers to an open file description any more: no set watches it from now on
    /// (`eventpoll_release`).
    pub(in crate::model) fn unwatch_everywhere(&mut self, file: FileId) {
        if self.wrong(Fault::SetsKeepTheDead) {
            return;
        }
        let mut keys = Vec::new();
        for (index, set) in self.epolls.iter().enumerate() {
            let of_file = set.watched.iter().filter(|watch| watch.key.0 == file);
            keys.extend(of_file.map(|watch| (EpollId(index as u32), watch.key)));
        }
        for (epoll, key) in keys {
            self.by(row("L15"));
            self.unwatch(epoll, key);
        }
    }

    /// What a set that watched descriptors would do when one is closed: there is none in Linux.
    pub(super) fn unwatch_under(&mut self, file: FileId, fd: Fd) {
        let epolls: Vec<EpollId> = self.epolls().map(|(epoll, _)| epoll).collect();
        for epoll in epolls {
            self.unwatch(epoll, (file, fd));
        }
    }

    /// A set is gone, with all that it watched: `ep_clear_and_put`.
    pub(in crate::model) fn clear_epoll(&mut self, epoll: EpollId) {
        while let Some(watch) = self.epoll(epoll).watched.first() {
            self.unwatch(epoll, watch.key);
        }
    }
}
