//! Lessons as `read` prints them: a small lesson exactly, every shipped one at many widths, and the
//! program itself with and without a terminal.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::experiment::{self, Call, ExperimentError, Observation};
use ipc_mastery::render::lesson::{Found, joined, set};
use ipc_mastery::render::markdown::{InlineCode, Layout};
use ipc_mastery::render::text::{Line, Role, Text};
use nix::pty::{Winsize, openpty};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ipc-mastery");
const PACK: &str = "tests/fixtures/small-pack";

fn call(call: &str, result: &str, decisive: bool) -> Call {
    Call {
        part: "a".into(),
        who: if decisive { "reader" } else { "the writer" }.into(),
        call: call.into(),
        result: result.into(),
        decisive,
    }
}

fn seen() -> Observation {
    Observation {
        schema: "ipc-mastery/observation/1".into(),
        experiment: "pipe.ends".into(),
        kernel: "6.18.44".into(),
        calls: vec![
            call("close(4)", "0", false),
            call(
                "read(3, a buffer that is described at length, 100)",
                "0 \"a  b\"",
                true,
            ),
        ],
        obs: serde_json::json!({ "a": { "got": 0, "fd": 4 } }),
    }
}

fn small(width: usize, observation: Result<&Observation, &str>) -> String {
    let curriculum = Curriculum::load(&Source::Directory(PACK.into())).expect("a sound pack");
    let drawn = Text {
        lines: vec![Line::of(Role::Plain, "bus  dbus-daemon")],
    };
    let probes = [("runtime-dir".to_owned(), Ok(drawn))];
    let found = Found {
        observation,
        probes: &probes,
        outcomes: &[],
    };
    let layout = Layout::new(width).inline_code(InlineCode::Backticks);
    let lesson = curriculum.lesson("two-ends").expect("it is there");
    joined(set(lesson, found, layout)).plain()
}

#[test]
fn a_small_lesson_at_80_columns() {
    insta::assert_snapshot!(small(80, Ok(&seen())));
}

#[test]
fn a_small_lesson_at_40_columns() {
    insta::assert_snapshot!(small(40, Ok(&seen())));
}

#[test]
fn a_lesson_whose_experiment_cannot_run_says_so_and_leaves_its_slots_open() {
    let text = small(80, Err("this machine lacks pipes"));
    assert!(text.contains("Warning: the experiment did not run: this machine lacks pipes."));
    assert!(text.contains("It returned …."), "{text}");
    assert!(!text.contains("  = 0"), "{text}");
}

#[test]
fn a_slot_that_the_observation_lacks_is_said_and_not_hidden() {
    let mut other = seen();
    other.obs = serde_json::json!({ "a": { "fd": 4 } });
    let text = small(80, Ok(&other));
    assert!(
        text.contains("Warning: `obs.a.got` does not fit the observation."),
        "{text}"
    );
    let mut other = seen();
    other.obs = serde_json::json!({ "a": { "got": 7, "fd": 4 } });
    let text = small(200, Ok(&other));
    assert!(text.contains("your kernel behaved differently"), "{text}");
}

#[test]
fn every_shipped_lesson_fits_every_width_and_its_experiment_runs_here() {
    let curriculum = Curriculum::load(&Source::Embedded).expect("a sound curriculum");
    for lesson in curriculum.lessons() {
        let run = lesson.experiment.as_ref().and_then(|plan| {
            match experiment::run(&plan.name.value, &plan.params, Path::new(PROGRAM)) {
                // A machine may forbid what the whole experiment needs: namespaces.
                Err(ExperimentError::Lacking { .. }) => None,
                other => Some(other.unwrap_or_else(|error| panic!("{}: {error}", lesson.slug))),
            }
        });
        for width in [20, 33, 40, 60, 80, 132] {
            let found = Found {
                observation: run.as_ref().ok_or("the lesson has none"),
                probes: &[],
                outcomes: &[],
            };
            for (piece, page) in set(lesson, found, Layout::new(width)) {
                for line in &page.text.lines {
                    let text = line.plain();
                    assert!(
                        line.width() <= width,
                        "{} {piece:?} at {width}: {text}",
                        lesson.slug
                    );
                    assert!(
                        !text.contains("does not fit the observation"),
                        "{}",
                        lesson.slug
                    );
                    assert!(!text.contains("behaved differently"), "{}", lesson.slug);
                    assert!(!text.contains("{{"), "{}: {text}", lesson.slug);
                }
            }
        }
    }
}

fn read(lesson: &str, environment: &[(&str, &str)]) -> Output {
    Command::new(PROGRAM)
        .args(["read", lesson])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(environment.iter().copied())
        .output()
        .expect("the program runs")
}

#[test]
fn without_a_terminal_the_lesson_goes_straight_to_standard_output() {
    let output = read("bytes-not-messages", &[("PAGER", "false")]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.starts_with("Bytes, not messages\n═══"), "{text}");
    assert!(
        text.contains(", buffer, 100) = 12 \"GET-1;GET-2;\"\n"),
        "{text}"
    );
    assert!(
        text.contains("On this machine: sockets\nAF_UNIX sockets"),
        "{text}"
    );
    assert!(!text.contains('\x1b'));
    let full = read("af-unix/bytes-not-messages", &[]);
    assert!(full.status.success());
}

#[test]
fn columns_decides_the_width() {
    let output = read("how-to-learn-here", &[("COLUMNS", "34")]);
    let text = String::from_utf8(output.stdout).expect("text");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(34) && widest >= Some(30), "{widest:?}");
}

#[test]
fn a_lesson_that_is_not_there_is_an_error_of_usage_with_a_near_name() {
    let output = read("byte-not-message", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    insta::assert_snapshot!(String::from_utf8(output.stderr).expect("text"), @r"
    error: there is no lesson `byte-not-message`
      hint: Did you mean `bytes-not-messages`?
    ");
    let odd = read("\u{1b}[2J", &[]);
    assert_eq!(odd.status.code(), Some(2));
    let text = String::from_utf8(odd.stderr).expect("text");
    assert!(
        text.contains(r"\x1b[2J") && !text.contains('\x1b'),
        "{text}"
    );
}

#[test]
fn a_reader_that_goes_away_early_is_no_error() {
    let mut child = Command::new(PROGRAM)
        .args(["read", "how-to-learn-here"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

/// Runs `read` on a terminal of 50 columns; returns what arrived there and the exit status.
fn on_a_terminal(environment: &[(&str, &str)]) -> (String, Option<i32>) {
    let size = Winsize {
        ws_row: 24,
        ws_col: 50,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(Some(&size), None).expect("a terminal");
    let slave = || -> OwnedFd { pty.slave.try_clone().expect("a descriptor") };
    let mut child = Command::new(PROGRAM)
        .args(["read", "how-to-learn-here"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "xterm")
        .envs(environment.iter().copied())
        .stdin(slave())
        .stdout(slave())
        .stderr(slave())
        .spawn()
        .expect("the program runs");
    drop(pty.slave);
    let mut text = Vec::new();
    let mut master = File::from(pty.master);
    let mut piece = [0; 4096];
    // When the last holder of the terminal has gone, read fails with EIO.
    while let Ok(count @ 1..) = master.read(&mut piece) {
        text.extend_from_slice(&piece[..count]);
    }
    let status = child.wait().expect("it ends");
    let text = String::from_utf8(text).expect("text").replace("\r\n", "\n");
    (text, status.code())
}

#[test]
fn on_a_terminal_the_pager_gets_the_lesson_in_its_width() {
    let (text, status) = on_a_terminal(&[("PAGER", "sed 's/^/> /'; exit 7")]);
    assert_eq!(status, Some(7), "the pager's own status: {text}");
    assert!(text.starts_with("> How to learn here\n> ═"), "{text}");
    assert!(
        !text.contains('\x1b'),
        "not every pager shows colours: {text}"
    );
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(52) && widest > Some(44), "{widest:?}");
}

/// Whether a sequence sets one of the sixteen colours.
fn has_colour(text: &str) -> bool {
    text.split("\x1b[").skip(1).any(|rest| {
        let code = rest.split('m').next().and_then(|code| code.parse().ok());
        matches!(code, Some(30..=37 | 90..=97_u8))
    })
}

#[test]
fn cat_or_no_pager_prints_straight_with_colours_as_the_terminal_likes_them() {
    for pager in ["cat", "", "there-is-no-such-pager"] {
        let (text, status) = on_a_terminal(&[("PAGER", pager)]);
        assert_eq!(status, Some(0));
        assert!(has_colour(&text), "{pager:?}: {text}");
        let (text, _) = on_a_terminal(&[("PAGER", pager), ("NO_COLOR", "1")]);
        assert!(text.contains("\x1b[1m"), "bold stays: {text}");
        assert!(!has_colour(&text), "{text}");
        let (text, _) = on_a_terminal(&[("PAGER", pager), ("TERM", "dumb")]);
        assert!(!text.contains('\x1b'), "{text}");
    }
}
