//! The deck on a curriculum of its own: two modules, three finished lessons, sixty questions.

use std::collections::BTreeSet;

use super::*;
use crate::curriculum::lesson::{ExperimentPlan, Part, Prediction, PredictionOption};
use crate::curriculum::module::Module;
use crate::curriculum::question::{Answer, Form, Purpose, Trap, Truth, Word, WrongWord};
use crate::curriculum::reader::Located;
use crate::mastery::progress::{Kept, PredictionProgress};

/// Seconds of a day, and a day to begin with.
const DAY: i64 = 86_400;
const MONDAY: Day = 20_000;

fn named(value: &str) -> Located<String> {
    Located {
        value: value.to_owned(),
        ..Located::default()
    }
}

fn item(id: &str, misconception: &str) -> Question {
    let choice = |ok| Answer {
        truth: Truth::Fixed(ok),
        misconception: (!ok).then(|| named(misconception)),
        ..Answer::default()
    };
    Question {
        id: named(id),
        form: Form::Choice {
            options: vec![choice(true), choice(false)],
            reasons: Vec::new(),
        },
        ..Question::default()
    }
}

fn lesson(module: &str, slug: &str, questions: usize) -> Lesson {
    Lesson {
        slug: slug.to_owned(),
        module: module.to_owned(),
        quiz: (0..questions)
            .map(|number| item(&format!("{slug}-{number}"), &format!("M{number}")))
            .collect(),
        ..Lesson::default()
    }
}

fn curriculum(questions: usize) -> Curriculum {
    let module = |slug: &str, lessons: &[&str]| Module {
        slug: slug.to_owned(),
        lessons: lessons
            .iter()
            .map(|lesson| self::lesson(slug, lesson, questions))
            .collect(),
        ..Module::default()
    };
    Curriculum {
        modules: vec![module("one", &["a", "b"]), module("two", &["c"])],
        ..Curriculum::default()
    }
}

/// Finishes lessons at noon of a day.
fn finished(lessons: &[&str], day: Day) -> Progress {
    let mut progress = Progress::default();
    for lesson in lessons {
        let known = progress.lessons.entry((*lesson).to_owned()).or_default();
        known.finished_at = Some(day * DAY + DAY / 2);
    }
    progress
}

fn answer(progress: &mut Progress, item: &str, day: Day, right: bool, round: Round) {
    let review = ReviewProgress {
        at: day * DAY + DAY / 2,
        round,
        kept: Kept::chosen(usize::from(!right), None),
        right,
    };
    progress
        .reviews
        .entry(item.to_owned())
        .or_default()
        .push(review);
}

fn deck<'a>(curriculum: &'a Curriculum, progress: &Progress, day: Day) -> Deck<'a> {
    Deck::new(curriculum, progress, day * DAY + 60, |at| {
        at.div_euclid(DAY)
    })
}

fn due(curriculum: &Curriculum, progress: &Progress, day: Day) -> Vec<String> {
    let deck = deck(curriculum, progress, day);
    let due = deck.due();
    due.iter().map(|card| card.item.id.value.clone()).collect()
}

#[test]
fn questions_of_a_finished_lesson_come_the_next_day_and_no_others() {
    let curriculum = curriculum(2);
    let mut progress = finished(&["a"], MONDAY);
    progress
        .lessons
        .entry("b".to_owned())
        .or_default()
        .first_read_at = Some(MONDAY * DAY);
    assert!(due(&curriculum, &progress, MONDAY).is_empty());
    let tuesday: BTreeSet<String> = due(&curriculum, &progress, MONDAY + 1)
        .into_iter()
        .collect();
    assert_eq!(
        tuesday,
        BTreeSet::from(["a-0".to_owned(), "a-1".to_owned()])
    );
    assert_eq!(due(&curriculum, &progress, MONDAY + 9).len(), 2);
}

#[test]
fn right_answers_follow_the_intervals_of_fsrs() {
    let curriculum = curriculum(1);
    let mut progress = finished(&["a"], MONDAY);
    let mut day = MONDAY + 1;
    for interval in [2, 11, 46, 163] {
        assert_eq!(due(&curriculum, &progress, day), ["a-0"], "{day}");
        assert!(due(&curriculum, &progress, day - 1).is_empty(), "{day}");
        let before = deck(&curriculum, &progress, day);
        let told = before.cards[0].due_after(Grade::Good, day);
        answer(&mut progress, "a-0", day, true, Round::Due);
        assert!(due(&curriculum, &progress, day).is_empty(), "{day}");
        day += interval;
        assert_eq!(told, day, "what was told is what holds");
    }
}

#[test]
fn what_was_missed_comes_back_the_next_day_however_the_second_try_went() {
    let curriculum = curriculum(1);
    for second in [true, false] {
        let mut progress = finished(&["a"], MONDAY);
        let mut day = MONDAY + 1;
        for interval in [2, 11, 46] {
            answer(&mut progress, "a-0", day, true, Round::Due);
            day += interval;
        }
        // FSRS alone would wait three days.
        answer(&mut progress, "a-0", day, false, Round::Due);
        let after = |progress: &Progress| deck(&curriculum, progress, day).cards[0].clone();
        assert_eq!(after(&progress).memory.unwrap().interval(), 3);
        assert_eq!(after(&progress).due, day + 1);
        answer(&mut progress, "a-0", day, second, Round::OnceMore);
        let card = after(&progress);
        assert_eq!((card.due, card.times, card.misses), (day + 1, 4, 1));
        assert!(due(&curriculum, &progress, day).is_empty());
        assert_eq!(due(&curriculum, &progress, day + 1), ["a-0"]);
    }
}

#[test]
fn a_day_takes_twenty_questions_and_the_rest_waits() {
    let curriculum = curriculum(20);
    let mut progress = finished(&["a", "b", "c"], MONDAY);
    let mut seen = BTreeSet::new();
    for day in MONDAY + 1..MONDAY + 4 {
        let today = due(&curriculum, &progress, day);
        assert_eq!(today.len(), A_DAY);
        for (place, id) in today.iter().enumerate() {
            assert!(seen.insert(id.clone()), "{id} comes early again");
            // What comes once more at the end of a session is no twenty-first question.
            answer(&mut progress, id, day, true, Round::Due);
            answer(&mut progress, id, day, true, Round::OnceMore);
            let left = deck(&curriculum, &progress, day);
            assert_eq!(left.due().len(), A_DAY - place - 1);
        }
        let left = deck(&curriculum, &progress, day);
        assert_eq!((left.asked, left.due().len()), (A_DAY, 0));
    }
    assert_eq!(seen.len(), 60);
}

#[test]
fn what_waited_longest_goes_first_when_there_is_too_much() {
    let curriculum = curriculum(20);
    let mut progress = finished(&["a", "b"], MONDAY + 3);
    progress.lessons.extend(finished(&["c"], MONDAY).lessons);
    let today = due(&curriculum, &progress, MONDAY + 5);
    assert!(today.iter().all(|id| id.starts_with("c-")), "{today:?}");
    assert_eq!(deck(&curriculum, &progress, MONDAY + 5).waiting(), 40);
}

#[test]
fn modules_take_turns_in_an_order_that_a_day_fixes() {
    let curriculum = curriculum(5);
    let progress = finished(&["a", "c"], MONDAY);
    let first = due(&curriculum, &progress, MONDAY + 1);
    assert_eq!(first, due(&curriculum, &progress, MONDAY + 1));
    let module = |id: &String| id.starts_with("c-");
    assert!(
        first
            .windows(2)
            .all(|two| module(&two[0]) != module(&two[1])),
        "{first:?}"
    );
    let others: BTreeSet<Vec<String>> = (2..12)
        .map(|days| due(&curriculum, &progress, MONDAY + days))
        .collect();
    assert!(others.len() > 5, "another day, another order");
}

#[test]
fn one_large_module_is_spread_as_far_as_the_others_reach() {
    let mut curriculum = curriculum(3);
    curriculum.modules[0].lessons[0] = lesson("one", "a", 6);
    let progress = finished(&["a", "c"], MONDAY);
    let order = due(&curriculum, &progress, MONDAY + 1);
    let shape: String = order.iter().map(|id| &id[..1]).collect();
    assert_eq!(shape, "acacacaaa");
}

#[test]
fn the_next_date_counts_what_waits_and_what_becomes_due() {
    let curriculum = curriculum(20);
    let mut progress = finished(&["a", "b"], MONDAY);
    let upcoming = |progress: &Progress, day| deck(&curriculum, progress, day).upcoming();
    let next = |day, questions| Some(Upcoming { day, questions });
    assert_eq!(upcoming(&Progress::default(), MONDAY), None);
    assert_eq!(upcoming(&progress, MONDAY), next(MONDAY + 1, 20));
    assert_eq!(upcoming(&progress, MONDAY + 1), next(MONDAY + 2, 20));
    let mut day = MONDAY + 1;
    while let today = due(&curriculum, &progress, day)
        && !today.is_empty()
        && day < MONDAY + 3
    {
        for id in today {
            answer(&mut progress, &id, day, true, Round::Due);
        }
        day += 1;
    }
    // The first twenty were right on Tuesday, and come back on Thursday.
    assert_eq!(upcoming(&progress, MONDAY + 2), next(MONDAY + 3, 20));
}

#[test]
fn a_belief_held_for_sure_and_refuted_comes_back_after_one_and_six_days_too() {
    let mut curriculum = curriculum(2);
    let prediction = Prediction {
        id: "guess".to_owned(),
        options: vec![
            PredictionOption::default(),
            PredictionOption {
                misconception: Some(named("M0")),
                ..PredictionOption::default()
            },
        ],
        ..Prediction::default()
    };
    curriculum.modules[0].lessons[0].experiment = Some(ExperimentPlan {
        parts: vec![Part {
            predictions: vec![prediction],
            ..Part::default()
        }],
        ..ExperimentPlan::default()
    });
    let reviewed = |confidence, agreed| {
        let mut progress = finished(&["a"], MONDAY);
        let lesson = progress.lessons.get_mut("a").unwrap();
        let made = PredictionProgress {
            at: MONDAY * DAY,
            option: 1,
            agreed,
            confidence,
        };
        lesson.predictions.insert("guess".to_owned(), made);
        for item in ["a-0", "a-1"] {
            answer(&mut progress, item, MONDAY + 1, true, Round::Due);
            answer(&mut progress, item, MONDAY + 3, true, Round::Due);
        }
        let deck = deck(&curriculum, &progress, MONDAY + 3);
        [deck.cards[0].due, deck.cards[1].due]
    };
    let by_fsrs = MONDAY + 3 + 11;
    // Only the question whose wrong answer comes from the same belief.
    assert_eq!(reviewed(Some(95), Some(false)), [MONDAY + 6, by_fsrs]);
    for other in [
        (Some(66), Some(false)),
        (Some(95), Some(true)),
        (Some(95), None),
        (None, Some(false)),
    ] {
        assert_eq!(reviewed(other.0, other.1), [by_fsrs; 2], "{other:?}");
    }
}

#[test]
fn a_clock_that_was_set_back_breaks_nothing() {
    let curriculum = curriculum(1);
    let mut progress = finished(&["a"], MONDAY);
    answer(&mut progress, "a-0", MONDAY + 9, true, Round::Due);
    answer(&mut progress, "a-0", MONDAY + 2, true, Round::Due);
    let card = &deck(&curriculum, &progress, MONDAY + 2).cards[0];
    assert!(card.due > MONDAY + 2);
    assert!(card.memory.unwrap().stability.is_finite());
}

#[test]
fn what_is_drawn_differs_from_the_last_time_and_the_second_try_asks_for_other_values() {
    let curriculum = Curriculum::load(&crate::curriculum::source::Source::Embedded).unwrap();
    let mut progress = Progress::default();
    for lesson in curriculum.lessons() {
        progress
            .lessons
            .extend(finished(&[&lesson.slug], MONDAY).lessons);
    }
    let mut seen = 0;
    for day in (MONDAY + 1..).step_by(40).take(5) {
        let deck = deck(&curriculum, &progress, day);
        let drawn = deck.cards.iter().filter(|card| !card.item.draws.is_empty());
        let mut given = Vec::new();
        for card in drawn {
            seen += 1;
            let before = Asked::alone(card.item, card.drawn);
            let (due, seed) = card.asked(Round::Due);
            let (again, other) = card.asked(Round::OnceMore);
            assert_ne!(due.names, before.names, "{}", card.item.id.value);
            assert_ne!(again.names, due.names, "{}", card.item.id.value);
            assert_ne!(Some(seed), card.drawn);
            for (asked, seed, round) in [(due, seed, Round::Due), (again, other, Round::OnceMore)] {
                let kept = asked.kept(
                    &asked.solution(&serde_json::Value::Null).unwrap(),
                    Some(seed),
                );
                given.push((card.item.id.value.clone(), kept, round));
            }
        }
        for (item, kept, round) in given {
            let review = ReviewProgress {
                at: day * DAY + DAY / 2,
                round,
                kept,
                right: true,
            };
            progress.reviews.entry(item).or_default().push(review);
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn a_confident_error_brings_back_questions_of_every_kind_that_name_the_belief() {
    let order = Form::Order {
        steps: Vec::new(),
        traps: vec![Trap {
            misconception: Some(named("M0")),
            ..Trap::default()
        }],
    };
    let matched = Form::Match {
        lines: Vec::new(),
        purposes: vec![Purpose {
            misconception: Some(named("M0")),
            ..Purpose::default()
        }],
        ask: 0,
    };
    let typed = Form::Text(Word {
        wrong: vec![WrongWord {
            misconception: Some(named("M0")),
            ..WrongWord::default()
        }],
        ..Word::default()
    });
    for form in [order, matched, typed] {
        let item = Question {
            form,
            ..Question::default()
        };
        assert!(is_about(&item, "M0") && !is_about(&item, "M1"));
    }
}
