//! What several processes do with one another: one forks, and each keeps some of what both have; one
//! sleeps, and another does what may wake it.

use std::collections::BTreeSet;

use super::Generator;
use crate::model::address::{Address, Name};
use crate::model::call::{Asked, Call, Fd, Flags, How, Payload, Set, Type};
use crate::model::file::Kind;
use crate::model::id::{Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::Wait;
use crate::model::sleeper::Sleeper;
use crate::model::socket::{Socket, State};

/// How many processes a sequence may have had.
const PROCESSES: u32 = 8;
/// Those that are there from the beginning stay: others name them as senders.
const FIRST_OF_A_FORK: Pid = Pid(3);

impl Generator<'_> {
    /// Who makes the next call: not one that sleeps, or it gets a signal.
    pub(super) fn next_process(&mut self, kernel: &Kernel) -> Pid {
        let all: Vec<Pid> = kernel.processes().map(|(pid, _)| pid).collect();
        let awake: Vec<Pid> = all
            .iter()
            .copied()
            .filter(|pid| kernel.sleeper(*pid).is_none())
            .collect();
        match awake.is_empty() || self.dice.in_a_thousand(15) {
            true => self.dice.one(&all),
            false => self.dice.one(&awake),
        }
    }

    /// A call that sleeps, perhaps, at a socket whose other end somebody else has.
    pub(super) fn fall_asleep(&mut self, kernel: &Kernel) -> Option<Call> {
        let held: BTreeSet<SockId> = kernel
            .processes()
            .filter(|(pid, _)| *pid != self.pid && kernel.sleeper(*pid).is_none())
            .flat_map(|(_, process)| process.descriptors.values())
            .filter_map(|slot| match kernel.file(slot.file).kind {
                Kind::Socket(sock) => Some(sock),
                _ => None,
            })
            .collect();
        let mine = kernel.process(self.pid).descriptors.iter();
        let fitting: Vec<(Fd, SockId)> = mine
            .filter(|(_, slot)| !kernel.file(slot.file).nonblock)
            .filter_map(|(fd, slot)| match kernel.file(slot.file).kind {
                Kind::Socket(sock) => Some((*fd, sock)),
                _ => None,
            })
            .filter(|(_, sock)| {
                let socket = kernel.sock(*sock);
                socket.state == State::Listen
                    || socket.peer.is_some_and(|peer| held.contains(&peer))
            })
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let (fd, sock) = self.dice.one(&fitting);
        let socket = kernel.sock(sock);
        let call = match socket.state {
            State::Listen => self.accept(),
            _ if self.dice.in_a_thousand(250) => {
                // More than there is room for, where that is not much.
                let len = match socket.sndbuf {
                    0..20_000 => self.dice.one(&[1, 700, 1_900, 5_000]),
                    _ => self.dice.one(&[1, 40_000, 300_000]),
                };
                let payload = self.payload();
                self.bytes(Payload { len, ..payload })
            }
            _ => return Some(at(self.receive(kernel), fd)),
        };
        Some(at(call, fd))
    }

    /// What wakes a process that sleeps, perhaps, and who makes that call.
    pub(super) fn rouse(&mut self, kernel: &Kernel) -> Option<(Pid, Call)> {
        let sleepers = kernel.sleepers();
        if sleepers.is_empty() {
            return None;
        }
        let sleeper = &sleepers[self.dice.below(sleepers.len())];
        if self.dice.in_a_thousand(150)
            && let Some(call) = self.meddle(kernel, sleeper)
        {
            return Some(call);
        }
        let (sock, call) = match sleeper.wait {
            Wait::Readable(sock) => match self.dice.below(10) {
                0 => (Near(sock), self.end()),
                1 | 2 => (Far(sock), self.end()),
                _ => (Far(sock), self.some_bytes()),
            },
            Wait::Room(sock) => match self.dice.below(10) {
                0 => (Near(sock), self.end()),
                1 => (Far(sock), self.end()),
                2..5 => (Far(sock), self.some_bytes()),
                _ => (Far(sock), self.take()),
            },
            Wait::Queue(sock) => match (kernel.sock(sock).ty, self.dice.below(10)) {
                (_, 0) => (Near(sock), self.end()),
                (Type::Dgram, _) => (Near(sock), self.take()),
                _ => (Near(sock), self.accept()),
            },
            Wait::Connection(sock) => match self.dice.below(10) {
                0 => (Near(sock), self.end()),
                _ => return self.connect_to(kernel, sock),
            },
            Wait::Other => return self.other_end(kernel, sleeper),
        };
        let who = self.holder(kernel, |socket, one| match sock {
            Near(sock) => one == sock,
            Far(sock) => socket.peer == Some(sock),
        });
        match who {
            Some((pid, fd)) => Some((pid, at(call, fd))),
            // Nobody can: it gets a signal, sooner or later.
            None => self
                .dice
                .in_a_thousand(200)
                .then_some((sleeper.pid, Call::GetNonblock { fd: 3 })),
        }
    }

    /// Something else at the very socket that a process sleeps at: how it goes on must not depend on it, or
    /// just so.
    fn meddle(&mut self, kernel: &Kernel, sleeper: &Sleeper) -> Option<(Pid, Call)> {
        let file = kernel.descriptor(sleeper.pid, sleeper.call.fd()?)?;
        let Kind::Socket(sock) = kernel.file(file).kind else {
            return None;
        };
        let (pid, fd) = self.holder(kernel, |_, one| one == sock)?;
        let call = match self.dice.below(10) {
            0..3 => Call::Outq { fd },
            3 => Call::Inq { fd },
            4 => Call::Getsockopt {
                fd,
                option: Asked::Error,
            },
            5 => Call::Setsockopt {
                fd,
                option: Set::SndBuf(self.dice.one(&[1, 9_000, 200_000])),
            },
            6 => Call::Connect {
                fd,
                address: self.address(),
            },
            7 => Call::SetNonblock { fd, on: true },
            _ => at(self.end(), fd),
        };
        Some((pid, call))
    }

    /// Who is awake and has a descriptor of such a socket.
    fn holder(
        &mut self,
        kernel: &Kernel,
        fits: impl Fn(&Socket, SockId) -> bool,
    ) -> Option<(Pid, Fd)> {
        self.descriptor(kernel, |kind| match kind {
            Kind::Socket(sock) => fits(kernel.sock(sock), sock),
            _ => false,
        })
    }

    fn descriptor(&mut self, kernel: &Kernel, fits: impl Fn(Kind) -> bool) -> Option<(Pid, Fd)> {
        let awake = kernel
            .processes()
            .filter(|(pid, _)| kernel.sleeper(*pid).is_none());
        let fitting: Vec<(Pid, Fd)> = awake
            .flat_map(|(pid, process)| {
                let slots = process.descriptors.iter();
                slots.map(move |(fd, slot)| (pid, *fd, kernel.file(slot.file).kind))
            })
            .filter(|(_, _, kind)| fits(*kind))
            .map(|(pid, fd, _)| (pid, fd))
            .collect();
        (!fitting.is_empty()).then(|| self.dice.one(&fitting))
    }

    fn connect_to(&mut self, kernel: &Kernel, listener: SockId) -> Option<(Pid, Call)> {
        let listener = kernel.sock(listener);
        let ty = listener.ty;
        let fresh = |socket: &Socket, _| {
            socket.ty == ty && socket.state == State::Close && socket.peer.is_none()
        };
        let name = listener.name.as_ref()?;
        match self.holder(kernel, fresh) {
            Some((pid, fd)) => {
                let address = self.address_of(name)?;
                Some((pid, Call::Connect { fd, address }))
            }
            None => {
                let call = Call::Socket {
                    ty: if ty == Type::Seqpacket { 5 } else { 1 },
                    protocol: 0,
                    birth: self.birth(),
                };
                Some((self.next_process(kernel), call))
            }
        }
    }

    fn other_end(&mut self, kernel: &Kernel, sleeper: &Sleeper) -> Option<(Pid, Call)> {
        let Call::Read { fd, .. } = sleeper.call else {
            return None;
        };
        let file = kernel.descriptor(sleeper.pid, fd)?;
        let kind = kernel.file(file).kind;
        let (pid, fd) = self.descriptor(kernel, |other| match (kind, other) {
            (Kind::PipeOut(pipe), Kind::PipeIn(other)) => pipe == other,
            (Kind::Eventfd { .. }, _) => kind == other,
            _ => false,
        })?;
        let payload = Payload {
            unit: vec![1, 0, 0, 0, 0, 0, 0, 0],
            len: 8,
        };
        let call = match self.dice.below(5) {
            0 => Call::Close { fd },
            _ => Call::Write { fd, payload },
        };
        Some((pid, call))
    }

    /// A process forks; of each descriptor that there is now twice, one of the two may be closed.
    pub(super) fn share(&mut self, kernel: &Kernel) -> Option<Call> {
        let child = Pid(kernel.last_process().0 + 1);
        if child.0 >= PROCESSES {
            return None;
        }
        for fd in kernel.process(self.pid).descriptors.keys() {
            match self.dice.below(10) {
                0..4 => self.due.push((self.pid, Call::Close { fd: *fd })),
                4..8 => self.due.push((child, Call::Close { fd: *fd })),
                _ => {}
            }
        }
        Some(Call::Fork)
    }

    /// The address that a name has; Linux and the model draw names differently, so not of one that was
    /// drawn.
    fn address_of(&self, name: &Name) -> Option<Address> {
        match name.as_path() {
            Some(path) => Some(Address::path(str::from_utf8(path).ok()?)),
            None => {
                let bytes = name.bytes.get(1..)?;
                let ours = bytes.starts_with(self.range.prefix.as_bytes());
                ours.then(|| Address::abstract_name(bytes))
            }
        }
    }

    /// Whether this process may end.
    pub(super) fn may_end(&self, kernel: &Kernel) -> bool {
        self.pid >= FIRST_OF_A_FORK && kernel.process(self.pid).uid != 0
    }

    fn end(&mut self) -> Call {
        match self.dice.below(3) {
            0 => Call::Close { fd: 0 },
            _ => Call::Shutdown {
                fd: 0,
                how: self.dice.one(&[How::Read, How::Write, How::Both]),
            },
        }
    }

    fn some_bytes(&mut self) -> Call {
        let payload = self.small();
        self.bytes(payload)
    }

    fn bytes(&self, payload: Payload) -> Call {
        Call::Send {
            fd: 0,
            payload,
            flags: Flags::NOSIGNAL,
            to: None,
            control: Vec::new(),
        }
    }

    fn take(&mut self) -> Call {
        Call::Receive {
            fd: 0,
            len: self.dice.one(&[1, 5_000, 40_000, 200_000]),
            flags: Flags::default(),
            control: None,
        }
    }

    fn accept(&mut self) -> Call {
        Call::Accept {
            fd: 0,
            birth: self.birth(),
        }
    }
}

/// Which end a call is for: that of whoever sleeps, or the other.
#[derive(Clone, Copy)]
enum End {
    Near(SockId),
    Far(SockId),
}
use End::{Far, Near};

/// A call at another descriptor.
fn at(mut call: Call, at: Fd) -> Call {
    match &mut call {
        Call::Close { fd }
        | Call::Shutdown { fd, .. }
        | Call::Send { fd, .. }
        | Call::Receive { fd, .. }
        | Call::Accept { fd, .. } => *fd = at,
        _ => {}
    }
    call
}
