//! Lists of guests: `socket.access-list`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::experiment::access_list::{STRANGER, entry, set};
use crate::experiment::files::{List, Touch};
use crate::experiment::order::Order;
use crate::experiment::permissions::{chmod, file, permissions};
use crate::experiment::setting::listener;
use crate::experiment::stage::Stage;
use crate::experiment::{Failure, parameters};

/// What an entry permits on a socket file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Rights {
    #[serde(rename = "-")]
    None,
    #[serde(rename = "r")]
    Read,
    #[serde(rename = "w")]
    Write,
    #[serde(rename = "rw")]
    Both,
}

impl Rights {
    /// As a digit of a mode.
    fn digit(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Write => 2,
            Self::Read => 4,
            Self::Both => 6,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AccessList {
    /// Of the named user.
    entry: Rights,
    /// Of the owning group.
    group: Rights,
    /// The most that both may.
    mask: Rights,
    /// The middle digit of the mode that chmod is called with; the others are 6 and 0.
    digit: Rights,
}

impl Default for AccessList {
    fn default() -> Self {
        Self {
            entry: Rights::Both,
            group: Rights::None,
            mask: Rights::Both,
            digit: Rights::None,
        }
    }
}

/// A socket file with a list, and a chmod on it.
pub fn access_list(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let AccessList {
        entry: named,
        group,
        mask: most,
        digit,
    } = parameters(params)?;
    let owner = &mut stage.actor("owner")?;
    let door = "door";
    listener(stage, owner, door, 8)?;
    stage.part("a");
    let list = List {
        owner: 6,
        user: (STRANGER, named.digit()),
        group: group.digit(),
        mask: most.digit(),
        other: 0,
    };
    set(stage, owner, door, list)?;
    let told = stage.decisive(owner, Order::Stat(door.to_owned()))?;
    let listed = permissions(&told.stat()?.0)?;
    let mode = 0o600 | u32::from(digit.digit()) << 3;
    stage.call(owner, chmod(door, mode))?.done()?;
    let order = file(Touch::Access(door.to_owned()));
    let told = stage.decisive(owner, order)?;
    let after = told.told()?.to_owned();
    let a = json!({
        "listed": listed, "mask": entry(&after, "m::"),
        "entry": entry(&after, &format!("u:{STRANGER}:")),
    });
    Ok(json!({ "a": a }))
}
