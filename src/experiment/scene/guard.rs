//! The guard of a scene: a private directory, a line between the caller and the director, and the
//! end of it all.
//!
//! It ends when its input does, which is when whoever holds the scene is done or gone, or when the
//! director has ended. Then every process of the scene is killed and the directory removed.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_child_subreaper;
use nix::unistd::read;

use super::super::request::{Request, Work};
use super::super::role::{close_inherited, end};
use super::super::runner::{OURSELVES, ROLE};
use super::{Answer, Part};
use crate::untrusted::Untrusted;

/// Guards a scene from its beginning to its end.
///
/// # Errors
/// When the directory cannot be removed or the director cannot be started.
pub(super) fn guard(work: Work) -> io::Result<()> {
    close_inherited()?;
    set_child_subreaper(true)?;
    let parent = std::env::temp_dir();
    let directory = match nix::unistd::mkdtemp(&parent.join("ipc-mastery-XXXXXX")) {
        Ok(directory) => directory,
        Err(errno) => {
            let parent = Untrusted::from(parent.as_path());
            let what = format!("a place for temporary files: {parent} gives {errno}");
            let answer = Answer::Lacking(what).line();
            return io::stdout().write_all(answer.as_bytes());
        }
    };
    let relayed = watch(work, &directory);
    let removed = std::fs::remove_dir_all(&directory);
    relayed?;
    removed
}

fn watch(work: Work, directory: &Path) -> io::Result<()> {
    let mut director = Command::new(OURSELVES)
        .args(ROLE)
        .current_dir(directory)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let relayed = relay(work, &mut director);
    end(&director);
    relayed
}

/// Hands on what either side says until one of them is gone.
fn relay(work: Work, director: &mut Child) -> io::Result<()> {
    let missing = || io::Error::other("a pipe is missing");
    let mut orders = director.stdin.take().ok_or_else(missing)?;
    let answers = director.stdout.take().ok_or_else(missing)?;
    let request = Request::Scene(Part::Direct(work)).line();
    orders.write_all(request.as_bytes())?;
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    loop {
        let mut waiting = [
            PollFd::new(answers.as_fd(), PollFlags::POLLIN),
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut waiting, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
            Ok(_) => {}
        }
        let [answered, asked] = waiting.map(|one| one.any().unwrap_or(true));
        let mut piece = [0; 65536];
        if asked {
            // The first line was read with a buffer. Nothing came with it: a caller waits for the
            // answer to that line before it says anything more.
            let count = read(&stdin, &mut piece)?;
            if count == 0 {
                return Ok(());
            }
            orders.write_all(&piece[..count])?;
        }
        if answered {
            let count = read(&answers, &mut piece)?;
            if count == 0 {
                return Ok(());
            }
            stdout.write_all(&piece[..count])?;
            stdout.flush()?;
        }
    }
}
