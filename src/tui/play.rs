//! A free play behind a thread: it holds the process that makes the calls, and ends it when nobody asks
//! any more.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::event::Event;
use super::outside::guarded;
use crate::differential::play::Turn;
use crate::differential::role::Request;
use crate::differential::session::Session;
use crate::experiment::OURSELVES;

/// A play.
#[derive(Debug)]
pub struct Table {
    /// Which one it is.
    pub id: u64,
    turns: Sender<(usize, Turn)>,
    idle: Receiver<()>,
}

impl Table {
    /// Starts a play; its answers come as events.
    pub fn set(id: u64, processes: Vec<(u32, u32)>, events: Sender<Event>) -> Self {
        let (turns, inbox) = mpsc::channel();
        let (busy, idle) = mpsc::channel::<()>();
        guarded("play", events, move |events| {
            let _busy = busy;
            hold(id, processes, &inbox, events);
        });
        Self { id, turns, idle }
    }

    /// Has a call made; the answer comes as an event.
    pub fn ask(&self, place: usize, turn: Turn) {
        // One that could not be started hears nothing; the screen has been told.
        let _unheard = self.turns.send((place, turn));
    }

    /// Ends it, in the background; what comes back tells when its processes and files are gone.
    pub fn end(self) -> Ending {
        drop(self.turns);
        Ending(self.idle)
    }
}

/// A play that ends.
#[derive(Debug)]
pub struct Ending(Receiver<()>);

impl Ending {
    /// Waits until nothing is left of it.
    pub fn wait(self, patience: Duration) {
        let _ended = self.0.recv_timeout(patience);
    }
}

fn hold(
    id: u64,
    processes: Vec<(u32, u32)>,
    inbox: &Receiver<(usize, Turn)>,
    events: &Sender<Event>,
) {
    let start = |directory| Request::Play {
        processes,
        directory,
    };
    let mut session = Session::start(Path::new(OURSELVES), start).map_err(|why| why.to_string());
    while let Ok((place, turn)) = inbox.recv() {
        let reply = match &mut session {
            Ok(session) => session.ask(&turn).map_err(|error| error.to_string()),
            Err(why) => Err(why.clone()),
        };
        drop(events.send(Event::Played { id, place, reply }));
    }
}
