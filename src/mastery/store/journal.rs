//! How writes are made safe: the write-ahead log, which lets a screen read while `check` writes,
//! or the rollback journal where shared memory between processes cannot be had.
//!
//! SQLite does not notice a network file system by itself: mapping the `-shm` file works there, and
//! two machines would each see their own. So the file system is looked at (`statfs(2)`).

use std::path::Path;

use nix::sys::statfs::statfs;
use rusqlite::{Connection, ErrorCode};

/// How writes are made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// The write-ahead log.
    WriteAhead,
    /// The rollback journal: readers and a writer wait for each other.
    Rollback,
}

/// Magic numbers of file systems that more than one machine may write, or that cannot be trusted
/// to share a mapping: `linux/magic.h`, and the modules' own headers.
const SHARED: &[i64] = &[
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB2
    0x5346_414f, // AFS
    0x6b41_4653, // kAFS
    0x7375_7245, // Coda
    0x00c3_6400, // Ceph
    0x0102_1997, // 9P: WSL, virtual machines
    0x6573_5546, // FUSE: sshfs and others
    0x786f_4256, // VirtualBox shared folders
    0x0bd0_0bd0, // Lustre
    0x7461_636f, // OCFS2
    0x0116_1970, // GFS2
];

/// Whether the directory lies on a file system on which the write-ahead log is not safe.
fn is_shared(directory: &Path) -> bool {
    statfs(directory).is_ok_and(|found| {
        #[expect(
            clippy::unnecessary_cast,
            reason = "the type of f_type differs between architectures"
        )]
        let magic = found.filesystem_type().0 as i64 & 0xffff_ffff;
        SHARED.contains(&magic)
    })
}

/// Opens a connection with the best journal that can be had, and says which it is. `open` opens a
/// fresh connection.
///
/// # Errors
/// When the database cannot be used with either.
pub(super) fn connect(
    open: impl Fn() -> rusqlite::Result<Connection>,
    directory: &Path,
) -> rusqlite::Result<(Connection, Journal)> {
    let connection = open()?;
    if is_shared(directory) {
        let journal = ask(&connection, "DELETE")?;
        return Ok((connection, journal));
    }
    let error = match ask(&connection, "WAL") {
        Ok(Journal::Rollback) => return Ok((connection, Journal::Rollback)),
        Ok(Journal::WriteAhead) => {
            // Enough for the log: a crash of the machine may lose the last write, never harm the
            // database.
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            return Ok((connection, Journal::WriteAhead));
        }
        Err(error) => error,
    };
    let index_is_missing = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure)
    );
    if !index_is_missing {
        return Err(error);
    }
    drop(connection);
    // The file says it has a log, whose index cannot be mapped. Alone on the file, SQLite keeps the
    // index in its own memory, which is enough to fold the log in.
    let alone = open()?;
    alone.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    ask(&alone, "DELETE")?;
    drop(alone);
    let connection = open()?;
    let journal = ask(&connection, "DELETE")?;
    Ok((connection, journal))
}

fn ask(connection: &Connection, mode: &str) -> rusqlite::Result<Journal> {
    let got: String =
        connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| {
            row.get(0)
        })?;
    // The index is mapped at the first read.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(match got.as_str() {
        "wal" => Journal::WriteAhead,
        _ => Journal::Rollback,
    })
}
