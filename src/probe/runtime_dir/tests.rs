//! Tests on directories and sockets made here, asked of the running kernel.

use super::*;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::time::SystemTime;

fn services() -> Vec<Service> {
    crate::curriculum::Curriculum::load(&crate::curriculum::source::Source::Embedded)
        .unwrap()
        .catalogue
        .services
}

fn look(path: Option<&Path>) -> RuntimeDir {
    let surroundings = Surroundings {
        runtime_dir: path.map(|path| path.as_os_str().to_owned()),
        home: None,
        uid: rustix::process::getuid().as_raw(),
        now: SystemTime::now(),
    };
    collect(&services(), &surroundings)
}

fn entry<'a>(seen: &'a RuntimeDir, path: &str) -> &'a Entry {
    seen.entries
        .iter()
        .find(|entry| entry.path == Untrusted::from(path))
        .unwrap_or_else(|| panic!("{path} is not in {:?}", seen.entries))
}

fn private_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

/// Findings but for those that tell of the file system that the tests happen to run on.
fn findings(seen: &RuntimeDir) -> Vec<Finding> {
    let of_the_place = |finding: &&Finding| {
        !matches!(
            finding,
            Finding::OnDisk { .. } | Finding::Remote { .. } | Finding::NearlyFull
        )
    };
    let findings = seen.directory.findings.iter();
    findings.filter(of_the_place).cloned().collect()
}

#[test]
fn listening_bound_and_stale_sockets_are_told_apart() {
    let directory = private_directory();
    let path = |name: &str| directory.path().join(name);
    let listener = UnixListener::bind(path("bus")).unwrap();
    let _datagram = UnixDatagram::bind(path("notify")).unwrap();
    drop(UnixListener::bind(path("dead.sock")).unwrap());
    let _client = UnixStream::connect(path("bus")).unwrap();
    let _accepted = listener.accept().unwrap();
    let _second = UnixStream::connect(path("bus")).unwrap();

    let seen = look(Some(directory.path()));
    let bus = entry(&seen, "bus");
    assert_eq!(bus.state, State::Listening);
    assert_eq!(bus.service.as_ref().unwrap().id, "dbus-session");
    let socket = bus.socket.as_ref().unwrap();
    assert_eq!(socket.clients, Some(1));
    assert_eq!(socket.queue.unwrap().pending, 1);
    let holders = &bus.holders.as_ref().unwrap().processes;
    assert!(
        holders
            .iter()
            .any(|holder| holder.pid == std::process::id())
    );
    assert_eq!(entry(&seen, "notify").state, State::Bound);
    assert_eq!(entry(&seen, "dead.sock").state, State::Stale);
    assert!(findings(&seen).is_empty(), "{:?}", seen.directory);
}

#[test]
fn a_listener_whose_file_was_removed_or_replaced_is_lost() {
    let directory = private_directory();
    let path = |name: &str| directory.path().join(name);
    let _removed = UnixListener::bind(path("removed")).unwrap();
    fs::remove_file(path("removed")).unwrap();
    let _old = UnixListener::bind(path("name")).unwrap();
    fs::remove_file(path("name")).unwrap();
    let _new = UnixListener::bind(path("name")).unwrap();

    let seen = look(Some(directory.path()));
    let mut lost: Vec<_> = seen
        .lost
        .iter()
        .map(|lost| (lost.name.text().to_string(), lost.why))
        .collect();
    lost.sort_by_key(|(name, _)| name.clone());
    let expected = |name: &str| path(name).to_str().unwrap().to_owned();
    assert_eq!(
        lost,
        [
            (expected("name"), Why::Replaced),
            (expected("removed"), Why::Removed)
        ]
    );
    assert_eq!(entry(&seen, "name").state, State::Listening);
}

#[test]
fn a_name_bound_relative_to_another_directory_is_joined_by_inode() {
    let directory = private_directory();
    fs::create_dir(directory.path().join("deep")).unwrap();
    let link = directory.path().join("short");
    symlink("deep", &link).unwrap();
    let _listener = UnixListener::bind(link.join("s")).unwrap();
    let seen = look(Some(directory.path()));
    let socket = entry(&seen, "deep/s");
    assert_eq!(socket.state, State::Listening);
    let bound_as = socket.socket.as_ref().unwrap().bound_as.as_ref().unwrap();
    assert_eq!(*bound_as, Untrusted::from(link.join("s").as_path()));
    assert!(seen.lost.is_empty());
}

#[test]
fn links_fifos_and_locks_are_shown_for_what_they_are() {
    let directory = private_directory();
    let path = |name: &str| directory.path().join(name);
    let _listener = UnixListener::bind(path("bus")).unwrap();
    symlink("bus", path("link")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    symlink("loop", path("loop")).unwrap();
    nix::unistd::mkfifo(&path("wob.sock"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _lock = fs::File::create(path("wayland-1.lock")).unwrap();
    let seen = look(Some(directory.path()));
    assert_eq!(
        entry(&seen, "link").service.as_ref().unwrap().id,
        "dbus-session"
    );
    assert_eq!(entry(&seen, "dangling").state, State::Dangling);
    assert_eq!(entry(&seen, "loop").state, State::Dangling);
    assert_eq!(entry(&seen, "wob.sock").kind, Kind::Fifo);
    let lock = entry(&seen, "wayland-1.lock");
    assert_eq!(lock.service.as_ref().unwrap().id, "wayland");
    let holder = &lock.holders.as_ref().unwrap().processes[0];
    assert_eq!(holder.pid, std::process::id());
}

#[test]
fn what_is_wrong_with_the_directory_is_said_and_no_error() {
    let directory = private_directory();
    let missing = look(Some(&directory.path().join("missing")));
    assert_eq!(missing.directory.findings, [Finding::Missing]);
    assert!(missing.entries.is_empty());
    fs::write(directory.path().join("file"), "").unwrap();
    let file = look(Some(&directory.path().join("file")));
    assert_eq!(file.directory.findings, [Finding::NotADirectory]);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let open = look(Some(directory.path()));
    assert_eq!(findings(&open), [Finding::WrongMode { mode: 0o755 }]);
    assert!(look(None).directory.findings.contains(&Finding::Unset));
    let relative = look(Some(Path::new("relative/path")));
    assert!(relative.directory.findings.contains(&Finding::Relative));
}

#[test]
fn a_hostile_name_is_joined_and_kept() {
    let directory = private_directory();
    let name = std::ffi::OsStr::from_bytes(b"a\x1b[2J\n\xff\xe2\x80\xae");
    let _listener = UnixListener::bind(directory.path().join(name)).unwrap();
    let seen = look(Some(directory.path()));
    assert_eq!(seen.entries.len(), 1);
    assert_eq!(seen.entries[0].path, Untrusted::from(name));
    assert_eq!(seen.entries[0].state, State::Listening);
}
