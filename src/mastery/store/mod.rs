//! The progress database: opening it, and what may go wrong. Its tables are in `schema`, what is
//! written in `write`, what is read in `read`, how it stays whole in `journal`.
//!
//! Several processes use it at once: an open screen and a `check` in another terminal. Every write
//! is one transaction that takes its lock first, so none is lost; [`Store::changes`] tells a screen
//! cheaply whether there is anything new. A damaged file is never deleted or replaced.

mod error;
mod journal;
mod proof;
mod read;
mod schema;
mod write;

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{AccessFlags, access};
use rusqlite::{Connection, OpenFlags};

use super::clock::Clock;
use super::location;

pub use error::StoreError;
pub use journal::Journal;
pub(in crate::mastery) use proof::AGAIN;
pub use proof::Begun;
pub use read::Remembered;
pub use write::{Answer, Fact, Prediction, Reading, Recorded, Review, Scope};

/// The file's name.
const NAME: &str = "progress.sqlite";

/// How long a write waits for another process's.
const BUSY: Duration = Duration::from_secs(5);

/// An open progress database. One thread uses it at a time; a second thread opens its own.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    clock: Clock,
    journal: Journal,
}

/// Compares equal as long as nothing was written, by anyone, through the store it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    others: i64,
    own: u64,
}

impl Store {
    /// Opens the learner's database, making it when there is none.
    ///
    /// # Errors
    /// When there is no place for it, or as [`Store::open_in`].
    pub fn open() -> Result<Self, StoreError> {
        let directory = location::state_directory().ok_or(StoreError::NoHome)?;
        Self::open_in(&directory, Clock::of_environment())
    }

    /// Opens the learner's database if there is one; makes nothing.
    ///
    /// # Errors
    /// As [`Store::open_in`].
    pub fn open_if_present() -> Result<Option<Self>, StoreError> {
        let directory = location::state_directory().ok_or(StoreError::NoHome)?;
        match fs::symlink_metadata(directory.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Self::open_in(&directory, Clock::of_environment()).map(Some),
        }
    }

    /// Opens the database in a directory, making both when they are missing: the directory with
    /// mode 0700, the file with mode 0600.
    ///
    /// # Errors
    /// When it cannot be made, read or brought to the current format, is damaged, or is newer than
    /// this program.
    pub fn open_in(directory: &Path, clock: Clock) -> Result<Self, StoreError> {
        Self::open_with(directory, clock, None)
    }

    fn open_with(directory: &Path, clock: Clock, vfs: Option<&str>) -> Result<Self, StoreError> {
        let path = directory.join(NAME);
        if path.is_file() && access(directory, AccessFlags::W_OK).is_err() {
            return Self::open_frozen(path, clock);
        }
        make(directory, &path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = match vfs {
                None => Connection::open_with_flags(&path, flags)?,
                Some(vfs) => Connection::open_with_flags_and_vfs(&path, flags, vfs)?,
            };
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(connection)
        };
        // Two that turn a new database to the write-ahead log at once each hold what the other
        // wants, and SQLite gives one of them SQLITE_BUSY at once: one after the other, then.
        let turn = take_turn(directory);
        let prepare = || {
            let (connection, journal) = journal::connect(open, directory)?;
            schema::migrate(&connection, schema::MIGRATIONS)?;
            let found = schema::version(&connection)?;
            Ok((connection, journal, found))
        };
        let (connection, journal, found) =
            prepare().map_err(|error| StoreError::from_sqlite(&path, error))?;
        drop(turn);
        let store = Self {
            connection,
            path,
            clock,
            journal,
        };
        store.of_format(found)
    }

    /// Opens a database in a directory that may not be written: as a picture of what it was when
    /// its last writer left. Every write fails with [`StoreError::ReadOnly`].
    fn open_frozen(path: PathBuf, clock: Clock) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(frozen(&path), flags)?;
            let found = schema::version(&connection)?;
            Ok((connection, found))
        };
        let (connection, found) = open().map_err(|error| StoreError::from_sqlite(&path, error))?;
        let store = Self {
            connection,
            path,
            clock,
            journal: Journal::Rollback,
        };
        store.of_format(found)
    }

    fn of_format(self, found: i64) -> Result<Self, StoreError> {
        let known = schema::MIGRATIONS.len() as i64;
        let path = || self.path.clone();
        match found.cmp(&known) {
            Ordering::Equal => Ok(self),
            Ordering::Greater => Err(StoreError::Newer {
                path: path(),
                found,
                known,
            }),
            // Only where it could not be brought to the current format.
            Ordering::Less => Err(StoreError::ReadOnly { path: path() }),
        }
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How writes are made safe here.
    pub fn journal(&self) -> Journal {
        self.journal
    }

    /// Whether anything can be recorded.
    pub fn is_writable(&self) -> bool {
        self.connection
            .is_readonly("main")
            .is_ok_and(|read_only| !read_only)
    }

    /// The time of this store's clock, in seconds since the epoch.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// A token that differs from an earlier one when something was written since, by this process
    /// or another. Cheap enough to ask several times a second.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn changes(&self) -> Result<Changes, StoreError> {
        let others = self
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(|error| self.sorted(error))?;
        Ok(Changes {
            others,
            own: self.connection.total_changes(),
        })
    }

    /// Waits until whoever is writing has done so: what a writer puts into its log can be seen in the
    /// directory before it can be read (sqlite.org/walformat.html, the index comes last).
    ///
    /// # Errors
    /// When a writer takes too long, or the database cannot be written.
    pub fn await_writers(&self) -> Result<(), StoreError> {
        self.connection
            .execute_batch("BEGIN IMMEDIATE; ROLLBACK")
            .map_err(|error| self.sorted(error))
    }

    fn sorted(&self, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.path, error)
    }
}

/// The URI of a database that nobody changes while it is read.
fn frozen(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    uri + "?immutable=1"
}

/// Waits until nobody else prepares a database in this directory; until what is returned is dropped
/// nobody else will (flock(2)). `None` where the file system has no such locks.
fn take_turn(directory: &Path) -> Option<Flock<File>> {
    Flock::lock(File::open(directory).ok()?, FlockArg::LockExclusive).ok()
}

/// Makes the directory and an empty file, private to the user, unless they are there.
fn make(directory: &Path, path: &Path) -> Result<(), StoreError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |error| StoreError::Unwritable { path, error }
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(unwritable(directory))?;
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unwritable(path)(error)),
    }
}

#[cfg(test)]
mod tests;
