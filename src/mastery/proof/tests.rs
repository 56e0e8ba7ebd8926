//! Tasks of each form, drawn and judged.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::curriculum::question::{
    Answer, Draw, Form, MatchLine, Purpose, Step, Trap, Truth, Word, WrongWord,
};
use crate::curriculum::reader::Located;
use crate::curriculum::source::Source;
use crate::curriculum::{Curriculum, task};

fn named(value: &str) -> Located<String> {
    Located {
        value: value.to_owned(),
        ..Located::default()
    }
}

fn task(forms: Vec<Form>) -> Task {
    let questions = forms.into_iter().enumerate();
    let questions: Vec<Question> = questions
        .map(|(number, form)| Question {
            id: named(&format!("q{number}")),
            form,
            ..Question::default()
        })
        .collect();
    Task {
        slug: "t".to_owned(),
        ask: questions.len(),
        questions,
        ..Task::default()
    }
}

/// Steps one, two and three, of which two and three may change places, and a trap.
fn ordered() -> Form {
    let step = |text: &str, together| Step {
        text: text.to_owned(),
        say: format!("why {text}"),
        together,
    };
    Form::Order {
        steps: vec![step("one", false), step("two", false), step("three", true)],
        traps: vec![Trap {
            text: "trap".to_owned(),
            say: "why not".to_owned(),
            misconception: Some(named("M01")),
        }],
    }
}

/// What a learner would type for these indices.
fn places(asked: &Asked<'_>, indices: &[usize]) -> Given {
    let place = |index: &usize| asked.shown.iter().position(|shown| shown == index).unwrap();
    Given::Places(indices.iter().map(place).collect())
}

fn judged(task: &Task, given: impl Fn(&Asked<'_>) -> Given, obs: &Value) -> Judged {
    let proof = Proof::draw(task, 7);
    let asked = &proof.asked[0];
    proof.judge(asked, &given(asked), obs).unwrap()
}

#[test]
fn an_order_is_right_with_every_step_in_its_place_and_nothing_else() {
    let task = task(vec![ordered()]);
    let right =
        |indices: &[usize]| judged(&task, |asked| places(asked, indices), &Value::Null).right;
    assert!(right(&[0, 1, 2]));
    assert!(right(&[0, 2, 1]), "two and three may change places");
    for wrong in [
        &[1, 0, 2][..],
        &[0, 1],
        &[0, 1, 2, 3],
        &[3, 0, 1, 2],
        &[0, 1, 1],
        &[0, 0, 1, 2],
        &[2, 1, 0],
        &[],
    ] {
        assert!(!right(wrong), "{wrong:?}");
    }
}

#[test]
fn a_trap_is_told_with_its_misconception_and_a_misplaced_step_with_its_reason() {
    let task = task(vec![ordered()]);
    let told = judged(&task, |asked| places(asked, &[3, 1, 0, 2]), &Value::Null);
    let said: Vec<&str> = told.notes.iter().map(|note| note.say.as_str()).collect();
    assert_eq!(said, ["why not", "why one"]);
    assert_eq!(told.notes[0].misconception.as_deref(), Some("M01"));
}

#[test]
fn letters_that_were_not_shown_are_wrong_and_harmless() {
    let task = task(vec![ordered()]);
    let told = judged(&task, |_| Given::Places(vec![0, 25, 3]), &Value::Null);
    assert!(!told.right);
}

fn matching() -> Form {
    let line = |text: &str, is: &str| MatchLine {
        text: text.to_owned(),
        is: named(is),
        say: format!("why {text}"),
    };
    let purpose = |id: &str, misconception: Option<&str>| Purpose {
        id: named(id),
        misconception: misconception.map(named),
        ..Purpose::default()
    };
    Form::Match {
        lines: vec![line("l0", "p0"), line("l1", "p1"), line("l2", "p0")],
        purposes: vec![
            purpose("p0", None),
            purpose("p1", None),
            purpose("p2", Some("M02")),
        ],
        ask: 2,
    }
}

#[test]
fn a_match_asks_some_lines_in_their_order_and_each_must_have_its_purpose() {
    let task = task(vec![matching()]);
    let mut drawn = BTreeSet::new();
    for seed in 0..60 {
        let proof = Proof::draw(&task, seed);
        let asked = &proof.asked[0];
        assert_eq!(asked.second.len(), 2);
        assert!(asked.second[0] < asked.second[1]);
        drawn.insert(asked.second.clone());
        let purpose = |line: &usize| usize::from(*line == 1);
        let right: Vec<usize> = asked.second.iter().map(purpose).collect();
        let told = proof
            .judge(asked, &places(asked, &right), &Value::Null)
            .unwrap();
        assert!(told.right && told.notes.is_empty());
        let told = proof
            .judge(asked, &places(asked, &[2, right[1]]), &Value::Null)
            .unwrap();
        assert!(!told.right);
        assert_eq!(told.notes.len(), 1);
        assert_eq!(told.notes[0].misconception.as_deref(), Some("M02"));
    }
    assert_eq!(drawn.len(), 3, "every pair of lines is drawn");
}

#[test]
fn a_word_is_right_whatever_its_case_and_quotes_and_a_foreseen_one_is_explained() {
    let word = Form::Text(Word {
        accept: vec![named("unix_find_bsd"), named("0755")],
        say: "look".to_owned(),
        wrong: vec![WrongWord {
            text: "unix_listen".to_owned(),
            say: "no".to_owned(),
            misconception: Some(named("M03")),
        }],
        ..Word::default()
    });
    let task = task(vec![word]);
    let told = |text: &str| judged(&task, |_| Given::Text(text.to_owned()), &Value::Null);
    for right in ["unix_find_bsd", " `UNIX_find_bsd()` ", "755", "0755"] {
        assert!(told(right).right, "{right}");
    }
    assert_eq!(told("unix_listen()").notes[0].say, "no");
    assert_eq!(told("else").notes[0].say, "look");
    assert!(!told("unix_find").right);
}

#[test]
fn a_choice_needs_the_answer_and_the_reason() {
    let answer = |ok, misconception: &str| Answer {
        truth: Truth::Fixed(ok),
        say: misconception.to_owned(),
        misconception: (!ok).then(|| named(misconception)),
        ..Answer::default()
    };
    let task = task(vec![Form::Choice {
        options: vec![answer(true, "o"), answer(false, "M01")],
        reasons: vec![answer(false, "M02"), answer(true, "r")],
    }]);
    let told = |option: usize, reason: usize| {
        judged(
            &task,
            |asked| {
                let place = |order: &[usize], index| order.iter().position(|&one| one == index);
                let reason = place(&asked.second, reason);
                Given::Chosen(place(&asked.shown, option).unwrap(), reason)
            },
            &Value::Null,
        )
    };
    assert!(told(0, 1).right);
    assert!(!told(0, 0).right && !told(1, 1).right);
    let half = told(0, 0);
    assert!(half.half);
    assert_eq!(half.notes[1].misconception.as_deref(), Some("M02"));
    assert!(!told(1, 0).half && !told(1, 1).half && !told(0, 1).half);
}

#[test]
fn what_is_drawn_decides_texts_and_truth_of_a_variant() {
    let option = |when: &str| Answer {
        text: "{{ params.n * 2 }}".to_owned(),
        truth: Truth::When(named(when)),
        ..Answer::default()
    };
    let form = Form::Choice {
        options: vec![option("obs.a == params.n"), option("obs.a != params.n")],
        reasons: Vec::new(),
    };
    let mut task = task(vec![form]);
    task.kind = task::Kind::Variant;
    task.live = Some(Live::Experiment {
        name: named("x"),
        params: Map::new(),
        draws: vec![Draw {
            name: "n".to_owned(),
            from: -2,
            to: 2,
            ..Draw::default()
        }],
    });
    let mut drawn = BTreeSet::new();
    for seed in 0..100 {
        let proof = Proof::draw(&task, seed);
        let n = proof.params["n"].as_i64().unwrap();
        drawn.insert(n);
        let asked = &proof.asked[0];
        let first = asked.shown.iter().position(|&index| index == 0).unwrap();
        let given = Given::Chosen(first, None);
        assert!(
            proof
                .judge(asked, &given, &json!({ "a": n }))
                .unwrap()
                .right
        );
        assert!(
            !proof
                .judge(asked, &given, &json!({ "a": 9 }))
                .unwrap()
                .right
        );
        let text = proof
            .text(asked, "{{ params.n * 2 }}", &Value::Null)
            .unwrap();
        assert_eq!(text, (2 * n).to_string());
        proof.judge(asked, &given, &json!({})).unwrap_err();
    }
    assert_eq!(Vec::from_iter(drawn), [-2, -1, 0, 1, 2]);
}

#[test]
fn a_pool_is_drawn_differently_and_a_seed_draws_the_same() {
    let mut task = task(vec![ordered(), ordered(), ordered(), ordered()]);
    task.ask = 2;
    task.pass = 2;
    let ids = |seed| {
        let proof = Proof::draw(&task, seed);
        let asked = proof.asked.iter();
        asked
            .map(|asked| asked.question.id.value.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(3), ids(3));
    let all: BTreeSet<Vec<String>> = (0..200).map(ids).collect();
    assert_eq!(all.len(), 12, "two of four, in any order");
}

/// Tasks that need nothing of the machine.
fn shipped() -> Vec<Task> {
    let curriculum = Curriculum::load(&Source::Embedded).unwrap();
    let tasks = curriculum.tasks.into_iter();
    tasks.filter(|task| task.live.is_none()).collect()
}

#[test]
fn every_shipped_task_is_passed_by_its_right_answers_however_it_is_drawn() {
    let tasks = shipped();
    assert!(tasks.len() >= 10, "{}", tasks.len());
    for task in &tasks {
        for seed in 0..50 {
            let proof = Proof::draw(task, seed);
            assert_eq!(proof.asked.len(), task.ask);
            for asked in &proof.asked {
                let solution = asked.solution(&Value::Null).unwrap();
                let judged = proof.judge(asked, &solution, &Value::Null).unwrap();
                assert!(judged.right, "{}/{}", task.slug, asked.question.id.value);
            }
        }
    }
}

/// Somebody who knows nothing, and answers in the right form.
fn guessed(asked: &Asked<'_>, dice: &mut Dice) -> Given {
    let letters = |dice: &mut Dice, count: usize, among: usize| {
        let mut letters = dice.order(among);
        letters.truncate(count);
        letters
    };
    match &asked.question.form {
        Form::Choice { options, reasons } => {
            let option = dice.below(options.len() as u64) as usize;
            let reason = dice.below(reasons.len().max(1) as u64) as usize;
            Given::Chosen(option, (!reasons.is_empty()).then_some(reason))
        }
        Form::Order { steps, traps } => {
            Given::Places(letters(dice, steps.len(), steps.len() + traps.len()))
        }
        Form::Match { purposes, ask, .. } => {
            let any = |_| dice.below(purposes.len() as u64) as usize;
            Given::Places((0..*ask).map(any).collect())
        }
        Form::Text(_) => Given::Text(format!("unix_{}", dice.below(1000))),
    }
}

#[test]
fn a_thousand_guessers_pass_next_to_nothing() {
    for task in shipped() {
        let mut dice = Dice::new(1, &task.slug);
        let mut passed = 0;
        for seed in 0..1000 {
            let proof = Proof::draw(&task, seed);
            let all = proof.asked.iter().all(|asked| {
                let given = guessed(asked, &mut dice);
                proof.judge(asked, &given, &Value::Null).unwrap().right
            });
            passed += u32::from(all);
        }
        assert!(passed < 20, "{}: {passed} of 1000", task.slug);
    }
}
