//! What a name leads to: `unix.atlas`, `unix.names`, `unix.moved`, `runtime-dir.who-lives-there`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Type, within};
use crate::experiment::files::Touch;
use crate::experiment::order::{Address, Kind, Order};
use crate::experiment::setting::{bound, hasty, listener, socket};
use crate::experiment::stage::{Actor, Stage};
use crate::experiment::traffic::Traffic;
use crate::experiment::{Failure, parameters, path};

fn file(touch: Touch) -> Order {
    Order::File(touch)
}

/// What becomes of a socket before somebody connects to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Bound,
    Listening,
    Closed,
    Removed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Atlas {
    /// Type of the socket behind the name.
    target: Type,
    state: State,
    /// Type of the client's socket.
    client: Type,
}

impl Default for Atlas {
    fn default() -> Self {
        Self {
            target: Type::Stream,
            state: State::Closed,
            client: Type::Stream,
        }
    }
}

/// One target and two calls on its name: connect by a client, bind by the next server.
pub fn atlas(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Atlas {
        target,
        state,
        client: own,
    } = parameters(params)?;
    if state == State::Listening && target == Type::Datagram {
        let message = "a datagram socket cannot listen: take another `state` or `target`";
        return Err(Failure::Parameters(message.to_owned()));
    }
    let name = "target";
    let mut keeper = stage.actor("keeper")?;
    let mut client = stage.actor("client")?;
    stage.part("a");
    let fd = socket(stage, &mut keeper, target.kind())?;
    stage
        .call(&mut keeper, Order::Bind(fd, path(name)))?
        .done()?;
    if state != State::Bound && target != Type::Datagram {
        stage.call(&mut keeper, Order::Listen(fd, 5))?.done()?;
    }
    match state {
        State::Bound | State::Listening => {}
        State::Closed => stage.call(&mut keeper, Order::Close(fd))?.done()?,
        State::Removed => {
            let order = Order::Unlink(name.to_owned());
            stage.call(&mut keeper, order)?.done()?;
        }
    }
    let order = Order::Traffic(Traffic::Nonblocking(own.kind()));
    let own = stage.call(&mut client, order)?.descriptor()?;
    let connected = stage.decisive(&mut client, Order::Connect(own, path(name)))?;
    let next = socket(stage, &mut keeper, target.kind())?;
    let taken = stage.decisive(&mut keeper, Order::Bind(next, path(name)))?;
    let a = json!({ "connect": connected.name(), "bind": taken.name() });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Names {
    /// NUL bytes behind the name that the server binds to.
    server_nuls: usize,
    /// Those behind the name that the client connects to.
    client_nuls: usize,
    /// Those behind the name that a rival binds to.
    rival_nuls: usize,
    /// Descriptors of the server's socket.
    descriptors: usize,
    /// How many of them it leaves open.
    left: usize,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            server_nuls: 0,
            client_nuls: 0,
            rival_nuls: 0,
            descriptors: 1,
            left: 0,
        }
    }
}

/// Abstract names: which are the same, and for how long one is taken.
pub fn names(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Names {
        server_nuls,
        client_nuls,
        rival_nuls,
        descriptors,
        left,
    } = parameters(params)?;
    for (name, value) in [
        ("server_nuls", server_nuls),
        ("client_nuls", client_nuls),
        ("rival_nuls", rival_nuls),
    ] {
        within(name, value, (0, 20))?;
    }
    within("descriptors", descriptors, (1, 5))?;
    within("left", left, (0, descriptors))?;
    // Abstract names are shared by all processes of a network namespace, so ours has a number.
    let name = format!("door-{}", std::process::id());
    let at = |nuls| Address::Abstract(name.clone(), nuls);
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let mut rival = stage.actor("rival")?;
    stage.part("a");
    let listening = unnamed(stage, &mut server)?;
    stage
        .call(&mut server, Order::Bind(listening, at(server_nuls)))?
        .done()?;
    stage
        .call(&mut server, Order::Listen(listening, 5))?
        .done()?;
    let own = hasty(stage, &mut client)?;
    let connected = stage.decisive(&mut client, Order::Connect(own, at(client_nuls)))?;
    let fd = unnamed(stage, &mut rival)?;
    let taken = stage.decisive(&mut rival, Order::Bind(fd, at(rival_nuls)))?;
    let mut fds = vec![listening];
    for _ in 1..descriptors {
        let copy = stage.call(&mut server, Order::Duplicate(listening))?;
        fds.push(copy.descriptor()?);
    }
    for fd in fds.into_iter().take(descriptors - left) {
        stage.call(&mut server, Order::Close(fd))?.done()?;
    }
    let fd = unnamed(stage, &mut rival)?;
    let again = stage.decisive(&mut rival, Order::Bind(fd, at(server_nuls)))?;
    let a = json!({
        "connect": connected.name(), "bind": taken.name(), "again": again.name(),
    });
    Ok(json!({ "a": a }))
}

fn unnamed(stage: &Stage, actor: &mut Actor) -> Result<i32, Failure> {
    let order = Order::Socket(Address::Unnamed, Kind::Stream);
    stage.quietly(actor, &order)?.descriptor()
}

/// How a second name is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Made {
    Rename,
    Link,
    Symlink,
    Copy,
}

/// What happens at the old name then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Then {
    Nothing,
    Unlink,
    Replace,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Moved {
    made: Made,
    then: Then,
}

impl Default for Moved {
    fn default() -> Self {
        Self {
            made: Made::Rename,
            then: Then::Nothing,
        }
    }
}

/// Whom a client reaches by a name: `server`, `rival`, or the name of the error.
fn reached(
    stage: &mut Stage,
    client: &mut Actor,
    name: &str,
    known: &[(&str, u32)],
) -> Result<String, Failure> {
    let fd = hasty(stage, client)?;
    let connected = stage.decisive(client, Order::Connect(fd, path(name)))?;
    if connected.result.is_err() {
        return Ok(connected.name());
    }
    let told = stage.call(client, Order::PeerCredentials(fd))?;
    let (pid, ..) = told.credentials()?;
    let found = known.iter().find(|(_, known)| known.cast_signed() == pid);
    let unknown = || Failure::Fault(format!("process {pid} is none of ours"));
    found.map(|(who, _)| (*who).to_owned()).ok_or_else(unknown)
}

/// A second name, something at the first one, and who is reached by each.
pub fn moved(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Moved { made, then } = parameters(params)?;
    let (old, new) = ("app.sock".to_owned(), "new.sock".to_owned());
    let mut server = stage.actor("server")?;
    let mut rival = stage.actor("rival")?;
    let mut client = stage.actor("client")?;
    stage.part("a");
    let listening = listener(stage, &mut server, &old, 5)?;
    let touch = match made {
        Made::Rename => Touch::Rename(old.clone(), new.clone()),
        Made::Link => Touch::Link(old.clone(), new.clone()),
        Made::Symlink => Touch::Symlink(old.clone(), new.clone()),
        Made::Copy => Touch::MakeSocketFile(new.clone()),
    };
    stage.call(&mut server, file(touch))?.done()?;
    let mut own = None;
    match then {
        Then::Nothing => {}
        // After a rename there is nothing to remove, and that is a fine answer.
        Then::Unlink => drop(stage.call(&mut rival, Order::Unlink(old.clone()))?),
        Then::Replace => {
            let temporary = "app.tmp".to_owned();
            own = Some(listener(stage, &mut rival, &temporary, 5)?);
            let order = file(Touch::Rename(temporary, old.clone()));
            stage.call(&mut rival, order)?.done()?;
        }
    }
    let known = [("server", server.pid()), ("rival", rival.pid())];
    let by_new = reached(stage, &mut client, &new, &known)?;
    let by_old = reached(stage, &mut client, &old, &known)?;
    let mut listening = usize::from(
        stage
            .call(&mut server, Order::Listening(listening))?
            .flag()?,
    );
    if let Some(own) = own {
        let flag = stage.call(&mut rival, Order::Listening(own))?.flag()?;
        listening += usize::from(flag);
    }
    let a = json!({ "new": by_new, "old": by_old, "listening": listening });
    Ok(json!({ "a": a }))
}

/// What the second program does at the name of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Second {
    Waits,
    Unlinks,
    Binds,
    Listens,
    Ends,
}

/// Whether the first program is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum First {
    Stays,
    Ends,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Lives {
    first: First,
    second: Second,
}

impl Default for Lives {
    fn default() -> Self {
        Self {
            first: First::Stays,
            second: Second::Listens,
        }
    }
}

/// A name that a second program takes over, step by step, and the program that had it first.
pub fn who_lives_there(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Lives {
        first: stays,
        second: does,
    } = parameters(params)?;
    let name = "bus";
    let mut first = stage.actor("first")?;
    let mut second = stage.actor("second")?;
    let mut client = stage.actor("client")?;
    let mut third = stage.actor("third")?;
    stage.part("a");
    let fd = bound(stage, &mut first, Kind::Stream, name)?;
    stage.call(&mut first, Order::Listen(fd, 5))?.done()?;
    let known = [("first", first.pid()), ("second", second.pid())];
    let first_fd = fd;
    let mut second_fd = None;
    if does >= Second::Unlinks {
        stage
            .call(&mut second, Order::Unlink(name.to_owned()))?
            .done()?;
    }
    if does >= Second::Binds {
        let fd = socket(stage, &mut second, Kind::Stream)?;
        stage
            .call(&mut second, Order::Bind(fd, path(name)))?
            .done()?;
        second_fd = Some(fd);
    }
    if let Some(fd) = second_fd.filter(|_| does >= Second::Listens) {
        stage.call(&mut second, Order::Listen(fd, 5))?.done()?;
    }
    let mut listening = 0;
    if does == Second::Ends {
        stage.end(second);
    } else if let Some(fd) = second_fd {
        let flag = stage.quietly(&mut second, &Order::Listening(fd))?.flag()?;
        listening += usize::from(flag);
    }
    if stays == First::Ends {
        stage.end(first);
    } else {
        let order = Order::Listening(first_fd);
        listening += usize::from(stage.quietly(&mut first, &order)?.flag()?);
    }
    let reached = reached(stage, &mut client, name, &known)?;
    let fd = socket(stage, &mut third, Kind::Stream)?;
    let bind = stage.decisive(&mut third, Order::Bind(fd, path(name)))?;
    let a = json!({ "reached": reached, "listening": listening, "bind": bind.name() });
    Ok(json!({ "a": a }))
}
