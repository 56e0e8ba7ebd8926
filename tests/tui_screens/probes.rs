//! The probes.

use std::sync::Arc;

use ipc_mastery::probe::Probed;
use ipc_mastery::probe::holders::{Holders, Known, Visibility};
use ipc_mastery::probe::sockets::{Condition, Filter, Row, Sockets, View};
use ipc_mastery::sys::sock_diag::{Name, Shutdown, Type};
use ipc_mastery::tui::event::Event;
use ipc_mastery::tui::model::Screen;
use ipc_mastery::tui::update::update;
use ipc_mastery::untrusted::Untrusted;
use ratatui::crossterm::event::KeyCode;

use super::drawing::{SMALL, both_sizes, drawn, enter, letter, model, press};

pub(super) fn sockets() -> Probed {
    let row = |inode: u32, name: &str| Row {
        kind: Type::Stream,
        condition: Condition::Listening,
        name: Some(Name::Path(Untrusted::new(name))),
        inode,
        cookie: u64::from(inode),
        file: None,
        leads: None,
        uid: Some(1000),
        user: None,
        holders: Holders {
            known: Known::None,
            processes: Vec::new(),
        },
        descriptors: Vec::new(),
        peer: None,
        shutdown: Shutdown::default(),
        unread: 0,
        sent_memory: 0,
        in_flight: Some(0),
        queue: None,
        pending: Vec::new(),
        clients: Some(2),
        service: None,
        borrowed: None,
    };
    Probed::Sockets(Box::new(Sockets {
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
        network_namespace: None,
        in_flight: 0,
        filter: Filter::default(),
        total: 2,
        owners: Vec::new(),
        view: View::Table,
        sockets: vec![
            row(11, "/run/user/1000/bus"),
            row(12, "/run/user/1000/\x1b[31mred"),
        ],
    }))
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
