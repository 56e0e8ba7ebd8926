//! All that the screen shows, as values. Nothing here draws, waits or asks the system.

use std::sync::Arc;

use super::action::Place;
use super::exercise::{Copying, ExerciseState, Program};
use super::form::{Form, Kind as FormKind};
use super::lesson::LessonState;
use super::lesson::page::Setting;
use super::path::{self, Node, PathState};
use super::probes::{Panes, ProbesState, Typing};
use super::reference::ReferenceState;
use super::review::{self, ReviewState};
use super::scroll::Scroll;
use super::search::{Search, Shelf};
use super::sheet::{self, Subject};
use super::stepper::StepperState;
use super::stepper::list::ListState;
use super::task::{self, TaskState};
use super::terms::Terms;
use crate::check::marker::Marker;
use crate::curriculum::Curriculum;
use crate::curriculum::model::Scripts;
use crate::curriculum::pages::Pages;
use crate::mastery::evidence::{counts_from, outcomes_of};
use crate::mastery::path::{Standing, standing};
use crate::mastery::progress::Progress;
use crate::mastery::review::Deck;
use crate::render::highlight::Highlighter;
use crate::render::listing;
use crate::render::text::Text;
use crate::sys::calendar::local_day;

/// Everything.
#[derive(Debug)]
pub struct Model {
    /// What is taught.
    pub curriculum: Arc<Curriculum>,
    /// What is remembered of the learner.
    pub progress: Progress,
    /// Where that is on the path.
    pub standing: Standing,
    /// The program in the directory that the screen was opened in.
    pub here: Option<Marker>,
    /// The time when that was, in seconds since the epoch, once it was told.
    pub now: Option<i64>,
    /// What the next try of a task is drawn by; another number each time.
    pub dice: u64,
    /// How many questions are due in a review today.
    pub due: usize,
    /// Why nothing can be remembered, if so.
    pub forgetful: Option<String>,
    /// The reference pages, once they are loaded.
    pub pages: Option<Arc<Pages>>,
    /// What of them is searched.
    pub shelf: Shelf,
    /// Why there are none, if so.
    pub no_pages: Option<String>,
    /// Scripts of the model, once they are loaded.
    pub scripts: Option<Arc<Scripts>>,
    /// Why there are none, if so.
    pub no_scripts: Option<String>,
    /// Colours code, once it is loaded.
    pub highlighter: Option<&'static Highlighter>,
    /// What is shown.
    pub screen: Screen,
    /// The screens it was opened from, oldest first.
    pub behind: Vec<Screen>,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// Columns and rows of the terminal.
    pub size: Size,
    /// Something to tell: one line, until the next key.
    pub notice: Option<String>,
    /// Counts ticks while something is pending.
    pub ticks: usize,
    /// Whether a scene stands for a task.
    pub scene: Scene,
    /// Whether a free play is under way outside.
    pub playing: Scene,
    /// Who we are: user and group.
    pub user: (u32, u32),
    /// Whether the time for the next look is being waited for outside.
    pub alarm: Alarm,
}

/// Whether a scene stands for a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scene {
    /// None does.
    #[default]
    None,
    /// One does, or is being set.
    Stands,
}

/// Whether time is being waited for outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alarm {
    /// It is not.
    #[default]
    Off,
    /// It is: an event comes when it is time.
    Set,
}

/// A screen, with its own state.
#[derive(Debug)]
pub enum Screen {
    /// The path.
    Path(PathState),
    /// A lesson.
    Lesson(Box<LessonState>),
    /// An exercise.
    Exercise(Box<ExerciseState>),
    /// The probes.
    Probes(Box<ProbesState>),
    /// A task.
    Task(Box<TaskState>),
    /// A review.
    Review(Box<ReviewState>),
    /// The reference pages.
    Reference(Box<ReferenceState>),
    /// The scripts of the model.
    Scripts(Box<ListState>),
    /// A run of the model.
    Stepper(Box<StepperState>),
}

/// Something over the screen.
#[derive(Debug)]
pub enum Overlay {
    /// The keys of the screen below.
    Help(Scroll),
    /// A search.
    Search(Box<Search>),
    /// Words of the glossary that the screen below uses.
    Terms(Terms),
}

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl Size {
    /// The smallest terminal in which a lesson can be read.
    pub const LEAST: Size = Size {
        columns: 30,
        rows: 8,
    };

    /// The widest page: text and tables wider than this are hard to follow.
    const WIDEST: usize = 110;

    /// Columns that sentences take at most.
    pub const PAGE: usize = 78;

    /// Whether it is too small.
    pub fn is_too_small(self) -> bool {
        self.columns < Self::LEAST.columns || self.rows < Self::LEAST.rows
    }

    /// Rows between the title and the last lines.
    pub fn body_rows(self) -> usize {
        usize::from(self.rows).saturating_sub(4)
    }

    /// Columns of a page of text.
    pub fn page_columns(self) -> usize {
        usize::from(self.columns)
            .saturating_sub(2)
            .min(Self::WIDEST)
    }
}

impl Model {
    /// The path, with nothing known about the learner yet.
    pub fn new(curriculum: Arc<Curriculum>, size: Size) -> Self {
        let progress = Progress::default();
        let standing = standing(&curriculum, &progress);
        let mut state = PathState::new(&curriculum);
        state.selected = path::next(&standing);
        Self {
            curriculum,
            progress,
            standing,
            now: None,
            dice: 0,
            due: 0,
            here: None,
            forgetful: None,
            pages: None,
            shelf: Shelf::default(),
            no_pages: None,
            scripts: None,
            no_scripts: None,
            highlighter: None,
            screen: Screen::Path(state),
            behind: Vec::new(),
            overlay: None,
            size,
            notice: None,
            ticks: 0,
            scene: Scene::None,
            playing: Scene::None,
            user: (0, 0),
            alarm: Alarm::Off,
        }
    }

    /// Takes in what is remembered.
    pub fn remember(&mut self, progress: Progress) {
        self.standing = standing(&self.curriculum, &progress);
        self.due = self.now.map_or(0, |now| {
            Deck::new(&self.curriculum, &progress, now, local_day)
                .due()
                .len()
        });
        self.progress = progress;
    }

    /// Rows of the tree that are shown on the path.
    pub fn path_rows(&self) -> usize {
        self.size.body_rows().saturating_sub(4).max(1)
    }

    /// Rows of lines that the screen shows of a page that scrolls.
    pub fn page_rows(&self) -> usize {
        let above = match &self.screen {
            Screen::Exercise(_) => 3,
            Screen::Probes(_) => Panes::HEAD,
            Screen::Reference(_) => 2,
            Screen::Path(_) | Screen::Lesson(_) | Screen::Task(_) | Screen::Review(_) => 0,
            Screen::Scripts(_) | Screen::Stepper(_) => 0,
        };
        self.size.body_rows().saturating_sub(above).max(1)
    }

    /// Where keys are looked up.
    pub fn place(&self) -> Place {
        match &self.overlay {
            Some(Overlay::Help(_)) => Place::Help,
            Some(Overlay::Search(_)) => Place::Search,
            Some(Overlay::Terms(_)) => Place::Terms,
            None if self.is_typing() => Place::Typing,
            None => self.screen_place(),
        }
    }

    fn is_typing(&self) -> bool {
        match &self.screen {
            Screen::Lesson(state) => {
                state.field.is_some() || state.asked_form().is_some_and(Form::is_typing)
            }
            Screen::Review(state) => state.asked_form().is_some_and(Form::is_typing),
            Screen::Probes(state) => state.typing == Typing::Yes,
            Screen::Task(state) => state.asked().is_some_and(Form::is_typing),
            Screen::Path(_) | Screen::Exercise(_) | Screen::Reference(_) => false,
            Screen::Scripts(_) | Screen::Stepper(_) => false,
        }
    }

    /// Where keys would be looked up without anything over the screen.
    pub fn screen_place(&self) -> Place {
        match &self.screen {
            Screen::Path(_) => Place::Path,
            Screen::Lesson(state) => match state.asked_form().map(|form| form.kind) {
                Some(FormKind::Order(_)) => Place::LessonOrdering,
                Some(FormKind::Match) => Place::LessonMatching,
                _ => Place::Lesson,
            },
            Screen::Exercise(_) => Place::Exercise,
            Screen::Probes(_) => Place::Probes,
            Screen::Reference(_) => Place::Reference,
            Screen::Scripts(_) => Place::Scripts,
            Screen::Stepper(state) => state.place(),
            Screen::Task(state) => asking(state.asked()),
            Screen::Review(state) => asking(state.asked_form()),
        }
    }

    /// Whether something is under way outside that the screen shows.
    pub fn is_pending(&self) -> bool {
        match &self.screen {
            Screen::Path(_) => false,
            Screen::Lesson(state) => state.is_pending(),
            Screen::Exercise(state) => state.live.is_some() || state.copying == Copying::Yes,
            Screen::Probes(state) => state.is_pending(),
            Screen::Task(state) => state.is_pending(),
            Screen::Review(_) | Screen::Reference(_) => false,
            Screen::Scripts(_) | Screen::Stepper(_) => false,
        }
    }

    /// Every screen, the shown one first.
    pub fn screens(&mut self) -> impl Iterator<Item = &mut Screen> {
        std::iter::once(&mut self.screen).chain(self.behind.iter_mut().rev())
    }

    /// The page of an exercise, shown or behind.
    pub fn exercise_page(&mut self, slug: &str) -> Option<&mut ExerciseState> {
        self.screens().find_map(|screen| match screen {
            Screen::Exercise(state) if state.slug == slug => Some(&mut **state),
            _ => None,
        })
    }

    /// The page of a task, shown or behind.
    pub fn task_page(&mut self, slug: &str) -> Option<&mut TaskState> {
        self.screens().find_map(|screen| match screen {
            Screen::Task(state) if state.task.slug == slug => Some(&mut **state),
            _ => None,
        })
    }

    /// The learner's program for an exercise: in the directory that the screen was opened in, or
    /// what was started last.
    pub fn program(&self, exercise: &str) -> Option<Program> {
        let here = self.here.as_ref().filter(|here| here.exercise == exercise);
        let started = || {
            let started = self.progress.exercises.get(exercise)?.started.as_ref()?;
            Some((
                started.directory.as_path().to_owned(),
                started.language.clone(),
            ))
        };
        let (directory, language) = here
            .map(|here| (here.directory.clone(), here.language.clone()))
            .or_else(started)?;
        let main = &self.curriculum.language(&language)?.main;
        Some(Program {
            main: directory.join(main),
            directory,
            language,
        })
    }

    /// Sets the lines of the screen for its size.
    pub fn set_pages(&mut self) {
        let width = self.size.page_columns();
        let rows = self.page_rows();
        let highlighter = self.highlighter;
        let program = match &self.screen {
            Screen::Exercise(state) => self.program(&state.slug),
            _ => None,
        };
        let known = (&self.progress, self.now);
        match &mut self.screen {
            Screen::Path(_) => {}
            Screen::Lesson(state) => {
                let node = Node::Lesson(state.lesson.slug.clone());
                let next = path::after(&node, &self.curriculum);
                let next = next.map(|node| path::title(&node, &self.curriculum));
                let variant = state.lesson.variant.as_ref();
                let outcomes = variant
                    .map_or_else(Vec::new, |slug| outcomes_of(&self.curriculum, &slug.value));
                let variant = variant.map(|slug| known_of(&self.progress, &slug.value));
                let exercise = state.lesson.exercises.first();
                let exercise = exercise.map(|slug| Node::Exercise(slug.value.clone()));
                let exercise = exercise.map(|node| path::title(&node, &self.curriculum));
                let setting = Setting {
                    width,
                    highlighter,
                    next: next.as_deref(),
                    variant,
                    outcomes: &outcomes,
                    exercise: exercise.as_deref(),
                };
                state.set_page(setting, rows);
            }
            Screen::Exercise(state) => {
                let Some(exercise) = self.curriculum.exercise(&state.slug) else {
                    return;
                };
                let known = self.progress.exercises.get(&state.slug);
                let setting = Setting {
                    width,
                    highlighter,
                    ..Setting::default()
                };
                let subject = Subject {
                    exercise,
                    curriculum: &self.curriculum,
                    known,
                    program: program.as_ref(),
                };
                let (text, selected) = sheet::set(state, &subject, setting);
                let total = text.lines.len();
                state.text = text;
                state.selected = selected;
                state.scroll().clamp(rows, total);
            }
            Screen::Reference(state) => {
                let setting = Setting {
                    width,
                    highlighter,
                    ..Setting::default()
                };
                state.set_page(setting, rows);
            }
            Screen::Review(state) => {
                let now = self.now.unwrap_or_default();
                let deck = Deck::new(&self.curriculum, &self.progress, now, local_day);
                let page = review::page::set(state, &self.curriculum, &deck, width);
                state.scroll.clamp(rows, page.text.lines.len());
                state.page = page;
            }
            Screen::Task(state) => {
                let page = task_page(state, &self.curriculum, &self.standing, known, width);
                state.scroll.clamp(rows, page.text.lines.len());
                state.page = page;
            }
            Screen::Scripts(_) => {}
            Screen::Stepper(state) => state.set_page(self.size),
            Screen::Probes(state) => {
                state.set(self.size, &self.curriculum.catalogue.services);
            }
        }
    }
}

/// Where keys are looked up while a task or a review asks this.
fn asking(form: Option<&Form>) -> Place {
    match form.map(|form| form.kind) {
        Some(FormKind::Order(_)) => Place::TaskOrdering,
        Some(FormKind::Match) => Place::TaskMatching,
        _ => Place::Task,
    }
}

/// What is known of a task, in a word or two.
fn known_of(progress: &Progress, task: &str) -> &'static str {
    let tries = progress.proofs.get(task).map_or(&[][..], Vec::as_slice);
    match tries.iter().any(|one| one.passed && one.counts) {
        true => "✓ passed",
        false if tries.is_empty() => "not tried yet",
        false => "tried, not passed yet",
    }
}

fn task_page(
    state: &TaskState,
    curriculum: &Curriculum,
    standing: &Standing,
    (progress, now): (&Progress, Option<i64>),
    width: usize,
) -> task::page::Page {
    let tries = progress.proofs.get(&state.task.slug);
    let tries = tries.map_or(&[][..], Vec::as_slice);
    let lessons = state.task.lessons.iter();
    let lessons: Vec<&str> = lessons
        .filter_map(|slug| curriculum.lesson(&slug.value))
        .map(|lesson| lesson.title.as_str())
        .collect();
    let outcomes = standing.levels.iter().flat_map(|level| &level.outcomes);
    let mut ledger = Text::new();
    for outcome in outcomes.filter(|outcome| state.outcomes.contains(&outcome.id)) {
        ledger.append(listing::outcome(outcome, width.min(Size::PAGE)));
    }
    let subject = task::page::Subject {
        width,
        tries,
        counts_from: now.and_then(|now| counts_from(tries, now)),
        lessons: &lessons,
        ledger: &ledger,
    };
    task::page::set(state, &subject)
}
