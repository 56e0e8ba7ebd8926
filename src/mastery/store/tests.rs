//! The store against real files.

mod reviews;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::check::verdict::{Failure, Isolation, Report, StageReport, Subject, Verdict};
use crate::mastery::progress::{HintLevel, Kept, SubjectKind};
use crate::untrusted::Untrusted;

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn store(home: &TempDir, at: i64) -> Store {
    Store::open_in(&home.path().join("state/ipc-mastery"), Clock::At(at)).unwrap()
}

fn stage(id: &str, bonus: bool, verdict: Verdict) -> StageReport {
    let failure = (verdict == Verdict::Fail).then(|| Failure {
        diagnosis: format!("{id}-broken"),
        ..Failure::default()
    });
    StageReport {
        id: id.to_owned(),
        title: id.to_owned(),
        bonus,
        verdict,
        failure,
        leftovers: Vec::new(),
        sanitizer: None,
        elapsed_ms: 1,
    }
}

fn report(verdict: Verdict) -> Report {
    Report {
        schema: "ipc-mastery/check/1",
        exercise: "echo-server".to_owned(),
        number: 3,
        title: "Echo".to_owned(),
        subject: Subject::Directory {
            path: Untrusted::from("/home/ada/echo"),
            language: "c".to_owned(),
        },
        seed: u64::MAX,
        isolation: Isolation::default(),
        verdict,
        evidence: true,
        build: None,
        stages: vec![
            stage("hello", false, verdict),
            stage("pass-fd", true, Verdict::Fail),
        ],
        sanitized: false,
        elapsed_ms: 12,
    }
}

#[test]
fn the_directory_and_the_file_are_private() {
    let home = home();
    let store = store(&home, 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(store.path()), 0o600);
    assert_eq!(mode(store.path().parent().unwrap()), 0o700);
    assert_eq!(store.journal(), Journal::WriteAhead);
}

#[test]
fn a_failed_check_is_remembered_with_its_stages_and_diagnoses() {
    let home = home();
    let recorded = store(&home, 100)
        .record_check(&report(Verdict::Fail))
        .unwrap();
    assert!(!recorded.passed && !recorded.first_pass && !recorded.assisted);
    let progress = store(&home, 200).snapshot().unwrap();
    let exercise = &progress.exercises["echo-server"];
    assert_eq!((exercise.attempts, exercise.passed_at), (1, None));
    let last = exercise.last.as_ref().unwrap();
    assert_eq!(
        (last.at, last.verdict, last.seed),
        (100, Verdict::Fail, u64::MAX)
    );
    assert_eq!(last.subject, SubjectKind::Directory);
    assert_eq!(last.language.as_deref(), Some("c"));
    let diagnoses: Vec<_> = last
        .stages
        .iter()
        .map(|stage| stage.diagnosis.as_deref())
        .collect();
    assert_eq!(diagnoses, [Some("hello-broken"), Some("pass-fd-broken")]);
}

#[test]
fn a_pass_is_remembered_by_the_time_of_the_first() {
    let home = home();
    let first = store(&home, 100)
        .record_check(&report(Verdict::Pass))
        .unwrap();
    let second = store(&home, 200)
        .record_check(&report(Verdict::Pass))
        .unwrap();
    assert!(first.passed && first.first_pass);
    assert!(second.passed && !second.first_pass);
    store(&home, 300)
        .record_check(&report(Verdict::Fail))
        .unwrap();
    let progress = store(&home, 400).snapshot().unwrap();
    let exercise = &progress.exercises["echo-server"];
    assert_eq!(exercise.passed_at, Some(100));
    assert_eq!(exercise.passed_unassisted_at, Some(100));
    assert_eq!(exercise.passed_languages, ["c"]);
    assert_eq!(exercise.stages_passed.get("hello"), Some(&100));
    assert!(!exercise.stages_passed.contains_key("pass-fd"));
    assert_eq!(exercise.last.as_ref().unwrap().verdict, Verdict::Fail);
}

#[test]
fn a_verdict_that_is_no_evidence_never_counts_as_passed() {
    let home = home();
    let store = store(&home, 100);
    let report = Report {
        evidence: false,
        subject: Subject::Command {
            command: "socat …".to_owned(),
        },
        ..report(Verdict::Pass)
    };
    assert!(!store.record_check(&report).unwrap().passed);
    let progress = store.snapshot().unwrap();
    assert!(!progress.has_passed("echo-server"));
    let exercise = &progress.exercises["echo-server"];
    assert_eq!(exercise.attempts, 1);
    assert!(exercise.stages_passed.is_empty());
}

#[test]
fn a_pass_after_show_is_assisted_and_a_pass_before_it_stays_unassisted() {
    let home = home();
    let store = store(&home, 100);
    store
        .record_hint("echo-server", "hello", HintLevel::Think)
        .unwrap();
    assert!(!store.record_check(&report(Verdict::Fail)).unwrap().assisted);
    store
        .record_hint("echo-server", "hello", HintLevel::Show)
        .unwrap();
    store
        .record_hint("echo-server", "hello", HintLevel::Look)
        .unwrap();
    assert!(store.record_check(&report(Verdict::Pass)).unwrap().assisted);
    let progress = store.snapshot().unwrap();
    let exercise = &progress.exercises["echo-server"];
    assert!(exercise.passed_at.is_some() && exercise.is_assisted());
    assert_eq!(exercise.hints["hello"], HintLevel::Show);

    store.forget(Scope::All).unwrap();
    store.record_check(&report(Verdict::Pass)).unwrap();
    store
        .record_hint("echo-server", "hello", HintLevel::Show)
        .unwrap();
    store.record_check(&report(Verdict::Pass)).unwrap();
    assert!(!store.snapshot().unwrap().exercises["echo-server"].is_assisted());
}

/// A report with a required stage `hello`, a required stage `end` and a bonus stage `extra`.
fn three_stages(hello: Verdict, end: Verdict, extra: Verdict) -> Report {
    let stages = vec![
        stage("hello", false, hello),
        stage("end", false, end),
        stage("extra", true, extra),
    ];
    let required = stages.iter().filter(|stage| !stage.bonus);
    Report {
        verdict: Verdict::over(required.map(|stage| stage.verdict)),
        stages,
        ..report(Verdict::Pass)
    }
}

#[test]
fn show_marks_only_what_it_helped_with_until_it_is_forgotten() {
    use Verdict::{Fail, Pass};
    let home = home();
    let at = |time| store(&home, time);
    let show = |time, stage| {
        let store = at(time);
        store.record_hint("echo-server", stage, HintLevel::Show)
    };
    at(10)
        .record_check(&three_stages(Pass, Fail, Fail))
        .unwrap();
    // For a stage that had passed, and for a bonus stage: nobody's work was taken away.
    show(20, "hello").unwrap();
    show(20, "extra").unwrap();
    let recorded = at(30).record_check(&three_stages(Pass, Pass, Pass));
    assert!(!recorded.unwrap().assisted);
    at(31).forget(Scope::All).unwrap();
    // For a required stage that had not passed.
    at(40)
        .record_check(&three_stages(Pass, Fail, Fail))
        .unwrap();
    show(50, "end").unwrap();
    for time in [60, 70] {
        let recorded = at(time).record_check(&three_stages(Pass, Pass, Fail));
        assert!(recorded.unwrap().assisted, "now and later");
    }
    at(80).forget(Scope::Exercise("echo-server")).unwrap();
    let recorded = at(90).record_check(&three_stages(Pass, Pass, Fail));
    assert!(!recorded.unwrap().assisted);
}

#[test]
fn the_last_report_is_kept_whole() {
    let home = home();
    let store = store(&home, 1);
    assert_eq!(store.last_report("echo-server").unwrap(), None);
    store.record_check(&report(Verdict::Pass)).unwrap();
    store.record_check(&report(Verdict::Fail)).unwrap();
    let kept = store.last_report("echo-server").unwrap().unwrap();
    assert_eq!(kept, serde_json::to_value(report(Verdict::Fail)).unwrap());
}

#[test]
fn a_lesson_is_finished_at_its_last_block_and_never_unfinished() {
    let home = home();
    let read = |at, block| {
        let reading = Reading {
            lesson: "bytes",
            block,
            blocks: 4,
        };
        store(&home, at).record_reading(reading).unwrap();
        store(&home, at)
            .snapshot()
            .unwrap()
            .lessons
            .remove("bytes")
            .unwrap()
    };
    assert_eq!(read(10, 1).finished_at, None);
    assert_eq!(read(20, 3).finished_at, Some(20));
    let lesson = read(30, 0);
    assert_eq!(lesson.finished_at, Some(20));
    assert_eq!(
        (lesson.first_read_at, lesson.last_read_at),
        (Some(10), Some(30))
    );
    assert_eq!(lesson.furthest_block, 3);
}

#[test]
fn answers_predictions_and_facts_keep_the_latest_and_count_all() {
    let home = home();
    let store = store(&home, 5);
    for (option, right) in [(2, false), (0, true), (1, false)] {
        let answer = Answer {
            item: "q1",
            kept: &Kept::chosen(option, Some(1)),
            right,
        };
        store.record_answer(answer).unwrap();
    }
    for (option, agreed) in [(0, Some(false)), (1, None)] {
        let confidence = Some(80);
        let prediction = Prediction {
            lesson: "bytes",
            prediction: "p",
            option,
            agreed,
            confidence,
        };
        store.record_prediction(prediction).unwrap();
    }
    let fact = Fact {
        lesson: "bytes",
        part: "a",
        given: "42",
        right: true,
    };
    store.record_fact(fact).unwrap();
    let progress = store.snapshot().unwrap();
    let answer = &progress.answers["q1"];
    assert_eq!(
        (answer.kept.option, answer.kept.reason, answer.right),
        (Some(1), Some(1), false)
    );
    assert_eq!((answer.times, answer.times_right), (3, 1));
    let lesson = &progress.lessons["bytes"];
    assert_eq!(
        (
            lesson.predictions["p"].option,
            lesson.predictions["p"].agreed
        ),
        (1, None)
    );
    assert_eq!(lesson.facts["a"].given, "42");
    assert_eq!(lesson.first_read_at, None);
}

#[test]
fn the_last_start_is_remembered_with_its_bytes() {
    let home = home();
    let store = store(&home, 5);
    let odd = Untrusted::from(&b"/tmp/\xff'\n"[..]);
    store
        .record_start("fifo", &Untrusted::from("/a"), "rust")
        .unwrap();
    store.record_start("echo-server", &odd, "c").unwrap();
    let progress = store.snapshot().unwrap();
    let last = progress.last_start.unwrap();
    assert_eq!(
        (last.exercise.as_str(), &last.directory),
        ("echo-server", &odd)
    );
    let started = progress.exercises["fifo"].started.as_ref().unwrap();
    assert_eq!(started.language, "rust");
}

#[test]
fn forgetting_an_exercise_leaves_everything_else() {
    let home = home();
    let store = store(&home, 5);
    store.record_check(&report(Verdict::Pass)).unwrap();
    store
        .record_hint("echo-server", "hello", HintLevel::Look)
        .unwrap();
    store.record_hint("fifo", "open", HintLevel::Look).unwrap();
    let reading = Reading {
        lesson: "bytes",
        block: 0,
        blocks: 1,
    };
    store.record_reading(reading).unwrap();
    let scope = Scope::Exercise("echo-server");
    let remembered = store.remembered(scope).unwrap();
    let expected = Remembered {
        attempts: 1,
        passed: 1,
        hints: 1,
        ..Remembered::default()
    };
    assert_eq!(remembered, expected);
    store.forget(scope).unwrap();
    assert!(store.remembered(scope).unwrap().is_nothing());
    assert_eq!(store.last_report("echo-server").unwrap(), None);
    let left = store.remembered(Scope::All).unwrap();
    assert_eq!((left.hints, left.lessons), (1, 1));
    store.forget(Scope::All).unwrap();
    assert!(store.remembered(Scope::All).unwrap().is_nothing());
    assert_eq!(
        store.snapshot().unwrap(),
        crate::mastery::progress::Progress::default()
    );
}

#[test]
fn a_change_by_anyone_changes_the_token_and_reading_does_not() {
    let home = home();
    let (screen, check) = (store(&home, 1), store(&home, 1));
    let before = screen.changes().unwrap();
    screen.snapshot().unwrap();
    check.snapshot().unwrap();
    assert_eq!(screen.changes().unwrap(), before);
    check.record_check(&report(Verdict::Pass)).unwrap();
    let after = screen.changes().unwrap();
    assert_ne!(after, before);
    assert!(screen.snapshot().unwrap().has_passed("echo-server"));
    assert_eq!(screen.changes().unwrap(), after);
    screen
        .record_hint("echo-server", "hello", HintLevel::Look)
        .unwrap();
    assert_ne!(screen.changes().unwrap(), after);
}

#[test]
fn a_new_database_that_many_open_at_once_opens_for_all() {
    for _ in 0..20 {
        let home = home();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| drop(store(&home, 1)));
            }
        });
    }
}

#[test]
fn connections_that_write_at_once_lose_nothing() {
    let home = home();
    let write = |exercise: &str| {
        let store = store(&home, 1);
        for _ in 0..100 {
            store
                .record_hint(exercise, "hello", HintLevel::Look)
                .unwrap();
            store.record_check(&report(Verdict::Pass)).unwrap();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| write("a"));
        scope.spawn(|| write("b"));
    });
    let remembered = store(&home, 1).remembered(Scope::All).unwrap();
    assert_eq!((remembered.hints, remembered.attempts), (200, 200));
}

#[test]
fn a_file_system_without_shared_memory_gets_the_rollback_journal() {
    let home = home();
    let directory = home.path().join("state");
    // This VFS cannot map an index between processes, as some network file systems cannot.
    let open = || Store::open_with(&directory, Clock::At(1), Some("unix-dotfile")).unwrap();
    let (screen, check) = (open(), open());
    assert_eq!(screen.journal(), Journal::Rollback);
    let before = screen.changes().unwrap();
    check.record_check(&report(Verdict::Pass)).unwrap();
    assert_ne!(screen.changes().unwrap(), before);
    assert!(screen.snapshot().unwrap().has_passed("echo-server"));
}

/// SQLite never follows a link to the index of its log, so it cannot map one.
fn spoil_the_index(database: &Path) {
    std::os::unix::fs::symlink("/nowhere", database.with_extension("sqlite-shm")).unwrap();
}

#[test]
fn a_log_whose_index_cannot_be_mapped_is_given_up_and_nothing_is_lost() {
    let home = home();
    let path = {
        let store = store(&home, 1);
        store.record_check(&report(Verdict::Pass)).unwrap();
        store.path().to_owned()
    };
    spoil_the_index(&path);
    let (screen, check) = (store(&home, 2), store(&home, 2));
    assert_eq!(screen.journal(), Journal::Rollback);
    assert!(screen.snapshot().unwrap().has_passed("echo-server"));
    check.record_check(&report(Verdict::Fail)).unwrap();
    screen.record_check(&report(Verdict::Fail)).unwrap();
    assert_eq!(
        screen.snapshot().unwrap().exercises["echo-server"].attempts,
        3
    );
}

#[test]
fn where_the_index_cannot_be_mapped_from_the_start_progress_is_kept_all_the_same() {
    let home = home();
    let directory = home.path().join("state/ipc-mastery");
    fs::create_dir_all(&directory).unwrap();
    spoil_the_index(&directory.join("progress.sqlite"));
    let (screen, check) = (store(&home, 2), store(&home, 2));
    assert_eq!(screen.journal(), Journal::Rollback);
    check.record_check(&report(Verdict::Pass)).unwrap();
    assert!(screen.snapshot().unwrap().has_passed("echo-server"));
}

#[test]
fn a_damaged_file_is_named_and_left_as_it_is() {
    let home = home();
    let directory = home.path().join("state");
    fs::create_dir(&directory).unwrap();
    let path = directory.join("progress.sqlite");
    let rubbish = b"This was a database once. ".repeat(400);
    fs::write(&path, &rubbish).unwrap();
    let error = Store::open_in(&directory, Clock::System).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(
        error.hint().contains("progress.sqlite.damaged"),
        "{}",
        error.hint()
    );
    assert_eq!(fs::read(&path).unwrap(), rubbish);
}

#[test]
fn damage_inside_a_database_is_found_when_it_is_read() {
    let home = home();
    let path = {
        let store = store(&home, 1);
        for _ in 0..50 {
            store.record_check(&report(Verdict::Pass)).unwrap();
        }
        store.path().to_owned()
    };
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    let error = store(&home, 2).snapshot().unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[test]
fn a_database_of_a_newer_program_is_refused_and_left_as_it_is() {
    let home = home();
    let path = store(&home, 1).path().to_owned();
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let directory = path.parent().unwrap();
    let error = Store::open_in(directory, Clock::System).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 99, .. }),
        "{error:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_state_directory_that_cannot_be_made_is_named() {
    let home = home();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open_in(&file.join("state"), Clock::System).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
    assert!(error.to_string().contains("/file/state"), "{error}");
}

#[test]
fn a_full_disk_and_a_read_only_database_are_told_apart_and_lose_nothing() {
    let home = home();
    let store = store(&home, 1);
    store.record_check(&report(Verdict::Pass)).unwrap();
    store
        .connection
        .pragma_update(None, "query_only", true)
        .unwrap();
    let error = store.record_check(&report(Verdict::Fail)).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    store
        .connection
        .pragma_update(None, "query_only", false)
        .unwrap();

    let pages: i64 = store
        .connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    store
        .connection
        .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .unwrap();
    let long = Report {
        title: "x".repeat(100_000),
        ..report(Verdict::Fail)
    };
    let error = store.record_check(&long).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert_eq!(
        store.snapshot().unwrap().exercises["echo-server"].attempts,
        1
    );
}

#[test]
fn a_lock_held_too_long_is_said_and_nothing_hangs() {
    let home = home();
    let (one, other) = (store(&home, 1), store(&home, 1));
    other.connection.busy_timeout(Duration::ZERO).unwrap();
    one.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = other.record_check(&report(Verdict::Pass)).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    one.connection.execute_batch("COMMIT").unwrap();
    other.record_check(&report(Verdict::Pass)).unwrap();
}
