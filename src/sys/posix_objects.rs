//! POSIX shared memory, semaphores and message queues: listing those that have names, and telling
//! which a process has open (shm_overview(7), sem_overview(7), mq_overview(7)). They outlive the
//! processes that made them. Whose they are is decided elsewhere.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::process;

/// Where the names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// shm_open(3), sem_open(3).
    SharedMemory,
    /// mq_open(3).
    MessageQueue,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SharedMemory, Self::MessageQueue];

    fn directory(self) -> &'static Path {
        Path::new(match self {
            Self::SharedMemory => "/dev/shm",
            Self::MessageQueue => "/dev/mqueue",
        })
    }

    /// As people call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::SharedMemory => "POSIX shared memory",
            Self::MessageQueue => "POSIX message queue",
        }
    }
}

/// One object that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its name in the file system.
    pub path: PathBuf,
    /// Which it is, whatever had that name before.
    pub inode: u64,
    /// The user who owns it.
    pub owner: u32,
}

/// All objects whose names may be listed; none where the kernel has none.
pub fn list() -> impl Iterator<Item = Object> {
    Kind::ALL.into_iter().flat_map(|kind| {
        let entries = fs::read_dir(kind.directory()).into_iter().flatten();
        entries.flatten().filter_map(move |entry| {
            let metadata = entry.metadata().ok()?;
            Some(Object {
                kind,
                path: entry.path(),
                inode: metadata.ino(),
                owner: metadata.uid(),
            })
        })
    })
}

/// The names of those that a process has open or mapped; none when we may not look (proc_pid_fd(5)).
/// Who is in a Landlock domain may only look at who is in it too (landlock(7)).
pub fn open_in(pid: i32) -> impl Iterator<Item = PathBuf> {
    let open = process::descriptors(pid).into_iter().map(|(_, to)| to);
    let all = open.chain(process::mapped_files(pid));
    all.filter(|path| {
        Kind::ALL
            .iter()
            .any(|kind| path.starts_with(kind.directory()))
    })
}
