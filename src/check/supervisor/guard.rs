//! Keeps a program within its bounds: measures its whole process tree and its directory now and
//! then, and says what was exceeded. Ending it is the supervisor's.
//!
//! Cheap while nothing is wrong: one file in /proc for each process, and one walk of a directory
//! that holds a handful of names. What is expensive is measured only when the cheap figure is
//! already too high, or less often.

use std::collections::BTreeSet;
use std::path::PathBuf;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::footprint::{Footprint, measure};
use crate::check::bounds::{Bounds, Excess, Resource};
use crate::check::patience::Deadline;
use crate::sys::clock::now_us;
use crate::sys::process;

/// Between two looks, in milliseconds.
const TICK_MS: u64 = 50;
/// The same while processes are becoming many.
const HASTY_TICK_MS: u64 = 5;
/// So many processes more than at the last look are a reason to stop them before counting on; so is
/// a count of many that takes longer than this, in milliseconds, since it gets no processor.
const SUDDEN: usize = 48;
const MANY: usize = 32;
const SLOW_MS: u64 = 60;
/// A look at the directory may take this part of the time, at most.
const SHARE: u64 = 20;

/// Measures one stage's program.
#[derive(Debug)]
pub(super) struct Guard {
    bounds: Bounds,
    directory: PathBuf,
    next: Deadline,
    next_directory: Deadline,
    /// Processes at the last look.
    last: usize,
}

impl Guard {
    pub(super) fn new(bounds: Bounds, directory: PathBuf) -> Self {
        let next = Deadline::after_ms(TICK_MS);
        Self {
            bounds,
            directory,
            next,
            next_directory: next,
            last: 0,
        }
    }

    /// Makes the next look come at once.
    pub(super) fn hurry(&mut self) {
        self.next = Deadline::after_ms(0);
    }

    /// When to look next.
    pub(super) fn next(&self) -> Deadline {
        self.next
    }

    /// What a signal that ended the program says about a limit that the kernel keeps for us.
    pub(super) fn by_signal(&self, signal: i32) -> Option<Excess> {
        let (which, allowed) = match signal {
            nix::libc::SIGXFSZ => (Resource::Disk, self.bounds.disk),
            nix::libc::SIGXCPU => (Resource::Cpu, self.bounds.cpu),
            _ => return None,
        };
        Some(Excess {
            which,
            used: allowed,
            allowed,
        })
    }

    /// Whether so much output is too much.
    pub(super) fn output(&self, used: u64) -> Option<Excess> {
        exceeds(Resource::Output, used, self.bounds.output)
    }

    /// Looks, if it is time, at all that is below this process and at the directory. Every process
    /// that is seen becomes known. When they multiply fast, `freeze` is called with those seen so
    /// far, and shall stop them all: a fork bomb leaves no processor time for counting it.
    pub(super) fn look(
        &mut self,
        known: &mut BTreeSet<i32>,
        freeze: &mut dyn FnMut(&BTreeSet<i32>),
    ) -> Option<Excess> {
        if !self.next.passed() {
            return None;
        }
        let (excess, tick_ms) = self.processes(known, freeze);
        let excess = excess.or_else(|| self.directory());
        self.next = Deadline::after_ms(tick_ms);
        excess
    }

    fn processes(
        &mut self,
        known: &mut BTreeSet<i32>,
        freeze: &mut dyn FnMut(&BTreeSet<i32>),
    ) -> (Option<Excess>, u64) {
        let (mut threads, mut resident, mut cpu) = (0, 0, ended_cpu_ms());
        let mut tree = BTreeSet::new();
        let mut frozen = false;
        let slow = Deadline::after_ms(SLOW_MS);
        let mut open = process::children(nix::unistd::getpid().as_raw());
        while let Some(pid) = open.pop() {
            let Some(stat) = process::stat(pid).filter(|_| tree.insert(pid)) else {
                continue;
            };
            threads += stat.threads;
            resident += stat.resident;
            cpu += stat.cpu_ms + stat.children_cpu_ms;
            if threads > self.bounds.processes {
                break;
            }
            // The first slice of a processor is ours; with so many others, the next one is far.
            let starved = tree.len() > MANY && slow.passed();
            if frozen || starved || tree.len() > self.last + SUDDEN {
                if !frozen {
                    frozen = true;
                    freeze(&tree);
                } else {
                    freeze(&BTreeSet::from([pid]));
                }
            }
            open.extend(process::children(pid));
        }
        known.extend(&tree);
        self.last = tree.len();
        let tick_ms = if threads > self.bounds.processes / 4 {
            HASTY_TICK_MS
        } else {
            TICK_MS
        };
        let memory = || {
            // Shared pages were counted for each process; if so, share them out.
            exceeds(Resource::Memory, resident, self.bounds.memory)?;
            let shared_out = |&pid| {
                process::proportional_memory(pid)
                    .or_else(|| process::stat(pid).map(|stat| stat.resident))
            };
            let used = tree.iter().filter_map(shared_out).sum();
            exceeds(Resource::Memory, used, self.bounds.memory)
        };
        let excess = exceeds(Resource::Processes, threads, self.bounds.processes)
            .or_else(memory)
            .or_else(|| exceeds(Resource::Cpu, cpu, self.bounds.cpu));
        (excess, tick_ms)
    }

    fn directory(&mut self) -> Option<Excess> {
        if !self.next_directory.passed() {
            return None;
        }
        let began = now_us();
        let enough = Footprint {
            files: self.bounds.files,
            bytes: self.bounds.disk,
        };
        let found = measure(&self.directory, enough);
        let took_us = now_us() - began;
        self.next_directory = Deadline::after_ms(took_us * SHARE / 1000);
        exceeds(Resource::Disk, found.bytes, enough.bytes)
            .or_else(|| exceeds(Resource::Files, found.files, enough.files))
    }
}

fn exceeds(which: Resource, used: u64, allowed: u64) -> Option<Excess> {
    (used > allowed).then_some(Excess {
        which,
        used,
        allowed,
    })
}

/// CPU time of descendants that have ended and were waited for, in milliseconds.
fn ended_cpu_ms() -> u64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| {
        let ms = usage.user_time().num_milliseconds() + usage.system_time().num_milliseconds();
        ms.max(0) as u64
    })
}
