//! Who lives in a runtime directory: the counts and names that questions about it ask for. Taken
//! from what `probe runtime-dir` sees, for a real session and a mock alike.

use serde::Serialize;
use serde_json::{Value, json};

use super::session::Program;
use crate::curriculum::services::Service;
use crate::probe::Surroundings;
use crate::probe::holders::Process;
use crate::probe::runtime_dir::{self, Entry, Kind, RuntimeDir, State};

/// A name that leads to a socket that listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Listener {
    /// Its path below the directory.
    path: String,
    /// The inode of the socket.
    inode: u32,
    /// The inode of the file.
    file: Option<u32>,
    /// The process that holds the socket, when it is seen to be one.
    pid: Option<u32>,
    /// What that is called.
    program: Option<String>,
}

/// Whether a socket listens in the runtime directory of these surroundings.
pub(super) fn anybody_listens(services: &[Service], surroundings: &Surroundings) -> bool {
    surroundings.runtime_dir.is_some()
        && runtime_dir::collect(services, surroundings)
            .entries
            .iter()
            .any(listens)
}

/// Looks at the runtime directory of these surroundings. `cast` are the programs that names belong
/// to; there are none in a real session, whose programs may be called as they like.
pub(super) fn census(services: &[Service], surroundings: &Surroundings, cast: &[Program]) -> Value {
    told(&runtime_dir::collect(services, surroundings), cast)
}

fn told(seen: &RuntimeDir, cast: &[Program]) -> Value {
    let sockets: Vec<&Entry> = seen
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::Socket)
        .collect();
    let named = |state: State| -> Vec<String> {
        let in_state = sockets.iter().filter(|entry| entry.state == state);
        in_state.map(|entry| entry.path.to_string()).collect()
    };
    let listening: Vec<Listener> = sockets
        .iter()
        .filter(|entry| listens(entry))
        .filter_map(|entry| Listener::of(entry))
        .collect();
    let top = sockets
        .iter()
        .filter(|entry| !entry.path.bytes().contains(&b'/'));
    // What a question names stands in a text, and is typed by the learner.
    let plain = |listener: &&Listener| is_plain(&listener.path) && listener.pid.is_some();
    let sole: Vec<&Listener> = listening.iter().filter(plain).collect();
    let squatted = squatted(&listening, cast);
    let complete = seen.directory.mode.is_some()
        && seen.problem.is_none()
        && seen.unread.is_empty()
        && !seen.cut_off;
    json!({
        "mock": !cast.is_empty(),
        "directory": seen.directory.path.to_string(),
        "mode": seen.directory.mode,
        "complete": complete,
        "sockets": sockets.len(),
        "top": top.count(),
        "listening": listening,
        "sole": sole,
        "stale": named(State::Stale),
        "receiving": named(State::Bound),
        "squatted": squatted,
        "lost": seen.lost.len(),
    })
}

/// Whether connect(2) finds a listener there.
fn listens(entry: &Entry) -> bool {
    let listening = [State::Listening, State::QueueFull, State::Activation];
    entry.kind == Kind::Socket && listening.contains(&entry.state)
}

impl Listener {
    fn of(entry: &Entry) -> Option<Self> {
        let holders = entry.holders.as_ref();
        let holder: Option<&Process> = match holders.map(|holders| holders.processes.as_slice()) {
            Some([one]) => Some(one),
            _ => None,
        };
        Some(Self {
            path: entry.path.to_string(),
            inode: entry.socket.as_ref()?.inode,
            file: entry.file.map(|file| file.inode),
            pid: holder.map(|one| one.pid),
            program: holder.map(|one| one.comm.to_string()),
        })
    }
}

/// Names that are served by another program than the one they belong to.
fn squatted(listening: &[Listener], cast: &[Program]) -> Vec<String> {
    let belongs = |listener: &&Listener| {
        let owner = cast
            .iter()
            .find(|program| program.listens.contains(&listener.path));
        owner.is_none_or(|owner| listener.program.as_ref() == Some(&owner.program))
    };
    listening
        .iter()
        .filter(|listener| !belongs(listener))
        .map(|listener| listener.path.clone())
        .collect()
}

/// Whether a name is made of signs that need no quotes anywhere.
fn is_plain(name: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "._-+@:/".contains(sign);
    !name.is_empty() && name.chars().all(plain)
}
