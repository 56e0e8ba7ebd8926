//! The notebook: the only thread that holds the progress database. It writes down what it is told,
//! and tells the screen whenever anything changed, whoever changed it.
//!
//! Other processes' writes are noticed with inotify(7) on the database's directory and then looked
//! up; where files cannot be watched, the database is asked once a second.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use rustix::event::{PollFd, PollFlags, poll};

use super::effect::Memory;
use super::event::Event;
use super::outside::guarded;
use crate::check::verdict::Report;
use crate::mastery::store::{Answer, Fact, Prediction, Reading, Review, Store, StoreError};
use crate::untrusted::Untrusted;

/// Between two looks at a database whose directory cannot be watched.
const LOOK: Duration = Duration::from_secs(1);

/// How long the end of the program waits for a database that another program keeps locked.
const LAST_WORDS: Duration = Duration::from_secs(6);

/// What the notebook is asked.
#[derive(Debug)]
enum Request {
    Remember(Memory),
    LastReport(String),
    BeginProof { task: String, seed: u64, of: usize },
    Check(Box<Report>),
    Look,
    Unwatched,
    Close,
}

/// The progress database behind a thread.
#[derive(Debug)]
pub struct Notebook {
    requests: Sender<Request>,
    closed: Receiver<()>,
}

impl Notebook {
    /// Opens the database in the background.
    pub fn open(events: Sender<Event>) -> Self {
        let (requests, inbox) = mpsc::channel();
        let back = requests.clone();
        let (closing, closed) = mpsc::channel();
        guarded("notebook", events, move |events| {
            let _closing: Sender<()> = closing;
            match Store::open() {
                Ok(store) => keep(&store, &inbox, back, events),
                Err(error) => {
                    drop(events.send(Event::Forgetful(told(&error))));
                }
            }
        });
        Self { requests, closed }
    }

    /// Writes down all it was told and closes the database.
    pub fn close(self) {
        self.ask(Request::Close);
        // Ends when the thread does: it drops the other end.
        let _ended = self.closed.recv_timeout(LAST_WORDS);
    }

    /// Writes something down.
    pub fn remember(&self, memory: Memory) {
        self.ask(Request::Remember(memory));
    }

    /// Something that writes checks down from another thread.
    pub fn writer(&self) -> Writer {
        Writer(self.requests.clone())
    }

    /// Reads the report of an exercise's last check; it comes as an event.
    pub fn last_report(&self, exercise: String) {
        self.ask(Request::LastReport(exercise));
    }

    /// Records that a task begins; what the try is worth comes as an event.
    pub fn begin_proof(&self, task: String, seed: u64, of: usize) {
        self.ask(Request::BeginProof { task, seed, of });
    }

    fn ask(&self, request: Request) {
        // Without a database nobody listens; the screen has been told.
        drop(self.requests.send(request));
    }
}

/// Writes checks down.
#[derive(Clone, Debug)]
pub struct Writer(Sender<Request>);

impl Writer {
    /// Writes a check down.
    pub fn check(&self, report: Report) {
        // Without a database nobody listens; the screen has been told.
        drop(self.0.send(Request::Check(Box::new(report))));
    }
}

fn keep(store: &Store, inbox: &Receiver<Request>, back: Sender<Request>, events: &Sender<Event>) {
    watch(store.path(), back, events);
    let mut known = None;
    let mut patience = None;
    let mut quiet = true;
    loop {
        let changes = store.changes().ok();
        if quiet || changes != known {
            known = changes;
            quiet = false;
            let event = match store.snapshot() {
                Ok(progress) => Event::Remembered(Box::new(progress)),
                Err(error) => Event::Forgetful(told(&error)),
            };
            let told = events.send(Event::Today(store.now()));
            if told.and_then(|()| events.send(event)).is_err() {
                return;
            }
        }
        let request = match patience {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(patience) => inbox.recv_timeout(patience),
        };
        match request {
            Ok(Request::LastReport(exercise)) => {
                let report = store
                    .last_report(&exercise)
                    .ok()
                    .flatten()
                    .and_then(|json| serde_json::from_value(json).ok());
                drop(events.send(Event::LastReport { exercise, report }));
            }
            Ok(Request::BeginProof { task, seed, of }) => {
                let result = store.begin_proof(&task, seed, of);
                let result = result.map_err(|error| told(&error));
                drop(events.send(Event::ProofBegun { task, seed, result }));
            }
            Ok(Request::Close) => return,
            Ok(Request::Unwatched) => patience = Some(LOOK),
            // A database that cannot be written is looked at all the same.
            Ok(Request::Look) => drop(store.await_writers()),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(request) => {
                if let Err(error) = write(store, &request) {
                    drop(events.send(Event::Forgetful(told(&error))));
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn write(store: &Store, request: &Request) -> Result<(), StoreError> {
    match request {
        Request::Check(report) => store.record_check(report).map(drop),
        Request::Remember(memory) => remember(store, memory),
        Request::LastReport(_)
        | Request::BeginProof { .. }
        | Request::Look
        | Request::Unwatched
        | Request::Close => Ok(()),
    }
}

fn remember(store: &Store, memory: &Memory) -> Result<(), StoreError> {
    match memory {
        Memory::Reading {
            lesson,
            piece,
            pieces,
        } => store.record_reading(Reading {
            lesson,
            block: *piece,
            blocks: *pieces,
        }),
        Memory::Answer { item, kept, right } => store.record_answer(Answer {
            item,
            kept,
            right: *right,
        }),
        Memory::Review {
            item,
            kept,
            right,
            round,
        } => {
            let answer = Answer {
                item,
                kept,
                right: *right,
            };
            let round = *round;
            store.record_review(Review { answer, round })
        }
        Memory::Prediction {
            lesson,
            prediction,
            option,
            agreed,
            confidence,
        } => store.record_prediction(Prediction {
            lesson,
            prediction,
            option: *option,
            agreed: *agreed,
            confidence: *confidence,
        }),
        Memory::Fact {
            lesson,
            part,
            given,
            right,
        } => store.record_fact(Fact {
            lesson,
            part,
            given,
            right: *right,
        }),
        Memory::Hint {
            exercise,
            stage,
            level,
        } => store.record_hint(exercise, stage, *level),
        Memory::Proof {
            begun,
            right,
            needed,
        } => store.record_proof(*begun, *right, *needed),
        Memory::Start(marker) => {
            let place = Untrusted::from(marker.directory.as_path());
            store.record_start(&marker.exercise, &place, &marker.language)
        }
    }
}

/// Why nothing is remembered, and what to do, in one line.
fn told(error: &StoreError) -> String {
    format!("progress is not kept: {error}. {}", error.hint())
}

/// Asks the notebook to look whenever a file beside the database changes.
fn watch(database: &Path, notebook: Sender<Request>, events: &Sender<Event>) {
    let inotify = database
        .parent()
        .ok_or(io::ErrorKind::NotFound.into())
        .and_then(|directory| {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
            let changes = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE;
            inotify.add_watch(directory, changes)?;
            Ok::<_, io::Error>(inotify)
        });
    let Ok(inotify) = inotify else {
        drop(notebook.send(Request::Unwatched));
        return;
    };
    guarded("notebook watch", events.clone(), move |_| {
        loop {
            let mut fds = [PollFd::from_borrowed_fd(inotify.as_fd(), PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return drop(notebook.send(Request::Unwatched)),
            }
            let seen = inotify.read_events().is_ok_and(|events| !events.is_empty());
            if seen && notebook.send(Request::Look).is_err() {
                return;
            }
        }
    });
}
