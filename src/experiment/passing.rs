//! `unix.sent-file`: what SCM_RIGHTS hands over, and what it does not.

use serde_json::{Map, Value, json};

use super::af_unix::connect_quietly;
use super::deed::Deed;
use super::order::{Kind, Order};
use super::stage::Stage;
use super::{Failure, Nothing, parameters};

/// Part a: the position, the flags and the number after a file was sent. Part b: the sender is gone,
/// and so is the file's name, before anything is received.
pub(super) fn sent_file(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let (page, contents) = ("page.txt", "0123456789");
    let (note, secret) = ("note.txt", "still here");
    for (name, text) in [(page, contents), (note, secret)] {
        std::fs::write(name, text)
            .map_err(|error| Failure::Fault(format!("cannot write {name}: {error}")))?;
    }
    let mut sender = stage.actor("sender")?;
    let mut receiver = stage.actor("receiver")?;
    let pair = (&mut receiver, &mut sender);
    let ends = connect_quietly(stage, pair, Kind::Stream, "hand.sock")?;
    let (out, into) = (ends.client, ends.server);

    stage.part("a");
    let order = Order::OpenClosing(page.to_owned());
    let sent = stage.call(&mut sender, order)?.descriptor()?;
    let order = Order::SendDescriptor(out, "A".to_owned(), sent);
    stage.call(&mut sender, order)?.done()?;
    // What any new descriptor of the receiver would be numbered.
    let lowest = stage.quietly(&mut receiver, &Order::Duplicate(into))?;
    let lowest = lowest.descriptor()?;
    stage
        .quietly(&mut receiver, &Order::Close(lowest))?
        .done()?;
    let message = stage.call(&mut receiver, Order::ReceiveInherited(into, 1))?;
    let arrived = one(message.descriptors()?)?;
    let to = 8;
    stage
        .call(&mut sender, Order::On(sent, Deed::Seek(to)))?
        .done()?;
    let read = stage.decisive(&mut receiver, Order::Read(arrived, 2))?;
    let read = read.bytes()?;
    let position = stage.call(&mut sender, Order::On(sent, Deed::Tell))?;
    let order = Order::On(arrived, Deed::SetNonblocking);
    stage.call(&mut receiver, order)?.done()?;
    let status = stage.call(&mut sender, Order::On(sent, Deed::StatusFlags))?;
    let ours = stage.call(&mut sender, Order::On(sent, Deed::DescriptorFlags))?;
    let order = Order::On(arrived, Deed::DescriptorFlags);
    let theirs = stage.call(&mut receiver, order)?;
    let written = stage.call(&mut receiver, Order::Write(arrived, "!".to_owned()))?;
    // Once more, received with MSG_CMSG_CLOEXEC.
    let order = Order::SendDescriptor(out, "C".to_owned(), sent);
    stage.quietly(&mut sender, &order)?.done()?;
    let order = Order::ReceiveDescriptor(into, 1);
    let closing = one(stage.quietly(&mut receiver, &order)?.descriptors()?)?;
    let order = Order::On(closing, Deed::DescriptorFlags);
    let closing = stage.quietly(&mut receiver, &order)?;
    let a = json!({
        "lowest": lowest, "closing_flags": closing.told()?,
        "sent": sent, "arrived": arrived, "to": to, "read": read, "contents": contents,
        "from_start": contents[..2], "from_there": contents[8..],
        "position": position.count()?, "status": status.told()?,
        "sender_flags": ours.told()?, "receiver_flags": theirs.told()?,
        "written": written.name(),
    });

    stage.part("b");
    let order = Order::OpenClosing(note.to_owned());
    let fd = stage.call(&mut sender, order)?.descriptor()?;
    let order = Order::SendDescriptor(out, "B".to_owned(), fd);
    stage.call(&mut sender, order)?.done()?;
    stage.call(&mut sender, Order::Close(fd))?.done()?;
    stage
        .call(&mut sender, Order::Unlink(note.to_owned()))?
        .done()?;
    stage.call(&mut sender, Order::Close(out))?.done()?;
    let pid = sender.pid();
    drop(sender);
    let message = stage.call(&mut receiver, Order::ReceiveInherited(into, 1))?;
    let came = message.descriptors()?.to_vec();
    let read = match came[..] {
        [fd] => stage.decisive(&mut receiver, Order::Read(fd, 100))?,
        _ => message.clone(),
    };
    let b = json!({
        "sent": fd, "sender": pid, "came": came.len(), "arrived": came.first(),
        "read": read.bytes().unwrap_or_default(), "read_name": read.name(),
        "letters": secret,
    });
    Ok(json!({ "a": a, "b": b }))
}

/// The one descriptor of a message.
fn one(descriptors: &[i32]) -> Result<i32, Failure> {
    match descriptors {
        [fd] => Ok(*fd),
        other => Err(Failure::Unforeseen {
            call: "recvmsg".to_owned(),
            result: format!("{} descriptors", other.len()),
        }),
    }
}
