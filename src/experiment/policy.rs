//! `cred.policy`: from credentials to a decision: what two rules say about a peer that nobody knows,
//! and which groups of a peer the kernel tells. To change groups is a privilege: without it, the
//! second part is a recorded run.

use serde_json::{Map, Value, json};

use super::af_unix::{connect_loopback, connect_quietly};
use super::identity::Act;
use super::order::{Kind, Order, Outcome};
use super::recorded::{BY_ROOT, Part, or_recorded};
use super::setting::{hasty, listener};
use super::stage::{Actor, Stage};
use super::standing::Standing;
use super::traffic::Traffic;
use super::{Failure, Nothing, parameters, path};

/// A group that nobody is in.
const GROUP: u32 = 61_184;

/// What a rule decides.
fn word(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "refused" }
}

/// The rule that names whom it refuses.
fn unless_banned(uid: i64, banned: i64) -> &'static str {
    word(uid != banned)
}

/// The rule that names whom it lets in.
fn if_listed(uid: i64, listed: i64) -> &'static str {
    word(uid == listed)
}

fn groups(fd: i32) -> Order {
    Order::Traffic(Traffic::PeerGroups(fd))
}

/// The list, or the name of the error.
fn listed(outcome: &Outcome) -> String {
    outcome
        .told()
        .map_or_else(|_| outcome.name(), str::to_owned)
}

/// Part a: two rules and a TCP connection by mistake; part b: groups of the peer, as they were.
pub(super) fn policy(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let a = rules(stage)?;
    let b = or_recorded(stage, memberships, recorded)?;
    Ok(json!({ "a": a, "b": b["b"] }))
}

fn rules(stage: &mut Stage) -> Result<Value, Failure> {
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let pair = (&mut server, &mut client);
    let unix = connect_quietly(stage, pair, Kind::Stream, "gate.sock")?;
    let tcp = connect_loopback(stage, &mut server, &mut client)?;
    let idle = hasty(stage, &mut server)?;

    stage.part("a");
    let ask = Order::PeerCredentials;
    let (_, uid, _) = stage.call(&mut server, ask(unix.server))?.credentials()?;
    let on_tcp = stage.decisive(&mut server, ask(tcp.server))?;
    let (tcp_pid, tcp_uid, _) = on_tcp.credentials().unwrap_or((-2, -2, -2));
    let on_idle = stage.call(&mut server, ask(idle))?;
    let (_, idle_uid, _) = on_idle.credentials()?;
    let groups_of_tcp = stage.call(&mut server, groups(tcp.server))?;
    let groups_of_idle = stage.call(&mut server, groups(idle))?;
    let to_client = own_peer(stage, &mut client, unix.client)?;
    let drop = Order::Identity(Act::DropCapabilities);
    stage.quietly(&mut client, &drop)?.done()?;
    let late = stage.quietly(&mut client, &set_groups(Vec::new()))?;
    // Somebody else than the user of the client.
    let banned = uid ^ 1;
    Ok(json!({
        "uid": uid, "banned": banned, "tcp": on_tcp.name(), "tcp_pid": tcp_pid,
        "tcp_uid": tcp_uid, "idle_uid": idle_uid, "tcp_groups": listed(&groups_of_tcp),
        "idle_groups": listed(&groups_of_idle),
        "deny_unix": unless_banned(uid, banned), "deny_tcp": unless_banned(tcp_uid, banned),
        "allow_unix": if_listed(uid, uid), "allow_tcp": if_listed(tcp_uid, uid),
        "unix_fd": unix.server, "tcp_fd": tcp.server, "idle_fd": idle,
        "servers": to_client.0, "shown": to_client.1, "late": late.name(),
    }))
}

fn memberships(stage: &mut Stage) -> Result<Value, Failure> {
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let name = "groups.sock";
    let listening = listener(stage, &mut server, name, 5)?;

    stage.part("b");
    let own = || Order::Standing(Standing::Groups);
    let changed = stage.call(&mut client, set_groups(vec![GROUP]))?;
    let lacking = |_| Failure::Lacking("the right to change groups (CAP_SETGID)".to_owned());
    changed.done().map_err(lacking)?;
    let before = stage.call(&mut client, own())?.told()?.to_owned();
    let fd = hasty(stage, &mut client)?;
    stage
        .call(&mut client, Order::Connect(fd, path(name)))?
        .done()?;
    let accepted = stage.quietly(&mut server, &Order::Accept(listening))?;
    let accepted = accepted.descriptor()?;
    let first = stage.call(&mut server, groups(accepted))?;
    stage.call(&mut client, set_groups(Vec::new()))?.done()?;
    let after = stage.call(&mut client, own())?.told()?.to_owned();
    let again = stage.decisive(&mut server, groups(accepted))?;
    let b = json!({
        "before": before, "after": after, "first": listed(&first), "again": listed(&again),
        "client_fd": fd, "server_fd": accepted, "source": "this run",
    });
    Ok(json!({ "b": b }))
}

/// The second part as root has seen it.
fn recorded() -> Vec<Part> {
    vec![Part {
        id: "b",
        source: BY_ROOT,
        lines: &[
            ("client", "setgroups([61184])", "0"),
            ("client", "getgroups()", "61184"),
            ("client", "connect(3, \"groups.sock\")", "0"),
            ("server", "getsockopt(4, SO_PEERGROUPS)", "61184"),
            ("client", "setgroups([])", "0"),
            ("client", "getgroups()", "no groups"),
            ("server", "getsockopt(4, SO_PEERGROUPS)", "61184"),
        ],
        decisive: 6,
        seen: json!({
            "before": "61184", "after": "no groups", "first": "61184", "again": "61184",
            "client_fd": 3, "server_fd": 4,
        }),
    }]
}

fn set_groups(list: Vec<u32>) -> Order {
    Order::Standing(Standing::SetGroups(list))
}

/// The groups of this program, which the server has too, and those that a client is shown.
fn own_peer(stage: &Stage, client: &mut Actor, fd: i32) -> Result<(String, String), Failure> {
    let own = nix::unistd::getgroups().unwrap_or_default();
    let own = super::standing::listed(own.into_iter().map(nix::unistd::Gid::as_raw));
    let shown = stage.quietly(client, &groups(fd))?;
    Ok((own, listed(&shown)))
}
