//! Tests of the drawings: the documentation of each file shows what is drawn, names that attack
//! terminals stay what they are, and one line is one thing.

use super::*;
use crate::curriculum::Curriculum;
use crate::curriculum::services::Places;
use crate::curriculum::source::Source;
use crate::probe::holders::{Process, Visibility};
use crate::probe::sockets::graph::Grouping;
use crate::probe::sockets::{Borrowed, Filter, Held, Owner, Recorded, join};
use crate::render::probe::tests::{transcript, transcripts};
use crate::render::text::Kept;
use crate::sys::proc_scan::{Holdings, Sight};
use crate::sys::sock_diag::{Name, Shutdown, Socket, State, Type};
use crate::untrusted::Untrusted;

fn draw(seen: &Sockets, width: usize) -> Text {
    let mut kept = Kept::default();
    draw_on(seen, width, &mut kept);
    kept.into_text()
}

fn socket(inode: u32, state: State, name: Option<&str>, peer: Option<u32>) -> Socket {
    Socket {
        kind: Type::Stream,
        state,
        inode,
        cookie: u64::from(inode),
        name: name.map(|name| Name::Path(name.into())),
        file: None,
        peer,
        waiting: Vec::new(),
        receive_queue: 0,
        send_queue: 0,
        shutdown: Shutdown::default(),
        uid: Some(1000),
        send_memory: None,
    }
}

/// A session with one bus and one client, and a bus that may not be read.
fn seen() -> Sockets {
    let bus = Some("/run/user/1000/bus");
    let system = Some("/run/dbus/system_bus_socket");
    let mut accepted = socket(10545, State::Established, bus, Some(10544));
    accepted.receive_queue = 0;
    let sockets = vec![
        socket(10311, State::Listening, bus, None),
        socket(10544, State::Established, None, Some(10545)),
        accepted,
        socket(9100, State::Listening, system, None),
        socket(9200, State::Established, None, Some(0)),
    ];
    let holdings = Holdings::made_of(
        &[
            (10311, 1042, "dbus-daemon"),
            (10545, 1042, "dbus-daemon"),
            (10544, 1051, "sway"),
            (9200, 1051, "sway"),
        ],
        Sight {
            readable: 97,
            denied: vec![Process {
                pid: 700,
                comm: "dbus-daemon".into(),
            }],
            ..Sight::default()
        },
    );
    let services = Curriculum::load_services(&Source::Embedded)
        .unwrap()
        .services;
    Sockets {
        schema: "ipc-mastery/probe/sockets/1",
        sockets: join(sockets, &holdings, &services, &Places::default()),
        visibility: Visibility {
            root: false,
            ..Visibility::new(holdings.sight.clone(), None)
        },
        problem: None,
        dump_repeated: 0,
        network_namespace: Some(4_026_531_833),
        in_flight: 0,
        filter: Filter::default(),
        total: 5,
        owners: Vec::new(),
        view: View::Table,
    }
}

fn owner(pid: u32, comm: &str, unit: &str) -> Owner {
    Owner {
        pid,
        comm: comm.into(),
        unit: Some(unit.into()),
        mount_namespace: Some(4_026_531_841),
        other_mounts: Some(false),
    }
}

fn with_owners() -> Sockets {
    Sockets {
        owners: vec![
            owner(1042, "dbus-daemon", "dbus.service"),
            owner(1051, "sway", "sway.service"),
        ],
        ..seen()
    }
}

#[test]
fn the_documentation_shows_what_is_listed() {
    assert_eq!(
        draw(&seen(), 80).plain(),
        transcript(include_str!("listing.rs"))
    );
}

#[test]
fn the_documentation_shows_what_is_told_of_one() {
    let mut seen = with_owners();
    seen.filter.inode = Some(10544);
    seen.sockets.retain(|row| row.inode == 10544);
    let row = &mut seen.sockets[0];
    row.user = Some("learner".into());
    row.descriptors = vec![Held { pid: 1051, fd: 14 }];
    row.sent_memory = 768;
    row.peer.as_mut().unwrap().unread = 11;
    row.borrowed = Some(Box::new(Borrowed {
        credentials: Some(Recorded {
            pid: Some(1042),
            uid: 1000,
            user: Some("learner".into()),
            gid: 1000,
            holds_it_now: Some(true),
        }),
        file: None,
        refused: None,
    }));
    assert_eq!(
        draw(&seen, 80).plain(),
        transcript(include_str!("detail.rs"))
    );
}

#[test]
fn the_documentation_shows_who_talks_to_whom() {
    let drawn = [Grouping::Process, Grouping::Service].map(|grouping| {
        let view = View::Tree(grouping);
        let seen = Sockets {
            view,
            ..with_owners()
        };
        draw(&seen, 80).plain()
    });
    assert_eq!(
        drawn.as_slice(),
        transcripts(include_str!("tree.rs")).as_slice()
    );
}

/// Names of sockets and processes that move a cursor, forge a row, end a string or are no text.
const HOSTILE: &[&[u8]] = &[
    b"\x1b[2J\x1b]0;owned\x07",
    b"x\n\xe2\x94\x94\xe2\x94\x80 root 1, init.service: 9 sockets",
    b"\r\ttab  two  blanks ",
    b"raw\xff\xfe\xc3",
    b"bidi\xe2\x80\xaegpj\xe2\x80\x8b",
    b"quote'\"\\x41",
];

#[test]
fn hostile_names_of_sockets_and_processes_forge_no_line() {
    for hostile in HOSTILE {
        let plain = Untrusted::from("name");
        let drawn = |name: &Untrusted, view: View, filter: Filter| {
            let mut seen = Sockets {
                view,
                filter,
                ..with_owners()
            };
            for row in &mut seen.sockets {
                let peer = row.peer.iter_mut();
                let (names, holders): (Vec<_>, Vec<_>) =
                    peer.map(|peer| (&mut peer.name, &mut peer.holders)).unzip();
                for own in names.into_iter().chain([&mut row.name]).flatten() {
                    *own = Name::Abstract(name.clone());
                }
                for holders in holders.into_iter().chain([&mut row.holders]) {
                    let mut processes = holders.processes.to_vec();
                    for process in &mut processes {
                        process.comm = name.clone();
                    }
                    holders.processes = processes.into();
                }
                row.service = None;
            }
            if seen.filter.inode.is_some() {
                seen.sockets.retain(|row| row.inode == 10544);
            }
            for owner in &mut seen.owners {
                owner.unit = Some(name.clone());
            }
            // Wide enough that nothing is wrapped.
            draw(&seen, 2000).plain()
        };
        let one = Filter {
            inode: Some(10544),
            ..Filter::default()
        };
        for (view, filter) in [
            (View::Table, Filter::default()),
            (View::Tree(Grouping::Process), Filter::default()),
            (View::Tree(Grouping::Service), Filter::default()),
            (View::Table, one),
        ] {
            let text = drawn(&Untrusted::from(*hostile), view, filter.clone());
            let harmless = drawn(&plain, view, filter);
            assert_eq!(text.lines().count(), harmless.lines().count(), "{text}");
            for character in text.chars() {
                assert!(character == '\n' || !character.is_control(), "{text:?}");
                assert!(!matches!(character, '\u{200b}'..='\u{202e}'), "{text:?}");
            }
        }
    }
}
