//! How a sequence of several processes may open: somebody sleeps, and somebody else can wake it.

use super::Range;
use super::opening::{pair, send, socket};
use crate::differential::dice::Dice;
use crate::model::address::Address;
use crate::model::call::{Birth, Call, Fd, Flags, Set};
use crate::model::id::Pid;

const A: Pid = Pid(0);
const B: Pid = Pid(1);
const C: Pid = Pid(2);
/// The first that is forked.
const D: Pid = Pid(3);

/// One of these openings. Descriptors of each process count from 3.
pub(super) fn draw(dice: &mut Dice, range: &Range) -> Vec<(Pid, Call)> {
    let connected = dice.one(&[1, 5]);
    let any = dice.one(&[1, 1, 2, 5]);
    let address = Address::abstract_name(format!("{}0", range.prefix).as_bytes());
    let bind = Call::Bind {
        fd: 3,
        address: address.clone(),
    };
    let connect = Call::Connect { fd: 3, address };
    let mut calls = match dice.below(6) {
        // No room in a listener's queue.
        0 => {
            let mut calls = vec![
                (A, socket(connected)),
                (A, bind),
                (A, Call::Listen { fd: 3, backlog: 0 }),
            ];
            for pid in [B, C] {
                calls.extend([(pid, socket(connected)), (pid, connect.clone())]);
            }
            calls
        }
        // No room in the queue of a receiver of datagrams.
        1 => {
            let mut calls = vec![(A, socket(2)), (A, bind), (B, socket(2)), (B, connect)];
            calls.extend(vec![(B, send(3, 1)); 12]);
            calls
        }
        // Nobody connects.
        2 => vec![
            (A, socket(connected)),
            (A, bind),
            (A, Call::Listen { fd: 3, backlog: 1 }),
            (A, accept(3)),
        ],
        // Nothing to read.
        3 => {
            let mut calls = shared(any);
            calls.push((D, receive(4, dice.one(&[1, 8, 100]), dice)));
            calls
        }
        // No room in a small send buffer.
        4 => {
            let mut calls = shared(any);
            let option = Set::SndBuf(1);
            calls.push((D, Call::Setsockopt { fd: 4, option }));
            calls.extend(vec![(D, send(4, 1)); 8]);
            calls
        }
        // No room for all of it.
        _ => {
            let mut calls = shared(1);
            calls.push((D, send(4, dice.one(&[240_000, 300_000, 500_000]))));
            calls
        }
    };
    for (_, call) in &mut calls {
        block(call);
    }
    calls
}

/// Two processes, each with one end.
fn shared(ty: i32) -> Vec<(Pid, Call)> {
    let close = |fd: Fd| Call::Close { fd };
    vec![(A, pair(ty)), (A, Call::Fork), (A, close(4)), (D, close(3))]
}

fn accept(fd: Fd) -> Call {
    Call::Accept {
        fd,
        birth: Birth::default(),
    }
}

fn receive(fd: Fd, len: usize, dice: &mut Dice) -> Call {
    Call::Receive {
        fd,
        len,
        flags: dice.one(&[Flags::default(), Flags::WAITALL]),
        control: None,
    }
}

/// Has what a call makes block.
pub(super) fn block(call: &mut Call) {
    if let Call::Socket { birth, .. }
    | Call::Socketpair { birth, .. }
    | Call::Accept { birth, .. } = call
    {
        birth.nonblock = false;
    }
}
