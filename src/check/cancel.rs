//! A wish to stop, from another thread or a signal, that wakes whoever waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};

/// Shared by those who may cancel and those who must notice (eventfd(2)).
#[derive(Clone, Debug)]
pub struct Cancel {
    wish: Arc<(AtomicBool, OwnedFd)>,
}

impl Cancel {
    /// No wish yet.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self {
            wish: Arc::new((AtomicBool::new(false), eventfd(0, flags)?)),
        })
    }

    /// Asks for an end. May be called more than once.
    pub fn cancel(&self) {
        self.wish.0.store(true, Ordering::SeqCst);
        // A full counter has woken everybody already.
        let _ = rustix::io::write(&self.wish.1, &1_u64.to_ne_bytes());
    }

    /// Whether an end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.wish.0.load(Ordering::SeqCst)
    }
}

impl AsFd for Cancel {
    /// Readable once an end was asked for.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wish.1.as_fd()
    }
}
