//! Going from screen to screen: what is opened lies over what it was opened from.

use std::sync::Arc;

use super::effect::Effect;
use super::exercise::ExerciseState;
use super::lesson::LessonState;
use super::lesson::keys::Wish;
use super::model::{Model, Overlay, Screen};
use super::path::{self, Node};
use super::reference::ReferenceState;
use super::reference::entries::Tab;
use super::review::ReviewState;
use super::task::TaskState;
use super::terms::Terms;
use crate::curriculum::path::Evidence;
use crate::mastery::evidence::outcomes_of;
use crate::mastery::review::Deck;
use crate::sys::calendar::local_day;

/// Goes to what follows a lesson or an exercise, in its place.
pub(super) fn go_on(model: &mut Model, node: &Node) -> Vec<Effect> {
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

pub(super) fn show(model: &mut Model, screen: Screen) {
    let earlier = std::mem::replace(&mut model.screen, screen);
    model.behind.push(earlier);
}

/// Goes back to the screen before. What ran for the page that is left is stopped.
pub(super) fn back(model: &mut Model) -> Vec<Effect> {
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
    if return_to(model, node) {
        return Vec::new();
    }
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
        Node::Task(slug) => {
            open_task(model, slug);
            Vec::new()
        }
        Node::Piece(outcome, place) => open_piece(model, outcome, *place),
        Node::Entry(tab, place) => {
            look_up(model, *tab, *place);
            Vec::new()
        }
        node => {
            let page = model.path_rows();
            while let Some(earlier) = model.behind.pop() {
                model.screen = earlier;
            }
            if let Screen::Path(state) = &mut model.screen {
                state.select(node.clone(), &model.curriculum, page);
                state.unfold(&model.curriculum, page);
            }
            vec![Effect::StopCheck, Effect::StopWatch]
        }
    }
}

/// Goes back to what a node stands for where it lies behind the screen already; false where not.
/// What is over it is left, a check that runs excepted: its page is not passed over.
fn return_to(model: &mut Model, node: &Node) -> bool {
    let is_it = |screen: &Screen| match (screen, node) {
        (Screen::Lesson(state), Node::Lesson(slug)) => state.lesson.slug == *slug,
        (Screen::Exercise(state), Node::Exercise(slug)) => state.slug == *slug,
        (Screen::Task(state), Node::Task(slug)) => state.task.slug == *slug,
        _ => false,
    };
    if is_it(&model.screen) {
        return true;
    }
    let Some(place) = model.behind.iter().rposition(is_it) else {
        return false;
    };
    let left = model.behind[place + 1..].iter().chain([&model.screen]);
    let kept = |screen: &Screen| match screen {
        Screen::Exercise(_) => true,
        Screen::Task(state) => state.is_under_way(),
        _ => false,
    };
    if left.into_iter().any(kept) {
        return false;
    }
    model.behind.truncate(place + 1);
    if let Some(screen) = model.behind.pop() {
        model.screen = screen;
    }
    true
}

/// Opens a task.
pub(super) fn open_task(model: &mut Model, slug: &str) {
    if let Some(task) = model.curriculum.task(slug) {
        let outcomes = outcomes_of(&model.curriculum, slug);
        let outcomes = outcomes.into_iter().map(str::to_owned).collect();
        let state = TaskState::new(Arc::new(task.clone()), outcomes);
        show(model, Screen::Task(Box::new(state)));
    }
}

/// Opens what a piece of evidence is earned with.
fn open_piece(model: &mut Model, outcome: &str, place: usize) -> Vec<Effect> {
    let levels = model.curriculum.path.levels.iter();
    let mut outcomes = levels.flat_map(|level| &level.outcomes);
    let named = outcomes.find(|one| one.id == outcome);
    let evidence = named.and_then(|one| one.evidence.get(place));
    let node = match evidence {
        Some(Evidence::Task(slug)) => Node::Task(slug.value.clone()),
        Some(Evidence::Exercise(slug)) => Node::Exercise(slug.value.clone()),
        Some(Evidence::Retrieval(_)) => {
            review(model);
            return Vec::new();
        }
        None => return Vec::new(),
    };
    open(model, &node)
}

/// Opens a reference page at an entry.
pub(super) fn look_up(model: &mut Model, tab: Tab, place: usize) {
    let curriculum = Arc::clone(&model.curriculum);
    if let Screen::Reference(state) = &mut model.screen {
        state.show(tab, place, &curriculum);
        return;
    }
    let Some(pages) = model.pages.clone() else {
        let why = model.no_pages.as_deref();
        let why = why.unwrap_or("they are being read; try again");
        model.notice = Some(format!("no reference pages: {why}"));
        return;
    };
    let state = ReferenceState::new(pages, &curriculum, tab, place);
    show(model, Screen::Reference(Box::new(state)));
}

/// Shows which words of the glossary a lesson uses: on the screen, else anywhere in what is
/// unfolded.
pub(super) fn show_terms(model: &mut Model) {
    let rows = model.page_rows();
    let (Some(pages), Screen::Lesson(state)) = (&model.pages, &model.screen) else {
        return;
    };
    let lines = &state.page.text.lines;
    let top = state.scroll.top.min(lines.len());
    let shown = &lines[top..(top + rows).min(lines.len())];
    let mut terms = Terms::of(&pages.glossary, shown);
    if terms.found.is_empty() {
        terms = Terms::of(&pages.glossary, lines);
    }
    match terms.found.is_empty() {
        true => model.notice = Some("the glossary has no word of this lesson".to_owned()),
        false => model.overlay = Some(Overlay::Terms(terms)),
    }
}

/// Opens a review of what is due, or what there is to say when nothing is.
pub(super) fn review(model: &mut Model) {
    let Some(now) = model.now else {
        model.notice = Some("what is due is not known yet".to_owned());
        return;
    };
    let curriculum = Arc::clone(&model.curriculum);
    let deck = Deck::new(&curriculum, &model.progress, now, local_day);
    let state = ReviewState::new(&deck, &curriculum);
    show(model, Screen::Review(Box::new(state)));
}

/// Opens the next task: of the outcome that is nearest, else the first one that is not passed.
pub(super) fn prove_next(model: &mut Model) -> Vec<Effect> {
    let Some(proof) = &model.standing.proof else {
        model.notice = Some(
            "read the lessons of an outcome first; its tasks are below, with its level".to_owned(),
        );
        return Vec::new();
    };
    let outcomes = model
        .standing
        .levels
        .iter()
        .flat_map(|level| &level.outcomes);
    let mut outcomes = outcomes.filter(|outcome| outcome.id == proof.outcome);
    let place = outcomes.find_map(|outcome| {
        let mut pieces = outcome.evidence.pieces.iter();
        pieces.position(|piece| piece == &proof.piece)
    });
    let id = proof.outcome.clone();
    place.map_or_else(Vec::new, |place| open_piece(model, &id, place))
}
