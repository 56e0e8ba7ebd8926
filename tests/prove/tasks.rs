//! Tasks: how they are listed, what counts as a try, and what is said to a wrong answer.

use std::process::Stdio;

use ipc_mastery::curriculum::question::Form;
use serde_json::Value;

use super::asking::{
    DAY, HOUR, MONDAY, ask, at, curriculum, give_up, held, letter, lettered, path, plain,
};
use super::solving::{prove, solve};
use crate::home::{Home, run};

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
    let mut asked = ask(&home, &["prove", "O8", "--seed", "1"], MONDAY);
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
    let mut asked = ask(&home, &["prove", "connect-steps", "--seed", "1"], MONDAY);
    asked.question().unwrap();
    for nothing in ["", "1 2 3", "z"] {
        asked.answer(nothing);
        assert!(asked.question().unwrap().contains("letters"), "{nothing}");
    }
    asked.answer("a");
    assert_eq!(asked.end().0, Some(1));
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
    let real = ask(&home, &["prove", "connect-steps"], MONDAY);
    real.leave();
    let home = Home::new();
    let mut command = home.command(&["prove", "connect-steps"]);
    command.stdin(Stdio::null());
    assert_eq!(
        run(&mut command).code,
        Some(130),
        "recorded by the machine's clock"
    );
    let mut asked = ask(&home, &["prove", "O8"], MONDAY);
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
