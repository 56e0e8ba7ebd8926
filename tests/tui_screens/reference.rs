//! The reference pages: what they show, how they are reached, how one goes back.

use std::path::PathBuf;
use std::sync::Arc;

use ipc_mastery::curriculum::pages::Pages;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::model::{Model, Screen, Size};
use ipc_mastery::tui::reference::ReferenceState;
use ipc_mastery::tui::reference::entries::Tab;
use ipc_mastery::tui::update::update;
use ratatui::crossterm::event::KeyCode;

use super::drawing::{LARGE, SMALL, both_sizes, drawn, enter, letter, model, press};
use super::lesson::{lesson, up_to_the_quiz};

/// A model with the pages of the pack.
fn with_pages(mut model: Model) -> Model {
    let pack = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tui-pack");
    let pages = Pages::load(&Source::Directory(pack), &model.curriculum);
    let pages = pages.expect("the pages have no mistakes");
    update(&mut model, Event::Pages(Ok(Arc::new(pages))));
    model
}

fn looking_up(size: Size) -> Model {
    let mut model = with_pages(model(size));
    letter(&mut model, 'i');
    model
}

fn state(model: &Model) -> &ReferenceState {
    match &model.screen {
        Screen::Reference(state) => state,
        other => panic!("{other:?} is no reference page"),
    }
}

#[test]
fn the_quick_reference() {
    both_sizes!("reference_calls", looking_up);
}

#[test]
fn the_glossary() {
    both_sizes!("reference_glossary", |size| {
        let mut model = looking_up(size);
        press(&mut model, KeyCode::Tab);
        press(&mut model, KeyCode::Down);
        model
    });
}

#[test]
fn the_misconceptions() {
    both_sizes!("reference_misconceptions", |size| {
        let mut model = looking_up(size);
        press(&mut model, KeyCode::BackTab);
        press(&mut model, KeyCode::BackTab);
        model
    });
}

#[test]
fn the_words_of_a_lesson() {
    both_sizes!("reference_words", |size| {
        let mut model = with_pages(up_to_the_quiz(size));
        letter(&mut model, 'w');
        model
    });
}

#[test]
fn a_word_of_a_lesson_leads_to_its_entry_to_its_lesson_and_back() {
    let mut model = with_pages(model(LARGE));
    lesson(&mut model, "bytes");
    letter(&mut model, 'w');
    assert!(drawn(&model).contains("▸ byte"), "{}", drawn(&model));
    enter(&mut model);
    let entry = state(&model);
    assert_eq!((entry.tab, entry.selected), (Tab::Glossary, 1));
    // It is the lesson that we came from.
    enter(&mut model);
    assert!(matches!(&model.screen, Screen::Lesson(state) if state.lesson.slug == "bytes"));
    assert_eq!(model.behind.len(), 1);
    letter(&mut model, 'i');
    press(&mut model, KeyCode::Tab);
    press(&mut model, KeyCode::End);
    enter(&mut model);
    assert!(matches!(&model.screen, Screen::Lesson(state) if state.lesson.slug == "what-is-it"));
    press(&mut model, KeyCode::Esc);
    assert!(matches!(model.screen, Screen::Reference(_)));
}

#[test]
fn the_search_finds_entries_of_all_pages_and_opens_them() {
    let mut model = with_pages(model(LARGE));
    letter(&mut model, '/');
    update(&mut model, Event::Paste("backlog".to_owned()));
    let shown = drawn(&model);
    assert!(
        shown.contains("glossary") && shown.contains("quick reference"),
        "{shown}"
    );
    enter(&mut model);
    assert_eq!(
        (state(&model).tab, state(&model).selected),
        (Tab::Glossary, 0)
    );
    // From one page to another.
    letter(&mut model, '/');
    update(&mut model, Event::Paste("boundaries often".to_owned()));
    enter(&mut model);
    assert_eq!(state(&model).tab, Tab::Misconceptions);
}

#[test]
fn where_there_are_no_pages_it_is_said() {
    let mut model = model(SMALL);
    letter(&mut model, 'i');
    assert!(drawn(&model).contains("they are being read; try again"));
    update(&mut model, Event::Pages(Err("no room".to_owned())));
    letter(&mut model, 'i');
    assert!(drawn(&model).contains("no reference pages: no room"));
    lesson(&mut model, "bytes");
    letter(&mut model, 'w');
    assert!(matches!(model.screen, Screen::Lesson(_)));
}

#[test]
fn every_size_from_one_cell_up_can_be_drawn() {
    let mut words = with_pages(up_to_the_quiz(SMALL));
    letter(&mut words, 'w');
    for mut model in [looking_up(SMALL), words] {
        for columns in 1..100 {
            for rows in [1, 2, 3, 5, 8, 9, 13, 24] {
                model.size = Size { columns, rows };
                update(&mut model, Event::Resize);
                drawn(&model);
            }
        }
    }
}
