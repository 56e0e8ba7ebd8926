//! Reviews: what is due is asked, what was missed comes once more, everything is kept.

use ipc_mastery::mastery::progress::{LessonProgress, Progress, Round};
use ipc_mastery::tui::effect::{Effect, Memory};
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::model::{Model, Screen, Size};
use ipc_mastery::tui::review::ReviewState;
use ipc_mastery::tui::update::update;

use super::drawing::{LARGE, SMALL, both_sizes, drawn, enter, letter, model};

/// A day and a half after the lessons were read: 2 and 3 questions are due.
fn reviewing(size: Size) -> Model {
    let mut model = model(size);
    let read = LessonProgress {
        first_read_at: Some(1),
        finished_at: Some(2),
        ..LessonProgress::default()
    };
    let mut progress = Progress::default();
    for lesson in ["bytes", "questions"] {
        progress.lessons.insert(lesson.to_owned(), read.clone());
    }
    update(&mut model, Event::Today(130_000));
    update(&mut model, Event::Remembered(Box::new(progress)));
    model
}

fn state(model: &Model) -> &ReviewState {
    match &model.screen {
        Screen::Review(state) => state,
        other => panic!("{other:?} is no review"),
    }
}

/// Answers the present question with whatever keys give an answer soonest.
fn answer(model: &mut Model) -> Vec<Effect> {
    for _ in 0..40 {
        let form = state(model).asked_form().expect("a question is asked");
        if form.is_typing() {
            update(model, Event::Paste("1".to_owned()));
        } else {
            letter(model, '1');
            letter(model, ' ');
        }
        let effects = enter(model);
        if state(model).asked_form().is_none() {
            return effects;
        }
    }
    panic!("it cannot be answered");
}

#[test]
fn the_path_tells_what_is_due_and_a_key_asks_it() {
    let mut model = reviewing(LARGE);
    assert!(drawn(&model).contains("5 due"));
    letter(&mut model, 'r');
    assert!(drawn(&model).contains("1 of 5"));
}

#[test]
fn a_question_of_a_review() {
    both_sizes!("review", |size| {
        let mut model = reviewing(size);
        letter(&mut model, 'r');
        model
    });
}

#[test]
fn a_question_of_a_review_after_its_answer() {
    both_sizes!("review_told", |size| {
        let mut model = reviewing(size);
        letter(&mut model, 'r');
        answer(&mut model);
        model
    });
}

#[test]
fn every_answer_is_kept_with_its_seed_and_what_was_missed_comes_once_more() {
    let mut model = reviewing(SMALL);
    letter(&mut model, 'r');
    let mut kept = Vec::new();
    while state(&model).current.is_some() {
        let effects = answer(&mut model);
        let [
            Effect::Remember(Memory::Review {
                item,
                kept: answer,
                right,
                round,
            }),
        ] = &effects[..]
        else {
            panic!("{effects:?}");
        };
        assert!(answer.seed.is_some());
        kept.push((item.clone(), *right, *round));
        enter(&mut model);
    }
    let due = kept.iter().filter(|(.., round)| *round == Round::Due);
    let missed: Vec<&String> = due
        .clone()
        .filter(|(_, right, _)| !right)
        .map(|(item, ..)| item)
        .collect();
    assert_eq!(due.count(), 5);
    let again = kept.iter().filter(|(.., round)| *round == Round::OnceMore);
    assert_eq!(again.map(|(item, ..)| item).collect::<Vec<_>>(), missed);
    assert!(!missed.is_empty());
    let shown = drawn(&model);
    assert!(shown.contains("right the first time."), "{shown}");
    enter(&mut model);
    assert!(matches!(model.screen, Screen::Path(_)));
}

#[test]
fn where_nothing_is_due_it_says_when_something_will_be() {
    both_sizes!("review_nothing", |size| {
        let mut model = model(size);
        update(&mut model, Event::Today(5));
        letter(&mut model, 'r');
        model
    });
}
