//! Every screen drawn from fixed data, and what keys and events change. No terminal, no kernel:
//! the model takes values, gives values, and is drawn into cells.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ipc_mastery::check;
use ipc_mastery::check::marker::Marker;
use ipc_mastery::check::verdict::{
    Failure, Isolation, Report, Shown, StageReport, Subject, Verdict,
};
use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::experiment::{Call, Observation};
use ipc_mastery::mastery::progress::{
    ExerciseProgress, HintLevel, LessonProgress, Progress, Started,
};
use ipc_mastery::probe::Probed;
use ipc_mastery::probe::holders::{Holders, Known, Visibility};
use ipc_mastery::probe::sockets::{Condition, Row, Sockets};
use ipc_mastery::render::theme::{Palette, Theme};
use ipc_mastery::sys::sock_diag::{Name, Type};
use ipc_mastery::tui::bindings;
use ipc_mastery::tui::effect::{Effect, Memory};
use ipc_mastery::tui::event::{Begun, Event};
use ipc_mastery::tui::exercise::Tab;
use ipc_mastery::tui::lesson::Piece;
use ipc_mastery::tui::model::{Model, Screen, Size};
use ipc_mastery::tui::path::Node;
use ipc_mastery::tui::update::{open, update};
use ipc_mastery::tui::view;
use ipc_mastery::untrusted::Untrusted;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};
use serde_json::json;

const SMALL: Size = Size {
    columns: 80,
    rows: 24,
};
const LARGE: Size = Size {
    columns: 120,
    rows: 40,
};

fn curriculum() -> Arc<Curriculum> {
    let pack = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tui-pack");
    Arc::new(Curriculum::load(&Source::Directory(pack)).expect("the pack has no mistakes"))
}

fn model(size: Size) -> Model {
    Model::new(curriculum(), size)
}

fn cells(model: &Model, palette: Palette) -> Buffer {
    let backend = TestBackend::new(model.size.columns, model.size.rows);
    let mut terminal = Terminal::new(backend).unwrap();
    terminal
        .draw(|frame| view::draw(frame, model, Theme::new(palette)))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// The characters on the screen, each row without what is empty at its end.
fn drawn(model: &Model) -> String {
    let buffer = cells(model, Palette::Mono);
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    let rows = rows.map(|row| {
        let text: String = row.iter().map(|cell| cell.symbol()).collect();
        text.trim_end().to_owned() + "\n"
    });
    rows.collect()
}

fn press(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    update(model, Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn letter(model: &mut Model, letter: char) -> Vec<Effect> {
    press(model, KeyCode::Char(letter))
}

fn enter(model: &mut Model) -> Vec<Effect> {
    press(model, KeyCode::Enter)
}

fn lesson(model: &mut Model, slug: &str) -> Vec<Effect> {
    let mut effects = open(model, &Node::Lesson(slug.to_owned()));
    effects.extend(update(model, Event::Resize));
    effects
}

fn exercise(model: &mut Model) {
    open(model, &Node::Exercise("echo-server".to_owned()));
    update(model, Event::Resize);
}

fn known() -> Progress {
    let read = LessonProgress {
        first_read_at: Some(1),
        last_read_at: Some(2),
        furthest_block: 1,
        finished_at: Some(2),
        ..LessonProgress::default()
    };
    let begun = LessonProgress {
        finished_at: None,
        ..read.clone()
    };
    Progress {
        lessons: BTreeMap::from([
            ("why-talk".to_owned(), read),
            ("what-is-it".to_owned(), begun),
        ]),
        ..Progress::default()
    }
}

fn started() -> Progress {
    let exercise = ExerciseProgress {
        attempts: 1,
        hints: BTreeMap::from([("hello".to_owned(), HintLevel::Look)]),
        started: Some(Started {
            at: 3,
            exercise: "echo-server".to_owned(),
            directory: Untrusted::new("/home/ada/echo-server"),
            language: "python".to_owned(),
        }),
        ..ExerciseProgress::default()
    };
    Progress {
        exercises: BTreeMap::from([("echo-server".to_owned(), exercise)]),
        ..known()
    }
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

fn stage(id: &str, title: &str, verdict: Verdict, failure: Option<Failure>) -> StageReport {
    StageReport {
        id: id.to_owned(),
        title: title.to_owned(),
        bonus: id == "descriptor",
        verdict,
        failure,
        elapsed_ms: 12,
    }
}

fn report() -> Report {
    let failure = Failure {
        diagnosis: "no-reply".to_owned(),
        rule: "echo".to_owned(),
        requirement: "Every byte that is sent comes back, in order.".to_owned(),
        reference: "unix(7)".to_owned(),
        did: vec!["connected".to_owned(), "sent 5 bytes".to_owned()],
        expected: Shown {
            words: "5 bytes".to_owned(),
            bytes: Some("hello".to_owned()),
            caret: None,
        },
        saw: Shown {
            words: "nothing for 2 s".to_owned(),
            ..Shown::default()
        },
        cause: "Nothing came back.".to_owned(),
        look: "Look at what is done with the bytes after the read.".to_owned(),
        by_hand: "printf hello | socat - UNIX-CONNECT:/tmp/s".to_owned(),
        ..Failure::default()
    };
    let hello = "Echoes one friendly message";
    let passed = "Echoes the content of a passed file";
    Report {
        schema: "ipc-mastery/check/1",
        exercise: "echo-server".to_owned(),
        number: 3,
        title: "Echo server".to_owned(),
        subject: Subject::Directory {
            path: Untrusted::new("/home/ada/echo-server"),
            language: "python".to_owned(),
        },
        seed: 7,
        isolation: Isolation::default(),
        verdict: Verdict::Fail,
        evidence: true,
        build: None,
        stages: vec![
            stage("hello", hello, Verdict::Fail, Some(failure)),
            stage("descriptor", passed, Verdict::NotJudged, None),
        ],
        elapsed_ms: 2012,
    }
}

fn sockets() -> Probed {
    let row = |inode: u32, name: &str| Row {
        kind: Type::Stream,
        condition: Condition::Listening,
        name: Some(Name::Path(Untrusted::new(name))),
        inode,
        cookie: u64::from(inode),
        file: None,
        uid: Some(1000),
        holders: Holders {
            known: Known::None,
            processes: Vec::new(),
        },
        peer: None,
        unread: 0,
        queue: None,
        clients: Some(2),
        service: None,
    };
    Probed::Sockets(Sockets {
        schema: "ipc-mastery/probe/sockets/1",
        visibility: Visibility {
            owners_complete: true,
            readable: 3,
            denied: 0,
            denied_processes: Vec::new(),
            vanished: 0,
            inner_pid_namespace: false,
            hidden_by_mount: false,
            unlistable: None,
            root: false,
        },
        problem: None,
        dump_repeated: 0,
        sockets: vec![
            row(11, "/run/user/1000/bus"),
            row(12, "/run/user/1000/\x1b[31mred"),
        ],
    })
}

/// Draws at both sizes.
macro_rules! both_sizes {
    ($name:literal, $build:expr) => {
        for (size, suffix) in [(SMALL, "80x24"), (LARGE, "120x40")] {
            let model: Model = $build(size);
            insta::assert_snapshot!(format!("{}_{suffix}", $name), drawn(&model));
        }
    };
}

#[test]
fn the_path() {
    both_sizes!("path", |size| {
        let mut model = model(size);
        update(&mut model, Event::Remembered(Box::new(known())));
        model
    });
}

#[test]
fn the_keys() {
    both_sizes!("keys", |size| {
        let mut model = model(size);
        lesson(&mut model, "bytes");
        letter(&mut model, '?');
        model
    });
}

#[test]
fn a_search() {
    both_sizes!("search", |size| {
        let mut model = model(size);
        letter(&mut model, '/');
        update(&mut model, Event::Paste("Socket".to_owned()));
        model
    });
}

#[test]
fn a_lesson_with_a_live_probe() {
    both_sizes!("lesson_probe", |size| {
        let mut model = model(size);
        lesson(&mut model, "what-is-it");
        let result = Ok(Arc::new(sockets()));
        let name = "runtime-dir".to_owned();
        update(&mut model, Event::Probed { name, result });
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
fn up_to_the_quiz(size: Size) -> Model {
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
fn an_exercise_that_was_not_started() {
    both_sizes!("exercise_task", |size| {
        let mut model = model(size);
        exercise(&mut model);
        model
    });
}

#[test]
fn an_exercise_with_its_stages_and_a_hint() {
    both_sizes!("exercise_stages", |size| {
        let mut model = model(size);
        exercise(&mut model);
        update(&mut model, Event::Remembered(Box::new(started())));
        press(&mut model, KeyCode::Tab);
        model
    });
}

#[test]
fn an_exercise_that_is_being_checked() {
    both_sizes!("exercise_live", |size| {
        let mut model = model(size);
        exercise(&mut model);
        update(&mut model, Event::Remembered(Box::new(started())));
        letter(&mut model, 'c');
        let exercise = "echo-server".to_owned();
        let id = "hello".to_owned();
        let step = check::Progress::StageStarted { id };
        update(&mut model, Event::Checking { exercise, step });
        model
    });
}

#[test]
fn an_exercise_that_failed() {
    both_sizes!("exercise_result", |size| {
        let mut model = model(size);
        exercise(&mut model);
        update(&mut model, Event::Remembered(Box::new(started())));
        letter(&mut model, 'c');
        let exercise = "echo-server".to_owned();
        let result = Some(Ok(Box::new(report())));
        update(&mut model, Event::Checked { exercise, result });
        model
    });
}

#[test]
fn the_probes() {
    both_sizes!("probes", |size| {
        let mut model = model(size);
        letter(&mut model, 'p');
        press(&mut model, KeyCode::Tab);
        let result = Ok(Arc::new(sockets()));
        let name = "sockets".to_owned();
        update(&mut model, Event::Probed { name, result });
        model
    });
}

#[test]
fn the_documented_key_table() {
    insta::assert_snapshot!("key_table", bindings::table());
}

#[test]
fn a_tiny_terminal_says_so_and_recovers() {
    let mut model = model(Size {
        columns: 20,
        rows: 5,
    });
    lesson(&mut model, "bytes");
    insta::assert_snapshot!(drawn(&model), @r"
    Too small: 30×8 is
    needed. Enlarge it,
    or q to quit.
    ");
    model.size = SMALL;
    update(&mut model, Event::Resize);
    assert!(drawn(&model).contains("Bytes, not messages"));
}

#[test]
fn every_size_from_one_cell_up_can_be_drawn() {
    let mut model = up_to_the_quiz(SMALL);
    for columns in 1..100 {
        for rows in [1, 2, 3, 5, 8, 9, 13, 24] {
            model.size = Size { columns, rows };
            update(&mut model, Event::Resize);
            drawn(&model);
        }
    }
}

#[test]
fn without_colour_no_cell_has_one_and_the_selection_is_still_seen() {
    let mut model = model(SMALL);
    for screen in 0..3 {
        match screen {
            1 => drop(lesson(&mut model, "bytes")),
            2 => drop(letter(&mut model, '?')),
            _ => {}
        }
        let buffer = cells(&model, Palette::Mono);
        for cell in &buffer.content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
        if screen == 0 {
            let reversed =
                |cell: &ratatui::buffer::Cell| cell.modifier.contains(Modifier::REVERSED);
            assert!(buffer.content.iter().any(reversed));
        }
    }
    let coloured = cells(&model, Palette::Dark);
    assert!(coloured.content.iter().any(|cell| cell.fg != Color::Reset));
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
    assert!(drawn(&model).contains("is not what happened"));
    assert!(!drawn(&model).contains("You may have expected 6."));
    enter(&mut model);
    letter(&mut model, '1');
    letter(&mut model, '2');
    assert!(enter(&mut model).contains(&fact(true)));
    assert!(drawn(&model).contains("The first read returned 12 bytes."));
}

#[test]
fn letters_are_typed_into_a_field_and_do_not_act() {
    let mut model = model(SMALL);
    letter(&mut model, '/');
    for key in ['q', 'p', '?'] {
        assert!(letter(&mut model, key).is_empty());
    }
    assert!(drawn(&model).contains("> qp?"));
    press(&mut model, KeyCode::Esc);
    assert!(letter(&mut model, 'q').contains(&Effect::Quit));
}

#[test]
fn an_answer_is_remembered_by_what_was_written_not_by_where_it_was_shown() {
    let mut model = up_to_the_quiz(SMALL);
    let Screen::Lesson(state) = &model.screen else {
        panic!("a lesson is shown");
    };
    let order = state.lesson.quiz[0].option_order();
    letter(&mut model, '2');
    let effects = enter(&mut model);
    let remembered = effects.iter().find_map(|effect| match effect {
        Effect::Remember(Memory::Answer {
            item,
            option,
            right,
            ..
        }) => Some((item.as_str(), *option, *right)),
        _ => None,
    });
    // The first one that is written is right.
    assert_eq!(remembered, Some(("bytes-1", order[1], order[1] == 0)));
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
fn a_check_recorded_elsewhere_is_fetched_and_shown() {
    let mut model = model(LARGE);
    exercise(&mut model);
    let effects = update(&mut model, Event::Remembered(Box::new(started())));
    assert!(effects.is_empty(), "nothing was checked yet: {effects:?}");
    let mut progress = started();
    let known = progress.exercises.get_mut("echo-server").unwrap();
    known.attempts = 2;
    known.last = Some(ipc_mastery::mastery::progress::Attempt {
        at: 9,
        verdict: Verdict::Fail,
        subject: ipc_mastery::mastery::progress::SubjectKind::Directory,
        language: Some("python".to_owned()),
        seed: 7,
        evidence: true,
        assisted: false,
        build_diagnosis: None,
        stages: Vec::new(),
    });
    let effects = update(&mut model, Event::Remembered(Box::new(progress)));
    assert_eq!(effects, [Effect::LastReport("echo-server".to_owned())]);
    let event = Event::LastReport {
        exercise: "echo-server".to_owned(),
        report: Some(Box::new(report())),
    };
    update(&mut model, event);
    press(&mut model, KeyCode::Tab);
    press(&mut model, KeyCode::Tab);
    assert!(drawn(&model).contains("Nothing came back."));
}

fn checks(effects: &[Effect]) -> usize {
    let is_check = |effect: &&Effect| matches!(effect, Effect::Check { .. });
    effects.iter().filter(is_check).count()
}

fn saved(model: &mut Model) -> Vec<Effect> {
    let exercise = "echo-server".to_owned();
    update(model, Event::Saved { exercise })
}

/// The check that runs has ended: with this report, or because it was stopped.
fn checked(model: &mut Model, report: Option<Report>) -> Vec<Effect> {
    let exercise = "echo-server".to_owned();
    let result = report.map(|report| Ok(Box::new(report)));
    update(model, Event::Checked { exercise, result })
}

#[test]
fn a_save_during_a_check_gives_it_up_and_has_it_done_once_more() {
    let mut model = model(SMALL);
    exercise(&mut model);
    update(&mut model, Event::Remembered(Box::new(started())));
    let effects = letter(&mut model, 'w');
    assert_eq!(checks(&effects), 1);
    assert_eq!(saved(&mut model), [Effect::StopCheck]);
    assert!(drawn(&model).contains("Saved: starting over"));
    assert_eq!(checks(&saved(&mut model)), 0);
    assert_eq!(checks(&checked(&mut model, None)), 1);
    assert_eq!(checks(&checked(&mut model, Some(report()))), 0);
}

#[test]
fn a_save_moves_nothing_that_the_learner_looks_at() {
    let mut model = model(SMALL);
    exercise(&mut model);
    update(&mut model, Event::Remembered(Box::new(started())));
    letter(&mut model, 'w');
    checked(&mut model, Some(report()));
    press(&mut model, KeyCode::Down);
    press(&mut model, KeyCode::Down);
    let before = drawn(&model);
    saved(&mut model);
    assert!(drawn(&model).contains("Judging"));
    checked(&mut model, Some(report()));
    assert_eq!(drawn(&model), before, "the same failure stays where it was");
    let mut other = report();
    other.stages[0].failure.as_mut().unwrap().diagnosis = "other".to_owned();
    saved(&mut model);
    checked(&mut model, Some(other));
    assert!(
        drawn(&model).contains("failed: Echoes one friendly message"),
        "another begins anew"
    );
    // A stage that the learner chose stays chosen, and its tab shown.
    press(&mut model, KeyCode::BackTab);
    press(&mut model, KeyCode::Down);
    let chosen = |model: &Model| match &model.screen {
        Screen::Exercise(page) => (page.tab, page.stage),
        _ => panic!("the exercise is shown"),
    };
    assert_eq!(chosen(&model), (Tab::Stages, 1));
    saved(&mut model);
    checked(&mut model, Some(report()));
    assert_eq!(chosen(&model), (Tab::Stages, 1));
    letter(&mut model, 'c');
    checked(&mut model, Some(report()));
    assert_eq!(
        chosen(&model),
        (Tab::Result, 0),
        "a check that was asked for shows what it found"
    );
}

#[test]
fn leaving_an_exercise_stops_what_runs_for_it() {
    let mut model = model(SMALL);
    exercise(&mut model);
    let effects = press(&mut model, KeyCode::Esc);
    assert!(effects.contains(&Effect::StopCheck));
    assert!(effects.contains(&Effect::StopWatch));
}

#[test]
fn names_chosen_by_others_cannot_colour_the_screen() {
    let mut model = model(SMALL);
    letter(&mut model, 'p');
    press(&mut model, KeyCode::Tab);
    let result = Ok(Arc::new(sockets()));
    let name = "sockets".to_owned();
    update(&mut model, Event::Probed { name, result });
    assert!(!drawn(&model).contains('\x1b'));
    assert!(drawn(&model).contains("\\x1b"));
}

#[test]
fn where_nothing_can_be_kept_the_screen_says_so_and_goes_on() {
    let mut model = model(SMALL);
    update(
        &mut model,
        Event::Forgetful("progress is not kept: no room".to_owned()),
    );
    assert!(drawn(&model).contains("progress is not kept: no room"));
    lesson(&mut model, "what-is-it");
    assert!(drawn(&model).contains("progress is not kept: no room"));
    assert!(drawn(&model).contains("What a Unix socket is"));
}

#[test]
fn the_first_esc_shows_all_lines_again_and_the_next_leaves_the_probes() {
    let mut model = model(SMALL);
    letter(&mut model, 'p');
    press(&mut model, KeyCode::Tab);
    let result = Ok(Arc::new(sockets()));
    let name = "sockets".to_owned();
    update(&mut model, Event::Probed { name, result });
    let all = drawn(&model);
    letter(&mut model, '/');
    update(&mut model, Event::Paste("zzz".to_owned()));
    enter(&mut model);
    assert!(drawn(&model).contains("Esc shows all"));
    press(&mut model, KeyCode::Esc);
    assert_eq!(drawn(&model), all);
    press(&mut model, KeyCode::Esc);
    assert!(matches!(model.screen, Screen::Path(_)));
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

#[test]
fn a_program_found_where_it_was_started_earlier_is_taken_and_remembered() {
    let mut model = model(SMALL);
    exercise(&mut model);
    letter(&mut model, '1');
    let marker = Marker {
        directory: PathBuf::from("/home/ada/echo-server"),
        exercise: "echo-server".to_owned(),
        language: "python".to_owned(),
    };
    let exercise = "echo-server".to_owned();
    let result = Ok(Begun::Found(marker.clone()));
    let effects = update(&mut model, Event::Started { exercise, result });
    assert_eq!(effects, [Effect::Remember(Memory::Start(marker))]);
    assert!(drawn(&model).contains("Your program: /home/ada/echo-server"));
    assert!(drawn(&model).contains("nothing was copied"));
}

#[test]
fn why_nothing_was_copied_is_told_whole_and_once() {
    let mut model = model(SMALL);
    exercise(&mut model);
    letter(&mut model, '1');
    let exercise = "echo-server".to_owned();
    let place = "a-long-name/".repeat(6);
    let result = Err(format!(
        "Nothing was copied: {place} is there.\nMove it away."
    ));
    update(&mut model, Event::Started { exercise, result });
    let screen = drawn(&model);
    assert!(screen.contains(&place), "{screen}");
    assert!(screen.contains("Move it away."), "{screen}");
    assert_eq!(screen.matches("Nothing was copied").count(), 1, "{screen}");
    letter(&mut model, '1');
    assert!(!drawn(&model).contains("Nothing was copied"));
}

#[test]
fn a_long_path_gives_way_to_what_is_being_done() {
    let mut model = model(SMALL);
    exercise(&mut model);
    let mut progress = started();
    let known = progress.exercises.get_mut("echo-server").unwrap();
    let place = format!("/home/ada/{}echo-server", "deep/".repeat(20));
    known.started.as_mut().unwrap().directory = Untrusted::new(place.as_str());
    update(&mut model, Event::Remembered(Box::new(progress)));
    letter(&mut model, 'w');
    let (exercise, result) = ("echo-server".to_owned(), None);
    update(&mut model, Event::Checked { exercise, result });
    let screen = drawn(&model);
    assert!(screen.contains("deep/echo-server   watching"), "{screen}");
}

#[test]
fn every_key_is_explained_within_eighty_columns() {
    for binding in bindings::BINDINGS {
        let sentence = binding.action.sentence();
        assert!(sentence.len() <= 56, "{sentence}");
    }
}
