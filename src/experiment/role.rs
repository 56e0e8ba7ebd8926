//! The role `experiment` of our own binary: guard, worker, actor.
//!
//! The guard stays alive whatever the routine does. It ends the routine when its time is over, when
//! it has answered, and when the caller is gone (the end of the guard's input), kills the worker's
//! whole process group, reaps everything, and removes the private directory.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::request::{Request, Response, Work};
use super::runner::{OURSELVES, ROLE};
use super::stage::Stage;
use super::{Failure, Observation, actor, registry, running_kernel, scene};
use crate::sys::process::children;
use crate::untrusted::Untrusted;

/// How long a routine may take. Each takes some hundredths of a second; the rest is for a machine
/// that is busy with something else.
const TIME_FOR_A_ROUTINE: Duration = Duration::from_secs(15);

/// Plays the part that standard input asks for.
///
/// # Errors
/// When the request is not understood or standard output cannot be written.
pub fn play() -> io::Result<()> {
    let mut line = String::new();
    let mut input = io::stdin().lock();
    input.read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line)?;
    match request {
        Request::Guard(work) => {
            let response = guard(work)?;
            io::stdout().write_all(response.line().as_bytes())
        }
        Request::Work(work) => {
            stay_attached()?;
            io::stdout().write_all(perform(&work).line().as_bytes())
        }
        Request::Act => {
            stay_attached()?;
            actor::serve(input, io::stdout())
        }
        Request::Variable(name) => actor::tell_variable(&name, io::stdout()),
        Request::Scene(part) => scene::play(part, input),
    }
}

/// Dies with the process that started it.
pub(super) fn stay_attached() -> io::Result<()> {
    Ok(set_pdeathsig(Signal::SIGKILL)?)
}

/// Closes what the caller has let through to us, so that descriptor numbers are those a learner
/// expects and no experiment holds anything open for somebody else.
pub(super) fn close_inherited() -> io::Result<()> {
    let listed: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for fd in listed.into_iter().filter(|&fd| fd > 2) {
        // The descriptor of the listing itself is among them, and is closed by now.
        let _ = nix::unistd::close(fd);
    }
    Ok(())
}

fn guard(work: Work) -> io::Result<Response> {
    close_inherited()?;
    set_child_subreaper(true)?;
    let parent = std::env::temp_dir();
    let directory = match nix::unistd::mkdtemp(&parent.join("ipc-mastery-XXXXXX")) {
        Ok(directory) => directory,
        Err(errno) => {
            let parent = Untrusted::from(parent.as_path());
            let what = format!("a place for temporary files: {parent} gives {errno}");
            return Ok(Response::Lacking(what));
        }
    };
    let response = watch(work, &directory);
    let removed = std::fs::remove_dir_all(&directory);
    let response = response?;
    removed?;
    Ok(response)
}

fn watch(work: Work, directory: &Path) -> io::Result<Response> {
    let mut worker = Command::new(OURSELVES)
        .args(ROLE)
        .current_dir(directory)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let response = converse(work, &mut worker);
    end(&worker);
    response
}

fn converse(work: Work, worker: &mut Child) -> io::Result<Response> {
    let missing = || io::Error::other("a pipe is missing");
    let mut request = worker.stdin.take().ok_or_else(missing)?;
    request.write_all(Request::Work(work).line().as_bytes())?;
    drop(request);
    let mut answers = worker.stdout.take().ok_or_else(missing)?;
    let deadline = Instant::now() + TIME_FOR_A_ROUTINE;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        let stdin = io::stdin();
        let mut waiting = [
            PollFd::new(answers.as_fd(), PollFlags::POLLIN),
            PollFd::new(stdin.as_fd(), PollFlags::empty()),
        ];
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut waiting, timeout) {
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
            Ok(0) => return Ok(Response::TimedOut),
            Ok(_) => {}
        }
        let caller_gone = waiting[1].any().unwrap_or(true);
        let answered = waiting[0].any().unwrap_or(true);
        if caller_gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if answered {
            let mut piece = [0; 65536];
            let count = answers.read(&mut piece)?;
            if count == 0 {
                return Ok(Response::Failed("the worker ended early".to_owned()));
            }
            answer.extend_from_slice(&piece[..count]);
        }
    }
    Ok(serde_json::from_slice(&answer)?)
}

/// Kills the worker's process group, and what has left it, and reaps whatever has become a child of
/// ours.
pub(super) fn end(worker: &Child) {
    let group = Pid::from_raw(i32::try_from(worker.id()).expect("a pid is an i32"));
    // The worker is not reaped yet, so the number cannot belong to anybody else.
    let _ = killpg(group, Signal::SIGKILL);
    loop {
        // A program with a session of its own, such as a pane of tmux, is a child of ours as soon
        // as its parent has ended. None of them is reaped before it is listed here.
        for child in children(std::process::id().cast_signed()) {
            let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
        }
        if waitpid(None, None) == Err(Errno::ECHILD) {
            break;
        }
    }
}

fn perform(work: &Work) -> Response {
    umask(Mode::from_bits_truncate(0o022));
    let Some(experiment) = registry::find(&work.experiment) else {
        return Response::Failed(format!("there is no experiment `{}`", work.experiment));
    };
    let mut stage = Stage::default();
    let kernel = running_kernel();
    match experiment.routine(&work.params)(&mut stage, &work.params) {
        Ok(obs) => Response::Observed(Observation {
            schema: Observation::SCHEMA.to_owned(),
            experiment: experiment.name.to_owned(),
            kernel,
            calls: stage.into_calls(),
            obs,
        }),
        Err(Failure::Lacking(what)) => Response::Lacking(what),
        Err(Failure::Parameters(what)) => Response::Parameters(what),
        Err(failure) => Response::Failed(failure.to_string()),
    }
}
