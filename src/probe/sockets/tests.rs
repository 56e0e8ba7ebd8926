//! Tests of the join, on sockets made up here.

use super::*;
use crate::curriculum::services::Places;
use crate::sys::proc_scan::Sight;
use crate::sys::sock_diag::{Device, FileId, Name, Shutdown, Socket, State, Type};
use crate::untrusted::Untrusted;

fn socket(inode: u32, state: State) -> Socket {
    Socket {
        kind: Type::Stream,
        state,
        inode,
        cookie: u64::from(inode),
        name: None,
        file: None,
        peer: None,
        waiting: Vec::new(),
        receive_queue: 0,
        send_queue: 0,
        shutdown: Shutdown::default(),
        uid: Some(1000),
        send_memory: None,
    }
}

fn named(mut socket: Socket, name: &str) -> Socket {
    socket.name = Some(Name::Path(Untrusted::from(name)));
    socket.file = Some(FileId {
        device: Device {
            major: 0,
            minor: 39,
        },
        inode: 4,
    });
    socket
}

fn bus() -> Vec<Socket> {
    let mut listener = named(socket(10, State::Listening), "/run/user/1000/bus");
    listener.receive_queue = 1;
    listener.send_queue = 128;
    listener.waiting = vec![13];
    let mut accepted = named(socket(11, State::Established), "/run/user/1000/bus");
    accepted.peer = Some(12);
    let mut client = socket(12, State::Established);
    client.peer = Some(11);
    let mut waiting = socket(13, State::Established);
    waiting.peer = Some(0);
    let mut half = socket(14, State::Established);
    half.peer = Some(15);
    half.shutdown.send = true;
    let mut gone = socket(16, State::Established);
    gone.peer = Some(0);
    gone.shutdown = Shutdown {
        receive: true,
        send: true,
    };
    vec![
        gone,
        half,
        waiting,
        client,
        accepted,
        listener,
        socket(17, State::Unconnected),
    ]
}

pub(super) fn rows(sight: Sight) -> Vec<Row> {
    let holdings = Holdings::made_of(
        &[
            (10, 1, "dbus-daemon"),
            (11, 1, "dbus-daemon"),
            (12, 2, "app"),
            (13, 3, "late"),
        ],
        sight,
    );
    let services =
        crate::curriculum::Curriculum::load(&crate::curriculum::source::Source::Embedded)
            .unwrap()
            .catalogue
            .services;
    join(bus(), &holdings, &services, &Places::default())
}

fn row(rows: &[Row], inode: u32) -> &Row {
    rows.iter().find(|row| row.inode == inode).unwrap()
}

#[test]
fn both_ends_of_a_connection_are_named() {
    let rows = rows(Sight::default());
    let client = row(&rows, 12);
    let peer = client.peer.as_ref().unwrap();
    assert_eq!(
        peer.holders.processes[0].comm,
        Untrusted::from("dbus-daemon")
    );
    assert_eq!(peer.relation, Relation::Connected);
    assert_eq!(client.service.as_ref().unwrap().id, "dbus-session");
    let server = row(&rows, 11).peer.as_ref().unwrap();
    assert_eq!(server.holders.processes[0].pid, 2);
}

#[test]
fn a_waiting_client_has_the_listener_as_its_other_end() {
    let rows = rows(Sight::default());
    let waiting = row(&rows, 13);
    assert_eq!(waiting.condition, Condition::Waiting);
    let peer = waiting.peer.as_ref().unwrap();
    assert_eq!((peer.inode, peer.relation), (10, Relation::WaitsFor));
    assert_eq!(peer.holders.processes[0].pid, 1);
}

#[test]
fn a_listener_counts_accepted_connections_and_those_that_wait() {
    let rows = rows(Sight::default());
    let listener = row(&rows, 10);
    assert_eq!(listener.clients, Some(1));
    assert_eq!(
        listener.queue,
        Some(Queue {
            pending: 1,
            backlog: 128
        })
    );
}

#[test]
fn conditions_tell_shut_down_closed_and_unused_apart() {
    let rows = rows(Sight::default());
    let condition = |inode| row(&rows, inode).condition;
    assert_eq!(condition(14), Condition::HalfClosed);
    assert_eq!(condition(16), Condition::PeerClosed);
    assert_eq!(condition(17), Condition::Unconnected);
    assert_eq!(condition(10), Condition::Listening);
}

#[test]
fn no_holder_is_proven_only_when_every_process_was_read() {
    assert_eq!(row(&rows(Sight::default()), 14).holders.known, Known::None);
    let sight = Sight {
        inner_pid_namespace: true,
        ..Sight::default()
    };
    assert_eq!(row(&rows(sight), 14).holders.known, Known::NotVisible);
}

#[test]
fn a_datagram_socket_that_others_are_connected_to_is_bound() {
    let mut server = named(
        socket(20, State::Established),
        "/run/systemd/journal/dev-log",
    );
    server.kind = Type::Dgram;
    let mut client = socket(21, State::Established);
    client.kind = Type::Dgram;
    client.peer = Some(20);
    let rows = join(
        vec![server, client],
        &Holdings::default(),
        &[],
        &Places::default(),
    );
    assert_eq!(row(&rows, 20).condition, Condition::Bound);
    assert_eq!(row(&rows, 20).clients, Some(1));
    let peer = row(&rows, 21).peer.as_ref().unwrap();
    assert_eq!(peer.relation, Relation::SendsTo);
}

#[test]
fn two_listeners_of_one_name_do_not_count_each_others_clients() {
    let mut old = named(socket(30, State::Listening), "/run/x");
    old.file = old.file.map(|file| FileId { inode: 9, ..file });
    let mut accepted = named(socket(31, State::Established), "/run/x");
    accepted.file = old.file;
    let new = named(socket(32, State::Listening), "/run/x");
    let sockets = vec![old, accepted, new];
    let rows = join(sockets, &Holdings::default(), &[], &Places::default());
    assert_eq!(row(&rows, 30).clients, Some(1));
    assert_eq!(row(&rows, 32).clients, Some(0));
}

#[test]
fn a_listener_names_who_waits_for_it_and_who_has_gone() {
    let mut sockets = bus();
    let listener = sockets.iter_mut().find(|socket| socket.inode == 10);
    listener.unwrap().waiting.push(0);
    let holdings = Holdings::made_of(&[(13, 3, "late")], Sight::default());
    let rows = join(sockets, &holdings, &[], &Places::default());
    let pending = &row(&rows, 10).pending;
    assert_eq!(pending[0].inode, Some(13));
    assert_eq!(pending[0].holders.processes[0].pid, 3);
    assert_eq!(pending[1].inode, None);
    assert_eq!(pending[1].holders.known, Known::Gone);
}

#[test]
fn a_filter_takes_what_fits_all_of_it_and_the_other_end_stays_named() {
    let rows = rows(Sight::default());
    let fitting = |filter: Filter| -> Vec<u32> {
        let fits = rows.iter().filter(|row| filter.fits(row));
        fits.map(|row| row.inode).collect()
    };
    let all = Filter::default();
    assert_eq!(fitting(all.clone()).len(), rows.len());
    let of_app = Filter {
        pid: Some(2),
        ..all.clone()
    };
    assert_eq!(fitting(of_app), [12]);
    let peer = row(&rows, 12).peer.as_ref().unwrap();
    assert_eq!(peer.holders.processes[0].pid, 1);
    let named = Filter {
        name: Some("/bus".into()),
        ..all.clone()
    };
    assert_eq!(fitting(named.clone()), [10, 11, 12, 13]);
    let both = Filter {
        condition: Some(Condition::Listening),
        ..named
    };
    assert_eq!(fitting(both), [10]);
    let service = Filter {
        service: Some("dbus-session".into()),
        kind: Some(Type::Stream),
        ..all.clone()
    };
    assert_eq!(fitting(service), [10, 11, 12, 13]);
    let other_type = Filter {
        kind: Some(Type::Dgram),
        ..all
    };
    assert!(fitting(other_type).is_empty());
}

#[test]
fn names_are_found_as_they_are_printed() {
    let mut one = socket(40, State::Listening);
    one.name = Some(Name::Abstract(Untrusted::from(&b"a\x1bb"[..])));
    let rows = join(vec![one], &Holdings::default(), &[], &Places::default());
    let finds = |text: &str| {
        let filter = Filter {
            name: Some(text.into()),
            ..Filter::default()
        };
        filter.fits(&rows[0])
    };
    assert!(finds("@a") && finds(r"\x1b"));
    assert!(!finds("\x1b") && !finds("/a"));
}

#[test]
fn without_a_holder_three_things_are_told_apart() {
    let known = |sight, in_flight| {
        let mut rows = rows(sight);
        if in_flight {
            flight::settle(&mut rows);
        }
        row(&rows, 14).holders.known
    };
    let denied = Sight {
        denied: vec![super::super::holders::Process {
            pid: 1,
            comm: "init".into(),
        }],
        ..Sight::default()
    };
    assert_eq!(known(Sight::default(), false), Known::None);
    assert_eq!(known(Sight::default(), true), Known::InFlight);
    assert_eq!(known(denied, true), Known::NotVisible);
}

#[test]
fn listeners_come_first() {
    assert_eq!(rows(Sight::default())[0].inode, 10);
}
