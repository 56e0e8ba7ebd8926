//! What the subcommands around progress say, and that every document made from the command line is
//! the one that was reviewed: help, manual page, exit statuses, completions.

mod home;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use home::{Home, run, run_typing};
use insta::assert_snapshot;
use ipc_mastery::check::verdict::Verdict;
use ipc_mastery::cli;
use ipc_mastery::commands::man;
use ipc_mastery::exit_code::ExitCode;
use serde_json::Value;

#[test]
fn the_help_of_every_subcommand_is_the_reviewed_one() {
    fn helps(command: &mut clap::Command, out: &mut String) {
        let name = command
            .get_bin_name()
            .unwrap_or(command.get_name())
            .to_owned();
        *out += &format!("== {name}\n{}\n", command.render_long_help());
        for sub in command.get_subcommands_mut() {
            helps(sub, out);
        }
    }
    let mut command = cli::documented().term_width(80);
    command.build();
    let mut out = String::new();
    helps(&mut command, &mut out);
    assert!(!out.contains("__role"), "a hidden subcommand is documented");
    let plain: Vec<&str> = out.lines().map(str::trim_end).collect();
    assert_snapshot!("help", plain.join("\n"));
}

#[test]
fn the_manual_page_is_the_reviewed_one() {
    assert_snapshot!("man", man::page());
}

#[test]
fn the_exit_statuses_are_the_reviewed_ones_and_all_are_in_the_manual() {
    let page = man::page();
    let table: String = ExitCode::ALL
        .iter()
        .map(|&code| {
            assert!(page.contains(&format!(
                "\\fB{}\\fR\n{}",
                code as u8,
                code.meaning().replace('-', "\\-").replace('\'', "\\*(Aq")
            )));
            format!("{:>3}  {}\n", code as u8, code.meaning())
        })
        .collect();
    assert_snapshot!("exit-statuses", table);
}

#[test]
fn the_manual_page_has_no_mistakes_that_groff_knows() {
    let groff = Command::new("groff")
        .args(["-man", "-Tutf8", "-ww", "-z"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut groff) = groff else {
        eprintln!("skipped: groff is not installed");
        return;
    };
    groff
        .stdin
        .take()
        .unwrap()
        .write_all(man::page().as_bytes())
        .unwrap();
    let output = groff.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn completions_know_the_subcommands_and_not_the_hidden_one() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = run(&mut home.command(&["completions", shell]));
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(
            said.out.contains("doctor") && !said.out.contains("__role"),
            "{shell}"
        );
    }
    fs::write(
        home.path("complete"),
        run(&mut home.command(&["completions", "bash"])).out,
    )
    .unwrap();
    let parsed = Command::new("bash")
        .arg("-n")
        .arg(home.path("complete"))
        .status()
        .unwrap();
    assert!(parsed.success());
}

#[test]
fn list_shows_lessons_exercises_and_what_is_next() {
    let home = Home::new();
    home.record([
        ("hello", false, Verdict::Pass),
        ("twice", false, Verdict::Fail),
        ("polite", true, Verdict::Pass),
    ]);
    let said = run(&mut home.small(&["list"]));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_snapshot!(said.out, @r#"
    A small path
    0 of 3 lessons read, 0 of 1 exercises passed

    01 Start here · Start
      ○ new     welcome     Welcome

    02 Unix sockets · Core
      ○ new     names       What a name is
      ○ new     bytes       Bytes, not messages
      ◐ begun   exercise-7  The greeter          stages 1 of 2, bonus 1 of 1

    Still to come: Pipes.

    Next: read “Welcome”
      ipc-mastery learn welcome
    "#);
}

#[test]
fn path_shows_outcomes_by_level() {
    let home = Home::new();
    home.record_pass();
    let said = run(&mut home.small(&["path"]));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_snapshot!(said.out, @r#"
    A small path
    0 of 3 lessons read, 1 of 1 exercises passed

    Level 1 · Awareness (an hour)
      ○ O1  Says what a socket's name is.
            0 of 2 lessons read, no evidence to earn yet
      ◐ O2  Writes a server that greets.
            0 of 1 lessons read, 1 of 1 exercises passed, 1 of 2 pieces of evidence
            ✓ code: The greeter

    Level 2 · Comprehension (a week)
      ○ O3  Explains a queue.
            nothing is written for it yet

    Next: read “Welcome”
      ipc-mastery learn welcome

    A simulated clock gave the times of this progress.
    "#);
}

#[test]
fn list_and_path_stay_within_the_terminal() {
    let home = Home::new();
    home.record_pass();
    for (command, columns) in [
        ("list", "60"),
        ("list", "48"),
        ("list", "40"),
        ("path", "48"),
        ("path", "80"),
    ] {
        let said = run(home.small(&[command]).env("COLUMNS", columns));
        let widest = said
            .out
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(
            widest <= columns.parse().unwrap(),
            "{columns}: {}",
            said.out
        );
        assert!(
            command == "path" || said.out.contains("stages 2 of 2"),
            "{}",
            said.out
        );
    }
}

#[test]
fn in_forty_columns_only_the_command_to_copy_may_be_longer() {
    let home = Home::new();
    for command in ["list", "path"] {
        let said = run(home.command(&[command]).env("COLUMNS", "40"));
        assert_eq!(said.code, Some(0), "{}", said.err);
        for line in said.out.lines() {
            let copied = line.starts_with("  ipc-mastery ");
            assert!(copied || line.chars().count() <= 40, "{line}\n{}", said.out);
        }
    }
    // Names are whole: they are typed.
    let said = run(home.command(&["list"]).env("COLUMNS", "40"));
    assert!(
        said.out.contains("everything-is-a-file-descriptor\n"),
        "{}",
        said.out
    );
}

#[test]
fn a_name_of_something_else_is_told_to_be_that() {
    let home = Home::new();
    let told = |arguments: &[&str]| {
        let said = run(&mut home.small(arguments));
        assert_eq!(said.code, Some(2), "{}", said.err);
        said.err
    };
    assert_snapshot!(told(&["read", "exercise-7"]), @r"
    error: `exercise-7` is an exercise, not a lesson
      hint: `ipc-mastery learn exercise-7` shows its task; `ipc-mastery start exercise-7` begins it.
    ");
    assert_snapshot!(told(&["check", "names"]), @r"
    error: `names` is a lesson, not an exercise
      hint: `ipc-mastery learn names` opens it; `read names` prints it.
    ");
    assert_snapshot!(told(&["try", "greeter"]), @r"
    error: `greeter` is an exercise, not an experiment
      hint: `ipc-mastery learn exercise-7` shows its task; `ipc-mastery start exercise-7` begins it.
    ");
}

#[test]
fn every_subcommand_words_an_unknown_name_alike() {
    let home = Home::new();
    let told = |arguments: &[&str]| {
        let said = run(&mut home.small(arguments));
        assert_eq!(said.code, Some(2), "{}", said.err);
        said.err
    };
    for (near, far) in [
        (["hint", "greter"], ["hint", "zzzzzzz"]),
        (["start", "greter"], ["start", "zzzzzzz"]),
        (["check", "greter"], ["check", "zzzzzzz"]),
        (["solution", "greter"], ["solution", "zzzzzzz"]),
        (["reset", "greter"], ["reset", "zzzzzzz"]),
    ] {
        assert_eq!(
            told(&near),
            "error: there is no exercise `greter`\n  hint: Did you mean `greeter`?\n"
        );
        assert_eq!(
            told(&far),
            "error: there is no exercise `zzzzzzz`\n  hint: `ipc-mastery list` names them all.\n"
        );
    }
    for more in [&["hint"][..], &["check", "--cmd", "true"]] {
        assert_eq!(
            told(&[more, &["7", "--stage", "zzzzzzz"]].concat()),
            "error: exercise-7 has no stage `zzzzzzz`\n  \
             hint: There is hello, twice, polite.\n"
        );
    }
}

#[test]
fn help_that_cannot_be_written_is_told() {
    let home = Home::new();
    for arguments in [&["--help"][..], &["--version"], &["check", "--help"]] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = home.command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("cannot write the output"), "{said}");
        let said = run(&mut home.command(arguments));
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
        assert!(!said.out.is_empty());
    }
    let said = run(&mut home.command(&["--nonsense"]));
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    assert!(said.err.contains("--nonsense"), "{}", said.err);
}

#[test]
fn json_has_a_schema_and_the_same_facts() {
    let home = Home::new();
    home.record_pass();
    let list: Value = serde_json::from_str(&run(&mut home.small(&["list", "--json"])).out).unwrap();
    assert_eq!(list["schema"], "ipc-mastery/list/1");
    assert_eq!(list["modules"][1]["exercises"][0]["state"], "done");
    assert_eq!(list["modules"][1]["exercises"][0]["passed_at"], 1_000_000);
    assert_eq!(list["progress"]["exercises"]["greeter"]["attempts"], 1);
    assert_eq!(list["next"]["kind"], "lesson");
    let path: Value = serde_json::from_str(&run(&mut home.small(&["path", "--json"])).out).unwrap();
    assert_eq!(path["schema"], "ipc-mastery/path/1");
    assert_eq!(path["levels"][0]["outcomes"][1]["exercises"]["done"], 1);
}

#[test]
fn looking_makes_no_files() {
    let home = Home::new();
    for command in [&["list"][..], &["path"], &["reset"], &["solution", "7"]] {
        run(&mut home.small(command));
    }
    assert_eq!(fs::read_dir(home.directory.path()).unwrap().count(), 0);
}

#[test]
fn reset_refuses_when_nobody_can_be_asked() {
    let home = Home::new();
    home.record_pass();
    let said = run(&mut home.small(&["reset"]));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("--yes"), "{}", said.err);
    assert!(home.store().snapshot().unwrap().has_passed("greeter"));
}

#[test]
fn reset_asks_and_forgets_only_after_yes() {
    let home = Home::new();
    home.record_pass();
    for typed in ["no\n", "\n", "y\n"] {
        let said = run_typing(&mut home.small(&["reset"]), typed);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.err.contains("1 exercise passed"), "{}", said.err);
        assert!(
            said.err.contains("Your files are not touched."),
            "{}",
            said.err
        );
        assert!(said.err.contains("Nothing was forgotten."), "{}", said.err);
        assert!(home.store().snapshot().unwrap().has_passed("greeter"));
    }
    let said = run_typing(&mut home.small(&["reset"]), "yes\n");
    assert!(said.err.ends_with("Forgotten.\n"), "{}", said.err);
    assert!(!home.store().snapshot().unwrap().has_passed("greeter"));
    let said = run(&mut home.small(&["reset"]));
    assert_eq!(
        said.err,
        "Nothing is remembered of all lessons and exercises.\n"
    );
}

#[test]
fn reset_counts_apart_what_could_not_count() {
    let home = Home::new();
    home.record_pass();
    let said = run(&mut home.small(&["check", "7", "--cmd", "true", "--json"]));
    assert_eq!(said.code, Some(1), "{}", said.err);
    let said = run_typing(&mut home.small(&["reset"]), "no\n");
    assert!(said.err.contains("\n  1 check\n"), "{}", said.err);
    assert!(
        said.err
            .contains("\n  1 check that could not count (--cmd,"),
        "{}",
        said.err
    );
}

#[test]
fn reset_of_one_exercise_leaves_the_rest() {
    let home = Home::new();
    home.record_pass();
    let reading = ipc_mastery::mastery::store::Reading {
        lesson: "names",
        block: 0,
        blocks: 1,
    };
    home.store().record_reading(reading).unwrap();
    let said = run(&mut home.small(&["reset", "exercise-7", "--yes"]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let progress = home.store().snapshot().unwrap();
    assert!(progress.exercises.is_empty() && progress.lessons.contains_key("names"));
    let said = run(&mut home.small(&["reset", "greter", "--yes"]));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("Did you mean `greeter`?"), "{}", said.err);
}

#[test]
fn hints_grow_for_the_stage_that_failed_and_show_is_announced() {
    let home = Home::new();
    home.record([
        ("hello", false, Verdict::Pass),
        ("twice", false, Verdict::Fail),
        ("polite", true, Verdict::Fail),
    ]);
    for (words, level) in [
        ("Look at the second accept.", "look"),
        ("A listening socket stays.", "think"),
        ("A loop around accept.", "show"),
        ("A loop around accept.", "show"),
    ] {
        let said = run(&mut home.small(&["hint", "7"]));
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.out.contains(words), "{}", said.out);
        assert!(
            said.out
                .starts_with(&format!("The greeter · greets a second client · {level}\n"))
        );
        assert_eq!(
            said.err.contains("counts as assisted: it is recorded"),
            level == "show"
        );
    }
    home.record_pass();
    let exercise = home
        .store()
        .snapshot()
        .unwrap()
        .exercises
        .remove("greeter")
        .unwrap();
    assert!(exercise.is_assisted());
}

#[test]
fn a_hint_can_be_asked_for_by_stage_and_level() {
    let home = Home::new();
    let said = run(&mut home.small(&["hint", "7", "--stage", "polite", "--level", "think"]));
    assert!(said.out.contains("The end is a read of 0."), "{}", said.out);
    let said = run(&mut home.small(&["hint", "7"]));
    assert!(
        said.out.contains("greets one client · look"),
        "{}",
        said.out
    );
    let said = run(&mut home.small(&["hint", "7", "--stage", "polit"]));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("Did you mean `polite`?"), "{}", said.err);
    let said = run(&mut home.small(&["hint"]));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("none was started"), "{}", said.err);
}

#[test]
fn the_solution_is_shown_only_after_a_pass() {
    let home = Home::new();
    let said = run(&mut home.small(&["solution", "7"]));
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains("after a recorded pass"), "{}", said.err);
    home.record_pass();
    let said = run(&mut home.small(&["solution", "7"]));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_snapshot!("solution", said.out);
    let said = run(&mut home.small(&["solution", "7", "--lang", "perl"]));
    assert_eq!(said.code, Some(2));
    assert!(
        said.err
            .contains("exercise-7 has no language `perl`\n  hint: There is sh, nowhere."),
        "{}",
        said.err
    );
}

#[test]
fn doctor_finds_by_trying_and_says_of_each_what_it_is_for() {
    let home = Home::new();
    let said = run(&mut home.command(&["doctor", "--json"]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let machine: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(machine["schema"], "ipc-mastery/doctor/1");
    let findings = machine["findings"].as_array().unwrap();
    let mut ids: Vec<&str> = findings
        .iter()
        .map(|found| found["id"].as_str().unwrap())
        .collect();
    for found in findings {
        assert_ne!(found["needed_for"], "", "{found}");
        assert_ne!(found["detail"], "", "{found}");
        let lacks = ["missing", "limited"].contains(&found["state"].as_str().unwrap());
        assert_eq!(lacks, lacks && found["get"] != "", "{found}");
    }
    for id in ["so-peercred", "pidfd-open", "unix-diag", "inotify"] {
        let found = findings.iter().find(|found| found["id"] == id).unwrap();
        assert_eq!(
            found["state"], "here",
            "every machine that runs these tests has it: {found}"
        );
    }
    let before = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), before, "ids are unique");
    let root = machine["uid"] == 0;
    let state = findings
        .iter()
        .find(|found| found["id"] == "state-dir")
        .unwrap();
    assert_eq!(state["state"], "here", "{state}");
    let text = run(&mut home.command(&["doctor"])).out;
    assert!(text.starts_with("This machine · Linux "), "{text}");
    let head = text.lines().next().unwrap_or_default();
    assert_eq!(head.ends_with(" · as root"), root, "{head}");
}

#[test]
fn doctor_tells_a_missing_tool_from_a_broken_one() {
    let home = Home::new();
    let bin = home.path("bin");
    fs::create_dir(&bin).unwrap();
    for (name, script) in [
        (
            "cc",
            "#!/bin/sh\necho 'cc: no compiler behind me' >&2\nexit 1\n",
        ),
        ("python3", "#!/bin/sh\nprintf 'Python 9.9\\033[2J\\n'\n"),
        (
            "nc",
            "#!/bin/sh\necho 'usage: nc [-lnpuv] host port' >&2\nexit 1\n",
        ),
    ] {
        fs::write(bin.join(name), script).unwrap();
        let runnable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(bin.join(name), runnable).unwrap();
    }
    let said = run(home.command(&["doctor", "--json"]).env("PATH", &bin));
    let machine: Value = serde_json::from_str(&said.out).unwrap();
    let found = |id: &str| {
        let findings = machine["findings"].as_array().unwrap();
        findings
            .iter()
            .find(|found| found["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(found("cc")["state"], "missing");
    assert!(
        found("cc")["detail"]
            .as_str()
            .unwrap()
            .contains("exit status: 1")
    );
    assert!(
        found("cc")["get"]
            .as_str()
            .unwrap()
            .contains("apt install gcc")
    );
    assert_eq!(found("cargo")["detail"], "not on the PATH");
    assert_eq!(found("python3")["detail"], r"Python 9.9\x1b[2J");
    assert_eq!(found("nc")["state"], "limited");
}
