//! `unix.queue`: what waits in front of accept, what connect says when there is no more room, and
//! what becomes of those who wait when the listener closes.

use serde_json::{Map, Value, json};

use super::order::{Kind, Order};
use super::setting::{bound, hasty, listener, socket};
use super::stage::{Actor, Stage};
use super::traffic::Traffic;
use super::{Failure, Nothing, parameters, path};

/// What listen is told.
const BACKLOG: i32 = 2;

/// How long a client waits for room, in milliseconds.
const PATIENCE: u64 = 50;

fn traffic(traffic: Traffic) -> Order {
    Order::Traffic(traffic)
}

/// Connects new sockets until one fails: those that succeeded, and the one that did not.
fn fill(
    stage: &mut Stage,
    client: &mut Actor,
    name: &str,
) -> Result<(Vec<i32>, i32, String), Failure> {
    let mut waiting = Vec::new();
    loop {
        let fd = hasty(stage, client)?;
        let outcome = stage.call(client, Order::Connect(fd, path(name)))?;
        if outcome.result.is_err() {
            stage.mark();
            return Ok((waiting, fd, outcome.name()));
        }
        waiting.push(fd);
        if waiting.len() > 10 {
            return Err(Failure::Fault("the queue has no end".to_owned()));
        }
    }
}

/// Part a: clients connect until there is no more room, and one of them sends; part b: a client
/// waits for room, and the listener closes.
pub(super) fn queue(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let name = "desk.sock";
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;

    stage.part("a");
    let listening = bound(stage, &mut server, Kind::Stream, name)?;
    stage
        .call(&mut server, Order::Listen(listening, BACKLOG))?
        .done()?;
    let (waiting, late, full) = fill(stage, &mut client, name)?;
    let polled = stage.call(&mut client, traffic(Traffic::PollNow(late)))?;
    let word = "first";
    let order = Order::Write(waiting[0], word.to_owned());
    let sent = stage.call(&mut client, order)?;
    let accepted = stage
        .call(&mut server, Order::Accept(listening))?
        .descriptor()?;
    let read = stage
        .call(&mut server, Order::Read(accepted, 100))?
        .bytes()?;
    let again = stage.call(&mut client, Order::Connect(late, path(name)))?;
    let (smallest, kept) = smallest_queue(stage, &mut server, &mut client)?;
    let a = json!({
        "backlog": BACKLOG, "waiting": waiting.len(), "full": full, "polled": polled.told()?,
        "sent": sent.name(), "word": word, "read": read, "again": again.name(),
        "smallest": smallest, "kept": kept, "listener_fd": listening, "first_fd": waiting[0],
        "last_fd": waiting[waiting.len() - 1], "late_fd": late, "accepted_fd": accepted,
    });

    stage.part("b");
    let patient = socket(stage, &mut client, Kind::Stream)?;
    let order = traffic(Traffic::SendTimeout(patient, PATIENCE));
    stage.call(&mut client, order)?.done()?;
    let timed_out = stage.call(&mut client, Order::Connect(patient, path(name)))?;
    stage.call(&mut server, Order::Close(listening))?.done()?;
    let reset = stage.decisive(&mut client, Order::Read(late, 100))?;
    let after = stage.call(&mut client, Order::Read(late, 100))?;
    let refused = stage.call(&mut client, Order::Connect(patient, path(name)))?;
    let order = Order::Write(accepted, "served".to_owned());
    let served = stage.call(&mut server, order)?;
    let answer = stage.call(&mut client, Order::Read(waiting[0], 100))?;
    let b = json!({
        "patience": PATIENCE, "timed_out": timed_out.name(), "reset": reset.name(),
        "after": after.bytes()?.len(), "refused": refused.name(), "served": served.name(),
        "answer": answer.bytes()?, "late_fd": late, "first_fd": waiting[0],
    });
    Ok(json!({ "a": a, "b": b }))
}

/// How many clients a listener with backlog 0 lets wait; and what connect gives when they have all
/// closed, and nothing was accepted.
fn smallest_queue(
    stage: &Stage,
    server: &mut Actor,
    client: &mut Actor,
) -> Result<(usize, String), Failure> {
    let name = "small.sock";
    listener(stage, server, name, 0)?;
    let mut waiting = Vec::new();
    while waiting.len() < 10 {
        let fd = hasty(stage, client)?;
        let connect = Order::Connect(fd, path(name));
        if stage.quietly(client, &connect)?.result.is_ok() {
            waiting.push(fd);
            continue;
        }
        for &fd in &waiting {
            stage.quietly(client, &Order::Close(fd))?.done()?;
        }
        let again = stage.quietly(client, &connect)?;
        return Ok((waiting.len(), again.name()));
    }
    Err(Failure::Fault("the small queue has no end".to_owned()))
}
