//! What an actor can be asked to do about where its process stands: its namespaces, its user, its
//! groups and its session. The part of [`super::order`]'s vocabulary that module `credentials`
//! needs for it, with the doing of it.

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_dumpable;
use nix::unistd::{
    Gid, Pid, Uid, getegid, geteuid, getgroups, getsid, getuid, setgroups, setresgid, setresuid,
    setsid,
};
use serde::{Deserialize, Serialize};

use super::order::Got;
use crate::sys::fence;

/// Something to do about where a process stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// `unshare(2)`: a user namespace, and what else is named. The own ids are 0 inside.
    Unshare(Space),
    /// `getuid(2)`.
    Getuid,
    /// `setresgid(2)` and `setresuid(2)`, without supplementary groups: another user for good.
    Become(u32),
    /// `setresuid(2)`: the effective user alone.
    Effective(u32),
    /// `getgroups(2)`.
    Groups,
    /// `setgroups(2)`.
    SetGroups(Vec<u32>),
    /// `setsid(2)`.
    Setsid,
    /// `getsid(2)` of the process itself.
    Getsid,
    /// `landlock_restrict_self(2)`: no more sockets in any file system, for good.
    NoNewSockets,
}

/// A namespace to make beside the user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Space {
    /// None, and the ids are not mapped.
    Unmapped,
    /// None.
    User,
    /// A mount namespace.
    Mounts,
    /// A pid namespace, for the children.
    Pids,
}

impl Standing {
    /// The call as strace would write it, shortened to what matters.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Unshare(Space::Unmapped) => "unshare(CLONE_NEWUSER), no map".to_owned(),
            Self::Unshare(Space::User) => "unshare(CLONE_NEWUSER), 0 mapped".to_owned(),
            Self::Unshare(Space::Mounts) => "unshare(CLONE_NEWUSER|CLONE_NEWNS)".to_owned(),
            Self::Unshare(Space::Pids) => "unshare(CLONE_NEWUSER|CLONE_NEWPID)".to_owned(),
            Self::Getuid => "getuid()".to_owned(),
            Self::Become(uid) => format!("setresuid({uid}, {uid}, {uid})"),
            Self::Effective(uid) => format!("setresuid(-1, {uid}, -1)"),
            Self::Groups => "getgroups()".to_owned(),
            Self::SetGroups(groups) => format!("setgroups({groups:?})"),
            Self::Setsid => "setsid()".to_owned(),
            Self::Getsid => "getsid(0)".to_owned(),
            Self::NoNewSockets => "landlock_restrict_self(no new sockets)".to_owned(),
        }
    }

    /// Makes the call.
    pub(super) fn perform(&self) -> Result<Got, Errno> {
        match self {
            Self::Unshare(space) => {
                let more = match space {
                    Space::Unmapped | Space::User => CloneFlags::empty(),
                    Space::Mounts => CloneFlags::CLONE_NEWNS,
                    Space::Pids => CloneFlags::CLONE_NEWPID,
                };
                // The ids as they are outside: inside, before there is a map, they cannot be asked.
                let ids = (geteuid(), getegid());
                unshare(CloneFlags::CLONE_NEWUSER | more)?;
                if *space != Space::Unmapped {
                    map(ids)?;
                }
                Ok(Got::Done)
            }
            Self::Getuid => Ok(Got::Number(i64::from(getuid().as_raw()))),
            Self::Become(id) => {
                let (uid, gid) = (Uid::from_raw(*id), Gid::from_raw(*id));
                setgroups(&[])?;
                setresgid(gid, gid, gid)?;
                setresuid(uid, uid, uid)?;
                // The kernel hides the files in /proc of who has changed its user: PR_SET_DUMPABLE.
                set_dumpable(true)?;
                Ok(Got::Done)
            }
            Self::Effective(uid) => {
                let as_it_is = Uid::from_raw(u32::MAX);
                setresuid(as_it_is, Uid::from_raw(*uid), as_it_is)?;
                Ok(Got::Done)
            }
            Self::Groups => Ok(Got::Text(listed(getgroups()?.into_iter().map(Gid::as_raw)))),
            Self::SetGroups(groups) => {
                let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
                setgroups(&groups).map(|()| Got::Done)
            }
            Self::Setsid => setsid().map(|sid| Got::Process(sid.as_raw())),
            Self::Getsid => getsid(None::<Pid>).map(|sid| Got::Process(sid.as_raw())),
            Self::NoNewSockets => match fence::refuse_new_sockets() {
                Ok(()) => Ok(Got::Done),
                // Without Landlock there is no call that could give an error of its own.
                Err(error) => Err(Errno::from_raw(
                    error.raw_os_error().unwrap_or(Errno::EOPNOTSUPP as i32),
                )),
            },
        }
    }
}

/// Groups as a learner reads them: sorted numbers, or a word for none.
pub(super) fn listed(groups: impl IntoIterator<Item = u32>) -> String {
    let mut groups: Vec<u32> = groups.into_iter().collect();
    groups.sort_unstable();
    if groups.is_empty() {
        return "no groups".to_owned();
    }
    let words: Vec<String> = groups.iter().map(u32::to_string).collect();
    words.join(" ")
}

/// Makes `ids` 0 and 0 in the user namespace of the process (user_namespaces(7)).
fn map((uid, gid): (Uid, Gid)) -> Result<(), Errno> {
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {uid} 1")),
        ("gid_map", format!("0 {gid} 1")),
    ] {
        std::fs::write(format!("/proc/self/{file}"), text)
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
    }
    Ok(())
}
