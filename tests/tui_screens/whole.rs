//! What holds for every screen: sizes, colours, nothing to write to.

use ipc_mastery::render::theme::Palette;
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::model::Size;
use ipc_mastery::tui::update::update;
use ratatui::style::{Color, Modifier};

use super::drawing::{SMALL, cells, drawn, letter, model};
use super::lesson::{lesson, up_to_the_quiz};

#[test]
fn a_tiny_terminal_says_so_and_recovers() {
    let mut model = model(Size {
        columns: 20,
        rows: 5,
    });
    lesson(&mut model, "bytes");
    insta::assert_snapshot!(drawn(&model), @r"
    Too small: 30×8 is
    needed. Enlarge it,
    or q to quit.
    ");
    model.size = SMALL;
    update(&mut model, Event::Resize);
    assert!(drawn(&model).contains("Bytes, not messages"));
}

#[test]
fn every_size_from_one_cell_up_can_be_drawn() {
    let mut model = up_to_the_quiz(SMALL);
    for columns in 1..100 {
        for rows in [1, 2, 3, 5, 8, 9, 13, 24] {
            model.size = Size { columns, rows };
            update(&mut model, Event::Resize);
            drawn(&model);
        }
    }
}

#[test]
fn without_colour_no_cell_has_one_and_the_selection_is_still_seen() {
    let mut model = model(SMALL);
    for screen in 0..3 {
        match screen {
            1 => drop(lesson(&mut model, "bytes")),
            2 => drop(letter(&mut model, '?')),
            _ => {}
        }
        let buffer = cells(&model, Palette::Mono);
        for cell in &buffer.content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
        if screen == 0 {
            let reversed =
                |cell: &ratatui::buffer::Cell| cell.modifier.contains(Modifier::REVERSED);
            assert!(buffer.content.iter().any(reversed));
        }
    }
    let coloured = cells(&model, Palette::Dark);
    assert!(coloured.content.iter().any(|cell| cell.fg != Color::Reset));
}

#[test]
fn where_nothing_can_be_kept_the_screen_says_so_and_goes_on() {
    let mut model = model(SMALL);
    update(
        &mut model,
        Event::Forgetful("progress is not kept: no room".to_owned()),
    );
    assert!(drawn(&model).contains("progress is not kept: no room"));
    lesson(&mut model, "what-is-it");
    assert!(drawn(&model).contains("progress is not kept: no room"));
    assert!(drawn(&model).contains("What a Unix socket is"));
}
