//! What a descriptor is: `descriptor.read`, `unix.sent-file`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::within;
use crate::experiment::af_unix::connect_quietly;
use crate::experiment::files::Touch;
use crate::experiment::order::{Kind, Order, Special};
use crate::experiment::setting::listener;
use crate::experiment::stage::Stage;
use crate::experiment::{Failure, parameters};

/// Something that a descriptor leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Object {
    Listener,
    Pidfd,
    Epoll,
    Memfd,
    Null,
}

/// Which of two numbers is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    Original,
    Copy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Read {
    object: Object,
    which: Which,
    /// Files that are opened in a row.
    opened: i32,
    /// Which of them is closed before the object is made, counted from 1.
    closed: i32,
    /// Which lines are marked as deciding.
    marked: Marked,
}

/// Which lines of the run decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Marked {
    /// The number of the object alone.
    Original,
    /// That one, the number of its copy, and what was read.
    All,
}

impl Default for Read {
    fn default() -> Self {
        Self {
            object: Object::Listener,
            which: Which::Original,
            opened: 3,
            closed: 3,
            marked: Marked::All,
        }
    }
}

/// Numbers that are given and given back, and a read after one of two numbers was closed.
pub fn read_descriptors(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Read {
        object,
        which,
        opened,
        closed,
        marked,
    } = parameters(params)?;
    within("opened", opened, (1, 8))?;
    within("closed", closed, (1, opened))?;
    let mut process = stage.actor("process")?;
    stage.part("a");
    let mut fds = Vec::new();
    for _ in 0..opened {
        let order = Order::Open("/dev/null".to_owned());
        fds.push(stage.call(&mut process, order)?.descriptor()?);
    }
    let order = Order::Close(fds[closed.unsigned_abs() as usize - 1]);
    stage.call(&mut process, order)?.done()?;
    let special = |special| Order::Descriptor(special);
    let original = match object {
        Object::Listener => {
            let fd = listener(stage, &mut process, "desk.sock", 5)?;
            stage.note("process", "socket(), bind(), listen()", &fd.to_string());
            fd
        }
        Object::Pidfd => stage
            .call(&mut process, special(Special::Pidfd))?
            .descriptor()?,
        Object::Epoll => stage
            .call(&mut process, special(Special::Epoll))?
            .descriptor()?,
        Object::Memfd => stage
            .call(&mut process, Order::File(Touch::Memfd("notes".to_owned())))?
            .descriptor()?,
        Object::Null => stage
            .call(&mut process, Order::Open("/dev/null".to_owned()))?
            .descriptor()?,
    };
    stage.mark();
    let copy = stage.call(&mut process, Order::Duplicate(original))?;
    if marked == Marked::All {
        stage.mark();
    }
    let copy = copy.descriptor()?;
    stage.call(&mut process, Order::Close(original))?.done()?;
    let fd = match which {
        Which::Original => original,
        Which::Copy => copy,
    };
    let read = stage.call(&mut process, Order::Read(fd, 100))?;
    if marked == Marked::All {
        stage.mark();
    }
    let a = json!({ "original": original, "copy": copy, "read": super::received(&read) });
    Ok(json!({ "a": a }))
}

/// What the file holds: the byte at a place says the place.
const CONTENTS: &str = "0123456789";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sent {
    /// Bytes that the sender reads before it sends.
    first: usize,
    /// Bytes that the receiver reads then.
    second: usize,
    /// Bytes that the sender reads last.
    third: usize,
    /// Files that the receiver opens before it receives.
    extra: usize,
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            first: 0,
            second: 2,
            third: 0,
            extra: 0,
        }
    }
}

/// Two processes read one after the other from a file that one has sent to the other.
pub fn sent_file(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Sent {
        first,
        second,
        third,
        extra,
    } = parameters(params)?;
    for (name, value) in [("first", first), ("second", second), ("third", third)] {
        within(name, value, (0, 3))?;
    }
    within("extra", extra, (0, 5))?;
    let page = "page.txt";
    std::fs::write(page, CONTENTS)
        .map_err(|error| Failure::Fault(format!("cannot write {page}: {error}")))?;
    let mut sender = stage.actor("sender")?;
    let mut receiver = stage.actor("receiver")?;
    let pair = (&mut receiver, &mut sender);
    let ends = connect_quietly(stage, pair, Kind::Stream, "hand.sock")?;
    stage.part("a");
    let order = Order::OpenClosing(page.to_owned());
    let sent = stage.call(&mut sender, order)?.descriptor()?;
    stage.call(&mut sender, Order::Read(sent, first))?.bytes()?;
    let order = Order::SendDescriptor(ends.client, "A".to_owned(), sent);
    stage.call(&mut sender, order)?.done()?;
    for _ in 0..extra {
        let order = Order::Open("/dev/null".to_owned());
        stage.call(&mut receiver, order)?.descriptor()?;
    }
    let message = stage.decisive(&mut receiver, Order::ReceiveInherited(ends.server, 1))?;
    let &[arrived] = message.descriptors()? else {
        return Err(message.unforeseen());
    };
    let by_receiver = stage.decisive(&mut receiver, Order::Read(arrived, second))?;
    let by_sender = stage.decisive(&mut sender, Order::Read(sent, third))?;
    let a = json!({
        "sent": sent, "arrived": arrived, "receiver": by_receiver.bytes()?,
        "sender": by_sender.bytes()?,
    });
    Ok(json!({ "a": a }))
}
