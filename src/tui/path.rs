//! The path as a tree of rows: modules with lessons and exercises, then levels with outcomes and the pieces of evidence for each.
//! Which rows there are, which is selected, what is next. Drawing is [`super::view`]'s.

use std::collections::BTreeSet;

use super::action::Action;
use super::reference::entries::Tab;
use super::scroll::Scroll;
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::Exercise;
use crate::curriculum::module::Module;
use crate::curriculum::path::{Level, Outcome};
use crate::mastery::path::{Next, Standing};

/// What a row stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A module, by slug.
    Module(String),
    /// A lesson, by slug.
    Lesson(String),
    /// An exercise, by slug.
    Exercise(String),
    /// A level, by number.
    Level(u32),
    /// An outcome, by id.
    Outcome(String),
    /// A piece of evidence for an outcome, by its place.
    Piece(String, usize),
    /// A task, by slug. It has no row of its own.
    Task(String),
    /// An entry of a reference page, by its place. It has no row either.
    Entry(Tab, usize),
    /// The heading of the modules to come.
    Later,
    /// A module to come, by its place in the list.
    LaterModule(usize),
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it stands for.
    pub node: Node,
    /// How far it is indented: 0 to 2.
    pub depth: usize,
    /// Whether it has rows below it, and whether they are shown.
    pub fold: Fold,
}

/// Whether a row has rows below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// It has none.
    Leaf,
    /// It has, and they are hidden.
    Closed,
    /// It has, and they are shown.
    Open,
}

/// What is selected and what is unfolded.
#[derive(Clone, Debug, Default)]
pub struct PathState {
    /// The selected row; `None` stands for the first.
    pub selected: Option<Node>,
    /// Unfolded rows.
    pub open: BTreeSet<Node>,
    /// The first row that is shown.
    pub scroll: Scroll,
}

impl PathState {
    /// All modules unfolded, nothing selected yet.
    pub fn new(curriculum: &Curriculum) -> Self {
        let modules = curriculum.modules.iter();
        Self {
            selected: None,
            open: modules
                .map(|module| Node::Module(module.slug.clone()))
                .collect(),
            scroll: Scroll::default(),
        }
    }

    /// The rows that are shown, top to bottom.
    pub fn rows(&self, curriculum: &Curriculum) -> Vec<Row> {
        let mut rows = Vec::new();
        for module in &curriculum.modules {
            let lessons = module.lessons.iter();
            let children = lessons
                .map(|lesson| Node::Lesson(lesson.slug.clone()))
                .chain(
                    exercises_of(curriculum, module)
                        .map(|exercise| Node::Exercise(exercise.slug.clone())),
                );
            self.push(&mut rows, Node::Module(module.slug.clone()), children);
        }
        for level in &curriculum.path.levels {
            let outcomes = level.outcomes.iter();
            let children = outcomes.map(|outcome| Node::Outcome(outcome.id.clone()));
            self.push(&mut rows, Node::Level(level.number), children);
            if self.open.contains(&Node::Level(level.number)) {
                for outcome in &level.outcomes {
                    self.push_pieces(&mut rows, outcome);
                }
            }
        }
        if !curriculum.path.later.is_empty() {
            let children = (0..curriculum.path.later.len()).map(Node::LaterModule);
            self.push(&mut rows, Node::Later, children);
        }
        rows
    }

    fn push(&self, rows: &mut Vec<Row>, node: Node, children: impl Iterator<Item = Node>) {
        let open = self.open.contains(&node);
        let parent = rows.len();
        rows.push(Row {
            node,
            depth: 0,
            fold: Fold::Leaf,
        });
        for child in children {
            rows[parent].fold = if open { Fold::Open } else { Fold::Closed };
            if open {
                rows.push(Row {
                    node: child,
                    depth: 1,
                    fold: Fold::Leaf,
                });
            }
        }
    }

    /// Puts the pieces of evidence below the row of their outcome.
    fn push_pieces(&self, rows: &mut Vec<Row>, outcome: &Outcome) {
        let node = Node::Outcome(outcome.id.clone());
        let Some(parent) = rows.iter().position(|row| row.node == node) else {
            return;
        };
        if outcome.evidence.is_empty() {
            return;
        }
        let open = self.open.contains(&node);
        rows[parent].fold = if open { Fold::Open } else { Fold::Closed };
        if open {
            let pieces = (0..outcome.evidence.len()).map(|place| Row {
                node: Node::Piece(outcome.id.clone(), place),
                depth: 2,
                fold: Fold::Leaf,
            });
            rows.splice(parent + 1..parent + 1, pieces);
        }
    }

    /// The place of the selected row among `rows`.
    pub fn selected_index(&self, rows: &[Row]) -> usize {
        self.selected
            .as_ref()
            .and_then(|node| rows.iter().position(|row| row.node == *node))
            .unwrap_or(0)
    }

    /// Selects a row and shows it, with `page` rows on the screen.
    pub fn select(&mut self, node: Node, curriculum: &Curriculum, page: usize) {
        let mut above = parent(&node, curriculum);
        while let Some(one) = above {
            above = parent(&one, curriculum);
            self.open.insert(one);
        }
        self.selected = Some(node);
        let rows = self.rows(curriculum);
        let index = self.selected_index(&rows);
        self.scroll.reveal(index, index + 1, page);
        self.scroll.clamp(page, rows.len());
    }

    /// Moves the selection; false when the action is no move.
    pub fn apply(&mut self, action: Action, curriculum: &Curriculum, page: usize) -> bool {
        let rows = self.rows(curriculum);
        let Some(last) = rows.len().checked_sub(1) else {
            return false;
        };
        let mut cursor = Scroll {
            top: self.selected_index(&rows),
        };
        // The selection moves as a page of one row would scroll, pages excepted.
        let moved = match action {
            Action::PageUp => cursor.top.saturating_sub(page.max(1)),
            Action::PageDown => (cursor.top + page.max(1)).min(last),
            Action::HalfPageUp => cursor.top.saturating_sub(page / 2),
            Action::HalfPageDown => (cursor.top + page / 2).min(last),
            _ => {
                if !cursor.apply(action, 1, rows.len()) {
                    return false;
                }
                cursor.top
            }
        };
        self.select(rows[moved].node.clone(), curriculum, page);
        true
    }

    /// Unfolds the selected row, where it has rows below it.
    pub fn unfold(&mut self, curriculum: &Curriculum, page: usize) {
        let rows = self.rows(curriculum);
        let row = rows.get(self.selected_index(&rows));
        if row.is_some_and(|row| row.fold == Fold::Closed) {
            self.toggle(curriculum, page);
        }
    }

    /// Folds or unfolds the selected row; a lesson or outcome folds what it is in.
    pub fn toggle(&mut self, curriculum: &Curriculum, page: usize) {
        let rows = self.rows(curriculum);
        let Some(row) = rows.get(self.selected_index(&rows)) else {
            return;
        };
        let node = if row.fold == Fold::Leaf {
            parent(&row.node, curriculum)
        } else {
            Some(row.node.clone())
        };
        if let Some(node) = node {
            if !self.open.remove(&node) {
                self.open.insert(node.clone());
            }
            self.selected = Some(node);
            let rows = self.rows(curriculum).len();
            self.scroll.clamp(page, rows);
        }
    }
}

/// The exercises of a module, by number.
pub fn exercises_of<'a>(
    curriculum: &'a Curriculum,
    module: &Module,
) -> impl Iterator<Item = &'a Exercise> {
    let slug = module.slug.clone();
    let exercises = curriculum.exercises.iter();
    exercises.filter(move |exercise| exercise.module.value == slug)
}

fn parent(node: &Node, curriculum: &Curriculum) -> Option<Node> {
    match node {
        Node::Lesson(slug) => {
            let lesson = curriculum.lesson(slug)?;
            Some(Node::Module(lesson.module.clone()))
        }
        Node::Exercise(slug) => {
            let exercise = curriculum.exercise(slug)?;
            Some(Node::Module(exercise.module.value.clone()))
        }
        Node::Outcome(id) => level_of(id, curriculum).map(|level| Node::Level(level.number)),
        Node::Piece(id, _) => Some(Node::Outcome(id.clone())),
        Node::LaterModule(_) => Some(Node::Later),
        Node::Module(_) | Node::Level(_) | Node::Later | Node::Task(_) | Node::Entry(..) => None,
    }
}

fn level_of<'a>(outcome: &str, curriculum: &'a Curriculum) -> Option<&'a Level> {
    let holds = |level: &&Level| level.outcomes.iter().any(|one| one.id == outcome);
    curriculum.path.levels.iter().find(holds)
}

/// Lessons and exercises in the order in which they are learnt: module by module, an exercise
/// after the lessons of its module.
pub fn in_order(curriculum: &Curriculum) -> Vec<Node> {
    let mut nodes = Vec::new();
    for module in &curriculum.modules {
        let lessons = module.lessons.iter();
        nodes.extend(lessons.map(|lesson| Node::Lesson(lesson.slug.clone())));
        let exercises = exercises_of(curriculum, module);
        nodes.extend(exercises.map(|exercise| Node::Exercise(exercise.slug.clone())));
    }
    nodes
}

/// The row of what to do next.
pub fn next(standing: &Standing) -> Option<Node> {
    Some(match standing.next.as_ref()? {
        Next::Lesson { slug, .. } => Node::Lesson(slug.clone()),
        Next::Exercise { slug, .. } => Node::Exercise(slug.clone()),
    })
}

/// The lesson or exercise that follows this one.
pub fn after(node: &Node, curriculum: &Curriculum) -> Option<Node> {
    let nodes = in_order(curriculum);
    let place = nodes.iter().position(|one| one == node)?;
    nodes.into_iter().nth(place + 1)
}

/// What a lesson, an exercise or a module is called in a sentence.
pub fn title(node: &Node, curriculum: &Curriculum) -> String {
    match node {
        Node::Module(slug) => curriculum.module(slug).map(|module| module.title.clone()),
        Node::Lesson(slug) => curriculum.lesson(slug).map(|lesson| lesson.title.clone()),
        Node::Exercise(slug) => curriculum
            .exercise(slug)
            .map(|exercise| format!("Exercise {}: {}", exercise.number, exercise.title)),
        _ => None,
    }
    .unwrap_or_default()
}
