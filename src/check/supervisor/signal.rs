//! Signals that the grader sends: now, or in the instant before the call that a program sleeps in.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::{Supervisor, no_instance};
use crate::check::protocol::Answer;
use crate::curriculum::scenario::Moment;
use crate::sys::before_call::{self, Missed};
use crate::sys::process;

impl Supervisor {
    /// Sends a signal to the main process of an instance.
    pub(super) fn send_signal(&mut self, name: &str, signal: i32, moment: Moment) -> Answer {
        let Some(instance) = self.instances.get_mut(name) else {
            return no_instance(name);
        };
        let Ok(signal) = Signal::try_from(signal) else {
            return Answer::Fault {
                message: format!("no signal {signal}"),
            };
        };
        instance.sent.push(signal as i32);
        let pid = Pid::from_raw(instance.pid);
        // Of several threads, whichever does not sleep in the call would take it.
        if moment == Moment::BeforeCall && process::threads_of_tree(instance.pid) == 1 {
            return self.send_before_call(pid, signal);
        }
        // SIGKILL stands for a crash of the whole service, children and wrappers included; every
        // other signal is for the main process.
        let sent = match signal {
            Signal::SIGKILL => killpg(pid, signal),
            _ => kill(pid, signal),
        };
        match sent {
            Ok(()) => Answer::Done,
            Err(_) => Answer::Ended,
        }
    }

    /// Sends a signal to the process that an instance has started last.
    pub(super) fn send_to_child(&mut self, name: &str, signal: i32) -> Answer {
        let Some(instance) = self.instances.get(name) else {
            return no_instance(name);
        };
        let Ok(signal) = Signal::try_from(signal) else {
            return Answer::Fault {
                message: format!("no signal {signal}"),
            };
        };
        let started = |pid: &i32| process::stat(*pid).map_or(0, |stat| stat.started);
        let children = process::children(instance.program());
        let last = children.into_iter().max_by_key(|pid| (started(pid), *pid));
        match last.map(|pid| kill(Pid::from_raw(pid), signal)) {
            Some(Ok(())) => Answer::Done,
            _ => Answer::TimedOut,
        }
    }

    fn send_before_call(&mut self, pid: Pid, signal: Signal) -> Answer {
        let children = &mut self.children;
        let wait = |most: Duration| {
            let mut fds = [PollFd::new(children.as_fd(), PollFlags::POLLIN)];
            let most = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
            let _ = nix::poll::poll(&mut fds, most);
            while let Ok(Some(_)) = children.read_signal() {}
        };
        let sent = before_call::send(pid, signal, wait);
        let answer = match sent {
            Ok(()) => Answer::Done,
            Err(Missed::Ended(status)) => {
                self.learn(status);
                Answer::Ended
            }
            Err(Missed::Forbidden(_) | Missed::NotInCall) => Answer::NoSuchMoment,
        };
        // What others have done meanwhile has been announced to the wait above.
        self.reap();
        answer
    }
}
