//! Changes of who sleeps.

use super::{Bell, Kernel};
use crate::model::call::{Call, Events};
use crate::model::event::Event;
use crate::model::fault::Fault;
use crate::model::id::{FileId, Pid, SockId};
use crate::model::outcome::Wait;
use crate::model::row::row;
use crate::model::sleeper::{Course, Parked, Progress, Sleeper, Woken};

impl Kernel {
    /// Every process that sleeps in a call, in the order in which they fell asleep.
    pub fn sleepers(&self) -> &[Sleeper] {
        &self.sleepers
    }

    /// The call that a process sleeps in, if it does.
    pub fn sleeper(&self, pid: Pid) -> Option<&Sleeper> {
        self.sleepers.iter().find(|sleeper| sleeper.pid == pid)
    }

    /// The call that is being made sleeps from now on.
    pub(in crate::model) fn put_to_sleep(
        &mut self,
        pid: Pid,
        call: Call,
        wait: Wait,
        limit: Option<u32>,
    ) {
        let progress = self.take_progress();
        self.sleepers.push(Sleeper {
            pid,
            call,
            wait,
            limit,
            woken: false,
            progress,
        });
        self.emit(|| Event::FellAsleep { pid, wait });
    }

    /// A call sleeps no longer: what it has done so far is that of the call that is made now.
    pub(in crate::model) fn rouse(&mut self, pid: Pid, course: Course) -> Option<Sleeper> {
        let place = self
            .sleepers
            .iter()
            .position(|sleeper| sleeper.pid == pid)?;
        let mut sleeper = self.sleepers.remove(place);
        self.under_way.progress = std::mem::take(&mut sleeper.progress);
        self.under_way.course = course;
        self.emit(|| Event::WentOn { pid });
        Some(sleeper)
    }

    /// Forgets what a call did before this one.
    pub(in crate::model) fn begin_afresh(&mut self) {
        self.under_way.progress = Progress::default();
        self.under_way.course = Course::Begun;
    }

    /// What the call that is being made has done already.
    pub(in crate::model) fn take_progress(&mut self) -> Progress {
        std::mem::take(&mut self.under_way.progress)
    }

    /// Keeps what the call that is being made has done, since it will sleep.
    pub(in crate::model) fn keep_progress(&mut self, progress: Progress) {
        self.under_way.progress = progress;
    }

    /// A message of the call that is being made waits for room in a queue, and is charged for.
    pub(in crate::model) fn park(&mut self, parked: Parked) {
        let charged = self.sock(parked.sock).charged + parked.truesize;
        self.charge(parked.sock, charged);
        self.keep_parked(parked);
    }

    /// It waits on.
    pub(in crate::model) fn keep_parked(&mut self, parked: Parked) {
        self.under_way.progress.parked = Some(parked);
    }

    /// The call that is being made ends, and its message was not sent.
    pub(in crate::model) fn drop_parked(&mut self) {
        if let Some(parked) = self.under_way.progress.parked.take() {
            let charged = self.sock(parked.sock).charged - parked.truesize;
            self.charge(parked.sock, charged);
            self.free_unsent(parked.sock);
        }
    }

    /// Whether the call that is being made may not sleep, since a signal came.
    pub(in crate::model) fn is_interrupted(&self) -> bool {
        self.under_way.course == Course::Interrupted
    }

    /// Whether the call that is being made has not slept.
    pub(in crate::model) fn has_just_begun(&self) -> bool {
        self.under_way.course == Course::Begun
    }

    /// Whether the call that is being made may not wait at an open file description, or no longer.
    pub(in crate::model) fn may_not_wait(&self, file: FileId) -> bool {
        let expired = self.under_way.course == Course::Expired;
        expired || self.file(file).nonblock && self.has_just_begun()
    }

    /// Somebody who sleeps at this socket looks again: `sk_data_ready`, `sk_write_space`,
    /// `sk_error_report`, and with no event, which may be any, `sk_state_change`. All sleep in one place:
    /// who waits for room to send is woken by what arrives, too, and then any room will do
    /// (`sock_wait_for_wmem`).
    pub(in crate::model) fn wake(&mut self, sock: SockId, change: Events) {
        if self.sock(sock).has_room() && !self.wrong(Fault::ArrivalWakesNoSender) {
            let waiting = self.sleepers.iter_mut();
            for sleeper in waiting.filter(|sleeper| sleeper.wait == Wait::Room(sock)) {
                sleeper.woken = true;
            }
        }
        self.emit(|| Event::Woken { sock });
        self.ring(Bell::Sock(sock), change);
    }

    /// A buffer that a call made for a message, and did not send, is freed: there may be room again.
    pub(in crate::model) fn free_unsent(&mut self, sock: SockId) {
        if self.sock(sock).wakes_senders() {
            self.by(row("L29"));
            self.wake(sock, Events::OUT);
        }
    }

    /// A datagram socket wants to know when there is room in the queue of another, if it does not wait
    /// for one already: `unix_dgram_peer_wake_connect`.
    pub(in crate::model) fn relay(&mut self, sock: SockId, other: SockId) {
        if self.relays.iter().all(|(from, _)| *from != sock) {
            self.relays.push((sock, other));
            self.emit(|| Event::WantsRoom {
                sock,
                before: None,
                after: Some(other),
            });
        }
    }

    /// It does not want to know any more: `unix_dgram_peer_wake_disconnect`.
    pub(in crate::model) fn end_relay(&mut self, sock: SockId, other: SockId) {
        if let Some(place) = self.relays.iter().position(|relay| *relay == (sock, other)) {
            self.forget_relay(place);
        }
    }

    fn forget_relay(&mut self, place: usize) -> SockId {
        let (sock, other) = self.relays.remove(place);
        self.emit(|| Event::WantsRoom {
            sock,
            before: Some(other),
            after: None,
        });
        sock
    }

    /// Tells those that want to know of room in this socket's queue: `unix_dgram_peer_wake_relay`.
    fn wake_relays(&mut self, sock: SockId, woken: Woken) {
        let change = match woken {
            Woken::First => Events::OUT,
            Woken::All => Events::default(),
        };
        while let Some(place) = self.relays.iter().rposition(|(_, other)| *other == sock) {
            let from = self.forget_relay(place);
            self.by(row("L30"));
            self.wake(from, change);
        }
    }

    /// Wakes those who sleep until there is room in this socket's queue: `peer_wait`.
    pub(in crate::model) fn wake_peers(&mut self, sock: SockId, woken: Woken) {
        self.wake_relays(sock, woken);
        if woken == Woken::First && self.wrong(Fault::FreedPlaceWakesNobody) {
            return;
        }
        let waiting = self
            .sleepers
            .iter_mut()
            .filter(|sleeper| sleeper.wait == Wait::Queue(sock) && !sleeper.woken);
        let most = match woken {
            Woken::First => 1,
            Woken::All => usize::MAX,
        };
        let mut count = 0;
        for sleeper in waiting.take(most) {
            sleeper.woken = true;
            count += 1;
        }
        if count > 0 {
            // They sleep elsewhere than those who use the socket itself.
            self.emit(|| Event::Woken { sock });
        }
    }
}
