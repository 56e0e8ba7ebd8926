//! The tables, and how an older database becomes a current one: all in one transaction, so that a
//! database is never between two formats. `PRAGMA user_version` is the number of steps taken.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Step `n` turns format `n` into format `n + 1`. Steps are never changed once released.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE attempt (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        exercise TEXT NOT NULL,
        verdict TEXT NOT NULL,
        subject TEXT NOT NULL,
        language TEXT,
        seed TEXT NOT NULL,
        evidence INTEGER NOT NULL,
        assisted INTEGER NOT NULL,
        build_diagnosis TEXT
    ) STRICT;
    CREATE INDEX attempt_by_exercise ON attempt (exercise, id);
    CREATE TABLE attempt_stage (
        attempt INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        stage TEXT NOT NULL,
        bonus INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        diagnosis TEXT,
        PRIMARY KEY (attempt, place)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE last_report (
        exercise TEXT PRIMARY KEY,
        attempt INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
        json TEXT NOT NULL
    ) STRICT;
    CREATE TABLE reading (
        lesson TEXT PRIMARY KEY,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        furthest_block INTEGER NOT NULL,
        finished_at INTEGER
    ) STRICT;
    CREATE TABLE answer (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        item TEXT NOT NULL,
        option INTEGER NOT NULL,
        reason INTEGER,
        right INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE prediction (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        lesson TEXT NOT NULL,
        prediction TEXT NOT NULL,
        option INTEGER NOT NULL,
        agreed INTEGER,
        confidence INTEGER
    ) STRICT;
    CREATE TABLE fact (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        lesson TEXT NOT NULL,
        part TEXT NOT NULL,
        given TEXT NOT NULL,
        right INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE hint (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        exercise TEXT NOT NULL,
        stage TEXT NOT NULL,
        level TEXT NOT NULL
    ) STRICT;
    CREATE TABLE start (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        exercise TEXT NOT NULL,
        directory BLOB NOT NULL,
        language TEXT NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE review (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        item TEXT NOT NULL,
        round TEXT NOT NULL,
        option INTEGER NOT NULL,
        reason INTEGER,
        right INTEGER NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE proof (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        task TEXT NOT NULL,
        seed TEXT NOT NULL,
        counts INTEGER NOT NULL,
        right INTEGER NOT NULL,
        of INTEGER NOT NULL,
        passed INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX proof_by_task ON proof (task, id);
    CREATE TABLE time_source (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        simulated INTEGER NOT NULL
    ) STRICT;
    INSERT INTO time_source (id, simulated)
        SELECT 1, 0 WHERE EXISTS (SELECT 1 FROM reading) OR EXISTS (SELECT 1 FROM answer)
        OR EXISTS (SELECT 1 FROM attempt) OR EXISTS (SELECT 1 FROM prediction);
",
    // Not every answer is an option any more.
    "
    ALTER TABLE answer RENAME TO answer_of_options;
    CREATE TABLE answer (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        item TEXT NOT NULL,
        option INTEGER,
        reason INTEGER,
        words TEXT,
        seed TEXT,
        right INTEGER NOT NULL
    ) STRICT;
    INSERT INTO answer (id, at, item, option, reason, right)
        SELECT id, at, item, option, reason, right FROM answer_of_options;
    DROP TABLE answer_of_options;
    ALTER TABLE review RENAME TO review_of_options;
    CREATE TABLE review (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        item TEXT NOT NULL,
        round TEXT NOT NULL,
        option INTEGER,
        reason INTEGER,
        words TEXT,
        seed TEXT,
        right INTEGER NOT NULL
    ) STRICT;
    INSERT INTO review (id, at, item, round, option, reason, right)
        SELECT id, at, item, round, option, reason, right FROM review_of_options;
    DROP TABLE review_of_options;
",
];

/// The tables that hold what was remembered of an exercise, each with a column `exercise`.
pub(super) const OF_AN_EXERCISE: &[&str] = &["attempt", "last_report", "hint", "start"];

/// The tables that hold everything else.
pub(super) const OF_LESSONS: &[&str] = &[
    "reading",
    "answer",
    "prediction",
    "fact",
    "review",
    "proof",
    "time_source",
];

/// The format a database has.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a database to the newest format. A database of a newer one is left as it is.
pub(super) fn migrate(connection: &Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let newest = migrations.len() as i64;
    if version(connection)? >= newest {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited for the lock.
    let found = version(&transaction)?.max(0);
    for step in migrations.iter().skip(found as usize) {
        transaction.execute_batch(step)?;
    }
    if found < newest {
        transaction.pragma_update(None, "user_version", newest)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_leaves_the_database_in_its_old_format() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, &["CREATE TABLE a (x)"]).unwrap();
        connection.execute("INSERT INTO a VALUES (7)", []).unwrap();
        let steps = [
            "CREATE TABLE a (x)",
            "CREATE TABLE b (y); CREATE TABLE a (z)",
        ];
        migrate(&connection, &steps).unwrap_err();
        assert_eq!(version(&connection).unwrap(), 1);
        connection.prepare("SELECT y FROM b").unwrap_err();
    }

    #[test]
    fn only_the_missing_steps_are_taken_and_rows_stay() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, &["CREATE TABLE a (x)"]).unwrap();
        connection.execute("INSERT INTO a VALUES (7)", []).unwrap();
        let steps = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y DEFAULT 8"];
        migrate(&connection, &steps).unwrap();
        migrate(&connection, &steps).unwrap();
        assert_eq!(version(&connection).unwrap(), 2);
        let row: (i64, i64) = connection
            .query_row("SELECT x, y FROM a", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(row, (7, 8));
    }
}
