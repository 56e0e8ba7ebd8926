//! Read-only pictures of inter-process communication on this machine.
//!
//! One file a probe. A probe asks the kernel, joins what it answers and returns plain data;
//! [`crate::render`] draws it. Nothing here connects to a socket, opens a FIFO or enters a FUSE
//! mount: looking must not change what is looked at, nor hang on it. What cannot be seen is part
//! of the data, never an error.

pub mod holders;
pub mod machine;
pub mod runtime_dir;
pub mod sockets;

use std::ffi::OsString;
use std::time::SystemTime;

use serde::Serialize;

use crate::curriculum::services::{Places, Service};
use runtime_dir::RuntimeDir;
use sockets::Sockets;

/// The probes, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// The runtime directory and who lives in it.
    RuntimeDir,
    /// All AF_UNIX sockets.
    Sockets,
}

impl Name {
    /// Every probe.
    pub const ALL: &'static [Self] = &[Self::RuntimeDir, Self::Sockets];

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
        }
    }
}

/// What a probe saw.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Probed {
    /// Of `runtime-dir`.
    RuntimeDir(Box<RuntimeDir>),
    /// Of `sockets`.
    Sockets(Sockets),
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
pub fn collect(name: Name, services: &[Service]) -> Probed {
    let surroundings = Surroundings::of_this_process();
    match name {
        Name::RuntimeDir => {
            Probed::RuntimeDir(Box::new(runtime_dir::collect(services, &surroundings)))
        }
        Name::Sockets => Probed::Sockets(sockets::collect(services, &surroundings)),
    }
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
