//! Who is at the other end: `peercred.handoff`, `cred.per-message`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::within;
use crate::experiment::af_unix::connect_quietly;
use crate::experiment::identity::Act;
use crate::experiment::order::{Kind, Order};
use crate::experiment::setting::{bound, socket};
use crate::experiment::stage::{Actor, Stage};
use crate::experiment::{Failure, parameters, path};

/// One of the two clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Client {
    Parent,
    Child,
}

/// Who calls listen(2) once more, if anybody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Listens {
    Nobody,
    Manager,
    Worker,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Handoff {
    /// Who calls connect(2) on the socket that both clients have; the other one writes.
    connects: Client,
    /// Who calls listen(2) again before that.
    before: Listens,
    /// Who calls it again after that.
    after: Listens,
}

impl Default for Handoff {
    fn default() -> Self {
        Self {
            connects: Client::Parent,
            before: Listens::Nobody,
            after: Listens::Worker,
        }
    }
}

/// Two clients that share a socket, and two servers that share a listener: whom each side is shown.
pub fn handoff(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Handoff {
        connects,
        before,
        after,
    } = parameters(params)?;
    let name = "service.sock";
    let mut manager = stage.actor("manager")?;
    let mut parent = stage.actor("parent")?;
    let mut late = stage.actor("late client")?;
    let listening = bound(stage, &mut manager, Kind::Stream, name)?;
    let own = socket(stage, &mut parent, Kind::Stream)?;
    let second = socket(stage, &mut late, Kind::Stream)?;
    let listen = || Order::Listen(listening, 5);
    stage.part("a");
    stage.call(&mut manager, listen())?.done()?;
    let mut worker = stage.fork(&mut manager, "worker")?;
    let mut child = stage.fork(&mut parent, "child")?;
    let again = |stage: &mut Stage, who, manager: &mut Actor, worker: &mut Actor| match who {
        Listens::Nobody => Ok(()),
        Listens::Manager => stage.call(manager, listen())?.done(),
        Listens::Worker => stage.call(worker, listen())?.done(),
    };
    again(stage, before, &mut manager, &mut worker)?;
    let connect = Order::Connect(own, path(name));
    let write = Order::Write(own, "restore".to_owned());
    match connects {
        Client::Parent => {
            stage.call(&mut parent, connect)?.done()?;
            stage.call(&mut child, write)?.done()?;
        }
        Client::Child => {
            stage.call(&mut child, connect)?.done()?;
            stage.call(&mut parent, write)?.done()?;
        }
    }
    let accepted = stage.call(&mut worker, Order::Accept(listening))?;
    let accepted = accepted.descriptor()?;
    let told = stage.decisive(&mut worker, Order::PeerCredentials(accepted))?;
    let (server_told, ..) = told.credentials()?;
    again(stage, after, &mut manager, &mut worker)?;
    let told = stage.decisive(&mut child, Order::PeerCredentials(own))?;
    let (client_told, ..) = told.credentials()?;
    stage
        .call(&mut late, Order::Connect(second, path(name)))?
        .done()?;
    let told = stage.decisive(&mut late, Order::PeerCredentials(second))?;
    let (late_told, ..) = told.credentials()?;
    let known = [
        ("manager", manager.pid()),
        ("worker", worker.pid()),
        ("parent", parent.pid()),
        ("child", child.pid()),
    ];
    let who = |pid: i32| {
        let found = known.iter().find(|(_, known)| known.cast_signed() == pid);
        found.map_or("nobody", |(who, _)| who)
    };
    let a = json!({
        "server": who(server_told), "client": who(client_told), "late": who(late_told),
    });
    Ok(json!({ "a": a }))
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sender {
    Client,
    Heir,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Messages {
    first: Sender,
    second: Sender,
    third: Sender,
    /// The receiver asks for credentials before this message is sent.
    from: usize,
}

impl Default for Messages {
    fn default() -> Self {
        Self {
            first: Sender::Client,
            second: Sender::Client,
            third: Sender::Heir,
            from: 2,
        }
    }
}

/// Three packets by two processes on one connection; somewhere among them `SO_PASSCRED` is set.
pub fn per_message(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Messages {
        first,
        second,
        third,
        from,
    } = parameters(params)?;
    within("from", from, (1, 3))?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let pair = (&mut server, &mut client);
    let ends = connect_quietly(stage, pair, Kind::Seqpacket, "inbox.sock")?;
    stage.part("a");
    let mut heir = stage.fork(&mut client, "heir")?;
    for (number, sender) in [first, second, third].into_iter().enumerate() {
        if number + 1 == from {
            let order = Order::Identity(Act::PassCredentials(ends.server));
            stage.call(&mut server, order)?.done()?;
        }
        let order = Order::Write(ends.client, format!("message {}", number + 1));
        let actor = match sender {
            Sender::Client => &mut client,
            Sender::Heir => &mut heir,
        };
        stage.call(actor, order)?.done()?;
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        let order = Order::Identity(Act::ReceiveCredentials(ends.server, 100));
        let message = stage.decisive(&mut server, order)?;
        let pid = message.signed()?.1.map_or(-1, |(pid, ..)| pid);
        seen.push(match pid {
            pid if pid == client.pid().cast_signed() => "client",
            pid if pid == heir.pid().cast_signed() => "heir",
            _ => "nobody",
        });
    }
    let told = stage.call(&mut server, Order::PeerCredentials(ends.server))?;
    let (peer, ..) = told.credentials()?;
    let a = json!({
        "first": seen[0], "second": seen[1], "third": seen[2],
        "connection": if peer == client.pid().cast_signed() { "client" } else { "heir" },
    });
    Ok(json!({ "a": a }))
}
