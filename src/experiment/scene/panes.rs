//! The scene `panes`: a private server of tmux that one login has started and another one uses, so
//! that a variable of the first is still in panes of the second. Asks tmux itself, and the kernel for
//! what each shell was started with.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::libc::O_NONBLOCK;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::tmux::{SOCKET, line, listening, version};
use super::super::{Failure, parameters};
use super::Set;
use crate::sys::process::stat;

/// What a variable is that is not there.
const NOT_SET: &str = "not set";

/// What the first window of each session runs: says that it has begun, and becomes a shell. Its
/// environment is the one that every pane of that moment gets.
const FIRST: &str = "echo begun >\"$0\"; exec /bin/sh";

/// Variables with their values, by name.
type Environment = BTreeMap<String, String>;

/// What was drawn.
#[derive(Debug, Deserialize)]
struct Drawn {
    /// Variables of a login; `{n}` is its number.
    variables: Environment,
    /// The number of the login that started the server.
    old: u32,
    /// The number of the one that uses it now.
    new: u32,
}

struct Panes {
    program: PathBuf,
    version: String,
    socket: PathBuf,
    server: Child,
    /// What the second login has.
    login: Environment,
    /// The shells that were there first, by session.
    first: BTreeMap<String, u32>,
}

/// A pane as tmux lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pane {
    session: String,
    pid: u32,
}

/// Sets it.
pub(super) fn set(params: &Map<String, Value>) -> Result<Box<dyn Set>, Failure> {
    let drawn: Drawn = parameters(params)?;
    let program = which::which("tmux");
    let program =
        program.map_err(|_| Failure::Lacking("tmux, which is not installed".to_owned()))?;
    let version = version(&program).map_err(Failure::Lacking)?;
    let fault = |error: io::Error| {
        Failure::Lacking(format!("tmux, whose server cannot be started: {error}"))
    };
    let of = |number: u32| -> Environment {
        let values = drawn.variables.iter();
        values
            .map(|(name, value)| (name.clone(), value.replace("{n}", &number.to_string())))
            .collect()
    };
    let (monday, tuesday) = (of(drawn.old), of(drawn.new));
    let socket = std::env::current_dir().map_err(fault)?.join(SOCKET);
    let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK);
    let watch = watch.map_err(|errno| fault(errno.into()))?;
    watch
        .add_watch(".", AddWatchFlags::IN_ATTRIB)
        .map_err(|errno| fault(errno.into()))?;
    let server = Command::new(&program)
        .args(["-D", "-f", "/dev/null", "-S"])
        .arg(&socket)
        .env_clear()
        .envs(always())
        .envs(texts(&monday))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fault)?;
    listening(&watch).map_err(fault)?;
    let mut panes = Panes {
        program,
        version,
        socket,
        server,
        login: tuesday.clone(),
        first: BTreeMap::new(),
    };
    panes.open("monday", &monday)?;
    panes.open("tuesday", &tuesday)?;
    for pane in panes.listed()? {
        panes.first.insert(pane.session, pane.pid);
    }
    Ok(Box::new(panes))
}

/// What every program here has, whatever the login.
fn always() -> impl Iterator<Item = (&'static str, &'static str)> {
    let always = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("SHELL", "/bin/sh"),
        ("TERM", "screen"),
    ];
    always.into_iter()
}

fn texts(environment: &Environment) -> impl Iterator<Item = (&str, &str)> {
    let all = environment.iter();
    all.map(|(name, value)| (name.as_str(), value.as_str()))
}

impl Panes {
    /// Opens a session from a terminal with this environment, and waits for its shell.
    fn open(&self, session: &str, environment: &Environment) -> Result<(), Failure> {
        let fault = |error: io::Error| unforeseen("a pane", &error.to_string());
        let name = format!("begun-{session}");
        let begun = fifo(&name).map_err(fault)?;
        let here = std::env::current_dir().map_err(fault)?.join(name);
        let here = here.to_string_lossy();
        let arguments = ["new-session", "-d", "-s", session, "-x", "80", "-y", "24"];
        let shell = ["/bin/sh", "-c", FIRST, &*here];
        self.ask(&[&arguments[..], &shell[..]].concat(), environment)?;
        line(&begun).map(drop).map_err(fault)
    }

    /// What a client of tmux prints.
    fn ask(&self, arguments: &[&str], environment: &Environment) -> Result<String, Failure> {
        let output = Command::new(&self.program)
            .arg("-S")
            .arg(&self.socket)
            .args(arguments)
            .env_clear()
            .envs(always())
            .envs(texts(environment))
            .stdin(Stdio::null())
            .output();
        let what = || format!("tmux {}", arguments[..arguments.len().min(3)].join(" "));
        let output = output.map_err(|error| unforeseen(&what(), &error.to_string()))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(unforeseen(&what(), &output.status.to_string()))
        }
    }

    fn listed(&self) -> Result<Vec<Pane>, Failure> {
        let format = "#{session_name} #{pane_pid}";
        let listed = self.ask(&["list-panes", "-a", "-F", format], &self.login)?;
        Ok(listed.lines().filter_map(Pane::parse).collect())
    }

    /// What of the login's variables stands in what tmux shows as an environment.
    fn shown(&self, text: &str) -> Environment {
        let value = |name: &str| {
            let line = text.lines().filter_map(|line| line.split_once('='));
            let mut found = line.filter(|(known, _)| *known == name);
            found.next().map_or(NOT_SET, |(_, value)| value).to_owned()
        };
        let names = self.login.keys();
        names.map(|name| (name.clone(), value(name))).collect()
    }

    /// The same of what a process was started with.
    fn started_with(&self, pid: u32) -> Environment {
        let all = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let lines = String::from_utf8_lossy(&all).replace('\0', "\n");
        self.shown(&lines)
    }
}

impl Pane {
    fn parse(line: &str) -> Option<Self> {
        let (session, pid) = line.rsplit_once(' ')?;
        Some(Self {
            session: session.to_owned(),
            pid: pid.parse().ok()?,
        })
    }
}

impl Set for Panes {
    fn look(&mut self) -> Result<Value, Failure> {
        let list = self.ask(&["show-options", "-gv", "update-environment"], &self.login)?;
        let list: Vec<&str> = list
            .split(|sign: char| sign.is_whitespace() || sign == '"')
            .filter(|name| !name.is_empty())
            .collect();
        let listed: BTreeMap<&str, bool> = self
            .login
            .keys()
            .map(|name| (name.as_str(), list.contains(&name.as_str())))
            .collect();
        let global = self.ask(&["show-environment", "-g"], &self.login)?;
        let mut shells = Map::new();
        for (session, &pid) in &self.first {
            let own = self.ask(&["show-environment", "-t", session], &self.login);
            let told = json!({
                "pid": pid,
                "has": self.started_with(pid),
                "session": self.shown(&own.unwrap_or_default()),
            });
            shells.insert(session.clone(), told);
        }
        // The newest shell, of those that the learner has opened, which has all of the login.
        let panes = self.listed()?;
        let opened = panes.iter().map(|pane| pane.pid);
        let opened = opened.filter(|pid| self.first.values().all(|first| first != pid));
        let mended = opened
            .filter(|&pid| self.started_with(pid) == self.login)
            .max_by_key(|&pid| stat(pid.cast_signed()).map(|stat| stat.started));
        Ok(json!({
            "directory": self.socket.parent().map(Path::to_string_lossy),
            "version": self.version,
            "server": self.server.id(),
            "list": list,
            "listed": listed,
            "global": self.shown(&global),
            "login": self.login,
            "shells": shells,
            "mended": mended.map_or_else(|| json!("no such shell"), |pid| json!(pid)),
        }))
    }
}

fn fifo(name: &str) -> io::Result<File> {
    mkfifo(name, Mode::S_IRUSR | Mode::S_IWUSR)?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(O_NONBLOCK)
        .open(name)
}

fn unforeseen(call: &str, result: &str) -> Failure {
    Failure::Unforeseen {
        call: call.to_owned(),
        result: result.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_is_told_by_its_session_and_the_pid_of_its_shell() {
        let pane = Pane::parse("my work 77").unwrap();
        assert_eq!((pane.session.as_str(), pane.pid), ("my work", 77));
        assert_eq!(Pane::parse("nothing"), None);
    }
}
