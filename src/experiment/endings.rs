//! `unix.endings`: how each side of a stream connection learns that the other has finished.

use serde_json::{Map, Value, json};

use super::af_unix::connect_quietly;
use super::deed::Deed;
use super::order::{Kind, Order};
use super::stage::Stage;
use super::{Failure, Nothing, parameters, path};

/// Part a: close of one of two descriptors, then `SHUT_WR`. Part b: the server writes after the
/// client has closed, with and without `MSG_NOSIGNAL`. Part c: a client closes with bytes unread.
pub(super) fn endings(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let (question, answer) = ("question", "answer");
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let send = |text: &str| Deed::Send(text.to_owned());

    stage.part("a");
    let pair = (&mut server, &mut client);
    let ends = connect_quietly(stage, pair, Kind::Stream, "half.sock")?;
    let order = Order::Write(ends.client, question.to_owned());
    stage.call(&mut client, order)?.done()?;
    let copy = stage.call(&mut client, Order::Duplicate(ends.client))?;
    let copy = copy.descriptor()?;
    stage.call(&mut client, Order::Close(ends.client))?.done()?;
    let asked = stage.call(&mut server, Order::Read(ends.server, 100))?;
    let order = Order::On(ends.server, Deed::ReceiveNow(100));
    let after_close = stage.call(&mut server, order)?;
    let order = Order::On(copy, Deed::ShutWrite);
    stage.call(&mut client, order)?.done()?;
    let end = stage.call(&mut server, Order::Read(ends.server, 100))?;
    let order = Order::On(ends.server, send(answer));
    let answered = stage.call(&mut server, order)?;
    let got = stage.decisive(&mut client, Order::Read(copy, 100))?;
    let got = got.bytes().unwrap_or_default();
    let order = Order::On(copy, send("more"));
    let own = stage.call(&mut client, order)?;
    let a = json!({
        "own": own.name(), "asked": asked.bytes()?, "after_close": after_close.name(), "end": end.bytes()?.len(),
        "answered": answered.name(), "got": got, "answer": answer, "first_fd": ends.client,
        "copy": copy, "server_fd": ends.server,
    });
    stage.quietly(&mut client, &Order::Close(copy))?.done()?;
    let order = Order::Close(ends.server);
    stage.quietly(&mut server, &order)?.done()?;

    stage.part("b");
    let pair = (&mut server, &mut client);
    let ends = connect_quietly(stage, pair, Kind::Stream, "gone.sock")?;
    // A second connection, to see what the server's death looks like from outside.
    let pair = (&mut server, &mut client);
    let bystander = connect_quietly(stage, pair, Kind::Stream, "bystander.sock")?;
    let order = Order::Write(ends.client, question.to_owned());
    stage.call(&mut client, order)?.done()?;
    stage.call(&mut client, Order::Close(ends.client))?.done()?;
    let order = Order::On(ends.server, send(answer));
    let guarded = stage.call(&mut server, order)?;
    let asked = stage.call(&mut server, Order::Read(ends.server, 100))?;
    stage.call(&mut server, Order::DefaultSigpipe)?.done()?;
    let order = Order::Write(ends.server, answer.to_owned());
    let plain = stage.perhaps_last(&mut server, order)?;
    drop(server);
    let seen = stage.call(&mut client, Order::Read(bystander.client, 100))?;
    let b = json!({
        "asked": asked.bytes()?, "guarded": guarded.name(), "plain": plain.name(),
        "question": question, "server_fd": ends.server,
        "bystander": seen.bytes()?.len(),
    });

    stage.part("c");
    let mut server = stage.actor("server")?;
    let pair = (&mut server, &mut client);
    let ends = connect_quietly(stage, pair, Kind::Stream, "unread.sock")?;
    let order = Order::Write(ends.client, question.to_owned());
    stage.call(&mut client, order)?.done()?;
    let order = Order::On(ends.server, send(answer));
    stage.call(&mut server, order)?.done()?;
    stage.call(&mut server, Order::Close(ends.server))?.done()?;
    let first = stage.call(&mut client, Order::Read(ends.client, 100))?;
    let second = stage.decisive(&mut client, Order::Read(ends.client, 100))?;
    let third = stage.call(&mut client, Order::Read(ends.client, 100))?;
    let order = Order::On(ends.client, send("more"));
    let after = stage.quietly(&mut client, &order)?;
    // A connection that the server closes its listener on, before it has accepted anybody.
    let at = path("queue.sock");
    let order = Order::Socket(at.clone(), Kind::Stream);
    let listener = stage.quietly(&mut server, &order)?.descriptor()?;
    let order = Order::Bind(listener, at.clone());
    stage.quietly(&mut server, &order)?.done()?;
    let order = Order::Listen(listener, 1);
    stage.quietly(&mut server, &order)?.done()?;
    let order = Order::Socket(at.clone(), Kind::Stream);
    let queued = stage.quietly(&mut client, &order)?.descriptor()?;
    let order = Order::Connect(queued, at);
    stage.quietly(&mut client, &order)?.done()?;
    let order = Order::Close(listener);
    stage.quietly(&mut server, &order)?.done()?;
    let unaccepted = stage.quietly(&mut client, &Order::Read(queued, 100))?;
    let c = json!({
        "unaccepted": unaccepted.name(),
        "after": after.name(),
        "first": first.bytes().unwrap_or_default(), "first_name": first.name(),
        "second": second.name(), "third": third.name(),
        "third_count": third.bytes().map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(-1)),
        "question": question, "answer": answer,
        "client_fd": ends.client, "server_fd": ends.server,
    });
    Ok(json!({ "a": a, "b": b, "c": c }))
}
