//! What is read back: a snapshot of everything as plain data, in one read transaction so that its
//! parts belong together.

use std::collections::BTreeMap;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};
use serde::Serialize;

use super::proof::read_proofs;
use super::{Scope, Store, StoreError};
use crate::check::verdict::{Report, Verdict};
use crate::mastery::progress::{
    AnswerProgress, Attempt, FactProgress, HintLevel, Kept, PredictionProgress, Progress,
    ReviewProgress, Round, StageResult, Started, SubjectKind,
};
use crate::untrusted::Untrusted;

/// How much is remembered: what forgetting would take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remembered {
    /// Checks that can count: of a whole program in a directory.
    pub attempts: u32,
    /// Checks that cannot: with `--cmd`, `--socket` or `--stage`.
    pub trials: u32,
    /// Exercises passed with evidence.
    pub passed: u32,
    /// Hints taken.
    pub hints: u32,
    /// Directories that `start` made.
    pub starts: u32,
    /// Lessons opened.
    pub lessons: u32,
    /// Answers to quiz items.
    pub answers: u32,
    /// Answers given in reviews.
    pub reviews: u32,
    /// Predictions and stated facts.
    pub predictions: u32,
    /// Tasks begun.
    pub proofs: u32,
}

impl Remembered {
    /// Whether there is nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// Everything that is remembered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn snapshot(&self) -> Result<Progress, StoreError> {
        self.read(|connection| {
            let mut progress = Progress::default();
            read_lessons(connection, &mut progress)?;
            read_answers(connection, &mut progress)?;
            read_reviews(connection, &mut progress)?;
            read_exercises(connection, &mut progress)?;
            read_proofs(connection, &mut progress)?;
            progress.last_start = connection
                .query_row(
                    "SELECT at, exercise, directory, language FROM start ORDER BY id DESC LIMIT 1",
                    [],
                    started,
                )
                .optional()?;
            Ok(progress)
        })
    }

    /// The report of the last check of an exercise, as `check --json` printed it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_report(&self, exercise: &str) -> Result<Option<serde_json::Value>, StoreError> {
        self.read(|connection| {
            connection
                .query_row(
                    "SELECT json FROM last_report WHERE exercise = ?1",
                    [exercise],
                    |row| {
                        let json: String = row.get(0)?;
                        serde_json::from_str(&json).map_err(|error| conversion(0, error))
                    },
                )
                .optional()
        })
    }

    /// How much is remembered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn remembered(&self, scope: Scope<'_>) -> Result<Remembered, StoreError> {
        let (slug, everything) = match scope {
            Scope::All => (None, true),
            Scope::Exercise(slug) => (Some(slug), false),
        };
        self.read(|connection| {
            let of_exercise = |what: &str| {
                connection.query_row(
                    &format!("SELECT {what} AND (?1 IS NULL OR exercise = ?1)"),
                    [slug],
                    |row| row.get(0),
                )
            };
            let of_lessons = |table: &str| {
                if everything {
                    let sql = format!("SELECT count(*) FROM {table}");
                    connection.query_row(&sql, [], |row| row.get(0))
                } else {
                    Ok(0)
                }
            };
            Ok(Remembered {
                attempts: of_exercise("count(*) FROM attempt WHERE evidence")?,
                trials: of_exercise("count(*) FROM attempt WHERE NOT evidence")?,
                passed: of_exercise(
                    "count(DISTINCT exercise) FROM attempt WHERE evidence AND verdict = 'pass'",
                )?,
                hints: of_exercise("count(*) FROM hint WHERE true")?,
                starts: of_exercise("count(*) FROM start WHERE true")?,
                lessons: of_lessons("reading")?,
                answers: of_lessons("answer")?,
                reviews: of_lessons("review")?,
                predictions: of_lessons("prediction")? + of_lessons("fact")?,
                proofs: of_lessons("proof")?,
            })
        })
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let run = || {
            let behavior = TransactionBehavior::Deferred;
            let transaction = Transaction::new_unchecked(&self.connection, behavior)?;
            work(&transaction)
        };
        run().map_err(|error| self.sorted(error))
    }
}

/// Whether a check that is evidence passed this exercise.
pub(super) fn has_passed(connection: &Connection, exercise: &str) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM attempt \
         WHERE exercise = ?1 AND evidence AND verdict = 'pass')",
        [exercise],
        |row| row.get(0),
    )
}

/// Whether a Show hint helped with what a report judges: one for a required stage, taken when no
/// check that is evidence had passed that stage. A hint for a bonus stage, or for a stage that was
/// passed without it, took no work away.
pub(super) fn was_shown(connection: &Connection, report: &Report) -> rusqlite::Result<bool> {
    let mut shown = connection.prepare(
        "SELECT EXISTS (SELECT 1 FROM hint \
         WHERE exercise = ?1 AND stage = ?2 AND level = 'show' AND NOT EXISTS \
         (SELECT 1 FROM attempt JOIN attempt_stage ON attempt_stage.attempt = attempt.id \
         WHERE attempt.exercise = ?1 AND evidence AND attempt_stage.stage = ?2 \
         AND attempt_stage.verdict = 'pass' AND attempt.at < hint.at))",
    )?;
    for stage in report.stages.iter().filter(|stage| !stage.bonus) {
        if shown.query_row([&report.exercise, &stage.id], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read_lessons(connection: &Connection, progress: &mut Progress) -> rusqlite::Result<()> {
    each(
        connection,
        "SELECT lesson, first_at, last_at, furthest_block, finished_at FROM reading",
        |row| {
            let lesson = progress.lessons.entry(row.get(0)?).or_default();
            lesson.first_read_at = row.get(1)?;
            lesson.last_read_at = row.get(2)?;
            lesson.furthest_block = row.get(3)?;
            lesson.finished_at = row.get(4)?;
            Ok(())
        },
    )?;
    each(
        connection,
        "SELECT lesson, prediction, at, option, agreed, confidence FROM prediction ORDER BY id",
        |row| {
            let lesson = progress.lessons.entry(row.get(0)?).or_default();
            let made = PredictionProgress {
                at: row.get(2)?,
                option: row.get(3)?,
                agreed: row.get(4)?,
                confidence: row.get(5)?,
            };
            lesson.predictions.insert(row.get(1)?, made);
            Ok(())
        },
    )?;
    each(
        connection,
        "SELECT lesson, part, at, given, right FROM fact ORDER BY id",
        |row| {
            let lesson = progress.lessons.entry(row.get(0)?).or_default();
            let fact = FactProgress {
                at: row.get(2)?,
                given: row.get(3)?,
                right: row.get(4)?,
            };
            lesson.facts.insert(row.get(1)?, fact);
            Ok(())
        },
    )
}

fn read_answers(connection: &Connection, progress: &mut Progress) -> rusqlite::Result<()> {
    let sql = "SELECT item, at, right, option, reason, words, seed FROM answer ORDER BY id";
    each(connection, sql, |row| {
        let item: String = row.get(0)?;
        let (times, times_right) = progress
            .answers
            .get(&item)
            .map_or((0, 0), |before| (before.times, before.times_right));
        let right: bool = row.get(2)?;
        let answer = AnswerProgress {
            at: row.get(1)?,
            kept: kept(row, 3)?,
            right,
            times: times + 1,
            times_right: times_right + u32::from(right),
        };
        progress.answers.insert(item, answer);
        Ok(())
    })
}

fn read_reviews(connection: &Connection, progress: &mut Progress) -> rusqlite::Result<()> {
    let sql = "SELECT item, at, round, right, option, reason, words, seed FROM review ORDER BY id";
    each(connection, sql, |row| {
        let review = ReviewProgress {
            at: row.get(1)?,
            round: word(row, 2, &Round::ALL, Round::word)?,
            kept: kept(row, 4)?,
            right: row.get(3)?,
        };
        progress
            .reviews
            .entry(row.get(0)?)
            .or_default()
            .push(review);
        Ok(())
    })
}

/// An answer: option, reason, words and seed, from this column on.
fn kept(row: &Row<'_>, first: usize) -> rusqlite::Result<Kept> {
    let seed: Option<String> = row.get(first + 3)?;
    let seed = seed.map(|seed| seed.parse::<u64>()).transpose();
    Ok(Kept {
        option: row.get(first)?,
        reason: row.get(first + 1)?,
        words: row.get(first + 2)?,
        seed: seed.map_err(|error| conversion(first + 3, error))?,
    })
}

fn read_exercises(connection: &Connection, progress: &mut Progress) -> rusqlite::Result<()> {
    let mut stages = read_stages(connection)?;
    let sql = "SELECT exercise, id, at, verdict, subject, language, seed, evidence, assisted, \
               build_diagnosis FROM attempt ORDER BY id";
    each(connection, sql, |row| {
        let exercise = progress.exercises.entry(row.get(0)?).or_default();
        let attempt = Attempt {
            at: row.get(2)?,
            verdict: verdict(row, 3)?,
            subject: word(row, 4, &SubjectKind::ALL, SubjectKind::word)?,
            language: row.get(5)?,
            seed: row
                .get::<_, String>(6)?
                .parse()
                .map_err(|error| conversion(6, error))?,
            evidence: row.get(7)?,
            assisted: row.get(8)?,
            build_diagnosis: row.get(9)?,
            stages: stages.remove(&row.get(1)?).unwrap_or_default(),
        };
        exercise.attempts += 1;
        if attempt.evidence {
            for stage in &attempt.stages {
                if stage.verdict == Verdict::Pass {
                    let id = stage.id.clone();
                    exercise.stages_passed.entry(id).or_insert(attempt.at);
                }
            }
        }
        if attempt.evidence && attempt.verdict == Verdict::Pass {
            exercise.passed_at.get_or_insert(attempt.at);
            if !attempt.assisted {
                exercise.passed_unassisted_at.get_or_insert(attempt.at);
            }
            if let Some(language) = &attempt.language
                && let Err(place) = exercise.passed_languages.binary_search(language)
            {
                exercise.passed_languages.insert(place, language.clone());
            }
        }
        exercise.last = Some(attempt);
        Ok(())
    })?;
    each(
        connection,
        "SELECT exercise, stage, level FROM hint",
        |row| {
            let exercise = progress.exercises.entry(row.get(0)?).or_default();
            let level = word(row, 2, &HintLevel::ALL, HintLevel::word)?;
            let strongest = exercise.hints.entry(row.get(1)?).or_insert(level);
            *strongest = level.max(*strongest);
            Ok(())
        },
    )?;
    let sql = "SELECT at, exercise, directory, language FROM start ORDER BY id";
    each(connection, sql, |row| {
        let started = started(row)?;
        let exercise = progress
            .exercises
            .entry(started.exercise.clone())
            .or_default();
        exercise.started = Some(started);
        Ok(())
    })
}

fn read_stages(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, Vec<StageResult>>> {
    let mut stages: BTreeMap<i64, Vec<StageResult>> = BTreeMap::new();
    let sql = "SELECT attempt, stage, bonus, verdict, diagnosis FROM attempt_stage \
               ORDER BY attempt, place";
    each(connection, sql, |row| {
        let stage = StageResult {
            id: row.get(1)?,
            bonus: row.get(2)?,
            verdict: verdict(row, 3)?,
            diagnosis: row.get(4)?,
        };
        stages.entry(row.get(0)?).or_default().push(stage);
        Ok(())
    })?;
    Ok(stages)
}

fn started(row: &Row<'_>) -> rusqlite::Result<Started> {
    Ok(Started {
        at: row.get(0)?,
        exercise: row.get(1)?,
        directory: Untrusted::new(row.get::<_, Vec<u8>>(2)?),
        language: row.get(3)?,
    })
}

pub(super) fn each(
    connection: &Connection,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn verdict(row: &Row<'_>, column: usize) -> rusqlite::Result<Verdict> {
    use Verdict::{CannotJudge, CheckerError, Fail, NotJudged, Pass};
    let all = [Pass, Fail, CannotJudge, CheckerError, NotJudged];
    word(row, column, &all, Verdict::word)
}

/// The value whose word is in a column.
fn word<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    written: fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let found: String = row.get(column)?;
    all.iter()
        .copied()
        .find(|&value| written(value) == found)
        .ok_or_else(|| conversion(column, FromSqlError::InvalidType))
}

fn conversion(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
