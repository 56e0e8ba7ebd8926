//! What waits, and how much of it one call takes: `unix.bytes`, `unix.types`, `unix.listen`,
//! `unix.queue`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Type, length, letters, received, within};
use crate::experiment::af_unix::connect_quietly;
use crate::experiment::deed::Deed;
use crate::experiment::order::{Kind, Order};
use crate::experiment::setting::{bound, hasty, socket};
use crate::experiment::stage::{Actor, Stage};
use crate::experiment::traffic::Traffic;
use crate::experiment::{Failure, parameters, path};

/// Room for all that is sent here, in bytes.
const PLENTY: usize = 100;

fn now(fd: i32, room: usize) -> Order {
    Order::On(fd, Deed::ReceiveNow(room))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Bytes {
    /// Bytes of the first write.
    first: usize,
    /// Bytes of the second.
    second: usize,
    /// Room of the first read on the stream.
    room: usize,
    /// Room of the first read of a packet.
    packet_room: usize,
}

impl Default for Bytes {
    fn default() -> Self {
        Self {
            first: 6,
            second: 6,
            room: PLENTY,
            packet_room: 4,
        }
    }
}

/// Two writes and two reads, on a stream and on SOCK_SEQPACKET.
pub fn bytes(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Bytes {
        first,
        second,
        room,
        packet_room,
    } = parameters(params)?;
    within("first", first, (1, 40))?;
    within("second", second, (1, 40))?;
    within("room", room, (1, PLENTY))?;
    within("packet_room", packet_room, (1, PLENTY))?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    stage.part("a");
    let mut counts = Vec::new();
    for (kind, name, room) in [
        (Kind::Stream, "stream.sock", room),
        (Kind::Seqpacket, "packet.sock", packet_room),
    ] {
        let ends = connect_quietly(stage, (&mut server, &mut client), kind, name)?;
        for size in [first, second] {
            let order = Order::Write(ends.client, letters(size));
            stage.call(&mut client, order)?.done()?;
        }
        let read = stage.decisive(&mut server, now(ends.server, room))?;
        let next = stage.decisive(&mut server, now(ends.server, PLENTY))?;
        counts.push((length(&read), length(&next)));
    }
    let a = json!({
        "stream": counts[0].0, "stream_next": counts[0].1, "packet": counts[1].0,
        "packet_next": counts[1].1,
    });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Types {
    /// Of both ends.
    kind: Type,
    /// How many messages are sent.
    messages: usize,
    /// Bytes of each.
    size: usize,
    /// Bytes of the long message.
    long: usize,
    /// Room for it.
    room: usize,
}

impl Default for Types {
    fn default() -> Self {
        Self {
            kind: Type::Stream,
            messages: 2,
            size: 3,
            long: 10,
            room: 4,
        }
    }
}

/// Messages that are all received, one that does not fit, and a peer that closes.
pub fn types(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Types {
        kind,
        messages,
        size,
        long,
        room,
    } = parameters(params)?;
    within("messages", messages, (1, 8))?;
    within("size", size, (1, 10))?;
    within("long", long, (1, PLENTY))?;
    within("room", room, (1, long))?;
    let mut both = stage.actor("both")?;
    stage.part("a");
    let order = Order::Traffic(Traffic::Pair(kind.kind()));
    let (one, other) = stage.call(&mut both, order)?.ends()?;
    for _ in 0..messages {
        let order = Order::Write(one, letters(size));
        stage.call(&mut both, order)?.done()?;
    }
    let mut receives = 0;
    while received(&stage.call(&mut both, now(other, PLENTY))?) == "data" {
        receives += 1;
    }
    stage.mark();
    let order = Order::Write(one, letters(long));
    stage.call(&mut both, order)?.done()?;
    stage.call(&mut both, now(other, room))?.bytes()?;
    let left = stage.decisive(&mut both, now(other, PLENTY))?;
    stage.call(&mut both, Order::Close(one))?.done()?;
    let end = stage.decisive(&mut both, now(other, PLENTY))?;
    let a = json!({ "receives": receives, "left": length(&left), "end": received(&end) });
    Ok(json!({ "a": a }))
}

/// What a server has done when the client first connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ready {
    Socket,
    Bind,
    Listen,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Listen {
    /// The last call of the server before the first connect.
    after: Ready,
    /// How often the client writes before it closes.
    messages: usize,
    /// Bytes of each write.
    size: usize,
    /// Room of the server's read.
    room: usize,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            after: Ready::Bind,
            messages: 1,
            size: 5,
            room: PLENTY,
        }
    }
}

/// A client that connects early, and one that is gone before accept.
pub fn listen(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Listen {
        after,
        messages,
        size,
        room,
    } = parameters(params)?;
    within("messages", messages, (1, 8))?;
    within("size", size, (1, 10))?;
    within("room", room, (1, PLENTY))?;
    let name = "echo.sock";
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    stage.part("a");
    let own = hasty(stage, &mut client)?;
    let connect = || Order::Connect(own, path(name));
    let listener = socket(stage, &mut server, Kind::Stream)?;
    let mut early = None;
    if after == Ready::Socket {
        early = Some(stage.decisive(&mut client, connect())?);
    }
    stage
        .call(&mut server, Order::Bind(listener, path(name)))?
        .done()?;
    if after == Ready::Bind {
        early = Some(stage.decisive(&mut client, connect())?);
    }
    stage
        .call(&mut server, Order::Listen(listener, 5))?
        .done()?;
    let connected = match early {
        Some(_) => stage.call(&mut client, connect())?,
        None => stage.decisive(&mut client, connect())?,
    };
    connected.done()?;
    let early = early.unwrap_or(connected);
    for _ in 0..messages {
        let order = Order::Write(own, letters(size));
        stage.call(&mut client, order)?.done()?;
    }
    stage.call(&mut client, Order::Close(own))?.done()?;
    let accepted = stage.call(&mut server, Order::Accept(listener))?;
    let accepted = accepted.descriptor()?;
    let read = stage.decisive(&mut server, now(accepted, room))?;
    let next = stage.call(&mut server, now(accepted, PLENTY))?;
    let a = json!({
        "early": early.name(), "count": length(&read), "next": length(&next),
    });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Queue {
    /// What listen is told.
    backlog: i32,
    /// How often the server then accepts.
    accepted: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            backlog: 2,
            accepted: 1,
        }
    }
}

/// A queue that is filled, served a little, filled again, and closed.
pub fn queue(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Queue { backlog, accepted } = parameters(params)?;
    within("backlog", backlog, (0, 10))?;
    within(
        "accepted",
        accepted,
        (0, 1 + backlog.unsigned_abs() as usize),
    )?;
    let name = "desk.sock";
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    stage.part("a");
    let listening = bound(stage, &mut server, Kind::Stream, name)?;
    stage
        .call(&mut server, Order::Listen(listening, backlog))?
        .done()?;
    let (mut clients, full) = fill(stage, &mut client, name)?;
    let waiting = clients.len();
    stage.mark();
    for _ in 0..accepted {
        stage
            .call(&mut server, Order::Accept(listening))?
            .descriptor()?;
    }
    let (later, _) = fill(stage, &mut client, name)?;
    let more = later.len();
    clients.extend(later);
    stage.call(&mut server, Order::Close(listening))?.done()?;
    let mut reset = 0;
    for &fd in &clients {
        let read = stage.quietly(&mut client, &now(fd, PLENTY))?;
        reset += usize::from(read.name() == "ECONNRESET");
    }
    let call = format!("recv(), on each of the {}", clients.len());
    stage.note(
        "client",
        &call,
        &format!("-1 ECONNRESET on {reset} of them"),
    );
    stage.mark();
    let a = json!({ "waiting": waiting, "full": full, "more": more, "reset": reset });
    Ok(json!({ "a": a }))
}

/// Connects new sockets until one fails: those that succeeded, and the error.
fn fill(stage: &mut Stage, client: &mut Actor, name: &str) -> Result<(Vec<i32>, String), Failure> {
    let mut waiting = Vec::new();
    loop {
        let fd = hasty(stage, client)?;
        let outcome = stage.call(client, Order::Connect(fd, path(name)))?;
        if outcome.result.is_err() {
            return Ok((waiting, outcome.name()));
        }
        waiting.push(fd);
        if waiting.len() > 20 {
            return Err(Failure::Fault("the queue has no end".to_owned()));
        }
    }
}
