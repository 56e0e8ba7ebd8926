//! Proofs in the database: that a task was begun, how it ended, and by which clock.
//!
//! A try that was not passed shows what was wrong. So the next one counts only [`AGAIN`] later, and
//! one that was begun and never ended is such a try, too.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::read::each;
use super::{Store, StoreError};
use crate::mastery::clock::Clock;
use crate::mastery::progress::{Progress, ProofProgress};

/// After a try that was not passed, the next one counts this much later: 20 hours, in seconds.
pub(in crate::mastery) const AGAIN: i64 = 20 * 60 * 60;

/// Tasks that have another name now: the old one and the new one.
const RENAMED: [(&str, &str); 2] = [
    ("my-sockets", "socket-census"),
    ("my-credentials", "explore-credentials"),
];

/// A task that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    id: i64,
    /// Whether it is evidence when it is passed.
    pub counts: bool,
    /// From when on a try counts, in seconds since the epoch, when this one does not.
    pub counts_from: Option<i64>,
}

impl Store {
    /// Records that a task was begun: until [`Store::record_proof`] says otherwise it is a try that
    /// was not passed.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn begin_proof(&self, task: &str, seed: u64, of: usize) -> Result<Begun, StoreError> {
        let now = self.clock.now();
        self.write(|transaction| {
            let last: Option<i64> = transaction.query_row(
                "SELECT max(at) FROM proof WHERE task = ?1 AND NOT (passed AND counts)",
                [task],
                |row| row.get(0),
            )?;
            let counts_from = last.map(|last| last + AGAIN).filter(|&from| from > now);
            let counts = counts_from.is_none();
            transaction.execute(
                "INSERT INTO proof (at, task, seed, counts, right, of, passed) \
                 VALUES (?1, ?2, ?3, ?4, 0, ?5, 0)",
                params![now, task, seed.to_string(), counts, of as i64],
            )?;
            Ok(Begun {
                id: transaction.last_insert_rowid(),
                counts,
                counts_from,
            })
        })
    }

    /// Records how a task that was begun ended: so many answers right, of which so many are needed.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_proof(
        &self,
        begun: Begun,
        right: usize,
        needed: usize,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE proof SET right = ?2, passed = (?2 >= ?3) WHERE id = ?1",
                params![begun.id, right as i64, needed as i64],
            )?;
            Ok(())
        })
    }

    /// How often a task was begun: another seed each time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn proofs(&self, task: &str) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM proof WHERE task = ?1";
        let count = self.connection.query_row(sql, [task], |row| row.get(0));
        count.map_err(|error| self.sorted(error))
    }
}

/// Whether a clock may write here, which is noted with the first thing written: real times stay
/// among themselves.
pub(super) fn may_write(transaction: &Transaction<'_>, clock: Clock) -> rusqlite::Result<bool> {
    let simulated = matches!(clock, Clock::At(_));
    let sql = "SELECT simulated FROM time_source";
    let noted: Option<bool> = transaction
        .query_row(sql, [], |row| row.get(0))
        .optional()?;
    if noted.is_none() {
        let sql = "INSERT INTO time_source (id, simulated) VALUES (1, ?1)";
        transaction.execute(sql, [simulated])?;
    }
    Ok(noted.unwrap_or(simulated) || !simulated)
}

pub(super) fn read_proofs(
    connection: &Connection,
    progress: &mut Progress,
) -> rusqlite::Result<()> {
    let sql = "SELECT simulated FROM time_source";
    let simulated = connection.query_row(sql, [], |row| row.get(0));
    progress.simulated = simulated.optional()?.unwrap_or(false);
    let sql = "SELECT task, at, counts, right, of, passed FROM proof ORDER BY id";
    each(connection, sql, |row| {
        let proof = ProofProgress {
            at: row.get(1)?,
            counts: row.get(2)?,
            right: row.get(3)?,
            of: row.get(4)?,
            passed: row.get(5)?,
        };
        let task: String = row.get(0)?;
        let renamed = RENAMED.iter().find(|(old, _)| *old == task);
        let task = renamed.map_or(task, |(_, new)| (*new).to_owned());
        progress.proofs.entry(task).or_default().push(proof);
        Ok(())
    })
}
