//! `pid.reuse`: what a pid that was recorded on a connection is worth, and what a pidfd is.

use serde_json::{Map, Value, json};

use super::files::Touch;
use super::identity::Act;
use super::order::{Order, Outcome};
use super::setting::{listener, socket};
use super::stage::{Actor, Stage};
use super::standing::{Space, Standing};
use super::traffic::Traffic;
use super::{Failure, Nothing, parameters, path};

/// The file that holds the last pid that was given in a pid namespace (pid_namespaces(7)).
const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

fn act(act: Act) -> Order {
    Order::Identity(act)
}

fn pid_of(actor: &Actor) -> i32 {
    i32::try_from(actor.pid()).unwrap_or(0)
}

/// A child of the server that connects to it, and the server's end of the connection.
fn connector(stage: &mut Stage, server: &mut Actor, name: &str) -> Result<(Actor, i32), Failure> {
    let listening = listener(stage, server, name, 5)?;
    let mut connector = stage.fork(server, "client")?;
    let own = socket(stage, &mut connector, super::order::Kind::Stream)?;
    stage
        .call(&mut connector, Order::Connect(own, path(name)))?
        .done()?;
    let accepted = stage.quietly(server, &Order::Accept(listening))?;
    Ok((connector, accepted.descriptor()?))
}

fn peer_pidfd(fd: i32) -> Order {
    Order::Traffic(Traffic::PeerPidfd(fd))
}

/// Asks a pidfd, if there is one, whether its process can be signalled; else what the first call gave.
fn signalled(stage: &mut Stage, server: &mut Actor, pidfd: &Outcome) -> Result<String, Failure> {
    match pidfd.descriptor() {
        Ok(fd) => Ok(stage.call(server, act(Act::PidfdExists(fd)))?.name()),
        Err(_) => Ok(pidfd.name()),
    }
}

/// Part a: a client executes another program and ends, and its server asks who it was; part b: the
/// number of a client that has ended is given to another process, where that can be arranged.
pub(super) fn reuse(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let a = replaced(stage)?;
    let b = given_again(stage)?;
    Ok(json!({ "a": a, "b": b }))
}

fn replaced(stage: &mut Stage) -> Result<Value, Failure> {
    stage.part("a");
    let mut server = stage.actor("server")?;
    let (mut client, accepted) = connector(stage, &mut server, "agent.sock")?;
    let pid = pid_of(&client);
    let pidfd = stage.call(&mut server, peer_pidfd(accepted))?;
    stage.execute(&mut client, "program")?;
    let (recorded, _, _) = stage
        .call(&mut server, Order::PeerCredentials(accepted))?
        .credentials()?;
    let running = signalled(stage, &mut server, &pidfd)?;
    stage.end(client);
    stage.call(&mut server, act(Act::Wait(pid)))?.process()?;
    let ended = signalled(stage, &mut server, &pidfd)?;
    let late = stage.decisive(&mut server, Order::PeerCredentials(accepted))?;
    let (late, _, _) = late.credentials()?;
    let asked_late = stage.call(&mut server, peer_pidfd(accepted))?;
    Ok(json!({
        "client": pid, "recorded": recorded, "pidfd": pidfd.name(), "running": running,
        "ended": ended, "late": late, "asked_late": asked_late.name(), "server_fd": accepted,
        "pidfd_fd": pidfd.descriptor().unwrap_or(-1),
    }))
}

/// A server that may choose the pids of its children: the first process of a pid namespace. Without
/// the right to make one, an ordinary process, and why.
fn chooser(stage: &mut Stage) -> Result<(Actor, Actor, String), Failure> {
    let mut launcher = stage.actor("launcher")?;
    let order = Order::Standing(Standing::Unshare(Space::Pids));
    let unshared = stage.quietly(&mut launcher, &order)?;
    let server = stage.fork(&mut launcher, "server")?;
    Ok((launcher, server, unshared.name()))
}

fn given_again(stage: &mut Stage) -> Result<Value, Failure> {
    stage.part("b");
    let (launcher, mut server, mut permitted) = chooser(stage)?;
    let (client, accepted) = connector(stage, &mut server, "second.sock")?;
    let (pid, _, _) = stage
        .call(&mut server, Order::PeerCredentials(accepted))?
        .credentials()?;
    let pidfd = stage.call(&mut server, peer_pidfd(accepted))?;
    stage.end(client);
    stage
        .quietly(&mut server, &act(Act::Wait(pid)))?
        .process()?;
    if permitted == "success" {
        let text = (pid - 1).to_string();
        let order = Order::File(Touch::WriteText(LAST_PID.to_owned(), text));
        permitted = stage.call(&mut server, order)?.name();
    }
    let mut stranger = stage.fork(&mut server, "stranger")?;
    let asked = stage.call(&mut stranger, act(Act::Getpid))?;
    let given = asked.process()?;
    let by_pid = stage.call(&mut server, act(Act::Exists(pid)))?;
    let by_pidfd = signalled(stage, &mut server, &pidfd)?;
    stage.mark();
    drop(stranger);
    drop(server);
    drop(launcher);
    Ok(json!({
        "permitted": permitted, "pid": pid, "stranger": given, "reused": given == pid,
        "by_pid": by_pid.name(), "by_pidfd": by_pidfd, "pidfd": pidfd.name(),
        "told": if given == pid { "success" } else { "ESRCH" },
    }))
}
