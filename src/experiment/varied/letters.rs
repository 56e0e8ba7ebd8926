//! Variables on their way: `environment.copied`, `environment.letter`, `environment.filters`,
//! `tmux.capsule`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::within;
use crate::experiment::capsule::{AGENT, DISPLAY, MONDAY, RUNTIME, TUESDAY, of};
use crate::experiment::environment::wrapper;
use crate::experiment::letter::Letter;
use crate::experiment::order::{Environment, Order, Outcome};
use crate::experiment::stage::Stage;
use crate::experiment::tmux::Tmux;
use crate::experiment::{Failure, parameters};

fn letter(letter: Letter) -> Order {
    Order::Letter(letter)
}

/// The value, or `not set`.
fn value(outcome: &Outcome) -> Result<String, Failure> {
    Ok(outcome.value()?.unwrap_or("not set").to_owned())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Copied {
    /// The login that starts the server.
    started: u32,
    /// The login that has the server start programs.
    now: u32,
    /// What the server sets its own variable to, later.
    renewed: u32,
}

impl Default for Copied {
    fn default() -> Self {
        Self {
            started: 1,
            now: 2,
            renewed: 3,
        }
    }
}

/// A server that outlives its login, a shell that outlives a change of the server's variable.
pub fn copied(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Copied {
        started,
        now,
        renewed,
    } = parameters(params)?;
    for (name, value) in [("started", started), ("now", now), ("renewed", renewed)] {
        within(name, value, (1, 99))?;
    }
    let name = "LOGIN";
    let mut server = stage.actor_with("server", &[(name, &started.to_string())])?;
    let mut login = stage.actor_with("login", &[(name, &now.to_string())])?;
    stage.part("a");
    let look = Order::Getenv(name.to_owned());
    stage.call(&mut login, look)?.value()?;
    let own = Environment::Own;
    let first = value(&stage.start_program(&mut server, "program", own.clone(), name)?)?;
    stage.mark();
    let mut shell = stage.fork_quietly(&mut server, "shell")?;
    let strings = vec![format!("{name}={first}")];
    stage.become_program(&mut shell, "shell", Letter::Execute(strings))?;
    let order = letter(Letter::Set(name.to_owned(), renewed.to_string()));
    stage.call(&mut server, order)?.done()?;
    let second = value(&stage.start_program(&mut server, "program 2", own.clone(), name)?)?;
    stage.mark();
    let third = value(&stage.start_program(&mut shell, "program 3", own, name)?)?;
    stage.mark();
    let a = json!({ "first": first, "second": second, "third": third });
    Ok(json!({ "a": a }))
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Done {
    Yes,
    No,
}

/// One of two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Who {
    Editor,
    Child,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arrives {
    /// The editor sets `two` before it forks.
    early: Done,
    /// The editor sets `three` after it has forked.
    late: Done,
    /// The child sets `four`.
    child: Done,
    /// Who starts a program then.
    starts: Who,
    /// Into whose `/proc/PID/environ` an observer looks.
    looked: Who,
}

impl Default for Arrives {
    fn default() -> Self {
        Self {
            early: Done::Yes,
            late: Done::No,
            child: Done::No,
            starts: Who::Editor,
            looked: Who::Editor,
        }
    }
}

/// A variable that is set before and after a fork, and what others find of it.
pub fn arrives(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Arrives {
        early,
        late,
        child: childs,
        starts,
        looked,
    } = parameters(params)?;
    let name = "COLOUR";
    let mut editor = stage.actor_with("editor", &[(name, "one")])?;
    let mut observer = stage.actor("observer")?;
    let set = |to: &str| letter(Letter::Set(name.to_owned(), to.to_owned()));
    stage.part("a");
    if early == Done::Yes {
        stage.call(&mut editor, set("two"))?.done()?;
    }
    let mut child = stage.fork(&mut editor, "child")?;
    if late == Done::Yes {
        stage.call(&mut editor, set("three"))?.done()?;
    }
    if childs == Done::Yes {
        stage.call(&mut child, set("four"))?.done()?;
    }
    let starter = match starts {
        Who::Editor => &mut editor,
        Who::Child => &mut child,
    };
    let program = stage.start_program(starter, "program", Environment::Own, name)?;
    stage.mark();
    let program = value(&program)?;
    let asked = match looked {
        Who::Editor => &mut editor,
        Who::Child => &mut child,
    };
    let pid = asked.pid().cast_signed();
    let inside = value(&stage.decisive(asked, Order::Getenv(name.to_owned()))?)?;
    let order = letter(Letter::Environ(Some(pid), name.to_owned()));
    let file = stage.decisive(&mut observer, order)?;
    let file = file.told()?;
    let file = file.split_once('=').map_or(file, |(_, value)| value);
    let a = json!({ "program": program, "inside": inside, "file": file });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Filters {
    /// The value of the first entry of a name.
    first: u32,
    /// Of the second.
    second: u32,
    /// Of the third.
    third: u32,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            first: 1,
            second: 2,
            third: 3,
        }
    }
}

/// Three entries of one name: what a program finds, what a shell finds, and what a shell hands on.
pub fn filters(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Filters {
        first,
        second,
        third,
    } = parameters(params)?;
    for (name, value) in [("first", first), ("second", second), ("third", third)] {
        within(name, value, (0, 999))?;
    }
    let name = "DUP";
    let list: Vec<String> = [first, second, third]
        .iter()
        .map(|value| format!("{name}={value}"))
        .collect();
    let get = |name: &str| Order::Getenv(name.to_owned());
    let mut starter = stage.actor("starter")?;
    stage.part("a");
    let mut program = stage.fork_quietly(&mut starter, "program")?;
    stage.become_program(&mut program, "program", Letter::Execute(list.clone()))?;
    let got = value(&stage.decisive(&mut program, get(name))?)?;
    let order = letter(Letter::Unset(name.to_owned()));
    stage.call(&mut program, order)?.done()?;
    let unset = value(&stage.decisive(&mut program, get(name))?)?;
    let mut shell = stage.fork_quietly(&mut starter, "sh")?;
    let order = Letter::Wrapped(wrapper("SEEN=$DUP", "; true"), list);
    stage.become_program(&mut shell, "sh", order)?;
    shell.rename("program 2");
    let seen = value(&stage.decisive(&mut shell, get("SEEN"))?)?;
    let order = letter(Letter::Environ(None, name.to_owned()));
    let passed = stage.decisive(&mut shell, order)?;
    let passed = passed.told()?.matches("DUP=").count();
    let a = json!({ "got": got, "unset": unset, "seen": seen, "passed": passed });
    Ok(json!({ "a": a }))
}

/// What Tuesday's login does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Event {
    /// A session of its own.
    Session,
    /// A window in Monday's session, without attaching.
    Window,
    /// A window in Monday's session, after attaching.
    Attach,
    /// It attaches, and looks at the pane that is there.
    Running,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Capsule {
    event: Event,
    /// Whether XDG_RUNTIME_DIR is put on the list before.
    added: Done,
}

impl Default for Capsule {
    fn default() -> Self {
        Self {
            event: Event::Session,
            added: Done::No,
        }
    }
}

/// One pane of a real tmux, and three variables in it.
pub fn capsule(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Capsule { event, added } = parameters(params)?;
    let mut tmux = Tmux::start(stage, MONDAY).map_err(Failure::Lacking)?;
    stage.part("a");
    let first = tmux.new_session("one", MONDAY)?;
    stage.note("monday", "tmux new-session -s one", "0");
    if added == Done::Yes {
        tmux.add_name(RUNTIME)?;
        let call = format!("tmux set-option -ga update-environment {RUNTIME}");
        stage.note("tuesday", &call, "0");
    }
    let pane = match event {
        Event::Session => {
            let pane = tmux.new_session("two", TUESDAY)?;
            stage.note("tuesday", "tmux new-session -s two", "0");
            pane
        }
        Event::Window => {
            let pane = tmux.new_window("one", TUESDAY)?;
            stage.note("tuesday", "tmux new-window -t one", "0");
            pane
        }
        Event::Attach => {
            tmux.attach("one", TUESDAY)?;
            stage.note("tuesday", "tmux attach-session -t one", "0");
            let pane = tmux.new_window("one", TUESDAY)?;
            stage.note("tuesday", "tmux new-window -t one", "0");
            pane
        }
        Event::Running => {
            tmux.attach("one", TUESDAY)?;
            stage.note("tuesday", "tmux attach-session -t one", "0");
            first
        }
    };
    let names = tmux.names()?;
    let mut seen = Map::new();
    for (key, name) in [("runtime", RUNTIME), ("display", DISPLAY), ("agent", AGENT)] {
        let found = tmux.ask(pane, name)?;
        stage.note("pane", &format!("echo ${name}"), &found);
        stage.mark();
        let of_whom = match found.as_str() {
            "not set" => "nobody",
            value if value == of(MONDAY, name) => "monday",
            value if value == of(TUESDAY, name) => "tuesday",
            _ => "somebody else",
        };
        seen.insert(key.to_owned(), of_whom.into());
    }
    let listed = |name: &str| names.iter().any(|one| one == name);
    if !listed(DISPLAY) || !listed(AGENT) {
        let what = "a tmux whose list has DISPLAY and SSH_AUTH_SOCK";
        return Err(Failure::Lacking(what.to_owned()));
    }
    seen.insert("tmux".to_owned(), tmux.version.clone().into());
    Ok(json!({ "a": seen }))
}
