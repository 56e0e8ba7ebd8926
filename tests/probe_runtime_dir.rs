//! `probe runtime-dir` as a person runs it: real directories, a tmpfs mounted for the test, modes
//! that let others in, and the same seen as root and as an ordinary user.

mod probing;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use probing::{run, skip};
use serde_json::Value;

fn program(runtime_dir: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    command
        .args(["probe", "runtime-dir"])
        .stdin(Stdio::null())
        .env("COLUMNS", "80")
        .env("NO_COLOR", "1")
        .env("XDG_RUNTIME_DIR", runtime_dir);
    for name in ["SUDO_UID", "TMUX", "container", "INVOCATION_ID"] {
        command.env_remove(name);
    }
    command
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&run(command.arg("--json")).stdout).expect("valid JSON")
}

/// What is printed, as one line.
fn words(command: &mut Command) -> String {
    let text = String::from_utf8(run(command).stdout).expect("UTF-8");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn findings(of: &Value) -> Vec<&str> {
    let findings = of["findings"].as_array().expect("a list");
    findings
        .iter()
        .map(|finding| finding["id"].as_str().expect("an id"))
        .collect()
}

fn entry<'a>(seen: &'a Value, path: &str) -> &'a Value {
    let mut entries = seen["entries"].as_array().expect("a list").iter();
    entries
        .find(|entry| entry["path"]["text"] == path)
        .unwrap_or_else(|| panic!("{path} is not in {seen:#}"))
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A directory that everybody can get to.
fn open_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    set_mode(directory.path(), 0o755);
    directory
}

#[test]
fn a_socket_is_dangerous_only_where_every_directory_lets_others_in() {
    let outer = open_directory();
    let inner = outer.path().join("run");
    fs::create_dir_all(inner.join("deep")).unwrap();
    let shallow = UnixListener::bind(inner.join("s")).unwrap();
    let deep = UnixListener::bind(inner.join("deep/s")).unwrap();
    for path in ["s", "deep/s"] {
        set_mode(&inner.join(path), 0o777);
    }
    set_mode(&inner, 0o755);
    set_mode(&inner.join("deep"), 0o700);
    let path = inner.to_str().unwrap();
    let seen = json(&mut program(path));
    assert_eq!(findings(entry(&seen, "s")), ["everybody-connects"]);
    assert!(findings(entry(&seen, "deep/s")).is_empty());
    assert!(findings(&seen["directory"]).contains(&"wrong-mode"));
    let text = words(&mut program(path));
    assert!(
        text.contains("s: everybody on this machine can connect"),
        "{text}"
    );
    assert!(text.contains("chmod 0700 \"$XDG_RUNTIME_DIR\""), "{text}");

    // The mode of a directory above is enough.
    set_mode(outer.path(), 0o700);
    let seen = json(&mut program(path));
    assert!(findings(entry(&seen, "s")).is_empty());
    assert_eq!(seen["directory"]["reach"]["everybody"], false);
    drop((shallow, deep));
}

#[test]
fn files_that_others_write_and_links_that_lead_out_are_told() {
    let outer = open_directory();
    let path = |name: &str| outer.path().join(name);
    fs::write(path("open"), "").unwrap();
    set_mode(&path("open"), 0o666);
    fs::write(path("runs"), "").unwrap();
    set_mode(&path("runs"), 0o4755);
    fs::create_dir(path("shared")).unwrap();
    set_mode(&path("shared"), 0o777);
    fs::create_dir(path("sticky")).unwrap();
    set_mode(&path("sticky"), 0o1777);
    symlink("/etc/passwd", path("out")).unwrap();
    symlink("open", path("in")).unwrap();
    let seen = json(&mut program(outer.path().to_str().unwrap()));
    assert_eq!(findings(entry(&seen, "open")), ["everybody-writes"]);
    assert_eq!(findings(entry(&seen, "runs")), ["runs-as-another"]);
    assert_eq!(findings(entry(&seen, "shared")), ["everybody-exchanges"]);
    assert_eq!(findings(entry(&seen, "out")), ["leads-out"]);
    for quiet in ["sticky", "in"] {
        assert!(findings(entry(&seen, quiet)).is_empty(), "{quiet}");
    }
}

#[test]
fn each_entry_of_a_known_service_is_explained_in_a_sentence() {
    let directory = open_directory();
    let _bus = UnixListener::bind(directory.path().join("bus")).unwrap();
    let path = directory.path().to_str().unwrap();
    let seen = json(&mut program(path));
    let services = seen["services"].as_array().unwrap();
    assert_eq!(services.len(), 1);
    assert_eq!(services[0]["id"], entry(&seen, "bus")["service"]["id"]);
    let meaning = services[0]["meaning"].as_str().unwrap();
    let text = words(&mut program(path));
    assert!(text.contains(meaning), "{text}");
}

#[test]
fn a_variable_that_is_wrong_is_told_with_what_mends_it() {
    let directory = open_directory();
    set_mode(directory.path(), 0o700);
    let path = format!("{}/", directory.path().display());
    let seen = json(&mut program(&path));
    assert!(findings(&seen["directory"]).contains(&"trailing-slash"));
    let text = words(&mut program(&path));
    assert!(text.contains("${XDG_RUNTIME_DIR%/}"), "{text}");

    let seen = json(&mut program("relative"));
    let found = findings(&seen["directory"]);
    assert!(
        found.contains(&"relative") && found.contains(&"missing"),
        "{found:?}"
    );

    let ours = rustix::process::getuid().as_raw();
    let other = format!("/run/user/{}", ours + 1);
    let seen = json(&mut program(&other));
    assert!(findings(&seen["directory"]).contains(&"of-another-user"));

    // Empty is the same as not set.
    let seen = json(&mut program(""));
    assert!(findings(&seen["directory"]).contains(&"unset"));
    let long = directory.path().join("x".repeat(80));
    fs::create_dir(&long).unwrap();
    let seen = json(&mut program(long.to_str().unwrap()));
    assert!(findings(&seen["directory"]).contains(&"long-path"));
}

#[test]
fn a_directory_that_a_link_leads_to_is_told_by_its_real_path() {
    let directory = open_directory();
    let real = directory.path().join("real");
    fs::create_dir(&real).unwrap();
    let link = directory.path().join("link");
    symlink("real", &link).unwrap();
    let seen = json(&mut program(link.to_str().unwrap()));
    assert_eq!(
        seen["directory"]["real_path"]["text"],
        real.to_str().unwrap()
    );
    let seen = json(&mut program(real.to_str().unwrap()));
    assert!(seen["directory"]["real_path"].is_null());
}

#[test]
fn under_sudo_and_in_tmux_the_remedy_is_another_one() {
    let ours = rustix::process::getuid().as_raw();
    let caller = (ours + 1).to_string();
    let text = words(program("").env("SUDO_UID", &caller));
    assert!(text.contains("through sudo"), "{text}");
    assert!(text.contains(&format!("sudo --user='#{caller}'")), "{text}");
    let text = words(program("").env("TMUX", "/tmp/tmux-1/default,1,0"));
    assert!(text.contains("probe env"), "{text}");
}

/// Runs a script in a mount namespace of its own, as root of a user namespace where we are not
/// root. `None`, and a word why, where that is not possible.
fn in_mount_namespace(test: &str, script: &str, directory: &Path) -> Option<Vec<u8>> {
    if which::which("unshare").is_err() {
        skip(test, "unshare (util-linux) is not installed");
        return None;
    }
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let output = command
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(directory)
        .arg(env!("CARGO_BIN_EXE_ipc-mastery"))
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    if output.status.code() == Some(77) || output.stdout.is_empty() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        skip(test, &format!("no tmpfs can be mounted here: {why}"));
        return None;
    }
    Some(output.stdout)
}

#[test]
fn how_full_a_tmpfs_is_and_who_made_it_are_told() {
    let test = "how_full_a_tmpfs_is_and_who_made_it_are_told";
    let directory = open_directory();
    let script = "cd \"$1\" && mkdir -p m \
        && mount -t tmpfs -o size=64k,nr_inodes=20,mode=700,nosuid tmpfs m || exit 77
        head -c 61000 /dev/zero > m/big
        XDG_RUNTIME_DIR=$1/m exec \"$2\" probe runtime-dir --json";
    let Some(output) = in_mount_namespace(test, script, directory.path()) else {
        return;
    };
    let seen: Value = serde_json::from_slice(&output).expect("valid JSON");
    let place = &seen["directory"];
    assert_eq!(place["own_mount"], true);
    assert_eq!(place["usage"]["bytes_limit"], 65536);
    // Whole pages are counted.
    assert_eq!(place["usage"]["bytes_used"], 61440);
    assert_eq!(place["usage"]["inodes_limit"], 20);
    assert_eq!(place["usage"]["inodes_used"], 2);
    assert_eq!(findings(place), ["nearly-full"]);
    assert_eq!(place["lifetime"]["made_by"], "other-mount");
    assert_eq!(place["lifetime"]["ends"], "unmount");
    assert_eq!(place["remedies"][0]["id"], "find-what-fills-it");
}

#[test]
fn a_read_only_mount_and_a_part_of_another_file_system_are_told() {
    let test = "a_read_only_mount_and_a_part_of_another_file_system_are_told";
    let directory = open_directory();
    let script = "cd \"$1\" && mkdir -p m n && mount -t tmpfs -o mode=700 tmpfs m \
        && mkdir -m 700 m/part && mount --bind m/part n && mount -o remount,bind,ro n || exit 77
        XDG_RUNTIME_DIR=$1/n exec \"$2\" probe runtime-dir --json";
    let Some(output) = in_mount_namespace(test, script, directory.path()) else {
        return;
    };
    let seen: Value = serde_json::from_slice(&output).expect("valid JSON");
    assert_eq!(findings(&seen["directory"]), ["read-only"]);
    assert_eq!(seen["directory"]["lifetime"]["made_by"], "bind-mount");
    assert_eq!(seen["directory"]["lifetime"]["ends"], "outside");
}

#[test]
fn directories_of_other_users_are_told_as_far_as_they_show() {
    let test = "directories_of_other_users_are_told_as_far_as_they_show";
    if !rustix::process::geteuid().is_root() || which::which("setpriv").is_err() {
        return skip(test, "only root can make them, and setpriv is needed");
    }
    if !Path::new("/run/user").is_dir() {
        return skip(test, "there is no /run/user");
    }
    let directory = open_directory();
    let copy = directory.path().join("ipc-mastery");
    fs::copy(env!("CARGO_BIN_EXE_ipc-mastery"), &copy).unwrap();
    let script = "mount -t tmpfs -o mode=755 tmpfs /run/user || exit 77
        for uid in 4001 4002; do mkdir -m 700 /run/user/$uid; touch /run/user/$uid/a; done
        chmod 755 /run/user/4002; chown 4001 /run/user/4001; chown 4002 /run/user/4002
        exec setpriv --reuid 65534 --regid 65534 --clear-groups \
            env --unset=XDG_RUNTIME_DIR \"$1/ipc-mastery\" probe runtime-dir --json";
    let Some(output) = in_mount_namespace(test, script, directory.path()) else {
        return;
    };
    let seen: Value = serde_json::from_slice(&output).expect("valid JSON");
    let others = seen["directory"]["others"].as_array().unwrap();
    assert_eq!(others.len(), 2, "{others:?}");
    assert_eq!(others[0]["owner"]["uid"], 4001);
    assert_eq!(others[0]["mode"], 0o700);
    assert_eq!(others[0]["errno"], "EACCES");
    assert!(others[0]["entries"].is_null());
    assert_eq!(others[1]["entries"], 1);
}

#[test]
fn a_file_of_another_user_is_told() {
    let test = "a_file_of_another_user_is_told";
    if !rustix::process::geteuid().is_root() {
        return skip(test, "only root can give a file away");
    }
    let directory = open_directory();
    let file = directory.path().join("f");
    fs::write(&file, "").unwrap();
    std::os::unix::fs::chown(&file, Some(4001), Some(4001)).unwrap();
    let seen = json(&mut program(directory.path().to_str().unwrap()));
    assert_eq!(findings(entry(&seen, "f")), ["foreign-owner"]);
    assert_eq!(entry(&seen, "f")["findings"][0]["owner"]["uid"], 4001);
}
