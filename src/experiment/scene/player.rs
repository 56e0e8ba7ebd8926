//! A program of a mock session: takes its name, makes its files and sockets, and stays.
//!
//! It speaks no protocol. Whoever connects is accepted and let go.

use std::ffi::CString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_name;
use nix::unistd::read;
use serde::{Deserialize, Serialize};

use super::member::say;

/// A program of a mock session. Paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::experiment) struct Player {
    /// What the kernel lists it as (prctl(2), `PR_SET_NAME`): 15 bytes at most.
    pub(super) program: String,
    /// Where it listens.
    pub(super) listens: Vec<String>,
    /// Where it receives datagrams.
    pub(super) receives: Vec<String>,
    /// Its other files.
    pub(super) files: Vec<String>,
    /// What it does about names that are taken.
    pub(super) manners: Manners,
    /// How long it stays.
    pub(super) fate: Fate,
}

/// What a program does about a name that is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Manners {
    /// It fails.
    #[default]
    Honest,
    /// It removes the file first.
    Takes,
}

/// How long a program stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fate {
    /// Until the scene ends.
    #[default]
    Stays,
    /// It ends at once, and its files stay.
    Dies,
}

impl Player {
    /// Plays it.
    ///
    /// # Errors
    /// When a file or a socket cannot be made.
    pub(super) fn play(&self) -> io::Result<()> {
        set_name(&CString::new(self.program.as_str())?)?;
        for file in &self.files {
            self.clear(file)?;
            File::create(file)?;
        }
        let mut listeners = Vec::new();
        for name in &self.listens {
            self.clear(name)?;
            let listener = UnixListener::bind(name)?;
            listener.set_nonblocking(true)?;
            listeners.push(listener);
        }
        let mut receivers = Vec::new();
        for name in &self.receives {
            self.clear(name)?;
            let receiver = UnixDatagram::bind(name)?;
            receiver.set_nonblocking(true)?;
            receivers.push(receiver);
        }
        say("ready")?;
        match self.fate {
            Fate::Dies => Ok(()),
            Fate::Stays => stay(&listeners, &receivers),
        }
    }

    /// Makes the directories on a path, and room for its last part.
    fn clear(&self, name: &str) -> io::Result<()> {
        if let Some(parent) = Path::new(name).parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)?;
        }
        match self.manners {
            Manners::Honest => Ok(()),
            Manners::Takes => match fs::remove_file(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
        }
    }
}

/// Accepts and receives until the director is gone.
fn stay(listeners: &[UnixListener], receivers: &[UnixDatagram]) -> io::Result<()> {
    let stdin = io::stdin();
    loop {
        let sockets = listeners.iter().map(AsFd::as_fd);
        let sockets = sockets.chain(receivers.iter().map(AsFd::as_fd));
        let mut waiting: Vec<PollFd<'_>> = std::iter::once(stdin.as_fd())
            .chain(sockets)
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        match poll(&mut waiting, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
            Ok(_) => {}
        }
        if waiting[0].any().unwrap_or(true) && read(&stdin, &mut [0; 64])? == 0 {
            return Ok(());
        }
        // Nothing waits on most of them, and a client may have left again: no error of ours.
        for listener in listeners {
            drop(listener.accept());
        }
        for receiver in receivers {
            drop(receiver.recv(&mut [0; 4096]));
        }
    }
}
