//! Changes of descriptor tables, open file descriptions and processes.

use nix::errno::Errno;

use super::Kernel;
use crate::model::call::Fd;
use crate::model::event::Event;
use crate::model::fault::Fault;
use crate::model::file::{File, Kind, Process, Slot};
use crate::model::id::{FileId, Pid};
use crate::model::outcome::Stop;
use crate::model::row::row;

/// What a process is, without its descriptors.
struct Traits {
    ids: [u32; 4],
    umask: u32,
    limit: u32,
    cwd: String,
}

impl Traits {
    fn of(process: &Process) -> Self {
        Self {
            ids: [process.uid, process.euid, process.gid, process.egid],
            umask: process.umask,
            limit: process.limit,
            cwd: process.cwd.clone(),
        }
    }
}

impl Kernel {
    /// A new open file description that nothing refers to yet.
    pub(in crate::model) fn open_file(&mut self, kind: Kind, nonblock: bool) -> FileId {
        let file = FileId(self.files.len() as u32);
        self.files.push(File {
            kind,
            nonblock,
            references: 0,
            in_flight: 0,
        });
        if let Kind::Socket(sock) = kind {
            self.graft(sock, file);
        }
        self.emit(|| Event::FileOpened { file });
        file
    }

    /// The two lowest free descriptors.
    pub(in crate::model) fn two_free_descriptors(&mut self, pid: Pid) -> Result<(Fd, Fd), Stop> {
        let process = self.process(pid);
        let mut free = (process.lowest..process.limit as Fd)
            .filter(|fd| !process.descriptors.contains_key(fd));
        match (free.next(), free.next()) {
            (Some(first), Some(second)) => Ok((first, second)),
            _ => Err(self.refuse(row("C16"), Errno::EMFILE)),
        }
    }

    /// The lowest free descriptor, by which EMFILE is told.
    pub(in crate::model) fn free_descriptor(&mut self, pid: Pid) -> Result<Fd, Stop> {
        if self.wrong(Fault::HighestDescriptor) {
            let taken = self.process(pid).descriptors.keys().next_back();
            return Ok(taken.map_or(self.process(pid).lowest, |fd| fd + 1));
        }
        let free = self.process(pid).lowest_free();
        match free {
            Some(fd) => {
                self.by(row("C14"));
                Ok(fd)
            }
            None => Err(self.refuse(row("C16"), Errno::EMFILE)),
        }
    }

    /// Puts an open file description into a free place of a table: `fd_install`.
    pub(in crate::model) fn install(&mut self, pid: Pid, fd: Fd, file: FileId, cloexec: bool) {
        self.refer(file);
        let slot = Slot { file, cloexec };
        self.process_mut(pid).descriptors.insert(fd, slot);
        self.emit(|| Event::DescriptorInstalled { pid, fd, file });
    }

    /// Empties a place of a table.
    pub(in crate::model) fn uninstall(&mut self, pid: Pid, fd: Fd) {
        if let Some(slot) = self.process_mut(pid).descriptors.remove(&fd) {
            let file = slot.file;
            self.emit(|| Event::DescriptorClosed { pid, fd, file });
            if self.wrong(Fault::SetsWatchDescriptors) {
                self.unwatch_under(file, fd);
            }
            self.unrefer(file);
        }
    }

    /// Sets `FD_CLOEXEC`.
    pub(in crate::model) fn set_cloexec(&mut self, pid: Pid, fd: Fd, cloexec: bool) {
        if let Some(slot) = self.process_mut(pid).descriptors.get_mut(&fd) {
            let before = std::mem::replace(&mut slot.cloexec, cloexec);
            if before != cloexec {
                self.emit(|| Event::Cloexec {
                    pid,
                    fd,
                    before,
                    after: cloexec,
                });
            }
        }
    }

    /// Sets `O_NONBLOCK`.
    pub(in crate::model) fn set_nonblock(&mut self, file: FileId, after: bool) {
        let before = std::mem::replace(&mut self.files[file.index()].nonblock, after);
        if before != after {
            self.emit(|| Event::Nonblock {
                file,
                before,
                after,
            });
        }
    }

    /// One more reference.
    fn refer(&mut self, file: FileId) {
        let before = self.file(file).references;
        self.files[file.index()].references = before + 1;
        self.emit(|| Event::References {
            file,
            before,
            after: before + 1,
        });
    }

    /// One reference less; without any, it is released when the call ends.
    fn unrefer(&mut self, file: FileId) {
        let before = self.file(file).references;
        self.files[file.index()].references = before - 1;
        self.emit(|| Event::References {
            file,
            before,
            after: before - 1,
        });
        if before == 1 {
            self.released.push(file);
        }
    }

    /// A message takes a reference: `unix_attach_fds`.
    pub(in crate::model) fn fly(&mut self, file: FileId) {
        self.files[file.index()].in_flight += 1;
        self.refer(file);
    }

    /// A message drops its reference: `unix_detach_fds`, and what was not received.
    pub(in crate::model) fn land(&mut self, file: FileId) {
        self.files[file.index()].in_flight -= 1;
        self.unrefer(file);
    }

    /// The next open file description that nothing refers to.
    pub(in crate::model) fn next_released(&mut self) -> Option<FileId> {
        let file = self.released.pop()?;
        self.emit(|| Event::FileReleased { file });
        Some(file)
    }

    /// Moves the offset of a regular file.
    pub(in crate::model) fn set_offset(&mut self, file: FileId, after: u64) {
        if let Kind::Regular { offset, .. } = &mut self.files[file.index()].kind {
            let before = std::mem::replace(offset, after);
            self.emit(|| Event::Offset {
                file,
                before,
                after,
            });
        }
    }

    /// Sets the counter of an eventfd.
    pub(in crate::model) fn set_counter(&mut self, file: FileId, after: u64) {
        if let Kind::Eventfd { counter } = &mut self.files[file.index()].kind {
            let before = std::mem::replace(counter, after);
            if before != after {
                self.emit(|| Event::Counter {
                    file,
                    before,
                    after,
                });
            }
        }
    }

    /// Copies a process with all it has: `copy_files`.
    pub(in crate::model) fn copy_process(&mut self, parent: Pid) -> Pid {
        let pid = Pid(self.last_pid.0 + 1);
        self.last_pid = pid;
        let mut process = self.process(parent).clone();
        process.parent = Some(parent);
        let slots = std::mem::take(&mut process.descriptors);
        self.processes.insert(pid, process);
        self.emit(|| Event::ProcessStarted { pid, parent });
        for (fd, slot) in slots {
            self.install(pid, fd, slot.file, slot.cloexec);
        }
        pid
    }

    /// Ends a process, with all its descriptors: `exit_files`.
    pub(in crate::model) fn end_process(&mut self, pid: Pid) {
        let fds: Vec<Fd> = self.process(pid).descriptors.keys().copied().collect();
        for fd in fds {
            self.uninstall(pid, fd);
        }
        self.processes.remove(&pid);
        self.emit(|| Event::ProcessEnded { pid });
    }

    /// Changes who a process is, where it is, or what it may.
    pub(in crate::model) fn change_process(&mut self, pid: Pid, change: impl FnOnce(&mut Process)) {
        let process = self.process_mut(pid);
        let old = Traits::of(process);
        change(process);
        let new = Traits::of(process);
        if old.ids != new.ids {
            self.emit(|| Event::Ids {
                pid,
                before: old.ids,
                after: new.ids,
            });
        }
        if old.umask != new.umask {
            self.emit(|| Event::Umask {
                pid,
                before: old.umask,
                after: new.umask,
            });
        }
        if old.limit != new.limit {
            self.emit(|| Event::FileLimit {
                pid,
                before: old.limit,
                after: new.limit,
            });
        }
        if old.cwd != new.cwd {
            self.emit(|| Event::Directory {
                pid,
                before: old.cwd,
                after: new.cwd,
            });
        }
    }

    fn process_mut(&mut self, pid: Pid) -> &mut Process {
        let process = self.processes.get_mut(&pid);
        process.expect("a process that is there")
    }
}
