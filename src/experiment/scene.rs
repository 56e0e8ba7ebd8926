//! Scenes: live situations that stand on this machine while somebody looks at them.
//!
//! An experiment shows what it does and is over. A scene stays: the learner looks at it with their
//! own tools, and is asked what they found. What is right is read from the kernel at that moment,
//! never from what was drawn.
//!
//! A scene is set by processes of our own binary, as an experiment is: the *guard* makes a private
//! directory, starts the *director*, and clears everything away when whoever holds the [`Scene`] is
//! done or gone. The director starts the players. Which scenes tasks use, and what is asked, is
//! theirs.

mod caller;
mod census;
mod clip;
mod copy;
mod door;
mod guard;
mod member;
mod panes;
mod player;
mod session;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Failure;
use super::request::Work;
use super::role::stay_attached;
use super::runner::ExperimentError;
use crate::curriculum::services::Catalogue;
use crate::probe::Surroundings;
use caller::Caller;
use clip::Clip;
use door::Doorman;
use player::Player;

/// Every scene by name.
pub const NAMES: &[&str] = &[COPY, DOOR, PANES, SESSION];

/// A copy and a paste that are about to happen.
const COPY: &str = "copy";
/// A server that knows who connects.
const DOOR: &str = "door";
/// A server of tmux that is older than the login which uses it.
const PANES: &str = "panes";
/// The runtime directory of this login, or a mock of one.
const SESSION: &str = "session";

/// A scene that stands. It ends when it is dropped: processes and files of it are gone then. When
/// the process that holds it dies, they are gone shortly after.
#[derive(Debug)]
pub struct Scene {
    name: String,
    params: Map<String, Value>,
    /// Who has set it; `None` when the machine itself is the scene.
    caller: Option<Caller>,
}

/// A variable that a shell in a scene is started with: its name and its value.
pub type Variable = (String, OsString);

impl Scene {
    /// Sets a scene with these parameters. `program` is the path of our binary:
    /// [`super::OURSELVES`], or another one in tests. Takes some tens of milliseconds, at most half
    /// a minute.
    ///
    /// # Errors
    /// When there is no such scene, its parameters do not fit, this machine lacks something, or it
    /// cannot be set.
    pub fn begin(
        name: &str,
        params: &Map<String, Value>,
        catalogue: &Catalogue,
        program: &Path,
    ) -> Result<Self, ExperimentError> {
        if !NAMES.contains(&name) {
            let name = name.to_owned();
            return Err(ExperimentError::Unknown { name });
        }
        let own = Surroundings::of_this_process();
        let real = name == SESSION && census::anybody_listens(&catalogue.services, &own);
        let caller = if real {
            None
        } else {
            Some(Caller::start(name, params, program)?)
        };
        Ok(Self {
            name: name.to_owned(),
            params: params.clone(),
            caller,
        })
    }

    /// What is there now: what the kernel and the programs of the scene tell.
    ///
    /// # Errors
    /// When the scene has ended, or something happened that it does not foresee.
    pub fn look(&mut self, catalogue: &Catalogue) -> Result<Value, ExperimentError> {
        let services = &catalogue.services;
        let Some(caller) = &mut self.caller else {
            let own = Surroundings::of_this_process();
            return Ok(census::census(services, &own, &[]));
        };
        if self.name != SESSION {
            return caller.look();
        }
        let cast = session::Cast::read(&self.params).map_err(|failure| caller.error(failure))?;
        let surroundings = Surroundings {
            runtime_dir: caller.text("directory").map(Into::into),
            ..Surroundings::of_this_process()
        };
        Ok(census::census(services, &surroundings, &cast.programs))
    }

    /// Whether something happens in it once the learner is ready: then [`Scene::go_on`] is to be
    /// called before the first question.
    pub fn waits(&self) -> bool {
        self.name == COPY
    }

    /// Lets happen what the scene has waited for.
    ///
    /// # Errors
    /// As [`Scene::look`].
    pub fn go_on(&mut self) -> Result<(), ExperimentError> {
        match &mut self.caller {
            Some(caller) => caller.go_on(),
            None => Ok(()),
        }
    }

    /// Where it is: the directory that commands in its texts are meant to be run in.
    pub fn directory(&self) -> Option<PathBuf> {
        match &self.caller {
            Some(caller) => caller.text("directory").map(PathBuf::from),
            None => Surroundings::of_this_process()
                .runtime_dir
                .map(PathBuf::from),
        }
    }

    /// What a shell that looks at it is started with, beside the learner's own environment.
    pub fn variables(&self) -> Vec<Variable> {
        let mock = self.name == SESSION && self.caller.is_some();
        let directory = self.directory().filter(|_| mock);
        directory
            .map(|directory| ("XDG_RUNTIME_DIR".to_owned(), directory.into_os_string()))
            .into_iter()
            .collect()
    }
}

/// What a process of a scene is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Part {
    /// The guard of this scene.
    Guard(Work),
    /// Its director.
    Direct(Work),
    /// A program of a mock session.
    Player(Player),
    /// A program of a copy.
    Clip(Clip),
    /// The server behind the door.
    Doorman(Doorman),
}

/// What the director is asked for, one JSON line each.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Wish {
    /// What is there now?
    Look,
    /// Let happen what is waited for.
    GoOn,
}

/// What the director says: once when the scene stands, then to each wish.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Answer {
    /// What is there.
    Seen(Value),
    /// This machine lacks something.
    Lacking(String),
    /// The parameters are wrong.
    Parameters(String),
    /// Something happened that is not foreseen.
    Failed(String),
}

/// A scene as its director has it.
trait Set {
    /// What is there now.
    fn look(&mut self) -> Result<Value, Failure>;

    /// Lets happen what is waited for.
    fn go_on(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

impl From<Result<Value, Failure>> for Answer {
    fn from(result: Result<Value, Failure>) -> Self {
        match result {
            Ok(seen) => Self::Seen(seen),
            Err(Failure::Lacking(what)) => Self::Lacking(what),
            Err(Failure::Parameters(what)) => Self::Parameters(what),
            Err(failure) => Self::Failed(failure.to_string()),
        }
    }
}

impl Answer {
    /// The line that says it.
    fn line(&self) -> String {
        serde_json::to_string(self).expect("an answer is plain data") + "\n"
    }
}

/// Plays a part in a scene.
///
/// # Errors
/// When it cannot go on.
pub(super) fn play(part: Part, orders: impl io::BufRead) -> io::Result<()> {
    match part {
        Part::Guard(work) => guard::guard(work),
        Part::Direct(work) => {
            stay_attached()?;
            direct(&work, orders, io::stdout())
        }
        Part::Player(player) => {
            stay_attached()?;
            player.play()
        }
        Part::Clip(clip) => {
            stay_attached()?;
            clip.play()
        }
        Part::Doorman(doorman) => {
            stay_attached()?;
            doorman.play()
        }
    }
}

/// Sets a scene and serves wishes until there are no more.
fn direct(work: &Work, wishes: impl io::BufRead, mut answers: impl io::Write) -> io::Result<()> {
    let mut tell = |result: Result<Value, Failure>| {
        answers.write_all(Answer::from(result).line().as_bytes())?;
        answers.flush()
    };
    let set: Result<Box<dyn Set>, Failure> = match work.experiment.as_str() {
        COPY => copy::set(&work.params),
        DOOR => door::set(&work.params),
        PANES => panes::set(&work.params),
        SESSION => session::set(&work.params),
        other => Err(Failure::Fault(format!("there is no scene `{other}`"))),
    };
    let mut set = match set {
        Ok(set) => set,
        Err(failure) => return tell(Err(failure)),
    };
    tell(set.look())?;
    for line in wishes.lines() {
        tell(match serde_json::from_str(&line?)? {
            Wish::Look => set.look(),
            Wish::GoOn => set.go_on().map(|()| Value::Null),
        })?;
    }
    Ok(())
}
