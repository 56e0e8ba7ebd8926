//! `socket.locks`: which permissions decide whether a client may connect: those of the socket file
//! and its directory, those the file is born with, and an access list.

use serde_json::{Map, Value, json};

use super::files::{List, Touch};
use super::order::{Kind, Order};
use super::setting::{hasty, listener, socket};
use super::stage::{Actor, Stage};
use super::standing::Standing;
use super::{Failure, Nothing, parameters, path};

/// The user that the access list lets in: no user of a machine has this number for a purpose.
const STRANGER: u32 = 65533;

fn file(touch: Touch) -> Order {
    Order::File(touch)
}

fn chmod(name: &str, mode: u32) -> Order {
    file(Touch::Chmod(name.to_owned(), mode))
}

/// Connects a new socket of the client: the name of the error, or `success`, and the descriptor.
fn knock(stage: &mut Stage, client: &mut Actor, name: &str) -> Result<(String, i32), Failure> {
    let fd = hasty(stage, client)?;
    let connected = stage.call(client, Order::Connect(fd, path(name)))?;
    Ok((connected.name(), fd))
}

/// Parts a, b and c of the experiment.
pub(super) fn locks(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut owner = stage.actor("owner")?;
    let mut client = stage.actor("client")?;
    let a = modes(stage, &mut owner, &mut client)?;
    let b = birth(stage, &mut owner)?;
    let c = access_list(stage, &mut owner)?;
    Ok(json!({ "a": a, "b": b, "c": c }))
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
fn permissions(told: &str) -> Result<String, Failure> {
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
    stage.call(owner, fchmod(0o600))?.done()?;
    bind(stage, owner, early, "early")?;
    let before = mode(stage, owner, "early")?;
    stage.mark();
    stage.call(owner, fchmod(0o666))?.done()?;
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

fn access_list(stage: &mut Stage, owner: &mut Actor) -> Result<Value, Failure> {
    stage.part("c");
    let (yard, door) = ("yard", "yard/door");
    stage
        .quietly(owner, &Order::Mkdir(yard.to_owned()))?
        .done()?;
    stage.quietly(owner, &chmod(yard, 0o755))?.done()?;
    listener(stage, owner, door, 8)?;
    stage.call(owner, chmod(door, 0o600))?.done()?;
    let list = List {
        owner: 6,
        user: (STRANGER, 6),
        group: 0,
        mask: 6,
        other: 0,
    };
    let set = stage.call(owner, file(Touch::SetAccess(door.to_owned(), list)))?;
    let no_lists = |_| Failure::Lacking("a place for temporary files with access lists".to_owned());
    set.done().map_err(no_lists)?;
    let told = stage.decisive(owner, Order::Stat(door.to_owned()))?;
    let listed = permissions(&told.stat()?.0)?;
    let mut stranger = stranger(stage, yard)?;
    let mut try_it = |stage: &mut Stage| match &mut stranger {
        Some(stranger) => knock(stage, stranger, "door").map(|(name, _)| name),
        None => Ok("unknown".to_owned()),
    };
    let allowed = try_it(stage)?;
    stage.call(owner, chmod(door, 0o600))?.done()?;
    let order = file(Touch::Access(door.to_owned()));
    let entries = stage.call(owner, order)?.told()?.to_owned();
    let masked = try_it(stage)?;
    // Files that are made in a directory with a default list begin with it; the umask of the maker
    // still counts, since bind applies it before it makes the file.
    let default = List {
        owner: 7,
        user: (STRANGER, 7),
        group: 0,
        mask: 7,
        other: 0,
    };
    let order = file(Touch::SetDefault(yard.to_owned(), default));
    stage.call(owner, order)?.done()?;
    let fd = socket(stage, owner, Kind::Stream)?;
    let heir = "yard/heir";
    stage.call(owner, Order::Bind(fd, path(heir)))?.done()?;
    let order = file(Touch::Access(heir.to_owned()));
    let inherited = stage.call(owner, order)?.told()?.to_owned();
    Ok(json!({
        "stranger": STRANGER, "listed": listed, "allowed": allowed, "entries": entries,
        "masked": masked, "named_entry": entries.contains(&format!("u:{STRANGER}:rw")),
        "mask": mask(&entries), "inherited": inherited, "inherited_mask": mask(&inherited),
        "inherits": inherited.contains(&format!("u:{STRANGER}:rwx")),
    }))
}

/// The mask of a list in its short form.
fn mask(list: &str) -> &str {
    let mut words = list.split(' ');
    words
        .find_map(|word| word.strip_prefix("m::"))
        .unwrap_or("none")
}

/// A process of another user in this directory, where we may make one.
fn stranger(stage: &Stage, yard: &str) -> Result<Option<Actor>, Failure> {
    let mut stranger = stage.actor("stranger")?;
    let order = file(Touch::Chdir(yard.to_owned()));
    stage.quietly(&mut stranger, &order)?.done()?;
    let order = Order::Standing(Standing::Become(STRANGER));
    let became = stage.quietly(&mut stranger, &order)?;
    Ok(became.result.is_ok().then_some(stranger))
}
