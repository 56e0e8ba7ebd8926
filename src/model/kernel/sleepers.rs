//! Changes of who sleeps.

use super::Kernel;
use crate::model::call::Call;
use crate::model::event::Event;
use crate::model::fault::Fault;
use crate::model::id::{FileId, Pid, SockId};
use crate::model::outcome::Wait;
use crate::model::sleeper::{Course, Progress, Sleeper, Woken};

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
    pub(in crate::model) fn put_to_sleep(&mut self, pid: Pid, call: Call, wait: Wait) {
        let progress = self.take_progress();
        self.sleepers.push(Sleeper {
            pid,
            call,
            wait,
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

    /// Whether the call that is being made may not sleep, since a signal came.
    pub(in crate::model) fn is_interrupted(&self) -> bool {
        self.under_way.course == Course::Interrupted
    }

    /// Whether the call that is being made has not slept.
    pub(in crate::model) fn has_just_begun(&self) -> bool {
        self.under_way.course == Course::Begun
    }

    /// Whether the call that is being made may not wait at an open file description.
    pub(in crate::model) fn may_not_wait(&self, file: FileId) -> bool {
        self.file(file).nonblock && self.has_just_begun()
    }

    /// Somebody who sleeps at this socket looks again: `sk_data_ready`, `sk_state_change`,
    /// `sk_write_space`. All sleep in one place: who waits for room to send is woken by what arrives, too,
    /// and then any room will do (`sock_wait_for_wmem`).
    pub(in crate::model) fn wake(&mut self, sock: SockId) {
        if self.sock(sock).has_room() && !self.wrong(Fault::ArrivalWakesNoSender) {
            let waiting = self.sleepers.iter_mut();
            for sleeper in waiting.filter(|sleeper| sleeper.wait == Wait::Room(sock)) {
                sleeper.woken = true;
            }
        }
        self.emit(|| Event::Woken { sock });
    }

    /// Wakes those who sleep until there is room in this socket's queue: `peer_wait`.
    pub(in crate::model) fn wake_peers(&mut self, sock: SockId, woken: Woken) {
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
