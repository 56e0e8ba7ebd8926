//! From what was seen to what it means: the first diagnosis whose condition holds.
//!
//! The exercise's own diagnoses come first, in the order of its file, then those that all
//! exercises share; the last of these always holds. Pure: an observation in, a failure out.

use super::blame;
use super::observation::Observation;
use super::stage::{Run, Trouble};
use super::verdict::Failure;
use super::wording;
use crate::curriculum::exercise::{Common, Diagnosis, Exercise, Rule, Stage};
use crate::curriculum::expression;

/// Events that are kept: a program that calls without end must not fill memory and database.
const MOST_EVENTS: usize = 2000;

/// The failure that a trouble amounts to.
///
/// # Errors
/// When a diagnosis is malformed or none holds: a fault of the exercise, in words.
pub fn diagnose(
    exercise: &Exercise,
    common: &Common,
    stage: &Stage,
    run: &Run,
    trouble: &Trouble,
    by_hand: String,
) -> Result<Failure, String> {
    let diagnosis = choose(exercise, common, &trouble.seen)?;
    let rule = rule(exercise, common, &diagnosis.rule.value)
        .ok_or_else(|| format!("there is no rule `{}`", diagnosis.rule.value))?;
    let fill = |template: &str| {
        expression::fill(template, &trouble.seen)
            .map_err(|error| format!("diagnosis `{}`: {error}", diagnosis.id.value))
    };
    let step = &stage.steps[trouble.index];
    let left_out = run.timeline.len().saturating_sub(MOST_EVENTS);
    let outcome = trouble.outcome.as_ref();
    Ok(Failure {
        diagnosis: diagnosis.id.value.clone(),
        rule: rule.id.value.clone(),
        requirement: rule.requirement.clone(),
        reference: rule.reference.clone(),
        did: run.did.clone(),
        expected: wording::expected(&step.action, &trouble.seen, outcome),
        saw: wording::saw(&trouble.seen, outcome),
        cause: fill(&diagnosis.say)?,
        look: fill(&diagnosis.look)?,
        timeline: run.timeline[left_out..].to_vec(),
        timeline_left_out: left_out,
        timeline_note: String::new(),
        by_hand,
        lesson: diagnosis.lesson.as_ref().map(|lesson| lesson.value.clone()),
        output: trouble.stderr.clone(),
        sanitizer: (!trouble.seen.sanitizer.kind.is_empty())
            .then(|| trouble.seen.sanitizer.clone()),
    })
}

/// The first diagnosis that holds.
fn choose<'a>(
    exercise: &'a Exercise,
    common: &'a Common,
    seen: &Observation,
) -> Result<&'a Diagnosis, String> {
    let own = exercise
        .diagnoses
        .iter()
        .filter(|diagnosis| blame::admits(seen.outcome, &diagnosis.when.value));
    for diagnosis in own.chain(&common.diagnoses) {
        let holds = expression::holds(&diagnosis.when.value, seen)
            .map_err(|error| format!("diagnosis `{}`: {error}", diagnosis.id.value))?;
        if holds {
            return Ok(diagnosis);
        }
    }
    Err("no diagnosis holds; common.toml must end with one that always does".to_owned())
}

/// A rule by its id.
pub fn rule<'a>(exercise: &'a Exercise, common: &'a Common, id: &str) -> Option<&'a Rule> {
    exercise
        .rules
        .iter()
        .chain(&common.rules)
        .find(|rule| rule.id.value == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::observation::ProgramState;
    use crate::curriculum::Curriculum;
    use crate::curriculum::source::Source;

    /// Every `program.pid` and `address.kind` in a text.
    fn names(text: &str) -> impl Iterator<Item = (&str, &str)> {
        let parts = [
            "program",
            "second",
            "instance",
            "address",
            "line",
            "limit",
            "sanitizer",
        ];
        parts.into_iter().flat_map(move |part| {
            text.match_indices(part).filter_map(move |(at, _)| {
                // `offline.target` is a word of its own, and so is `on-line.target`.
                let before = text[..at].chars().next_back();
                let inside = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                if before.is_some_and(inside) {
                    return None;
                }
                let field = text[at + part.len()..].strip_prefix('.')?;
                let end = field
                    .find(|character: char| !character.is_alphanumeric() && character != '_')
                    .unwrap_or(field.len());
                (end > 0).then(|| (part, &field[..end]))
            })
        })
    }

    /// An expression stops at the first thing that decides it, so a misspelt name behind it would
    /// stay unseen: names are looked up one by one too.
    #[test]
    fn every_diagnosis_of_the_shipped_exercises_names_only_what_is_observed() {
        let curriculum = match Curriculum::load(&Source::Embedded) {
            Ok(curriculum) => curriculum,
            Err(error) => panic!("{error}"),
        };
        let seen = Observation::default();
        let known = serde_json::to_value(&seen).unwrap();
        let own = curriculum
            .exercises
            .iter()
            .flat_map(|exercise| &exercise.diagnoses);
        for diagnosis in own.chain(&curriculum.common.diagnoses) {
            let id = &diagnosis.id.value;
            expression::holds(&diagnosis.when.value, &seen).unwrap_or_else(|e| panic!("{id}: {e}"));
            for text in [&diagnosis.say, &diagnosis.look] {
                expression::fill(text, &seen).unwrap_or_else(|e| panic!("{id}: {e}"));
            }
            for text in [&diagnosis.when.value, &diagnosis.say, &diagnosis.look] {
                for (part, field) in names(text) {
                    assert!(!known[part][field].is_null(), "{id}: {part}.{field}");
                }
            }
        }
    }

    /// Puts a cause into an observation, as it would be seen if it were the only one.
    type Cause = (&'static str, fn(&mut Observation));

    /// In the order of blame; the diagnosis is that of `common.toml`.
    const CAUSES: [Cause; 8] = [
        ("limit-memory", |seen| {
            seen.limit.which = "memory";
            seen.program.running = false;
        }),
        ("crashed", |seen| {
            seen.program.signal = "SIGSEGV".to_owned();
            seen.program.running = false;
        }),
        ("ended", |seen| {
            seen.program.exited = true;
            seen.program.running = false;
        }),
        ("stopped", |seen| seen.program.stopped = true),
        ("refused", |seen| {
            seen.outcome = "errno";
            seen.errno = "ECONNREFUSED".to_owned();
        }),
        ("closed-early", |seen| {
            seen.outcome = "errno";
            seen.errno = "EPIPE".to_owned();
        }),
        ("other-bytes", |seen| seen.outcome = "mismatch"),
        ("no-answer", |seen| seen.outcome = "timeout"),
    ];

    #[test]
    fn of_two_causes_the_one_that_explains_the_other_is_blamed() {
        let Ok(curriculum) = Curriculum::load(&Source::Embedded) else {
            panic!("it loads");
        };
        let mut exercise = curriculum.exercise("echo-server").unwrap().clone();
        exercise.diagnoses.clear();
        // What a step sees is one thing at a time: the last four cannot meet each other.
        for (place, (expected, first)) in CAUSES.iter().enumerate() {
            let weaker = if place < 4 { place + 1 } else { CAUSES.len() };
            for (_, second) in &CAUSES[weaker..] {
                let mut seen = Observation {
                    program: ProgramState::absent(),
                    ..Observation::default()
                };
                second(&mut seen);
                first(&mut seen);
                blame::settle(&mut seen);
                let found = choose(&exercise, &curriculum.common, &seen).unwrap();
                assert_eq!(&found.id.value, expected, "{seen:#?}");
            }
        }
    }

    #[test]
    fn an_exercises_own_diagnosis_does_not_explain_what_a_limit_did() {
        let Ok(curriculum) = Curriculum::load(&Source::Embedded) else {
            panic!("it loads");
        };
        let mut exercise = curriculum.exercise("echo-server").unwrap().clone();
        for diagnosis in &mut exercise.diagnoses {
            diagnosis.when.value = "not program.running".to_owned();
        }
        let mut seen = Observation::default();
        seen.limit.which = "memory";
        blame::settle(&mut seen);
        let id = |exercise: &Exercise, seen: &Observation| {
            let found = choose(exercise, &curriculum.common, seen).unwrap();
            found.id.value.clone()
        };
        assert_eq!(id(&exercise, &seen), "limit-memory");
        exercise.diagnoses[0].when.value = "limit.which == 'memory'".to_owned();
        assert_eq!(id(&exercise, &seen), exercise.diagnoses[0].id.value);
    }

    #[test]
    fn the_last_shared_diagnosis_always_holds() {
        let Ok(curriculum) = Curriculum::load(&Source::Embedded) else {
            panic!("it loads");
        };
        let last = curriculum.common.diagnoses.last().unwrap();
        assert_eq!(last.when.value, "true");
    }
}
