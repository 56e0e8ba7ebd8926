//! Starts the process that compares, tells it what to do, and reads what it reports. It is ended, with
//! all it started, when nobody wants to know any more.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::de::DeserializeOwned;

use super::play::{Reply, Turn};
use super::role::{Request, Told};
use crate::sys::pidfd;

/// What our own binary is called with.
const ROLE: [&str; 2] = ["__role", "differential"];

/// A process that compares.
#[derive(Debug)]
pub struct Session {
    child: Child,
    /// Where it is asked; closed when it is to end.
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
    directory: PathBuf,
}

impl Session {
    /// Starts it; `request` is given the private directory that it is to be in. `program` is our own
    /// binary.
    ///
    /// # Errors
    /// When there can be no directory or no process.
    pub fn start(program: &Path, request: impl FnOnce(String) -> Request) -> io::Result<Self> {
        let directory =
            nix::unistd::mkdtemp(&std::env::temp_dir().join("ipc-mastery-model-XXXXXX"))?;
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o777))?;
        let mut child = Command::new(program)
            .args(ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let request = request(directory.to_string_lossy().into_owned());
        let mut line = serde_json::to_string(&request)?;
        line.push('\n');
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(mut input), Some(output)) = (input, output) else {
            return Err(io::Error::other("a process has no pipes"));
        };
        let mut session = Self {
            child,
            input: None,
            lines: BufReader::new(output),
            directory,
        };
        input.write_all(line.as_bytes())?;
        // Who compares is asked nothing more; who plays is.
        session.input = matches!(request, Request::Play { .. }).then_some(input);
        Ok(session)
    }

    /// The next report; `None`: there are no more.
    ///
    /// # Errors
    /// When the process ended otherwise than it should, or what it says is no report.
    pub fn report(&mut self) -> io::Result<Option<Told>> {
        self.line()
    }

    /// Has a call of a free play made, on both sides.
    ///
    /// # Errors
    /// When the process ended, or what it says is no reply.
    pub fn ask(&mut self, turn: &Turn) -> io::Result<Reply> {
        let mut line = serde_json::to_string(turn)?;
        line.push('\n');
        let gone = || io::Error::other("the process that plays has ended");
        let input = self.input.as_mut().ok_or_else(gone)?;
        input.write_all(line.as_bytes())?;
        self.line()?.ok_or_else(gone)
    }

    fn line<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            let status = self.child.wait()?;
            return match status.success() {
                true => Ok(None),
                false => Err(io::Error::other(format!(
                    "the process that compares ended: {status}"
                ))),
            };
        }
        Ok(Some(serde_json::from_str(&line)?))
    }
}

/// How long the end of what it is doing is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

impl Session {
    /// Lets it end by itself, so that it ends its own processes.
    fn let_end(&mut self) {
        let Some(input) = self.input.take() else {
            return;
        };
        drop(input);
        let Ok(child) = pidfd::open(self.child.id()) else {
            return;
        };
        let mut fds = [PollFd::new(&child, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE).ok();
        let _ended = poll(&mut fds, patience.as_ref());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.let_end();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::fs::remove_dir_all(&self.directory).is_err() {
            // A call may have closed a directory of it to everybody, its owner too.
            open_up(&self.directory);
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// Lets the owner into a directory and into all below it.
fn open_up(directory: &Path) {
    let _ = std::fs::set_permissions(directory, PermissionsExt::from_mode(0o700));
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
