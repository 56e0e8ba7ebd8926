//! What further runs add to a failure: the compiler's sanitizers, and what is seen without strace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::bench::{Bench, echo, finish, stage};

/// Whether the C compiler here has its sanitizers: found by trying.
fn has_sanitizers(bench: &Bench) -> bool {
    let source = bench.path("empty.c");
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let built = Command::new("cc")
        .args(["-fsanitize=address,undefined", "-o"])
        .args([bench.path("empty"), source])
        .output();
    let has = built.is_ok_and(|output| output.status.success());
    if !has {
        eprintln!("skipped: cc has no sanitizers here");
    }
    has
}

/// The reference solution in C with one change, in a directory of its own.
fn changed_solution(bench: &Bench, find: &str, replace: &str) -> PathBuf {
    let solution =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("exercises/03-echo-server/solution/c/main.c");
    let text = fs::read_to_string(solution).unwrap();
    assert_eq!(text.matches(find).count(), 1, "{find}");
    let directory = bench.path("mine");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("main.c"), text.replace(find, replace)).unwrap();
    directory
}

#[test]
fn a_failure_in_c_is_explained_by_the_compilers_sanitizers() {
    let bench = Bench::new();
    if !has_sanitizers(&bench) {
        return;
    }
    let from = "static void serve(int client)\n{\n";
    // The hardened library sees it, every time, and aborts.
    let to = "static void serve(int client)\n{\n    char small[8];\n    \
              memset(small, 'x', (size_t)client * 20);\n    \
              fprintf(stderr, \"%.8s\\n\", small);\n";
    let directory = changed_solution(&bench, from, to);
    let output = finish(bench.of_directory(&directory, &["--json"]).spawn().unwrap());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages = report["stages"].as_array().unwrap();
    let failed = stages.iter().find(|stage| stage["verdict"] == "fail");
    let found = &failed.unwrap()["failure"]["sanitizer"];
    assert_eq!(found["tool"], "AddressSanitizer", "{report:#}");
    assert_eq!(found["kind"], "stack-buffer-overflow", "{report:#}");
    assert_eq!(
        (&found["access"], &found["object"]),
        (&"write".into(), &"small".into())
    );
    let line = fs::read_to_string(directory.join("main.c")).unwrap();
    let line = line
        .lines()
        .position(|line| line.contains("memset(small"))
        .unwrap();
    assert_eq!(found["at"], format!("main.c:{}, in serve()", line + 1));
    let text = finish(bench.of_directory(&directory, &[]).spawn().unwrap()).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("Sanitizer AddressSanitizer, in another run: "),
        "{text}"
    );
}

#[test]
fn once_leaves_out_what_explains_a_failure_and_keeps_the_verdict() {
    let bench = Bench::new();
    let directory = changed_solution(
        &bench,
        "static void serve(int client)\n{\n",
        "static void serve(int client)\n{\n    abort();\n",
    );
    let report = |options: &[&str]| -> Value {
        let check = bench.of_directory(&directory, options).spawn().unwrap();
        serde_json::from_slice(&finish(check).stdout).unwrap()
    };
    let told = |report: &Value| {
        let stages = report["stages"].as_array().unwrap().clone();
        let stages = stages.iter().map(|stage| {
            let diagnosis = stage["failure"]["diagnosis"].clone();
            (stage["id"].clone(), stage["verdict"].clone(), diagnosis)
        });
        stages.collect::<Vec<_>>()
    };
    let first_note = |report: &Value| {
        let stages = report["stages"].as_array().unwrap().clone();
        let failed = stages.iter().find(|stage| stage["verdict"] == "fail");
        let failure = failed.unwrap()["failure"].clone();
        (
            failure["timeline_note"].clone(),
            failure["sanitizer"].clone(),
        )
    };
    let (usual, once) = (report(&["--json"]), report(&["--json", "--once"]));
    assert_eq!(told(&usual), told(&once));
    let (note, sanitizer) = first_note(&once);
    assert_ne!(first_note(&usual).0, note);
    assert_eq!(sanitizer, Value::Null);
    assert_eq!(
        note, "The program's side is what it printed, and what the kernel says of its process.",
        "{once:#}"
    );
}

#[test]
fn fail_fast_judges_nothing_after_the_first_required_stage_that_fails() {
    let bench = Bench::new();
    let from = "static void serve(int client)\n{\n";
    let to = "static void serve(int client)\n{\n    abort();\n";
    let directory = changed_solution(&bench, from, to);
    let place = directory.to_str().unwrap();
    let mut check = bench.command(&["--dir", place, "--json", "--fail-fast"]);
    let output = finish(check.spawn().unwrap());
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages = report["stages"].as_array().unwrap();
    let failed = |stage: &Value| stage["verdict"] == "fail" && stage["bonus"] == false;
    let first = stages.iter().position(failed).unwrap();
    assert!(first + 1 < stages.len(), "{report:#}");
    for stage in &stages[first + 1..] {
        assert_eq!(stage["verdict"], "not-judged", "{stage:#}");
    }
}

#[test]
fn what_only_luck_hides_is_told_after_a_pass_and_changes_no_verdict() {
    let bench = Bench::new();
    if !has_sanitizers(&bench) {
        return;
    }
    let from = "    int listener = listen_at(argv[argc - 1]);";
    let to = "    char *copy = malloc(strlen(argv[1]));\n    strcpy(copy, argv[1]);\n    \
              fprintf(stderr, \"%s\\n\", copy);\n    int listener = listen_at(argv[argc - 1]);";
    let directory = changed_solution(&bench, from, to);
    let output = finish(
        bench
            .of_directory(&directory, &["--json", "--sanitize"])
            .spawn()
            .unwrap(),
    );
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["verdict"], &report["sanitized"]),
        (&"pass".into(), &true.into())
    );
    let found = &stage(&report, "friendly")["sanitizer"];
    assert_eq!(found["kind"], "heap-buffer-overflow", "{report:#}");
    let sanitized = || {
        let check = bench
            .of_directory(&directory, &["--sanitize"])
            .spawn()
            .unwrap();
        String::from_utf8(finish(check).stdout).unwrap()
    };
    let text = sanitized();
    assert!(text.contains("which found what only luck hides"), "{text}");
    fs::write(
        directory.join("main.c"),
        fs::read(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("exercises/03-echo-server/solution/c/main.c"),
        )
        .unwrap(),
    )
    .unwrap();
    let text = sanitized();
    assert!(text.contains("they found nothing"), "{text}");
}

#[test]
fn without_strace_the_programs_side_is_what_it_prints_and_what_proc_shows_and_that_is_said() {
    let bench = Bench::new();
    // Only what the check itself needs: no strace.
    let bin = bench.path("bin");
    fs::create_dir(&bin).unwrap();
    let places =
        ["/usr/local/bin", "/usr/bin", "/bin"].map(|place| Path::new(place).join("python3"));
    let Some(python) = places.iter().find(|python| python.is_file()) else {
        eprintln!("skipped: the system has no python3");
        return;
    };
    std::os::unix::fs::symlink(python, bin.join("python3")).unwrap();
    let command = bench.server(&echo("", "print('got one', flush=True); c.recv(1); c.recv(0, socket.MSG_WAITALL); r, w = os.pipe(); os.read(r, 1)"));
    let arguments = ["--json", "--cmd", &command, "--stage", "friendly"];
    let child = bench.command(&arguments).env("PATH", &bin).spawn().unwrap();
    let report: Value = serde_json::from_slice(&finish(child).stdout).unwrap();
    let failure = &stage(&report, "friendly")["failure"];
    let note = failure["timeline_note"].as_str().unwrap();
    assert!(note.contains("strace is not installed"), "{note}");
    let events = failure["timeline"].as_array().unwrap();
    let program: Vec<&str> = events
        .iter()
        .filter(|event| event["side"] == "program")
        .map(|event| event["what"].as_str().unwrap())
        .collect();
    assert!(
        program.iter().any(|what| what.contains("got one")),
        "{program:?}"
    );
    assert!(
        program
            .iter()
            .any(|what| what.starts_with("waits in read on descriptor")),
        "{program:?}"
    );
    assert!(events.iter().any(|event| event["side"] == "checker"));
    let times: Vec<u64> = events
        .iter()
        .map(|event| event["at_us"].as_u64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}
