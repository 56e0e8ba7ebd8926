//! Calls made up by chance, so that a sequence gets into states that nobody thinks of.
//!
//! The next call depends on the model's state: it names descriptors that are there (and some that are
//! not), so that most calls do something. What is drawn is written down, so nothing here is needed to
//! repeat it.

mod company;
mod messages;
mod opening;
mod places;
mod sets;
mod waiting;

use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::sequence::KEPT;
use super::topic::Topic;
use crate::model::call::{Access, Ancillary, Asked, Birth, Call, Events, Fd, How, Set};
use crate::model::file::{Kind, Process};
use crate::model::id::Pid;
use crate::model::kernel::Kernel;

/// `RLIMIT_NOFILE` of a fresh process.
pub(super) const FIRST_LIMIT: u32 = 1024;

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
    /// Which calls.
    pub topic: Topic,
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

impl Who {
    /// `RLIMIT_NOFILE` of a fresh process: agents listen above theirs.
    pub(super) fn first_limit(self) -> u32 {
        match self {
            Self::One => FIRST_LIMIT,
            Self::Several => KEPT as u32,
        }
    }

    /// Whether others may be the same user as a process.
    pub(super) fn shares_user(self, process: &Process) -> bool {
        self == Self::One || process.uid == 0 || process.euid == 0
    }
}

/// Makes up calls.
#[derive(Debug)]
pub struct Generator<'a> {
    dice: &'a mut Dice,
    range: &'a Range,
    /// Who makes the next call.
    pid: Pid,
    /// Whether the first process forks as soon as it has opened.
    shares: bool,
    /// Whether the first process has a set of epoll(7) watch all it has, as soon as it has opened.
    watches: bool,
    /// Calls that were decided on and not yet made, the next one last.
    due: Vec<(Pid, Call)>,
}

impl<'a> Generator<'a> {
    /// A generator for one sequence.
    pub fn new(dice: &'a mut Dice, range: &'a Range) -> Self {
        let several = range.who == Who::Several;
        let due = match several && dice.in_a_thousand(250) {
            true => waiting::draw(dice, range),
            false => Self::opening(dice, range),
        };
        let shares = several && dice.in_a_thousand(600);
        let watches = range.topic == Topic::Everything && dice.in_a_thousand(120);
        Self {
            due: due.into_iter().rev().collect(),
            dice,
            range,
            pid: Pid(0),
            shares,
            watches,
        }
    }

    /// What the first process begins with.
    fn opening(dice: &mut Dice, range: &Range) -> Vec<(Pid, Call)> {
        let mut calls = match dice.in_a_thousand(450) {
            true => opening::draw(dice, range),
            false => Vec::new(),
        };
        if !range.topic.has_opening(&calls) {
            calls.clear();
        }
        if range.who == Who::Several && dice.in_a_thousand(500) {
            // Who sleeps can be woken only where there are others.
            calls.iter_mut().for_each(waiting::block);
        }
        calls.into_iter().map(|call| (Pid(0), call)).collect()
    }

    /// The next call, and who makes it.
    pub fn next(&mut self, kernel: &Kernel) -> (Pid, Call) {
        let call = self.due(kernel).unwrap_or_else(|| self.choose(kernel));
        (self.pid, self.without_shared_limit(kernel, call))
    }

    /// What was decided on, if whoever was to do it can.
    fn due(&mut self, kernel: &Kernel) -> Option<Call> {
        let (pid, call) = self.due.pop()?;
        if !kernel.has_process(pid) || kernel.sleeper(pid).is_some() {
            self.due.clear();
            return None;
        }
        self.pid = pid;
        Some(call)
    }

    /// A new call; sometimes it is to be made over and over.
    fn choose(&mut self, kernel: &Kernel) -> Call {
        if self.range.topic == Topic::Everything
            && kernel.has_process(self.pid)
            && kernel.sleeper(self.pid).is_none()
            && let Some(call) = self.about_sets(kernel)
        {
            return call;
        }
        if self.range.who == Who::Several
            && let Some(call) = self.among_several(kernel)
        {
            return call;
        }
        let call = loop {
            let call = self.draw(kernel);
            if self.range.topic.has(&call) {
                break call;
            }
        };
        if self.dice.in_a_thousand(50) {
            // Once more, and again: queues fill only so.
            let times = 1 + self.dice.below(15);
            self.due = vec![(self.pid, call.clone()); times];
        }
        if let Call::Bind { fd, .. } = call
            && self.range.topic == Topic::Everything
            && self.dice.in_a_thousand(50)
        {
            // Does a mode of the socket reach the node that it is bound to?
            let path = self.dice.one(&["p", "q"]).to_owned();
            let calls = [Call::Mode { path }, Call::Fchmod { fd, mode: 0o600 }];
            self.due = calls.map(|call| (self.pid, call)).into();
        }
        call
    }

    /// What there is to do only where there are others; decides who makes the next call.
    fn among_several(&mut self, kernel: &Kernel) -> Option<Call> {
        if self.dice.in_a_thousand(500)
            && let Some((pid, call)) = self.rouse(kernel)
        {
            self.pid = pid;
            return Some(call);
        }
        let here = kernel.has_process(self.pid) && kernel.sleeper(self.pid).is_none();
        if std::mem::take(&mut self.shares) && here {
            return self.share(kernel);
        }
        // Whoever has just done something often goes on.
        if self.dice.in_a_thousand(400) || !here {
            self.pid = self.next_process(kernel);
        }
        match self.dice.below(1000) {
            0..40 => Some(self.permissions()),
            40..52 => self.share(kernel),
            52..300 => self.fall_asleep(kernel),
            300..310 => Some(self.of_several_pieces(kernel)),
            310..314 => Some(Call::Open {
                path: self.dice.one(&["f", "p", "no", "d", "l"]).to_owned(),
                access: Access::Path,
            }),
            314..318 if self.may_end(kernel) => Some(Call::Exit),
            _ => None,
        }
    }

    /// Leaves out descriptors to pass where it is not only this sequence that decides whether they may
    /// go: what a user has in flight is counted over all processes of that user, and compared with a
    /// limit that may be low (`too_many_unix_fds`). Users of a sequence's own have nobody else.
    fn without_shared_limit(&self, kernel: &Kernel, mut call: Call) -> Call {
        let process = kernel.process(self.pid);
        if let Call::Send { control, .. } = &mut call
            && process.limit < self.range.who.first_limit()
            && self.range.who.shares_user(process)
        {
            control.retain(|control| !matches!(control, Ancillary::Rights { .. }));
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
        // Who sleeps can be woken only where there are others.
        let blocks = self.range.who == Who::Several && self.dice.in_a_thousand(300);
        Birth {
            nonblock: !blocks,
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
                    limit: self.dice.one(&[limit, limit, self.range.who.first_limit()]),
                }
            }
            904..908 => Call::SetCloexec {
                fd: self.fd(kernel, Wanted::Any),
                on: self.dice.in_a_thousand(500),
            },
            908..912 => Call::SetNonblock {
                fd: self.fd(kernel, Wanted::Any),
                on: self.range.topic != Topic::Descriptors || self.dice.in_a_thousand(500),
            },
            912..940 => self.ask(kernel),
            _ => Call::Close {
                fd: self.fd(kernel, Wanted::Any),
            },
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
            4 => Call::Inq { fd },
            5 => Call::Inq {
                fd: self.fd(kernel, Wanted::Any),
            },
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
}

/// What a descriptor should be of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Any,
    Socket,
}
