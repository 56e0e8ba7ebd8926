//! Which process, and which user: `cred.self`, `cred.which-uid`, `pid.reuse`, `cred.policy`,
//! `cred.refused`, `cred.sessions`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::experiment::af_unix::connect_loopback;
use crate::experiment::faces::as_ordinary;
use crate::experiment::files::Touch;
use crate::experiment::identity::Act;
use crate::experiment::order::{Address, Kind, Order};
use crate::experiment::sessions::{play_login, read_audit, read_group};
use crate::experiment::setting::{bound, hasty, listener, socket};
use crate::experiment::stage::{Actor, Stage};
use crate::experiment::standing::{Space, Standing};
use crate::experiment::traffic::Traffic;
use crate::experiment::{Failure, parameters, path};

fn act(act: Act) -> Order {
    Order::Identity(act)
}

fn pid_of(actor: &Actor) -> i32 {
    actor.pid().cast_signed()
}

/// Who opens `/proc/self/status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Opens {
    Shell,
    Child,
    Program,
}

/// How far a process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stand {
    Running,
    Replaced,
    Ended,
    Waited,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Own {
    opens: Opens,
    /// How far the child has come when its parent asks.
    stand: Stand,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            opens: Opens::Shell,
            stand: Stand::Ended,
        }
    }
}

/// Whose status a file under /proc/self shows, and for how long a pid is taken.
pub fn own(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Own { opens, stand } = parameters(params)?;
    let mut shell = stage.actor("shell")?;
    stage.part("a");
    let open = Order::Open("/proc/self/status".to_owned());
    let mut fd = None;
    if opens == Opens::Shell {
        fd = Some(stage.call(&mut shell, open.clone())?.descriptor()?);
    }
    let mut child = stage.fork(&mut shell, "child")?;
    if opens == Opens::Program {
        stage.execute(&mut child, "program")?;
    }
    let fd = match fd {
        Some(fd) => fd,
        None => stage.call(&mut child, open)?.descriptor()?,
    };
    let read = stage.decisive(&mut child, act(Act::ReadStatus(fd)))?;
    let told = read.status()?.pid;
    let whose = match told {
        pid if pid == pid_of(&shell) => "shell",
        pid if pid == pid_of(&child) => "child",
        _ => "somebody else",
    };
    if stand == Stand::Replaced && opens != Opens::Program {
        stage.execute(&mut child, "program")?;
    }
    let pid = pid_of(&child);
    let pidfd = stage.call(&mut shell, act(Act::PidfdOpen(pid)))?;
    let pidfd = pidfd.descriptor()?;
    let mut child = Some(child);
    if stand >= Stand::Ended
        && let Some(child) = child.take()
    {
        stage.end(child);
        stage.call(&mut shell, act(Act::Poll(pidfd)))?.done()?;
    }
    if stand == Stand::Waited {
        stage.call(&mut shell, act(Act::Wait(pid)))?.process()?;
    }
    let by_pid = stage.decisive(&mut shell, act(Act::Exists(pid)))?;
    let by_pidfd = stage.decisive(&mut shell, act(Act::PidfdExists(pidfd)))?;
    let a = json!({ "whose": whose, "by_pid": by_pid.name(), "by_pidfd": by_pidfd.name() });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Reuse {
    /// How far the client has come when the server asks.
    stand: Stand,
    /// Whether the client leaves its connection to a child.
    heir: Answer,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Yes,
    No,
}

impl Default for Reuse {
    fn default() -> Self {
        Self {
            stand: Stand::Waited,
            heir: Answer::No,
        }
    }
}

/// A pid and a pidfd of a client that changes, and a server that asks for both.
pub fn reuse(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Reuse { stand, heir } = parameters(params)?;
    let name = "agent.sock";
    let mut server = stage.actor("server")?;
    let listening = listener(stage, &mut server, name, 5)?;
    stage.part("a");
    let mut client = stage.fork(&mut server, "client")?;
    let pid = pid_of(&client);
    let own = socket(stage, &mut client, Kind::Stream)?;
    stage
        .call(&mut client, Order::Connect(own, path(name)))?
        .done()?;
    let accepted = stage.quietly(&mut server, &Order::Accept(listening))?;
    let accepted = accepted.descriptor()?;
    let order = Order::Traffic(Traffic::PeerPidfd(accepted));
    let pidfd = stage.call(&mut server, order)?;
    let lacking = |_| Failure::Lacking(format!("SO_PEERPIDFD (it gives {})", pidfd.name()));
    let fd = pidfd.descriptor().map_err(lacking)?;
    let mut heirs = Vec::new();
    if heir == Answer::Yes {
        let mut heir = stage.fork(&mut client, "heir")?;
        // So that it keeps the connection, and not the client's way to us.
        stage.execute(&mut heir, "heir")?;
        heirs.push(heir);
    }
    if stand == Stand::Replaced {
        stage.execute(&mut client, "program")?;
    }
    let mut client = Some(client);
    if stand >= Stand::Ended
        && let Some(client) = client.take()
    {
        stage.end(client);
        stage.call(&mut server, act(Act::Poll(fd)))?.done()?;
    }
    if stand == Stand::Waited {
        stage.call(&mut server, act(Act::Wait(pid)))?.process()?;
    }
    let told = stage.decisive(&mut server, Order::PeerCredentials(accepted))?;
    let (told, ..) = told.credentials()?;
    let whose = match told {
        known if known == pid => "client",
        known if heirs.iter().any(|heir| pid_of(heir) == known) => "heir",
        _ => "nobody",
    };
    let by_pid = stage.decisive(&mut server, act(Act::Exists(pid)))?;
    let by_pidfd = stage.decisive(&mut server, act(Act::PidfdExists(fd)))?;
    let a = json!({ "whose": whose, "by_pid": by_pid.name(), "by_pidfd": by_pidfd.name() });
    Ok(json!({ "a": a }))
}

/// A socket that somebody asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Peer {
    Tcp,
    Idle,
}

/// A rule about uids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Rule {
    /// Everybody but uid 0.
    Others,
    /// Uid 0 alone.
    Root,
    /// Uids below 1000.
    Below,
    /// Uids from 1000 on.
    From,
}

/// How a program keeps a uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    Signed,
    Unsigned,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    peer: Peer,
    rule: Rule,
    kept: Kept,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            peer: Peer::Tcp,
            rule: Rule::Others,
            kept: Kept::Unsigned,
        }
    }
}

/// What SO_PEERCRED gives where there is nobody, and what a rule makes of it.
pub fn policy(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Policy { peer, rule, kept } = parameters(params)?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    stage.part("a");
    let fd = match peer {
        Peer::Tcp => connect_loopback(stage, &mut server, &mut client)?.server,
        Peer::Idle => hasty(stage, &mut server)?,
    };
    let told = stage.decisive(&mut server, Order::PeerCredentials(fd))?;
    let (answer, uid) = match told.credentials() {
        Ok((0, -1, _)) => ("nobody", Some(-1)),
        Ok((_, uid, _)) => ("somebody", Some(uid)),
        Err(_) => ("error", None),
    };
    let kept = uid.map(|uid| match kept {
        Kept::Signed => uid,
        Kept::Unsigned if uid < 0 => i64::from(u32::MAX),
        Kept::Unsigned => uid,
    });
    let allowed = kept.is_some_and(|uid| match rule {
        Rule::Others => uid != 0,
        Rule::Root => uid == 0,
        Rule::Below => uid < 1000,
        Rule::From => uid >= 1000,
    });
    let a = json!({ "answer": answer, "allowed": allowed, "uid": kept.unwrap_or(-2) });
    Ok(json!({ "a": a }))
}

/// When the child leaves its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Leaves {
    Before,
    After,
    Never,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sessions {
    /// When the child calls setsid(2): before or after it forks the grandchild.
    child: Leaves,
    /// Whether the grandchild calls it too.
    grandchild: Answer,
    /// Who calls it last.
    again: Young,
}

/// The child or the grandchild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Young {
    Child,
    Grandchild,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            child: Leaves::Before,
            grandchild: Answer::No,
            again: Young::Child,
        }
    }
}

/// Three generations, and which session each is in.
pub fn sessions(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Sessions {
        child: leaves,
        grandchild: too,
        again,
    } = parameters(params)?;
    let setsid = || Order::Standing(Standing::Setsid);
    let getsid = || Order::Standing(Standing::Getsid);
    let mut shell = stage.actor("shell")?;
    stage.part("a");
    play_login(stage, &mut shell)?;
    let shells = stage.call(&mut shell, getsid())?.process()?;
    let shells_audit = read_audit(stage, &mut shell)?;
    let shells_group = read_group(stage, &mut shell)?;
    let mut child = stage.fork(&mut shell, "child")?;
    if leaves == Leaves::Before {
        stage.call(&mut child, setsid())?.process()?;
    }
    let mut grandchild = stage.fork(&mut child, "grandchild")?;
    if leaves == Leaves::After {
        stage.call(&mut child, setsid())?.process()?;
    }
    if too == Answer::Yes {
        stage.call(&mut grandchild, setsid())?.process()?;
    }
    let (childs, grandchilds) = (pid_of(&child), pid_of(&grandchild));
    let whose = |sid: i32| match sid {
        sid if sid == shells => "shell",
        sid if sid == childs => "child",
        sid if sid == grandchilds => "grandchild",
        _ => "somebody else",
    };
    let of_child = stage.decisive(&mut child, getsid())?.process()?;
    let of_grandchild = stage.decisive(&mut grandchild, getsid())?.process()?;
    let audit_same = read_audit(stage, &mut grandchild)? == shells_audit;
    let group_same = read_group(stage, &mut grandchild)? == shells_group;
    let again = match again {
        Young::Child => stage.decisive(&mut child, setsid())?,
        Young::Grandchild => stage.decisive(&mut grandchild, setsid())?,
    };
    let a = json!({
        "child": whose(of_child), "grandchild": whose(of_grandchild), "again": again.name(),
        "audit_same": audit_same, "group_same": group_same,
    });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Faces {
    /// Whether the guest's user is mapped to 0 in its namespace.
    mapped: Answer,
    /// Who makes the user namespace: the client, or the server.
    inside: Inside,
}

/// Who is inside the user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Inside {
    Client,
    Server,
}

impl Default for Faces {
    fn default() -> Self {
        Self {
            mapped: Answer::Yes,
            inside: Inside::Client,
        }
    }
}

/// One user on both sides, one process inside a user namespace: which number each is shown.
pub fn which_uid(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Faces { mapped, inside } = parameters(params)?;
    let name = "desk.sock";
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let listening = bound(stage, &mut server, Kind::Stream, name)?;
    for (name, mode) in [(".", 0o711), (name, 0o777)] {
        let order = Order::File(Touch::Chmod(name.to_owned(), mode));
        stage.quietly(&mut server, &order)?.done()?;
    }
    for actor in [&mut server, &mut client] {
        as_ordinary(stage, actor)?;
    }
    let getuid = || Order::Standing(Standing::Getuid);
    stage.part("a");
    let outside = stage.call(&mut server, getuid())?.number()?;
    let order = Order::Standing(Standing::Unshare(match mapped {
        Answer::Yes => Space::User,
        Answer::No => Space::Unmapped,
    }));
    let guest = match inside {
        Inside::Client => &mut client,
        Inside::Server => &mut server,
    };
    let unshared = stage.call(guest, order)?;
    let lacking = |_| {
        let name = unshared.name();
        Failure::Lacking(format!(
            "a user namespace of one's own (unshare gives {name})"
        ))
    };
    unshared.done().map_err(lacking)?;
    let own = stage.decisive(guest, getuid())?.number()?;
    let listen = Order::Listen(listening, 5);
    stage.call(&mut server, listen)?.done()?;
    let fd = socket(stage, &mut client, Kind::Stream)?;
    stage
        .call(&mut client, Order::Connect(fd, path(name)))?
        .done()?;
    let accepted = stage.call(&mut server, Order::Accept(listening))?;
    let order = Order::PeerCredentials(accepted.descriptor()?);
    let told = stage.decisive(&mut server, order)?;
    let (_, server_told, _) = told.credentials()?;
    let told = stage.decisive(&mut client, Order::PeerCredentials(fd))?;
    let (_, client_told, _) = told.credentials()?;
    let overflow = std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok();
    let overflow = overflow.and_then(|text| text.trim().parse::<i64>().ok());
    let word = |uid: i64| match uid {
        0 => "zero",
        uid if Some(uid) == overflow => "overflow",
        uid if uid == outside => "outside",
        _ => "something else",
    };
    let a = json!({
        "own": word(own), "server": word(server_told), "client": word(client_told),
    });
    Ok(json!({ "a": a }))
}

/// Who tries to make a socket under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tries {
    /// The process that has set the policy on itself.
    Keeper,
    /// A child that was forked before.
    Early,
    /// A child that was forked after.
    Late,
    /// A program that a later child has executed.
    Program,
}

/// What the keeper tries beside that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Beside {
    Connect,
    Mkdir,
    Abstract,
    Unlink,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Refused {
    tries: Tries,
    beside: Beside,
}

impl Default for Refused {
    fn default() -> Self {
        Self {
            tries: Tries::Keeper,
            beside: Beside::Mkdir,
        }
    }
}

/// A process that forbids itself new socket files: whom that binds, and what it leaves. It needs
/// Landlock.
pub fn refused(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Refused { tries, beside } = parameters(params)?;
    let mut keeper = stage.actor("keeper")?;
    let order = Order::Mkdir("hall".to_owned());
    stage.quietly(&mut keeper, &order)?.done()?;
    listener(stage, &mut keeper, "hall/first", 5)?;
    stage.part("a");
    let mut early = stage.fork(&mut keeper, "early child")?;
    let order = Order::Standing(Standing::NoNewSockets);
    let policy = stage.call(&mut keeper, order)?;
    let lacking = |_| Failure::Lacking(format!("Landlock (it gives {})", policy.name()));
    policy.done().map_err(lacking)?;
    let mut late = stage.fork(&mut keeper, "late child")?;
    if tries == Tries::Program {
        stage.execute(&mut late, "program")?;
    }
    let actor = match tries {
        Tries::Keeper => &mut keeper,
        Tries::Early => &mut early,
        Tries::Late | Tries::Program => &mut late,
    };
    let fd = socket(stage, actor, Kind::Stream)?;
    let bound = stage.decisive(actor, Order::Bind(fd, path("hall/second")))?;
    let fd = hasty(stage, &mut keeper)?;
    let order = match beside {
        Beside::Connect => Order::Connect(fd, path("hall/first")),
        Beside::Mkdir => Order::Mkdir("hall/room".to_owned()),
        Beside::Abstract => {
            let name = format!("hall-{}", std::process::id());
            Order::Bind(fd, Address::Abstract(name, 0))
        }
        Beside::Unlink => Order::Unlink("hall/first".to_owned()),
    };
    let tried = stage.decisive(&mut keeper, order)?;
    let a = json!({ "bind": bound.name(), "beside": tried.name() });
    drop(late);
    drop(early);
    Ok(json!({ "a": a }))
}
