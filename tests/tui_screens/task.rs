//! Tasks: what is asked and how it is answered, what is recorded and when, what it changes.

use ipc_mastery::experiment::{Call, Observation};
use ipc_mastery::mastery::clock::Clock;
use ipc_mastery::mastery::look::{Look, Seen};
use ipc_mastery::mastery::store::Store;
use ipc_mastery::tui::effect::{Effect, Memory};
use ipc_mastery::tui::event::{Event, SceneSet};
use ipc_mastery::tui::model::{Model, Screen, Size};
use ipc_mastery::tui::path::Node;
use ipc_mastery::tui::scene::Wish;
use ipc_mastery::tui::task::{Stage, TaskState};
use ipc_mastery::tui::update::{open, update};
use ratatui::crossterm::event::KeyCode;
use serde_json::{Value, json};

use super::drawing::{LARGE, SMALL, both_sizes, drawn, enter, letter, model, press};

/// A model on the page of a task, and a store of its own.
struct Sitting {
    model: Model,
    store: Store,
    _home: tempfile::TempDir,
}

impl Sitting {
    fn new(task: &str, size: Size) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open_in(home.path(), Clock::At(1_000_000)).unwrap();
        let mut model = model(size);
        open(&mut model, &Node::Task(task.to_owned()));
        update(&mut model, Event::Resize);
        Self {
            model,
            store,
            _home: home,
        }
    }

    /// Begins the task; what was to be recorded is.
    fn begun(task: &str, size: Size) -> Self {
        let mut sitting = Self::new(task, size);
        let effects = enter(&mut sitting.model);
        sitting.record(&effects);
        sitting
    }

    /// Does what is to be recorded; gives whether anything was.
    fn record(&mut self, effects: &[Effect]) -> bool {
        for effect in effects {
            match effect {
                Effect::BeginProof { task, seed, of } => {
                    let begun = self.store.begin_proof(task, *seed, *of).unwrap();
                    let (task, seed, result) = (task.clone(), *seed, Ok(begun));
                    update(&mut self.model, Event::ProofBegun { task, seed, result });
                }
                Effect::Remember(Memory::Proof {
                    begun,
                    right,
                    needed,
                }) => self.store.record_proof(*begun, *right, *needed).unwrap(),
                _ => continue,
            }
            let progress = Box::new(self.store.snapshot().unwrap());
            update(&mut self.model, Event::Remembered(progress));
            return true;
        }
        false
    }

    fn seen(&mut self, obs: Value, observation: Option<Observation>) -> Vec<Effect> {
        let state = state(&self.model);
        let (task, seed) = (
            state.task.slug.clone(),
            state.attempt.as_ref().unwrap().seed,
        );
        let result = Ok(Box::new(Seen { obs, observation }));
        update(&mut self.model, Event::Looked { task, seed, result })
    }

    fn typed(&mut self, text: &str) -> Vec<Effect> {
        update(&mut self.model, Event::Paste(text.to_owned()));
        enter(&mut self.model)
    }

    /// Takes statements into the order that begin so, one after the other.
    fn place(&mut self, beginnings: &[&str]) {
        for beginning in beginnings {
            let form = state(&self.model).forms.last().unwrap();
            let statements = &form.wording.answers;
            let left = form.left_over();
            let placed = statements.len() - left.len();
            let place = left
                .iter()
                .position(|&at| statements[at].starts_with(beginning));
            for _ in 0..statements.len() {
                press(&mut self.model, KeyCode::Up);
            }
            for _ in 0..placed + place.expect("it is left over") {
                press(&mut self.model, KeyCode::Down);
            }
            letter(&mut self.model, ' ');
        }
    }
}

fn state(model: &Model) -> &TaskState {
    match &model.screen {
        Screen::Task(state) => state,
        other => panic!("{other:?} is no task"),
    }
}

const STEPS: [&str; 3] = [
    "The server binds",
    "The server listens",
    "The client connects",
];

fn observation(count: usize) -> Observation {
    Observation {
        schema: "ipc-mastery/observation/1".to_owned(),
        experiment: "unix.bytes".to_owned(),
        kernel: "6.18.0".to_owned(),
        calls: vec![Call {
            part: "a".to_owned(),
            who: "server".to_owned(),
            call: "read(4, buffer, 100)".to_owned(),
            result: count.to_string(),
            decisive: true,
        }],
        obs: json!({ "a": { "count": count } }),
    }
}

#[test]
fn a_task_before_it_is_begun() {
    both_sizes!("task_ready", |size| Sitting::new("steps", size).model);
}

#[test]
fn statements_to_put_in_order() {
    both_sizes!("task_order", |size| {
        let mut sitting = Sitting::begun("steps", size);
        sitting.place(&STEPS[..2]);
        letter(&mut sitting.model, 'u');
        sitting.model
    });
}

#[test]
fn an_order_with_a_trap_after_it_was_judged() {
    both_sizes!("task_order_told", |size| {
        let mut sitting = Sitting::begun("steps", size);
        sitting.place(&["The client asks", STEPS[1], STEPS[0]]);
        enter(&mut sitting.model);
        sitting.model
    });
}

#[test]
fn lines_to_give_a_purpose() {
    both_sizes!("task_match", |size| {
        let mut sitting = Sitting::begun("lines", size);
        letter(&mut sitting.model, '2');
        press(&mut sitting.model, KeyCode::Right);
        sitting.model
    });
}

/// The number under which a purpose stands that begins so.
fn purpose(model: &Model, beginning: &str) -> char {
    let form = state(model).forms.last().unwrap();
    let purposes = &form.wording.answers;
    let place = purposes.iter().position(|one| one.starts_with(beginning));
    char::from_digit(place.expect("it is shown") as u32 + 1, 10).unwrap()
}

#[test]
fn lines_with_purposes_after_they_were_judged() {
    both_sizes!("task_match_told", |size| {
        let mut sitting = Sitting::begun("lines", size);
        for beginning in ["to mark the end", "to let clients wait"] {
            let key = purpose(&sitting.model, beginning);
            letter(&mut sitting.model, key);
        }
        let effects = enter(&mut sitting.model);
        sitting.record(&effects);
        enter(&mut sitting.model);
        press(&mut sitting.model, KeyCode::Home);
        sitting.model
    });
}

/// Chooses the answers that begin so, one after the other.
fn choose(model: &mut Model, beginnings: [&str; 2]) {
    for beginning in beginnings {
        let form = state(model).forms.last().unwrap();
        let (options, reasons) = (&form.wording.answers, &form.wording.reasons);
        let mut all = options.iter().enumerate().chain(reasons.iter().enumerate());
        let place = all.find(|(_, text)| text.starts_with(beginning));
        let place = place.expect("it is shown").0;
        letter(model, char::from_digit(place as u32 + 1, 10).unwrap());
        enter(model);
    }
}

#[test]
fn a_right_answer_with_a_wrong_reason() {
    both_sizes!("task_choice_told", |size| {
        let mut sitting = Sitting::begun("decide", size);
        choose(&mut sitting.model, ["A length", "The kernel keeps every"]);
        sitting.model
    });
}

#[test]
fn a_word_that_was_foreseen_as_wrong_and_the_result() {
    both_sizes!("task_word_told", |size| {
        let mut sitting = Sitting::begun("decide", size);
        choose(&mut sitting.model, ["A length", "The kernel keeps bytes"]);
        enter(&mut sitting.model);
        let effects = sitting.typed("Close()");
        sitting.record(&effects);
        enter(&mut sitting.model);
        sitting.model
    });
}

/// A variant that runs first and gives this count.
fn variant(size: Size, count: usize) -> Sitting {
    let mut sitting = Sitting::new("once-more", size);
    enter(&mut sitting.model);
    let seen = observation(count);
    let effects = sitting.seen(seen.obs.clone(), Some(seen));
    sitting.record(&effects);
    sitting
}

#[test]
fn a_variant_that_was_predicted() {
    both_sizes!("task_variant", |size| {
        let mut sitting = variant(size, 9);
        sitting.typed("5");
        let effects = enter(&mut sitting.model);
        sitting.record(&effects);
        sitting.model
    });
}

#[test]
fn a_task_is_recorded_as_begun_before_its_first_question() {
    let mut sitting = Sitting::new("steps", SMALL);
    let effects = enter(&mut sitting.model);
    assert!(
        matches!(effects[..], [Effect::BeginProof { of: 1, .. }]),
        "{effects:?}"
    );
    assert!(!drawn(&sitting.model).contains("The client connects."));
    sitting.record(&effects);
    assert!(drawn(&sitting.model).contains("The client connects."));
    let tries = &sitting.model.progress.proofs["steps"];
    assert!(tries.len() == 1 && !tries[0].passed);
}

#[test]
fn a_passed_task_is_in_the_ledger_at_once() {
    let mut sitting = Sitting::begun("steps", LARGE);
    sitting.place(&STEPS);
    let effects = enter(&mut sitting.model);
    assert!(drawn(&sitting.model).contains("Right."));
    assert!(sitting.record(&effects));
    enter(&mut sitting.model);
    let shown = drawn(&sitting.model);
    assert!(shown.contains("Passed: 1 of 1 right."), "{shown}");
    assert!(shown.contains("It is evidence for O1."), "{shown}");
    assert!(shown.contains("1 of 2 pieces of evidence"), "{shown}");
    // The result is recorded once, and Enter leads back to the path.
    assert!(enter(&mut sitting.model).is_empty());
    assert!(matches!(sitting.model.screen, Screen::Path(_)));
}

#[test]
fn who_leaves_in_the_middle_is_told_first_and_has_not_passed() {
    for key in [KeyCode::Esc, KeyCode::Char('q')] {
        let mut sitting = Sitting::begun("steps", SMALL);
        assert_eq!(press(&mut sitting.model, key), []);
        assert!(drawn(&sitting.model).contains("who leaves now has not passed"));
        letter(&mut sitting.model, ' ');
        assert_eq!(press(&mut sitting.model, key), []);
        assert!(matches!(sitting.model.screen, Screen::Task(_)));
        let effects = press(&mut sitting.model, key);
        let left = matches!(sitting.model.screen, Screen::Path(_));
        assert!(left || effects.contains(&Effect::Quit));
        let tries = &sitting.model.progress.proofs["steps"];
        assert!(tries.len() == 1 && !tries[0].passed);
    }
}

#[test]
fn once_more_is_practice_and_asks_the_same() {
    let mut sitting = Sitting::begun("steps", SMALL);
    let asked = state(&sitting.model).forms[0].wording.clone();
    sitting.place(&STEPS);
    let effects = enter(&mut sitting.model);
    sitting.record(&effects);
    enter(&mut sitting.model);
    assert_eq!(letter(&mut sitting.model, 'a'), []);
    assert_eq!(state(&sitting.model).forms[0].wording, asked);
    sitting.place(&STEPS);
    assert_eq!(enter(&mut sitting.model), []);
    enter(&mut sitting.model);
    assert!(drawn(&sitting.model).contains("It was practice"));
}

#[test]
fn where_nothing_can_be_kept_a_task_is_practice() {
    let mut sitting = Sitting::new("steps", SMALL);
    update(&mut sitting.model, Event::Forgetful("no room".to_owned()));
    assert_eq!(enter(&mut sitting.model), []);
    assert!(drawn(&sitting.model).contains("This is practice, and is not recorded."));
    assert!(matches!(state(&sitting.model).stage, Stage::Asking));
}

#[test]
fn a_variant_runs_with_what_was_drawn_and_is_hidden_until_all_is_predicted() {
    let mut sitting = Sitting::new("once-more", LARGE);
    let effects = enter(&mut sitting.model);
    let [Effect::Look { at, .. }] = &effects[..] else {
        panic!("{effects:?}");
    };
    let Look::Experiment { name, params } = at else {
        panic!("{at:?}");
    };
    assert_eq!((name.as_str(), &params["first"]), ("unix.bytes", &json!(5)));
    // Asked twice, it runs once.
    assert_eq!(enter(&mut sitting.model), []);

    let mut sitting = variant(LARGE, 9);
    let asked = drawn(&sitting.model);
    assert!(
        asked.contains("The client writes 5 bytes, then 4."),
        "{asked}"
    );
    assert_eq!(sitting.typed("9"), []);
    for shown in [asked, drawn(&sitting.model)] {
        assert!(
            !shown.contains("Right.") && !shown.contains("read(4"),
            "{shown}"
        );
    }
    let effects = enter(&mut sitting.model);
    assert!(sitting.record(&effects), "{effects:?}");
    let shown = drawn(&sitting.model);
    assert!(
        shown.contains("read(4") && shown.contains("It is evidence for O2."),
        "{shown}"
    );
}

#[test]
fn what_cannot_run_here_is_no_try() {
    let mut sitting = Sitting::new("once-more", LARGE);
    enter(&mut sitting.model);
    let seed = state(&sitting.model).attempt.as_ref().unwrap().seed;
    let failed = Event::Looked {
        task: "once-more".to_owned(),
        seed,
        result: Err("this machine lacks tmux".to_owned()),
    };
    assert_eq!(update(&mut sitting.model, failed), []);
    assert!(drawn(&sitting.model).contains("This cannot be asked: this machine lacks tmux."));
    assert!(sitting.store.snapshot().unwrap().proofs.is_empty());
    let effects = enter(&mut sitting.model);
    assert!(matches!(effects[..], [Effect::Look { .. }]), "{effects:?}");
}

#[test]
fn this_machine_is_looked_at_again_before_an_answer_is_called_wrong() {
    let mut sitting = Sitting::new("my-place", LARGE);
    let effects = enter(&mut sitting.model);
    assert!(matches!(effects[..], [Effect::Look { .. }]), "{effects:?}");
    let effects = sitting.seen(json!({ "listening": 3 }), None);
    sitting.record(&effects);
    let effects = sitting.typed("4");
    assert!(matches!(effects[..], [Effect::Look { .. }]), "{effects:?}");
    let effects = sitting.seen(json!({ "listening": 4 }), None);
    assert!(sitting.record(&effects));
    assert!(drawn(&sitting.model).contains("Right."));

    let mut sitting = Sitting::new("my-place", LARGE);
    enter(&mut sitting.model);
    let effects = sitting.seen(json!({ "listening": 3 }), None);
    sitting.record(&effects);
    sitting.typed("5");
    sitting.seen(json!({ "listening": 4 }), None);
    assert!(drawn(&sitting.model).contains("Not right."));
}

/// A task about a scene that stands; whether it waits for the learner.
fn staged(size: Size, waits: bool) -> Sitting {
    let mut sitting = Sitting::new("a-scene", size);
    let effects = enter(&mut sitting.model);
    let is_set = matches!(&effects[..], [Effect::SetScene { name, .. }] if name == "session");
    assert!(is_set, "{effects:?}");
    let seed = state(&sitting.model).attempt.as_ref().unwrap().seed;
    let set = SceneSet {
        obs: json!({ "listening": 3 }),
        waits,
        directory: Some("/tmp/scene".into()),
        variables: vec![("XDG_RUNTIME_DIR".to_owned(), "/tmp/scene".into())],
    };
    let event = Event::SceneSet {
        task: "a-scene".to_owned(),
        seed,
        result: Ok(Box::new(set)),
    };
    let effects = update(&mut sitting.model, event);
    sitting.record(&effects);
    sitting
}

#[test]
fn a_question_about_a_scene() {
    both_sizes!("task_scene", |size| staged(size, false).model);
}

#[test]
fn a_scene_that_waits_goes_on_when_the_learner_is_ready() {
    let mut sitting = staged(LARGE, true);
    assert_eq!(state(&sitting.model).stage, Stage::Waiting);
    assert!(sitting.store.snapshot().unwrap().proofs.is_empty());
    assert_eq!(enter(&mut sitting.model), [Effect::AskScene(Wish::GoOn)]);
    let effects = sitting.seen(json!({ "listening": 3 }), None);
    sitting.record(&effects);
    assert!(drawn(&sitting.model).contains("How many sockets listen?"));
}

#[test]
fn a_scene_is_asked_again_before_an_answer_is_called_wrong_and_ends_with_its_task() {
    let mut sitting = staged(LARGE, false);
    assert_eq!(sitting.typed("4"), [Effect::AskScene(Wish::Look)]);
    let effects = sitting.seen(json!({ "listening": 4 }), None);
    assert!(sitting.record(&effects));
    assert!(drawn(&sitting.model).contains("Right."));
    assert_eq!(press(&mut sitting.model, KeyCode::Esc), [Effect::EndScene]);
    assert_eq!(letter(&mut sitting.model, 'j'), []);
}

#[test]
fn the_learners_shell_is_started_where_the_scene_is() {
    let mut sitting = staged(LARGE, false);
    let effects = sitting.typed("!");
    let is_there = matches!(
        &effects[..],
        [Effect::Shell { directory, variables }]
            if directory.to_str() == Some("/tmp/scene") && variables.len() == 1
    );
    assert!(is_there, "{effects:?}");
    // It was no answer.
    assert!(state(&sitting.model).asked().is_some());
}

#[test]
fn what_was_seen_for_an_earlier_try_is_not_taken() {
    let mut sitting = Sitting::new("my-place", LARGE);
    enter(&mut sitting.model);
    let late = Event::Looked {
        task: "my-place".to_owned(),
        seed: 77,
        result: Ok(Box::default()),
    };
    assert_eq!(update(&mut sitting.model, late), []);
    assert_eq!(state(&sitting.model).stage, Stage::Looking);
}

#[test]
fn every_size_from_one_cell_up_can_be_drawn() {
    let mut order = Sitting::begun("steps", SMALL);
    order.place(&STEPS[..1]);
    let lines = Sitting::begun("lines", SMALL);
    for mut model in [order.model, lines.model] {
        for columns in 1..100 {
            for rows in [1, 2, 3, 5, 8, 9, 13, 24] {
                model.size = Size { columns, rows };
                update(&mut model, Event::Resize);
                drawn(&model);
            }
        }
    }
}
