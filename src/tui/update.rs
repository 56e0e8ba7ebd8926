//! What an event changes, and what is to be done outside because of it. Pure: no clock, no files,
//! no terminal.

use std::sync::Arc;
use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

use super::action::{Action, Key, Place};
use super::bindings;
use super::effect::{Effect, Memory};
use super::event::{Begun, Event};
use super::exercise::{Copying, ExerciseState, Tab, Watching};
use super::lesson::keys::Wish;
use super::lesson::{self, LessonState, Slot};
use super::model::{Alarm, Model, Overlay, Screen};
use super::path::{self, Fold, Node};
use super::probes::{ProbesState, Typing};
use super::scroll::Scroll;
use super::view::help;
use crate::probe::Name;
use crate::untrusted::Untrusted;

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
    effects
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
fn live_probes(model: &mut Model) -> Option<&mut ProbesState> {
    match &mut model.screen {
        Screen::Probes(state) if model.overlay.is_none() => Some(state),
        _ => None,
    }
}

fn on_outside(model: &mut Model, event: Event) -> Vec<Effect> {
    match event {
        Event::Highlighter(highlighter) => model.highlighter = Some(highlighter),
        Event::Today(now) => model.now = Some(now),
        Event::Remembered(progress) => return on_remembered(model, *progress),
        Event::Forgetful(why) => model.forgetful = Some(why),
        Event::Probed { ask, result } => {
            let slot = match &result {
                Ok(look) => Slot::Ready(Arc::clone(look)),
                Err(message) => Slot::Failed(message.clone()),
            };
            for screen in model.screens() {
                match screen {
                    Screen::Lesson(state) => {
                        for (name, waiting) in &mut state.probes {
                            let is_it = lesson::asked(name).as_ref() == Some(&ask);
                            if is_it && matches!(waiting, Slot::Collecting(_)) {
                                *waiting = slot.clone();
                            }
                        }
                    }
                    Screen::Probes(state) => state.take(&ask, result.clone()),
                    _ => {}
                }
            }
        }
        Event::Alarm => {
            model.alarm = Alarm::Off;
            if let Some(state) = live_probes(model).filter(|state| state.is_waiting()) {
                return state.look_again();
            }
        }
        Event::Observed { lesson, result } => {
            let state = model.screens().find_map(|screen| match screen {
                Screen::Lesson(state) if state.lesson.slug == lesson => Some(state),
                _ => None,
            });
            if let Some(state) = state {
                let before = state.focus;
                let mut effects = state.observed(result.map(|observation| *observation));
                effects.extend(state.collect(Wish::Missing));
                if state.goal.is_none() {
                    let rows = model.page_rows();
                    model.set_pages();
                    reveal(model, rows, before);
                }
                return effects;
            }
        }
        Event::LastReport { exercise, report } => {
            let curriculum = Arc::clone(&model.curriculum);
            let page = model.exercise_page(&exercise);
            if let Some((page, exercise)) = page.zip(curriculum.exercise(&exercise)) {
                page.remembered(report, exercise);
            }
        }
        Event::Started { exercise, result } => return on_started(model, &exercise, result),
        Event::Edited(Err(why)) => model.notice = Some(why),
        Event::Edited(Ok(())) => {}
        Event::Saved { exercise } => {
            let program = model.program(&exercise);
            if let Some(page) = model.exercise_page(&exercise) {
                return page.saved(program.as_ref());
            }
        }
        Event::WatchFailed { exercise, why } => {
            model.notice = Some(why);
            if let Some(page) = model.exercise_page(&exercise) {
                page.watching = Watching::No;
            }
        }
        Event::Checking { exercise, step } => {
            if let Some(page) = model.exercise_page(&exercise) {
                page.checking(step);
            }
        }
        Event::Checked { exercise, result } => {
            let curriculum = Arc::clone(&model.curriculum);
            let program = model.program(&exercise);
            let page = model.exercise_page(&exercise);
            if let Some((page, exercise)) = page.zip(curriculum.exercise(&exercise)) {
                return page.checked(result, exercise, program.as_ref());
            }
        }
        // Keys, signals and time never get here.
        _ => {}
    }
    Vec::new()
}

fn on_started(model: &mut Model, exercise: &str, result: Result<Begun, String>) -> Vec<Effect> {
    if let Some(page) = model.exercise_page(exercise) {
        page.copying = Copying::No;
    }
    // It is remembered too, where anything can be; this page needs it in any case.
    match result {
        Ok(Begun::Copied(marker)) => {
            let shown = Untrusted::from(marker.directory.as_path());
            model.notice = Some(format!("copied to {shown}; e opens it, c judges it"));
            model.here = Some(marker);
        }
        Ok(Begun::Found(marker)) => {
            let language = model.curriculum.language(&marker.language);
            let name = language.map_or(marker.language.as_str(), |language| &language.name);
            model.notice = Some(format!(
                "nothing was copied: your program, in {name}, is here already"
            ));
            model.here = Some(marker.clone());
            return vec![Effect::Remember(Memory::Start(marker))];
        }
        Err(why) => {
            if let Some(page) = model.exercise_page(exercise) {
                page.not_copied = Some(why);
                page.tab = Tab::Task;
                *page.scroll() = Scroll::default();
            }
        }
    }
    Vec::new()
}

/// Takes in what is remembered. The page of an exercise that was checked, here or in another
/// terminal, fetches the report.
fn on_remembered(model: &mut Model, progress: crate::mastery::progress::Progress) -> Vec<Effect> {
    let attempts = |progress: &crate::mastery::progress::Progress, slug: &str| {
        let known = progress.exercises.get(slug)?;
        Some((known.attempts, known.last.as_ref()?.at))
    };
    let slugs: Vec<String> = model
        .screens()
        .filter_map(|screen| match screen {
            Screen::Exercise(state) => Some(state.slug.clone()),
            _ => None,
        })
        .collect();
    let effects = slugs
        .into_iter()
        .filter(|slug| attempts(&progress, slug) != attempts(&model.progress, slug))
        .map(Effect::LastReport)
        .collect();
    let next_before = path::next(&model.standing);
    model.remember(progress);
    let page = model.path_rows();
    let next = path::next(&model.standing);
    let curriculum = Arc::clone(&model.curriculum);
    for screen in model.screens() {
        // The selection follows what is next, unless the learner has moved it.
        if let (Screen::Path(state), Some(next)) = (screen, &next)
            && state.selected == next_before
        {
            state.select(next.clone(), &curriculum, page);
        }
    }
    effects
}

fn on_key(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    model.notice = None;
    let place = model.place();
    if let Some(action) = Key::of(key).and_then(|key| bindings::lookup(place, key)) {
        return act(model, action);
    }
    if matches!(place, Place::Search | Place::Typing)
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
        search.again(&model.curriculum);
        return;
    }
    match &mut model.screen {
        Screen::Lesson(state) => state.type_in(request),
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
            let total = state.page.text.lines.len();
            if state.scroll.apply(action, rows, total) {
                return Vec::new();
            }
            match action {
                Action::Accept => {
                    let mut effects = state.state_fact();
                    effects.extend(state.collect(Wish::Missing));
                    model.set_pages();
                    reveal(model, rows, None);
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
                action => {
                    let before = state.focus;
                    let mut effects = state.act(action, rows);
                    effects.extend(state.collect(Wish::Missing));
                    let answers = matches!(action, Action::Commit | Action::Skip);
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
fn reveal(model: &mut Model, rows: usize, answered: Option<usize>) {
    if let Screen::Lesson(state) = &mut model.screen
        && let Some(focus) = state.focus
    {
        let from = state
            .page
            .lines_of(answered.unwrap_or(focus).min(focus))
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
            state.tab = Tab::Task;
            model.notice = Some(why);
            Vec::new()
        }
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
        Action::Next => {
            if let Some(node) = path::next(&model.standing) {
                return open(model, &node);
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

/// Goes to what follows a lesson or an exercise, in its place.
fn go_on(model: &mut Model, node: &Node) -> Vec<Effect> {
    match path::after(node, &model.curriculum) {
        Some(next) => {
            let mut effects = back(model);
            effects.extend(open(model, &next));
            effects
        }
        None => {
            model.notice = Some("this is the end of what is written so far".to_owned());
            Vec::new()
        }
    }
}

fn show(model: &mut Model, screen: Screen) {
    let earlier = std::mem::replace(&mut model.screen, screen);
    model.behind.push(earlier);
}

/// Goes back to the screen before. What ran for the page that is left is stopped.
fn back(model: &mut Model) -> Vec<Effect> {
    let Some(earlier) = model.behind.pop() else {
        return Vec::new();
    };
    match std::mem::replace(&mut model.screen, earlier) {
        Screen::Exercise(_) => vec![Effect::StopCheck, Effect::StopWatch],
        _ => Vec::new(),
    }
}

/// Opens what a node stands for: a module or an outcome on the path, the others on a screen.
pub fn open(model: &mut Model, node: &Node) -> Vec<Effect> {
    match node {
        Node::Lesson(slug) => {
            let Some(lesson) = model.curriculum.lesson(slug) else {
                return Vec::new();
            };
            let mut state = LessonState::new(Arc::new(lesson.clone()), &model.progress);
            let mut effects = state.resume();
            effects.extend(state.collect(Wish::Missing));
            show(model, Screen::Lesson(Box::new(state)));
            effects
        }
        Node::Exercise(slug) => {
            let (state, effects) = ExerciseState::new(slug);
            show(model, Screen::Exercise(Box::new(state)));
            effects
        }
        node => {
            let page = model.path_rows();
            while let Some(earlier) = model.behind.pop() {
                model.screen = earlier;
            }
            if let Screen::Path(state) = &mut model.screen {
                state.select(node.clone(), &model.curriculum, page);
                if !state.open.contains(node) {
                    state.toggle(&model.curriculum, page);
                }
            }
            vec![Effect::StopCheck, Effect::StopWatch]
        }
    }
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
