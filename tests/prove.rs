//! `prove`, and what tasks, reviews and programs together come to: outcomes that are held. A learner
//! here knows every answer from the curriculum's files, reads questions as they are printed, and has
//! nothing but the program, on days of a simulated clock. Others only guess.

mod home;
mod terminal;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use home::{Home, run};
use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::expression;
use ipc_mastery::curriculum::lesson::Lesson;
use ipc_mastery::curriculum::path::Evidence;
use ipc_mastery::curriculum::question::{Answer, Form, Question, Sort, Truth};
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::curriculum::task::{Kind, Live, Task};
use ipc_mastery::mastery::clock::Clock;
use ipc_mastery::mastery::evidence::ledger;
use ipc_mastery::mastery::progress::{
    Kept, LessonProgress, Progress, ProofProgress, ReviewProgress, Round,
};
use ipc_mastery::mastery::proof::{self, Given, Proof};
use ipc_mastery::mastery::review::Deck;
use ipc_mastery::mastery::store::Store;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value, json};
use terminal::{Led, lead};

/// How long anything may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(40);

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// 2026-11-16, a Monday, at noon in UTC.
const MONDAY: i64 = 20_773 * DAY + DAY / 2;

fn curriculum() -> Curriculum {
    Curriculum::load(&Source::Embedded).unwrap()
}

/// Words without markdown and without the lines they were set in.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(['`', '*'], "")
}

/// The program with a simulated clock.
fn at(home: &Home, arguments: &[&str], now: i64) -> Command {
    let mut command = home.command(arguments);
    command
        .env("IPC_MASTERY_NOW", now.to_string())
        .env("TZ", "UTC0")
        .env("TERM", "xterm");
    command
}

/// A task being asked through pipes.
struct Asked {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// What was printed and not looked at yet.
    fresh: String,
}

impl Asked {
    fn begin(home: &Home, arguments: &[&str], now: i64) -> Self {
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
    fn question(&mut self) -> Option<String> {
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

    fn answer(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The exit status, and what was printed last.
    fn end(mut self) -> (Option<i32>, String) {
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
fn lettered(shown: &str) -> Vec<String> {
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

fn letter(shown: &[String], text: &str) -> char {
    let text = plain(text);
    let place = shown.iter().position(|one| *one == text);
    let place = place.unwrap_or_else(|| panic!("no `{text}` in {shown:#?}"));
    char::from(b'a' + place as u8)
}

/// The right line for what a task has just asked.
fn solve(task: &Task, shown: &str) -> String {
    let words = plain(shown);
    let answers = lettered(shown);
    let question = task
        .questions
        .iter()
        .filter(|question| words.contains(&plain(&question.prompt)))
        .max_by_key(|question| question.prompt.len());
    match question.map(|question| &question.form) {
        // A reason is asked for without the question.
        None => {
            let reasons = task
                .questions
                .iter()
                .flat_map(|question| match &question.form {
                    Form::Choice { reasons, .. } => reasons.as_slice(),
                    _ => &[],
                });
            let right = reasons.filter(|one| matches!(one.truth, Truth::Fixed(true)));
            let mut right = right.map(|one| plain(&one.text));
            let right = right.find(|text| answers.contains(text)).unwrap();
            letter(&answers, &right).to_string()
        }
        Some(Form::Choice { options, .. }) => {
            let right = options
                .iter()
                .find(|one| matches!(one.truth, Truth::Fixed(true)));
            letter(&answers, &right.unwrap().text).to_string()
        }
        Some(Form::Order { steps, .. }) => {
            let letters = steps
                .iter()
                .map(|step| letter(&answers, &step.text).to_string());
            letters.collect::<Vec<_>>().join(" ")
        }
        Some(Form::Match {
            lines, purposes, ..
        }) => {
            // The lines stand in the order of the file, those that were drawn.
            let head = &words[..words.find(" a. ").unwrap()];
            let drawn = lines
                .iter()
                .filter(|line| head.contains(&plain(&line.text)));
            let purpose = |is: &str| purposes.iter().find(|one| one.id.value == is).unwrap();
            drawn
                .map(|line| letter(&answers, &purpose(&line.is.value).text))
                .collect()
        }
        Some(Form::Text(word)) => word.accept[0].value.clone(),
    }
}

/// Does a task with every answer right; gives the exit status and the last words.
fn prove(home: &Home, task: &Task, now: i64) -> (Option<i32>, String) {
    if task.kind == Kind::Variant {
        return predict(home, task, now);
    }
    let mut asked = Asked::begin(home, &["prove", &task.slug], now);
    while let Some(shown) = asked.question() {
        let line = solve(task, &shown);
        asked.answer(&line);
    }
    asked.end()
}

/// Does a variant; gives the exit status and the last words.
fn predict(home: &Home, task: &Task, now: i64) -> (Option<i32>, String) {
    let mut asked = Asked::begin(home, &["prove", &task.slug], now);
    let mut seer = Seer::new(home, task);
    while let Some(shown) = asked.question() {
        asked.answer(&seer.line(&shown));
    }
    asked.end()
}

/// Somebody who reads in each question of a variant what was drawn, and tries just that beside before
/// answering.
struct Seer<'a> {
    home: &'a Home,
    task: &'a Task,
    /// Questions that were not asked yet.
    questions: std::slice::Iter<'a, Question>,
    /// What is known of what was drawn.
    params: Map<String, Value>,
    /// The right reason, when that is asked for next.
    reason: Option<String>,
}

impl<'a> Seer<'a> {
    fn new(home: &'a Home, task: &'a Task) -> Self {
        let Some(Live::Experiment { params, .. }) = &task.live else {
            panic!("{} has no experiment", task.slug);
        };
        Self {
            home,
            task,
            questions: task.questions.iter(),
            params: params.clone(),
            reason: None,
        }
    }

    fn is_done(&self) -> bool {
        self.reason.is_none() && self.questions.len() == 0
    }

    /// What the kernel does with what is known.
    fn tried(&self) -> Value {
        let Some(Live::Experiment { name, .. }) = &self.task.live else {
            panic!("{} has no experiment", self.task.slug);
        };
        let typed = self.params.iter().map(|(name, value)| {
            let value = value.as_str();
            let value = value.map_or_else(|| self.params[name].to_string(), str::to_owned);
            format!("--param={name}={value}")
        });
        let typed: Vec<String> = typed.collect();
        let mut arguments = vec!["try", &name.value, "--json"];
        arguments.extend(typed.iter().map(String::as_str));
        let said = run(&mut self.home.command(&arguments));
        assert_eq!(said.code, Some(0), "{}", said.err);
        let seen: Value = serde_json::from_str(&said.out).unwrap();
        serde_json::json!({ "obs": seen["obs"], "params": self.params })
    }

    /// The right line for what was asked.
    fn line(&mut self, shown: &str) -> String {
        let answers = lettered(shown);
        if let Some(right) = self.reason.take() {
            return letter(&answers, &right).to_string();
        }
        let question = self.questions.next().unwrap();
        read_drawn(self.task, &question.prompt, &plain(shown), &mut self.params);
        let context = self.tried();
        match &question.form {
            Form::Choice { options, reasons } => {
                let is_right = |one: &&Answer| match &one.truth {
                    Truth::Fixed(right) => *right,
                    Truth::When(when) => expression::holds(&when.value, &context).unwrap(),
                };
                let text = |one: &Answer| expression::fill(&one.text, &context).unwrap();
                self.reason = reasons.iter().find(is_right).map(text);
                let right = options.iter().find(is_right).map(text).unwrap();
                letter(&answers, &right).to_string()
            }
            Form::Text(word) => {
                let equals = word.equals.as_ref().unwrap();
                expression::value(&equals.value, &context).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Finds out what was drawn by filling a question's text with all that can be drawn for it.
fn read_drawn(task: &Task, prompt: &str, shown: &str, known: &mut Map<String, Value>) {
    let Some(Live::Experiment { draws, .. }) = &task.live else {
        return;
    };
    let named = draws.iter().filter(|draw| {
        prompt.contains(&format!("params.{}", draw.name)) && !known.contains_key(&draw.name)
    });
    let mut cases = vec![known.clone()];
    for draw in named {
        let numbers = (draw.from..=draw.to).map(Value::from);
        let words = draw.among.iter().map(|word| Value::from(word.as_str()));
        let values: Vec<Value> = match draw.among.is_empty() {
            true => numbers.collect(),
            false => words.collect(),
        };
        cases = cases
            .iter()
            .flat_map(|case| {
                values.iter().map(|value| {
                    let mut case = case.clone();
                    case.insert(draw.name.clone(), value.clone());
                    case
                })
            })
            .collect();
    }
    let fits = |case: &Map<String, Value>| {
        let context = serde_json::json!({ "params": case });
        shown.contains(&plain(&expression::fill(prompt, &context).unwrap()))
    };
    let found = cases.into_iter().find(fits);
    *known = found.unwrap_or_else(|| panic!("{}: what was drawn for {shown}?", task.slug));
}

/// Answers the first question wrong, and leaves.
fn give_up(home: &Home, task: &str, now: i64) {
    let mut asked = Asked::begin(home, &["prove", task], now);
    asked.question().unwrap();
    let (code, _) = asked.end();
    assert_eq!(code, Some(130));
}

fn path(home: &Home, now: i64) -> Value {
    let said = run(&mut at(home, &["path", "--json"], now));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    serde_json::from_str(&said.out).unwrap()
}

/// Every outcome that is held, by id.
fn held(home: &Home, now: i64) -> Vec<String> {
    let path = path(home, now);
    let levels = path["levels"].as_array().unwrap().iter();
    let outcomes = levels.flat_map(|level| level["outcomes"].as_array().unwrap());
    outcomes
        .filter(|outcome| outcome["evidence"]["held"] == true)
        .map(|outcome| outcome["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_task_is_listed_with_what_it_is_evidence_for() {
    let home = Home::new();
    let curriculum = curriculum();
    let said = run(&mut home.command(&["prove"]));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for task in &curriculum.tasks {
        assert!(said.out.contains(&task.slug), "{}", said.out);
    }
    let said = run(&mut home.command(&["prove", "--json"]));
    let listing: Value = serde_json::from_str(&said.out).unwrap();
    let tasks = listing["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), curriculum.tasks.len());
    let named = |name: &str| tasks.iter().find(|task| task["name"] == name).unwrap();
    assert_eq!(
        named("connect-steps")["outcomes"],
        serde_json::json!(["O8"])
    );
    assert_eq!(
        named("explore-credentials")["outcomes"],
        serde_json::json!([])
    );
}

#[test]
fn two_types_of_evidence_hold_an_outcome_on_the_day_after() {
    let home = Home::new();
    let curriculum = curriculum();
    let task = |slug: &str| curriculum.task(slug).unwrap();
    let (code, last) = prove(&home, task("connect-steps"), MONDAY);
    assert_eq!(code, Some(0), "{last}");
    assert!(last.contains("evidence for O8"), "{last}");
    let (code, _) = prove(&home, task("where-does-it-say"), MONDAY + HOUR);
    assert_eq!(code, Some(0));
    assert_eq!(held(&home, MONDAY + HOUR), Vec::<String>::new());
    let (code, _) = prove(&home, task("where-does-it-say"), MONDAY + 21 * HOUR);
    assert_eq!(code, Some(0));
    assert_eq!(held(&home, MONDAY + 21 * HOUR), ["O8"]);
    let said = run(&mut at(&home, &["path"], MONDAY + DAY));
    assert!(
        said.out.contains("held: two independent pieces"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("A simulated clock gave the times"),
        "{}",
        said.out
    );
}

#[test]
fn after_a_try_that_was_left_the_next_counts_twenty_hours_later() {
    let home = Home::new();
    let curriculum = curriculum();
    let task = curriculum.task("connect-steps").unwrap();
    give_up(&home, "connect-steps", MONDAY);
    let (code, last) = prove(&home, task, MONDAY + HOUR);
    assert_eq!(code, Some(0));
    assert!(last.contains("practice"), "{last}");
    let outcome = |now| path(&home, now)["levels"][1]["outcomes"][3]["evidence"].clone();
    assert_eq!(outcome(MONDAY + HOUR)["pieces"][0]["state"], "tried");
    // Practice shows the answers, too: it counts from then.
    let (_, last) = prove(&home, task, MONDAY + 20 * HOUR);
    assert!(last.contains("practice"), "{last}");
    let (_, last) = prove(&home, task, MONDAY + 40 * HOUR);
    assert!(last.contains("evidence for O8"), "{last}");
    assert_eq!(outcome(MONDAY + 40 * HOUR)["pieces"][0]["state"], "earned");
}

#[test]
fn a_wrong_answer_is_told_why_and_the_try_is_not_passed() {
    let home = Home::new();
    let curriculum = curriculum();
    let task = curriculum.task("connect-steps").unwrap();
    let Form::Order { steps, traps } = &task.questions[0].form else {
        panic!("an order");
    };
    let mut asked = Asked::begin(&home, &["prove", "O8", "--seed", "1"], MONDAY);
    // The first task of O8 is this one.
    let shown = asked.question().unwrap();
    let answers = lettered(&shown);
    let texts = steps[..8]
        .iter()
        .map(|step| &step.text)
        .chain([&traps[0].text]);
    let letters: String = texts.map(|text| letter(&answers, text)).collect();
    asked.answer(&letters);
    let (code, last) = asked.end();
    assert_eq!(code, Some(1));
    let last = plain(&last);
    assert!(last.contains(&plain(&traps[0].say)), "{last}");
    assert!(last.contains("Not passed: 0 of 1"), "{last}");
    assert_eq!(
        path(&home, MONDAY)["levels"][1]["outcomes"][3]["evidence"]["pieces"][0]["state"],
        "open"
    );
}

#[test]
fn what_is_no_answer_is_asked_again() {
    let home = Home::new();
    let mut asked = Asked::begin(&home, &["prove", "connect-steps", "--seed", "1"], MONDAY);
    asked.question().unwrap();
    for nothing in ["", "1 2 3", "z"] {
        asked.answer(nothing);
        assert!(asked.question().unwrap().contains("letters"), "{nothing}");
    }
    asked.answer("a");
    assert_eq!(asked.end().0, Some(1));
}

/// Which of these questions was asked, and as what it was drawn.
fn recognized<'a>(
    mut questions: impl Iterator<Item = proof::Asked<'a>>,
    shown: &str,
) -> proof::Asked<'a> {
    let words = plain(shown);
    let asked = |asked: &proof::Asked<'_>| {
        let wording = asked.wording(&Value::Null).unwrap();
        let texts = [&wording.prompt].into_iter().chain(&wording.answers);
        texts
            .map(|text| plain(text))
            .all(|text| words.contains(&text))
    };
    let found = questions.find(asked);
    found.unwrap_or_else(|| panic!("nobody knows:\n{shown}"))
}

/// A question in all ways in which it may have been drawn, when this is shown: of a number that is
/// drawn, those that stand there, or all when none does.
fn every_draw<'a>(question: &'a Question, shown: &str) -> Vec<proof::Asked<'a>> {
    // Its words up to what is drawn tell most questions apart.
    let drawn_from = |mark: &str| question.prompt.find(mark).unwrap_or(question.prompt.len());
    let start = drawn_from("{{").min(drawn_from("{%"));
    if !plain(shown).contains(&plain(&question.prompt[..start])) {
        return Vec::new();
    }
    let digits = |c: char| !c.is_ascii_digit();
    let numbers: BTreeSet<i64> = shown.split(digits).filter_map(|n| n.parse().ok()).collect();
    let mut drawn = vec![proof::Asked::alone(question, None)];
    for draw in &question.draws {
        let values: Vec<Value> = if draw.among.is_empty() {
            let shown = numbers.range(draw.from..=draw.to).copied();
            let all = draw.from..=draw.to;
            let shown: Vec<i64> = shown.collect();
            let possible = if shown.is_empty() {
                all.collect()
            } else {
                shown
            };
            possible.into_iter().map(|number| json!(number)).collect()
        } else {
            draw.among.iter().map(|word| json!(word)).collect()
        };
        let with = |asked: &proof::Asked<'a>, value: &Value| {
            let mut asked = asked.clone();
            asked.names.insert(draw.name.clone(), value.clone());
            asked
        };
        drawn = drawn
            .iter()
            .flat_map(|asked| values.iter().map(|value| with(asked, value)))
            .collect();
    }
    if let Form::Match { lines, ask, .. } = &question.form {
        let words = plain(shown);
        for asked in &mut drawn {
            let stands = |line: &usize| {
                let text = asked.text(&lines[*line].text, &Value::Null).unwrap();
                words.contains(&plain(&text))
            };
            asked.second = (0..lines.len()).filter(stands).collect();
        }
        drawn.retain(|asked| asked.second.len() == *ask);
    }
    drawn
}

/// The right line for a question, and the reason that is asked for next.
fn right_line(asked: &proof::Asked<'_>, shown: &str) -> (String, Option<String>) {
    let wording = asked.wording(&Value::Null).unwrap();
    let answers = lettered(shown);
    let letter = |place: usize| letter(&answers, &wording.answers[place]);
    match asked.solution(&Value::Null).unwrap() {
        Given::Chosen(option, reason) => {
            let reason = reason.map(|reason| wording.reasons[reason].clone());
            (letter(option).to_string(), reason)
        }
        Given::Places(places) => (places.into_iter().map(letter).collect(), None),
        Given::Text(word) => (word, None),
    }
}

/// A line that is an answer and not the right one.
fn wrong_line(right: &str, shown: &str) -> String {
    match right.trim() {
        number if number.parse::<u64>().is_ok() => "999999".to_owned(),
        letter if letter.len() == 1 && shown.contains("a. ") => {
            if letter == "a" { "b" } else { "a" }.to_owned()
        }
        other => "a".repeat(other.len()),
    }
}

/// Predicts the variant of a lesson, and answers its questions, so many of them wrong; gives the exit
/// status.
fn show_that_i_know(
    home: &Home,
    curriculum: &Curriculum,
    lesson: &Lesson,
    wrong: usize,
    now: i64,
) -> Option<i32> {
    let mut asked = Asked::begin(home, &["prove", &lesson.slug], now);
    let variant = lesson.variant.as_ref().unwrap();
    let mut seer = Seer::new(home, curriculum.task(&variant.value).unwrap());
    let mut told = 0;
    let mut reason: Option<String> = None;
    while let Some(shown) = asked.question() {
        if !seer.is_done() {
            asked.answer(&seer.line(&shown));
            continue;
        }
        let answers = lettered(&shown);
        if let Some(right) = reason.take() {
            asked.answer(&letter(&answers, &right).to_string());
            continue;
        }
        let drawn = lesson.quiz.iter().flat_map(|item| every_draw(item, &shown));
        let (right, because) = right_line(&recognized(drawn, &shown), &shown);
        reason = because;
        told += 1;
        asked.answer(&match told > wrong {
            true => right,
            false => wrong_line(&right, &shown),
        });
    }
    asked.end().0
}

#[test]
fn somebody_who_knows_a_lesson_passes_it_over_and_still_owes_its_reviews() {
    let home = Home::new();
    let curriculum = curriculum();
    // Its variant is asked first, each time.
    let lesson = curriculum.lesson("endings").unwrap();
    let read = |now| path(&home, now)["lessons"]["done"].clone();
    assert_eq!(
        show_that_i_know(&home, &curriculum, lesson, 2, MONDAY),
        Some(1)
    );
    assert_eq!(read(MONDAY), 0);
    // Too soon: it passes, and changes nothing.
    assert_eq!(
        show_that_i_know(&home, &curriculum, lesson, 1, MONDAY + HOUR),
        Some(0)
    );
    assert_eq!(read(MONDAY + HOUR), 0);
    let later = MONDAY + 2 * DAY;
    assert_eq!(
        show_that_i_know(&home, &curriculum, lesson, 1, later),
        Some(0)
    );
    assert_eq!(read(later), 1);
    let due = |now| run(&mut at(&home, &["review", "--due"], now)).out;
    assert_eq!(due(later), "0\n");
    assert_eq!(due(later + DAY).trim(), lesson.quiz.len().to_string());
    let said = run(&mut at(&home, &["prove", &lesson.slug], later));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("you have opened"), "{}", said.err);
}

#[test]
fn a_task_that_is_not_there_is_named_with_its_nearest() {
    let home = Home::new();
    let said = run(&mut home.command(&["prove", "connect-step"]));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("connect-steps"), "{}", said.err);
    let said = run(&mut home.command(&["prove", "O13"]));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("O13 has no task"), "{}", said.err);
}

#[test]
fn a_simulated_clock_writes_nothing_among_real_times() {
    let home = Home::new();
    let curriculum = curriculum();
    let mut real = Asked::begin(&home, &["prove", "connect-steps"], MONDAY);
    drop(real.input.take());
    drop(real);
    let home = Home::new();
    let mut command = home.command(&["prove", "connect-steps"]);
    command.stdin(Stdio::null());
    assert_eq!(
        run(&mut command).code,
        Some(130),
        "recorded by the machine's clock"
    );
    let mut asked = Asked::begin(&home, &["prove", "O8"], MONDAY);
    let shown = asked.question().unwrap();
    assert!(
        shown.contains("This is practice, and is not recorded"),
        "{shown}"
    );
    let task = curriculum.task("connect-steps").unwrap();
    asked.answer(&solve(task, &shown));
    assert_eq!(asked.end().0, Some(0));
    let progress = path(&home, MONDAY);
    assert_eq!(progress["simulated"], false);
    let pieces = &progress["levels"][1]["outcomes"][3]["evidence"]["pieces"];
    assert_eq!(pieces[0]["state"], "tried", "the one that was left");
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

/// A program on a terminal.
struct OnTerminal {
    led: Led,
    written: Vec<u8>,
    emulator: vt100::Parser,
}

impl OnTerminal {
    fn begin(command: &Command) -> Self {
        Self {
            led: lead(command, (100, 40)),
            written: Vec::new(),
            emulator: vt100::Parser::new(cells(40), cells(100), 0),
        }
    }

    /// Everything that was written, without colours.
    fn said(&self) -> String {
        let written = String::from_utf8_lossy(&self.written).replace('\r', "");
        strip_str(&written).to_string()
    }

    /// Reads until something holds, or the program has ended: then false.
    fn until(&mut self, holds: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(
                Instant::now() < deadline,
                "{}",
                self.emulator.screen().contents()
            );
            // Looked at again now and then: the end of the program is no event of its terminal,
            // whose other end this side holds open.
            let patience = Timespec::try_from(Duration::from_millis(50)).unwrap();
            let mut fds = [PollFd::new(&self.led.master, PollFlags::IN)];
            if poll(&mut fds, Some(&patience)).unwrap() > 0 {
                let mut buffer = [0; 4096];
                let count = self.led.master.read(&mut buffer).unwrap_or(0);
                self.written.extend_from_slice(&buffer[..count]);
                self.emulator.process(&buffer[..count]);
            } else if self.led.child.try_wait().unwrap().is_some() {
                return false;
            }
        }
        true
    }

    /// Reads until the screen shows a text.
    fn shows(&mut self, text: &str) {
        assert!(self.until(|it| it.emulator.screen().contents().contains(text)));
    }

    fn press(&mut self, keys: &str) {
        self.led.master.write_all(keys.as_bytes()).unwrap();
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        drop(self.led.child.kill());
        drop(self.led.child.wait());
    }
}

/// Opens a lesson on the screen and goes to its end, past its questions.
fn read_through(home: &Home, lesson: &str, now: i64) {
    let mut session = OnTerminal::begin(&at(home, &["learn", lesson], now));
    session.shows("The question");
    session.press(&"s".repeat(60));
    session.press("G");
    session.shows("end of the lesson");
    session.press("q");
    session.until(|_| false);
    assert!(session.led.child.wait().unwrap().success());
}

/// Answers all that is due today, right.
fn review(home: &Home, curriculum: &Curriculum, now: i64) {
    let due = run(&mut at(home, &["review", "--due"], now));
    if due.out.trim() == "0" {
        return;
    }
    let store = Store::open_in(&home.path("state/ipc-mastery"), Clock::At(now)).unwrap();
    let progress = store.snapshot().unwrap();
    let deck = Deck::new(curriculum, &progress, now, |at| at.div_euclid(DAY));
    let cards = deck.due();
    let mut session = OnTerminal::begin(&at(home, &["review"], now));
    let mut read = 0;
    let mut reason: Option<String> = None;
    while session.until(|it| it.said().len() > read && it.said().ends_with(": ")) {
        let said = session.said();
        let shown = &said[read..];
        read = said.len();
        let line = match reason.take() {
            Some(right) => letter(&lettered(shown), &right).to_string(),
            None => {
                let asked = cards.iter().map(|card| card.asked(Round::Due).0);
                let (line, because) = right_line(&recognized(asked, shown), shown);
                reason = because;
                line
            }
        };
        session.press(&format!("{line}\n"));
    }
    assert!(session.led.child.wait().unwrap().success());
}

#[test]
fn a_learner_who_knows_reaches_level_2_in_three_weeks_with_nothing_but_the_program() {
    let home = Home::new();
    let curriculum = curriculum();
    let levels = &curriculum.path.levels[..2];
    let outcomes: Vec<_> = levels.iter().flat_map(|level| &level.outcomes).collect();
    let mut lessons: Vec<&str> = Vec::new();
    let mut tasks: Vec<&Task> = Vec::new();
    let mut exercises: Vec<&str> = Vec::new();
    for evidence in outcomes.iter().flat_map(|outcome| &outcome.evidence) {
        match evidence {
            Evidence::Retrieval(named) => {
                lessons.extend(named.iter().map(|one| one.value.as_str()));
            }
            Evidence::Task(slug) => tasks.extend(curriculum.task(&slug.value)),
            Evidence::Exercise(slug) => exercises.push(&slug.value),
        }
    }
    lessons.sort_unstable();
    lessons.dedup();
    // What is measured on this machine is tried in a test of its own; tmux may be missing.
    tasks.retain(|task| {
        task.live.is_none()
            || task.kind == Kind::Variant && task.slug != "the-tmux-time-capsule-variant"
    });
    for lesson in lessons {
        read_through(&home, lesson, MONDAY);
    }
    for task in tasks {
        let (code, last) = prove(&home, task, MONDAY + HOUR);
        assert_eq!(code, Some(0), "{}: {last}", task.slug);
    }
    assert_eq!(
        held(&home, MONDAY + HOUR),
        Vec::<String>::new(),
        "nothing on the first day"
    );
    for exercise in exercises {
        let program = home.path(exercise);
        let start = [
            "start",
            exercise,
            "--lang",
            "python",
            "--dir",
            program.to_str().unwrap(),
        ];
        assert_eq!(run(&mut at(&home, &start, MONDAY + DAY)).code, Some(0));
        let exercise = curriculum.exercise(exercise).unwrap();
        for file in &exercise.files {
            if let Some(name) = file.name.strip_prefix("solution/python/") {
                std::fs::write(program.join(name), &file.bytes).unwrap();
            }
        }
        let check = ["check", &exercise.slug, "--dir", program.to_str().unwrap()];
        let said = run(&mut at(&home, &check, MONDAY + DAY));
        assert_eq!(said.code, Some(0), "{}", said.out);
    }
    let mut day = MONDAY;
    let wanted: Vec<String> = outcomes.iter().map(|outcome| outcome.id.clone()).collect();
    let reached = |home: &Home, day| {
        let held = held(home, day);
        wanted.iter().all(|id| held.contains(id))
    };
    while !reached(&home, day) {
        day += DAY;
        assert!(day <= MONDAY + 21 * DAY, "{:?}", held(&home, day));
        review(&home, &curriculum, day);
        for task in to_be_repeated(&home, day) {
            let (code, last) = prove(&home, curriculum.task(&task).unwrap(), day);
            assert_eq!(code, Some(0), "{task}: {last}");
        }
    }
}

/// Tasks of outcomes that have two pieces, both of the first day: once more, now that it counts.
fn to_be_repeated(home: &Home, now: i64) -> Vec<String> {
    let path = path(home, now);
    let levels = path["levels"].as_array().unwrap().iter();
    let outcomes = levels.flat_map(|level| level["outcomes"].as_array().unwrap());
    let waiting = outcomes
        .map(|outcome| &outcome["evidence"])
        .filter(|evidence| evidence["waits_until"].as_i64().is_some_and(|at| at <= now));
    waiting
        .map(|evidence| evidence["pieces"][0]["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound.max(1) as u64) as usize
    }

    fn letters(&mut self, count: usize, among: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..among).collect();
        for last in (1..among).rev() {
            all.swap(last, self.below(last + 1));
        }
        all.truncate(count);
        all
    }
}

/// An answer in the right form by somebody who knows nothing, and takes numbers from the question.
fn guess(asked: &proof::Asked<'_>, dice: &mut Dice) -> Given {
    match &asked.question.form {
        Form::Choice { options, reasons } => {
            let reason = dice.below(reasons.len());
            Given::Chosen(
                dice.below(options.len()),
                (!reasons.is_empty()).then_some(reason),
            )
        }
        Form::Order { steps, traps } => {
            Given::Places(dice.letters(steps.len(), steps.len() + traps.len()))
        }
        Form::Match { purposes, ask, .. } => {
            Given::Places((0..*ask).map(|_| dice.below(purposes.len())).collect())
        }
        Form::Text(word) if word.sort == Sort::Number => {
            let wording = asked.wording(&Value::Null).unwrap();
            let prompt = wording.prompt.split(|one: char| !one.is_ascii_digit());
            let mut numbers: Vec<&str> = prompt.filter(|word| !word.is_empty()).collect();
            numbers.extend(["0", "1", "2"]);
            Given::Text(numbers[dice.below(numbers.len())].to_owned())
        }
        Form::Text(_) => Given::Text(format!("unix_{}", dice.below(1000))),
    }
}

/// Three weeks of somebody who reads everything on the first day, then guesses: every task of a
/// level once a day, and every question that is due.
fn guesser(curriculum: &Curriculum, seed: u64) -> Progress {
    let mut dice = Dice(seed);
    let mut progress = Progress::default();
    for lesson in curriculum.lessons() {
        let read = LessonProgress {
            first_read_at: Some(MONDAY),
            finished_at: Some(MONDAY),
            ..LessonProgress::default()
        };
        progress.lessons.insert(lesson.slug.clone(), read);
    }
    for day in 1..=21 {
        let now = MONDAY + day * DAY;
        for task in curriculum.tasks.iter().filter(|task| task.live.is_none()) {
            let proof = Proof::draw(task, seed.wrapping_mul(31).wrapping_add(day as u64));
            let right = proof.asked.iter().filter(|asked| {
                let given = guess(asked, &mut dice);
                proof.judge(asked, &given, &Value::Null).unwrap().right
            });
            let right = right.count() as u32;
            let of = proof.asked.len() as u32;
            let tried = ProofProgress {
                at: now,
                counts: true,
                right,
                of,
                passed: right == of,
            };
            progress
                .proofs
                .entry(task.slug.clone())
                .or_default()
                .push(tried);
        }
        // Who guesses what the kernel will do is right as often as the answers allow; a number is
        // guessed as one of six.
        for task in curriculum
            .tasks
            .iter()
            .filter(|task| task.kind == Kind::Variant)
        {
            let right = task.questions.iter().filter(|question| {
                let chances = match &question.form {
                    Form::Choice { options, reasons } => options.len() * reasons.len().max(1),
                    _ => 6,
                };
                dice.below(chances) == 0
            });
            let (right, of) = (right.count() as u32, task.questions.len() as u32);
            let tried = ProofProgress {
                at: now,
                counts: true,
                right,
                of,
                passed: right == of,
            };
            progress
                .proofs
                .entry(task.slug.clone())
                .or_default()
                .push(tried);
        }
        let due: Vec<(String, Kept, bool)> = {
            let deck = Deck::new(curriculum, &progress, now, |at| at.div_euclid(DAY));
            let cards = deck.due().into_iter();
            cards
                .map(|card| {
                    let (asked, seed) = card.asked(Round::Due);
                    let given = guess(&asked, &mut dice);
                    let right = asked.judge(&given, &Value::Null).unwrap().right;
                    let kept = asked.kept(&given, Some(seed));
                    (card.item.id.value.clone(), kept, right)
                })
                .collect()
        };
        for (item, kept, right) in due {
            let review = ReviewProgress {
                at: now,
                round: Round::Due,
                kept,
                right,
            };
            progress.reviews.entry(item).or_default().push(review);
        }
    }
    progress
}

#[test]
fn none_of_a_thousand_who_guess_for_three_weeks_reaches_level_1() {
    let curriculum = curriculum();
    let first = &curriculum.path.levels[0].outcomes;
    let mut most = 0;
    for seed in 0..1000 {
        let progress = guesser(&curriculum, seed);
        let held = first
            .iter()
            .filter(|outcome| ledger(&curriculum, outcome, &progress).held);
        most = most.max(held.count());
    }
    assert!(most < first.len() / 2, "{most} of {} outcomes", first.len());
}
