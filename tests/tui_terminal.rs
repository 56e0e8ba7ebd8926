//! The full screen in a real terminal: a pseudo-terminal whose other end is read by an emulator.
//! What a learner sees, what keys and signals do, and that the terminal is given back whatever
//! happens. Nothing sleeps: every wait is poll(2) on the terminal or on the process, with a
//! deadline.

mod terminal;

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ipc_mastery::mastery::clock::Clock;
use ipc_mastery::mastery::progress::HintLevel;
use ipc_mastery::mastery::store::{Reading, Store};
use ipc_mastery::tui::terminal::Screen;
use nix::libc::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use rustix::termios::tcsetwinsize;
use terminal::lead;

/// How long anything may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(40);

/// A program in a terminal.
struct Session {
    child: Child,
    ended: OwnedFd,
    master: File,
    /// Kept open to ask the terminal for its modes after the program has gone.
    slave: OwnedFd,
    before: Termios,
    emulator: vt100::Parser,
    /// Everything the program wrote.
    output: Vec<u8>,
}

impl Session {
    /// Runs a command in a new terminal of its own, as the leader of a session.
    fn start(command: &Command, (columns, rows): (u16, u16)) -> Self {
        let led = lead(command, (columns, rows));
        let pid = rustix::process::Pid::from_child(&led.child);
        Self {
            ended: pidfd_open(pid, PidfdFlags::empty()).unwrap(),
            child: led.child,
            master: led.master,
            slave: led.slave,
            before: led.before,
            emulator: vt100::Parser::new(cells(rows), cells(columns), 0),
            output: Vec::new(),
        }
    }

    /// `ipc-mastery learn` with the pack of the tests and a state directory.
    fn learn(state: &Path, arguments: &[&str], size: (u16, u16)) -> Self {
        Self::start(&learn(state, arguments), size)
    }

    fn screen(&self) -> String {
        self.emulator.screen().contents()
    }

    /// Reads what the program draws until `wanted` holds.
    fn until(&mut self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self.emulator.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                self.pump(left),
                "no {what}; the screen is:\n{}",
                self.screen()
            );
        }
    }

    /// Waits until the screen shows a text.
    fn shows(&mut self, text: &str) {
        self.until(&format!("`{text}`"), |screen| {
            screen.contents().contains(text)
        });
    }

    /// Reads what the program draws until somebody has connected to a listener.
    fn until_connected(&mut self, listener: &UnixListener) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let patience = Timespec::try_from(left).unwrap();
            let mut fds = [
                PollFd::new(listener, PollFlags::IN),
                PollFd::new(&self.master, PollFlags::IN),
            ];
            let ready = poll(&mut fds, Some(&patience)).unwrap();
            assert!(ready > 0, "nobody came; the screen is:\n{}", self.screen());
            if !fds[0].revents().is_empty() {
                listener.accept().unwrap();
                return;
            }
            assert!(self.pump(left), "it ended:\n{}", self.screen());
        }
    }

    /// Presses the digit that leads to `to` from the line that begins with `whose`.
    fn follow(&mut self, whose: &str, to: &str) {
        self.until(&format!("`{whose}` with `{to}`"), |screen| {
            digit(screen, whose, to).is_some()
        });
        let key = digit(self.emulator.screen(), whose, to).unwrap();
        self.press(&key);
    }

    /// Takes in what can be read within `patience`; false when there is nothing.
    fn pump(&mut self, patience: Duration) -> bool {
        let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
        let patience = Timespec::try_from(patience).unwrap();
        if poll(&mut fds, Some(&patience)).unwrap() == 0 {
            return false;
        }
        let mut buffer = [0; 1 << 16];
        let count = self.master.read(&mut buffer).unwrap_or(0);
        self.output.extend_from_slice(&buffer[..count]);
        self.emulator.process(&buffer[..count]);
        count > 0
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        let size = rustix::termios::Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        self.emulator
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        tcsetwinsize(&self.slave, size).unwrap();
    }

    fn signal(&self, number: i32) {
        let signal = Signal::try_from(number).unwrap();
        kill(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// Waits for the end of the program and takes in its last words.
    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [
                PollFd::new(&self.master, PollFlags::IN),
                PollFd::from_borrowed_fd(self.ended.as_fd(), PollFlags::IN),
            ];
            let patience = Timespec::try_from(left).unwrap();
            let ready = poll(&mut fds, Some(&patience)).unwrap();
            assert!(
                ready > 0,
                "it does not end; the screen is:\n{}",
                self.screen()
            );
            let ended = !fds[1].revents().is_empty();
            if !self.pump(Duration::ZERO) && ended {
                return self.child.wait().unwrap();
            }
        }
    }

    fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.slave).unwrap().local_flags;
        !modes.intersects(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    /// The terminal is as it was before the program took it.
    fn assert_given_back(&self) {
        let screen = self.emulator.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "bracketed paste is off");
        let after = tcgetattr(&self.slave).unwrap();
        assert_eq!(after.local_flags, self.before.local_flags);
        assert_eq!(after.input_flags, self.before.input_flags);
        assert_eq!(after.output_flags, self.before.output_flags);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn pack() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tui-pack")
}

fn learn(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    command
        .arg("--curriculum")
        .arg(pack())
        .arg("learn")
        .args(arguments)
        .env("XDG_STATE_HOME", state)
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("COLORFGBG")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("VISUAL")
        .env_remove("EDITOR");
    command
}

fn store(state: &Path) -> Store {
    Store::open_in(&state.join("ipc-mastery"), Clock::System).unwrap()
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

const USUAL: (u16, u16) = (80, 24);

#[test]
fn a_learner_reads_a_lesson_answers_and_leaves() {
    let state = tempfile::tempdir().unwrap();
    let mut session = Session::learn(state.path(), &[], USUAL);
    session.shows("Why programs talk");
    assert!(session.is_raw());
    session.shows("→ ·        Why programs talk");
    session.press("\r");
    session.shows("The kernel keeps processes apart.");
    session.press("\x1b");
    session.shows("✓ read   Why programs talk");
    session.press("j\r");
    session.shows("» Predict");
    session.press("1");
    session.shows("▸ 1  6: what the first write carried");
    session.press("\r");
    session.shows("How sure are you?");
    session.press("\r");
    session.shows("Enter runs it on your kernel, now.");
    session.press("\r");
    session.shows("marks the line that decides");
    session.press("q");
    assert_eq!(session.end().code(), Some(0));
    session.assert_given_back();
    let progress = store(state.path()).snapshot().unwrap();
    assert!(progress.lessons["why-talk"].finished_at.is_some());
    let prediction = &progress.lessons["bytes"].predictions["first"];
    assert_eq!((prediction.option, prediction.agreed), (0, Some(false)));
}

/// `ipc-mastery model …` in a terminal.
fn model(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    command
        .arg("model")
        .args(arguments)
        .env("XDG_STATE_HOME", state)
        .env("TERM", "xterm-256color")
        .env("TMPDIR", state);
    command
}

#[test]
fn a_script_is_stepped_through_forwards_and_backwards() {
    let state = tempfile::tempdir().unwrap();
    let command = model(state.path(), &["step", "half-close"]);
    let mut session = Session::start(&command, USUAL);
    session.shows("call 1 of 12, not made yet");
    assert!(session.is_raw());
    session.press("\x1b[C\x1b[C");
    session.shows("event 2 of 14");
    session.press("\x1b[D");
    session.shows("event 1 of 14");
    session.press("\x1b[B\x1b[B\x1b[B\x1b[B\x1b[B");
    session.shows("= -1 EPIPE");
    session.press("w");
    session.shows("Why EPIPE?");
    session.press("t\x1b[B");
    session.shows("What does it come back with?");
    session.press("1");
    session.shows("call 6 of 12, event");
    session.press("q");
    assert_eq!(session.end().code(), Some(0));
    session.assert_given_back();
}

#[test]
fn calls_are_typed_and_made_on_both_and_nothing_is_left() {
    let state = tempfile::tempdir().unwrap();
    let mut session = Session::start(&model(state.path(), &["play"]), USUAL);
    session.shows("Type a call");
    session.press("socketpair stream\r");
    session.shows("= fds 3 4   agree");
    session.press("recv 3 1\r");
    session.shows("= asleep   agree");
    session.press("send 3 \"hello\"\rfork\rB: recv 4 100\r");
    session.shows("= 5 \"hello\"   agree");
    let left = || {
        let entries = fs::read_dir(state.path()).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.contains("model")).count()
    };
    assert_eq!(left(), 1);
    session.press("\x03");
    assert_eq!(session.end().code(), Some(0));
    session.assert_given_back();
    assert_eq!(left(), 0);
}

#[test]
fn a_lesson_is_scrolled_by_lines_pages_and_to_its_ends() {
    let state = tempfile::tempdir().unwrap();
    let mut session = Session::learn(state.path(), &["what-is-it"], USUAL);
    session.shows("The question:");
    session.press("G");
    session.shows("This is the end of the lesson.");
    session.press("g");
    // What the probe finds makes the page longer, above what is shown too: not while we count lines.
    session.until("collected probe", |screen| {
        let screen = screen.contents();
        screen.contains("The question:") && screen.contains("Runtime directory")
    });
    session.press("\x1b[6~");
    session.until("second page", |screen| {
        !screen.contents().contains("The question:")
    });
    session.press("kkkkkkkkkkkkkkkkkkkkkkkkkk");
    session.shows("The question:");
    session.press("\x03");
    assert_eq!(session.end().code(), Some(0));
    session.assert_given_back();
}

#[test]
fn signals_that_end_it_give_the_terminal_back_and_are_seen_by_the_parent() {
    for signal in [SIGTERM, SIGHUP, SIGINT] {
        let state = tempfile::tempdir().unwrap();
        let mut session = Session::learn(state.path(), &["bytes"], USUAL);
        session.shows("» Predict");
        assert!(session.is_raw());
        session.signal(signal);
        assert_eq!(session.end().signal(), Some(signal));
        session.assert_given_back();
    }
}

#[test]
fn it_stops_and_goes_on() {
    for stop in ["\x1a", "signal"] {
        let state = tempfile::tempdir().unwrap();
        let mut session = Session::learn(state.path(), &[], USUAL);
        session.shows("AF_UNIX sockets");
        match stop {
            "signal" => session.signal(SIGTSTP),
            key => session.press(key),
        }
        // The terminal is given back first, and then the program stops.
        session.until("normal screen", |screen| !screen.alternate_screen());
        let status = waitpid(session.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert!(matches!(status, WaitStatus::Stopped(..)), "{status:?}");
        session.assert_given_back();
        session.signal(SIGCONT);
        session.until("alternate screen", vt100::Screen::alternate_screen);
        session.shows("AF_UNIX sockets");
        assert!(session.is_raw());
        session.press("q");
        assert_eq!(session.end().code(), Some(0));
        session.assert_given_back();
    }
}

/// Not a test: what [`a_panic_gives_the_terminal_back_before_it_is_told`] runs in a terminal.
#[test]
#[ignore = "takes the terminal over and panics; another test runs it"]
fn panicking_on_the_screen() {
    if std::env::var_os("IPC_MASTERY_TEST_PANIC").is_some() {
        let _screen = Screen::take().unwrap();
        panic!("as the test wants it");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "panicking_on_the_screen",
            "--ignored",
            "--nocapture",
        ])
        .env("IPC_MASTERY_TEST_PANIC", "1");
    let mut session = Session::start(&command, USUAL);
    assert!(!session.end().success());
    session.assert_given_back();
    let output = String::from_utf8_lossy(&session.output).into_owned();
    let taken = output.find("\x1b[?1049h").expect("the screen was taken");
    let left = output.find("\x1b[?1049l").expect("the screen was left");
    let told = output
        .find("as the test wants it")
        .expect("the panic is told");
    assert!(taken < left && left < told);
}

/// Whether a program wrote an escape sequence that sets a colour (ECMA-48, SGR).
fn sets_a_colour(output: &[u8]) -> bool {
    let text = String::from_utf8_lossy(output);
    text.split("\x1b[").skip(1).any(|rest| {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0);
        let (numbers, kind) = rest.split_at(end);
        kind.starts_with('m')
            && numbers.split([';', ':']).any(|number| {
                let number: u32 = number.parse().unwrap_or(0);
                matches!(number, 30..=38 | 40..=48 | 90..=97 | 100..=107)
            })
    })
}

#[test]
fn no_color_is_heeded_and_colour_is_used_without_it() {
    for no_color in [true, false] {
        let state = tempfile::tempdir().unwrap();
        let mut command = learn(state.path(), &[]);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let mut session = Session::start(&command, USUAL);
        session.shows("AF_UNIX sockets");
        session.press("\r");
        session.shows("Links");
        session.press("?");
        session.shows("Look at this machine again");
        session.press("q");
        assert_eq!(session.end().code(), Some(0));
        assert_eq!(sets_a_colour(&session.output), !no_color);
    }
}

#[test]
fn the_screen_follows_the_size_of_the_terminal() {
    let state = tempfile::tempdir().unwrap();
    let mut session = Session::learn(state.path(), &["bytes"], USUAL);
    session.shows("The lesson goes on after your answer.");
    session.resize(40, 12);
    session.until("hint in the last row", |screen| {
        screen
            .contents()
            .lines()
            .nth(11)
            .is_some_and(|line| line.contains("q quit"))
    });
    session.press("1");
    session.press("1");
    session.shows("▸ 1");
    session.resize(20, 5);
    session.shows("Too small");
    session.resize(120, 40);
    session.shows("▸ 1  6: what the first write carried");
    session.until("hint in the last row", |screen| {
        screen
            .contents()
            .lines()
            .nth(39)
            .is_some_and(|line| line.contains("q quit"))
    });
    session.press("q");
    assert_eq!(session.end().code(), Some(0));
    session.assert_given_back();
}

#[test]
fn what_another_process_records_is_seen_at_once() {
    let state = tempfile::tempdir().unwrap();
    let other = store(state.path());
    let mut session = Session::learn(state.path(), &[], USUAL);
    session.shows("0 of 5 done");
    other
        .record_reading(Reading {
            lesson: "what-is-it",
            block: 0,
            blocks: 1,
        })
        .unwrap();
    session.shows("✓ read   What a Unix socket is");
    session.press("jjjjj\r\t");
    session.shows("for a hint");
    other
        .record_hint("echo-server", "hello", HintLevel::Look)
        .unwrap();
    session.shows("What does strace show after your accept?");
    session.press("q");
    assert_eq!(session.end().code(), Some(0));
}

#[test]
fn a_program_is_started_edited_judged_and_judged_again_on_a_save() {
    let state = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut command = learn(state.path(), &["exercise-3"]);
    command.current_dir(work.path());
    // The editor gets the terminal as it was, and what is typed.
    command.env(
        "EDITOR",
        "sh -c 'stty -a | grep -c -e -icanon; read line; echo \"# $line\" >> $1' editor",
    );
    let mut session = Session::start(&command, (100, 30));
    session.shows("1 Python");
    session.press("1");
    session.shows("copied to");
    let main = work.path().join("echo-server/main.py");
    assert!(
        fs::read_to_string(&main)
            .unwrap()
            .contains("nothing is written yet")
    );
    session.press("e");
    session.until("normal screen", |screen| !screen.alternate_screen());
    session.press("typed into the editor\n");
    session.shows("Your program");
    let edited = fs::read_to_string(&main).unwrap();
    assert!(edited.contains("# typed into the editor"), "{edited}");
    session.press("w");
    session.shows("Judged again on every save.");
    session.shows("failed: Echoes one friendly message");
    fs::write(&main, "raise SystemExit('saved once more')\n").unwrap();
    session.shows("saved once more");
    session.press("q");
    assert_eq!(session.end().code(), Some(0));
    session.assert_given_back();
    let progress = store(state.path()).snapshot().unwrap();
    assert!(progress.exercises["echo-server"].attempts >= 2);
    // Somebody who knows nothing of it yet finds it where it is.
    let other = tempfile::tempdir().unwrap();
    let mut command = learn(other.path(), &["exercise-3"]);
    command.current_dir(work.path());
    let mut session = Session::start(&command, (100, 30));
    session.shows("1 Python");
    session.press("1");
    session.shows("your program, in Python, is here already");
    session.press("q");
    assert_eq!(session.end().code(), Some(0));
    let progress = store(other.path()).snapshot().unwrap();
    let started = progress.exercises["echo-server"].started.as_ref().unwrap();
    assert_eq!(started.language, "python");
}

#[test]
fn a_save_while_a_program_is_judged_gives_the_check_up_and_begins_anew() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    let state = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut command = learn(state.path(), &["exercise-3"]);
    command.current_dir(work.path());
    let mut session = Session::start(&command, (100, 30));
    session.shows("1 Python");
    session.press("1");
    session.shows("copied to");
    let main = work.path().join("echo-server/main.py");
    // It never listens: the verdict would take until the deadline. It tells us that it runs, so that
    // no save comes before its text has been read. The checker may run it as another user.
    fs::set_permissions(work.path(), Permissions::from_mode(0o755)).unwrap();
    let told = work.path().join("told");
    let runs = UnixListener::bind(&told).unwrap();
    fs::set_permissions(&told, Permissions::from_mode(0o777)).unwrap();
    let hangs = format!(
        "import signal, socket\n\
         socket.socket(socket.AF_UNIX).connect({told:?})\n\
         signal.pause()\n"
    );
    fs::write(&main, &hangs).unwrap();
    session.press("w");
    session.until_connected(&runs);
    let new = main.with_file_name(".main.py.new");
    fs::write(&new, "raise SystemExit('renamed')\n").unwrap();
    fs::rename(&new, &main).unwrap();
    session.shows("renamed");
    fs::write(&new, &hangs).unwrap();
    renameat_with(CWD, &new, CWD, &main, RenameFlags::EXCHANGE).unwrap();
    session.until_connected(&runs);
    fs::write(&main, "raise SystemExit('written in place')\n").unwrap();
    session.shows("written in place");
    session.press("q");
    assert_eq!(session.end().code(), Some(0));
    session.assert_given_back();
    // The checks that were given up are no attempts.
    let progress = store(state.path()).snapshot().unwrap();
    assert_eq!(progress.exercises["echo-server"].attempts, 2);
}

/// Another process.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The digit that leads to `to` on the line that begins with `whose`.
fn digit(screen: &vt100::Screen, whose: &str, to: &str) -> Option<String> {
    let contents = screen.contents();
    let mut lines = contents.lines();
    let (_, ways) = lines.find_map(|line| line.split_once(whose))?;
    let ways: Vec<&str> = ways.split_whitespace().collect();
    let place = ways.iter().position(|way| *way == to)?;
    Some((*ways.get(place.checked_sub(1)?)?).to_owned())
}

/// The inode of a socket, as /proc tells it.
fn inode(socket: impl AsFd) -> u64 {
    rustix::fs::fstat(socket).unwrap().st_ino
}

#[test]
fn a_socket_appears_while_one_looks_and_is_followed_to_its_process_its_peer_and_back() {
    let state = tempfile::tempdir().unwrap();
    let place = tempfile::tempdir().unwrap();
    let name = place.path().join("shop");
    for size in [USUAL, (120, 40)] {
        let mut session = Session::learn(state.path(), &[], size);
        session.shows("AF_UNIX sockets");
        session.press("p\t");
        session.shows("[sockets]");
        session.shows("live, a look took");
        session.press("/");
        session.press(&name.to_string_lossy());
        session.press("\r");
        session.shows("None fits. Esc shows all.");
        // It looks again without being asked.
        let listener = UnixListener::bind(&name).unwrap();
        session.shows("1 of ");
        session.shows("listening");
        // Paused, it looks when asked, and what is new stays marked until then.
        session.press("p");
        session.shows("paused");
        let client = UnixStream::connect(&name).unwrap();
        let (server, _) = listener.accept().unwrap();
        let (theirs, ours) = (inode(&client), inode(&server));
        let other = Command::new("cat")
            .stdin(Stdio::from(OwnedFd::from(client)))
            .stdout(Stdio::null())
            .spawn();
        let other = Other(other.unwrap());
        let pid = other.0.id();
        // spawn(3) has returned: it runs under its own name.
        session.press("r");
        session.shows("+ connected");
        session.shows(" cat");
        session.shows("3 of ");
        session.press("p");
        session.shows("live, a look took");
        // The end that cat holds, and its process.
        session.press("G\r");
        session.shows(&format!("Socket {theirs}"));
        session.follow(&format!("holder cat {pid}"), "fds");
        session.shows(&format!("[fds {pid} (cat)]"));
        session.shows("descriptors");
        // Its descriptor 0 is the same socket.
        session.press("\r");
        session.shows("Descriptor 0");
        session.follow("it is", "socket");
        session.shows(&format!("Socket {theirs}   stream"));
        // The other end is ours. Lines are drawn from the top: this one is below those before.
        session.shows("recorded of its peer");
        session.follow("its peer", "socket");
        session.shows(&format!("Socket {ours}   stream"));
        session.shows(&format!(" {}  ", std::process::id()));
        // And back.
        session.press("\x1b");
        session.shows(&format!("Socket {theirs}   stream"));
        session.press("\x1b");
        session.shows("Descriptor 0");
        session.press("\x1b");
        session.shows(&format!("[fds {pid} (cat)]"));
        session.press("\x1b");
        session.shows(&format!("Socket {theirs}   stream"));
        session.press("\x1b");
        session.shows("3 of ");
        // What is closed while one looks is gone from the rows.
        drop(other);
        drop((server, listener));
        fs::remove_file(&name).unwrap();
        session.shows("None fits. Esc shows all.");
        session.press("q");
        assert_eq!(session.end().code(), Some(0));
        session.assert_given_back();
    }
}

#[test]
fn where_nothing_can_be_written_it_says_so_and_everything_else_works() {
    let mut session = Session::learn(Path::new("/proc/self/nowhere"), &["bytes"], USUAL);
    session.shows("progress is not kept");
    session.shows("» Predict");
    session.press("2");
    session.shows("▸ 2");
    session.press("q");
    assert_eq!(session.end().code(), Some(0));
    session.assert_given_back();
}

#[test]
fn without_a_terminal_it_says_what_to_do_instead() {
    let state = tempfile::tempdir().unwrap();
    let output = learn(state.path(), &[])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r"
    error: `learn` needs a terminal to draw on
      hint: `ipc-mastery list` names the lessons; `ipc-mastery read LESSON` prints one.
      hint: `ipc-mastery probe runtime-dir` shows who lives in your runtime directory.
      hint: `ipc-mastery check EXERCISE` judges a program.
    ");
}

#[test]
fn a_name_that_is_nearly_right_is_recognised() {
    let state = tempfile::tempdir().unwrap();
    let mut session = Session::learn(state.path(), &["echo-sever"], USUAL);
    session.shows("Did you mean `echo-server`?");
    assert_eq!(session.end().code(), Some(2));
}
