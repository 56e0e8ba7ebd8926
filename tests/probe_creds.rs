//! `probe creds` as a person runs it: the real binary, about processes and sockets made here, as
//! root and as an ordinary user, and inside namespaces.

mod probing;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use probing::skip;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn there(program: &str) -> bool {
    which::which(program).is_ok()
}

fn creds(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(["probe", "creds"])
        .args(arguments)
        .stdin(Stdio::null())
        .env("COLUMNS", "80")
        .output()
        .unwrap()
}

fn parsed(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

fn seen(subject: &str) -> Value {
    parsed(&creds(&[subject, "--json"]))
}

fn told(subject: &str) -> String {
    let output = creds(&[subject]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8, whatever the names hold")
}

/// One paragraph, however it was broken into lines.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn inode(fd: impl AsFd) -> String {
    format!("inode:{}", rustix::fs::fstat(fd).unwrap().st_ino)
}

fn assert_harmless(text: &str) {
    for character in text.chars() {
        assert!(
            character == '\n' || !character.is_control(),
            "{character:?} reached the output"
        );
    }
}

/// A directory that everybody may enter, with a copy of our binary.
struct Open(tempfile::TempDir);

impl Open {
    fn new() -> Self {
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copy = directory.path().join("ipc-mastery");
        fs::copy(env!("CARGO_BIN_EXE_ipc-mastery"), copy).unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the probe as another user without groups.
    fn creds_as(&self, uid: u32, arguments: &[&str]) -> Output {
        let uid = uid.to_string();
        Command::new("setpriv")
            .args(["--reuid", &uid, "--regid", &uid, "--clear-groups"])
            .arg(self.path("ipc-mastery"))
            .args(["probe", "creds"])
            .args(arguments)
            .stdin(Stdio::null())
            .env("COLUMNS", "80")
            .output()
            .unwrap()
    }
}

/// A Python program that has said that it is ready, with the rest of that line; it ends when its
/// standard input does.
struct Script {
    child: Child,
    line: String,
}

impl Script {
    fn start(command: &mut Command, script: &str, arguments: &[&Path]) -> Self {
        let mut child = command
            .args(["python3", "-c", script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let line = line
            .strip_prefix("ready")
            .unwrap_or_else(|| panic!("{line:?}"));
        Self {
            line: line.trim().to_owned(),
            child,
        }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("our own child can be waited for");
    }
}

fn python(script: &str, arguments: &[&Path]) -> Script {
    Script::start(&mut Command::new("env"), script, arguments)
}

fn python_as(uid: u32, script: &str, arguments: &[&Path]) -> Script {
    let uid = uid.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "env"]);
    Script::start(&mut command, script, arguments)
}

const CLIENT: &str = "import socket, sys\n\
    s = socket.socket(socket.AF_UNIX)\n\
    s.connect(sys.argv[1])\n\
    print('ready', flush=True)\n\
    sys.stdin.read()";

#[test]
fn we_are_told_as_the_kernel_has_us() {
    let seen = parsed(&creds(&["--json"]));
    assert_eq!(seen["schema"], "ipc-mastery/probe/creds/1");
    let process = &seen["process"];
    assert_eq!(process["ourselves"], true);
    let user = &process["user"]["value"];
    assert_eq!(user["real"]["id"], nix::unistd::getuid().as_raw());
    assert_eq!(user["effective"]["id"], nix::unistd::geteuid().as_raw());
    assert_eq!(process["dumpable"], json!({"is": "known", "value": true}));
    let mut groups: Vec<u64> = process["groups"]["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["id"].as_u64().unwrap())
        .collect();
    let mut own: Vec<u64> = nix::unistd::getgroups()
        .unwrap()
        .iter()
        .map(|group| u64::from(group.as_raw()))
        .collect();
    groups.sort_unstable();
    own.sort_unstable();
    assert_eq!(groups, own);
    for namespace in process["namespaces"].as_array().unwrap() {
        let known = namespace["inode"]["is"] == "known";
        assert_eq!(namespace["ours"] == true, known, "{namespace}");
    }
    assert_eq!(seen["live_problem"], Value::Null);
}

fn moment<'a>(live: &'a Value, event: &str) -> &'a Value {
    let moments = live["moments"].as_array().unwrap();
    let found = moments.iter().find(|moment| moment["event"] == event);
    found.unwrap_or_else(|| panic!("{event}: {live:#}"))
}

#[test]
fn the_live_run_shows_that_peercred_is_recorded_once_and_messages_name_their_sender() {
    let live = &parsed(&creds(&["--json"]))["live"];
    let [server, client, child] = [
        &live["server"]["pid"],
        &live["client"]["pid"],
        &live["child"],
    ];
    assert!(server != client && client != child, "{live:#}");
    let first = moment(live, "connected");
    assert_eq!(&first["peercred"]["value"]["pid"], client);
    assert_eq!(&first["message"]["value"]["pid"], client);
    let others = moment(live, "child-sends");
    assert_eq!(&others["peercred"]["value"]["pid"], client);
    assert_eq!(&others["message"]["value"]["pid"], child);
    let gone = moment(live, "client-gone");
    assert_eq!(&gone["peercred"]["value"]["pid"], client);
    assert_eq!(&gone["message"]["value"]["pid"], child);
    assert_eq!(&live["pair"]["value"]["pid"], server);
    assert_eq!(&live["seen_by_client"]["value"]["pid"], server);
    let nobody = json!({"pid": 0, "uid": u32::MAX, "gid": u32::MAX});
    assert_eq!(live["unconnected"]["value"], nobody);
    match gone["peerpidfd"]["is"].as_str().unwrap() {
        "known" => {
            assert_eq!(gone["peerpidfd"]["value"]["ended"], true);
            assert_eq!(first["peerpidfd"]["value"]["ended"], false);
        }
        // Before Linux 6.5 there is none, before 6.16 none of a process that was waited for.
        other => assert!(matches!(other, "unsupported" | "refused"), "{gone}"),
    }
    // Nobody of them is left.
    for pid in [server, client, child] {
        let path = format!("/proc/{pid}/comm");
        assert_ne!(fs::read(path).unwrap_or_default(), b"ipc-mastery\n");
    }
}

#[test]
fn the_live_run_shows_effective_and_real_ids_to_root() {
    if !is_root() {
        return skip(
            "the_live_run_shows_effective_and_real_ids_to_root",
            "only root may change its ids",
        );
    }
    let live = &parsed(&creds(&["--json"]))["live"];
    let uids = |event: &str| {
        let moment = moment(live, event);
        assert_eq!(moment["failed"], Value::Null, "{moment}");
        ["sender", "peercred", "message"].map(|who| {
            let told = &moment[who];
            let told = if who == "sender" {
                told
            } else {
                &told["value"]
            };
            told["uid"].as_u64().unwrap()
        })
    };
    assert_eq!(uids("connected"), [0, 0, 0]);
    assert_eq!(uids("effective-ids"), [65_534, 0, 0]);
    assert_eq!(uids("all-ids"), [65_534, 0, 65_534]);
    assert_eq!(
        moment(live, "all-ids")["sender_groups"],
        json!([65_534]),
        "{live:#}"
    );
    assert_eq!(live["groups_at_end"], live["answers"]["peergroups"]);
}

#[test]
fn an_ordinary_user_is_told_what_the_live_run_could_not_show() {
    let test = "an_ordinary_user_is_told_what_the_live_run_could_not_show";
    let text = if is_root() {
        if !there("setpriv") {
            return skip(test, "setpriv (util-linux) is not installed");
        }
        let output = Open::new().creds_as(65_534, &[]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    } else {
        String::from_utf8(creds(&[]).stdout).unwrap()
    };
    let text = flat(&text);
    assert!(text.contains("Not shown, because the kernel"), "{text}");
    assert!(text.contains("EPERM"), "{text}");
}

#[test]
fn each_kind_of_socket_says_which_call_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let waiting = seen(&inode(&client));
    assert_eq!(waiting["socket"]["condition"], "waiting");
    assert_eq!(waiting["socket"]["recorded_by"], "peers-listen");
    let (accepted, _) = listener.accept().unwrap();
    let (one, _other) = UnixStream::pair().unwrap();
    let datagrams = UnixDatagram::unbound().unwrap();
    let (datagram, _other_datagram) = UnixDatagram::pair().unwrap();
    let us = u64::from(std::process::id());
    for (subject, by) in [
        (path.to_str().unwrap().to_owned(), "listen"),
        (inode(&listener), "listen"),
        (inode(&client), "peers-listen"),
        (inode(&accepted), "peers-connect"),
        (inode(&one), "socketpair"),
        (inode(&datagram), "socketpair"),
        (inode(&datagrams), "nothing"),
    ] {
        let socket = &seen(&subject)["socket"];
        assert_eq!(socket["recorded_by"], by, "{subject}: {socket:#}");
        let asked = &socket["asked"];
        assert_eq!(asked["pid"].as_u64(), Some(us), "{socket:#}");
        let peercred = &socket["record"]["peercred"];
        if by == "nothing" {
            assert_eq!(*peercred, json!({"is": "absent"}));
        } else {
            assert_eq!(peercred["value"]["pid"].as_u64(), Some(us), "{socket:#}");
            assert_eq!(socket["now"]["still_held"], true, "{socket:#}");
        }
        told(&subject);
    }
    drop(client);
    let closed = &seen(&inode(&accepted))["socket"];
    assert_eq!(closed["recorded_by"], "peers-connect");
    assert_eq!(closed["now"]["still_held"], false);
    assert_eq!(closed["now"]["known"], "gone");
}

#[test]
fn looking_at_a_listener_connects_to_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    seen(path.to_str().unwrap());
    told(path.to_str().unwrap());
    let error = listener.accept().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_server_that_gave_up_root_after_listen_is_recorded_as_root() {
    let test = "a_server_that_gave_up_root_after_listen_is_recorded_as_root";
    if !is_root() {
        return skip(test, "only root can give root up");
    }
    if !there("python3") {
        return skip(test, "python3 is not installed");
    }
    let directory = Open::new();
    let path = directory.path("s");
    let script = "import os, socket, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.bind(sys.argv[1])\n\
        s.listen(5)\n\
        os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n\
        print('ready', flush=True)\n\
        sys.stdin.read()";
    let server = python(script, &[&path]);
    let socket = &seen(path.to_str().unwrap())["socket"];
    assert_eq!(socket["record"]["peercred"]["value"]["user"]["id"], 0);
    assert_eq!(socket["now"]["still_held"], true, "{socket:#}");
    let owner = &socket["now"]["owner_of_pid"];
    assert_eq!(owner["pid"], server.pid());
    assert_eq!(owner["user"]["id"], 65_534);
    let text = flat(&told(path.to_str().unwrap()));
    assert!(text.contains("it changed its ids afterwards"), "{text}");
}

#[test]
fn a_server_that_forked_after_listen_is_recorded_as_a_process_that_is_gone() {
    let test = "a_server_that_forked_after_listen_is_recorded_as_a_process_that_is_gone";
    if !there("python3") {
        return skip(test, "python3 is not installed");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    // As ssh-agent does: who listened ends, its child serves. Its parent waits for it.
    let script = "import os, socket, sys\n\
        done, end = os.pipe()\n\
        pid = os.fork()\n\
        if pid == 0:\n\
        \x20   s = socket.socket(socket.AF_UNIX)\n\
        \x20   s.bind(sys.argv[1])\n\
        \x20   s.listen(5)\n\
        \x20   if os.fork() == 0:\n\
        \x20       os.close(done)\n\
        \x20       os.write(end, b'%d' % os.getpid())\n\
        \x20       os.close(end)\n\
        \x20       sys.stdin.read()\n\
        \x20   os._exit(0)\n\
        os.close(end)\n\
        os.waitpid(pid, 0)\n\
        print('ready', pid, os.read(done, 20).decode(), flush=True)\n\
        sys.stdin.read()";
    let server = python(script, &[&path]);
    let mut pids = server
        .line
        .split(' ')
        .map(|pid| pid.parse::<u64>().unwrap());
    let (listened, serves) = (pids.next().unwrap(), pids.next().unwrap());
    let socket = &seen(path.to_str().unwrap())["socket"];
    let record = &socket["record"];
    assert_eq!(record["peercred"]["value"]["pid"].as_u64(), Some(listened));
    assert_eq!(socket["now"]["process"], "gone", "{socket:#}");
    assert_eq!(socket["now"]["owner_of_pid"], Value::Null);
    assert_eq!(socket["now"]["still_held"], false);
    assert_eq!(socket["now"]["holders"][0]["pid"].as_u64(), Some(serves));
    let text = flat(&told(path.to_str().unwrap()));
    assert!(
        text.contains(&format!("Process {listened} is gone")),
        "{text}"
    );
}

/// Runs a Python program in a user and pid namespace of its own, which ends with it; `None`, and
/// why, when this machine does not let us.
fn inside(script: &str, arguments: &[&Path]) -> Result<String, String> {
    if !there("python3") || !there("unshare") {
        return Err("it needs python3 and unshare (util-linux)".to_owned());
    }
    let namespaces = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
    ];
    let tried = Command::new("unshare")
        .args(namespaces)
        .arg("true")
        .output();
    if !tried.unwrap().status.success() {
        return Err("a user namespace cannot be made here".to_owned());
    }
    let output = Command::new("unshare")
        .args(namespaces)
        .args(["python3", "-c", script, env!("CARGO_BIN_EXE_ipc-mastery")])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if output.status.code() == Some(77) || output.stdout.is_empty() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("no such namespace can be made or used here: {why}"));
    }
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_pid_that_went_to_another_process_is_told() {
    let test = "a_pid_that_went_to_another_process_is_told";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    // The next pid can be chosen in a pid namespace of one's own.
    let script = "import os, socket, subprocess, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.bind(sys.argv[2])\n\
        pid = os.fork()\n\
        if pid == 0:\n\
        \x20   s.listen(5)\n\
        \x20   os._exit(0)\n\
        os.waitpid(pid, 0)\n\
        hold, end = os.pipe()\n\
        try:\n\
        \x20   with open('/proc/sys/kernel/ns_last_pid', 'w') as last: last.write(str(pid - 1))\n\
        except OSError: sys.exit(77)\n\
        again = os.fork()\n\
        if again == 0:\n\
        \x20   os.close(end)\n\
        \x20   os.read(hold, 1)\n\
        \x20   os._exit(0)\n\
        if again != pid: sys.exit(77)\n\
        done = subprocess.run([sys.argv[1], 'probe', 'creds', sys.argv[2], '--json'])\n\
        sys.exit(done.returncode)";
    let output = match inside(script, &[&path]) {
        Ok(output) => output,
        Err(why) => return skip(test, &why),
    };
    let seen: Value = serde_json::from_str(&output).expect("valid JSON");
    let socket = &seen["socket"];
    assert_eq!(socket["recorded_by"], "listen");
    let now = &socket["now"];
    if socket["record"]["pidfd"]["is"] == "unsupported" {
        assert_eq!(now["process"], "unproven");
        return;
    }
    assert_eq!(now["process"], "recycled", "{socket:#}");
    let pid = &socket["record"]["peercred"]["value"]["pid"];
    assert_eq!(&now["owner_of_pid"]["pid"], pid);
    assert_eq!(now["still_held"], false);
}

#[test]
fn in_a_user_namespace_the_maps_are_told_and_who_is_outside_has_no_pid() {
    let test = "in_a_user_namespace_the_maps_are_told_and_who_is_outside_has_no_pid";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let script = "import json, socket, subprocess, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.connect(sys.argv[2])\n\
        def probe(*what):\n\
        \x20   done = subprocess.run([sys.argv[1], 'probe', 'creds', *what, '--json'], \
                    capture_output=True)\n\
        \x20   return json.loads(done.stdout)\n\
        import os\n\
        print(json.dumps([probe(), probe('inode:%d' % os.fstat(s.fileno()).st_ino)]))";
    let output = match inside(script, &[&path]) {
        Ok(output) => output,
        Err(why) => return skip(test, &why),
    };
    let seen: Value = serde_json::from_str(&output).expect("valid JSON");
    let own = &seen[0];
    assert_eq!(own["viewer"]["in_user_namespace"], true);
    let uid = nix::unistd::geteuid().as_raw();
    assert_eq!(
        own["process"]["uid_map"]["value"],
        json!([{"inside": 0, "outside": uid, "count": 1}])
    );
    assert_eq!(own["process"]["user"]["value"]["real"]["id"], 0);
    let live = &own["live"];
    let first = moment(live, "connected");
    assert_eq!(first["peercred"]["value"]["pid"], live["client"]["pid"]);
    // The listener is ours, outside: it has no number in there.
    let socket = &seen[1]["socket"];
    assert_eq!(
        socket["record"]["peercred"]["value"]["pid"], 0,
        "{socket:#}"
    );
    assert_eq!(socket["now"]["process"], "outside-our-namespace");
    drop(listener);
}

#[test]
fn a_process_in_other_namespaces_is_told_with_its_pids_there() {
    let test = "a_process_in_other_namespaces_is_told_with_its_pids_there";
    if !there("python3") || !there("unshare") {
        return skip(test, "it needs python3 and unshare (util-linux)");
    }
    let namespaces = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
    ];
    let tried = Command::new("unshare")
        .args(namespaces)
        .arg("true")
        .output();
    if !tried.unwrap().status.success() {
        return skip(test, "a user namespace cannot be made here");
    }
    let mut command = Command::new("unshare");
    command.args(namespaces);
    let script = "import sys; print('ready', flush=True); sys.stdin.read()";
    let outer = Script::start(&mut command, script, &[]);
    let children = format!("/proc/{0}/task/{0}/children", outer.pid());
    let inner = fs::read_to_string(children).unwrap();
    let process = &seen(inner.trim())["process"];
    let pids: Vec<u64> = serde_json::from_value(process["ns_pids"].clone()).unwrap();
    assert_eq!(pids, [inner.trim().parse().unwrap(), 1]);
    for namespace in process["namespaces"].as_array().unwrap() {
        let other = matches!(namespace["kind"].as_str().unwrap(), "user" | "pid");
        assert_eq!(namespace["ours"], !other, "{namespace}");
    }
    let text = told(inner.trim());
    assert!(text.contains("others than ours"), "{text}");
    assert!(text.contains("0 inside is"), "{text}");
}

#[test]
fn somebody_elses_socket_is_read_only_with_permission_or_through_a_client_of_ours() {
    let test = "somebody_elses_socket_is_read_only_with_permission_or_through_a_client_of_ours";
    if !is_root() {
        return skip(test, "only root can become two users");
    }
    if !there("python3") || !there("setpriv") {
        return skip(test, "it needs python3 and setpriv (util-linux)");
    }
    let directory = Open::new();
    let path = directory.path("s");
    let listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let subject = path.to_str().unwrap();
    let output = directory.creds_as(65_534, &[subject, "--json"]);
    let socket = &parsed(&output)["socket"];
    assert_eq!(socket["record"], Value::Null, "{socket:#}");
    assert_eq!(socket["holders"]["known"], "not-visible");
    assert_eq!(socket["creator"]["id"], 0);
    let text = String::from_utf8(directory.creds_as(65_534, &[subject]).stdout).unwrap();
    assert!(
        text.contains("sudo ipc-mastery probe creds inode:"),
        "{text}"
    );

    let client = python_as(65_534, CLIENT, &[&path]);
    let socket = &parsed(&directory.creds_as(65_534, &[subject, "--json"]))["socket"];
    if socket["asked"].is_null() && socket["ptrace_scope"].as_u64() > Some(0) {
        return skip(
            test,
            "kernel.yama.ptrace_scope keeps processes from each other",
        );
    }
    assert_eq!(socket["asked"]["client"], true, "{socket:#}");
    assert_eq!(socket["asked"]["pid"], client.pid());
    let peercred = &socket["record"]["peercred"]["value"];
    assert_eq!(peercred["pid"], std::process::id());
    assert_eq!(peercred["user"]["id"], 0);
    assert_eq!(socket["now"]["process"], "alive");
    assert_eq!(socket["now"]["still_held"], Value::Null, "{socket:#}");
    drop(listener);
}

#[test]
fn what_may_not_be_read_of_a_process_is_told_apart_from_what_is_absent() {
    let test = "what_may_not_be_read_of_a_process_is_told_apart_from_what_is_absent";
    if !is_root() || !there("setpriv") {
        return skip(test, "it needs root and setpriv (util-linux)");
    }
    let us = std::process::id().to_string();
    let directory = Open::new();
    let process = &parsed(&directory.creds_as(65_534, &[&us, "--json"]))["process"];
    assert_eq!(process["user"]["value"]["effective"]["id"], 0);
    for namespace in process["namespaces"].as_array().unwrap() {
        assert_eq!(namespace["inode"]["is"], "refused", "{namespace}");
        assert_eq!(namespace["ours"], Value::Null);
    }
    assert_eq!(process["session_variable"]["is"], "refused");
    let text = String::from_utf8(directory.creds_as(65_534, &[&us]).stdout).unwrap();
    assert!(text.contains("? may not be read: EACCES"), "{text}");
}

#[test]
fn hostile_names_forge_nothing() {
    let test = "hostile_names_forge_nothing";
    if !there("python3") {
        return skip(test, "python3 is not installed");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory
        .path()
        .join("esc\x1b[2J\nProcess 1 (init)\u{202e}");
    // It names itself so, listens, and says so.
    let script = "import os, socket, sys\n\
        open('/proc/self/comm', 'wb').write(b')\\x1b[2J\\n0 S\\xff(')\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.bind(os.fsencode(sys.argv[1]))\n\
        s.listen(5)\n\
        print('ready', flush=True)\n\
        sys.stdin.read()";
    let server = python(script, &[&path]);
    let pid = server.pid().to_string();
    for columns in [60, 80, 132] {
        for subject in [pid.as_str(), path.to_str().unwrap()] {
            let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
                .args(["probe", "creds", subject])
                .env("COLUMNS", columns.to_string())
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            assert_harmless(&text);
            for line in text.lines() {
                assert!(line.width() <= columns, "{columns}: {line}");
            }
        }
    }
    let process = &seen(&pid)["process"];
    assert_eq!(process["comm"]["hex"], "291b5b324a0a302053ff28");
    assert!(process["start"]["ticks"].as_u64().unwrap() > 0);
    // As tables print it, it can be given back.
    let printed = seen(path.to_str().unwrap())["socket"]["name"]["name"]["text"].clone();
    let again = seen(printed.as_str().unwrap());
    assert_eq!(again["socket"]["asked"]["pid"], server.pid());
}

#[test]
fn no_line_of_our_own_picture_is_wider_than_the_terminal() {
    for columns in [60, 80, 132] {
        let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
            .args(["probe", "creds"])
            .env("COLUMNS", columns.to_string())
            .output()
            .unwrap();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            assert!(line.width() <= columns, "{columns}: {line}");
        }
    }
}

fn refused(subject: &str) -> String {
    let output = creds(&[subject]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_not_there_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let stale = directory.path().join("stale");
    drop(UnixListener::bind(&stale).unwrap());
    assert!(refused("4294967294").contains("there is no process 4294967294"));
    assert!(refused("99999999999").contains("no process id"));
    assert!(refused("@ipc-mastery-nobody-has-this").contains("there is no socket @ipc"));
    assert!(refused("inode:1").contains("there is no socket inode:1"));
    let text = refused(stale.to_str().unwrap());
    assert!(text.contains("its server is gone"), "{text}");
}

#[test]
fn of_several_sockets_with_one_name_each_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let mut listeners = Vec::new();
    for _ in 0..2 {
        listeners.push(UnixListener::bind(&path).unwrap());
        fs::remove_file(&path).unwrap();
    }
    let text = refused(path.to_str().unwrap());
    assert!(text.contains("2 sockets have the name"), "{text}");
    for listener in &listeners {
        assert!(text.contains(&inode(listener)), "{text}");
    }
    // The one that the file belongs to is meant, once there is one.
    let third = UnixListener::bind(&path).unwrap();
    let socket = &seen(path.to_str().unwrap())["socket"];
    assert_eq!(format!("inode:{}", socket["inode"]), inode(&third));
}

#[test]
fn a_server_in_another_network_namespace_is_said_to_be_there() {
    let test = "a_server_in_another_network_namespace_is_said_to_be_there";
    if !there("python3") || !there("unshare") {
        return skip(test, "it needs python3 and unshare (util-linux)");
    }
    let namespaces = ["--user", "--map-root-user", "--net"];
    let tried = Command::new("unshare")
        .args(namespaces)
        .arg("true")
        .output();
    if !tried.unwrap().status.success() {
        return skip(test, "a network namespace cannot be made here");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let script = "import socket, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.bind(sys.argv[1])\n\
        s.listen(5)\n\
        print('ready', flush=True)\n\
        sys.stdin.read()";
    let mut command = Command::new("unshare");
    command.args(namespaces);
    let server = Script::start(&mut command, script, &[&path]);
    let text = refused(path.to_str().unwrap());
    assert!(text.contains("is in another network namespace"), "{text}");
    if is_root() {
        let target = format!("--target {} ", server.pid());
        assert!(text.contains(&target), "{text}");
    }
}

#[test]
fn a_process_that_hidepid_hides_is_there_and_nothing_of_it_is_called_absent() {
    let test = "a_process_that_hidepid_hides_is_there_and_nothing_of_it_is_called_absent";
    if !is_root() || !there("setpriv") || !there("unshare") {
        return skip(test, "it needs root, setpriv and unshare (util-linux)");
    }
    let directory = Open::new();
    let script = "mount -t proc -o hidepid=invisible proc /proc || exit 77\n\
        exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$1\" probe creds \"$2\" --json";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(directory.path("ipc-mastery"))
        .arg(std::process::id().to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if output.status.code() == Some(77) {
        return skip(test, "/proc cannot be mounted with hidepid here");
    }
    let process = &parsed(&output)["process"];
    for field in [
        "user",
        "capabilities",
        "dumpable",
        "login_uid",
        "cgroup",
        "label",
        "uid_map",
    ] {
        let refused = json!({"is": "refused", "value": "EACCES"});
        assert_eq!(process[field], refused, "{field}: {process:#}");
    }
    for namespace in process["namespaces"].as_array().unwrap() {
        assert_eq!(namespace["inode"]["is"], "refused", "{namespace}");
    }
}
