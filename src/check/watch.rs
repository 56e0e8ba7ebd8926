//! Notices that a program's files were saved (inotify(7)).
//!
//! Directories are watched, not files: many editors write a new file and rename it over the old
//! one. Build output and hidden files do not count. What is done about a change is the caller's.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::cancel::Cancel;

/// Changes that come closer together than this are one, in milliseconds: an editor writes, renames
/// and touches in a row.
const QUIET_MS: u16 = 60;

/// A watched directory.
#[derive(Debug)]
pub struct Watch {
    inotify: Inotify,
}

impl Watch {
    /// Watches a directory and those below it.
    ///
    /// # Errors
    /// When it cannot be watched: it is gone, or the user's inotify limits are reached
    /// (`/proc/sys/fs/inotify`).
    pub fn new(directory: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let watch = Self { inotify };
        watch.add(directory)?;
        Ok(watch)
    }

    fn add(&self, directory: &Path) -> io::Result<()> {
        let events = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        self.inotify.add_watch(directory, events)?;
        for entry in fs::read_dir(directory)?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && counts(&entry.file_name()) {
                self.add(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Waits for a change and for the quiet after it. `false`: the wait was cancelled.
    ///
    /// # Errors
    /// When the watch itself fails.
    pub fn wait(&self, cancel: &Cancel) -> io::Result<bool> {
        let mut changed = false;
        loop {
            let timeout = if changed {
                PollTimeout::from(QUIET_MS)
            } else {
                PollTimeout::NONE
            };
            let mut fds = [
                PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
                PollFd::new(cancel.as_fd(), PollFlags::POLLIN),
            ];
            match nix::poll::poll(&mut fds, timeout) {
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(0) => return Ok(true),
                Ok(_) if cancel.is_cancelled() => return Ok(false),
                Ok(_) => {}
            }
            match self.inotify.read_events() {
                Ok(events) => {
                    changed |= events
                        .iter()
                        .any(|event| event.name.as_deref().is_some_and(counts));
                }
                Err(Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether a change of this name is the learner's work: not hidden, no editor's backup, no build
/// output.
fn counts(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    !bytes.starts_with(b".")
        && !bytes.ends_with(b"~")
        && !bytes.ends_with(b".swp")
        && name != "target"
        && name != "__pycache__"
        && name != "4913"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_renamed_over_the_old_one_is_a_change() {
        let directory = tempfile::tempdir().unwrap();
        let main = directory.path().join("main.c");
        fs::write(&main, "old").unwrap();
        let watch = Watch::new(directory.path()).unwrap();
        let cancel = Cancel::new().unwrap();
        fs::write(directory.path().join(".main.c.swp"), "new").unwrap();
        fs::rename(directory.path().join(".main.c.swp"), &main).unwrap();
        assert!(watch.wait(&cancel).unwrap());
    }

    #[test]
    fn a_cancelled_wait_returns_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let watch = Watch::new(directory.path()).unwrap();
        let cancel = Cancel::new().unwrap();
        cancel.cancel();
        assert!(!watch.wait(&cancel).unwrap());
    }
}
