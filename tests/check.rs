//! The grader against programs that are hostile or broken: it survives, names the cause, and
//! leaves nothing behind. Exercise 3 itself is proven in `exercises.rs`.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// No check in this file takes longer than this, however busy the machine is.
const OUTER: Duration = Duration::from_secs(120);

struct Bench {
    home: TempDir,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::Builder::new()
            .prefix("bench")
            .tempdir_in("/tmp")
            .unwrap();
        // The program under test may run as another user and must get at its source.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(home.path(), open).unwrap();
        Self { home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A server in Python, as a command for `--cmd`.
    fn server(&self, source: &str) -> String {
        let file = self.path("server.py");
        fs::write(
            &file,
            format!("import os, signal, socket, sys, time\n{source}"),
        )
        .unwrap();
        format!("python3 -B {} {{socket}}", file.display())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
        command
            .args(["check", "exercise-3"])
            .args(arguments)
            .current_dir(self.home.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Judges a command and returns the report.
    fn check(&self, command: &str, more: &[&str]) -> Value {
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
    fn note(&self, name: &str) -> String {
        let fifo = self.path(name);
        let mut text = String::new();
        File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
        text.trim().to_owned()
    }

    /// A FIFO that anybody may write: opening it for reading waits for the writer.
    fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        fs::set_permissions(&path, open).unwrap();
        path
    }
}

/// Waits for the end of a check, bounded.
fn finish(child: Child) -> Output {
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
fn gone(pid: i32) -> bool {
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

fn stage<'a>(report: &'a Value, id: &str) -> &'a Value {
    let stages = report["stages"].as_array().unwrap();
    stages
        .iter()
        .find(|stage| stage["id"] == id)
        .unwrap_or_else(|| panic!("no stage {id}"))
}

fn diagnosis(report: &Value, id: &str) -> String {
    let stage = stage(report, id);
    assert_eq!(stage["verdict"], "fail", "{stage:#}");
    stage["failure"]["diagnosis"].as_str().unwrap().to_owned()
}

/// An echo server that does `before` once it listens and `each` for every connection.
fn echo(before: &str, each: &str) -> String {
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

#[test]
fn a_flood_on_standard_output_blocks_nobody_and_is_bounded() {
    let bench = Bench::new();
    let flood = "for _ in range(500): os.write(1, b'x' * 65536 + b'\\n')";
    let command = bench.server(&echo("", flood));
    let report = bench.check(&command, &["--stage", "friendly", "--patience", "4"]);
    assert_eq!(stage(&report, "friendly")["verdict"], "pass", "{report:#}");
    assert!(report.to_string().len() < 1 << 20);
}

#[test]
fn a_crash_is_named_by_its_signal_whatever_it_looked_like_on_the_wire() {
    let bench = Bench::new();
    let command = bench.server(&echo("", "c.recv(1); os.kill(os.getpid(), signal.SIGBUS)"));
    let report = bench.check(&command, &["--stage", "friendly"]);
    assert_eq!(diagnosis(&report, "friendly"), "crashed");
    let failure = &stage(&report, "friendly")["failure"];
    assert!(
        failure["cause"].as_str().unwrap().contains("SIGBUS"),
        "{failure:#}"
    );
}

#[test]
fn a_program_that_leaves_its_session_is_ended_all_the_same() {
    let bench = Bench::new();
    let fifo = bench.fifo("pid");
    let daemon = format!(
        "if os.fork() == 0:\n\
         \x20   os.setsid()\n\
         \x20   if os.fork() == 0:\n\
         \x20       signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
         \x20       open({fifo:?}, 'w').write(str(os.getpid()))\n\
         \x20       while True: signal.pause()\n\
         \x20   os._exit(0)\n"
    );
    let command = bench.server(&echo(&daemon, "pass"));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let daemon: i32 = bench.note("pid").parse().unwrap();
    assert_eq!(finish(child).status.code(), Some(0));
    assert!(gone(daemon));
}

#[test]
fn a_hang_tells_the_call_and_what_it_waits_for() {
    let bench = Bench::new();
    let command = bench.server(&echo("", "c.recv(1); r, w = os.pipe(); os.read(r, 1)"));
    let report = bench.check(&command, &["--stage", "friendly"]);
    let saw = &stage(&report, "friendly")["failure"]["saw"]["words"];
    assert!(
        saw.as_str()
            .unwrap()
            .contains("waits in read on descriptor"),
        "{saw}"
    );
    assert!(saw.as_str().unwrap().ends_with("a pipe"), "{saw}");
}

#[test]
fn the_program_gets_three_descriptors_and_a_short_environment() {
    let bench = Bench::new();
    let fifo = bench.fifo("facts");
    let here = bench.home.path();
    let facts = format!(
        "open({fifo:?}, 'w').write(repr([sorted(os.environ), \
         sorted(int(n) for n in os.listdir('/proc/self/fd'))[:4], os.getsid(0) == os.getpid(), \
         os.environ['IPC_SOCKET'] == sys.argv[1], \
         signal.getsignal(signal.SIGHUP) == signal.SIG_DFL, os.getcwd() == {here:?}]))\n"
    );
    let command = bench.server(&(facts + &echo("", "pass")));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .env("LANG", "C.UTF-8")
        .env("SSH_AUTH_SOCK", "/nowhere")
        .env_remove("LC_ALL")
        .env_remove("LC_CTYPE")
        .spawn()
        .unwrap();
    let facts = bench.note("facts");
    finish(child);
    // 3 is the directory being listed; Python itself adds LC_CTYPE in the C locale.
    let expected = "[['HOME', 'IPC_SOCKET', 'LANG', 'PATH', 'PWD', 'PYTHONDONTWRITEBYTECODE', \
                    'TMPDIR', 'XDG_RUNTIME_DIR'], [0, 1, 2, 3], True, True, True, True]";
    assert_eq!(
        facts.replace("'PWD', ", ""),
        expected.replace("'PWD', ", "")
    );
}

#[test]
fn as_root_the_program_has_a_user_of_its_own() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can give a program another user");
        return;
    }
    let bench = Bench::new();
    let fifo = bench.fifo("ids");
    let ids = format!("open({fifo:?}, 'w').write(f'{{os.getresuid()}} {{os.getgroups()}}')\n");
    let command = bench.server(&(ids + &echo("", "pass")));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let ids = bench.note("ids");
    finish(child);
    assert!(!ids.starts_with("(0"), "{ids}");
    assert!(ids.ends_with("[]"), "{ids}");
}

#[test]
fn killing_the_grader_takes_the_program_and_its_directory_along() {
    let bench = Bench::new();
    let fifo = bench.fifo("pid");
    let tell = format!("open({fifo:?}, 'w').write(f'{{os.getpid()}} {{sys.argv[1]}}')");
    let command = bench.server(&echo("", &format!("{tell}; signal.pause()")));
    let mut child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let note = bench.note("pid");
    let (pid, socket) = note.split_once(' ').unwrap();
    let supervisor = parent(pid.parse().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(gone(pid.parse().unwrap()));
    assert!(gone(supervisor), "the supervisor has cleaned up and ended");
    let arena = Path::new(socket).ancestors().nth(3).unwrap();
    assert!(
        arena
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("ipcm-")
    );
    assert!(!arena.exists(), "{} is left", arena.display());
}

fn parent(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest = &stat[stat.rfind(')').unwrap() + 2..];
    rest.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn ctrl_c_ends_a_check_with_130_and_leaves_nothing() {
    let bench = Bench::new();
    let fifo = bench.fifo("pid");
    let tell = format!("open({fifo:?}, 'w').write(f'{{os.getpid()}} {{sys.argv[1]}}')");
    let command = bench.server(&echo("", &format!("{tell}; signal.pause()")));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let note = bench.note("pid");
    let (pid, socket) = note.split_once(' ').unwrap();
    nix::sys::signal::kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(gone(pid.parse().unwrap()));
    assert!(!Path::new(socket).ancestors().nth(3).unwrap().exists());
}

#[test]
fn a_link_to_somebody_elses_socket_is_not_followed() {
    let bench = Bench::new();
    let victim = bench.path("victim");
    let listener = UnixListener::bind(&victim).unwrap();
    listener.set_nonblocking(true).unwrap();
    let source = format!("os.symlink({victim:?}, sys.argv[1]); signal.pause()\n");
    let report = bench.check(&bench.server(&source), &["--stage", "friendly"]);
    assert_eq!(diagnosis(&report, "friendly"), "not-a-socket");
    let refused = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(
        refused,
        Err(std::io::ErrorKind::WouldBlock),
        "the victim was connected to"
    );
}

#[test]
fn a_server_that_already_runs_is_judged_as_far_as_it_can_be() {
    let bench = Bench::new();
    let path = bench.path("running");
    // With the modes that bind() gave it: its clients come as the user who runs it.
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut back = connection.try_clone().unwrap();
            drop(std::io::copy(&mut connection, &mut back));
        }
    });
    let child = bench
        .command(&["--json", "--socket", path.to_str().unwrap()])
        .spawn()
        .unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "cannot-judge");
    assert_eq!(report["evidence"], false);
    for id in ["friendly", "end", "bytes", "mebibyte"] {
        assert_eq!(stage(&report, id)["verdict"], "pass", "{id}");
    }
    let restart = stage(&report, "restart");
    assert_eq!(restart["verdict"], "cannot-judge");
    assert!(
        restart["failure"]["cause"]
            .as_str()
            .unwrap()
            .starts_with("This stage ")
    );
}

#[test]
fn a_seed_repeats_the_bytes_it_drew() {
    let bench = Bench::new();
    let command = bench.server(&echo("", "c.send(c.recv(65536).upper())"));
    let seen = |seed: &str| {
        let report = bench.check(&command, &["--stage", "bytes", "--seed", seed]);
        stage(&report, "bytes")["failure"]["expected"].clone()
    };
    let first = seen("4711");
    assert_eq!(first, seen("4711"));
}

#[test]
fn a_verdict_that_cannot_be_recorded_is_given_all_the_same() {
    let bench = Bench::new();
    fs::write(
        bench.path("state"),
        "a file where the state directory should be",
    )
    .unwrap();
    let command = bench.server(&echo("", "pass"));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Passed: 1 of 1 stages"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("this verdict was not recorded"), "{said}");
}

#[test]
fn hostile_output_reaches_the_terminal_escaped() {
    let bench = Bench::new();
    let command = bench.server("os.write(2, b'\\x1b[2J\\x1b]0;owned\\x07\\xff\\n'); sys.exit(3)\n");
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r"\x1b[2J\x1b]0;owned\x07\xff"), "{text}");
    assert!(!text.contains('\x1b'));
}

#[test]
fn watch_judges_again_when_an_editor_renames_a_new_file_over_the_old() {
    use std::io::{BufRead, BufReader};

    let bench = Bench::new();
    let directory = bench.path("mine");
    fs::create_dir(&directory).unwrap();
    let main = directory.join("main.py");
    fs::write(&main, "import sys\nsys.exit(7)\n").unwrap();
    let arguments = [
        "--watch",
        "--stage",
        "friendly",
        "--dir",
        directory.to_str().unwrap(),
    ];
    let mut child = bench.command(&arguments).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut waits = move || {
        said.find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.starts_with("Waiting for a change"))
        })
        .is_some()
    };
    assert!(waits());
    let better = format!("import os, signal, socket, sys\n{}", echo("", "pass"));
    fs::write(directory.join(".main.py.new"), better).unwrap();
    fs::rename(directory.join(".main.py.new"), &main).unwrap();
    assert!(waits());
    nix::sys::signal::kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = finish(child);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the program ended with status 7"), "{text}");
    assert!(text.contains("Passed: 1 of 1 stages"), "{text}");
    assert_eq!(output.status.code(), Some(130), "Ctrl-C ends it");
}

/// How editors save a file.
#[derive(Clone, Copy, Debug)]
enum Save {
    /// vim with `backupcopy=no`, most others: a new file takes the name.
    Rename,
    /// nano, `cat >`: the file itself is emptied and written.
    Truncate,
    /// The two files exchange their names at once (renameat2(2)).
    Exchange,
}

impl Save {
    fn save(self, file: &Path, text: &str) {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use std::io::Write;

        let new = file.with_file_name(".main.py.new");
        match self {
            Self::Truncate => {
                let mut file = File::create(file).unwrap();
                let (first, second) = text.split_at(text.len() / 2);
                file.write_all(first.as_bytes()).unwrap();
                file.write_all(second.as_bytes()).unwrap();
            }
            Self::Rename => {
                fs::write(&new, text).unwrap();
                fs::rename(&new, file).unwrap();
            }
            Self::Exchange => {
                fs::write(&new, text).unwrap();
                renameat_with(CWD, &new, CWD, file, RenameFlags::EXCHANGE).unwrap();
            }
        }
    }
}

#[test]
fn a_save_while_watch_judges_gives_the_check_up_however_the_editor_saves() {
    let bench = Bench::new();
    let directory = bench.path("mine");
    fs::create_dir(&directory).unwrap();
    let main = directory.join("main.py");
    // A program that is being judged calls here, and then never answers its client.
    let calls = UnixListener::bind(bench.path("calls")).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(bench.path("calls"), open).unwrap();
    let hangs = format!(
        "import os, signal, socket, sys\n{}",
        echo(
            "",
            &format!(
                "t = socket.socket(socket.AF_UNIX); t.connect({:?}); signal.pause()",
                bench.path("calls")
            )
        )
    );
    let answers = format!("import os, signal, socket, sys\n{}", echo("", "pass"));
    fs::write(&main, &hangs).unwrap();
    // Nobody waits so long for a deadline: what ends a check here is the save.
    let arguments = [
        "--watch",
        "--stage",
        "friendly",
        "--patience",
        "60",
        "--dir",
        directory.to_str().unwrap(),
    ];
    let mut child = bench.command(&arguments).spawn().unwrap();
    let called = || {
        let mut fds = [PollFd::new(calls.as_fd(), PollFlags::POLLIN)];
        let wait = PollTimeout::try_from(OUTER.as_millis() as i32).unwrap();
        assert!(nix::poll::poll(&mut fds, wait).unwrap() > 0);
        calls.accept().unwrap().0
    };
    let saves = [
        (Save::Rename, &hangs),
        (Save::Truncate, &hangs),
        (Save::Exchange, &answers),
    ];
    for (save, text) in saves {
        let mut program = called();
        save.save(&main, text);
        // The end of the program: the check of the old text is over.
        assert_eq!(program.read(&mut [0]).unwrap(), 0, "{save:?}");
    }
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut lines = Vec::new();
    while !lines
        .last()
        .is_some_and(|line: &String| line.starts_with("Waiting for a change"))
    {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        assert!(!line.is_empty(), "it has ended: {lines:?}");
        lines.push(line);
    }
    let begun_again = lines.iter().filter(|line| line.starts_with("Saved: "));
    assert_eq!(begun_again.count(), 3, "{lines:?}");
    nix::sys::signal::kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = finish(child);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches("stages").count(), 1, "one verdict: {text}");
    assert!(text.contains("Passed: 1 of 1 stages"), "{text}");
    assert_eq!(output.status.code(), Some(130));
}

#[test]
fn a_program_writes_only_in_its_own_directory_and_signals_only_itself() {
    use ipc_mastery::sys::fence::{Reach, reach};

    if reach() != Reach::WritingAndSignals {
        eprintln!("skipped: this kernel's Landlock cannot fence in writing and signals");
        return;
    }
    let bench = Bench::new();
    let directory = bench.path("mine");
    fs::create_dir(&directory).unwrap();
    let outside = bench.path("outside");
    // Prints what each attempt came to; the check shows the last line of stderr.
    let attempts = format!(
        "import os, signal, socket, sys\n\
         def attempt(what):\n\
         \x20   try: what(); return 'done'\n\
         \x20   except OSError as error: return error.strerror\n\
         open(os.environ['HOME'] + '/inside', 'w').write('x')\n\
         seen = [attempt(lambda: open({outside:?}, 'w')),\n\
         \x20   attempt(lambda: os.kill(os.getppid(), 0)),\n\
         \x20   attempt(lambda: os.kill(os.getpid(), 0))]\n\
         print(seen, file=sys.stderr)\n\
         sys.exit(9)\n"
    );
    fs::write(directory.join("main.py"), attempts).unwrap();
    let arguments = [
        "--json",
        "--stage",
        "friendly",
        "--dir",
        directory.to_str().unwrap(),
    ];
    let output = finish(bench.command(&arguments).spawn().unwrap());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = report["stages"][0]["failure"]["output"][0]
        .as_str()
        .unwrap();
    assert_eq!(
        said, "['Permission denied', 'Operation not permitted', 'done']",
        "{report:#}"
    );
    assert!(!outside.exists());
}

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
    let arguments = [
        "--json",
        "--stage",
        "friendly",
        "--dir",
        directory.to_str().unwrap(),
    ];
    let output = finish(bench.command(&arguments).spawn().unwrap());
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
    let text = finish(bench.command(&arguments[1..]).spawn().unwrap()).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("Sanitizer AddressSanitizer, in another run: "),
        "{text}"
    );
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
    let place = directory.to_str().unwrap();
    let arguments = [
        "--json",
        "--stage",
        "friendly",
        "--sanitize",
        "--dir",
        place,
    ];
    let output = finish(bench.command(&arguments).spawn().unwrap());
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["verdict"], &report["sanitized"]),
        (&"pass".into(), &true.into())
    );
    let found = &stage(&report, "friendly")["sanitizer"];
    assert_eq!(found["kind"], "heap-buffer-overflow", "{report:#}");
    let text = finish(bench.command(&arguments[1..]).spawn().unwrap()).stdout;
    let text = String::from_utf8(text).unwrap();
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
    let text = finish(bench.command(&arguments[1..]).spawn().unwrap()).stdout;
    let text = String::from_utf8(text).unwrap();
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
