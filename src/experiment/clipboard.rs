//! `clip.broker`: a copy and a paste in the shape that Wayland gives them, with a broker of ours in
//! the compositor's place. The text never passes the broker.

use serde_json::{Map, Value, json};

use super::deed::Deed;
use super::handed::Handed;
use super::order::{Kind, Order, Outcome};
use super::stage::{Actor, Stage};
use super::{Call, Failure, Nothing, parameters, path};

/// What is copied.
const TEXT: &str = "a secret line";

fn one(message: &Outcome) -> Result<i32, Failure> {
    match message.descriptors()? {
        [fd] => Ok(*fd),
        other => Err(Failure::Unforeseen {
            call: message.call.clone(),
            result: format!("{} descriptors", other.len()),
        }),
    }
}

/// What a descriptor leads to: `pipe:[77]`.
fn leads_to(stage: &Stage, actor: &mut Actor, fd: i32) -> Result<String, Failure> {
    let order = Order::Handed(Handed::LeadsTo(fd));
    Ok(stage.quietly(actor, &order)?.told()?.to_owned())
}

/// The bytes of a message, as text.
fn text_of(message: &Outcome) -> String {
    match &message.result {
        Ok(super::order::Got::Message(bytes, _)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// Calls of this process that carry a descriptor.
fn rights(calls: &[Call], who: &str) -> usize {
    let carries = |call: &&Call| {
        let line = format!("{} = {}", call.call, call.result);
        call.who == who && line.contains("SCM_RIGHTS")
    };
    calls.iter().filter(carries).count()
}

/// Part a: a copier offers, forks a holder and exits; a paster makes a pipe and sends its write end.
/// Part b: the broker keeps its copy of the next one; then the holder is gone.
pub(super) fn broker(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut broker = stage.actor("broker")?;
    let mut copier = stage.actor("copier")?;
    let mut paster = stage.actor("paster")?;
    let name = "wayland-9";
    let order = Order::Socket(path(name), Kind::Stream);
    let listener = stage.quietly(&mut broker, &order)?.descriptor()?;
    stage
        .quietly(&mut broker, &Order::Bind(listener, path(name)))?
        .done()?;
    let listen = Order::Listen(listener, 5);
    stage.quietly(&mut broker, &listen)?.done()?;
    let mut ends = Vec::new();
    for client in [&mut copier, &mut paster] {
        let own = stage.quietly(client, &order)?.descriptor()?;
        let connect = Order::Connect(own, path(name));
        stage.quietly(client, &connect)?.done()?;
        let accept = Order::Accept(listener);
        let accepted = stage.quietly(&mut broker, &accept)?.descriptor()?;
        ends.push((own, accepted));
    }
    let [(copying, to_holder), (pasting, to_paster)] = ends[..] else {
        return Err(Failure::Fault("not two connections".to_owned()));
    };
    // All that the broker is sent, in either direction.
    let mut handled = String::new();

    stage.part("a");
    let offer = "offer text/plain";
    let order = Order::Write(copying, offer.to_owned());
    stage.call(&mut copier, order)?.done()?;
    let order = Order::Read(to_holder, 100);
    handled += &stage.quietly(&mut broker, &order)?.bytes()?;
    let mut holder = stage.fork(&mut copier, "holder")?;
    let copier_pid = copier.pid();
    stage.end(copier);
    let pipe = Order::Handed(Handed::Pipe);
    let (reader, writer) = stage.call(&mut paster, pipe.clone())?.ends()?;
    let made = leads_to(stage, &mut paster, reader)?;
    let (want, send) = ("paste", "send");
    let order = Order::SendDescriptor(pasting, want.to_owned(), writer);
    stage.call(&mut paster, order)?.done()?;
    stage.quietly(&mut paster, &Order::Close(writer))?.done()?;
    let order = Order::ReceiveDescriptor(to_paster, 100);
    let wanted = stage.decisive(&mut broker, order)?;
    handled += &text_of(&wanted);
    let wanted_bytes = text_of(&wanted).len();
    let passing = one(&wanted)?;
    let passed = leads_to(stage, &mut broker, passing)?;
    let order = Order::SendDescriptor(to_holder, send.to_owned(), passing);
    stage.call(&mut broker, order)?.done()?;
    stage.call(&mut broker, Order::Close(passing))?.done()?;
    let order = Order::ReceiveDescriptor(copying, 100);
    let asked = stage.call(&mut holder, order)?;
    let into = one(&asked)?;
    let written_to = leads_to(stage, &mut holder, into)?;
    let order = Order::Write(into, TEXT.to_owned());
    stage.call(&mut holder, order)?.done()?;
    stage.quietly(&mut holder, &Order::Close(into))?.done()?;
    let read = stage.call(&mut paster, Order::Read(reader, 100))?;
    let end = stage.call(&mut paster, Order::Read(reader, 100))?;
    let lines = |who| rights(stage.so_far(), who);
    let a = json!({
        "text": TEXT, "read": read.bytes()?, "end": end.bytes()?.len(), "handled": handled,
        "handled_bytes": handled.len(), "wanted_bytes": wanted_bytes, "text_bytes": TEXT.len(), "copier": copier_pid,
        "holder": holder.pid(), "made": made, "passed": passed, "written_to": written_to,
        "reader": reader, "passing": passing, "into": into, "copier_lines": lines("copier"),
        "holder_lines": lines("holder"), "paster_lines": lines("paster"),
        "broker_lines": lines("broker"),
    });
    stage.quietly(&mut paster, &Order::Close(reader))?.done()?;

    stage.part("b");
    let (reader, writer) = stage.quietly(&mut paster, &pipe)?.ends()?;
    let order = Order::SendDescriptor(pasting, want.to_owned(), writer);
    stage.quietly(&mut paster, &order)?.done()?;
    stage.quietly(&mut paster, &Order::Close(writer))?.done()?;
    let order = Order::ReceiveDescriptor(to_paster, 100);
    let kept = one(&stage.quietly(&mut broker, &order)?)?;
    let order = Order::SendDescriptor(to_holder, send.to_owned(), kept);
    stage.call(&mut broker, order)?.done()?;
    let order = Order::ReceiveDescriptor(copying, 100);
    let into = one(&stage.quietly(&mut holder, &order)?)?;
    let order = Order::Write(into, TEXT.to_owned());
    stage.call(&mut holder, order)?.done()?;
    stage.call(&mut holder, Order::Close(into))?.done()?;
    let got = stage.call(&mut paster, Order::Read(reader, 100))?;
    // Without this a read that waits would wait for ever.
    let order = Order::On(reader, Deed::SetNonblocking);
    stage.quietly(&mut paster, &order)?.done()?;
    let held = stage.decisive(&mut paster, Order::Read(reader, 100))?;
    stage.call(&mut broker, Order::Close(kept))?.done()?;
    let closed = stage.call(&mut paster, Order::Read(reader, 100))?;
    let holder_pid = holder.pid();
    stage.end(holder);
    let (last, writer) = stage.quietly(&mut paster, &pipe)?.ends()?;
    let order = Order::SendDescriptor(pasting, want.to_owned(), writer);
    stage.quietly(&mut paster, &order)?.done()?;
    stage.quietly(&mut paster, &Order::Close(writer))?.done()?;
    let order = Order::ReceiveDescriptor(to_paster, 100);
    let unwanted = one(&stage.quietly(&mut broker, &order)?)?;
    let order = Order::SendDescriptor(to_holder, send.to_owned(), unwanted);
    let gone = stage.call(&mut broker, order)?;
    stage
        .quietly(&mut broker, &Order::Close(unwanted))?
        .done()?;
    let nothing = stage.call(&mut paster, Order::Read(last, 100))?;
    let b = json!({
        "got": got.bytes()?, "text": TEXT, "held": held.name(), "closed": closed.name(),
        "closed_bytes": closed.bytes().map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(-1)),
        "holder": holder_pid, "gone": gone.name(), "kept": kept,
        "nothing": nothing.bytes()?.len(),
    });
    Ok(json!({ "a": a, "b": b }))
}
