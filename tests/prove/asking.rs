//! Asks the program as a learner does, through pipes and on a simulated clock, and reads what it prints.

use std::process::Command;

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::source::Source;
use serde_json::Value;

use crate::asked::Asked;
use crate::home::{Home, run};

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

/// A task being asked on a simulated clock.
pub(super) fn ask(home: &Home, arguments: &[&str], now: i64) -> Asked {
    Asked::begin(&mut at(home, arguments, now))
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
    let mut asked = ask(home, &["prove", task], now);
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
