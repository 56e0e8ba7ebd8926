//! Has effects done on threads of their own; what they find comes back as events. Knows no screen.
//!
//! Every thread is guarded: a panic in one is told on the screen as a fault of ours and harms
//! nothing else.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::effect::Effect;
use super::event::{Begun, Event};
use super::memory::Notebook;
use super::play::{Ending, Table};
use super::probes::look::Look;
use super::scene::{Stand, Wanted};
use crate::check::cancel::Cancel;
use crate::check::marker::{self, Marker};
use crate::check::watch::Watch;
use crate::check::{self, AfterFailure, Again, CheckError, Containment, Request, Target};
use crate::curriculum::Curriculum;
use crate::curriculum::model::Scripts;
use crate::curriculum::pages::Pages;
use crate::curriculum::source::Source;
use crate::experiment;
use crate::probe;
use crate::render::highlight::Highlighter;

/// How long the end of the program waits for a check to clear away its processes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where effects are done.
#[derive(Debug)]
pub struct Outside {
    curriculum: Arc<Curriculum>,
    events: Sender<Event>,
    notebook: Notebook,
    ourselves: Vec<OsString>,
    check: Option<Cancel>,
    idle: Option<Receiver<()>>,
    watch: Option<Cancel>,
    scene: Option<Stand>,
    play: Option<Table>,
    ending: Vec<Ending>,
    clock: Clock,
}

impl Outside {
    /// Begins: opens the notebook, loads what colours code, the scripts of the model and the
    /// reference pages, all in the background.
    pub fn start(
        curriculum: Arc<Curriculum>,
        source: Source,
        events: Sender<Event>,
        ourselves: Vec<OsString>,
    ) -> Self {
        let notebook = Notebook::open(events.clone());
        let outside = Self {
            curriculum,
            events,
            notebook,
            ourselves,
            check: None,
            idle: None,
            watch: None,
            scene: None,
            play: None,
            ending: Vec::new(),
            clock: Clock::default(),
        };
        outside.spawn("highlight", |events| {
            let highlighter = Highlighter::wait();
            drop(events.send(Event::Highlighter(highlighter)));
        });
        let curriculum = Arc::clone(&outside.curriculum);
        outside.spawn("pages", move |events| {
            let scripts = Scripts::load(&source).map(Arc::new);
            let scripts = scripts.map_err(|error| error.to_string());
            drop(events.send(Event::Scripts(scripts)));
            let pages = Pages::load(&source, &curriculum).map(Arc::new);
            let pages = pages.map_err(|error| error.to_string());
            drop(events.send(Event::Pages(pages)));
        });
        outside
    }

    /// Has an effect done. Those on the terminal itself are not for here and do nothing.
    pub fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Probe(ask) => {
                let curriculum = Arc::clone(&self.curriculum);
                self.spawn("probe", move |events| {
                    let begun = Instant::now();
                    let result = probe::collect(&ask, &curriculum.catalogue)
                        .map(|probed| Arc::new(Look::new(probed, begun.elapsed())))
                        .map_err(|error| error.to_string());
                    drop(events.send(Event::Probed { ask, result }));
                });
            }
            Effect::Alarm(after) => self.clock.set(after, &self.events),
            Effect::Experiment {
                lesson,
                name,
                params,
            } => self.spawn("experiment", move |events| {
                let result = experiment::run(&name, &params, Path::new(experiment::OURSELVES))
                    .map(Box::new)
                    .map_err(|error| error.to_string());
                drop(events.send(Event::Observed { lesson, result }));
            }),
            Effect::Look { task, seed, at } => {
                let curriculum = Arc::clone(&self.curriculum);
                self.spawn("task", move |events| {
                    let result = at.look(&curriculum.catalogue).map(Box::new);
                    let result = result.map_err(|error| error.to_string());
                    drop(events.send(Event::Looked { task, seed, result }));
                });
            }
            Effect::SetScene {
                task,
                seed,
                name,
                params,
            } => {
                let wanted = Wanted {
                    task,
                    seed,
                    name,
                    params,
                };
                let curriculum = Arc::clone(&self.curriculum);
                // One that stands already ends by itself when its asker is gone.
                self.scene = Some(Stand::set(wanted, curriculum, self.events.clone()));
            }
            Effect::AskScene(wish) => {
                if let Some(scene) = &self.scene {
                    scene.ask(wish);
                }
            }
            Effect::EndScene => self.scene = None,
            Effect::Play {
                id,
                processes,
                place,
                turn,
            } => {
                if self.play.as_ref().is_none_or(|play| play.id != id) {
                    self.ending.extend(self.play.take().map(Table::end));
                    self.play = Some(Table::set(id, processes, self.events.clone()));
                }
                if let Some(play) = &self.play {
                    play.ask(place, turn);
                }
            }
            Effect::EndPlay => self.ending.extend(self.play.take().map(Table::end)),
            Effect::BeginProof { task, seed, of } => self.notebook.begin_proof(task, seed, of),
            Effect::Remember(memory) => self.notebook.remember(memory),
            Effect::LastReport(exercise) => self.notebook.last_report(exercise),
            Effect::Start { exercise, language } => self.start_exercise(exercise, language),
            Effect::Check {
                exercise,
                directory,
                language,
            } => self.check(exercise, directory, language),
            Effect::StopCheck => {
                if let Some(check) = &self.check {
                    check.cancel();
                }
            }
            Effect::Watch {
                exercise,
                directory,
            } => self.watch(exercise, directory),
            Effect::StopWatch => {
                if let Some(watch) = self.watch.take() {
                    watch.cancel();
                }
            }
            // The terminal's own.
            Effect::Quit
            | Effect::EndBy(_)
            | Effect::Suspend
            | Effect::Redraw
            | Effect::Shell { .. }
            | Effect::Edit(_) => {}
        }
    }

    /// Runs our own `start`, which copies, leaves a marker, fetches and records; where that was done
    /// earlier, its program is taken as it is.
    fn start_exercise(&self, exercise: String, language: String) {
        let place = std::env::current_dir().unwrap_or_default().join(&exercise);
        if let Some(marker) = started_in(&place, &exercise)
            && self.curriculum.language(&marker.language).is_some()
        {
            let result = Ok(Begun::Found(marker));
            drop(self.events.send(Event::Started { exercise, result }));
            return;
        }
        let mut command = Command::new(experiment::OURSELVES);
        command
            .args(&self.ourselves)
            .args(["--color", "never", "start", &exercise, "--lang", &language])
            .stdin(Stdio::null());
        self.spawn("start", move |events| {
            let result = command
                .output()
                .map_err(|error| format!("the starter could not be copied: {error}"))
                .and_then(|output| match output.status.success() {
                    true => Ok(Begun::Copied(Marker {
                        directory: place,
                        exercise: exercise.clone(),
                        language,
                    })),
                    false => Err(complaint(&output.stderr)),
                });
            drop(events.send(Event::Started { exercise, result }));
        });
    }

    fn check(&mut self, exercise: String, directory: PathBuf, language: String) {
        let cancel = match Cancel::new() {
            Ok(cancel) => cancel,
            Err(error) => {
                let result = Some(Err(format!("no descriptor is left: {error}")));
                drop(self.events.send(Event::Checked { exercise, result }));
                return;
            }
        };
        self.check = Some(cancel.clone());
        let curriculum = Arc::clone(&self.curriculum);
        let notebook = self.notebook.writer();
        // Lives as long as the check does: its end is waited for before the program ends.
        let (busy, idle) = mpsc::channel::<()>();
        self.idle = Some(idle);
        self.spawn("check", move |events| {
            let _busy = busy;
            let request = Request {
                exercise: exercise.clone(),
                target: Target::Directory {
                    path: directory,
                    language,
                },
                seed: None,
                patience: 1,
                stage: None,
                again: Again::Failure,
                after_failure: AfterFailure::TheRest,
                containment: Containment::Usual,
            };
            let mut tell = |step| {
                let exercise = exercise.clone();
                drop(events.send(Event::Checking { exercise, step }));
            };
            let result = match check::run(&curriculum, &request, &cancel, &mut tell) {
                Ok(report) => {
                    notebook.check(report.clone());
                    Some(Ok(Box::new(report)))
                }
                Err(CheckError::Cancelled) => None,
                Err(error) => Some(Err(error.to_string())),
            };
            drop(events.send(Event::Checked { exercise, result }));
        });
    }

    fn watch(&mut self, exercise: String, directory: PathBuf) {
        if let Some(earlier) = self.watch.take() {
            earlier.cancel();
        }
        let started = Cancel::new().and_then(|cancel| Ok((cancel, Watch::new(&directory)?)));
        let (cancel, mut watch) = match started {
            Ok(started) => started,
            Err(error) => {
                let why = format!("saves cannot be noticed ({error}); press c after each change");
                drop(self.events.send(Event::WatchFailed { exercise, why }));
                return;
            }
        };
        self.watch = Some(cancel.clone());
        self.spawn("watch", move |events| {
            loop {
                let event = match watch.wait(&cancel) {
                    Ok(true) => Event::Saved {
                        exercise: exercise.clone(),
                    },
                    Ok(false) => return,
                    Err(error) => {
                        let why = format!("saves can no longer be noticed: {error}");
                        let exercise = exercise.clone();
                        drop(events.send(Event::WatchFailed { exercise, why }));
                        return;
                    }
                };
                if events.send(event).is_err() {
                    return;
                }
            }
        });
    }

    /// Stops what runs and waits until what was written down is kept.
    pub fn finish(self) {
        for cancel in self.check.iter().chain(&self.watch) {
            cancel.cancel();
        }
        if let Some(idle) = self.idle {
            // Nothing is ever sent: it ends when the check does.
            let _ended = idle.recv_timeout(PATIENCE);
        }
        if let Some(scene) = self.scene {
            scene.end(PATIENCE);
        }
        for play in self.ending.into_iter().chain(self.play.map(Table::end)) {
            play.wait(PATIENCE);
        }
        self.notebook.close();
    }

    fn spawn(&self, name: &str, work: impl FnOnce(&Sender<Event>) + Send + 'static) {
        let events = self.events.clone();
        guarded(name, events, work);
    }
}

/// Runs work on a thread of its own; a panic in it becomes an event.
pub(super) fn guarded(
    name: &str,
    events: Sender<Event>,
    work: impl FnOnce(&Sender<Event>) + Send + 'static,
) {
    let told = events.clone();
    let body = move || {
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| work(&events)));
        if let Err(payload) = outcome {
            let message = payload
                .downcast_ref::<&str>()
                .map(|message| (*message).to_owned())
                .or_else(|| payload.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "a thread panicked".to_owned());
            let message = crate::untrusted::printable(&message).into_owned();
            drop(events.send(Event::Fault(message)));
        }
    };
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(body) {
        let message = format!("no thread could be started: {error}");
        drop(told.send(Event::Fault(message)));
    }
}

/// What `start` left in a directory, when that was for this exercise.
fn started_in(directory: &Path, exercise: &str) -> Option<Marker> {
    let directory = std::fs::canonicalize(directory).ok()?;
    // A marker that cannot be read is `start`'s to complain about.
    let marker = marker::find(&directory).ok()??;
    (marker.directory == directory && marker.exercise == exercise).then_some(marker)
}

/// What our own program says on standard error of why it ended, as a sentence a line.
fn complaint(stderr: &[u8]) -> String {
    let lines = crate::untrusted::Untrusted::new(stderr).lines();
    let mut out = String::new();
    for line in lines.iter().skip_while(|line| !line.starts_with("error: ")) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if let Some(message) = line.strip_prefix("error: ") {
            let why = message.strip_prefix("nothing was copied: ");
            out += &format!("Nothing was copied: {}.", why.unwrap_or(message));
        } else if let Some(cause) = line.strip_prefix("cause: ") {
            out += &format!("\nThe cause: {cause}.");
        } else {
            out.push('\n');
            out += line.strip_prefix("hint: ").unwrap_or(line);
        }
    }
    if out.is_empty() {
        out += "Nothing was copied, and `start` does not say why.";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_told_whole_and_once() {
        let said = b"note: x\nerror: nothing was copied: a already exists\n  hint: Move it away.\n";
        assert_eq!(
            complaint(said),
            "Nothing was copied: a already exists.\nMove it away."
        );
        let said = b"error: cannot write a\n  cause: no space\n";
        assert_eq!(
            complaint(said),
            "Nothing was copied: cannot write a.\nThe cause: no space."
        );
    }

    #[test]
    fn only_a_marker_of_the_same_exercise_in_that_very_directory_counts() {
        let home = tempfile::tempdir().unwrap();
        let directory = std::fs::canonicalize(home.path()).unwrap();
        let below = directory.join("below");
        std::fs::create_dir(&below).unwrap();
        assert_eq!(started_in(&directory, "echo-server"), None);
        let marker = Marker {
            directory: directory.clone(),
            exercise: "echo-server".to_owned(),
            language: "c".to_owned(),
        };
        marker.write().unwrap();
        assert_eq!(started_in(&directory, "echo-server"), Some(marker));
        assert_eq!(started_in(&directory, "greeter"), None);
        assert_eq!(started_in(&below, "echo-server"), None);
    }
}
