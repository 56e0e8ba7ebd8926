//! What an actor can be asked to do about processes and their identity: fork, execute, wait, send
//! and receive credentials. The part of [`super::order`]'s vocabulary that module `credentials`
//! needs, with the doing of it.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::kill;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, sendmsg, setsockopt,
    sockopt,
};
use nix::unistd::Pid;
use rustix::thread::{CapabilitySet, CapabilitySets};
use serde::{Deserialize, Serialize};

use super::order::Got;

/// The lowest number for a descriptor that is no part of the experiment.
const OUT_OF_THE_WAY: i32 = 100;

/// Something to do about processes and their identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// `fork(2)`. The child connects to this path and serves the orders that come from there.
    Fork(String),
    /// `execve(2)` of ourselves, in a child of [`Act::Fork`]. It answers before it is done, and the
    /// program that is executed awaits a request.
    Execute,
    /// `getpid(2)`.
    Getpid,
    /// `waitpid(2)`.
    Wait(i32),
    /// `kill(2)` with signal 0: is the number taken?
    Exists(i32),
    /// `pidfd_open(2)`.
    PidfdOpen(i32),
    /// `poll(2)` until a descriptor is readable: for a pidfd, until the process has ended.
    Poll(i32),
    /// `pidfd_send_signal(2)` with signal 0.
    PidfdExists(i32),
    /// `read(2)` of a `/proc/PID/status`.
    ReadStatus(i32),
    /// `setsockopt(2)`: `SO_PASSCRED` on.
    PassCredentials(i32),
    /// `recvmsg(2)` with room for credentials.
    ReceiveCredentials(i32, usize),
    /// `sendmsg(2)` with `SCM_CREDENTIALS`: process, user and group as claimed.
    SendCredentials(i32, String, (i32, u32, u32)),
    /// `capset(2)`: gives up all capabilities.
    DropCapabilities,
}

/// What `/proc/PID/status` says of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// `Pid`.
    pub pid: i32,
    /// `Uid`: real, effective, saved, file system.
    pub uids: Vec<u32>,
}

impl Act {
    /// The call as strace would write it, shortened to what matters.
    pub fn text(&self) -> String {
        match self {
            Self::Fork(_) => "fork()".to_owned(),
            Self::Execute => "execve(program)".to_owned(),
            Self::Getpid => "getpid()".to_owned(),
            Self::Wait(pid) => format!("waitpid({pid})"),
            Self::Exists(pid) => format!("kill({pid}, 0)"),
            Self::PidfdOpen(pid) => format!("pidfd_open({pid}, 0)"),
            Self::Poll(fd) => format!("poll({fd}, POLLIN)"),
            Self::PidfdExists(fd) => format!("pidfd_send_signal({fd}, 0)"),
            Self::ReadStatus(fd) => format!("read({fd}, buffer, 4096)"),
            Self::PassCredentials(fd) => format!("setsockopt({fd}, SO_PASSCRED, 1)"),
            // Short, so that a line has room for what came.
            Self::ReceiveCredentials(fd, _) => format!("recvmsg({fd})"),
            Self::SendCredentials(fd, bytes, (pid, uid, _)) => format!(
                "sendmsg({fd}, \"{}\", pid {pid}, uid {uid})",
                bytes.as_bytes().escape_ascii()
            ),
            Self::DropCapabilities => "capset(no capabilities)".to_owned(),
        }
    }
}

/// What strace would write for bytes that came with or without credentials.
pub(super) fn signed_text(bytes: &[u8], credentials: Option<(i32, i64, i64)>) -> String {
    let by = match credentials {
        Some((pid, uid, gid)) => format!("pid {pid}, uid {uid}, gid {gid}"),
        None => "no credentials".to_owned(),
    };
    if bytes.is_empty() {
        format!("0, {by}")
    } else {
        format!("{} \"{}\", {by}", bytes.len(), bytes.escape_ascii())
    }
}

/// The two lines of a status file that matter here.
pub(super) fn status_text(status: &Status) -> String {
    let uids: Vec<String> = status.uids.iter().map(u32::to_string).collect();
    format!("Pid: {}, Uid: {}", status.pid, uids.join(" "))
}

/// In a forked child: the connection that its orders come from.
///
/// # Errors
/// When nobody listens there.
pub(super) fn channel(path: &str) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(path)?;
    let away = rustix::io::fcntl_dupfd_cloexec(&stream, OUT_OF_THE_WAY)?;
    Ok(away.into())
}

/// Executes ourselves as an actor that serves the orders of `channel`. Returns only on failure.
pub(super) fn execute(channel: &UnixStream) -> io::Error {
    let end = || {
        channel
            .try_clone()
            .map(|end| Stdio::from(OwnedFd::from(end)))
    };
    let (input, output) = match (end(), end()) {
        (Ok(input), Ok(output)) => (input, output),
        (Err(error), _) | (_, Err(error)) => return error,
    };
    let mut command = Command::new(super::runner::OURSELVES);
    command.args(super::runner::ROLE);
    command.stdin(input).stdout(output).exec()
}

/// Makes a call on a process.
pub(super) fn on_process(act: &Act) -> Result<Got, Errno> {
    match act {
        Act::Getpid => Ok(Got::Process(nix::unistd::getpid().as_raw())),
        Act::Wait(pid) => {
            nix::sys::wait::waitpid(Pid::from_raw(*pid), None)?;
            Ok(Got::Process(*pid))
        }
        Act::Exists(pid) => kill(Pid::from_raw(*pid), None).map(|()| Got::Done),
        Act::DropCapabilities => {
            let none = CapabilitySets {
                effective: CapabilitySet::empty(),
                permitted: CapabilitySet::empty(),
                inheritable: CapabilitySet::empty(),
            };
            rustix::thread::set_capabilities(None, none)
                .map(|()| Got::Done)
                .map_err(errno)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Makes a pidfd.
pub(super) fn pidfd_open(pid: i32) -> Result<OwnedFd, Errno> {
    let pid = rustix::process::Pid::from_raw(pid).ok_or(Errno::EINVAL)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).map_err(errno)
}

/// Makes a call on a descriptor.
pub(super) fn on_descriptor(act: &Act, fd: &OwnedFd) -> Result<Got, Errno> {
    match act {
        Act::Poll(_) => {
            let mut waiting = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
            nix::poll::poll(&mut waiting, PollTimeout::NONE)?;
            Ok(Got::Readable)
        }
        Act::PidfdExists(_) => crate::sys::pidfd::exists(fd).map(|()| Got::Done),
        Act::ReadStatus(_) => {
            let mut text = String::new();
            std::fs::File::from(fd.try_clone().map_err(io_errno)?)
                .read_to_string(&mut text)
                .map_err(io_errno)?;
            status(&text).map(Got::Status).ok_or(Errno::EPROTO)
        }
        Act::PassCredentials(_) => setsockopt(fd, sockopt::PassCred, &true).map(|()| Got::Done),
        Act::ReceiveCredentials(_, size) => receive(fd, *size),
        Act::SendCredentials(_, bytes, (pid, uid, gid)) => {
            let claimed = UnixCredentials::from(libc::ucred {
                pid: *pid,
                uid: *uid,
                gid: *gid,
            });
            sendmsg::<()>(
                fd.as_raw_fd(),
                &[IoSlice::new(bytes.as_bytes())],
                &[ControlMessage::ScmCredentials(&claimed)],
                MsgFlags::MSG_NOSIGNAL,
                None,
            )
            .map(Got::Count)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn receive(fd: &OwnedFd, size: usize) -> Result<Got, Errno> {
    let mut buffer = vec![0; size];
    let mut room = nix::cmsg_space!(UnixCredentials);
    let mut pieces = [IoSliceMut::new(&mut buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(fd.as_raw_fd(), &mut pieces, Some(&mut room), flags)?;
    let count = message.bytes;
    let credentials = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::ScmCredentials(from) => Some((
            from.pid(),
            super::actor::id(from.uid()),
            super::actor::id(from.gid()),
        )),
        _ => None,
    });
    buffer.truncate(count);
    Ok(Got::Signed(buffer, credentials))
}

/// The lines of a status file that matter here (proc_pid_status(5)).
fn status(text: &str) -> Option<Status> {
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    Some(Status {
        pid: line("Pid:")?.trim().parse().ok()?,
        uids: line("Uid:")?
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?,
    })
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

fn io_errno(error: io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_this_process_names_it_and_its_four_user_ids() {
        let text = std::fs::read_to_string("/proc/self/status").expect("readable");
        let status = status(&text).expect("has the lines");
        assert_eq!(status.pid, nix::unistd::getpid().as_raw());
        assert_eq!(status.uids.len(), 4);
        assert_eq!(status.uids[1], nix::unistd::geteuid().as_raw());
    }

    #[test]
    fn an_end_of_file_with_credentials_is_told_from_a_message_without() {
        assert_eq!(signed_text(b"", Some((0, 0, 0))), "0, pid 0, uid 0, gid 0");
        assert_eq!(signed_text(b"hi", None), "2 \"hi\", no credentials");
    }
}
