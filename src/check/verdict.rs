//! What a check found: plain data, the same for the terminal, the screen and `--json`.

use serde::{Deserialize, Serialize};

use super::sanitizer::Finding;
use crate::untrusted::Untrusted;

/// The judgement of a stage, or of an exercise over its required stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything that was required was seen.
    Pass,
    /// A rule was broken.
    Fail,
    /// This machine lacks something the judgement needs.
    CannotJudge,
    /// Our fault.
    CheckerError,
    /// A stage it depends on did not pass.
    NotJudged,
}

impl Verdict {
    /// The judgement of an exercise from those of its required stages: checker-error outweighs
    /// fail, fail outweighs cannot-judge, cannot-judge outweighs pass. A required stage that was
    /// not judged weighs nothing by itself: the stage it waits for has already decided.
    pub fn over(required: impl IntoIterator<Item = Verdict>) -> Verdict {
        let weight = |verdict: Verdict| match verdict {
            Verdict::Pass | Verdict::NotJudged => 0,
            Verdict::CannotJudge => 1,
            Verdict::Fail => 2,
            Verdict::CheckerError => 3,
        };
        required.into_iter().fold(Verdict::Pass, |worst, verdict| {
            if weight(verdict) > weight(worst) {
                verdict
            } else {
                worst
            }
        })
    }

    /// As it is written in JSON and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::CannotJudge => "cannot-judge",
            Self::CheckerError => "checker-error",
            Self::NotJudged => "not-judged",
        }
    }
}

/// All that a check found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// `ipc-mastery/check/1`.
    #[serde(skip_deserializing, default = "schema")]
    pub schema: &'static str,
    /// The exercise's slug.
    pub exercise: String,
    /// Its number.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// What was judged.
    pub subject: Subject,
    /// Every random byte came from it; `--seed` repeats them.
    pub seed: u64,
    /// How the program was kept apart, and what was not contained.
    pub isolation: Isolation,
    /// Over the required stages.
    pub verdict: Verdict,
    /// Whether it can count as evidence of learning: not for `--cmd` and `--socket`, not when
    /// only some stages were judged.
    pub evidence: bool,
    /// A failed build; then no stage was judged.
    pub build: Option<Failure>,
    /// In the order of the exercise.
    pub stages: Vec<StageReport>,
    /// Whether every stage was run once more with the compiler's sanitizers: only when that was
    /// asked for, everything passed, and there are some.
    #[serde(default)]
    pub sanitized: bool,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

fn schema() -> &'static str {
    "ipc-mastery/check/1"
}

/// Which program was judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Subject {
    /// A program in a directory, built and run by us.
    Directory {
        /// The directory.
        path: Untrusted,
        /// The language's id.
        language: String,
    },
    /// `--cmd`: a command run by us.
    Command {
        /// The command line as given.
        command: String,
    },
    /// `--socket`: a server that already ran.
    Socket {
        /// Where it listens.
        path: Untrusted,
    },
}

/// How the program was kept apart from everything else.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Isolation {
    /// What was done, in words: `own session`, `resource limits`, `uid 64003`.
    pub measures: Vec<String>,
    /// What was not contained, in words.
    pub not_contained: Vec<String>,
}

/// What one stage showed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StageReport {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether the exercise can be passed without it.
    pub bonus: bool,
    /// The judgement.
    pub verdict: Verdict,
    /// Why it failed, could not be judged or was not judged.
    pub failure: Option<Failure>,
    /// What the program left behind; a note, unless a step asks for it.
    #[serde(default)]
    pub leftovers: Vec<Leftover>,
    /// What the compiler's sanitizers found although it passed, when that was asked for. It never
    /// changes a verdict.
    #[serde(default)]
    pub sanitizer: Option<Finding>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// Something that a program left behind, or that was still there when its stage was over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What kind of thing.
    pub kind: LeftoverKind,
    /// Which, in words, printable: `process 4711 (sleep)`.
    pub what: String,
    /// Whether the checker has removed it; what may be another program's stays.
    pub removed: bool,
}

/// What can be left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftoverKind {
    /// A process that outlived the main process.
    Process,
    /// The name of a socket.
    SocketFile,
    /// System V shared memory.
    SharedMemory,
    /// A System V message queue.
    MessageQueue,
    /// System V semaphores.
    Semaphores,
    /// POSIX shared memory or a POSIX semaphore.
    PosixSharedMemory,
    /// A POSIX message queue.
    PosixMessageQueue,
}

/// Why a stage did not pass. Texts are sentences; what came from outside is already printable.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    /// The diagnosis's id.
    pub diagnosis: String,
    /// The rule's id.
    pub rule: String,
    /// The rule, as a sentence.
    pub requirement: String,
    /// The rule's reference.
    pub reference: String,
    /// What the checker did, in order.
    pub did: Vec<String>,
    /// What had to be seen.
    pub expected: Shown,
    /// What was seen.
    pub saw: Shown,
    /// The likely cause.
    pub cause: String,
    /// Where to look.
    pub look: String,
    /// What happened, both sides, on one clock: the last 2000 events.
    pub timeline: Vec<Event>,
    /// Events before these that were left out.
    #[serde(default)]
    pub timeline_left_out: usize,
    /// Where the program's side of the timeline comes from.
    pub timeline_note: String,
    /// Shell commands that do the same by hand.
    pub by_hand: String,
    /// Slug of a lesson to read on, if one teaches it.
    pub lesson: Option<String>,
    /// The program's last output on stderr, or the compiler's.
    pub output: Vec<String>,
    /// What the compiler's sanitizers found in another run of this stage. It explains and never
    /// judges.
    #[serde(default)]
    pub sanitizer: Option<Finding>,
}

/// Something expected or seen: a sentence, and bytes when bytes matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// In words.
    pub words: String,
    /// A window of bytes, escaped as `Untrusted` does.
    pub bytes: Option<String>,
    /// The column in `bytes` at which expected and seen part, counted from 0.
    pub caret: Option<usize>,
    /// Lines that belong to it, such as calls that came before; printable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the stage began.
    pub at_us: u64,
    /// Who did it.
    pub side: Side,
    /// What: a clause, printable.
    pub what: String,
}

/// A side of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The checker and its peers.
    Checker,
    /// The learner's program.
    Program,
}

impl Report {
    /// The first stage that did not pass, in the order of the exercise, required ones first.
    pub fn first_failure(&self) -> Option<&StageReport> {
        let failed =
            |stage: &&StageReport| !matches!(stage.verdict, Verdict::Pass | Verdict::NotJudged);
        let mut required = self.stages.iter().filter(|stage| !stage.bonus);
        required
            .find(failed)
            .or_else(|| self.stages.iter().find(failed))
    }

    /// The diagnosis of what failed first, the build included.
    pub fn first_diagnosis(&self) -> Option<&str> {
        let of_stage = || self.first_failure()?.failure.as_ref();
        let failure = self.build.as_ref().or_else(of_stage)?;
        Some(&failure.diagnosis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_required_stage_decides() {
        use Verdict::{CannotJudge, CheckerError, Fail, NotJudged, Pass};
        assert_eq!(Verdict::over([Pass, Fail, NotJudged]), Fail);
        assert_eq!(Verdict::over([CannotJudge, Pass]), CannotJudge);
        assert_eq!(Verdict::over([Fail, CheckerError]), CheckerError);
        assert_eq!(Verdict::over([]), Pass);
    }
}
