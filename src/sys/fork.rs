//! fork(2) for a process that goes on running our own code in the child: the actors of experiments,
//! where inheriting is the subject. Everything else starts programs through [`super::spawn`].

use std::io;
use std::os::unix::fs::MetadataExt;

use nix::unistd::{ForkResult, Pid};

/// Links of an empty directory of procfs; each thread adds one to `task` (`proc_task_getattr`).
const LINKS_OF_A_DIRECTORY: u64 = 2;

/// Makes a child that is a copy of this process: the same descriptors, the same memory. Returns the
/// child's id in the parent, `None` in the child. For a process with one thread.
///
/// # Errors
/// As fork(2); `EBUSY` when this process has more than one thread, whose locks would stay locked
/// in the child.
#[expect(unsafe_code, reason = "a child that goes on in our own code")]
pub fn fork() -> io::Result<Option<Pid>> {
    // Counted so, it takes no descriptor: a process may fork that may have no more of them.
    if std::fs::metadata("/proc/self/task")?.nlink() != LINKS_OF_A_DIRECTORY + 1 {
        return Err(io::Error::from_raw_os_error(nix::libc::EBUSY));
    }
    // SAFETY: this is the only thread, so no lock is held by another one, and the child may do
    // whatever the parent may.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}
