//! A place of its own for each test: new pid, mount and ipc namespaces in which the real program
//! judges a hostile one, as root or as a user that nobody else is.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A user that no account and no other test is.
const NOBODY_ELSE: u32 = 65_123;

/// As whom the grader runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// root: programs get a user of their own.
    Root,
    /// An ordinary user: programs are that user too.
    User,
}

/// When, and how, the grader is ended from outside.
#[derive(Clone, Copy, Debug)]
pub struct Blow {
    /// After so many lines that the program wrote to `events`.
    pub after: usize,
    /// `SIGINT`, `SIGKILL`, …
    pub signal: &'static str,
    /// Whether the grader's own helpers get it too.
    pub supervisor_too: bool,
}

/// What came of a run.
#[derive(Debug)]
pub struct End {
    pub code: i64,
    pub stdout: String,
    pub stderr: String,
    /// What was left, in words.
    pub left: Vec<String>,
}

impl End {
    pub fn report(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The diagnosis and the cause of the only stage.
    pub fn diagnosis(&self) -> (String, String) {
        let report = self.report();
        let failure = &report["stages"][0]["failure"];
        let text = |key: &str| failure[key].as_str().unwrap_or_default().to_owned();
        (text("diagnosis"), text("cause"))
    }

    #[track_caller]
    pub fn leaves_nothing(self) -> Self {
        assert!(self.left.is_empty(), "{self:#?}");
        self
    }

    /// The program has failed with this diagnosis, whose cause has these words; nothing is left.
    #[track_caller]
    pub fn blames(self, diagnosis: &str, words: &str) {
        let end = self.leaves_nothing();
        assert_eq!(end.code, 1, "{end:#?}");
        let (found, cause) = end.diagnosis();
        assert_eq!(found, diagnosis, "{end:#?}");
        assert!(cause.contains(words), "{cause}");
    }
}

pub struct Cage {
    home: TempDir,
    who: Who,
    mounts: Vec<Value>,
}

impl Cage {
    /// `None`, said aloud, where namespaces or that user cannot be had.
    pub fn new(who: Who) -> Option<Self> {
        let root = nix::unistd::geteuid().is_root();
        if !root {
            // In a user namespace of its own the grader would take itself for the superuser.
            eprintln!("skipped: the cage is made by root, who then plays the ordinary user too");
            return None;
        }
        let possible = unshare().arg("true").stderr(Stdio::null()).status();
        if !possible.is_ok_and(|status| status.success()) {
            eprintln!("skipped: no new namespaces here (unshare)");
            return None;
        }
        // Not in /tmp, which becomes empty in the cage.
        let home = tempfile::Builder::new()
            .prefix("cage")
            .tempdir_in("/var/tmp")
            .unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(home.path(), open).unwrap();
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/guarded");
        let copied = Command::new("cp")
            .arg("-rL")
            .args([pack.as_path(), home.path().join("pack").as_path()])
            .status();
        assert!(copied.unwrap().success());
        // The grader's own user must be able to run it, wherever it was built.
        let program = home.path().join("ipc-mastery");
        fs::write(&program, "").unwrap();
        let built = env!("CARGO_BIN_EXE_ipc-mastery");
        let cage = Self {
            mounts: vec![
                json!(["--bind", built, program]),
                json!(["-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp"]),
                json!(["-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm"]),
            ],
            home,
            who,
        };
        Some(cage)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// One more mount in the cage, before anything runs: arguments of mount(8).
    pub fn mount(&mut self, words: &[&str]) {
        self.mounts.push(json!(words));
    }

    /// A program in Python, as a command for `--cmd`.
    pub fn command(&self, source: &str) -> String {
        let file = self.path("program.py");
        fs::write(&file, format!("{PRELUDE}{source}")).unwrap();
        format!("/usr/bin/python3 -B {} {{socket}}", file.display())
    }

    /// A program in Python, as a directory for `--dir`: that is fenced in.
    pub fn directory(&self, source: &str) -> String {
        let directory = self.path("mine");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("main.py"), format!("{PRELUDE}{source}")).unwrap();
        directory.to_str().unwrap().to_owned()
    }

    /// Judges a program in Python that is typed as a command.
    pub fn check(&self, stage: &str, source: &str) -> End {
        let command = self.command(source);
        self.run(&["--json", "--stage", stage, "--cmd", &command])
    }

    /// Runs `check` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> End {
        let order = self.order(arguments, None);
        self.play(vec![order]).pop().unwrap()
    }

    /// The same, while another program in Python of the same user runs beside it.
    pub fn check_beside(&self, neighbour: &str, stage: &str, source: &str) -> End {
        let command = self.command(source);
        let mut order = self.order(&["--json", "--stage", stage, "--cmd", &command], None);
        order["neighbour"] = json!(neighbour);
        self.play(vec![order]).pop().unwrap()
    }

    /// Runs `check`, ends it from outside, and then runs it again.
    pub fn strike(&self, arguments: &[&str], blow: Blow) -> Vec<End> {
        let again = self.order(arguments, None);
        self.play(vec![self.order(arguments, Some(blow)), again])
    }

    fn order(&self, arguments: &[&str], blow: Option<Blow>) -> Value {
        let mut argv = vec![self.path("ipc-mastery").to_str().unwrap().to_owned()];
        argv.extend([
            "--curriculum".to_owned(),
            self.path("pack").to_str().unwrap().to_owned(),
        ]);
        argv.extend(["check".to_owned(), "guarded".to_owned()]);
        argv.extend(arguments.iter().map(|&word| word.to_owned()));
        let root = nix::unistd::geteuid().is_root();
        json!({
            "argv": argv,
            "user": (self.who == Who::User && root).then_some(NOBODY_ELSE),
            "cwd": self.home.path(),
            "env": {
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": self.path("home"),
                "XDG_STATE_HOME": self.path("state"),
                "XDG_CACHE_HOME": self.path("cache"),
                "LC_ALL": "C.UTF-8",
                "EVENTS": self.path("events"),
            },
            "events": blow.map(|_| self.path("events")),
            "after": blow.map_or(0, |blow| blow.after),
            "signal": blow.map_or("SIGKILL", |blow| blow.signal),
            "neighbour": null,
            "supervisor_too": blow.is_some_and(|blow| blow.supervisor_too),
        })
    }

    fn play(&self, runs: Vec<Value>) -> Vec<End> {
        let order = json!({ "mounts": self.mounts, "runs": runs });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/cage.py");
        let mut cage = unshare()
            .arg("/usr/bin/python3")
            .arg("-B")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = cage.stdin.take().unwrap();
        stdin.write_all(order.to_string().as_bytes()).unwrap();
        drop(stdin);
        let output = cage.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let ends: Vec<Value> = serde_json::from_str(&said)
            .unwrap_or_else(|error| panic!("the cage broke: {error}: {said:?}"));
        ends.iter().map(end).collect()
    }
}

/// What every hostile program begins with, on lines of its own; `tell` writes to `events`.
const PRELUDE: &str = "\
import ctypes, fcntl, os, resource, signal, socket, subprocess, sys, threading, time
path = sys.argv[1]
def serve(each=lambda c: None, ready=lambda: None):
    s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(16); ready()
    while True:
        c, _ = s.accept(); each(c)
        while data := c.recv(65536): c.sendall(data)
        c.close()
";

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--pid",
        "--ipc",
        "--mount",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    command
}

fn end(found: &Value) -> End {
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    let list = |key: &'static str| {
        let all = found[key].as_array().unwrap().clone();
        all.into_iter().map(move |item| format!("{key}: {item}"))
    };
    let mut left: Vec<String> = list("processes")
        .chain(list("arenas"))
        .chain(list("shared"))
        .collect();
    if found["objects"] != 0 {
        left.push(format!("System V objects: {}", found["objects"]));
    }
    End {
        code: found["code"].as_i64().unwrap(),
        stdout: text("stdout"),
        stderr: text("stderr"),
        left,
    }
}
