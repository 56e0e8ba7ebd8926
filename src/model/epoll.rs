//! Sets of epoll(7): what they watch, and which of it may be ready.
//!
//! Who puts something on the ready list is decided where the state changes ([`super::kernel`]); what
//! epoll_ctl(2) and epoll_wait(2) do with it, in [`super::syscall`].

use std::collections::VecDeque;

use super::call::{Events, Fd, Interest};
use super::id::FileId;

/// A set of epoll(7): `struct eventpoll`.
#[derive(Clone, Debug, Default)]
pub struct Epoll {
    /// What it watches, in the order in which it was added.
    pub watched: Vec<Watch>,
    /// What may be ready, first the one that has waited longest: `rdllist`.
    pub ready: VecDeque<Key>,
}

/// What tells one thing that is watched from another: `struct epoll_filefd`.
pub type Key = (FileId, Fd);

/// Something that is watched: `struct epitem`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The open file description, by the descriptor under which it was added.
    pub key: Key,
    /// For what.
    pub interest: Interest,
}

impl Watch {
    /// Whether a change puts it on the ready list (`ep_poll_callback`). A change that names no event
    /// may be any.
    pub fn hears(&self, change: Events) -> bool {
        let wanted = self.interest.events;
        let any = change == Events::default();
        wanted != Events::default() && (any || wanted.and(change) != Events::default())
    }
}

impl Epoll {
    /// The place of what is watched under this key: `ep_find`.
    pub fn find(&self, key: Key) -> Option<usize> {
        self.watched.iter().position(|watch| watch.key == key)
    }
}
