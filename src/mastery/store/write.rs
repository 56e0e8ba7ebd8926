//! What is recorded. Every method is one transaction that takes the write lock before it reads, so
//! that two processes cannot both decide on the same old state.

use rusqlite::{Transaction, TransactionBehavior, params};

use super::{Store, StoreError, proof, read, schema};
use crate::check::verdict::{Report, Subject, Verdict};
use crate::mastery::progress::{HintLevel, Kept, Round, SubjectKind};
use crate::untrusted::Untrusted;

/// What recording a check changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Whether it counts as a pass.
    pub passed: bool,
    /// Whether that is the first one for this exercise.
    pub first_pass: bool,
    /// Whether a Show hint helped with it, so that it does not count as unassisted.
    pub assisted: bool,
}

/// A lesson seen up to a block.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The lesson's slug.
    pub lesson: &'a str,
    /// The furthest block seen, counted from 0.
    pub block: usize,
    /// How many blocks the lesson has; seeing the last one finishes it.
    pub blocks: usize,
}

/// A quiz item answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The item's id.
    pub item: &'a str,
    /// What was answered.
    pub kept: &'a Kept,
    /// Whether it was right, option and reason together.
    pub right: bool,
}

/// A quiz item answered in a review.
#[derive(Clone, Copy, Debug)]
pub struct Review<'a> {
    /// The answer.
    pub answer: Answer<'a>,
    /// Why it was asked.
    pub round: Round,
}

/// A prediction committed to, and what the kernel said.
#[derive(Clone, Copy, Debug)]
pub struct Prediction<'a> {
    /// The lesson's slug.
    pub lesson: &'a str,
    /// The prediction's id.
    pub prediction: &'a str,
    /// The option chosen, counted from 0.
    pub option: usize,
    /// Whether the kernel agreed; `None` when the experiment could not tell.
    pub agreed: Option<bool>,
    /// How sure the learner was, in percent, if asked.
    pub confidence: Option<u8>,
}

/// The decisive fact of an experiment's part, as the learner stated it.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    /// The lesson's slug.
    pub lesson: &'a str,
    /// The part's id.
    pub part: &'a str,
    /// What was entered.
    pub given: &'a str,
    /// Whether it was what the experiment observed.
    pub right: bool,
}

/// How much is to be forgotten.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Everything.
    All,
    /// One exercise, by its slug.
    Exercise(&'a str),
}

impl Store {
    /// Records a check.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_check(&self, report: &Report) -> Result<Recorded, StoreError> {
        let exercise = report.exercise.as_str();
        let (subject, language) = match &report.subject {
            Subject::Directory { language, .. } => (SubjectKind::Directory, Some(language)),
            Subject::Command { .. } => (SubjectKind::Command, None),
            Subject::Socket { .. } => (SubjectKind::Socket, None),
        };
        let passed = report.evidence && report.verdict == Verdict::Pass;
        let json = serde_json::to_string(report).expect("a report is plain data");
        self.write(|transaction| {
            let assisted = read::was_shown(transaction, report)?;
            let first_pass = passed && !read::has_passed(transaction, exercise)?;
            transaction.execute(
                "INSERT INTO attempt (at, exercise, verdict, subject, language, seed, evidence, \
                 assisted, build_diagnosis) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    self.clock.now(),
                    exercise,
                    report.verdict.word(),
                    subject.word(),
                    language,
                    report.seed.to_string(),
                    report.evidence,
                    assisted,
                    report.build.as_ref().map(|failure| &failure.diagnosis),
                ],
            )?;
            let attempt = transaction.last_insert_rowid();
            let mut insert = transaction.prepare(
                "INSERT INTO attempt_stage (attempt, place, stage, bonus, verdict, diagnosis) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for (place, stage) in report.stages.iter().enumerate() {
                insert.execute(params![
                    attempt,
                    place as i64,
                    stage.id,
                    stage.bonus,
                    stage.verdict.word(),
                    stage.failure.as_ref().map(|failure| &failure.diagnosis),
                ])?;
            }
            transaction.execute(
                "INSERT OR REPLACE INTO last_report (exercise, attempt, json) VALUES (?1, ?2, ?3)",
                params![exercise, attempt, json],
            )?;
            Ok(Recorded {
                passed,
                first_pass,
                assisted,
            })
        })
    }

    /// Records how far a lesson was seen. Going back never takes anything away.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_reading(&self, reading: Reading<'_>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let finished = (reading.block + 1 >= reading.blocks).then_some(now);
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO reading (lesson, first_at, last_at, furthest_block, finished_at) \
                 VALUES (?1, ?2, ?2, ?3, ?4) \
                 ON CONFLICT (lesson) DO UPDATE SET last_at = ?2, \
                 furthest_block = max(furthest_block, ?3), \
                 finished_at = coalesce(finished_at, ?4)",
                params![reading.lesson, now, reading.block as i64, finished],
            )?;
            Ok(())
        })
    }

    /// Records an answer to a quiz item.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_answer(&self, answer: Answer<'_>) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO answer (at, item, option, reason, words, seed, right) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    self.clock.now(),
                    answer.item,
                    answer.kept.option,
                    answer.kept.reason,
                    answer.kept.words,
                    answer.kept.seed.map(|seed| seed.to_string()),
                    answer.right,
                ],
            )?;
            Ok(())
        })
    }

    /// Records an answer given in a review. What was answered in the lesson stays as it is.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_review(&self, review: Review<'_>) -> Result<(), StoreError> {
        let Review { answer, round } = review;
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO review (at, item, round, option, reason, words, seed, right) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    self.clock.now(),
                    answer.item,
                    round.word(),
                    answer.kept.option,
                    answer.kept.reason,
                    answer.kept.words,
                    answer.kept.seed.map(|seed| seed.to_string()),
                    answer.right,
                ],
            )?;
            Ok(())
        })
    }

    /// Records a prediction and whether the kernel agreed.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_prediction(&self, prediction: Prediction<'_>) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO prediction (at, lesson, prediction, option, agreed, confidence) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    self.clock.now(),
                    prediction.lesson,
                    prediction.prediction,
                    prediction.option as i64,
                    prediction.agreed,
                    prediction.confidence,
                ],
            )?;
            Ok(())
        })
    }

    /// Records the statement of an experiment's decisive fact.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_fact(&self, fact: Fact<'_>) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO fact (at, lesson, part, given, right) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    self.clock.now(),
                    fact.lesson,
                    fact.part,
                    fact.given,
                    fact.right
                ],
            )?;
            Ok(())
        })
    }

    /// Records that a hint was taken. After `Show` for a required stage that was not passed yet,
    /// passes of the exercise count as assisted.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_hint(
        &self,
        exercise: &str,
        stage: &str,
        level: HintLevel,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO hint (at, exercise, stage, level) VALUES (?1, ?2, ?3, ?4)",
                params![self.clock.now(), exercise, stage, level.word()],
            )?;
            Ok(())
        })
    }

    /// Remembers where an exercise was started. `directory` is absolute.
    ///
    /// # Errors
    /// When nothing could be recorded.
    pub fn record_start(
        &self,
        exercise: &str,
        directory: &Untrusted,
        language: &str,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO start (at, exercise, directory, language) VALUES (?1, ?2, ?3, ?4)",
                params![self.clock.now(), exercise, directory.bytes(), language],
            )?;
            Ok(())
        })
    }

    /// Forgets progress. Files of the learner are never touched.
    ///
    /// # Errors
    /// When nothing could be forgotten; then nothing was.
    pub fn forget(&self, scope: Scope<'_>) -> Result<(), StoreError> {
        self.write(|transaction| {
            for table in schema::OF_AN_EXERCISE {
                match scope {
                    Scope::All => transaction.execute(&format!("DELETE FROM {table}"), [])?,
                    Scope::Exercise(slug) => transaction
                        .execute(&format!("DELETE FROM {table} WHERE exercise = ?1"), [slug])?,
                };
            }
            if matches!(scope, Scope::All) {
                for table in schema::OF_LESSONS {
                    transaction.execute(&format!("DELETE FROM {table}"), [])?;
                }
            }
            Ok(())
        })
    }

    /// Does `work` in a transaction of its own. Times of a simulated clock never get among real
    /// ones.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let sorted = |error| self.sorted(error);
        let behavior = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(&self.connection, behavior).map_err(sorted)?;
        if !proof::may_write(&transaction, self.clock).map_err(sorted)? {
            let path = self.path.clone();
            return Err(StoreError::RealTime { path });
        }
        let value = work(&transaction).map_err(sorted)?;
        transaction.commit().map_err(sorted)?;
        Ok(value)
    }
}
