//! Where a name is looked up, and what becomes of it: `runtime-dir.made-by`, `name.scope`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{received, within};
use crate::experiment::deed::Deed;
use crate::experiment::order::{Address, Kind, Order};
use crate::experiment::place::Place;
use crate::experiment::setting::{bound, hasty, listener};
use crate::experiment::stage::Stage;
use crate::experiment::{Failure, parameters, path};

/// What is made anew where a directory was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Again {
    Nothing,
    Directory,
    Socket,
    Listener,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MadeBy {
    again: Again,
    /// Bytes that the old client sends then.
    bytes: usize,
}

impl Default for MadeBy {
    fn default() -> Self {
        Self {
            again: Again::Nothing,
            bytes: 10,
        }
    }
}

/// A directory that is removed from under a server and its client, and made again or not.
pub fn made_by(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let MadeBy { again, bytes } = parameters(params)?;
    within("bytes", bytes, (1, 90))?;
    let (directory, name) = ("run", "run/bus");
    let mut manager = stage.actor("manager")?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let mut next = stage.actor("next server")?;
    let make = Order::Mkdir(directory.to_owned());
    stage.quietly(&mut manager, &make)?.done()?;
    let listening = listener(stage, &mut server, name, 5)?;
    stage.part("a");
    let early = hasty(stage, &mut client)?;
    stage
        .call(&mut client, Order::Connect(early, path(name)))?
        .done()?;
    let accepted = stage.call(&mut server, Order::Accept(listening))?;
    let accepted = accepted.descriptor()?;
    for order in [
        Order::Unlink(name.to_owned()),
        Order::Rmdir(directory.to_owned()),
    ] {
        stage.call(&mut manager, order)?.done()?;
    }
    if again >= Again::Directory {
        stage.call(&mut manager, make)?.done()?;
    }
    if again >= Again::Socket {
        let fd = bound(stage, &mut next, Kind::Stream, name)?;
        stage.note("next server", &format!("bind({fd}, \"{name}\")"), "0");
        if again == Again::Listener {
            stage.call(&mut next, Order::Listen(fd, 5))?.done()?;
        }
    }
    let late = hasty(stage, &mut client)?;
    let late = stage.decisive(&mut client, Order::Connect(late, path(name)))?;
    let order = Order::On(early, Deed::Send(super::letters(bytes)));
    let sent = stage.call(&mut client, order)?;
    let order = Order::On(accepted, Deed::ReceiveNow(100));
    let read = stage.decisive(&mut server, order)?;
    let order = Order::Listening(listening);
    let listens = stage.call(&mut server, order)?.flag()?;
    let a = json!({
        "late": late.name(), "sent": sent.name(), "read": received(&read),
        "count": super::length(&read), "listens": listens,
    });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Scope {
    /// The directory of the client: `.`, `run` or `elsewhere`.
    from: String,
    /// The path that it connects to.
    to: String,
    /// The directory that the server goes to after bind.
    server: String,
    /// NUL bytes behind the abstract name that the client connects to.
    nuls: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            from: ".".to_owned(),
            to: "run/door".to_owned(),
            server: ".".to_owned(),
            nuls: 0,
        }
    }
}

/// A server that binds and goes elsewhere, and a client that stands somewhere.
pub fn scope(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Scope {
        from,
        to,
        server: goes,
        nuls,
    } = parameters(params)?;
    within("nuls", nuls, (0, 20))?;
    for (name, value) in [("from", &from), ("server", &goes)] {
        if ![".", "run", "elsewhere"].contains(&value.as_str()) {
            let message = format!("`{name}` is {value:?}; it is `.`, `run` or `elsewhere`");
            return Err(Failure::Parameters(message));
        }
    }
    if !["run/door", "../run/door", "door"].contains(&to.as_str()) {
        let message = format!("`to` is {to:?}; it is `run/door`, `../run/door` or `door`");
        return Err(Failure::Parameters(message));
    }
    // Abstract names are shared by all processes of a network namespace, so ours has a number.
    let name = format!("door-{}", std::process::id());
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    for directory in ["run", "elsewhere"] {
        let order = Order::Mkdir(directory.to_owned());
        stage.quietly(&mut server, &order)?.done()?;
    }
    stage.part("a");
    for at in [path("run/door"), Address::Abstract(name.clone(), 0)] {
        let order = Order::Socket(Address::Unnamed, Kind::Stream);
        let fd = stage.quietly(&mut server, &order)?.descriptor()?;
        stage.call(&mut server, Order::Bind(fd, at))?.done()?;
        stage.quietly(&mut server, &Order::Listen(fd, 5))?.done()?;
    }
    for (actor, to) in [(&mut server, goes), (&mut client, from)] {
        stage.call(actor, Order::Place(Place::Chdir(to)))?.done()?;
    }
    let fd = hasty(stage, &mut client)?;
    let by_path = stage.decisive(&mut client, Order::Connect(fd, path(&to)))?;
    let fd = hasty(stage, &mut client)?;
    let order = Order::Connect(fd, Address::Abstract(name, nuls));
    let by_name = stage.decisive(&mut client, order)?;
    let a = json!({ "path": by_path.name(), "name": by_name.name() });
    Ok(json!({ "a": a }))
}
