//! What wakes somebody who watches: a signal, a change in a directory, a key, the reader's end, or
//! the time.
//!
//! One poll(2) waits for all of them: signalfd(2), inotify(7), the terminal, and standard output,
//! whose reader may go. What is done about it is the caller's.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::clock::Deadline;

/// Directories watched at most: a watch is kernel memory, and the user has a limit of them
/// (`/proc/sys/fs/inotify/max_user_watches`).
const DIRECTORIES: usize = 512;

/// Bytes of keys taken at once.
const KEYS: usize = 1024;

/// All that a watcher waits for.
#[derive(Debug)]
pub struct Wake {
    signals: SignalFd,
    before: SigSet,
    inotify: Option<Inotify>,
    watched: BTreeSet<PathBuf>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A signal was sent to us.
    Signal(Signal),
    /// Something in a watched directory is another than before.
    Changed,
    /// These bytes came from the keyboard.
    Keys(Vec<u8>),
    /// Whoever read our output has gone, or the terminal has.
    Gone,
    /// The time has come.
    Time,
}

/// Whether keys are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyboard {
    /// Standard input is a terminal and its keys are for us.
    Ours,
    /// Standard input is not read.
    NotOurs,
}

impl Wake {
    /// Begins to hold these signals back: they are told instead of taking their effect, until the
    /// value is dropped. To be called while the process has one thread: others keep their mask.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn new(signals: &[Signal]) -> io::Result<Self> {
        let set: SigSet = signals.iter().copied().collect();
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), Some(&mut before))?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let made = SignalFd::with_flags(&set, flags);
        let signals = made.inspect_err(|_| restore(&before))?;
        Ok(Self {
            signals,
            before,
            inotify: None,
            watched: BTreeSet::new(),
        })
    }

    /// Watches these directories and no others from now on; those that cannot be watched are left
    /// to the time. Symbolic links are not followed.
    pub fn watch<'a>(&mut self, directories: impl IntoIterator<Item = &'a Path>) {
        let wanted: BTreeSet<PathBuf> = directories
            .into_iter()
            .take(DIRECTORIES)
            .map(Path::to_owned)
            .collect();
        if wanted == self.watched {
            return;
        }
        // A watch stays with its directory, whatever its name; a new instance forgets old ones.
        let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
        self.inotify = Inotify::init(flags).ok();
        let events = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR
            | AddWatchFlags::IN_DONT_FOLLOW;
        if let Some(inotify) = &self.inotify {
            for directory in &wanted {
                // It may be gone again, or may not be read.
                let _ = inotify.add_watch(directory.as_path(), events);
            }
        }
        self.watched = wanted;
    }

    /// Waits for the first of all that, until a moment.
    ///
    /// # Errors
    /// When poll(2) itself fails.
    pub fn wait(&mut self, keyboard: Keyboard, until: Deadline) -> io::Result<Woken> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        loop {
            let mut fds = vec![
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                // Nothing is asked of it: errors are told all the same.
                PollFd::new(stdout.as_fd(), PollFlags::empty()),
            ];
            let keys_at = (keyboard == Keyboard::Ours).then_some(fds.len());
            if keys_at.is_some() {
                fds.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
            }
            let changes_at = self.inotify.is_some().then_some(fds.len());
            if let Some(inotify) = &self.inotify {
                fds.push(PollFd::new(inotify.as_fd(), PollFlags::POLLIN));
            }
            match nix::poll::poll(&mut fds, until.poll_timeout()) {
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(0) => return Ok(Woken::Time),
                Ok(_) => {}
            }
            let ready = |at: usize| fds[at].revents().unwrap_or(PollFlags::empty());
            let [signalled, broken] = [!ready(0).is_empty(), is_broken(ready(1))];
            let typed = keys_at.is_some_and(|at| !ready(at).is_empty());
            let changed = changes_at.is_some_and(|at| !ready(at).is_empty());
            if signalled && let Some(signal) = self.signal()? {
                return Ok(Woken::Signal(signal));
            }
            if broken {
                return Ok(Woken::Gone);
            }
            if typed {
                match keys() {
                    Err(Errno::EINTR | Errno::EAGAIN) => {}
                    Ok(bytes) if !bytes.is_empty() => return Ok(Woken::Keys(bytes)),
                    Ok(_) | Err(_) => return Ok(Woken::Gone),
                }
            }
            if changed {
                self.drain();
                return Ok(Woken::Changed);
            }
        }
    }

    fn signal(&mut self) -> io::Result<Option<Signal>> {
        let Some(told) = self.signals.read_signal()? else {
            return Ok(None);
        };
        Ok(i32::try_from(told.ssi_signo)
            .ok()
            .and_then(|number| Signal::try_from(number).ok()))
    }

    /// Takes all events that are there: what they say is looked at, not read.
    fn drain(&mut self) {
        if let Some(inotify) = &self.inotify {
            while inotify.read_events().is_ok() {}
        }
    }

    /// Lets a signal that was held back take its effect: the process ends by it, or stops until it
    /// is continued.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn yield_to(&self, signal: Signal) -> io::Result<()> {
        let mut only = SigSet::empty();
        only.add(signal);
        nix::sys::signal::raise(signal)?;
        only.thread_unblock()?;
        only.thread_block()?;
        Ok(())
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        restore(&self.before);
    }
}

fn restore(mask: &SigSet) {
    // Setting a mask that was set before cannot fail.
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(mask), None);
}

fn is_broken(events: PollFlags) -> bool {
    events.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL)
}

fn keys() -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; KEYS];
    let count = nix::unistd::read(io::stdin().as_fd(), &mut buffer)?;
    buffer.truncate(count);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(30))
    }

    #[test]
    fn a_file_that_appears_wakes_and_the_time_does_too() {
        let directory = tempfile::tempdir().unwrap();
        let mut wake = Wake::new(&[]).unwrap();
        wake.watch([directory.path()]);
        let now = Deadline::after(Duration::ZERO);
        assert_eq!(wake.wait(Keyboard::NotOurs, now).unwrap(), Woken::Time);
        fs::write(directory.path().join("a"), "").unwrap();
        let woken = wake.wait(Keyboard::NotOurs, soon()).unwrap();
        assert_eq!(woken, Woken::Changed);
        let now = Deadline::after(Duration::ZERO);
        assert_eq!(wake.wait(Keyboard::NotOurs, now).unwrap(), Woken::Time);
    }

    #[test]
    fn a_directory_that_is_not_watched_any_more_wakes_nobody() {
        let [old, new] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let mut wake = Wake::new(&[]).unwrap();
        wake.watch([old.path()]);
        wake.watch([new.path()]);
        fs::write(old.path().join("a"), "").unwrap();
        let now = Deadline::after(Duration::ZERO);
        assert_eq!(wake.wait(Keyboard::NotOurs, now).unwrap(), Woken::Time);
    }

    #[test]
    fn a_signal_that_is_held_back_is_told() {
        let mut wake = Wake::new(&[Signal::SIGUSR2]).unwrap();
        nix::sys::signal::raise(Signal::SIGUSR2).unwrap();
        let woken = wake.wait(Keyboard::NotOurs, soon()).unwrap();
        assert_eq!(woken, Woken::Signal(Signal::SIGUSR2));
    }
}
