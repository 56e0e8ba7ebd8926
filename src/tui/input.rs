//! Where events come from: the keyboard on one thread, signals on another.
//!
//! The keyboard is read only while an [`Input`] lives, so that an editor gets every key while it
//! has the terminal. Waiting is poll(2) on the terminal and on an eventfd(2) that ends it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use signal_hook::consts::signal;
use signal_hook::iterator::{Handle, Signals};

use super::event::Event;
use super::keyboard::Decoder;

/// The keyboard, being read.
#[derive(Debug)]
pub struct Input {
    end: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Input {
    /// Begins to read the keyboard.
    ///
    /// # Errors
    /// When no descriptor or thread is left.
    pub fn start(events: Sender<Event>) -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let end = Arc::new(eventfd(0, flags)?);
        let theirs = Arc::clone(&end);
        let thread = thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || read(&theirs, &events))?;
        Ok(Self {
            end,
            thread: Some(thread),
        })
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // A full counter has woken the thread already.
        let _woken = rustix::io::write(&*self.end, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// How long the rest of an escape sequence may take to follow its first byte. Less would take a
/// sequence that a slow line has split for the Esc key.
const SEQUENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

fn read(end: &OwnedFd, events: &Sender<Event>) {
    let stdin = io::stdin();
    let mut decoder = Decoder::default();
    let mut buffer = [0; 4096];
    loop {
        let mut fds = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN),
        ];
        let patience = decoder.is_waiting().then_some(&SEQUENCE);
        let ready = match poll(&mut fds, patience) {
            Ok(ready) => ready,
            Err(Errno::INTR) => continue,
            Err(_) => return,
        };
        if !fds[1].revents().is_empty() {
            return;
        }
        let found = if ready == 0 {
            decoder.settle()
        } else {
            match rustix::io::read(&stdin, &mut buffer) {
                Ok(count) if count > 0 => decoder.feed(&buffer[..count]),
                Err(Errno::INTR | Errno::AGAIN) => continue,
                // The terminal has gone.
                Ok(_) | Err(_) => {
                    drop(events.send(Event::Ended(signal::SIGHUP)));
                    return;
                }
            }
        };
        for event in found {
            if events.send(event).is_err() {
                return;
            }
        }
    }
}

/// Signals, being turned into events.
#[derive(Debug)]
pub struct SignalWatch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalWatch {
    /// Begins to catch the signals that end, stop or continue a program, and SIGWINCH.
    ///
    /// # Errors
    /// When a handler cannot be installed or no thread is left.
    pub fn start(events: Sender<Event>) -> io::Result<Self> {
        let mut signals = Signals::new([
            signal::SIGTERM,
            signal::SIGHUP,
            signal::SIGINT,
            signal::SIGQUIT,
            signal::SIGTSTP,
            signal::SIGCONT,
            signal::SIGWINCH,
        ])?;
        let handle = signals.handle();
        let thread = thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for number in &mut signals {
                    let event = match number {
                        signal::SIGWINCH => Event::Resize,
                        signal::SIGTSTP => Event::Stopped,
                        signal::SIGCONT => Event::Continued,
                        other => Event::Ended(other),
                    };
                    if events.send(event).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self {
            handle,
            thread: Some(thread),
        })
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
