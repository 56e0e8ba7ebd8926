//! `cred.sessions`: the two sessions that the kernel keeps, that of setsid and that of the audit
//! subsystem, and what setsid changes.

use serde_json::{Map, Value, json};

use super::files::Touch;
use super::order::{Order, Outcome};
use super::stage::{Actor, Stage};
use super::standing::Standing;
use super::{Failure, Nothing, parameters};

/// The session of the audit subsystem that a process is in; 4294967295 means none.
const AUDIT: &str = "/proc/self/sessionid";

/// The user of the login that a process comes from.
const LOGIN: &str = "/proc/self/loginuid";

/// The value in [`AUDIT`] of a process that nobody has logged in.
const UNSET: &str = "4294967295";

/// The control groups that a process is in.
const GROUPS: &str = "/proc/self/cgroup";

/// Reads the session of the audit subsystem.
pub(super) fn read_audit(stage: &mut Stage, actor: &mut Actor) -> Result<String, Failure> {
    let outcome = stage.call(actor, read(AUDIT))?;
    Ok(text(&outcome))
}

/// Where no login was recorded, plays one: the actor writes its own user down, as pam_loginuid(8)
/// does, and gets a session for it. Without a number there would be nothing to compare. The kernel
/// lets every process do that once (`audit_set_loginuid_perm`). Whether it was played.
pub(super) fn play_login(stage: &mut Stage, actor: &mut Actor) -> Result<bool, Failure> {
    if text(&stage.quietly(actor, &read(AUDIT))?) != UNSET {
        return Ok(false);
    }
    let uid = nix::unistd::getuid().to_string();
    let order = Order::File(Touch::WriteText(LOGIN.to_owned(), uid));
    Ok(stage.call(actor, order)?.result.is_ok())
}

fn read(path: &str) -> Order {
    Order::File(Touch::Text(path.to_owned()))
}

/// The text, or the name of the error.
fn text(outcome: &Outcome) -> String {
    outcome
        .told()
        .map_or_else(|_| outcome.name(), str::to_owned)
}

/// A child leaves its session.
pub(super) fn sessions(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let a = leaving(stage)?;
    Ok(json!({ "a": a }))
}

/// The line of a control group file that names the group by which a login manager knows its
/// sessions, without what stands before the path.
pub(super) fn control_group(groups: &str) -> &str {
    let after = |start: &str| {
        let mut lines = groups.lines();
        lines.find_map(|line| line.split_once(start).map(|(_, path)| path))
    };
    after(":name=systemd:")
        .or_else(|| after("0::"))
        .unwrap_or("none")
}

/// Reads the control group of a process; of the file the line that counts is written down.
pub(super) fn read_group(stage: &mut Stage, actor: &mut Actor) -> Result<String, Failure> {
    const ROOM: usize = 40;
    let outcome = stage.quietly(actor, &read(GROUPS))?;
    let group = control_group(&text(&outcome)).to_owned();
    let long = group
        .chars()
        .count()
        .checked_sub(ROOM)
        .filter(|&long| long > 0);
    let shown = match long {
        None => group.clone(),
        Some(long) => format!("…{}", group.chars().skip(long + 1).collect::<String>()),
    };
    stage.note(actor.name(), &outcome.call, &shown);
    Ok(group)
}

fn sid(stage: &mut Stage, actor: &mut Actor) -> Result<i32, Failure> {
    let order = Order::Standing(Standing::Getsid);
    stage.call(actor, order)?.process()
}

fn leaving(stage: &mut Stage) -> Result<Value, Failure> {
    let mut shell = stage.actor("shell")?;

    stage.part("a");
    let played = play_login(stage, &mut shell)?;
    let shells = sid(stage, &mut shell)?;
    let mut child = stage.fork(&mut shell, "child")?;
    let inherited = sid(stage, &mut child)?;
    let audit = stage.call(&mut child, read(AUDIT))?;
    let group = read_group(stage, &mut child)?;
    let setsid = || Order::Standing(Standing::Setsid);
    let made = stage.call(&mut child, setsid())?.process()?;
    let own = sid(stage, &mut child)?;
    let audit_after = stage.decisive(&mut child, read(AUDIT))?;
    let group_after = read_group(stage, &mut child)?;
    let again = stage.call(&mut child, setsid())?;
    let still = sid(stage, &mut shell)?;
    let groups = stage.quietly(&mut child, &read(GROUPS))?;
    Ok(json!({
        "shell": shell.pid(), "child": child.pid(), "shells": shells, "inherited": inherited,
        "made": made, "own": own, "audit": text(&audit), "audit_after": text(&audit_after),
        "unset": UNSET, "played": played, "again": again.name(), "still": still,
        "login": login_session(&text(&groups)), "group": group, "group_after": group_after,
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
    use super::{control_group, login_session};

    #[test]
    fn the_control_group_that_counts_is_the_one_of_the_login_manager() {
        assert_eq!(control_group("0::/a/b"), "/a/b");
        let both = "5:cpu:/x\n1:name=systemd:/a/session-3.scope\n0::/y";
        assert_eq!(control_group(both), "/a/session-3.scope");
        assert_eq!(control_group("ENOENT"), "none");
    }

    #[test]
    fn a_login_session_is_known_by_its_control_group() {
        let inside = "0::/user.slice/user-1000.slice/session-3.scope";
        assert_eq!(login_session(inside), "session-3.scope");
        assert_eq!(login_session("0::/system.slice/cron.service"), "none");
    }
}
