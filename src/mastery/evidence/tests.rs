//! Ledgers of an outcome with a task, an exercise and a retrieval.

use super::*;
use crate::curriculum::lesson::Lesson;
use crate::curriculum::module::Module;
use crate::curriculum::question::Question;
use crate::curriculum::reader::Located;
use crate::curriculum::task::{Kind, Task};
use crate::mastery::progress::{ExerciseProgress, Kept, LessonProgress, ProofProgress};

const HOUR: i64 = 3600;

fn named(value: &str) -> Located<String> {
    Located {
        value: value.to_owned(),
        ..Located::default()
    }
}

/// A lesson with five questions, an order and a trace.
fn curriculum() -> Curriculum {
    let item = |number| Question {
        id: named(&format!("i{number}")),
        ..Question::default()
    };
    let lesson = Lesson {
        slug: "lesson".to_owned(),
        quiz: (0..5).map(item).collect(),
        ..Lesson::default()
    };
    let task = |slug: &str, kind| Task {
        slug: slug.to_owned(),
        kind,
        ..Task::default()
    };
    Curriculum {
        modules: vec![Module {
            lessons: vec![lesson],
            ..Module::default()
        }],
        tasks: vec![
            task("order", Kind::Order),
            task("order-too", Kind::Order),
            task("trace", Kind::Trace),
        ],
        ..Curriculum::default()
    }
}

fn outcome(evidence: Vec<Evidence>) -> Outcome {
    Outcome {
        lessons: vec![named("lesson")],
        evidence,
        ..Outcome::default()
    }
}

fn tasks() -> Vec<Evidence> {
    let all = ["order", "order-too", "trace"];
    all.map(|slug| Evidence::Task(named(slug))).to_vec()
}

fn read_at(at: i64) -> Progress {
    let mut progress = Progress::default();
    let read = LessonProgress {
        first_read_at: Some(at),
        ..LessonProgress::default()
    };
    progress.lessons.insert("lesson".to_owned(), read);
    progress
}

fn try_task(progress: &mut Progress, task: &str, at: i64, passed: bool, counts: bool) {
    let proof = ProofProgress {
        at,
        counts,
        right: u32::from(passed),
        of: 1,
        passed,
    };
    progress
        .proofs
        .entry(task.to_owned())
        .or_default()
        .push(proof);
}

fn held(progress: &Progress, evidence: Vec<Evidence>) -> bool {
    ledger(&curriculum(), &outcome(evidence), progress).held
}

#[test]
fn two_types_hold_an_outcome_when_one_came_twenty_hours_after_the_first_meeting() {
    let mut progress = read_at(0);
    try_task(&mut progress, "order", HOUR, true, true);
    assert!(!held(&progress, tasks()));
    try_task(&mut progress, "trace", 20 * HOUR - 1, true, true);
    let early = ledger(&curriculum(), &outcome(tasks()), &progress);
    assert!(!early.held);
    assert_eq!(early.waits_until, Some(20 * HOUR));
    assert!(early.missing().is_some());
    try_task(&mut progress, "order", 20 * HOUR, true, true);
    let late = ledger(&curriculum(), &outcome(tasks()), &progress);
    assert!(late.held && late.waits_until.is_none() && late.missing().is_none());
    assert_eq!(late.earned(), 2);
}

#[test]
fn two_pieces_of_one_type_are_not_independent() {
    let mut progress = read_at(0);
    try_task(&mut progress, "order", 30 * HOUR, true, true);
    try_task(&mut progress, "order-too", 40 * HOUR, true, true);
    let ledger = ledger(&curriculum(), &outcome(tasks()), &progress);
    assert!(!ledger.held);
    assert_eq!(
        ledger.missing().map(|piece| piece.name.as_str()),
        Some("trace")
    );
}

#[test]
fn practice_and_failed_tries_are_no_evidence() {
    let mut progress = read_at(0);
    try_task(&mut progress, "order", 30 * HOUR, true, true);
    try_task(&mut progress, "trace", 30 * HOUR, true, false);
    try_task(&mut progress, "trace", 60 * HOUR, false, true);
    let ledger = ledger(&curriculum(), &outcome(tasks()), &progress);
    assert!(!ledger.held);
    assert_eq!(ledger.pieces[2].state, PieceState::Tried);
}

#[test]
fn somebody_who_never_read_the_lesson_meets_it_with_the_first_try() {
    let mut progress = Progress::default();
    try_task(&mut progress, "order", 0, true, true);
    try_task(&mut progress, "trace", HOUR, true, true);
    assert!(!held(&progress, tasks()));
    try_task(&mut progress, "trace", 21 * HOUR, true, true);
    assert!(held(&progress, tasks()));
}

#[test]
fn what_was_earned_is_not_taken_away_by_a_later_failure() {
    let mut progress = read_at(0);
    try_task(&mut progress, "order", HOUR, true, true);
    try_task(&mut progress, "trace", 30 * HOUR, true, true);
    try_task(&mut progress, "trace", 60 * HOUR, false, true);
    try_task(&mut progress, "order", 60 * HOUR, false, true);
    assert!(held(&progress, tasks()));
}

#[test]
fn a_pass_with_a_show_hint_counts_for_no_outcome() {
    let evidence = || {
        vec![
            Evidence::Task(named("order")),
            Evidence::Exercise(named("x")),
        ]
    };
    let mut progress = read_at(0);
    try_task(&mut progress, "order", 30 * HOUR, true, true);
    let mut passed = ExerciseProgress {
        passed_at: Some(30 * HOUR),
        ..ExerciseProgress::default()
    };
    progress.exercises.insert("x".to_owned(), passed.clone());
    let ledger = ledger(&curriculum(), &outcome(evidence()), &progress);
    assert_eq!(ledger.pieces[1].state, PieceState::Assisted);
    assert!(!ledger.held);
    passed.passed_unassisted_at = Some(50 * HOUR);
    progress.exercises.insert("x".to_owned(), passed);
    assert!(held(&progress, evidence()));
}

fn answer(progress: &mut Progress, item: usize, at: i64, right: bool) {
    let review = ReviewProgress {
        at,
        round: Round::Due,
        kept: Kept::default(),
        right,
    };
    progress
        .reviews
        .entry(format!("i{item}"))
        .or_default()
        .push(review);
}

fn retrieved(progress: &Progress) -> Piece {
    let evidence = vec![Evidence::Retrieval(vec![named("lesson")])];
    ledger(&curriculum(), &outcome(evidence), progress).pieces[0].clone()
}

#[test]
fn a_retrieval_is_four_of_five_questions_right_twice_in_a_row_at_one_time() {
    let mut progress = read_at(0);
    for item in 0..4 {
        answer(&mut progress, item, 24 * HOUR, true);
    }
    assert_eq!(retrieved(&progress).state, PieceState::Tried);
    for item in 0..3 {
        answer(&mut progress, item, 72 * HOUR, true);
    }
    // The first is forgotten before the fourth is known: never four at one time.
    answer(&mut progress, 0, 90 * HOUR, false);
    answer(&mut progress, 3, 96 * HOUR, true);
    assert_eq!(retrieved(&progress).state, PieceState::Tried);
    assert_eq!(retrieved(&progress).right, Some((3, 5)));
    answer(&mut progress, 0, 120 * HOUR, true);
    answer(&mut progress, 0, 150 * HOUR, true);
    assert_eq!(retrieved(&progress).first_at, Some(150 * HOUR));
    answer(&mut progress, 1, 200 * HOUR, false);
    assert_eq!(retrieved(&progress).state, PieceState::Earned);
}

#[test]
fn answers_on_the_day_of_the_lesson_are_no_retrieval() {
    let mut progress = read_at(0);
    for item in 0..5 {
        answer(&mut progress, item, 10 * HOUR, true);
        answer(&mut progress, item, 19 * HOUR, true);
    }
    assert_eq!(retrieved(&progress).state, PieceState::Open);
}
