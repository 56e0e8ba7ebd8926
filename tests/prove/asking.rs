//! Asks the program as a learner does, through pipes and on a simulated clock, and reads what it prints.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::source::Source;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

use crate::home::{Home, run};

/// How long anything may take on a machine that is busy with other things.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 24 * HOUR;

/// 2026-11-16, a Monday, at noon in UTC.
pub(super) const MONDAY: i64 = 20_773 * DAY + DAY / 2;

pub(super) fn curriculum() -> Curriculum {
    Curriculum::load(&Source::Embedded).unwrap()
}

/// Words without markdown and without the lines they were set in.
pub(super) fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(['`', '*'], "")
}

/// The program with a simulated clock.
pub(super) fn at(home: &Home, arguments: &[&str], now: i64) -> Command {
    let mut command = home.command(arguments);
    command
        .env("IPC_MASTERY_NOW", now.to_string())
        .env("TZ", "UTC0")
        .env("TERM", "xterm");
    command
}

/// A task being asked through pipes.
pub(super) struct Asked {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// What was printed and not looked at yet.
    fresh: String,
}

impl Asked {
    pub(super) fn begin(home: &Home, arguments: &[&str], now: i64) -> Self {
        let mut child = at(home, arguments, now)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            output: child.stdout.take().unwrap(),
            child,
            fresh: String::new(),
        }
    }

    /// What was printed up to the next question; `None` at the end of it all.
    pub(super) fn question(&mut self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.fresh.ends_with(": ") {
                return Some(std::mem::take(&mut self.fresh));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&self.output, PollFlags::IN)];
            let patience = Timespec::try_from(left).unwrap();
            assert!(
                poll(&mut fds, Some(&patience)).unwrap() > 0,
                "{}",
                self.fresh
            );
            let mut buffer = [0; 4096];
            let count = self.output.read(&mut buffer).unwrap();
            if count == 0 {
                return None;
            }
            self.fresh += std::str::from_utf8(&buffer[..count]).unwrap();
        }
    }

    pub(super) fn answer(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Ends its input and then the task, without a look at what it says.
    pub(super) fn leave(mut self) {
        drop(self.input.take());
    }

    /// The exit status, and what was printed last.
    pub(super) fn end(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        while self.question().is_some() {}
        (self.child.wait().unwrap().code(), self.fresh.clone())
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The lettered answers of a question as it was printed: their words, in the order of the letters.
pub(super) fn lettered(shown: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in shown.lines() {
        let next = char::from(b'a' + found.len() as u8);
        if let Some(rest) = line.trim_start().strip_prefix(&format!("{next}. ")) {
            found.push(rest.to_owned());
        } else if line.starts_with("     ")
            && let Some(last) = found.last_mut()
        {
            *last += &format!(" {}", line.trim());
        }
    }
    found.iter().map(|text| plain(text)).collect()
}

pub(super) fn letter(shown: &[String], text: &str) -> char {
    let text = plain(text);
    let place = shown.iter().position(|one| *one == text);
    let place = place.unwrap_or_else(|| panic!("no `{text}` in {shown:#?}"));
    char::from(b'a' + place as u8)
}

/// Answers the first question wrong, and leaves.
pub(super) fn give_up(home: &Home, task: &str, now: i64) {
    let mut asked = Asked::begin(home, &["prove", task], now);
    asked.question().unwrap();
    let (code, _) = asked.end();
    assert_eq!(code, Some(130));
}

pub(super) fn path(home: &Home, now: i64) -> Value {
    let said = run(&mut at(home, &["path", "--json"], now));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    serde_json::from_str(&said.out).unwrap()
}

/// Every outcome that is held, by id.
pub(super) fn held(home: &Home, now: i64) -> Vec<String> {
    let path = path(home, now);
    let levels = path["levels"].as_array().unwrap().iter();
    let outcomes = levels.flat_map(|level| level["outcomes"].as_array().unwrap());
    outcomes
        .filter(|outcome| outcome["evidence"]["held"] == true)
        .map(|outcome| outcome["id"].as_str().unwrap().to_owned())
        .collect()
}
