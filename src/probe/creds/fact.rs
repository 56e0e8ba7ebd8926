//! One thing that was asked of the kernel: known, not there, refused, or not on this kernel. The
//! four are never mixed up.

use std::io;

use nix::errno::Errno;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sys::users::Users;
use crate::untrusted::Untrusted;

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(tag = "is", content = "value", rename_all = "kebab-case")]
pub enum Fact<T> {
    /// The answer.
    Known(T),
    /// There is none: it was not set, or nothing was recorded.
    Absent,
    /// The kernel, or a security module, did not let us: the error's name.
    Refused(String),
    /// This kernel cannot say: since which version it could, as `Linux 6.5`.
    Unsupported(String),
}

impl<T> Fact<T> {
    /// From the result of a call; `ENOENT` means that there is none.
    pub fn new(result: io::Result<T>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Absent,
            Err(error) => Self::Refused(errno_name(&error)),
        }
    }

    /// From the result of a call to which a kernel older than `since` gives one of these errors.
    pub fn since(result: io::Result<T>, since: &str, errors: &[Errno]) -> Self {
        match result {
            Err(error) if errors.contains(&errno(&error)) => {
                Self::Unsupported(format!("Linux {since}"))
            }
            other => Self::new(other),
        }
    }

    /// The answer, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The same of something made from the answer.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(make(value)),
            Self::Absent => Fact::Absent,
            Self::Refused(why) => Fact::Refused(why),
            Self::Unsupported(since) => Fact::Unsupported(since),
        }
    }
}

/// The errno in an error; 0 where it has none.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

/// An error by the name programs know: `EPERM`.
pub(super) fn errno_name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(raw) => format!("{:?}", Errno::from_raw(raw)),
        None => error.kind().to_string(),
    }
}

/// A user or group by number, and by name where the machine's own files have one.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Named {
    /// The number.
    pub id: u32,
    /// The name.
    pub name: Option<Untrusted>,
}

/// The names of this machine.
pub(super) struct Names {
    users: Users,
    groups: Users,
}

impl Names {
    pub(super) fn load() -> Self {
        Self {
            users: Users::load(),
            groups: Users::load_groups(),
        }
    }

    pub(super) fn user(&self, id: u32) -> Named {
        let name = self.users.name(id).cloned();
        Named { id, name }
    }

    pub(super) fn group(&self, id: u32) -> Named {
        let name = self.groups.name(id).cloned();
        Named { id, name }
    }
}
