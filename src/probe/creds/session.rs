//! Where a process belongs in the eyes of systemd and logind: control group, unit, session. The
//! kernel knows only the control group (cgroups(7)); the rest is read from its name, as
//! sd_pid_get_session(3) does. Names of control groups can be chosen by whoever may make them.

use std::io::{self, Read};

use schemars::JsonSchema;
use serde::Serialize;

use super::fact::Fact;
use super::identity::Place;
use crate::untrusted::Untrusted;

/// Bytes of an environment that are read at most.
const MOST_ENVIRONMENT: u64 = 4 * 1024 * 1024;

/// Where a process belongs.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Session {
    /// Its control group, from the root of our own cgroup namespace.
    pub cgroup: Fact<Untrusted>,
    /// The innermost unit of systemd in that path: `sshd.service`, `session-2.scope`.
    pub unit: Option<Untrusted>,
    /// The logind session that the control group names.
    pub session: Option<Untrusted>,
    /// What `XDG_SESSION_ID` was when it was started: a hint that any parent can set.
    pub session_variable: Fact<Untrusted>,
}

/// Looks where a process belongs.
pub(super) fn of(place: &Place) -> Session {
    let cgroup = match place.read("cgroup") {
        Ok(text) => control_group(&text).map_or(Fact::Absent, Fact::Known),
        Err(error) => Fact::new(Err(error)),
    };
    let mut session = Session {
        unit: None,
        session: None,
        session_variable: match variable(place, b"XDG_SESSION_ID=") {
            Ok(Some(value)) => Fact::Known(value),
            Ok(None) => Fact::Absent,
            Err(error) => Fact::new(Err(error)),
        },
        cgroup,
    };
    if let Fact::Known(path) = &session.cgroup {
        (session.unit, session.session) = unit(path.bytes());
    }
    session
}

/// The path in the hierarchy that systemd keeps: its own of version 1 where there is one, else
/// version 2. A line feed in a name is escaped by the kernel.
fn control_group(text: &[u8]) -> Option<Untrusted> {
    let path_of = |controllers: &[u8]| {
        text.split(|&byte| byte == b'\n').find_map(|line| {
            let mut fields = line.splitn(3, |&byte| byte == b':');
            let (_, named, path) = (fields.next()?, fields.next()?, fields.next()?);
            (named == controllers && !path.is_empty()).then_some(path)
        })
    };
    let old = path_of(b"name=systemd").filter(|path| *path != b"/");
    old.or_else(|| path_of(b"")).map(Untrusted::from)
}

/// The innermost unit of a path, and the session it names.
fn unit(path: &[u8]) -> (Option<Untrusted>, Option<Untrusted>) {
    let parts = || path.split(|&byte| byte == b'/');
    let ends = |part: &&[u8], endings: &[&[u8]]| {
        endings
            .iter()
            .any(|ending| part.len() > ending.len() && part.ends_with(ending))
    };
    let service: &[&[u8]] = &[b".service", b".scope"];
    let any: &[&[u8]] = &[b".slice", b".socket", b".mount", b".swap"];
    let unit = parts()
        .rfind(|part| ends(part, service))
        .or_else(|| parts().rfind(|part| ends(part, any)));
    let session = parts().find_map(|part| {
        let id = part.strip_prefix(b"session-")?.strip_suffix(b".scope")?;
        (!id.is_empty()).then(|| Untrusted::from(id))
    });
    (unit.map(Untrusted::from), session)
}

/// A variable of the environment that a process was started with (proc_pid_environ(5)).
fn variable(place: &Place, prefix: &[u8]) -> io::Result<Option<Untrusted>> {
    let file = place.open("environ")?;
    let mut text = Vec::new();
    file.take(MOST_ENVIRONMENT).read_to_end(&mut text)?;
    let value = text
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(prefix));
    Ok(value.map(Untrusted::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_the_innermost_and_the_session_is_named_by_its_scope() {
        let path = b"/user.slice/user-1000.slice/session-c2.scope";
        let (found, session) = unit(path);
        assert_eq!(found, Some("session-c2.scope".into()));
        assert_eq!(session, Some("c2".into()));
        let path = b"/user.slice/user-1000.slice/user@1000.service/app.slice/ssh-agent.service";
        assert_eq!(unit(path), (Some("ssh-agent.service".into()), None));
        assert_eq!(unit(b"/system.slice"), (Some("system.slice".into()), None));
        assert_eq!(unit(b"/"), (None, None));
    }

    #[test]
    fn version_2_counts_unless_systemd_keeps_a_hierarchy_of_its_own() {
        let both = b"3:memory:/x\n1:name=systemd:/system.slice/a.service\n0::/\n";
        assert_eq!(control_group(both), Some("/system.slice/a.service".into()));
        let unused = b"9:name=systemd:/\n0::/user.slice\n";
        assert_eq!(control_group(unused), Some("/user.slice".into()));
        assert_eq!(control_group(b"0::/a:b\n"), Some("/a:b".into()));
        assert_eq!(control_group(b""), None);
    }
}
