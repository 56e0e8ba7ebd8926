//! The bridge of the Inbox project, as its page has it, between a real dbus-daemon(1) and the inboxes'
//! reference programs: signals come as messages, one each, and no text of a signal makes a second one.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Gid, Pid, Uid};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use toml::Table;

/// Whatever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// After this, a signal that nobody has forwarded is sent again: gdbus may not have listened yet.
const AGAIN: Duration = Duration::from_millis(300);
/// What every bus is called, as a service and as an interface.
const BUS: &str = "org.freedesktop.DBus";
/// The service that shows notifications, and its interface.
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";

/// Why nothing can be tried here, if so.
fn lacks() -> Option<&'static str> {
    let tools = [
        ("cc", "--version"),
        ("dbus-daemon", "--version"),
        ("dbus-send", "--version"),
        ("gdbus", "help"),
    ];
    let lacks = |(tool, argument): (&'static str, &str)| {
        Command::new(tool)
            .arg(argument)
            .output()
            .is_err()
            .then_some(tool)
    };
    tools.into_iter().find_map(lacks)
}

/// The shell script on the page of the project.
fn script() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("curriculum/projects/inbox.toml");
    let page: Table = fs::read_to_string(page)
        .expect("the page")
        .parse()
        .expect("TOML");
    let parts = page["part"].as_array().expect("parts");
    let texts = parts.iter().filter_map(|part| part["text"].as_str());
    let scripts: Vec<String> = texts
        .flat_map(fenced)
        .filter(|block| block.starts_with("#!/bin/sh\n"))
        .collect();
    let [script] = scripts.as_slice() else {
        panic!("{} scripts on the page", scripts.len());
    };
    script.clone()
}

/// The fenced blocks of a text.
fn fenced(markdown: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => block = Some(String::new()),
            Event::Text(text) => {
                if let Some(block) = &mut block {
                    block.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(block.take()),
            _ => {}
        }
    }
    blocks
}

/// A process with all that it starts. They end with it.
struct Group(Child);

impl Group {
    fn new(command: &mut Command) -> Self {
        Self(command.process_group(0).spawn().expect("it starts"))
    }

    /// The lines that it prints, as they come.
    fn lines(&mut self) -> Receiver<String> {
        let output = BufReader::new(self.0.stdout.take().expect("piped"));
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        receiver
    }

    fn end(&mut self) {
        let _ = killpg(Pid::from_raw(self.0.id() as i32), Signal::SIGKILL);
        drop(self.0.wait());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// A bus of our own, an inbox, and the bridge, for one signal.
struct Scene {
    bridge: Group,
    bus: Group,
    said: Receiver<String>,
    address: PathBuf,
    _inbox: Group,
    _home: tempfile::TempDir,
}

impl Scene {
    fn new(service: &str, signal: &str) -> Self {
        let home = tempfile::tempdir().expect("made");
        let place = |name: &str| home.path().join(name);
        for (exercise, program) in [("20-inbox", "inbox"), ("34-inbox-client", "inbox-client")] {
            build(exercise, &place(program));
        }
        fs::write(place("bridge"), script()).expect("written");

        let address = place("bus");
        let mut bus = Group::new(
            Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--nopidfile", "--print-address"])
                .arg(format!("--address={}", named(&address)))
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        bus.lines().recv_timeout(PATIENCE).expect("it listens");

        let mut inbox = Group::new(
            Command::new(place("inbox"))
                .arg(Gid::effective().to_string())
                .arg(place("inbox.sock"))
                .stdout(Stdio::piped()),
        );
        let said = inbox.lines();
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(place("inbox.sock")).is_err() {
            assert!(Instant::now() < deadline, "the inbox does not listen");
            thread::yield_now();
        }

        let path = std::env::var("PATH").unwrap_or_default();
        let bridge = Group::new(
            Command::new("sh")
                .arg(place("bridge"))
                .args([service, signal])
                .env("PATH", format!("{}:{path}", home.path().display()))
                .env("DBUS_SESSION_BUS_ADDRESS", named(&address))
                .env("IPC_INBOX", place("inbox.sock"))
                .stderr(Stdio::null()),
        );
        Self {
            bridge,
            bus,
            said,
            address,
            _inbox: inbox,
            _home: home,
        }
    }

    /// The next line of the inbox that is about a message, without its sender's pid and its length,
    /// which are looked at here.
    fn message(&self, patience: Duration) -> Option<String> {
        let line = match self.said.recv_timeout(patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => panic!("the inbox has ended"),
        };
        let user = format!("message uid={} pid=", Uid::effective());
        let rest = line.strip_prefix(&user).expect("a message of our user");
        let (_, rest) = rest.split_once(" bytes=").expect("a length");
        let (length, text) = rest.split_once(' ').expect("a text");
        let length: usize = length.parse().expect("a number");
        assert_eq!(length, text.replace(r"\x5c", "\\").len(), "{line}");
        Some(text.to_owned())
    }

    /// Emits until a message comes that is wanted; all that came.
    fn until(&self, mut emit: impl FnMut(), wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        loop {
            emit();
            while let Some(message) = self.message(AGAIN) {
                let found = wanted(&message);
                said.push(message);
                if found {
                    return said;
                }
            }
            assert!(Instant::now() < deadline, "not forwarded: {said:?}");
        }
    }

    /// Ends the bus; whether the bridge ends then.
    fn ends_with_its_bus(&mut self) -> bool {
        self.bus.end();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.bridge.0.try_wait().expect("a child").is_some() {
                return true;
            }
            thread::yield_now();
        }
        false
    }
}

/// How a bus at a path is named.
fn named(path: &Path) -> String {
    format!("unix:path={}", path.display())
}

/// The solution of an exercise in C.
fn build(exercise: &str, program: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("exercises")
        .join(exercise)
        .join("solution/c/main.c");
    let built = Command::new("cc")
        .args(["-std=gnu17", "-O2", "-o"])
        .args([program, &source])
        .status()
        .expect("cc runs");
    assert!(built.success());
}

/// A service on the bus with texts of our choice: the D-Bus protocol by hand, as far as it is needed to
/// take a name and to emit signals.
struct Service {
    bus: UnixStream,
    serial: u32,
}

impl Service {
    const CALL: u8 = 1;
    const SIGNAL: u8 = 4;

    fn new(address: &Path, name: &str) -> Self {
        let mut bus = UnixStream::connect(address).expect("a bus");
        bus.set_read_timeout(Some(PATIENCE)).expect("set");
        let user: String = Uid::effective()
            .to_string()
            .bytes()
            .map(|digit| format!("{digit:02x}"))
            .collect();
        write!(bus, "\0AUTH EXTERNAL {user}\r\n").expect("sent");
        let mut answer = String::new();
        let mut read = BufReader::new(bus.try_clone().expect("a second descriptor"));
        read.read_line(&mut answer).expect("an answer");
        assert!(answer.starts_with("OK "), "{answer}");
        write!(bus, "BEGIN\r\n").expect("sent");
        let mut service = Self { bus, serial: 0 };
        let to_bus = |member| {
            [
                (1, 'o', "/org/freedesktop/DBus"),
                (6, 's', BUS),
                (2, 's', BUS),
                (3, 's', member),
            ]
        };
        service.send(Self::CALL, &to_bus("Hello"), &[]);
        let mut body = Vec::new();
        string(&mut body, name);
        number(&mut body, 0);
        let mut fields = to_bus("RequestName").to_vec();
        fields.push((8, 'g', "su"));
        service.send(Self::CALL, &fields, &body);
        service
    }

    /// Emits a signal with the number of a notification and a text.
    fn emit(&mut self, member: &str, text: &str) {
        let mut body = Vec::new();
        number(&mut body, 7);
        string(&mut body, text);
        let fields = [
            (1, 'o', "/"),
            (2, 's', NOTIFICATIONS),
            (3, 's', member),
            (8, 'g', "us"),
        ];
        self.send(Self::SIGNAL, &fields, &body);
    }

    /// Sends a message: its fields are a code, a type and a value each.
    fn send(&mut self, kind: u8, fields: &[(u8, char, &str)], body: &[u8]) {
        let mut header = Vec::new();
        for &(code, sort, value) in fields {
            align(&mut header, 8);
            header.extend([code, 1, sort as u8, 0]);
            if sort == 'g' {
                header.push(value.len() as u8);
                header.extend(value.bytes());
                header.push(0);
            } else {
                string(&mut header, value);
            }
        }
        self.serial += 1;
        let mut message = vec![b'l', kind, 1, 1];
        for number in [body.len() as u32, self.serial, header.len() as u32] {
            message.extend(number.to_le_bytes());
        }
        message.extend(header);
        align(&mut message, 8);
        message.extend(body);
        self.bus.write_all(&message).expect("sent");
    }
}

/// Fills up with zeros.
fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn number(bytes: &mut Vec<u8>, value: u32) {
    align(bytes, 4);
    bytes.extend(value.to_le_bytes());
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    number(bytes, text.len() as u32);
    bytes.extend(text.bytes());
    bytes.push(0);
}

#[test]
fn a_signal_of_the_bus_comes_to_the_inbox() {
    if let Some(tool) = lacks() {
        eprintln!("skipped: {tool} is not installed");
        return;
    }
    let signal = format!("{BUS}.NameOwnerChanged");
    let mut scene = Scene::new(BUS, &signal);
    let address = named(&scene.address);
    let take_a_name = || {
        let sent = Command::new("dbus-send")
            .arg(format!("--bus={address}"))
            .args(["--print-reply", &format!("--dest={BUS}")])
            .args(["/org/freedesktop/DBus", &format!("{BUS}.RequestName")])
            .args(["string:org.example.Bridge", "uint32:0"])
            .output()
            .expect("dbus-send runs");
        assert!(sent.status.success());
    };
    // A client of the bus comes, takes the name, and goes: signals of all this are forwarded.
    let begins = format!("/org/freedesktop/DBus: {signal} (");
    let taken = format!("{begins}'org.example.Bridge', '', ':1.");
    let said = scene.until(take_a_name, |line| line.starts_with(&taken));
    assert!(
        said.iter()
            .all(|line| line.starts_with(&begins) && line.ends_with("')")),
        "{said:?}"
    );
    assert!(scene.ends_with_its_bus());
}

#[test]
fn no_text_of_a_signal_makes_a_second_message() {
    if let Some(tool) = lacks() {
        eprintln!("skipped: {tool} is not installed");
        return;
    }
    let signal = format!("{NOTIFICATIONS}.ActionInvoked");
    let scene = Scene::new(NOTIFICATIONS, &signal);
    let mut service = Service::new(&scene.address, NOTIFICATIONS);
    let begins = format!("/: {signal} (uint32");
    let text = format!("open\n{begins} 9, 'forged')\n\u{1b}\\");
    // As gdbus prints it, and as the inbox then shows each backslash of that.
    let shown = format!(r#"{begins} 7, "open\n{begins} 9, 'forged')\n\u001b\\")"#);
    let shown = shown.replace('\\', r"\x5c");
    let said = scene.until(|| service.emit("ActionInvoked", &text), |_| true);
    assert_eq!(said, [shown.as_str()]);
    // Other signals are left alone, also one whose text has the name of ours.
    service.emit("Other", &format!("a: {signal} (uint32 9)"));
    service.emit("ActionInvoked", "the last");
    let last = format!("{begins} 7, 'the last')");
    loop {
        let message = scene.message(PATIENCE).expect("the last one comes");
        if message == last {
            break;
        }
        assert_eq!(message, shown, "what was sent more than once");
    }
}

#[test]
fn blocks_are_found() {
    let page = "Text.\n\n```sh\n#!/bin/sh\necho\n```\n\n```text\nnone\n```\n";
    assert_eq!(fenced(page), ["#!/bin/sh\necho\n", "none\n"]);
}
