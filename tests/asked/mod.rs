//! A task that asks through pipes: what it prints up to each question, and the lines that answer. What
//! is right to answer is each test file's.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long anything may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program while it asks. It is killed when this is dropped.
pub struct Asked {
    pub child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// What was printed and not looked at yet. A read may end within a character.
    fresh: Vec<u8>,
}

impl Asked {
    pub fn begin(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: child.stdout.take().unwrap(),
            child,
            fresh: Vec::new(),
        }
    }

    /// What was printed up to the next question; `None` at the end of it all.
    pub fn question(&mut self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.fresh.ends_with(b": ") {
                return Some(String::from_utf8(std::mem::take(&mut self.fresh)).unwrap());
            }
            wait_until(
                &self.output,
                deadline,
                &String::from_utf8_lossy(&self.fresh),
            );
            let mut buffer = [0; 4096];
            let count = self.output.read(&mut buffer).unwrap();
            if count == 0 {
                return None;
            }
            self.fresh.extend(&buffer[..count]);
        }
    }

    pub fn answer(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Ends its input and then the task, without a look at what it says.
    pub fn leave(mut self) {
        drop(self.input.take());
    }

    /// The exit status, and what was printed last.
    pub fn end(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        while self.question().is_some() {}
        let last = String::from_utf8(std::mem::take(&mut self.fresh)).unwrap();
        (self.child.wait().unwrap().code(), last)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until there is something to read; `said` is told when nothing comes.
pub fn wait_until(readable: impl AsFd, deadline: Instant, said: &str) {
    let left = deadline.saturating_duration_since(Instant::now());
    let mut fds = [PollFd::new(&readable, PollFlags::IN)];
    let patience = Timespec::try_from(left).unwrap();
    assert!(poll(&mut fds, Some(&patience)).unwrap() > 0, "{said}");
}
