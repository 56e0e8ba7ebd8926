//! Progress across processes: what one records, another sees at once; nothing is lost when several
//! write; where nothing can be written, everything else goes on and that is said.

mod home;

use std::fs;
use std::process::Command;
use std::thread;

use home::{Home, PROGRAM, run, small};
use ipc_mastery::check::verdict::Verdict;
use ipc_mastery::mastery::store::Scope;

#[test]
fn an_open_store_sees_what_check_in_another_process_recorded() {
    let home = Home::new();
    let screen = home.store();
    run(&mut home.small(&["start", "7", "--lang", "sh"]));
    let before = screen.changes().unwrap();
    assert_eq!(screen.changes().unwrap(), before);
    let said = run(home.small(&["check"]).current_dir(home.path("greeter")));
    assert_eq!(said.code, Some(1), "{} {}", said.out, said.err);
    assert_ne!(screen.changes().unwrap(), before);
    let progress = screen.snapshot().unwrap();
    let last = progress.exercises["greeter"].last.clone().unwrap();
    assert_eq!((last.verdict, last.evidence), (Verdict::Fail, true));
    assert_eq!(last.language.as_deref(), Some("sh"));
    assert_eq!(last.stages.len(), 3);
    let report = screen.last_report("greeter").unwrap().unwrap();
    assert_eq!(report["schema"], "ipc-mastery/check/1");
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    let home = Home::new();
    let write = |stage: &str| {
        for _ in 0..10 {
            let said = run(&mut home.small(&["hint", "7", "--stage", stage, "--level", "look"]));
            assert_eq!(said.code, Some(0), "{}", said.err);
            assert!(!said.err.contains("not recorded"), "{}", said.err);
        }
    };
    // None of them finds a database: making it is part of the race.
    thread::scope(|scope| {
        for stage in ["hello", "twice", "polite"] {
            scope.spawn(move || write(stage));
        }
    });
    assert_eq!(home.store().remembered(Scope::All).unwrap().hints, 30);
}

#[test]
fn where_no_directory_can_be_made_commands_work_and_say_that_nothing_is_recorded() {
    let home = Home::new();
    fs::write(home.path("state"), "a file, not a directory").unwrap();
    let said = run(&mut home.small(&["hint", "7"]));
    assert_eq!(said.code, Some(0));
    assert!(
        said.out.contains("Look at what strace shows"),
        "{}",
        said.out
    );
    assert!(
        said.err
            .contains("this hint is not recorded: cannot create"),
        "{}",
        said.err
    );
    assert!(said.err.contains("XDG_STATE_HOME"), "{}", said.err);
    let said = run(&mut home.small(&["start", "7", "--lang", "sh"]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.err.contains("this start is not recorded"),
        "{}",
        said.err
    );
    let said = run(home.small(&["check"]).current_dir(home.path("greeter")));
    assert_eq!(said.code, Some(1), "the verdict stands: {}", said.err);
    assert!(said.err.contains("not recorded"), "{}", said.err);
    let said = run(&mut home.small(&["list"]));
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("exercise-7"), "{}", said.out);
}

#[test]
fn a_damaged_database_is_named_kept_and_can_be_moved_aside_as_told() {
    let home = Home::new();
    home.record_pass();
    let path = home.path("state/ipc-mastery/progress.sqlite");
    let rubbish = "not a database ".repeat(1000);
    fs::write(&path, &rubbish).unwrap();
    let said = run(&mut home.small(&["list"]));
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("0 of 1 exercises passed"), "{}", said.out);
    assert!(
        said.err
            .contains("is damaged or is not a progress database"),
        "{}",
        said.err
    );
    assert_eq!(run(&mut home.small(&["reset", "--yes"])).code, Some(2));
    assert_eq!(fs::read_to_string(&path).unwrap(), rubbish);
    let told = said.err.split_once("move it aside: ").unwrap().1.trim();
    let moved = Command::new("sh").args(["-c", told]).status().unwrap();
    assert!(moved.success(), "{told}");
    let said = run(&mut home.small(&["hint", "7"]));
    assert!(!said.err.contains("not recorded"), "{}", said.err);
    let aside = path.with_extension("sqlite.damaged");
    assert_eq!(fs::read_to_string(aside).unwrap(), rubbish);
}

/// Runs a script as root of a user and a mount namespace of its own; `None` where there is none.
fn in_a_namespace(home: &Home, script: &str) -> Option<home::Said> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec"]);
        command
    };
    if !unshare()
        .arg("true")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("skipped: no user namespace can be made here");
        return None;
    }
    let state = home.path("state");
    fs::create_dir(&state).unwrap();
    let said = run(unshare()
        .arg(script)
        .env("HOME", home.directory.path())
        .env("XDG_STATE_HOME", &state)
        .env("PROGRAM", PROGRAM)
        .env("PACK", small()));
    Some(said)
}

#[test]
fn a_full_disk_is_called_full_and_the_hint_is_still_given() {
    let home = Home::new();
    let script = "mount -t tmpfs -o size=16k none \"$XDG_STATE_HOME\"
        \"$PROGRAM\" --curriculum \"$PACK\" hint 7";
    let Some(said) = in_a_namespace(&home, script) else {
        return;
    };
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.contains("Look at what strace shows"),
        "{}",
        said.out
    );
    assert!(
        said.err.contains("no room left on the disk"),
        "{}",
        said.err
    );
}

#[test]
fn on_a_read_only_disk_progress_is_shown_and_nothing_is_recorded() {
    let home = Home::new();
    let script = "mount -t tmpfs none \"$XDG_STATE_HOME\"
        program() { \"$PROGRAM\" --curriculum \"$PACK\" \"$@\"; }
        program hint 7 --stage hello >/dev/null 2>&1
        mount -o remount,bind,ro \"$XDG_STATE_HOME\"
        program list
        program hint 7 --stage hello";
    let Some(said) = in_a_namespace(&home, script) else {
        return;
    };
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.contains("◐ begun   exercise-7"),
        "{} {}",
        said.out,
        said.err
    );
    assert!(
        said.out.contains("mechanism") || said.out.contains("· think"),
        "{}",
        said.out
    );
    assert!(
        said.err.contains("can be read but not written"),
        "{}",
        said.err
    );
}
