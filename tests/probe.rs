//! The probes as a person runs them: the real binary against sockets made here, against `ss`, with
//! names that attack terminals and tables, and as an ordinary user.

mod probing;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use probing::{Nobody, run, skip};
use serde_json::Value;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    command.stdin(Stdio::null()).env("COLUMNS", "80");
    command
}

fn json(name: &str, runtime_dir: Option<&Path>) -> Value {
    let mut command = program();
    command.args(["probe", name, "--json"]);
    match runtime_dir {
        Some(path) => command.env("XDG_RUNTIME_DIR", path),
        None => command.env_remove("XDG_RUNTIME_DIR"),
    };
    serde_json::from_slice(&run(&mut command).stdout).expect("valid JSON")
}

fn human(name: &str, runtime_dir: &Path, columns: &str) -> String {
    let mut command = program();
    command
        .args(["probe", name])
        .env("XDG_RUNTIME_DIR", runtime_dir)
        .env("COLUMNS", columns);
    String::from_utf8(run(&mut command).stdout).expect("UTF-8, whatever the names hold")
}

fn inode(fd: impl AsFd) -> u64 {
    rustix::fs::fstat(fd).unwrap().st_ino
}

fn row(seen: &Value, inode: u64) -> Value {
    let rows = seen["sockets"].as_array().unwrap();
    let found = rows.iter().find(|row| row["inode"] == inode);
    found.expect("a socket we hold is listed").clone()
}

fn pids(holders: &Value) -> Vec<u64> {
    let processes = holders["processes"].as_array().unwrap();
    processes
        .iter()
        .map(|process| process["pid"].as_u64().unwrap())
        .collect()
}

fn private_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

/// Names that move a cursor, forge a row, end a string, turn text round or are no text at all.
const HOSTILE: &[&[u8]] = &[
    b"esc\x1b[2J\x1b]0;owned\x07",
    b"two\nu_str LISTEN 0 5 fake 1",
    b"carriage\rreturn\ttab",
    b"raw\xff\xfe\xc3",
    b"c1\xc2\x9b31m",
    b"bidi\xe2\x80\xaegpj",
    b"zero\xe2\x80\x8bwidth",
    b"back\\slash\"quote'",
    b" lead and trail ",
    b"@looks-abstract",
];

struct Hostile {
    _listeners: Vec<OwnedFd>,
    inodes: BTreeSet<u64>,
}

/// A listener for each hostile name, in a directory and in the abstract namespace.
fn hostile(directory: &Path) -> Hostile {
    let mut listeners: Vec<OwnedFd> = Vec::new();
    for name in HOSTILE {
        let path = directory.join(OsStr::from_bytes(name));
        listeners.push(UnixListener::bind(path).unwrap().into());
        let mut name = name.to_vec();
        name.extend(directory.file_name().unwrap().as_bytes());
        name.extend(b"\0\0end");
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        listeners.push(UnixListener::bind_addr(&address).unwrap().into());
    }
    let inodes = listeners.iter().map(inode).collect();
    Hostile {
        _listeners: listeners,
        inodes,
    }
}

fn assert_harmless(text: &str) {
    for character in text.chars() {
        assert!(
            character == '\n' || !character.is_control(),
            "{character:?} reached the output"
        );
        assert!(
            !matches!(character, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}'),
            "{character:?} reached the output"
        );
    }
}

#[test]
fn hostile_names_reach_no_output_raw_and_forge_no_row() {
    let directory = private_directory();
    let hostile = hostile(directory.path());
    for columns in ["40", "80", "200"] {
        let text = human("sockets", directory.path(), columns);
        assert_harmless(&text);
        // A row is one line: each of our inodes is in exactly one line of the listeners.
        let listening = text
            .split("\n\n")
            .find(|part| part.starts_with("Listening"));
        let lines: Vec<&str> = listening.expect("we listen").lines().collect();
        for inode in &hostile.inodes {
            let inode = inode.to_string();
            let rows = lines
                .iter()
                .filter(|line| line.split_whitespace().take(2).any(|word| word == inode))
                .count();
            assert_eq!(rows, 1, "{inode} at {columns} columns in\n{text}");
        }
        let text = human("runtime-dir", directory.path(), columns);
        assert_harmless(&text);
        let listening = text
            .split("\n\n")
            .find(|part| part.starts_with("Listening"));
        let listening = listening.expect("we listen");
        let rows = listening
            .lines()
            .skip_while(|line| !line.starts_with("NAME"))
            .skip(1)
            .take_while(|line| !line.starts_with("No room"))
            .count();
        assert_eq!(rows, HOSTILE.len(), "at {columns} columns:\n{text}");
    }
}

#[test]
fn json_is_valid_and_carries_the_very_bytes() {
    let directory = private_directory();
    let _hostile = hostile(directory.path());
    let seen = json("runtime-dir", Some(directory.path()));
    assert_eq!(seen["schema"], "ipc-mastery/probe/runtime-dir/1");
    let found: BTreeSet<Vec<u8>> = seen["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| bytes(&entry["path"]))
        .collect();
    let expected: BTreeSet<Vec<u8>> = HOSTILE.iter().map(|name| name.to_vec()).collect();
    assert_eq!(found, expected);
    let seen = json("sockets", None);
    assert_eq!(seen["schema"], "ipc-mastery/probe/sockets/1");
    assert!(seen["owners_complete"].is_boolean());
    assert!(seen["denied"].is_u64());
}

fn bytes(name: &Value) -> Vec<u8> {
    match name["hex"].as_str() {
        Some(hex) => hex
            .as_bytes()
            .chunks_exact(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect(),
        None => name["text"].as_str().unwrap().as_bytes().to_vec(),
    }
}

#[test]
fn every_socket_that_ss_lists_and_that_stays_is_listed() {
    if which::which("ss").is_err() {
        return skip(
            "every_socket_that_ss_lists_and_that_stays_is_listed",
            "ss (iproute2) is not installed",
        );
    }
    let directory = private_directory();
    let listener = UnixListener::bind(directory.path().join("s")).unwrap();
    let mut held: Vec<OwnedFd> = vec![UnixDatagram::unbound().unwrap().into()];
    for _ in 0..50 {
        let (left, right) = UnixStream::pair().unwrap();
        held.push(left.into());
        held.push(right.into());
    }
    held.push(
        UnixStream::connect(directory.path().join("s"))
            .unwrap()
            .into(),
    );
    // What is in both of two listings of ss stayed while we looked.
    let before = inodes_by_ss();
    let seen = json("sockets", None);
    let after = inodes_by_ss();
    let ours: BTreeSet<u64> = seen["sockets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["inode"].as_u64().unwrap())
        .collect();
    let missing: Vec<&u64> = before
        .intersection(&after)
        .filter(|inode| !ours.contains(inode))
        .collect();
    assert!(missing.is_empty(), "ss lists {missing:?} besides");
    for fd in &held {
        assert!(ours.contains(&inode(fd)));
    }
    assert!(ours.contains(&inode(&listener)));
}

/// The number after the local address: the last but two columns, as addresses may hold blanks.
fn inodes_by_ss() -> BTreeSet<u64> {
    let output = run(Command::new("ss").args(["-xaH"]));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.starts_with("u_"))
        .filter_map(|line| line.split_whitespace().rev().nth(2)?.parse().ok())
        .filter(|&inode| inode != 0)
        .collect()
}

#[test]
fn a_socketpair_names_us_at_both_ends() {
    let (left, right) = UnixStream::pair().unwrap();
    let seen = json("sockets", None);
    let row = row(&seen, inode(&left));
    assert_eq!(row["condition"], "connected");
    assert_eq!(row["peer"]["inode"], inode(&right));
    assert_eq!(row["peer"]["relation"], "connected");
    let us = u64::from(std::process::id());
    assert!(pids(&row["holders"]).contains(&us));
    assert!(pids(&row["peer"]["holders"]).contains(&us));
}

/// A process that connects to a path and holds the connection until it is killed.
struct Client(Child);

impl Client {
    fn connect(path: &Path) -> Self {
        let script = "import socket, sys\n\
            s = socket.socket(socket.AF_UNIX)\n\
            s.connect(sys.argv[1])\n\
            print('connected', flush=True)\n\
            sys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", script])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "connected\n");
        Self(child)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Its standard input ends, and it with it.
        drop(self.0.stdin.take());
        self.0.wait().expect("our own child can be waited for");
    }
}

#[test]
fn a_connection_between_two_processes_names_each() {
    let test = "a_connection_between_two_processes_names_each";
    if which::which("python3").is_err() {
        return skip(test, "python3 is not installed");
    }
    let directory = private_directory();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let client = Client::connect(&path);
    let (us, them) = (u64::from(std::process::id()), u64::from(client.0.id()));

    let seen = json("sockets", None);
    let waiting = seen["sockets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| pids(&row["holders"]).contains(&them))
        .expect("the client's socket is listed")
        .clone();
    assert_eq!(waiting["condition"], "waiting");
    assert_eq!(waiting["peer"]["relation"], "waits-for");
    assert_eq!(waiting["peer"]["inode"], inode(&listener));
    assert!(pids(&waiting["peer"]["holders"]).contains(&us));
    let queue = &row(&seen, inode(&listener))["queue"];
    assert_eq!(queue["pending"], 1);

    let (accepted, _) = listener.accept().unwrap();
    let seen = json("sockets", None);
    let server = row(&seen, inode(&accepted));
    assert_eq!(pids(&server["peer"]["holders"]), [them]);
    let other = row(&seen, server["peer"]["inode"].as_u64().unwrap());
    assert_eq!(other["condition"], "connected");
    assert!(pids(&other["peer"]["holders"]).contains(&us));
    assert_eq!(
        bytes(&other["peer"]["name"]["name"]),
        path.as_os_str().as_bytes()
    );
    assert_eq!(row(&seen, inode(&listener))["clients"], 1);
}

#[test]
fn a_bound_datagram_socket_stays_bound_when_others_connect_to_it() {
    let directory = private_directory();
    let path = directory.path().join("log");
    let server = UnixDatagram::bind(&path).unwrap();
    let client = UnixDatagram::unbound().unwrap();
    client.connect(&path).unwrap();
    let seen = json("sockets", None);
    assert_eq!(row(&seen, inode(&server))["condition"], "bound");
    assert_eq!(row(&seen, inode(&server))["clients"], 1);
    let client = row(&seen, inode(&client));
    assert_eq!(client["peer"]["relation"], "sends-to");
    assert_eq!(client["peer"]["inode"], inode(&server));
}

#[test]
fn a_stale_socket_is_told_from_a_listening_one() {
    let directory = private_directory();
    drop(UnixListener::bind(directory.path().join("stale.sock")).unwrap());
    let _listener = UnixListener::bind(directory.path().join("bus")).unwrap();
    let seen = json("runtime-dir", Some(directory.path()));
    let entries = seen["entries"].as_array().unwrap();
    assert_eq!(entries[0]["state"], "listening");
    assert_eq!(entries[0]["service"]["id"], "dbus-session");
    assert_eq!(entries[1]["state"], "stale");
    let text = human("runtime-dir", directory.path(), "80");
    assert!(text.contains("ECONNREFUSED"), "{text}");
    assert!(text.contains("D-Bus session bus"), "{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    use unicode_width::UnicodeWidthStr;
    let directory = private_directory();
    let _hostile = hostile(directory.path());
    for columns in [60, 80, 132] {
        for name in ["sockets", "runtime-dir"] {
            for line in human(name, directory.path(), &columns.to_string()).lines() {
                assert!(line.width() <= columns, "{columns}: {line}");
            }
        }
    }
}

#[test]
fn a_socket_on_an_overlay_is_joined_though_stat_makes_its_device_up() {
    let test = "a_socket_on_an_overlay_is_joined_though_stat_makes_its_device_up";
    if which::which("python3").is_err() || which::which("unshare").is_err() {
        return skip(test, "it needs python3 and unshare (util-linux)");
    }
    let directory = private_directory();
    // In a mount namespace of its own, which ends with the shell. The upper layer is on another
    // file system than the lower one: only then is st_dev made up.
    let script = "cd \"$1\" && mkdir low up m && mount -t tmpfs none up && mkdir up/u up/w \
        && mount -t overlay overlay -o lowerdir=low,upperdir=up/u,workdir=up/w m \
        && chmod 700 m || exit 77
        XDG_RUNTIME_DIR=$1/m exec python3 -c '
import socket, subprocess, sys
s = socket.socket(socket.AF_UNIX)
s.bind(\"m/bus\")
s.listen(5)
sys.exit(subprocess.run([sys.argv[1], \"probe\", \"runtime-dir\", \"--json\"]).returncode)' \"$2\"";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(directory.path())
        .arg(env!("CARGO_BIN_EXE_ipc-mastery"))
        .output()
        .unwrap();
    if !output.status.success() && output.stdout.is_empty() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return skip(test, &format!("no overlay can be mounted here: {why}"));
    }
    let seen: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    assert_eq!(seen["entries"][0]["state"], "listening", "{seen}");
    assert_eq!(seen["entries"][0]["socket"]["type"], "stream");
    assert_eq!(seen["lost"], serde_json::json!([]));
}

#[test]
fn a_missing_runtime_directory_is_said_and_is_no_error() {
    let directory = private_directory();
    let text = human("runtime-dir", &directory.path().join("nowhere"), "80");
    assert!(text.contains("There is no such directory."), "{text}");
    let mut command = program();
    let output = run(command
        .args(["probe", "runtime-dir"])
        .env_remove("XDG_RUNTIME_DIR"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("XDG_RUNTIME_DIR is not set"), "{text}");
}

#[test]
fn an_ordinary_user_is_told_what_cannot_be_seen() {
    let test = "an_ordinary_user_is_told_what_cannot_be_seen";
    let Some(nobody) = Nobody::new(test) else {
        return;
    };
    let (root_end, _other) = UnixStream::pair().unwrap();
    let seen: Value = serde_json::from_str(&nobody.probe(&["sockets", "--json"])).unwrap();
    assert_eq!(seen["owners_complete"], false);
    assert!(seen["denied"].as_u64().unwrap() >= 1);
    let ours = row(&seen, inode(&root_end));
    assert_eq!(ours["holders"]["known"], "not-visible");
    assert_eq!(ours["peer"]["holders"]["known"], "not-visible");
    let text = nobody.probe(&["sockets"]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("could not be read"), "{text}");
    assert!(text.contains("? means unknown, not nobody"), "{text}");
    nobody.probe(&["runtime-dir"]);
}
