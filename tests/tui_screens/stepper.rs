//! The stepper: what it shows at each moment, predictions, free play, how it is reached from a lesson.

use std::sync::Arc;

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::model::Scripts;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::differential::play::{Reply, Turn};
use ipc_mastery::model::moment::Moment;
use ipc_mastery::tui::effect::Effect;
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::model::{Model, Screen, Size};
use ipc_mastery::tui::path::Node;
use ipc_mastery::tui::stepper::StepperState;
use ipc_mastery::tui::update::{open, update};
use ratatui::crossterm::event::KeyCode;

use super::drawing::{SMALL, drawn, enter, letter, model, press};

const WIDE: Size = Size {
    columns: 140,
    rows: 40,
};

/// A model that knows the scripts.
fn with_scripts(mut model: Model) -> Model {
    let scripts = Scripts::load(&Source::Embedded).expect("scripts without mistakes");
    update(&mut model, Event::Scripts(Ok(Arc::new(scripts))));
    model
}

/// The script with this name, chosen from the list.
fn stepping(size: Size, name: &str) -> Model {
    let mut model = with_scripts(model(size));
    letter(&mut model, 'm');
    let Screen::Scripts(list) = &model.screen else {
        panic!("{:?} is no list", model.screen);
    };
    let names = list.scripts.files.iter();
    let place = names.take_while(|file| !file.name.ends_with(&format!("/{name}.txt")));
    for _ in 0..place.count() {
        press(&mut model, KeyCode::Down);
    }
    enter(&mut model);
    assert_eq!(state(&model).name(), name);
    model
}

fn state(model: &Model) -> &StepperState {
    match &model.screen {
        Screen::Stepper(state) => state,
        other => panic!("{other:?} is no stepper"),
    }
}

fn calls(model: &mut Model, count: usize) {
    for _ in 0..count {
        press(model, KeyCode::Down);
    }
}

/// Draws at both sizes, and compares with what was looked at.
fn reviewed(name: &str, build: impl Fn(Size) -> Model) {
    for (size, suffix) in [(SMALL, "80x24"), (WIDE, "140x40")] {
        insta::assert_snapshot!(format!("{name}_{suffix}"), drawn(&build(size)));
    }
}

#[test]
fn the_list_of_scripts() {
    reviewed("stepper_list", |size| {
        let mut model = with_scripts(model(size));
        letter(&mut model, 'm');
        model
    });
}

#[test]
fn before_the_first_call() {
    reviewed("stepper_first", |size| {
        stepping(size, "socketpair-after-fork")
    });
}

#[test]
fn in_the_middle_of_a_call() {
    reviewed("stepper_event", |size| {
        let mut model = stepping(size, "shared-offset");
        calls(&mut model, 7);
        for _ in 0..4 {
            press(&mut model, KeyCode::Right);
        }
        model
    });
}

#[test]
fn a_call_that_is_back_and_why() {
    reviewed("stepper_why", |size| {
        let mut model = stepping(size, "backlog-full");
        calls(&mut model, 9);
        letter(&mut model, 'w');
        model
    });
}

#[test]
fn what_nobody_can_reach_is_collected() {
    reviewed("stepper_collected", |size| {
        let mut model = stepping(size, "unreachable-cycle");
        calls(&mut model, 6);
        model
    });
}

/// At the question whether a stream ends that a child could still write to.
fn asked(size: Size) -> Model {
    let mut model = stepping(size, "socketpair-after-fork");
    letter(&mut model, 't');
    while state(&model).at != (Moment { step: 6, behind: 0 }) {
        press(&mut model, KeyCode::Down);
    }
    model
}

#[test]
fn a_prediction() {
    reviewed("stepper_asked", asked);
}

#[test]
fn what_is_said_to_a_prediction_that_is_wrong() {
    reviewed("stepper_told", |size| {
        let mut model = asked(size);
        letter(&mut model, '3');
        model
    });
}

#[test]
fn a_prediction_gives_nothing_away_and_can_be_passed_over() {
    let mut model = asked(SMALL);
    let shown = drawn(&model);
    assert!(!shown.contains("this is no end"), "{shown}");
    assert!(!shown.contains("= -1 EAGAIN"), "{shown}");
    letter(&mut model, '9');
    assert!(state(&model).quiz.open.is_some());
    press(&mut model, KeyCode::Right);
    assert!(drawn(&model).contains("= -1 EAGAIN"));
    // It is not asked again.
    press(&mut model, KeyCode::Left);
    assert!(state(&model).quiz.open.is_none());
    assert_eq!(state(&model).quiz.right, (0, 0));
}

#[test]
fn right_answers_are_counted() {
    let mut model = asked(SMALL);
    let right = state(&model).quiz.open.as_ref().unwrap().right + 1;
    letter(&mut model, char::from(b'0' + right as u8));
    assert_eq!(state(&model).quiz.right, (1, 1));
    assert!(drawn(&model).contains("That is what it comes back with."));
}

#[test]
fn forwards_and_backwards_are_one_way() {
    let mut model = stepping(SMALL, "half-close");
    let mut screens = vec![drawn(&model)];
    for _ in 0..30 {
        press(&mut model, KeyCode::Right);
        screens.push(drawn(&model));
    }
    for earlier in screens.iter().rev().skip(1) {
        press(&mut model, KeyCode::Left);
        assert_eq!(&drawn(&model), earlier);
    }
    press(&mut model, KeyCode::End);
    let end = state(&model).at;
    assert_eq!(end, state(&model).run.last());
    press(&mut model, KeyCode::Right);
    assert_eq!(state(&model).at, end);
    press(&mut model, KeyCode::Home);
    assert_eq!(state(&model).at, Moment::default());
    press(&mut model, KeyCode::Up);
    assert_eq!(state(&model).at, Moment::default());
    press(&mut model, KeyCode::Esc);
    assert!(matches!(model.screen, Screen::Scripts(_)));
}

#[test]
fn what_changes_is_on_the_screen() {
    for name in ["backlog-full", "connect-accept", "shared-offset"] {
        let mut model = stepping(SMALL, name);
        while state(&model).at != state(&model).run.last() {
            press(&mut model, KeyCode::Right);
            let state = state(&model);
            let Some(marked) = state.page.marked.clone() else {
                continue;
            };
            let shown = state.scroll.top..state.scroll.top + state.page.rows;
            assert!(shown.contains(&marked.start), "{name}: {}", drawn(&model));
        }
    }
}

#[test]
fn a_lesson_leads_to_its_script_and_there_one_predicts() {
    let curriculum = Curriculum::load(&Source::Embedded).expect("no mistakes");
    let mut model = with_scripts(Model::new(Arc::new(curriculum), SMALL));
    open(&mut model, &Node::Lesson("endings".to_owned()));
    update(&mut model, Event::Resize);
    // What is folded is not offered.
    letter(&mut model, 'm');
    assert!(matches!(model.screen, Screen::Scripts(_)));
    press(&mut model, KeyCode::Esc);
    for _ in 0..4 {
        letter(&mut model, 's');
    }
    assert!(
        drawn(&model).contains("m steps through it") || drawn(&model).contains("m call by call")
    );
    letter(&mut model, 'm');
    assert_eq!(state(&model).name(), "socketpair-after-fork");
    while state(&model).quiz.open.is_none() {
        press(&mut model, KeyCode::Down);
    }
    press(&mut model, KeyCode::Esc);
    assert!(matches!(model.screen, Screen::Lesson(_)));
}

fn typed(model: &mut Model, line: &str) -> Vec<Effect> {
    update(model, Event::Paste(line.to_owned()));
    enter(model)
}

fn turns(effects: &[Effect]) -> Vec<(usize, &Turn)> {
    let turns = effects.iter().filter_map(|effect| match effect {
        Effect::Play { place, turn, .. } => Some((*place, turn)),
        _ => None,
    });
    turns.collect()
}

fn answered(model: &mut Model, place: usize, model_says: &str, linux: &str) {
    let id = state(model).play.as_ref().expect("a play").id;
    let reply = Reply::Answered {
        model: model_says.to_owned(),
        linux: linux.to_owned(),
        agree: model_says == linux,
    };
    let reply = Ok(reply);
    update(model, Event::Played { id, place, reply });
}

/// A play with a call that both answer alike.
fn playing(size: Size) -> Model {
    let mut model = with_scripts(model(size));
    letter(&mut model, 'm');
    letter(&mut model, 'f');
    let effects = typed(&mut model, "socketpair stream");
    assert_eq!(turns(&effects).len(), 1);
    answered(&mut model, 0, "fds 3 4", "fds 3 4");
    typed(&mut model, "send 3 \"hello\"");
    answered(&mut model, 1, "5", "5");
    model
}

#[test]
fn free_play() {
    reviewed("stepper_play", playing);
}

#[test]
fn free_play_where_the_kernel_answers_otherwise() {
    let mut model = playing(SMALL);
    typed(&mut model, "recv 4 3");
    assert!(drawn(&model).contains("this kernel is asked"));
    answered(&mut model, 2, "3 \"hel\"", "-1 ENOSYS");
    assert!(drawn(&model).contains("this kernel: = -1 ENOSYS   differ"));
}

#[test]
fn a_line_with_a_mistake_stays_in_the_prompt_and_is_explained() {
    let mut model = playing(SMALL);
    for (line, said) in [
        ("sent 3 \"x\"", "send"),
        ("B: close 3", "There is no process B."),
        ("unlink /etc/passwd", "leads out of the directory"),
        ("write 1 \"x\"", "no part of the play"),
        ("= 5", "need not be said"),
        ("process B 1000", "before the first call"),
    ] {
        let effects = typed(&mut model, line);
        assert!(turns(&effects).is_empty(), "{line}");
        let shown = drawn(&model);
        assert!(shown.contains(said), "{line}: {shown}");
        assert!(shown.contains(&format!("> {line}")), "{shown}");
        for _ in 0..line.len() {
            press(&mut model, KeyCode::Backspace);
        }
    }
}

#[test]
fn the_prompt_completes_and_remembers() {
    let mut model = playing(SMALL);
    update(&mut model, Event::Paste("B: gets".to_owned()));
    press(&mut model, KeyCode::Tab);
    assert!(drawn(&model).contains("> B: getsock"), "{}", drawn(&model));
    assert!(drawn(&model).contains("getsockname"));
    for _ in 0..20 {
        press(&mut model, KeyCode::Backspace);
    }
    update(&mut model, Event::Paste("shu".to_owned()));
    press(&mut model, KeyCode::Tab);
    let shown = drawn(&model);
    assert!(shown.contains("> shutdown"), "{shown}");
    assert!(
        shown.contains("shutdown FD read|write|both|invalid"),
        "{shown}"
    );
    press(&mut model, KeyCode::Up);
    assert!(drawn(&model).contains("> send 3 \"hello\""));
    press(&mut model, KeyCode::Up);
    assert!(drawn(&model).contains("> socketpair stream"));
    press(&mut model, KeyCode::Down);
    assert!(drawn(&model).contains("> send 3 \"hello\""));
}

#[test]
fn who_leaves_a_play_ends_it_and_may_step_through_it_before() {
    let mut model = playing(SMALL);
    assert!(press(&mut model, KeyCode::Esc).is_empty());
    press(&mut model, KeyCode::Up);
    assert_eq!(state(&model).at.step, 0);
    letter(&mut model, 'f');
    typed(&mut model, "close 3");
    assert_eq!(state(&model).at.step, 2);
    press(&mut model, KeyCode::Esc);
    let effects = press(&mut model, KeyCode::Esc);
    assert_eq!(effects, [Effect::EndPlay]);
    assert!(matches!(model.screen, Screen::Scripts(_)));
}

#[test]
fn where_there_are_no_scripts_it_is_said() {
    let mut model = model(SMALL);
    letter(&mut model, 'm');
    assert!(drawn(&model).contains("they are being read; try again"));
    update(&mut model, Event::Scripts(Err("no room".to_owned())));
    letter(&mut model, 'm');
    assert!(drawn(&model).contains("no scripts of the model: no room"));
}

#[test]
fn every_size_from_one_cell_up_can_be_drawn() {
    let mut list = with_scripts(model(SMALL));
    letter(&mut list, 'm');
    let mut why = stepping(SMALL, "backlog-full");
    calls(&mut why, 9);
    letter(&mut why, 'w');
    for mut model in [list, why, asked(SMALL), playing(SMALL)] {
        for columns in 1..150 {
            for rows in [1, 2, 3, 5, 8, 9, 13, 24] {
                model.size = Size { columns, rows };
                update(&mut model, Event::Resize);
                drawn(&model);
            }
        }
    }
}
