//! `socket.locks`: which permissions decide whether a client may connect: those of the socket file
//! and its directory, and those the file is born with. Access lists are in `access_list`.

use serde_json::{Map, Value, json};

use super::files::Touch;
use super::order::{Kind, Order};
use super::setting::{hasty, listener, socket};
use super::stage::{Actor, Stage};
use super::{Failure, Nothing, parameters, path};

pub(super) fn file(touch: Touch) -> Order {
    Order::File(touch)
}

pub(super) fn chmod(name: &str, mode: u32) -> Order {
    file(Touch::Chmod(name.to_owned(), mode))
}

/// Connects a new socket of the client: the name of the error, or `success`, and the descriptor.
pub(super) fn knock(
    stage: &mut Stage,
    client: &mut Actor,
    name: &str,
) -> Result<(String, i32), Failure> {
    let fd = hasty(stage, client)?;
    let connected = stage.call(client, Order::Connect(fd, path(name)))?;
    Ok((connected.name(), fd))
}

/// Parts a and b of the experiment.
pub(super) fn locks(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut owner = stage.actor("owner")?;
    let mut client = stage.actor("client")?;
    let a = modes(stage, &mut owner, &mut client)?;
    let b = birth(stage, &mut owner)?;
    Ok(json!({ "a": a, "b": b }))
}

fn modes(stage: &mut Stage, owner: &mut Actor, client: &mut Actor) -> Result<Value, Failure> {
    stage.part("a");
    let (hall, door) = ("hall", "hall/door");
    stage
        .quietly(owner, &Order::Mkdir(hall.to_owned()))?
        .done()?;
    listener(stage, owner, door, 8)?;
    let drop = Order::Identity(super::identity::Act::DropCapabilities);
    stage.call(client, drop)?.done()?;
    let mut set =
        |stage: &mut Stage, name: &str, mode: u32| stage.call(owner, chmod(name, mode))?.done();
    set(stage, door, 0o444)?;
    let (readable, _) = knock(stage, client, door)?;
    set(stage, door, 0o222)?;
    let fd = hasty(stage, client)?;
    let writable = stage.decisive(client, Order::Connect(fd, path(door)))?;
    set(stage, hall, 0o600)?;
    let (unsearchable, _) = knock(stage, client, door)?;
    set(stage, hall, 0o100)?;
    let (searchable, _) = knock(stage, client, door)?;
    set(stage, door, 0)?;
    let word = "still here";
    let sent = stage.call(client, Order::Write(fd, word.to_owned()))?;
    stage.quietly(owner, &chmod(hall, 0o700))?.done()?;
    Ok(json!({
        "readable": readable, "writable": writable.name(), "unsearchable": unsearchable,
        "searchable": searchable, "sent": sent.name(), "word": word, "fd": fd,
    }))
}

/// The permission bits of a file, as four octal digits; the look is written down.
fn mode(stage: &mut Stage, owner: &mut Actor, name: &str) -> Result<String, Failure> {
    let told = stage.call(owner, Order::Stat(name.to_owned()))?;
    permissions(&told.stat()?.0)
}

/// `0755` of `socket, mode 0755, size 0`.
pub(super) fn permissions(told: &str) -> Result<String, Failure> {
    let word = told.split("mode ").nth(1).and_then(|rest| rest.get(..4));
    let fault = || Failure::Fault(format!("no mode in {told}"));
    word.map(str::to_owned).ok_or_else(fault)
}

fn birth(stage: &mut Stage, owner: &mut Actor) -> Result<Value, Failure> {
    stage.part("b");
    let bind = |stage: &mut Stage, owner: &mut Actor, fd: i32, name: &str| {
        stage.call(owner, Order::Bind(fd, path(name)))?.done()
    };
    let plain = socket(stage, owner, Kind::Stream)?;
    bind(stage, owner, plain, "plain")?;
    let by_umask = mode(stage, owner, "plain")?;
    let early = socket(stage, owner, Kind::Stream)?;
    let fchmod = |bits| file(Touch::Fchmod(early, bits));
    stage.call(owner, fchmod(0o666))?.done()?;
    bind(stage, owner, early, "early")?;
    let before = mode(stage, owner, "early")?;
    stage.mark();
    stage.call(owner, fchmod(0o600))?.done()?;
    let after = mode(stage, owner, "early")?;
    stage.call(owner, file(Touch::Umask(0o177)))?.done()?;
    let masked = socket(stage, owner, Kind::Stream)?;
    bind(stage, owner, masked, "masked")?;
    let strict = mode(stage, owner, "masked")?;
    stage.quietly(owner, &file(Touch::Umask(0o022)))?.done()?;
    Ok(json!({
        "plain": by_umask, "before": before, "after": after, "masked": strict, "fd": early,
    }))
}
