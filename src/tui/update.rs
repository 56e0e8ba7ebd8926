//! What an event changes, and what is to be done outside because of it. Pure: no clock, no files,
//! no terminal.

use super::action::{self, Action};
use super::effect::Effect;
use super::event::Event;
use super::model::{Model, Overlay, Screen};
use super::path::{self, Fold, Node};
use super::scroll::Scroll;
use super::view::help;

/// Takes an event in.
pub fn update(model: &mut Model, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => {
            model.notice = None;
            let place = model.place();
            match action::lookup(place, key.into()) {
                Some(action) => act(model, action),
                None => Vec::new(),
            }
        }
        Event::Paste(_) | Event::Tick => Vec::new(),
        Event::Resize => Vec::new(),
        Event::Ended(signal) => vec![Effect::EndBy(signal)],
        Event::Stopped => vec![Effect::Suspend],
        Event::Continued => vec![Effect::Redraw],
        Event::Fault(message) => {
            model.notice = Some(format!("a fault of ipc-mastery: {message}"));
            Vec::new()
        }
    }
}

/// Does what an action asks for.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        _ => {}
    }
    let place = model.screen_place();
    let rows = model.size.body_rows();
    if let Some(overlay) = &mut model.overlay {
        match overlay {
            Overlay::Help(scroll) => {
                let lines = help::text(place).lines.len();
                if !scroll.apply(action, rows, lines) && action == Action::Back {
                    model.overlay = None;
                }
            }
        }
        return Vec::new();
    }
    match action {
        Action::Help => {
            model.overlay = Some(Overlay::Help(Scroll::default()));
            return Vec::new();
        }
        Action::Back => {
            if let Some(screen) = model.behind.pop() {
                model.screen = screen;
            }
            return Vec::new();
        }
        _ => {}
    }
    match &mut model.screen {
        Screen::Path(_) => on_path(model, action),
    }
}

fn on_path(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = model.path_rows();
    let Screen::Path(state) = &mut model.screen;
    let curriculum = &model.curriculum;
    if state.apply(action, curriculum, page) {
        return Vec::new();
    }
    match action {
        Action::Fold => state.toggle(curriculum, page),
        Action::Next => {
            if let Some(node) = path::next(curriculum, &model.progress) {
                state.select(node, curriculum, page);
            }
        }
        Action::Open => {
            let rows = state.rows(curriculum);
            let Some(row) = rows.get(state.selected_index(&rows)) else {
                return Vec::new();
            };
            if row.fold != Fold::Leaf {
                state.toggle(curriculum, page);
            } else {
                let node = row.node.clone();
                return open(model, &node);
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Opens what a node stands for.
pub fn open(_model: &mut Model, _node: &Node) -> Vec<Effect> {
    Vec::new()
}
