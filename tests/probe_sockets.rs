//! `probe sockets` as a person runs it: what it tells of one socket, its filters and trees, names
//! that attack terminals, and what an ordinary user sees. All on sockets made here.

mod probing;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use probing::{Nobody, run, skip};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::Value;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    command.stdin(Stdio::null()).args(["probe", "sockets"]);
    command
}

fn json(options: &[&str]) -> Value {
    let output = run(program().arg("--json").args(options));
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

fn human(options: &[&str], columns: &str) -> String {
    let output = run(program().args(options).env("COLUMNS", columns));
    String::from_utf8(output.stdout).expect("UTF-8, whatever the names hold")
}

/// Words without the breaks of lines.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn inode(fd: impl AsFd) -> u64 {
    rustix::fs::fstat(fd).unwrap().st_ino
}

fn row(seen: &Value, inode: u64) -> Value {
    let rows = seen["sockets"].as_array().unwrap();
    let found = rows.iter().find(|row| row["inode"] == inode);
    found.expect("a socket we hold is listed").clone()
}

fn inodes(seen: &Value) -> BTreeSet<u64> {
    let rows = seen["sockets"].as_array().unwrap();
    rows.iter()
        .map(|row| row["inode"].as_u64().unwrap())
        .collect()
}

fn pids(holders: &Value) -> Vec<u64> {
    let processes = holders["processes"].as_array().unwrap();
    let pids = processes
        .iter()
        .map(|process| process["pid"].as_u64().unwrap());
    pids.collect()
}

fn us() -> u64 {
    u64::from(std::process::id())
}

#[test]
fn filters_combine_and_the_first_line_says_how_many_of_how_many() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("filtered");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let datagram = UnixDatagram::bind(directory.path().join("filtered-too")).unwrap();
    let name = path.to_str().unwrap().to_owned();
    let all = inodes(&json(&["--name", &name]));
    let every = [
        inode(&listener),
        inode(&client),
        inode(&accepted),
        inode(&datagram),
    ];
    assert_eq!(all, BTreeSet::from(every));
    let streams = inodes(&json(&["--name", &name, "--type", "stream"]));
    assert_eq!(streams, BTreeSet::from_iter(every[..3].to_vec()));
    let pid = us().to_string();
    let seen = json(&["--name", &name, "--listening", "--pid", &pid]);
    assert_eq!(inodes(&seen), BTreeSet::from([every[0]]));
    assert!(seen["total"].as_u64().unwrap() >= 4);
    assert_eq!(seen["filter"]["condition"], "listening");
    let text = human(&["--name", &name], "80");
    assert!(
        text.starts_with("AF_UNIX sockets of this network namespace: 4 of "),
        "{text}"
    );
    // Nobody of this name.
    let nothing = human(&["--name", "no socket has this name"], "80");
    assert!(nothing.contains(": 0 of "), "{nothing}");
}

#[test]
fn one_end_alone_still_names_the_other_with_its_process() {
    let test = "one_end_alone_still_names_the_other_with_its_process";
    let Some(client) = Python::start(test, &["import socket", "s, t = socket.socketpair()"]) else {
        return;
    };
    let pid = client.pid().to_string();
    let seen = json(&["--pid", &pid]);
    let rows = seen["sockets"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{seen}");
    for row in rows {
        assert_eq!(pids(&row["holders"]), [client.pid()]);
        assert_eq!(pids(&row["peer"]["holders"]), [client.pid()]);
        assert_eq!(row["descriptors"][0]["pid"], client.pid());
    }
    let owner = &seen["owners"][0];
    assert_eq!(owner["pid"], client.pid());
    assert_eq!(owner["other_mounts"], false);
    let own = fs::read_link("/proc/self/ns/mnt").unwrap();
    let number = format!("mnt:[{}]", owner["mount_namespace"]);
    assert_eq!(own.to_str(), Some(number.as_str()));
}

#[test]
fn a_name_of_nothing_is_mended_or_said() {
    let refused = |options: &[&str]| {
        let output = program().args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        words(&String::from_utf8(output.stderr).unwrap())
    };
    let text = refused(&["--service", "dbus-sesion"]);
    assert!(text.contains("Did you mean `dbus-session`?"), "{text}");
    let text = refused(&["--type", "steam"]);
    assert!(text.contains("'stream'"), "{text}");
    // Above the largest pid that Linux gives.
    let text = refused(&["--pid", "4194305"]);
    assert!(text.contains("there is no process 4194305"), "{text}");
    // Inode 0 is nobody's.
    let text = refused(&["--inode", "0"]);
    assert!(
        text.contains("no AF_UNIX socket here has the inode 0"),
        "{text}"
    );
}

#[test]
fn a_listener_names_those_who_wait_and_they_name_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let gone = UnixStream::connect(&path).unwrap();
    drop(gone);
    let seen = json(&["--name", path.to_str().unwrap()]);
    let ours = row(&seen, inode(&listener));
    assert_eq!(ours["queue"]["pending"], 2);
    let pending = ours["pending"].as_array().unwrap();
    let find = |inode: Value| pending.iter().find(|client| client["inode"] == inode);
    let waits = find(inode(&client).into()).expect("the client waits");
    assert!(pids(&waits["holders"]).contains(&us()));
    let gone = find(Value::Null).expect("one was closed while it waited");
    assert_eq!(gone["holders"]["known"], "gone");
    let peer = &row(&seen, inode(&client))["peer"];
    assert_eq!(peer["relation"], "waits-for");
    assert_eq!(peer["inode"], inode(&listener));
    let number = inode(&listener).to_string();
    let text = words(&human(&["--inode", &number], "80"));
    assert!(text.contains("2 connections wait for accept(2)"), "{text}");
    assert!(
        text.contains(&format!("socket {} waits, held by", inode(&client))),
        "{text}"
    );
    assert!(
        text.contains("a client was closed while it waited"),
        "{text}"
    );
}

#[test]
fn queues_tell_bytes_here_bytes_there_and_memory() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (&ours).write_all(b"hello world").unwrap();
    let pid = us().to_string();
    let seen = json(&["--pid", &pid]);
    let (sender, receiver) = (row(&seen, inode(&ours)), row(&seen, inode(&theirs)));
    assert_eq!(receiver["unread"], 11);
    assert_eq!(sender["unread"], 0);
    assert_eq!(sender["peer"]["unread"], 11);
    let memory = sender["sent_memory"].as_u64().unwrap();
    assert!(memory > 11, "memory counts whole buffers: {memory}");
    assert_eq!(receiver["peer"]["sent_memory"], memory);
    let number = inode(&ours).to_string();
    let text = words(&human(&["--inode", &number], "80"));
    assert!(
        text.contains("0 bytes wait here; 11 wait at the other end"),
        "{text}"
    );
    assert!(
        text.contains(&format!("{memory} bytes of kernel memory")),
        "{text}"
    );
}

#[test]
fn what_is_shut_down_is_told_at_both_ends() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    let seen = json(&["--pid", &us().to_string()]);
    let both = |inode| row(&seen, inode)["shutdown"].clone();
    assert_eq!(
        both(inode(&ours)),
        serde_json::json!({"receive": false, "send": true})
    );
    assert_eq!(
        both(inode(&theirs)),
        serde_json::json!({"receive": true, "send": false})
    );
    let text = words(&human(&["--inode", &inode(&ours).to_string()], "80"));
    assert!(text.contains("shut down sending"), "{text}");
}

#[test]
fn a_name_that_leads_elsewhere_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let stays = UnixListener::bind(path("stays")).unwrap();
    let removed = UnixListener::bind(path("removed")).unwrap();
    fs::remove_file(path("removed")).unwrap();
    let renamed = UnixListener::bind(path("renamed")).unwrap();
    fs::rename(path("renamed"), path("new-name")).unwrap();
    let replaced = UnixListener::bind(path("replaced")).unwrap();
    fs::remove_file(path("replaced")).unwrap();
    let successor = UnixListener::bind(path("replaced")).unwrap();
    let linked = UnixListener::bind(path("linked")).unwrap();
    fs::rename(path("linked"), path("target")).unwrap();
    std::os::unix::fs::symlink("target", path("linked")).unwrap();
    let seen = json(&["--name", directory.path().to_str().unwrap()]);
    let leads = |fd: &UnixListener| row(&seen, inode(fd))["leads"]["to"].clone();
    assert_eq!(leads(&stays), "its-file");
    assert_eq!(leads(&removed), "nothing");
    assert_eq!(leads(&renamed), "nothing");
    assert_eq!(leads(&replaced), "another-file");
    assert_eq!(leads(&successor), "its-file");
    assert_eq!(
        leads(&linked),
        "its-file",
        "connect(2) follows symbolic links"
    );
    let text = human(&["--name", directory.path().to_str().unwrap()], "80");
    assert!(words(&text).contains("A file of none:"), "{text}");
    assert!(words(&text).contains("A file of another:"), "{text}");
    let renamed = inode(&renamed).to_string();
    let seen = json(&["--inode", &renamed, "--borrow"]);
    let borrowed = &seen["sockets"][0]["borrowed"];
    if nix::unistd::geteuid().is_root() && borrowed["file"].is_object() {
        let new = fs::canonicalize(path("new-name")).unwrap();
        assert_eq!(borrowed["file"]["path"]["text"], new.to_str().unwrap());
        assert_eq!(borrowed["file"]["removed"], false);
    } else {
        assert!(borrowed["refused"].is_string(), "{borrowed}");
    }
}

#[test]
fn a_relative_name_is_followed_from_where_its_process_is_or_not_at_all() {
    let test = "a_relative_name_is_followed_from_where_its_process_is_or_not_at_all";
    let directory = tempfile::tempdir().unwrap();
    let change = format!("os.chdir({:?})", directory.path().to_str().unwrap());
    let lines = [
        "import os, socket",
        &change,
        "s = socket.socket(socket.AF_UNIX)",
        "s.bind('rel')",
        "s.listen(1)",
    ];
    let Some(stays) = Python::start(test, &lines) else {
        return;
    };
    let lines = [lines.as_slice(), &["os.chdir('/')"]].concat();
    fs::rename(directory.path().join("rel"), directory.path().join("old")).unwrap();
    fs::rename(directory.path().join("old"), directory.path().join("rel")).unwrap();
    let leads = |pid: u64| {
        let seen = json(&["--pid", &pid.to_string()]);
        seen["sockets"][0]["leads"].clone()
    };
    assert_eq!(leads(stays.pid())["to"], "its-file");
    drop(stays);
    fs::remove_file(directory.path().join("rel")).unwrap();
    let moved = Python::start(test, &lines).expect("python3 runs");
    assert_eq!(leads(moved.pid())["to"], "unknown");
    assert_eq!(leads(moved.pid())["doubt"], "relative-name");
}

#[test]
fn a_name_is_looked_up_in_the_mount_namespace_of_its_holder() {
    let test = "a_name_is_looked_up_in_the_mount_namespace_of_its_holder";
    if which::which("python3").is_err() || which::which("unshare").is_err() {
        return skip(test, "it needs python3 and unshare (util-linux)");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    // Bound on a tmpfs that only this process sees.
    let script = "mount -t tmpfs none \"$1\" || exit 77
        exec python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
print(\"done\", flush=True)
sys.stdin.read()' \"$1/s\"";
    let child = Command::new("unshare")
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
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = Python(child);
    let mut line = String::new();
    let mut out = BufReader::new(child.0.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    if line != "done\n" {
        return skip(
            test,
            "no tmpfs can be mounted in a namespace of its own here",
        );
    }
    // Another one has the name in our namespace.
    let ours = UnixListener::bind(&path).unwrap();
    let seen = json(&["--name", path.to_str().unwrap()]);
    let rows = seen["sockets"].as_array().unwrap();
    let theirs = rows.iter().find(|row| row["inode"] != inode(&ours));
    let theirs = theirs.expect("both are listed");
    for row in [theirs, &row(&seen, inode(&ours))] {
        assert_eq!(row["leads"]["to"], "its-file", "{row}");
        assert_eq!(row["leads"]["seen_from"], "holder");
    }
    let owners = seen["owners"].as_array().unwrap();
    let owner = owners.iter().find(|owner| owner["pid"] == child.pid());
    assert_eq!(owner.expect("it holds one")["other_mounts"], true);
    let text = human(&["--name", path.to_str().unwrap()], "200");
    assert!(text.contains("MOUNTS"), "{text}");
}

/// Sends descriptors with one byte.
fn send(to: &UnixStream, descriptors: &[impl AsFd]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    sendmsg(to, &[IoSlice::new(b"x")], &mut control, SendFlags::empty()).unwrap();
}

#[test]
fn a_descriptor_on_its_way_is_counted_where_it_waits() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (sent, kept) = UnixStream::pair().unwrap();
    let on_its_way = inode(&sent);
    send(&ours, &[&sent]);
    drop(sent);
    let seen = json(&[]);
    assert_eq!(row(&seen, inode(&theirs))["in_flight"], 1);
    assert_eq!(row(&seen, inode(&ours))["in_flight"], 0);
    assert!(seen["in_flight"].as_u64().unwrap() >= 1);
    // Nobody holds it. Where not every process may be read, more cannot be said.
    let known = match seen["owners_complete"] == true {
        true => "in-flight",
        false => "not-visible",
    };
    assert_eq!(row(&seen, on_its_way)["holders"]["known"], known);
    assert_eq!(row(&seen, inode(&kept))["peer"]["holders"]["known"], known);
    let text = words(&human(&["--inode", &inode(&theirs).to_string()], "80"));
    assert!(
        text.contains("1 descriptor waits here in messages that nobody has received"),
        "{text}"
    );
}

#[test]
fn descriptors_on_a_connection_that_waits_are_counted_at_its_listener() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    send(&client, &[std::io::stdin(), std::io::stdin()]);
    let seen = json(&["--inode", &inode(&listener).to_string()]);
    assert_eq!(seen["sockets"][0]["in_flight"], 2);
}

#[test]
fn the_credentials_recorded_on_a_socket_are_told_on_request() {
    let (left, _right) = UnixStream::pair().unwrap();
    let number = inode(&left).to_string();
    let plain = json(&["--inode", &number]);
    assert_eq!(plain["sockets"][0]["borrowed"], Value::Null);
    let seen = json(&["--inode", &number, "--borrow"]);
    let borrowed = &seen["sockets"][0]["borrowed"];
    if borrowed["refused"] == "not-permitted" {
        // Yama, or an ordinary user's test that may not be traced.
        return;
    }
    let recorded = &borrowed["credentials"];
    assert_eq!(recorded["pid"], us());
    assert_eq!(recorded["uid"], nix::unistd::geteuid().as_raw());
    assert_eq!(recorded["gid"], nix::unistd::getegid().as_raw());
    let text = words(&human(&["--inode", &number, "--borrow"], "80"));
    assert!(
        text.contains(&format!("recorded pid {}, user ", us())),
        "{text}"
    );
    assert_eq!(recorded["holds_it_now"], true);
    assert!(text.contains("It holds that end now, too."), "{text}");
}

#[test]
fn a_process_that_no_longer_holds_what_it_is_recorded_for_is_marked() {
    let test = "a_process_that_no_longer_holds_what_it_is_recorded_for_is_marked";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("handed-on");
    let name = path.to_str().unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    // The child keeps the connection that its parent made and closed.
    let connect = format!("s = socket.socket(socket.AF_UNIX); s.connect({name:?})");
    let hand_on = "os.fork() or (sys.stdin.read(), os._exit(0)); s.close()";
    let Some(client) = Python::start(test, &["import os, socket, sys", &connect, hand_on]) else {
        return;
    };
    let (accepted, _) = listener.accept().unwrap();
    let number = inode(&accepted).to_string();
    let seen = json(&["--inode", &number, "--borrow"]);
    let borrowed = &seen["sockets"][0]["borrowed"];
    if borrowed["refused"] == "not-permitted" {
        return;
    }
    assert_eq!(borrowed["credentials"]["pid"], client.pid());
    assert_eq!(borrowed["credentials"]["holds_it_now"], false);
    let text = words(&human(&["--inode", &number, "--borrow"], "80"));
    assert!(text.contains("It does not hold that end now."), "{text}");
    let table = words(&human(&["--pid", &us().to_string(), "--borrow"], "200"));
    assert!(table.contains(&format!(" {}! ", client.pid())), "{table}");
}

#[test]
fn a_tree_shows_who_talks_to_whom_by_process_and_by_service() {
    let test = "a_tree_shows_who_talks_to_whom_by_process_and_by_service";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tree");
    let name = path.to_str().unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    let connect = format!(
        "a, b = [socket.socket(socket.AF_UNIX) for _ in 'ab']; [s.connect({name:?}) for s in (a, b)]"
    );
    let Some(client) = Python::start(test, &["import socket", &connect]) else {
        return;
    };
    let _accepted = [listener.accept().unwrap(), listener.accept().unwrap()];
    let (pid, comm) = (client.pid(), comm(client.pid()));
    let (own, own_comm) = (us(), comm_of_us());
    let tree = human(&["--name", name, "--tree"], "200");
    for line in [
        format!("{own_comm} {own}: 3 sockets"),
        format!("├─ listens at {name}"),
        format!("└─ <- {comm} {pid}, through {name}: 2 connections"),
        format!("{comm} {pid}: 2 sockets"),
        format!("└─ -> {own_comm} {own}, through {name}: 2 connections"),
    ] {
        // A unit of systemd may stand before the colon.
        let (start, end) = line.rsplit_once(": ").unwrap_or((&line, ""));
        let found = |drawn: &str| drawn.starts_with(start) && drawn.ends_with(end);
        assert!(tree.lines().any(found), "{line} in\n{tree}");
    }
    let tree = human(&["--name", name, "--tree", "service"], "200");
    for line in [
        name.to_owned(),
        format!("├─ {own_comm} {own} listens at {name}"),
        format!("└─ {comm} {pid} -> {own_comm} {own}: 2 connections"),
    ] {
        assert!(tree.lines().any(|drawn| drawn == line), "{line} in\n{tree}");
    }
}

fn comm(pid: u64) -> String {
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    comm.trim_end().to_owned()
}

fn comm_of_us() -> String {
    comm(us())
}

/// A process of python3 that has done what it was told, and waits until it is dropped.
struct Python(Child);

impl Python {
    fn start(test: &str, lines: &[&str]) -> Option<Self> {
        if which::which("python3").is_err() {
            skip(test, "python3 is not installed");
            return None;
        }
        let script = format!(
            "{}\nprint('done', flush=True)\nimport sys\nsys.stdin.read()",
            lines.join("\n")
        );
        let mut child = Command::new("python3")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n", "python3 failed");
        Some(Self(child))
    }

    fn pid(&self) -> u64 {
        u64::from(self.0.id())
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // Its standard input ends, and it with it.
        drop(self.0.stdin.take());
        self.0.wait().expect("our own child can be waited for");
    }
}

/// Names that move a cursor, forge a row, end a string, turn text round or are no text at all.
const HOSTILE: &[&[u8]] = &[
    b"esc\x1b[2J\x1b]0;owned\x07",
    b"two\nu_str LISTEN 0 5 fake 1 * 0 users:((\"x\",pid=1,fd=1))",
    b"tree\n\xe2\x94\x94\xe2\x94\x80 <- root 1: 9 connections",
    b"tab\there\rreturn",
    b"raw\xff\xfe\xc3\xf0\x9f",
    b"c1\xc2\x9b31m",
    b"bidi\xe2\x80\xaegpj\xe2\x81\xa6",
    b"zero\xe2\x80\x8bwidth\xef\xbb\xbf",
    b"quote\"'\\x41\\",
    b"  two  blanks  ",
];

/// A listener at each hostile name, and one at the longest abstract name.
fn hostile(directory: &Path) -> Vec<OwnedFd> {
    let mut all: Vec<OwnedFd> = Vec::new();
    for name in HOSTILE {
        let path = directory.join(std::ffi::OsStr::from_bytes(name));
        all.push(UnixListener::bind(path).unwrap().into());
    }
    let mut name = directory.file_name().unwrap().as_bytes().to_vec();
    name.resize(107, b'\n');
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    all.push(UnixListener::bind_addr(&address).unwrap().into());
    all
}

#[test]
fn hostile_names_of_sockets_and_processes_forge_nothing() {
    let test = "hostile_names_of_sockets_and_processes_forge_nothing";
    let directory = tempfile::tempdir().unwrap();
    let listeners = hostile(directory.path());
    let expected: BTreeSet<u64> = listeners.iter().map(inode).collect();
    // A path of 108 bytes, which no NUL ends: only bind(2) itself takes one.
    let start = directory.path().to_str().unwrap();
    let bind = format!(
        "s = socket.socket(socket.AF_UNIX)\n\
         address = b'\\1\\0' + (b'{start}/' + b'\\x1b' * 108)[:108]\n\
         assert ctypes.CDLL(None).bind(s.fileno(), address, 110) == 0; s.listen(1)"
    );
    let comm = r#"open('/proc/self/comm', 'wb').write(b'\x1b[2J",pid=1\n9')"#;
    let Some(child) = Python::start(test, &["import ctypes, socket", &bind, comm]) else {
        return;
    };
    let part = directory.path().file_name().unwrap().to_str().unwrap();
    let seen = json(&["--name", part]);
    // As many rows as sockets.
    assert_eq!(
        seen["sockets"].as_array().unwrap().len(),
        expected.len() + 1
    );
    assert!(inodes(&seen).is_superset(&expected));
    let rows = seen["sockets"].as_array().unwrap();
    let longest = rows
        .iter()
        .find(|row| pids(&row["holders"]) == [child.pid()]);
    let hex = longest.unwrap()["name"]["name"]["hex"].as_str().unwrap();
    assert_eq!(hex.len(), 2 * 108);
    let holder = seen["owners"]
        .as_array()
        .unwrap()
        .iter()
        .find(|owner| owner["pid"] == child.pid());
    let hex: String = b"\x1b[2J\",pid=1\n9"
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(holder.unwrap()["comm"]["hex"], hex);
    for columns in ["60", "80", "400"] {
        for view in [
            &["--name", part][..],
            &["--name", part, "--tree"],
            &["--name", part, "--tree", "service"],
        ] {
            let text = human(view, columns);
            assert_harmless(&text);
            if !view.contains(&"--tree") {
                for inode in &expected {
                    let rows = text.lines().filter(|line| {
                        let mut words = line.split_whitespace().take(2);
                        words.any(|word| word == inode.to_string())
                    });
                    assert_eq!(rows.count(), 1, "{inode} in\n{text}");
                }
            }
        }
    }
    // Each in its sentences, too.
    for inode in expected {
        assert_harmless(&human(&["--inode", &inode.to_string()], "80"));
    }
    let raw = run(program().args(["--json", "--name", part])).stdout;
    assert!(
        raw.iter()
            .all(|&byte| byte == b'\n' || (byte >= 0x20 && byte != 0x7f))
    );
}

fn assert_harmless(text: &str) {
    for character in text.chars() {
        let moves = character != '\n' && character.is_control();
        let turns = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        assert!(
            !moves && !turns,
            "{character:?} reached the output:\n{text}"
        );
    }
}

#[test]
fn an_ordinary_user_sees_every_socket_and_is_told_whose_are_hidden() {
    let test = "an_ordinary_user_sees_every_socket_and_is_told_whose_are_hidden";
    let Some(nobody) = Nobody::new(test) else {
        return;
    };
    let directory = &nobody.directory;
    let shut = directory.path().join("shut");
    fs::create_dir(&shut).unwrap();
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
    let hidden = UnixListener::bind(shut.join("s")).unwrap();
    let open = UnixListener::bind(directory.path().join("s")).unwrap();
    let removed = UnixListener::bind(directory.path().join("r")).unwrap();
    fs::remove_file(directory.path().join("r")).unwrap();
    let client = UnixStream::connect(directory.path().join("s")).unwrap();
    (&client).write_all(b"x").unwrap();
    let as_nobody = |options: &[&str]| nobody.probe(&[&["sockets"], options].concat());
    let seen: Value = serde_json::from_str(&as_nobody(&["--json", "--borrow"])).unwrap();
    assert_eq!(seen["owners_complete"], false);
    assert!(seen["denied"].as_u64().unwrap() >= 1);
    let leads = |fd: &UnixListener| row(&seen, inode(fd))["leads"].clone();
    assert_eq!(leads(&open)["to"], "its-file");
    assert_eq!(leads(&open)["seen_from"], "here");
    assert_eq!(leads(&removed)["to"], "nothing");
    assert_eq!(leads(&hidden)["doubt"], "not-searchable");
    let ours = row(&seen, inode(&open));
    assert_eq!(ours["holders"]["known"], "not-visible");
    assert_eq!(ours["pending"][0]["inode"], inode(&client));
    assert_eq!(ours["pending"][0]["holders"]["known"], "not-visible");
    assert_eq!(ours["in_flight"], Value::Null, "that may not be counted");
    assert_eq!(ours["borrowed"]["refused"], "no-holder");
    let text = words(&as_nobody(&["--inode", &inode(&open).to_string()]));
    assert!(
        text.contains("held by ?: not every process may be read"),
        "{text}"
    );
    assert!(
        text.contains("seen from here, as the root directory of its process"),
        "{text}"
    );
    let tree = as_nobody(&["--tree"]);
    assert!(tree.contains("? (its process may not be read)"), "{tree}");
}
