//! How a sequence may open: in states that chance alone seldom reaches.

use super::{Range, Who};
use crate::differential::dice::Dice;
use crate::differential::topic::Topic;
use crate::model::address::Address;
use crate::model::call::{Access, Ancillary, Birth, Call, Fd, Flags, How, Payload, Set};

const FRESH: Birth = Birth {
    nonblock: true,
    cloexec: false,
};

pub(super) fn socket(ty: i32) -> Call {
    Call::Socket {
        ty,
        protocol: 0,
        birth: FRESH,
    }
}

pub(super) fn pair(ty: i32) -> Call {
    Call::Socketpair {
        ty,
        protocol: 0,
        birth: FRESH,
    }
}

pub(super) fn send(fd: Fd, len: usize) -> Call {
    let payload = Payload {
        unit: b"opening".to_vec(),
        len,
    };
    Call::Send {
        fd,
        payload,
        flags: Flags::NOSIGNAL,
        to: None,
        control: Vec::new(),
    }
}

fn pass(fd: Fd, len: usize, fds: &[Fd]) -> Call {
    let payload = Payload {
        unit: b"passing".to_vec(),
        len,
    };
    let control = vec![Ancillary::Rights {
        fds: fds.to_vec(),
        spare: 0,
    }];
    Call::Send {
        fd,
        payload,
        flags: Flags::NOSIGNAL,
        to: None,
        control,
    }
}

/// One of the openings. Descriptors count from 3.
pub(super) fn draw(dice: &mut Dice, range: &Range) -> Vec<Call> {
    let name = Address::abstract_name(format!("{}0", range.prefix).as_bytes());
    let path = Address::path("p");
    let address = match range.topic < Topic::Names {
        true => name,
        false => dice.one(&[name, path]),
    };
    let connected = dice.one(&[1, 5]);
    let any = dice.one(&[1, 2, 5]);
    let bind = |fd| Call::Bind {
        fd,
        address: address.clone(),
    };
    let connect = |fd| Call::Connect {
        fd,
        address: address.clone(),
    };
    if range.who == Who::Several && dice.in_a_thousand(150) {
        return of_another(dice, range, any);
    }
    match dice.below(14) {
        // A listener with a connection, which has sent something, perhaps.
        0 | 1 => {
            let backlog = dice.one(&[0, 1, 3]);
            let mut calls = vec![socket(connected), bind(3)];
            if dice.in_a_thousand(200) {
                calls.push(Call::Setsockopt {
                    fd: 3,
                    option: Set::PassCred(true),
                });
            }
            calls.extend([
                Call::Listen { fd: 3, backlog },
                socket(connected),
                connect(4),
            ]);
            if dice.in_a_thousand(500) {
                calls.push(send(4, 5));
            }
            if dice.in_a_thousand(500) {
                calls.push(Call::Accept {
                    fd: 3,
                    birth: FRESH,
                });
            }
            calls
        }
        // A listener whose queue is full.
        2 => {
            let mut calls = vec![
                socket(connected),
                bind(3),
                Call::Listen { fd: 3, backlog: 1 },
            ];
            for fd in 4..7 {
                calls.extend([socket(connected), connect(fd)]);
            }
            calls
        }
        // A full send buffer.
        3 => {
            let mut calls = vec![
                pair(any),
                Call::Setsockopt {
                    fd: 3,
                    option: Set::SndBuf(1),
                },
            ];
            calls.extend(vec![send(3, 1); 8]);
            calls
        }
        4 => {
            let mut calls = vec![pair(any)];
            calls.extend(vec![send(3, 1); 280]);
            calls.extend(vec![
                Call::Receive {
                    fd: 4,
                    len: 1,
                    flags: Flags::default(),
                    control: None
                };
                dice.below(220)
            ]);
            calls
        }
        // One way is closed, with or without something unread.
        5 => vec![
            pair(connected),
            send(3, 4),
            Call::Shutdown {
                fd: 3,
                how: dice.one(&[How::Write, How::Read]),
            },
        ],
        6 => {
            let mut calls = vec![pair(any)];
            if dice.in_a_thousand(600) {
                calls.push(send(4, dice.one(&[0, 1, 4])));
            }
            if dice.in_a_thousand(600) {
                calls.push(send(3, dice.one(&[0, 1, 4])));
            }
            calls.push(Call::Close { fd: 4 });
            calls
        }
        // Descriptors between bytes.
        7 | 8 => {
            let mut calls = vec![
                pair(any),
                Call::Eventfd {
                    value: 1,
                    birth: FRESH,
                },
            ];
            for _ in 0..4 {
                calls.push(match dice.in_a_thousand(500) {
                    true => send(3, 3),
                    false => pass(3, dice.one(&[0, 1, 3]), &[5]),
                });
            }
            calls
        }
        // A receiver of datagrams, and a sender that filled its queue.
        9 => {
            let mut calls = vec![socket(2), bind(3), socket(2), connect(4)];
            calls.extend(vec![send(4, 1); dice.one(&[2, 11, 12])]);
            calls
        }
        // Credentials.
        10 => {
            let on = |fd| Call::Setsockopt {
                fd,
                option: Set::PassCred(true),
            };
            let mut calls = vec![
                pair(any),
                send(3, 2),
                on(dice.one(&[3, 4])),
                send(3, 2),
                send(3, 2),
            ];
            if dice.in_a_thousand(500) {
                calls.push(Call::Close { fd: 3 });
            }
            calls
        }
        // A socket in flight within another.
        11 => vec![
            pair(any),
            pair(connected),
            pass(3, 1, &[5]),
            Call::Close { fd: 5 },
        ],
        // A file whose one offset two descriptors share, one of which came in a message.
        12 => {
            let payload = Payload::once(b"0123456789");
            let read = |fd| Call::Read { fd, len: 2 };
            let mut calls = vec![
                Call::Create {
                    path: "f".to_owned(),
                },
                Call::Open {
                    path: "f".to_owned(),
                    access: Access::Both,
                },
                Call::Write { fd: 3, payload },
                pair(any),
                pass(4, 1, &[3]),
                Call::Seek { fd: 3, offset: 4 },
                Call::Receive {
                    fd: 5,
                    len: 10,
                    flags: Flags::default(),
                    control: Some(64),
                },
            ];
            calls.extend(dice.one(&[[read(6), read(3)], [read(3), read(6)]]));
            calls
        }
        // Mutual peers with something queued.
        _ => vec![pair(2), send(3, 3), send(4, 3), socket(2), bind(5)],
    }
}

/// A process that is somebody else, really or effectively, and whoever it writes to asks who it is.
fn of_another(dice: &mut Dice, range: &Range, ty: i32) -> Vec<Call> {
    let (real, effective) = (dice.one(&range.users), dice.one(&range.users));
    let asks = Call::Setsockopt {
        fd: 4,
        option: Set::PassCred(true),
    };
    let become_somebody = Call::SetIds { real, effective };
    vec![pair(ty), asks, become_somebody, send(3, 2), pair(ty)]
}
