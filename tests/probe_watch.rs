//! `probe NAME --watch` as a person runs it: through a pipe, as JSON, on a real terminal; what ends
//! it, and what it leaves behind. Nothing sleeps: each wait is for output or for the end.

mod terminal;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;
use terminal::lead;

/// How long anything may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(40);

fn program(arguments: &[&str], runtime_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    command
        .arg("probe")
        .args(arguments)
        .env("XDG_RUNTIME_DIR", runtime_dir)
        .env("NO_COLOR", "1")
        .env("TERM", "xterm")
        .env_remove("COLUMNS");
    command
}

/// One that writes into a pipe.
struct Piped {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Piped {
    fn start(arguments: &[&str], runtime_dir: &Path) -> Self {
        let mut child = program(arguments, runtime_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next line; the harness ends a test that waits for ever.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "it ended after {line:?}");
        line
    }

    fn json(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("a line is an object")
    }

    /// Ends it as Ctrl-C does.
    fn interrupt(mut self) -> ExitStatus {
        kill(pid(&self.child), Signal::SIGINT).unwrap();
        self.child.wait().unwrap()
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn private_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

#[test]
fn a_change_of_the_directory_wakes_it_long_before_its_time() {
    let directory = private_directory();
    // An hour between two looks: only the kernel's word can be quicker.
    let arguments = ["runtime-dir", "--watch=3600", "--json"];
    let mut watch = Piped::start(&arguments, directory.path());
    let whole = watch.json();
    assert_eq!(whole["schema"], "ipc-mastery/probe/runtime-dir/1");
    assert_eq!(whole["entries"].as_array().unwrap().len(), 0);
    let listener = UnixListener::bind(directory.path().join("bus")).unwrap();
    let seen = watch.json();
    assert_eq!(seen["schema"], "ipc-mastery/probe/runtime-dir/changes/1");
    assert_eq!(seen["added"][0]["key"]["text"], "bus");
    assert!(seen["at"].as_str().unwrap().ends_with('Z'));
    // Also below, in a directory that was made meanwhile.
    fs::create_dir(directory.path().join("deep")).unwrap();
    assert_eq!(watch.json()["added"][0]["key"]["text"], "deep");
    fs::write(directory.path().join("deep/file"), "").unwrap();
    assert_eq!(watch.json()["added"][0]["key"]["text"], "deep/file");
    fs::remove_file(directory.path().join("bus")).unwrap();
    let seen = watch.json();
    assert_eq!(seen["removed"][0]["key"]["text"], "bus");
    assert_eq!(seen["added"][0]["list"], "lost");
    drop(listener);
    assert_eq!(watch.interrupt().code(), Some(130));
}

#[test]
fn in_a_pipe_only_changes_are_printed_a_line_each() {
    let directory = private_directory();
    let arguments = ["runtime-dir", "--watch=0.1"];
    let mut watch = Piped::start(&arguments, directory.path());
    let process = pid(&watch.child);
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut line = String::new();
        while watch.lines.read_line(&mut line).unwrap() > 0 {
            sender.send(std::mem::take(&mut line)).unwrap();
        }
        watch.child.wait().unwrap()
    });
    // Nothing tells when its first look was taken: what was there then is no change. So a file is
    // made and removed until both were told.
    let file = directory.path().join("file");
    let deadline = Instant::now() + PATIENCE;
    let mut signs = BTreeSet::new();
    while signs.len() < 2 {
        assert!(Instant::now() < deadline, "only {signs:?} was told");
        match fs::remove_file(&file) {
            Ok(()) => {}
            Err(_) => fs::write(&file, "").unwrap(),
        }
        while let Ok(line) = lines.recv_timeout(Duration::from_millis(700)) {
            let (time, rest) = line.split_at(8);
            let digits = |it: u8| it.is_ascii_digit() || it == b':';
            assert!(time.bytes().all(digits), "{line}");
            if rest.contains(" file,") {
                signs.insert(rest[..3].to_owned());
                break;
            }
            assert!(rest.starts_with(" ~ "), "{line}");
        }
    }
    assert_eq!(signs.into_iter().collect::<String>(), " +  - ");
    kill(process, Signal::SIGINT).unwrap();
    assert_eq!(reader.join().unwrap().code(), Some(130));
}

#[test]
fn it_ends_quietly_when_nobody_reads_any_more() {
    let directory = private_directory();
    for json in [&[][..], &["--json"]] {
        let mut arguments = vec!["runtime-dir", "--watch=3600"];
        arguments.extend(json);
        let mut child = program(&arguments, directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn it_ends_when_what_it_watches_has_ended() {
    let directory = private_directory();
    let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = sleeper.id().to_string();
    let mut watch = Piped::start(&["fds", &pid, "--watch=0.1", "--json"], directory.path());
    assert_eq!(watch.json()["pid"], sleeper.id());
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

/// One in a terminal of its own.
struct Terminal {
    child: Child,
    master: File,
    /// Kept open to ask the terminal for its modes after the program has gone.
    slave: OwnedFd,
    before: Termios,
    emulator: vt100::Parser,
    output: Vec<u8>,
}

impl Terminal {
    fn start(command: &Command) -> Self {
        let led = lead(command, (80, 24));
        Self {
            child: led.child,
            before: led.before,
            master: led.master,
            slave: led.slave,
            emulator: vt100::Parser::new(cells(24), cells(80), 0),
            output: Vec::new(),
        }
    }

    /// Reads what is drawn until the screen holds a text.
    fn until(&mut self, wanted: &str) {
        self.until_that(wanted, |screen| screen.contents().contains(wanted));
    }

    /// Reads what is drawn until something holds of the screen.
    fn until_that(&mut self, wanted: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self.emulator.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap(),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let mut fds = [PollFd::from_borrowed_fd(self.master.as_fd(), PollFlags::IN)];
            let ready = poll(&mut fds, Some(&timeout)).unwrap();
            let screen = self.emulator.screen().contents();
            assert!(ready > 0, "{wanted} does not show on\n{screen}");
            let mut buffer = [0; 4096];
            let count = self.master.read(&mut buffer).unwrap();
            self.emulator.process(&buffer[..count]);
            self.output.extend_from_slice(&buffer[..count]);
        }
    }

    fn types(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    /// Waits for its end; the terminal is as it was before.
    fn end(mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        rustix::fs::fcntl_setfl(&self.master, rustix::fs::OFlags::NONBLOCK).unwrap();
        let mut rest = vec![0; 1 << 16];
        while let Ok(count @ 1..) = self.master.read(&mut rest) {
            self.emulator.process(&rest[..count]);
        }
        let screen = self.emulator.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor());
        let after = tcgetattr(&self.slave).unwrap();
        assert_eq!(after.local_flags, self.before.local_flags);
        assert_eq!(after.input_flags, self.before.input_flags);
        status
    }
}

fn no_setsid(test: &str) -> bool {
    let missing = which::which("setsid").is_err();
    if missing {
        // Not through a macro: the harness hides what a passing test prints.
        let line = format!("\nskipped: {test}: setsid (util-linux) is not installed\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    missing
}

#[test]
fn on_a_terminal_the_picture_follows_and_q_gives_the_terminal_back() {
    if no_setsid("on_a_terminal_the_picture_follows_and_q_gives_the_terminal_back") {
        return;
    }
    let directory = private_directory();
    let arguments = ["runtime-dir", "--watch=3600"];
    let mut terminal = Terminal::start(&program(&arguments, directory.path()));
    terminal.until("It is empty.");
    assert!(terminal.emulator.screen().alternate_screen());
    terminal.until("no change yet");
    let _listener = UnixListener::bind(directory.path().join("bus")).unwrap();
    terminal.until("Listening: 1");
    terminal.until("+ bus");
    // Marked in the picture itself, and told below it.
    let screen = terminal.emulator.screen().contents();
    let marked = screen.lines().filter(|line| line.starts_with("+ bus"));
    assert_eq!(marked.count(), 1, "{screen}");
    terminal.until("last change");
    terminal.types(b"q");
    assert_eq!(terminal.end().code(), Some(0));
}

#[test]
fn ctrl_c_ends_it_with_130_and_gives_the_terminal_back() {
    if no_setsid("ctrl_c_ends_it_with_130_and_gives_the_terminal_back") {
        return;
    }
    let directory = private_directory();
    for probe in ["runtime-dir", "sockets", "creds", "env", "fds"] {
        let arguments = [probe, "--watch=3600"];
        let mut terminal = Terminal::start(&program(&arguments, directory.path()));
        terminal.until(&format!("probe {probe}, every 3600 s"));
        terminal.types(b"\x03");
        assert_eq!(terminal.end().code(), Some(130), "{probe}");
    }
}

#[test]
fn a_new_size_of_the_terminal_has_it_drawn_anew() {
    if no_setsid("a_new_size_of_the_terminal_has_it_drawn_anew") {
        return;
    }
    let directory = private_directory();
    let arguments = ["runtime-dir", "--watch=3600"];
    let mut terminal = Terminal::start(&program(&arguments, directory.path()));
    terminal.until("It is empty.");
    let mut size = rustix::termios::tcgetwinsize(&terminal.master).unwrap();
    (size.ws_row, size.ws_col) = (10, 60);
    rustix::termios::tcsetwinsize(&terminal.master, size).unwrap();
    terminal
        .emulator
        .screen_mut()
        .set_size(cells(10), cells(60));
    // The last line of a screen of ten lines. What was drawn for the old size may still come before.
    terminal.until_that("the keys in the tenth line", |screen| {
        let last = screen.rows(0, 60).nth(9);
        last.is_some_and(|row| row.starts_with("q quit") && row.contains("lines 1–"))
    });
    terminal.types(b"q");
    assert_eq!(terminal.end().code(), Some(0));
}
