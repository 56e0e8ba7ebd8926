//! A real tmux of our own: a server on a socket in the experiment's directory, which ends with the
//! routine, and panes whose shells tell what they have in their environment.
//!
//! The server runs in the foreground as an actor that has executed it, so it dies with the worker
//! whatever happens (prctl(2), `PR_SET_PDEATHSIG`), and its panes get SIGHUP with their terminals.
//! Nothing waits for a moment: inotify(7) tells when the server listens, and panes write to FIFOs.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::O_NONBLOCK;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::Failure;
use super::letter::Letter;
use super::order::Order;
use super::stage::{Actor, Stage};
use crate::untrusted::Untrusted;

/// The first version whose server can stay in the foreground (`-D`).
const FIRST_VERSION: (u32, u32) = (3, 2);

/// How long a server may take to start, and a pane to answer. Each takes some hundredths of a
/// second; the rest is for a machine that is busy with something else.
const TIME_FOR_AN_ANSWER: Duration = Duration::from_secs(5);

/// The socket of the server, in the experiment's directory.
pub(super) const SOCKET: &str = "tmux.sock";

/// What a pane runs: a shell that reads names from one FIFO and writes values to another.
const PANE: &str = r#"while read -r name <"$1"; do
eval "printf '%s\n' \"\${$name-not set}\"" >"$2"
done"#;

/// Variables by name.
pub(super) type Variables = [(&'static str, &'static str)];

/// A server of tmux. It ends when it is dropped.
pub(super) struct Tmux {
    program: PathBuf,
    /// `tmux 3.3a`.
    pub(super) version: String,
    server: Actor,
    panes: Vec<Pane>,
}

/// The two FIFOs of a pane. We hold both ends of each open, so that opening never waits.
struct Pane {
    questions: File,
    answers: File,
}

impl Tmux {
    /// Starts a server with these variables, or says what is lacking.
    ///
    /// # Errors
    /// What this machine lacks, as a clause.
    pub(super) fn start(stage: &Stage, variables: &Variables) -> Result<Self, String> {
        let program =
            which::which("tmux").map_err(|_| "tmux, which is not installed".to_owned())?;
        let version = version(&program)?;
        let fault = |error: io::Error| format!("tmux, whose server cannot be started: {error}");
        let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK);
        let watch = watch.map_err(|errno| fault(errno.into()))?;
        watch
            .add_watch(".", AddWatchFlags::IN_ATTRIB)
            .map_err(|errno| fault(errno.into()))?;
        let arguments = ["tmux", "-D", "-f", "/dev/null", "-S", SOCKET].map(str::to_owned);
        let strings = environment(variables)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let path = program.to_string_lossy().into_owned();
        let mut server = stage.actor("tmux").map_err(|error| error.to_string())?;
        let order = Order::Letter(Letter::Become(path, arguments.to_vec(), strings));
        let begun = stage.quietly(&mut server, &order);
        let tmux = Self {
            program,
            version,
            server,
            panes: Vec::new(),
        };
        begun.map_err(|error| error.to_string())?;
        listening(&watch).map_err(fault)?;
        Ok(tmux)
    }

    /// The pid of the server.
    pub(super) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The names of the option update-environment.
    ///
    /// # Errors
    /// When tmux does not answer.
    pub(super) fn names(&self) -> Result<Vec<String>, Failure> {
        let shown = self.client(&[], &["show-options", "-gv", "update-environment"])?;
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        let words = text.split(|c: char| c.is_whitespace() || c == '"');
        Ok(words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// Adds a name to the option update-environment.
    ///
    /// # Errors
    /// When tmux refuses.
    pub(super) fn add_name(&self, name: &str) -> Result<(), Failure> {
        let value = format!(" {name}");
        let arguments = ["set-option", "-ga", "update-environment", value.as_str()];
        self.client(&[], &arguments).map(drop)
    }

    /// Opens a session from a terminal with these variables. Returns its pane.
    ///
    /// # Errors
    /// When tmux refuses or the pane does not start.
    pub(super) fn new_session(
        &mut self,
        name: &str,
        variables: &Variables,
    ) -> Result<usize, Failure> {
        self.open_pane(variables, &["new-session", "-d", "-s", name])
    }

    /// Opens a window in a session. Returns its pane.
    ///
    /// # Errors
    /// When tmux refuses or the pane does not start.
    pub(super) fn new_window(
        &mut self,
        session: &str,
        variables: &Variables,
    ) -> Result<usize, Failure> {
        let target = format!("{session}:");
        self.open_pane(variables, &["new-window", "-d", "-t", &target])
    }

    /// Attaches to a session from a terminal with these variables, in control mode, which needs no
    /// terminal, and detaches.
    ///
    /// # Errors
    /// When tmux refuses.
    pub(super) fn attach(&self, session: &str, variables: &Variables) -> Result<(), Failure> {
        let arguments = ["-C", "attach-session", "-t", session];
        let fault = |error: io::Error| unforeseen(&arguments, &error.to_string());
        let mut client = self.command(variables, &arguments);
        let mut client = client.stdin(Stdio::piped()).spawn().map_err(fault)?;
        let said = client.stdout.take().map(BufReader::new);
        for line in said.into_iter().flat_map(BufRead::lines) {
            // Now it is attached; the end of its input lets it go.
            if line.map_err(fault)?.starts_with("%session-changed") {
                drop(client.stdin.take());
            }
        }
        let status = client.wait().map_err(fault)?;
        if status.success() {
            Ok(())
        } else {
            Err(unforeseen(&arguments, &status.to_string()))
        }
    }

    /// What the shell of a pane has under a name: the value, or `not set`.
    ///
    /// # Errors
    /// When the pane does not answer.
    pub(super) fn ask(&mut self, pane: usize, name: &str) -> Result<String, Failure> {
        let fault = |error: io::Error| unforeseen(&["a pane"], &error.to_string());
        let pane = &mut self.panes[pane];
        let question = format!("{name}\n");
        pane.questions
            .write_all(question.as_bytes())
            .map_err(fault)?;
        line(&pane.answers).map_err(fault)
    }

    fn open_pane(&mut self, variables: &Variables, command: &[&str]) -> Result<usize, Failure> {
        let number = self.panes.len();
        let fault = |error: io::Error| unforeseen(command, &error.to_string());
        let (asks, tells) = (format!("ask-{number}"), format!("tell-{number}"));
        let pane = Pane {
            questions: fifo(&asks).map_err(fault)?,
            answers: fifo(&tells).map_err(fault)?,
        };
        let here = std::env::current_dir().map_err(fault)?;
        let (asks, tells) = (here.join(asks), here.join(tells));
        let (asks, tells) = (asks.to_string_lossy(), tells.to_string_lossy());
        let shell = ["/bin/sh", "-c", PANE, "sh", &*asks, &*tells];
        self.client(variables, &[command, &shell[..]].concat())?;
        self.panes.push(pane);
        Ok(number)
    }

    fn command(&self, variables: &Variables, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["-S", SOCKET])
            .args(arguments)
            .env_clear()
            .envs(environment(variables))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    fn client(&self, variables: &Variables, arguments: &[&str]) -> Result<Output, Failure> {
        let output = self.command(variables, arguments).output();
        let output = output.map_err(|error| unforeseen(arguments, &error.to_string()))?;
        if output.status.success() {
            Ok(output)
        } else {
            Err(unforeseen(arguments, &output.status.to_string()))
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.server.kill();
    }
}

/// What a terminal of the experiment has besides what it is about.
fn environment(variables: &Variables) -> impl Iterator<Item = (&'static str, &'static str)> {
    let always = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("SHELL", "/bin/sh"),
        ("TERM", "dumb"),
    ];
    always.into_iter().chain(variables.iter().copied())
}

pub(super) fn version(program: &Path) -> Result<String, String> {
    let output = Command::new(program)
        .arg("-V")
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| format!("a tmux that can be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if numbers(&said).is_some_and(|version| version >= FIRST_VERSION) {
        Ok(said)
    } else {
        Err(format!(
            "tmux 3.2 or later (this one is \"{}\")",
            Untrusted::from(said.as_str())
        ))
    }
}

/// The version in `tmux 3.3a` or `tmux next-3.6`.
fn numbers(said: &str) -> Option<(u32, u32)> {
    let digits = said.trim_start_matches(|c: char| !c.is_ascii_digit());
    let (major, rest) = digits.split_once('.')?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..end].parse().ok()?))
}

fn fifo(name: &str) -> io::Result<File> {
    mkfifo(name, Mode::S_IRUSR | Mode::S_IWUSR)?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(O_NONBLOCK)
        .open(name)
}

/// Waits until the server has called listen(2): then it sets the mode of its socket file.
pub(super) fn listening(watch: &Inotify) -> io::Result<()> {
    let deadline = Instant::now() + TIME_FOR_AN_ANSWER;
    loop {
        readable(watch.as_fd(), deadline)?;
        let events = watch.read_events()?;
        let ours = |name: Option<OsString>| name.is_some_and(|name| name == SOCKET);
        if events.into_iter().any(|event| ours(event.name)) {
            return Ok(());
        }
    }
}

/// The next line of a FIFO.
pub(super) fn line(fifo: &File) -> io::Result<String> {
    let deadline = Instant::now() + TIME_FOR_AN_ANSWER;
    let mut text = Vec::new();
    while text.last() != Some(&b'\n') {
        readable(fifo.as_fd(), deadline)?;
        let mut piece = [0; 1024];
        let mut from = fifo;
        let count = from.read(&mut piece)?;
        text.extend_from_slice(&piece[..count]);
    }
    Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
}

/// Waits until something can be read.
fn readable(fd: BorrowedFd<'_>, deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], timeout) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
        }
    }
}

fn unforeseen(arguments: &[&str], result: &str) -> Failure {
    let shown: Vec<&str> = arguments.iter().take(4).copied().collect();
    Failure::Unforeseen {
        call: format!("tmux {}", shown.join(" ")),
        result: result.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_by_its_two_numbers() {
        assert_eq!(numbers("tmux 3.3a"), Some((3, 3)));
        assert_eq!(numbers("tmux next-3.6"), Some((3, 6)));
        assert_eq!(numbers("tmux 3.10"), Some((3, 10)));
        assert_eq!(numbers("tmux master"), None);
        assert!(Some((3, 1)) < Some(FIRST_VERSION));
    }
}
