//! A lesson, scrolled to somewhere.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ AF_UNIX sockets › Bytes, not messages                              34 % read │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ A log line arrives in two halves, once a month, on the busiest machine only. │
//! │                                                                              │
//! │ » Predict                                                                    │
//! │ How many bytes does the first read return?                                   │
//! │     1  3: what the first write carried                                       │
//! │   ▸ 2  7: all that has arrived                                               │
//! │ Enter commits to it.                                                         │
//! │                                                                              │
//! │ — The lesson goes on after your answer. Press s to go on without one. —      │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ 1–2 choose  Enter answer  s skip  ? keys  q quit                             │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::form::Form;
use super::super::lesson::{LessonState, Piece, Second, Stand};
use super::super::model::Model;
use super::super::paint;
use super::task::answering;
use super::{centred, chrome, title_of};
use crate::render::theme::Theme;

/// Draws a lesson.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &LessonState,
    theme: Theme,
) {
    let module = model.curriculum.module(&state.lesson.module);
    let title = title_of(
        module.map_or("", |module| &module.title),
        &state.lesson.title,
    );
    let lines = &state.page.text.lines;
    let rows = usize::from(body.height);
    let last = (state.scroll.top + rows).min(lines.len());
    let right = match (state.first_open(), lines.len()) {
        (_, 0) => String::new(),
        (None, all) if last == all => "end".to_owned(),
        (open, all) => {
            let percent = state.seen / 10;
            match open {
                Some(_) if last == all => format!("{percent} % read, folded"),
                _ => format!("{percent} % read"),
            }
        }
    };
    let keys = keys(state);
    let typing = state.field.is_some() || state.asked_form().is_some_and(Form::is_typing);
    let place = match typing {
        true => Place::Typing,
        false => model.screen_place(),
    };
    chrome(buffer, area, (&title, &right), (place, &keys), theme);
    let page = centred(body, state.page.width);
    let shown = &lines[state.scroll.top.min(lines.len())..];
    paint::lines(buffer, page, shown, theme);
}

/// The keys that matter at this moment.
fn keys(state: &LessonState) -> Vec<(Action, &'static str)> {
    if state.asked_form().is_some_and(Form::is_typing) {
        return vec![(Action::Accept, "answer"), (Action::Leave, "")];
    }
    if state.field.is_some() {
        return vec![(Action::Accept, "state it"), (Action::Leave, "")];
    }
    let mut keys = Vec::new();
    if let Some(focus) = state.focus {
        let open = !matches!(state.stands[focus], Stand::Done(_));
        let options = state.options_asked() as u8;
        match &state.pieces[focus] {
            Piece::Run(_) if open => keys.push((Action::Commit, "run")),
            Piece::State(_) if open => keys.push((Action::Commit, "type")),
            Piece::Quiz(_) if open => {
                keys.extend(state.asked_form().into_iter().flat_map(answering))
            }
            Piece::Predict { .. } if open => {
                keys.push((Action::Choose(options), ""));
                let settled = matches!(state.choice.second, Second::Asked(_));
                if state.choice.option.is_some() || settled {
                    keys.push((Action::Commit, "commit"));
                }
            }
            Piece::Quiz(_) => keys.push((Action::Again, "answer again")),
            _ => {}
        }
    }
    if state.first_open().is_some() {
        keys.push((Action::Skip, ""));
    }
    keys.push((Action::PageDown, "page"));
    if state.shown_probes().next().is_some() {
        keys.push((Action::Refresh, "look again"));
    }
    if state.script_in_view(0).is_some() {
        keys.push((Action::Scripts, "call by call"));
    }
    if state.offers_variant() {
        keys.push((Action::Variant, ""));
    }
    if state.first_open().is_none() {
        keys.push((Action::Next, ""));
        if !state.lesson.exercises.is_empty() {
            keys.push((Action::Exercise, ""));
        }
    }
    keys.extend([(Action::Back, ""), (Action::Terms, "")]);
    keys
}
