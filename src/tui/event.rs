//! What can happen: keys, signals, and what the work outside has found. Events are values; where
//! they come from is [`super::input`]'s and [`super::outside`]'s.

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::crossterm::event::KeyEvent;
use serde_json::Value;

use crate::check::Progress as CheckProgress;
use crate::check::marker::Marker;
use crate::check::verdict::Report;
use crate::curriculum::model::Scripts;
use crate::curriculum::pages::Pages;
use crate::differential::play::Reply;
use crate::experiment::Observation;
use crate::experiment::scene::Variable;
use crate::mastery::look::Seen;
use crate::mastery::progress::Progress;
use crate::mastery::store;
use crate::probe::Ask;
use crate::render::highlight::Highlighter;
use crate::tui::probes::look::Look;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal may have another size.
    Resize,
    /// Time has passed while something is pending.
    Tick,
    /// A signal that asks the program to end.
    Ended(i32),
    /// SIGTSTP from outside.
    Stopped,
    /// SIGCONT: the program runs again.
    Continued,
    /// Work outside ended in a fault of ours.
    Fault(String),
    /// Code can be coloured from now on.
    Highlighter(&'static Highlighter),
    /// The reference pages, or why there are none: a clause.
    Pages(Result<Arc<Pages>, String>),
    /// Scripts of the model, or why there are none: a clause.
    Scripts(Result<Arc<Scripts>, String>),
    /// What is remembered of the learner: at the beginning, and whenever anybody changed it.
    Remembered(Box<Progress>),
    /// The time, in seconds since the epoch: before what is remembered is told.
    Today(i64),
    /// Nothing can be remembered: why, and what to do.
    Forgetful(String),
    /// A probe has answered.
    Probed {
        /// What it was asked.
        ask: Ask,
        /// What it saw, or why it saw nothing.
        result: Result<Arc<Look>, String>,
    },
    /// The time that was to pass has passed.
    Alarm,
    /// An experiment ended.
    Observed {
        /// The lesson it ran for.
        lesson: String,
        /// What it saw, or why it saw nothing.
        result: Result<Box<Observation>, String>,
    },
    /// What a task is about was seen, or was not.
    Looked {
        /// The task's slug.
        task: String,
        /// The seed of the try it was looked at for.
        seed: u64,
        /// What was seen, or why nothing: a clause.
        result: Result<Box<Seen>, String>,
    },
    /// The scene of a task stands, or does not: why, as a clause.
    SceneSet {
        /// The task's slug.
        task: String,
        /// The seed of the try it was set for.
        seed: u64,
        /// What is there.
        result: Result<Box<SceneSet>, String>,
    },
    /// A call of a free play was made, or could not be: why, as a clause.
    Played {
        /// The play.
        id: u64,
        /// Which step it is.
        place: usize,
        /// Both answers.
        reply: Result<Reply, String>,
    },
    /// That a task begins was recorded, or why not: a clause.
    ProofBegun {
        /// The task's slug.
        task: String,
        /// The seed of the try.
        seed: u64,
        /// What it is worth.
        result: Result<store::Begun, String>,
    },
    /// The report of an exercise's last check, wherever it ran.
    LastReport {
        /// The exercise's slug.
        exercise: String,
        /// The report, if there is one that can be read.
        report: Option<Box<Report>>,
    },
    /// A starter was copied, or found where one was copied earlier.
    Started {
        /// The exercise's slug.
        exercise: String,
        /// The program, or why there is none: a sentence a line.
        result: Result<Begun, String>,
    },
    /// The editor was closed; why it could not be opened, if so.
    Edited(Result<(), String>),
    /// A file was saved where one was watched for.
    Saved {
        /// The exercise's slug.
        exercise: String,
    },
    /// Files cannot be watched.
    WatchFailed {
        /// The exercise's slug.
        exercise: String,
        /// Why, and what to do.
        why: String,
    },
    /// A check went on.
    Checking {
        /// The exercise's slug.
        exercise: String,
        /// What happened.
        step: CheckProgress,
    },
    /// A check ended.
    Checked {
        /// The exercise's slug.
        exercise: String,
        /// What it found, why it could not, or `None` when it was stopped.
        result: Option<Result<Box<Report>, String>>,
    },
}

/// A scene that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneSet {
    /// What is there.
    pub obs: Value,
    /// Whether something happens in it once the learner is ready.
    pub waits: bool,
    /// Where the learner can look, if it is somewhere.
    pub directory: Option<PathBuf>,
    /// What a shell there is started with.
    pub variables: Vec<Variable>,
}

/// Where an exercise's program came from.
#[derive(Clone, Debug)]
pub enum Begun {
    /// The starter was copied there.
    Copied(Marker),
    /// It was there already.
    Found(Marker),
}
