//! The path.

use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::model::Screen;
use ipc_mastery::tui::path::Node;
use ipc_mastery::tui::update::{open, update};
use ratatui::crossterm::event::KeyCode;

use super::drawing::{LARGE, SMALL, both_sizes, drawn, enter, known, letter, model, press};

#[test]
fn the_path() {
    both_sizes!("path", |size| {
        let mut model = model(size);
        update(&mut model, Event::Remembered(Box::new(known())));
        model
    });
}

#[test]
fn an_outcome_with_its_pieces() {
    both_sizes!("path_outcome", |size| {
        let mut model = model(size);
        update(&mut model, Event::Remembered(Box::new(known())));
        open(&mut model, &Node::Outcome("O2".to_owned()));
        press(&mut model, KeyCode::Down);
        press(&mut model, KeyCode::Down);
        model
    });
}

#[test]
fn a_piece_of_evidence_opens_what_it_is_earned_with() {
    let opened = |place| {
        let mut model = model(SMALL);
        open(&mut model, &Node::Outcome("O2".to_owned()));
        for _ in 0..place {
            press(&mut model, KeyCode::Down);
        }
        enter(&mut model);
        model
    };
    assert!(matches!(opened(1).screen, Screen::Task(_)));
    assert!(matches!(opened(2).screen, Screen::Exercise(_)));
}

#[test]
fn the_next_task_is_offered_once_its_lessons_are_read() {
    let mut model = model(LARGE);
    assert!(letter(&mut model, 't').is_empty());
    assert!(drawn(&model).contains("read the lessons of an outcome first"));
    let mut progress = known();
    let read = progress.lessons["why-talk"].clone();
    progress.lessons.insert("what-is-it".to_owned(), read);
    update(&mut model, Event::Remembered(Box::new(progress)));
    letter(&mut model, 't');
    assert!(drawn(&model).contains("What a connection needs, step by step"));
}
