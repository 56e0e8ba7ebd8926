//! What the screens want done outside, as values; [`super::update`] returns them and
//! [`super::outside`] has them done.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::scene::Wish;
use crate::check::marker::Marker;
use crate::differential::play::Turn;
use crate::experiment::scene::Variable;
use crate::mastery::look::Look;
use crate::mastery::progress::{HintLevel, Kept, Round};
use crate::mastery::store::Begun;
use crate::probe::Ask;

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// End the program.
    Quit,
    /// End the program the way this signal ends programs.
    EndBy(i32),
    /// Give the terminal back and stop until the shell continues the program.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// Ask a probe.
    Probe(Ask),
    /// Tell when this much time has passed.
    Alarm(Duration),
    /// Run an experiment for a lesson.
    Experiment {
        /// The lesson's slug.
        lesson: String,
        /// The experiment's name.
        name: String,
        /// Its parameters.
        params: Map<String, Value>,
    },
    /// See what a task is about, for the try with this seed.
    Look {
        /// The task's slug.
        task: String,
        /// The try's seed.
        seed: u64,
        /// What to look at.
        at: Look,
    },
    /// Set the scene that a task is about.
    SetScene {
        /// The task's slug.
        task: String,
        /// The try's seed.
        seed: u64,
        /// The scene's name.
        name: String,
        /// Its parameters.
        params: Map<String, Value>,
    },
    /// Ask the scene that stands.
    AskScene(Wish),
    /// End the scene.
    EndScene,
    /// Have a call of a free play made.
    Play {
        /// The play.
        id: u64,
        /// Processes beside the first, each with its user.
        processes: Vec<(u32, u32)>,
        /// Which step it is.
        place: usize,
        /// The call.
        turn: Turn,
    },
    /// End the play.
    EndPlay,
    /// Run the learner's shell where a scene is.
    Shell {
        /// Where.
        directory: PathBuf,
        /// What is added to its environment.
        variables: Vec<Variable>,
    },
    /// Record that a task begins, and tell what that try is worth.
    BeginProof {
        /// The task's slug.
        task: String,
        /// The try's seed.
        seed: u64,
        /// How many questions it has.
        of: usize,
    },
    /// Write something down.
    Remember(Memory),
    /// Read the report of an exercise's last check.
    LastReport(String),
    /// Copy an exercise's starter in this language to where the learner works.
    Start {
        /// The exercise's slug.
        exercise: String,
        /// The language's id.
        language: String,
    },
    /// Open a file in the editor.
    Edit(PathBuf),
    /// Judge the program in a directory.
    Check {
        /// The exercise's slug.
        exercise: String,
        /// Where the program is.
        directory: PathBuf,
        /// Its language's id.
        language: String,
    },
    /// Stop the check that runs.
    StopCheck,
    /// Tell when a file in this directory is saved.
    Watch {
        /// The exercise's slug.
        exercise: String,
        /// The directory.
        directory: PathBuf,
    },
    /// Stop telling.
    StopWatch,
}

/// Something to write down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A lesson was seen up to a piece.
    Reading {
        /// The lesson's slug.
        lesson: String,
        /// The furthest piece seen, counted from 0.
        piece: usize,
        /// How many there are.
        pieces: usize,
    },
    /// A quiz item was answered.
    Answer {
        /// Its id.
        item: String,
        /// The answer.
        kept: Kept,
        /// Whether it was right.
        right: bool,
    },
    /// A question was answered in a review.
    Review {
        /// Its id.
        item: String,
        /// The answer.
        kept: Kept,
        /// Whether it was right.
        right: bool,
        /// Why it was asked.
        round: Round,
    },
    /// A prediction was committed to, or the kernel has decided it.
    Prediction {
        /// The lesson's slug.
        lesson: String,
        /// The prediction's id.
        prediction: String,
        /// The option chosen.
        option: usize,
        /// Whether the kernel agreed, once it was asked.
        agreed: Option<bool>,
        /// How sure the learner was, in percent.
        confidence: Option<u8>,
    },
    /// A fact was stated.
    Fact {
        /// The lesson's slug.
        lesson: String,
        /// The part's id.
        part: String,
        /// What was entered.
        given: String,
        /// Whether it was so.
        right: bool,
    },
    /// A task that was begun has its result.
    Proof {
        /// What was recorded when it began.
        begun: Begun,
        /// Answers that were right.
        right: usize,
        /// How many must be.
        needed: usize,
    },
    /// A program was found where its starter was copied earlier.
    Start(Marker),
    /// A hint was taken.
    Hint {
        /// The exercise's slug.
        exercise: String,
        /// The stage's id.
        stage: String,
        /// How much it gave away.
        level: HintLevel,
    },
}
