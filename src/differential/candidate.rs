//! A kernel that somebody wrote, as a program: a call a line goes in, an outcome a line comes back.
//!
//! What the lines mean is [`crate::model::script`]'s, whether they are right is [`super::examine`]'s.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{MsgFlags, recv, send};
use serde::{Deserialize, Serialize};

/// The longest line that is read, in bytes: no answer needs nearly as many.
const LONGEST: usize = 64 * 1024;

/// A program behind a stream socket.
#[derive(Debug)]
pub struct Candidate {
    channel: OwnedFd,
    /// What came and was not yet taken for an answer.
    pending: Vec<u8>,
    /// How long an answer may take.
    patience: Duration,
}

/// Why there are no more answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// None came in time.
    Late,
    /// The program closed its end, or is gone.
    Ended,
    /// A line came that has no end.
    Endless,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Lines, without what ends them.
    pub lines: Vec<String>,
    /// Why there are fewer than were asked for; `None`: there are not.
    pub silence: Option<Silence>,
}

impl Candidate {
    /// The program at the other end of this stream socket, whose answers may take so long each.
    pub fn new(channel: OwnedFd, patience: Duration) -> Self {
        Self {
            channel,
            pending: Vec::new(),
            patience,
        }
    }

    /// Sends lines and waits for as many.
    ///
    /// # Errors
    /// When the socket cannot be used at all.
    pub fn ask(&mut self, lines: &[String]) -> io::Result<Answers> {
        let mut text: Vec<u8> = Vec::new();
        for line in lines {
            text.extend(line.as_bytes());
            text.push(b'\n');
        }
        let mut sent = 0;
        let mut answers = Answers::default();
        let mut heard = Instant::now();
        loop {
            self.take(&mut answers.lines, lines.len());
            if answers.lines.len() == lines.len() {
                return Ok(answers);
            }
            if self.pending.len() > LONGEST {
                answers.silence = Some(Silence::Endless);
                return Ok(answers);
            }
            let left = self.patience.saturating_sub(heard.elapsed());
            let wanted = match sent < text.len() {
                true => PollFlags::POLLIN | PollFlags::POLLOUT,
                false => PollFlags::POLLIN,
            };
            let mut fds = [PollFd::new(self.channel.as_fd(), wanted)];
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match nix::poll::poll(&mut fds, timeout) {
                Ok(0) => {
                    answers.silence = Some(Silence::Late);
                    return Ok(answers);
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            let ready = fds[0].revents().unwrap_or(PollFlags::empty());
            if ready.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR) {
                if !self.read()? {
                    self.take(&mut answers.lines, lines.len());
                    if answers.lines.len() < lines.len() {
                        answers.silence = Some(Silence::Ended);
                    }
                    return Ok(answers);
                }
                heard = Instant::now();
            } else if ready.contains(PollFlags::POLLOUT) {
                sent += self.write(&text[sent..])?;
            }
        }
    }

    /// Whether something came that nobody asked for.
    pub fn has_said_more(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Reads what is there; `false`: the end.
    fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        match recv(
            self.channel.as_raw_fd(),
            &mut buffer,
            MsgFlags::MSG_DONTWAIT,
        ) {
            Ok(0) | Err(Errno::ECONNRESET) => Ok(false),
            Ok(count) => {
                self.pending.extend(&buffer[..count]);
                Ok(true)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Writes as much as there is room for. Where nobody reads any more nothing is left to write: the
    /// end is found by reading.
    fn write(&self, text: &[u8]) -> io::Result<usize> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        match send(self.channel.as_raw_fd(), text, flags) {
            Ok(count) => Ok(count),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(Errno::EPIPE | Errno::ECONNRESET) => Ok(text.len()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn take(&mut self, lines: &mut Vec<String>, most: usize) {
        let mut start = 0;
        while lines.len() < most
            && let Some(len) = self.pending[start..].iter().position(|byte| *byte == b'\n')
        {
            let line = &self.pending[start..start + len];
            lines.push(String::from_utf8_lossy(line).trim().to_owned());
            start += len + 1;
        }
        self.pending.drain(..start);
    }
}
