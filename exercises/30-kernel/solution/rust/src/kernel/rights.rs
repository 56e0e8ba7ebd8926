//! What goes with a message beside its data: descriptors, and who sent it.

use super::bytes::Taken;
use super::*;

/// sizeof(struct cmsghdr), in bytes.
const HEADER: usize = 16;
/// sizeof(struct ucred), in bytes.
const UCRED: usize = 12;
/// CMSG_SPACE(sizeof(struct ucred)): header and credentials, up to the next multiple of 8.
const UCRED_SPACE: usize = 32;
/// A descriptor in a control message, in bytes.
const EACH: usize = 4;
/// SCM_MAX_FD
const MOST_FILES: usize = 253;
/// What ids are that nobody knows: overflowuid(5).
const OVERFLOW: u32 = 65534;

/// What a sender attaches.
#[derive(Default)]
pub(super) struct Attached {
    pub files: Vec<FileId>,
    pub creds: Option<Creds>,
}

impl Kernel {
    /// `__scm_send`
    pub(super) fn attach(&self, pid: Pid, control: &[Control]) -> Result<Attached> {
        let mut attached = Attached::default();
        for message in control {
            match message {
                Control::Rights(fds) => {
                    if attached.files.len() + fds.len() > MOST_FILES {
                        return Err(Errno::EINVAL);
                    }
                    for fd in fds {
                        attached.files.push(self.file(pid, *fd)?);
                    }
                }
                Control::Creds { pid: whom, uid, gid } => {
                    attached.creds = Some(self.check_creds(pid, *whom, *uid, *gid)?);
                }
            }
        }
        Ok(attached)
    }

    /// Root may say that it is anybody, others only who they are: `scm_check_creds`.
    fn check_creds(&self, caller: Pid, whom: Whom, uid: u32, gid: u32) -> Result<Creds> {
        let pid = match whom {
            Whom::Caller => Some(caller),
            Whom::Process(pid) => Some(pid),
            Whom::Nobody => None,
        };
        let own = self.creds_of(caller);
        let claimed = Creds { pid, uid, gid };
        if own.uid != 0 && claimed != own {
            return Err(Errno::EPERM);
        }
        // Who has exited keeps the number until wait(2) is called, and here nobody calls it.
        if pid.is_none_or(|pid| pid > self.last) {
            return Err(Errno::ESRCH);
        }
        Ok(claimed)
    }

    /// What a message says of its sender: `unix_maybe_add_creds`.
    pub(super) fn creds_for(
        &self,
        pid: Pid,
        sock: SockId,
        other: SockId,
        claimed: Option<Creds>,
    ) -> Option<Creds> {
        let other = &self.sockets[other];
        // Whoever accepts a connection may want to know later.
        let asked = self.sockets[sock].passcred || other.passcred || !other.accepted;
        claimed.or_else(|| asked.then(|| self.creds_of(pid)))
    }

    pub(super) fn set_passcred(&mut self, pid: Pid, fd: Fd, on: bool) -> Answer {
        let sock = self.sock(pid, fd)?;
        self.sockets[sock].passcred = on;
        Ok(DONE)
    }

    /// Fills in what recvmsg(2) has room for, and drops the rest: `scm_recv`.
    pub(super) fn deliver(
        &mut self,
        pid: Pid,
        sock: SockId,
        taken: Taken,
        wanted: Wanted,
    ) -> Received {
        let creds = self.creds_to_tell(sock, &taken);
        let mut received = Received {
            count: taken.count,
            data: taken.data,
            from: taken.from,
            trunc: taken.trunc,
            ..Received::default()
        };
        let mut room = wanted.control.unwrap_or(0);
        if let Some(creds) = creds {
            let fit = room.saturating_sub(HEADER).min(UCRED);
            received.ctrunc = fit < UCRED;
            if room >= HEADER {
                received.creds = Some((creds, fit));
                room = room.saturating_sub(UCRED_SPACE);
            }
        }
        let fit = room.saturating_sub(HEADER) / EACH;
        for file in taken.files.iter().take(fit) {
            let Some(fd) = self.free(pid).next() else { break };
            self.install(pid, fd, *file, wanted.cmsg_cloexec);
            received.rights.push(fd);
        }
        received.ctrunc |= received.rights.len() < taken.files.len();
        self.drop_files(taken.files);
        received
    }

    /// Who a receiver is told that it was, if it asks.
    fn creds_to_tell(&self, sock: SockId, taken: &Taken) -> Option<Creds> {
        let socket = &self.sockets[sock];
        let nobody = |id| Creds { pid: None, uid: id, gid: id };
        match taken.creds {
            _ if !socket.passcred => None,
            Some(creds) => Some(creds),
            // When it was sent nobody had asked yet.
            None if taken.any => Some(nobody(OVERFLOW)),
            // Nobody sent the end of a stream. It looks like root, as all is zero: do not trust it.
            None if socket.ty == Type::Stream => Some(nobody(0)),
            None => None,
        }
    }

    /// One more reference to each file.
    pub(super) fn share_files(&mut self, files: &[FileId]) {
        for file in files {
            self.files[*file].references += 1;
        }
    }

    /// One reference less to each file.
    pub(super) fn drop_files(&mut self, files: Vec<FileId>) {
        for file in files {
            self.fput(file);
        }
    }
}
