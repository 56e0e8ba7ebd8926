//! `unix.lost-descriptors`: the ways in which descriptors that were sent do not arrive, while every
//! call succeeds.

use serde_json::{Map, Value, json};

use super::af_unix::{Connection, connect_quietly};
use super::identity::Act;
use super::order::{Kind, Order, Outcome};
use super::stage::{Actor, Stage};
use super::traffic::Traffic;
use super::{Failure, Nothing, parameters};

/// More than one message can carry: `SCM_MAX_FD` is 253.
const TOO_MANY: usize = 254;

fn traffic(traffic: Traffic) -> Order {
    Order::Traffic(traffic)
}

/// Closes what came with a message, so that the numbers begin anew.
fn put_away(stage: &Stage, receiver: &mut Actor, outcome: &Outcome) -> Result<usize, Failure> {
    let fds = outcome.arrival()?.fds.clone();
    for &fd in &fds {
        stage.quietly(receiver, &Order::Close(fd))?.done()?;
    }
    Ok(fds.len())
}

/// Part a: control buffers of several sizes; part b: credentials that take the room, and a limit on
/// descriptors; part c: plain read, a message without bytes, and too many at once.
pub(super) fn lost(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut sender = stage.actor("sender")?;
    let mut receiver = stage.actor("receiver")?;
    let pair = (&mut receiver, &mut sender);
    let ends = connect_quietly(stage, pair, Kind::Stream, "parcel.sock")?;
    let open = Order::Open("/dev/null".to_owned());
    let mut fds = Vec::new();
    for _ in 0..3 {
        fds.push(stage.quietly(&mut sender, &open)?.descriptor()?);
    }
    let a = rooms(stage, &mut sender, &mut receiver, &ends, &fds)?;
    let b = options(stage, &mut sender, &mut receiver, &ends, &fds)?;
    let c = silence(stage, &mut sender, &mut receiver, fds[0])?;
    Ok(json!({ "a": a, "b": b, "c": c }))
}

fn send(ends: &Connection, bytes: &str, fds: &[i32]) -> Order {
    traffic(Traffic::SendMany(
        ends.client,
        bytes.to_owned(),
        fds.to_vec(),
        1,
    ))
}

fn receive(ends: &Connection, room: usize) -> Order {
    traffic(Traffic::ReceiveWith(ends.server, 100, room))
}

fn rooms(
    stage: &mut Stage,
    sender: &mut Actor,
    receiver: &mut Actor,
    ends: &Connection,
    fds: &[i32],
) -> Result<Value, Failure> {
    stage.part("a");
    let mut arrived = Vec::new();
    let mut cut = Vec::new();
    let mut bytes = Vec::new();
    for room in [0, 20, 24, 32] {
        stage.call(sender, send(ends, "x", fds))?.count()?;
        let outcome = stage.call(receiver, receive(ends, room))?;
        if room == 24 {
            stage.mark();
        }
        let arrival = outcome.arrival()?;
        cut.push(arrival.control_cut);
        bytes.push(arrival.bytes.len());
        arrived.push(put_away(stage, receiver, &outcome)?);
    }
    // What found no room was closed: nothing of it comes with the next call.
    let next = stage.quietly(receiver, &receive(ends, 64))?;
    // Bytes before a message with descriptors may come with it; bytes behind it do not.
    let bytes_only = |text: &str| Order::Write(ends.client, text.to_owned());
    stage.quietly(sender, &bytes_only("AA"))?.count()?;
    let order = send(ends, "BB", &fds[..1]);
    stage.quietly(sender, &order)?.count()?;
    stage.quietly(sender, &bytes_only("CC"))?.count()?;
    let joined = stage.quietly(receiver, &receive(ends, 64))?;
    let joined_count = put_away(stage, receiver, &joined)?;
    let behind = stage.quietly(receiver, &receive(ends, 64))?;
    let text = |outcome: &Outcome| -> Result<String, Failure> {
        let bytes = &outcome.arrival()?.bytes;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    };
    let behind_count = behind.arrival()?.fds.len();
    Ok(json!({
        "joined": text(&joined)?, "joined_count": joined_count, "behind": text(&behind)?,
        "behind_count": behind_count,
        "sent": fds.len(), "none": arrived[0], "one": arrived[1], "two": arrived[2],
        "all": arrived[3], "none_cut": cut[0], "two_cut": cut[2], "all_cut": cut[3],
        "bytes": bytes[0], "next": next.name(), "client_fd": ends.client,
        "server_fd": ends.server, "first": fds[0], "second": fds[1], "third": fds[2],
    }))
}

fn options(
    stage: &mut Stage,
    sender: &mut Actor,
    receiver: &mut Actor,
    ends: &Connection,
    fds: &[i32],
) -> Result<Value, Failure> {
    stage.part("b");
    let order = Order::Identity(Act::PassCredentials(ends.server));
    stage.call(receiver, order)?.done()?;
    stage.call(sender, send(ends, "y", &fds[..1]))?.count()?;
    let small = stage.decisive(receiver, receive(ends, 24))?;
    let credentials = small.arrival()?.credentials.unwrap_or(0);
    let small_cut = small.arrival()?.control_cut;
    let small = put_away(stage, receiver, &small)?;
    stage.call(sender, send(ends, "y", &fds[..1]))?.count()?;
    let large = stage.call(receiver, receive(ends, 64))?;
    let large = put_away(stage, receiver, &large)?;
    // The lowest number that is free is the only one below the limit.
    let order = Order::Duplicate(ends.server);
    let free = stage.quietly(receiver, &order)?.descriptor()?;
    stage.quietly(receiver, &Order::Close(free))?.done()?;
    let limit = u64::from(free.unsigned_abs()) + 1;
    stage
        .call(receiver, traffic(Traffic::LimitDescriptors(limit)))?
        .done()?;
    stage.call(sender, send(ends, "z", fds))?.count()?;
    let limited = stage.call(receiver, receive(ends, 64))?;
    let limited_cut = limited.arrival()?.control_cut;
    let limited_bytes = limited.arrival()?.bytes.len();
    let limited = put_away(stage, receiver, &limited)?;
    stage
        .quietly(receiver, &traffic(Traffic::LimitDescriptors(1024)))?
        .done()?;
    Ok(json!({
        "small": small, "credentials": credentials, "small_cut": small_cut, "large": large,
        "limit": limit, "limited": limited, "limited_cut": limited_cut,
        "limited_bytes": limited_bytes, "sent": fds.len(),
    }))
}

fn silence(
    stage: &mut Stage,
    sender: &mut Actor,
    receiver: &mut Actor,
    file: i32,
) -> Result<Value, Failure> {
    stage.part("c");
    let pair = (&mut *receiver, &mut *sender);
    let ends = connect_quietly(stage, pair, Kind::Stream, "second.sock")?;
    let (out, into) = stage.call(sender, traffic(Traffic::Pipe))?.ends()?;
    stage.call(sender, send(&ends, "p", &[into]))?.count()?;
    stage.call(sender, Order::Close(into))?.done()?;
    let read = stage
        .call(receiver, Order::Read(ends.server, 100))?
        .bytes()?;
    let end = stage.decisive(sender, Order::Read(out, 100))?;
    let end = end.bytes()?.len();
    let empty = stage.call(sender, send(&ends, "", &[file]))?;
    let nothing = stage.call(receiver, receive(&ends, 64))?;
    let many = |times| {
        traffic(Traffic::SendMany(
            ends.client,
            "m".to_owned(),
            vec![file],
            times,
        ))
    };
    let refused = stage.call(sender, many(TOO_MANY))?;
    let sent = stage.call(sender, many(TOO_MANY - 1))?;
    let room = 16 + 4 * TOO_MANY;
    let arrived = stage.call(receiver, receive(&ends, room))?;
    let arrived = put_away(stage, receiver, &arrived)?;
    stage.quietly(sender, &Order::Close(ends.client))?.done()?;
    let ended = stage.quietly(receiver, &receive(&ends, 64))?;
    let ended = ended.arrival()?;
    Ok(json!({
        "ended": ended.bytes.len(), "ended_count": ended.fds.len(),
        "read": read, "end": end, "empty": empty.name(), "empty_count": empty.count()?,
        "nothing": nothing.name(), "too_many": TOO_MANY, "refused": refused.name(),
        "sent": sent.name(), "arrived": arrived, "pipe_fd": out, "written_fd": into,
    }))
}
