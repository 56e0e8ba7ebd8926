//! The stepper: a run of the model, looked at moment by moment, forwards and backwards. Pure: what is
//! to be drawn is set in [`page`], drawing is [`super::view`]'s.

pub mod keys;
pub mod list;
pub mod page;
pub mod play;
pub mod quiz;

use std::sync::Arc;

use tui_input::InputRequest;

use super::action::{Action, Place};
use super::effect::Effect;
use super::model::Size;
use super::probes::Typing;
use super::scroll::Scroll;
use crate::curriculum::model::{Rows, name_of, title_of};
use crate::curriculum::problem::SourceFile;
use crate::model::moment::Moment;
use crate::model::run::Run;
use crate::model::script::{Mistake, Script};
use crate::model::settings::Settings;
use crate::render::model::moment::Since;
use crate::render::model::{Cast, Told};
use page::Page;
use play::{Play, Way};
use quiz::{Asks, Quiz};

/// A run on the screen.
#[derive(Debug)]
pub struct StepperState {
    /// The script.
    pub file: Arc<SourceFile>,
    /// Why checks refuse.
    pub rows: Arc<Rows>,
    /// What it does.
    pub run: Run,
    /// Who takes part in it.
    pub cast: Cast,
    /// Where one is.
    pub at: Moment,
    /// From where on changes are marked.
    pub since: Since,
    /// Whether it is explained why the call came back so.
    pub why: Why,
    /// What is asked before calls.
    pub quiz: Quiz,
    /// The prompt, where calls are typed.
    pub play: Option<Box<Play>>,
    /// Where the picture is scrolled to.
    pub scroll: Scroll,
    /// What is shown, set for the size it was last needed at.
    pub page: Page,
    /// Whether what changed is to be brought into view.
    moved: Moved,
}

/// Whether it is explained why a call came back so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Why {
    /// It is not asked.
    #[default]
    NotAsked,
    /// It is asked.
    Asked,
}

/// Whether one came to another moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    No,
    Yes,
}

impl StepperState {
    /// A script before its first call.
    ///
    /// # Errors
    /// When it holds a mistake.
    pub fn new(file: Arc<SourceFile>, rows: Arc<Rows>) -> Result<Self, Mistake> {
        let script = Script::parse(&file.text)?;
        let run = Run::of(&script, Arc::new(Settings::default()))?;
        let cast = Cast::of(&run);
        Ok(Self {
            file,
            rows,
            run,
            cast,
            at: Moment::default(),
            since: Since::default(),
            why: Why::default(),
            quiz: Quiz::default(),
            play: None,
            scroll: Scroll::default(),
            page: Page::default(),
            moved: Moved::Yes,
        })
    }

    /// A free play before its first call.
    pub fn playing(id: u64, user: (u32, u32), rows: Arc<Rows>) -> Self {
        let play = Play::new(id, user);
        let run = Run::begun(play.kernel(&Script::default()));
        Self {
            file: play::file(String::new()),
            rows,
            cast: Cast::of(&run),
            run,
            at: Moment::default(),
            since: Since::default(),
            why: Why::default(),
            quiz: Quiz::default(),
            play: Some(Box::new(play)),
            scroll: Scroll::default(),
            page: Page::default(),
            moved: Moved::Yes,
        }
    }

    /// Where keys are looked up.
    pub fn place(&self) -> Place {
        match &self.play {
            Some(play) if play.typing == Typing::Yes => Place::Prompt,
            _ => Place::Stepper,
        }
    }

    /// Hands a key to the prompt.
    pub fn type_in(&mut self, request: InputRequest) {
        if let Some(play) = self.play.as_mut().filter(|play| play.typing == Typing::Yes) {
            play.type_in(request);
        }
    }

    /// What the script is called on the command line.
    pub fn name(&self) -> &str {
        name_of(&self.file.name)
    }

    /// What it is called in a title: its first comment, or its name.
    pub fn title(&self) -> &str {
        match title_of(&self.file.text) {
            _ if self.play.is_some() => "Free play",
            "" => self.name(),
            title => title,
        }
    }

    /// What surrounds the run.
    pub fn told(&self) -> Told<'_> {
        Told {
            source: &self.file.text,
            rows: &self.rows,
            cast: &self.cast,
        }
    }

    /// Asks what calls come back with from now on.
    pub fn ask(&mut self) {
        self.quiz.asks = Asks::Yes;
        self.quiz.reach(&self.run, self.at.step);
    }

    /// Whether the moment has a reason that can be asked for: the call is back.
    pub fn has_reason(&self) -> bool {
        self.run.is_back(self.at)
    }

    /// Does what an action asks for.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match (action, &mut self.play) {
            (Action::Accept, Some(_)) => return self.take(),
            (Action::Leave, Some(play)) => play.typing = Typing::No,
            (Action::Recall, Some(play)) => play.recall(Way::Back),
            (Action::RecallNext, Some(play)) => play.recall(Way::Forth),
            (Action::Complete, Some(play)) => play.complete(),
            _ => self.walk(action),
        }
        Vec::new()
    }

    /// Takes the line in the prompt: each call of it is made on the model, and asked for outside.
    fn take(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(play) = &mut self.play else {
            return effects;
        };
        let Some(taken) = play.take(&self.file.text, &self.run) else {
            return effects;
        };
        if let Some(anew) = taken.anew {
            self.run = anew;
        }
        let script = Script::parse(&taken.text).unwrap_or_default();
        for step in &taken.steps {
            if let Err(mistake) = self.run.extend(step) {
                play.complain(&mistake);
                return effects;
            }
            let place = self.run.steps().len() - 1;
            effects.push(play::turn(play.id, place, step, &script));
        }
        self.file = play::file(taken.text);
        self.cast = Cast::of(&self.run);
        self.go(Some(self.run.last()), Since::Call);
        effects
    }

    /// Goes to another moment, or scrolls.
    fn walk(&mut self, action: Action) {
        match action {
            Action::Forward => self.go(self.run.later(self.at), Since::Event),
            Action::Backward => self.go(self.run.earlier(self.at), Since::Event),
            Action::NextCall => {
                let next = Moment {
                    step: self.at.step + 1,
                    behind: 0,
                };
                // A call that is asked about is not passed over.
                let asks =
                    self.run.is_back(self.at) && self.quiz.about(&self.run, next.step).is_some();
                let to = match asks {
                    true => Some(next),
                    false => self.run.next_back(self.at),
                };
                self.go(to, Since::Call);
            }
            Action::Choose(number) => {
                if self.quiz.answer(self.at.step, usize::from(number)) {
                    self.go(Some(self.run.end_of(self.at.step)), Since::Call);
                }
            }
            Action::Predict if self.play.is_none() => {
                self.quiz.turn();
                if self.at.behind == 0 {
                    self.quiz.reach(&self.run, self.at.step);
                }
            }
            Action::PreviousCall => self.go(self.run.previous_back(self.at), Since::Call),
            Action::Home => self.go(Some(Moment::default()), Since::Call),
            Action::End => self.go(Some(self.run.last()), Since::Call),
            Action::Why => {
                self.why = match self.why {
                    Why::NotAsked if self.has_reason() => Why::Asked,
                    _ => Why::NotAsked,
                };
            }
            action => {
                let (rows, total) = (self.page.rows, self.page.picture.lines.len());
                self.scroll.apply(action, rows, total);
            }
        }
    }

    fn go(&mut self, to: Option<Moment>, since: Since) {
        if let Some(to) = to {
            self.at = to;
            self.since = since;
            self.why = Why::NotAsked;
            self.quiz.open = None;
            if to.behind == 0 && self.play.is_none() {
                self.quiz.reach(&self.run, to.step);
            }
            self.moved = Moved::Yes;
        }
    }

    /// Sets what is shown.
    pub fn set_page(&mut self, size: Size) {
        self.page = page::set(self, size);
        let total = self.page.picture.lines.len();
        let marked = self.page.marked.clone();
        let moved = std::mem::replace(&mut self.moved, Moved::No) == Moved::Yes;
        if let Some(lines) = marked.filter(|_| moved) {
            self.scroll.reveal(lines.start, lines.end, self.page.rows);
        }
        self.scroll.clamp(self.page.rows, total);
    }
}
