//! What keys and events do to a task. Pure: what is to be looked at or recorded outside comes back as
//! effects.

use std::sync::Arc;

use serde_json::Value;

use super::super::action::Action;
use super::super::effect::{Effect, Memory};
use super::super::event::SceneSet;
use super::super::form::{Form, Reply, Told};
use super::super::scene::Wish;
use super::{Attempt, Leaving, Record, Setup, Stage, TaskState, drawn};
use crate::curriculum::misconception::Misconception;
use crate::curriculum::task::Live;
use crate::mastery::look::{Look, Seen};
use crate::mastery::proof::{Given, Judged, Proof, ProofError};
use crate::mastery::store::Begun;

/// What keys of a task need to know.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The bank that answers are told from.
    pub beliefs: &'a [Misconception],
    /// A seed that no try had before.
    pub seed: u64,
    /// Whether a try can be recorded.
    pub record: Recording,
}

/// Whether a try can be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// It can.
    Possible,
    /// Nothing can be kept here.
    Impossible,
}

/// What came of a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What is to be done outside.
    pub effects: Vec<Effect>,
    /// What is to be told in one line.
    pub notice: Option<String>,
}

impl From<Vec<Effect>> for Outcome {
    fn from(effects: Vec<Effect>) -> Self {
        Self {
            effects,
            notice: None,
        }
    }
}

impl TaskState {
    /// Does what an action asks for; `None` when it is for the page.
    pub fn act(&mut self, action: Action, around: Surroundings<'_>) -> Option<Outcome> {
        self.leaving = Leaving::No;
        if action == Action::Shell || action == Action::Accept && self.is_shell_typed() {
            if let Some(form) = self.asked_mut() {
                form.clear();
                form.begin_typing();
            }
            return Some(self.shell().into_iter().collect::<Vec<_>>().into());
        }
        if let Some(form) = self.asked_mut() {
            return match form.act(action) {
                Reply::Passed => None,
                Reply::Taken => Some(Outcome::default()),
                Reply::Refused(why) => Some(Outcome {
                    notice: Some(why),
                    ..Outcome::default()
                }),
                Reply::Given(given) => Some(self.answered(given, around.beliefs).into()),
            };
        }
        let effects = match (action, &self.stage) {
            (Action::Commit, Stage::Ready | Stage::Unable(_)) => {
                let record = match around.record {
                    Recording::Possible => Record::Wanted,
                    Recording::Impossible => Record::Practice,
                };
                self.begin(around.seed, record)
            }
            (Action::Commit, Stage::Waiting) => {
                self.stage = Stage::Looking;
                vec![Effect::AskScene(Wish::GoOn)]
            }
            (Action::Commit, Stage::Told) if self.is_answered() => {
                self.stage = Stage::Ended;
                Vec::new()
            }
            (Action::Commit, Stage::Told) => self.ask_next(),
            (Action::Commit, Stage::Predicted) => self.judge_all(around.beliefs),
            (Action::Again, Stage::Ended) => {
                let seed = self.attempt.as_ref().map_or(around.seed, |one| one.seed);
                self.begin(seed, Record::Practice)
            }
            _ => return None,
        };
        Some(effects.into())
    }

    /// Whether the page may be left now; if not, the learner is to be warned.
    pub fn may_leave(&mut self) -> bool {
        let may = !self.is_under_way() || self.leaving == Leaving::Warned;
        self.leaving = Leaving::Warned;
        may
    }

    fn begin(&mut self, seed: u64, record: Record) -> Vec<Effect> {
        self.forms.clear();
        self.attempt = Some(Attempt {
            seed,
            record,
            scene: None,
            seen: None,
            of: 0,
            right: 0,
        });
        match self.task.live {
            None => self.drawn_up(),
            Some(Live::Scene(_)) => self.set_scene(),
            Some(_) => self.look(Stage::Looking),
        }
    }

    /// Has the scene set that the task is about.
    fn set_scene(&mut self) -> Vec<Effect> {
        let task = Arc::clone(&self.task);
        let (Some(Live::Scene(staged)), Some(attempt)) = (&task.live, &self.attempt) else {
            return Vec::new();
        };
        let proof = Proof::draw(&task, attempt.seed);
        let effect = Effect::SetScene {
            task: task.slug.clone(),
            seed: attempt.seed,
            name: staged.name.value.clone(),
            params: proof.params,
        };
        self.stage = Stage::Setting;
        vec![effect]
    }

    /// The scene stands, or does not.
    pub fn scene_set(&mut self, seed: u64, result: Result<SceneSet, String>) -> Vec<Effect> {
        let task = Arc::clone(&self.task);
        let Some(attempt) = self.attempt.as_mut().filter(|one| one.seed == seed) else {
            return Vec::new();
        };
        if self.stage != Stage::Setting {
            return Vec::new();
        }
        let set = match result {
            Ok(set) => set,
            Err(why) => return self.unable(why),
        };
        let brief = match Proof::draw(&task, seed).brief(&set.obs) {
            Ok(brief) => brief.unwrap_or_default(),
            Err(error) => return self.unable(error.to_string()),
        };
        attempt.scene = Some(Setup {
            brief,
            directory: set.directory,
            variables: set.variables,
        });
        if set.waits {
            self.stage = Stage::Waiting;
            return Vec::new();
        }
        attempt.seen = Some(Seen {
            obs: set.obs,
            observation: None,
        });
        self.drawn_up()
    }

    /// The learner's shell, where the scene is.
    fn shell(&self) -> Option<Effect> {
        let setup = self.setup()?;
        Some(Effect::Shell {
            directory: setup.directory.clone()?,
            variables: setup.variables.clone(),
        })
    }

    /// Has it looked at what the task is about.
    fn look(&mut self, stage: Stage) -> Vec<Effect> {
        if self.has_scene() {
            self.stage = stage;
            return vec![Effect::AskScene(Wish::Look)];
        }
        let task = Arc::clone(&self.task);
        let look = self.attempt.as_ref().and_then(|attempt| {
            let proof = drawn(&task, attempt).ok()?;
            Some((Look::of(&proof)?, attempt.seed))
        });
        let Some((at, seed)) = look else {
            return self.unable("the task names nothing to look at");
        };
        self.stage = stage;
        vec![Effect::Look {
            task: task.slug.clone(),
            seed,
            at,
        }]
    }

    /// What is asked is known now: it begins.
    fn drawn_up(&mut self) -> Vec<Effect> {
        let task = Arc::clone(&self.task);
        let Some(attempt) = &mut self.attempt else {
            return Vec::new();
        };
        let of = match drawn(&task, attempt) {
            Ok(proof) => proof.asked.len(),
            Err(error) => return self.unable(error.to_string()),
        };
        if of == 0 {
            return self.unable("nothing of it can be asked on this machine");
        }
        attempt.of = of;
        if attempt.record != Record::Wanted {
            return self.ask_next();
        }
        let seed = attempt.seed;
        self.stage = Stage::Recording;
        let task = task.slug.clone();
        vec![Effect::BeginProof { task, seed, of }]
    }

    /// That it begins was recorded, or cannot be: then it is practice.
    pub fn begun(&mut self, seed: u64, result: Result<Begun, String>) -> Vec<Effect> {
        let Some(attempt) = &mut self.attempt else {
            return Vec::new();
        };
        if attempt.seed != seed || self.stage != Stage::Recording {
            return Vec::new();
        }
        attempt.record = match result {
            Ok(begun) => Record::Kept(begun),
            Err(_) => Record::Practice,
        };
        self.ask_next()
    }

    fn ask_next(&mut self) -> Vec<Effect> {
        let task = Arc::clone(&self.task);
        let Some(attempt) = &self.attempt else {
            return Vec::new();
        };
        let form = drawn(&task, attempt).and_then(|proof| {
            let asked = proof.asked.get(self.forms.len());
            // What a variant saw is hidden until all is predicted.
            let obs = match self.is_variant() {
                true => &Value::Null,
                false => attempt.obs(),
            };
            asked.map(|asked| Form::of(asked, obs)).transpose()
        });
        match form {
            Ok(Some(mut form)) => {
                form.begin_typing();
                self.forms.push(form);
                self.stage = Stage::Asking;
                Vec::new()
            }
            Ok(None) => Vec::new(),
            Err(error) => self.unable(error.to_string()),
        }
    }

    fn answered(&mut self, given: Given, beliefs: &[Misconception]) -> Vec<Effect> {
        if self.is_variant() {
            let of = self.attempt.as_ref().map_or(0, |attempt| attempt.of);
            if self.forms.len() < of {
                return self.ask_next();
            }
            self.stage = Stage::Predicted;
            return Vec::new();
        }
        let last = self.forms.len().saturating_sub(1);
        match self.judge(last, &given, None) {
            Err(error) => self.unable(error.to_string()),
            Ok(judged) if !judged.right && self.is_looked_at_again() => {
                self.look(Stage::Checking(given))
            }
            Ok(judged) => self.tell(last, judged, None, beliefs),
        }
    }

    /// Whether what was seen may have changed since.
    fn is_looked_at_again(&self) -> bool {
        matches!(self.task.live, Some(Live::Probe(_) | Live::Scene(_)))
    }

    /// Whether `!` alone is typed where an answer is asked: the learner's shell, as in `prove`.
    fn is_shell_typed(&self) -> bool {
        let typed = self.asked().and_then(Form::typed);
        typed.is_some_and(|typed| typed.trim() == "!") && self.setup().is_some()
    }

    /// Judges an answer by what was seen when the try began, or by what is so `now`.
    fn judge(
        &self,
        place: usize,
        given: &Given,
        now: Option<&Value>,
    ) -> Result<Judged, ProofError> {
        let judged = self.attempt.as_ref().map(|attempt| {
            let proof = drawn(&self.task, attempt)?;
            let asked = proof.asked.get(place);
            let obs = now.unwrap_or_else(|| attempt.obs());
            asked.map(|asked| asked.judge(given, obs)).transpose()
        });
        Ok(judged.transpose()?.flatten().unwrap_or_default())
    }

    /// Tells what an answer is worth. With the last one the try has its result.
    fn tell(
        &mut self,
        place: usize,
        judged: Judged,
        now: Option<&Value>,
        beliefs: &[Misconception],
    ) -> Vec<Effect> {
        let task = Arc::clone(&self.task);
        let Some(attempt) = &mut self.attempt else {
            return Vec::new();
        };
        let key = drawn(&task, attempt).and_then(|proof| {
            let asked = proof.asked.get(place);
            let obs = now.unwrap_or_else(|| attempt.obs());
            asked.map(|asked| asked.key(obs)).transpose()
        });
        let key = match key {
            Ok(Some(key)) => key,
            Ok(None) => return Vec::new(),
            Err(error) => return self.unable(error.to_string()),
        };
        attempt.right += usize::from(judged.right);
        if let Some(form) = self.forms.get_mut(place) {
            form.told = Some(Told::new(judged, key, beliefs));
        }
        self.stage = Stage::Told;
        if self.is_answered() {
            self.record()
        } else {
            Vec::new()
        }
    }

    fn record(&self) -> Vec<Effect> {
        let Some(attempt) = &self.attempt else {
            return Vec::new();
        };
        let Record::Kept(begun) = attempt.record else {
            return Vec::new();
        };
        vec![Effect::Remember(Memory::Proof {
            begun,
            right: attempt.right,
            needed: self.needed(),
        })]
    }

    /// What was looked at was seen, or was not.
    pub fn looked(
        &mut self,
        seed: u64,
        result: Result<Seen, String>,
        beliefs: &[Misconception],
    ) -> Vec<Effect> {
        let Some(attempt) = self.attempt.as_mut().filter(|one| one.seed == seed) else {
            return Vec::new();
        };
        let stage = self.stage.clone();
        match (stage, result) {
            (Stage::Looking, Ok(seen)) => {
                attempt.seen = Some(seen);
                self.drawn_up()
            }
            (Stage::Checking(given), Ok(seen)) => self.check(&given, &seen.obs, beliefs),
            (Stage::Looking | Stage::Checking(_), Err(why)) => self.unable(why),
            _ => Vec::new(),
        }
    }

    /// The machine may have changed since the try began; what is so now is right, too.
    fn check(&mut self, given: &Given, now: &Value, beliefs: &[Misconception]) -> Vec<Effect> {
        let last = self.forms.len().saturating_sub(1);
        match self.judge(last, given, Some(now)) {
            Ok(judged) if judged.right => self.tell(last, judged, Some(now), beliefs),
            _ => match self.judge(last, given, None) {
                Ok(judged) => self.tell(last, judged, None, beliefs),
                Err(error) => self.unable(error.to_string()),
            },
        }
    }

    fn judge_all(&mut self, beliefs: &[Misconception]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for place in 0..self.forms.len() {
            let Some(given) = self.forms[place].given.clone() else {
                continue;
            };
            match self.judge(place, &given, None) {
                Ok(judged) => effects.extend(self.tell(place, judged, None, beliefs)),
                Err(error) => return self.unable(error.to_string()),
            }
        }
        self.stage = Stage::Ended;
        effects
    }

    fn unable(&mut self, why: impl Into<String>) -> Vec<Effect> {
        self.stage = Stage::Unable(why.into());
        Vec::new()
    }
}
