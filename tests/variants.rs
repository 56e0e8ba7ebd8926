//! Variants: each is drawn many times and run on this kernel, which must make exactly one answer to
//! each of its questions right, and not always the same one.

use std::collections::BTreeSet;
use std::path::Path;

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::expression;
use ipc_mastery::curriculum::question::Form;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::curriculum::task::{Kind, Live, Task};
use ipc_mastery::experiment::{self, ExperimentError, Observation};
use ipc_mastery::mastery::proof::{Asked, Given, Proof};
use serde_json::{Map, Value, json};

/// How often each variant is drawn and run.
const SEEDS: u64 = 12;

/// The program whose roles an experiment plays.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_ipc-mastery"))
}

fn curriculum() -> Curriculum {
    Curriculum::load(&Source::Embedded).unwrap()
}

fn variants(curriculum: &Curriculum) -> Vec<&Task> {
    let tasks = curriculum.tasks.iter();
    tasks.filter(|task| task.kind == Kind::Variant).collect()
}

fn experiment_of(task: &Task) -> &str {
    match &task.live {
        Some(Live::Experiment { name, .. }) => &name.value,
        _ => panic!("{} has no experiment", task.slug),
    }
}

/// What this kernel did; nothing when the machine lacks something.
fn observed(task: &Task, params: &Map<String, Value>) -> Option<Observation> {
    match experiment::run(experiment_of(task), params, program()) {
        Ok(seen) => Some(seen),
        Err(ExperimentError::Lacking { what, .. }) => {
            eprintln!("skipped: {} needs {what}", task.slug);
            None
        }
        Err(error) => panic!("{} with {params:?}: {error}", task.slug),
    }
}

/// The right answer in words; every other one must be wrong.
fn right(proof: &Proof<'_>, asked: &Asked<'_>, obs: &Value) -> String {
    let place = format!(
        "{}/{} with {:?}",
        proof.task.slug, asked.question.id.value, proof.params
    );
    let is_right = |given: Given| {
        let judged = proof.judge(asked, &given, obs);
        judged
            .unwrap_or_else(|error| panic!("{place}: {error}, {obs}"))
            .right
    };
    match &asked.question.form {
        Form::Choice { options, reasons } => {
            let count = reasons.len().max(1);
            let pairs = (0..options.len()).flat_map(|option| {
                let reasons = reasons.len();
                (0..count).map(move |reason| (option, (reasons > 0).then_some(reason)))
            });
            let found: Vec<_> = pairs
                .filter(|&(option, reason)| is_right(Given::Chosen(option, reason)))
                .collect();
            assert_eq!(found.len(), 1, "{place}");
            let option = &options[asked.shown[found[0].0]];
            proof.text(asked, &option.text, &Value::Null).unwrap()
        }
        Form::Text(word) => {
            let equals = word.equals.as_ref().expect("a variant's key is observed");
            let right = expression::value(&equals.value, &proof.context(obs)).unwrap();
            assert!(!right.is_empty(), "{place}");
            assert!(is_right(Given::Text(right.clone())), "{place}");
            assert!(!is_right(Given::Text(format!("{right}7"))), "{place}");
            for wrong in &word.wrong {
                let text = proof.text(asked, &wrong.text, &Value::Null).unwrap();
                let same = text.trim() == right;
                assert_eq!(is_right(Given::Text(text)), same, "{place}");
            }
            right
        }
        other => panic!("{place}: a variant does not ask with {other:?}"),
    }
}

#[test]
fn every_variant_has_one_right_answer_and_not_always_the_same_one() {
    let curriculum = curriculum();
    let mut ran = 0;
    for task in variants(&curriculum) {
        let mut answers = BTreeSet::new();
        for seed in 0..SEEDS {
            let proof = Proof::draw(task, seed);
            let Some(seen) = observed(task, &proof.params) else {
                break;
            };
            for asked in &proof.asked {
                // All of it is read before anything has happened.
                let prompt = proof.text(asked, &asked.question.prompt, &Value::Null);
                prompt.unwrap_or_else(|error| panic!("{}: {error}", task.slug));
            }
            let of = proof.asked.iter();
            let all: Vec<String> = of.map(|asked| right(&proof, asked, &seen.obs)).collect();
            answers.insert(all);
        }
        assert_ne!(
            answers.len(),
            1,
            "{} has one answer: {answers:?}",
            task.slug
        );
        ran += usize::from(!answers.is_empty());
    }
    assert!(ran >= 4, "{ran} variants could be run");
}

#[test]
fn the_ends_of_every_range_can_be_run() {
    let curriculum = curriculum();
    for task in variants(&curriculum) {
        let Some(Live::Experiment { params, draws, .. }) = &task.live else {
            panic!("{} has no experiment", task.slug);
        };
        for last in [false, true] {
            let mut all = params.clone();
            for draw in draws {
                let value: Value = match (draw.among.is_empty(), last) {
                    (true, false) => draw.from.into(),
                    (true, true) => draw.to.into(),
                    (false, false) => draw.among[0].clone().into(),
                    (false, true) => draw.among[draw.among.len() - 1].clone().into(),
                };
                all.insert(draw.name.clone(), value);
            }
            let Some(seen) = observed(task, &all) else {
                break;
            };
            assert!(seen.obs["a"].is_object(), "{}", task.slug);
        }
    }
}

#[test]
fn every_drawn_parameter_is_told_in_a_question() {
    let curriculum = curriculum();
    for task in variants(&curriculum) {
        let Some(Live::Experiment { draws, .. }) = &task.live else {
            panic!("{} has no experiment", task.slug);
        };
        assert!(!draws.is_empty(), "{} draws nothing", task.slug);
        for draw in draws {
            let name = format!("params.{}", draw.name);
            let told = task.questions.iter().any(|one| one.prompt.contains(&name));
            assert!(told, "{}: nobody is told {name}", task.slug);
        }
    }
}

#[test]
fn guessing_passes_few_variants() {
    let curriculum = curriculum();
    for task in variants(&curriculum) {
        let chances = task.questions.iter().map(|question| match &question.form {
            Form::Choice { options, reasons } => options.len() * reasons.len().max(1),
            // Somebody who knows nothing but the numbers of the question.
            _ => 6,
        });
        let chances: usize = chances.product();
        assert!(chances >= 18, "{}: one of {chances} passes", task.slug);
    }
}

#[test]
fn a_parameter_that_is_not_there_is_answered_with_those_that_are() {
    let curriculum = curriculum();
    for task in variants(&curriculum) {
        let mut params = Map::new();
        params.insert("nothing_of_this_name".to_owned(), json!(1));
        let said = experiment::run(experiment_of(task), &params, program());
        let Err(ExperimentError::Parameters { message, .. }) = said else {
            panic!("{}: {said:?}", task.slug);
        };
        assert!(message.contains("unknown field"), "{message}");
        let Some(Live::Experiment { draws, .. }) = &task.live else {
            panic!("{} has no experiment", task.slug);
        };
        for draw in draws {
            assert!(message.contains(&draw.name), "{message}");
        }
    }
}

#[test]
fn a_lesson_has_one_variant_of_its_own_experiment() {
    let curriculum = curriculum();
    let mut named = BTreeSet::new();
    for lesson in curriculum.lessons() {
        let Some(variant) = &lesson.variant else {
            continue;
        };
        let task = curriculum.task(&variant.value).unwrap();
        let plan = lesson.experiment.as_ref().unwrap();
        assert_eq!(experiment_of(task), plan.name.value, "{}", lesson.slug);
        assert!(named.insert(&task.slug), "{} is named twice", task.slug);
    }
    assert_eq!(named.len(), variants(&curriculum).len());
}
