//! Every call and every outcome, with every kind of each argument at least once: what is written and
//! read in tests.

use nix::errno::Errno;

use super::words;
use crate::model::address::{Address, Family, Name};
use crate::model::call::{
    Access, Ancillary, Asked, Birth, Call, Claimed, Events, Flags, How, Interest, Payload, Set,
    Whom,
};
use crate::model::id::{Pid, SockId};
use crate::model::outcome::{
    Answer, ControlMessage, Credentials, Outcome, Received, Reported, Wait,
};

const BIRTHS: [Birth; 3] = [
    Birth {
        nonblock: false,
        cloexec: false,
    },
    Birth {
        nonblock: true,
        cloexec: false,
    },
    Birth {
        nonblock: true,
        cloexec: true,
    },
];

fn addresses() -> Vec<Address> {
    let raw = |family, path: &[u8], len| Address {
        family,
        path: path.to_vec(),
        len,
    };
    vec![
        Address::path("dir/s"),
        Address::path("with \"blanks\" and \\"),
        Address::path("ü"),
        Address::path(""),
        Address::abstract_name(b"name"),
        Address::abstract_name(b"a:b=c,d"),
        Address::abstract_name(b"x 0=\0\xff\n\t\x7f"),
        Address::abstract_name(b""),
        Address::only(Family::Unix),
        Address::only(Family::Unspec),
        Address::only(Family::Inet),
        raw(Family::Unix, b"path", 6),
        raw(Family::Unix, b"a\0b", 6),
        raw(Family::Unix, b"", -1),
        raw(Family::Unix, b"", 0),
        raw(Family::Inet, b"path", 7),
        raw(Family::Unspec, b"\0", 3),
        raw(Family::Unix, &[b'x'; 108], 111),
    ]
}

fn payloads() -> Vec<Payload> {
    let of = |unit: &[u8], len| Payload {
        unit: unit.to_vec(),
        len,
    };
    vec![
        Payload::once(b"hello"),
        Payload::once(b""),
        Payload::once(b"\n\t\\\"\0\x01\xff x"),
        of(b"ab", 300),
        of(b"ab", 1),
        of(b"ab", 0),
    ]
}

fn controls() -> Vec<Vec<Ancillary>> {
    let rights = |fds: &[i32], spare| Ancillary::Rights {
        fds: fds.to_vec(),
        spare,
    };
    let creds = |pid, spare| {
        Ancillary::Credentials(Claimed {
            pid,
            uid: 0,
            gid: u32::MAX,
            spare,
        })
    };
    vec![
        vec![],
        vec![rights(&[3, 4], 0)],
        vec![rights(&[], 0), rights(&[-1], 3)],
        vec![creds(Whom::Caller, 0), rights(&[5], 2)],
        vec![creds(Whom::Nobody, 1)],
        vec![creds(Whom::Process(Pid(25)), 0)],
        vec![Ancillary::Short, Ancillary::OtherLevel, Ancillary::Unknown],
    ]
}

/// Every call.
pub(crate) fn calls() -> Vec<Call> {
    let fd = 3;
    let path = || "a b".to_owned();
    let mut calls = vec![
        Call::Listen { fd, backlog: -1 },
        Call::Read { fd, len: 0 },
        Call::Close { fd: -1 },
        Call::Dup { fd },
        Call::Dup2 { fd, to: 9 },
        Call::SetNonblock { fd, on: true },
        Call::SetNonblock { fd, on: false },
        Call::GetNonblock { fd },
        Call::SetCloexec { fd, on: true },
        Call::GetCloexec { fd },
        Call::Getsockname { fd },
        Call::Getpeername { fd },
        Call::Inq { fd },
        Call::Outq { fd },
        Call::Create { path: path() },
        Call::Mkdir {
            path: "d".to_owned(),
            mode: 0o7755,
        },
        Call::Symlink {
            target: "..".to_owned(),
            path: path(),
        },
        Call::Unlink {
            path: String::new(),
        },
        Call::Rename {
            from: "#".to_owned(),
            to: "= é".to_owned(),
        },
        Call::Chmod {
            path: path(),
            mode: 0,
        },
        Call::Chown {
            path: path(),
            uid: 1000,
            gid: u32::MAX,
        },
        Call::Fchmod { fd, mode: 0o600 },
        Call::Mode { path: path() },
        Call::Umask { mask: 0o77 },
        Call::Chdir { path: path() },
        Call::Seek { fd, offset: 7 },
        Call::Fork,
        Call::Exit,
        Call::SetIds {
            real: 0,
            effective: 1000,
        },
        Call::LimitFiles { limit: 10 },
    ];
    for (ty, protocol) in [(1, 0), (2, 1), (3, 0), (5, -2), (10, 0), (-1, 6)] {
        for birth in BIRTHS {
            calls.push(Call::Socket {
                ty,
                protocol,
                birth,
            });
            calls.push(Call::Socketpair {
                ty,
                protocol,
                birth,
            });
        }
    }
    for birth in BIRTHS {
        calls.push(Call::Accept { fd, birth });
        calls.push(Call::Epoll { birth });
        calls.push(Call::Pipe { birth });
        calls.push(Call::Eventfd { value: 3, birth });
    }
    for address in addresses() {
        calls.push(Call::Bind {
            fd,
            address: address.clone(),
        });
        calls.push(Call::Connect { fd, address });
    }
    for payload in payloads() {
        calls.push(Call::Write { fd, payload });
    }
    calls.push(Call::Writev {
        fd,
        pieces: payloads(),
    });
    for (place, (payload, control)) in payloads().into_iter().zip(controls()).enumerate() {
        let set = words::SENDING.iter().take(place * 2);
        calls.push(Call::Send {
            fd,
            payload,
            flags: set.fold(Flags::default(), |all, (_, flag)| all | *flag),
            to: addresses().into_iter().nth(place),
            control,
        });
    }
    for control in controls() {
        let (to, payload) = (None, Payload::once(b"x"));
        let flags = Flags::NOSIGNAL;
        calls.push(Call::Send {
            fd,
            payload,
            flags,
            to,
            control,
        });
    }
    for address in addresses() {
        calls.push(Call::Send {
            fd,
            payload: Payload::once(b""),
            flags: Flags::default(),
            to: Some(address),
            control: Vec::new(),
        });
    }
    for taken in 0..=words::RECEIVING.len() {
        let set = words::RECEIVING.iter().take(taken);
        calls.push(Call::Receive {
            fd,
            len: taken,
            flags: set.fold(Flags::default(), |all, (_, flag)| all | *flag),
            control: (taken > 1).then_some(taken),
        });
    }
    for how in [How::Read, How::Write, How::Both, How::Invalid] {
        calls.push(Call::Shutdown { fd, how });
    }
    for (_, option) in words::ASKED {
        let option: Asked = *option;
        calls.push(Call::Getsockopt { fd, option });
    }
    for option in [
        Set::SndBuf(-1),
        Set::RcvBuf(4096),
        Set::PassCred(true),
        Set::PassCred(false),
        Set::SndTimeo(0),
        Set::RcvTimeo(1_000),
        Set::ReuseAddr,
    ] {
        calls.push(Call::Setsockopt { fd, option });
    }
    for events in [
        Events::default(),
        Events::IN,
        Events::OUT | Events::IN | Events::RDHUP,
    ] {
        calls.push(Call::Poll { fd, events });
    }
    for (events, edge, oneshot) in [
        (Events::default(), false, false),
        (Events::IN, true, false),
        (Events::OUT | Events::RDHUP, false, true),
    ] {
        let interest = Interest {
            events,
            edge,
            oneshot,
        };
        let target = 4;
        calls.push(Call::EpollAdd {
            fd,
            target,
            interest,
        });
        calls.push(Call::EpollModify {
            fd,
            target,
            interest,
        });
    }
    calls.push(Call::EpollDelete { fd, target: -1 });
    calls.push(Call::EpollWait { fd, most: 8 });
    for access in [Access::Read, Access::Write, Access::Both, Access::Path] {
        calls.push(Call::Open {
            path: path(),
            access,
        });
    }
    calls
}

/// Every outcome.
pub(crate) fn outcomes() -> Vec<Outcome> {
    let name = |bytes: &[u8]| Name {
        bytes: bytes.to_vec(),
    };
    let creds = |pid, id| Credentials {
        pid,
        uid: id,
        gid: id,
    };
    let received = |data: &[u8], from, flags, control| {
        Answer::Received(Received {
            count: data.len() + 1,
            data: data.to_vec(),
            from,
            flags,
            control,
            control_len: 40,
        })
    };
    let mixed: Vec<u8> = (0..200u32).map(|at| (at * at / 7) as u8).collect();
    let of = |id, fit| ControlMessage::Credentials {
        of: creds(Some(Pid(1)), id),
        fit,
    };
    let answers = vec![
        Answer::Number(0),
        Answer::Number(-3),
        Answer::Number(i64::MAX),
        Answer::Descriptor(3),
        Answer::Pair(3, 4),
        Answer::Process(Pid(1)),
        Answer::Name(None),
        Answer::Name(Some(name(b"dir/s\0"))),
        Answer::Name(Some(name(b"a b\0"))),
        Answer::Name(Some(name(b"\0"))),
        Answer::Name(Some(name(b"\0\x01 \0"))),
        Answer::Name(Some(name(b"\x0000001"))),
        Answer::Credentials(creds(Some(Pid(0)), 0)),
        Answer::Credentials(creds(None, u32::MAX)),
        Answer::Ready(Events::default()),
        Answer::Ready(Events::IN | Events::HUP | Events::RDHUP),
        Answer::Ready(Events::NVAL),
        Answer::Reported(vec![]),
        Answer::Reported(vec![
            Reported {
                fd: 4,
                events: Events::IN | Events::HUP,
            },
            Reported {
                fd: 5,
                events: Events::OUT,
            },
        ]),
        received(b"", None, Flags::default(), vec![]),
        received(b"5 \"", Some(name(b"s\0")), Flags::TRUNC, vec![]),
        received(
            b"x",
            Some(name(b"\0n")),
            Flags::TRUNC | Flags::CTRUNC,
            vec![of(0, 12), ControlMessage::Rights(vec![5, 6])],
        ),
        received(b"x", None, Flags::CTRUNC, vec![of(7, 4)]),
        received(&b"ab".repeat(150), None, Flags::default(), vec![]),
        received(&mixed, None, Flags::default(), vec![]),
    ];
    let failed = [Errno::EAGAIN, Errno::ETOOMANYREFS, Errno::EOPNOTSUPP];
    let waits = [Wait::Other, Wait::Readable(SockId(3))];
    let done = answers.into_iter().map(Outcome::Done);
    done.chain(failed.into_iter().map(Outcome::Failed))
        .chain(waits.into_iter().map(Outcome::Sleeps))
        .chain([Outcome::BrokenPipe])
        .collect()
}
