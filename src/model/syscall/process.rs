//! _exit(2), umask(2), setresuid(2), setrlimit(2), chdir(2).

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::row;
use crate::model::tree::{Last, May, NodeKind};

impl Kernel {
    pub(super) fn exit(&mut self, pid: Pid) -> Answer {
        self.by(row("C12"));
        self.end_process(pid);
        Answer::Process(pid)
    }

    pub(super) fn umask(&mut self, pid: Pid, mask: u32) -> Answer {
        let before = self.process(pid).umask;
        self.change_process(pid, |process| process.umask = mask & 0o777);
        Answer::Number(i64::from(before))
    }

    /// setresgid(2), then setresuid(2); the saved ids become the effective ones.
    pub(super) fn set_ids(&mut self, pid: Pid, real: u32, effective: u32) -> Result<Answer> {
        let process = self.process(pid);
        let own = [process.uid, process.euid];
        let is_own = own.contains(&real) && own.contains(&effective);
        if !process.is_privileged() && !is_own {
            return Err(self.refuse(row("K26"), Errno::EPERM));
        }
        self.by(row("K14"));
        self.change_process(pid, |process| {
            (process.uid, process.euid) = (real, effective);
            (process.gid, process.egid) = (real, effective);
        });
        Ok(DONE)
    }

    pub(super) fn limit_files(&mut self, pid: Pid, limit: u32) -> Result<Answer> {
        self.change_process(pid, |process| process.limit = limit);
        Ok(DONE)
    }

    pub(super) fn chdir(&mut self, pid: Pid, path: &str) -> Result<Answer> {
        let process = self.process(pid);
        let place = self.tree().walk(process, path, Last::Followed);
        let place = place.map_err(|errno| self.refuse(row("A18"), errno))?;
        let Some(node) = place.node else {
            return Err(self.refuse(row("A18"), Errno::ENOENT));
        };
        if self.tree().node(node).kind != NodeKind::Directory {
            return Err(self.refuse(row("A18"), Errno::ENOTDIR));
        }
        if !self.tree().may(self.process(pid), node, May::Search) {
            return Err(self.refuse(row("N06"), Errno::EACCES));
        }
        self.by(row("A18"));
        self.change_process(pid, |process| process.cwd = place.path);
        Ok(DONE)
    }
}
