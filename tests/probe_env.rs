//! `probe env` as a person runs it: the real binary in panes of real tmux servers on private
//! sockets, its printed commands typed into a shell, endpoints in every state, values that attack
//! terminals, secrets, other processes.

mod probing;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use probing::{run, skip};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_ipc-mastery");

/// The binary in an environment of nothing but the search path.
fn program() -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(["probe", "env"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("COLUMNS", "80")
        .stdin(Stdio::null());
    command
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&run(command.arg("--json")).stdout).expect("valid JSON")
}

fn human(command: &mut Command) -> String {
    String::from_utf8(run(command).stdout).expect("UTF-8, whatever the values hold")
}

fn private_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

fn variable<'a>(seen: &'a Value, name: &str) -> &'a Value {
    let variables = seen["variables"].as_array().unwrap();
    let found = variables.iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {seen:#}"))
}

fn state(seen: &Value, name: &str) -> String {
    variable(seen, name)["state"].as_str().unwrap().to_owned()
}

fn finding<'a>(seen: &'a Value, cause: &str) -> &'a Value {
    let findings = seen["findings"].as_array().unwrap();
    let found = findings.iter().find(|it| it["cause"] == cause);
    found.unwrap_or_else(|| panic!("no {cause} in {:#}", seen["findings"]))
}

/// Every command that is printed for a cause.
fn commands(seen: &Value, cause: &str) -> Vec<String> {
    let mends = finding(seen, cause)["mends"].as_array().unwrap();
    let lists = mends
        .iter()
        .map(|mend| mend["commands"].as_array().unwrap());
    lists
        .flatten()
        .map(|command| command.as_str().unwrap().to_owned())
        .collect()
}

/// A tmux server of our own that was started before the session was there, and the session.
struct Bed {
    directory: tempfile::TempDir,
    runtime: PathBuf,
    _wayland: UnixListener,
    _agent: UnixListener,
}

impl Bed {
    /// `None`, said, where there is no tmux.
    fn new(test: &str) -> Option<Self> {
        let tmux = Command::new("tmux").arg("-V").output();
        if !tmux.is_ok_and(|output| output.status.success()) {
            skip(test, "tmux is not installed");
            return None;
        }
        let directory = private_directory();
        let runtime = directory.path().join("runtime");
        fs::create_dir(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
        let bed = Self {
            _wayland: UnixListener::bind(runtime.join("wayland-7")).unwrap(),
            _agent: UnixListener::bind(runtime.join("agent")).unwrap(),
            directory,
            runtime,
        };
        bed.server("inner", &[]);
        bed.inner(&["set-hook", "-g", "client-attached", "wait-for -S attached"]);
        Some(bed)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// tmux for the server behind a socket of ours, in a small environment. Nothing waits for
    /// ever.
    fn tmux(&self, server: &str) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["60", "tmux", "-f", "/dev/null", "-S"])
            .arg(self.path(server))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("TERM", "xterm")
            .env("COLUMNS", "80")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    fn inner(&self, arguments: &[&str]) -> String {
        let output = run(self.tmux("inner").args(arguments));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a server with one session and a shell in it.
    fn server(&self, name: &str, variables: &[(&str, &OsStr)]) {
        let mut command = self.tmux(name);
        command.envs(variables.iter().copied());
        run(command.args([
            "new-session",
            "-d",
            "-s",
            "drift",
            "-x",
            "200",
            "-y",
            "50",
            "sh",
        ]));
    }

    /// Attaches a client that has these variables to the inner server: it runs in a pane of an
    /// outer one.
    fn attach(&self, outer: &str, variables: &[(&str, &OsStr)]) {
        self.server(outer, variables);
        let inner = self.path("inner");
        let client = format!("exec env -u TMUX tmux -S '{}' attach", inner.display());
        run(self.tmux(outer).args(["send-keys", &client, "Enter"]));
        self.inner(&["wait-for", "attached"]);
    }

    /// Attaches a client of the good session.
    fn attach_good(&self, outer: &str) {
        let agent = self.runtime.join("agent");
        self.attach(
            outer,
            &[
                ("XDG_RUNTIME_DIR", self.runtime.as_os_str()),
                ("WAYLAND_DISPLAY", OsStr::new("wayland-7")),
                ("SSH_AUTH_SOCK", agent.as_os_str()),
            ],
        );
    }

    /// Types lines into a pane's shell and waits until it has done them.
    fn type_into(&self, pane: &str, lines: &[String]) {
        let done = format!(
            "tmux -S '{}' wait-for -S typed",
            self.path("inner").display()
        );
        for line in lines.iter().chain([&done]) {
            self.inner(&["send-keys", "-t", pane, "-l", "--", line]);
            self.inner(&["send-keys", "-t", pane, "Enter"]);
        }
        self.inner(&["wait-for", "typed"]);
    }

    /// What the probe says when it is run in a pane.
    fn probe_in(&self, pane: &str) -> Value {
        let out = self.path("seen.json");
        let command = format!("{BINARY} probe env --json > '{}'", out.display());
        self.type_into(pane, &[command]);
        let text = fs::read(&out).unwrap();
        serde_json::from_slice(&text).expect("valid JSON")
    }

    /// The same in a window that is new.
    fn probe_in_new_window(&self) -> Value {
        let pane = self.inner(&["new-window", "-P", "-F", "#{pane_id}", "-t", "drift:", "sh"]);
        self.probe_in(pane.trim())
    }

    fn assert_whole(&self, seen: &Value) {
        assert_eq!(state(seen, "XDG_RUNTIME_DIR"), "present", "{seen:#}");
        assert_eq!(state(seen, "WAYLAND_DISPLAY"), "listening", "{seen:#}");
        let wayland = self.runtime.join("wayland-7");
        let address = &variable(seen, "WAYLAND_DISPLAY")["endpoints"][0]["address"];
        assert_eq!(address["name"]["text"], wayland.to_str().unwrap());
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.directory.path()).into_iter().flatten() {
            let Ok(name) = entry.map(|entry| entry.file_name()) else {
                continue;
            };
            if let Some(name @ ("inner" | "outer" | "outer2")) = name.to_str() {
                // A server that has ended already is none to end.
                drop(self.tmux(name).arg("kill-server").output());
            }
        }
    }
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap();
    list.iter().map(|it| it.as_str().unwrap()).collect()
}

#[test]
fn the_founding_bug_is_named_and_the_printed_commands_mend_it() {
    let Some(bed) = Bed::new("the founding bug") else {
        return;
    };
    bed.attach_good("outer");
    let seen = bed.probe_in("drift:0");
    let found = finding(&seen, "tmux-not-listed");
    assert_eq!(
        texts(&found["variables"]),
        ["XDG_RUNTIME_DIR", "WAYLAND_DISPLAY"]
    );
    assert!(
        found["title"]
            .as_str()
            .unwrap()
            .contains("tmux does not pass on")
    );
    // A new window is no better yet, so that what follows proves something.
    let new = bed.probe_in_new_window();
    let names: Vec<&Value> = new["variables"].as_array().unwrap().iter().collect();
    assert!(
        names.iter().all(|it| it["name"] != "WAYLAND_DISPLAY"),
        "{new:#}"
    );

    let mends = commands(&seen, "tmux-not-listed");
    assert!(
        mends.contains(
            &"tmux set-option -ga update-environment ' XDG_RUNTIME_DIR WAYLAND_DISPLAY'".to_owned()
        ),
        "{mends:?}"
    );
    // Within the pane, as they are printed: those for tmux, and those for the running shell.
    bed.type_into("drift:0", &mends);
    let mended = bed.probe_in("drift:0");
    bed.assert_whole(&mended);
    let left = mended["findings"].as_array().unwrap();
    assert!(
        left.iter().all(
            |it| it["cause"] == "tmux-old-pane" && texts(&it["variables"]) == ["SSH_AUTH_SOCK"]
        ),
        "{left:#?}"
    );
    let new = bed.probe_in_new_window();
    bed.assert_whole(&new);
    assert_eq!(new["findings"], serde_json::json!([]), "{new:#}");

    // And it lasts: the next client that attaches brings its own values.
    let other = bed.path("other-runtime");
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o700)).unwrap();
    let _listener = UnixListener::bind(other.join("wayland-9")).unwrap();
    bed.attach(
        "outer2",
        &[
            ("XDG_RUNTIME_DIR", other.as_os_str()),
            ("WAYLAND_DISPLAY", OsStr::new("wayland-9")),
        ],
    );
    let new = bed.probe_in_new_window();
    let address = &variable(&new, "WAYLAND_DISPLAY")["endpoints"][0]["address"]["name"]["text"];
    assert_eq!(address, other.join("wayland-9").to_str().unwrap());
}

#[test]
fn the_layers_stand_side_by_side_inside_and_outside_of_tmux() {
    let Some(bed) = Bed::new("layers") else {
        return;
    };
    bed.attach_good("outer");
    let inside = bed.probe_in("drift:0");
    let socket = bed.path("inner");
    let mut command = program();
    let outside = json(command.env("XDG_RUNTIME_DIR", &bed.runtime));
    for (seen, after) in [(&inside, &["pane", "subject"][..]), (&outside, &["pane"])] {
        let servers = seen["tmux"].as_array().unwrap();
        let server = servers
            .iter()
            .find(|it| it["socket"]["text"] == socket.to_str().unwrap())
            .expect("our server is found");
        let session = &server["sessions"][0];
        assert_eq!(session["name"]["text"], "drift");
        let kinds = session["layers"].as_array().unwrap().iter();
        let kinds: Vec<&str> = kinds.map(|it| it["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds[..4], ["client", "server", "global", "session"]);
        // The shell's newest child is there for as long as it lives.
        let rest = kinds[4..].iter().filter(|kind| **kind != "newest");
        assert_eq!(rest.copied().collect::<Vec<_>>(), after);
        let rows = session["variables"].as_array().unwrap();
        let row = |name| rows.iter().find(|it| it["name"] == name).unwrap();
        let presences = |name| -> Vec<String> {
            let cells = row(name)["cells"].as_array().unwrap().iter();
            cells
                .map(|it| it["presence"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            presences("XDG_RUNTIME_DIR")[..5],
            ["set", "unset", "unset", "unset", "unset"]
        );
        assert_eq!(
            presences("SSH_AUTH_SOCK")[..5],
            ["set", "unset", "unset", "set", "unset"]
        );
        assert_eq!(row("XDG_RUNTIME_DIR")["copied"], false);
        assert_eq!(row("SSH_AUTH_SOCK")["copied"], true);
    }
    // From outside the commands say which server is meant.
    let all = outside["findings"].as_array().unwrap().iter();
    let ours: Vec<&str> = all
        .filter(|it| it["cause"] == "tmux-not-listed")
        .flat_map(|it| it["mends"].as_array().unwrap())
        .flat_map(|mend| texts(&mend["commands"]))
        .filter(|it| it.starts_with(&format!("tmux -S {} ", socket.display())))
        .collect();
    assert_eq!(ours.len(), 3, "a list and two values: {ours:?}");
    for command in ours {
        run(Command::new("sh").args(["-c", command]).env_remove("TMUX"));
    }
    bed.assert_whole(&bed.probe_in_new_window());
}

#[test]
fn a_variable_that_tmux_removed_is_put_back_by_the_printed_commands() {
    let Some(bed) = Bed::new("removed") else {
        return;
    };
    bed.inner(&[
        "set-option",
        "-ga",
        "update-environment",
        " XDG_RUNTIME_DIR WAYLAND_DISPLAY",
    ]);
    bed.attach_good("outer");
    bed.attach("outer2", &[]);
    let marks = bed.inner(&["show-environment", "-t", "drift"]);
    assert!(marks.contains("-XDG_RUNTIME_DIR"), "{marks}");
    let seen = bed.probe_in("drift:0");
    let found = finding(&seen, "tmux-removed");
    assert!(texts(&found["variables"]).contains(&"XDG_RUNTIME_DIR"));
    bed.type_into("drift:0", &commands(&seen, "tmux-removed"));
    bed.assert_whole(&bed.probe_in("drift:0"));
    bed.assert_whole(&bed.probe_in_new_window());
}

#[test]
fn a_pane_that_is_older_than_the_right_value_is_told_and_mended() {
    let Some(bed) = Bed::new("old pane") else {
        return;
    };
    bed.attach_good("outer");
    let seen = bed.probe_in("drift:0");
    assert_eq!(
        texts(&finding(&seen, "tmux-old-pane")["variables"]),
        ["SSH_AUTH_SOCK"]
    );
    let mends = commands(&seen, "tmux-old-pane");
    assert!(
        mends.iter().all(|it| it.starts_with("export ")),
        "{mends:?}"
    );
    bed.type_into("drift:0", &mends);
    assert_eq!(
        state(&bed.probe_in("drift:0"), "SSH_AUTH_SOCK"),
        "listening"
    );
    // A new window has it without any command.
    assert_eq!(
        state(&bed.probe_in_new_window(), "SSH_AUTH_SOCK"),
        "listening"
    );
}

#[test]
fn a_listed_variable_that_died_with_its_client_is_refreshed() {
    let Some(bed) = Bed::new("not refreshed") else {
        return;
    };
    bed.attach_good("outer");
    // As a client that attached before the agent was started again left it.
    let old = bed.path("old-agent");
    drop(UnixListener::bind(&old).unwrap());
    bed.inner(&[
        "set-environment",
        "-t",
        "drift",
        "SSH_AUTH_SOCK",
        old.to_str().unwrap(),
    ]);
    let pane = bed.inner(&["new-window", "-P", "-F", "#{pane_id}", "-t", "drift:", "sh"]);
    let seen = bed.probe_in(pane.trim());
    assert_eq!(state(&seen, "SSH_AUTH_SOCK"), "stale");
    bed.type_into(pane.trim(), &commands(&seen, "tmux-not-refreshed"));
    for seen in [bed.probe_in(pane.trim()), bed.probe_in_new_window()] {
        assert_eq!(state(&seen, "SSH_AUTH_SOCK"), "listening");
    }
}

#[test]
fn a_tmux_server_that_hangs_is_told_and_waited_for_no_longer() {
    let Some(bed) = Bed::new("hung server") else {
        return;
    };
    let socket = bed.path("hung");
    // It listens and never accepts.
    let _listener = UnixListener::bind(&socket).unwrap();
    let mut command = program();
    let seen = json(command.env("TMUX", format!("{},1,0", socket.display())));
    let problem = seen["tmux"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("does not answer"), "{problem}");
}

#[test]
fn without_tmux_everything_else_is_shown() {
    let directory = private_directory();
    let socket = directory.path().join("server");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mut command = program();
    command
        .env("PATH", directory.path())
        .env("TMUX", format!("{},1,0", socket.display()));
    let seen = json(&mut command);
    assert_eq!(state(&seen, "TMUX"), "listening");
    let problem = seen["tmux"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("not installed"), "{problem}");
}

#[test]
fn endpoints_are_told_by_what_is_there() {
    let directory = private_directory();
    let at = |name: &str| directory.path().join(name);
    let _living = UnixListener::bind(at("living")).unwrap();
    drop(UnixListener::bind(at("stale")).unwrap());
    fs::write(at("file"), "").unwrap();
    std::os::unix::fs::symlink("living", at("link")).unwrap();
    for (name, expected) in [
        ("living", "listening"),
        ("link", "listening"),
        ("stale", "stale"),
        ("file", "wrong-type"),
        ("nothing", "missing"),
        ("nowhere/nothing", "missing"),
    ] {
        let seen = json(program().env("SSH_AUTH_SOCK", at(name)));
        assert_eq!(state(&seen, "SSH_AUTH_SOCK"), expected, "{name}");
        if expected != "listening" {
            let found = finding(&seen, "dead");
            assert_eq!(texts(&found["variables"]), ["SSH_AUTH_SOCK"]);
        }
    }
    let seen = json(program().env("SSH_AUTH_SOCK", at("living")));
    let endpoint = &variable(&seen, "SSH_AUTH_SOCK")["endpoints"][0];
    assert_eq!(endpoint["yours"], true);
    let holder = &endpoint["holders"]["processes"][0];
    assert_eq!(holder["pid"], std::process::id(), "who listens is told");
}

#[test]
fn addresses_are_read_as_their_programs_read_them() {
    let directory = private_directory();
    let path = directory.path().join("a bus");
    let _bus = UnixListener::bind(&path).unwrap();
    let number = 100_000 + std::process::id();
    let x11 = format!("/tmp/.X11-unix/X{number}");
    let x11 = SocketAddr::from_abstract_name(x11).unwrap();
    let _display = UnixListener::bind_addr(&x11).unwrap();
    let escaped = path.display().to_string().replace(' ', "%20");
    let list = format!("unix:path=/nowhere;unix:path={escaped},guid=00");
    let mut command = program();
    command
        .env("XDG_RUNTIME_DIR", directory.path())
        .env("DBUS_SESSION_BUS_ADDRESS", list)
        .env("DISPLAY", format!(":{number}.0"))
        .env("DOCKER_HOST", format!("unix://{}", path.display()))
        .env("PULSE_SERVER", "tcp:example.org:4713")
        .env("EMACS_SOCKET_NAME", "a bus");
    let seen = json(&mut command);
    for (name, expected) in [
        ("XDG_RUNTIME_DIR", "present"),
        ("DBUS_SESSION_BUS_ADDRESS", "listening"),
        ("DISPLAY", "listening"),
        ("DOCKER_HOST", "listening"),
        ("PULSE_SERVER", "elsewhere"),
        ("EMACS_SOCKET_NAME", "missing"),
    ] {
        assert_eq!(state(&seen, name), expected, "{name}");
    }
    let bus = variable(&seen, "DBUS_SESSION_BUS_ADDRESS")["endpoints"]
        .as_array()
        .unwrap();
    assert_eq!(bus.len(), 2, "every address of the list is looked at");
    assert_eq!(bus[0]["state"], "missing");
}

#[test]
fn a_bare_name_without_a_runtime_directory_blames_the_directory() {
    let seen = json(program().env("WAYLAND_DISPLAY", "wayland-0"));
    assert_eq!(state(&seen, "WAYLAND_DISPLAY"), "no-base");
    let causes = seen["findings"].as_array().unwrap().iter();
    let causes: Vec<&str> = causes
        .map(|it| it["cause"].as_str().unwrap())
        // Servers of tmux that happen to run are none of this.
        .filter(|it| !it.starts_with("tmux-"))
        .collect();
    assert!(
        matches!(causes[..], ["runtime-unset" | "runtime-absent"]),
        "{causes:?}"
    );
}

#[test]
fn an_unset_variable_whose_usual_place_answers_is_told() {
    let directory = private_directory();
    let _bus = UnixListener::bind(directory.path().join("bus")).unwrap();
    let _wayland = UnixListener::bind(directory.path().join("wayland-0")).unwrap();
    let seen = json(program().env("XDG_RUNTIME_DIR", directory.path()));
    for name in ["DBUS_SESSION_BUS_ADDRESS", "WAYLAND_DISPLAY"] {
        let found = variable(&seen, name);
        assert_eq!(found["by_default"], true, "{name}");
        assert_eq!(found["state"], "listening", "{name}");
    }
}

#[test]
fn a_dead_endpoint_is_replaced_by_the_only_living_one_of_its_service() {
    let directory = private_directory();
    let living = directory.path().join("niri.wayland-1.77.sock");
    let _living = UnixListener::bind(&living).unwrap();
    let mut command = program();
    command.env("XDG_RUNTIME_DIR", directory.path()).env(
        "NIRI_SOCKET",
        directory.path().join("niri.wayland-1.42.sock"),
    );
    let seen = json(&mut command);
    let export = format!("export NIRI_SOCKET={}", living.display());
    assert_eq!(commands(&seen, "dead"), [export]);
}

#[test]
fn nothing_is_connected_to_unless_asked() {
    let directory = private_directory();
    let path = directory.path().join("agent");
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    let seen = json(program().env("SSH_AUTH_SOCK", &path));
    assert_eq!(
        variable(&seen, "SSH_AUTH_SOCK")["endpoints"][0]["connect"],
        Value::Null
    );
    assert!(listener.accept().is_err(), "nobody has connected");
    let seen = json(program().arg("--connect").env("SSH_AUTH_SOCK", &path));
    let endpoint = &variable(&seen, "SSH_AUTH_SOCK")["endpoints"][0];
    assert_eq!(endpoint["connect"], "connected");
    assert!(listener.accept().is_ok(), "somebody has");
    drop(listener);
    let seen = json(program().arg("--connect").env("SSH_AUTH_SOCK", &path));
    let endpoint = &variable(&seen, "SSH_AUTH_SOCK")["endpoints"][0];
    assert_eq!(endpoint["connect"], "ECONNREFUSED");
}

#[test]
fn secrets_are_never_shown() {
    let mut command = program();
    command
        .arg("--all")
        .env("GITHUB_TOKEN", "hunter2")
        .env("MY_password", "hunter2")
        .env("BACKUP_URL", "https://me:hunter2@example.org/x")
        .env("DOCKER_HOST", "ssh://me:hunter2@example.org")
        .env("MPD_HOST", "hunter2@example.org")
        .env("HARMLESS", "seen");
    let text = human(&mut command);
    assert!(text.contains("seen") && text.contains("(hidden)"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let text = json(&mut command).to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("example.org"), "the rest of a URL is shown");
    let without = json(program().env("HARMLESS", "seen"));
    assert_eq!(without["others"], Value::Null);
}

#[test]
fn hostile_values_forge_nothing() {
    let directory = private_directory();
    let hostile: &[&[u8]] = &[
        b"esc\x1b[2J\x1b]0;owned\x07",
        b"two\nSSH_AUTH_SOCK listening",
        b"raw\xff\xfe\xc3",
        b"c1\xc2\x9b31m",
        b"bidi\xe2\x80\xaegpj",
        b"back\\slash\"quote'$(x)`y`",
    ];
    for name in hostile {
        let path = directory.path().join(OsStr::from_bytes(name));
        let listener = UnixListener::bind(&path).unwrap();
        assert_hostile(&path, "listening");
        drop(listener);
        assert_hostile(&path, "stale");
    }
    let mut long = vec![b'/'];
    long.resize(100 * 1024, 0x1b);
    assert_hostile(Path::new(&OsString::from_vec(long)), "denied");
}

fn assert_hostile(path: &Path, expected: &str) {
    let set = |command: &mut Command| {
        command
            .arg("--all")
            .env("SSH_AUTH_SOCK", path)
            .env("OTHER", path)
            .env(path.file_name().unwrap_or_default(), "a name, too");
    };
    let mut command = program();
    set(&mut command);
    let text = human(&mut command);
    for character in text.chars() {
        assert!(
            character == '\n' || !character.is_control(),
            "{character:?} reached the output"
        );
        assert!(!matches!(character, '\u{202e}' | '\u{200b}'));
    }
    let rows = text
        .lines()
        .filter(|line| line.starts_with("SSH_AUTH_SOCK "))
        .count();
    assert_eq!(rows, 1, "{text}");
    let mut command = program();
    set(&mut command);
    assert_eq!(state(&json(&mut command), "SSH_AUTH_SOCK"), expected);
}

#[test]
fn a_printed_command_brings_a_hostile_name_back_whole() {
    let directory = private_directory();
    let name = b"niri.it's \x1b[31m$(x)\\.7.sock";
    let living = directory.path().join(OsStr::from_bytes(name));
    let _living = UnixListener::bind(&living).unwrap();
    let mut command = program();
    command
        .env("XDG_RUNTIME_DIR", directory.path())
        .env("NIRI_SOCKET", "/nowhere");
    let seen = json(&mut command);
    let commands = commands(&seen, "dead");
    let script = format!("{}; printf %s \"$NIRI_SOCKET\"", commands[0]);
    let output = run(Command::new("bash").args(["-c", &script]));
    assert_eq!(output.stdout, living.as_os_str().as_bytes());
}

#[test]
fn another_process_is_shown_as_it_was_started() {
    let directory = private_directory();
    let path = directory.path().join("agent");
    let _listener = UnixListener::bind(&path).unwrap();
    // The shell has said that it runs, so that execve(2) is over; what it exports is not seen.
    let mut child = Command::new("sh")
        .args(["-c", "export NIRI_SOCKET=/late; echo ready; read line"])
        .env("SSH_AUTH_SOCK", &path)
        .env_remove("NIRI_SOCKET")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let seen = json(program().arg(child.id().to_string()));
    assert_eq!(seen["subject"]["this_process"], false);
    assert_eq!(seen["subject"]["pid"], child.id());
    assert_eq!(state(&seen, "SSH_AUTH_SOCK"), "listening");
    let variables = seen["variables"].as_array().unwrap();
    assert!(variables.iter().all(|it| it["name"] != "NIRI_SOCKET"));
    drop(child.stdin.take());
    child.wait().unwrap();
    let output = program().arg(child.id().to_string()).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(2),
        "there is no such process any more"
    );
}

/// A shell that runs the probe through a program named sudo, which does what env_reset does.
fn through_sudo(directory: &Path) -> Command {
    let sudo = directory.join("sudo");
    fs::write(
        &sudo,
        "#!/bin/sh\nenv -i PATH=\"$PATH\" SUDO_UID=1 \"$@\"\nexit\n",
    )
    .unwrap();
    fs::set_permissions(&sudo, fs::Permissions::from_mode(0o755)).unwrap();
    let script = format!("'{}' '{BINARY}' probe env --json; exit", sudo.display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]);
    shell
}

#[test]
fn what_sudo_dropped_is_told_with_the_command_that_keeps_it() {
    let directory = private_directory();
    let _agent = UnixListener::bind(directory.path().join("agent")).unwrap();
    let mut shell = through_sudo(directory.path());
    shell
        .env_remove("XDG_RUNTIME_DIR")
        .env("SSH_AUTH_SOCK", directory.path().join("agent"));
    let seen: Value = serde_json::from_slice(&run(&mut shell).stdout).unwrap();
    let found = finding(&seen, "sudo-dropped");
    assert!(texts(&found["variables"]).contains(&"SSH_AUTH_SOCK"));
    let mends = commands(&seen, "sudo-dropped");
    assert!(mends[0].starts_with("sudo --preserve-env="), "{mends:?}");
    let borders = seen["borders"].as_array().unwrap();
    assert!(borders.iter().any(|it| it["id"] == "sudo"));
}

#[test]
fn what_the_user_manager_lacks_is_told_with_the_command_that_imports_it() {
    let directory = private_directory();
    fs::create_dir(directory.path().join("systemd")).unwrap();
    let _manager = UnixListener::bind(directory.path().join("systemd/private")).unwrap();
    let _wayland = UnixListener::bind(directory.path().join("wayland-3")).unwrap();
    let _agent = UnixListener::bind(directory.path().join("agent")).unwrap();
    let agent = directory.path().join("agent").display().to_string();
    let runtime = directory.path().display().to_string();
    // A program of this name that says what the real one would.
    let systemctl = directory.path().join("systemctl");
    let told = format!("XDG_RUNTIME_DIR={runtime}\nSSH_AUTH_SOCK={agent}\n");
    fs::write(&systemctl, format!("#!/bin/sh\ncat <<'END'\n{told}END\n")).unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = program();
    command
        .env("PATH", format!("{runtime}:{path}"))
        .env("XDG_RUNTIME_DIR", &runtime)
        .env("SSH_AUTH_SOCK", &agent)
        .env("WAYLAND_DISPLAY", "wayland-3");
    let seen = json(&mut command);
    let mends = commands(&seen, "manager-lacks");
    assert_eq!(
        mends,
        ["systemctl --user import-environment WAYLAND_DISPLAY"]
    );
}

#[test]
fn a_password_is_in_no_command() {
    let directory = private_directory();
    let path = directory.path().join("mpd");
    let _mpd = UnixListener::bind(&path).unwrap();
    let mut shell = through_sudo(directory.path());
    shell.env("MPD_HOST", format!("hunter2@{}", path.display()));
    let text = String::from_utf8(run(&mut shell).stdout).unwrap();
    assert!(text.contains("MPD_HOST"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn what_lies_between_is_told_by_the_variables_that_it_sets() {
    let mut command = program();
    command
        .env("SSH_CONNECTION", "192.0.2.1 4 192.0.2.2 22")
        .env("STY", "1.tty.host");
    let seen = json(&mut command);
    let borders = seen["borders"].as_array().unwrap();
    for (id, variable) in [("ssh", "SSH_CONNECTION"), ("screen", "STY")] {
        let found = borders.iter().find(|it| it["id"] == id).expect(id);
        assert_eq!(found["variable"], variable);
        assert!(found["meaning"].as_str().unwrap().len() > 100);
    }
}

#[test]
fn a_runtime_directory_of_somebody_else_is_no_good() {
    if !rustix::process::geteuid().is_root() {
        skip("somebody else's directory", "only root can give one away");
        return;
    }
    let directory = private_directory();
    std::os::unix::fs::chown(directory.path(), Some(54_321), None).unwrap();
    let seen = json(program().env("XDG_RUNTIME_DIR", directory.path()));
    assert_eq!(state(&seen, "XDG_RUNTIME_DIR"), "not-private");
    let found = finding(&seen, "runtime-not-ours");
    assert!(
        found["title"].as_str().unwrap().contains("54321"),
        "{found:#}"
    );
}

#[test]
fn what_an_ordinary_user_may_not_reach_is_told_apart() {
    if !rustix::process::geteuid().is_root() {
        skip("as an ordinary user", "only root can become another one");
        return;
    }
    let directory = private_directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let binary = directory.path().join("ipc-mastery");
    fs::copy(BINARY, &binary).unwrap();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let hidden = closed.join("agent");
    let _hidden = UnixListener::bind(&hidden).unwrap();
    let shown = directory.path().join("agent");
    let _shown = UnixListener::bind(&shown).unwrap();
    fs::set_permissions(&shown, fs::Permissions::from_mode(0o600)).unwrap();
    for (path, expected, at) in [
        (&hidden, "denied", &closed),
        (&shown, "not-writable", &shown),
    ] {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&binary)
            .args(["probe", "env"])
            .env("SSH_AUTH_SOCK", path)
            .env_remove("TMUX")
            .stdin(Stdio::null());
        let seen = json(&mut command);
        assert_eq!(state(&seen, "SSH_AUTH_SOCK"), expected);
        let endpoint = &variable(&seen, "SSH_AUTH_SOCK")["endpoints"][0];
        assert_eq!(endpoint["at"]["text"], at.to_str().unwrap());
        // As root, looking at that user's process by its ids.
        let mut child = Command::new("setpriv");
        child
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .args(["sh", "-c", "echo ready; read line"])
            .env("SSH_AUTH_SOCK", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let seen = json(program().arg(child.id().to_string()));
        assert_eq!(state(&seen, "SSH_AUTH_SOCK"), expected, "seen from outside");
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
