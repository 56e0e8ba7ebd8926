//! What the tests of all probes do alike: run a program that must succeed, and say why a test is
//! left out. What is asked and expected is each test file's.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs it to its end, which must be a success.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

/// Says why a test could not be made here.
pub fn skip(test: &str, why: &str) {
    // Not through a macro: the harness hides what a passing test prints.
    writeln!(std::io::stderr(), "\nskipped: {test}: {why}").expect("standard error is open");
}

/// The user nobody, with a copy of the program where every user can reach it.
pub struct Nobody {
    pub directory: TempDir,
    copy: PathBuf,
}

impl Nobody {
    /// Nothing, and the reason is said, where nobody else can be played.
    pub fn new(test: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            let why = "only root can become another user; the other tests ran as one";
            skip(test, why);
            return None;
        }
        if which::which("setpriv").is_err() {
            skip(test, "setpriv (util-linux) is not installed");
            return None;
        }
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copy = directory.path().join("ipc-mastery");
        fs::copy(env!("CARGO_BIN_EXE_ipc-mastery"), &copy).unwrap();
        Some(Self { directory, copy })
    }

    /// What `probe` prints for this user.
    pub fn probe(&self, arguments: &[&str]) -> String {
        let output = run(Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&self.copy)
            .arg("probe")
            .args(arguments)
            .env("COLUMNS", "80"));
        String::from_utf8(output.stdout).unwrap()
    }
}
