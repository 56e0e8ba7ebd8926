//! The path.

use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::update::update;

use super::drawing::{both_sizes, known, model};

#[test]
fn the_path() {
    both_sizes!("path", |size| {
        let mut model = model(size);
        update(&mut model, Event::Remembered(Box::new(known())));
        model
    });
}
