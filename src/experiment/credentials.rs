//! Experiments of module `credentials`: who is at the other end, since when, and who says so.

use serde_json::{Map, Value, json};

use super::identity::Act;
use super::order::{Kind, Order, Outcome};
use super::stage::{Actor, Stage};
use super::{Failure, Nothing, parameters, path};

fn act(act: Act) -> Order {
    Order::Identity(act)
}

fn pid_of(actor: &Actor) -> i32 {
    i32::try_from(actor.pid()).unwrap_or(0)
}

/// Binds a socket and calls listen on it, without a line in the transcript.
fn listener(stage: &Stage, owner: &mut Actor, name: &str) -> Result<i32, Failure> {
    let order = Order::Socket(path(name), Kind::Stream);
    let fd = stage.quietly(owner, &order)?.descriptor()?;
    stage.quietly(owner, &Order::Bind(fd, path(name)))?.done()?;
    stage.quietly(owner, &Order::Listen(fd, 5))?.done()?;
    Ok(fd)
}

fn socket(stage: &Stage, client: &mut Actor) -> Result<i32, Failure> {
    let order = Order::Socket(path(""), Kind::Stream);
    stage.quietly(client, &order)?.descriptor()
}

/// `peercred.handoff`: part a, a process connects, forks an heir and ends, and the heir writes;
/// part b, a process listens, its worker accepts, and later calls listen again.
pub(super) fn handoff(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let peer = Order::PeerCredentials;

    stage.part("a");
    let name = "inbox.sock";
    let mut server = stage.actor("server")?;
    let mut connector = stage.actor("connector")?;
    let connector_pid = pid_of(&connector);
    let listening = listener(stage, &mut server, name)?;
    let own = socket(stage, &mut connector)?;
    let before = stage.call(&mut connector, peer(own))?;
    let (unmade_pid, unmade_uid, unmade_gid) = before.credentials().unwrap_or((-1, -1, -1));
    stage
        .call(&mut connector, Order::Connect(own, path(name)))?
        .done()?;
    let mut heir = stage.fork(&mut connector, "heir")?;
    stage.end(connector);
    let word = "restore";
    stage
        .call(&mut heir, Order::Write(own, word.to_owned()))?
        .done()?;
    let accepted = stage
        .call(&mut server, Order::Accept(listening))?
        .descriptor()?;
    let read = stage
        .call(&mut server, Order::Read(accepted, 100))?
        .bytes()?;
    let told = stage.decisive(&mut server, peer(accepted))?;
    let (pid, uid, gid) = told.credentials().unwrap_or((-1, -1, -1));
    let alive = stage.call(&mut server, act(Act::Exists(connector_pid)))?;
    let a = json!({
        "connector": connector_pid, "heir": heir.pid(), "server": server.pid(),
        "unmade": before.name(), "unmade_pid": unmade_pid, "unmade_uid": unmade_uid,
        "unmade_gid": unmade_gid, "word": word, "read": read, "told": told.name(), "pid": pid,
        "uid": uid, "gid": gid, "alive": alive.name(), "client_fd": own, "server_fd": accepted,
    });
    drop(heir);

    stage.part("b");
    let name = "service.sock";
    let mut manager = stage.actor("manager")?;
    let mut first = stage.actor("client 1")?;
    let mut second = stage.actor("client 2")?;
    let order = Order::Socket(path(name), Kind::Stream);
    let listening = stage.quietly(&mut manager, &order)?.descriptor()?;
    let bind = Order::Bind(listening, path(name));
    stage.quietly(&mut manager, &bind)?.done()?;
    stage
        .call(&mut manager, Order::Listen(listening, 5))?
        .done()?;
    let mut worker = stage.fork(&mut manager, "worker")?;
    let own = socket(stage, &mut first)?;
    stage
        .call(&mut first, Order::Connect(own, path(name)))?
        .done()?;
    stage
        .call(&mut worker, Order::Accept(listening))?
        .descriptor()?;
    let (early, _, _) = stage.call(&mut first, peer(own))?.credentials()?;
    stage
        .call(&mut worker, Order::Listen(listening, 5))?
        .done()?;
    let another = socket(stage, &mut second)?;
    stage
        .call(&mut second, Order::Connect(another, path(name)))?
        .done()?;
    let (late, _, _) = stage.call(&mut second, peer(another))?.credentials()?;
    let (again, _, _) = stage.decisive(&mut first, peer(own))?.credentials()?;
    let b = json!({
        "manager": manager.pid(), "worker": worker.pid(),
        "early": early, "late": late, "again": again,
    });
    drop(worker);
    Ok(json!({ "a": a, "b": b }))
}

/// What came with a message: the bytes, and process and user; −1 when nothing came.
fn signed(outcome: &Outcome) -> Result<(String, i32, i64, i64), Failure> {
    let (bytes, credentials) = outcome.signed()?;
    let (pid, uid, gid) = credentials.unwrap_or((-1, -1, -1));
    Ok((bytes, pid, uid, gid))
}

/// `cred.per-message`: part a, three messages on one connection, one of them sent before the
/// receiver has asked for credentials and one by a child; part b, what a sender may claim.
pub(super) fn per_message(
    stage: &mut Stage,
    params: &Map<String, Value>,
) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let name = "inbox.sock";
    let listening = listener(stage, &mut server, name)?;
    let own = socket(stage, &mut client)?;
    stage
        .quietly(&mut client, &Order::Connect(own, path(name)))?
        .done()?;
    let accepted = stage
        .quietly(&mut server, &Order::Accept(listening))?
        .descriptor()?;
    let write = |text: &str| Order::Write(own, text.to_owned());
    let receive = || act(Act::ReceiveCredentials(accepted, 100));

    stage.part("a");
    stage.call(&mut client, write("unasked"))?.done()?;
    let unasked = stage.call(&mut server, receive())?.signed()?.1.is_some();
    stage.call(&mut client, write("early"))?.done()?;
    stage
        .call(&mut server, act(Act::PassCredentials(accepted)))?
        .done()?;
    stage.call(&mut client, write("own"))?.done()?;
    let mut heir = stage.fork(&mut client, "heir")?;
    stage.call(&mut heir, write("heir"))?.done()?;
    let early = stage.call(&mut server, receive())?;
    let (early, early_pid, early_uid, early_gid) = signed(&early)?;
    let mine = stage.call(&mut server, receive())?;
    let (mine, mine_pid, mine_uid, _) = signed(&mine)?;
    let heirs = stage.decisive(&mut server, receive())?;
    let (heirs, heirs_pid, _, _) = signed(&heirs)?;
    let told = stage.call(&mut server, Order::PeerCredentials(accepted))?;
    let (peer, _, _) = told.credentials()?;
    let overflow = std::fs::read_to_string("/proc/sys/kernel/overflowuid")
        .ok()
        .and_then(|text| text.trim().parse::<i64>().ok())
        .ok_or_else(|| Failure::Lacking("the file /proc/sys/kernel/overflowuid".into()))?;
    let a = json!({
        "client": client.pid(), "heir": heir.pid(), "server": server.pid(),
        "client_fd": own, "server_fd": accepted, "overflow": overflow, "unasked": unasked,
        "early": early, "early_pid": early_pid, "early_uid": early_uid, "early_gid": early_gid,
        "mine": mine, "mine_pid": mine_pid, "mine_uid": mine_uid,
        "heirs": heirs, "heirs_pid": heirs_pid, "peer": peer,
    });
    drop(heir);

    stage.part("b");
    let status = Order::Open("/proc/self/status".to_owned());
    let status = stage.quietly(&mut client, &status)?.descriptor()?;
    let ids = stage.quietly(&mut client, &act(Act::ReadStatus(status)))?;
    let uid = *ids.status()?.uids.first().unwrap_or(&0);
    let gid = nix::unistd::getgid().as_raw();
    let (client_pid, server_pid) = (pid_of(&client), pid_of(&server));
    let claim =
        |text: &str, pid, uid| act(Act::SendCredentials(own, text.to_owned(), (pid, uid, gid)));
    let other = uid ^ 1;
    let capable = stage.call(&mut client, claim("as root?", server_pid, uid))?;
    stage
        .call(&mut client, act(Act::DropCapabilities))?
        .done()?;
    let forged_pid = stage.decisive(&mut client, claim("pid", server_pid, uid))?;
    let forged_uid = stage.call(&mut client, claim("uid", client_pid, other))?;
    let honest = stage.call(&mut client, claim("true", client_pid, uid))?;
    let mut shown = Vec::new();
    for sent in [&capable, &forged_pid, &forged_uid, &honest] {
        shown.push(if sent.result.is_ok() {
            let message = stage.call(&mut server, receive())?;
            signed(&message)?
        } else {
            (String::new(), -1, -1, -1)
        });
    }
    stage.call(&mut client, Order::Close(own))?.done()?;
    let end = stage.call(&mut server, receive())?;
    let (end, end_pid, end_uid, _) = signed(&end)?;
    let b = json!({
        "client": client_pid, "server": server_pid, "uid": uid, "other": other,
        "capable": capable.name(), "pid": forged_pid.name(), "other_uid": forged_uid.name(),
        "own": honest.name(), "capable_shown": shown[0].1, "pid_shown": shown[1].1,
        "own_pid_shown": shown[3].1, "own_uid_shown": shown[3].2,
        "end": end.len(), "end_pid": end_pid, "end_uid": end_uid,
    });
    Ok(json!({ "a": a, "b": b }))
}

/// Numbers as a status file has them.
fn numbers(ids: &[u32]) -> String {
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    ids.join(" ")
}

/// `cred.self`: part a, whose status a forked child and an executed program find under /proc/self;
/// part b, how long a pid is taken, and what a pidfd says afterwards.
pub(super) fn own(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut shell = stage.actor("shell")?;

    stage.part("a");
    let open = Order::Open("/proc/self/status".to_owned());
    let early_fd = stage.call(&mut shell, open.clone())?.descriptor()?;
    let mut child = stage.fork(&mut shell, "child")?;
    let early = stage.call(&mut child, act(Act::ReadStatus(early_fd)))?;
    let early = early.status()?.clone();
    stage.execute(&mut child, "program")?;
    let late_fd = stage.call(&mut child, open)?.descriptor()?;
    let late = stage.decisive(&mut child, act(Act::ReadStatus(late_fd)))?;
    let late = late.status()?.clone();
    let a = json!({
        "shell": shell.pid(), "child": child.pid(), "early_fd": early_fd, "late_fd": late_fd,
        "early": early.pid, "late": late.pid,
        "shell_uids": numbers(&early.uids), "program_uids": numbers(&late.uids),
    });
    let pid = pid_of(&child);
    drop(child);
    stage.quietly(&mut shell, &act(Act::Wait(pid)))?.process()?;

    stage.part("b");
    let child = stage.fork(&mut shell, "child")?;
    let pid = pid_of(&child);
    let pidfd = stage.call(&mut shell, act(Act::PidfdOpen(pid)))?;
    let pidfd = pidfd.descriptor()?;
    let running = stage.call(&mut shell, act(Act::Exists(pid)))?;
    stage.end(child);
    stage.call(&mut shell, act(Act::Poll(pidfd)))?.done()?;
    let ended = stage.decisive(&mut shell, act(Act::Exists(pid)))?;
    stage.call(&mut shell, act(Act::Wait(pid)))?.process()?;
    let waited = stage.call(&mut shell, act(Act::Exists(pid)))?;
    let by_pidfd = stage.call(&mut shell, act(Act::PidfdExists(pidfd)))?;
    let b = json!({
        "shell": shell.pid(), "child": pid, "pidfd": pidfd, "running": running.name(),
        "ended": ended.name(), "waited": waited.name(), "by_pidfd": by_pidfd.name(),
    });
    Ok(json!({ "a": a, "b": b }))
}
