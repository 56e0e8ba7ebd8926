//! Somebody who knows the answers of questions that are drawn, and passes a lesson over.

use std::collections::BTreeSet;

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::lesson::Lesson;
use ipc_mastery::curriculum::question::{Form, Question};
use ipc_mastery::mastery::proof::{self, Given};
use serde_json::{Value, json};

use super::asking::{DAY, HOUR, MONDAY, ask, at, curriculum, letter, lettered, path, plain};
use super::solving::Seer;
use crate::home::{Home, run};

/// Which of these questions was asked, and as what it was drawn.
pub(super) fn recognized<'a>(
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
pub(super) fn right_line(asked: &proof::Asked<'_>, shown: &str) -> (String, Option<String>) {
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
    let mut asked = ask(home, &["prove", &lesson.slug], now);
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
