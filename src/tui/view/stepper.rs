//! A script of the model at one moment: what happens above, the state of the kernel below it, or
//! beside it where there is room.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ Model › A pair of sockets that a parent and its child share    call 3 of 12  │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ A  send(3, "hello", 5, 0) …                                                  │
//! │    2 buffer 1, of 5 bytes, goes to the end of the queue of socket 1          │
//! │                                                                              │
//! │   ┌─ A ──┐    ┌─ open file descriptions ────────────────────┐    ┌─ B ──┐    │
//! │   │ fd 3 ├───▶│ file 0  ──▶ socket 0  2 references          │◀───┤ fd 3 │    │
//! │   │ fd 4 ├───▶│ file 1  ──▶ socket 1  2 references          │◀───┤ fd 4 │    │
//! │   └──────┘    └─────────────────────────────────────────────┘    └──────┘    │
//! │ * socket 1   stream     ┃ "hello"                    ┃◀── socket 0           │
//! │──────────────────────────────────────────────────────────────────────────────│
//! │ → event  ↓ call  ← back  w why  ? keys  q quit                               │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::action::{Action, Place};
use super::super::paint;
use super::super::stepper::StepperState;
use super::super::stepper::list::{ListState, ROWS};
use super::super::words::cut;
use super::{centred, chrome, title_of};
use crate::curriculum::model::{about, name_of, title_of as title_of_script};
use crate::render::text::{Line, Role};
use crate::render::theme::Theme;
use crate::tui::model::Model;
use crate::untrusted::readable;

/// Draws the stepper.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    state: &StepperState,
    theme: Theme,
) {
    let title = title_of("Model", &readable(state.title()));
    let right = place_of(state);
    let prompt = [
        (Action::Accept, "make the call"),
        (Action::Recall, "typed before"),
        (Action::Complete, "complete"),
        (Action::Leave, "step through it"),
        (Action::PageDown, "page"),
    ];
    let mut keys = Vec::new();
    if let Some(question) = &state.quiz.open {
        keys.push((Action::Choose(question.guesses.len() as u8), "answer"));
    }
    keys.extend([
        (Action::Forward, ""),
        (Action::NextCall, ""),
        (Action::Backward, ""),
    ]);
    if state.has_reason() {
        keys.push((Action::Why, ""));
    }
    keys.extend([
        (Action::Predict, ""),
        (Action::Play, ""),
        (Action::Back, ""),
    ]);
    let place = state.place();
    let keys = match place {
        Place::Prompt => &prompt[..],
        _ => &keys[..],
    };
    chrome(buffer, area, (&title, &right), (place, keys), theme);
    let page = &state.page;
    let foot = (page.foot.lines.len() as u16).min(body.height);
    let lowest = Rect {
        y: body.bottom() - foot,
        height: foot,
        ..body
    };
    paint::lines(buffer, lowest, &page.foot.lines, theme);
    let body = Rect {
        height: body.height - foot,
        ..body
    };
    paint::lines(buffer, body, &page.head.lines, theme);
    let above = (page.head.lines.len() as u16).min(body.height);
    let below = Rect {
        y: body.y + above,
        height: body.height - above,
        ..body
    };
    paint::lines(buffer, below, &page.left.lines, theme);
    let column = (page.column as u16).min(below.width);
    let beside = Rect {
        x: below.x + column,
        width: below.width - column,
        ..below
    };
    let lines = &page.picture.lines;
    let top = state.scroll.top.min(lines.len());
    paint::lines(buffer, beside, &lines[top..], theme);
    // That there is more is said in the corner, where no line of a picture ends.
    let more = lines.len().saturating_sub(top + usize::from(beside.height));
    for (there, row, sign) in [
        (top > 0, 0, "\u{2191}"),
        (
            more > 0,
            usize::from(beside.height).saturating_sub(1),
            "\u{2193}",
        ),
    ] {
        if there && beside.width > 8 {
            let corner = Rect {
                x: beside.right() - 1,
                width: 1,
                ..beside
            };
            let line = Line::of(Role::Key, sign);
            paint::line(buffer, corner, row, &line, theme);
        }
    }
}

/// `call 3 of 12, event 2 of 5`.
fn place_of(state: &StepperState) -> String {
    let all = state.run.steps().len();
    let Some(step) = state.run.steps().get(state.at.step) else {
        return String::new();
    };
    let call = format!("call {} of {all}", state.at.step + 1);
    let events = step.events.len();
    match state.at.behind {
        0 => format!("{call}, not made yet"),
        _ if events == 0 => call,
        behind => format!("{call}, event {behind} of {events}"),
    }
}

/// Draws the list of scripts.
///
/// ```text
/// │ ▸ A message that does not fit                      datagram-truncation │
/// │     A datagram is received whole or cut, and the rest of it is lost.   │
/// ```
pub(super) fn draw_list(
    buffer: &mut Buffer,
    area: Rect,
    body: Rect,
    model: &Model,
    state: &ListState,
    theme: Theme,
) {
    let title = title_of("Model", "What Linux does, call by call");
    let keys = [
        (Action::Up, ""),
        (Action::Open, ""),
        (Action::Play, "free play"),
        (Action::Back, ""),
    ];
    let all = state.scripts.files.len();
    let right = format!("{} of {all}", state.selected + 1);
    chrome(
        buffer,
        area,
        (&title, &right),
        (Place::Scripts, &keys),
        theme,
    );
    let body = centred(body, model.size.page_columns());
    let width = usize::from(body.width);
    let mut lines = Vec::new();
    for (place, file) in state.scripts.files.iter().enumerate() {
        let selected = place == state.selected;
        let (mark, role) = match selected {
            true => ("\u{25b8} ", Role::Strong),
            false => ("  ", Role::Plain),
        };
        let title = readable(title_of_script(&file.text)).into_owned();
        let line = Line::of(Role::Key, mark).with(role, title);
        lines.push(super::super::words::with_right(
            line,
            name_of(&file.name),
            width,
        ));
        let mut words =
            super::super::words::wrap(&readable(&about(&file.text)), width.saturating_sub(4));
        words.truncate(ROWS - 2);
        words.resize(ROWS - 2, String::new());
        for words in words {
            lines.push(cut(Line::of(Role::Dim, format!("    {words}")), width));
        }
        lines.push(Line::empty());
    }
    let top = state.scroll.top.min(lines.len());
    paint::lines(buffer, body, &lines[top..], theme);
}
