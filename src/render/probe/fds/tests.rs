//! Fixed pictures: the transcript in the file's own documentation, and names that attack.

use super::draw;
use crate::probe::fds::{
    Comparing, Descriptor, Ends, EpollTarget, EpollWatch, Fds, Held, Limit, NameState, Sharing,
    State, Threads, UnixPeer, UnixSocket, What,
};
use crate::probe::holders::{Holders, Known, Process};
use crate::probe::sockets::{Condition, Peer, Relation};
use crate::render::probe::tests::transcript;
use crate::sys::fdinfo::Access;
use crate::sys::sock_diag::{Name, Type};

fn descriptor(fd: u32, target: &str, access: Access, what: What) -> Descriptor {
    Descriptor {
        fd,
        target: target.into(),
        what,
        access: Some(access),
        flags: Vec::new(),
        close_on_exec: Some(fd > 2),
        position: None,
        inode: Some(1000 + u64::from(fd)),
        mount: None,
        locks: Vec::new(),
        sharing: Sharing {
            known: true,
            ..Sharing::default()
        },
    }
}

fn process(pid: u32, comm: &str) -> Process {
    Process {
        pid,
        comm: comm.into(),
    }
}

fn held(pid: u32, comm: &str, fds: &[u32]) -> Held {
    Held {
        process: process(pid, comm),
        fds: fds.to_vec(),
    }
}

fn seen(descriptors: Option<Vec<Descriptor>>) -> Fds {
    Fds {
        schema: "ipc-mastery/probe/fds/1",
        pid: 4711,
        comm: "relay".into(),
        uid: Some(1000),
        state: State::Read,
        count: Some(8),
        limit: Some(Limit {
            soft: Some(1024),
            hard: Some(4096),
        }),
        threads: Some(Threads {
            count: 1,
            shown: None,
            own_tables: Some(Vec::new()),
        }),
        comparing: Comparing::Possible,
        others: None,
        problem: None,
        descriptors,
    }
}

fn terminal(fd: u32, others: &[u32]) -> Descriptor {
    let what = What::Terminal {
        path: "/dev/pts/3".into(),
        master_of: None,
        other_end: vec![held(4100, "foot", &[9])],
    };
    let mut open = descriptor(fd, "/dev/pts/3", Access::ReadWrite, what);
    open.sharing.fds = others.to_vec();
    open.sharing.processes = vec![held(4200, "bash", &[0, 1, 2, 255])];
    open
}

fn relay() -> Fds {
    let log = What::File {
        path: "/var/log/relay".into(),
        name: NameState::Deleted,
        size: Some(2048),
    };
    let mut log = descriptor(3, "/var/log/relay (deleted)", Access::Write, log);
    log.flags = vec!["O_APPEND"];
    log.position = Some(2048);
    log.close_on_exec = Some(false);
    let pipe = What::Pipe {
        path: None,
        ends: Some(Ends {
            readers: vec![held(4711, "relay", &[4])],
            writers: Vec::new(),
            complete: true,
        }),
    };
    let unix = What::UnixSocket(Box::new(UnixSocket {
        kind: Some(Type::Stream),
        condition: Some(Condition::Connected),
        name: None,
        peer: Some(UnixPeer {
            socket: Peer {
                inode: 77,
                relation: Relation::Connected,
                name: Some(Name::Path("/run/user/1000/bus".into())),
                holders: Holders {
                    known: Known::Some,
                    processes: vec![process(1042, "dbus-daemon")].into(),
                },
                unread: 0,
                sent_memory: 0,
            },
            held: vec![held(1042, "dbus-daemon", &[12])],
        }),
        queue: None,
        unread: 0,
        in_flight: Some(2),
        service: None,
    }));
    let mut unix = descriptor(5, "socket:[76]", Access::ReadWrite, unix);
    unix.flags = vec!["O_NONBLOCK"];
    let watch = |fd, is| EpollWatch {
        fd,
        events: vec!["EPOLLIN", "EPOLLRDHUP"],
        spent: false,
        data: 0,
        is,
    };
    let epoll = What::Epoll {
        watches: vec![
            watch(5, EpollTarget::Same),
            watch(
                7,
                EpollTarget::OnlyElsewhere(vec![held(4712, "worker", &[7])]),
            ),
        ],
    };
    let eventfd = What::Eventfd {
        count: Some(0),
        semaphore: Some(false),
    };
    seen(Some(vec![
        terminal(0, &[1, 2]),
        terminal(1, &[0, 2]),
        terminal(2, &[0, 1]),
        log,
        descriptor(4, "pipe:[9]", Access::Read, pipe),
        unix,
        descriptor(6, "anon_inode:[eventpoll]", Access::ReadWrite, epoll),
        descriptor(8, "anon_inode:[eventfd]", Access::ReadWrite, eventfd),
    ]))
}

#[test]
fn the_documentation_shows_what_is_drawn() {
    assert_eq!(
        draw(&relay(), 80).plain(),
        transcript(include_str!("../fds.rs"))
    );
}

#[test]
fn every_width_is_kept() {
    for width in [60, 80, 120, 200] {
        for line in draw(&relay(), width).lines {
            assert!(line.width() <= width, "{width}: {}", line.plain());
        }
    }
}

#[test]
fn hostile_names_draw_no_line_of_their_own() {
    let name = "/tmp/x\n  9 rw   file  /etc/shadow\x1b[2J (deleted)";
    let what = What::File {
        path: name.into(),
        name: NameState::Stands,
        size: None,
    };
    let mut open = descriptor(3, name, Access::Read, what);
    open.sharing.processes = vec![held(1, "a\nb\x1b", &[3])];
    let with = draw(&seen(Some(vec![open])), 80).plain();
    assert!(!with.contains('\x1b'), "{with}");
    assert!(!with.lines().any(|line| line.starts_with("  9")), "{with}");
}

#[test]
fn what_may_not_be_read_says_who_may() {
    let mut seen = seen(None);
    seen.uid = Some(4_000_000);
    seen.state = State::Denied;
    assert!(draw(&seen, 80).plain().contains("may not be read"));
    seen.state = State::Zombie;
    assert!(draw(&seen, 80).plain().contains("has ended"));
}
