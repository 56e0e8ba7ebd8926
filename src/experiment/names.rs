//! `unix.names`: what becomes of a path and of an abstract name when the socket closes, and when
//! two abstract names are the same.

use serde_json::{Map, Value, json};

use super::deed::Deed;
use super::order::{Address, Kind, Order};
use super::stage::{Actor, Stage};
use super::{Failure, Nothing, parameters, path};

/// Bytes for a name in `sockaddr_un`, the NUL in front of an abstract name not counted.
const ROOM: usize = 107;

/// Part a: a server with both kinds of names ends, and the next one asks for them. Part b: the same
/// text with and without NUL bytes behind it, and a name that the kernel chooses.
pub(super) fn names(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let file = "door.sock";
    // Abstract names are shared by all processes of a network namespace, so ours has a number.
    let name = format!("door-{}", std::process::id());
    let exact = Address::Abstract(name.clone(), 0);
    let padded = Address::Abstract(name.clone(), ROOM - name.len());
    let mut first = stage.actor("first")?;
    let mut next = stage.actor("next")?;
    let mut client = stage.actor("client")?;

    stage.part("a");
    let by_path = listener(stage, &mut first, &path(file))?;
    let by_name = listener(stage, &mut first, &exact)?;
    for fd in [by_path, by_name] {
        stage.call(&mut first, Order::Close(fd))?.done()?;
    }
    drop(first);
    let own = socket(stage, &mut client)?;
    let to_path = stage.call(&mut client, Order::Connect(own, path(file)))?;
    let to_name = stage.call(&mut client, Order::Connect(own, exact.clone()))?;
    let at_path = socket(stage, &mut next)?;
    let at_name = socket(stage, &mut next)?;
    let plain = stage.call(&mut next, Order::Bind(at_path, path(file)))?;
    stage
        .call(&mut next, Order::On(at_path, Deed::Reuse))?
        .done()?;
    let reusing = stage.decisive(&mut next, Order::Bind(at_path, path(file)))?;
    let again = stage.call(&mut next, Order::Bind(at_name, exact.clone()))?;
    let a = json!({
        "file": file, "name": format!("@{name}"), "path_fd": by_path, "name_fd": by_name,
        "to_path": to_path.name(), "to_name": to_name.name(),
        "plain": plain.name(), "reusing": reusing.name(), "again": again.name(),
        "next_fd": at_name,
    });

    stage.part("b");
    stage
        .quietly(&mut next, &Order::Listen(at_name, 5))?
        .done()?;
    // The name stays taken while one of two descriptors is open, and for this type only.
    let copy = stage.quietly(&mut next, &Order::Duplicate(at_name))?;
    let copy = copy.descriptor()?;
    stage.quietly(&mut next, &Order::Close(at_name))?.done()?;
    let rival = socket(stage, &mut client)?;
    let held = stage.call(&mut client, Order::Bind(rival, exact.clone()))?;
    let order = Order::Socket(Address::Unnamed, Kind::Seqpacket);
    let packets = stage.quietly(&mut client, &order)?.descriptor()?;
    let other_type = stage.call(&mut client, Order::Bind(packets, exact.clone()))?;
    let to_padded = stage.decisive(&mut client, Order::Connect(own, padded.clone()))?;
    let other = socket(stage, &mut next)?;
    let second = stage.call(&mut next, Order::Bind(other, padded))?;
    let to_exact = stage.call(&mut client, Order::Connect(own, exact))?;
    let unnamed = stage.call(&mut client, Order::On(own, Deed::Name))?;
    let asking = socket(stage, &mut next)?;
    stage
        .call(&mut next, Order::Bind(asking, Address::Unnamed))?
        .done()?;
    let chosen = stage.call(&mut next, Order::On(asking, Deed::Name))?;
    let chosen = chosen.told()?.replace('"', "");
    let b = json!({
        "length": name.len(), "room": ROOM,
        "nuls": ROOM - name.len(), "to_padded": to_padded.name(), "to_exact": to_exact.name(),
        "second": second.name(), "client": unnamed.told()?, "chosen": chosen,
        "chosen_digits": digits(&chosen), "fd": copy, "other_fd": other,
        "held": held.name(), "other_type": other_type.name(),
    });
    Ok(json!({ "a": a, "b": b }))
}

/// How many hexadecimal digits an abstract name has, if it has nothing else; otherwise 0.
fn digits(name: &str) -> usize {
    let inside = name.strip_prefix('@').unwrap_or_default();
    let all = inside.bytes().all(|byte| byte.is_ascii_hexdigit());
    if all { inside.len() } else { 0 }
}

fn socket(stage: &Stage, actor: &mut Actor) -> Result<i32, Failure> {
    let order = Order::Socket(Address::Unnamed, Kind::Stream);
    stage.quietly(actor, &order)?.descriptor()
}

/// A socket that listens; its bind is written down.
fn listener(stage: &mut Stage, actor: &mut Actor, at: &Address) -> Result<i32, Failure> {
    let fd = socket(stage, actor)?;
    stage.call(actor, Order::Bind(fd, at.clone()))?.done()?;
    stage.quietly(actor, &Order::Listen(fd, 5))?.done()?;
    Ok(fd)
}
