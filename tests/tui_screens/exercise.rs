//! An exercise: its tabs, a check that runs, a save, what the last check found.

use std::path::PathBuf;

use ipc_mastery::check;
use ipc_mastery::check::marker::Marker;
use ipc_mastery::check::verdict::{
    Failure, Isolation, Report, Shown, StageReport, Subject, Verdict,
};
use ipc_mastery::tui::effect::{Effect, Memory};
use ipc_mastery::tui::event::{Begun, Event};
use ipc_mastery::tui::exercise::Tab;
use ipc_mastery::tui::model::{Model, Screen};
use ipc_mastery::tui::path::Node;
use ipc_mastery::tui::update::{open, update};
use ipc_mastery::untrusted::Untrusted;
use ratatui::crossterm::event::KeyCode;

use super::drawing::{LARGE, SMALL, both_sizes, drawn, letter, model, press, started};

pub(super) fn exercise(model: &mut Model) {
    open(model, &Node::Exercise("echo-server".to_owned()));
    update(model, Event::Resize);
}

fn stage(id: &str, title: &str, verdict: Verdict, failure: Option<Failure>) -> StageReport {
    StageReport {
        id: id.to_owned(),
        title: title.to_owned(),
        bonus: id == "descriptor",
        verdict,
        failure,
        leftovers: Vec::new(),
        sanitizer: None,
        elapsed_ms: 12,
    }
}

fn report() -> Report {
    let failure = Failure {
        diagnosis: "no-reply".to_owned(),
        rule: "echo".to_owned(),
        requirement: "Every byte that is sent comes back, in order.".to_owned(),
        reference: "unix(7)".to_owned(),
        did: vec!["connected".to_owned(), "sent 5 bytes".to_owned()],
        expected: Shown {
            words: "5 bytes".to_owned(),
            bytes: Some("hello".to_owned()),
            caret: None,
            lines: Vec::new(),
        },
        saw: Shown {
            words: "nothing for 2 s".to_owned(),
            ..Shown::default()
        },
        cause: "Nothing came back.".to_owned(),
        look: "Look at what is done with the bytes after the read.".to_owned(),
        by_hand: "printf hello | socat - UNIX-CONNECT:/tmp/s".to_owned(),
        ..Failure::default()
    };
    let hello = "Echoes one friendly message";
    let passed = "Echoes the content of a passed file";
    Report {
        schema: "ipc-mastery/check/1",
        exercise: "echo-server".to_owned(),
        number: 3,
        title: "Echo server".to_owned(),
        subject: Subject::Directory {
            path: Untrusted::new("/home/ada/echo-server"),
            language: "python".to_owned(),
        },
        seed: 7,
        isolation: Isolation::default(),
        verdict: Verdict::Fail,
        evidence: true,
        build: None,
        stages: vec![
            stage("hello", hello, Verdict::Fail, Some(failure)),
            stage("descriptor", passed, Verdict::NotJudged, None),
        ],
        sanitized: false,
        elapsed_ms: 2012,
    }
}

#[test]
fn an_exercise_that_was_not_started() {
    both_sizes!("exercise_task", |size| {
        let mut model = model(size);
        exercise(&mut model);
        model
    });
}

#[test]
fn an_exercise_with_its_stages_and_a_hint() {
    both_sizes!("exercise_stages", |size| {
        let mut model = model(size);
        exercise(&mut model);
        update(&mut model, Event::Remembered(Box::new(started())));
        press(&mut model, KeyCode::Tab);
        model
    });
}

#[test]
fn an_exercise_that_is_being_checked() {
    both_sizes!("exercise_live", |size| {
        let mut model = model(size);
        exercise(&mut model);
        update(&mut model, Event::Remembered(Box::new(started())));
        letter(&mut model, 'c');
        let exercise = "echo-server".to_owned();
        let id = "hello".to_owned();
        let step = check::Progress::StageStarted { id };
        update(&mut model, Event::Checking { exercise, step });
        model
    });
}

#[test]
fn an_exercise_that_failed() {
    both_sizes!("exercise_result", |size| {
        let mut model = model(size);
        exercise(&mut model);
        update(&mut model, Event::Remembered(Box::new(started())));
        letter(&mut model, 'c');
        let exercise = "echo-server".to_owned();
        let result = Some(Ok(Box::new(report())));
        update(&mut model, Event::Checked { exercise, result });
        model
    });
}

#[test]
fn a_check_recorded_elsewhere_is_fetched_and_shown() {
    let mut model = model(LARGE);
    exercise(&mut model);
    let effects = update(&mut model, Event::Remembered(Box::new(started())));
    assert!(effects.is_empty(), "nothing was checked yet: {effects:?}");
    let mut progress = started();
    let known = progress.exercises.get_mut("echo-server").unwrap();
    known.attempts = 2;
    known.last = Some(ipc_mastery::mastery::progress::Attempt {
        at: 9,
        verdict: Verdict::Fail,
        subject: ipc_mastery::mastery::progress::SubjectKind::Directory,
        language: Some("python".to_owned()),
        seed: 7,
        evidence: true,
        assisted: false,
        build_diagnosis: None,
        stages: Vec::new(),
    });
    let effects = update(&mut model, Event::Remembered(Box::new(progress)));
    assert_eq!(effects, [Effect::LastReport("echo-server".to_owned())]);
    let event = Event::LastReport {
        exercise: "echo-server".to_owned(),
        report: Some(Box::new(report())),
    };
    update(&mut model, event);
    press(&mut model, KeyCode::Tab);
    press(&mut model, KeyCode::Tab);
    assert!(drawn(&model).contains("Nothing came back."));
}

fn checks(effects: &[Effect]) -> usize {
    let is_check = |effect: &&Effect| matches!(effect, Effect::Check { .. });
    effects.iter().filter(is_check).count()
}

fn saved(model: &mut Model) -> Vec<Effect> {
    let exercise = "echo-server".to_owned();
    update(model, Event::Saved { exercise })
}

/// The check that runs has ended: with this report, or because it was stopped.
fn checked(model: &mut Model, report: Option<Report>) -> Vec<Effect> {
    let exercise = "echo-server".to_owned();
    let result = report.map(|report| Ok(Box::new(report)));
    update(model, Event::Checked { exercise, result })
}

#[test]
fn a_save_during_a_check_gives_it_up_and_has_it_done_once_more() {
    let mut model = model(SMALL);
    exercise(&mut model);
    update(&mut model, Event::Remembered(Box::new(started())));
    let effects = letter(&mut model, 'w');
    assert_eq!(checks(&effects), 1);
    assert_eq!(saved(&mut model), [Effect::StopCheck]);
    assert!(drawn(&model).contains("Saved: starting over"));
    assert_eq!(checks(&saved(&mut model)), 0);
    assert_eq!(checks(&checked(&mut model, None)), 1);
    assert_eq!(checks(&checked(&mut model, Some(report()))), 0);
}

#[test]
fn a_save_moves_nothing_that_the_learner_looks_at() {
    let mut model = model(SMALL);
    exercise(&mut model);
    update(&mut model, Event::Remembered(Box::new(started())));
    letter(&mut model, 'w');
    checked(&mut model, Some(report()));
    press(&mut model, KeyCode::Down);
    press(&mut model, KeyCode::Down);
    let before = drawn(&model);
    saved(&mut model);
    assert!(drawn(&model).contains("Judging"));
    checked(&mut model, Some(report()));
    assert_eq!(drawn(&model), before, "the same failure stays where it was");
    let mut other = report();
    other.stages[0].failure.as_mut().unwrap().diagnosis = "other".to_owned();
    saved(&mut model);
    checked(&mut model, Some(other));
    assert!(
        drawn(&model).contains("failed: Echoes one friendly message"),
        "another begins anew"
    );
    // A stage that the learner chose stays chosen, and its tab shown.
    press(&mut model, KeyCode::BackTab);
    press(&mut model, KeyCode::Down);
    let chosen = |model: &Model| match &model.screen {
        Screen::Exercise(page) => (page.tab, page.stage),
        _ => panic!("the exercise is shown"),
    };
    assert_eq!(chosen(&model), (Tab::Stages, 1));
    saved(&mut model);
    checked(&mut model, Some(report()));
    assert_eq!(chosen(&model), (Tab::Stages, 1));
    letter(&mut model, 'c');
    checked(&mut model, Some(report()));
    assert_eq!(
        chosen(&model),
        (Tab::Result, 0),
        "a check that was asked for shows what it found"
    );
}

#[test]
fn leaving_an_exercise_stops_what_runs_for_it() {
    let mut model = model(SMALL);
    exercise(&mut model);
    let effects = press(&mut model, KeyCode::Esc);
    assert!(effects.contains(&Effect::StopCheck));
    assert!(effects.contains(&Effect::StopWatch));
}

#[test]
fn a_program_found_where_it_was_started_earlier_is_taken_and_remembered() {
    let mut model = model(SMALL);
    exercise(&mut model);
    letter(&mut model, '1');
    let marker = Marker {
        directory: PathBuf::from("/home/ada/echo-server"),
        exercise: "echo-server".to_owned(),
        language: "python".to_owned(),
    };
    let exercise = "echo-server".to_owned();
    let result = Ok(Begun::Found(marker.clone()));
    let effects = update(&mut model, Event::Started { exercise, result });
    assert_eq!(effects, [Effect::Remember(Memory::Start(marker))]);
    assert!(drawn(&model).contains("Your program: /home/ada/echo-server"));
    assert!(drawn(&model).contains("nothing was copied"));
}

#[test]
fn why_nothing_was_copied_is_told_whole_and_once() {
    let mut model = model(SMALL);
    exercise(&mut model);
    letter(&mut model, '1');
    let exercise = "echo-server".to_owned();
    let place = "a-long-name/".repeat(6);
    let result = Err(format!(
        "Nothing was copied: {place} is there.\nMove it away."
    ));
    update(&mut model, Event::Started { exercise, result });
    let screen = drawn(&model);
    assert!(screen.contains(&place), "{screen}");
    assert!(screen.contains("Move it away."), "{screen}");
    assert_eq!(screen.matches("Nothing was copied").count(), 1, "{screen}");
    letter(&mut model, '1');
    assert!(!drawn(&model).contains("Nothing was copied"));
}

#[test]
fn a_long_path_gives_way_to_what_is_being_done() {
    let mut model = model(SMALL);
    exercise(&mut model);
    let mut progress = started();
    let known = progress.exercises.get_mut("echo-server").unwrap();
    let place = format!("/home/ada/{}echo-server", "deep/".repeat(20));
    known.started.as_mut().unwrap().directory = Untrusted::new(place.as_str());
    update(&mut model, Event::Remembered(Box::new(progress)));
    letter(&mut model, 'w');
    let (exercise, result) = ("echo-server".to_owned(), None);
    update(&mut model, Event::Checked { exercise, result });
    let screen = drawn(&model);
    assert!(screen.contains("deep/echo-server   watching"), "{screen}");
}

#[test]
fn all_events_of_a_failure_can_be_scrolled_to() {
    let mut model = model(SMALL);
    exercise(&mut model);
    update(&mut model, Event::Remembered(Box::new(started())));
    letter(&mut model, 'c');
    let mut long = report();
    let failure = long.stages[0].failure.as_mut().unwrap();
    failure.timeline = (0..100)
        .map(|at_us| check::verdict::Event {
            at_us,
            side: check::verdict::Side::Program,
            what: format!("call number {at_us}."),
        })
        .collect();
    checked(&mut model, Some(long));
    press(&mut model, KeyCode::End);
    assert!(drawn(&model).contains("call number 99."));
    for _ in 0..90 {
        press(&mut model, KeyCode::Up);
    }
    let screen = drawn(&model);
    assert!(screen.contains("call number 1."), "{screen}");
    assert!(screen.contains("your program"), "{screen}");
}
