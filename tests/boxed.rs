//! `check --isolation bwrap`: a program in the box is judged as always, and sees and writes nothing
//! that is not its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use ipc_mastery::check::starter::{self, Material};
use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::source::Source;
use serde_json::Value;

/// Whether a box can be made here: what `check` itself finds out by trying.
fn no_box() -> bool {
    let mut bwrap = Command::new("bwrap");
    if nix::unistd::Uid::effective().is_root() {
        let nobody = 65_534;
        std::os::unix::process::CommandExt::uid(&mut bwrap, nobody);
    }
    let tried = bwrap
        .args(["--unshare-user", "--ro-bind", "/", "/", "/bin/true"])
        .current_dir("/")
        .output();
    let works = tried.is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("skipped: bwrap cannot make a box here");
    }
    !works
}

/// The echo server in Python, with something done before it serves.
fn server(home: &Path, first: &str) {
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(home, open).expect("ours");
    let curriculum = Curriculum::load(&Source::Embedded).expect("it loads");
    let exercise = curriculum.exercise("echo-server").expect("it is there");
    let language = curriculum.language("python").expect("it is there");
    for file in starter::files(exercise, language, Material::Solution) {
        let text = String::from_utf8(file.bytes.into_owned()).expect("text");
        let text = match file.name.as_str() {
            "main.py" => text.replacen("\nimport ", &format!("\n{first}\nimport "), 1),
            _ => text,
        };
        fs::write(home.join(file.name), text).expect("written");
    }
}

fn check(directory: &Path, more: &[&str]) -> Value {
    let state = tempfile::tempdir().expect("a directory");
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(["check", "echo-server", "--json", "--dir"])
        .arg(directory)
        .args(more)
        .env("XDG_STATE_HOME", state.path())
        .output()
        .expect("the program runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[test]
fn a_good_program_passes_in_the_box() {
    if no_box() {
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    server(home.path(), "");
    let report = check(home.path(), &["--isolation", "bwrap"]);
    assert_eq!(report["verdict"], "pass", "{report:#}");
    let measures = report["isolation"]["measures"].to_string();
    assert!(measures.contains("bwrap"), "{measures}");
}

#[test]
fn a_program_in_the_box_sees_no_file_of_others_and_writes_none() {
    if no_box() {
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    let secret = tempfile::NamedTempFile::new_in("/var/tmp").expect("a file");
    let look = format!(
        "import os, sys\nif os.path.exists({:?}): sys.exit(9)\nif os.access('/etc', os.W_OK) or os.path.exists('/run/user'): sys.exit(8)\n",
        secret.path()
    );
    server(home.path(), &look);
    let report = check(home.path(), &["--stage", "friendly"]);
    assert_eq!(
        report["verdict"], "fail",
        "outside it sees the file: {report:#}"
    );
    let report = check(
        home.path(),
        &["--stage", "friendly", "--isolation", "bwrap"],
    );
    assert_eq!(report["verdict"], "pass", "{report:#}");
}

#[test]
fn a_crash_in_the_box_is_seen_as_the_signal_it_was() {
    if no_box() {
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    let crash = "import os\nos.kill(os.getpid(), 11)\n";
    server(home.path(), crash);
    let report = check(
        home.path(),
        &["--stage", "friendly", "--isolation", "bwrap"],
    );
    let failure = &report["stages"][0]["failure"];
    assert_eq!(failure["diagnosis"], "crashed", "{report:#}");
    let cause = failure["cause"].as_str().expect("a sentence");
    assert!(cause.contains("SIGSEGV"), "{cause}");
}
