//! The layers of tmux side by side: the clients that are attached, the server, its global
//! environment, that of each session, the shells in the panes and what they started last.
//!
//! Owns which servers are looked at and what each layer holds. Why a layer is wrong is
//! [`super::causes`]'s.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::endpoint::State;
use super::environment::Environment;
use super::tmux::{self, Marks, Pane, Server, SessionName, Trouble};
use super::{Scene, shown};
use crate::curriculum::guidance::BorderId;
use crate::probe::holders::Process;
use crate::sys::process;
use crate::untrusted::Untrusted;

/// Servers, sessions and panes that are looked at, at most.
const SERVERS: usize = 32;
const SESSIONS: usize = 8;
const PANES: usize = 16;

/// A tmux server and its layers.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Tmux {
    /// The path of its socket.
    pub socket: Untrusted,
    /// Its process id.
    pub pid: Option<u32>,
    /// Why it did not tell, or not everything.
    pub problem: Option<String>,
    /// The option `update-environment`: patterns of names.
    pub update_environment: Vec<Untrusted>,
    /// Its sessions.
    pub sessions: Vec<Session>,
}

/// A session.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Session {
    /// As tmux has it: `$0`.
    pub id: String,
    /// Its name.
    pub name: Untrusted,
    /// The process that is looked at lives in one of its panes.
    pub ours: bool,
    /// A list `update-environment` of its own, which then counts alone.
    pub update_environment: Option<Vec<Untrusted>>,
    /// The layers, from the outside in.
    pub layers: Vec<Layer>,
    /// Variables that one of the layers has.
    pub variables: Vec<Layered>,
}

/// One layer.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Layer {
    /// What it is.
    pub kind: Kind,
    /// Its process.
    pub process: Option<Process>,
    /// For a client: its terminal. For a pane: its id, `%0`.
    pub label: Option<Untrusted>,
    /// Why it could not be read: an errno's name.
    pub unreadable: Option<String>,
}

/// What a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A client that is attached: what it was started with.
    Client,
    /// The server: what it was started with.
    Server,
    /// The server's global environment.
    Global,
    /// The session's environment: what it changes of the global one.
    Session,
    /// The first process of a pane: what it was started with.
    Pane,
    /// The newest process below that.
    Newest,
    /// The process that is looked at.
    Subject,
}

/// A variable through all layers.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Layered {
    /// Its name.
    pub name: String,
    /// It is in `update-environment`: when a client attaches it is copied from the client, or
    /// removed where the client lacks it. Else it stays as the server has it.
    pub copied: bool,
    /// What each layer has, in the order of the layers.
    pub cells: Vec<Cell>,
    /// Layers differ, or something does not answer.
    pub differs: bool,
}

/// What one layer has of a variable.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Cell {
    /// Whether it has it.
    pub presence: Presence,
    /// The value.
    pub value: Option<Untrusted>,
    /// What the value leads to, with the other variables of the layer.
    pub state: Option<State>,
}

/// Whether a layer has a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It has.
    Set,
    /// It has not.
    Unset,
    /// A session: it takes it away from the global environment.
    Removed,
    /// The layer could not be read.
    Unknown,
}

/// One layer with its environment.
pub(super) struct Raw {
    pub(super) layer: Layer,
    pub(super) environment: Option<Environment>,
}

/// What was gathered of one session.
pub(super) struct RawSession {
    pub(super) name: SessionName,
    pub(super) ours: bool,
    pub(super) list: Option<Vec<String>>,
    pub(super) marks: Marks,
    pub(super) clients: Vec<Raw>,
    /// Panes, each followed by its newest process or the one that is looked at.
    pub(super) panes: Vec<Raw>,
}

/// What was gathered of one server.
pub(super) struct RawServer {
    pub(super) socket: Vec<u8>,
    pub(super) pid: Option<u32>,
    pub(super) problem: Option<String>,
    pub(super) list: Vec<String>,
    pub(super) server: Option<Raw>,
    pub(super) global: Marks,
    pub(super) sessions: Vec<RawSession>,
}

impl RawServer {
    fn empty(socket: Vec<u8>) -> Self {
        Self {
            socket,
            pid: None,
            problem: None,
            list: Vec::new(),
            server: None,
            global: Marks::new(),
            sessions: Vec::new(),
        }
    }

    /// Whether tmux copies a variable from clients that attach to a session.
    pub(super) fn copies(&self, session: &RawSession, name: &str) -> bool {
        let list = session.list.as_ref().unwrap_or(&self.list);
        list.iter().any(|pattern| tmux::means(pattern, name))
    }

    /// As data.
    pub(super) fn told(&self, scene: &Scene<'_>) -> Tmux {
        let untrusted = |list: &Vec<String>| {
            let list = list.iter().map(|it| Untrusted::from(it.as_str()));
            list.collect::<Vec<_>>()
        };
        Tmux {
            socket: Untrusted::from(self.socket.as_slice()),
            pid: self.pid,
            problem: self.problem.clone(),
            update_environment: untrusted(&self.list),
            sessions: self
                .sessions
                .iter()
                .map(|session| Session {
                    id: session.name.id.clone(),
                    name: session.name.name.clone(),
                    ours: session.ours,
                    update_environment: session.list.as_ref().map(untrusted),
                    layers: self
                        .layers(session)
                        .into_iter()
                        .map(|(it, ..)| it)
                        .collect(),
                    variables: self.layered(session, scene),
                })
                .collect(),
        }
    }

    /// The layers of a session from the outside in: each with what it says of a variable, and the
    /// whole environment that its values are to be read in.
    fn layers<'a>(
        &'a self,
        session: &'a RawSession,
    ) -> Vec<(Layer, Says<'a>, Option<Environment>)> {
        let raw = |raw: &'a Raw| {
            (
                raw.layer.clone(),
                Says::Process(raw.environment.as_ref()),
                raw.environment.clone(),
            )
        };
        let of_server = |kind| Layer {
            kind,
            process: None,
            label: None,
            unreadable: None,
        };
        let global = tmux::effective(&self.global, &Marks::new());
        let both = tmux::effective(&self.global, &session.marks);
        let mut layers: Vec<_> = session.clients.iter().map(raw).collect();
        layers.extend(self.server.iter().map(raw));
        layers.push((
            of_server(Kind::Global),
            Says::Marks(&self.global),
            Some(global),
        ));
        layers.push((
            of_server(Kind::Session),
            Says::Marks(&session.marks),
            Some(both),
        ));
        layers.extend(session.panes.iter().map(raw));
        layers
    }

    fn layered(&self, session: &RawSession, scene: &Scene<'_>) -> Vec<Layered> {
        let layers = self.layers(session);
        let mut rows = Vec::new();
        for variable in &scene.catalogue.variables {
            if variable.own {
                continue;
            }
            let cells: Vec<Cell> = layers
                .iter()
                .map(|(_, says, whole)| {
                    let (presence, value) = says.of(&variable.name);
                    let state = value.and_then(|_| scene.state(variable, whole.as_ref()?));
                    let bases = whole
                        .as_ref()
                        .map(|it| it.bases(scene.resolver.viewer.uid, scene.resolver.users));
                    Cell {
                        presence,
                        value: value
                            .map(|value| shown(variable, value, &bases.unwrap_or_default()).0),
                        state,
                    }
                })
                .collect();
            if !cells.iter().any(|it| it.presence == Presence::Set) {
                continue;
            }
            let known: Vec<&Cell> = cells
                .iter()
                .zip(&layers)
                .filter(|(cell, (layer, ..))| {
                    // A session that says nothing leaves the global value.
                    cell.presence != Presence::Unknown
                        && (layer.kind != Kind::Session || cell.presence != Presence::Unset)
                })
                .map(|(cell, _)| cell)
                .collect();
            let differs = known.windows(2).any(|two| two[0].value != two[1].value)
                || known.iter().any(|it| it.state.is_some_and(State::fails));
            rows.push(Layered {
                name: variable.name.clone(),
                copied: self.copies(session, &variable.name),
                cells,
                differs,
            });
        }
        rows
    }
}

/// What a layer can be asked for.
#[derive(Clone, Copy)]
enum Says<'a> {
    Process(Option<&'a Environment>),
    Marks(&'a Marks),
}

impl<'a> Says<'a> {
    fn of(self, name: &str) -> (Presence, Option<&'a [u8]>) {
        match self {
            Self::Process(None) => (Presence::Unknown, None),
            Self::Process(Some(environment)) => match environment.get(name) {
                Some(value) => (Presence::Set, Some(value)),
                None => (Presence::Unset, None),
            },
            Self::Marks(marks) => match marks.iter().find(|(known, _)| known == name.as_bytes()) {
                Some((_, Some(value))) => (Presence::Set, Some(value)),
                Some((_, None)) => (Presence::Removed, None),
                None => (Presence::Unset, None),
            },
        }
    }
}

/// Asks the tmux server that the process lives in; outside of tmux every one of its user.
pub(super) fn gather(scene: &Scene<'_>) -> Vec<RawServer> {
    let Some(border) = scene.catalogue.guidance.border(BorderId::Tmux) else {
        return Vec::new();
    };
    let inside = inside(scene, &border.variables);
    let sockets = match &inside {
        Some((socket, _)) => vec![socket.clone()],
        None => {
            let service = border.service.as_deref().unwrap_or_default();
            scene.resolver.listeners(service)
        }
    };
    let pane = inside
        .as_ref()
        .and_then(|_| scene.environment.get("TMUX_PANE"));
    sockets
        .into_iter()
        .take(SERVERS)
        .map(|socket| {
            let mut server = RawServer::empty(socket);
            if let Err(trouble) = ask(scene, &mut server, pane) {
                server.problem = Some(trouble.to_string());
            }
            server
        })
        .collect()
}

/// The socket that the environment names, if somebody listens there.
fn inside(scene: &Scene<'_>, names: &[String]) -> Option<(Vec<u8>, State)> {
    names.iter().find_map(|name| {
        let variable = scene.catalogue.variable(name)?;
        let endpoint = scene.endpoint(variable, scene.environment)?;
        match endpoint.address? {
            super::endpoint::Address::Path(path) if endpoint.state.answers() => {
                Some((path.bytes().to_vec(), endpoint.state))
            }
            _ => None,
        }
    })
}

fn ask(scene: &Scene<'_>, into: &mut RawServer, pane: Option<&[u8]>) -> Result<(), Trouble> {
    let server = Server::at(&into.socket)?;
    into.pid = server.pid()?;
    into.server = into.pid.map(|pid| of_process(Kind::Server, pid, None));
    into.list = server.update_environment(None)?.unwrap_or_default();
    into.global = server.environment(None)?;
    let clients = server.clients()?;
    let mut panes: BTreeMap<String, Vec<Pane>> = BTreeMap::new();
    for pane in server.panes()? {
        panes.entry(pane.session.clone()).or_default().push(pane);
    }
    let ours = |it: &Pane| pane.is_some_and(|pane| it.id.as_bytes() == pane);
    let mut sessions = server.sessions()?;
    sessions.retain(|session| {
        let panes = panes.get(&session.id);
        pane.is_none() || panes.is_some_and(|panes| panes.iter().any(ours))
    });
    for name in sessions.into_iter().take(SESSIONS) {
        let session = Some(name.id.as_str());
        let mut all = panes.remove(&name.id).unwrap_or_default();
        if pane.is_some() {
            all.retain(ours);
        }
        // Those that are shown first.
        all.sort_by_key(|it| !it.active);
        let clients = clients.iter().filter(|it| it.session == name.id);
        into.sessions.push(RawSession {
            ours: pane.is_some(),
            list: server.update_environment(session)?,
            marks: server.environment(session)?,
            clients: clients
                .map(|it| of_process(Kind::Client, it.pid, Some(it.terminal.clone())))
                .collect(),
            panes: all
                .iter()
                .take(PANES)
                .flat_map(|it| of_pane(scene, it, pane.is_some()))
                .collect(),
            name,
        });
    }
    Ok(())
}

fn of_process(kind: Kind, pid: u32, label: Option<Untrusted>) -> Raw {
    let environment = Environment::of(pid);
    let comm = i32::try_from(pid).map(process::name).unwrap_or_default();
    Raw {
        layer: Layer {
            kind,
            process: Some(Process { pid, comm }),
            label,
            unreadable: environment.as_ref().err().map(super::errno),
        },
        environment: environment.ok(),
    }
}

/// A pane's first process, and what shows changes made since: the process that is looked at, or the
/// newest one of the pane.
fn of_pane(scene: &Scene<'_>, pane: &Pane, ours: bool) -> Vec<Raw> {
    let label = Some(Untrusted::from(pane.id.as_str()));
    let mut found = vec![of_process(Kind::Pane, pane.pid, label)];
    let subject = scene.subject;
    if ours {
        if subject.pid != pane.pid {
            found.push(Raw {
                layer: Layer {
                    kind: Kind::Subject,
                    process: Some(Process {
                        pid: subject.pid,
                        comm: subject.comm.clone(),
                    }),
                    label: None,
                    unreadable: None,
                },
                environment: Some(scene.environment.clone()),
            });
        }
    } else if let Some(newest) = newest(pane.pid) {
        found.push(of_process(Kind::Newest, newest, None));
    }
    found
}

/// The process below this one that was started last.
fn newest(pid: u32) -> Option<u32> {
    let below = process::descendants(i32::try_from(pid).ok()?);
    let started = |&pid: &i32| Some((process::stat(pid)?.started, pid));
    let (_, newest) = below.iter().filter_map(started).max()?;
    u32::try_from(newest).ok()
}
