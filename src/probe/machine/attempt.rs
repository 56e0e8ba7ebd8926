//! Runs a program for a moment and takes what it prints: to ask for a version, or to try something
//! in a process that may be thrown away. Never waits longer than some seconds.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, pidfd_open};

use crate::sys::clock::Deadline;

/// What a program may take.
#[derive(Clone, Copy, Debug)]
pub(in crate::probe) struct Limits {
    /// How long, in milliseconds.
    pub(in crate::probe) ms: u64,
    /// How much of its output is read, in bytes.
    pub(in crate::probe) output: u64,
}

/// For what the doctor tries.
const USUAL: Limits = Limits {
    ms: 5_000,
    output: 64 * 1024,
};

/// What a program did.
pub(in crate::probe) struct Outcome {
    /// How it ended.
    pub(in crate::probe) status: ExitStatus,
    /// What it printed, on both outputs.
    pub(in crate::probe) output: Vec<u8>,
}

/// Runs a command in `/`, where no file of the learner can change what it does.
pub(super) fn run(command: &mut Command) -> io::Result<Outcome> {
    run_with_input(command, b"")
}

/// As [`run`], with something on standard input.
pub(in crate::probe) fn run_with_input(command: &mut Command, input: &[u8]) -> io::Result<Outcome> {
    run_within(command, input, USUAL)
}

/// As [`run_with_input`], within limits.
pub(in crate::probe) fn run_within(
    command: &mut Command,
    input: &[u8],
    limits: Limits,
) -> io::Result<Outcome> {
    let mut output = File::from(memfd_create("output", MFdFlags::MFD_CLOEXEC)?);
    let mut child = command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input is no failure.
        drop(stdin.write_all(input));
    }
    let status = wait(&mut child, limits.ms)?;
    output.rewind()?;
    let mut bytes = Vec::new();
    output.take(limits.output).read_to_end(&mut bytes)?;
    Ok(Outcome {
        status,
        output: bytes,
    })
}

fn wait(child: &mut Child, ms: u64) -> io::Result<ExitStatus> {
    let ended = match pidfd_open(rustix::process::Pid::from_child(child), PidfdFlags::empty()) {
        Err(_) => return child.wait(),
        Ok(pidfd) => {
            let deadline = Deadline::after_ms(ms);
            loop {
                let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
                match poll(&mut fds, deadline.poll_timeout()) {
                    Err(nix::errno::Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                    Ok(ready) => break ready > 0,
                }
            }
        }
    };
    if ended {
        return child.wait();
    }
    // Its group is its own, and it was not reaped yet: nobody else can have this number.
    let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
    child.wait()?;
    Err(io::ErrorKind::TimedOut.into())
}
