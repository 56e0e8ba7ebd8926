//! Building a learner's program: in the learner's own environment, offline, within a time limit,
//! with a cache that all programs of a language share. Running it is [`super::stage`]'s.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::poll::{PollFd, PollFlags};

use super::cancel::Cancel;
use super::observation::last_lines;
use crate::curriculum::exercise::Language;
use crate::sys::clock::Deadline;
use crate::untrusted::Untrusted;

/// How long a build may take, in milliseconds: the first one compiles dependencies.
const LONGEST_MS: u64 = 300_000;
/// Lines of the compiler's output that are shown.
const SHOWN_LINES: usize = 40;

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The compiler says no.
    #[error("the build failed")]
    Failed {
        /// The command, printable.
        command: String,
        /// How it ended.
        status: String,
        /// The last lines it printed, printable.
        output: Vec<String>,
    },
    /// A tool is missing.
    #[error("{tool} is not installed")]
    NoTool {
        /// Which.
        tool: String,
    },
    /// Files cannot be read or written.
    #[error("cannot prepare the build")]
    Io(#[from] io::Error),
    /// The check was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// Builds the program in `dir` and leaves it at `out`, when the language makes a file at all.
/// Returns where a copy stays after the check, for trying it by hand.
///
/// # Errors
/// See [`BuildError`].
pub fn build(
    language: &Language,
    dir: &Path,
    out: &Path,
    cancel: &Cancel,
) -> Result<Option<PathBuf>, BuildError> {
    for tool in &language.tools {
        if which::which(tool).is_err() {
            return Err(BuildError::NoTool { tool: tool.clone() });
        }
    }
    if language.build.is_empty() {
        return Ok(None);
    }
    let cache = super::cache::directory(&language.id.value)?;
    // Two checks at once must not copy each other's program.
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    let fill = |word: &str| {
        word.replace("{dir}", &dir.to_string_lossy())
            .replace("{out}", &out.to_string_lossy())
            .replace("{cache}", &cache.to_string_lossy())
    };
    let words: Vec<String> = language.build.iter().map(|word| fill(word)).collect();
    run(&words, dir, cancel)?;
    if let Some(built) = &language.built {
        fs::copy(fill(built), out)?;
    }
    if !out.exists() {
        return Ok(None);
    }
    let kept = cache.join("last").join(dir.file_name().unwrap_or_default());
    fs::create_dir_all(cache.join("last"))?;
    // A running copy cannot be written to (ETXTBSY), but it can be replaced.
    drop(fs::remove_file(&kept));
    fs::copy(out, &kept)?;
    Ok(Some(kept))
}

/// Builds the program in `dir` once more, with the compiler's sanitizers, and leaves it at `out`.
/// False when the language or the compiler here has none.
///
/// # Errors
/// When the check is cancelled, or files cannot be written.
pub fn build_sanitized(
    language: &Language,
    dir: &Path,
    out: &Path,
    cancel: &Cancel,
) -> Result<bool, BuildError> {
    if language.sanitize.is_empty() {
        return Ok(false);
    }
    let fill = |word: &String| {
        word.replace("{dir}", &dir.to_string_lossy())
            .replace("{out}", &out.to_string_lossy())
    };
    let words: Vec<String> = language.sanitize.iter().map(fill).collect();
    match run(&words, dir, cancel) {
        Ok(()) => Ok(out.exists()),
        // The program builds without them: what is missing is theirs.
        Err(BuildError::Failed { .. } | BuildError::NoTool { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn run(words: &[String], dir: &Path, cancel: &Cancel) -> Result<(), BuildError> {
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut output = unnamed_file()?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BuildError::NoTool {
                tool: program.clone(),
            },
            _ => BuildError::Io(error),
        })?;
    let ended = wait(&mut child, cancel);
    // Whatever the compiler started goes with it.
    let group = nix::unistd::Pid::from_raw(child.id() as i32);
    if !matches!(ended, Ok(Some(_))) {
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        child.wait()?;
    }
    let status = match ended? {
        Some(status) if status.success() => return Ok(()),
        Some(status) => status.to_string(),
        None if cancel.is_cancelled() => return Err(BuildError::Cancelled),
        None => format!("no end after {} s", LONGEST_MS / 1000),
    };
    output.rewind()?;
    let mut text = Vec::new();
    output.take(1 << 20).read_to_end(&mut text)?;
    Err(BuildError::Failed {
        command: Untrusted::from(words.join(" ")).to_string(),
        status,
        output: last_lines(&Untrusted::new(text), SHOWN_LINES),
    })
}

/// Waits for the end; `None` when it is too late or no longer wanted.
fn wait(child: &mut Child, cancel: &Cancel) -> io::Result<Option<ExitStatus>> {
    let pid = rustix::process::Pid::from_child(child);
    let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    let deadline = Deadline::after_ms(LONGEST_MS);
    loop {
        let mut fds = [
            PollFd::new(pidfd.as_fd(), PollFlags::POLLIN),
            PollFd::new(cancel.as_fd(), PollFlags::POLLIN),
        ];
        match nix::poll::poll(&mut fds, deadline.poll_timeout()) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) if cancel.is_cancelled() => return Ok(None),
            Ok(0) => return Ok(None),
            Ok(_) => return child.wait().map(Some),
        }
    }
}

fn unnamed_file() -> io::Result<File> {
    let flags = nix::sys::memfd::MFdFlags::MFD_CLOEXEC;
    Ok(File::from(nix::sys::memfd::memfd_create(
        "build-output",
        flags,
    )?))
}
