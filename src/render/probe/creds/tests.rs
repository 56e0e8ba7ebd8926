//! The transcripts of the drawings, replayed from fixed data, and names that attack.

use serde_json::json;

use super::{live, process, socket};
use crate::probe::creds::{
    Asked, Capabilities, Fact, Identity, Ids, Live, Mapped, NAMESPACES, Named, NamedUcred,
    Namespace, Now, Pidfd, Record, Recorded, RecordedBy, Refusal, Seccomp, SeccompMode, Seen,
    Session, Sets, Start, State, Viewer,
};
use crate::probe::holders::{Holders, Known, Process};
use crate::probe::sockets::Condition;
use crate::render::probe::tests::transcript;
use crate::sys::sock_diag::{Name, Type};

fn named(id: u32, name: &str) -> Named {
    Named {
        id,
        name: (!name.is_empty()).then(|| name.into()),
    }
}

fn ids(real: Named, effective: Named) -> Fact<Ids> {
    Fact::Known(Ids {
        saved: effective.clone(),
        fs: effective.clone(),
        real,
        effective,
    })
}

fn identity() -> Identity {
    let set = |mask| Capabilities::new(mask, 40);
    Identity {
        pid: 4711,
        comm: "sway".into(),
        ourselves: false,
        start: Some(Start {
            ticks: 815,
            age_seconds: 7200,
        }),
        ended: false,
        user: ids(named(1000, "ada"), named(1000, "ada")),
        group: ids(named(1000, "ada"), named(44, "video")),
        groups: Fact::Known(vec![named(27, "sudo"), named(4242, "")]),
        capabilities: Fact::Known(Sets {
            effective: set(0),
            permitted: set(1 << 23),
            inheritable: set(0),
            bounding: set((1 << 41) - 1 - (1 << 24)),
            ambient: set(0),
        }),
        no_new_privs: Fact::Known(false),
        seccomp: Fact::Known(Seccomp {
            mode: SeccompMode::Filter,
            filters: Some(2),
        }),
        dumpable: Fact::Known(true),
        namespaces: NAMESPACES
            .iter()
            .map(|&kind| Namespace {
                kind,
                inode: Fact::Known(4_026_532_000),
                ours: Some(!matches!(kind, "user" | "pid")),
            })
            .collect(),
        uid_map: Fact::Known(vec![Mapped {
            inside: 0,
            outside: 100_000,
            count: 65_536,
        }]),
        gid_map: Fact::Absent,
        label: Fact::Known("unconfined".into()),
        security_modules: Fact::Known(vec!["capability".to_owned(), "apparmor".to_owned()]),
        login_uid: Fact::Known(named(1000, "ada")),
        audit_session: Fact::Known(3),
        session: Session {
            cgroup: Fact::Known("/user.slice/user-1000.slice/session-3.scope".into()),
            unit: Some("session-3.scope".into()),
            session: Some("3".into()),
            session_variable: Fact::Refused("EACCES".to_owned()),
        },
        ns_pids: vec![4711, 12],
        pidfd_inode: Fact::Known(9001),
    }
}

fn live_run() -> Live {
    let ucred = |pid: u32, uid: u32| json!({"pid": pid, "uid": uid, "gid": uid});
    let known = |value| json!({"is": "known", "value": value});
    let pidfd = |pid: u32, ended: bool| known(json!({"pid": pid, "ended": ended, "inode": 9002}));
    let since = json!({"is": "unsupported", "value": "Linux 6.16"});
    let moment = |event: &str, sender, uid, message, ended| {
        json!({
            "event": event,
            "failed": null,
            "sender": ucred(sender, uid),
            "sender_groups": [],
            "peercred": known(ucred(102, 0)),
            "peerpidfd": pidfd(if ended { 0 } else { 102 }, ended),
            "message": known(ucred(sender, message)),
            "message_pidfd": pidfd(sender, false),
        })
    };
    let mut refused = moment("all-ids", 102, 0, 0, false);
    refused["failed"] = json!("setgroups: EPERM");
    serde_json::from_value(json!({
        "server": ucred(101, 0),
        "client": ucred(102, 0),
        "child": 103,
        "answers": {
            "peercred": known(ucred(102, 0)),
            "peergroups": known(json!([4, 27])),
            "peerpidfd": pidfd(102, false),
            "peersec": {"is": "absent"},
            "scm_credentials": known(ucred(102, 0)),
            "scm_pidfd": pidfd(102, false),
            "passrights": since,
            "send_refused": since,
        },
        "moments": [
            moment("connected", 102, 0, 0, false),
            moment("child-sends", 103, 0, 0, false),
            moment("effective-ids", 102, 65_534, 0, false),
            refused,
            moment("client-gone", 103, 0, 0, true),
        ],
        "groups_at_end": known(json!([4, 27])),
        "pair": known(ucred(101, 0)),
        "seen_by_client": known(ucred(101, 0)),
        "unconnected": known(ucred(0, u32::MAX)),
    }))
    .expect("the shape of a live run")
}

fn holders(processes: &[(u32, &str)], known: Known) -> Holders {
    let process = |&(pid, comm): &(u32, &str)| Process {
        pid,
        comm: comm.into(),
    };
    Holders {
        known,
        processes: processes.iter().map(process).collect(),
    }
}

fn recorded() -> Recorded {
    let seen = |pid, comm: &str, user| Seen {
        pid,
        comm: comm.into(),
        user: Some(user),
        start: Some(Start {
            ticks: 1,
            age_seconds: 90,
        }),
    };
    Recorded {
        inode: 10_311,
        cookie: 51,
        kind: Type::Stream,
        condition: Condition::Listening,
        name: Some(Name::Path("/run/user/1000/agent".into())),
        creator: Some(named(1000, "ada")),
        holders: holders(&[(1042, "ssh-agent")], Known::Some),
        peer: None,
        accepted: Some(2),
        asked: Some(Asked {
            pid: 1042,
            comm: "ssh-agent".into(),
            fd: 3,
            inode: 10_311,
            client: false,
        }),
        refusals: Vec::new(),
        ptrace_scope: None,
        record: Some(Record {
            peercred: Fact::Known(NamedUcred {
                pid: 1041,
                user: named(1000, "ada"),
                group: named(1000, "ada"),
            }),
            groups: Fact::Known(vec![named(27, "sudo")]),
            pidfd: Fact::Known(Pidfd {
                pid: 0,
                ended: true,
                inode: Some(77),
            }),
            label: Fact::Absent,
        }),
        recorded_by: RecordedBy::Listen,
        now: Some(Now {
            process: State::Recycled,
            owner_of_pid: Some(seen(1041, "cat", named(1001, "bob"))),
            holders: vec![seen(1042, "ssh-agent", named(1000, "ada"))],
            known: Known::Some,
            still_held: Some(false),
        }),
    }
}

fn viewer() -> Viewer {
    Viewer {
        user: named(1000, "ada"),
        in_user_namespace: false,
    }
}

#[test]
fn the_transcript_of_a_process_is_what_is_drawn() {
    let drawn = process::draw(&identity(), 80).plain();
    assert_eq!(drawn, transcript(include_str!("process.rs")));
}

#[test]
fn the_transcript_of_a_live_run_is_what_is_drawn() {
    let drawn = live::draw(&live_run(), 80).plain();
    assert_eq!(drawn, transcript(include_str!("live.rs")));
}

#[test]
fn the_transcript_of_a_socket_is_what_is_drawn() {
    let drawn = socket::draw(&recorded(), &viewer(), 80).plain();
    assert_eq!(drawn, transcript(include_str!("socket.rs")));
}

#[test]
fn a_socket_that_nobody_lets_us_ask_says_what_is_missing() {
    let mut seen = recorded();
    (seen.asked, seen.record, seen.now) = (None, None, None);
    seen.refusals = vec![Refusal {
        pid: 1042,
        comm: "ssh-agent".into(),
        error: "EPERM".to_owned(),
    }];
    seen.ptrace_scope = Some(1);
    let text = socket::draw(&seen, &viewer(), 400).plain();
    for words in [
        "ssh-agent 1042 does not let its descriptor be taken: EPERM.",
        "kernel.yama.ptrace_scope is 1",
        "the user that created the socket, by sock_diag(7), is 1000 (ada).",
        "sudo ipc-mastery probe creds inode:10311",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let root = Viewer {
        user: named(0, "root"),
        in_user_namespace: false,
    };
    let text = socket::draw(&seen, &root, 400).plain();
    assert!(!text.contains("sudo"), "{text}");
}

#[test]
fn labels_groups_and_units_that_attack_a_terminal_are_escaped() {
    let attack = "a\x1b[2J\nb\u{202e}";
    let mut seen = identity();
    seen.comm = attack.into();
    seen.label = Fact::Known(attack.into());
    seen.groups = Fact::Known(vec![named(7, attack)]);
    seen.session.cgroup = Fact::Known(attack.into());
    seen.session.unit = Some(attack.into());
    seen.session.session_variable = Fact::Known(attack.into());
    let mut socket = recorded();
    socket.name = Some(Name::Abstract(attack.into()));
    if let Some(record) = &mut socket.record {
        record.label = Fact::Known(attack.into());
    }
    for width in [40, 80, 200] {
        let mut text = process::draw(&seen, width).plain();
        text += &super::socket::draw(&socket, &viewer(), width).plain();
        let bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(bad), "{text}");
        // The line feed in a name makes no line of its own.
        assert!(
            !text
                .lines()
                .any(|line| line.trim_start().starts_with("b\\")),
            "{text}"
        );
    }
}
