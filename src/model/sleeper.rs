//! Calls that sleep, and how far they have come.
//!
//! Who wakes them is decided where the state changes ([`super::kernel`]); how they go on, in
//! [`super::syscall`].

use super::call::Call;
use super::id::{Pid, SockId};
use super::outcome::{Credentials, Wait};
use super::syscall::Gathered;

/// A process in a call that sleeps: a task in `TASK_INTERRUPTIBLE`.
#[derive(Clone, Debug)]
pub struct Sleeper {
    /// Who.
    pub pid: Pid,
    /// In which call.
    pub call: Call,
    /// For what.
    pub wait: Wait,
    /// How long it may sleep, in milliseconds; `None`: for ever. When that is over, somebody has to say:
    /// there is no clock in the model.
    pub limit: Option<u32>,
    /// Whether somebody woke it where that does not show in what it sleeps for.
    pub(super) woken: bool,
    /// What it has done so far.
    pub(super) progress: Progress,
}

/// What a call has done before it sleeps.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// Bytes that are in a queue.
    pub sent: usize,
    /// Bytes that were taken from one.
    pub gathered: Option<Gathered>,
    /// A message that waits for room in a queue.
    pub parked: Option<Parked>,
}

/// A buffer that is charged to its sender and is in no queue yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parked {
    /// Who sends it.
    pub sock: SockId,
    /// Whose queue it waits for: that stays, whoever the peer of the sender is by then.
    pub other: SockId,
    /// What it is charged with, in bytes.
    pub truesize: u32,
    /// Who sends it, if anybody asked when it began to wait.
    pub credentials: Option<Credentials>,
}

impl Progress {
    /// How many bytes went either way.
    pub(super) fn bytes(&self) -> usize {
        let received = self.gathered.as_ref().map_or(0, |all| all.data.len());
        self.sent + received
    }
}

/// What has become of the call that is being made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Course {
    /// It has just begun.
    #[default]
    Begun,
    /// It slept and goes on. How long it may wait was settled when it began: `O_NONBLOCK` matters no more
    /// (`sock_rcvtimeo`).
    Resumed,
    /// It slept as long as it may: it looks once more, and does not wait (`schedule_timeout`).
    Expired,
    /// It slept and ends: a signal has come, and has been handled (`signal_pending`).
    Interrupted,
}

/// How many of those who sleep for room in a queue are woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// Who has slept longest: one place is free.
    First,
    /// All.
    All,
}
