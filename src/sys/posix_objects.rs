//! POSIX shared memory, semaphores and message queues: listing those that have names, and telling
//! which a process has open (shm_overview(7), sem_overview(7), mq_overview(7)). They outlive the
//! processes that made them. Whose they are is decided elsewhere.

use std::ffi::OsStr;
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
    /// The number of the file system it is in.
    pub device: u64,
    /// Which it is there, whatever had that name before.
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
                device: metadata.dev(),
                inode: metadata.ino(),
                owner: metadata.uid(),
            })
        })
    })
}

impl Object {
    /// Whether a process has it open or mapped; `false` when we may not look (proc_pid_fd(5)): who is
    /// in a Landlock domain may only look at who is in it too (landlock(7)).
    pub fn is_open_in(&self, pid: i32) -> bool {
        let mut open = process::descriptors(pid).into_iter();
        open.any(|(descriptor, path)| path == self.path || self.is_queue_at(pid, descriptor, &path))
            || process::mapped_files(pid).contains(&self.path)
    }

    /// Whether it is the queue that this descriptor refers to. mq_open(2) goes by a mount of the kernel's
    /// own, so the link has the queue's name without the directory; other files can have that path too.
    fn is_queue_at(&self, pid: i32, descriptor: i32, path: &Path) -> bool {
        let name = path.strip_prefix("/").map(Path::as_os_str);
        self.kind == Kind::MessageQueue
            && self
                .path
                .file_name()
                .is_some_and(|own: &OsStr| name == Ok(own))
            && fs::metadata(format!("/proc/{pid}/fd/{descriptor}"))
                .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (self.device, self.inode))
    }
}
