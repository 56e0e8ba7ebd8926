//! Open file descriptions, pipes, and the tables of processes that refer to them.

use std::collections::{BTreeMap, VecDeque};

use super::call::{Access, Fd};
use super::id::{EpollId, FileId, NodeId, Pid, PipeId, SockId};

/// What open(2) calls an open file description: `struct file`.
#[derive(Clone, Debug)]
pub struct File {
    /// What it is open to.
    pub kind: Kind,
    /// `O_NONBLOCK`.
    pub nonblock: bool,
    /// Descriptors and messages that refer to it.
    pub references: u32,
    /// How many of them are messages.
    pub in_flight: u32,
}

/// What an open file description is open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Kind {
    Socket(SockId),
    /// The end of a pipe that is read.
    PipeOut(PipeId),
    /// The end of a pipe that is written.
    PipeIn(PipeId),
    Regular {
        node: NodeId,
        offset: u64,
        access: Access,
    },
    Eventfd {
        counter: u64,
    },
    Epoll(EpollId),
}

impl Kind {
    /// Whether it stands for a path and for nothing else: `FMODE_PATH`.
    pub fn is_path_only(self) -> bool {
        matches!(
            self,
            Self::Regular {
                access: Access::Path,
                ..
            }
        )
    }
}

/// How many pages a pipe holds: `PIPE_DEF_BUFFERS`.
pub(super) const PIPE_PAGES: usize = 16;

/// A pipe: pages that are filled and emptied.
#[derive(Clone, Debug, Default)]
pub struct Pipe {
    /// The user who made it.
    pub owner: u32,
    /// What each page holds, and how much of the page was ever filled.
    pub pages: VecDeque<Page>,
    /// Open file descriptions that read.
    pub readers: u32,
    /// Open file descriptions that write.
    pub writers: u32,
}

/// A page of a pipe.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What is left of it.
    pub data: VecDeque<u8>,
    /// How many bytes were ever put in it.
    pub filled: usize,
}

impl Pipe {
    /// Bytes to read.
    pub fn len(&self) -> usize {
        self.pages.iter().map(|page| page.data.len()).sum()
    }

    /// Whether one more page can be filled.
    pub fn has_free_page(&self) -> bool {
        self.pages.len() < PIPE_PAGES
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A process.
#[derive(Clone, Debug)]
pub struct Process {
    /// Descriptors.
    pub descriptors: BTreeMap<Fd, Slot>,
    /// The lowest descriptor that it is given: those below are not looked at.
    pub lowest: Fd,
    /// `RLIMIT_NOFILE`.
    pub limit: u32,
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub egid: u32,
    /// File mode creation mask.
    pub umask: u32,
    /// Working directory: a path from the root of the model.
    pub cwd: String,
    /// Its parent.
    pub parent: Option<Pid>,
}

/// An entry of a descriptor table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What it refers to.
    pub file: FileId,
    /// `FD_CLOEXEC`.
    pub cloexec: bool,
}

impl Process {
    /// The lowest free descriptor; `None`: the limit is reached.
    pub fn lowest_free(&self) -> Option<Fd> {
        let mut free = self.lowest;
        for fd in self.descriptors.keys() {
            if *fd > free {
                break;
            }
            if *fd == free {
                free += 1;
            }
        }
        (free < self.limit as Fd).then_some(free)
    }

    /// Whether it may do anything to any file: `CAP_DAC_OVERRIDE`.
    pub fn is_privileged(&self) -> bool {
        self.euid == 0
    }
}
