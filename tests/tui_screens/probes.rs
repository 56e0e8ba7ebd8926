//! The probes: rows and their pages, looks that follow each other, filters, the way from a socket
//! to its process, to its peer and back.

use std::sync::Arc;
use std::time::Duration;

use ipc_mastery::probe::fds::{Descriptor, Fds, Sharing, UnixSocket, What};
use ipc_mastery::probe::holders::{Holders, Known, Process, Visibility};
use ipc_mastery::probe::sockets::{
    By, Condition, Filter, Identified, Peer, Queue, Relation, Row, Sockets, View,
};
use ipc_mastery::probe::{Ask, Name as Probe, Probed, creds, fds};
use ipc_mastery::render::theme::Palette;
use ipc_mastery::sys::fdinfo::Access;
use ipc_mastery::sys::sock_diag::{Name, Shutdown, Type};
use ipc_mastery::tui::effect::Effect;
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::model::{Model, Screen, Size};
use ipc_mastery::tui::probes::look::Look;
use ipc_mastery::tui::update::update;
use ipc_mastery::untrusted::Untrusted;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};

use super::drawing::{LARGE, SMALL, both_sizes, cells, drawn, enter, letter, model, press};
use super::lesson::lesson;

pub(super) fn look(probed: Probed) -> Arc<Look> {
    Arc::new(Look::new(probed, Duration::from_millis(14)))
}

/// A socket as the probe would tell of it, with nothing special about it.
fn socket(inode: u32, condition: Condition, holder: Option<(u32, &str)>) -> Row {
    Row {
        kind: Type::Stream,
        condition,
        name: None,
        inode,
        cookie: u64::from(inode) + 7,
        file: None,
        leads: None,
        uid: Some(1000),
        user: None,
        holders: held_by(holder),
        descriptors: Vec::new(),
        peer: None,
        shutdown: Shutdown::default(),
        unread: 0,
        sent_memory: 0,
        in_flight: Some(0),
        queue: None,
        pending: Vec::new(),
        clients: None,
        service: None,
        borrowed: None,
    }
}

fn held_by(holder: Option<(u32, &str)>) -> Holders {
    let process = holder.map(|(pid, comm)| Process {
        pid,
        comm: comm.into(),
    });
    Holders {
        known: match process {
            Some(_) => Known::Some,
            None => Known::NotVisible,
        },
        processes: process.into_iter().collect(),
    }
}

const DBUS: Option<(u32, &str)> = Some((1042, "dbus-daemon"));
const SWAY: Option<(u32, &str)> = Some((1051, "sway"));
const BUS: &str = "/run/user/1000/bus";

fn peer(inode: u32, name: Option<&str>, holder: Option<(u32, &str)>) -> Option<Peer> {
    Some(Peer {
        inode,
        relation: Relation::Connected,
        name: name.map(path),
        holders: held_by(holder),
        unread: 0,
        sent_memory: 0,
    })
}

fn path(name: &str) -> Name {
    Name::Path(Untrusted::new(name))
}

fn rows() -> Vec<Row> {
    let service = Some(Arc::new(Identified {
        id: "dbus-session".to_owned(),
        name: "D-Bus session bus".to_owned(),
        by: By::Address,
        part: ipc_mastery::curriculum::services::Part::Server,
    }));
    let queue = Some(Queue {
        pending: 0,
        backlog: 4096,
    });
    vec![
        Row {
            name: Some(path(BUS)),
            queue,
            clients: Some(1),
            service: service.clone(),
            ..socket(10311, Condition::Listening, DBUS)
        },
        Row {
            name: Some(path("/run/user/1000/\x1b[31mred\u{202e}")),
            queue,
            clients: Some(0),
            ..socket(10012, Condition::Listening, None)
        },
        Row {
            kind: Type::Dgram,
            name: Some(Name::Abstract("notify".into())),
            ..socket(9001, Condition::Bound, SWAY)
        },
        Row {
            name: Some(path(BUS)),
            peer: peer(10544, None, SWAY),
            service: service.clone(),
            ..socket(10545, Condition::Connected, DBUS)
        },
        Row {
            peer: peer(10545, Some(BUS), DBUS),
            service,
            ..socket(10544, Condition::Connected, SWAY)
        },
    ]
}

fn seen(sockets: Vec<Row>) -> Probed {
    Probed::Sockets(Box::new(Sockets {
        schema: "ipc-mastery/probe/sockets/1",
        visibility: Visibility {
            owners_complete: false,
            readable: 97,
            denied: 1,
            denied_processes: vec![Process {
                pid: 700,
                comm: "dbus-broker".into(),
            }],
            vanished: 0,
            inner_pid_namespace: false,
            hidden_by_mount: false,
            unlistable: None,
            root: false,
        },
        problem: None,
        dump_repeated: 0,
        network_namespace: None,
        in_flight: 0,
        filter: Filter::default(),
        total: sockets.len(),
        owners: Vec::new(),
        view: View::Table,
        sockets,
    }))
}

pub(super) fn sockets() -> Probed {
    seen(rows())
}

fn answer(model: &mut Model, ask: Ask, probed: Probed) -> Vec<Effect> {
    let result = Ok(look(probed));
    update(model, Event::Probed { ask, result })
}

/// The sockets, after one look.
fn open(size: Size) -> Model {
    let mut model = model(size);
    letter(&mut model, 'p');
    press(&mut model, KeyCode::Tab);
    answer(&mut model, Probe::Sockets.into(), sockets());
    model
}

/// Time passes, and this is seen then.
fn look_again(model: &mut Model, rows: Vec<Row>) {
    let asked = update(model, Event::Alarm);
    assert_eq!(asked, [Effect::Probe(Probe::Sockets.into())]);
    answer(model, Probe::Sockets.into(), seen(rows));
}

/// What a second look could see: one socket is new, one has changed, one has gone.
fn later() -> Vec<Row> {
    let mut rows = rows();
    rows[0].queue = Some(Queue {
        pending: 2,
        backlog: 4096,
    });
    rows.remove(2);
    let new = Row {
        name: Some(path("/run/user/1000/a-new-one")),
        ..socket(20001, Condition::Listening, SWAY)
    };
    rows.insert(0, new);
    rows
}

fn line_with(screen: &str, text: &str) -> String {
    let line = screen.lines().find(|line| line.contains(text));
    line.unwrap_or_else(|| panic!("no `{text}` in:\n{screen}"))
        .to_owned()
}

/// The row that is selected, as characters.
fn selected(model: &Model) -> String {
    let buffer = cells(model, Palette::Mono);
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    let mut rows = rows.filter(|row| row[3].modifier.contains(Modifier::REVERSED));
    let row = rows.next().expect("a row is selected");
    row.iter().map(|cell| cell.symbol()).collect()
}

#[test]
fn the_rows_of_a_second_look_are_marked() {
    both_sizes!("probes", |size| {
        let mut model = open(size);
        look_again(&mut model, later());
        model
    });
}

#[test]
fn the_page_of_a_socket() {
    both_sizes!("probes_page", |size| {
        let mut model = open(size);
        press(&mut model, KeyCode::End);
        enter(&mut model);
        model
    });
}

#[test]
fn a_picture_as_the_command_prints_it() {
    both_sizes!("probes_picture", |size| {
        let mut model = open(size);
        letter(&mut model, 'v');
        model
    });
}

#[test]
fn names_chosen_by_others_cannot_colour_the_screen() {
    for size in [SMALL, LARGE] {
        let mut model = open(size);
        press(&mut model, KeyCode::Down);
        enter(&mut model);
        for screen in [drawn(&model), {
            press(&mut model, KeyCode::Esc);
            drawn(&model)
        }] {
            assert!(!screen.contains(['\x1b', '\u{202e}']));
            assert!(screen.contains("\\x"), "{screen}");
        }
    }
}

#[test]
fn the_first_esc_shows_all_rows_again_and_the_next_leaves_the_probes() {
    let mut model = open(SMALL);
    let all = drawn(&model);
    letter(&mut model, '/');
    update(&mut model, Event::Paste("zzz".to_owned()));
    enter(&mut model);
    assert!(drawn(&model).contains("None fits. Esc shows all."));
    press(&mut model, KeyCode::Esc);
    assert_eq!(drawn(&model), all);
    press(&mut model, KeyCode::Esc);
    assert!(matches!(model.screen, Screen::Path(_)));
}

#[test]
fn the_selection_stays_on_its_socket_when_others_come_and_go() {
    let mut model = open(SMALL);
    press(&mut model, KeyCode::End);
    let before = selected(&model);
    assert!(before.contains("sway"), "{before}");
    look_again(&mut model, later());
    assert_eq!(selected(&model), before);
    // A socket that has gone gives the selection to the row in its place.
    let rest: Vec<Row> = later()
        .into_iter()
        .filter(|row| row.inode != 10544)
        .collect();
    look_again(&mut model, rest.clone());
    assert!(
        selected(&model).starts_with(" - connected"),
        "{}",
        selected(&model)
    );
    look_again(&mut model, rest);
    assert!(
        selected(&model).contains("dbus-daemon"),
        "{}",
        selected(&model)
    );
}

#[test]
fn what_is_gone_is_shown_once_and_what_is_new_a_little_longer() {
    let mut model = open(SMALL);
    look_again(&mut model, later());
    let screen = drawn(&model);
    assert!(line_with(&screen, "new-one").starts_with(" + listening"));
    assert!(line_with(&screen, "@notify").starts_with(" - bound"));
    assert!(line_with(&screen, "2/4096").starts_with(" ~ listening"));
    assert!(
        screen.contains("+ 1 new  ~ 1 changed  - 1 gone"),
        "{screen}"
    );
    look_again(&mut model, later());
    let screen = drawn(&model);
    assert!(!screen.contains("@notify"), "{screen}");
    assert!(line_with(&screen, "new-one").starts_with(" + listening"));
    look_again(&mut model, later());
    look_again(&mut model, later());
    assert!(line_with(&drawn(&model), "new-one").starts_with("   listening"));
}

#[test]
fn it_looks_again_only_while_it_is_seen_and_never_twice_at_once() {
    let mut model = model(SMALL);
    letter(&mut model, 'p');
    let ask: Ask = Probe::RuntimeDir.into();
    let look = |model: &mut Model| update(model, Event::Alarm);
    assert!(look(&mut model).is_empty(), "the first look is under way");
    let effects = answer(&mut model, ask.clone(), sockets());
    assert_eq!(effects, [Effect::Alarm(Duration::from_secs(1))]);
    assert!(
        press(&mut model, KeyCode::Down).is_empty(),
        "one alarm is enough"
    );
    assert_eq!(look(&mut model), [Effect::Probe(ask.clone())]);
    assert!(look(&mut model).is_empty(), "a look is under way");
    answer(&mut model, ask.clone(), sockets());
    // Help hides it.
    letter(&mut model, '?');
    assert!(look(&mut model).is_empty());
    let effects = press(&mut model, KeyCode::Esc);
    assert_eq!(effects, [Effect::Alarm(Duration::from_secs(1))]);
    // Paused, it looks only when asked.
    letter(&mut model, 'p');
    assert!(drawn(&model).contains("paused, a look took 14 ms"));
    assert!(look(&mut model).is_empty());
    assert_eq!(letter(&mut model, 'r'), [Effect::Probe(ask.clone())]);
    assert!(answer(&mut model, ask.clone(), sockets()).is_empty());
    assert_eq!(letter(&mut model, 'p'), [Effect::Probe(ask.clone())]);
    answer(&mut model, ask.clone(), sockets());
    // Another screen hides it.
    press(&mut model, KeyCode::Esc);
    assert!(matches!(model.screen, Screen::Path(_)));
    assert!(look(&mut model).is_empty());
    assert!(letter(&mut model, 'j').is_empty());
}

#[test]
fn filters_say_what_they_hide() {
    let mut model = open(SMALL);
    assert!(drawn(&model).contains(" 5 sockets\n"));
    letter(&mut model, 'l');
    let screen = drawn(&model);
    assert!(
        screen.contains("2 of 5 sockets, only: listening"),
        "{screen}"
    );
    assert!(!screen.contains("connected"));
    assert!(
        screen.contains("could not be read"),
        "what is not seen is always told"
    );
    letter(&mut model, 'l');
    press(&mut model, KeyCode::End);
    letter(&mut model, 'o');
    assert!(drawn(&model).contains("2 of 5 sockets, only: process sway 1051"));
    letter(&mut model, 't');
    assert!(drawn(&model).contains("1 of 5 sockets, only: type dgram, process sway 1051"));
    letter(&mut model, 't');
    letter(&mut model, 't');
    letter(&mut model, 'o');
    assert!(drawn(&model).contains(" 5 sockets\n"));
    press(&mut model, KeyCode::Home);
    letter(&mut model, 's');
    assert!(
        drawn(&model).contains("no service is known"),
        "a note is of no service"
    );
    press(&mut model, KeyCode::Down);
    letter(&mut model, 's');
    assert!(drawn(&model).contains("3 of 5 sockets, only: service D-Bus session bus"));
    press(&mut model, KeyCode::Esc);
    assert!(drawn(&model).contains(" 5 sockets\n"));
}

#[test]
fn a_text_is_found_in_what_no_column_shows_and_in_any_case() {
    let mut model = open(SMALL);
    letter(&mut model, '/');
    // The inode of a peer, and a service's id.
    update(&mut model, Event::Paste("10545".to_owned()));
    assert!(drawn(&model).contains("2 of 5 sockets, only: text 10545▏"));
    press(&mut model, KeyCode::Esc);
    letter(&mut model, '/');
    update(&mut model, Event::Paste("DBUS-session".to_owned()));
    assert!(drawn(&model).contains("3 of 5 sockets"));
}

fn descriptor(fd: u32, target: &str, inode: u64, what: What) -> Descriptor {
    Descriptor {
        fd,
        target: target.into(),
        what,
        access: Some(Access::ReadWrite),
        flags: Vec::new(),
        close_on_exec: Some(true),
        position: None,
        inode: Some(inode),
        mount: None,
        locks: Vec::new(),
        sharing: Sharing {
            known: true,
            fds: Vec::new(),
            processes: Vec::new(),
            same_file_fds: Vec::new(),
            same_file_processes: Vec::new(),
            unsure: Vec::new(),
        },
    }
}

fn fds_of_sway() -> Probed {
    let null = What::Link {
        path: "/dev/null".into(),
    };
    let socket = What::UnixSocket(Box::new(UnixSocket {
        kind: Some(Type::Stream),
        condition: Some(Condition::Connected),
        name: None,
        peer: None,
        queue: None,
        unread: 0,
        in_flight: Some(0),
        service: None,
    }));
    Probed::Fds(Box::new(Fds {
        schema: "ipc-mastery/probe/fds/1",
        pid: 1051,
        comm: "sway".into(),
        uid: Some(1000),
        state: fds::State::Read,
        count: None,
        limit: None,
        threads: None,
        comparing: fds::Comparing::Possible,
        others: None,
        problem: None,
        descriptors: Some(vec![
            descriptor(0, "/dev/null", 4, null),
            descriptor(9, "socket:[10544]", 10544, socket),
        ]),
    }))
}

/// The digit that leads to `to` from the line that begins with `whose`.
fn digit(model: &Model, whose: &str, to: &str) -> char {
    let line = line_with(&drawn(model), whose);
    let (_, ways) = line.split_once(whose).unwrap();
    let ways: Vec<&str> = ways.split_whitespace().collect();
    let place = ways.iter().position(|way| *way == to).unwrap();
    ways[place - 1].chars().next().unwrap()
}

#[test]
fn one_follows_a_socket_to_its_process_to_its_peer_and_goes_back_the_same_way() {
    let mut model = open(SMALL);
    // The accepted socket, and its page.
    letter(&mut model, '/');
    update(&mut model, Event::Paste("10544".to_owned()));
    enter(&mut model);
    assert!(selected(&model).contains("dbus-daemon"));
    enter(&mut model);
    let first = drawn(&model);
    assert!(first.contains("Socket 10545"), "{first}");
    // Its peer, at the other end.
    let key = digit(&model, "its peer ", "socket");
    letter(&mut model, key);
    let second = drawn(&model);
    assert!(
        second.contains("Socket 10544   stream, connected"),
        "{second}"
    );
    // Its process.
    let key = digit(&model, "holder sway 1051", "fds");
    let ask = Ask::Fds(fds::Subject::Process(1051));
    let effects = letter(&mut model, key);
    assert_eq!(effects, [Effect::Probe(ask.clone())]);
    answer(&mut model, ask, fds_of_sway());
    let screen = drawn(&model);
    assert!(screen.contains("[fds 1051 (sway)]"), "{screen}");
    // A descriptor of it, and the socket that it is.
    press(&mut model, KeyCode::End);
    enter(&mut model);
    let key = digit(&model, "it is ", "socket");
    letter(&mut model, key);
    assert!(drawn(&model).contains("Socket 10544   stream, connected"));
    // And back, step by step.
    press(&mut model, KeyCode::Esc);
    assert!(drawn(&model).contains("Descriptor 9"));
    press(&mut model, KeyCode::Esc);
    assert!(drawn(&model).contains("2 descriptors"));
    press(&mut model, KeyCode::Esc);
    assert_eq!(drawn(&model), second);
    press(&mut model, KeyCode::Esc);
    assert_eq!(drawn(&model), first);
    press(&mut model, KeyCode::Esc);
    assert!(drawn(&model).contains("only: text 10544"));
    assert!(selected(&model).contains("dbus-daemon"));
}

#[test]
fn all_sockets_of_the_peers_process_are_one_key_away() {
    let mut model = open(LARGE);
    press(&mut model, KeyCode::End);
    let key = digit(&model, "peer's dbu", "sockets");
    letter(&mut model, key);
    assert!(drawn(&model).contains("2 of 5 sockets, only: process dbus-daemon 1042"));
    press(&mut model, KeyCode::Esc);
    assert!(selected(&model).contains("sway"));
    let key = digit(&model, "holder sway 1051", "creds");
    let effects = letter(&mut model, key);
    let ask = Ask::Creds(creds::Subject::Process(1051));
    assert_eq!(effects, [Effect::Probe(ask)]);
}

#[test]
fn a_socket_that_goes_while_its_page_is_read_stays_readable() {
    let mut model = open(SMALL);
    press(&mut model, KeyCode::End);
    enter(&mut model);
    let rest: Vec<Row> = rows()
        .into_iter()
        .filter(|row| row.inode != 10544)
        .collect();
    for _ in 0..3 {
        look_again(&mut model, rest.clone());
        let screen = drawn(&model);
        assert!(screen.contains("It is not there any more."), "{screen}");
        assert!(screen.contains("Socket 10544"), "{screen}");
    }
}

#[test]
fn a_process_that_has_ended_is_said_to_have_and_its_rows_stay() {
    let mut model = open(SMALL);
    press(&mut model, KeyCode::End);
    enter(&mut model);
    let key = digit(&model, "holder sway 1051", "fds");
    letter(&mut model, key);
    let ask = Ask::Fds(fds::Subject::Process(1051));
    answer(&mut model, ask.clone(), fds_of_sway());
    letter(&mut model, 'r');
    let result = Err("there is no process 1051".to_owned());
    let effects = update(&mut model, Event::Probed { ask, result });
    assert!(effects.is_empty(), "it is not asked for again and again");
    let screen = drawn(&model);
    assert!(
        screen.contains("the last look failed: there is no process 1051"),
        "{screen}"
    );
    assert!(screen.contains("10544"), "{screen}");
}

#[test]
fn the_probe_of_a_lesson_is_opened_where_it_is_and_shown_at_once() {
    let mut model = model(SMALL);
    lesson(&mut model, "what-is-it");
    let ask: Ask = Probe::RuntimeDir.into();
    answer(&mut model, ask.clone(), sockets());
    let effects = letter(&mut model, 'p');
    assert_eq!(effects, [Effect::Probe(ask)]);
    let screen = drawn(&model);
    assert!(screen.contains("[runtime-dir]"), "{screen}");
    assert!(screen.contains("5 sockets"), "{screen}");
    press(&mut model, KeyCode::Esc);
    assert!(matches!(model.screen, Screen::Lesson(_)));
}

#[test]
fn of_many_sockets_those_on_the_screen_are_drawn() {
    let many = |count: u32| -> Vec<Row> {
        let row = |inode| socket(inode, Condition::Unconnected, SWAY);
        (1..=count).map(row).collect()
    };
    let mut model = open(LARGE);
    look_again(&mut model, many(20_000));
    press(&mut model, KeyCode::End);
    assert!(drawn(&model).contains("20000 sockets"));
    assert!(drawn(&model).contains("Socket 20000"));
    press(&mut model, KeyCode::Up);
    look_again(&mut model, many(20_001));
    assert!(drawn(&model).contains("Socket 19999"));
}

#[test]
fn without_colour_marks_are_signs_and_the_selection_is_seen() {
    let mut model = open(LARGE);
    look_again(&mut model, later());
    enter(&mut model);
    let mono = cells(&model, Palette::Mono);
    let plain = |cell: &ratatui::buffer::Cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset);
    assert!(mono.content.iter().all(plain));
    assert!(
        drawn(&model).contains('▸'),
        "the row whose page has the keys"
    );
    for palette in [Palette::Dark, Palette::Light] {
        let buffer = cells(&model, palette);
        assert!(buffer.content.iter().any(|cell| cell.fg != Color::Reset));
    }
}

#[test]
fn every_size_from_one_cell_up_can_be_drawn() {
    let mut model = open(SMALL);
    for focus in 0..2 {
        for columns in (1..140).step_by(3) {
            for rows in [1, 2, 3, 5, 8, 9, 13, 24] {
                model.size = Size { columns, rows };
                update(&mut model, Event::Resize);
                drawn(&model);
            }
        }
        if focus == 0 {
            enter(&mut model);
        }
    }
}
