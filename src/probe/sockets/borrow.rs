//! What only the socket itself tells: the credentials that the kernel recorded when it was
//! connected, and the file that it is bound to now.
//!
//! A descriptor is duplicated from a process that holds the socket (pidfd_getfd(2)), asked, and
//! closed at once. Nothing is sent or received; but for that moment the socket has one holder more,
//! so a peer learns of a close that falls into it a little later. That is why it is done on request
//! only, and where the kernel lets us (`PTRACE_MODE_ATTACH_REALCREDS`).

use std::os::fd::OwnedFd;

use nix::sys::socket::{getsockopt, sockopt};
use rustix::io::Errno;
use schemars::JsonSchema;
use serde::Serialize;

use super::row::{Condition, Row};
use crate::sys::proc_scan::{Descriptor, Holdings, Sight};
use crate::sys::sock_diag::Name;
use crate::sys::users::Users;
use crate::sys::{pidfd, socket_file};
use crate::untrusted::Untrusted;

/// What a socket told.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Borrowed {
    /// `SO_PEERCRED`: who the other end was when the connection was made. `None`: nothing is
    /// recorded, as for a datagram socket that was not made by socketpair(2).
    pub credentials: Option<Recorded>,
    /// The file it is bound to, where it is now.
    pub file: Option<FileNow>,
    /// Why it could not be asked, or not for everything.
    pub refused: Option<Refused>,
}

/// Credentials as they were when connect(2), listen(2) or socketpair(2) was called. The process may
/// have ended since, and its pid may be another's now.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Recorded {
    /// The process. `None`: it has no number in our pid namespace.
    pub pid: Option<u32>,
    /// Its effective user.
    pub uid: u32,
    /// That user's name.
    pub user: Option<Untrusted>,
    /// Its effective group.
    pub gid: u32,
    /// Whether a process with that number is among those that hold the other end now; of a
    /// listener, the listener. `None`: that may not be seen.
    pub holds_it_now: Option<bool>,
}

/// Where a socket's file is.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct FileNow {
    /// The path, as we see it. When it was removed, the last one.
    pub path: Untrusted,
    /// It has no name any more.
    pub removed: bool,
}

/// Why a socket told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// No process that holds it could be read.
    NoHolder,
    /// The kernel does not let us take a descriptor from its holder.
    NotPermitted,
    /// It was closed meanwhile.
    Gone,
    /// It could be asked for its credentials; for its file one needs `CAP_NET_ADMIN`.
    FileNeedsNetAdmin,
    /// The kernel has no pidfd_getfd(2): it is older than 5.6.
    NotInThisKernel,
}

/// Asks the sockets of these rows.
pub(super) fn ask(rows: &mut [Row], holdings: &Holdings, users: &Users) {
    for row in rows {
        let mut borrowed = borrow(row, holdings, users);
        if let Some(recorded) = &mut borrowed.credentials {
            recorded.holds_it_now = holds_now(recorded.pid, row, &holdings.sight);
        }
        row.borrowed = Some(Box::new(borrowed));
    }
}

/// Whether the process that was recorded holds what it was recorded for.
fn holds_now(pid: Option<u32>, row: &Row, sight: &Sight) -> Option<bool> {
    let pid = pid?;
    let holders = match (row.condition, &row.peer) {
        (Condition::Listening, _) => &row.holders,
        (_, Some(peer)) => &peer.holders,
        // The other end is closed: nobody has it.
        (Condition::PeerClosed, None) => return Some(false),
        (_, None) => return None,
    };
    if holders.processes.iter().any(|process| process.pid == pid) {
        return Some(true);
    }
    let unseen = sight.hidden_by_mount || sight.denied.iter().any(|process| process.pid == pid);
    (!unseen).then_some(false)
}

fn borrow(row: &Row, holdings: &Holdings, users: &Users) -> Borrowed {
    let mut borrowed = Borrowed {
        credentials: None,
        file: None,
        refused: Some(Refused::NoHolder),
    };
    for &descriptor in holdings.descriptors_of_socket(row.inode) {
        match duplicate(descriptor) {
            Ok(socket) => {
                borrowed.refused = None;
                borrowed.credentials = credentials(&socket, users);
                if matches!(row.name, Some(Name::Path(_))) {
                    match socket_file::of(&socket) {
                        Ok((path, removed)) => {
                            borrowed.file = Some(FileNow { path, removed });
                        }
                        Err(Errno::PERM) => {
                            borrowed.refused = Some(Refused::FileNeedsNetAdmin);
                        }
                        Err(_) => {}
                    }
                }
                return borrowed;
            }
            Err(why) => borrowed.refused = Some(why),
        }
    }
    borrowed
}

fn duplicate(descriptor: Descriptor) -> Result<OwnedFd, Refused> {
    let Descriptor { inode, pid, fd } = descriptor;
    let refused = |error: std::io::Error| match Errno::from_io_error(&error) {
        Some(Errno::PERM | Errno::ACCESS) => Refused::NotPermitted,
        Some(Errno::NOSYS) => Refused::NotInThisKernel,
        _ => Refused::Gone,
    };
    let process = pidfd::open(pid).map_err(refused)?;
    let fd = i32::try_from(fd).map_err(|_| Refused::Gone)?;
    let socket = pidfd::duplicate_socket(process, fd, inode).map_err(refused)?;
    socket.ok_or(Refused::Gone)
}

fn credentials(socket: &OwnedFd, users: &Users) -> Option<Recorded> {
    let recorded = getsockopt(socket, sockopt::PeerCredentials).ok()?;
    // Nothing is recorded: cred_to_ucred() was given no credentials.
    if recorded.uid() == u32::MAX {
        return None;
    }
    Some(Recorded {
        pid: u32::try_from(recorded.pid()).ok().filter(|&pid| pid != 0),
        uid: recorded.uid(),
        user: users.name(recorded.uid()).cloned(),
        gid: recorded.gid(),
        holds_it_now: None,
    })
}
