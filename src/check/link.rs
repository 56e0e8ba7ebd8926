//! The grader's end of the line to a helper process: ask, wait for the answer, give up in time.
//!
//! A helper is our own binary in a hidden role, on one end of a socket pair that is its standard
//! input. When the grader dies the line breaks, and the helper cleans up and ends. What is said is
//! [`super::protocol`]'s.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cancel::Cancel;
use super::patience;
use crate::sys::clock::Deadline;
use crate::sys::process;

/// How much of a wait one look may count for, in milliseconds. A machine that stands still for
/// seconds (its owner suspends it, an emulator is not scheduled) stops the helper as well as us:
/// such a pause uses up this much of our patience and no more. Nor does that of a look in which the
/// helper, or whoever else is below us, waited for a CPU: a helper's own deadline moves by as much.
const LOOK_MS: u64 = 500;

/// Why a helper did not answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It could not be started.
    #[error("cannot start a helper process")]
    Start(#[source] io::Error),
    /// It ended, or said something that makes no sense.
    #[error("the {role} process ended or is not understood: {reason}")]
    Broken {
        /// Which.
        role: &'static str,
        /// What was seen.
        reason: String,
    },
    /// It did not answer in time.
    #[error("the {role} process did not answer in time ({doing})")]
    Late {
        /// Which.
        role: &'static str,
        /// What the process table said of it then.
        doing: String,
    },
    /// The check was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// What is left of our patience with a helper.
struct Looks {
    /// In microseconds.
    left_us: u64,
    /// How much of what is waited for a CPU may still count for nothing, in microseconds.
    free_us: u64,
    /// What had been waited for a CPU at the last look, in microseconds.
    starved_us: u64,
}

impl Looks {
    /// Patience of so many milliseconds, from now on.
    fn of(patience_ms: u64) -> Self {
        Self {
            left_us: patience_ms.saturating_mul(1000),
            free_us: patience_ms.saturating_mul(1000 * patience::MOST),
            starved_us: patience::starved_us(),
        }
    }
}

/// A helper process.
#[derive(Debug)]
pub struct Link {
    role: &'static str,
    child: Child,
    end: End,
}

/// Our own binary, for playing roles.
///
/// # Errors
/// When /proc is not there to tell.
pub fn own_binary() -> io::Result<PathBuf> {
    // Tests of the library are another program; they say where ours is.
    match std::env::var_os("IPC_MASTERY_BINARY") {
        Some(path) if cfg!(debug_assertions) => Ok(PathBuf::from(path)),
        _ => std::env::current_exe(),
    }
}

impl Link {
    /// Starts our own binary in a role.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(role: &'static str) -> Result<Self, LinkError> {
        let start = || {
            let (ours, theirs) = UnixStream::pair()?;
            let child = Command::new(own_binary()?)
                .args(["__role", role])
                // Ctrl-C is for the grader: helpers end when the line breaks, after cleaning up.
                .process_group(0)
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::null())
                .stderr(Stdio::inherit())
                .spawn()?;
            patience::watch(child.id() as i32);
            // We may be kept waiting as well.
            patience::watch_helper(std::process::id() as i32);
            Ok(Self {
                role,
                child,
                end: End::new(ours)?,
            })
        };
        start().map_err(LinkError::Start)
    }

    /// Asks something and waits for the answer, so many milliseconds that we could watch.
    ///
    /// # Errors
    /// When the helper is gone, silent for longer, or the check is cancelled.
    pub fn ask<T: DeserializeOwned>(
        &mut self,
        question: &impl Serialize,
        patience_ms: u64,
        cancel: &Cancel,
    ) -> Result<T, LinkError> {
        let line = line_of(question).expect("a question is plain data");
        let mut rest = line.as_slice();
        let mut looks = Looks::of(patience_ms);
        while !self.end.write(&mut rest).map_err(|it| self.broken(it))? {
            self.wait(PollFlags::POLLOUT, &mut looks, cancel)?;
        }
        loop {
            if let Some(answer) = self.end.next().map_err(|it| self.broken(it))? {
                return Ok(answer);
            }
            self.wait(PollFlags::POLLIN, &mut looks, cancel)?;
        }
    }

    fn broken(&self, reason: impl ToString) -> LinkError {
        LinkError::Broken {
            role: self.role,
            reason: reason.to_string(),
        }
    }

    /// Waits until there is something to do, while there are looks left.
    fn wait(&self, flags: PollFlags, looks: &mut Looks, cancel: &Cancel) -> Result<(), LinkError> {
        let mut fds = [
            PollFd::new(self.end.stream.as_fd(), flags),
            PollFd::new(cancel.as_fd(), PollFlags::POLLIN),
        ];
        match nix::poll::poll(&mut fds, Deadline::after_ms(LOOK_MS).poll_timeout()) {
            _ if cancel.is_cancelled() => Err(LinkError::Cancelled),
            Ok(0) if looks.left_us == 0 => Err(LinkError::Late {
                role: self.role,
                doing: self.doing(),
            }),
            Ok(0) => {
                let starved_us = patience::starved_us();
                let waited_us = starved_us.saturating_sub(looks.starved_us);
                looks.starved_us = starved_us;
                let free_us = waited_us.min(LOOK_MS * 1000).min(looks.free_us);
                looks.free_us -= free_us;
                looks.left_us = looks.left_us.saturating_sub(LOOK_MS * 1000 - free_us);
                Ok(())
            }
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(self.broken(error)),
        }
    }
}

impl Link {
    /// What the helper is at, for whoever has to find out why it is silent.
    fn doing(&self) -> String {
        let pid = self.child.id() as i32;
        let Some(stat) = process::stat(pid) else {
            return "it is gone".to_owned();
        };
        let call = match process::syscall(pid) {
            Some((number, _)) => format!(" in {}", process::syscall_name(number).0),
            None => String::new(),
        };
        let tree: String = process::descendants(pid)
            .into_iter()
            .filter_map(process::stat)
            .map(|below| below.state)
            .collect();
        format!(
            "its state is {}{call}, those below it are `{tree}`",
            stat.state
        )
    }
}

impl Drop for Link {
    /// Breaks the line and waits for the helper to clean up; one that does not is killed.
    fn drop(&mut self) {
        patience::forget(self.child.id() as i32);
        drop(self.end.stream.shutdown(std::net::Shutdown::Both));
        let pid = rustix::process::Pid::from_child(&self.child);
        let patience = Deadline::after_ms(5000);
        if let Ok(pidfd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
            let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
            while let Err(nix::errno::Errno::EINTR) =
                nix::poll::poll(&mut fds, patience.poll_timeout())
            {}
        }
        // Without a descriptor for that, a look now and then must do.
        while matches!(self.child.try_wait(), Ok(None)) && !patience.passed() {
            let now_and_then = nix::poll::PollTimeout::from(10_u8);
            let _ = nix::poll::poll(&mut [], now_and_then);
        }
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// The helper's end: reads questions from standard input and writes answers there.
#[derive(Debug)]
pub struct Line {
    end: End,
}

impl Line {
    /// Takes standard input, which the grader made one end of a socket pair.
    ///
    /// # Errors
    /// When standard input is not such a thing.
    pub fn from_stdin() -> io::Result<Self> {
        let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        stream.peer_addr()?;
        Ok(Self {
            end: End::new(stream)?,
        })
    }

    /// The next question, if one has arrived whole; `Err` when the grader is gone.
    ///
    /// # Errors
    /// End of file, or nonsense.
    pub fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        self.end.next()
    }

    /// Answers.
    ///
    /// # Errors
    /// When the grader is gone.
    pub fn answer(&mut self, answer: &impl Serialize) -> io::Result<()> {
        let line = line_of(answer)?;
        let mut rest = line.as_slice();
        while !self.end.write(&mut rest)? {
            let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLOUT)];
            let _ = nix::poll::poll(&mut fds, nix::poll::PollTimeout::NONE);
        }
        Ok(())
    }
}

/// One JSON object and a line feed.
fn line_of(message: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// Either end: whole lines over a stream that never blocks.
#[derive(Debug)]
struct End {
    stream: UnixStream,
    unread: Vec<u8>,
    /// How many of `unread` are known to hold no line feed.
    searched: usize,
}

impl End {
    fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            unread: Vec::new(),
            searched: 0,
        })
    }

    /// Writes as much as goes through; whether that was all of it.
    fn write(&mut self, rest: &mut &[u8]) -> io::Result<bool> {
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => *rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The next message, if it has arrived whole.
    fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let new = &self.unread[self.searched..];
            if let Some(end) = new.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=self.searched + end).collect();
                self.searched = 0;
                return serde_json::from_slice(&line).map(Some).map_err(Into::into);
            }
            self.searched = self.unread.len();
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.unread.extend(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.end.stream.as_fd()
    }
}
