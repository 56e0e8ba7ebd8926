//! The kernel: what it keeps, and what each call does with it.
//!
//! README.md says what is asked of it, step by step.
//!
//!     ipc-mastery check exercise-30
//!     ipc-mastery hint exercise-30
//!
//! `calls.rs` has all calls, and all that they may come back with; reading and writing are done.
//! This file may declare others: `mod descriptors;` is `kernel/descriptors.rs`.
#![allow(dead_code, reason = "nothing uses these types yet")]

use std::collections::BTreeMap;

use crate::calls::*;

/// A process, and the table of its descriptors.
struct Process {
    descriptors: BTreeMap<Fd, Descriptor>,
}

/// An entry of the table: it leads to a file, by its place in the kernel's list.
struct Descriptor {
    file: usize,
    // What else is a matter of the descriptor alone, and not of all that lead to the same file?
}

/// An open file description: what a descriptor and its duplicates share.
struct File {
    socket: usize,
}

struct Socket {
    ty: i32,
}

pub struct Kernel {
    boot: Boot,
    processes: BTreeMap<Pid, Process>,
    files: Vec<File>,
    sockets: Vec<Socket>,
}

impl Kernel {
    /// A machine that has just started: one process, A, whose descriptors 0, 1 and 2 are taken.
    pub fn new(boot: Boot) -> Self {
        let first = Process { descriptors: BTreeMap::new() };
        let processes = BTreeMap::from([('A', first)]);
        Self { boot, processes, files: Vec::new(), sockets: Vec::new() }
    }

    /// What a process is answered that makes a call.
    pub fn call(&mut self, _pid: Pid, call: Call) -> Answer {
        match call {
            // Step 1 begins here.
            Call::Socket { .. } => Err(Errno::ENOSYS),
            _ => Err(Errno::ENOSYS),
        }
    }

    /// Step 9: sockets that nobody can reach any more are found here, and nowhere else.
    pub fn collect(&mut self) -> Answer {
        Err(Errno::ENOSYS)
    }
}
