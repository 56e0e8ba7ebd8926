//! System V shared memory, message queues and semaphores: listing and removing them (sysvipc(7),
//! proc_sysvipc(5)). They outlive the processes that made them. Whose they are is decided elsewhere.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::libc;

/// What kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// shmget(2).
    SharedMemory,
    /// msgget(2).
    MessageQueue,
    /// semget(2).
    Semaphores,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SharedMemory, Self::MessageQueue, Self::Semaphores];

    fn file(self) -> &'static str {
        match self {
            Self::SharedMemory => "/proc/sysvipc/shm",
            Self::MessageQueue => "/proc/sysvipc/msg",
            Self::Semaphores => "/proc/sysvipc/sem",
        }
    }

    /// As ipcs(1) and people call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::SharedMemory => "System V shared memory segment",
            Self::MessageQueue => "System V message queue",
            Self::Semaphores => "System V semaphore set",
        }
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its identifier.
    pub id: i32,
    /// The user who owns it.
    pub owner: u32,
    /// The processes it remembers: who made it and used it last; none for semaphores.
    pub processes: Vec<i32>,
}

/// All objects of this ipc namespace that /proc shows; none where the kernel has none.
pub fn list() -> Vec<Object> {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| parse(kind, &fs::read_to_string(kind.file()).unwrap_or_default()))
        .collect()
}

/// The table has its columns' names in its first line.
fn parse(kind: Kind, table: &str) -> Vec<Object> {
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
    let column = |wanted: &str| names.iter().position(|name| *name == wanted);
    let id = ["shmid", "msqid", "semid"].into_iter().find_map(column);
    let processes: Vec<usize> = ["cpid", "lpid", "lspid", "lrpid"]
        .into_iter()
        .filter_map(column)
        .collect();
    let (Some(id), Some(owner)) = (id, column("uid")) else {
        return Vec::new();
    };
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
            let processes = processes.iter().filter_map(|&at| number(at));
            Some(Object {
                kind,
                id: number(id)? as i32,
                owner: number(owner)? as u32,
                processes: processes
                    .map(|pid| pid as i32)
                    .filter(|&pid| pid > 0)
                    .collect(),
            })
        })
        .collect()
}

/// Removes an object (IPC_RMID in shmctl(2), msgctl(2), semctl(2)).
///
/// # Errors
/// `EPERM` when it is somebody else's, `EINVAL` when it is gone.
#[expect(unsafe_code, reason = "the calls have no safe wrapper")]
pub fn remove(kind: Kind, id: i32) -> io::Result<()> {
    // SAFETY: with IPC_RMID the kernel ignores the buffer and touches no memory of ours.
    let result = unsafe {
        match kind {
            Kind::SharedMemory => libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()),
            Kind::MessageQueue => libc::msgctl(id, libc::IPC_RMID, std::ptr::null_mut()),
            Kind::Semaphores => libc::semctl(id, 0, libc::IPC_RMID),
        }
    };
    Errno::result(result)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names() {
        let table = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid\n\
                     0          7  1600                  4096    11    12      1  1000  1000\n";
        let expected = Object {
            kind: Kind::SharedMemory,
            id: 7,
            owner: 1000,
            processes: vec![11, 12],
        };
        assert_eq!(parse(Kind::SharedMemory, table), [expected]);
        assert!(parse(Kind::Semaphores, "").is_empty());
    }

    #[test]
    #[expect(unsafe_code, reason = "msgget has no safe wrapper")]
    fn a_queue_is_listed_until_it_is_removed() {
        // SAFETY: a call on values.
        let id = unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) };
        assert!(id >= 0);
        let here = || {
            let mut all = list().into_iter();
            all.any(|found| (found.kind, found.id) == (Kind::MessageQueue, id))
        };
        assert!(here());
        remove(Kind::MessageQueue, id).unwrap();
        assert!(!here());
    }
}
