//! `name.scope`: in which namespace a socket name is looked up.
//!
//! Part a needs nothing: a directory and a length decide. Part b needs new network and mount
//! namespaces, which many machines refuse; then a recorded run is shown, the observation says what
//! is lacking, and claims about it are not judged.

use serde_json::{Map, Value, json};

use super::order::{Address, Kind, Order, Outcome};
use super::place::{Namespace, Place};
use super::stage::{Actor, Stage};
use super::{Failure, Nothing, parameters, path};

/// NUL bytes behind an abstract name, as a program has that passes too long an address.
const NULS: usize = 8;

/// The directory of the server.
const DIRECTORY: &str = "run";

fn place(place: Place) -> Order {
    Order::Place(place)
}

fn socket(stage: &Stage, actor: &mut Actor) -> Result<i32, Failure> {
    let order = Order::Socket(Address::Unnamed, Kind::Stream);
    stage.quietly(actor, &order)?.descriptor()
}

/// A new socket connects; one line of the transcript.
fn connect(stage: &mut Stage, actor: &mut Actor, to: &Address) -> Result<String, Failure> {
    let fd = socket(stage, actor)?;
    let outcome = stage.call(actor, Order::Connect(fd, to.clone()))?;
    Ok(outcome.name())
}

/// Part a: a client changes its directory. Part b: one client has a network namespace of its own,
/// another has a mount namespace with an empty directory in the place of the server's.
pub(super) fn scope(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    // Abstract names and the kernel's list are shared with everybody, so ours have a number.
    let number = std::process::id();
    let file = format!("{DIRECTORY}/door-{number}");
    let name = format!("door-{number}");
    let named = Address::Abstract(name.clone(), 0);

    stage.part("a");
    let order = Order::Mkdir(DIRECTORY.to_owned());
    stage.quietly(&mut server, &order)?.done()?;
    let order = Order::Mkdir("elsewhere".to_owned());
    stage.quietly(&mut server, &order)?.done()?;
    for at in [&path(&file), &named] {
        let fd = socket(stage, &mut server)?;
        stage
            .call(&mut server, Order::Bind(fd, at.clone()))?
            .done()?;
        stage.quietly(&mut server, &Order::Listen(fd, 20))?.done()?;
    }
    let near = connect(stage, &mut client, &path(&file))?;
    let order = place(Place::Chdir("elsewhere".to_owned()));
    stage.call(&mut client, order)?.done()?;
    let far = connect(stage, &mut client, &path(&file))?;
    stage.mark();
    let round = connect(stage, &mut client, &path(&format!("../{file}")))?;
    let by_name = connect(stage, &mut client, &named)?;
    let padded = connect(stage, &mut client, &Address::Abstract(name.clone(), NULS))?;
    let a = json!({
        "file": file, "name": format!("@{name}"), "near": near, "far": far, "round": round,
        "by_name": by_name, "nuls": NULS, "padded": padded,
    });

    stage.part("b");
    let b = match apart(stage, &file, &name)? {
        Ok(seen) => seen,
        Err(lacking) => recorded(stage, &lacking),
    };
    Ok(json!({ "a": a, "b": b }))
}

/// A call that this machine refuses, and what it gave.
type Lacking = (String, String);

/// Has an actor make new namespaces: with a user namespace, which needs no privilege where it is
/// permitted, or else without, as root may.
fn unshared(stage: &Stage, actor: &mut Actor, kind: Namespace) -> Result<Outcome, Failure> {
    let both = place(Place::Unshare(vec![Namespace::User, kind]));
    let first = stage.quietly(actor, &both)?;
    if first.result.is_ok() {
        return Ok(first);
    }
    let alone = place(Place::Unshare(vec![kind]));
    let second = stage.quietly(actor, &alone)?;
    Ok(if second.result.is_ok() { second } else { first })
}

/// The live half of part b, or which call was refused.
fn apart(stage: &mut Stage, file: &str, name: &str) -> Result<Result<Value, Lacking>, Failure> {
    let named = Address::Abstract(name.to_owned(), 0);
    let listed = place(Place::Listed(file.to_owned()));
    let (net, mnt) = ("net client", "mnt client");
    let mut network = stage.actor(net)?;
    let mut mounts = stage.actor(mnt)?;
    // One socket is older than the namespace of its process.
    let early = socket(stage, &mut network)?;
    // All of it is tried before anything is written down, so that no half of a run is shown.
    let net_made = unshared(stage, &mut network, Namespace::Network)?;
    let mnt_made = unshared(stage, &mut mounts, Namespace::Mount)?;
    let cover = place(Place::Cover(DIRECTORY.to_owned()));
    let covered = stage.quietly(&mut mounts, &cover)?;
    for made in [&net_made, &mnt_made, &covered] {
        if made.result.is_err() {
            return Ok(Err((made.call.clone(), made.text())));
        }
    }
    stage.note(net, &net_made.call, &net_made.text());
    let net_name = connect(stage, &mut network, &named)?;
    stage.mark();
    let net_early = stage.call(&mut network, Order::Connect(early, named.clone()))?;
    // Before the path is connected to: the server's end of that connection would be listed.
    let net_listed = stage.call(&mut network, listed.clone())?;
    let net_path = connect(stage, &mut network, &path(file))?;
    let own = socket(stage, &mut network)?;
    let taken = stage.call(&mut network, Order::Bind(own, named.clone()))?;
    for made in [&mnt_made, &covered] {
        stage.note(mnt, &made.call, &made.text());
    }
    let mnt_path = connect(stage, &mut mounts, &path(file))?;
    let mnt_listed = stage.call(&mut mounts, listed)?;
    let mnt_name = connect(stage, &mut mounts, &named)?;
    Ok(Ok(json!({
        "source": "this run", "file": file,
        "net_path": net_path, "net_name": net_name, "net_listed": is_listed(net_listed.told()?),
        "net_early": net_early.name(), "taken": taken.name(), "mnt_path": mnt_path, "mnt_listed": is_listed(mnt_listed.told()?),
        "mnt_name": mnt_name,
    })))
}

fn is_listed(told: &str) -> bool {
    !told.contains("is not")
}

/// The same as it was seen on Linux 6.18.44, for machines that refuse namespaces.
fn recorded(stage: &mut Stage, (call, result): &Lacking) -> Value {
    stage.note("here", call, result);
    let (net, mnt) = ("net, recorded", "mnt, recorded");
    let (done, refused, missing) = ("0", "-1 ECONNREFUSED", "-1 ENOENT");
    for (who, call, result) in [
        (net, "unshare(CLONE_NEWUSER|CLONE_NEWNET)", done),
        (net, "connect(4, @\"door\")", refused),
        (net, "connect(3, @\"door\")", done),
        (net, "read(\"/proc/net/unix\")", "run/door is not in it"),
        (net, "connect(5, \"run/door\")", done),
        (net, "bind(6, @\"door\")", done),
        (mnt, "unshare(CLONE_NEWUSER|CLONE_NEWNS)", done),
        (mnt, "mount(\"tmpfs\", \"run\", \"tmpfs\")", done),
        (mnt, "connect(3, \"run/door\")", missing),
        (mnt, "read(\"/proc/net/unix\")", "run/door is in it"),
        (mnt, "connect(4, @\"door\")", done),
    ] {
        stage.note(who, call, result);
        if result == refused {
            stage.mark();
        }
    }
    json!({
        "source": "a run recorded on Linux 6.18.44", "file": "run/door",
        "net_path": "success", "net_name": "ECONNREFUSED", "net_listed": false,
        "net_early": "success",
        "taken": "success", "mnt_path": "ENOENT", "mnt_listed": true, "mnt_name": "success",
        "lacking": format!("new namespaces, which are refused here: {call} gives {result}"),
    })
}
