//! A child of this process that examines a kernel somebody wrote: it owns its descriptors, its working
//! directory and, where it may, its network namespace, and is killed when it takes too long.
//!
//! What it does there is [`super::examine`]'s.

use std::fs;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, setpgid};

use super::examine::{self, CHANNEL, Examination, Examined};
use super::measured;
use super::sequence::{FIRST, KEPT};
use crate::sys::fork::fork;
use crate::sys::spawn::unshield;
use crate::sys::{bare_call as bare, inherited};

/// Where the child reports.
const REPORT: RawFd = CHANNEL + 1;

/// Examines the program at the other end of a stream socket. `left` says how long it may still take;
/// `None` comes back when that is over. For a process with one thread.
///
/// # Errors
/// When there can be no child, or it cannot examine.
pub fn examine_apart(
    channel: impl AsFd,
    examination: &Examination,
    left: impl FnMut() -> Duration,
) -> io::Result<Option<Examined>> {
    let directory = nix::unistd::mkdtemp(&std::env::temp_dir().join("ipc-mastery-kernel-XXXXXX"))?;
    let examined = in_directory(&directory, &channel, examination, left);
    let removed = fs::remove_dir_all(&directory);
    let examined = examined?;
    removed?;
    Ok(examined)
}

fn in_directory(
    directory: &Path,
    channel: &impl AsFd,
    examination: &Examination,
    left: impl FnMut() -> Duration,
) -> io::Result<Option<Examined>> {
    fs::set_permissions(directory, PermissionsExt::from_mode(0o777))?;
    let (mut reader, writer) = io::pipe()?;
    let Some(child) = fork()? else {
        let ready = bare::dup2(channel.as_fd().as_raw_fd(), CHANNEL)
            .and_then(|_| bare::dup2(writer.as_raw_fd(), REPORT))
            .and_then(|_| bare::close_range(FIRST, KEPT - 1));
        // These numbers are a sequence's from here on.
        std::mem::forget((reader, writer));
        let told = ready
            .map_err(io::Error::from)
            .and_then(|_| play(directory, examination));
        end(told)
    };
    drop(writer);
    // Both set it, so that it holds for whoever comes first.
    let _ = setpgid(child, child);
    let report = hear(&mut reader, left);
    // Its agents, too: they are in its group.
    let _ = killpg(child, Signal::SIGKILL);
    waitpid(child, None)?;
    let Some(report) = report? else {
        return Ok(None);
    };
    let told: Result<Examined, String> = serde_json::from_slice(&report)?;
    told.map(Some).map_err(io::Error::other)
}

/// What the child reports, up to its end; `None` when it took too long.
fn hear(
    reader: &mut PipeReader,
    mut left: impl FnMut() -> Duration,
) -> io::Result<Option<Vec<u8>>> {
    let mut report = Vec::new();
    loop {
        let wait = left();
        if wait.is_zero() {
            return Ok(None);
        }
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
        if nix::poll::poll(&mut fds, timeout)? == 0 {
            continue;
        }
        let mut buffer = [0; 4096];
        match reader.read(&mut buffer)? {
            0 => return Ok(Some(report)),
            count => report.extend(&buffer[..count]),
        }
    }
}

/// The child's part.
fn play(directory: &Path, examination: &Examination) -> io::Result<Examined> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    set_pdeathsig(Signal::SIGKILL)?;
    set_child_subreaper(true)?;
    // Whether an agent sleeps in its call is read in /proc.
    unshield()?;
    std::env::set_current_dir(directory)?;
    let prefix = match unshare(CloneFlags::CLONE_NEWNET) {
        Ok(()) => "n".to_owned(),
        Err(_) => format!("ipc-mastery-{}-", std::process::id()),
    };
    examine::examine(examination, measured::settings()?, &prefix)
}

/// Reports and ends this process.
#[expect(
    clippy::disallowed_methods,
    reason = "the child is a copy of a process that has more to do; it may not return into it"
)]
fn end(told: io::Result<Examined>) -> ! {
    let told = told.map_err(|error| error.to_string());
    let report = serde_json::to_vec(&told).unwrap_or_default();
    let sent = inherited::take(REPORT).and_then(|pipe| fs::File::from(pipe).write_all(&report));
    std::process::exit(i32::from(sent.is_err()))
}
