//! What a program under test may use of this machine, and what it had used when it went beyond.
//!
//! Measuring is [`super::supervisor`]'s, and so is ending what goes beyond. These bounds are far
//! above what an exercise needs: they are there for programs that would take the machine down.

use serde::{Deserialize, Serialize};

/// What all processes of a program may use together while a stage runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Resident memory, in bytes; memory that processes share counts once.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Bytes on disk in the private directory, and of one file anywhere.
    pub disk: u64,
    /// Files and directories in the private directory.
    pub files: u64,
    /// Bytes on standard output and standard error.
    pub output: u64,
    /// CPU time, in milliseconds.
    pub cpu: u64,
}

impl Bounds {
    /// The usual bounds; `patience` multiplies the CPU time as it does every deadline.
    pub fn usual(patience: u64) -> Self {
        Self {
            memory: 1 << 30,
            processes: 512,
            disk: 128 << 20,
            files: 10_000,
            output: 64 << 20,
            cpu: 40_000 * patience,
        }
    }
}

impl Bounds {
    /// Leaves room for two threads or processes for each of so many clients at the same time.
    pub fn for_clients(self, clients: u64) -> Self {
        Self {
            processes: self.processes.max(2 * clients + 128),
            ..self
        }
    }
}

/// Something that is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Resident memory.
    Memory,
    /// Processes and threads.
    Processes,
    /// Bytes on disk.
    Disk,
    /// Files and directories.
    Files,
    /// Output.
    Output,
    /// CPU time.
    Cpu,
}

impl Resource {
    /// As observations have it: `memory`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Disk => "disk",
            Self::Files => "files",
            Self::Output => "output",
            Self::Cpu => "cpu",
        }
    }
}

/// A bound that was reached: the program was ended for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excess {
    /// Of what.
    pub which: Resource,
    /// How much was used: bytes, milliseconds or a count, as the bound is.
    pub used: u64,
    /// How much is allowed.
    pub allowed: u64,
}

impl Excess {
    /// In words: `1093 MiB of memory, 1024 MiB are allowed`.
    pub fn words(&self) -> String {
        let Self {
            which,
            used,
            allowed,
        } = *self;
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        match which {
            Resource::Memory => format!(
                "{} MiB of memory, {} MiB are allowed",
                mib(used),
                mib(allowed)
            ),
            Resource::Disk => format!(
                "{} MiB on disk, {} MiB are allowed",
                mib(used),
                mib(allowed)
            ),
            Resource::Output => {
                format!(
                    "{} MiB of output, {} MiB are allowed",
                    mib(used),
                    mib(allowed)
                )
            }
            Resource::Processes => format!("{used} processes and threads, {allowed} are allowed"),
            Resource::Files => format!("{used} files, {allowed} are allowed"),
            Resource::Cpu => {
                format!(
                    "{} s of CPU time, {} s are allowed",
                    used / 1000,
                    allowed / 1000
                )
            }
        }
    }
}
