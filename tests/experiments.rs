//! Experiments against the real kernel, through the real binary.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ipc_mastery::experiment::{ALL, ExperimentError, Observation, find, run};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Map, Value, json};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_ipc-mastery"))
}

fn observe(name: &str) -> Observation {
    run(name, &Map::new(), program()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_experiment_runs_and_marks_one_deciding_call_in_each_part() {
    for experiment in ALL {
        let observation = observe(experiment.name);
        assert_eq!(observation.experiment, experiment.name);
        assert_eq!(observation.schema, Observation::SCHEMA);
        let parts = observation.obs.as_object().expect("one object a part");
        for part in parts.keys() {
            let deciding = observation.part(part).filter(|call| call.decisive);
            assert_eq!(deciding.count(), 1, "{} part {part}", experiment.name);
            let lines = observation.part(part).count();
            assert!((1..=12).contains(&lines), "{} part {part}", experiment.name);
        }
        let recorded: BTreeSet<&String> = observation.calls.iter().map(|call| &call.part).collect();
        assert_eq!(recorded, parts.keys().collect(), "{}", experiment.name);
    }
}

#[test]
fn every_transcript_fits_seventy_six_columns_and_fourteen_lines() {
    for experiment in ALL {
        let observation = observe(experiment.name);
        for part in observation.obs.as_object().expect("parts").keys() {
            let text = ipc_mastery::render::lesson::calls(observation.part(part), 76);
            assert!(text.lines.len() <= 14, "\n{}", text.plain());
            for line in &text.lines {
                assert!(line.width() <= 76, "{}", line.plain());
            }
        }
    }
}

fn tried(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(program())
        .arg("try")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    (
        output.status.code(),
        String::from_utf8(output.stdout).expect("UTF-8"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

#[test]
fn try_without_a_name_lists_every_experiment() {
    let (code, text, _) = tried(&[]);
    assert_eq!(code, Some(0));
    for experiment in ALL {
        assert!(
            text.contains(experiment.name),
            "{} is not listed",
            experiment.name
        );
    }
}

#[test]
fn try_away_from_a_terminal_runs_at_once_and_says_what_the_kernel_agreed_with() {
    let (code, text, _) = tried(&["unix.listen"]);
    assert_eq!(code, Some(0));
    assert!(
        text.contains("connect(3, \"echo.sock\") = -1 ECONNREFUSED"),
        "{text}"
    );
    assert!(text.contains("✓ c. it fails with ECONNREFUSED"), "{text}");
    assert!(
        text.contains("ipc-mastery read bind-listen-accept"),
        "{text}"
    );
}

#[test]
fn try_finds_an_experiment_by_its_lesson_and_prints_the_observation_as_json() {
    let (code, text, _) = tried(&["bytes-not-messages", "--json"]);
    assert_eq!(code, Some(0));
    let observation: Observation = serde_json::from_str(&text).expect("an observation");
    assert_eq!(observation.schema, Observation::SCHEMA);
    assert_eq!(observation.experiment, "unix.bytes");
}

#[test]
fn try_suggests_the_name_that_was_probably_meant() {
    let (code, text, said) = tried(&["unix.lisen"]);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(said.contains("Did you mean `unix.listen`?"), "{said}");
}

#[test]
fn a_machine_without_room_for_temporary_files_is_said_to_lack_it() {
    let output = Command::new(program())
        .args(["try", "unix.bytes"])
        .env("TMPDIR", "/nonexistent")
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("/nonexistent"), "{said}");
}

#[test]
fn connect_is_refused_until_listen_and_succeeds_before_accept() {
    let seen = observe("unix.listen").obs;
    assert_eq!(seen["a"]["early"], "ECONNREFUSED");
    assert_eq!(seen["a"]["late"], "success");
    assert_eq!(
        seen["b"]["read"], "hello",
        "sent before accept, read after the client's death"
    );
    assert_eq!(seen["b"]["end"], 0);
    assert_ne!(seen["b"]["connection"], seen["b"]["listener"]);
}

#[test]
fn a_stream_merges_and_splits_and_a_packet_socket_truncates() {
    let seen = observe("unix.bytes").obs;
    assert_eq!(seen["a"]["got"], "GET-1;GET-2;");
    assert_eq!(
        (&seen["a"]["short"], &seen["a"]["rest"]),
        (&json!("GET-"), &json!("3;"))
    );
    assert_eq!(
        (&seen["b"]["cut"], &seen["b"]["next"]),
        (&json!("GET-"), &json!("GET-2;"))
    );
}

#[test]
fn tcp_names_no_peer_and_drops_the_descriptor_without_an_error() {
    let seen = observe("unix.twin-calls").obs;
    let (a, b) = (&seen["a"], &seen["b"]);
    assert_eq!(a["unix_pid"], a["unix_client"]);
    assert_eq!(
        (&a["tcp"], &a["tcp_pid"], &a["tcp_uid"]),
        (&json!("success"), &json!(0), &json!(-1))
    );
    assert_eq!(
        (&b["unix_received"], &b["read"]),
        (&json!(1), &json!("a letter"))
    );
    assert_eq!(
        (&b["tcp_sent"], &b["tcp_received"]),
        (&json!("success"), &json!(0))
    );
}

#[test]
fn a_path_outlives_its_socket_and_an_abstract_name_does_not() {
    let seen = observe("unix.names").obs;
    let (a, b) = (&seen["a"], &seen["b"]);
    for refused in ["to_path", "to_name"] {
        assert_eq!(a[refused], "ECONNREFUSED");
    }
    assert_eq!(
        (&a["plain"], &a["reusing"], &a["again"]),
        (
            &json!("EADDRINUSE"),
            &json!("EADDRINUSE"),
            &json!("success")
        )
    );
    assert_eq!(
        (&b["to_padded"], &b["second"], &b["to_exact"]),
        (&json!("ECONNREFUSED"), &json!("success"), &json!("success")),
        "the length is part of an abstract name"
    );
    assert_eq!(b["held"], "EADDRINUSE", "a second descriptor holds it");
    assert_eq!(b["chosen_digits"], 5);
    assert_eq!(b["client"], "no name");
}

#[test]
fn an_end_is_read_as_0_written_as_sigpipe_and_a_reset_means_unread_bytes() {
    let seen = observe("unix.endings").obs;
    let (a, b, c) = (&seen["a"], &seen["b"], &seen["c"]);
    assert_eq!(a["after_close"], "EAGAIN", "one of two descriptors");
    assert_eq!((&a["end"], &a["got"]), (&json!(0), &json!("answer")));
    assert_eq!(
        (&b["guarded"], &b["asked"], &b["plain"]),
        (&json!("EPIPE"), &json!("question"), &json!("SIGPIPE"))
    );
    assert_eq!(b["bystander"], 0, "a killed process looks like a close");
    assert_eq!(
        (&c["first"], &c["second"], &c["third_count"]),
        (&json!("answer"), &json!("ECONNRESET"), &json!(0))
    );
}

#[test]
fn a_sent_file_shares_its_position_and_flags_but_not_number_or_close_on_exec() {
    let seen = observe("unix.sent-file").obs;
    let (a, b) = (&seen["a"], &seen["b"]);
    assert_eq!((&a["read"], &a["position"]), (&json!("89"), &json!(10)));
    assert_eq!(a["status"], "O_RDONLY|O_NONBLOCK");
    assert_eq!(
        (&a["sender_flags"], &a["receiver_flags"]),
        (&json!("FD_CLOEXEC"), &json!("0"))
    );
    assert_eq!(a["closing_flags"], "FD_CLOEXEC");
    assert_ne!(a["sent"], a["arrived"]);
    assert_eq!(a["written"], "EBADF");
    assert_eq!((&b["came"], &b["read"]), (&json!(1), &json!("still here")));
}

#[test]
fn nobody_but_a_manager_makes_a_runtime_directory() {
    let seen = observe("runtime-dir.made-by").obs;
    assert_eq!(seen["a"]["value"], "not set");
    assert_eq!(seen["b"]["unmade"], "ENOENT");
    assert_eq!(
        seen["c"]["read"], "still here",
        "an open connection outlives the directory"
    );
    assert_eq!(seen["c"]["late"], "ENOENT");
}

#[test]
fn a_name_leads_to_the_socket_bound_last_while_the_first_still_listens() {
    let seen = observe("runtime-dir.who-lives-there").obs;
    assert_eq!(
        seen["a"]["dead"], seen["a"]["live"],
        "lstat cannot tell them apart"
    );
    assert_eq!(seen["a"]["to_dead"], "ECONNREFUSED");
    assert_eq!(seen["b"]["peer"], seen["b"]["second"]);
    assert_eq!(seen["b"]["first_listens"], true);
    assert_ne!(seen["b"]["first_inode"], seen["b"]["second_inode"]);
}

#[test]
fn a_program_has_the_variables_of_the_process_that_started_it() {
    let seen = observe("environment.copied").obs;
    assert_eq!(seen["a"]["pane"], seen["a"]["old"]);
    assert_eq!(seen["b"]["direct"], seen["a"]["new"]);
    assert_eq!(seen["b"]["server"], seen["a"]["old"]);
}

#[test]
fn the_file_environ_is_a_place_in_memory_and_nothing_comes_back_from_a_child() {
    let seen = observe("environment.letter").obs;
    let (a, b, c) = (&seen["a"], &seen["b"], &seen["c"]);
    assert_eq!((&a["inside"], &a["file"]), (&a["new"], &a["old"]));
    assert_eq!(a["started"], a["new"]);
    assert_eq!((&b["copied"], &b["parent"]), (&a["new"], &a["new"]));
    assert_eq!(b["scrawled"], b["signs"]);
    assert_eq!(
        (&c["fits"], &c["heavy"]),
        (&json!("success"), &json!("E2BIG"))
    );
}

#[test]
fn getenv_takes_the_first_entry_a_shell_the_last_and_only_the_library_drops_some() {
    let seen = observe("environment.filters").obs;
    let (a, b) = (&seen["a"], &seen["b"]);
    assert_eq!((&a["got"], &a["seen"]), (&json!("first"), &json!("second")));
    assert_eq!(a["passed"], "DUP=second");
    assert_eq!(b["size"], 0);
    let root = nix::unistd::geteuid().is_root();
    assert_eq!(b["secure"], u8::from(root), "{b}");
    assert_eq!(b["tmpdir"] == "not set", root);
    assert_eq!(b["runtime"], b["given"]);
}

/// A part that something else stands in for is written down like any other.
fn assert_written_down(observation: &Observation, part: &str) {
    let deciding = observation.part(part).filter(|call| call.decisive);
    assert_eq!(deciding.count(), 1);
    assert!(observation.part(part).count() <= 12);
    let text = ipc_mastery::render::lesson::calls(observation.part(part), 76);
    assert!(text.lines.len() <= 14, "\n{}", text.plain());
}

/// What a pane has, whoever keeps it.
fn assert_a_capsule(seen: &Value) {
    let (a, b) = (&seen["a"], &seen["b"]);
    assert_eq!(
        (&a["runtime"], &a["display"]),
        (&a["old_runtime"], &a["new_display"])
    );
    assert_eq!(a["agent"], "not set");
    assert_eq!((&b["early"], &b["late"]), (&b["old"], &b["new"]));
    assert_eq!((&b["running"], &b["other"]), (&b["old"], &b["old"]));
}

#[test]
fn a_pane_has_what_its_server_was_started_with_and_what_the_list_names() {
    let seen = observe("tmux.capsule").obs;
    assert_a_capsule(&seen);
    if let Some(lacking) = seen["a"]["lacking"].as_str() {
        eprintln!("skipped: {lacking}");
        return;
    }
    let keeper = seen["a"]["keeper"].as_str().expect("a name");
    assert!(keeper.starts_with("tmux "), "{keeper}");
}

#[test]
fn without_tmux_a_server_of_ours_keeps_the_panes_and_says_so() {
    let output = Command::new(program())
        .args(["try", "tmux.capsule", "--json"])
        .env("PATH", "/nonexistent")
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    let observation: Observation = serde_json::from_slice(&output.stdout).expect("an observation");
    assert_a_capsule(&observation.obs);
    for part in ["a", "b"] {
        let lacking = observation.lacking(part).expect("it is said");
        assert!(lacking.contains("tmux"), "{lacking}");
        assert_written_down(&observation, part);
    }
    let output = Command::new(program())
        .args(["read", "the-tmux-time-capsule"])
        .env("PATH", "/nonexistent")
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("this machine lacks tmux"), "{text}");
}

#[test]
fn a_service_finds_its_socket_under_a_number_and_its_pid_in_a_variable() {
    let seen = observe("listen.fds").obs;
    let (a, b, c) = (&seen["a"], &seen["b"], &seen["c"]);
    assert_eq!(a["read"], a["word"], "written before the service was there");
    assert_eq!((&a["mine"], &a["peer"]), (&json!(true), &a["manager"]));
    assert_eq!(
        (&b["mine"], &b["open"], &b["exec_mine"]),
        (&json!(false), &json!(true), &json!(true))
    );
    assert_eq!(
        (&c["trapped"], &c["served"], &c["mended"]),
        (&json!("EBADF"), &json!("success"), &json!("success"))
    );
}

/// What a client in namespaces of its own reaches, seen or recorded.
fn assert_a_scope(seen: &Value) {
    let (a, b) = (&seen["a"], &seen["b"]);
    assert_eq!(
        (&a["far"], &a["by_name"], &a["padded"]),
        (&json!("ENOENT"), &json!("success"), &json!("ECONNREFUSED"))
    );
    assert_eq!(
        (&b["net_path"], &b["net_name"], &b["net_early"]),
        (&json!("success"), &json!("ECONNREFUSED"), &json!("success"))
    );
    assert_eq!(
        (&b["mnt_path"], &b["mnt_name"], &b["mnt_listed"]),
        (&json!("ENOENT"), &json!("success"), &json!(true))
    );
    assert_eq!(
        (&b["net_listed"], &b["taken"]),
        (&json!(false), &json!("success"))
    );
}

#[test]
fn a_path_is_cut_off_by_mounts_and_an_abstract_name_by_the_network() {
    let seen = observe("name.scope").obs;
    assert_a_scope(&seen);
    if let Some(lacking) = seen["b"]["lacking"].as_str() {
        eprintln!("skipped: {lacking}");
    }
}

#[test]
fn where_files_have_no_lists_a_recorded_run_is_shown_and_said_to_be_one() {
    // A ramfs has no access lists.
    let place = tempfile::tempdir().expect("a directory");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t ramfs none \"$1\" && TMPDIR=$1 exec \"$0\" try socket.access-list --json")
        .args([program(), place.path()])
        .stdin(Stdio::null())
        .output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        eprintln!("skipped: no ramfs in a namespace of ours");
        return;
    };
    let observation: Observation = serde_json::from_slice(&output.stdout).expect("an observation");
    let said = observation.instead("a").expect("it is said");
    assert!(
        said.contains("access lists") && said.contains("recorded on Linux"),
        "{said}"
    );
    let live = observe("socket.access-list");
    if live.lacking("a").is_none() {
        let calls = |seen: &Observation| -> Vec<(String, bool)> {
            let own = seen.part("a").filter(|call| call.who.starts_with("owner"));
            own.map(|call| (call.call.clone(), call.decisive)).collect()
        };
        assert_eq!(calls(&live), calls(&observation));
    }
}

#[test]
fn where_namespaces_are_refused_a_recorded_run_is_shown_and_said_to_be_one() {
    // In a user namespace of its own, a process may forbid further ones to itself.
    let forbid =
        "for kind in user net mnt pid; do echo 0 >/proc/sys/user/max_${kind}_namespaces; done";
    let script = format!("({forbid}) 2>/dev/null && exec \"$0\" \"$@\"");
    let refused = |arguments: &[&str]| {
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "sh", "-c", &script])
            .arg(program())
            .args(arguments)
            .stdin(Stdio::null())
            .output();
        output.ok().filter(|output| !output.stdout.is_empty())
    };
    for (name, parts) in [
        ("name.scope", &["b"][..]),
        ("tmpfs.full", &["a", "b"]),
        ("cred.which-uid", &["a", "b"]),
    ] {
        let Some(output) = refused(&["try", name, "--json"]) else {
            eprintln!("skipped: no user namespace to forbid others in");
            return;
        };
        let observation: Observation =
            serde_json::from_slice(&output.stdout).expect("an observation");
        if name == "name.scope" {
            assert_a_scope(&observation.obs);
            assert_eq!(observation.lacking("a"), None);
        }
        let live = observe(name);
        for part in parts {
            let said = observation.instead(part).expect("it is said");
            assert!(said.contains("recorded on Linux"), "{said}");
            if live.lacking(part).is_none() {
                let keys = |seen: &Observation| -> BTreeSet<String> {
                    let part = seen.obs[part].as_object().expect("a part");
                    let keys = part.keys();
                    let keys = keys.filter(|key| !["lacking", "source"].contains(&key.as_str()));
                    keys.cloned().collect()
                };
                assert_eq!(keys(&live), keys(&observation), "{name}");
                let marked = |seen: &Observation| {
                    let call = seen.part(part).find(|call| call.decisive)?.clone();
                    let who = call.who.split([' ', ',']).next()?.to_owned();
                    Some((who, call.call.split('(').next()?.to_owned()))
                };
                assert_eq!(marked(&live), marked(&observation), "{name}");
            }
            assert_written_down(&observation, part);
            let deciding = observation.part(part).filter(|call| call.decisive);
            assert_eq!(deciding.count(), 1, "{name} part {part}");
        }
        // It is marked as such where a person reads it, too.
        let told = refused(&["try", name]).expect("told in words");
        let told = String::from_utf8_lossy(&told.stdout).replace('\n', " ");
        assert!(told.contains("No run of this machine"), "{told}");
    }
}

#[test]
fn a_text_goes_from_its_holder_to_the_paster_past_the_broker() {
    let seen = observe("clip.broker").obs;
    let (a, b) = (&seen["a"], &seen["b"]);
    assert_eq!((&a["read"], &a["end"]), (&a["text"], &json!(0)));
    assert_eq!(a["handled"], "offer text/plainpaste");
    assert_eq!((&a["made"], &a["made"]), (&a["passed"], &a["written_to"]));
    assert_eq!(
        (&a["copier_lines"], &a["holder_lines"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        (&b["held"], &b["closed_bytes"]),
        (&json!("EAGAIN"), &json!(0))
    );
    assert_eq!((&b["gone"], &b["nothing"]), (&json!("EPIPE"), &json!(0)));
}

#[test]
fn listeners_pidfds_and_epoll_instances_cannot_be_read() {
    let seen = observe("descriptor.read").obs;
    for object in ["listener", "pidfd", "epoll"] {
        assert_eq!(seen["a"][object], "EINVAL", "{object}");
    }
}

#[test]
fn a_guest_is_root_inside_only_and_a_stray_has_no_number_for_its_server() {
    let observation = observe("cred.which-uid");
    let a = &observation.obs["a"];
    assert_eq!(a["inside"], 0);
    assert_eq!(a["outside"], a["uid"]);
    assert_ne!(a["outside"], 0, "root plays an ordinary user");
    assert_eq!(a["stray_sees"], a["overflow"]);
    assert_eq!(observation.obs["b"]["from_inside"], 0);
    if nix::unistd::geteuid().is_root() && a["faces"] == "success" {
        assert_eq!((&a["effective"], &a["real"]), (&json!(65534), &json!(0)));
    }
}

#[test]
fn a_policy_refuses_a_socket_that_uid_and_mode_permit_and_nothing_else() {
    let a = &observe("cred.refused").obs["a"];
    assert_eq!((&a["uid"], &a["mode"]), (&a["uid_after"], &a["mode_after"]));
    assert_eq!(a["first"], "success");
    assert_eq!(a["second"], "EACCES");
    assert_eq!(a["room"], "success");
}

#[test]
fn a_pidfd_never_means_the_process_that_has_got_the_number() {
    let b = &observe("pid.reuse").obs["b"];
    if b["pidfd"] == "success" {
        assert_eq!(b["by_pidfd"], "ESRCH");
    }
    assert_eq!(b["reused"], b["stranger"] == b["pid"]);
    assert_eq!(b["by_pid"], b["told"]);
}

#[test]
fn an_access_list_counts_for_another_user_until_its_mask_is_taken() {
    let a = &observe("socket.access-list").obs["a"];
    if a["allowed"] != "unknown" {
        assert_eq!(
            (&a["allowed"], &a["masked"]),
            (&json!("success"), &json!("EACCES"))
        );
    }
    assert_eq!(a["listed"], "0660");
}

#[test]
fn an_unknown_experiment_and_wrong_parameters_are_told_apart() {
    let unknown = run("unix.nothing", &Map::new(), program());
    assert!(matches!(unknown, Err(ExperimentError::Unknown { .. })));
    let mut params = Map::new();
    params.insert("backlog".into(), Value::from(3));
    let wrong = run("unix.bytes", &params, program());
    assert!(
        matches!(&wrong, Err(ExperimentError::Parameters { message, .. }) if message.contains("backlog")),
        "{wrong:?}"
    );
}

#[test]
fn names_are_sorted_and_unique() {
    let names: Vec<&str> = ALL.iter().map(|experiment| experiment.name).collect();
    let sorted: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names, sorted.into_iter().collect::<Vec<_>>());
    assert!(find("unix.bytes").is_some());
}

/// Processes whose environment has `variable`: what an experiment started, however deep.
fn processes_with(variable: &str) -> usize {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| {
            std::fs::read(entry.path().join("environ")).is_ok_and(|environment| {
                environment
                    .split(|&byte| byte == 0)
                    .any(|entry| entry == variable.as_bytes())
            })
        })
        .count()
}

/// Processes that stand in a directory, or in one that was below it.
fn processes_below(directory: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0;
    };
    let stands = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(directory))
    };
    entries.flatten().filter(stands).count()
}

/// Starts the guard of an experiment by hand, with a private TMPDIR and a mark in its environment.
fn guard(directory: &Path, mark: &str) -> std::process::Child {
    let (name, value) = mark.split_once('=').expect("NAME=value");
    Command::new(program())
        .args(["__role", "experiment"])
        .env("TMPDIR", directory)
        .env(name, value)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts")
}

const REQUEST: &str = "{\"Guard\":{\"experiment\":\"unix.listen\",\"params\":{}}}\n";

/// Starts programs that are not ours, in sessions of their own.
const TMUX: &str = "{\"Guard\":{\"experiment\":\"tmux.capsule\",\"params\":{}}}\n";

#[test]
fn nothing_is_left_behind_after_an_answer() {
    for request in [REQUEST, TMUX] {
        answered_and_gone(request);
    }
}

fn answered_and_gone(request: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let mark = format!("IPC_MASTERY_TEST={}-answer", std::process::id());
    let mut child = guard(directory.path(), &mark);
    let mut input = child.stdin.take().expect("piped");
    input.write_all(request.as_bytes()).expect("it reads");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("it answers");
    assert!(line.starts_with("{\"Observed\""), "{line}");
    assert!(child.wait().expect("it ends").success());
    drop(input);
    assert_eq!(
        std::fs::read_dir(directory.path())
            .expect("readable")
            .count(),
        0
    );
    assert_eq!(processes_with(&mark), 0);
    assert_eq!(processes_below(directory.path()), 0);
}

#[test]
fn nothing_is_left_behind_when_the_caller_is_gone() {
    // The input ends right after the request, as when the caller is killed. Whether the routine has
    // answered by then or not, everything must be cleared away when the guard has ended.
    for round in 0..10 {
        let directory = tempfile::tempdir().expect("a directory");
        let mark = format!("IPC_MASTERY_TEST={}-gone-{round}", std::process::id());
        let mut child = guard(directory.path(), &mark);
        let mut input = child.stdin.take().expect("piped");
        let request = [REQUEST, TMUX][round % 2];
        input.write_all(request.as_bytes()).expect("it reads");
        drop(input);
        let mut output = child.stdout.take().expect("piped");
        let mut waiting = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(Duration::from_secs(60)).expect("fits");
        assert_ne!(
            poll(&mut waiting, limit),
            Ok(0),
            "the guard must end by itself"
        );
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).expect("readable");
        child.wait().expect("it ends");
        assert_eq!(
            std::fs::read_dir(directory.path())
                .expect("readable")
                .count(),
            0
        );
        assert_eq!(processes_with(&mark), 0);
        assert_eq!(processes_below(directory.path()), 0);
    }
}

#[test]
fn several_at_once_do_not_disturb_each_other() {
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(observe("unix.listen").obs["b"]["read"], "hello"));
        }
    });
}

#[test]
fn ctrl_d_before_the_end_is_no_success() {
    let pty = nix::pty::openpty(None, None).expect("a terminal");
    let end = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
    let mut command = Command::new(program());
    command
        .args(["try", "unix.bytes"])
        .stdin(end())
        .stdout(end())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("the binary starts");
    std::fs::File::from(pty.master.try_clone().expect("a descriptor"))
        .write_all(b"\x04")
        .expect("it can be typed");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "Ended early: there is no more input.\n");
}

#[test]
fn on_a_terminal_try_asks_before_it_runs_and_marks_the_prediction() {
    let pty = nix::pty::openpty(None, None).expect("a terminal");
    let input = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
    let mut child = Command::new(program())
        .args(["try", "unix.bytes", "--color", "never"])
        .stdin(input())
        .stdout(input())
        .stderr(input())
        .spawn()
        .expect("the binary starts");
    let mut terminal = std::fs::File::from(pty.master);
    // The terminal keeps what is typed ahead. "z" is no answer, so it is asked again; the fact is
    // first stated wrong, then right. What asks for more is told that nothing more is typed.
    let typed = b"z\na\n6\n12\nc\nGET-2;\n\x04\x04\x04";
    terminal.write_all(typed).expect("it can be typed");
    assert!(child.wait().expect("it ends").success());
    drop(pty.slave);
    let mut shown = Vec::new();
    // With its last user gone, a terminal reports EIO where a pipe reports its end.
    let _ = terminal.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown).replace('\r', "");
    // Bold and dim are no colour; they end with an m.
    let shown: String = shown
        .split("\u{1b}[")
        .enumerate()
        .map(|(index, piece)| match piece.split_once('m') {
            Some((_, rest)) if index > 0 => rest,
            _ => piece,
        })
        .collect();
    let place = |what: &str| {
        shown
            .find(what)
            .unwrap_or_else(|| panic!("{what} in\n{shown}"))
    };
    let asked = place("What does this one read return?");
    let ran = place("12 \"GET-1;GET-2;\"");
    assert!(asked < ran, "the prediction comes first");
    assert!(ran < place("Look once more"));
    assert!(place("Look once more") < place("Yes, that is what the kernel did."));
    assert!(shown.contains("✗ a. GET-1;, the first write"), "{shown}");
    assert!(shown.contains("✓ b. GET-1;GET-2;, both writes"), "{shown}");
    assert!(
        shown.contains("read(4, buffer, 100)"),
        "no descriptor of ours gets in: {shown}"
    );
    assert!(place("Why: ipc-mastery read bytes-not-messages") > ran);
}
