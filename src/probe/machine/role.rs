//! The role `machine` of our own binary: tries one thing that would change the process that tries
//! it, and prints `ok`, or the error's name and the call it came from.

use std::ffi::OsStr;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::sethostname;

use super::attempt;
use crate::sys::abilities;

/// What may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// To make a user namespace and to be privileged in it.
    UserNamespace,
    /// To be traced by the parent.
    BeTraced,
    /// To trace a process that is no descendant.
    Trace(u32),
}

/// Plays the part that standard input asks for.
///
/// # Errors
/// When the request is not understood or the answer cannot be written.
pub fn play() -> io::Result<()> {
    let mut request = String::new();
    let mut input = io::stdin().lock();
    input.read_line(&mut request)?;
    let words: Vec<&str> = request.split_whitespace().collect();
    let done = match words[..] {
        ["user-namespace"] => user_namespace(),
        ["be-traced"] => abilities::let_parent_trace().map_err(|error| (errno(&error), "ptrace")),
        ["trace", pid] => match pid.parse() {
            Ok(pid) => abilities::trace(pid).map_err(|error| (errno(&error), "ptrace")),
            Err(_) => return Err(io::ErrorKind::InvalidInput.into()),
        },
        // To be traced by a sibling: until the caller closes our input.
        ["wait"] => input
            .read_to_end(&mut Vec::new())
            .map(drop)
            .map_err(|error| (errno(&error), "read")),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let mut out = io::stdout().lock();
    match done {
        Ok(()) => writeln!(out, "ok"),
        Err((errno, call)) => writeln!(out, "{errno:?} {call}"),
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

/// Some distributions let a namespace be made and then deny every privilege in it; so it is used.
fn user_namespace() -> Result<(), (Errno, &'static str)> {
    let flags = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWUTS;
    unshare(flags).map_err(|errno| (errno, "unshare"))?;
    sethostname(OsStr::new("inside")).map_err(|errno| (errno, "sethostname inside it"))
}

/// Tries something in a process of its own: nothing, or why not in words.
pub(super) fn ask(program: &Path, what: Attempt) -> Result<(), String> {
    let request = match what {
        Attempt::UserNamespace => "user-namespace\n".to_owned(),
        Attempt::BeTraced => "be-traced\n".to_owned(),
        Attempt::Trace(pid) => format!("trace {pid}\n"),
    };
    let outcome = attempt::run_with_input(&mut ourselves(program), request.as_bytes())
        .map_err(|error| format!("the process that tries it failed: {error}"))?;
    match String::from_utf8_lossy(&outcome.output).trim() {
        "ok" => Ok(()),
        "" => Err(format!(
            "the process that tries it ended with {}",
            outcome.status
        )),
        line => match line.split_once(' ') {
            Some((errno, call)) => Err(format!("{call}: {errno}")),
            None => Err(line.to_owned()),
        },
    }
}

/// A process of ours that waits to be traced; it ends when this is dropped.
pub(super) struct Waiting {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Waiting {
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        let mut child = ourselves(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut stdin = child.stdin.take();
        if let Some(stdin) = &mut stdin {
            stdin.write_all(b"wait\n")?;
        }
        Ok(Self { child, stdin })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.child.wait());
    }
}

fn ourselves(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["__role", "machine"]);
    command
}
