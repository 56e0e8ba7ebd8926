//! Tests of the drawing, on a directory made up here.

use super::*;
use crate::curriculum::services::Part;
use crate::probe::holders::{Holders, Known, Process, Visibility};
use crate::probe::runtime_dir::{
    Bound, Directory, Ends, Explained, From, Lifetime, MadeBy, Other, Reach, Usage,
};
use crate::probe::sockets::{Identified, Queue};
use crate::render::probe::tests::transcript;
use crate::sys::proc_scan::Sight;
use crate::sys::sock_diag::Type;

fn entry(path: &str, kind: Kind, state: State) -> Entry {
    Entry {
        path: path.into(),
        kind,
        mode: Some(0o755),
        owner: Some(learner()),
        group: Some(1000),
        findings: Vec::new(),
        age_seconds: Some(7300),
        size: None,
        file: None,
        state,
        service: None,
        socket: None,
        holders: None,
        target: None,
        mounted: None,
        error: None,
    }
}

fn learner() -> Owner {
    Owner {
        uid: 1000,
        name: Some("learner".into()),
    }
}

#[test]
fn the_documentation_shows_what_is_drawn() {
    let held_by = |comm: &str, pid| Holders {
        known: Known::Some,
        processes: vec![Process {
            pid,
            comm: comm.into(),
        }]
        .into(),
    };
    let service = |id: &str, name: &str| {
        Some(Identified {
            id: id.into(),
            name: name.into(),
            by: By::Address,
            part: Part::Server,
        })
    };
    let bus = Entry {
        mode: Some(0o777),
        service: service("dbus-session", "D-Bus session bus"),
        holders: Some(held_by("dbus-daemon", 1042)),
        socket: Some(Bound {
            kind: Type::Stream,
            inode: 10311,
            queue: Some(Queue {
                pending: 0,
                backlog: 4096,
            }),
            clients: Some(3),
            bound_as: None,
        }),
        ..entry("bus", Kind::Socket, State::Listening)
    };
    let portal = Entry {
        mode: None,
        age_seconds: None,
        owner: None,
        service: service("xdg-document-portal", "document portal"),
        mounted: Some("fuse.portal".into()),
        ..entry("doc", Kind::Mount, State::Mounted)
    };
    let lock = Entry {
        mode: Some(0o640),
        size: Some(0),
        service: service("wayland", "Wayland compositor"),
        holders: Some(held_by("sway", 1051)),
        ..entry("wayland-1.lock", Kind::File, State::Present)
    };
    let seen = RuntimeDir {
        schema: "ipc-mastery/probe/runtime-dir/1",
        directory: Directory {
            path: "/run/user/1000".into(),
            from: From::Variable,
            uid: 1000,
            findings: Vec::new(),
            owner: Some(learner()),
            mode: Some(0o700),
            mount: crate::sys::mounts::parse(
                b"42 27 0:39 / /run/user/1000 rw,nosuid,nodev - tmpfs tmpfs rw,size=395972k,mode=700",
            )
            .pop(),
            own_mount: true,
            real_path: None,
            usage: Some(Usage {
                bytes_used: 12 << 10,
                bytes_limit: Some(395_972 << 10),
                inodes_used: 14,
                inodes_limit: Some(98_993),
            }),
            lifetime: Some(Lifetime {
                made_by: MadeBy::Logind,
                ends: Ends::LastLogout,
                lingering: Some(false),
                sessions: Some(2),
                state: Some("active".into()),
            }),
            reach: Some(Reach {
                everybody: Some(false),
                group: None,
            }),
            circumstances: Vec::new(),
            remedies: Vec::new(),
            others: vec![Other {
                path: "/run/user/1001".into(),
                owner: Some(Owner {
                    uid: 1001,
                    name: Some("ada".into()),
                }),
                mode: Some(0o700),
                mounted: Some("tmpfs".into()),
                entries: None,
                errno: Some("EACCES".to_owned()),
                sessions: Some(1),
            }],
        },
        visibility: Visibility::new(Sight::default(), None),
        problem: None,
        entries: vec![
            bus,
            portal,
            entry("stale.sock", Kind::Socket, State::Stale),
            lock,
        ],
        services: vec![Explained {
            id: "dbus-session".to_owned(),
            name: "D-Bus session bus".to_owned(),
            protocol: "D-Bus".to_owned(),
            variables: vec!["DBUS_SESSION_BUS_ADDRESS".to_owned()],
            meaning: "Programs of one session call each other here.".to_owned(),
        }],
        lost: Vec::new(),
        unread: Vec::new(),
        cut_off: false,
    };
    assert_eq!(
        draw(&seen, 80).plain(),
        transcript(include_str!("../runtime_dir.rs"))
    );
}

#[test]
fn many_entries_of_one_kind_in_a_directory_are_one_line() {
    let entries: Vec<Entry> = (0..20)
        .map(|number| {
            entry(
                &format!("systemd/units/{number}"),
                Kind::Symlink,
                State::Present,
            )
        })
        .collect();
    let entries: Vec<&Entry> = entries.iter().collect();
    let rows = other_rows(&entries, true);
    assert_eq!(rows.len(), 1);
    let Row::Cells(cells) = &rows[0] else {
        panic!("a row")
    };
    assert_eq!(cells[1].text, "systemd/units/*");
    assert_eq!(cells[5].text, "20 entries");
}
