//! The process itself: whether it has a table of descriptors, how long that may be, and whether
//! its threads share it.

use std::fs;

use schemars::JsonSchema;
use serde::Serialize;

use crate::sys::fd_table;
use crate::sys::kcmp;
use crate::sys::process;
use crate::untrusted::Untrusted;

/// Whether a process's descriptors could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// They were.
    Read,
    /// It may not be read: it is another user's, or does not let itself be traced.
    Denied,
    /// It has ended, and its parent has not waited for it: the kernel has closed everything.
    Zombie,
    /// It is a thread of the kernel, which has none.
    KernelThread,
}

/// `RLIMIT_NOFILE`: one more than the highest number a new descriptor may get (getrlimit(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Limit {
    /// What counts; nothing: there is no limit.
    pub soft: Option<u64>,
    /// How far the process may raise it itself.
    pub hard: Option<u64>,
}

/// The threads of a process.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Threads {
    /// How many there are.
    pub count: usize,
    /// The thread whose table is shown, when the first one has ended.
    pub shown: Option<u32>,
    /// Threads that have a table of their own: clone(2) without `CLONE_FILES`, or unshare(2).
    /// Nothing when the kernel did not compare and their numbers do not differ.
    pub own_tables: Option<Vec<u32>>,
}

/// What is known of a process before its table is read.
pub(super) struct Found {
    pub(super) comm: Untrusted,
    pub(super) uid: Option<u32>,
    pub(super) state: State,
    pub(super) limit: Option<Limit>,
    /// The process or thread whose table is to be read.
    pub(super) table: Option<u32>,
}

/// Looks at a process; nothing when there is none.
pub(super) fn look(pid: u32) -> Option<Found> {
    let number = i32::try_from(pid).ok()?;
    let stat = process::stat(number)?;
    let (state, table) = match stat.state {
        'Z' | 'X' => match living_thread(pid) {
            Some(thread) => (State::Read, Some(thread)),
            None => (State::Zombie, None),
        },
        // kthreadd, and what it starts.
        _ if pid == 2 || stat.ppid == 2 => (State::KernelThread, None),
        _ => (State::Read, Some(pid)),
    };
    Some(Found {
        comm: process::name(number),
        uid: effective_user(&fs::read(format!("/proc/{pid}/status")).unwrap_or_default()),
        state,
        limit: limit(&fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default()),
        table,
    })
}

/// A process whose first thread has ended lives on in the others, which have its descriptors.
fn living_thread(pid: u32) -> Option<u32> {
    let threads = tasks(pid).into_iter();
    let mut others = threads.filter(|&thread| thread != pid);
    others.find(|&thread| {
        let stat = process::stat(thread.cast_signed());
        stat.is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
    })
}

fn tasks(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"));
    let names = entries.into_iter().flatten().flatten();
    let mut tasks: Vec<u32> = names
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    tasks.sort_unstable();
    tasks
}

/// The threads, and which have a table that is not the one shown.
pub(super) fn threads(pid: u32, shown: u32) -> Threads {
    let tasks = tasks(pid);
    let mut own_tables = Some(Vec::new());
    let numbers = fd_table::numbers(shown).ok();
    for &thread in tasks.iter().filter(|&&thread| thread != shown) {
        let ended = || {
            let stat = process::stat(thread.cast_signed());
            stat.is_none_or(|stat| matches!(stat.state, 'Z' | 'X'))
        };
        match kcmp::same_table(shown, thread) {
            Ok(true) | Err(kcmp::Refused::Gone) => {}
            Ok(false) if ended() => {}
            Ok(false) => own_tables.get_or_insert_default().push(thread),
            Err(_) => {
                let theirs = fd_table::numbers(thread).ok();
                if theirs.is_some() && theirs != numbers && !ended() {
                    own_tables.get_or_insert_default().push(thread);
                } else if own_tables.as_ref().is_some_and(Vec::is_empty) {
                    own_tables = None;
                }
            }
        }
    }
    Threads {
        count: tasks.len(),
        shown: (shown != pid).then_some(shown),
        own_tables,
    }
}

/// From `/proc/PID/limits`: `Max open files            1024                 524288               files`.
fn limit(text: &str) -> Option<Limit> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    let mut words = line.split_whitespace();
    let mut number = || match words.next()? {
        "unlimited" => Some(None),
        digits => Some(Some(digits.parse().ok()?)),
    };
    Some(Limit {
        soft: number()?,
        hard: number()?,
    })
}

/// From `/proc/PID/status`: `Uid:  real effective saved fs`. The name in the first line is
/// escaped by the kernel, so no other line can be forged.
fn effective_user(text: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_none() {
        let text = "Limit        Soft   Hard  Units\n\
            Max open files            1024                 unlimited            files \n";
        let expected = Limit {
            soft: Some(1024),
            hard: None,
        };
        assert_eq!(limit(text), Some(expected));
        assert_eq!(limit("Max open files x y files"), None);
    }

    #[test]
    fn the_effective_user_is_the_second() {
        assert_eq!(
            effective_user(b"Name:\ta\\nUid: 9\nUid:\t1\t2\t3\t4\n"),
            Some(2)
        );
    }

    #[test]
    fn threads_of_this_program_share_one_table() {
        let me = std::process::id();
        let threads = threads(me, me);
        assert!(threads.count >= 1);
        assert_eq!(threads.own_tables, Some(Vec::new()));
    }
}
