//! Where the learner is: what is done of each module, level and outcome, and what is next.
//! Pure: a curriculum and a progress in, plain data out. What counts as passed was decided when it
//! was recorded ([`super::store`]).

use serde::Serialize;

use super::evidence::{self, Ledger, Piece, PieceState};
use super::progress::{LessonProgress, Progress};
use crate::check::verdict::Verdict;
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::Exercise;
use crate::curriculum::lesson::Lesson;

/// The whole path with the learner on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its name.
    pub title: String,
    /// What to do next; `None` when all is done.
    pub next: Option<Next>,
    /// What to prove next; `None` while no outcome is ready for it.
    pub proof: Option<NextProof>,
    /// Whether a simulated clock gave the times.
    pub simulated: bool,
    /// Every lesson.
    pub lessons: Tally,
    /// Every exercise.
    pub exercises: Tally,
    /// Modules in the order of the path.
    pub modules: Vec<ModuleStanding>,
    /// Levels in order.
    pub levels: Vec<LevelStanding>,
    /// Mechanisms that have no module yet.
    pub later: Vec<String>,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many are done.
    pub done: u32,
    /// How many there are.
    pub of: u32,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Next {
    /// Read a lesson.
    Lesson {
        /// Its slug.
        slug: String,
        /// Its module's slug.
        module: String,
        /// Its title.
        title: String,
        /// Whether it was opened before.
        begun: bool,
    },
    /// Pass an exercise.
    Exercise {
        /// Its slug.
        slug: String,
        /// Its number.
        number: u32,
        /// Its title.
        title: String,
        /// Whether it was started or checked before.
        begun: bool,
    },
}

/// What to prove next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextProof {
    /// The outcome, `O1` to `O16`.
    pub outcome: String,
    /// The piece of evidence that is missing.
    pub piece: Piece,
    /// Not before this moment, in seconds since the epoch, if it is to count.
    pub not_before: Option<i64>,
}

/// A module with the learner in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModuleStanding {
    /// Its slug.
    pub slug: String,
    /// Its number.
    pub number: u32,
    /// Its name.
    pub title: String,
    /// `Start`, `Core`, `Intermediate` or `Advanced`.
    pub level: String,
    /// Its lessons in order.
    pub lessons: Vec<LessonStanding>,
    /// Its exercises by number.
    pub exercises: Vec<ExerciseStanding>,
}

/// A lesson with the learner in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LessonStanding {
    /// Its slug.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// About how long it takes, in minutes.
    pub minutes: u32,
    /// How far the learner is.
    pub state: State,
    /// Quiz items whose last answer was right.
    pub answers: Tally,
    /// Quiz items answered at all.
    pub answered: u32,
}

/// An exercise with the learner at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExerciseStanding {
    /// Its slug.
    pub slug: String,
    /// Its number.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// How far the learner is.
    pub state: State,
    /// When it was passed first with evidence, in seconds since the epoch.
    pub passed_at: Option<i64>,
    /// Whether it was passed, but only after a Show hint.
    pub assisted: bool,
    /// How often it was checked.
    pub attempts: u32,
    /// The verdict of the last check.
    pub last_verdict: Option<Verdict>,
    /// Required stages that were passed in some check that was evidence.
    pub stages: Tally,
    /// Bonus stages that were.
    pub bonus: Tally,
}

/// How far the learner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Never touched.
    New,
    /// Opened, started or checked.
    Begun,
    /// Read to its end, or passed with evidence.
    Done,
}

/// A level with the learner in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LevelStanding {
    /// 1 to 4.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// About how long it takes, in words.
    pub pace: String,
    /// What someone at this level can do.
    pub outcomes: Vec<OutcomeStanding>,
}

/// An outcome, and what the learner has done for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutcomeStanding {
    /// `O1` to `O16`.
    pub id: String,
    /// What the learner can do: a sentence.
    pub text: String,
    /// The lessons that lead to it.
    pub lessons: Tally,
    /// The exercises that show it.
    pub exercises: Tally,
    /// The evidence for it.
    pub evidence: Ledger,
}

impl OutcomeStanding {
    /// Whether nothing is written yet that leads to it.
    pub fn is_to_come(&self) -> bool {
        self.lessons.of == 0 && self.exercises.of == 0 && self.evidence.pieces.is_empty()
    }

    /// Whether two independent pieces of evidence are there.
    pub fn is_held(&self) -> bool {
        self.evidence.held
    }

    /// Whether anything was done for it.
    pub fn is_begun(&self) -> bool {
        let mut pieces = self.evidence.pieces.iter();
        let tried = pieces.any(|piece| piece.state != PieceState::Open);
        tried || self.lessons.done + self.exercises.done > 0
    }
}

impl Tally {
    /// Counts what is done among all.
    pub fn count(all: impl IntoIterator<Item = bool>) -> Self {
        all.into_iter().fold(Self::default(), |tally, done| Self {
            done: tally.done + u32::from(done),
            of: tally.of + 1,
        })
    }

    /// Whether nothing is left.
    pub fn is_full(self) -> bool {
        self.done == self.of
    }
}

/// Where the learner is on the path.
pub fn standing(curriculum: &Curriculum, progress: &Progress) -> Standing {
    let modules: Vec<ModuleStanding> = curriculum
        .modules
        .iter()
        .map(|module| ModuleStanding {
            slug: module.slug.clone(),
            number: module.number,
            title: module.title.clone(),
            level: module.level.clone(),
            lessons: module
                .lessons
                .iter()
                .map(|lesson| lesson_standing(lesson, progress))
                .collect(),
            exercises: curriculum
                .exercises
                .iter()
                .filter(|exercise| exercise.module.value == module.slug)
                .map(|exercise| exercise_standing(exercise, progress))
                .collect(),
        })
        .collect();
    let is_read = |slug: &str| {
        let lesson = progress.lessons.get(slug);
        lesson_state(lesson) == State::Done
    };
    let levels = curriculum.path.levels.iter().map(|level| LevelStanding {
        number: level.number,
        name: level.name.clone(),
        pace: level.pace.clone(),
        outcomes: level
            .outcomes
            .iter()
            .map(|outcome| OutcomeStanding {
                id: outcome.id.clone(),
                text: outcome.text.clone(),
                lessons: Tally::count(outcome.lessons.iter().map(|slug| is_read(&slug.value))),
                exercises: Tally::count(
                    outcome
                        .exercises
                        .iter()
                        .map(|slug| progress.has_passed(&slug.value)),
                ),
                evidence: evidence::ledger(curriculum, outcome, progress),
            })
            .collect(),
    });
    let levels: Vec<LevelStanding> = levels.collect();
    Standing {
        title: curriculum.path.title.clone(),
        next: next(curriculum, progress),
        lessons: Tally::count(curriculum.lessons().map(|lesson| is_read(&lesson.slug))),
        exercises: Tally::count(
            curriculum
                .exercises
                .iter()
                .map(|exercise| progress.has_passed(&exercise.slug)),
        ),
        proof: next_proof(&levels),
        simulated: progress.simulated,
        levels,
        modules,
        later: curriculum
            .path
            .later
            .iter()
            .map(|module| module.title.clone())
            .collect(),
    }
}

/// What to prove next: the first piece that is missing of an outcome whose lessons are all read.
fn next_proof(levels: &[LevelStanding]) -> Option<NextProof> {
    let mut outcomes = levels.iter().flat_map(|level| &level.outcomes);
    outcomes.find_map(|outcome| {
        let piece = outcome.evidence.missing()?;
        let ready = outcome.lessons.of > 0 && outcome.lessons.is_full();
        ready.then(|| NextProof {
            outcome: outcome.id.clone(),
            piece: piece.clone(),
            not_before: outcome.evidence.waits_until,
        })
    })
}

/// What to do next, in the order of the path: a module's lessons, then its exercises. An exercise
/// that another lesson must be read for waits until that lesson's turn; so does a lesson.
pub fn next(curriculum: &Curriculum, progress: &Progress) -> Option<Next> {
    let is_read = |slug: &str| lesson_state(progress.lessons.get(slug)) == State::Done;
    let is_ready = |needs: &[crate::curriculum::reader::Located<String>]| {
        needs.iter().all(|need| is_read(&need.value))
    };
    let mut waiting = None;
    for module in &curriculum.modules {
        let lessons = module
            .lessons
            .iter()
            .filter(|lesson| !is_read(&lesson.slug))
            .map(|lesson| (is_ready(&lesson.needs), next_lesson(lesson, progress)));
        let exercises = curriculum
            .exercises
            .iter()
            .filter(|exercise| exercise.module.value == module.slug)
            .filter(|exercise| !progress.has_passed(&exercise.slug))
            .map(|exercise| {
                (
                    is_ready(&exercise.lessons),
                    next_exercise(exercise, progress),
                )
            });
        for (ready, candidate) in lessons.chain(exercises) {
            if ready {
                return Some(candidate);
            }
            waiting.get_or_insert(candidate);
        }
    }
    waiting
}

fn next_lesson(lesson: &Lesson, progress: &Progress) -> Next {
    Next::Lesson {
        slug: lesson.slug.clone(),
        module: lesson.module.clone(),
        title: lesson.title.clone(),
        begun: lesson_state(progress.lessons.get(&lesson.slug)) != State::New,
    }
}

fn next_exercise(exercise: &Exercise, progress: &Progress) -> Next {
    Next::Exercise {
        slug: exercise.slug.clone(),
        number: exercise.number,
        title: exercise.title.clone(),
        begun: exercise_state(exercise, progress) != State::New,
    }
}

fn lesson_state(lesson: Option<&LessonProgress>) -> State {
    match lesson {
        Some(lesson) if lesson.finished_at.is_some() => State::Done,
        Some(lesson) if lesson.first_read_at.is_some() => State::Begun,
        _ => State::New,
    }
}

fn exercise_state(exercise: &Exercise, progress: &Progress) -> State {
    match progress.exercises.get(&exercise.slug) {
        Some(exercise) if exercise.passed_at.is_some() => State::Done,
        Some(_) => State::Begun,
        None => State::New,
    }
}

fn lesson_standing(lesson: &Lesson, progress: &Progress) -> LessonStanding {
    let answers = lesson
        .quiz
        .iter()
        .map(|item| progress.answers.get(&item.id.value));
    LessonStanding {
        slug: lesson.slug.clone(),
        title: lesson.title.clone(),
        minutes: lesson.minutes,
        state: lesson_state(progress.lessons.get(&lesson.slug)),
        answered: answers.clone().flatten().count() as u32,
        answers: Tally::count(answers.map(|answer| answer.is_some_and(|answer| answer.right))),
    }
}

fn exercise_standing(exercise: &Exercise, progress: &Progress) -> ExerciseStanding {
    let known = progress.exercises.get(&exercise.slug);
    let stages = |bonus: bool| {
        let stages = exercise.stages.iter().filter(|stage| stage.bonus == bonus);
        Tally::count(stages.map(|stage| {
            known.is_some_and(|known| known.stages_passed.contains_key(&stage.id.value))
        }))
    };
    ExerciseStanding {
        slug: exercise.slug.clone(),
        number: exercise.number,
        title: exercise.title.clone(),
        state: exercise_state(exercise, progress),
        passed_at: known.and_then(|known| known.passed_at),
        assisted: known.is_some_and(|known| known.is_assisted()),
        attempts: known.map_or(0, |known| known.attempts),
        last_verdict: known.and_then(|known| Some(known.last.as_ref()?.verdict)),
        stages: stages(false),
        bonus: stages(true),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::curriculum::source::Source;
    use crate::mastery::progress::{AnswerProgress, Attempt, ExerciseProgress, Kept, SubjectKind};

    /// Three lessons in two modules; the exercise needs the second lesson.
    fn small() -> Curriculum {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/small");
        Curriculum::load(&Source::Directory(pack)).unwrap()
    }

    fn read(progress: &mut Progress, lesson: &str) {
        let read = LessonProgress {
            first_read_at: Some(1),
            finished_at: Some(2),
            ..LessonProgress::default()
        };
        progress.lessons.insert(lesson.to_owned(), read);
    }

    fn pass(progress: &mut Progress) {
        let passed = ExerciseProgress {
            attempts: 1,
            passed_at: Some(9),
            ..ExerciseProgress::default()
        };
        progress.exercises.insert("greeter".to_owned(), passed);
    }

    fn next_slug(progress: &Progress) -> Option<String> {
        next(&small(), progress).map(|next| match next {
            Next::Lesson { slug, .. } | Next::Exercise { slug, .. } => slug,
        })
    }

    #[test]
    fn what_is_next_follows_the_path_until_all_is_done() {
        let mut progress = Progress::default();
        for lesson in ["welcome", "names", "bytes"] {
            assert_eq!(next_slug(&progress).as_deref(), Some(lesson));
            read(&mut progress, lesson);
        }
        assert_eq!(next_slug(&progress).as_deref(), Some("greeter"));
        pass(&mut progress);
        assert_eq!(next_slug(&progress), None);
    }

    #[test]
    fn what_waits_for_an_unread_lesson_is_passed_over() {
        let mut progress = Progress::default();
        read(&mut progress, "welcome");
        read(&mut progress, "bytes");
        assert_eq!(next_slug(&progress).as_deref(), Some("names"));
        pass(&mut progress);
        assert_eq!(next_slug(&progress).as_deref(), Some("names"));
    }

    #[test]
    fn an_opened_lesson_is_begun_and_not_done() {
        let mut progress = Progress::default();
        let opened = LessonProgress {
            first_read_at: Some(1),
            ..LessonProgress::default()
        };
        progress.lessons.insert("welcome".to_owned(), opened);
        let standing = standing(&small(), &progress);
        assert_eq!(standing.modules[0].lessons[0].state, State::Begun);
        assert_eq!(standing.lessons, Tally { done: 0, of: 3 });
        assert!(matches!(
            standing.next,
            Some(Next::Lesson { begun: true, .. })
        ));
    }

    #[test]
    fn a_pass_that_is_no_evidence_leaves_the_exercise_begun() {
        let mut progress = Progress::default();
        let last = Attempt {
            at: 3,
            verdict: Verdict::Pass,
            subject: SubjectKind::Command,
            language: None,
            seed: 1,
            evidence: false,
            assisted: false,
            build_diagnosis: None,
            stages: Vec::new(),
        };
        let tried = ExerciseProgress {
            attempts: 1,
            last: Some(last),
            ..ExerciseProgress::default()
        };
        progress.exercises.insert("greeter".to_owned(), tried);
        let standing = standing(&small(), &progress);
        let exercise = &standing.modules[1].exercises[0];
        assert_eq!(exercise.state, State::Begun);
        assert_eq!(exercise.last_verdict, Some(Verdict::Pass));
        assert_eq!(standing.exercises.done, 0);
    }

    #[test]
    fn outcomes_count_their_own_lessons_and_exercises() {
        let mut progress = Progress::default();
        read(&mut progress, "bytes");
        pass(&mut progress);
        let standing = standing(&small(), &progress);
        let [first, second] = &standing.levels[0].outcomes[..] else {
            panic!("two outcomes");
        };
        assert_eq!(first.lessons, Tally { done: 0, of: 2 });
        assert_eq!(second.exercises, Tally { done: 1, of: 1 });
        assert!(second.is_begun() && !first.is_begun());
        assert!(!second.is_held(), "one piece is not enough");
        assert!(standing.levels[1].outcomes[0].is_to_come());
    }

    #[test]
    fn a_module_counts_answers_by_their_last_try() {
        let mut progress = Progress::default();
        let answer = AnswerProgress {
            at: 1,
            kept: Kept::chosen(1, None),
            right: false,
            times: 2,
            times_right: 1,
        };
        progress.answers.insert("names-1".to_owned(), answer);
        let standing = standing(&small(), &progress);
        let names = &standing.modules[1].lessons[0];
        assert_eq!(
            (names.answers, names.answered),
            (Tally { done: 0, of: 1 }, 1)
        );
    }

    #[test]
    fn progress_in_what_is_no_longer_taught_changes_nothing() {
        let mut progress = Progress::default();
        read(&mut progress, "gone");
        assert_eq!(
            standing(&small(), &progress),
            standing(&small(), &Progress::default())
        );
    }
}
