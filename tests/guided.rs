//! Tasks about scenes: the learner's machine, or a situation that the program sets for them. The
//! learner here finds every answer by means of its own: it connects, reads `/proc`, asks tmux, reads
//! a trace of strace. What it finds is right; anything else is not; and nothing stays behind, however
//! a task ends.

mod asked;
mod home;
mod terminal;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Instant;

use asked::{Asked, PATIENCE, wait_until};
use home::{Home, run};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Pid;
use serde_json::Value;
use terminal::{Led, lead};

/// Answers every question by what is found for it: a part of its words, and the answer.
fn answer_all(asked: &mut Asked, shown: String, found: impl Fn(&str) -> String) {
    let mut next = Some(shown);
    while let Some(shown) = next {
        asked.answer(&found(&plain(&shown)));
        next = asked.question();
    }
}

/// Words without the lines they were set in.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// The program with a task, where nobody is logged in.
fn prove(home: &Home, task: &str, seed: &str) -> Command {
    let mut command = with_usual_signals(&home.command(&["prove", task, "--seed", seed]));
    command.env_remove("XDG_RUNTIME_DIR");
    command
}

/// The same command, for which signals have their usual meaning although who started the tests may
/// ignore them, as nohup(1) and a shell's background jobs do (signal(7), "inherited across an execve").
fn with_usual_signals(command: &Command) -> Command {
    let mut usual = Command::new("env");
    usual
        .arg("--default-signal=HUP,INT,QUIT")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => usual.env(name, value),
            None => usual.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        usual.current_dir(directory);
    }
    usual
}

/// The directory that is named in what was printed.
fn place(shown: &str) -> PathBuf {
    let line = shown.lines().find_map(|line| line.strip_prefix("  cd "));
    PathBuf::from(line.unwrap_or_else(|| panic!("{shown}")))
}

/// The letter of an answer that begins so.
fn letter(shown: &str, text: &str) -> String {
    let letters = ('a'..='e').find(|sign| shown.contains(&format!(" {sign}. {text}")));
    letters.unwrap_or_else(|| panic!("{shown}")).to_string()
}

/// The field of a process's status file.
fn status(pid: i32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap().trim().to_owned()
}

fn parent(pid: i32) -> i32 {
    status(pid, "PPid").parse().unwrap()
}

/// Every name below a directory, with the kind of what it leads to.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(below(&entry.path()));
        } else if entry.file_type().unwrap().is_socket() {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Who answers at a socket: the pid that the kernel recorded at listen(2).
fn who(path: &Path) -> Option<i32> {
    let stream = UnixStream::connect(path).ok()?;
    Some(getsockopt(&stream, sockopt::PeerCredentials).unwrap().pid())
}

/// The sockets that listen with a name, by inode.
fn listeners(path: &Path) -> Vec<u64> {
    // Others may have any bytes in their names.
    let table = fs::read("/proc/net/unix").unwrap();
    let table = String::from_utf8_lossy(&table);
    let fields = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = fields.filter(|fields| {
        fields.len() == 8 && fields[3] == "00010000" && fields[7] == path.to_str().unwrap()
    });
    ours.map(|fields| fields[6].parse().unwrap()).collect()
}

/// Whether a process holds a socket.
fn holds(pid: i32, inode: u64) -> bool {
    let name = format!("socket:[{inode}]");
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    entries
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| target.as_os_str() == name.as_str())
}

/// What a learner finds out about a runtime directory.
struct Census {
    directory: PathBuf,
    /// Who answers, by name.
    living: BTreeMap<String, i32>,
    dead: Vec<String>,
}

impl Census {
    fn take(directory: &Path) -> Self {
        let mut census = Self {
            directory: directory.to_owned(),
            living: BTreeMap::new(),
            dead: Vec::new(),
        };
        for path in below(directory) {
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap();
            match UnixStream::connect(&path) {
                Ok(_) => {
                    let pid = who(&path).unwrap();
                    census.living.insert(name.to_owned(), pid);
                }
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    census.dead.push(name.to_owned());
                }
                // A datagram socket.
                Err(error) => assert_eq!(error.raw_os_error(), Some(91), "{name}: {error}"),
            }
        }
        census
    }

    fn inode(&self, name: &str) -> u64 {
        let pid = self.living[name];
        let all = listeners(&self.directory.join(name));
        let mut held = all.into_iter().filter(|&inode| holds(pid, inode));
        held.next().unwrap()
    }

    /// The name that is served by a program with a name of another kind.
    fn squatted(&self) -> String {
        let owner = |name: &str| match name {
            "bus" => "dbus-daemon",
            "wayland-1" => "sway",
            "ssh-agent.socket" => "ssh-agent",
            "foot-wayland-1.sock" => "foot",
            "systemd/private" => "systemd",
            "pulse/native" => "pipewire-pulse",
            "gnupg/S.dirmngr" => "dirmngr",
            name if name.starts_with("pipewire") => "pipewire",
            name if name.starts_with("gnupg/") => "gpg-agent",
            name if name.starts_with("keyring/") => "gnome-keyring-d",
            name => panic!("{name}"),
        };
        let mut strangers = self
            .living
            .iter()
            .filter(|(name, pid)| status(**pid, "Name") != owner(name));
        let found = strangers.next().unwrap().0.clone();
        assert!(strangers.next().is_none());
        found
    }

    /// The answer to a question of `socket-census`.
    fn answer(&self, shown: &str) -> String {
        // A question about the name of the one before says nothing of it.
        let named = |before: &str| {
            let rest = shown.rsplit_once(before).unwrap().1;
            rest.split('?').next().unwrap().to_owned()
        };
        if shown.contains("lead to a socket that listens?") {
            self.living.len().to_string()
        } else if shown.contains("One socket file there has no socket") {
            self.dead[0].clone()
        } else if shown.contains("How many socket files there have no socket") {
            self.dead.len().to_string()
        } else if shown.contains("Which inode has the socket") {
            self.inode(&named("listens behind ")).to_string()
        } else if shown.contains("not served by the program that it belongs to") {
            self.squatted()
        } else {
            panic!("{shown}")
        }
    }
}

/// Does the census of a directory; `wrong` is a part of a question that is answered wrong.
fn do_census(asked: &mut Asked, shown: String, census: &Census, wrong: Option<&str>) -> String {
    let mut last = String::new();
    let mut name = String::new();
    let mut next = Some(shown);
    let mut told = String::new();
    while let Some(shown) = next {
        told += &shown;
        let shown = plain(&shown);
        let answer = if shown.contains("Which process holds it?") {
            census.living[&name].to_string()
        } else {
            census.answer(&shown)
        };
        if let Some((_, rest)) = shown.rsplit_once("listens behind ") {
            name = rest.split('?').next().unwrap().to_owned();
        }
        let is_wrong = wrong.is_some_and(|part| shown.contains(part));
        asked.answer(if is_wrong { "4000000001" } else { &answer });
        last = shown;
        next = asked.question();
    }
    assert!(!last.is_empty());
    told
}

#[test]
fn a_census_of_a_mock_session_is_judged_by_the_kernel_however_it_is_drawn() {
    let home = Home::new();
    for seed in ["1", "2", "3", "4"] {
        let mut asked = Asked::begin(&mut prove(&home, "socket-census", seed));
        let shown = asked.question().unwrap();
        assert!(
            plain(&shown).contains("a mock of one stands until you are done"),
            "{shown}"
        );
        let directory = place(&shown);
        let mode = fs::metadata(directory.parent().unwrap()).unwrap().mode();
        assert_eq!(mode & 0o7777, 0o700, "nobody else comes in");
        let census = Census::take(&directory);
        assert_eq!(census.dead.len(), 1);
        do_census(&mut asked, shown, &census, None);
        let (code, last) = asked.end();
        assert_eq!(code, Some(0), "seed {seed}: {last}");
        assert!(!directory.exists());
    }
}

#[test]
fn a_wrong_count_a_wrong_name_and_a_wrong_process_are_each_told_where_to_look() {
    let home = Home::new();
    let wrongs = [
        (
            "lead to a socket that listens?",
            "a datagram socket does not listen",
        ),
        ("One socket file there", "did not unlink it"),
        ("Which inode", "It is the number of the socket"),
        ("Which process holds it?", "prints it as"),
        ("not served by", "not who answers"),
    ];
    for (part, feedback) in wrongs {
        let mut asked = Asked::begin(&mut prove(&home, "socket-census", "7"));
        let shown = asked.question().unwrap();
        let census = Census::take(&place(&shown));
        let told = do_census(&mut asked, shown, &census, Some(part));
        let (code, last) = asked.end();
        assert_eq!(code, Some(1), "{part}: {last}");
        assert!(plain(&(told + &last)).contains(feedback), "{part}: {last}");
    }
}

#[test]
fn where_somebody_is_logged_in_the_census_is_of_the_real_session() {
    let home = Home::new();
    let session = tempfile::tempdir().unwrap();
    let _bus = UnixListener::bind(session.path().join("bus")).unwrap();
    fs::create_dir(session.path().join("app")).unwrap();
    let _app = UnixListener::bind(session.path().join("app/door")).unwrap();
    drop(UnixListener::bind(session.path().join("left-behind")).unwrap());
    let mut command = home.command(&["prove", "socket-census", "--seed", "3"]);
    command.env("XDG_RUNTIME_DIR", session.path());
    let mut asked = Asked::begin(&mut command);
    let shown = asked.question().unwrap();
    assert!(plain(&shown).contains("Your session is running"), "{shown}");
    assert_eq!(place(&shown), session.path());
    let census = Census::take(session.path());
    let own = std::process::id().cast_signed();
    assert_eq!(census.living["bus"], own);
    assert_eq!(census.dead, ["left-behind"]);
    let told = do_census(&mut asked, shown, &census, None);
    assert!(
        !told.contains("belongs to"),
        "whose a name is, is not known"
    );
    let (code, last) = asked.end();
    assert_eq!(code, Some(0), "{last}");
    assert!(session.path().join("bus").exists(), "it is not ours to end");
}

#[test]
fn a_runtime_directory_in_which_nobody_listens_is_no_session() {
    let home = Home::new();
    let session = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(session.path().join("bus")).unwrap());
    let mut command = home.command(&["prove", "socket-census", "--seed", "3"]);
    command.env("XDG_RUNTIME_DIR", session.path());
    let mut asked = Asked::begin(&mut command);
    let shown = asked.question().unwrap();
    assert!(
        plain(&shown).contains("No session is running here"),
        "{shown}"
    );
    assert_ne!(place(&shown), session.path());
    drop(asked);
}

#[test]
fn the_landscape_is_mapped_step_by_step() {
    let home = Home::new();
    for wrong in [None, Some("Who serves the bus?")] {
        let mut asked = Asked::begin(&mut prove(&home, "explore-landscape", "5"));
        let shown = asked.question().unwrap();
        let directory = place(&shown);
        let census = Census::take(&directory);
        let top = below(&directory);
        let top = top.iter().filter(|path| path.parent() == Some(&directory));
        let top = top.count();
        answer_all(&mut asked, shown, |shown| {
            if wrong.is_some_and(|part| shown.contains(part)) {
                "1".to_owned()
            } else if shown.contains("What is there?") {
                top.to_string()
            } else if shown.contains("Who may come in?") {
                "700".to_owned()
            } else if shown.contains("Who listens?") {
                census.living.len().to_string()
            } else if shown.contains("Who is gone?") {
                census.dead[0].clone()
            } else if shown.contains("Who serves the bus?") {
                census.living["bus"].to_string()
            } else if shown.contains("One name, two numbers.") {
                letter(shown, "No: one is of the file")
            } else {
                assert!(shown.contains("Who is not who the name says?"), "{shown}");
                census.squatted()
            }
        });
        let (code, last) = asked.end();
        assert_eq!(code, Some(i32::from(wrong.is_some())), "{last}");
    }
}

#[test]
fn a_line_for_the_shell_is_run_where_the_scene_is() {
    let home = Home::new();
    let mut asked = Asked::begin(prove(&home, "socket-census", "1").env("SHELL", "/bin/sh"));
    let directory = place(&asked.question().unwrap());
    asked.answer("!echo in $PWD, runtime $XDG_RUNTIME_DIR; cat");
    let said = asked.question().unwrap();
    let expected = format!("in {0}, runtime {0}\n", directory.display());
    assert!(said.starts_with(&expected), "{said}");
    asked.answer("!");
    let again = asked.question().unwrap();
    assert_eq!(
        again, "Your answer, a number: ",
        "no shell without a terminal"
    );
    let (code, _) = asked.end();
    assert_eq!(code, Some(130));
}

#[test]
fn ctrl_c_ends_a_command_of_the_shell_and_then_the_task() {
    let home = Home::new();
    let mut command = prove(&home, "socket-census", "1");
    command.env("SHELL", "/bin/sh").env("PS1", "mine$ ");
    let mut led = lead(&command, (100, 40));
    let mut written = String::new();
    let mut until = |led: &mut Led, end: &str| {
        written.clear();
        let deadline = Instant::now() + PATIENCE;
        while !written.ends_with(end) {
            wait_until(&led.master, deadline, &written);
            let mut buffer = [0; 4096];
            let count = led.master.read(&mut buffer).unwrap();
            written += &String::from_utf8_lossy(&buffer[..count]);
        }
    };
    let question = "Your answer, a number: ";
    until(&mut led, question);
    // All in one process: one that the shell forks could miss what is typed that early.
    led.master.write_all(b"!echo begun; read line\n").unwrap();
    until(&mut led, "begun\r\n");
    led.master.write_all(b"\x03").unwrap();
    until(&mut led, question);
    led.master.write_all(b"!\n").unwrap();
    until(&mut led, "mine$ ");
    led.master.write_all(b"exit\n").unwrap();
    until(&mut led, question);
    led.master.write_all(b"\x03").unwrap();
    let status = led.child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32));
}

#[test]
fn a_server_says_which_process_it_was_told_of() {
    let home = Home::new();
    let own = std::process::id();
    for wrong in [None, Some("Which process?")] {
        let mut asked = Asked::begin(&mut prove(&home, "explore-credentials", "5"));
        let shown = asked.question().unwrap();
        let door = place(&shown).join("door");
        let groups = nix::unistd::getgroups().unwrap().len();
        answer_all(&mut asked, shown, |shown| {
            if shown.contains("Which user?") {
                nix::unistd::geteuid().to_string()
            } else if shown.contains("Which group?") {
                nix::unistd::getegid().to_string()
            } else if shown.contains("How many supplementary groups") {
                groups.to_string()
            } else if shown.contains("Which process?") {
                drop(UnixStream::connect(&door).unwrap());
                (own + u32::from(wrong.is_some())).to_string()
            } else {
                letter(shown, "Another one: the child")
            }
        });
        let (code, last) = asked.end();
        assert_eq!(code, Some(i32::from(wrong.is_some())), "{last}");
    }
}

/// What a client of tmux prints.
fn tmux(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tmux")
        .args(["-S", "tmux.sock"])
        .args(arguments)
        .current_dir(directory)
        .env_remove("TMUX")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn started_with(pid: &str, name: &str) -> String {
    let all = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let all = String::from_utf8(all).unwrap();
    let found = all
        .split('\0')
        .find_map(|line| line.strip_prefix(&format!("{name}=")));
    found.unwrap().to_owned()
}

#[test]
fn environments_across_tmux_are_compared_and_one_is_mended() {
    let home = Home::new();
    if which::which("tmux").is_err() {
        let said = run(&mut prove(&home, "explore-tmux", "5"));
        assert_eq!(said.code, Some(3), "{}", said.err);
        assert!(said.err.contains("tmux"), "{}", said.err);
        return;
    }
    for wrong in [None, Some("And which SWAYSOCK?"), Some("Mend it.")] {
        let mut asked = Asked::begin(&mut prove(&home, "explore-tmux", "5"));
        let shown = asked.question().unwrap();
        let directory = place(&shown);
        let wanted = plain(&shown);
        let wanted = wanted.split(" SWAYSOCK=").nth(1).unwrap();
        let wanted = wanted.split(' ').next().unwrap().to_owned();
        let panes = tmux(
            &directory,
            &["list-panes", "-a", "-F", "#{session_name} #{pane_pid}"],
        );
        let shell = panes.lines().find_map(|line| line.strip_prefix("tuesday "));
        let shell = shell.unwrap().to_owned();
        let server: i32 = tmux(&directory, &["display-message", "-p", "#{pid}"])
            .parse()
            .unwrap();
        answer_all(&mut asked, shown, |shown| {
            if shown.contains("And which SWAYSOCK?") && wrong == Some("And which SWAYSOCK?") {
                wanted.clone()
            } else if shown.contains("What does the server have?") {
                let line = tmux(&directory, &["show-environment", "-g", "SWAYSOCK"]);
                line.strip_prefix("SWAYSOCK=").unwrap().to_owned()
            } else if shown.contains("What does it take over?") {
                let list = tmux(&directory, &["show-options", "-gv", "update-environment"]);
                letter(
                    shown,
                    if list.contains("SWAYSOCK") {
                        "Yes"
                    } else {
                        "No"
                    },
                )
            } else if shown.contains("Which shell is it?") {
                shell.clone()
            } else if shown.contains("What was it started with?") {
                started_with(&shell, "DISPLAY")
            } else if shown.contains("And which SWAYSOCK?") {
                started_with(&shell, "SWAYSOCK")
            } else {
                assert!(shown.contains("Mend it."), "{shown}");
                if wrong == Some("Mend it.") {
                    return shell.clone();
                }
                let set = ["set-environment", "-t", "tuesday", "SWAYSOCK", &wanted];
                tmux(&directory, &set);
                let begun = directory.join("begun-late");
                nix::unistd::mkfifo(&begun, nix::sys::stat::Mode::S_IRWXU).unwrap();
                let line = format!("echo begun >'{}'; exec /bin/sh", begun.display());
                let window = [
                    "new-window",
                    "-d",
                    "-t",
                    "tuesday:",
                    "-P",
                    "-F",
                    "#{pane_pid}",
                ];
                let pid = tmux(&directory, &[&window[..], &[&line]].concat());
                // Its shell has begun, with the environment that it has from now on.
                assert_eq!(fs::read_to_string(&begun).unwrap(), "begun\n");
                pid
            }
        });
        let (code, last) = asked.end();
        assert_eq!(code, Some(i32::from(wrong.is_some())), "{last}");
        assert!(!Path::new(&format!("/proc/{server}")).exists());
        assert!(!directory.exists());
    }
}

/// A strace that has attached. What it says is not read any more, and must have a reader.
struct Strace {
    child: Child,
    _said: BufReader<ChildStderr>,
}

/// A strace of these processes that has attached to all of them, or nothing where it cannot.
fn strace(directory: &Path, pids: &[i32]) -> Option<Strace> {
    let mut strace = Command::new(which::which("strace").ok()?);
    strace.args(["-f", "-y", "-o", "trace"]);
    for pid in pids {
        strace.args(["-p", &pid.to_string()]);
    }
    let mut child = strace
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let attached = said.by_ref().lines().take(pids.len()).flatten();
    let attached = attached.filter(|line| line.contains("attached")).count();
    if attached == pids.len() {
        return Some(Strace { child, _said: said });
    }
    drop(child.kill());
    drop(child.wait());
    None
}

/// The pipes of a process above its standard streams: by number.
fn pipes(pid: i32) -> BTreeMap<String, i32> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let targets = entries.filter_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        let target = fs::read_link(entry.path()).ok()?;
        Some((target.to_str()?.to_owned(), number))
    });
    targets
        .filter(|(target, number)| *number > 2 && target.starts_with("pipe:["))
        .collect()
}

/// What a trace tells of a copy.
#[derive(Debug, Default, PartialEq, Eq)]
struct Traced {
    holder: String,
    into: String,
    reader: String,
    pipe: String,
    passing: String,
    received: i64,
}

impl Traced {
    fn read(trace: &str, broker: i32, copier: i32, paster: i32) -> Self {
        let mut traced = Self::default();
        for line in trace.lines() {
            let (pid, call) = line.split_once(' ').unwrap();
            let pid: i32 = pid.parse().unwrap();
            let returned = line.rsplit_once("= ").map(|(_, value)| value);
            let number: Option<i64> = returned.and_then(|value| value.parse().ok());
            let passed = call.split_once("cmsg_data=[").map(|(_, rest)| {
                let number = rest.split('<').next().unwrap().to_owned();
                let pipe = rest.split("pipe:[").nth(1).unwrap();
                (number, pipe.split(']').next().unwrap().to_owned())
            });
            if pid == copier
                && call.contains("clone")
                && let Some(number) = number
            {
                traced.holder = number.to_string();
            } else if pid == paster && call.contains("pipe2") && call.contains('[') {
                let ends = call.split_once('[').unwrap().1;
                ends.split('<')
                    .next()
                    .unwrap()
                    .clone_into(&mut traced.reader);
            } else if pid == broker && call.contains("recvmsg") {
                traced.received += number.unwrap_or(0);
                if let Some((number, _)) = passed {
                    traced.passing = number;
                }
            } else if call.contains("recvmsg")
                && let Some((number, pipe)) = passed
            {
                traced.into = number;
                traced.pipe = pipe;
            }
        }
        traced
    }

    /// The same without a trace, from what is open.
    fn open(broker: i32, paster: i32) -> Self {
        let guard = parent(parent(broker));
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_holder = |pid: &i32| {
            let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            text.contains("Name:\tmini-copy\n") && text.contains(&format!("PPid:\t{guard}\n"))
        };
        let holder = pids.find(is_holder).unwrap();
        let (written, read) = (pipes(holder), pipes(paster));
        let (pipe, into) = written.iter().next().unwrap();
        Self {
            holder: holder.to_string(),
            into: into.to_string(),
            reader: read[pipe].to_string(),
            pipe: pipe.replace("pipe:[", "").replace(']', ""),
            ..Self::default()
        }
    }
}

/// The pid in front of a name in the table of processes.
fn pid_of(shown: &str, name: &str) -> i32 {
    let line = shown.lines().find(|line| line.contains(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_copy_is_traced_and_each_number_is_what_strace_and_proc_show() {
    let home = Home::new();
    let tasks = [
        ("trace-a-copy", None),
        ("trace-a-copy", Some("Under which number did that process")),
        ("explore-copy", None),
        ("explore-copy", Some("Why does mini-paste still wait?")),
    ];
    for (task, wrong) in tasks {
        let mut asked = Asked::begin(&mut prove(&home, task, "11"));
        let shown = asked.question().unwrap();
        assert!(shown.ends_with("Press Enter when you are ready: "));
        let directory = place(&shown);
        let [broker, copier, paster] =
            ["mini-broker", "mini-copy", "mini-paste"].map(|name| pid_of(&shown, name));
        let strace = strace(&directory, &[broker, copier, paster]);
        assert_eq!(strace.is_some(), !shown.contains("no tracing here"));
        asked.answer("");
        let shown = asked.question().unwrap();
        let open = Traced::open(broker, paster);
        let found = match &strace {
            None => open,
            Some(_) => {
                let trace = fs::read_to_string(directory.join("trace")).unwrap();
                let traced = Traced::read(&trace, broker, copier, paster);
                let both = Traced {
                    passing: traced.passing.clone(),
                    received: traced.received,
                    ..open
                };
                assert_eq!(traced, both, "{trace}");
                traced
            }
        };
        answer_all(&mut asked, shown, |shown| {
            if shown.contains("Why does mini-paste still wait?") {
                let right = if wrong.is_some() {
                    "The broker"
                } else {
                    "Every copy"
                };
                letter(shown, right)
            } else if wrong.is_some_and(|part| shown.contains(part)) {
                found.passing.clone() + "1"
            } else if shown.contains("What is its pid?") || shown.contains("Who serves the text?") {
                found.holder.clone()
            } else if shown.contains("Under which number did that process")
                || shown.contains("How does the child get it?")
            {
                found.into.clone()
            } else if shown.contains("does mini-paste read?") {
                found.reader.clone()
            } else if shown.contains("pipe:[N]") {
                found.pipe.clone()
            } else if shown.contains("while it passed it on?") {
                found.passing.clone()
            } else if shown.contains("Who makes the pipe?") {
                letter(shown, "mini-paste")
            } else {
                assert!(shown.contains("in all?"), "{shown}");
                found.received.to_string()
            }
        });
        let (code, last) = asked.end();
        assert_eq!(code, Some(i32::from(wrong.is_some())), "{task}: {last}");
        if let Some(mut strace) = strace {
            // Whom it traced has ended, so it ends.
            strace.child.wait().unwrap();
        }
    }
}

/// Waits until a process has ended.
fn gone(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let flags = rustix::process::PidfdFlags::empty();
    // Already gone is as good.
    if let Ok(pidfd) = rustix::process::pidfd_open(pid, flags) {
        wait_until(&pidfd, Instant::now() + PATIENCE, "it has not ended");
    }
}

#[test]
fn nothing_is_left_of_a_scene_whose_learner_is_interrupted_or_killed() {
    let home = Home::new();
    for signal in [Signal::SIGINT, Signal::SIGKILL, Signal::SIGHUP] {
        let mut asked = Asked::begin(&mut prove(&home, "socket-census", "1"));
        let shown = asked.question().unwrap();
        let directory = place(&shown);
        let census = Census::take(&directory);
        let guard = parent(parent(census.living["bus"]));
        let child = Pid::from_raw(asked.child.id().cast_signed());
        kill(child, signal).unwrap();
        asked.child.wait().unwrap();
        // Its child, and not ours: it removes everything before it ends.
        gone(guard);
        assert!(!directory.parent().unwrap().exists(), "{signal}");
        for (name, pid) in census.living {
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            assert!(!line.contains("__role"), "{signal}: {name} is there");
        }
    }
}

#[test]
fn a_census_that_is_left_is_a_try_and_one_that_is_passed_is_evidence() {
    let home = Home::new();
    let listed = |home: &Home| -> Value {
        let said = run(&mut home.command(&["prove", "--json"]));
        let listing: Value = serde_json::from_str(&said.out).unwrap();
        let tasks = listing["tasks"].as_array().unwrap();
        let named = tasks.iter().find(|task| task["name"] == "socket-census");
        named.unwrap().clone()
    };
    let mut command = home.command(&["prove", "socket-census"]);
    command.env_remove("XDG_RUNTIME_DIR");
    let mut asked = Asked::begin(&mut command);
    let shown = asked.question().unwrap();
    do_census(
        &mut asked,
        shown.clone(),
        &Census::take(&place(&shown)),
        None,
    );
    assert_eq!(asked.end().0, Some(0));
    let task = listed(&home);
    assert_eq!(
        (&task["tries"], &task["guided"]),
        (&1.into(), &false.into())
    );
    assert!(task["passed_at"].is_i64());
    let left = Home::new();
    let mut command = left.command(&["prove", "socket-census"]);
    command.env_remove("XDG_RUNTIME_DIR");
    assert_eq!(run(command.stdin(Stdio::null())).code, Some(130));
    let task = listed(&left);
    assert_eq!(task["tries"], 1);
    assert!(task["passed_at"].is_null());
}

#[test]
fn what_was_proven_under_an_old_name_stays_proven() {
    let home = Home::new();
    let store = home.store();
    let begun = store.begin_proof("my-sockets", 7, 3).unwrap();
    store.record_proof(begun, 3, 3).unwrap();
    let said = run(&mut home.command(&["prove", "--json"]));
    let listing: Value = serde_json::from_str(&said.out).unwrap();
    let tasks = listing["tasks"].as_array().unwrap();
    let census = tasks.iter().find(|task| task["name"] == "socket-census");
    assert_eq!(census.unwrap()["passed_at"], 1_000_000);
}

#[test]
fn guided_tasks_stand_under_a_heading_of_their_own() {
    let home = Home::new();
    let said = run(&mut home.command(&["prove"]));
    let (evidence, guided) = said.out.split_once("Explore your system\n").unwrap();
    for task in ["landscape", "credentials", "tmux", "copy"] {
        let name = format!("explore-{task} ");
        assert!(
            guided.contains(&name) && !evidence.contains(&name),
            "{name}"
        );
    }
    assert!(evidence.contains("socket-census") && evidence.contains("trace-a-copy"));
    let said = run(&mut home.command(&["list"]));
    let (_, guided) = said.out.split_once("Explore your system\n").unwrap();
    assert!(guided.contains("  ○ open    explore-tmux"), "{guided}");
}
