//! Somebody who does a task with every answer right: from the curriculum's files, and for a variant from a
//! run beside.

use ipc_mastery::curriculum::expression;
use ipc_mastery::curriculum::question::{Answer, Form, Question, Truth};
use ipc_mastery::curriculum::task::{Kind, Live, Task};
use serde_json::{Map, Value};

use super::asking::{ask, letter, lettered, plain};
use crate::home::{Home, run};

/// The right line for what a task has just asked.
pub(super) fn solve(task: &Task, shown: &str) -> String {
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
pub(super) fn prove(home: &Home, task: &Task, now: i64) -> (Option<i32>, String) {
    if task.kind == Kind::Variant {
        return predict(home, task, now);
    }
    let mut asked = ask(home, &["prove", &task.slug], now);
    while let Some(shown) = asked.question() {
        let line = solve(task, &shown);
        asked.answer(&line);
    }
    asked.end()
}

/// Does a variant; gives the exit status and the last words.
fn predict(home: &Home, task: &Task, now: i64) -> (Option<i32>, String) {
    let mut asked = ask(home, &["prove", &task.slug], now);
    let mut seer = Seer::new(home, task);
    while let Some(shown) = asked.question() {
        asked.answer(&seer.line(&shown));
    }
    asked.end()
}

/// Somebody who reads in each question of a variant what was drawn, and tries just that beside before
/// answering.
pub(super) struct Seer<'a> {
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
    pub(super) fn new(home: &'a Home, task: &'a Task) -> Self {
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

    pub(super) fn is_done(&self) -> bool {
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
    pub(super) fn line(&mut self, shown: &str) -> String {
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
