//! The keys: their table, help, the search, fields.

use ipc_mastery::tui::bindings;
use ipc_mastery::tui::effect::Effect;
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::update::update;
use ratatui::crossterm::event::KeyCode;

use super::drawing::{SMALL, both_sizes, drawn, letter, model, press};
use super::lesson::lesson;

#[test]
fn the_keys() {
    both_sizes!("keys", |size| {
        let mut model = model(size);
        lesson(&mut model, "bytes");
        letter(&mut model, '?');
        model
    });
}

#[test]
fn a_search() {
    both_sizes!("search", |size| {
        let mut model = model(size);
        letter(&mut model, '/');
        update(&mut model, Event::Paste("Socket".to_owned()));
        model
    });
}

#[test]
fn the_documented_key_table() {
    insta::assert_snapshot!("key_table", bindings::table());
}

#[test]
fn letters_are_typed_into_a_field_and_do_not_act() {
    let mut model = model(SMALL);
    letter(&mut model, '/');
    for key in ['q', 'p', '?'] {
        assert!(letter(&mut model, key).is_empty());
    }
    assert!(drawn(&model).contains("> qp?"));
    press(&mut model, KeyCode::Esc);
    assert!(letter(&mut model, 'q').contains(&Effect::Quit));
}

#[test]
fn every_key_is_explained_within_eighty_columns() {
    for binding in bindings::BINDINGS {
        let sentence = binding.action.sentence();
        assert!(sentence.len() <= 56, "{sentence}");
    }
}
