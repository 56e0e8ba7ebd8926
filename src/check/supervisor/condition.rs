//! What the grader waits for: whether it has happened, can no longer happen, or is late.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Supervisor, no_instance, prefix};
use crate::check::patience::Deadline;
use crate::check::protocol::{Answer, Bytes, SocketAddress};
use crate::curriculum::scenario::{Children, Printed, SocketType};
use crate::sys::clock::now_us;
use crate::sys::process::{self, Turns};
use crate::sys::sock_diag;
use crate::untrusted::Untrusted;

pub(super) struct Waiting {
    pub(super) name: String,
    pub(super) what: Condition,
    pub(super) deadline: Deadline,
    /// Milliseconds until the next look, for what the kernel does not announce.
    pub(super) tick_ms: u64,
    /// How often one looked behind the deadline, since nothing was decided by then.
    pub(super) late_looks: u8,
}

impl Waiting {
    /// How often that may be: enough for a whole [`Window`].
    const LATE_LOOKS: u8 = 20;
}

pub(super) enum Condition {
    /// The address listens, or, of datagrams, receives.
    Ready(SocketAddress, SocketType),
    Stopped(Interruption),
    /// Stopped, and to stay so.
    Paused(Interruption),
    Exit,
    Line(Printed, Bytes),
    Descriptors(usize),
    Pipe(u64),
    Children(Children),
    Asleep(Sleep),
    Idle(Window),
    Output(Vec<u8>),
    /// It has ended, and so has all that it started.
    NothingLeft,
    Printed,
}

/// How long a program has slept.
#[derive(Default)]
pub(super) struct Sleep {
    /// Looks in a row at which all slept.
    looks: u8,
    /// How often each thread of several processes had gone to sleep at the last of them: processes
    /// that take turns may all seem to sleep, for they are looked at one after the other.
    sleeps: BTreeMap<i32, u64>,
}

impl Sleep {
    /// One look; whether it has slept long enough.
    fn look(&mut self, pid: i32) -> bool {
        let sleeps = match process::descendants(pid).is_empty() {
            true => BTreeMap::new(),
            false => process::sleeps_of_threads(pid),
        };
        let undisturbed = self.looks == 0 || self.sleeps == sleeps;
        self.looks = match (process::sleeps(pid), undisturbed) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => self.looks + 1,
        };
        self.sleeps = sleeps;
        self.looks >= Interruption::LOOKS
    }

    /// Whether it was awake at the last look. Whoever sleeps at the deadline is looked at again: it may
    /// be us who came late, and had no time for more looks.
    fn is_awake(&self) -> bool {
        self.looks == 0
    }
}

/// A stretch of time in which it is seen how much a program runs and wants to run.
pub(super) struct Window {
    ends: Deadline,
    began_us: u64,
    /// What the program had had of the CPUs when it began.
    before: Turns,
    looks: u64,
    asleep: u64,
    /// Whether the one before it was over, and the program busy in it.
    busy_before: bool,
}

impl Window {
    /// How long it is at least, in milliseconds.
    const MS: u64 = 150;
    /// How often one looks in it at least.
    const LOOKS: u64 = 6;
    /// The part of the time in which it did not wait for a CPU that a program may run, in percent: it may
    /// look after something now and then, but one that goes round in a loop does nothing else.
    const BUSY: u64 = 30;
    /// The part of that time in which it must sleep, by the looks, in percent. Time that a virtual machine
    /// does not get is in nobody's account, so the account alone would take a loop for sleep.
    const ASLEEP: u64 = 70;

    pub(super) fn new(pid: i32) -> Self {
        Self {
            ends: Deadline::after_ms(Self::MS),
            began_us: now_us(),
            before: process::turns_of_tree(pid),
            looks: 0,
            asleep: 0,
            busy_before: false,
        }
    }

    /// Whether a window has just ended in which the program was busy. At the deadline the one that has
    /// begun is waited for: it may be us who came late, and had no time to look.
    fn was_busy(&self) -> bool {
        self.looks == 0 && self.busy_before
    }

    /// Whether the window is over and the program was idle in it; otherwise a new one begins.
    fn look(&mut self, pid: i32) -> bool {
        let sleeps = process::sleeps(pid);
        self.looks += 1;
        self.asleep += u64::from(sleeps);
        if !self.ends.passed() || self.looks < Self::LOOKS {
            return false;
        }
        let length_ns = (now_us() - self.began_us) * 1000;
        let now = process::turns_of_tree(pid);
        let had = Turns {
            ran_ns: now.ran_ns.saturating_sub(self.before.ran_ns),
            waited_ns: now.waited_ns.saturating_sub(self.before.waited_ns),
        };
        if sleeps && is_idle(length_ns, had, self.looks, self.asleep) {
            return true;
        }
        *self = Self {
            busy_before: true,
            ..Self::new(pid)
        };
        false
    }
}

/// Whether a program that has had this of the CPUs in a window of this length, and slept at so many looks
/// of these, was idle.
fn is_idle(length_ns: u64, had: Turns, looks: u64, asleep: u64) -> bool {
    let free_ns = length_ns.saturating_sub(had.waited_ns);
    // By their product: the part of the looks against its part of the time.
    let slept = u128::from(asleep) * u128::from(length_ns) * 100
        >= u128::from(looks) * u128::from(free_ns) * u128::from(Window::ASLEEP);
    slept && asleep > 0 && had.ran_ns * 100 < free_ns * Window::BUSY
}

/// An interruption on its way: SIGSTOP is sent once the program sleeps in a call.
pub(super) struct Interruption {
    /// At so many looks in a row it slept.
    pub(super) asleep: u8,
    /// A program that never sleeps is stopped by then.
    pub(super) at_last: Deadline,
    pub(super) sent: bool,
}

impl Interruption {
    /// Looks in a row at which a program must sleep.
    pub(super) const LOOKS: u8 = 3;
    /// How long sleep is waited for, in milliseconds: an interruption that comes before the call is none.
    pub(super) const PATIENCE_MS: u64 = 3_000;

    pub(super) fn new() -> Self {
        let at_last = Deadline::after_ms(Self::PATIENCE_MS);
        Self {
            asleep: 0,
            at_last,
            sent: false,
        }
    }

    /// One look: sends SIGSTOP when it is time.
    pub(super) fn look(&mut self, pid: i32) {
        let sleeps = process::main_thread_sleeps(pid);
        self.asleep = if sleeps { self.asleep + 1 } else { 0 };
        if !self.sent && (self.asleep >= Self::LOOKS || self.at_last.passed()) {
            self.sent = true;
            let _ = kill(Pid::from_raw(pid), Signal::SIGSTOP);
        }
    }
}

/// Device and inode of an address at which somebody listens, or, of datagrams, receives, and that
/// socket's own inode. An abstract name is on no device.
fn ready(at: &SocketAddress, kind: SocketType) -> Option<(u64, u64, u32)> {
    match at {
        SocketAddress::Path(path) | SocketAddress::Relative { name: path, .. } => {
            let metadata = std::fs::symlink_metadata(Untrusted::from(path).as_path()).ok()?;
            if !metadata.file_type().is_socket() {
                return None;
            }
            let (dev, ino) = (metadata.dev(), metadata.ino());
            let bound = sock_diag::bound_to(dev, ino).ok()??;
            let there = match bound.state {
                sock_diag::BoundState::Listening { .. } => true,
                sock_diag::BoundState::Bound => kind == SocketType::Dgram,
                sock_diag::BoundState::OnlyConnections => false,
            };
            there.then_some((dev, ino, bound.inode))
        }
        SocketAddress::Abstract(name) => {
            let name = sock_diag::Name::Abstract(Untrusted::from(name));
            let all = sock_diag::dump().ok()?.sockets;
            let found = all.into_iter().find(|socket| {
                let receives = kind == SocketType::Dgram && socket.kind == sock_diag::Type::Dgram;
                let listens = socket.state == sock_diag::State::Listening;
                (listens || receives) && socket.name.as_ref() == Some(&name)
            })?;
            Some((0, 0, found.inode))
        }
    }
}

impl Supervisor {
    /// Whether what we wait for has happened, can no longer happen, or is late.
    pub(super) fn look_at_condition(&mut self) -> Option<Answer> {
        if let Some(Waiting {
            name,
            what: Condition::NothingLeft,
            deadline,
            ..
        }) = &self.waiting
        {
            let ended = self.instances.get(name)?.end.is_some();
            let done = (ended && !self.outlived()).then_some(Answer::Done);
            return done.or_else(|| deadline.passed().then_some(Answer::TimedOut));
        }
        let waiting = self.waiting.as_mut()?;
        let instance = self.instances.get_mut(&waiting.name)?;
        let ended = instance.end.is_some();
        let found = match &mut waiting.what {
            Condition::Ready(at, kind) if !ended => ready(at, *kind)
                .filter(|(_, _, socket)| instance.may_hold(*socket))
                .map(|(dev, ino, _)| {
                    instance.descriptors_at_ready = process::descriptors(instance.pid).len();
                    instance.note_memory();
                    Answer::Ready { dev, ino }
                }),
            Condition::Stopped(_) if instance.stopped => {
                let _ = kill(Pid::from_raw(instance.pid), Signal::SIGCONT);
                instance.stopped = false;
                Some(Answer::Done)
            }
            Condition::Paused(_) if instance.stopped => {
                // By us: nothing to tell of.
                instance.stopped = false;
                Some(Answer::Done)
            }
            Condition::Stopped(interruption) | Condition::Paused(interruption) if !ended => {
                interruption.look(instance.pid);
                None
            }
            Condition::Exit if ended => Some(Answer::Done),
            Condition::Line(stream, line) if instance.prints_on(*stream).has_line(&line.0) => {
                Some(Answer::Done)
            }
            Condition::Descriptors(at_most) if !ended => {
                (process::descriptors(instance.pid).len() <= *at_most).then_some(Answer::Done)
            }
            Condition::Pipe(inode) if !ended => instance.pipe(*inode),
            Condition::Children(wanted) if !ended => {
                let other = instance.children_other_than(wanted);
                other.is_none().then_some(Answer::Done)
            }
            Condition::Asleep(sleep) if !ended => sleep.look(instance.pid).then_some(Answer::Done),
            Condition::Idle(window) if !ended => window.look(instance.pid).then_some(Answer::Done),
            Condition::Output(wanted) if instance.stdout.fd.is_none() => {
                Some(instance.compare_output(wanted))
            }
            Condition::Printed if instance.stdout.fd.is_none() => Some(instance.output()),
            _ => None,
        };
        let undecided = match &waiting.what {
            Condition::Asleep(sleep) => !ended && !sleep.is_awake(),
            Condition::Idle(window) => !ended && !window.was_busy(),
            _ => false,
        };
        let mut passed = found.is_none() && waiting.deadline.passed();
        if passed && undecided && waiting.late_looks < Waiting::LATE_LOOKS {
            waiting.late_looks += 1;
            passed = false;
        }
        let late = || {
            passed.then(|| match &waiting.what {
                Condition::Output(wanted) => instance.compare_output(wanted),
                Condition::Printed => instance.output(),
                Condition::Children(wanted) => {
                    let other = instance.children_other_than(wanted);
                    other.map_or(Answer::Done, |other| Answer::Children(Box::new(other)))
                }
                _ => Answer::TimedOut,
            })
        };
        // A line may still be in the pipe when its writer has ended: only its end is the end.
        let over = ended && instance.stdout.fd.is_none();
        let answer = found.or_else(|| over.then_some(Answer::Ended)).or_else(|| {
            let of_output = matches!(
                waiting.what,
                Condition::Line(..) | Condition::Output(_) | Condition::Printed
            );
            (ended && !of_output).then_some(Answer::Ended)
        });
        let answer = answer.or_else(late)?;
        if matches!(answer, Answer::Ready { .. }) {
            let name = waiting.name.clone();
            self.event(format!("{}listens", prefix(&name)));
        }
        Some(answer)
    }

    pub(super) fn wait(&mut self, name: String, what: Condition, within_ms: u64) -> Option<Answer> {
        if !self.instances.contains_key(&name) {
            return Some(no_instance(&name));
        }
        let deadline = Deadline::after_ms(within_ms);
        self.waiting = Some(Waiting {
            name,
            what,
            deadline,
            tick_ms: 1,
            late_looks: 0,
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Turns, is_idle};

    const WINDOW_NS: u64 = 160_000_000;

    fn had(ran_ms: u64, waited_ms: u64) -> Turns {
        Turns {
            ran_ns: ran_ms * 1_000_000,
            waited_ns: waited_ms * 1_000_000,
        }
    }

    #[test]
    fn who_sleeps_is_idle_and_who_naps_is_too_however_long_it_waits_for_a_cpu() {
        assert!(is_idle(WINDOW_NS, had(0, 0), 8, 8));
        // Five naps of 20 ms, and behind each it waits for 12 ms.
        assert!(is_idle(WINDOW_NS, had(1, 60), 8, 5));
    }

    #[test]
    fn who_goes_round_in_a_loop_is_not_idle_however_little_it_runs() {
        assert!(!is_idle(WINDOW_NS, had(160, 0), 8, 0));
        assert!(!is_idle(WINDOW_NS, had(10, 150), 8, 0));
        // It always waits, and the account says so before it has run at all.
        assert!(!is_idle(WINDOW_NS, had(0, 160), 8, 0));
        // Its virtual machine did not run: nobody's account says so.
        assert!(!is_idle(WINDOW_NS, had(0, 0), 8, 0));
    }

    #[test]
    fn who_is_busy_for_half_of_the_time_is_not_idle() {
        assert!(!is_idle(WINDOW_NS, had(80, 0), 8, 4));
        assert!(!is_idle(WINDOW_NS, had(40, 80), 8, 4));
    }
}
