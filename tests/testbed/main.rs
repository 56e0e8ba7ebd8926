//! The probes against real daemons: the test bed says what it started, and the probes must find
//! each endpoint with its service, state and owner, as the session's user and as root.
//!
//! The bed is not part of this repository. It is looked for in `../shared/testbed/testbed`, or
//! where `IPC_TESTBED` says; without it, and without what it needs, the tests say so and pass.

mod agreement;

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What the bed calls a service, and what the catalogue calls it. `None`: the address was made up
/// by the bed and nothing gives a service away.
fn catalogue_id(endpoint: &Value) -> Option<String> {
    let id = text(endpoint, "id");
    let service = text(endpoint, "service");
    match (id, service) {
        // The address says nothing; the program is a bus, and not the session's.
        ("activated-running", _) => Some("dbus".into()),
        // Nobody can know what would be started.
        ("activated-waiting" | "activated-accept", _) => None,
        (_, "socat" | "perl" | "fifo" | "flock" | "pidfile" | "file" | "dir" | "symlink") => None,
        (_, service) => Some(service.into()),
    }
}

/// Whose bed it is when the tests run as root: somebody without any rights.
const NOBODY: u32 = 65534;

struct Bed {
    program: PathBuf,
    /// Runs the bed as this user; root's bed when `None`.
    user: Option<u32>,
    was_up: bool,
}

impl Bed {
    fn up(program: &Path, arguments: &[&str], user: Option<u32>) -> Result<Self, String> {
        let mut bed = Self {
            program: program.to_owned(),
            user,
            was_up: false,
        };
        bed.was_up = bed.call(&["status"]).status.success();
        if !bed.was_up {
            let output = bed.call(arguments);
            if !output.status.success() {
                bed.call(&["down"]);
                return Err(format!(
                    "the bed does not come up here: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                ));
            }
        }
        Ok(bed)
    }

    fn call(&self, arguments: &[&str]) -> Output {
        as_user(&self.program, self.user)
            .args(arguments)
            .current_dir("/tmp")
            .env_remove("XDG_RUNTIME_DIR")
            .output()
            .expect("the bed's program runs")
    }

    fn status(&self) -> Value {
        let output = self.call(&["status"]);
        serde_json::from_slice(&output.stdout).expect("the bed's status is JSON")
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if !self.was_up {
            self.call(&["down"]);
        }
    }
}

fn skip(test: &str, why: &str) {
    // Not through a macro: the harness hides what a passing test prints.
    let mut out = std::io::stderr();
    writeln!(out, "\nskipped: {test}: {why}").expect("standard error is open");
}

fn bed_program(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testbed/testbed");
    let program = std::env::var_os("IPC_TESTBED").map_or(default, PathBuf::from);
    if !program.is_file() {
        skip(test, &format!("no test bed at {}", program.display()));
        return None;
    }
    if let Some(missing) = ["perl", "bash", "setpriv"]
        .into_iter()
        .find(|tool| which::which(tool).is_err())
    {
        skip(test, &format!("the test bed needs {missing}"));
        return None;
    }
    Some(program)
}

/// One bed at a time on a machine: their daemons share addresses. The bed's own program serves as
/// the lock, which every user can take and which leaves nothing behind.
fn only_one(program: &Path) -> File {
    let file = File::open(program).expect("the bed's program can be read");
    file.lock().expect("the lock can be taken");
    file
}

/// A copy of the program where every user may run it.
fn program_for_all() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("ipc-mastery");
    fs::copy(env!("CARGO_BIN_EXE_ipc-mastery"), &program).unwrap();
    (directory, program)
}

/// A program run as a user; as ourselves when `None`.
fn as_user(program: &Path, user: Option<u32>) -> Command {
    let Some(uid) = user else {
        return Command::new(program);
    };
    let id = uid.to_string();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
        .arg(program);
    command
}

/// What a probe prints, run as a user with this runtime directory; as ourselves when `None`.
fn probe(program: &Path, name: &str, runtime_dir: &str, user: Option<u32>) -> Value {
    let output = as_user(program, user)
        .args(["probe", name, "--json"])
        .env("XDG_RUNTIME_DIR", runtime_dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The bytes of a printed name.
fn bytes(name: &Value) -> Vec<u8> {
    match name["hex"].as_str() {
        Some(hex) => unhex(hex),
        None => text(name, "text").as_bytes().to_vec(),
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Whose eyes are looked through.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Eyes {
    Root,
    User,
}

struct Comparison<'a> {
    eyes: Eyes,
    status: &'a Value,
    faults: Vec<String>,
}

impl Comparison<'_> {
    fn expect(&mut self, id: &str, what: &str, wanted: &str, found: &str) {
        if wanted != found {
            let eyes = self.eyes;
            self.faults.push(format!(
                "{eyes:?}: {id}: {what} should be {wanted}, is {found}"
            ));
        }
    }

    fn readable(&self, endpoint: &Value) -> bool {
        self.eyes == Eyes::Root || endpoint["fds_readable_by_user"] == true
    }

    /// The holder must be the bed's process, or unknown where it cannot be seen.
    fn holder(&mut self, endpoint: &Value, holders: &Value) {
        let id = text(endpoint, "id");
        let Some(pid) = endpoint["pid"].as_u64() else {
            return;
        };
        if !self.readable(endpoint) {
            return self.expect(id, "holder", "not-visible", text(holders, "known"));
        }
        if !pids(holders).contains(&pid) {
            let eyes = self.eyes;
            self.faults
                .push(format!("{eyes:?}: {id}: held by {pid}, found {holders}"));
        }
    }

    fn runtime_dir(&mut self, seen: &Value) {
        let root = text(&self.status["bed"], "runtime_dir").as_bytes().to_vec();
        let entries: HashMap<Vec<u8>, &Value> = seen["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (bytes(&entry["path"]), entry))
            .collect();
        let lost = seen["lost"].as_array().unwrap();
        let mut compared = 0;
        for endpoint in self.status["endpoints"].as_array().unwrap() {
            let id = text(endpoint, "id");
            let address = unhex(text(&endpoint["address"], "hex"));
            let relative = address
                .strip_prefix(root.as_slice())
                .and_then(|rest| rest.strip_prefix(b"/"));
            let (Some(relative), false) = (relative, endpoint["runtime_relative"].is_null()) else {
                continue;
            };
            compared += 1;
            if let Some(why) = match text(endpoint, "state") {
                "orphan" => Some("removed"),
                "shadowed" => Some("replaced"),
                "foreign-mntns" => Some("other-mount"),
                _ => None,
            } {
                let found = lost.iter().find(|lost| {
                    bytes(&lost["name"]["name"]) == address && text(lost, "why") == why
                });
                match found {
                    Some(found) => self.holder(endpoint, &found["holders"]),
                    None => self.faults.push(format!(
                        "{:?}: {id}: not among the lost as {why}",
                        self.eyes
                    )),
                }
                continue;
            }
            let Some(entry) = entries.get(relative) else {
                self.faults
                    .push(format!("{:?}: {id}: not listed", self.eyes));
                continue;
            };
            self.entry(endpoint, entry);
        }
        assert!(compared > 30, "only {compared} endpoints were compared");
    }

    fn entry(&mut self, endpoint: &Value, entry: &Value) {
        let id = text(endpoint, "id");
        let wanted = catalogue_id(endpoint);
        let found = entry["service"]["id"].as_str();
        // A FIFO is known by its name only.
        self.expect(
            id,
            "service",
            wanted.as_deref().unwrap_or("none"),
            found.unwrap_or("none"),
        );
        let kind = match text(endpoint, "type") {
            "stream" | "dgram" | "seqpacket" => "socket",
            "dir" => "directory",
            "lock" | "file" => "file",
            "fuse" => "mount",
            other => other,
        };
        self.expect(id, "kind", kind, text(entry, "kind"));
        if kind == "socket" {
            let state = match text(endpoint, "state") {
                "waiting" => "activation",
                "hung" => "queue-full",
                "foreign-netns" => "other-namespace",
                other => other,
            };
            self.expect(id, "state", state, text(entry, "state"));
            if state != "stale" {
                self.expect(
                    id,
                    "type",
                    text(endpoint, "type"),
                    text(&entry["socket"], "type"),
                );
                self.holder(endpoint, &entry["holders"]);
            }
        }
        if text(endpoint, "type") == "lock" && entry["holders"]["processes"] != Value::Array(vec![])
        {
            self.holder(endpoint, &entry["holders"]);
        }
        let mode = endpoint["file"]["mode"].as_str();
        if let (Some(mode), Some(found)) = (mode, entry["mode"].as_u64()) {
            self.expect(id, "mode", mode, &format!("{found:04o}"));
        }
    }

    /// Whether the names of sockets lead where the bed left them.
    fn names(&mut self, seen: &Value) {
        let rows = seen["sockets"].as_array().unwrap();
        let mut compared = 0;
        for endpoint in self.status["endpoints"].as_array().unwrap() {
            let wanted = match text(endpoint, "state") {
                "orphan" => "nothing",
                "shadowed" => "another-file",
                "listening" | "hung" | "waiting" => "its-file",
                _ => continue,
            };
            let name = unhex(text(&endpoint["address"], "hex"));
            let pid = endpoint["pid"].as_u64();
            let own = |row: &&Value| {
                bytes(&row["name"]["name"]) == name
                    && text(row, "condition") == "listening"
                    && pid.is_some_and(|pid| pids(&row["holders"]).contains(&pid))
            };
            if text(&endpoint["address"], "kind") != "path" || !self.readable(endpoint) {
                continue;
            }
            let Some(row) = rows.iter().find(own) else {
                continue;
            };
            compared += 1;
            self.expect(
                text(endpoint, "id"),
                "where its name leads",
                wanted,
                text(&row["leads"], "to"),
            );
        }
        assert!(compared > 10, "only {compared} names were compared");
    }

    /// Whoever may not read every process is told so, and an unknown holder is not called none.
    fn hidden(&mut self, seen: &Value) {
        let complete = seen["owners_complete"] == true;
        let denied = seen["denied"].as_u64().unwrap();
        let rows = seen["sockets"].as_array().unwrap();
        let without = |known: &str| {
            let rows = rows
                .iter()
                .filter(|row| text(&row["holders"], "known") == known);
            rows.count()
        };
        if !complete && without("none") + without("in-flight") > 0 {
            let eyes = self.eyes;
            self.faults.push(format!(
                "{eyes:?}: no holder is claimed, and not all were read"
            ));
        }
        if self.eyes == Eyes::User && (denied == 0 || without("not-visible") == 0) {
            self.faults
                .push("User: nothing is said to be hidden".to_owned());
        }
    }

    /// Sockets outside the runtime directory, and connections with both ends.
    fn sockets(&mut self, seen: &Value) {
        let rows = seen["sockets"].as_array().unwrap();
        for endpoint in self.status["endpoints"].as_array().unwrap() {
            let state = text(endpoint, "state");
            let kind = text(endpoint, "type");
            if !matches!(kind, "stream" | "dgram" | "seqpacket")
                || !matches!(state, "listening" | "bound" | "waiting" | "hung" | "hidden")
            {
                continue;
            }
            let id = text(endpoint, "id");
            let address = &endpoint["address"];
            let name = unhex(text(address, "hex"));
            // Some daemons bind beneath /var/run, some by a relative name.
            let old = [b"/var".as_slice(), &name].concat();
            let condition = if kind == "dgram" {
                "bound"
            } else {
                "listening"
            };
            let pid = endpoint["pid"].as_u64();
            let held = |row: &Value| pid.is_some_and(|pid| pids(&row["holders"]).contains(&pid));
            let fits = |row: &&Value| {
                let bound = bytes(&row["name"]["name"]);
                text(row, "condition") == condition
                    && text(&row["name"], "kind") == text(address, "kind")
                    && (bound == name || bound == old || (held(row) && name.ends_with(&bound)))
            };
            // Two sockets may carry one name: the bed's own is meant.
            let candidates: Vec<&Value> = rows.iter().filter(fits).collect();
            let own = candidates.iter().find(|row| held(row));
            let row = own.or(candidates.first()).copied();
            let Some(row) = row else {
                self.faults
                    .push(format!("{:?}: {id}: no such socket", self.eyes));
                continue;
            };
            self.holder(endpoint, &row["holders"]);
            let service = row["service"]["id"].as_str().unwrap_or("none");
            // Who stands in for a service is the most that is known of a waiting one.
            if state != "waiting" && !service.is_empty() {
                let wanted = catalogue_id(endpoint);
                self.expect(id, "service", wanted.as_deref().unwrap_or("none"), service);
            }
        }
        let holders = rows.iter().flat_map(|row| pids(&row["holders"]));
        let visible: BTreeSet<u64> = holders.collect();
        for link in self.status["links"].as_array().unwrap() {
            let (client, server) = (link["client_pid"].as_u64(), link["server_pid"].as_u64());
            let (Some(client), Some(server)) = (client, server) else {
                continue;
            };
            let there = rows.iter().any(|row| {
                pids(&row["holders"]).contains(&client)
                    && pids(&row["peer"]["holders"]).contains(&server)
            });
            let visible = visible.contains(&client) && visible.contains(&server);
            if !there && (self.eyes == Eyes::Root || visible) {
                let (eyes, id) = (self.eyes, text(link, "id"));
                self.faults.push(format!(
                    "{eyes:?}: {id}: no connection from {client} to {server}"
                ));
            }
        }
    }
}

fn pids(holders: &Value) -> Vec<u64> {
    let processes = holders["processes"].as_array();
    processes
        .into_iter()
        .flatten()
        .filter_map(|process| process["pid"].as_u64())
        .collect()
}

/// Compares what both probes see with what the bed says it started.
fn compare(bed: &Bed, program: &Path, eyes: Eyes, user: Option<u32>) {
    let status = bed.status();
    let directory = text(&status["bed"], "runtime_dir").to_owned();
    let mut comparison = Comparison {
        eyes,
        status: &status,
        faults: Vec::new(),
    };
    comparison.runtime_dir(&probe(program, "runtime-dir", &directory, user));
    let seen = probe(program, "sockets", &directory, user);
    comparison.sockets(&seen);
    comparison.names(&seen);
    comparison.hidden(&seen);
    let differences = agreement::differences(program, &directory, user);
    let told = |difference| format!("{eyes:?}: {difference}");
    comparison.faults.extend(differences.into_iter().map(told));
    assert!(
        comparison.faults.is_empty(),
        "{}",
        comparison.faults.join("\n")
    );
}

#[test]
fn every_endpoint_of_a_session_is_identified_and_ss_and_lsof_agree_as_its_user_and_as_root() {
    let test =
        "every_endpoint_of_a_session_is_identified_and_ss_and_lsof_agree_as_its_user_and_as_root";
    let Some(program) = bed_program(test) else {
        return;
    };
    if !nix::unistd::geteuid().is_root() {
        return skip(test, "a whole session needs root");
    }
    let _only = only_one(&program);
    let (_directory, our_program) = program_for_all();
    let bed = match Bed::up(&program, &["up", "--full"], None) {
        Ok(bed) => bed,
        Err(why) => return skip(test, &why),
    };
    let uid = bed.status()["bed"]["uid"].as_u64().unwrap();
    let uid = u32::try_from(uid).unwrap();
    compare(&bed, &our_program, Eyes::User, Some(uid));
    compare(&bed, &our_program, Eyes::Root, None);
}

#[test]
fn every_endpoint_of_a_session_in_a_temporary_folder_is_identified() {
    let test = "every_endpoint_of_a_session_in_a_temporary_folder_is_identified";
    let Some(program) = bed_program(test) else {
        return;
    };
    let user = nix::unistd::geteuid().is_root().then_some(NOBODY);
    let _only = only_one(&program);
    let (_directory, our_program) = program_for_all();
    let bed = match Bed::up(&program, &["up", "--here"], user) {
        Ok(bed) => bed,
        Err(why) => return skip(test, &why),
    };
    compare(&bed, &our_program, Eyes::User, user);
}
