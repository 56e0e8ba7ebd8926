//! What keys do to the list of scripts and to a run; how both are opened.

use std::sync::Arc;

use super::StepperState;
use super::list::ListState;
use crate::curriculum::model::Rows;
use crate::curriculum::problem::SourceFile;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Scene, Screen};
use crate::tui::navigate::show;
use crate::tui::probes::Typing;
use crate::untrusted::readable;

/// Opens the scripts of the model: the one that a lesson shows, else the list of all.
pub fn open(model: &mut Model) -> Vec<Effect> {
    if matches!(model.screen, Screen::Scripts(_) | Screen::Stepper(_)) {
        return Vec::new();
    }
    let Some(scripts) = model.scripts.clone() else {
        let why = model.no_scripts.as_deref();
        let why = why.unwrap_or("they are being read; try again");
        model.notice = Some(format!("no scripts of the model: {why}"));
        return Vec::new();
    };
    let rows = model.page_rows();
    let shown = match &model.screen {
        Screen::Lesson(state) => state.script_in_view(rows),
        _ => None,
    };
    if let Some(file) = shown.and_then(|shown| scripts.find(&shown.name)) {
        let file = Arc::clone(file);
        step_through(model, file, Arc::clone(&scripts.rows));
        // In a lesson one predicts.
        if let Screen::Stepper(state) = &mut model.screen {
            state.ask();
        }
        model.set_pages();
        return Vec::new();
    }
    show(model, Screen::Scripts(Box::new(ListState::new(scripts))));
    Vec::new()
}

/// Opens a script.
pub fn step_through(model: &mut Model, file: Arc<SourceFile>, rows: Arc<Rows>) {
    match StepperState::new(file, rows) {
        Ok(state) => {
            show(model, Screen::Stepper(Box::new(state)));
            model.set_pages();
        }
        Err(mistake) => {
            let said = mistake.to_string();
            model.notice = Some(format!("the script cannot be run: {}", readable(&said)));
        }
    }
}

/// Opens a free play, or goes back to the prompt of the one that is shown.
pub fn play(model: &mut Model) {
    if let Screen::Stepper(state) = &mut model.screen
        && let Some(play) = &mut state.play
    {
        play.typing = Typing::Yes;
        return;
    }
    let rows = match (&model.screen, &model.scripts) {
        (Screen::Stepper(state), _) => Arc::clone(&state.rows),
        (_, Some(scripts)) => Arc::clone(&scripts.rows),
        (_, None) => Arc::default(),
    };
    model.dice = model.dice.wrapping_add(1);
    let state = StepperState::playing(model.dice, model.user, rows);
    show(model, Screen::Stepper(Box::new(state)));
    model.set_pages();
}

/// Ends a play that no screen shows any more.
pub fn end_play(model: &mut Model) -> Option<Effect> {
    let wanted = model.screens().any(|screen| match screen {
        Screen::Stepper(state) => state.play.is_some() && !state.run.steps().is_empty(),
        _ => false,
    });
    let stood = match wanted {
        true => std::mem::replace(&mut model.playing, Scene::Stands),
        false => std::mem::take(&mut model.playing),
    };
    (stood == Scene::Stands && !wanted).then_some(Effect::EndPlay)
}

/// Does what a key asks for on either screen.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.page_rows();
    if action == Action::Play {
        play(model);
        return Vec::new();
    }
    match &mut model.screen {
        Screen::Stepper(state) => return state.act(action),
        Screen::Scripts(state) => {
            if !state.act(action, rows)
                && action == Action::Open
                && let Some(file) = state.script().cloned()
            {
                let why = Arc::clone(&state.scripts.rows);
                step_through(model, file, why);
            }
        }
        _ => {}
    }
    Vec::new()
}
