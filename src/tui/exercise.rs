//! The page of an exercise: its tabs, the stage that is selected, a check that runs, what the last
//! one found. How it is set as lines is in [`super::sheet`]. Pure.

use std::path::PathBuf;

use super::action::Action;
use super::effect::{Effect, Memory};
use super::scroll::Scroll;
use crate::check::Progress;
use crate::check::verdict::{Report, StageReport, Verdict};
use crate::curriculum::exercise::Exercise;
use crate::mastery::progress::{ExerciseProgress, HintLevel};
use crate::render::text::Text;

/// A program of the learner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub directory: PathBuf,
    /// Its language's id.
    pub language: String,
    /// The file that is edited first.
    pub main: PathBuf,
}

/// The page of an exercise.
#[derive(Debug)]
pub struct ExerciseState {
    /// The exercise's slug.
    pub slug: String,
    /// Which tab is shown.
    pub tab: Tab,
    /// The selected stage, by its place.
    pub stage: usize,
    /// Whether the learner chose that stage since the last check they asked for.
    pub chosen: bool,
    /// The check that runs.
    pub live: Option<Live>,
    /// What the last check found.
    pub report: Option<Box<Report>>,
    /// Why the last check found nothing.
    pub trouble: Option<String>,
    /// Whether a starter is being copied.
    pub copying: Copying,
    /// Why none was copied: a sentence a line.
    pub not_copied: Option<String>,
    /// Whether files are watched.
    pub watching: Watching,
    /// Where each tab is scrolled to.
    pub scrolls: [Scroll; Tab::ALL.len()],
    /// Where the result was scrolled to before a save had it judged again.
    pub left_at: Option<Scroll>,
    /// The lines of the tab, set for the width they were last needed at.
    pub text: Text,
    /// The lines of the selected stage in `text`.
    pub selected: std::ops::Range<usize>,
}

/// A tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// What to build.
    Task,
    /// The stages, and hints.
    Stages,
    /// What the last check found.
    Result,
}

/// A check that runs.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Whether the program is being built.
    pub building: bool,
    /// The stage that is being judged.
    pub stage: Option<String>,
    /// The stages that were judged.
    pub done: Vec<StageReport>,
    /// Whether it was asked to stop.
    pub stopping: bool,
    /// Whether a file was saved meanwhile, so that it has to be done again.
    pub again: bool,
}

/// Whether the program is judged whenever a file is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// Only when asked.
    No,
    /// On every save.
    Yes,
}

/// Whether a starter is being copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copying {
    /// No.
    No,
    /// It is; fetching what it needs may take a while.
    Yes,
}

impl Tab {
    /// In the order on the screen.
    pub const ALL: [Tab; 3] = [Self::Task, Self::Stages, Self::Result];

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Stages => "Stages and hints",
            Self::Result => "Result",
        }
    }

    /// Its place.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl ExerciseState {
    /// The page, with the effect that fetches what is known of the last check.
    pub fn new(slug: &str) -> (Self, Vec<Effect>) {
        let state = Self {
            slug: slug.to_owned(),
            tab: Tab::Task,
            stage: 0,
            chosen: false,
            live: None,
            report: None,
            trouble: None,
            copying: Copying::No,
            not_copied: None,
            watching: Watching::No,
            scrolls: Default::default(),
            left_at: None,
            text: Text::new(),
            selected: 0..0,
        };
        (state, vec![Effect::LastReport(slug.to_owned())])
    }

    /// Where the shown tab is scrolled to.
    pub fn scroll(&mut self) -> &mut Scroll {
        &mut self.scrolls[self.tab.index()]
    }

    /// Does what an action asks for, scrolling excepted. Gives effects and something to tell.
    pub fn act(
        &mut self,
        action: Action,
        exercise: &Exercise,
        known: Option<&ExerciseProgress>,
        program: Option<&Program>,
    ) -> Result<Vec<Effect>, String> {
        match action {
            Action::NextTab => self.turn(1),
            Action::PreviousTab => self.turn(Tab::ALL.len() - 1),
            Action::Start(number) => {
                if program.is_some() {
                    return Err("you have started it already; e opens your program".to_owned());
                }
                let language = usize::from(number)
                    .checked_sub(1)
                    .and_then(|index| exercise.languages.get(index));
                if let (Some(language), Copying::No) = (language, self.copying) {
                    self.copying = Copying::Yes;
                    self.not_copied = None;
                    return Ok(vec![Effect::Start {
                        exercise: self.slug.clone(),
                        language: language.value.clone(),
                    }]);
                }
            }
            Action::Edit => {
                return program
                    .map(|program| vec![Effect::Edit(program.main.clone())])
                    .ok_or_else(not_started);
            }
            Action::Check => {
                return program
                    .map(|program| self.check(program))
                    .ok_or_else(not_started);
            }
            Action::Watch => {
                let Some(program) = program else {
                    return Err(not_started());
                };
                if self.watching == Watching::Yes {
                    self.watching = Watching::No;
                    return Ok(vec![Effect::StopWatch]);
                }
                self.watching = Watching::Yes;
                let mut effects = vec![Effect::Watch {
                    exercise: self.slug.clone(),
                    directory: program.directory.clone(),
                }];
                effects.extend(self.check(program));
                return Ok(effects);
            }
            Action::Stop => {
                if let Some(live) = &mut self.live {
                    live.stopping = true;
                    live.again = false;
                    return Ok(vec![Effect::StopCheck]);
                }
            }
            Action::Hint => return Ok(self.hint(exercise, known)),
            _ => {}
        }
        Ok(Vec::new())
    }

    fn turn(&mut self, by: usize) {
        self.tab = Tab::ALL[(self.tab.index() + by) % Tab::ALL.len()];
    }

    /// Moves the selection among the stages; false when the action is no such move.
    pub fn step(&mut self, action: Action, stages: usize) -> bool {
        let last = stages.saturating_sub(1);
        match (self.tab, action) {
            (Tab::Stages, Action::Up) => self.stage = self.stage.saturating_sub(1),
            (Tab::Stages, Action::Down) => self.stage = (self.stage + 1).min(last),
            _ => return false,
        }
        self.chosen = true;
        true
    }

    /// The learner wants a verdict and to see it.
    fn check(&mut self, program: &Program) -> Vec<Effect> {
        self.tab = Tab::Result;
        *self.scroll() = Scroll::default();
        self.left_at = None;
        self.chosen = false;
        self.judge(program)
    }

    /// Judges, now or when the check that runs has ended.
    fn judge(&mut self, program: &Program) -> Vec<Effect> {
        if let Some(live) = &mut self.live {
            live.again = true;
            return Vec::new();
        }
        self.trouble = None;
        self.live = Some(Live::default());
        vec![Effect::Check {
            exercise: self.slug.clone(),
            directory: program.directory.clone(),
            language: program.language.clone(),
        }]
    }

    /// A file was saved: a check that runs is given up, and it is judged again. What the learner
    /// looks at stays where it is.
    pub fn saved(&mut self, program: Option<&Program>) -> Vec<Effect> {
        let Some(program) = program.filter(|_| self.watching == Watching::Yes) else {
            return Vec::new();
        };
        let result = self.scrolls[Tab::Result.index()];
        self.left_at.get_or_insert(result);
        let mut effects = self.judge(program);
        if let Some(live) = self.live.as_mut().filter(|live| live.again) {
            live.stopping = true;
            effects.push(Effect::StopCheck);
        }
        effects
    }

    /// The check went on.
    pub fn checking(&mut self, step: Progress) {
        let Some(live) = &mut self.live else { return };
        match step {
            Progress::Building => live.building = true,
            Progress::StageStarted { id } => {
                live.building = false;
                live.stage = Some(id);
            }
            Progress::Sanitizing => live.stage = None,
            Progress::StageDone(report) => {
                live.building = false;
                live.stage = None;
                live.done.push(*report);
            }
        }
    }

    /// The check ended; `None`: it was stopped.
    pub fn checked(
        &mut self,
        result: Option<Result<Box<Report>, String>>,
        exercise: &Exercise,
        program: Option<&Program>,
    ) -> Vec<Effect> {
        let again = self.live.take().is_some_and(|live| live.again);
        match result {
            Some(Ok(report)) => self.take(report, exercise),
            Some(Err(message)) => self.trouble = Some(message),
            None => self.trouble = Some("the check was stopped".to_owned()),
        }
        match program {
            Some(program) if again => self.judge(program),
            _ => {
                if let Some(left_at) = self.left_at.take() {
                    self.scrolls[Tab::Result.index()] = left_at;
                }
                Vec::new()
            }
        }
    }

    /// Takes a new report. Where another failure than before is the first, it is shown from its
    /// beginning.
    fn take(&mut self, report: Box<Report>, exercise: &Exercise) {
        let same = |before: &Report| {
            before.first_diagnosis() == report.first_diagnosis()
                && before.first_failure().map(|stage| &stage.id)
                    == report.first_failure().map(|stage| &stage.id)
        };
        let same = self.report.as_deref().is_some_and(same);
        if !same {
            self.left_at = self.left_at.map(|_| Scroll::default());
        }
        self.select_failed(&report, exercise);
        self.report = Some(report);
        self.trouble = None;
    }

    /// The last check was found in what is remembered.
    pub fn remembered(&mut self, report: Option<Box<Report>>, exercise: &Exercise) {
        if let (Some(report), None) = (report, &self.live) {
            self.select_failed(&report, exercise);
            self.report = Some(report);
        }
    }

    /// Selects the stage that failed first, unless the learner has chosen another.
    fn select_failed(&mut self, report: &Report, exercise: &Exercise) {
        if self.chosen {
            return;
        }
        let failed = report.first_failure().map(|stage| stage.id.as_str());
        let place = exercise
            .stages
            .iter()
            .position(|stage| Some(stage.id.value.as_str()) == failed);
        self.stage = place.unwrap_or(self.stage);
    }

    fn hint(&mut self, exercise: &Exercise, known: Option<&ExerciseProgress>) -> Vec<Effect> {
        self.tab = Tab::Stages;
        let Some(stage) = exercise.stages.get(self.stage) else {
            return Vec::new();
        };
        let taken = known.and_then(|known| known.hints.get(&stage.id.value).copied());
        if taken == Some(HintLevel::Show) {
            return Vec::new();
        }
        vec![Effect::Remember(Memory::Hint {
            exercise: self.slug.clone(),
            stage: stage.id.value.clone(),
            level: HintLevel::after(taken),
        })]
    }

    /// The judgement of a stage: of the check that runs, else of the last one.
    pub fn verdict(&self, stage: &str) -> Option<Verdict> {
        let of = |stages: &[StageReport]| {
            let found = stages.iter().find(|report| report.id == stage);
            found.map(|report| report.verdict)
        };
        match &self.live {
            Some(live) => of(&live.done),
            None => of(&self.report.as_ref()?.stages),
        }
    }
}

fn not_started() -> String {
    "you have no program yet; start one from the Task tab".to_owned()
}
