//! What is sent and how it is received: lengths around what the kernel treats differently, descriptors
//! and credentials that go with it, buffers that are too small.

use super::{Generator, Wanted, Who};
use crate::model::call::{Ancillary, Call, Claimed, Flags, Payload, Type, Whom};
use crate::model::file::Kind;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;

/// Lengths that lie around what the kernel treats differently, in bytes.
const LENGTHS: [usize; 14] = [
    0, 1, 2, 3, 5, 8, 12, 200, 700, 1_800, 3_777, 5_000, 40_000, 100_000,
];
/// Lengths around the default send buffer, in bytes: drawn seldom, since they cost time.
const LARGE: [usize; 4] = [106_432, 212_960, 212_961, 300_000];
/// Lengths of buffers for control messages, in bytes.
const ROOMS: [usize; 14] = [0, 15, 16, 19, 20, 24, 27, 28, 32, 40, 48, 52, 64, 256];

impl Generator<'_> {
    pub(super) fn len(&mut self) -> usize {
        match self.dice.in_a_thousand(8) {
            true => self.dice.one(&LARGE),
            false => {
                let few = if self.dice.in_a_thousand(900) {
                    LENGTHS.len() - 4
                } else {
                    LENGTHS.len()
                };
                LENGTHS[self.dice.below(few)]
            }
        }
    }

    pub(super) fn payload(&mut self) -> Payload {
        let start = self.dice.draw() as u8;
        let unit = (0..7).map(|place| start.wrapping_add(place * 29)).collect();
        Payload {
            unit,
            len: self.len(),
        }
    }

    pub(super) fn small(&mut self) -> Payload {
        Payload {
            len: self.dice.one(&[0, 1, 8, 8, 30, 4096, 5000]),
            ..self.payload()
        }
    }

    pub(super) fn of_several_pieces(&mut self, kernel: &Kernel) -> Call {
        let count = 1 + self.dice.below(4);
        Call::Writev {
            fd: self.fd(kernel, Wanted::Socket),
            pieces: (0..count).map(|_| self.small()).collect(),
        }
    }

    pub(super) fn control(&mut self, kernel: &Kernel) -> Vec<Ancillary> {
        let mut control = Vec::new();
        if self.dice.in_a_thousand(820) {
            return control;
        }
        for _ in 0..1 + self.dice.below(10) / 9 {
            control.push(match self.dice.below(100) {
                0 => Ancillary::Short,
                1 => Ancillary::Unknown,
                2 => Ancillary::OtherLevel,
                3..20 => Ancillary::Credentials(self.claimed()),
                20 => {
                    let count = self.dice.one(&[252, 253, 254]);
                    let fd = self.fd(kernel, Wanted::Any);
                    Ancillary::Rights {
                        fds: vec![fd; count],
                        spare: 0,
                    }
                }
                _ => {
                    let count = self.dice.one(&[0, 1, 1, 1, 1, 2, 3]);
                    let fds = (0..count).map(|_| self.fd(kernel, Wanted::Any)).collect();
                    Ancillary::Rights {
                        fds,
                        spare: self.dice.one(&[0, 0, 0, 2]),
                    }
                }
            });
        }
        control
    }

    pub(super) fn claimed(&mut self) -> Claimed {
        let spare = if self.dice.in_a_thousand(50) { 2 } else { 0 };
        if !self.range.privileged {
            let (uid, gid) = (
                nix::unistd::getuid().as_raw(),
                nix::unistd::getgid().as_raw(),
            );
            return Claimed {
                pid: Whom::Caller,
                uid,
                gid,
                spare,
            };
        }
        let pid = match self.dice.below(20) {
            0 | 1 => Whom::Nobody,
            2 | 3 => {
                // Some that are not there, and some that have ended.
                let most = match self.range.who {
                    Who::One => 3,
                    Who::Several => 8,
                };
                Whom::Process(Pid(self.dice.below(most) as u32))
            }
            _ => Whom::Caller,
        };
        Claimed {
            pid,
            uid: self.dice.one(&self.range.users),
            gid: self.dice.one(&self.range.users),
            spare,
        }
    }

    pub(super) fn send(&mut self, kernel: &Kernel) -> Call {
        let fd = self.fd(kernel, Wanted::Socket);
        let mut flags = Flags::NOSIGNAL;
        if self.dice.in_a_thousand(20) {
            flags |= self.dice.one(&[Flags::EOR, Flags::MORE, Flags::DONTWAIT]);
        }
        let datagrams =
            kernel
                .descriptor(self.pid, fd)
                .is_some_and(|file| match kernel.file(file).kind {
                    Kind::Socket(sock) => kernel.sock(sock).ty == Type::Dgram,
                    _ => false,
                });
        if datagrams && self.dice.in_a_thousand(10) {
            flags |= Flags::OOB;
        }
        let named = if datagrams { 450 } else { 30 };
        let to = self.dice.in_a_thousand(named).then(|| self.address());
        // A name that is longer than any address is cut by sendmsg, and one of length 0 is none.
        let to = to.filter(|to| (1..=128).contains(&to.len));
        let control = self.control(kernel);
        Call::Send {
            fd,
            payload: self.payload(),
            flags,
            to,
            control,
        }
    }

    pub(super) fn receive(&mut self, kernel: &Kernel) -> Call {
        let fd = self.fd(kernel, Wanted::Socket);
        let mut flags = Flags::default();
        for (flag, cases) in [
            (Flags::PEEK, 150),
            (Flags::TRUNC, 100),
            (Flags::WAITALL, 20),
            (Flags::CMSG_CLOEXEC, 100),
            (Flags::DONTWAIT, 20),
        ] {
            if self.dice.in_a_thousand(cases) {
                flags |= flag;
            }
        }
        let control = (!self.dice.in_a_thousand(250)).then(|| match self.dice.in_a_thousand(300) {
            true => 1040,
            false => self.dice.one(&ROOMS),
        });
        Call::Receive {
            fd,
            len: self.len(),
            flags,
            control,
        }
    }
}
