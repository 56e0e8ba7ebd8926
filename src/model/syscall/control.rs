//! Control messages: those that are sent (`__scm_send`) and those that are delivered
//! (`scm_recv_common`, `put_cmsg`, `scm_detach_fds`).

use nix::errno::Errno;

use super::Result;
use crate::model::call::{Ancillary, Claimed, Flags, Whom};
use crate::model::fault::Fault;
use crate::model::id::{FileId, Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::{ControlMessage, Credentials, Received};
use crate::model::row::row;

/// `sizeof(struct cmsghdr)`.
const HEADER: usize = 16;
/// `sizeof(struct ucred)`.
const UCRED: usize = 12;
/// `SCM_MAX_FD`.
const MOST_FILES: usize = 253;
/// What ids become that this namespace does not know.
const OVERFLOW: u32 = 65_534;

/// What a sender attaches.
#[derive(Default)]
pub(super) struct Attached {
    pub files: Vec<FileId>,
    pub credentials: Option<Credentials>,
}

/// What a receiver takes out of a queue, before it is put into its buffer.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    pub files: Vec<FileId>,
    /// Whether the references to the files are already ours; those of a peek are not.
    pub owned: bool,
    pub credentials: Option<Credentials>,
    /// Whether anything was read whose credentials could be asked for.
    pub read: bool,
}

/// Credentials of which only so many bytes are there.
fn cut(of: Credentials, fit: usize) -> Credentials {
    Credentials {
        pid: of.pid.filter(|_| fit >= 4),
        uid: if fit >= 8 { of.uid } else { 0 },
        gid: if fit >= 12 { of.gid } else { 0 },
    }
}

fn aligned(len: usize) -> usize {
    len.next_multiple_of(8)
}

impl Kernel {
    /// `__scm_send`.
    pub(super) fn attach(&mut self, pid: Pid, control: &[Ancillary]) -> Result<Attached> {
        let mut attached = Attached::default();
        for message in control {
            match message {
                Ancillary::Short => return Err(self.refuse(row("J10"), Errno::EINVAL)),
                Ancillary::OtherLevel => self.by(row("J10")),
                Ancillary::Unknown => return Err(self.refuse(row("J10"), Errno::EINVAL)),
                Ancillary::Rights { fds, spare } => {
                    // What makes no whole descriptor does not count.
                    let extra = spare / size_of::<i32>();
                    if *spare > 0 {
                        self.by(row("J44"));
                    }
                    debug_assert_eq!(extra, 0, "spare bytes make no descriptor");
                    if fds.is_empty() {
                        self.by(row("J34"));
                        continue;
                    }
                    let most = match self.wrong(Fault::MoreFilesInAMessage) {
                        true => MOST_FILES + 1,
                        false => MOST_FILES,
                    };
                    if fds.len() > most || attached.files.len() + fds.len() > most {
                        return Err(self.refuse(row("J07"), Errno::EINVAL));
                    }
                    if !attached.files.is_empty() {
                        self.by(row("J09"));
                    }
                    for fd in fds {
                        match self.descriptor(pid, *fd) {
                            Some(file) => attached.files.push(file),
                            None => return Err(self.refuse(row("J08"), Errno::EBADF)),
                        }
                    }
                }
                Ancillary::Credentials(claimed) => {
                    attached.credentials = Some(self.check_credentials(pid, *claimed)?);
                }
            }
        }
        Ok(attached)
    }

    /// `scm_check_creds`.
    fn check_credentials(&mut self, pid: Pid, claimed: Claimed) -> Result<Credentials> {
        if claimed.spare > 0 {
            return Err(self.refuse(row("K23"), Errno::EINVAL));
        }
        let process = self.process(pid);
        let privileged = process.is_privileged() || self.wrong(Fault::AnybodyMaySpoof);
        let (uids, gids) = ([process.uid, process.euid], [process.gid, process.egid]);
        let own = match claimed.pid {
            Whom::Caller => true,
            Whom::Process(other) => other == pid,
            Whom::Nobody => false,
        };
        let may = own && uids.contains(&claimed.uid) && gids.contains(&claimed.gid);
        if !privileged && !may {
            return Err(self.refuse(row("K05"), Errno::EPERM));
        }
        let whose = match claimed.pid {
            Whom::Caller => pid,
            // Nobody waits for a process that ends: its number stays taken.
            Whom::Process(other) if other <= self.last_process() => other,
            Whom::Process(_) | Whom::Nobody => return Err(self.refuse(row("K06"), Errno::ESRCH)),
        };
        Ok(Credentials {
            pid: Some(whose),
            uid: claimed.uid,
            gid: claimed.gid,
        })
    }

    /// Who a sender is: real ids, unlike SO_PEERCRED.
    fn sender(&self, pid: Pid) -> Credentials {
        let process = self.process(pid);
        match self.wrong(Fault::EffectiveIdsInMessages) {
            true => Credentials {
                pid: Some(pid),
                uid: process.euid,
                gid: process.egid,
            },
            false => Credentials {
                pid: Some(pid),
                uid: process.uid,
                gid: process.gid,
            },
        }
    }

    /// What a message says of its sender: `unix_maybe_add_creds`.
    pub(super) fn credentials_for(
        &mut self,
        pid: Pid,
        claimed: Option<Credentials>,
        sock: SockId,
        other: SockId,
    ) -> Option<Credentials> {
        if claimed.is_some() {
            return claimed;
        }
        if self.sock(sock).passcred && !self.wrong(Fault::SenderDoesNotCollect) {
            self.by(row("K04"));
            return Some(self.sender(pid));
        }
        if self.sock(other).passcred {
            self.by(row("K02"));
            return Some(self.sender(pid));
        }
        if self.sock(other).embryo && !self.sock(other).dead {
            self.by(row("K29"));
            return Some(self.sender(pid));
        }
        None
    }

    /// `scm_recv_common`: delivers what was taken, as far as there is room.
    pub(super) fn deliver(
        &mut self,
        pid: Pid,
        sock: SockId,
        taken: Taken,
        flags: Flags,
        room: Option<usize>,
        received: &mut Received,
    ) {
        let passcred = self.sock(sock).passcred;
        let Some(room) = room else {
            // There is no msg_control.
            if passcred || !taken.files.is_empty() {
                self.by(if taken.files.is_empty() {
                    row("K21")
                } else {
                    row("J16")
                });
                received.flags |= Flags::CTRUNC;
            }
            self.drop_taken(taken);
            return;
        };
        let mut left = room;
        if passcred {
            let of = match (taken.credentials, taken.read) {
                (Some(of), _) => of,
                // The message was sent before anybody asked.
                (None, true) => {
                    self.by(row("K03"));
                    Credentials {
                        pid: None,
                        uid: OVERFLOW,
                        gid: OVERFLOW,
                    }
                }
                // The end of a stream says it is root.
                (None, false) => {
                    self.by(row("K28"));
                    match self.wrong(Fault::EndHasNoCredentials) {
                        true => Credentials {
                            pid: None,
                            uid: OVERFLOW,
                            gid: OVERFLOW,
                        },
                        false => Credentials {
                            pid: None,
                            uid: 0,
                            gid: 0,
                        },
                    }
                }
            };
            if left < HEADER {
                self.by(row("K21"));
                received.flags |= Flags::CTRUNC;
            } else {
                let fit = UCRED.min(left - HEADER);
                if fit < UCRED {
                    self.by(row("K21"));
                    received.flags |= Flags::CTRUNC;
                }
                received.control.push(ControlMessage::Credentials {
                    of: cut(of, fit),
                    fit,
                });
                left -= left.min(aligned(HEADER + UCRED));
            }
        }
        if !taken.files.is_empty() {
            self.deliver_files(pid, &taken.files, flags, &mut left, received, passcred);
        }
        self.drop_taken(taken);
        received.control_len = room - left;
    }

    /// `scm_detach_fds`.
    fn deliver_files(
        &mut self,
        pid: Pid,
        files: &[FileId],
        flags: Flags,
        left: &mut usize,
        received: &mut Received,
        after_credentials: bool,
    ) {
        let each = match self.wrong(Fault::RoomForOneFilePerWord) {
            true => 8,
            false => size_of::<i32>(),
        };
        let fit = left.saturating_sub(HEADER) / each;
        let cloexec = flags.has(Flags::CMSG_CLOEXEC);
        let mut fds = Vec::new();
        for file in files.iter().take(fit) {
            let Some(fd) = self.process(pid).lowest_free() else {
                self.by(row("J20"));
                break;
            };
            self.install(pid, fd, *file, cloexec);
            fds.push(fd);
        }
        if fds.len() < files.len() {
            self.by(match fit {
                0 if after_credentials => row("J35"),
                0 => row("J19"),
                _ if *left == HEADER + 4 => row("J18"),
                _ => row("J17"),
            });
            if !self.wrong(Fault::NoCtrunc) {
                received.flags |= Flags::CTRUNC;
            }
        } else {
            self.by(row("J01"));
        }
        if !fds.is_empty() {
            *left -= (*left).min(aligned(HEADER + fds.len() * size_of::<i32>()));
            received.control.push(ControlMessage::Rights(fds));
        }
    }

    /// Drops the references to files that were taken; whoever was given one has its own.
    pub(super) fn drop_taken(&mut self, taken: Taken) {
        if taken.owned {
            for file in taken.files {
                self.land(file);
            }
        }
    }
}
