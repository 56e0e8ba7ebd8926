//! What is remembered of one learner, as plain data: what `list --json` prints and the screen
//! draws. Times are seconds since the epoch. Reading it from the database is [`super::store`]'s;
//! comparing it with what there is to learn is [`super::path`]'s.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::verdict::Verdict;
use crate::curriculum::exercise::Stage;
use crate::untrusted::Untrusted;

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// By the lesson's slug; a lesson never opened is not in it.
    pub lessons: BTreeMap<String, LessonProgress>,
    /// By the exercise's slug; an exercise never touched is not in it.
    pub exercises: BTreeMap<String, ExerciseProgress>,
    /// By the quiz item's id.
    pub answers: BTreeMap<String, AnswerProgress>,
    /// Every answer given in a review, by the quiz item's id, oldest first.
    pub reviews: BTreeMap<String, Vec<ReviewProgress>>,
    /// Every try of a task, by the task's slug, oldest first.
    pub proofs: BTreeMap<String, Vec<ProofProgress>>,
    /// What `start` made last.
    pub last_start: Option<Started>,
    /// Whether a simulated clock gave the times.
    pub simulated: bool,
}

/// What is remembered of one lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LessonProgress {
    /// When it was opened first; `None` when only its questions were met.
    pub first_read_at: Option<i64>,
    /// When it was open last.
    pub last_read_at: Option<i64>,
    /// The furthest block seen, counted from 0.
    pub furthest_block: u32,
    /// When its last block was seen first.
    pub finished_at: Option<i64>,
    /// The latest answer to each prediction, by the prediction's id.
    pub predictions: BTreeMap<String, PredictionProgress>,
    /// The latest statement of each part's fact, by the part's id.
    pub facts: BTreeMap<String, FactProgress>,
}

/// The latest answer to a prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PredictionProgress {
    /// When it was made.
    pub at: i64,
    /// The option chosen, counted from 0.
    pub option: u32,
    /// Whether the kernel agreed; `None` when the experiment could not tell.
    pub agreed: Option<bool>,
    /// How sure the learner was, in percent, if asked.
    pub confidence: Option<u8>,
}

/// The latest statement of an experiment's decisive fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactProgress {
    /// When it was stated.
    pub at: i64,
    /// What was entered.
    pub given: String,
    /// Whether it was what the experiment observed.
    pub right: bool,
}

/// What is remembered of one quiz item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnswerProgress {
    /// When it was answered last.
    pub at: i64,
    /// The last answer.
    #[serde(flatten)]
    pub kept: Kept,
    /// Whether the last answer was right, option and reason together.
    pub right: bool,
    /// How often it was answered.
    pub times: u32,
    /// How often the answer was right.
    pub times_right: u32,
}

/// One answer given in a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReviewProgress {
    /// When it was given.
    pub at: i64,
    /// Whether the question was due, or came once more because it was missed.
    pub round: Round,
    /// The answer.
    #[serde(flatten)]
    pub kept: Kept,
    /// Whether it was right, option and reason together.
    pub right: bool,
}

/// An answer as it is remembered: by what the lesson writes, not by where it was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The option chosen, counted from 0; `None` where there is nothing to choose.
    pub option: Option<u32>,
    /// The reason chosen, counted from 0; `None` for an item without reasons.
    pub reason: Option<u32>,
    /// The word or number that was typed. Of an order the statements, of a match the purposes,
    /// counted from 0 with a space between two, traps after the steps; `-` for what was not shown.
    pub words: Option<String>,
    /// By what the question was drawn; `None` when it was asked as its lesson shows it.
    pub seed: Option<u64>,
}

impl Kept {
    /// An option, and a reason where one was asked for, of a question as its lesson shows it.
    pub fn chosen(option: usize, reason: Option<usize>) -> Self {
        Self {
            option: Some(option as u32),
            reason: reason.map(|reason| reason as u32),
            ..Self::default()
        }
    }
}

/// One try of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProofProgress {
    /// When it was begun.
    pub at: i64,
    /// Whether it can be evidence.
    pub counts: bool,
    /// How many answers were right.
    pub right: u32,
    /// How many questions were asked.
    pub of: u32,
    /// Whether all were right.
    pub passed: bool,
}

/// Why a question is asked in a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Round {
    /// It was due.
    Due,
    /// It was missed earlier in the same session.
    OnceMore,
}

/// What is remembered of one exercise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExerciseProgress {
    /// How often it was checked, in whatever way.
    pub attempts: u32,
    /// When it was passed first with evidence, assisted or not.
    pub passed_at: Option<i64>,
    /// When it was passed first with evidence and without a Show hint that helped.
    pub passed_unassisted_at: Option<i64>,
    /// Languages it was passed in, with evidence, in alphabetic order.
    pub passed_languages: Vec<String>,
    /// When each stage was passed first in a check that was evidence, by the stage's id; bonus
    /// stages too.
    pub stages_passed: BTreeMap<String, i64>,
    /// The last check.
    pub last: Option<Attempt>,
    /// The strongest hint taken for each stage, by the stage's id.
    pub hints: BTreeMap<String, HintLevel>,
    /// When it was started last, and where.
    pub started: Option<Started>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// When it ended.
    pub at: i64,
    /// Over the required stages.
    pub verdict: Verdict,
    /// What was judged: `directory`, `command` or `socket`.
    pub subject: SubjectKind,
    /// The language's id, when a directory was judged.
    pub language: Option<String>,
    /// The seed of its random bytes.
    pub seed: u64,
    /// Whether it can count.
    pub evidence: bool,
    /// Whether a Show hint helped: one for a required stage that was not passed before the hint.
    pub assisted: bool,
    /// The diagnosis of a failed build.
    pub build_diagnosis: Option<String>,
    /// Each stage, in the order of the exercise.
    pub stages: Vec<StageResult>,
}

/// What was judged, without its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A program in a directory.
    Directory,
    /// `--cmd`.
    Command,
    /// `--socket`.
    Socket,
}

/// One stage of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageResult {
    /// The stage's id.
    pub id: String,
    /// Whether the exercise can be passed without it.
    pub bonus: bool,
    /// The judgement.
    pub verdict: Verdict,
    /// Why it failed or could not be judged: the diagnosis's id.
    pub diagnosis: Option<String>,
}

/// How much a hint gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HintLevel {
    /// Where the evidence is.
    Look,
    /// The mechanism.
    Think,
    /// A worked answer to a sister problem.
    Show,
}

/// A directory that `start` made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Started {
    /// When.
    pub at: i64,
    /// The exercise's slug.
    pub exercise: String,
    /// Where, as an absolute path.
    pub directory: Untrusted,
    /// The language's id.
    pub language: String,
}

impl Progress {
    /// Whether the exercise was passed with evidence.
    pub fn has_passed(&self, exercise: &str) -> bool {
        self.exercises
            .get(exercise)
            .is_some_and(|exercise| exercise.passed_at.is_some())
    }
}

impl ExerciseProgress {
    /// Whether a Show hint for this stage makes later passes assisted: not for a bonus stage, not
    /// when the stage or the whole was passed without.
    pub fn is_helped_by_show(&self, stage: &Stage) -> bool {
        let passed = self.stages_passed.contains_key(&stage.id.value);
        !stage.bonus && !passed && self.passed_unassisted_at.is_none()
    }

    /// Whether it was passed, but never without a Show hint that helped.
    pub fn is_assisted(&self) -> bool {
        self.passed_at.is_some() && self.passed_unassisted_at.is_none()
    }
}

impl HintLevel {
    /// All, weakest first.
    pub const ALL: [Self; 3] = [Self::Look, Self::Think, Self::Show];

    /// As it is written on the command line and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Think => "think",
            Self::Show => "show",
        }
    }

    /// The level after what was taken; Show stays Show.
    pub fn after(taken: Option<Self>) -> Self {
        match taken {
            None => Self::Look,
            Some(Self::Look) => Self::Think,
            Some(Self::Think | Self::Show) => Self::Show,
        }
    }
}

impl Round {
    /// All.
    pub const ALL: [Self; 2] = [Self::Due, Self::OnceMore];

    /// As it is written in JSON and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::OnceMore => "once-more",
        }
    }
}

impl SubjectKind {
    /// All.
    pub const ALL: [Self; 3] = [Self::Directory, Self::Command, Self::Socket];

    /// As it is written in JSON and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Command => "command",
            Self::Socket => "socket",
        }
    }
}
