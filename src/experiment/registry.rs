//! Every experiment by name. What each is about is told by the lesson that wraps it.

use serde_json::{Map, Value};

use super::stage::Stage;
use super::{
    Failure, access_list, activation, af_unix, capsule, clipboard, connect, credentials, endings,
    environment, faces, losses, names, overview, passing, permissions, pids, policy, queue,
    refusal, runtime_dir, scope, sessions, tmpfs, types, varied,
};

/// A named routine of real system calls.
#[derive(Debug)]
pub struct Experiment {
    /// Its name: `<subject>.<what-it-shows>`.
    pub name: &'static str,
    /// Makes the calls and returns one object a part: `{"a": {…}, "b": {…}}`.
    pub routine: Routine,
    /// The same question in a situation that parameters make: [`super::varied`]. It is run in the
    /// place of `routine` as soon as a parameter is given.
    pub varied: Option<Routine>,
}

/// Makes calls and returns what was seen, by parts.
pub type Routine = fn(&mut Stage, &Map<String, Value>) -> Result<Value, Failure>;

impl Experiment {
    /// What is run with these parameters.
    pub fn routine(&self, params: &Map<String, Value>) -> Routine {
        match self.varied {
            Some(varied) if !params.is_empty() => varied,
            _ => self.routine,
        }
    }
}

/// Every experiment, sorted by name.
pub const ALL: &[Experiment] = &[
    Experiment {
        name: "clip.broker",
        routine: clipboard::broker,
        varied: Some(varied::broker),
    },
    Experiment {
        name: "cred.per-message",
        routine: credentials::per_message,
        varied: Some(varied::per_message),
    },
    Experiment {
        name: "cred.policy",
        routine: policy::policy,
        varied: Some(varied::policy),
    },
    Experiment {
        name: "cred.refused",
        routine: refusal::refused,
        varied: Some(varied::refused),
    },
    Experiment {
        name: "cred.self",
        routine: credentials::own,
        varied: Some(varied::own),
    },
    Experiment {
        name: "cred.sessions",
        routine: sessions::sessions,
        varied: Some(varied::sessions),
    },
    Experiment {
        name: "cred.which-uid",
        routine: faces::which_uid,
        varied: Some(varied::which_uid),
    },
    Experiment {
        name: "descriptor.read",
        routine: overview::read_descriptors,
        varied: Some(varied::read_descriptors),
    },
    Experiment {
        name: "environment.copied",
        routine: overview::copied,
        varied: Some(varied::copied),
    },
    Experiment {
        name: "environment.filters",
        routine: environment::filters,
        varied: Some(varied::filters),
    },
    Experiment {
        name: "environment.letter",
        routine: environment::arrives,
        varied: Some(varied::arrives),
    },
    Experiment {
        name: "listen.fds",
        routine: activation::listen_fds,
        varied: Some(varied::listen_fds),
    },
    Experiment {
        name: "name.scope",
        routine: scope::scope,
        varied: Some(varied::scope),
    },
    Experiment {
        name: "peercred.handoff",
        routine: credentials::handoff,
        varied: Some(varied::handoff),
    },
    Experiment {
        name: "pid.reuse",
        routine: pids::reuse,
        varied: Some(varied::reuse),
    },
    Experiment {
        name: "runtime-dir.made-by",
        routine: runtime_dir::made_by,
        varied: Some(varied::made_by),
    },
    Experiment {
        name: "runtime-dir.who-lives-there",
        routine: runtime_dir::who_lives_there,
        varied: Some(varied::who_lives_there),
    },
    Experiment {
        name: "socket.access-list",
        routine: access_list::access_list,
        varied: Some(varied::access_list),
    },
    Experiment {
        name: "socket.locks",
        routine: permissions::locks,
        varied: Some(varied::locks),
    },
    Experiment {
        name: "tmpfs.full",
        routine: tmpfs::full,
        varied: Some(varied::full),
    },
    Experiment {
        name: "tmpfs.memory",
        routine: tmpfs::memory,
        varied: Some(varied::memory),
    },
    Experiment {
        name: "tmux.capsule",
        routine: capsule::capsule,
        varied: Some(varied::capsule),
    },
    Experiment {
        name: "unix.atlas",
        routine: connect::atlas,
        varied: Some(varied::atlas),
    },
    Experiment {
        name: "unix.bytes",
        routine: af_unix::bytes,
        varied: Some(varied::bytes),
    },
    Experiment {
        name: "unix.endings",
        routine: endings::endings,
        varied: Some(varied::endings),
    },
    Experiment {
        name: "unix.listen",
        routine: af_unix::listen,
        varied: Some(varied::listen),
    },
    Experiment {
        name: "unix.lost-descriptors",
        routine: losses::lost,
        varied: Some(varied::lost),
    },
    Experiment {
        name: "unix.moved",
        routine: connect::moved,
        varied: Some(varied::moved),
    },
    Experiment {
        name: "unix.names",
        routine: names::names,
        varied: Some(varied::names),
    },
    Experiment {
        name: "unix.queue",
        routine: queue::queue,
        varied: Some(varied::queue),
    },
    Experiment {
        name: "unix.sent-file",
        routine: passing::sent_file,
        varied: Some(varied::sent_file),
    },
    Experiment {
        name: "unix.twin-calls",
        routine: af_unix::twin_calls,
        varied: Some(varied::twin_calls),
    },
    Experiment {
        name: "unix.types",
        routine: types::types,
        varied: Some(varied::types),
    },
];

/// The experiment with this name.
pub fn find(name: &str) -> Option<&'static Experiment> {
    ALL.iter().find(|experiment| experiment.name == name)
}
