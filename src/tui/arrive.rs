//! What comes from outside: what probes and experiments saw, what is remembered, how checks went.
//! What it changes in the model; pure, as [`super::update`] is.

use std::sync::Arc;

use super::effect::{Effect, Memory};
use super::event::{Begun, Event};
use super::exercise::{Copying, Tab, Watching};
use super::lesson::keys::Wish;
use super::lesson::{self, Slot};
use super::model::{Alarm, Model, Screen};
use super::path;
use super::scroll::Scroll;
use super::search::Shelf;
use super::update::{live_probes, reveal, reveal_task};
use crate::untrusted::Untrusted;

pub(super) fn on_outside(model: &mut Model, event: Event) -> Vec<Effect> {
    match event {
        Event::Highlighter(highlighter) => model.highlighter = Some(highlighter),
        Event::Pages(Ok(pages)) => {
            model.shelf = Shelf::new(&pages, &model.curriculum);
            model.pages = Some(pages);
        }
        Event::Pages(Err(why)) => model.no_pages = Some(why),
        Event::Scripts(Ok(scripts)) => {
            for screen in model.screens() {
                // A play can begin before the reasons are read.
                if let Screen::Stepper(state) = screen
                    && state.play.is_some()
                {
                    state.rows = Arc::clone(&scripts.rows);
                }
            }
            model.scripts = Some(scripts);
        }
        Event::Scripts(Err(why)) => model.no_scripts = Some(why),
        Event::Today(now) => model.now = Some(now),
        Event::Remembered(progress) => return on_remembered(model, *progress),
        Event::Forgetful(why) => {
            model.forgetful = Some(why.clone());
            let mut effects = Vec::new();
            for screen in model.screens() {
                if let Screen::Task(state) = screen
                    && let Some(seed) = state.attempt.as_ref().map(|attempt| attempt.seed)
                {
                    // Nobody will answer that it was recorded.
                    effects.extend(state.begun(seed, Err(why.clone())));
                }
            }
            return effects;
        }
        Event::Looked { task, seed, result } => {
            let curriculum = Arc::clone(&model.curriculum);
            if let Some(state) = model.task_page(&task) {
                let seen = result.map(|seen| *seen);
                let effects = state.looked(seed, seen, &curriculum.misconceptions);
                reveal_task(model);
                return effects;
            }
        }
        Event::SceneSet { task, seed, result } => {
            if let Some(state) = model.task_page(&task) {
                let effects = state.scene_set(seed, result.map(|set| *set));
                reveal_task(model);
                return effects;
            }
        }
        Event::Played { id, place, reply } => {
            for screen in model.screens() {
                if let Screen::Stepper(state) = screen
                    && let Some(play) = state.play.as_mut().filter(|play| play.id == id)
                {
                    play.replies.insert(place, reply.clone());
                }
            }
        }
        Event::ProofBegun { task, seed, result } => {
            if let Err(why) = &result {
                model.notice = Some(why.clone());
            }
            if let Some(state) = model.task_page(&task) {
                let effects = state.begun(seed, result);
                reveal_task(model);
                return effects;
            }
        }
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
