//! `cred.sessions`: the label of a peer, where a security module gives one, and the two sessions
//! that the kernel keeps: that of setsid and that of the audit subsystem.

use serde_json::{Map, Value, json};

use super::af_unix::connect_quietly;
use super::files::Touch;
use super::order::{Kind, Order, Outcome};
use super::stage::{Actor, Stage};
use super::standing::Standing;
use super::traffic::Traffic;
use super::{Failure, Nothing, parameters};

/// The session of the audit subsystem that a process is in; 4294967295 means none.
const AUDIT: &str = "/proc/self/sessionid";

/// The label of a process, where a security module gives one.
const LABEL: &str = "/proc/self/attr/current";

/// The value in [`AUDIT`] of a process that nobody has logged in.
const UNSET: &str = "4294967295";

fn read(path: &str) -> Order {
    Order::File(Touch::Text(path.to_owned()))
}

/// The text, or the name of the error.
fn text(outcome: &Outcome) -> String {
    outcome
        .told()
        .map_or_else(|_| outcome.name(), str::to_owned)
}

/// Part a: the label of the client; part b: a child leaves its session.
pub(super) fn sessions(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let a = labels(stage)?;
    let b = leaving(stage)?;
    Ok(json!({ "a": a, "b": b }))
}

fn labels(stage: &mut Stage) -> Result<Value, Failure> {
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    let pair = (&mut server, &mut client);
    let ends = connect_quietly(stage, pair, Kind::Stream, "label.sock")?;

    stage.part("a");
    let (pid, uid, _) = stage
        .call(&mut server, Order::PeerCredentials(ends.server))?
        .credentials()?;
    let order = Order::Traffic(Traffic::PeerLabel(ends.server));
    let label = stage.decisive(&mut server, order)?;
    let order = Order::Traffic(Traffic::PeerLabel(ends.client));
    let other = stage.call(&mut client, order)?;
    let own = stage.call(&mut client, read(LABEL))?;
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
        "server_fd": ends.server, "client_fd": ends.client,
        "asked_pid": client.pid(),
    }))
}

fn sid(stage: &mut Stage, actor: &mut Actor) -> Result<i32, Failure> {
    let order = Order::Standing(Standing::Getsid);
    stage.call(actor, order)?.process()
}

fn leaving(stage: &mut Stage) -> Result<Value, Failure> {
    let mut shell = stage.actor("shell")?;

    stage.part("b");
    let shells = sid(stage, &mut shell)?;
    let mut child = stage.fork(&mut shell, "child")?;
    let inherited = sid(stage, &mut child)?;
    let audit = stage.call(&mut child, read(AUDIT))?;
    let setsid = || Order::Standing(Standing::Setsid);
    let made = stage.call(&mut child, setsid())?.process()?;
    let own = sid(stage, &mut child)?;
    let audit_after = stage.decisive(&mut child, read(AUDIT))?;
    let again = stage.call(&mut child, setsid())?;
    let still = sid(stage, &mut shell)?;
    let groups = stage.quietly(&mut child, &read("/proc/self/cgroup"))?;
    Ok(json!({
        "shell": shell.pid(), "child": child.pid(), "shells": shells, "inherited": inherited,
        "made": made, "own": own, "audit": text(&audit), "audit_after": text(&audit_after),
        "unset": UNSET, "again": again.name(), "still": still,
        "login": login_session(&text(&groups)),
    }))
}

/// The login session that a process is in: its manager keeps one control group for each, with the
/// name `session-N.scope`.
fn login_session(groups: &str) -> String {
    let scope = groups
        .split(['/', '\n'])
        .find(|name| name.starts_with("session-") && name.ends_with(".scope"));
    scope.map_or_else(|| "none".to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::login_session;

    #[test]
    fn a_login_session_is_known_by_its_control_group() {
        let inside = "0::/user.slice/user-1000.slice/session-3.scope";
        assert_eq!(login_session(inside), "session-3.scope");
        assert_eq!(login_session("0::/system.slice/cron.service"), "none");
    }
}
