//! Calls that stay asleep: how they begin, what lets them go on, and what a signal makes of them.

use nix::errno::Errno;

use crate::model::call::Call;
use crate::model::fault::Fault;
use crate::model::file::Kind;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::{Outcome, Wait};
use crate::model::row::row;
use crate::model::sleeper::Course;

impl Kernel {
    /// A process makes a call, and if that sleeps, so does the process from then on.
    ///
    /// # Panics
    /// When there is no such process, or it sleeps already.
    pub fn begin(&mut self, pid: Pid, call: &Call) -> Outcome {
        assert!(self.sleeper(pid).is_none(), "{pid:?} sleeps");
        let outcome = self.attempt(pid, call);
        if let Outcome::Sleeps(wait) = outcome {
            let limit = self.limit_of(pid, call);
            self.put_to_sleep(pid, call.clone(), wait, limit);
        }
        outcome
    }

    /// Whether a process that sleeps has been woken, and will do something now: it ends its call, or does
    /// more of it and sleeps again.
    pub fn can_go_on(&self, pid: Pid) -> bool {
        let Some(sleeper) = self.sleeper(pid) else {
            return false;
        };
        match sleeper.wait {
            // Who waits for room in a queue does not look: it is told.
            Wait::Queue(_) => sleeper.woken,
            Wait::Room(sock) => {
                let socket = self.sock(sock);
                let ended = socket.error.is_some() || socket.shutdown.send;
                let room = match self.wrong(Fault::SenderWokenByAnyRoom) {
                    true => socket.has_room(),
                    false => socket.wakes_senders(),
                };
                ended || sleeper.woken || room
            }
            Wait::Readable(_) | Wait::Connection(_) | Wait::Other => {
                let before = sleeper.progress.bytes();
                let mut trial = self.clone().without_events();
                let outcome = trial.go_on(pid);
                let after = trial.sleeper(pid).map(|one| one.progress.bytes());
                !matches!(outcome, Outcome::Sleeps(_)) || after != Some(before)
            }
        }
    }

    /// A process that was woken goes on with its call; it may sleep again.
    ///
    /// # Panics
    /// When it does not sleep.
    pub fn go_on(&mut self, pid: Pid) -> Outcome {
        self.rouse_and_call(pid, Course::Resumed)
    }

    /// A process that sleeps handles a signal, without `SA_RESTART`: its call ends with what it has done,
    /// or with EINTR, if that is nothing.
    ///
    /// # Panics
    /// When it does not sleep.
    pub fn interrupt(&mut self, pid: Pid) -> Outcome {
        self.rouse_and_call(pid, Course::Interrupted)
    }

    /// A process has slept as long as it may (`SO_SNDTIMEO`, `SO_RCVTIMEO`): its call ends with what it
    /// has done, or with EAGAIN, if that is nothing.
    ///
    /// # Panics
    /// When it does not sleep.
    pub fn expire(&mut self, pid: Pid) -> Outcome {
        self.by(row("E10"));
        self.rouse_and_call(pid, Course::Expired)
    }

    /// How long a call may sleep, in milliseconds: `sock_sndtimeo`, `sock_rcvtimeo`.
    fn limit_of(&self, pid: Pid, call: &Call) -> Option<u32> {
        let file = self.descriptor(pid, call.fd()?)?;
        let Kind::Socket(sock) = self.file(file).kind else {
            return None;
        };
        let socket = self.sock(sock);
        match call {
            Call::Receive { .. } | Call::Read { .. } | Call::Accept { .. } => socket.rcvtimeo,
            _ => socket.sndtimeo,
        }
    }

    fn rouse_and_call(&mut self, pid: Pid, course: Course) -> Outcome {
        let sleeper = self.rouse(pid, course).expect("a process that sleeps");
        if course == Course::Interrupted && matches!(sleeper.wait, Wait::Queue(_)) {
            // It does not look again whether there is room.
            self.drop_parked();
            let stop = self.refuse(row("O15"), Errno::EINTR);
            return self.ended(Err(stop));
        }
        let answer = self.dispatch(pid, &sleeper.call);
        let answer = match course == Course::Interrupted && self.wrong(Fault::SignalForgetsBytes) {
            true => Err(self.refuse(row("O15"), Errno::EINTR)),
            false => answer,
        };
        self.release_files();
        let outcome = self.ended(answer);
        if let Outcome::Sleeps(wait) = outcome {
            self.put_to_sleep(pid, sleeper.call, wait, sleeper.limit);
        }
        outcome
    }
}
