//! Tells when time has passed: one thread that waits, for as long as the screen is shown. While
//! the program is stopped no time passes here that anybody would look at.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use super::event::Event;
use super::outside::guarded;

/// What waits; nothing does before it is set for the first time.
#[derive(Debug, Default)]
pub(super) struct Clock {
    waits: Option<Sender<Duration>>,
}

impl Clock {
    /// Has an [`Event::Alarm`] sent after this long; one that is still to come is forgotten.
    pub(super) fn set(&mut self, after: Duration, events: &Sender<Event>) {
        let waits = self.waits.get_or_insert_with(|| begin(events.clone()));
        if let Err(again) = waits.send(after) {
            // The thread could not be started, or has failed: that was told as a fault.
            let waits = begin(events.clone());
            if waits.send(again.0).is_ok() {
                self.waits = Some(waits);
            }
        }
    }
}

fn begin(events: Sender<Event>) -> Sender<Duration> {
    let (waits, wanted) = mpsc::channel::<Duration>();
    guarded("clock", events, move |events| {
        while let Ok(mut after) = wanted.recv() {
            loop {
                match wanted.recv_timeout(after) {
                    Ok(other) => after = other,
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => break,
                }
            }
            if events.send(Event::Alarm).is_err() {
                return;
            }
        }
    });
    waits
}
