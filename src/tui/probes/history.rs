//! Where one is among the probes, and how one got there. Pure.

use super::filter::Filter;
use super::selection::Selected;
use crate::probe::{Ask, Name};
use crate::tui::scroll::Scroll;

/// Steps that can be taken back.
const STEPS: usize = 64;

/// One place: a question, which rows of its answer are shown, and which is selected.
#[derive(Clone, Debug)]
pub struct View {
    /// The question.
    pub ask: Ask,
    /// Which rows are shown.
    pub filter: Filter,
    /// What it was when this place was come to.
    pub home: Filter,
    /// What is selected.
    pub selected: Selected,
    /// What has the keys.
    pub focus: Focus,
    /// Whether rows are shown or the picture.
    pub shape: Shape,
    /// Where the rows, or the picture, are scrolled to.
    pub scroll: Scroll,
    /// Where the page of the selected row is scrolled to.
    pub page: Scroll,
    /// Which link of that page is selected.
    pub link: usize,
}

/// What has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The rows.
    List,
    /// The page of the selected row.
    Page,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As rows to select.
    Rows,
    /// As `ipc-mastery probe` prints it.
    Picture,
}

impl View {
    /// All rows of an answer.
    pub fn new(ask: Ask) -> Self {
        Self::through(ask, Filter::default())
    }

    /// Some rows of an answer.
    pub fn through(ask: Ask, filter: Filter) -> Self {
        Self {
            ask,
            home: filter.clone(),
            filter,
            selected: Selected::default(),
            focus: Focus::List,
            shape: Shape::Rows,
            scroll: Scroll::default(),
            page: Scroll::default(),
            link: 0,
        }
    }

    /// Which tab it is on: an index into [`Name::ALL`].
    pub fn tab(&self) -> usize {
        let name = self.ask.name();
        let place = Name::ALL.iter().position(|&other| other == name);
        place.unwrap_or(0)
    }
}

/// The steps one took, the oldest first.
#[derive(Debug, Default)]
pub struct History {
    steps: Vec<Step>,
}

/// A step from one place to another.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it was taken.
    pub from: View,
    /// What was on the tab that it led to.
    pub covered: View,
}

impl History {
    /// Remembers a step; of too many the oldest is forgotten.
    pub fn push(&mut self, step: Step) {
        if self.steps.len() == STEPS {
            self.steps.remove(0);
        }
        self.steps.push(step);
    }

    /// The step that was taken last.
    pub fn pop(&mut self) -> Option<Step> {
        self.steps.pop()
    }

    /// Every place that a step can be taken back to.
    pub fn views(&self) -> impl Iterator<Item = &View> {
        let steps = self.steps.iter();
        steps.flat_map(|step| [&step.from, &step.covered])
    }
}
