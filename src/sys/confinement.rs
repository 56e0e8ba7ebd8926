//! What a process has given up for good: privileges that exec(2) would give it, and system calls.
//!
//! Reference: proc_pid_status(5), PR_SET_NO_NEW_PRIVS(2const), seccomp(2); kernel: `task_seccomp`
//! in fs/proc/array.c.

use std::fs;

/// What /proc/PID/status says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// `NoNewPrivs`.
    pub no_new_privs: bool,
    /// `Seccomp_filters` (Linux 5.9); before that, 1 where `Seccomp` says that there are some.
    pub filters: u64,
}

/// The confinement of a process; `None` when it has ended.
pub fn of(pid: i32) -> Option<Confinement> {
    parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn parse(status: &str) -> Option<Confinement> {
    const FILTERED: u64 = 2;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let filters = field("Seccomp_filters:");
    let mode = field("Seccomp:").unwrap_or(0);
    Some(Confinement {
        no_new_privs: field("NoNewPrivs:")? == 1,
        filters: filters.unwrap_or(u64::from(mode == FILTERED)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_gives_up_privileges_is_seen() {
        let (mut held, out) = std::io::pipe().unwrap();
        let mut child = std::process::Command::new("setpriv")
            .args(["--no-new-privs", "sh", "-c", "echo; exec cat"])
            .stdin(std::process::Stdio::piped())
            .stdout(out)
            .spawn()
            .unwrap();
        std::io::Read::read_exact(&mut held, &mut [0; 1]).unwrap();
        assert!(of(child.id() as i32).unwrap().no_new_privs);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn filters_are_counted_where_the_kernel_counts_them() {
        let old = parse("NoNewPrivs:\t1\nSeccomp:\t2\n").unwrap();
        assert_eq!(old.filters, 1);
        let new = parse("NoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t3\n").unwrap();
        assert_eq!((new.no_new_privs, new.filters), (false, 3));
        assert_eq!(parse("Name:\tx\n"), None);
    }
}
