//! `tmux.capsule`: whose environment panes have, when a server outlives the login that started it.
//!
//! With a real tmux where there is one. Elsewhere a server of ours takes its place, which starts
//! programs with what it was given and takes over a list of names; then the observation says what
//! is lacking, and claims about tmux are not judged.

use serde_json::{Map, Value, json};

use super::letter::Letter;
use super::order::Order;
use super::stage::{Actor, Stage};
use super::tmux::{Tmux, Variables};
use super::{Failure, Nothing, parameters};

/// What Monday's login has.
pub(super) const MONDAY: &Variables = &[
    (RUNTIME, "/run/user/monday"),
    (DISPLAY, ":0"),
    (WAYLAND, "wayland-1"),
    (AGENT, "/tmp/agent-monday"),
];

/// What Tuesday's has: no agent.
pub(super) const TUESDAY: &Variables = &[
    (RUNTIME, "/run/user/tuesday"),
    (DISPLAY, ":7"),
    (WAYLAND, "wayland-7"),
];

/// In no default list of tmux.
pub(super) const RUNTIME: &str = "XDG_RUNTIME_DIR";
/// In every default list of tmux.
pub(super) const DISPLAY: &str = "DISPLAY";
/// In the default list of new versions only.
const WAYLAND: &str = "WAYLAND_DISPLAY";
/// In every default list of tmux.
pub(super) const AGENT: &str = "SSH_AUTH_SOCK";

/// Who keeps the panes.
enum Keeper {
    Tmux(Tmux),
    Ours(Ours),
}

/// A server of ours, for machines without tmux.
struct Ours {
    server: Actor,
    names: Vec<String>,
    sessions: Vec<(String, Vec<(String, String)>)>,
    panes: Vec<Actor>,
}

impl Keeper {
    /// Tmux, or a server of ours and what is lacking.
    fn start(stage: &Stage) -> Result<(Self, Option<String>), Failure> {
        match Tmux::start(stage, MONDAY) {
            Ok(tmux) => Ok((Self::Tmux(tmux), None)),
            Err(lacking) => {
                let ours = Ours {
                    server: stage.actor_with("server", MONDAY)?,
                    names: vec![DISPLAY.to_owned(), AGENT.to_owned()],
                    sessions: Vec::new(),
                    panes: Vec::new(),
                };
                Ok((Self::Ours(ours), Some(lacking)))
            }
        }
    }

    /// What it is called in calls.
    fn name(&self) -> &'static str {
        match self {
            Self::Tmux(_) => "tmux",
            Self::Ours(_) => "server of ours:",
        }
    }

    /// What it is called in sentences.
    fn title(&self) -> String {
        match self {
            Self::Tmux(tmux) => tmux.version.clone(),
            Self::Ours(_) => "a server of ours".to_owned(),
        }
    }

    fn pid(&self) -> u32 {
        match self {
            Self::Tmux(tmux) => tmux.pid(),
            Self::Ours(ours) => ours.server.pid(),
        }
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        match self {
            Self::Tmux(tmux) => tmux.names(),
            Self::Ours(ours) => Ok(ours.names.clone()),
        }
    }

    fn add_name(&mut self, name: &str) -> Result<(), Failure> {
        match self {
            Self::Tmux(tmux) => tmux.add_name(name),
            Self::Ours(ours) => {
                ours.names.push(name.to_owned());
                Ok(())
            }
        }
    }

    fn new_session(
        &mut self,
        stage: &mut Stage,
        name: &str,
        variables: &Variables,
    ) -> Result<usize, Failure> {
        match self {
            Self::Tmux(tmux) => tmux.new_session(name, variables),
            Self::Ours(ours) => {
                ours.take_over(name, variables);
                ours.open_pane(stage, name)
            }
        }
    }

    fn new_window(
        &mut self,
        stage: &mut Stage,
        session: &str,
        variables: &Variables,
    ) -> Result<usize, Failure> {
        match self {
            Self::Tmux(tmux) => tmux.new_window(session, variables),
            Self::Ours(ours) => ours.open_pane(stage, session),
        }
    }

    fn attach(&mut self, session: &str, variables: &Variables) -> Result<(), Failure> {
        match self {
            Self::Tmux(tmux) => tmux.attach(session, variables),
            Self::Ours(ours) => {
                ours.take_over(session, variables);
                Ok(())
            }
        }
    }

    /// Asks a pane for a variable, and writes it down as the pane's own look.
    fn ask(&mut self, stage: &mut Stage, pane: usize, name: &str) -> Result<String, Failure> {
        let (call, value) = match self {
            Self::Tmux(tmux) => (format!("echo ${name}"), tmux.ask(pane, name)?),
            Self::Ours(ours) => {
                let look = Order::Getenv(name.to_owned());
                let got = stage.quietly(&mut ours.panes[pane], &look)?;
                let value = got.value()?.unwrap_or("not set").to_owned();
                (got.call, value)
            }
        };
        let result = if value == "not set" {
            value.clone()
        } else {
            format!("\"{value}\"")
        };
        let who = format!("pane {}", pane + 1);
        stage.note(&who, &call, &result);
        Ok(value)
    }
}

impl Ours {
    /// Takes the listed names over from a client, or takes them out where the client has none.
    fn take_over(&mut self, session: &str, variables: &Variables) {
        let listed = self.names.iter().map(|name| {
            let given = variables.iter().find(|(known, _)| known == name);
            let value = given.map_or_else(String::new, |(_, value)| (*value).to_owned());
            (name.clone(), value)
        });
        let listed: Vec<(String, String)> = listed.collect();
        self.sessions.retain(|(name, _)| name != session);
        self.sessions.push((session.to_owned(), listed));
    }

    /// Starts a program with what the server was given, changed by what the session has.
    fn open_pane(&mut self, stage: &mut Stage, session: &str) -> Result<usize, Failure> {
        let own = self.sessions.iter().find(|(name, _)| name == session);
        let own = own.map_or_else(Vec::new, |(_, own)| own.clone());
        let kept = MONDAY
            .iter()
            .filter(|(name, _)| own.iter().all(|(listed, _)| listed != name))
            .map(|(name, value)| format!("{name}={value}"));
        let taken = own.iter().filter(|(_, value)| !value.is_empty());
        let taken = taken.map(|(name, value)| format!("{name}={value}"));
        let strings = kept.chain(taken).collect();
        let mut pane = stage.fork_quietly(&mut self.server, "pane")?;
        stage.become_quietly(&mut pane, Letter::Execute(strings))?;
        self.panes.push(pane);
        Ok(self.panes.len() - 1)
    }
}

/// The value that a login has for a name.
pub(super) fn of(variables: &Variables, wanted: &str) -> &'static str {
    let found = variables.iter().find(|(name, _)| *name == wanted);
    found.map_or("not set", |(_, value)| *value)
}

/// Part a: Monday's login starts the server and a session, Tuesday's opens another. Part b: the
/// missing name is put on the list, and Tuesday's login attaches again.
pub(super) fn capsule(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let (mut keeper, lacking) = Keeper::start(stage)?;
    let (title, server) = (keeper.title(), keeper.pid());
    let who = keeper.name();
    let said = |what: &str| format!("{who} {what}");
    let is_listed = |names: &[String], name: &str| names.iter().any(|listed| listed == name);

    stage.part("a");
    if let Some(lacking) = &lacking {
        stage.note("here", "which(\"tmux\")", &format!("lacking: {lacking}"));
    }
    let first = keeper.new_session(stage, "one", MONDAY)?;
    stage.note("monday", &said("new-session -s one"), "0");
    keeper.ask(stage, first, RUNTIME)?;
    let names = keeper.names()?;
    let (listed, unlisted) = (is_listed(&names, DISPLAY), is_listed(&names, RUNTIME));
    let has = |yes: bool| if yes { "with" } else { "without" };
    let shown = format!(
        "{} names, {} {DISPLAY}, {} {RUNTIME}",
        names.len(),
        has(listed),
        has(unlisted)
    );
    stage.note(
        "tuesday",
        &said("show-options -g update-environment"),
        &shown,
    );
    let second = keeper.new_session(stage, "two", TUESDAY)?;
    stage.note("tuesday", &said("new-session -s two"), "0");
    let display = keeper.ask(stage, second, DISPLAY)?;
    let runtime = keeper.ask(stage, second, RUNTIME)?;
    stage.mark();
    let wayland = keeper.ask(stage, second, WAYLAND)?;
    let agent = keeper.ask(stage, second, AGENT)?;
    let mut a = json!({
        "keeper": title, "server": server, "names": names.len(), "listed": listed,
        "runtime_listed": unlisted, "wayland_listed": is_listed(&names, WAYLAND),
        "agent_listed": is_listed(&names, AGENT), "display": display, "runtime": runtime,
        "wayland": wayland, "agent": agent,
        "old_runtime": of(MONDAY, RUNTIME), "new_runtime": of(TUESDAY, RUNTIME),
        "old_display": of(MONDAY, DISPLAY), "new_display": of(TUESDAY, DISPLAY),
        "old_wayland": of(MONDAY, WAYLAND), "new_wayland": of(TUESDAY, WAYLAND),
        "old_agent": of(MONDAY, AGENT),
    });

    stage.part("b");
    keeper.add_name(RUNTIME)?;
    let call = said(&format!("set-option -ga update-environment {RUNTIME}"));
    stage.note("tuesday", &call, "0");
    let listed = is_listed(&keeper.names()?, RUNTIME);
    let early = keeper.new_window(stage, "two", TUESDAY)?;
    stage.note("tuesday", &said("new-window -t two"), "0");
    let early = keeper.ask(stage, early, RUNTIME)?;
    keeper.attach("two", TUESDAY)?;
    stage.note("tuesday", &said("attach-session -t two"), "0");
    let late = keeper.new_window(stage, "two", TUESDAY)?;
    stage.note("tuesday", &said("new-window -t two"), "0");
    let late = keeper.ask(stage, late, RUNTIME)?;
    stage.mark();
    let running = keeper.ask(stage, second, RUNTIME)?;
    let other = keeper.new_window(stage, "one", TUESDAY)?;
    stage.note("tuesday", &said("new-window -t one"), "0");
    let other = keeper.ask(stage, other, RUNTIME)?;
    let mut b = json!({
        "listed": listed, "early": early, "late": late, "running": running, "other": other,
        "old": of(MONDAY, RUNTIME), "new": of(TUESDAY, RUNTIME),
    });
    if let Some(lacking) = lacking {
        for part in [&mut a, &mut b] {
            part["lacking"] = json!(lacking);
        }
    }
    Ok(json!({ "a": a, "b": b }))
}
