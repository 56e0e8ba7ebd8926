//! Every experiment by name. What each is about is told by the lesson that wraps it.

use serde_json::{Map, Value};

use super::stage::Stage;
use super::{
    Failure, activation, af_unix, capsule, clipboard, connect, credentials, endings, environment,
    faces, losses, names, overview, passing, permissions, pids, policy, queue, runtime_dir, scope,
    sessions, tmpfs, types,
};

/// A named routine of real system calls.
#[derive(Debug)]
pub struct Experiment {
    /// Its name: `<subject>.<what-it-shows>`.
    pub name: &'static str,
    /// Makes the calls and returns one object a part: `{"a": {…}, "b": {…}}`.
    pub routine: fn(&mut Stage, &Map<String, Value>) -> Result<Value, Failure>,
}

/// Every experiment, sorted by name.
pub const ALL: &[Experiment] = &[
    Experiment {
        name: "clip.broker",
        routine: clipboard::broker,
    },
    Experiment {
        name: "cred.per-message",
        routine: credentials::per_message,
    },
    Experiment {
        name: "cred.policy",
        routine: policy::policy,
    },
    Experiment {
        name: "cred.self",
        routine: credentials::own,
    },
    Experiment {
        name: "cred.sessions",
        routine: sessions::sessions,
    },
    Experiment {
        name: "cred.which-uid",
        routine: faces::which_uid,
    },
    Experiment {
        name: "descriptor.read",
        routine: overview::read_descriptors,
    },
    Experiment {
        name: "environment.copied",
        routine: overview::copied,
    },
    Experiment {
        name: "environment.filters",
        routine: environment::filters,
    },
    Experiment {
        name: "environment.letter",
        routine: environment::arrives,
    },
    Experiment {
        name: "listen.fds",
        routine: activation::listen_fds,
    },
    Experiment {
        name: "name.scope",
        routine: scope::scope,
    },
    Experiment {
        name: "peercred.handoff",
        routine: credentials::handoff,
    },
    Experiment {
        name: "pid.reuse",
        routine: pids::reuse,
    },
    Experiment {
        name: "runtime-dir.made-by",
        routine: runtime_dir::made_by,
    },
    Experiment {
        name: "runtime-dir.who-lives-there",
        routine: runtime_dir::who_lives_there,
    },
    Experiment {
        name: "socket.locks",
        routine: permissions::locks,
    },
    Experiment {
        name: "tmpfs.full",
        routine: tmpfs::full,
    },
    Experiment {
        name: "tmpfs.memory",
        routine: tmpfs::memory,
    },
    Experiment {
        name: "tmux.capsule",
        routine: capsule::capsule,
    },
    Experiment {
        name: "unix.atlas",
        routine: connect::atlas,
    },
    Experiment {
        name: "unix.bytes",
        routine: af_unix::bytes,
    },
    Experiment {
        name: "unix.endings",
        routine: endings::endings,
    },
    Experiment {
        name: "unix.listen",
        routine: af_unix::listen,
    },
    Experiment {
        name: "unix.lost-descriptors",
        routine: losses::lost,
    },
    Experiment {
        name: "unix.moved",
        routine: connect::moved,
    },
    Experiment {
        name: "unix.names",
        routine: names::names,
    },
    Experiment {
        name: "unix.queue",
        routine: queue::queue,
    },
    Experiment {
        name: "unix.sent-file",
        routine: passing::sent_file,
    },
    Experiment {
        name: "unix.twin-calls",
        routine: af_unix::twin_calls,
    },
    Experiment {
        name: "unix.types",
        routine: types::types,
    },
];

/// The experiment with this name.
pub fn find(name: &str) -> Option<&'static Experiment> {
    ALL.iter().find(|experiment| experiment.name == name)
}
