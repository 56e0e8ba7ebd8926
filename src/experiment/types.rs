//! `unix.types`: the same calls on a pair of each type: two writes and one read, an empty message,
//! a message that does not fit, and a peer that closes.

use serde_json::{Map, Value, json};

use super::deed::Deed;
use super::files::Touch;
use super::order::{Kind, Order, Outcome};
use super::setting::bound;
use super::stage::{Actor, Stage};
use super::traffic::Traffic;
use super::{Failure, Nothing, parameters, path};

fn pair(kind: Kind) -> Order {
    Order::Traffic(Traffic::Pair(kind))
}

fn send(fd: i32, text: &str) -> Order {
    Order::On(fd, Deed::Send(text.to_owned()))
}

fn receive(fd: i32) -> Order {
    Order::On(fd, Deed::ReceiveNow(100))
}

fn with_flags(fd: i32, size: usize) -> Order {
    Order::Traffic(Traffic::ReceiveWith(fd, size, 0))
}

/// The bytes, or the name of the error.
fn got(outcome: &Outcome) -> String {
    outcome.bytes().unwrap_or_else(|_| outcome.name())
}

/// Parts a and b of the experiment. One process holds both ends of each pair.
pub(super) fn types(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut both = stage.actor("both")?;

    stage.part("a");
    let (stream, stream_other, one) = boundaries(stage, &mut both, Kind::Stream)?;
    let (packet, packet_other, two) = boundaries(stage, &mut both, Kind::Seqpacket)?;
    stage.mark();
    let (datagram, datagram_other, three) = boundaries(stage, &mut both, Kind::Datagram)?;
    for fd in [packet_other, datagram_other] {
        stage.quietly(&mut both, &receive(fd))?.bytes()?;
    }
    let a = json!({
        "stream": one, "packet": two, "datagram": three, "stream_fd": stream,
        "stream_other": stream_other, "packet_fd": packet, "packet_other": packet_other,
        "datagram_fd": datagram, "datagram_other": datagram_other,
    });

    stage.part("b");
    let long = "0123456789";
    stage.call(&mut both, send(datagram, long))?.count()?;
    let cut = stage.call(&mut both, with_flags(datagram_other, 4))?;
    let cut = cut.arrival()?.clone();
    stage.call(&mut both, send(packet, ""))?.count()?;
    let empty = stage.call(&mut both, receive(packet_other))?;
    stage.call(&mut both, send(packet, "on"))?.count()?;
    let next = stage.call(&mut both, receive(packet_other))?;
    stage.call(&mut both, Order::Close(packet))?.done()?;
    let end = stage.call(&mut both, receive(packet_other))?;
    stage.call(&mut both, Order::Close(datagram))?.done()?;
    let silent = stage.decisive(&mut both, receive(datagram_other))?;
    let refused = stage.call(&mut both, send(datagram_other, "x"))?;
    let flood = flood(stage, &mut both)?;
    let nothing = stage.quietly(&mut both, &send(stream, ""))?;
    let unseen = stage.quietly(&mut both, &receive(stream_other))?;
    let b = json!({
        "cut": String::from_utf8_lossy(&cut.bytes), "told": cut.cut, "long": long,
        "empty": empty.bytes()?.len(), "next": got(&next), "end": end.bytes()?.len(),
        "silent": silent.name(), "refused": refused.name(), "nothing": nothing.name(),
        "unseen": unseen.name(), "waiting": flood.waiting, "full": flood.full,
        "arrived": flood.arrived, "in_order": flood.in_order, "sender": flood.sender,
        "large": flood.large,
    });
    Ok(json!({ "a": a, "b": b }))
}

/// What became of more datagrams than a queue holds.
struct Flood {
    /// How many were sent before one was refused.
    waiting: usize,
    /// The error of the one that was refused.
    full: String,
    /// How many arrived.
    arrived: usize,
    /// Whether they came in the order in which they were sent.
    in_order: bool,
    /// The name of the sender, as the socket has it.
    sender: String,
    /// The error for a packet that is larger than the send buffer.
    large: String,
}

/// More datagrams than any queue here holds.
const MANY: usize = 100_000;

/// A packet that is larger than any send buffer that one gets unasked, in bytes.
const LARGE: usize = 16 << 20;

/// Sends numbered datagrams to a socket that does not receive, until one is refused; then receives.
fn flood(stage: &Stage, both: &mut Actor) -> Result<Flood, Failure> {
    let name = "log.sock";
    let log = bound(stage, both, Kind::Datagram, name)?;
    let order = Order::Traffic(Traffic::Nonblocking(Kind::Datagram));
    let sender = stage.quietly(both, &order)?.descriptor()?;
    let order = Order::Connect(sender, path(name));
    stage.quietly(both, &order)?.done()?;
    let mut waiting = 0;
    let full = loop {
        let sent = stage.quietly(both, &send(sender, &waiting.to_string()))?;
        if sent.result.is_err() {
            break sent.name();
        }
        waiting += 1;
        if waiting == MANY {
            return Err(Failure::Fault("the queue has no end".to_owned()));
        }
    };
    let (mut arrived, mut in_order) = (0, true);
    while let Ok(text) = stage.quietly(both, &receive(log))?.bytes() {
        in_order &= text == arrived.to_string();
        arrived += 1;
    }
    let own = stage.quietly(both, &Order::On(sender, Deed::Name))?;
    let (packet, _) = stage.quietly(both, &pair(Kind::Seqpacket))?.ends()?;
    let large = Order::File(Touch::WriteMany(packet, LARGE));
    let large = stage.quietly(both, &large)?;
    Ok(Flood {
        waiting,
        full,
        arrived,
        in_order,
        sender: own.told()?.to_owned(),
        large: large.name(),
    })
}

/// Two writes and one read on a new pair: both descriptors, and what the read gave.
fn boundaries(
    stage: &mut Stage,
    both: &mut Actor,
    kind: Kind,
) -> Result<(i32, i32, String), Failure> {
    let (one, other) = stage.call(both, pair(kind))?.ends()?;
    for text in ["abc", "def"] {
        stage
            .call(both, Order::Write(one, text.to_owned()))?
            .count()?;
    }
    let read = stage.call(both, receive(other))?;
    Ok((one, other, got(&read)))
}
