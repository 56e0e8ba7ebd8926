//! A task, scrolled to what is to be read now.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ O8 › What connect does in the kernel, step by step                    1 of 1 │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ » Question 1 of 1                                                            │
//! │ Put the steps in the order of the source.                                    │
//! │ Your order: 1 of 2                                                           │
//! │     1  It looks the path up.                                                 │
//! │ Left over                                                                    │
//! │   ▸ ·  It asks the listening process.                                        │
//! │ Space takes one in or out, u and d move it, Enter answers.                   │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ Space in or out  u up  d down  Enter answer  Esc back  ? keys  q quit        │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::form::{Form, Kind};
use super::super::model::{Model, Size};
use super::super::paint;
use super::super::task::{Stage, TaskState};
use super::{centred, chrome, spinner, title_of};
use crate::render::theme::Theme;

/// Draws a task.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &TaskState,
    theme: Theme,
) {
    let module = match &state.outcomes[..] {
        [] => "Practice".to_owned(),
        ids => ids.join(", "),
    };
    let title = title_of(&module, &state.task.title);
    let of = state.attempt.as_ref().map_or(0, |attempt| attempt.of);
    let right = match &state.stage {
        _ if state.is_pending() => spinner(model.ticks).to_owned(),
        Stage::Asking | Stage::Told if of > 0 => format!("{} of {of}", state.forms.len()),
        _ => String::new(),
    };
    let keys = keys(state);
    let place = match state.asked() {
        Some(form) if form.is_typing() => Place::Typing,
        _ => model.screen_place(),
    };
    chrome(buffer, area, (&title, &right), (place, &keys), theme);
    let body = centred(body, model.size.page_columns().min(Size::PAGE));
    let lines = &state.page.text.lines;
    let top = state.scroll.top.min(lines.len());
    paint::lines(buffer, body, &lines[top..], theme);
}

fn keys(state: &TaskState) -> Vec<(Action, &'static str)> {
    let mut keys = match (&state.stage, state.asked()) {
        (_, Some(form)) if form.is_typing() => {
            return vec![(Action::Accept, "answer"), (Action::Leave, "")];
        }
        (_, Some(form)) => answering(form),
        (Stage::Ready | Stage::Unable(_), _) => {
            let mut keys = vec![(Action::Commit, "begin")];
            if !state.task.lessons.is_empty() {
                keys.push((Action::Lesson, ""));
            }
            keys
        }
        (Stage::Told, _) => vec![(Action::Commit, "go on")],
        (Stage::Waiting, _) => vec![(Action::Commit, "go on")],
        (Stage::Predicted, _) => vec![(Action::Commit, "show")],
        (Stage::Ended, _) => vec![(Action::Commit, "go back"), (Action::Again, "once more")],
        _ => Vec::new(),
    };
    if state.setup().is_some_and(|setup| setup.directory.is_some()) {
        keys.push((Action::Shell, ""));
    }
    keys.push((Action::PageDown, "page"));
    keys.push((Action::Back, ""));
    keys
}

/// The keys that answer a question.
pub(super) fn answering(form: &Form) -> Vec<(Action, &'static str)> {
    let choose = Action::Choose(form.choices().min(9) as u8);
    match form.kind {
        Kind::Choice => vec![(choose, ""), (Action::Commit, "commit")],
        Kind::Order(_) => vec![
            (Action::Pick, ""),
            (Action::Earlier, ""),
            (Action::Later, ""),
            (Action::Commit, "answer"),
        ],
        Kind::Match => vec![
            (Action::Up, "line"),
            (choose, "purpose"),
            (Action::Commit, "answer"),
        ],
        Kind::Text(_) => vec![(Action::Commit, "type")],
    }
}
