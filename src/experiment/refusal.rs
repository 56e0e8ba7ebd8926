//! `cred.refused`: what a security module adds to ids and modes. One process is refused a socket by
//! a policy although its ids and the modes permit it; another is asked for its label. Where the
//! kernel has no Landlock, the first half goes on with what was recorded, and says so.

use serde_json::{Map, Value, json};

use super::af_unix::connect_quietly;
use super::files::Touch;
use super::order::{Got, Kind, Order, Outcome};
use super::setting::socket;
use super::stage::{Actor, Stage};
use super::standing::Standing;
use super::traffic::Traffic;
use super::{Failure, Nothing, parameters, path};

/// The directory in which the keeper works, its own.
const HALL: &str = "hall";

/// The label of a process, where a security module gives one.
const LABEL: &str = "/proc/self/attr/current";

/// The text, or the name of the error.
fn text(outcome: &Outcome) -> String {
    outcome
        .told()
        .map_or_else(|_| outcome.name(), str::to_owned)
}

/// Part a: a policy beside ids and modes; part b: the label of a peer.
pub(super) fn refused(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let a = by_a_policy(stage)?;
    let b = label(stage)?;
    Ok(json!({ "a": a, "b": b }))
}

/// The uid of the keeper, and the mode of its directory.
fn ids_and_mode(stage: &mut Stage, keeper: &mut Actor) -> Result<(i64, String), Failure> {
    let uid = stage
        .call(keeper, Order::Standing(Standing::Getuid))?
        .number()?;
    let told = stage.call(keeper, Order::Stat(HALL.to_owned()))?;
    match told.result {
        Ok(Got::Stat { mode, .. }) => Ok((uid, format!("{mode:04o}"))),
        _ => Err(told.unforeseen()),
    }
}

fn by_a_policy(stage: &mut Stage) -> Result<Value, Failure> {
    let mut keeper = stage.actor("keeper")?;
    let order = Order::Mkdir(HALL.to_owned());
    stage.quietly(&mut keeper, &order)?.done()?;

    stage.part("a");
    let (uid, mode) = ids_and_mode(stage, &mut keeper)?;
    let fd = socket(stage, &mut keeper, Kind::Stream)?;
    let first = stage.call(&mut keeper, Order::Bind(fd, path("hall/first")))?;
    let policy = stage.call(&mut keeper, Order::Standing(Standing::NoNewSockets))?;
    if policy.result.is_err() {
        let mut seen = recorded(stage, &policy);
        for (name, value) in [
            ("uid", json!(uid)),
            ("uid_after", json!(uid)),
            ("mode", json!(mode)),
            ("mode_after", json!(mode)),
            ("first", json!(first.name())),
        ] {
            seen[name] = value;
        }
        return Ok(seen);
    }
    let (uid_after, mode_after) = ids_and_mode(stage, &mut keeper)?;
    let fd = socket(stage, &mut keeper, Kind::Stream)?;
    let second = stage.decisive(&mut keeper, Order::Bind(fd, path("hall/second")))?;
    let room = stage.call(&mut keeper, Order::Mkdir("hall/room".to_owned()))?;
    Ok(json!({
        "source": "this run", "uid": uid, "mode": mode, "first": first.name(),
        "uid_after": uid_after, "mode_after": mode_after, "second": second.name(),
        "room": room.name(),
    }))
}

/// The rest of part a as it was seen on Linux 6.18.44, for kernels without Landlock.
fn recorded(stage: &mut Stage, policy: &Outcome) -> Value {
    let keeper = "keeper, recorded";
    stage.note(keeper, &policy.call, "0");
    stage.note(keeper, "bind(4, \"hall/second\")", "-1 EACCES");
    stage.mark();
    stage.note(keeper, "mkdir(\"hall/room\", 0700)", "0");
    json!({
        "source": "a run recorded on Linux 6.18.44", "second": "EACCES", "room": "success",
        "lacking": format!("Landlock: {} gives {}", policy.call, policy.name()),
    })
}

fn label(stage: &mut Stage) -> Result<Value, Failure> {
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let pair = (&mut server, &mut client);
    let ends = connect_quietly(stage, pair, Kind::Stream, "label.sock")?;

    stage.part("b");
    let (pid, uid, _) = stage
        .call(&mut server, Order::PeerCredentials(ends.server))?
        .credentials()?;
    let order = Order::Traffic(Traffic::PeerLabel(ends.server));
    let label = stage.decisive(&mut server, order)?;
    let order = Order::Traffic(Traffic::PeerLabel(ends.client));
    let other = stage.call(&mut client, order)?;
    let order = Order::File(Touch::Text(LABEL.to_owned()));
    let own = stage.call(&mut client, order)?;
    let modules = crate::sys::security_modules::active().unwrap_or_default();
    let modules = if modules.is_empty() {
        "none that could be read".to_owned()
    } else {
        modules.join(", ")
    };
    let answer = if label.result.is_ok() {
        "a label".to_owned()
    } else {
        label.name()
    };
    Ok(json!({
        "client": pid, "uid": uid, "answer": answer, "label": text(&label),
        "other": text(&other), "own": text(&own), "modules": modules,
        "asked_pid": client.pid(),
    }))
}
