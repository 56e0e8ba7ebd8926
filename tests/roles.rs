//! A pack of exercises, one of each role, judged without a line of Rust: programs that play their
//! part pass, starters that end at once fail. This is what an author can rely on.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PACK: &str = "tests/fixtures/roles-pack/exercises";

/// The shipped curriculum with the pack's exercises beside its own.
fn curriculum() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for part in ["curriculum", "exercises"] {
        copy(Path::new(part), &directory.path().join(part));
    }
    copy(Path::new(PACK), &directory.path().join("exercises"));
    directory
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// The verdict on one of the pack's programs, and all that was said.
fn check(curriculum: &Path, exercise: &str, kind: &str, more: &[&str]) -> (String, Value) {
    let pack = curriculum.join("exercises");
    let directory = fs::read_dir(&pack)
        .expect("a directory")
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().ends_with(exercise))
        .expect("the exercise is there");
    let home = tempfile::tempdir().expect("a directory");
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(["check", exercise, "--json", "--dir"])
        .arg(directory.path().join(kind).join("python"))
        .arg("--curriculum")
        .arg(curriculum)
        .args(more)
        .env("XDG_STATE_HOME", home.path())
        .output()
        .expect("the program runs");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let verdict = report["verdict"].as_str().expect("a verdict").to_owned();
    (verdict, report)
}

#[test]
fn programs_of_every_role_are_judged() {
    let curriculum = curriculum();
    let lint = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .arg("lint")
        .arg(curriculum.path())
        .output()
        .expect("the program runs");
    assert!(lint.status.success(), "{lint:?}");
    for role in ["client", "filter", "pair", "activated", "tool", "relay"] {
        let exercise = format!("role-{role}");
        let (verdict, report) = check(curriculum.path(), &exercise, "solution", &[]);
        assert_eq!(verdict, "pass", "{role}: {report:#}");
        let (verdict, report) = check(curriculum.path(), &exercise, "starter", &[]);
        assert_eq!(verdict, "fail", "{role}: {report:#}");
    }
}

#[test]
fn a_client_of_another_user_is_played_by_the_superuser_alone() {
    let curriculum = curriculum();
    let (verdict, report) = check(curriculum.path(), "role-guarded", "solution", &[]);
    let root = nix::unistd::Uid::effective().is_root();
    let expected = if root { "pass" } else { "cannot-judge" };
    assert_eq!(verdict, expected, "{report:#}");
    let stages = report["stages"].as_array().expect("stages");
    let verdicts: Vec<&Value> = stages.iter().map(|stage| &stage["verdict"]).collect();
    assert_eq!(verdicts, [expected, "pass"], "{report:#}");
}

#[test]
fn what_needs_other_users_is_not_judged_where_all_look_like_nobody() {
    let curriculum = curriculum();
    let boxed = ["--isolation", "bwrap"];
    let bwrap = Command::new("bwrap").arg("--version").output();
    if bwrap.is_err() {
        eprintln!("skipped: bwrap is not installed");
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(["check", "role-guarded", "--curriculum"])
        .arg(curriculum.path())
        .arg("--dir")
        .arg(
            curriculum
                .path()
                .join("exercises/97-role-guarded/solution/python"),
        )
        .args(boxed)
        .env("XDG_STATE_HOME", curriculum.path())
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}
