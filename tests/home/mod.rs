//! A learner's home for a test: directories of its own, and the real program run in it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ipc_mastery::check::verdict::{Isolation, Report, StageReport, Subject, Verdict};
use ipc_mastery::mastery::clock::Clock;
use ipc_mastery::mastery::store::Store;
use ipc_mastery::untrusted::Untrusted;
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ipc-mastery");

/// The pack with three lessons and the exercise `greeter`.
pub fn small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/small")
}

pub struct Home {
    pub directory: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The program with these arguments, working in the home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("HOME", self.directory.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("COLUMNS", "80")
            .env_remove("VISUAL")
            .env_remove("EDITOR")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        command
    }

    /// As [`Home::command`], with the small pack.
    pub fn small(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.arg("--curriculum").arg(small());
        command
    }

    pub fn store(&self) -> Store {
        Store::open_in(&self.path("state/ipc-mastery"), Clock::At(1_000_000)).unwrap()
    }

    /// Records a check of the greeter as if `check` had made it.
    pub fn record(&self, verdicts: [(&str, bool, Verdict); 3]) {
        let stages: Vec<StageReport> = verdicts
            .into_iter()
            .map(|(id, bonus, verdict)| StageReport {
                id: id.to_owned(),
                title: id.to_owned(),
                bonus,
                verdict,
                failure: None,
                leftovers: Vec::new(),
                sanitizer: None,
                elapsed_ms: 1,
            })
            .collect();
        let required = stages
            .iter()
            .filter(|stage| !stage.bonus)
            .map(|stage| stage.verdict);
        let report = Report {
            schema: "ipc-mastery/check/1",
            exercise: "greeter".to_owned(),
            number: 7,
            title: "The greeter".to_owned(),
            subject: Subject::Directory {
                path: Untrusted::from("/home/ada/greeter"),
                language: "sh".to_owned(),
            },
            seed: 7,
            isolation: Isolation::default(),
            verdict: Verdict::over(required),
            evidence: true,
            build: None,
            stages,
            sanitized: false,
            elapsed_ms: 3,
        };
        self.store().record_check(&report).unwrap();
    }

    pub fn record_pass(&self) {
        use Verdict::{Fail, Pass};
        self.record([
            ("hello", false, Pass),
            ("twice", false, Pass),
            ("polite", true, Fail),
        ]);
    }
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub fn run(command: &mut Command) -> Said {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Said {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// Runs with standard input on a terminal of its own, on which the user types `typed`.
pub fn run_typing(command: &mut Command, typed: &str) -> Said {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let (keyboard, stdin): (OwnedFd, OwnedFd) = (terminal.master, terminal.slave);
    let mut keyboard = File::from(keyboard);
    keyboard.write_all(typed.as_bytes()).unwrap();
    run(command.stdin(stdin))
}
