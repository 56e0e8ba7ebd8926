//! Every claim of the shipped lessons holds on this kernel, and every one of them can fail: shown
//! for each, by changing what it reads and by turning what it says around.

use std::path::Path;
use std::process::{Command, Stdio};

use ipc_mastery::curriculum::claim::Backing;
use ipc_mastery::curriculum::expression;
use ipc_mastery::curriculum::lesson::Lesson;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::curriculum::{Curriculum, LoadError};
use ipc_mastery::experiment::claims::{Finding, Report, Standing, judge};
use ipc_mastery::experiment::{ExperimentError, Observation, run};
use serde_json::{Value, json};

fn curriculum() -> Curriculum {
    match Curriculum::load(&Source::Embedded) {
        Ok(curriculum) => curriculum,
        Err(LoadError::Problems(problems)) => panic!("{problems}"),
        Err(error) => panic!("{error}"),
    }
}

fn observe(lesson: &Lesson) -> Option<Result<Observation, ExperimentError>> {
    let plan = lesson.experiment.as_ref()?;
    let program = Path::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    Some(run(&plan.name.value, &plan.params, program))
}

/// Other values that a place of an observation could have had.
fn others(value: &Value, neighbours: &[Value]) -> Vec<Value> {
    let mut others = match value {
        Value::Bool(truth) => vec![json!(!truth)],
        Value::Number(number) => {
            let number = number.as_i64().expect("a whole number");
            vec![json!(number + 1), json!(number - 1), json!(number + 1000)]
        }
        Value::String(text) => vec![json!(format!("{text}x")), json!("other"), json!("")],
        other => panic!("{other} is read as a whole"),
    };
    others.extend_from_slice(neighbours);
    others
}

/// The texts and numbers that an expression compares with.
fn literals(expression: &str) -> Vec<Value> {
    let texts = expression.split('\'').skip(1).step_by(2);
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric());
    let numbers = words.filter_map(|word| word.parse::<i64>().ok());
    texts
        .map(|text| json!(text))
        .chain(numbers.map(|number| json!(number)))
        .collect()
}

#[test]
fn this_kernel_differs_from_no_claim() {
    for lesson in curriculum().lessons() {
        let observed = observe(lesson);
        let kernel = ipc_mastery::experiment::running_kernel();
        for finding in judge(lesson, observed.as_ref(), &kernel).findings {
            let bad = matches!(finding.standing, Standing::Differs | Standing::Failed);
            assert!(!bad, "{}: {finding:#?}", lesson.slug);
        }
    }
}

/// A value that could be anything would be no part of the proof.
#[test]
fn every_claim_fails_when_any_value_that_it_reads_is_another() {
    let mut tried = 0;
    for lesson in curriculum().lessons() {
        let Some(Ok(observation)) = observe(lesson) else {
            continue;
        };
        let seen = json!({ "obs": observation.obs });
        for claim in &lesson.claims {
            let Backing::Holds(holds) = &claim.backing else {
                continue;
            };
            let names = expression::names(&holds.value);
            let pointer = |name: &String| format!("/{}", name.replace('.', "/"));
            let read: Vec<Value> = names
                .iter()
                .map(|name| seen.pointer(&pointer(name)).expect("observed").clone())
                .collect();
            let neighbours = [read.clone(), literals(&holds.value)].concat();
            for (name, value) in names.iter().zip(&read) {
                let fails = others(value, &neighbours).into_iter().any(|other| {
                    let mut changed = seen.clone();
                    *changed.pointer_mut(&pointer(name)).expect("observed") = other;
                    expression::holds(&holds.value, &changed) == Ok(false)
                });
                let id = &claim.id.value;
                assert!(fails, "{id} holds whatever {name} is: {}", holds.value);
                tried += 1;
            }
        }
    }
    assert!(tried >= 40, "{tried}");
}

/// `try --all --json` of a directory: the exit status and what differs, by id.
fn differing(pack: &Path) -> (Option<i32>, Vec<String>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(["try", "--all", "--json", "--curriculum"])
        .arg(pack)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let ids = standing_so(&report, "differs");
    (output.status.code(), ids, report)
}

/// What stands so in a report of `try --all --json`, by id.
fn standing_so(report: &Value, standing: &str) -> Vec<String> {
    let lessons = report["lessons"].as_array().expect("lessons");
    let findings = lessons
        .iter()
        .flat_map(|lesson| lesson["findings"].as_array().expect("findings"));
    findings
        .filter(|finding| finding["standing"] == standing)
        .map(|finding| finding["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// The claim of this index says the opposite.
fn turned_around(lesson: &Lesson, index: usize) -> Option<Lesson> {
    let mut wrong = lesson.clone();
    let Backing::Holds(holds) = &mut wrong.claims[index].backing else {
        return None;
    };
    holds.value = format!("not ({})", holds.value);
    Some(wrong)
}

#[test]
fn each_claim_turned_around_is_the_one_that_differs() {
    let mut turned = 0;
    for lesson in curriculum().lessons() {
        let observed = observe(lesson);
        for (index, claim) in lesson.claims.iter().enumerate() {
            let Some(wrong) = turned_around(lesson, index) else {
                continue;
            };
            if !matches!(observed, Some(Ok(_))) {
                continue;
            }
            let findings = judge(lesson, observed.as_ref(), "6.18").findings;
            let lacking = |finding: &Finding| {
                finding.id == claim.id.value && finding.standing == Standing::CannotRun
            };
            if findings.iter().any(lacking) {
                eprintln!("skipped: {} cannot be run here", claim.id.value);
                continue;
            }
            let report = Report::new(
                "6.18".into(),
                vec![judge(&wrong, observed.as_ref(), "6.18")],
            );
            let differing: Vec<&str> = report.lessons[0]
                .findings
                .iter()
                .filter(|finding| finding.standing == Standing::Differs)
                .map(|finding| finding.id.as_str())
                .collect();
            assert_eq!(differing, [claim.id.value.as_str()]);
            turned += 1;
        }
    }
    assert!(turned >= 40, "{turned}");
}

/// The shipped curriculum in a directory where it can be changed.
fn copied_pack() -> tempfile::TempDir {
    let pack = tempfile::tempdir().expect("a directory");
    let copied = Command::new("cp")
        .args(["-r", "curriculum", "exercises"])
        .arg(pack.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(copied.expect("cp runs").success());
    pack
}

/// The same through the program, with a wrong claim in every lesson at once.
#[test]
fn try_all_finds_exactly_the_claims_that_are_wrong_in_a_directory_and_ends_with_1() {
    let pack = copied_pack();
    let (code, _, report) = differing(pack.path());
    assert_eq!(code, Some(0));
    let cannot_run = standing_so(&report, "cannot-run");
    let mut turned = Vec::new();
    for module in &curriculum().modules {
        for lesson in &module.lessons {
            let holding = lesson.claims.iter().find_map(|claim| match &claim.backing {
                Backing::Holds(_) if cannot_run.contains(&claim.id.value) => None,
                Backing::Holds(holds) => Some((claim, holds)),
                Backing::Reference { .. } => None,
            });
            let Some((claim, holds)) = holding else {
                continue;
            };
            let name = format!(
                "curriculum/{:02}-{}/{:02}-{}/lesson.toml",
                module.number, module.slug, lesson.number, lesson.slug
            );
            let mut text = std::fs::read_to_string(pack.path().join(&name)).expect("a lesson");
            let opposite = format!("'''not ({})'''", holds.value);
            text.replace_range(holds.span.clone(), &opposite);
            std::fs::write(pack.path().join(&name), text).expect("written");
            turned.push(claim.id.value.clone());
        }
    }
    assert!(turned.len() >= 7, "{turned:?}");
    let (code, ids, report) = differing(pack.path());
    assert_eq!(ids, turned);
    assert_eq!(code, Some(1));
    assert_eq!(report["summary"]["claims"]["differs"], turned.len());
}

#[test]
fn a_claim_that_differs_is_told_with_its_sentence_expression_values_and_version() {
    let pack = copied_pack();
    let name = "curriculum/02-af-unix/30-bytes-not-messages/lesson.toml";
    let lesson = pack.path().join(name);
    let mut text = std::fs::read_to_string(&lesson).expect("a lesson");
    text += "\n[[claim]]\nid = \"zz\"\nsays = \"A read waits for a full buffer.\"\n\
             holds = \"obs.a.count == obs.a.room\"\n";
    std::fs::write(&lesson, text).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(["try", "--all", "--curriculum"])
        .arg(pack.path())
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).expect("text");
    for part in [
        "✗ A read waits for a full buffer.",
        "obs.a.count == obs.a.room",
        "obs.a.count = 12, obs.a.room = 100",
        "It was checked on Linux 6.1.176, 6.12.107, 6.18.44.",
        "1 differ",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}
