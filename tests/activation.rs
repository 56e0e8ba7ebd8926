//! The services of exercises 19 and 20 under the real systemd-socket-activate(1), as a socket unit
//! would start them: clients that came first are served, names decide, two users have the rights that
//! the kernel says, and the name stays the manager's.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

const ACTIVATE: &str = "systemd-socket-activate";
/// A group that nobody else is in.
const GROUP: u32 = 64_900;
/// Whatever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of the inbox, in a language that its author did not choose: asks whether somebody is
/// there, leaves a message, and says what it was told.
const CLIENT: &str = r#"
import socket, struct, sys

def exactly(stream, count):
    data = stream.read(count)
    if len(data) != count:
        sys.exit("the inbox hung up")
    return data

with socket.socket(socket.AF_UNIX) as inbox:
    inbox.settimeout(30)
    inbox.connect(sys.argv[1])
    stream = inbox.makefile("rwb")
    def ask(command):
        stream.write(struct.pack("!I", len(command)) + command)
        stream.flush()
    ask(b"PING")
    length, = struct.unpack("!I", exactly(stream, 4))
    print(exactly(stream, length).decode())
    ask(b"SEND " + sys.argv[2].encode())
    print("status", *struct.unpack("!I", exactly(stream, 4)))
"#;

/// Why nothing can be tried here, if so.
fn lacks() -> Option<&'static str> {
    let tools = [
        (ACTIVATE, "--version"),
        ("cc", "--version"),
        ("python3", "--version"),
    ];
    let lacks = |(tool, option): (&'static str, &str)| {
        Command::new(tool)
            .arg(option)
            .output()
            .is_err()
            .then_some(tool)
    };
    tools.into_iter().find_map(lacks)
}

/// A solution, ready to run: the words that start it. `home` can be read by everybody.
fn solution(exercise: &str, language: &str, home: &Path) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = root
        .join("exercises")
        .join(exercise)
        .join("solution")
        .join(language);
    match language {
        "python" => vec![
            "python3".to_owned(),
            source.join("main.py").display().to_string(),
        ],
        _ => {
            let out = home.join(exercise);
            let built = Command::new("cc")
                .args(["-std=gnu17", "-O2", "-o"])
                .arg(&out)
                .arg(source.join("main.c"))
                .status()
                .expect("cc runs");
            assert!(built.success());
            vec![out.display().to_string()]
        }
    }
}

/// A service that the manager starts when its first client comes.
struct Service {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Service {
    /// Waits until all addresses listen; everybody may connect to them.
    fn new(options: &[&str], addresses: &[PathBuf], words: &[String]) -> Self {
        let mut command = Command::new(ACTIVATE);
        for address in addresses {
            command.arg("-l").arg(address);
        }
        let mut child = command
            .args(options)
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let deadline = Instant::now() + PATIENCE;
        for address in addresses {
            while !address.exists() {
                assert!(Instant::now() < deadline, "it does not listen");
                thread::yield_now();
            }
            fs::set_permissions(address, Permissions::from_mode(0o666)).expect("set");
        }
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it prints");
        line
    }

    /// Waits for its end; whether it was status 0.
    fn ends_well(&mut self) -> bool {
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn connect(address: &Path) -> UnixStream {
    let client = UnixStream::connect(address).expect("connects");
    client.set_read_timeout(Some(PATIENCE)).expect("set");
    client
}

/// A home that other users can read.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("made");
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("set");
    home
}

/// Asks as somebody else, or as oneself.
fn ask(address: &Path, text: &str, user: Option<[String; 3]>) -> String {
    let mut command = match user {
        Some(words) => {
            let mut command = Command::new("setpriv");
            // A toolchain of root's own may be in front, which nobody else can read.
            command
                .args(words)
                .args(["/usr/bin/env", "PATH=/usr/bin:/bin", "python3"]);
            command
        }
        None => Command::new("python3"),
    };
    let output = command
        .args(["-c", CLIENT])
        .arg(address)
        .arg(text)
        .output()
        .expect("the client runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The options of setpriv(1) for a user with one supplementary group, or none.
fn user(id: u32, member_of: Option<u32>) -> [String; 3] {
    let groups = member_of.map_or("--clear-groups".to_owned(), |group| {
        format!("--groups={group}")
    });
    [format!("--reuid={id}"), format!("--regid={id}"), groups]
}

#[test]
fn the_inbox_that_a_manager_starts_gives_two_users_their_own_rights() {
    if let Some(tool) = lacks() {
        eprintln!("skipped: {tool} is not installed");
        return;
    }
    for language in ["c", "python"] {
        let home = home();
        let address = home.path().join("inbox");
        let mut words = solution("20-inbox", language, home.path());
        let group = match Uid::effective().is_root() {
            true => GROUP,
            false => nix::unistd::getegid().as_raw(),
        };
        words.extend([group.to_string(), address.display().to_string()]);
        let mut inbox = Service::new(&[], std::slice::from_ref(&address), &words);
        if Uid::effective().is_root() {
            let member = ask(&address, "from a member", Some(user(64_901, Some(GROUP))));
            assert_eq!(member, "PONG\nstatus 0\n", "{language}");
            let stranger = ask(&address, "from a stranger", Some(user(64_902, None)));
            assert_eq!(stranger, "PONG\nstatus 2\n", "{language}");
            let line = inbox.line();
            assert!(line.starts_with("message uid=64901 pid="), "{line}");
            assert!(line.ends_with(" bytes=13 from a member\n"), "{line}");
        } else {
            eprintln!("skipped: only root can be two users; one asks");
            assert_eq!(
                ask(&address, "hello", None),
                "PONG\nstatus 0\n",
                "{language}"
            );
            assert!(inbox.line().ends_with(" bytes=5 hello\n"));
        }
        let mut owner = connect(&address);
        owner.write_all(b"\0\0\0\x08SHUTDOWN").expect("sent");
        let mut status = [9; 4];
        owner.read_exact(&mut status).expect("answered");
        assert_eq!(status, [0; 4]);
        assert!(inbox.ends_well(), "{language}");
        assert!(address.exists(), "{language}: the name is the manager's");
    }
}

#[test]
fn what_sockets_are_called_decides_how_a_service_answers_on_them() {
    if let Some(tool) = lacks() {
        eprintln!("skipped: {tool} is not installed");
        return;
    }
    for language in ["c", "python"] {
        let home = home();
        let addresses = [home.path().join("plain"), home.path().join("upper")];
        let mut words = solution("19-socket-activation", language, home.path());
        words.push(home.path().join("own").display().to_string());
        let mut service = Service::new(&["--fdname=plain:upper"], &addresses, &words);
        // Before the service runs: they wait in the queue.
        for (address, answer) in addresses.iter().zip([b"Hello!", b"HELLO!"]) {
            let mut client = connect(address);
            client.write_all(b"Hello!").expect("sent");
            let mut came = [0; 6];
            client.read_exact(&mut came).expect("answered");
            assert_eq!(&came, answer, "{language}");
        }
        assert!(!home.path().join("own").exists(), "{language}");
        kill(Pid::from_raw(service.child.id() as i32), Signal::SIGTERM).expect("sent");
        assert!(service.ends_well(), "{language}");
        assert!(
            addresses.iter().all(|address| address.exists()),
            "{language}"
        );
    }
}
