//! Calls made up by chance, so that a sequence gets into states that nobody thinks of.
//!
//! The next call depends on the model's state: it names descriptors that are there (and some that are
//! not), so that most calls do something. What is drawn is written down, so nothing here is needed to
//! repeat it.

mod opening;

use serde::{Deserialize, Serialize};

use super::dice::Dice;
use crate::model::address::{Address, Family, PATH_MAX};
use crate::model::call::{
    Access, Ancillary, Asked, Birth, Call, Claimed, Events, Fd, Flags, How, Payload, Set, Whom,
};
use crate::model::file::Kind;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;

/// What may be drawn.
#[derive(Clone, Debug)]
pub struct Range {
    /// What abstract names start with: nobody else uses it.
    pub prefix: String,
    /// Whether this process may send the credentials of others.
    pub privileged: bool,
    /// Users that processes may be or may name.
    pub users: Vec<u32>,
    /// Who makes the calls.
    pub who: Who,
}

/// Who makes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// One process.
    One,
    /// Three, of which two are of other users; only root can start them.
    Several,
}

/// Lengths that lie around what the kernel treats differently, in bytes.
const LENGTHS: [usize; 14] = [
    0, 1, 2, 3, 5, 8, 12, 200, 700, 1_800, 3_777, 5_000, 40_000, 100_000,
];
/// Lengths around the default send buffer, in bytes: drawn seldom, since they cost time.
const LARGE: [usize; 4] = [106_432, 212_960, 212_961, 300_000];
/// Lengths of buffers for control messages, in bytes.
const ROOMS: [usize; 14] = [0, 15, 16, 19, 20, 24, 27, 28, 32, 40, 48, 52, 64, 256];
/// Paths: two, one in a directory, and a link.
const PATHS: [&str; 4] = ["p", "q", "d/p", "l"];

/// Makes up calls.
#[derive(Debug)]
pub struct Generator<'a> {
    dice: &'a mut Dice,
    range: &'a Range,
    /// Who makes the next call.
    pid: Pid,
    /// Calls that were decided on and not yet made.
    due: Vec<Call>,
}

impl<'a> Generator<'a> {
    /// A generator for one sequence.
    pub fn new(dice: &'a mut Dice, range: &'a Range) -> Self {
        let mut due = match dice.in_a_thousand(450) {
            true => opening::draw(dice, range),
            false => Vec::new(),
        };
        due.reverse();
        Self {
            dice,
            range,
            pid: Pid(0),
            due,
        }
    }

    /// The next call of one of several processes.
    pub fn next_of_all(&mut self, kernel: &Kernel) -> (Pid, Call) {
        if self.due.is_empty() {
            // Whoever has just done something often goes on.
            if self.dice.in_a_thousand(400) {
                let pids: Vec<Pid> = kernel.processes().map(|(pid, _)| pid).collect();
                self.pid = self.dice.one(&pids);
            }
            if self.dice.in_a_thousand(40) {
                return (self.pid, self.permissions());
            }
        }
        (self.pid, self.next(kernel))
    }

    /// Who may do what.
    fn permissions(&mut self) -> Call {
        let path = self.dice.one(&["p", "q", "d", "f"]).to_owned();
        let mode = self.dice.one(&[0, 0o600, 0o660, 0o722, 0o755, 0o777]);
        match self.dice.below(8) {
            0..3 => Call::Chmod { path, mode },
            3 | 4 => {
                let user = self.dice.one(&self.range.users);
                Call::Chown {
                    path,
                    uid: user,
                    gid: user,
                }
            }
            5 => Call::Umask {
                mask: self.dice.one(&[0, 0o022, 0o077]),
            },
            6 => Call::Mode { path },
            _ => {
                let users = &self.range.users;
                let (real, effective) = (self.dice.one(users), self.dice.one(users));
                Call::SetIds { real, effective }
            }
        }
    }

    /// The next call.
    pub fn next(&mut self, kernel: &Kernel) -> Call {
        if let Some(call) = self.due.pop() {
            return call;
        }
        let call = self.draw(kernel);
        if self.dice.in_a_thousand(50) {
            // Once more, and again: queues fill only so.
            let times = 1 + self.dice.below(15);
            self.due = vec![call.clone(); times];
        }
        call
    }

    /// A descriptor: mostly one that is there, a socket if that is asked for.
    fn fd(&mut self, kernel: &Kernel, wanted: Wanted) -> Fd {
        if self.dice.in_a_thousand(5) {
            return self.dice.one(&[-1, 0x7fff, 40]);
        }
        let process = kernel.process(self.pid);
        let fits = |fd: &&Fd| {
            let kind = kernel.file(process.descriptors[*fd].file).kind;
            wanted == Wanted::Any || matches!(kind, Kind::Socket(_))
        };
        let wanted: Vec<Fd> = match self.dice.in_a_thousand(10) {
            true => process.descriptors.keys().copied().collect(),
            false => process.descriptors.keys().filter(fits).copied().collect(),
        };
        match wanted.is_empty() {
            true => 3,
            false => self.dice.one(&wanted),
        }
    }

    fn birth(&mut self) -> Birth {
        Birth {
            nonblock: true,
            cloexec: self.dice.in_a_thousand(100),
        }
    }

    fn ty(&mut self) -> i32 {
        match self.dice.below(100) {
            0 => self.dice.one(&[0, 4, 6, 10, 11, 99, -1]),
            1 | 2 => 3,
            3..40 => 1,
            40..72 => 2,
            _ => 5,
        }
    }

    fn protocol(&mut self) -> i32 {
        match self.dice.below(100) {
            0 => 2,
            1..4 => 1,
            _ => 0,
        }
    }

    /// An address: abstract names and paths, and some that are no address.
    fn address(&mut self) -> Address {
        let prefix = self.range.prefix.as_bytes();
        match self.dice.below(100) {
            0..48 => {
                let name = self.dice.one(&["0", "1", "2"]);
                Address::abstract_name(&[prefix, name.as_bytes()].concat())
            }
            48..52 => Address::abstract_name(&[prefix, b"0\0"].concat()),
            52..54 => Address::abstract_name(&[prefix, b"0\0x"].concat()),
            54 => {
                let mut name = [prefix, b"long"].concat();
                name.resize(PATH_MAX - 1, 0);
                Address::abstract_name(&name)
            }
            55..88 => Address::path(self.dice.one(&PATHS)),
            88 => Address {
                len: 4,
                ..Address::path("pq")
            },
            89 => Address {
                len: 3,
                ..Address::path("p")
            },
            90 => Address {
                len: 110,
                ..Address::path("p")
            },
            91 => Address {
                path: b"p\0bcd".to_vec(),
                len: 8,
                ..Address::path("p")
            },
            92 => Address {
                path: vec![b'x'; PATH_MAX],
                len: 110,
                family: Family::Unix,
            },
            93 => Address::path(self.dice.one(&["no/p", "f/p", "no", "f", "d"])),
            94 => Address::only(self.dice.one(&[Family::Unix, Family::Unspec])),
            95 => Address::only(Family::Unspec),
            96 => Address {
                family: Family::Inet,
                ..Address::path("p")
            },
            97 => Address {
                len: self.dice.one(&[-1, 0, 1, 111, 128, 129]),
                ..Address::path("p")
            },
            _ => Address::only(Family::Unix),
        }
    }

    fn len(&mut self) -> usize {
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

    fn payload(&mut self) -> Payload {
        let start = self.dice.draw() as u8;
        let unit = (0..7).map(|place| start.wrapping_add(place * 29)).collect();
        Payload {
            unit,
            len: self.len(),
        }
    }

    fn control(&mut self, kernel: &Kernel) -> Vec<Ancillary> {
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

    fn claimed(&mut self) -> Claimed {
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
            2 | 3 => Whom::Process(Pid(self.dice.below(3) as u32)),
            _ => Whom::Caller,
        };
        Claimed {
            pid,
            uid: self.dice.one(&self.range.users),
            gid: self.dice.one(&self.range.users),
            spare,
        }
    }

    fn send(&mut self, kernel: &Kernel) -> Call {
        let fd = self.fd(kernel, Wanted::Socket);
        let mut flags = Flags::NOSIGNAL;
        if self.dice.in_a_thousand(20) {
            flags |= self.dice.one(&[Flags::EOR, Flags::MORE, Flags::DONTWAIT]);
        }
        let datagrams =
            kernel
                .descriptor(self.pid, fd)
                .is_some_and(|file| match kernel.file(file).kind {
                    Kind::Socket(sock) => kernel.sock(sock).ty == crate::model::call::Type::Dgram,
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

    fn receive(&mut self, kernel: &Kernel) -> Call {
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

    fn draw(&mut self, kernel: &Kernel) -> Call {
        let many = kernel.process(self.pid).descriptors.len() > 40;
        let few = kernel.process(self.pid).descriptors.len() < 4;
        match self.dice.below(if many { 1000 } else { 940 }) {
            _ if few && self.dice.in_a_thousand(500) => self.make(),
            0..55 => self.make(),
            55..115 => Call::Bind {
                fd: self.fd(kernel, Wanted::Socket),
                address: self.address(),
            },
            115..150 => {
                let backlog = self.dice.one(&[0, 0, 1, 1, 2, 5, -1]);
                Call::Listen {
                    fd: self.fd(kernel, Wanted::Socket),
                    backlog,
                }
            }
            150..215 => Call::Connect {
                fd: self.fd(kernel, Wanted::Socket),
                address: self.address(),
            },
            215..245 => Call::Accept {
                fd: self.fd(kernel, Wanted::Socket),
                birth: self.birth(),
            },
            245..425 => self.send(kernel),
            425..600 => self.receive(kernel),
            600..615 => Call::Write {
                fd: self.fd(kernel, Wanted::Any),
                payload: self.small(),
            },
            615..635 => {
                let len = self.dice.one(&[0, 1, 4, 8, 100, 5000]);
                Call::Read {
                    fd: self.fd(kernel, Wanted::Any),
                    len,
                }
            }
            635..665 => {
                let how =
                    self.dice
                        .one(&[How::Read, How::Write, How::Write, How::Both, How::Invalid]);
                Call::Shutdown {
                    fd: self.fd(kernel, Wanted::Socket),
                    how,
                }
            }
            665..715 => Call::Close {
                fd: self.fd(kernel, Wanted::Any),
            },
            715..770 => self.ask(kernel),
            770..790 => {
                let fd = self.fd(kernel, Wanted::Socket);
                let bytes =
                    self.dice
                        .one(&[1, 2_304, 9_000, 10_000, 106_496, 200_000, 1 << 20, -1]);
                let option = match self.dice.below(10) {
                    0..4 => Set::SndBuf(bytes),
                    4 => Set::RcvBuf(bytes),
                    5 => Set::ReuseAddr,
                    _ => Set::PassCred(self.dice.in_a_thousand(700)),
                };
                Call::Setsockopt { fd, option }
            }
            790..870 => {
                let all = Events::IN | Events::OUT | Events::RDHUP;
                let events =
                    self.dice
                        .one(&[all, all, all, Events::IN, Events::OUT, Events::default()]);
                let fd = match self.dice.in_a_thousand(20) {
                    true => -1,
                    false => self.fd(kernel, Wanted::Any),
                };
                Call::Poll { fd, events }
            }
            870..880 => Call::Dup {
                fd: self.fd(kernel, Wanted::Any),
            },
            880..884 => Call::Dup2 {
                fd: self.fd(kernel, Wanted::Any),
                to: 3 + self.dice.below(12) as Fd,
            },
            884..900 => self.surroundings(kernel),
            900..904 => {
                let open = kernel.process(self.pid).descriptors.keys().next_back();
                let limit = open.map_or(3, |fd| fd + 1) as u32 + self.dice.below(3) as u32;
                Call::LimitFiles {
                    limit: self.dice.one(&[limit, limit, 1024]),
                }
            }
            904..940 => self.ask(kernel),
            _ => Call::Close {
                fd: self.fd(kernel, Wanted::Any),
            },
        }
    }

    fn small(&mut self) -> Payload {
        Payload {
            len: self.dice.one(&[0, 1, 8, 8, 30, 4096, 5000]),
            ..self.payload()
        }
    }

    /// Something new.
    fn make(&mut self) -> Call {
        let birth = self.birth();
        match self.dice.below(20) {
            0..8 => Call::Socket {
                ty: self.ty(),
                protocol: self.protocol(),
                birth,
            },
            8..17 => Call::Socketpair {
                ty: self.ty(),
                protocol: self.protocol(),
                birth,
            },
            17 => Call::Pipe { birth },
            18 => Call::Eventfd {
                value: self.dice.below(3) as u32,
                birth,
            },
            _ => Call::Open {
                path: self.dice.one(&["f", "f", "p", "no", "d/f"]).to_owned(),
                access: self.dice.one(&[Access::Read, Access::Write, Access::Both]),
            },
        }
    }

    /// A question that changes little.
    fn ask(&mut self, kernel: &Kernel) -> Call {
        let fd = self.fd(kernel, Wanted::Socket);
        match self.dice.below(16) {
            0 | 1 => Call::Getsockname { fd },
            2 | 3 => Call::Getpeername { fd },
            4 | 5 => Call::Inq { fd },
            6 | 7 => Call::Outq { fd },
            8 => Call::GetCloexec { fd },
            9 => Call::GetNonblock { fd },
            _ => {
                let option = self.dice.one(&[
                    Asked::Type,
                    Asked::Error,
                    Asked::Error,
                    Asked::AcceptConn,
                    Asked::PeerCred,
                    Asked::SndBuf,
                    Asked::PassCred,
                    Asked::Domain,
                    Asked::Protocol,
                ]);
                Call::Getsockopt { fd, option }
            }
        }
    }

    /// Paths, modes, and what lies around.
    fn surroundings(&mut self, kernel: &Kernel) -> Call {
        let path = self.dice.one(&["p", "q", "d/p", "l", "f", "no"]).to_owned();
        match self.dice.below(12) {
            0..4 => Call::Unlink { path },
            4 => Call::Rename {
                from: path,
                to: self.dice.one(&["p", "q"]).to_owned(),
            },
            5 => Call::Create {
                path: self.dice.one(&["f", "f", "p"]).to_owned(),
            },
            6 => Call::Mkdir {
                path: "d".to_owned(),
                mode: 0o755,
            },
            7 => Call::Symlink {
                target: self.dice.one(&["p", "q", "no"]).to_owned(),
                path: "l".to_owned(),
            },
            8 => Call::Mode { path },
            9 => Call::Umask {
                mask: self.dice.one(&[0, 0o022, 0o077]),
            },
            10 => Call::Fchmod {
                fd: self.fd(kernel, Wanted::Socket),
                mode: self.dice.one(&[0, 0o600, 0o777]),
            },
            _ => {
                let fd = self.fd(kernel, Wanted::Any);
                Call::Seek {
                    fd,
                    offset: self.dice.below(20) as u32,
                }
            }
        }
    }
}

/// What a descriptor should be of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Any,
    Socket,
}
