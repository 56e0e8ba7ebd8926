//! The evidence ledger: which pieces of evidence a learner has for an outcome, and whether it is
//! held. Pure: a curriculum and a progress in, plain data out.
//!
//! An outcome is held with two independent, unassisted pieces: of different types, one of them
//! earned at least [`APART`] after the learner first met what leads to the outcome. A piece that was
//! earned once is never taken away.

use serde::Serialize;

use super::progress::{Progress, ProofProgress, ReviewProgress, Round};
use super::store::AGAIN;
use crate::curriculum::Curriculum;
use crate::curriculum::path::{Evidence, Outcome};
use crate::curriculum::task;

/// 20 hours, in seconds.
pub const APART: i64 = 20 * 60 * 60;

/// How many of its questions a retrieval needs, in percent.
const RETRIEVED: usize = 80;

/// How often in a row a question must be answered right in reviews for a retrieval.
const IN_A_ROW: usize = 2;

/// The types of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// Questions answered right in reviews, days after.
    Retrieval,
    /// An explanation put together.
    Order,
    /// Lines matched to what they do.
    Trace,
    /// Decisions in situations that no lesson describes.
    Decision,
    /// Predictions about a variant, judged by the kernel.
    Variant,
    /// Something measured on the learner's own system.
    Measurement,
    /// A program that passes its exercise.
    Code,
}

impl From<task::Kind> for Type {
    fn from(kind: task::Kind) -> Self {
        match kind {
            task::Kind::Order => Self::Order,
            task::Kind::Trace => Self::Trace,
            task::Kind::Decision => Self::Decision,
            task::Kind::Variant => Self::Variant,
            task::Kind::Measurement => Self::Measurement,
        }
    }
}

impl Type {
    /// As it is written in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Retrieval => "retrieval",
            Self::Order => "order",
            Self::Trace => "trace",
            Self::Decision => "decision",
            Self::Variant => "variant",
            Self::Measurement => "measurement",
            Self::Code => "code",
        }
    }
}

/// A piece of evidence for an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// What type it is of.
    #[serde(rename = "type")]
    pub kind: Type,
    /// The task's slug, the exercise's name, or `review`.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// Whether and how it was earned.
    pub state: PieceState,
    /// When it was earned first, in seconds since the epoch.
    pub first_at: Option<i64>,
    /// When it was earned last.
    pub last_at: Option<i64>,
    /// Questions retrieved or answered right in the best try, and how many there are.
    pub right: Option<(u32, u32)>,
}

/// Whether a piece was earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PieceState {
    /// Never tried.
    Open,
    /// Tried, and not earned.
    Tried,
    /// Earned with a Show hint, which does not count for the outcome.
    Assisted,
    /// Earned.
    Earned,
}

/// The evidence for one outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Every piece that there is, in the order of the path.
    pub pieces: Vec<Piece>,
    /// When the learner first met what leads to the outcome.
    pub met_at: Option<i64>,
    /// Whether it is held.
    pub held: bool,
    /// When pieces of two types are there and none came late enough: from when on the next one
    /// does.
    pub waits_until: Option<i64>,
}

impl Ledger {
    /// How many pieces count.
    pub fn earned(&self) -> usize {
        let earned = |piece: &&Piece| piece.state == PieceState::Earned;
        self.pieces.iter().filter(earned).count()
    }

    /// The first piece that would bring the outcome nearer to being held; none when it is held.
    pub fn missing(&self) -> Option<&Piece> {
        if self.held {
            return None;
        }
        let known: Vec<Type> = self.counting().map(|piece| piece.kind).collect();
        self.pieces
            .iter()
            .find(|piece| piece.state != PieceState::Earned && !known.contains(&piece.kind))
            .or_else(|| self.pieces.iter().find(|_| self.waits_until.is_some()))
    }

    fn counting(&self) -> impl Iterator<Item = &Piece> {
        let earned = |piece: &&Piece| piece.state == PieceState::Earned;
        self.pieces.iter().filter(earned)
    }
}

/// The evidence for an outcome.
pub fn ledger(curriculum: &Curriculum, outcome: &Outcome, progress: &Progress) -> Ledger {
    let pieces: Vec<Piece> = outcome
        .evidence
        .iter()
        .map(|evidence| piece(curriculum, evidence, progress))
        .collect();
    let met_at = met_at(curriculum, outcome, progress);
    let mut ledger = Ledger {
        pieces,
        met_at,
        held: false,
        waits_until: None,
    };
    let counting: Vec<&Piece> = ledger.counting().collect();
    let two = counting
        .iter()
        .any(|one| counting.iter().any(|other| one.kind != other.kind));
    let late_from = met_at.map(|met| met + APART);
    let late = counting.iter().any(|piece| {
        piece
            .last_at
            .zip(late_from)
            .is_some_and(|(at, from)| at >= from)
    });
    (ledger.held, ledger.waits_until) = (two && late, late_from.filter(|_| two && !late));
    ledger
}

/// Ids of the outcomes that a task gives evidence for, in the order of the path.
pub fn outcomes_of<'a>(curriculum: &'a Curriculum, task: &str) -> Vec<&'a str> {
    let levels = curriculum.path.levels.iter();
    let outcomes = levels.flat_map(|level| &level.outcomes);
    let gives =
        |evidence: &Evidence| matches!(evidence, Evidence::Task(slug) if slug.value == task);
    outcomes
        .filter(|outcome| outcome.evidence.iter().any(gives))
        .map(|outcome| outcome.id.as_str())
        .collect()
}

/// When a try of a task that begins now would not count, from when on one does: what
/// [`super::store`] decides when one begins, told before.
pub fn counts_from(tries: &[ProofProgress], now: i64) -> Option<i64> {
    let lost = tries.iter().filter(|one| !(one.passed && one.counts));
    let last = lost.map(|one| one.at).max()?;
    Some(last + AGAIN).filter(|&from| from > now)
}

/// When the learner first met what leads to an outcome: opened a lesson, began a task, started or
/// checked an exercise.
fn met_at(curriculum: &Curriculum, outcome: &Outcome, progress: &Progress) -> Option<i64> {
    let mut lessons: Vec<&str> = outcome
        .lessons
        .iter()
        .map(|one| one.value.as_str())
        .collect();
    let mut times: Vec<i64> = Vec::new();
    for evidence in &outcome.evidence {
        match evidence {
            Evidence::Retrieval(named) => {
                lessons.extend(named.iter().map(|one| one.value.as_str()))
            }
            Evidence::Task(slug) => {
                let prepares = curriculum.task(&slug.value).map(|task| &task.lessons);
                lessons.extend(prepares.into_iter().flatten().map(|one| one.value.as_str()));
                let first = progress
                    .proofs
                    .get(&slug.value)
                    .and_then(|tries| tries.first());
                times.extend(first.map(|one| one.at));
            }
            Evidence::Exercise(slug) => {
                let known = progress.exercises.get(&slug.value);
                times.extend(known.and_then(|known| Some(known.started.as_ref()?.at)));
                let stages = known
                    .into_iter()
                    .flat_map(|known| known.stages_passed.values());
                times.extend(stages);
            }
        }
    }
    let read = lessons
        .iter()
        .filter_map(|slug| progress.lessons.get(*slug)?.first_read_at);
    times.into_iter().chain(read).min()
}

fn piece(curriculum: &Curriculum, evidence: &Evidence, progress: &Progress) -> Piece {
    match evidence {
        Evidence::Retrieval(lessons) => {
            let lessons = lessons
                .iter()
                .map(|one| one.value.as_str())
                .collect::<Vec<_>>();
            retrieval(curriculum, &lessons, progress)
        }
        Evidence::Task(slug) => {
            let tries = progress.proofs.get(&slug.value);
            let tries = tries.map_or(&[][..], Vec::as_slice);
            let mut earned = tries.iter().filter(|one| one.passed && one.counts);
            let best = tries.iter().max_by_key(|one| one.right);
            let task = curriculum.task(&slug.value);
            Piece {
                kind: task.map_or(Type::Order, |task| task.kind.into()),
                name: slug.value.clone(),
                title: task.map(|task| task.title.clone()).unwrap_or_default(),
                state: match (earned.clone().next(), best) {
                    (Some(_), _) => PieceState::Earned,
                    (None, Some(_)) => PieceState::Tried,
                    (None, None) => PieceState::Open,
                },
                first_at: earned.clone().next().map(|one| one.at),
                last_at: earned.next_back().map(|one| one.at),
                right: best.map(|one| (one.right, one.of)),
            }
        }
        Evidence::Exercise(slug) => {
            let known = progress.exercises.get(&slug.value);
            let exercise = curriculum.exercise(&slug.value);
            let unassisted = known.and_then(|known| known.passed_unassisted_at);
            let passed = known.and_then(|known| known.passed_at);
            Piece {
                kind: Type::Code,
                name: exercise.map(|one| one.name()).unwrap_or_default(),
                title: exercise.map(|one| one.title.clone()).unwrap_or_default(),
                state: match (unassisted, passed, known) {
                    (Some(_), ..) => PieceState::Earned,
                    (None, Some(_), _) => PieceState::Assisted,
                    (None, None, Some(_)) => PieceState::Tried,
                    (None, None, None) => PieceState::Open,
                },
                first_at: unassisted,
                last_at: unassisted,
                right: None,
            }
        }
    }
}

/// Retrieval counts answers given in reviews, at least [`APART`] after the lesson was opened. It is
/// earned at a moment when the last [`IN_A_ROW`] answers to enough questions were right, all of them
/// together: somebody who guesses gets each right now and then.
fn retrieval(curriculum: &Curriculum, lessons: &[&str], progress: &Progress) -> Piece {
    let mut items = 0;
    let mut answers: Vec<(i64, usize, bool)> = Vec::new();
    for lesson in lessons.iter().filter_map(|slug| curriculum.lesson(slug)) {
        let opened = progress
            .lessons
            .get(&lesson.slug)
            .and_then(|known| known.first_read_at);
        for item in &lesson.quiz {
            let given = progress.reviews.get(&item.id.value).into_iter().flatten();
            let delayed = given.filter(|answer: &&ReviewProgress| {
                answer.round == Round::Due && opened.is_some_and(|at| answer.at >= at + APART)
            });
            answers.extend(delayed.map(|answer| (answer.at, items, answer.right)));
            items += 1;
        }
    }
    let needed = (items * RETRIEVED).div_ceil(100);
    answers.sort_by_key(|&(at, ..)| at);
    let mut in_a_row = vec![0; items];
    let (mut first_at, mut last_at, mut best) = (None, None, 0);
    for &(at, item, right) in &answers {
        in_a_row[item] = if right { in_a_row[item] + 1 } else { 0 };
        let retrieved = in_a_row.iter().filter(|&&row| row >= IN_A_ROW).count();
        best = best.max(retrieved);
        if needed > 0 && retrieved >= needed {
            first_at.get_or_insert(at);
            last_at = Some(at);
        }
    }
    Piece {
        kind: Type::Retrieval,
        name: "review".to_owned(),
        title: "Questions of its lessons, in reviews".to_owned(),
        state: match (first_at, answers.is_empty()) {
            (Some(_), _) => PieceState::Earned,
            (None, false) => PieceState::Tried,
            (None, true) => PieceState::Open,
        },
        first_at,
        last_at,
        right: Some((best as u32, items as u32)),
    }
}

#[cfg(test)]
mod tests;
