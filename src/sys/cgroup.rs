//! Which unit of systemd a process belongs to, by its control group. Everybody may read that.

use std::fs;

use crate::untrusted::Untrusted;

/// The innermost service or scope in the path of a process's control group: `sway.service`,
/// `session-2.scope`. `None`: it is in none, or has ended. References: cgroups(7),
/// systemd.unit(5); sd_pid_get_unit(3) looks at the same.
pub fn unit_of(pid: u32) -> Option<Untrusted> {
    unit(&fs::read(format!("/proc/{pid}/cgroup")).ok()?)
}

/// From the text of `/proc/PID/cgroup`: lines of hierarchy, controllers and path. systemd's own
/// hierarchy is the unified one (`0::`), or, on old systems, the one named `systemd`.
fn unit(text: &[u8]) -> Option<Untrusted> {
    let path_in = |hierarchy: &[u8]| {
        let mut lines = text.split(|&byte| byte == b'\n');
        lines.find_map(|line| {
            let start = line
                .windows(hierarchy.len())
                .position(|part| part == hierarchy)?;
            line[..start]
                .iter()
                .all(u8::is_ascii_digit)
                .then(|| &line[start + hierarchy.len()..])
        })
    };
    let innermost = |path: &[u8]| {
        let mut parts = path.rsplit(|&byte| byte == b'/');
        let unit = parts.find(|part| part.ends_with(b".service") || part.ends_with(b".scope"))?;
        Some(Untrusted::from(unit))
    };
    path_in(b"::")
        .and_then(innermost)
        .or_else(|| path_in(b":name=systemd:").and_then(innermost))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn the_innermost_service_or_scope_counts() {
        let unit = |text: &str| unit(text.as_bytes()).map(|unit| unit.to_string());
        let user = "0::/user.slice/user-1000.slice/user@1000.service/session.slice/sway.service\n";
        assert_eq!(unit(user).as_deref(), Some("sway.service"));
        let sub = "0::/system.slice/docker.service/payload\n";
        assert_eq!(unit(sub).as_deref(), Some("docker.service"));
        let old = "9:name=systemd:/user.slice/session-2.scope\n8:pids:/x.service\n0::/\n";
        assert_eq!(unit(old).as_deref(), Some("session-2.scope"));
        assert_eq!(unit("8:pids:/x.service\n0::/\n"), None);
        assert_eq!(unit("0::/user.slice\n"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in any::<Vec<u8>>()) {
            let _ = unit(&bytes);
        }
    }
}
