//! A scene that stands while a task is done: a thread of its own holds it, looks at it when it is
//! asked to, and ends it when nobody asks any more. What it shows is [`crate::experiment::scene`]'s.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use serde_json::{Map, Value};

use super::event::{Event, SceneSet};
use super::outside::guarded;
use crate::curriculum::Curriculum;
use crate::experiment::scene::{Scene, Variable};
use crate::experiment::{ExperimentError, OURSELVES};
use crate::mastery::look::Seen;

/// What a scene is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// What is there now?
    Look,
    /// Let happen what is waited for; then: what is there?
    GoOn,
}

/// Which scene is set, and for which try.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The task's slug.
    pub task: String,
    /// The try's seed.
    pub seed: u64,
    /// The scene's name.
    pub name: String,
    /// Its parameters, drawn ones among them.
    pub params: Map<String, Value>,
}

/// A scene behind a thread.
#[derive(Debug)]
pub struct Stand {
    wishes: Sender<Wish>,
    idle: Receiver<()>,
}

impl Stand {
    /// Sets a scene in the background; that it stands comes as an event.
    pub fn set(wanted: Wanted, curriculum: Arc<Curriculum>, events: Sender<Event>) -> Self {
        let (wishes, inbox) = mpsc::channel();
        let (busy, idle) = mpsc::channel::<()>();
        guarded("scene", events, move |events| {
            let _busy = busy;
            hold(&wanted, &curriculum, &inbox, events);
        });
        Self { wishes, idle }
    }

    /// Asks the scene; the answer comes as an event.
    pub fn ask(&self, wish: Wish) {
        // One that could not be set hears nothing; the screen has been told.
        let _unheard = self.wishes.send(wish);
    }

    /// Ends it, and waits until its processes and files are gone.
    pub fn end(self, patience: Duration) {
        drop(self.wishes);
        let _ended = self.idle.recv_timeout(patience);
    }
}

fn hold(wanted: &Wanted, curriculum: &Curriculum, inbox: &Receiver<Wish>, events: &Sender<Event>) {
    let catalogue = &curriculum.catalogue;
    let (task, seed) = (&wanted.task, wanted.seed);
    let begun = Scene::begin(
        &wanted.name,
        &wanted.params,
        catalogue,
        Path::new(OURSELVES),
    );
    let begun = begun.and_then(|mut scene| Ok((scene.look(catalogue)?, scene)));
    let (set, scene) = match begun {
        Ok((obs, scene)) => {
            let set = SceneSet {
                obs,
                waits: scene.waits(),
                directory: scene.directory(),
                variables: scene.variables(),
            };
            (Ok(Box::new(set)), Some(scene))
        }
        Err(error) => (Err(error.to_string()), None),
    };
    let told = Event::SceneSet {
        task: task.clone(),
        seed,
        result: set,
    };
    let (Ok(()), Some(mut scene)) = (events.send(told), scene) else {
        return;
    };
    while let Ok(wish) = inbox.recv() {
        let went_on = match wish {
            Wish::Look => Ok(()),
            Wish::GoOn => scene.go_on(),
        };
        let seen = went_on.and_then(|()| scene.look(catalogue));
        let result = seen.map(|obs| {
            Box::new(Seen {
                obs,
                observation: None,
            })
        });
        let told = Event::Looked {
            task: task.clone(),
            seed,
            result: result.map_err(|error: ExperimentError| error.to_string()),
        };
        if events.send(told).is_err() {
            return;
        }
    }
}

/// Runs the learner's shell in a directory until it ends. Giving it the terminal is the caller's.
///
/// # Errors
/// Why it cannot be started.
pub fn shell(directory: &Path, variables: &[Variable]) -> Result<(), String> {
    let named = std::env::var_os("SHELL").filter(|name| !name.is_empty());
    let program = named.map_or_else(|| PathBuf::from("/bin/sh"), PathBuf::from);
    let mut shell = Command::new(program);
    shell.current_dir(directory);
    shell.envs(variables.iter().map(|(name, value)| (name, value)));
    // An interactive shell takes the terminal for a process group of its own, so that Ctrl-C there
    // is none of ours. How it ends is the learner's business.
    let ran = shell.status().map(drop);
    ran.map_err(|error| format!("the shell cannot be started: {error}"))
}
