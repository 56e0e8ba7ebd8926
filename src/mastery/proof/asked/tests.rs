//! Questions of lessons, asked alone: those that are shipped, however they are drawn.

use std::collections::BTreeSet;

use super::*;
use crate::curriculum::Curriculum;
use crate::curriculum::source::Source;

/// Every question of every lesson.
fn shipped() -> Vec<Question> {
    let curriculum = Curriculum::load(&Source::Embedded).unwrap();
    let items = curriculum.lessons().flat_map(|lesson| &lesson.quiz);
    items.cloned().collect()
}

/// As its lesson shows it, and as fifty reviews do.
fn seeds() -> impl Iterator<Item = Option<u64>> {
    std::iter::once(None).chain((0..50).map(Some))
}

#[test]
fn every_question_of_a_lesson_is_answered_by_its_key_and_the_answer_can_be_kept() {
    let mut kinds = BTreeSet::new();
    for item in &shipped() {
        kinds.insert(item.form.word());
        assert_eq!(item.answerable(), Ok(()), "{}", item.id.value);
        for seed in seeds() {
            let asked = Asked::alone(item, seed);
            let told = || format!("{} {seed:?} {:?}", item.id.value, asked.names);
            let wording = asked.wording(&Value::Null).unwrap();
            let key = asked.key(&Value::Null).unwrap();
            let judged = asked.judge(&key.solution, &Value::Null).unwrap();
            assert!(judged.right, "{}", told());
            let texts = [&wording.answers, &wording.reasons, &wording.lines];
            let mut texts = texts.into_iter().flatten().chain([&wording.prompt]);
            assert!(texts.all(|text| !text.contains("{{")), "{}", told());
            let kept = asked.kept(&key.solution, seed);
            assert_eq!(kept.seed, seed);
            assert_eq!(asked.given(&kept), Some(key.solution), "{}", told());
        }
    }
    let all = [
        "choice",
        "identifier",
        "match",
        "number",
        "order",
        "two-tier",
    ];
    assert_eq!(Vec::from_iter(kinds), all);
}

#[test]
fn a_wrong_word_that_was_foreseen_is_told_its_own_feedback_and_misconception() {
    let mut told = 0;
    for item in &shipped() {
        let Form::Text(word) = &item.form else {
            continue;
        };
        for (seed, wrong) in seeds().flat_map(|seed| word.wrong.iter().map(move |it| (seed, it))) {
            let asked = Asked::alone(item, seed);
            let text = asked.text(&wrong.text, &Value::Null).unwrap();
            let judged = asked.judge(&Given::Text(text.clone()), &Value::Null);
            let judged = judged.unwrap();
            assert!(!judged.right, "{}: {text}", item.id.value);
            assert_eq!(judged.notes.len(), 1);
            // Two of them may be the same word this time; the first is told.
            assert!(judged.notes[0].misconception.is_some());
            told += 1;
        }
    }
    assert!(told > 500, "{told}");
}

#[test]
fn a_seed_draws_the_same_every_time_and_seeds_draw_different_values_and_orders() {
    let items = shipped();
    let drawn = items.iter().filter(|item| !item.draws.is_empty());
    let mut generators = 0;
    for item in drawn {
        generators += 1;
        let values: BTreeSet<String> = (0..50)
            .map(|seed| {
                let [one, again] = [(); 2].map(|()| Asked::alone(item, Some(seed)));
                assert_eq!(
                    (&one.names, &one.shown, &one.second),
                    (&again.names, &again.shown, &again.second)
                );
                Value::Object(one.names).to_string()
            })
            .collect();
        assert!(values.len() > 1, "{}", item.id.value);
    }
    assert!(generators >= 20, "{generators}");
    let order = items
        .iter()
        .find(|item| item.form.word() == "order")
        .unwrap();
    let orders: BTreeSet<Vec<usize>> = (0..20)
        .map(|seed| Asked::alone(order, Some(seed)).shown)
        .collect();
    assert!(orders.len() > 10, "{orders:?}");
}

#[test]
fn an_answer_that_does_not_fit_its_question_any_more_is_none() {
    let items = shipped();
    let of = |kind: &str| items.iter().find(|item| item.form.word() == kind).unwrap();
    let chosen = Kept::chosen(1, None);
    let typed = Kept {
        words: Some("7".to_owned()),
        ..Kept::default()
    };
    for kind in ["number", "identifier", "order", "match"] {
        assert_eq!(Asked::alone(of(kind), None).given(&chosen), None, "{kind}");
    }
    for kind in ["choice", "two-tier", "order"] {
        assert_eq!(Asked::alone(of(kind), None).given(&typed), None, "{kind}");
    }
    let far = Kept::chosen(9, None);
    assert_eq!(Asked::alone(of("choice"), None).given(&far), None);
}

#[test]
fn what_was_not_shown_is_kept_as_a_dash() {
    let items = shipped();
    let order = items
        .iter()
        .find(|item| item.form.word() == "order")
        .unwrap();
    let asked = Asked::alone(order, None);
    let given = Given::Places(vec![0, 25]);
    let kept = asked.kept(&given, None);
    assert_eq!(kept.words, Some(format!("{} -", asked.shown[0])));
    let back = asked.given(&kept).unwrap();
    assert_eq!(back, Given::Places(vec![0, usize::MAX]));
    assert!(!asked.judge(&back, &Value::Null).unwrap().right);
}
