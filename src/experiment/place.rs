//! What an actor can be asked to do about where it stands: its directory, its namespaces, and what
//! the kernel lists from there.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use serde::{Deserialize, Serialize};

use super::order::{Got, quoted};

/// Something to do about where a process stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// `chdir(2)`.
    Chdir(String),
    /// `unshare(2)` of these. A new mount namespace is made private at once, as unshare(1) does.
    Unshare(Vec<Namespace>),
    /// `mount(2)` of an empty tmpfs on a directory.
    Cover(String),
    /// `read(2)` of `/proc/net/unix`: whether a name is in it.
    Listed(String),
}

/// A kind of namespace (namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Namespace {
    /// `CLONE_NEWUSER`.
    User,
    /// `CLONE_NEWNET`.
    Network,
    /// `CLONE_NEWNS`.
    Mount,
}

impl Namespace {
    fn flag(self) -> (CloneFlags, &'static str) {
        match self {
            Self::User => (CloneFlags::CLONE_NEWUSER, "CLONE_NEWUSER"),
            Self::Network => (CloneFlags::CLONE_NEWNET, "CLONE_NEWNET"),
            Self::Mount => (CloneFlags::CLONE_NEWNS, "CLONE_NEWNS"),
        }
    }
}

impl Place {
    /// The call as strace would write it, shortened to what matters.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Chdir(path) => format!("chdir({})", quoted(path)),
            Self::Unshare(kinds) => {
                let names: Vec<&str> = kinds.iter().map(|kind| kind.flag().1).collect();
                format!("unshare({})", names.join("|"))
            }
            Self::Cover(path) => format!("mount(\"tmpfs\", {}, \"tmpfs\")", quoted(path)),
            Self::Listed(_) => "read(\"/proc/net/unix\")".to_owned(),
        }
    }

    /// Makes the call.
    pub(super) fn perform(&self) -> Result<Got, Errno> {
        match self {
            Self::Chdir(path) => nix::unistd::chdir(path.as_str())?,
            Self::Unshare(kinds) => {
                unshare(kinds.iter().map(|kind| kind.flag().0).collect())?;
                if kinds.contains(&Namespace::Mount) {
                    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
                    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)?;
                }
            }
            Self::Cover(path) => {
                let tmpfs = Some("tmpfs");
                mount(tmpfs, path.as_str(), tmpfs, MsFlags::empty(), None::<&str>)?;
            }
            Self::Listed(name) => {
                let table = fs::read("/proc/net/unix").map_err(io_errno)?;
                let there = if lists(&table, name) { "is" } else { "is not" };
                return Ok(Got::Text(format!("{name} {there} in it")));
            }
        }
        Ok(Got::Done)
    }
}

/// Whether a line of the kernel's table ends with this name.
fn lists(table: &[u8], name: &str) -> bool {
    let end = format!(" {name}").into_bytes();
    table
        .split(|&byte| byte == b'\n')
        .any(|line| line.ends_with(&end))
}

fn io_errno(error: io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_listed_when_a_line_ends_with_it_as_a_whole() {
        let table = b"Num RefCount Path\n0: 2 0 10000 1 1 77 tmp/door\n1: 2 @door\n";
        assert!(lists(table, "tmp/door"));
        assert!(lists(table, "@door"));
        assert!(!lists(table, "door"));
    }
}
