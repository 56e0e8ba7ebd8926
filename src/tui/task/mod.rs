//! A task on the screen, from its opening to its result: what is asked, what was answered, what is
//! waited for. The rules are the command line's: that it was begun is recorded before its first
//! question; a variant is run before it is asked, and shown when all is predicted; this machine is
//! looked at again before an answer about it is called wrong.
//!
//! Drawing and judging are [`crate::mastery::proof`]'s, what keys and events do is in [`keys`], how it
//! is set as lines in [`page`].

mod keys;
pub mod page;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tui_input::InputRequest;

use super::form::Form;
use super::scroll::Scroll;
use crate::curriculum::task::{Kind, Live, Task};
use crate::experiment::scene::Variable;
use crate::mastery::look::Seen;
use crate::mastery::proof::{Given, Proof, ProofError};
use crate::mastery::store::Begun;
use crate::render::task::Worth;
use page::Page;

pub use keys::{Outcome, Recording, Surroundings};

/// A task on the screen.
#[derive(Clone, Debug)]
pub struct TaskState {
    /// The task.
    pub task: Arc<Task>,
    /// Ids of the outcomes that it is evidence for.
    pub outcomes: Vec<String>,
    /// How far it is.
    pub stage: Stage,
    /// The try that was begun last.
    pub attempt: Option<Attempt>,
    /// Its questions up to the one that is asked, in that order.
    pub forms: Vec<Form>,
    /// Where the page is scrolled to.
    pub scroll: Scroll,
    /// The lines, set for the width they were last needed at.
    pub page: Page,
    /// Whether the learner has asked to leave in the middle.
    pub leaving: Leaving,
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It can be begun.
    Ready,
    /// Its scene is being set.
    Setting,
    /// Its scene stands, and goes on when the learner is ready.
    Waiting,
    /// What it is about is looked at.
    Looking,
    /// That it begins is recorded.
    Recording,
    /// The last of the questions on the page is asked.
    Asking,
    /// An answer does not fit what was seen: it is looked again before it is called wrong.
    Checking(Given),
    /// What was said to the last question on the page is read.
    Told,
    /// All of a variant is predicted; what the kernel did is not shown yet.
    Predicted,
    /// The result is shown.
    Ended,
    /// It cannot be done here or now: why, as a clause.
    Unable(String),
}

/// One try.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What everything is drawn by.
    pub seed: u64,
    /// Whether it is to be recorded.
    pub record: Record,
    /// Its scene, once it stands.
    pub scene: Option<Setup>,
    /// What it is about, once it was looked at.
    pub seen: Option<Seen>,
    /// How many questions there are.
    pub of: usize,
    /// How many were answered right.
    pub right: usize,
}

/// A scene that stands for a try.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// What is said about it, in markdown.
    pub brief: String,
    /// Where the learner can look, if it is somewhere.
    pub directory: Option<PathBuf>,
    /// What a shell there is started with.
    pub variables: Vec<Variable>,
}

/// Whether a try is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// It will be.
    Wanted,
    /// It was when it began.
    Kept(Begun),
    /// It is practice.
    Practice,
}

/// Whether the learner has asked to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaving {
    /// No.
    #[default]
    No,
    /// Yes, and was told what that means.
    Warned,
}

impl TaskState {
    /// A task that can be begun.
    pub fn new(task: Arc<Task>, outcomes: Vec<String>) -> Self {
        Self {
            task,
            outcomes,
            stage: Stage::Ready,
            attempt: None,
            forms: Vec::new(),
            scroll: Scroll::default(),
            page: Page::default(),
            leaving: Leaving::No,
        }
    }

    /// Whether something is under way outside.
    pub fn is_pending(&self) -> bool {
        matches!(
            self.stage,
            Stage::Setting | Stage::Looking | Stage::Recording | Stage::Checking(_)
        )
    }

    /// Whether a try was begun that is recorded and has no result yet: who leaves it has not passed.
    pub fn is_under_way(&self) -> bool {
        let kept = self
            .attempt
            .as_ref()
            .is_some_and(|attempt| matches!(attempt.record, Record::Kept(_)));
        let open = match self.stage {
            Stage::Ready
            | Stage::Setting
            | Stage::Waiting
            | Stage::Looking
            | Stage::Recording
            | Stage::Ended => false,
            Stage::Told => !self.is_answered(),
            Stage::Asking | Stage::Checking(_) | Stage::Predicted => true,
            Stage::Unable(_) => false,
        };
        kept && open
    }

    /// Whether a scene stands for it, or is being set.
    pub fn has_scene(&self) -> bool {
        matches!(self.task.live, Some(Live::Scene(_))) && self.attempt.is_some()
    }

    /// The scene that stands for this try.
    pub fn setup(&self) -> Option<&Setup> {
        self.attempt.as_ref()?.scene.as_ref()
    }

    /// Whether every question was answered and judged.
    pub fn is_answered(&self) -> bool {
        let all = |attempt: &Attempt| {
            let told = self.forms.iter().filter(|form| form.told.is_some());
            attempt.of > 0 && told.count() == attempt.of
        };
        self.attempt.as_ref().is_some_and(all)
    }

    /// How many answers must be right.
    pub fn needed(&self) -> usize {
        let of = self.attempt.as_ref().map_or(0, |attempt| attempt.of);
        self.task.pass.min(of)
    }

    /// The question that keys answer.
    pub fn asked(&self) -> Option<&Form> {
        self.forms.last().filter(|_| self.stage == Stage::Asking)
    }

    fn asked_mut(&mut self) -> Option<&mut Form> {
        let asking = self.stage == Stage::Asking;
        self.forms.last_mut().filter(|_| asking)
    }

    /// Hands a key to the field.
    pub fn type_in(&mut self, request: InputRequest) {
        if let Some(form) = self.asked_mut() {
            form.type_in(request);
        }
    }

    /// What the try is worth when it is passed.
    pub fn worth(&self) -> Worth {
        match self.attempt.as_ref().map(|attempt| &attempt.record) {
            Some(Record::Kept(begun)) => begun.counts_from.map_or(Worth::Counts, Worth::TooSoon),
            _ => Worth::Practice,
        }
    }

    fn is_variant(&self) -> bool {
        self.task.kind == Kind::Variant
    }
}

/// A task as this try asks it: the same every time.
fn drawn<'a>(task: &'a Task, attempt: &Attempt) -> Result<Proof<'a>, ProofError> {
    let mut proof = Proof::draw(task, attempt.seed);
    // A variant is asked before anything was seen.
    if task.kind != Kind::Variant {
        proof.keep_askable(attempt.obs())?;
    }
    Ok(proof)
}

impl Attempt {
    /// What expressions are over.
    fn obs(&self) -> &Value {
        const NOTHING: &Value = &Value::Null;
        self.seen.as_ref().map_or(NOTHING, |seen| &seen.obs)
    }
}
