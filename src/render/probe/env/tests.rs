//! The transcript, and what must hold of every picture.

use super::*;
use crate::curriculum::guidance::CauseId;
use crate::probe::env::layers::Cell as LayerCell;
use crate::probe::env::{Mend, Subject};
use crate::probe::holders::{Holders, Known, Process, Visibility};
use crate::render::probe::tests::transcript;
use crate::sys::proc_scan::Sight;

fn process(pid: u32, comm: &str) -> Process {
    Process {
        pid,
        comm: comm.into(),
    }
}

fn variable(name: &str, path: &str, state: State, holder: Option<Process>) -> Variable {
    Variable {
        name: name.to_owned(),
        meaning: "What it is for.".to_owned(),
        services: Vec::new(),
        value: Some(path.into()),
        masked: false,
        by_default: false,
        state,
        endpoints: vec![Endpoint {
            address: Some(Address::Path(path.into())),
            state,
            at: None,
            uid: Some(1000),
            user: Some("ada".into()),
            yours: Some(true),
            kind: None,
            inode: None,
            holders: holder.map(|holder| Holders {
                known: Known::Some,
                processes: vec![holder].into(),
            }),
            service: None,
            note: None,
            connect: None,
        }],
    }
}

fn layer(kind: Kind, process: Option<Process>, label: Option<&str>) -> Layer {
    Layer {
        kind,
        process,
        label: label.map(Untrusted::from),
        unreadable: None,
    }
}

fn cell(value: Option<&str>) -> LayerCell {
    LayerCell {
        presence: match value {
            Some(_) => Presence::Set,
            None => Presence::Unset,
        },
        value: value.map(Untrusted::from),
        state: value.map(|_| State::Present),
    }
}

fn seen() -> Env {
    let directory = "/run/user/1000";
    Env {
        schema: "ipc-mastery/probe/env/1",
        subject: Subject {
            pid: 4720,
            comm: "ipc-mastery".into(),
            uid: 1000,
            user: Some("ada".into()),
            this_process: true,
            unreadable: None,
        },
        visibility: Visibility::new(Sight::default(), None),
        problem: None,
        findings: vec![Finding {
            cause: CauseId::TmuxNotListed,
            variables: vec!["XDG_RUNTIME_DIR".to_owned()],
            title: "tmux does not pass on XDG_RUNTIME_DIR.".to_owned(),
            reason: "The client 4711 (tmux: client) has it, and what is named there answers."
                .to_owned(),
            choices: Vec::new(),
            mends: vec![Mend {
                purpose: "Mend a shell that is running".to_owned(),
                commands: vec![format!("export XDG_RUNTIME_DIR={directory}")],
            }],
        }],
        variables: vec![
            variable(
                "SSH_AUTH_SOCK",
                "/run/user/1000/openssh_agent",
                State::Listening,
                Some(process(901, "ssh-agent")),
            ),
            variable("SWAYSOCK", "/run/user/1000/sway.sock", State::Stale, None),
        ],
        tmux: vec![Tmux {
            socket: "/tmp/tmux-1000/default".into(),
            pid: Some(4600),
            problem: None,
            update_environment: vec!["DISPLAY".into(), "SSH_AUTH_SOCK".into()],
            sessions: vec![Session {
                id: "$0".to_owned(),
                name: "main".into(),
                ours: true,
                update_environment: None,
                layers: vec![
                    layer(Kind::Client, Some(process(4711, "tmux: client")), None),
                    layer(Kind::Server, Some(process(4600, "tmux: server")), None),
                    layer(Kind::Global, None, None),
                    layer(Kind::Session, None, None),
                    layer(Kind::Pane, Some(process(4601, "bash")), Some("%0")),
                    layer(Kind::Subject, Some(process(4720, "ipc-mastery")), None),
                ],
                variables: vec![Layered {
                    name: "XDG_RUNTIME_DIR".to_owned(),
                    copied: false,
                    cells: vec![
                        cell(Some(directory)),
                        cell(None),
                        cell(None),
                        cell(None),
                        cell(None),
                        cell(None),
                    ],
                    differs: true,
                }],
            }],
        }],
        borders: Vec::new(),
        other_variables: 31,
        others: None,
    }
}

#[test]
fn the_documentation_shows_what_is_drawn() {
    assert_eq!(
        draw(&seen(), 80).plain(),
        transcript(include_str!("../env.rs"))
    );
}

#[test]
fn a_command_is_never_wrapped() {
    let mut env = seen();
    let command = format!("export SSH_AUTH_SOCK=/{}", "x".repeat(200));
    env.findings[0].mends[0].commands = vec![command.clone()];
    for width in [20, 80] {
        let drawn = draw(&env, width).plain();
        assert!(drawn.lines().any(|line| line.trim() == command), "{drawn}");
    }
}
