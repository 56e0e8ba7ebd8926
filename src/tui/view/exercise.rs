//! An exercise: where the program is, how its stages stand, and one of three tabs.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ AF_UNIX sockets › Exercise 3: Echo server                             passed │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ ✓ ✓ ✗ - - - ·   C in /home/ada/echo-server   watching                        │
//! │ Task   Stages and hints   [Result]                                           │
//! │                                                                              │
//! │ ✗ failed        Echoes every byte value                                      │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ Tab tab  c check  w watch  e edit  h hint  ? keys  q quit                    │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::exercise::{ExerciseState, Program, Tab, Watching};
use super::super::model::Model;
use super::super::sheet;
use super::super::words::{cut, tail};
use super::super::{paint, path};
use super::{centred, chrome, spinner, title_of};
use crate::curriculum::exercise::Exercise;
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;
use crate::untrusted::Untrusted;

/// Draws the page of an exercise.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &ExerciseState,
    theme: Theme,
) {
    let Some(exercise) = model.curriculum.exercise(&state.slug) else {
        return;
    };
    let known = model.progress.exercises.get(&state.slug);
    let module = model.curriculum.module(&exercise.module.value);
    let node = path::Node::Exercise(state.slug.clone());
    let title = title_of(
        module.map_or("", |module| &module.title),
        &path::title(&node, &model.curriculum),
    );
    let right = match known {
        Some(known) if known.is_assisted() => "passed, assisted",
        Some(known) if known.passed_at.is_some() => "passed",
        Some(known) if known.attempts > 0 => "not passed yet",
        _ => "",
    };
    let program = model.program(&state.slug);
    let started = program.is_some();
    let keys = keys(state, exercise, started);
    chrome(
        buffer,
        area,
        (&title, right),
        (Place::Exercise, &keys),
        theme,
    );
    let body = centred(body, model.size.page_columns());
    let width = usize::from(body.width);
    let summary = summary(model, state, exercise, program.as_ref(), width);
    paint::line(buffer, body, 0, &cut(summary, width), theme);
    paint::line(buffer, body, 1, &tabs(state), theme);
    let below = Rect {
        y: body.y + 3,
        height: body.height.saturating_sub(3),
        ..body
    };
    let top = state.scrolls[state.tab.index()]
        .top
        .min(state.text.lines.len());
    paint::lines(buffer, below, &state.text.lines[top..], theme);
}

fn keys(state: &ExerciseState, exercise: &Exercise, started: bool) -> Vec<(Action, &'static str)> {
    let mut keys = vec![(Action::NextTab, "")];
    if state.live.is_some() {
        keys.push((Action::Stop, ""));
    }
    if started {
        let watch = match state.watching {
            Watching::No => "watch",
            Watching::Yes => "end watching",
        };
        keys.extend([
            (Action::Check, ""),
            (Action::Edit, ""),
            (Action::Watch, watch),
        ]);
    } else {
        let most = exercise.languages.len() as u8;
        keys.push((Action::Start(most), ""));
    }
    keys.push((Action::Hint, ""));
    if !exercise.lessons.is_empty() {
        keys.push((Action::Lesson, ""));
    }
    keys.push((Action::Back, ""));
    keys
}

/// One sign a stage, the language and the place of the program, and what is being done, in `width`
/// columns.
fn summary(
    model: &Model,
    state: &ExerciseState,
    exercise: &Exercise,
    program: Option<&Program>,
    width: usize,
) -> Line {
    let doing = match (&state.live, state.watching) {
        (Some(live), _) if live.building => Line::of(Role::Warning, "   building"),
        (Some(_), _) => Line::of(Role::Warning, "   judging"),
        (None, Watching::Yes) => Line::of(Role::Note, "   watching"),
        (None, Watching::No) => Line::empty(),
    };
    let known = model.progress.exercises.get(&state.slug);
    let mut line = Line::empty();
    for stage in &exercise.stages {
        let id = stage.id.value.as_str();
        let live = state.live.as_ref();
        let running = live.and_then(|live| live.stage.as_deref()) == Some(id);
        let earlier = known.is_some_and(|known| known.stages_passed.contains_key(id));
        let (sign, role) = match state.verdict(id) {
            _ if running => (spinner(model.ticks), Role::Warning),
            Some(verdict) => {
                let (sign, role, _) = sheet::sign(verdict);
                (sign, role)
            }
            None if earlier && live.is_none() => ("✓", Role::Good),
            None => ("·", Role::Dim),
        };
        line.push(role, format!("{sign} "));
    }
    line.push(Role::Plain, "  ");
    match program {
        Some(program) => {
            let language = model.curriculum.language(&program.language);
            let name = language.map_or(program.language.as_str(), |language| &language.name);
            line.push(Role::Plain, format!("{name} in "));
            let directory = Untrusted::from(program.directory.as_path());
            // A long path gives way to what is being done.
            let room = width.saturating_sub(line.width() + doing.width());
            line.push(Role::Value, tail(&directory.to_string(), room));
        }
        None => {
            line.push(Role::Dim, "not started");
        }
    }
    for span in doing.spans {
        line.push(span.role, span.text);
    }
    line
}

fn tabs(state: &ExerciseState) -> Line {
    let mut line = Line::empty();
    for tab in Tab::ALL {
        if tab == state.tab {
            line.push(Role::Key, "[");
            line.push(Role::Strong, tab.title());
            line.push(Role::Key, "] ");
        } else {
            line.push(Role::Dim, format!(" {}  ", tab.title()));
        }
    }
    line
}
