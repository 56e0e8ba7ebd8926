//! Notices that a program's files were saved (inotify(7)), also while the program is judged.
//!
//! Directories are watched, not files: many editors write a new file and rename it over the old
//! one, or exchange the two. Build output and hidden files do not count. What is done about a
//! change is the caller's.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::cancel::Cancel;

/// Changes that come closer together than this are one, in milliseconds: an editor writes, renames
/// and touches in a row.
const QUIET_MS: u16 = 60;

/// A watched directory.
#[derive(Debug)]
pub struct Watch {
    inotify: Inotify,
    root: PathBuf,
    /// The directories that are watched, the root among them.
    directories: HashMap<WatchDescriptor, PathBuf>,
    /// Whether there was a change that nobody was told of yet.
    changed: bool,
}

impl Watch {
    /// Watches a directory and those below it.
    ///
    /// # Errors
    /// When it cannot be watched: it is gone, or the user's inotify limits are reached
    /// (`/proc/sys/fs/inotify`).
    pub fn new(directory: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let mut watch = Self {
            inotify,
            root: directory.to_owned(),
            directories: HashMap::new(),
            changed: false,
        };
        watch.add(directory)?;
        Ok(watch)
    }

    fn add(&mut self, directory: &Path) -> io::Result<()> {
        let events = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        let descriptor = self.inotify.add_watch(directory, events)?;
        self.directories.insert(descriptor, directory.to_owned());
        for entry in fs::read_dir(directory)?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && counts(&entry.file_name()) {
                self.add(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Waits for a change and for the quiet after it. `false`: the wait was cancelled; a change
    /// that was seen by then is told the next time.
    ///
    /// # Errors
    /// When the watch itself fails, or the directory is gone.
    pub fn wait(&mut self, cancel: &Cancel) -> io::Result<bool> {
        loop {
            let timeout = if self.changed {
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
                Ok(_) if cancel.is_cancelled() => return Ok(false),
                Ok(0) => {
                    self.changed = false;
                    return Ok(true);
                }
                Ok(_) => {}
            }
            match self.inotify.read_events() {
                Ok(events) => {
                    for event in events {
                        self.changed |= self.is_change(&event)?;
                    }
                }
                Err(Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Does some work and notices changes meanwhile: at the first one, the work is asked to stop by
    /// the wish it was given. Returns what the work came to, and whether there was a change.
    ///
    /// # Errors
    /// When the watch itself fails; the work is done then.
    pub fn during<T>(
        &mut self,
        cancel: &Cancel,
        work: impl FnOnce(&Cancel) -> T,
    ) -> io::Result<(T, bool)> {
        let round = cancel.part()?;
        let over = Over(cancel.part()?);
        thread::scope(|scope| {
            let (stop, end) = (round.clone(), over.0.clone());
            let watcher = scope.spawn(move || {
                let changed = self.wait(&end);
                if matches!(changed, Ok(true)) {
                    stop.cancel();
                }
                changed
            });
            let done = work(&round);
            drop(over);
            let changed = watcher
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((done, changed))
        })
    }

    /// Whether an event tells of the learner's work. Directories that appear are watched from then
    /// on.
    fn is_change(&mut self, event: &InotifyEvent) -> io::Result<bool> {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            return Ok(true);
        }
        let Some(directory) = self.directories.get(&event.wd) else {
            return Ok(false);
        };
        let Some(name) = event.name.as_deref() else {
            let gone = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF;
            if event.mask.intersects(gone) && *directory == self.root {
                // Some tools replace a whole directory.
                let root = self.root.clone();
                self.directories.remove(&event.wd);
                let _ = self.inotify.rm_watch(event.wd);
                self.add(&root).map_err(|error| {
                    io::Error::new(error.kind(), format!("the directory is gone: {error}"))
                })?;
                return Ok(true);
            }
            if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                self.directories.remove(&event.wd);
            }
            return Ok(false);
        };
        if !counts(name) {
            return Ok(false);
        }
        if event.mask.contains(AddWatchFlags::IN_ISDIR) {
            let path = directory.join(name);
            // It may be gone again already.
            drop(self.add(&path));
        }
        // A file that is only there is not written yet: that comes.
        let written = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ISDIR;
        Ok(event.mask.intersects(written))
    }
}

/// Ends the watching, also when the work panics.
struct Over(Cancel);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Whether a change of this name is the learner's work: not hidden, no editor's backup, nothing
/// that a build writes.
fn counts(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    !bytes.starts_with(b".")
        && !bytes.ends_with(b"~")
        && !bytes.ends_with(b".swp")
        && name != "target"
        && name != "Cargo.lock"
        && name != "__pycache__"
        && name != "4913"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> (tempfile::TempDir, PathBuf, Watch, Cancel) {
        let directory = tempfile::tempdir().unwrap();
        let main = directory.path().join("main.c");
        fs::write(&main, "old").unwrap();
        let watch = Watch::new(directory.path()).unwrap();
        (directory, main, watch, Cancel::new().unwrap())
    }

    #[test]
    fn a_file_that_is_renamed_over_the_old_one_is_a_change() {
        let (directory, main, mut watch, cancel) = watched();
        fs::write(directory.path().join(".main.c.swp"), "new").unwrap();
        fs::rename(directory.path().join(".main.c.swp"), &main).unwrap();
        assert!(watch.wait(&cancel).unwrap());
    }

    #[test]
    fn a_file_that_is_exchanged_with_a_new_one_is_a_change() {
        use rustix::fs::{CWD, RenameFlags, renameat_with};

        let (directory, main, mut watch, cancel) = watched();
        let new = directory.path().join(".main.c.new");
        fs::write(&new, "new").unwrap();
        renameat_with(CWD, &new, CWD, &main, RenameFlags::EXCHANGE).unwrap();
        assert!(watch.wait(&cancel).unwrap());
    }

    #[test]
    fn a_file_in_a_directory_that_appears_later_is_a_change() {
        let (directory, _, mut watch, cancel) = watched();
        let below = directory.path().join("src");
        fs::create_dir(&below).unwrap();
        assert!(watch.wait(&cancel).unwrap());
        fs::write(below.join("lib.c"), "x").unwrap();
        assert!(watch.wait(&cancel).unwrap());
    }

    #[test]
    fn a_directory_that_is_put_in_place_of_the_watched_one_is_watched() {
        let directory = tempfile::tempdir().unwrap();
        let (own, new) = (directory.path().join("own"), directory.path().join("new"));
        fs::create_dir(&own).unwrap();
        fs::create_dir(&new).unwrap();
        let mut watch = Watch::new(&own).unwrap();
        let cancel = Cancel::new().unwrap();
        fs::rename(&own, directory.path().join("old")).unwrap();
        fs::rename(&new, &own).unwrap();
        assert!(watch.wait(&cancel).unwrap());
        fs::write(own.join("main.c"), "x").unwrap();
        assert!(watch.wait(&cancel).unwrap());
        fs::remove_dir_all(&own).unwrap();
        // The kernel tells of the directory's own end when nobody has it open any more: a process
        // that another test is just starting may, for a moment.
        let error = loop {
            if let Err(error) = watch.wait(&cancel) {
                break error;
            }
        };
        assert!(error.to_string().contains("gone"), "{error}");
    }

    #[test]
    fn a_cancelled_wait_returns_at_once() {
        let (_directory, _, mut watch, cancel) = watched();
        cancel.cancel();
        assert!(!watch.wait(&cancel).unwrap());
    }

    #[test]
    fn a_change_stops_the_work_that_goes_on() {
        let (_directory, main, mut watch, cancel) = watched();
        let (waited, changed) = watch
            .during(&cancel, |round| {
                fs::write(&main, "new").unwrap();
                let mut fds = [PollFd::new(round.as_fd(), PollFlags::POLLIN)];
                nix::poll::poll(&mut fds, PollTimeout::from(30_000_u16)).unwrap()
            })
            .unwrap();
        assert_eq!((waited, changed), (1, true));
        assert!(!cancel.is_cancelled());
        let (done, changed) = watch.during(&cancel, |_| 7).unwrap();
        assert_eq!((done, changed), (7, false));
    }

    #[test]
    fn a_change_at_the_very_end_of_the_work_is_not_lost() {
        let (_directory, main, mut watch, cancel) = watched();
        let ((), changed) = watch
            .during(&cancel, |_| fs::write(&main, "new").unwrap())
            .unwrap();
        assert!(changed || watch.wait(&cancel).unwrap());
    }
}
