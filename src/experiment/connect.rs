//! Experiments about what connect finds: `unix.atlas`, one target for each error, and `unix.moved`,
//! a socket whose name is moved, copied and taken over.

use serde_json::{Map, Value, json};

use super::files::Touch;
use super::order::{Kind, Order};
use super::setting::{bound, empty_file, hasty, listener, socket, without_privileges};
use super::stage::{Actor, Stage};
use super::traffic::Traffic;
use super::{Failure, Nothing, parameters, path};

fn file(touch: Touch) -> Order {
    Order::File(touch)
}

/// `unix.atlas`: part a, connect to eight targets; part b, bind to names that are taken, and twice.
pub(super) fn atlas(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut keeper = stage.actor("keeper")?;
    let mut client = stage.actor("client")?;
    without_privileges(stage, &mut client)?;

    empty_file(stage, &mut keeper, "notes.txt")?;
    let order = file(Touch::Symlink("nothing".to_owned(), "letter".to_owned()));
    stage.quietly(&mut keeper, &order)?.done()?;
    let stale = bound(stage, &mut keeper, Kind::Stream, "stale")?;
    stage.quietly(&mut keeper, &Order::Close(stale))?.done()?;
    bound(stage, &mut keeper, Kind::Stream, "bound")?;
    bound(stage, &mut keeper, Kind::Datagram, "dgram")?;
    listener(stage, &mut keeper, "locked", 5)?;
    let order = file(Touch::Chmod("locked".to_owned(), 0o444));
    stage.quietly(&mut keeper, &order)?.done()?;
    listener(stage, &mut keeper, "full", 0)?;
    let first = hasty(stage, &mut keeper)?;
    let order = Order::Connect(first, path("full"));
    stage.quietly(&mut keeper, &order)?.done()?;

    stage.part("a");
    let fd = hasty(stage, &mut client)?;
    let mut seen = Map::new();
    for (name, key) in [
        ("nothing", "nothing"),
        ("letter", "dangling"),
        ("notes.txt/s", "below_file"),
        ("notes.txt", "plain"),
        ("stale", "stale"),
        ("bound", "bound"),
        ("dgram", "dgram"),
        ("locked", "locked"),
        ("full", "full"),
    ] {
        let order = Order::Connect(fd, path(name));
        let outcome = if name == "locked" {
            stage.decisive(&mut client, order)?
        } else {
            stage.call(&mut client, order)?
        };
        seen.insert(key.to_owned(), outcome.name().into());
    }
    seen.insert("fd".to_owned(), fd.into());

    stage.part("b");
    let newcomer = socket(stage, &mut keeper, Kind::Stream)?;
    let mut tried = Map::new();
    for (name, key) in [
        ("notes.txt", "plain"),
        ("stale", "stale"),
        ("letter", "dangling"),
        ("missing/s", "missing"),
        ("fresh", "fresh"),
        ("second", "second"),
    ] {
        let order = Order::Bind(newcomer, path(name));
        let outcome = if name == "stale" {
            stage.decisive(&mut keeper, order)?
        } else {
            stage.call(&mut keeper, order)?
        };
        tried.insert(key.to_owned(), outcome.name().into());
    }
    tried.insert("fd".to_owned(), newcomer.into());
    Ok(json!({ "a": seen, "b": tried }))
}

/// Connects a new socket of the client: the name of the error, or `success`, and the descriptor.
fn reach(stage: &mut Stage, client: &mut Actor, name: &str) -> Result<(String, i32), Failure> {
    let fd = hasty(stage, client)?;
    let connected = stage.call(client, Order::Connect(fd, path(name)))?;
    Ok((connected.name(), fd))
}

/// `unix.moved`: part a, a live socket file is renamed, linked and copied; part b, another server
/// puts its own file in the place of it with one rename.
pub(super) fn moved(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut server = stage.actor("server")?;
    let mut rival = stage.actor("rival")?;
    let mut client = stage.actor("client")?;
    let (old, new) = ("app.sock", "new.sock");
    let to = |name: &str| name.to_owned();

    stage.part("a");
    let listening = listener(stage, &mut server, old, 5)?;
    let order = file(Touch::Rename(to(old), to(new)));
    stage.call(&mut server, order)?.done()?;
    let order = file(Touch::Link(to(new), to("hard")));
    stage.call(&mut server, order)?.done()?;
    let order = file(Touch::Symlink(to(new), to("soft")));
    stage.call(&mut server, order)?.done()?;
    let order = file(Touch::MakeSocketFile(to("copy")));
    stage.call(&mut server, order)?.done()?;
    let (by_old, _) = reach(stage, &mut client, old)?;
    let (by_new, first) = reach(stage, &mut client, new)?;
    let (by_hard, _) = reach(stage, &mut client, "hard")?;
    let (by_soft, _) = reach(stage, &mut client, "soft")?;
    let fd = hasty(stage, &mut client)?;
    let by_copy = stage.decisive(&mut client, Order::Connect(fd, path("copy")))?;
    let order = Order::Traffic(Traffic::PeerName(first));
    let shown = stage.call(&mut client, order)?.told()?.to_owned();
    let a = json!({
        "old": by_old, "new": by_new, "hard": by_hard, "soft": by_soft, "copy": by_copy.name(),
        "shown": shown, "bound": old, "renamed": new, "client_fd": first,
        "server_fd": listening,
    });

    stage.part("b");
    let own = listener(stage, &mut rival, "app.tmp", 5)?;
    let order = file(Touch::Rename(to("app.tmp"), to(new)));
    let replaced = stage.call(&mut rival, order)?;
    let fd = hasty(stage, &mut client)?;
    let connected = stage.call(&mut client, Order::Connect(fd, path(new)))?;
    let peer = match connected.result {
        Ok(_) => {
            let told = stage.decisive(&mut client, Order::PeerCredentials(fd))?;
            told.credentials()?.0
        }
        Err(_) => -1,
    };
    let order = Order::Traffic(Traffic::PeerName(fd));
    let shown = stage.call(&mut client, order)?.told()?.to_owned();
    let listens = stage.call(&mut server, Order::Listening(listening))?;
    let waiting = stage.call(&mut server, Order::Accept(listening))?;
    let (by_hard, _) = reach(stage, &mut client, "hard")?;
    let b = json!({
        "server": server.pid(), "rival": rival.pid(), "peer": peer, "shown": shown,
        "replaced": replaced.name(), "connected": connected.name(),
        "listens": listens.flag()?, "waiting": waiting.name(), "hard": by_hard,
        "server_fd": listening, "rival_fd": own,
    });
    Ok(json!({ "a": a, "b": b }))
}
