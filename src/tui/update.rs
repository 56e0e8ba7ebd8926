//! What an event changes, and what is to be done outside because of it. Pure: no clock, no files,
//! no terminal.

use std::sync::Arc;
use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

use super::action::{Action, Key, Place};
use super::arrive::on_outside;
use super::bindings;
use super::effect::{Effect, Memory};
use super::event::Event;
use super::exercise::Tab as ExerciseTab;
use super::lesson::keys::Wish;
use super::model::{Alarm, Model, Overlay, Scene, Screen};
use super::navigate::{self, back, go_on, show};
use super::path::{self, Fold, Node};
use super::probes::{ProbesState, Typing};
use super::reference::entries::Tab;
use super::scroll::Scroll;
use super::stepper;
use super::task::{Outcome, Recording, Stage, Surroundings};
use super::view::help;
use crate::probe::Name;

pub use super::navigate::open;

/// Takes an event in.
pub fn update(model: &mut Model, event: Event) -> Vec<Effect> {
    let mut effects = match event {
        Event::Key(key) => on_key(model, key),
        Event::Paste(text) => {
            on_text(model, &text);
            Vec::new()
        }
        Event::Tick => {
            model.ticks = model.ticks.wrapping_add(1);
            if let Screen::Probes(state) = &mut model.screen {
                state.tick();
            }
            return Vec::new();
        }
        Event::Resize => Vec::new(),
        Event::Ended(signal) => vec![Effect::StopCheck, Effect::EndBy(signal)],
        Event::Stopped => vec![Effect::Suspend],
        Event::Continued => vec![Effect::Redraw],
        Event::Fault(message) => {
            model.notice = Some(format!("a fault of ipc-mastery: {message}"));
            Vec::new()
        }
        outside => on_outside(model, outside),
    };
    model.set_pages();
    effects.extend(note_reading(model));
    effects.extend(keep_looking(model));
    effects.extend(end_scene(model));
    effects.extend(stepper::keys::end_play(model));
    effects
}

/// Ends a scene that no task is about any more.
fn end_scene(model: &mut Model) -> Option<Effect> {
    let wanted = model
        .screens()
        .any(|screen| matches!(screen, Screen::Task(state) if state.has_scene()));
    let stood = match wanted {
        true => std::mem::replace(&mut model.scene, Scene::Stands),
        false => std::mem::take(&mut model.scene),
    };
    (stood == Scene::Stands && !wanted).then_some(Effect::EndScene)
}

/// How long after a look the next one begins.
const PACE: Duration = Duration::from_secs(1);

/// Has the time for the next look waited for, while probes are shown.
fn keep_looking(model: &mut Model) -> Option<Effect> {
    let is_waiting = live_probes(model).is_some_and(|state| state.is_waiting());
    if !is_waiting || model.alarm == Alarm::Set {
        return None;
    }
    model.alarm = Alarm::Set;
    Some(Effect::Alarm(PACE))
}

/// The probes, while nothing lies over them.
pub(super) fn live_probes(model: &mut Model) -> Option<&mut ProbesState> {
    match &mut model.screen {
        Screen::Probes(state) if model.overlay.is_none() => Some(state),
        _ => None,
    }
}

fn on_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    model.notice = None;
    let place = model.place();
    if let Some(action) = Key::of(key).and_then(|key| bindings::lookup(place, key)) {
        return act(model, action);
    }
    if matches!(place, Place::Search | Place::Typing | Place::Prompt)
        && let Some(request) = request(key)
    {
        type_in(model, request);
    }
    Vec::new()
}

/// What a key does in a field: letters are typed, others move and delete as in a shell.
fn request(key: KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('u') if control => InputRequest::DeleteLine,
        KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char(letter) if !control && !alt => InputRequest::InsertChar(letter),
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return None,
    })
}

fn on_text(model: &mut Model, text: &str) {
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        type_in(model, InputRequest::InsertChar(letter));
    }
}

/// Hands a key to the field that has the keys, if one has.
fn type_in(model: &mut Model, request: InputRequest) {
    if let Some(Overlay::Search(search)) = &mut model.overlay {
        search.field.handle(request);
        search.again(&model.curriculum, &model.shelf);
        return;
    }
    match &mut model.screen {
        Screen::Lesson(state) => state.type_in(request),
        Screen::Review(state) => state.type_in(request),
        Screen::Task(state) => state.type_in(request),
        Screen::Stepper(state) => state.type_in(request),
        Screen::Probes(state) if state.typing == Typing::Yes => {
            state.view_mut().filter.text.handle(request);
            state.refill();
        }
        _ => {}
    }
}

/// Does what an action asks for.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit | Action::Back if model.overlay.is_none() && !may_leave(model) => {
            return Vec::new();
        }
        Action::Quit => return vec![Effect::StopCheck, Effect::Quit],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        _ => {}
    }
    if model.overlay.is_some() {
        return in_overlay(model, action);
    }
    match action {
        Action::Help => {
            model.overlay = Some(Overlay::Help(Scroll::default()));
            Vec::new()
        }
        Action::Search => {
            model.overlay = Some(Overlay::Search(Box::default()));
            Vec::new()
        }
        Action::Reference => {
            if !matches!(model.screen, Screen::Reference(_)) {
                navigate::look_up(model, Tab::QuickReference, 0);
            }
            Vec::new()
        }
        Action::Scripts => stepper::keys::open(model),
        Action::Terms => {
            navigate::show_terms(model);
            Vec::new()
        }
        Action::Probes if !matches!(model.screen, Screen::Probes(_)) => {
            let rows = model.page_rows();
            let (ask, known) = match &model.screen {
                Screen::Lesson(state) => state.probe_in_view(rows),
                _ => None,
            }
            .unwrap_or((Name::RuntimeDir.into(), None));
            let (state, effects) = ProbesState::new(ask, known);
            show(model, Screen::Probes(Box::new(state)));
            effects
        }
        Action::Back => match &mut model.screen {
            Screen::Probes(state) => match state.back() {
                Some(effects) => effects,
                None => back(model),
            },
            _ => back(model),
        },
        action => in_screen(model, action),
    }
}

fn in_overlay(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.size.body_rows();
    let place = model.screen_place();
    match &mut model.overlay {
        Some(Overlay::Help(scroll)) => {
            let lines = help::text(place).lines.len();
            if !scroll.apply(action, rows, lines) && matches!(action, Action::Back | Action::Help) {
                model.overlay = None;
            }
        }
        Some(Overlay::Terms(terms)) => match action {
            Action::Leave => model.overlay = None,
            Action::Up => terms.step(-1),
            Action::Down => terms.step(1),
            Action::Accept => {
                let place = terms.found.get(terms.selected).copied();
                model.overlay = None;
                if let Some(place) = place {
                    return open(model, &Node::Entry(Tab::Glossary, place));
                }
            }
            _ => {}
        },
        Some(Overlay::Search(search)) => match action {
            Action::Leave => model.overlay = None,
            Action::Up => search.step(-1, hits_shown(rows)),
            Action::Down => search.step(1, hits_shown(rows)),
            Action::Accept => {
                if let Some(hit) = search.hits.get(search.selected) {
                    let node = hit.node.clone();
                    model.overlay = None;
                    return open(model, &node);
                }
            }
            _ => {}
        },
        None => {}
    }
    Vec::new()
}

/// How many hits a search shows: two lines each, below the field.
pub fn hits_shown(rows: usize) -> usize {
    (rows.saturating_sub(2) / 2).max(1)
}

fn in_screen(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.page_rows();
    match &mut model.screen {
        Screen::Path(_) => on_path(model, action),
        Screen::Lesson(state) => {
            let before = state.focus;
            if let Some(Outcome {
                mut effects,
                notice,
            }) = state.answer(action, rows)
            {
                effects.extend(state.collect(Wish::Missing));
                model.notice = notice;
                model.set_pages();
                reveal(model, rows, before);
                return effects;
            }
            let total = state.page.text.lines.len();
            if state.scroll.apply(action, rows, total) {
                return Vec::new();
            }
            match action {
                Action::Accept => {
                    let stated = state.focus;
                    let mut effects = state.state_fact();
                    effects.extend(state.collect(Wish::Missing));
                    model.set_pages();
                    read_on(model, rows, stated);
                    effects
                }
                Action::Leave => {
                    state.field = None;
                    Vec::new()
                }
                Action::Next => {
                    let node = Node::Lesson(state.lesson.slug.clone());
                    go_on(model, &node)
                }
                Action::Variant => {
                    let offered = state.offers_variant();
                    match state.lesson.variant.clone().filter(|_| offered) {
                        Some(slug) => open(model, &Node::Task(slug.value)),
                        None => Vec::new(),
                    }
                }
                Action::Exercise => {
                    let passed = |slug: &str| model.progress.has_passed(slug);
                    let exercises = &state.lesson.exercises;
                    let open_one = exercises.iter().find(|slug| !passed(&slug.value));
                    match open_one.or(exercises.first()) {
                        Some(slug) => {
                            let node = Node::Exercise(slug.value.clone());
                            open(model, &node)
                        }
                        None => Vec::new(),
                    }
                }
                action => {
                    let before = state.focus;
                    let mut effects = state.act(action, rows);
                    effects.extend(state.collect(Wish::Missing));
                    let again = action == Action::Again && state.focus != before;
                    let answers = again || matches!(action, Action::Commit | Action::Skip);
                    model.set_pages();
                    if answers {
                        reveal(model, rows, before);
                    }
                    effects
                }
            }
        }
        Screen::Exercise(state) => {
            let slug = state.slug.clone();
            on_exercise(model, &slug, action)
        }
        Screen::Task(_) => on_task(model, action),
        Screen::Review(_) => on_review(model, action),
        Screen::Reference(state) => {
            let curriculum = Arc::clone(&model.curriculum);
            if !state.act(action, &curriculum, rows)
                && action == Action::Open
                && let Some(slug) = state.lesson()
            {
                let node = Node::Lesson(slug.to_owned());
                return open(model, &node);
            }
            Vec::new()
        }
        Screen::Stepper(_) | Screen::Scripts(_) => stepper::keys::act(model, action),
        Screen::Probes(state) => match state.act(action, model.size) {
            Ok(effects) => effects,
            Err(why) => {
                model.notice = Some(why.to_owned());
                Vec::new()
            }
        },
    }
}

/// Shows the question that was answered and as much as fits of what was unfolded by the answer.
pub(super) fn reveal(model: &mut Model, rows: usize, answered: Option<usize>) {
    if let Screen::Lesson(state) = &mut model.screen
        && let Some(focus) = state.focus
    {
        let from = state
            .page
            .lines_of(answered.unwrap_or(focus).min(focus))
            .start;
        let to = state.page.lines_of(focus).end;
        let cursor = state.page.cursor.clone();
        state.scroll.follow(from..to, cursor, rows);
    }
}

/// Shows the fact that was stated and what follows it: the account of what happened is to be read
/// before the next question is asked.
fn read_on(model: &mut Model, rows: usize, stated: Option<usize>) {
    if let Screen::Lesson(state) = &mut model.screen
        && let Some(focus) = state.focus
    {
        let from = state
            .page
            .lines_of(stated.unwrap_or(focus).min(focus))
            .start;
        let to = state.page.lines_of(focus).end;
        state.scroll.reveal(from, to, rows);
    }
}

fn on_exercise(model: &mut Model, slug: &str, action: Action) -> Vec<Effect> {
    let rows = model.page_rows();
    let curriculum = Arc::clone(&model.curriculum);
    let program = model.program(slug);
    let Screen::Exercise(state) = &mut model.screen else {
        return Vec::new();
    };
    let Some(exercise) = curriculum.exercise(slug) else {
        return Vec::new();
    };
    if action == Action::Next {
        let node = Node::Exercise(slug.to_owned());
        return go_on(model, &node);
    }
    if action == Action::Lesson {
        return match exercise.lessons.first() {
            Some(lesson) => open(model, &Node::Lesson(lesson.value.clone())),
            None => Vec::new(),
        };
    }
    if state.step(action, exercise.stages.len()) {
        model.set_pages();
        if let Screen::Exercise(state) = &mut model.screen {
            let lines = state.selected.clone();
            state.scroll().reveal(lines.start, lines.end, rows);
        }
        return Vec::new();
    }
    let total = state.text.lines.len();
    if state.scroll().apply(action, rows, total) {
        return Vec::new();
    }
    let known = model.progress.exercises.get(slug);
    match state.act(action, exercise, known, program.as_ref()) {
        Ok(effects) => {
            // Where nothing can be kept, a hint is shown all the same.
            for effect in &effects {
                if let Effect::Remember(Memory::Hint { stage, level, .. }) = effect {
                    let known = model.progress.exercises.entry(slug.to_owned());
                    known.or_default().hints.insert(stage.clone(), *level);
                }
            }
            effects
        }
        Err(why) => {
            state.tab = ExerciseTab::Task;
            model.notice = Some(why);
            Vec::new()
        }
    }
}

/// Whether the screen may be left: who leaves a task in the middle is told first what that means.
fn may_leave(model: &mut Model) -> bool {
    let Screen::Task(state) = &mut model.screen else {
        return true;
    };
    let may = state.may_leave();
    if !may {
        let told = "who leaves now has not passed this try; the same key again leaves";
        model.notice = Some(told.to_owned());
    }
    may
}

fn on_task(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.page_rows();
    let record = match model.forgetful {
        None => Recording::Possible,
        Some(_) => Recording::Impossible,
    };
    let Screen::Task(state) = &mut model.screen else {
        return Vec::new();
    };
    let around = Surroundings {
        beliefs: &model.curriculum.misconceptions,
        seed: model.dice,
        record,
    };
    if let Some(Outcome { effects, notice }) = state.act(action, around) {
        // The golden ratio: no two tries of one session have one seed.
        model.dice = model.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        model.notice = notice;
        reveal_task(model);
        return effects;
    }
    let total = state.page.text.lines.len();
    if state.scroll.apply(action, rows, total) {
        return Vec::new();
    }
    match action {
        Action::Commit if state.stage == Stage::Ended => navigate::back(model),
        Action::Lesson => {
            let mut lessons = state.task.lessons.iter();
            match lessons.next().map(|slug| Node::Lesson(slug.value.clone())) {
                Some(node) => open(model, &node),
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

fn on_review(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.page_rows();
    let curriculum = Arc::clone(&model.curriculum);
    let Screen::Review(state) = &mut model.screen else {
        return Vec::new();
    };
    if let Some(Outcome { effects, notice }) = state.act(action, &curriculum) {
        model.notice = notice;
        model.set_pages();
        if let Screen::Review(state) = &mut model.screen {
            let (all, cursor) = (0..state.page.text.lines.len(), state.page.cursor.clone());
            state.scroll.follow(all, cursor, rows);
        }
        return effects;
    }
    let total = state.page.text.lines.len();
    if state.scroll.apply(action, rows, total) {
        return Vec::new();
    }
    let answered = state.asked_form().is_none();
    match (action, &state.current) {
        (Action::Commit, None) => back(model),
        (Action::Lesson, Some(current)) if answered => {
            let node = Node::Lesson(current.lesson().to_owned());
            open(model, &node)
        }
        _ => Vec::new(),
    }
}

/// Shows what is to be read now of a task, and the row that keys act on.
pub(super) fn reveal_task(model: &mut Model) {
    let rows = model.page_rows();
    model.set_pages();
    if let Screen::Task(state) = &mut model.screen {
        let (focus, cursor) = (state.page.focus.clone(), state.page.cursor.clone());
        state.scroll.follow(focus, cursor, rows);
    }
}

fn on_path(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = model.path_rows();
    let Screen::Path(state) = &mut model.screen else {
        return Vec::new();
    };
    let curriculum = &model.curriculum;
    if state.apply(action, curriculum, page) {
        return Vec::new();
    }
    match action {
        Action::Fold => state.toggle(curriculum, page),
        Action::Prove => return navigate::prove_next(model),
        Action::Review => navigate::review(model),
        Action::Next => {
            if let Some(node) = path::next(&model.standing) {
                return open(model, &node);
            }
            if model.standing.proof.is_some() {
                return navigate::prove_next(model);
            }
            model.notice = Some("everything on the path is done".to_owned());
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

/// What is to be remembered of how far a lesson is shown.
fn note_reading(model: &mut Model) -> Option<Effect> {
    let rows = model.page_rows();
    if model.overlay.is_some() || model.size.is_too_small() {
        return None;
    }
    let Screen::Lesson(state) = &mut model.screen else {
        return None;
    };
    if state.goal.is_none() {
        state.note_seen(rows);
    }
    let seen = state.page.piece_above(state.scroll.top + rows)?;
    if state.furthest.is_some_and(|furthest| furthest >= seen) || state.goal.is_some() {
        return None;
    }
    state.furthest = Some(seen);
    Some(Effect::Remember(Memory::Reading {
        lesson: state.lesson.slug.clone(),
        piece: seen,
        pieces: state.pieces.len(),
    }))
}
