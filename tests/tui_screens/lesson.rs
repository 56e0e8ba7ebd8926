//! A lesson: what it shows, when it goes on, what it remembers.

use std::sync::Arc;

use ipc_mastery::curriculum::lesson::{Block, Shown};
use ipc_mastery::experiment::{Call, Observation};
use ipc_mastery::mastery::progress::{AnswerProgress, Kept, Progress};
use ipc_mastery::mastery::proof::Asked;
use ipc_mastery::probe::Name;
use ipc_mastery::tui::effect::{Effect, Memory};
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::lesson::Piece;
use ipc_mastery::tui::model::{Model, Screen, Size};
use ipc_mastery::tui::path::Node;
use ipc_mastery::tui::update::{open, update};
use ratatui::crossterm::event::KeyCode;
use serde_json::json;

use super::drawing::{LARGE, SMALL, both_sizes, drawn, enter, letter, model, press};
use super::probes::{look, sockets};

pub(super) fn lesson(model: &mut Model, slug: &str) -> Vec<Effect> {
    let mut effects = open(model, &Node::Lesson(slug.to_owned()));
    effects.extend(update(model, Event::Resize));
    effects
}

fn observation() -> Observation {
    let call = |who: &str, call: &str, result: &str, decisive| Call {
        part: "a".to_owned(),
        who: who.to_owned(),
        call: call.to_owned(),
        result: result.to_owned(),
        decisive,
    };
    Observation {
        schema: "ipc-mastery/observation/1".to_owned(),
        experiment: "unix.bytes".to_owned(),
        kernel: "6.18.0".to_owned(),
        calls: vec![
            call("client", "write(3, \"GET 1;\", 6)", "6", false),
            call("client", "write(3, \"GET 2;\", 6)", "6", false),
            call(
                "server",
                "read(4, buffer, 100)",
                "12 \"GET 1;GET 2;\"",
                true,
            ),
        ],
        obs: json!({ "a": { "count": 12 } }),
    }
}

fn observed(model: &mut Model) -> Vec<Effect> {
    let event = Event::Observed {
        lesson: "bytes".to_owned(),
        result: Ok(Box::new(observation())),
    };
    update(model, event)
}

#[test]
fn a_lesson_with_a_live_probe() {
    both_sizes!("lesson_probe", |size| {
        let mut model = model(size);
        lesson(&mut model, "what-is-it");
        let ask = Name::RuntimeDir.into();
        let result = Ok(look(sockets()));
        update(&mut model, Event::Probed { ask, result });
        model
    });
}

#[test]
fn a_lesson_that_waits_for_a_prediction() {
    both_sizes!("lesson_predict", |size| {
        let mut model = model(size);
        lesson(&mut model, "bytes");
        letter(&mut model, '1');
        enter(&mut model);
        letter(&mut model, '2');
        model
    });
}

/// A lesson up to its quiz, everything answered as its reader is told to.
pub(super) fn up_to_the_quiz(size: Size) -> Model {
    let mut model = model(size);
    lesson(&mut model, "bytes");
    letter(&mut model, '1');
    enter(&mut model);
    enter(&mut model);
    enter(&mut model);
    observed(&mut model);
    enter(&mut model);
    letter(&mut model, '1');
    letter(&mut model, '2');
    enter(&mut model);
    model
}

#[test]
fn a_lesson_after_its_experiment() {
    both_sizes!("lesson_observed", up_to_the_quiz);
}

#[test]
fn a_lesson_at_its_end() {
    both_sizes!("lesson_end", |size| {
        let mut model = up_to_the_quiz(size);
        letter(&mut model, '1');
        enter(&mut model);
        letter(&mut model, '1');
        enter(&mut model);
        letter(&mut model, '2');
        enter(&mut model);
        press(&mut model, KeyCode::End);
        model
    });
}

#[test]
fn nothing_below_an_open_question_is_shown() {
    let mut model = model(LARGE);
    lesson(&mut model, "bytes");
    assert!(!drawn(&model).contains("The first read returned"));
    assert!(!drawn(&model).contains("What happened"));
    letter(&mut model, 's');
    letter(&mut model, 's');
    assert!(drawn(&model).contains("The first read returned … bytes"));
}

#[test]
fn an_experiment_runs_only_after_the_prediction() {
    let mut model = model(SMALL);
    lesson(&mut model, "bytes");
    let runs = |effects: &[Effect]| {
        let is_run = |effect: &Effect| matches!(effect, Effect::Experiment { .. });
        effects.iter().any(is_run)
    };
    assert!(!runs(&enter(&mut model)));
    letter(&mut model, '2');
    assert!(!runs(&enter(&mut model)));
    assert!(!runs(&enter(&mut model)));
    assert!(runs(&enter(&mut model)));
    // Asked twice, it runs once.
    assert!(!runs(&enter(&mut model)));
}

#[test]
fn a_prediction_is_remembered_with_what_the_kernel_said() {
    let mut model = model(SMALL);
    lesson(&mut model, "bytes");
    letter(&mut model, '2');
    enter(&mut model);
    letter(&mut model, '3');
    enter(&mut model);
    enter(&mut model);
    let effects = observed(&mut model);
    let wanted = Effect::Remember(Memory::Prediction {
        lesson: "bytes".to_owned(),
        prediction: "first".to_owned(),
        option: 1,
        agreed: Some(true),
        confidence: Some(95),
    });
    assert!(effects.contains(&wanted), "{effects:?}");
}

#[test]
fn a_mistaken_fact_is_asked_again_and_a_right_one_goes_on() {
    let mut model = model(LARGE);
    lesson(&mut model, "bytes");
    letter(&mut model, '1');
    for _ in 0..3 {
        enter(&mut model);
    }
    observed(&mut model);
    enter(&mut model);
    letter(&mut model, '3');
    let effects = enter(&mut model);
    let fact = |right| {
        Effect::Remember(Memory::Fact {
            lesson: "bytes".to_owned(),
            part: "a".to_owned(),
            given: if right { "12" } else { "3" }.to_owned(),
            right,
        })
    };
    assert!(effects.contains(&fact(false)), "{effects:?}");
    assert!(drawn(&model).contains("is not the answer to this question"));
    assert!(!drawn(&model).contains("You may have expected 6."));
    enter(&mut model);
    letter(&mut model, '1');
    letter(&mut model, '2');
    assert!(enter(&mut model).contains(&fact(true)));
    assert!(drawn(&model).contains("The first read returned 12 bytes."));
}

#[test]
fn a_probe_below_a_fact_is_collected_when_the_fact_is_stated() {
    let mut model = model(LARGE);
    let mut curriculum = (*model.curriculum).clone();
    let lessons = curriculum.modules.iter_mut().flat_map(|it| &mut it.lessons);
    for lesson in lessons.filter(|lesson| lesson.slug == "bytes") {
        let state = Block::State("a".to_owned());
        let place = lesson.blocks.iter().position(|block| *block == state);
        let place = place.expect("has a fact to state");
        let probe = Block::Probe(Shown {
            name: "runtime-dir".to_owned(),
            sections: Vec::new(),
        });
        lesson.blocks.insert(place + 1, probe);
    }
    model.curriculum = Arc::new(curriculum);
    lesson(&mut model, "bytes");
    letter(&mut model, '1');
    for _ in 0..3 {
        enter(&mut model);
    }
    let collects = Effect::Probe(Name::RuntimeDir.into());
    assert!(!observed(&mut model).contains(&collects));
    enter(&mut model);
    letter(&mut model, '1');
    letter(&mut model, '2');
    let effects = enter(&mut model);
    assert!(effects.contains(&collects), "{effects:?}");
}

#[test]
fn an_answer_is_remembered_by_what_was_written_not_by_where_it_was_shown() {
    let mut model = up_to_the_quiz(SMALL);
    let Screen::Lesson(state) = &model.screen else {
        panic!("a lesson is shown");
    };
    let order = Asked::alone(&state.lesson.quiz[0], None).shown;
    letter(&mut model, '2');
    let effects = enter(&mut model);
    let remembered = effects.iter().find_map(|effect| match effect {
        Effect::Remember(Memory::Answer { item, kept, right }) => {
            Some((item.as_str(), kept.clone(), *right))
        }
        _ => None,
    });
    // The first one that is written is right.
    let kept = Kept::chosen(order[1], None);
    assert_eq!(remembered, Some(("bytes-1", kept, order[1] == 0)));
}

#[test]
fn a_missed_question_is_answered_again_though_the_next_one_has_the_keys() {
    let mut model = up_to_the_quiz(LARGE);
    let Screen::Lesson(state) = &model.screen else {
        panic!("a lesson is shown");
    };
    // The first one that is written is right.
    let right = Asked::alone(&state.lesson.quiz[0], None).shown[0] == 0;
    letter(&mut model, if right { '2' } else { '1' });
    enter(&mut model);
    let shown = drawn(&model);
    assert!(shown.contains("» Question 2 of 2"), "{shown}");
    assert!(shown.contains("a answers it again."), "{shown}");
    letter(&mut model, 'a');
    let shown = drawn(&model);
    assert!(shown.contains("» Question 1 of 2"), "{shown}");
    assert!(!shown.contains("answers it again"), "{shown}");
    letter(&mut model, if right { '1' } else { '2' });
    enter(&mut model);
    assert!(drawn(&model).contains("← you, right"));
}

/// Presses keys until the rows of the question in focus begin so, in this order.
fn order(model: &mut Model, wanted: &[&str]) {
    for (done, beginning) in wanted.iter().enumerate() {
        let Screen::Lesson(state) = &model.screen else {
            panic!("a lesson is shown");
        };
        let form = state.asked_form().expect("a question is asked");
        let left = form.left_over();
        let answers = &form.wording.answers;
        let place = left
            .iter()
            .position(|&at| answers[at].starts_with(beginning));
        for _ in 0..answers.len() {
            press(model, KeyCode::Up);
        }
        for _ in 0..done + place.expect("it is left over") {
            press(model, KeyCode::Down);
        }
        letter(model, ' ');
    }
}

#[test]
fn an_order_in_a_lesson() {
    both_sizes!("lesson_order", |size| {
        let mut model = model(size);
        lesson(&mut model, "questions");
        order(&mut model, &["It binds", "It makes"]);
        model
    });
}

#[test]
fn every_kind_of_question_is_answered_and_remembered_in_a_lesson() {
    let mut model = model(LARGE);
    lesson(&mut model, "questions");
    order(&mut model, &["It makes", "It binds", "It listens"]);
    let words = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Remember(Memory::Answer { kept, right, .. }) => {
                Some((kept.words.clone().unwrap_or_default(), *right))
            }
            _ => None,
        })
    };
    let effects = enter(&mut model);
    assert_eq!(words(&effects), Some(("0 1 2".to_owned(), true)));
    // The match is in focus now; both lines get the first purpose that is shown.
    letter(&mut model, '1');
    letter(&mut model, '1');
    let (given, right) = words(&enter(&mut model)).expect("it is remembered");
    assert!(!right && given.split(' ').count() == 2, "{given}");
    // The number is typed.
    enter(&mut model);
    update(&mut model, Event::Paste("no".to_owned()));
    assert_eq!(enter(&mut model), []);
    assert!(drawn(&model).contains("answer with a whole number"));
    press(&mut model, KeyCode::Backspace);
    press(&mut model, KeyCode::Backspace);
    update(&mut model, Event::Paste("0".to_owned()));
    assert_eq!(words(&enter(&mut model)), Some(("0".to_owned(), false)));
    let shown = drawn(&model);
    assert!(
        shown.contains("All that has arrived may come at once."),
        "{shown}"
    );
    assert!(shown.contains("answers it again"), "{shown}");
}

#[test]
fn an_answer_of_every_kind_is_there_when_the_lesson_is_opened_again() {
    let answer = |words: &str, right| AnswerProgress {
        at: 1,
        kept: Kept {
            words: Some(words.to_owned()),
            ..Kept::default()
        },
        right,
        times: 1,
        times_right: u32::from(right),
    };
    both_sizes!("lesson_answers", |size| {
        let mut model = model(size);
        let mut progress = Progress::default();
        for (item, answer) in [
            ("questions-order", answer("3 0 1", false)),
            ("questions-match", answer("0 1", true)),
            ("questions-number", answer("3", false)),
        ] {
            progress.answers.insert(item.to_owned(), answer);
        }
        update(&mut model, Event::Remembered(Box::new(progress)));
        lesson(&mut model, "questions");
        press(&mut model, KeyCode::End);
        model
    });
}

#[test]
fn the_prediction_once_more_is_offered_only_when_the_explanation_is_read() {
    let mut model = model(LARGE);
    lesson(&mut model, "bytes");
    letter(&mut model, 'v');
    assert!(matches!(model.screen, Screen::Lesson(_)));
    let mut model = up_to_the_quiz(LARGE);
    assert!(drawn(&model).contains("Once more, with other numbers   not tried yet"));
    letter(&mut model, 'v');
    assert!(matches!(model.screen, Screen::Task(_)));
    // And back.
    press(&mut model, KeyCode::Esc);
    assert!(matches!(model.screen, Screen::Lesson(_)));
}

#[test]
fn a_lesson_leads_to_its_exercise_and_that_leads_back() {
    let mut model = up_to_the_quiz(SMALL);
    letter(&mut model, 'x');
    assert!(matches!(model.screen, Screen::Exercise(_)));
    press(&mut model, KeyCode::Esc);
    let Screen::Lesson(state) = &model.screen else {
        panic!("a lesson is shown");
    };
    assert_eq!(state.lesson.slug, "bytes");
}

#[test]
fn a_lesson_is_read_to_its_end_only_when_its_end_was_shown() {
    let mut model = model(SMALL);
    let mut effects = lesson(&mut model, "what-is-it");
    let pieces = match &model.screen {
        Screen::Lesson(state) => state.pieces.len(),
        _ => panic!("a lesson is shown"),
    };
    let last = |effects: &[Effect]| {
        effects.iter().any(|effect| {
            matches!(effect, Effect::Remember(Memory::Reading { piece, .. }) if piece + 1 == pieces)
        })
    };
    assert!(!last(&effects));
    effects = press(&mut model, KeyCode::End);
    assert!(last(&effects), "{effects:?}");
}

#[test]
fn tab_passes_over_what_was_run() {
    let mut model = up_to_the_quiz(SMALL);
    for _ in 0..20 {
        press(&mut model, KeyCode::Tab);
        let Screen::Lesson(state) = &model.screen else {
            panic!("a lesson is shown");
        };
        let focus = state.focus.expect("something is in focus");
        assert!(!matches!(state.pieces[focus], Piece::Run(_)));
    }
}
