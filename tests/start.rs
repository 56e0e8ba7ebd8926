//! `start`: where files go, what is never overwritten, and what happens without a network, without
//! a language, without an editor.

mod home;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use home::{Home, run, run_typing};
use ipc_mastery::check::marker;

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_starter_is_copied_filled_prepared_and_remembered() {
    let home = Home::new();
    let said = run(&mut home.small(&["start", "7", "--lang", "sh"]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let directory = home.path("greeter");
    let expected = [
        ".ipc-mastery.toml",
        "README.md",
        "fetched",
        "main.sh",
        "prepare.sh",
        "settings",
    ];
    assert_eq!(names(&directory), expected);
    assert_eq!(
        fs::read_to_string(directory.join("settings")).unwrap(),
        "name = \"greeter\"\n"
    );
    let mode = fs::metadata(directory.join("main.sh"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    let found = marker::find(&directory).unwrap().unwrap();
    assert_eq!(
        (found.exercise.as_str(), found.language.as_str()),
        ("greeter", "sh")
    );
    let last = home.store().snapshot().unwrap().last_start.unwrap();
    assert_eq!(
        last.directory.as_path(),
        fs::canonicalize(&directory).unwrap()
    );
    for command in ["cd greeter", "vi main.sh", "check"] {
        assert!(said.out.contains(command), "{}", said.out);
    }
}

#[test]
fn nothing_is_overwritten_and_what_is_in_the_way_is_named() {
    let home = Home::new();
    let directory = home.path("work");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("main.sh"), "mine").unwrap();
    let start = ["start", "greeter", "--lang", "sh", "--dir", "work"];
    let said = run(&mut home.small(&start));
    assert_eq!(said.code, Some(2));
    assert!(
        said.err
            .contains("nothing was copied: work/main.sh already exists"),
        "{}",
        said.err
    );
    assert_eq!(names(&directory), ["main.sh"]);
    assert_eq!(
        fs::read_to_string(directory.join("main.sh")).unwrap(),
        "mine"
    );
    fs::remove_file(directory.join("main.sh")).unwrap();
    assert_eq!(run(&mut home.small(&start)).code, Some(0));
    let said = run(&mut home.small(&start));
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("work/.ipc-mastery.toml already exists"),
        "{}",
        said.err
    );
}

#[test]
fn without_a_network_the_files_stay_and_the_command_for_later_is_said() {
    let home = Home::new();
    let said = run(home
        .small(&["start", "7", "--lang", "sh"])
        .env("GREETER_OFFLINE", "1"));
    assert_eq!(said.code, Some(0));
    assert!(
        said.err.contains("could not reach the registry"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("fetching failed (exit status: 7)"),
        "{}",
        said.err
    );
    let cache = home.path("cache/ipc-mastery/sh");
    let later = format!("sh ./prepare.sh {}", cache.display());
    assert!(said.err.contains(&later), "{}", said.err);
    assert!(home.path("greeter/main.sh").exists() && !home.path("greeter/fetched").exists());
}

#[test]
fn a_language_whose_tools_are_missing_can_be_started_and_that_is_said() {
    let home = Home::new();
    let said = run(&mut home.small(&["start", "7", "--lang", "nowhere"]));
    assert_eq!(said.code, Some(0));
    assert!(
        said.err.contains("need no-such-compiler-7, missing here"),
        "{}",
        said.err
    );
    assert!(home.path("greeter/main.nw").exists());
}

#[test]
fn without_a_language_it_lists_what_this_machine_has_tools_for() {
    let home = Home::new();
    let said = run(&mut home.small(&["start", "7"]));
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("Add --lang sh (its tools are here)."),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("nowhere (missing: no-such-compiler-7)."),
        "{}",
        said.err
    );
    assert_eq!(names(home.directory.path()), [] as [&str; 0]);
}

#[test]
fn on_a_terminal_it_asks_and_takes_a_number_or_a_name() {
    for typed in ["1\n", "sh\n"] {
        let home = Home::new();
        let said = run_typing(&mut home.small(&["start", "7"]), typed);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.err.contains("In which language?"), "{}", said.err);
        assert!(home.path("greeter/main.sh").exists());
    }
    for typed in ["\n", "9\n", "perl\n"] {
        let home = Home::new();
        let said = run_typing(&mut home.small(&["start", "7"]), typed);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(!home.path("greeter").exists());
    }
}

#[test]
fn the_editor_may_be_a_command_with_arguments() {
    let home = Home::new();
    let seen = home.path("opened by the editor");
    let editor = format!(
        "sh -c 'printf \"%s|\" \"$@\" > \"{}\"' sh --wait",
        seen.display()
    );
    let start = ["start", "7", "--lang", "sh", "--edit"];
    let said = run(home
        .small(&start)
        .env("EDITOR", "false")
        .env("VISUAL", editor));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let main = fs::canonicalize(home.path("greeter/main.sh")).unwrap();
    assert_eq!(
        fs::read_to_string(seen).unwrap(),
        format!("--wait|{}|", main.display())
    );
}

#[test]
fn without_an_editor_that_is_said_and_the_rest_is_done() {
    let home = Home::new();
    let said = run(&mut home.small(&["start", "7", "--lang", "sh", "--edit"]));
    assert_eq!(said.code, Some(2));
    assert!(home.path("greeter/main.sh").is_file());
    assert!(
        said.err.contains("neither VISUAL nor EDITOR is set"),
        "{}",
        said.err
    );
    assert!(home.path("greeter/main.sh").exists());
}

#[test]
fn a_started_exercise_is_known_below_its_directory_and_as_the_last_one_everywhere() {
    let home = Home::new();
    run(&mut home.small(&["start", "7", "--lang", "sh", "--dir", "deep/er"]));
    let below = home.path("deep/er/src");
    fs::create_dir(&below).unwrap();
    let elsewhere = PathBuf::from("/");
    for place in [&below, &elsewhere] {
        let said = run(home.small(&["hint"]).current_dir(place));
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.out.starts_with("The greeter"), "{}", said.out);
    }
    fs::write(home.path("deep/er/.ipc-mastery.toml"), "format = 1\n").unwrap();
    let said = run(home.small(&["hint"]).current_dir(&below));
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("is not what `start` writes"),
        "{}",
        said.err
    );
}

#[test]
fn every_language_of_the_echo_server_has_a_starter_with_its_main_file() {
    for (language, main) in [
        ("c", "main.c"),
        ("rust", "src/main.rs"),
        ("python", "main.py"),
    ] {
        let home = Home::new();
        let start = ["start", "exercise-3", "--lang", language, "--dir", "echo"];
        // Without any tool on the PATH nothing is compiled here.
        let said = run(home.command(&start).env("PATH", "/nonexistent"));
        assert_eq!(said.code, Some(0), "{}", said.err);
        let echo = home.path("echo");
        assert!(echo.join(main).is_file(), "{language}");
        assert_eq!(marker::find(&echo).unwrap().unwrap().language, language);
        if language == "rust" {
            let manifest = fs::read_to_string(echo.join("Cargo.toml")).unwrap();
            assert!(manifest.contains("name = \"echo-server\""), "{manifest}");
            assert!(echo.join("Cargo.lock").is_file() && !echo.join("Cargo.toml.in").exists());
        }
    }
}

#[test]
fn an_editor_that_fails_is_told_and_no_success() {
    let home = Home::new();
    let start = ["start", "7", "--lang", "sh", "--edit"];
    let said = run(home.small(&start).env("EDITOR", "sh -c 'exit 9'"));
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(
        said.err.contains("ended with exit status: 9"),
        "{}",
        said.err
    );
    assert!(said.err.contains("main.sh is there"), "{}", said.err);
    assert!(home.path("greeter/main.sh").is_file());
}
