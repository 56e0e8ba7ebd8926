//! Read-only pictures of inter-process communication on this machine.
//!
//! One file a probe. A probe asks the kernel, joins what it answers and returns plain data;
//! [`crate::render`] draws it. Nothing here connects to a socket, opens a FIFO or enters a FUSE
//! mount: looking must not change what is looked at, nor hang on it. What cannot be seen is part
//! of the data, never an error.

pub mod changes;
pub mod creds;
pub mod env;
pub mod fds;
pub mod holders;
pub mod machine;
pub mod runtime_dir;
pub mod schema;
pub mod sockets;

use std::ffi::OsString;
use std::io;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Serialize;

use crate::curriculum::services::{Catalogue, Places};
use creds::Creds;
use env::Env;
use fds::Fds;
use runtime_dir::RuntimeDir;
use sockets::Sockets;

/// The probes, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// The runtime directory and who lives in it.
    RuntimeDir,
    /// All AF_UNIX sockets.
    Sockets,
    /// Who a process is to its peers.
    Creds,
    /// Variables that name endpoints.
    Env,
    /// The descriptors of a process.
    Fds,
}

impl Name {
    /// Every probe.
    pub const ALL: &'static [Self] = &[
        Self::RuntimeDir,
        Self::Sockets,
        Self::Creds,
        Self::Env,
        Self::Fds,
    ];

    /// The probe of this name: `runtime-dir`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|probe| probe.as_str() == name)
    }

    /// As it is written on the command line and in lessons.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RuntimeDir => "runtime-dir",
            Self::Sockets => "sockets",
            Self::Creds => "creds",
            Self::Env => "env",
            Self::Fds => "fds",
        }
    }

    /// The sections of its picture that a lesson may show alone: `{{ probe creds peers }}`.
    pub fn sections(self) -> &'static [&'static str] {
        match self {
            Self::Creds => &[
                "peers",
                "ids",
                "privileges",
                "namespaces",
                "session",
                "live",
            ],
            Self::Sockets => &["listening", "bound", "connected", "waiting"],
            Self::RuntimeDir | Self::Env | Self::Fds => &[],
        }
    }

    /// The `schema` of its JSON: the number grows when a field goes or means something else.
    pub fn schema(self) -> &'static str {
        match self {
            Self::RuntimeDir => "ipc-mastery/probe/runtime-dir/1",
            Self::Sockets => "ipc-mastery/probe/sockets/1",
            Self::Creds => "ipc-mastery/probe/creds/1",
            Self::Env => "ipc-mastery/probe/env/1",
            Self::Fds => "ipc-mastery/probe/fds/1",
        }
    }
}

/// What is asked of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The runtime directory and who lives in it.
    RuntimeDir,
    /// AF_UNIX sockets: those that fit.
    Sockets(sockets::Wish),
    /// Who somebody is to their peers.
    Creds(creds::Subject),
    /// Variables that name endpoints.
    Env(env::Wish),
    /// The descriptors of a process.
    Fds(fds::Subject),
}

impl Ask {
    /// Which probe answers.
    pub fn name(&self) -> Name {
        match self {
            Self::RuntimeDir => Name::RuntimeDir,
            Self::Sockets(_) => Name::Sockets,
            Self::Creds(_) => Name::Creds,
            Self::Env(_) => Name::Env,
            Self::Fds(_) => Name::Fds,
        }
    }
}

impl From<Name> for Ask {
    /// What a probe shows when nothing more is said: all of it, or of ourselves.
    fn from(name: Name) -> Self {
        match name {
            Name::RuntimeDir => Self::RuntimeDir,
            Name::Sockets => Self::Sockets(sockets::Wish::default()),
            Name::Creds => Self::Creds(creds::Subject::default()),
            Name::Env => Self::Env(env::Wish::default()),
            Name::Fds => Self::Fds(fds::Subject::default()),
        }
    }
}

/// What a probe saw.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum Probed {
    /// Of `runtime-dir`.
    RuntimeDir(Box<RuntimeDir>),
    /// Of `sockets`.
    Sockets(Box<Sockets>),
    /// Of `creds`.
    Creds(Box<Creds>),
    /// Of `env`.
    Env(Box<Env>),
    /// Of `fds`.
    Fds(Box<Fds>),
}

/// Why there is nothing to look at: what was asked for is not there. What is there and cannot be
/// seen is no error.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No process has this id.
    #[error("there is no process {pid}")]
    NoProcess {
        /// The id.
        pid: u32,
    },
    /// No socket of this network namespace has this inode.
    #[error("no AF_UNIX socket here has the inode {inode}")]
    NoSocket {
        /// The inode.
        inode: u32,
    },
    /// The number is that of a thread.
    #[error("{pid} is a thread of process {process}, not a process")]
    Thread {
        /// The number.
        pid: u32,
        /// The process it belongs to.
        process: u32,
    },
    /// No socket has this name.
    #[error("there is no socket {name}")]
    NoSuchSocket {
        /// What was asked for, printable.
        name: String,
        /// There is a file with this name.
        file: bool,
    },
    /// The socket with this name is in another network namespace: the path reaches it, and it is not
    /// listed in ours.
    #[error("the socket {name} is in another network namespace")]
    ForeignSocket {
        /// What was asked for, printable.
        name: String,
        /// Its inode.
        inode: u32,
        /// A process that holds it, if one was seen.
        holder: Option<u32>,
    },
    /// More than one socket has this name.
    #[error("{} sockets have the name {name}", sockets.len())]
    SeveralSockets {
        /// The name, printable.
        name: String,
        /// What each can be asked for by, and what it is.
        sockets: Vec<String>,
    },
    /// The kernel refused what every process may ask.
    #[error("the kernel does not let us look: {what}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// Why not.
        #[source]
        error: io::Error,
    },
}

/// Whose session is looked at.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// `XDG_RUNTIME_DIR`, if set and not empty.
    pub runtime_dir: Option<OsString>,
    /// `HOME`, if set.
    pub home: Option<OsString>,
    /// The real user id.
    pub uid: u32,
    /// The time that ages are counted from.
    pub now: SystemTime,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            runtime_dir: variable("XDG_RUNTIME_DIR"),
            home: variable("HOME"),
            uid: rustix::process::getuid().as_raw(),
            now: SystemTime::now(),
        }
    }

    /// What `{runtime}` and `{home}` stand for in the catalogue of services.
    pub fn places(&self) -> Places {
        let bytes = |text: &Option<OsString>| {
            let bytes = text.clone()?.into_encoded_bytes();
            let end = bytes.iter().rposition(|&byte| byte != b'/')?;
            Some(bytes[..=end].to_vec())
        };
        Places {
            runtime: bytes(&self.runtime_dir),
            home: bytes(&self.home),
        }
    }
}

/// Takes a picture. Whatever could not be seen is said in it.
///
/// # Errors
/// When what was asked for is not there, such as a process that has ended.
pub fn collect(ask: &Ask, catalogue: &Catalogue) -> Result<Probed, ProbeError> {
    let services = &catalogue.services;
    let surroundings = Surroundings::of_this_process();
    Ok(match ask {
        Ask::RuntimeDir => {
            Probed::RuntimeDir(Box::new(runtime_dir::collect(services, &surroundings)))
        }
        Ask::Sockets(wish) => {
            Probed::Sockets(Box::new(sockets::collect(wish, services, &surroundings)?))
        }
        Ask::Creds(subject) => {
            Probed::Creds(Box::new(creds::collect(subject, services, &surroundings)?))
        }
        Ask::Env(wish) => Probed::Env(Box::new(env::collect(wish, catalogue, &surroundings)?)),
        Ask::Fds(subject) => Probed::Fds(Box::new(fds::collect(subject, services, &surroundings)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_parsed_from_what_it_is_written_as() {
        for &name in Name::ALL {
            assert_eq!(Name::parse(name.as_str()), Some(name));
        }
        assert_eq!(Name::parse("socket"), None);
    }
}
