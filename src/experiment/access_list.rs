//! `socket.access-list`: what an access control list makes of the mode of a socket file, and what
//! chmod and the umask make of the list: acl(5). Modes without lists are in `permissions`.

use serde_json::{Map, Value, json};

use super::files::{List, Touch};
use super::order::{Kind, Order};
use super::permissions::{chmod, file, knock, permissions};
use super::recorded::{BY_A_USER, Part, or_recorded};
use super::setting::{listener, socket};
use super::stage::{Actor, Stage};
use super::standing::Standing;
use super::{Failure, Nothing, parameters, path};

/// The user that the list lets in: no user of a machine has this number for a purpose.
pub(super) const STRANGER: u32 = 65533;

/// The one part of the experiment. Where files have no lists, a recorded run is shown.
pub(super) fn access_list(
    stage: &mut Stage,
    params: &Map<String, Value>,
) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    or_recorded(stage, seen, recorded)
}

/// The same as it was seen on another machine, by a user who could not play the named one.
fn recorded() -> Vec<Part> {
    const LISTED: &str = "u::rw u:65533:rw g::- m::- o::-";
    const HEIR: &str = "u::rwx u:65533:rwx g::- m::rx o::-";
    vec![Part {
        id: "a",
        source: BY_A_USER,
        lines: &[
            ("owner", "chmod(\"yard/door\", 0600)", "0"),
            (
                "owner",
                "setxattr(\"yard/door\", acl u::rw u:65533:rw g::- m::rw o::-)",
                "0",
            ),
            (
                "owner",
                "lstat(\"yard/door\")",
                "0, socket, mode 0660, size 0",
            ),
            ("owner", "chmod(\"yard/door\", 0600)", "0"),
            ("owner", "getxattr(\"yard/door\", acl)", LISTED),
            (
                "owner",
                "setxattr(\"yard\", default acl u::rwx u:65533:rwx g::- m::rwx o::-)",
                "0",
            ),
            ("owner", "bind(4, \"yard/heir\")", "0"),
            ("owner", "getxattr(\"yard/heir\", acl)", HEIR),
        ],
        decisive: 2,
        seen: json!({
            "stranger": STRANGER, "listed": "0660", "allowed": "unknown", "entries": LISTED,
            "masked": "unknown", "named_entry": true, "mask": "-", "inherited": HEIR,
            "inherited_mask": "rx", "inherits": true,
        }),
    }]
}

fn seen(stage: &mut Stage) -> Result<Value, Failure> {
    let owner = &mut stage.actor("owner")?;
    stage.part("a");
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
    set(stage, owner, door, list)?;
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
    let a = json!({
        "stranger": STRANGER, "listed": listed, "allowed": allowed, "entries": entries,
        "masked": masked, "named_entry": entries.contains(&format!("u:{STRANGER}:rw")),
        "mask": entry(&entries, "m::"), "inherited": inherited, "inherited_mask": entry(&inherited, "m::"),
        "inherits": inherited.contains(&format!("u:{STRANGER}:rwx")),
    });
    Ok(json!({ "a": a }))
}

/// Gives a file this list, where the file system has lists.
pub(super) fn set(
    stage: &mut Stage,
    owner: &mut Actor,
    name: &str,
    list: List,
) -> Result<(), Failure> {
    let set = stage.call(owner, file(Touch::SetAccess(name.to_owned(), list)))?;
    let no_lists = |_| Failure::Lacking("a place for temporary files with access lists".to_owned());
    set.done().map_err(no_lists)
}

/// The rights of an entry of a list in its short form, by how it begins: `m::` is the mask; `none`
/// where there is no such entry.
pub(super) fn entry<'list>(list: &'list str, begins: &str) -> &'list str {
    let mut words = list.split(' ');
    let rights = words.find_map(|word| word.strip_prefix(begins));
    rights.unwrap_or("none")
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
