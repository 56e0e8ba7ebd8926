//! `probe fds` as a person runs it: the real binary against this test's own process and its
//! children, which hold every kind of descriptor that can be made here.

mod probing;

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use probing::{run, skip};
use rustix::fs::{MemfdFlags, SealFlags};
use serde_json::{Value, json};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    command.stdin(Stdio::null()).env("COLUMNS", "80");
    command
}

/// What the probe says of a process.
fn seen(pid: u32) -> Value {
    let output = run(program().args(["probe", "fds", &pid.to_string(), "--json"]));
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

fn drawn(pid: u32) -> String {
    let output = run(program().args(["probe", "fds", &pid.to_string()]));
    String::from_utf8(output.stdout).expect("UTF-8, whatever the names hold")
}

fn ours() -> Value {
    seen(std::process::id())
}

/// One descriptor of a picture.
fn at(seen: &Value, fd: i32) -> Value {
    let all = seen["descriptors"].as_array().unwrap();
    let found = all.iter().find(|open| open["fd"] == fd);
    found
        .unwrap_or_else(|| panic!("no descriptor {fd}: {seen:#}"))
        .clone()
}

/// One of ours.
fn of(seen: &Value, fd: &impl AsRawFd) -> Value {
    at(seen, fd.as_raw_fd())
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `cat` with these as its standard streams: it holds them until it is ended.
fn holder(stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Running {
    let child = Command::new("cat").stdin(stdin).stdout(stdout).spawn();
    Running(child.unwrap())
}

/// A pipe that no child inherits by chance.
fn pipe() -> (OwnedFd, OwnedFd) {
    nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap()
}

/// One test at a time: between fork(2) and execve(2), the children of another one have all that
/// this process has.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn numbers(value: &Value) -> Vec<i64> {
    let all = value.as_array().unwrap();
    all.iter().map(|number| number.as_i64().unwrap()).collect()
}

fn kcmp_works(seen: &Value) -> bool {
    seen["comparing"] == "possible"
}

#[test]
fn kinds_without_a_path_tell_what_is_in_them() {
    let _alone = alone();
    let eventfd = EventFd::from_value_and_flags(31, EfdFlags::EFD_SEMAPHORE).unwrap();
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGUSR1);
    signals.add(Signal::SIGTERM);
    let signalfd = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC).unwrap();
    let timer = TimerFd::new(
        ClockId::CLOCK_BOOTTIME,
        nix::sys::timerfd::TimerFlags::TFD_NONBLOCK,
    )
    .unwrap();
    let hour = nix::sys::time::TimeSpec::new(3600, 0);
    let second = nix::sys::time::TimeSpec::new(1, 500_000_000);
    let when = Expiration::IntervalDelayed(hour, second);
    timer.set(when, TimerSetTimeFlags::empty()).unwrap();
    let idle = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::empty()).unwrap();
    let child = holder(Stdio::piped(), Stdio::null());
    let pid = rustix::process::Pid::from_child(&child.0);
    let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
    let namespace = File::open("/proc/self/ns/net").unwrap();

    let seen = ours();
    let what = |fd: &dyn AsRawFd| at(&seen, fd.as_raw_fd())["what"].clone();
    assert_eq!(what(&eventfd.as_fd())["kind"], "eventfd");
    assert_eq!(what(&eventfd.as_fd())["count"], 31);
    assert_eq!(what(&signalfd)["signals"], json!(["SIGUSR1", "SIGTERM"]));
    let timer = what(&timer.as_fd());
    assert_eq!(timer["clock"], "CLOCK_BOOTTIME");
    assert_eq!(timer["interval"], 1_500_000_000);
    let left = timer["expires_in"].as_u64().unwrap();
    assert!(
        left <= 3_600_000_000_000 && left > 3_000_000_000_000,
        "{left}"
    );
    assert_eq!(what(&idle.as_fd())["expires_in"], Value::Null);
    let of = what(&pidfd)["of"]["process"].clone();
    assert_eq!(
        (of["pid"].as_u64(), &of["comm"]["text"]),
        (Some(child.0.id().into()), &json!("cat"))
    );
    assert_eq!(what(&namespace)["of"], "net");
    assert_eq!(what(&namespace)["own"], true);
    drop(child);
    assert_eq!(at(&ours(), pidfd.as_raw_fd())["what"]["of"], "gone");
}

#[test]
fn access_flags_and_position_are_those_of_the_open_file() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut log = OpenOptions::new();
    log.create(true)
        .append(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_SYNC);
    let mut log = log.open(&path).unwrap();
    log.write_all(b"twelve bytes").unwrap();
    let mut reader = File::open(&path).unwrap();
    reader.seek(SeekFrom::Start(7)).unwrap();
    let place = rustix::fs::open(
        directory.path(),
        rustix::fs::OFlags::PATH,
        rustix::fs::Mode::empty(),
    )
    .unwrap();

    let seen = ours();
    let log = of(&seen, &log);
    assert_eq!(log["access"], "write");
    assert_eq!(log["flags"], json!(["O_APPEND", "O_NONBLOCK", "O_SYNC"]));
    assert_eq!(log["close_on_exec"], true);
    assert_eq!(
        (&log["position"], &log["what"]["size"]),
        (&json!(12), &json!(12))
    );
    assert_eq!(log["what"]["kind"], "file");
    assert!(log["mount"]["point"]["text"].is_string(), "{log:#}");
    assert_eq!(of(&seen, &reader)["position"], 7);
    assert_eq!(of(&seen, &reader)["access"], "read");
    let place = of(&seen, &place);
    assert_eq!(
        (&place["access"], &place["close_on_exec"]),
        (&json!("path-only"), &json!(false))
    );
    assert_eq!(place["what"]["kind"], "directory");
}

#[test]
fn a_duplicate_shares_the_offset_and_a_file_opened_twice_does_not() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let file = File::create(&path).unwrap();
    let duplicate = file.try_clone().unwrap();
    let again = File::open(&path).unwrap();
    let link = directory.path().join("another name");
    fs::hard_link(&path, &link).unwrap();
    let linked = File::open(&link).unwrap();

    let seen = ours();
    if !kcmp_works(&seen) {
        return skip("a_duplicate_shares", "kcmp(2) is not allowed here");
    }
    let sharing = of(&seen, &file)["sharing"].clone();
    assert_eq!(sharing["known"], true);
    assert_eq!(numbers(&sharing["fds"]), [i64::from(duplicate.as_raw_fd())]);
    let mut same_file = [again.as_raw_fd(), linked.as_raw_fd()].map(i64::from);
    same_file.sort_unstable();
    assert_eq!(numbers(&sharing["same_file_fds"]), same_file);
    let sharing = of(&seen, &again)["sharing"].clone();
    assert!(numbers(&sharing["fds"]).is_empty());
}

#[test]
fn event_files_are_told_apart_although_their_inodes_are_equal() {
    let _alone = alone();
    let one = EventFd::new().unwrap();
    let other = EventFd::new().unwrap();
    let copy = one.as_fd().try_clone_to_owned().unwrap();
    let seen = ours();
    if !kcmp_works(&seen) {
        return skip("event_files_are_told_apart", "kcmp(2) is not allowed here");
    }
    let one = of(&seen, &one.as_fd());
    let other = of(&seen, &other.as_fd());
    assert_eq!(one["target"], other["target"]);
    assert_eq!(
        numbers(&one["sharing"]["fds"]),
        [i64::from(copy.as_raw_fd())]
    );
    assert!(numbers(&other["sharing"]["fds"]).is_empty());
}

#[test]
fn what_a_child_inherited_is_shared_with_it() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shared");
    let file = File::create_new(&path).unwrap();
    let apart = File::open(&path).unwrap();
    let child = holder(Stdio::piped(), file.try_clone().unwrap());

    let seen = ours();
    if !kcmp_works(&seen) {
        return skip("what_a_child_inherited", "kcmp(2) is not allowed here");
    }
    let sharing = of(&seen, &file)["sharing"].clone();
    let expected = json!([{"pid": child.0.id(), "comm": {"text": "cat"}, "fds": [1]}]);
    assert_eq!(sharing["processes"], expected, "{sharing:#}");
    assert_eq!(of(&seen, &apart)["sharing"]["processes"], json!([]));
    assert_eq!(
        of(&seen, &apart)["sharing"]["same_file_processes"],
        expected
    );
    // And seen from the other side.
    let theirs = at(&self::seen(child.0.id()), 1);
    let holder = &theirs["sharing"]["processes"][0];
    assert_eq!(holder["pid"], std::process::id());
    assert_eq!(numbers(&holder["fds"]), [i64::from(file.as_raw_fd())]);
    let text = drawn(child.0.id());
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    assert!(words.contains("one offset and one set of flags"), "{text}");
}

#[test]
fn epoll_follows_the_open_file_and_not_the_number() {
    let _alone = alone();
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
    let add = |fd: &OwnedFd, events| {
        epoll.add(fd, EpollEvent::new(events, 0)).unwrap();
    };
    let (plain, _writer) = pipe();
    add(&plain, EpollFlags::EPOLLIN | EpollFlags::EPOLLET);
    // Its number is taken by another file, and a duplicate lives on.
    let (mut reused, _second) = pipe();
    let kept = reused.try_clone().unwrap();
    add(&reused, EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT);
    rustix::io::dup2(File::open("/dev/null").unwrap(), &mut reused).unwrap();
    // Its number is taken, and only a child has it.
    let (mut given, _third) = pipe();
    add(&given, EpollFlags::EPOLLRDHUP);
    let child = holder(given.try_clone().unwrap(), Stdio::null());
    rustix::io::dup2(File::open("/dev/null").unwrap(), &mut given).unwrap();

    let seen = ours();
    let what = of(&seen, &epoll.0)["what"].clone();
    assert_eq!(what["kind"], "epoll");
    let watch = |fd: &OwnedFd| {
        let all = what["watches"].as_array().unwrap();
        let found = all.iter().find(|watch| watch["fd"] == fd.as_raw_fd());
        found.unwrap_or_else(|| panic!("{what:#}")).clone()
    };
    assert_eq!(watch(&plain)["events"], json!(["EPOLLIN", "EPOLLET"]));
    assert_eq!(watch(&reused)["events"], json!(["EPOLLIN", "EPOLLONESHOT"]));
    assert_eq!(watch(&given)["events"], json!(["EPOLLRDHUP"]));
    if !kcmp_works(&seen) {
        assert_eq!(watch(&plain)["is"], "unsure");
        assert_eq!(watch(&reused)["is"], "not-found");
        return;
    }
    assert_eq!(watch(&plain)["is"], "same");
    let renumbered = json!({"renumbered": [kept.as_raw_fd()]});
    assert_eq!(watch(&reused)["is"], renumbered);
    let elsewhere = &watch(&given)["is"]["only-elsewhere"][0];
    assert_eq!(elsewhere["pid"], child.0.id());
    assert_eq!(elsewhere["fds"], json!([0]));
}

#[test]
fn a_spent_one_shot_is_silent() {
    let _alone = alone();
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
    let event = EventFd::from_value(1).unwrap();
    let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
    epoll.add(event.as_fd(), EpollEvent::new(flags, 0)).unwrap();
    let watch = || of(&ours(), &epoll.0)["what"]["watches"][0].clone();
    assert_eq!(watch()["spent"], false);
    let mut events = [EpollEvent::empty()];
    assert_eq!(epoll.wait(&mut events, 1000_u16), Ok(1));
    assert_eq!(watch()["spent"], true);
}

#[test]
fn seals_of_a_memfd_are_told_and_its_name_cannot_pass_for_a_path() {
    let _alone = alone();
    let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC;
    let memfd = rustix::fs::memfd_create("x (deleted)\x1b[2J", flags).unwrap();
    rustix::fs::ftruncate(&memfd, 4096).unwrap();
    let seals = SealFlags::SHRINK | SealFlags::GROW;
    rustix::fs::fcntl_add_seals(&memfd, seals).unwrap();
    // A file that is called like one.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("memfd:fake (deleted)");
    let fake = File::create(&path).unwrap();

    let seen = ours();
    let what = of(&seen, &memfd)["what"].clone();
    assert_eq!(what["kind"], "memfd");
    assert_eq!(what["name"]["text"], "x (deleted)\\x1b[2J");
    assert_eq!(what["size"], 4096);
    assert_eq!(what["seals"], json!(["F_SEAL_SHRINK", "F_SEAL_GROW"]));
    let fake = of(&seen, &fake)["what"].clone();
    assert_eq!(
        (&fake["kind"], &fake["name"]),
        (&json!("file"), &json!("stands"))
    );
    assert_eq!(fake["path"]["text"], path.to_str().unwrap());
    // Looking has left no writer and no seal behind.
    assert_eq!(rustix::fs::fcntl_get_seals(&memfd).unwrap(), seals);
    rustix::fs::fcntl_add_seals(&memfd, SealFlags::WRITE).unwrap();
}

#[test]
fn whether_a_file_is_deleted_is_told_by_its_names_not_by_its_words() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let make = |name: &str| File::create_new(directory.path().join(name)).unwrap();
    let remove = |name: &str| fs::remove_file(directory.path().join(name)).unwrap();
    let gone = make("a");
    remove("a");
    let called_so = make("a (deleted)");
    let both = make("b (deleted)");
    remove("b (deleted)");
    let removed = make("c");
    fs::hard_link(directory.path().join("c"), directory.path().join("d")).unwrap();
    remove("c");
    let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR;
    let temporary = rustix::fs::open(directory.path(), flags, rustix::fs::Mode::RUSR);

    let seen = ours();
    let told = |fd: &dyn AsRawFd| {
        let what = at(&seen, fd.as_raw_fd())["what"].clone();
        let path = what["path"]["text"].as_str().unwrap().to_owned();
        let name = path.rsplit('/').next().unwrap().to_owned();
        (name, what["name"].as_str().unwrap().to_owned())
    };
    let expected = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    assert_eq!(told(&gone), expected("a", "deleted"));
    assert_eq!(told(&called_so), expected("a (deleted)", "stands"));
    assert_eq!(told(&both), expected("b (deleted)", "deleted"));
    assert_eq!(told(&removed), expected("c", "removed"));
    match temporary {
        Ok(temporary) => assert_eq!(told(&temporary).1, "never"),
        Err(error) => skip("O_TMPFILE", &error.to_string()),
    }
}

#[test]
fn pipes_name_the_process_at_the_other_end() {
    let _alone = alone();
    let (reader, writer) = pipe();
    let child = holder(reader.try_clone().unwrap(), Stdio::null());
    let seen = ours();
    let ends = of(&seen, &writer)["what"]["ends"].clone();
    let readers = ends["readers"].as_array().unwrap();
    let find = |pid: u32| readers.iter().find(|held| held["pid"] == pid);
    assert_eq!(find(child.0.id()).unwrap()["fds"], json!([0]));
    assert_eq!(
        find(std::process::id()).unwrap()["fds"],
        json!([reader.as_raw_fd()])
    );
    drop(reader);
    let theirs = at(&self::seen(child.0.id()), 0);
    let writers = theirs["what"]["ends"]["writers"].as_array().unwrap();
    assert_eq!(writers.len(), 1, "{theirs:#}");
    assert_eq!(writers[0]["pid"], std::process::id());
}

#[test]
fn a_pipe_whose_other_end_nobody_holds_is_told_what_follows() {
    let _alone = alone();
    let (reader, writer) = pipe();
    let unread = {
        let (unread_reader, unread_writer) = pipe();
        drop(unread_reader);
        unread_writer
    };
    drop(writer);
    let seen = ours();
    let ends = of(&seen, &reader)["what"]["ends"].clone();
    assert_eq!(ends["writers"], json!([]));
    assert_eq!(of(&seen, &unread)["what"]["ends"]["readers"], json!([]));
    let text = drawn(std::process::id());
    assert!(text.contains("SIGPIPE"), "{text}");
    assert!(text.contains("end of file"), "{text}");
    let complete = seen["others"]["owners_complete"].as_bool();
    assert_eq!(ends["complete"].as_bool(), complete);
}

#[test]
fn a_fifo_is_described_and_never_opened() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut reader = OpenOptions::new();
    let mut reader = reader
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(&path)
        .unwrap();
    let seen = ours();
    let what = of(&seen, &reader)["what"].clone();
    assert_eq!(what["kind"], "pipe");
    assert_eq!(what["path"]["text"], path.to_str().unwrap());
    assert_eq!(what["ends"]["readers"][0]["pid"], std::process::id());
    assert_eq!(what["ends"]["writers"], json!([]));
    // A writer that had come and gone would show as a hang-up.
    let mut fds = [nix::poll::PollFd::new(
        reader.as_fd(),
        nix::poll::PollFlags::POLLIN,
    )];
    assert_eq!(nix::poll::poll(&mut fds, 0_u8), Ok(0));
    assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn sockets_of_af_unix_tell_both_ends() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let _waiting = UnixStream::connect(&path).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut left, right) = UnixStream::pair().unwrap();
    left.write_all(b"four").unwrap();
    let child = holder(OwnedFd::from(theirs), Stdio::null());

    let seen = self::ours();
    let what = of(&seen, &listener)["what"].clone();
    assert_eq!(
        (&what["kind"], &what["condition"]),
        (&json!("unix-socket"), &json!("listening"))
    );
    assert_eq!(what["queue"]["pending"], 1);
    let peer = of(&seen, &ours)["what"]["peer"].clone();
    let held = json!([{"pid": child.0.id(), "comm": {"text": "cat"}, "fds": [0]}]);
    assert_eq!(peer["held"], held);
    let pair = of(&seen, &right)["what"].clone();
    assert_eq!(pair["unread"], 4);
    assert_eq!(pair["peer"]["held"][0]["fds"], json!([left.as_raw_fd()]));
    assert_eq!(pair["peer"]["held"][0]["pid"], std::process::id());
    assert_eq!(
        at(&self::seen(child.0.id()), 0)["what"]["peer"]["held"][0]["pid"],
        std::process::id()
    );
}

#[test]
fn descriptors_on_their_way_are_counted() {
    let _alone = alone();
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    let (sender, receiver) = UnixStream::pair().unwrap();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sent = [sender.as_fd(), receiver.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&sent)));
    let data = [std::io::IoSlice::new(b"x")];
    sendmsg(&sender, &data, &mut control, SendFlags::empty()).unwrap();
    let seen = ours();
    assert_eq!(of(&seen, &receiver)["what"]["in_flight"], 2);
    assert_eq!(of(&seen, &sender)["what"]["in_flight"], 0);
}

#[test]
fn sockets_of_other_families_are_named() {
    let _alone = alone();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let netlink = rustix::net::socket(
        rustix::net::AddressFamily::NETLINK,
        rustix::net::SocketType::RAW,
        Some(rustix::net::netlink::SOCK_DIAG),
    )
    .unwrap();
    let seen = ours();
    let what = of(&seen, &listener)["what"].clone();
    assert_eq!(
        (&what["kind"], &what["protocol"]),
        (&json!("socket"), &json!("TCP"))
    );
    assert_eq!(what["details"]["state"], "LISTEN");
    let client_side = of(&seen, &client)["what"]["details"].clone();
    assert_eq!(client_side["state"], "ESTAB");
    assert_eq!(
        client_side["remote"],
        listener.local_addr().unwrap().to_string()
    );
    assert_eq!(of(&seen, &netlink)["what"]["protocol"], "NETLINK");
}

#[test]
fn watches_of_inotify_name_what_they_are_on() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
    let flags = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_DELETE;
    inotify.add_watch(directory.path(), flags).unwrap();
    let seen = ours();
    let watch = of(&seen, &inotify.as_fd())["what"]["watches"][0].clone();
    assert_eq!(watch["events"], json!(["IN_CREATE", "IN_DELETE"]));
    let inode = rustix::fs::stat(directory.path()).unwrap().st_ino;
    assert_eq!(watch["inode"].as_u64(), Some(inode));
    // As the process has it open, its path is known to everybody.
    let _open = File::open(directory.path()).unwrap();
    let watch = of(&ours(), &inotify.as_fd())["what"]["watches"][0].clone();
    let path = fs::canonicalize(directory.path()).unwrap();
    assert_eq!(watch["path"]["text"], path.to_str().unwrap());
}

#[test]
fn locks_tell_whose_they_are() {
    let _alone = alone();
    let file = tempfile::tempfile().unwrap();
    file.lock().unwrap();
    let locks = of(&ours(), &file)["locks"].clone();
    assert_eq!(locks[0]["kind"], "flock", "{locks:#}");
    assert_eq!(locks[0]["access"], "write");
}

/// Names that move a cursor, forge a row, or are no text at all.
const HOSTILE: &[&[u8]] = &[
    b"esc\x1b[2J\x1b]0;owned\x07",
    b"two\n  9 rw   file  shadow",
    b"pipe:[1]",
    b"raw\xff\xfe\xc3",
    b"c1\xc2\x9b31m",
    b"bidi\xe2\x80\xaegpj",
    b"anon_inode:[eventfd]",
    b"back\\slash\"quote'",
];

#[test]
fn hostile_names_forge_nothing() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let files: Vec<File> = HOSTILE
        .iter()
        .map(|name| {
            let path = directory.path().join(std::ffi::OsStr::from_bytes(name));
            File::create_new(path).unwrap()
        })
        .collect();
    let seen = ours();
    for file in &files {
        let what = of(&seen, file)["what"].clone();
        assert_eq!(
            (&what["kind"], &what["name"]),
            (&json!("file"), &json!("stands")),
            "{what:#}"
        );
    }
    let all = seen["descriptors"].as_array().unwrap();
    let here = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(all.len() <= here + 40, "{} of {here}", all.len());
    for columns in ["60", "80", "200"] {
        let output = run(program()
            .args(["probe", "fds", &std::process::id().to_string()])
            .env("COLUMNS", columns));
        let text = String::from_utf8(output.stdout).unwrap();
        for character in text.chars() {
            assert!(
                character == '\n' || !character.is_control(),
                "{character:?} reached the output"
            );
        }
        assert!(!text.contains('\u{202e}'));
        assert!(
            !text
                .lines()
                .any(|line| line.starts_with("  9 rw   file  shadow")),
            "{text}"
        );
    }
}

#[test]
fn a_zombie_has_no_descriptors() {
    let _alone = alone();
    let mut child = Command::new("true").spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    // Waits without reaping.
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).unwrap();
    let seen = self::seen(child.id());
    assert_eq!(seen["state"], "zombie");
    assert_eq!(seen["descriptors"], Value::Null);
    assert!(drawn(child.id()).contains("has ended"));
    child.wait().unwrap();
}

#[test]
fn a_process_that_is_not_there_is_an_error() {
    let _alone = alone();
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let output = program()
        .args(["probe", "fds", &pid.to_string()])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no process"),
        "{output:?}"
    );
}

#[test]
fn the_limit_is_that_of_the_process() {
    let _alone = alone();
    let mut child = Command::new("sh");
    child
        .args(["-c", "ulimit -n 32; exec cat"])
        .stdin(Stdio::piped());
    let mut child = Running(child.spawn().unwrap());
    // It answers once it is cat.
    let stdin = child.0.stdin.as_mut().unwrap();
    stdin.write_all(b"").unwrap();
    let is_cat = || fs::read(format!("/proc/{}/comm", child.0.id())).is_ok_and(|c| c == b"cat\n");
    while !is_cat() {
        std::thread::yield_now();
    }
    let seen = seen(child.0.id());
    assert_eq!(seen["limit"], json!({"soft": 32, "hard": 32}));
    assert!(drawn(child.0.id()).contains("At most 32"));
}

#[test]
fn a_thread_with_descriptors_of_its_own_is_told() {
    let _alone = alone();
    let (to_thread, stop) = std::sync::mpsc::channel::<()>();
    let (told, tid) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES).unwrap();
        told.send(nix::unistd::gettid().as_raw()).unwrap();
        let _ = stop.recv();
    });
    let tid = tid.recv().unwrap();
    let seen = ours();
    let own = seen["threads"]["own_tables"].clone();
    assert_eq!(own, json!([tid]), "{:#}", seen["threads"]);
    assert!(drawn(std::process::id()).contains("descriptors of their own"));
    drop(to_thread);
    thread.join().unwrap();
}

#[test]
fn the_other_end_of_a_terminal_is_named() {
    let _alone = alone();
    let pty = nix::pty::openpty(None, None).unwrap();
    let child = holder(pty.slave.try_clone().unwrap(), Stdio::null());
    let seen = ours();
    let master = of(&seen, &pty.master)["what"].clone();
    assert_eq!(master["kind"], "terminal");
    let held = master["other_end"].as_array().unwrap();
    let theirs = held.iter().find(|held| held["pid"] == child.0.id());
    assert!(numbers(&theirs.unwrap()["fds"]).contains(&0));
    let slave = at(&self::seen(child.0.id()), 0)["what"].clone();
    let ends = slave["other_end"].as_array().unwrap();
    let own = ends.iter().find(|held| held["pid"] == std::process::id());
    let fds = numbers(&own.unwrap()["fds"]);
    assert!(fds.contains(&pty.master.as_raw_fd().into()), "{slave:#}");
}

/// A FUSE file system that nobody serves: whoever asks it anything waits until it is given up.
struct Unserved {
    directory: tempfile::TempDir,
    device: Option<File>,
}

impl Unserved {
    fn mount() -> Result<Self, String> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse");
        let device = device.map_err(|error| format!("/dev/fuse: {error}"))?;
        let directory = tempfile::tempdir().unwrap();
        let options = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0",
            device.as_raw_fd()
        );
        nix::mount::mount(
            Some("unserved"),
            directory.path(),
            Some("fuse"),
            nix::mount::MsFlags::empty(),
            Some(&*options),
        )
        .map_err(|error| format!("FUSE cannot be mounted: {error}"))?;
        Ok(Self {
            directory,
            device: Some(device),
        })
    }
}

impl Drop for Unserved {
    fn drop(&mut self) {
        drop(self.device.take());
        let flags = nix::mount::MntFlags::MNT_DETACH;
        let _ = nix::mount::umount2(self.directory.path(), flags);
    }
}

#[test]
fn a_file_system_that_does_not_answer_is_not_asked() {
    let _alone = alone();
    let unserved = match Unserved::mount() {
        Ok(unserved) => unserved,
        Err(why) => return skip("a_file_system_that_does_not_answer_is_not_asked", &why),
    };
    let place = rustix::fs::open(
        unserved.directory.path(),
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    let what = of(&ours(), &place)["what"].clone();
    assert_eq!(what["kind"], "not-asked");
    assert_eq!(what["because"]["file-system"]["text"], "fuse");
    assert!(drawn(std::process::id()).contains("may not answer"));
}

#[test]
fn sockets_of_another_network_namespace_tell_both_ends_to_root() {
    let _alone = alone();
    let test = "sockets_of_another_network_namespace_tell_both_ends_to_root";
    if !nix::unistd::geteuid().is_root() {
        return skip(test, "only root may enter a network namespace");
    }
    if which::which("unshare").is_err() || which::which("python3").is_err() {
        return skip(test, "unshare (util-linux) or python3 is not installed");
    }
    let script = "import socket\na, b = socket.socketpair()\n\
        print(a.fileno(), b.fileno(), flush=True)\ninput()";
    let mut child = Command::new("unshare");
    child.args(["--net", "python3", "-c", script]);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = Running(child.unwrap());
    let mut line = String::new();
    let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let Some((one, other)) = line.trim().split_once(' ') else {
        return skip(test, "no network namespace can be made here");
    };
    let seen = self::seen(child.0.id());
    let what = at(&seen, one.parse().unwrap())["what"].clone();
    assert_eq!(what["condition"], "connected", "{what:#}");
    let held = what["peer"]["held"][0].clone();
    assert_eq!(held["pid"], child.0.id());
    assert_eq!(numbers(&held["fds"]), [other.parse::<i64>().unwrap()]);
}

/// Runs the program as nobody.
fn as_nobody(copy: &Path, arguments: &[&str]) -> Output {
    Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(copy)
        .args(arguments)
        .env("COLUMNS", "80")
        .output()
        .unwrap()
}

#[test]
fn an_ordinary_user_is_told_what_may_not_be_read() {
    let _alone = alone();
    let test = "an_ordinary_user_is_told_what_may_not_be_read";
    if !nix::unistd::geteuid().is_root() {
        return skip(test, "only root can become another user");
    }
    if which::which("setpriv").is_err() {
        return skip(test, "setpriv (util-linux) is not installed");
    }
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = directory.path().join("ipc-mastery");
    fs::copy(env!("CARGO_BIN_EXE_ipc-mastery"), &copy).unwrap();
    let pid = std::process::id().to_string();
    let output = as_nobody(&copy, &["probe", "fds", &pid, "--json"]);
    assert!(output.status.success(), "{output:?}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&seen["state"], &seen["descriptors"]),
        (&json!("denied"), &Value::Null)
    );
    assert_eq!(seen["uid"], 0);
    assert!(seen["count"].as_u64().is_none_or(|count| count > 2));
    assert!(
        seen["limit"]["soft"].is_number(),
        "limits may be read by all: {seen:#}"
    );
    let text = as_nobody(&copy, &["probe", "fds", &pid]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("belongs to user 0"), "{text}");
}
