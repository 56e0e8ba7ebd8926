//! What all screens need to be tested: a model, keys, progress, and the screen as characters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::mastery::progress::{
    ExerciseProgress, HintLevel, LessonProgress, Progress, Started,
};
use ipc_mastery::render::theme::{Palette, Theme};
use ipc_mastery::tui::effect::Effect;
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::model::{Model, Size};
use ipc_mastery::tui::update::update;
use ipc_mastery::tui::view;
use ipc_mastery::untrusted::Untrusted;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub(super) const SMALL: Size = Size {
    columns: 80,
    rows: 24,
};

pub(super) const LARGE: Size = Size {
    columns: 120,
    rows: 40,
};

/// The sizes that every screen is reviewed at.
pub(super) const SIZES: [(Size, &str); 2] = [(SMALL, "80x24"), (LARGE, "120x40")];

pub(super) fn curriculum() -> Arc<Curriculum> {
    let pack = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tui-pack");
    Arc::new(Curriculum::load(&Source::Directory(pack)).expect("the pack has no mistakes"))
}

pub(super) fn model(size: Size) -> Model {
    Model::new(curriculum(), size)
}

pub(super) fn cells(model: &Model, palette: Palette) -> Buffer {
    let backend = TestBackend::new(model.size.columns, model.size.rows);
    let mut terminal = Terminal::new(backend).unwrap();
    terminal
        .draw(|frame| view::draw(frame, model, Theme::new(palette)))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// The characters on the screen, each row without what is empty at its end.
pub(super) fn drawn(model: &Model) -> String {
    let buffer = cells(model, Palette::Mono);
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    let rows = rows.map(|row| {
        let text: String = row.iter().map(|cell| cell.symbol()).collect();
        text.trim_end().to_owned() + "\n"
    });
    rows.collect()
}

pub(super) fn press(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    update(model, Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

pub(super) fn letter(model: &mut Model, letter: char) -> Vec<Effect> {
    press(model, KeyCode::Char(letter))
}

pub(super) fn enter(model: &mut Model) -> Vec<Effect> {
    press(model, KeyCode::Enter)
}

pub(super) fn known() -> Progress {
    let read = LessonProgress {
        first_read_at: Some(1),
        last_read_at: Some(2),
        furthest_block: 1,
        finished_at: Some(2),
        ..LessonProgress::default()
    };
    let begun = LessonProgress {
        finished_at: None,
        ..read.clone()
    };
    Progress {
        lessons: BTreeMap::from([
            ("why-talk".to_owned(), read),
            ("what-is-it".to_owned(), begun),
        ]),
        ..Progress::default()
    }
}

pub(super) fn started() -> Progress {
    let exercise = ExerciseProgress {
        attempts: 1,
        hints: BTreeMap::from([("hello".to_owned(), HintLevel::Look)]),
        started: Some(Started {
            at: 3,
            exercise: "echo-server".to_owned(),
            directory: Untrusted::new("/home/ada/echo-server"),
            language: "python".to_owned(),
        }),
        ..ExerciseProgress::default()
    };
    Progress {
        exercises: BTreeMap::from([("echo-server".to_owned(), exercise)]),
        ..known()
    }
}

/// Draws at both sizes, and compares with what was reviewed.
macro_rules! both_sizes {
    ($name:literal, $build:expr) => {
        for (size, suffix) in $crate::drawing::SIZES {
            let model: ipc_mastery::tui::model::Model = $build(size);
            let drawn = $crate::drawing::drawn(&model);
            insta::assert_snapshot!(format!("{}_{suffix}", $name), drawn);
        }
    };
}

pub(super) use both_sizes;
