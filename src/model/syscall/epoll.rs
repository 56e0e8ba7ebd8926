//! epoll_create1(2), epoll_ctl(2) and epoll_wait(2): `fs/eventpoll.c`.

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::call::{Birth, Events, Fd, Interest};
use crate::model::epoll::{Key, Watch};
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::{EpollId, FileId, Pid};
use crate::model::kernel::{Bell, Kernel};
use crate::model::outcome::{Answer, Reported};
use crate::model::row::row;
use crate::model::socket::State;

/// How many sets may be watched by one another, in a row: `EP_MAX_NESTS`.
const NESTS: usize = 4;

/// What epoll_ctl(2) is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// `EPOLL_CTL_ADD`.
    Add(Interest),
    /// `EPOLL_CTL_MOD`.
    Modify(Interest),
    /// `EPOLL_CTL_DEL`.
    Delete,
}

impl Kernel {
    pub(super) fn epoll_create(&mut self, pid: Pid, birth: Birth) -> Result<Answer> {
        if birth.nonblock {
            return Err(self.refuse(row("L26"), Errno::EINVAL));
        }
        let fd = self.free_descriptor(pid)?;
        let epoll = self.create_epoll();
        let file = self.open_file(Kind::Epoll(epoll), false);
        self.install(pid, fd, file, birth.cloexec);
        Ok(Answer::Descriptor(fd))
    }

    pub(super) fn epoll_ctl(
        &mut self,
        pid: Pid,
        fd: Fd,
        target: Fd,
        operation: Operation,
    ) -> Result<Answer> {
        let set = self.file_at(pid, fd)?;
        let file = self.file_at(pid, target)?;
        if matches!(self.file(file).kind, Kind::Regular { .. }) {
            return Err(self.refuse(row("L16"), Errno::EPERM));
        }
        let epoll = match self.file(set).kind {
            Kind::Epoll(epoll) if set != file => epoll,
            _ => return Err(self.refuse(row("L26"), Errno::EINVAL)),
        };
        let key = (file, target);
        match operation {
            Operation::Add(interest) => self.add_watch(epoll, key, interest),
            Operation::Modify(interest) => self.modify_watch(epoll, key, interest),
            Operation::Delete => match self.epoll(epoll).find(key) {
                Some(_) => {
                    self.unwatch(epoll, key);
                    Ok(DONE)
                }
                None => Err(self.refuse(row("L13"), Errno::ENOENT)),
            },
        }
    }

    fn add_watch(&mut self, epoll: EpollId, key: Key, interest: Interest) -> Result<Answer> {
        if let Kind::Epoll(inner) = self.file(key.0).kind
            && self.would_nest_too_deep(epoll, inner)
        {
            return Err(self.refuse(row("L27"), Errno::ELOOP));
        }
        let same = self.epoll(epoll).find(key).is_some();
        let other = self
            .epoll(epoll)
            .watched
            .iter()
            .any(|watch| watch.key.0 == key.0);
        if same && !self.wrong(Fault::AddsTwice) {
            return Err(self.refuse(row("L13"), Errno::EEXIST));
        }
        if other {
            // The same open file description, by another descriptor.
            self.by(row("L13"));
        }
        let interest = interest.with_what_is_always_told();
        self.watch(epoll, Watch { key, interest });
        if self.ready_now(key.0, interest.events) != Events::default() {
            self.become_ready(epoll, key);
        }
        Ok(DONE)
    }

    fn modify_watch(&mut self, epoll: EpollId, key: Key, interest: Interest) -> Result<Answer> {
        let Some(place) = self.epoll(epoll).find(key) else {
            return Err(self.refuse(row("L13"), Errno::ENOENT));
        };
        if self.epoll(epoll).watched[place].interest.events == Events::default() {
            self.by(row("L14"));
        }
        let interest = interest.with_what_is_always_told();
        self.set_interest(epoll, place, interest);
        if self.ready_now(key.0, interest.events) != Events::default() {
            self.become_ready(epoll, key);
        }
        Ok(DONE)
    }

    /// What was ready when it was added or changed, without any change of its own.
    fn become_ready(&mut self, epoll: EpollId, key: Key) {
        if self.epoll(epoll).ready.contains(&key) {
            return;
        }
        self.make_ready(epoll, key);
        self.ring(Bell::Epoll(epoll), Events::default());
    }

    /// Whether a set would watch itself by way of others, or too many would watch one another:
    /// `ep_loop_check`.
    fn would_nest_too_deep(&self, outer: EpollId, inner: EpollId) -> bool {
        outer == inner
            || self.reaches(inner, outer)
            || self.depth_below(inner) + self.depth_above(outer) + 1 > NESTS
    }

    fn reaches(&self, from: EpollId, to: EpollId) -> bool {
        let mut inner = self.sets_in(from);
        inner.any(|set| set == to || self.reaches(set, to))
    }

    fn sets_in(&self, epoll: EpollId) -> impl Iterator<Item = EpollId> {
        let watched = self.epoll(epoll).watched.iter();
        watched.filter_map(|watch| match self.file(watch.key.0).kind {
            Kind::Epoll(inner) => Some(inner),
            _ => None,
        })
    }

    fn depth_below(&self, epoll: EpollId) -> usize {
        let deepest = self.sets_in(epoll).map(|set| self.depth_below(set) + 1);
        deepest.max().unwrap_or(0)
    }

    fn depth_above(&self, epoll: EpollId) -> usize {
        let outer = self
            .epolls()
            .filter(|(other, _)| self.sets_in(*other).any(|set| set == epoll));
        let deepest = outer.map(|(other, _)| self.depth_above(other) + 1);
        deepest.max().unwrap_or(0)
    }

    /// epoll_wait(2), without waiting: `ep_send_events`.
    pub(super) fn epoll_wait(&mut self, pid: Pid, fd: Fd, most: i32) -> Result<Answer> {
        if most <= 0 && !self.settings().quirks.epoll_wait_looks_at_its_set_first {
            return Err(self.refuse(row("L26"), Errno::EINVAL));
        }
        let file = self.file_at(pid, fd)?;
        let Kind::Epoll(epoll) = self.file(file).kind else {
            return Err(self.refuse(row("L26"), Errno::EINVAL));
        };
        if most <= 0 {
            return Err(self.refuse(row("L26"), Errno::EINVAL));
        }
        let mut reported = Vec::new();
        // What comes to the end of the list meanwhile is looked at next time.
        for _ in 0..self.epoll(epoll).ready.len() {
            if reported.len() == most as usize {
                break;
            }
            let Some(key) = self.take_ready(epoll) else {
                break;
            };
            if let Some(events) = self.report(epoll, key) {
                reported.push(Reported { fd: key.1, events });
            }
        }
        Ok(Answer::Reported(reported))
    }

    /// What is told of something that was on the ready list, if anything is.
    fn report(&mut self, epoll: EpollId, key: Key) -> Option<Events> {
        let place = self.epoll(epoll).find(key)?;
        let interest = self.epoll(epoll).watched[place].interest;
        let events = self.ready_now(key.0, interest.events);
        if events == Events::default() {
            // It was called, and somebody else was faster, or nothing has come of it.
            self.by(row("L28"));
            return None;
        }
        self.by_kind(epoll, key);
        if interest.oneshot && !self.wrong(Fault::OneShotFiresAgain) {
            self.by(row("L14"));
            let silent = Interest {
                events: Events::default(),
                ..interest
            };
            self.set_interest(epoll, place, silent);
        } else if !interest.edge || self.wrong(Fault::EdgesAreLevels) {
            if !self.wrong(Fault::LevelsFireOnce) {
                self.make_ready(epoll, key);
            }
        } else {
            self.by_edge(key.0, events);
        }
        Some(events)
    }

    /// What the catalogue says of something that is told once for each change.
    fn by_edge(&mut self, file: FileId, events: Events) {
        self.by(row("L10"));
        let Kind::Socket(sock) = self.file(file).kind else {
            return;
        };
        let socket = self.sock(sock);
        let waiting = socket.queue.len();
        if socket.state == State::Listen && waiting > 1 {
            self.by(row("L19"));
        } else if events.has(Events::IN) && waiting > 0 {
            self.by(row("L11"));
        } else if events.has(Events::OUT) {
            self.by(row("L21"));
        }
    }

    /// What the catalogue says of something that is told.
    fn by_kind(&mut self, epoll: EpollId, (file, fd): Key) {
        if let Kind::Socket(sock) = self.file(file).kind
            && self.sock(sock).state == State::Listen
        {
            self.by(row("L18"));
        }
        let elsewhere = self
            .epolls()
            .filter(|(other, _)| *other != epoll)
            .any(|(_, set)| set.watched.iter().any(|watch| watch.key.0 == file));
        if elsewhere {
            self.by(row("L25"));
        }
        let held = self.processes().any(|(_, process)| {
            let slot = process.descriptors.get(&fd);
            slot.is_some_and(|slot| slot.file == file)
        });
        if !held {
            self.by(row("L12"));
        }
    }

    /// Whether anything on the ready list is ready; what comes before it and is not, leaves the list
    /// (`__ep_eventpoll_poll`).
    pub(super) fn poll_epoll(&mut self, epoll: EpollId) -> Events {
        while let Some(key) = self.epoll(epoll).ready.front().copied() {
            let place = self.epoll(epoll).find(key);
            let wanted = place.map(|place| self.epoll(epoll).watched[place].interest.events);
            let ready = wanted.map(|wanted| self.ready_now(key.0, wanted));
            if ready.is_some_and(|ready| ready != Events::default()) {
                return Events::IN;
            }
            self.take_ready(epoll);
        }
        Events::default()
    }

    /// What of these events is there: `ep_item_poll`.
    fn ready_now(&mut self, file: FileId, wanted: Events) -> Events {
        self.ready(file, wanted).and(wanted)
    }
}
