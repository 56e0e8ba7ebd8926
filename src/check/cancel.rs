//! A wish to stop, from another thread or a signal, that wakes whoever waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::event::{EventfdFlags, eventfd};

/// Shared by those who may cancel and those who must notice (eventfd(2)).
#[derive(Clone, Debug)]
pub struct Cancel {
    wish: Arc<Wish>,
}

#[derive(Debug)]
struct Wish {
    asked: AtomicBool,
    wakes: OwnedFd,
    parts: Mutex<Vec<Weak<Wish>>>,
}

impl Cancel {
    /// No wish yet.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self {
            wish: Arc::new(Wish {
                asked: AtomicBool::new(false),
                wakes: eventfd(0, flags)?,
                parts: Mutex::new(Vec::new()),
            }),
        })
    }

    /// A wish about a part: it can be cancelled alone, and is when the whole is.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn part(&self) -> io::Result<Self> {
        let part = Self::new()?;
        let mut parts = self.wish.parts();
        if self.is_cancelled() {
            part.cancel();
        }
        parts.retain(|part| part.strong_count() > 0);
        parts.push(Arc::downgrade(&part.wish));
        drop(parts);
        Ok(part)
    }

    /// Asks for an end. May be called more than once.
    pub fn cancel(&self) {
        self.wish.cancel();
    }

    /// Whether an end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.wish.asked.load(Ordering::SeqCst)
    }
}

impl Wish {
    fn parts(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Wish>>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancel(&self) {
        self.asked.store(true, Ordering::SeqCst);
        // A full counter has woken everybody already.
        let _ = rustix::io::write(&self.wakes, &1_u64.to_ne_bytes());
        let parts = self.parts();
        for part in parts.iter().filter_map(Weak::upgrade) {
            part.cancel();
        }
    }
}

impl AsFd for Cancel {
    /// Readable once an end was asked for.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wish.wakes.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_alone_and_with_the_whole() {
        let whole = Cancel::new().unwrap();
        let (one, other) = (whole.part().unwrap(), whole.part().unwrap());
        one.cancel();
        assert!(one.is_cancelled() && !other.is_cancelled() && !whole.is_cancelled());
        whole.cancel();
        assert!(other.is_cancelled());
        assert!(whole.part().unwrap().is_cancelled());
    }
}
