//! Somebody who knows everything and reaches Level 2, on a terminal, with nothing but the program.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::path::Evidence;
use ipc_mastery::curriculum::task::{Kind, Task};
use ipc_mastery::mastery::clock::Clock;
use ipc_mastery::mastery::progress::Round;
use ipc_mastery::mastery::review::Deck;
use ipc_mastery::mastery::store::Store;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::asking::{DAY, HOUR, MONDAY, at, curriculum, held, letter, lettered, path};
use super::knowing::{recognized, right_line};
use super::solving::prove;
use crate::asked::PATIENCE;
use crate::home::{Home, run};
use crate::terminal::{Led, lead};

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

/// A program on a terminal.
struct OnTerminal {
    led: Led,
    written: Vec<u8>,
    emulator: vt100::Parser,
}

impl OnTerminal {
    fn begin(command: &Command) -> Self {
        Self {
            led: lead(command, (100, 40)),
            written: Vec::new(),
            emulator: vt100::Parser::new(cells(40), cells(100), 0),
        }
    }

    /// Everything that was written, without colours.
    fn said(&self) -> String {
        let written = String::from_utf8_lossy(&self.written).replace('\r', "");
        strip_str(&written).to_string()
    }

    /// Reads until something holds, or the program has ended: then false.
    fn until(&mut self, holds: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(
                Instant::now() < deadline,
                "{}",
                self.emulator.screen().contents()
            );
            // Looked at again now and then: the end of the program is no event of its terminal,
            // whose other end this side holds open.
            let patience = Timespec::try_from(Duration::from_millis(50)).unwrap();
            let mut fds = [PollFd::new(&self.led.master, PollFlags::IN)];
            if poll(&mut fds, Some(&patience)).unwrap() > 0 {
                let mut buffer = [0; 4096];
                let count = self.led.master.read(&mut buffer).unwrap_or(0);
                self.written.extend_from_slice(&buffer[..count]);
                self.emulator.process(&buffer[..count]);
            } else if self.led.child.try_wait().unwrap().is_some() {
                return false;
            }
        }
        true
    }

    /// Reads until the screen shows a text.
    fn shows(&mut self, text: &str) {
        assert!(self.until(|it| it.emulator.screen().contents().contains(text)));
    }

    fn press(&mut self, keys: &str) {
        self.led.master.write_all(keys.as_bytes()).unwrap();
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        drop(self.led.child.kill());
        drop(self.led.child.wait());
    }
}

/// Opens a lesson on the screen and goes to its end, past its questions.
fn read_through(home: &Home, lesson: &str, now: i64) {
    let mut session = OnTerminal::begin(&at(home, &["learn", lesson], now));
    session.shows("The question");
    session.press(&"s".repeat(60));
    session.press("G");
    session.shows("end of the lesson");
    session.press("q");
    session.until(|_| false);
    assert!(session.led.child.wait().unwrap().success());
}

/// Answers all that is due today, right.
pub(super) fn review(home: &Home, curriculum: &Curriculum, now: i64) {
    let due = run(&mut at(home, &["review", "--due"], now));
    if due.out.trim() == "0" {
        return;
    }
    let store = Store::open_in(&home.path("state/ipc-mastery"), Clock::At(now)).unwrap();
    let progress = store.snapshot().unwrap();
    let deck = Deck::new(curriculum, &progress, now, |at| at.div_euclid(DAY));
    let cards = deck.due();
    let mut session = OnTerminal::begin(&at(home, &["review"], now));
    let mut read = 0;
    let mut reason: Option<String> = None;
    while session.until(|it| it.said().len() > read && it.said().ends_with(": ")) {
        let said = session.said();
        let shown = &said[read..];
        read = said.len();
        let line = match reason.take() {
            Some(right) => letter(&lettered(shown), &right).to_string(),
            None => {
                let asked = cards.iter().map(|card| card.asked(Round::Due).0);
                let (line, because) = right_line(&recognized(asked, shown), shown);
                reason = because;
                line
            }
        };
        session.press(&format!("{line}\n"));
    }
    assert!(session.led.child.wait().unwrap().success());
}

#[test]
fn a_learner_who_knows_reaches_level_2_in_three_weeks_with_nothing_but_the_program() {
    let home = Home::new();
    let curriculum = curriculum();
    let levels = &curriculum.path.levels[..2];
    let outcomes: Vec<_> = levels.iter().flat_map(|level| &level.outcomes).collect();
    let mut lessons: Vec<&str> = Vec::new();
    let mut tasks: Vec<&Task> = Vec::new();
    let mut exercises: Vec<&str> = Vec::new();
    for evidence in outcomes.iter().flat_map(|outcome| &outcome.evidence) {
        match evidence {
            Evidence::Retrieval(named) => {
                lessons.extend(named.iter().map(|one| one.value.as_str()));
            }
            Evidence::Task(slug) => tasks.extend(curriculum.task(&slug.value)),
            Evidence::Exercise(slug) => exercises.push(&slug.value),
        }
    }
    lessons.sort_unstable();
    lessons.dedup();
    // What is measured on this machine is tried in a test of its own; tmux may be missing.
    tasks.retain(|task| {
        task.live.is_none()
            || task.kind == Kind::Variant && task.slug != "the-tmux-time-capsule-variant"
    });
    for lesson in lessons {
        read_through(&home, lesson, MONDAY);
    }
    for task in tasks {
        let (code, last) = prove(&home, task, MONDAY + HOUR);
        assert_eq!(code, Some(0), "{}: {last}", task.slug);
    }
    assert_eq!(
        held(&home, MONDAY + HOUR),
        Vec::<String>::new(),
        "nothing on the first day"
    );
    for exercise in exercises {
        let program = home.path(exercise);
        let start = [
            "start",
            exercise,
            "--lang",
            "python",
            "--dir",
            program.to_str().unwrap(),
        ];
        assert_eq!(run(&mut at(&home, &start, MONDAY + DAY)).code, Some(0));
        let exercise = curriculum.exercise(exercise).unwrap();
        for file in &exercise.files {
            if let Some(name) = file.name.strip_prefix("solution/python/") {
                std::fs::write(program.join(name), &file.bytes).unwrap();
            }
        }
        let check = ["check", &exercise.slug, "--dir", program.to_str().unwrap()];
        let said = run(&mut at(&home, &check, MONDAY + DAY));
        assert_eq!(said.code, Some(0), "{}", said.out);
    }
    let mut day = MONDAY;
    let wanted: Vec<String> = outcomes.iter().map(|outcome| outcome.id.clone()).collect();
    let reached = |home: &Home, day| {
        let held = held(home, day);
        wanted.iter().all(|id| held.contains(id))
    };
    while !reached(&home, day) {
        day += DAY;
        assert!(day <= MONDAY + 21 * DAY, "{:?}", held(&home, day));
        review(&home, &curriculum, day);
        for task in to_be_repeated(&home, day) {
            let (code, last) = prove(&home, curriculum.task(&task).unwrap(), day);
            assert_eq!(code, Some(0), "{task}: {last}");
        }
    }
}

/// Tasks of outcomes that have two pieces, both of the first day: once more, now that it counts.
fn to_be_repeated(home: &Home, now: i64) -> Vec<String> {
    let path = path(home, now);
    let levels = path["levels"].as_array().unwrap().iter();
    let outcomes = levels.flat_map(|level| level["outcomes"].as_array().unwrap());
    let waiting = outcomes
        .map(|outcome| &outcome["evidence"])
        .filter(|evidence| evidence["waits_until"].as_i64().is_some_and(|at| at <= now));
    waiting
        .map(|evidence| evidence["pieces"][0]["name"].as_str().unwrap().to_owned())
        .collect()
}
