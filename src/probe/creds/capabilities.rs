//! Sets of capabilities (capabilities(7)): from the hexadecimal words of proc_pid_status(5) to
//! names.

use schemars::JsonSchema;
use serde::Serialize;

/// Names by number, from `include/uapi/linux/capability.h`, without `CAP_`.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// A set of capabilities.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Capabilities {
    /// As the kernel writes it: 16 hexadecimal digits, capability 0 in the last bit.
    pub mask: String,
    /// It holds every capability that this kernel knows.
    pub all: bool,
    /// Those in it: `NET_ADMIN`; a number for one that this program does not know.
    pub names: Vec<String>,
    /// Those of this kernel that are not in it.
    pub missing: Vec<String>,
}

impl Capabilities {
    /// From a mask. `last` is the highest capability of this kernel
    /// (`/proc/sys/kernel/cap_last_cap`).
    pub fn new(mask: u64, last: u32) -> Self {
        let named = |present: bool| {
            let numbers = (0..=last.min(63)).filter(|&number| (mask >> number & 1 == 1) == present);
            numbers.map(name).collect::<Vec<String>>()
        };
        let missing = named(false);
        Self {
            mask: format!("{mask:016x}"),
            all: missing.is_empty(),
            names: named(true),
            missing,
        }
    }
}

fn name(number: u32) -> String {
    match NAMES.get(number as usize) {
        Some(&name) => name.to_owned(),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_names_what_is_in_it_and_what_is_not() {
        let all = Capabilities::new((1 << 41) - 1, 40);
        assert!(all.all && all.missing.is_empty());
        let some = Capabilities::new((1 << 41) - 1 - (1 << 24), 40);
        assert_eq!(some.missing, ["SYS_RESOURCE"]);
        assert!(!some.all);
        let one = Capabilities::new(1 << 12, 40);
        assert_eq!(one.names, ["NET_ADMIN"]);
        assert_eq!(one.mask, "0000000000001000");
    }

    #[test]
    fn a_capability_of_tomorrow_has_its_number() {
        assert_eq!(Capabilities::new(1 << 41, 41).names, ["41"]);
    }
}
