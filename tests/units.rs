//! The units of exercise 36 and the daemon of exercise 35 under a really booted systemd, in a container
//! of systemd-nspawn(1): what the exercise says of the reference, and of units with one fault each, is
//! so. As root; elsewhere the test says what it lacks, and shows nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;

/// At least so many claims are shown; fewer are a script that ended early.
const CLAIMS: usize = 92;
const TOOLS: [&str; 5] = ["systemd-nspawn", "journalctl", "bash", "cc", "python3"];

/// Boots what is in `home`, or with `try` only makes a container; whether that went well.
fn boot(root: &Path, home: &Path, options: &[&str]) -> bool {
    Command::new("bash")
        .arg(root.join("tests/units/boot.sh"))
        .arg(home)
        .args(options)
        .status()
        .expect("bash runs")
        .success()
}

/// Why nothing can be shown here, if so.
fn lacks(root: &Path, daemon: &Path, home: &Path) -> Option<&'static str> {
    if !Uid::effective().is_root() {
        return Some("root");
    }
    if !daemon.exists() {
        return Some("daemon of exercise 35");
    }
    if let Some(tool) = TOOLS.into_iter().find(|tool| which::which(tool).is_err()) {
        return Some(tool);
    }
    // A container of a build machine may not be able to make another one.
    (!boot(root, home, &["try"])).then_some("way to make a container")
}

#[test]
fn the_units_do_what_the_exercise_says_under_a_booted_systemd() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let daemon = root.join("exercises/35-inbox-service/solution/c/main.c");
    let home = tempfile::tempdir().expect("a directory");
    let home = home.path();
    if let Some(what) = lacks(root, &daemon, home) {
        eprintln!("skipped: there is no {what}");
        return;
    }
    let scripts = root.join("tests/units");
    let units = root.join("exercises/36-inbox-units/solution/systemd");
    for (from, name) in [
        (&scripts, "probe.py"),
        (&scripts, "inside.py"),
        (&units, "inbox.socket"),
        (&units, "inbox.service"),
    ] {
        fs::copy(from.join(name), home.join(name)).expect("copied");
    }
    let built = Command::new("cc")
        .args(["-std=gnu17", "-O2", "-o"])
        .arg(home.join("inbox-service"))
        .arg(&daemon)
        .status()
        .expect("cc runs");
    assert!(built.success());
    let booted = boot(root, home, &[]);
    let told = |name: &str| fs::read_to_string(home.join(name)).unwrap_or_default();
    let said = told("said");
    let (shown, other): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.starts_with("ok "));
    let all = || format!("{said}\n{}\n{}", told("errors"), told("console"));
    assert!(booted, "it did not boot: {}", all());
    assert_eq!(other, ["end"], "{}", all());
    assert!(shown.len() >= CLAIMS, "only {} claims", shown.len());
}
