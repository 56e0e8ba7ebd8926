//! Why something is wrong, and what mends it. Pure but for looking endpoints up: it compares
//! environments that others have read.
//!
//! A value is right when what it leads to answers. The right value of a variable that tmux got
//! wrong is that of a client that is attached; elsewhere it is the default, or the address of a
//! living socket of the same service. A variable whose trouble goes away with another one's (a
//! bare name below `XDG_RUNTIME_DIR`) is not told.

use super::borders::Found;
use super::endpoint::{Endpoint, State};
use super::environment::Environment;
use super::layers::{Kind, Raw, RawServer, RawSession};
use super::quote::quoted;
use super::words::{describe, told};
use super::{Finding, Mend, RUNTIME, Scene, Variable, announced, shown, tmux};
use crate::curriculum::guidance::{BorderId, CauseId, Per, Slots};
use crate::curriculum::services;
use crate::untrusted::Untrusted;

/// Values to choose from that are told at most.
const CHOICES: usize = 4;

/// A variable with its right value.
#[derive(Clone, Debug)]
struct Right<'a> {
    variable: &'a services::Variable,
    value: Vec<u8>,
    /// Who has it.
    from: String,
    /// Options of tmux that choose the environments that have it wrong.
    scopes: Vec<String>,
}

/// Everything that is wrong.
pub(super) fn find(
    scene: &Scene<'_>,
    variables: &[Variable],
    servers: &[RawServer],
    borders: &[Found],
) -> Vec<Finding> {
    let mut all = Causes {
        scene,
        borders,
        tmux: None,
        covered: Vec::new(),
        findings: Vec::new(),
    };
    for server in servers {
        for session in &server.sessions {
            all.session(server, session);
        }
    }
    for border in borders {
        all.caller(border);
    }
    if scene.subject.unreadable.is_none() {
        all.runtime();
        all.dead(variables);
        all.manager(variables);
    }
    all.findings
}

struct Causes<'a> {
    scene: &'a Scene<'a>,
    borders: &'a [Found],
    /// The command that reaches the server that the process lives in.
    tmux: Option<(String, &'a RawServer, &'a RawSession)>,
    /// Variables of the process that have a finding already.
    covered: Vec<String>,
    findings: Vec<Finding>,
}

impl<'a> Causes<'a> {
    /// What one tmux session gets wrong.
    fn session(&mut self, server: &'a RawServer, session: &'a RawSession) {
        let command = if session.ours && self.scene.subject.this_process {
            "tmux".to_owned()
        } else {
            format!("tmux -S {}", quoted(&server.socket))
        };
        if session.ours {
            self.tmux = Some((command.clone(), server, session));
        }
        let fresh = tmux::effective(&server.global, &session.marks);
        let targets = targets(session);
        let mut known: Vec<(CauseId, Right<'a>)> = Vec::new();
        // The directory first: other values are relative to it.
        let mut catalogue: Vec<&services::Variable> =
            self.scene.catalogue.variables.iter().collect();
        catalogue.sort_by_key(|variable| variable.name != RUNTIME);
        let mut runtime: Option<Vec<u8>> = None;
        for variable in catalogue {
            if variable.own {
                continue;
            }
            let Some(mut right) = self.right(variable, session) else {
                continue;
            };
            let mended = |environment: &Environment| match &runtime {
                Some(value) => environment.with(RUNTIME, value),
                None => environment.clone(),
            };
            let wrong = |environment: &Environment| {
                self.wrong(variable, &mended(environment), &right.value)
            };
            let fresh_wrong = wrong(&fresh);
            if !fresh_wrong && !targets.iter().any(|it| wrong(it)) {
                continue;
            }
            let mark = session
                .marks
                .iter()
                .find(|(name, _)| name == variable.name.as_bytes());
            let cause = match mark {
                _ if !fresh_wrong => CauseId::TmuxOldPane,
                _ if !server.copies(session, &variable.name) => CauseId::TmuxNotListed,
                Some((_, None)) => CauseId::TmuxRemoved,
                _ => CauseId::TmuxNotRefreshed,
            };
            if fresh_wrong {
                right.scopes = self.scopes(variable, &right.value, server, session);
            }
            if variable.name == RUNTIME {
                runtime = Some(right.value.clone());
            }
            known.push((cause, right));
        }
        for cause in [
            CauseId::TmuxNotListed,
            CauseId::TmuxRemoved,
            CauseId::TmuxNotRefreshed,
            CauseId::TmuxOldPane,
        ] {
            let rights: Vec<Right<'_>> = known
                .iter()
                .filter(|(found, _)| *found == cause)
                .map(|(_, right)| right.clone())
                .collect();
            let Some(first) = rights.first() else {
                continue;
            };
            let slots = Slots {
                from: first.from.clone(),
                tmux: command.clone(),
                list: match session.list {
                    Some(_) => format!("-a -t {}", quoted(session.name.id.as_bytes())),
                    None => "-ga".to_owned(),
                },
                ..self.slots()
            };
            if session.ours {
                let names = rights.iter().map(|it| it.variable.name.clone());
                self.covered.extend(names);
            }
            self.add(cause, &rights, slots, Vec::new());
        }
    }

    /// The right value of a variable: that of a client whose endpoint answers, else our own when we
    /// look from outside.
    fn right(&self, variable: &'a services::Variable, session: &RawSession) -> Option<Right<'a>> {
        let answers = |environment: &Environment| {
            self.scene
                .state(variable, environment)
                .is_some_and(State::answers)
        };
        let client = session.clients.iter().find_map(|client| {
            let environment = client.environment.as_ref()?;
            let process = client.layer.process.as_ref()?;
            answers(environment).then(|| (environment, format!("The client {}", told(process))))
        });
        let ourselves = || {
            let scene = self.scene;
            (!session.ours && answers(scene.environment)).then(|| {
                let who = match scene.subject.this_process {
                    true => "This process".to_owned(),
                    false => format!("The process {}", scene.subject.pid),
                };
                (scene.environment, who)
            })
        };
        let (environment, from) = client.or_else(ourselves)?;
        Some(Right {
            variable,
            value: environment.get(&variable.name)?.to_vec(),
            from,
            scopes: Vec::new(),
        })
    }

    /// Whether an environment needs the right value: it has none that answers, and programs do not
    /// come to the same endpoint without it.
    fn wrong(
        &self,
        variable: &services::Variable,
        environment: &Environment,
        right: &[u8],
    ) -> bool {
        match self.scene.endpoint(variable, environment) {
            Some(endpoint) if endpoint.state.answers() => false,
            Some(endpoint) => endpoint.state.fails(),
            None => {
                let there = self
                    .scene
                    .endpoint(variable, &environment.with(&variable.name, right));
                let default = self.scene.default(variable, environment);
                !same(there.as_ref(), default.as_ref())
            }
        }
    }

    /// Which of tmux's environments must be changed for new panes to be right.
    fn scopes(
        &self,
        variable: &services::Variable,
        right: &[u8],
        server: &RawServer,
        session: &RawSession,
    ) -> Vec<String> {
        let marked = |marks: &tmux::Marks| {
            let mark = marks
                .iter()
                .find(|(name, _)| name == variable.name.as_bytes());
            mark.map(|(_, value)| value.clone())
        };
        let target = format!("-t {}", quoted(session.name.id.as_bytes()));
        // Another client may rightly have another value: then each session gets its own.
        let shared = server
            .sessions
            .iter()
            .filter_map(|other| self.right(variable, other))
            .all(|other| other.value == right);
        if !shared {
            return vec![target];
        }
        let mut scopes = Vec::new();
        let global = match marked(&server.global) {
            Some(Some(value)) => {
                let alone = tmux::effective(&server.global, &tmux::Marks::new());
                let alone = alone.with(&variable.name, &value);
                self.wrong(variable, &alone, right)
            }
            Some(None) | None => true,
        };
        if global {
            scopes.push("-g".to_owned());
        }
        if marked(&session.marks).is_some() {
            scopes.push(target);
        }
        scopes
    }

    /// What sudo or su dropped.
    fn caller(&mut self, border: &'a Found) {
        let Some((caller, environment)) = &border.caller else {
            return;
        };
        if border.told.id != BorderId::Sudo {
            return;
        }
        let scene = self.scene;
        let dropped: Vec<Right<'_>> = scene
            .catalogue
            .variables
            .iter()
            .filter(|variable| !variable.own && scene.environment.get(&variable.name).is_none())
            .filter(|variable| {
                let there = scene.endpoint(variable, environment);
                there.as_ref().is_some_and(|it| {
                    let at = it.state;
                    // The directory is private, and not ours: to be handed on all the same.
                    at.answers() || at == State::NotPrivate
                }) && !same(
                    there.as_ref(),
                    scene.default(variable, scene.environment).as_ref(),
                )
            })
            .filter_map(|variable| {
                Some(Right {
                    variable,
                    value: environment.get(&variable.name)?.to_vec(),
                    from: String::new(),
                    scopes: Vec::new(),
                })
            })
            .collect();
        if dropped.is_empty() {
            return;
        }
        let slots = Slots {
            from: format!("The process that called sudo, {},", told(caller)),
            ..self.slots()
        };
        self.add(CauseId::SudoDropped, &dropped, slots, Vec::new());
    }

    /// What is wrong with the runtime directory.
    fn runtime(&mut self) {
        let scene = self.scene;
        let Some(variable) = scene.catalogue.variable(RUNTIME) else {
            return;
        };
        if self.covered.iter().any(|name| name == RUNTIME) {
            return;
        }
        let default = scene.default(variable, scene.environment);
        let default = default.filter(|it| it.state.answers()).and_then(path_of);
        let (cause, state) = match scene.endpoint(variable, scene.environment) {
            Some(it) if it.state == State::NotPrivate => (CauseId::RuntimeNotOurs, describe(&it)),
            // Missing or of the wrong kind: told as any other variable.
            Some(_) => return,
            None if default.is_some() => (CauseId::RuntimeUnset, String::new()),
            None => (CauseId::RuntimeAbsent, String::new()),
        };
        let rights: Vec<Right<'_>> = default
            .into_iter()
            .map(|value| self.own(variable, value))
            .collect();
        let slots = Slots {
            state,
            name: RUNTIME.to_owned(),
            names: vec![RUNTIME.to_owned()],
            ..self.slots()
        };
        self.covered.push(RUNTIME.to_owned());
        self.add(cause, &rights, slots, Vec::new());
    }

    /// Variables that lead nowhere.
    fn dead(&mut self, variables: &[Variable]) {
        let scene = self.scene;
        // Those for which nothing else is known to answer: told together.
        let mut lost: Vec<(String, String)> = Vec::new();
        for found in variables {
            let Some(variable) = scene.catalogue.variable(&found.name) else {
                continue;
            };
            let covered = self.covered.contains(&found.name)
                // A bare name: what is wrong is the directory, and that was told.
                || found.state == State::NoBase;
            if covered || !found.state.fails() {
                continue;
            }
            let Some(endpoint) = scene.endpoint(variable, scene.environment) else {
                continue;
            };
            let bases = scene
                .environment
                .bases(scene.resolver.viewer.uid, scene.resolver.users);
            let services = announced(&found.name, scene.catalogue);
            let services: Vec<&str> = services.iter().map(String::as_str).collect();
            let mut values = scene.resolver.alternatives(variable, &services, &bases);
            if let Some(default) = scene.default(variable, scene.environment)
                && default.state.answers()
                && values.is_empty()
            {
                values.extend(path_of(default));
            }
            let choices = match values.len() {
                0 | 1 => Vec::new(),
                _ => values
                    .iter()
                    .take(CHOICES)
                    .map(|value| Untrusted::from(value.as_slice()))
                    .collect(),
            };
            let rights: Vec<Right<'_>> = match <[Vec<u8>; 1]>::try_from(values) {
                Ok([value]) => vec![self.own(variable, value)],
                Err(_) => Vec::new(),
            };
            if rights.is_empty() && choices.is_empty() {
                lost.push((found.name.clone(), describe(&endpoint)));
                continue;
            }
            let slots = Slots {
                state: describe(&endpoint),
                name: found.name.clone(),
                names: vec![found.name.clone()],
                value: rights
                    .first()
                    .map(|it| quoted(&it.value))
                    .unwrap_or_default(),
                ..self.slots()
            };
            self.covered.push(found.name.clone());
            self.add(CauseId::Dead, &rights, slots, choices);
        }
        if let Some((name, state)) = lost.first().cloned() {
            let slots = Slots {
                name,
                state,
                names: lost.into_iter().map(|(name, _)| name).collect(),
                ..self.slots()
            };
            self.add(CauseId::Dead, &[], slots, Vec::new());
        }
    }

    /// What systemd's user manager does not know.
    fn manager(&mut self, variables: &[Variable]) {
        let there = |it: &&Found| it.told.id == BorderId::SystemdUser;
        if !self.borders.iter().any(|it| there(&it)) || !self.scene.subject.this_process {
            return;
        }
        let Some(manager) = super::borders::manager_environment() else {
            return;
        };
        let scene = self.scene;
        let lacking: Vec<Right<'_>> = variables
            .iter()
            .filter(|found| !found.by_default && found.state.answers())
            .filter_map(|found| {
                let variable = scene.catalogue.variable(&found.name)?;
                let value = scene.environment.get(&found.name)?.to_vec();
                let lacks = !variable.own && self.wrong(variable, &manager, &value);
                lacks.then(|| self.own(variable, value))
            })
            .collect();
        if !lacking.is_empty() {
            self.add(CauseId::ManagerLacks, &lacking, self.slots(), Vec::new());
        }
    }

    /// A value for the process that is looked at; where tmux has it wrong too, for that as well.
    fn own(&self, variable: &'a services::Variable, value: Vec<u8>) -> Right<'a> {
        let scopes = self.tmux.as_ref().map(|(_, server, session)| {
            let fresh = tmux::effective(&server.global, &session.marks);
            if self.wrong(variable, &fresh, &value) {
                self.scopes(variable, &value, server, session)
            } else {
                Vec::new()
            }
        });
        Right {
            variable,
            value,
            from: String::new(),
            scopes: scopes.unwrap_or_default(),
        }
    }

    fn secret(&self, right: &Right<'_>) -> bool {
        let resolver = self.scene.resolver;
        let bases = self
            .scene
            .environment
            .bases(resolver.viewer.uid, resolver.users);
        shown(right.variable, &right.value, &bases).1
    }

    fn slots(&self) -> Slots {
        Slots {
            uid: self.scene.subject.uid,
            tmux: match &self.tmux {
                Some((command, ..)) => command.clone(),
                None => "tmux".to_owned(),
            },
            ..Slots::default()
        }
    }

    fn add(
        &mut self,
        id: CauseId,
        rights: &[Right<'_>],
        mut slots: Slots,
        choices: Vec<Untrusted>,
    ) {
        let Some(cause) = self.scene.catalogue.guidance.cause(id) else {
            return;
        };
        if !rights.is_empty() {
            slots.names = rights.iter().map(|it| it.variable.name.clone()).collect();
        }
        let mut mends = Vec::new();
        for mend in &cause.mends {
            let within = |border: BorderId| self.borders.iter().any(|it| it.told.id == border);
            if mend.within.is_some_and(|border| !within(border)) {
                continue;
            }
            let each = |right: &Right<'_>, scope: &str| {
                let slots = Slots {
                    name: right.variable.name.clone(),
                    value: quoted(&right.value),
                    scope: scope.to_owned(),
                    ..slots.clone()
                };
                slots.fill(&mend.command)
            };
            // A value that may hold a password is printed nowhere.
            let told = rights.iter().filter(|right| !self.secret(right));
            let commands: Vec<String> = match mend.per {
                Per::All => vec![slots.fill(&mend.command)],
                Per::Variable => told.map(|right| each(right, "")).collect(),
                Per::Scope => told
                    .flat_map(|right| right.scopes.iter().map(|scope| each(right, scope)))
                    .collect(),
            };
            if !commands.is_empty() {
                mends.push(Mend {
                    purpose: slots.fill(&mend.purpose),
                    commands,
                });
            }
        }
        let finding = Finding {
            cause: id,
            title: slots.fill(&cause.title),
            reason: slots.fill(&cause.reason),
            variables: slots.names,
            choices,
            mends,
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// The environments of a session that people see: of each pane the newest that is known.
fn targets(session: &RawSession) -> Vec<&Environment> {
    let mut found: Vec<&Raw> = Vec::new();
    for raw in &session.panes {
        if raw.environment.is_none() {
            continue;
        }
        if raw.layer.kind != Kind::Pane {
            found.pop();
        }
        found.push(raw);
    }
    found
        .iter()
        .filter_map(|raw| raw.environment.as_ref())
        .collect()
}

/// Whether two endpoints are one, and it answers.
fn same(one: Option<&Endpoint>, other: Option<&Endpoint>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            other.state.answers()
                && (one.address == other.address
                    || (one.inode.is_some() && one.inode == other.inode))
        }
        _ => false,
    }
}

fn path_of(endpoint: Endpoint) -> Option<Vec<u8>> {
    match endpoint.address? {
        super::endpoint::Address::Path(path) => Some(path.bytes().to_vec()),
        _ => None,
    }
}
