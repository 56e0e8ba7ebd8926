//! The model kernel and the running one: rows of the catalogue on both, calls by chance on both, and
//! errors that are put into the model on purpose and must be found.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use ipc_mastery::curriculum::model;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::differential::generator::Who;
use ipc_mastery::differential::report::Report;
use ipc_mastery::differential::role::{Difference, Request, Told};
use ipc_mastery::differential::session::Session;
use ipc_mastery::model::catalogue::{self, Entry};
use ipc_mastery::model::fault::{Fault, Needs};
use ipc_mastery::model::settings::Settings;
use serde_json::Value;

/// Our own binary.
const PROGRAM: &str = env!("CARGO_BIN_EXE_ipc-mastery");

fn texts() -> Vec<String> {
    let files = model::rows(&Source::Embedded).expect("rows");
    files.iter().map(|file| file.text.clone()).collect()
}

fn entries() -> Vec<Entry> {
    let texts = texts();
    let entries = texts
        .iter()
        .flat_map(|text| catalogue::read(text).expect("rows"));
    entries.collect()
}

/// What the model does not answer as a row says: the line, and the answer.
fn first_difference(entry: &Entry, settings: &Arc<Settings>) -> Option<String> {
    let mut kernel = entry.script.kernel(settings.clone());
    for line in &entry.script.lines {
        let outcome = line.run(&mut kernel).expect("something that is modelled");
        if let (Some(outcome), Some(expected)) = (outcome, &line.expected)
            && !expected.is_met_by(&outcome)
        {
            let row = entry.row;
            return Some(format!(
                "{row}: {}\n  = {expected}, not {outcome}",
                line.action
            ));
        }
    }
    None
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn every_row_of_the_catalogue_holds_on_the_model() {
    let settings = Arc::new(Settings::default());
    let entries = entries();
    assert!(entries.len() > 270, "{} rows", entries.len());
    let differ: Vec<String> = entries
        .iter()
        .filter_map(|entry| first_difference(entry, &settings))
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Runs rows on this kernel: how many were, and those that differ.
fn on_linux(texts: Vec<String>) -> (usize, Vec<String>) {
    let start = |directory| Request::Rows {
        texts,
        passes: NonZeroU32::MIN,
        directory,
    };
    let mut session = Session::start(Path::new(PROGRAM), start).expect("a process");
    let (mut ran, mut differ) = (0, Vec::new());
    while let Some(told) = session.report().expect("a report") {
        let Told::Row { row, differs } = told else {
            continue;
        };
        ran += 1;
        if let Some([call, says, answers]) = differs {
            differ.push(format!("{row}: {call}\n  = {says}, not {answers}"));
        }
    }
    (ran, differ)
}

#[test]
fn every_row_of_the_catalogue_holds_on_this_kernel() {
    let (ran, differ) = on_linux(texts());
    let least = if is_root() { 270 } else { 150 };
    assert!(ran > least, "only {ran} rows were run");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn every_script_that_is_shipped_holds_on_this_kernel() {
    let scripts = model::scripts(&Source::Embedded).expect("scripts");
    assert!(scripts.len() >= 8, "{} scripts", scripts.len());
    let texts = scripts
        .iter()
        .map(|script| format!("### Z01 {}\n{}", script.name, script.text));
    let (ran, differ) = on_linux(texts.collect());
    assert!(
        ran >= if is_root() { 8 } else { 5 },
        "only {ran} scripts were run"
    );
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Compares calls by chance.
fn by_chance(
    seed: u64,
    calls: u64,
    who: Who,
    fault: Option<Fault>,
) -> (Report, Option<Difference>) {
    let start = |directory| Request::Verify {
        seed,
        time_ms: 120_000,
        calls,
        who,
        fault: fault.map(|fault| fault.id().to_owned()),
        directory,
    };
    let mut session = Session::start(Path::new(PROGRAM), start).expect("a process");
    let (mut report, mut difference) = (Report::default(), None);
    while let Some(told) = session.report().expect("a report") {
        match told {
            Told::Verified(told) => report = told,
            Told::Differs(told) => difference = Some(told),
            _ => {}
        }
    }
    (report, difference)
}

#[test]
fn a_million_calls_by_chance_are_answered_alike() {
    for seed in 1..=5 {
        let (report, difference) = by_chance(seed, 200_000, Who::One, None);
        assert!(difference.is_none(), "seed {seed}: {difference:#?}");
        assert!(report.calls >= 200_000, "{report:?}");
        assert!(report.rows.len() > 150, "{:?}", report.rows);
    }
}

#[test]
fn calls_of_several_processes_and_users_are_answered_alike() {
    if !is_root() {
        eprintln!("skipped: only root can start processes of other users");
        return;
    }
    for seed in 1..=3 {
        let (report, difference) = by_chance(seed, 20_000, Who::Several, None);
        assert!(difference.is_none(), "seed {seed}: {difference:#?}");
        assert!(report.calls >= 20_000, "{report:?}");
    }
}

#[test]
fn chance_finds_every_error() {
    let mut count = 0;
    for fault in Fault::ALL {
        let who = match fault.needs() {
            Needs::OneProcess => Who::One,
            Needs::SeveralProcesses if is_root() => Who::Several,
            Needs::SeveralProcesses => continue,
        };
        count += 1;
        let (report, difference) = by_chance(1, 20_000_000, who, Some(*fault));
        let id = fault.id();
        let found =
            difference.unwrap_or_else(|| panic!("{id} was not found in {} calls", report.calls));
        assert_ne!(found.model, found.linux, "{id}");
        assert!(
            found.calls.len() <= 300,
            "{id}: {} calls",
            found.calls.len()
        );
    }
    assert!(count >= 40, "only {count} errors");
}

#[test]
fn the_rows_of_the_catalogue_find_every_error() {
    let entries = entries();
    for fault in Fault::ALL {
        let settings = Arc::new(Settings {
            fault: Some(*fault),
            ..Settings::default()
        });
        let found = entries
            .iter()
            .any(|entry| first_difference(entry, &settings).is_some());
        assert!(found, "no row notices `{}`", fault.id());
    }
}

#[test]
fn a_seed_draws_the_same_calls_again() {
    let (first, again) = (
        by_chance(7, 20_000, Who::One, None).0,
        by_chance(7, 20_000, Who::One, None).0,
    );
    assert_eq!(
        (first.calls, first.sequences),
        (again.calls, again.sequences)
    );
    assert_eq!(first.rows, again.rows);
    assert_ne!(first.rows, by_chance(8, 20_000, Who::One, None).0.rows);
}

#[test]
fn rows_are_played_as_often_as_is_asked_for() {
    let (status, said) = verify_as_data(&["--calls", "1", "--passes", "2"]);
    assert_eq!(status, Some(0), "{said}");
    let played = said["rows"]["played"].as_object().expect("rows").values();
    let least = if is_root() { 270 } else { 150 };
    assert!(played.len() > least, "{said}");
    assert!(played.into_iter().all(|times| times == 2), "{said}");

    let (status, text) = verify(&["--passes", "0"]);
    assert_eq!(status, Some(2), "{text}");
}

#[test]
fn another_systems_sockets_are_not_compared_further() {
    let directory = tempfile::tempdir().expect("a directory");
    let rows = directory.path().join("curriculum/model/rows");
    fs::create_dir_all(&rows).expect("a directory");
    fs::write(directory.path().join("curriculum/path.toml"), "").expect("a file");
    let wrong = "### A01 Descriptors begin at seven\nsocket stream\n= fd 7\n";
    fs::write(rows.join("A.txt"), wrong).expect("a file");
    let pack = directory.path().to_str().expect("a path in UTF-8");

    let (status, text) = verify(&["--curriculum", pack]);
    assert_eq!(status, Some(3), "{text}");
    for words in ["1 of 1 rows", "not a Linux AF_UNIX", "A01", "fd 7", "fd 3"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("by chance"), "{text}");

    let (status, said) = verify_as_data(&["--curriculum", pack]);
    assert_eq!(status, Some(3), "{said}");
    assert_eq!(said["rows"]["differ"][0]["row"], "A01", "{said}");
    assert!(said["chance"].is_null(), "{said}");
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(["model", "verify", "--seed", "1"])
        .args(arguments)
        .output()
        .expect("it runs")
}

/// The exit status, and all that is said.
fn verify(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(arguments);
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text.into_owned())
}

/// The exit status, and what is printed as data: that it waits for another is told beside it.
fn verify_as_data(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(&[arguments, &["--json"]].concat());
    let said = serde_json::from_slice(&output.stdout);
    let said = said.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), said)
}

#[test]
fn the_command_tells_that_both_agree_and_shows_where_they_do_not() {
    let (status, text) = verify(&["--calls", "5000"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("this kernel answers as each says"), "{text}");
    assert!(text.contains("agree on every one"), "{text}");

    let (status, text) = verify(&["--fault", "no-trunc"]);
    assert_eq!(status, Some(0), "{text}");
    for words in [
        "MSG_TRUNC is not set",
        "differ",
        "recv ",
        "this kernel",
        "trunc",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }

    let (status, text) = verify(&["--fault", "no-trunk"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("no-trunc"), "{text}");
}
