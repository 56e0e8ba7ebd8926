//! `probe env`: the variables that name endpoints, what they lead to, and where they were lost.
//!
//! Owns the picture of one process's environment as far as it names endpoints of services, and the
//! order in which it is put together: [`environment`] reads, [`endpoint`] looks up, [`layers`] lays
//! the environments of tmux side by side, [`borders`] finds what else lies between, [`causes`] says
//! why something is wrong and how it is mended. Drawing is [`crate::render`]'s; sentences and
//! commands are in `curriculum/environment.toml`. Nothing is changed, and nothing is connected to
//! unless `--connect` was given; tmux(1) and systemctl(1) are asked through their own programs.

mod borders;
mod causes;
mod connect;
pub mod endpoint;
mod environment;
pub mod layers;
mod quote;
mod tmux;
mod walk;
mod words;

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::holders::Visibility;
use super::sockets;
use super::{ProbeError, Surroundings};
use crate::curriculum::guidance::CauseId;
use crate::curriculum::services::{self, Catalogue};
use crate::sys::proc_scan::Wanted;
use crate::sys::process;
use crate::sys::users::Users;
use crate::untrusted::Untrusted;
pub use borders::Crossed;
use endpoint::{Endpoint, Resolver, State};
use environment::Environment;
use layers::Tmux;

/// The variable that other values are relative to: `{runtime}` in the catalogue.
const RUNTIME: &str = "XDG_RUNTIME_DIR";

/// What more is wanted than usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// A process, by its id; this one when left out.
    pub pid: Option<u32>,
    /// Show the other variables, too.
    pub others: bool,
    /// Connect to each endpoint, and close at once.
    pub connect: bool,
}

/// What the probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Env {
    /// `ipc-mastery/probe/env/1`.
    pub schema: &'static str,
    /// Whose environment it is.
    pub subject: Subject,
    /// How much could be seen of processes.
    #[serde(flatten)]
    pub visibility: Visibility,
    /// Why sockets could not be listed, if they could not.
    pub problem: Option<String>,
    /// What is wrong, why, and what mends it.
    pub findings: Vec<Finding>,
    /// Variables that name an endpoint: those that are set, and those without which programs look
    /// at a place where something answers.
    pub variables: Vec<Variable>,
    /// tmux servers of this user, with the layers of their environments.
    pub tmux: Vec<Tmux>,
    /// What lies between this environment and that of the login.
    pub borders: Vec<Crossed>,
    /// How many other variables are set.
    pub other_variables: usize,
    /// Those, when asked for.
    pub others: Option<Vec<Other>>,
}

/// Whose environment it is.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Subject {
    /// Its process id.
    pub pid: u32,
    /// Its name.
    pub comm: Untrusted,
    /// Its effective user id.
    pub uid: u32,
    /// That user's name.
    pub user: Option<Untrusted>,
    /// It is this very process, and the environment the one it has now; else the one that it was
    /// started with.
    pub this_process: bool,
    /// Why its environment could not be read: an errno's name.
    pub unreadable: Option<String>,
}

/// A variable that names an endpoint.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub meaning: String,
    /// Services that it announces, by their ids.
    pub services: Vec<String>,
    /// Its value, if it is set. What may be a password is replaced by `(hidden)`.
    pub value: Option<Untrusted>,
    /// Whether something was replaced.
    pub masked: bool,
    /// It is not set, and this is where programs look then.
    pub by_default: bool,
    /// What is at the endpoint that decides: the first that answers, else the first.
    pub state: State,
    /// All places it leads to, in the order in which programs try them.
    pub endpoints: Vec<Endpoint>,
}

/// Another variable.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Other {
    /// Its name.
    pub name: Untrusted,
    /// Its value; `(hidden)` where the name sounds like a secret.
    pub value: Untrusted,
    /// Whether it was replaced, wholly or in part.
    pub masked: bool,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Finding {
    /// Why.
    pub cause: CauseId,
    /// The variables that it concerns.
    pub variables: Vec<String>,
    /// What is wrong: a sentence.
    pub title: String,
    /// Why: sentences.
    pub reason: String,
    /// Values that would answer, where there are several to choose from.
    pub choices: Vec<Untrusted>,
    /// What mends it: nothing of it was run.
    pub mends: Vec<Mend>,
}

/// Commands with one purpose, quoted for a shell.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Mend {
    /// What they are good for.
    pub purpose: String,
    /// One a line.
    pub commands: Vec<String>,
}

/// Looks at an environment.
///
/// # Errors
/// When the process that is asked for does not exist.
pub fn collect(
    wish: &Wish,
    catalogue: &Catalogue,
    surroundings: &Surroundings,
) -> Result<Env, ProbeError> {
    let users = Users::load();
    let own = std::process::id();
    let pid = wish.pid.unwrap_or(own);
    let this_process = pid == own;
    let (environment, unreadable) = read(pid, this_process)?;
    let viewer = if this_process {
        endpoint::this_viewer()
    } else {
        endpoint::viewer_of(pid)
    };
    let uid = viewer.uid;
    // Names in a runtime directory are known by that of the environment that is looked at.
    let mut surroundings = surroundings.clone();
    if let Some(directory) = environment.get(RUNTIME).filter(|it| !it.is_empty()) {
        surroundings.runtime_dir = Some(Untrusted::from(directory).as_path().into());
    }
    let (sockets, _) = sockets::collect_with(&catalogue.services, &surroundings, Wanted::default());
    let resolver = Resolver::new(&sockets, &users, viewer);
    let mut variables = variables(&environment, catalogue, &resolver);
    if wish.connect {
        for endpoint in variables.iter_mut().flat_map(|it| &mut it.endpoints) {
            endpoint.connect = connect::told(endpoint);
        }
    }
    let subject = Subject {
        pid,
        comm: i32::try_from(pid).map(process::name).unwrap_or_default(),
        uid,
        user: users.name(uid).cloned(),
        this_process,
        unreadable,
    };
    let scene = Scene {
        catalogue,
        resolver: &resolver,
        environment: &environment,
        subject: &subject,
    };
    let gathered = layers::gather(&scene);
    let borders = borders::crossed(&scene);
    let findings = causes::find(&scene, &variables, &gathered, &borders);
    let tmux = gathered.iter().map(|server| server.told(&scene)).collect();
    let (others, other_variables) = others(&environment, catalogue, wish.others);
    Ok(Env {
        schema: "ipc-mastery/probe/env/1",
        findings,
        variables,
        tmux,
        borders: borders.into_iter().map(|found| found.told).collect(),
        others,
        other_variables,
        subject,
        visibility: sockets.visibility.clone(),
        problem: sockets.problem.clone(),
    })
}

/// What all parts look at.
struct Scene<'a> {
    catalogue: &'a Catalogue,
    resolver: &'a Resolver<'a>,
    environment: &'a Environment,
    subject: &'a Subject,
}

impl Scene<'_> {
    /// What a variable leads to in an environment: nothing when it is not set.
    fn state(&self, variable: &services::Variable, environment: &Environment) -> Option<State> {
        self.endpoint(variable, environment)
            .map(|found| found.state)
    }

    /// The endpoint that decides in an environment.
    fn endpoint(
        &self,
        variable: &services::Variable,
        environment: &Environment,
    ) -> Option<Endpoint> {
        let value = environment
            .get(&variable.name)
            .filter(|it| !it.is_empty())?;
        let bases = environment.bases(self.resolver.viewer.uid, self.resolver.users);
        let endpoints = self.resolver.value(variable, value, &bases);
        endpoint::best(&endpoints).cloned()
    }

    /// Where programs look in an environment that does not set the variable.
    fn default(
        &self,
        variable: &services::Variable,
        environment: &Environment,
    ) -> Option<Endpoint> {
        let bases = environment.bases(self.resolver.viewer.uid, self.resolver.users);
        endpoint::best(&self.resolver.default(variable, &bases)).cloned()
    }
}

fn read(pid: u32, this_process: bool) -> Result<(Environment, Option<String>), ProbeError> {
    if this_process {
        return Ok((Environment::of_this_process(), None));
    }
    if !std::path::Path::new(&format!("/proc/{pid}")).exists() {
        return Err(ProbeError::NoProcess { pid });
    }
    Ok(match Environment::of(pid) {
        Ok(environment) => (environment, None),
        Err(error) => (Environment::default(), Some(errno(&error))),
    })
}

/// An errno's name.
fn errno(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{:?}", nix::errno::Errno::from_raw(number)),
        None => error.to_string(),
    }
}

fn variables(
    environment: &Environment,
    catalogue: &Catalogue,
    resolver: &Resolver<'_>,
) -> Vec<Variable> {
    let bases = environment.bases(resolver.viewer.uid, resolver.users);
    let mut found = Vec::new();
    for known in &catalogue.variables {
        let value = environment.get(&known.name).filter(|it| !it.is_empty());
        let endpoints = match value {
            Some(value) => resolver.value(known, value, &bases),
            None => resolver.default(known, &bases),
        };
        let state = endpoint::best(&endpoints).map(|endpoint| endpoint.state);
        let state = match (value, state) {
            (Some(_), Some(state)) => state,
            (None, Some(state)) if state.answers() => state,
            (Some(_), None) => State::NotUnderstood,
            (None, _) => continue,
        };
        let (value, masked) = match value {
            Some(value) => {
                let (value, masked) = shown(known, value, &bases);
                (Some(value), masked)
            }
            None => (None, false),
        };
        found.push(Variable {
            name: known.name.clone(),
            meaning: known.meaning.clone(),
            services: announced(&known.name, catalogue),
            by_default: value.is_none(),
            value,
            masked,
            state,
            endpoints,
        });
    }
    found
}

/// A value as it may be shown, and whether something of it was replaced.
fn shown(
    variable: &services::Variable,
    value: &[u8],
    bases: &services::Bases,
) -> (Untrusted, bool) {
    let secret = variable.reading(value, bases).iter().any(|it| it.secret);
    if secret {
        return (Untrusted::from(environment::MASK), true);
    }
    let (value, masked) = environment::masked(value);
    (Untrusted::new(value), masked)
}

/// Services that a variable announces.
fn announced(name: &str, catalogue: &Catalogue) -> Vec<String> {
    let services = catalogue.services.iter();
    services
        .filter(|service| service.variables.iter().any(|known| known == name))
        .map(|service| service.id.clone())
        .collect()
}

fn others(
    environment: &Environment,
    catalogue: &Catalogue,
    wanted: bool,
) -> (Option<Vec<Other>>, usize) {
    let known = |name: &[u8]| {
        std::str::from_utf8(name).is_ok_and(|name| catalogue.variable(name).is_some())
    };
    let mut others: Vec<Other> = environment
        .iter()
        .filter(|(name, _)| !known(name))
        .map(|(name, value)| {
            let (value, masked) = if environment::sounds_secret(name) {
                (environment::MASK.into(), true)
            } else {
                environment::masked(value)
            };
            Other {
                name: Untrusted::from(name),
                value: Untrusted::new(value),
                masked,
            }
        })
        .collect();
    others.sort_by(|a, b| a.name.cmp(&b.name));
    let count = others.len();
    (wanted.then_some(others), count)
}
