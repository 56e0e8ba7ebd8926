//! `review` through the real program: on a terminal of its own, on days of a simulated clock.

mod home;
mod terminal;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use home::{Home, Said, run};
use ipc_mastery::mastery::clock::Clock;
use ipc_mastery::mastery::progress::Round;
use ipc_mastery::mastery::store::{Reading, Store};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;
use terminal::{Led, lead};

/// How long anything may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(40);

const DAY: i64 = 86_400;

/// 2026-11-16, a Monday, at noon in UTC.
const MONDAY: i64 = 20_773 * DAY + DAY / 2;

/// Two more questions for the small pack: one in another module, one with reasons.
const MORE: [(&str, &str); 2] = [
    (
        "01-start/01-welcome",
        r#"
[[quiz]]
id = "welcome-1"
kind = "choice"
prompt = "Who says so?"

[[quiz.option]]
text = "the kernel"
ok = true
say = "It has the last word."

[[quiz.option]]
text = "a book"
say = "A book can be wrong."
misconception = "M01"
"#,
    ),
    (
        "02-sockets/02-bytes",
        r#"
[[quiz]]
id = "bytes-1"
kind = "two-tier"
prompt = "What ends a message?"

[[quiz.option]]
text = "nothing"
ok = true
say = "A stream has no messages."

[[quiz.option]]
text = "a write"
say = "Writes leave no border."
misconception = "M01"

[[quiz.reason]]
text = "one queue of bytes"
ok = true

[[quiz.reason]]
text = "one queue of writes"
misconception = "M01"
"#,
    ),
];

struct Learner {
    home: Home,
    pack: PathBuf,
}

impl Learner {
    fn new() -> Self {
        let home = Home::new();
        let pack = home.path("pack");
        copy(&home::small(), &pack);
        for (lesson, quiz) in MORE {
            let path = pack.join("curriculum").join(lesson).join("lesson.toml");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text + quiz).unwrap();
        }
        Self { home, pack }
    }

    fn store(&self, now: i64) -> Store {
        Store::open_in(&self.home.path("state/ipc-mastery"), Clock::At(now)).unwrap()
    }

    fn finish(&self, lesson: &str, now: i64) {
        let reading = Reading {
            lesson,
            block: 0,
            blocks: 1,
        };
        self.store(now).record_reading(reading).unwrap();
    }

    fn finish_all(&self, now: i64) {
        for lesson in ["welcome", "names", "bytes"] {
            self.finish(lesson, now);
        }
    }

    fn command(&self, arguments: &[&str], now: i64) -> Command {
        let mut command = self.home.command(arguments);
        command
            .arg("--curriculum")
            .arg(&self.pack)
            .env("IPC_MASTERY_NOW", now.to_string())
            .env("TZ", "UTC0")
            .env("TERM", "xterm");
        command
    }

    fn says(&self, arguments: &[&str], now: i64) -> Said {
        let said = run(&mut self.command(arguments, now));
        assert_eq!(
            (said.code, said.err.as_str()),
            (Some(0), ""),
            "{}",
            said.out
        );
        said
    }

    fn due(&self, now: i64) -> String {
        self.says(&["review", "--due"], now).out
    }

    fn json(&self, arguments: &[&str], now: i64) -> Value {
        serde_json::from_str(&self.says(arguments, now).out).unwrap()
    }

    /// `review` on a terminal.
    fn review(&self, now: i64) -> Session {
        let led = lead(&self.command(&["review"], now), (80, 24));
        Session {
            led,
            written: Vec::new(),
            said: String::new(),
            read: 0,
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The program on a terminal, asking.
struct Session {
    led: Led,
    written: Vec<u8>,
    /// What was written, without colours.
    said: String,
    /// How much of it was looked at.
    read: usize,
}

impl Session {
    /// Reads until a text appears that was not there before; gives what came up to its end.
    fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.said[self.read..].find(text) {
                let end = self.read + at + text.len();
                let seen = self.said[self.read..end].to_owned();
                self.read = end;
                return seen;
            }
            assert!(self.pump(deadline), "no `{text}` in:\n{}", self.said);
        }
    }

    fn pump(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(&self.led.master, PollFlags::IN)];
        let patience = Timespec::try_from(left).unwrap();
        if poll(&mut fds, Some(&patience)).unwrap() == 0 {
            return false;
        }
        let mut buffer = [0; 4096];
        let count = self.led.master.read(&mut buffer).unwrap_or(0);
        self.written.extend_from_slice(&buffer[..count]);
        let written = String::from_utf8_lossy(&self.written).replace('\r', "");
        self.said = strip_str(&written).to_string();
        count > 0
    }

    fn press(&mut self, keys: &str) {
        self.led.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for a question and gives the answer with this text; gives the question's title.
    fn answer(&mut self, prompt: &str, text: &str) -> String {
        let shown = self.until(prompt);
        let line = |shown: &str| {
            let line = shown
                .lines()
                .find(|line| line.ends_with(&format!(". {text}")));
            let letter = line.and_then(|line| line.trim().chars().next());
            letter.unwrap_or_else(|| panic!("no `{text}` in:\n{shown}"))
        };
        self.press(&format!("{}\n", line(&shown)));
        shown
    }

    fn end(mut self) -> (Option<i32>, String) {
        let status = self.led.child.wait().unwrap();
        // The terminal has all of it by now; this side keeps it open.
        while self.pump(Instant::now()) {}
        (status.code(), self.said[self.read..].to_owned())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind.
        drop(self.led.child.kill());
        drop(self.led.child.wait());
    }
}

/// The right answer to each question, by words of its prompt.
const RIGHT: [(&str, &str); 3] = [
    ("Who says so?", "the kernel"),
    ("What does the name lead to?", "a socket"),
    ("What ends a message?", "nothing"),
];

/// Waits for the next question and answers it right, or wrong where its prompt holds `wrong`.
fn respond(session: &mut Session, wrong: &str) -> String {
    let shown = session.until("Your answer, a or b: ");
    let (prompt, right) = RIGHT
        .into_iter()
        .find(|(prompt, _)| shown.contains(prompt))
        .unwrap_or_else(|| panic!("{shown}"));
    let first = shown.contains(&format!("a. {right}"));
    let is_wrong = prompt == wrong;
    session.press(if first == is_wrong { "b\n" } else { "a\n" });
    if prompt == "What ends a message?" {
        session.answer("Your reason, a or b: ", "one queue of bytes");
    }
    shown
}

#[test]
fn questions_are_asked_missed_ones_twice_and_come_back_on_the_days_that_were_told() {
    let learner = Learner::new();
    learner.finish_all(MONDAY);
    assert_eq!(learner.due(MONDAY), "0\n");
    let tuesday = MONDAY + DAY;
    assert_eq!(learner.due(tuesday), "3\n");

    let missed = "What does the name lead to?";
    let mut session = learner.review(tuesday);
    session.until("3 questions are due.");
    for _ in 0..3 {
        let shown = respond(&mut session, missed);
        if shown.contains(missed) {
            let told = session.until("It comes once more at the end, and again tomorrow.");
            assert!(
                told.contains("✗ Not this one.\n  No bytes are kept there."),
                "{told}"
            );
            assert!(
                !told.contains("✓ a socket"),
                "not told before the second try: {told}"
            );
        } else {
            let told = session.until("It comes back in 2 days, on 2026-11-19.");
            assert!(told.contains("✓ Right."), "{told}");
        }
    }
    let shown = respond(&mut session, "");
    assert!(
        shown.contains("4 of 4 · What a name is · once more"),
        "{shown}"
    );
    session.until("It comes back tomorrow.");
    let (code, rest) = session.end();
    assert_eq!(code, Some(0));
    assert!(rest.contains("2 of 3 right the first time."), "{rest}");
    assert!(rest.contains("Next: tomorrow, 1 question."), "{rest}");

    let rounds: Vec<(Round, bool)> = learner.store(0).snapshot().unwrap().reviews["names-1"]
        .iter()
        .map(|review| (review.round, review.right))
        .collect();
    assert_eq!(rounds, [(Round::Due, false), (Round::OnceMore, true)]);
    for (days, due) in [(1, "0\n"), (2, "1\n"), (3, "3\n")] {
        assert_eq!(learner.due(MONDAY + days * DAY), due, "{days}");
    }
    let listed = learner.json(&["review", "--json"], tuesday + DAY);
    assert_eq!(listed["questions"][0]["item"], "names-1");
    assert_eq!(listed["questions"][0]["misses"], 1);
    assert_eq!(listed["next"]["date"], "2026-11-19");
}

#[test]
fn a_second_miss_tells_the_right_answer() {
    let learner = Learner::new();
    learner.finish("names", MONDAY);
    let missed = "What does the name lead to?";
    let mut session = learner.review(MONDAY + DAY);
    respond(&mut session, missed);
    respond(&mut session, missed);
    let told = session.until("It comes back tomorrow.");
    assert!(told.contains("✓ a socket\n  Yes."), "{told}");
    assert_eq!(session.end().0, Some(0));
}

#[test]
fn a_right_answer_with_a_wrong_reason_is_missed() {
    let learner = Learner::new();
    learner.finish("bytes", MONDAY);
    let mut session = learner.review(MONDAY + DAY);
    session.answer("Your answer, a or b: ", "nothing");
    session.answer("Your reason, a or b: ", "one queue of writes");
    session.until("✗ The answer is right; the reason is not.");
    session.until("once more");
    session.press("\u{4}");
    let reviews = &learner.store(0).snapshot().unwrap().reviews["bytes-1"];
    assert_eq!(
        (
            reviews[0].kept.option,
            reviews[0].kept.reason,
            reviews[0].right
        ),
        (Some(0), Some(1), false)
    );
}

#[test]
fn ctrl_d_and_ctrl_c_end_early_and_keep_what_was_answered() {
    for key in ["\u{4}", "\u{3}"] {
        let learner = Learner::new();
        learner.finish_all(MONDAY);
        let mut session = learner.review(MONDAY + DAY);
        respond(&mut session, "");
        // What is no letter of an option is asked for again.
        session.until("Your answer, a or b: ");
        session.press("c\n");
        session.until("Your answer, a or b: ");
        session.press(key);
        session.until("Ended early: 1 question is answered, and kept.");
        assert_eq!(session.end().0, Some(130));
        assert_eq!(learner.store(0).snapshot().unwrap().reviews.len(), 1);
        assert_eq!(learner.due(MONDAY + DAY), "2\n");
    }
}

#[test]
fn days_are_those_of_the_learners_time_zone() {
    let learner = Learner::new();
    // 2026-11-16, 12:00 UTC is the first hour of Tuesday, 13 hours east.
    learner.finish("names", MONDAY);
    for (zone, now, due) in [
        ("UTC0", MONDAY + DAY / 2, "1\n"),
        ("UTC0", MONDAY + DAY / 2 - 1, "0\n"),
        ("EAST-13", MONDAY + DAY / 2, "0\n"),
        ("EAST-13", MONDAY + DAY - DAY / 24, "1\n"),
        ("WEST11", MONDAY + DAY / 2, "0\n"),
    ] {
        let said = run(learner.command(&["review", "--due"], now).env("TZ", zone));
        assert_eq!(said.out, due, "{zone} {now}");
    }
}

#[test]
fn without_a_terminal_it_lists_what_is_due_and_says_when_the_next_is() {
    let learner = Learner::new();
    let out = |now| learner.says(&["review"], now).out;
    assert!(
        out(MONDAY).starts_with("Nothing comes back yet."),
        "{}",
        out(MONDAY)
    );
    learner.finish("names", MONDAY);
    assert_eq!(
        out(MONDAY),
        "Nothing is due today.\nNext: tomorrow, 1 question.\n"
    );
    assert_eq!(
        out(MONDAY + DAY),
        "1 question is due\n  names-1  What a name is\n"
    );
}

#[test]
fn the_path_tells_what_is_due() {
    let learner = Learner::new();
    let path = |now| learner.says(&["path"], now).out;
    assert!(!path(MONDAY).contains("review"), "{}", path(MONDAY));
    learner.finish_all(MONDAY);
    let tuesday = path(MONDAY + DAY);
    assert!(
        tuesday.ends_with("\nReview: 3 questions are due\n  ipc-mastery review\n"),
        "{tuesday}"
    );
    assert!(
        path(MONDAY).ends_with("\nNext: tomorrow, 3 questions.\n"),
        "{}",
        path(MONDAY)
    );
    let review = |now| learner.json(&["path", "--json"], now)["review"].clone();
    assert_eq!(review(MONDAY + DAY)["due"], 3);
    assert_eq!(review(MONDAY)["next"]["date"], "2026-11-17");
}

#[test]
fn every_answer_is_exported_and_reset_forgets_them() {
    let learner = Learner::new();
    learner.finish("names", MONDAY);
    let mut session = learner.review(MONDAY + DAY);
    respond(&mut session, "What does the name lead to?");
    respond(&mut session, "");
    assert_eq!(session.end().0, Some(0));
    let exported = learner.says(&["review", "--export"], MONDAY).out;
    let lines: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [first, second] = &lines[..] else {
        panic!("{exported}");
    };
    assert_eq!(first["schema"], "ipc-mastery/review-answer/1");
    assert_eq!(
        (&first["item"], &first["lesson"]),
        (&"names-1".into(), &"names".into())
    );
    assert_eq!(first["misconception"], "M01");
    assert_eq!(first["answer"]["at"], MONDAY + DAY);
    assert_eq!(first["answer"]["right"], false);
    assert_eq!(second["answer"]["round"], "once-more");
    assert_eq!(second["misconception"], Value::Null);

    let said = run(&mut learner.command(&["reset", "--yes"], MONDAY));
    assert!(said.err.contains("2 answers in reviews"), "{}", said.err);
    assert_eq!(learner.says(&["review", "--export"], MONDAY).out, "");
    assert_eq!(learner.due(MONDAY + DAY), "0\n");
}

#[test]
fn the_terminal_is_left_as_it_was() {
    let learner = Learner::new();
    learner.finish("names", MONDAY);
    let mut session = learner.review(MONDAY + DAY);
    session.until("Your answer, a or b: ");
    session.press("\u{3}");
    session.until("kept.");
    session.led.child.wait().unwrap();
    let after = nix::sys::termios::tcgetattr(&session.led.slave).unwrap();
    assert_eq!(after.local_flags, session.led.before.local_flags);
}

/// One question of each kind that is no choice; the number is drawn.
const KINDS: &str = r#"
[[quiz]]
id = "kinds-order"
kind = "order"
prompt = "In which order?"
[[quiz.step]]
text = "bind"
say = "The name comes first."
[[quiz.step]]
text = "listen"
say = "Then the queue."
[[quiz.step]]
text = "accept"
say = "What waits is taken last."
[[quiz.trap]]
text = "handshake"
say = "There is none."
misconception = "M01"

[[quiz]]
id = "kinds-match"
kind = "match"
prompt = "What are they for?"
[[quiz.purpose]]
id = "name"
text = "gives a name"
[[quiz.purpose]]
id = "queue"
text = "opens a queue"
[[quiz.line]]
text = "bind(3)"
is = "name"
say = "It makes a name."
[[quiz.line]]
text = "listen(3)"
is = "queue"
say = "It makes a queue."

[[quiz]]
id = "kinds-number"
kind = "number"
prompt = "How many are {{ some }} and {{ more }} together?"
equals = "some + more"
say = "Count all of them."
why = "They add up."
[[quiz.draw]]
name = "some"
from = 10
to = 40
[[quiz.draw]]
name = "more"
from = 50
to = 90
[[quiz.wrong]]
text = "0"
say = "There are some."
misconception = "M01"

[[quiz]]
id = "kinds-name"
kind = "identifier"
prompt = "Which call gives a name?"
accept = ["bind"]
say = "It comes before listen."
why = "It binds a socket to a name."
"#;

/// The letters of these answers, as they were shown.
fn letters(shown: &str, texts: &[&str]) -> String {
    let letter = |text: &&str| {
        let end = format!(". {text}");
        let line = shown.lines().find(|line| line.ends_with(&end));
        let line = line.unwrap_or_else(|| panic!("no `{text}` in:\n{shown}"));
        line.trim().chars().next().unwrap()
    };
    texts.iter().map(letter).collect()
}

#[test]
fn every_kind_is_asked_judged_and_kept_and_what_was_missed_is_drawn_anew() {
    let learner = Learner::new();
    let lesson = learner
        .pack
        .join("curriculum/01-start/01-welcome/lesson.toml");
    let text = fs::read_to_string(&lesson).unwrap();
    fs::write(&lesson, text + KINDS).unwrap();
    learner.finish("welcome", MONDAY);
    let listed = learner.json(&["review", "--json"], MONDAY + DAY);
    let questions = listed["questions"].as_array().unwrap();
    let number = questions.iter().find(|one| one["item"] == "kinds-number");
    let prompt = number.unwrap()["prompt"].as_str().unwrap().to_owned();

    let mut session = learner.review(MONDAY + DAY);
    session.until("5 questions are due.");
    let mut sums: Vec<(u32, u32)> = Vec::new();
    let mut orders = 0;
    // The order and the number are missed once.
    for _ in 0..7 {
        let shown = session.until(": ");
        if shown.contains("Who says so?") {
            session.press(&format!("{}\n", letters(&shown, &["the kernel"])));
        } else if shown.contains("In which order?") {
            orders += 1;
            let given = match orders {
                1 => letters(&shown, &["bind", "handshake", "accept"]),
                _ => letters(&shown, &["bind", "listen", "accept"]),
            };
            session.press(&format!("{given}\n"));
            if orders == 1 {
                let told = session.until("It comes once more");
                assert!(told.contains("“handshake”\n  There is none."), "{told}");
            }
        } else if shown.contains("What are they for?") {
            let given = letters(&shown, &["gives a name", "opens a queue"]);
            session.press(&format!("{given}\n"));
        } else if shown.contains("Which call") {
            session.press("`Bind()`\n");
            session.until("✓ Right.\n  It binds a socket to a name.");
        } else {
            let numbers = shown.split(|one: char| !one.is_ascii_digit());
            let numbers: Vec<u32> = numbers.filter_map(|one| one.parse().ok()).collect();
            let [.., some, more] = numbers[..] else {
                panic!("{shown}");
            };
            if sums.is_empty() {
                let words: Vec<&str> = shown.split_whitespace().collect();
                assert!(
                    words.join(" ").contains(&prompt),
                    "as it was listed: {shown}"
                );
                session.press("many\n");
                session.until("Answer with a whole number, in digits.");
                session.until(": ");
                session.press("0\n");
                session.until("✗ Not this one.\n  There are some.");
            } else {
                session.press(&format!("{}\n", some + more));
                session.until("✓ Right.\n  They add up.");
            }
            sums.push((some, more));
        }
    }
    let (code, rest) = session.end();
    assert_eq!(code, Some(0));
    assert!(rest.contains("3 of 5 right the first time."), "{rest}");
    assert_eq!((sums.len(), orders), (2, 2));
    assert_ne!(sums[0], sums[1]);

    let reviews = learner.store(0).snapshot().unwrap().reviews;
    let words = |item: &str| {
        let kept = reviews[item]
            .iter()
            .map(|one| (one.kept.words.as_deref(), one.right));
        kept.collect::<Vec<_>>()
    };
    let sum = (sums[1].0 + sums[1].1).to_string();
    assert_eq!(
        words("kinds-number"),
        [(Some("0"), false), (Some(sum.as_str()), true)]
    );
    assert_eq!(
        words("kinds-order"),
        [(Some("0 3 2"), false), (Some("0 1 2"), true)]
    );
    assert_eq!(words("kinds-match"), [(Some("0 1"), true)]);
    assert_eq!(words("kinds-name"), [(Some("`Bind()`"), true)]);
    let number = &reviews["kinds-number"];
    assert_ne!(number[0].kept.seed, number[1].kept.seed);
    let exported = learner.says(&["review", "--export"], MONDAY).out;
    let missed = exported.lines().find(|line| line.contains("\"0 3 2\""));
    assert!(
        missed.unwrap().contains("\"misconception\":\"M01\""),
        "{exported}"
    );
}
