//! A place to check programs in: a home, programs in Python, and ends that are waited for.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// No check takes longer than this, however busy the machine is.
pub const OUTER: Duration = Duration::from_secs(120);

pub struct Bench {
    home: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let home = tempfile::Builder::new()
            .prefix("bench")
            .tempdir_in("/tmp")
            .unwrap();
        // The program under test may run as another user and must get at its source.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(home.path(), open).unwrap();
        Self { home }
    }

    pub fn here(&self) -> &Path {
        self.home.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A server in Python, as a command for `--cmd`.
    pub fn server(&self, source: &str) -> String {
        let file = self.path("server.py");
        fs::write(
            &file,
            format!("import os, signal, socket, sys, time\n{source}"),
        )
        .unwrap();
        format!("python3 -B {} {{socket}}", file.display())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_for("exercise-3", arguments)
    }

    /// A check of a program of another exercise.
    pub fn command_for(&self, exercise: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
        command
            .args(["check", exercise])
            .args(arguments)
            .current_dir(self.home.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A check of the program in a directory: its first stage.
    pub fn of_directory(&self, directory: &Path, more: &[&str]) -> Command {
        let place = directory.to_str().unwrap();
        self.command(&[&["--stage", "friendly", "--dir", place], more].concat())
    }

    /// Judges a command and returns the report.
    pub fn check(&self, command: &str, more: &[&str]) -> Value {
        let arguments = [&["--json", "--cmd", command], more].concat();
        let output = finish(self.command(&arguments).spawn().unwrap());
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{error}: {text}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// Reads a file that the program writes when it has come so far: waits for it to be whole.
    pub fn note(&self, name: &str) -> String {
        let fifo = self.path(name);
        let mut text = String::new();
        File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
        text.trim().to_owned()
    }

    /// A FIFO that anybody may write: opening it for reading waits for the writer.
    pub fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        fs::set_permissions(&path, open).unwrap();
        path
    }
}

/// Waits for the end of a check, bounded.
pub fn finish(child: Child) -> Output {
    let pid = Pid::from_raw(child.id() as i32);
    let (done, waits) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let output = child.wait_with_output().unwrap();
        let _ = done.send(());
        output
    });
    if waits.recv_timeout(OUTER).is_err() {
        nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
        panic!("the check did not end in {OUTER:?}: {:?}", waiter.join());
    }
    waiter.join().unwrap()
}

/// Waits until a process is gone (pidfd), bounded.
pub fn gone(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else {
        return true;
    };
    let Ok(pidfd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else {
        return true;
    };
    let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    let wait = PollTimeout::try_from(OUTER.as_millis() as i32).unwrap();
    nix::poll::poll(&mut fds, wait).unwrap() > 0
}

pub fn stage<'a>(report: &'a Value, id: &str) -> &'a Value {
    let stages = report["stages"].as_array().unwrap();
    stages
        .iter()
        .find(|stage| stage["id"] == id)
        .unwrap_or_else(|| panic!("no stage {id}"))
}

pub fn diagnosis(report: &Value, id: &str) -> String {
    let stage = stage(report, id);
    assert_eq!(stage["verdict"], "fail", "{stage:#}");
    stage["failure"]["diagnosis"].as_str().unwrap().to_owned()
}

/// An echo server that does `before` once it listens and `each` for every connection.
pub fn echo(before: &str, each: &str) -> String {
    format!(
        "s = socket.socket(socket.AF_UNIX)\n\
         s.bind(sys.argv[1])\n\
         s.listen(16)\n\
         {before}\n\
         while True:\n\
         \x20   c, _ = s.accept()\n\
         \x20   {each}\n\
         \x20   while data := c.recv(65536):\n\
         \x20       c.sendall(data)\n\
         \x20   c.close()\n"
    )
}
