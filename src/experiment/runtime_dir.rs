//! Experiments of module `tmpfs-runtime-dir`: who makes the runtime directory, and who lives in it.

use serde_json::{Map, Value, json};

use super::identity::Act;
use super::order::{Environment, Kind, Order};
use super::stage::{Actor, Stage};
use super::{Failure, Nothing, parameters, path};

/// `runtime-dir.made-by`: part a, a program with an empty environment looks for its runtime
/// directory; part b, a server binds in a directory that nobody has made; part c, the directory is
/// taken away from under an open connection.
pub(super) fn made_by(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut manager = stage.actor("manager")?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;

    stage.part("a");
    let variable = "XDG_RUNTIME_DIR";
    let found = stage.start_program(&mut manager, "program", Environment::Empty, variable)?;
    stage.mark();
    let value = found.value()?.unwrap_or("not set").to_owned();
    let expected = format!("/run/user/{}", nix::unistd::getuid());
    let a = json!({ "value": value, "expected": expected });

    stage.part("b");
    let (directory, name) = ("run", "run/bus");
    let order = Order::Socket(path(name), Kind::Stream);
    let listener = stage.call(&mut server, order.clone())?.descriptor()?;
    let unmade = stage.decisive(&mut server, Order::Bind(listener, path(name)))?;
    let order_made = Order::Mkdir(directory.to_owned());
    stage.call(&mut manager, order_made)?.done()?;
    let order_stat = Order::Stat(directory.to_owned());
    let (what, _) = stage.call(&mut manager, order_stat)?.stat()?;
    let made = stage.call(&mut server, Order::Bind(listener, path(name)))?;
    made.done()?;
    let b = json!({ "unmade": unmade.name(), "made": made.name(), "directory": what });

    stage.part("c");
    stage
        .quietly(&mut server, &Order::Listen(listener, 1))?
        .done()?;
    let early = stage.quietly(&mut client, &order)?.descriptor()?;
    stage
        .call(&mut client, Order::Connect(early, path(name)))?
        .done()?;
    let connection = stage
        .call(&mut server, Order::Accept(listener))?
        .descriptor()?;
    stage
        .call(&mut manager, Order::Unlink(name.to_owned()))?
        .done()?;
    stage
        .call(&mut manager, Order::Rmdir(directory.to_owned()))?
        .done()?;
    let word = "still here";
    let sent = stage.call(&mut client, Order::Write(early, word.to_owned()))?;
    let read = stage.call(&mut server, Order::Read(connection, 100))?;
    let late = stage.quietly(&mut client, &order)?.descriptor()?;
    let refused = stage.decisive(&mut client, Order::Connect(late, path(name)))?;
    let listens = stage.quietly(&mut server, &Order::Listening(listener))?;
    let c = json!({
        "listens": listens.flag()?, "word": word, "sent": sent.name(), "read": read.bytes().unwrap_or_default(),
        "late": refused.name(), "client_fd": early, "server_fd": connection,
        "listener_fd": listener,
    });
    Ok(json!({ "a": a, "b": b, "c": c }))
}

/// `runtime-dir.who-lives-there`: part a, a live socket file beside one whose server has ended;
/// part b, a name that a second program has taken from a server that still listens.
pub(super) fn who_lives_there(
    stage: &mut Stage,
    params: &Map<String, Value>,
) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let (live_name, dead_name) = ("bus", "old");
    let mut first = stage.actor("first")?;
    let mut second = stage.actor("second")?;
    let mut client = stage.actor("client")?;

    stage.part("a");
    let first_listener = listen_at(stage, &mut first, live_name)?;
    let mut ended = stage.actor("ended")?;
    listen_at(stage, &mut ended, dead_name)?;
    drop(ended);
    let (live, first_inode) = stage
        .call(&mut first, Order::Stat(live_name.to_owned()))?
        .stat()?;
    let found = stage.call(&mut first, Order::Stat(dead_name.to_owned()))?;
    let dead = match found.stat() {
        Ok((what, _)) => what,
        Err(_) => found.name(),
    };
    let order = Order::Socket(path(live_name), Kind::Stream);
    let fd = stage.quietly(&mut client, &order)?.descriptor()?;
    let to_live = stage.call(&mut client, Order::Connect(fd, path(live_name)))?;
    let fd = stage.quietly(&mut client, &order)?.descriptor()?;
    let to_dead = stage.decisive(&mut client, Order::Connect(fd, path(dead_name)))?;
    let a = json!({
        "live": live, "dead": dead, "to_live": to_live.name(), "to_dead": to_dead.name(),
    });

    stage.part("b");
    for actor in [&mut first, &mut second] {
        let own = Order::Identity(Act::Getpid);
        stage.call(actor, own)?.process()?;
    }
    stage
        .call(&mut second, Order::Unlink(live_name.to_owned()))?
        .done()?;
    let second_listener = stage.quietly(&mut second, &order)?.descriptor()?;
    stage
        .call(&mut second, Order::Bind(second_listener, path(live_name)))?
        .done()?;
    stage
        .call(&mut second, Order::Listen(second_listener, 1))?
        .done()?;
    let order_stat = Order::Stat(live_name.to_owned());
    let (_, second_inode) = stage.quietly(&mut second, &order_stat)?.stat()?;
    let still = stage
        .call(&mut first, Order::Listening(first_listener))?
        .flag()?;
    let fd = stage.quietly(&mut client, &order)?.descriptor()?;
    let connected = stage.call(&mut client, Order::Connect(fd, path(live_name)))?;
    let peer = match connected.result {
        Ok(_) => {
            stage
                .decisive(&mut client, Order::PeerCredentials(fd))?
                .credentials()?
                .0
        }
        Err(_) => -1,
    };
    let b = json!({
        "first": first.pid(), "second": second.pid(), "peer": peer,
        "connected": connected.name(), "first_listens": still,
        "first_inode": first_inode, "second_inode": second_inode,
        "first_fd": first_listener, "second_fd": second_listener,
    });
    Ok(json!({ "a": a, "b": b }))
}

fn listen_at(stage: &Stage, server: &mut Actor, name: &str) -> Result<i32, Failure> {
    let order = Order::Socket(path(name), Kind::Stream);
    let listener = stage.quietly(server, &order)?.descriptor()?;
    stage
        .quietly(server, &Order::Bind(listener, path(name)))?
        .done()?;
    stage.quietly(server, &Order::Listen(listener, 1))?.done()?;
    Ok(listener)
}
