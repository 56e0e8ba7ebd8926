//! Which Linux security modules are active: those that may give a process a label, or refuse what
//! its user ids would allow.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::libc;

/// `__NR_lsm_list_modules`: one number for every architecture that was added after the tables were
/// joined; alpha and mips count from elsewhere and are told `ENOSYS`.
const LSM_LIST_MODULES: libc::c_long = 461;

/// More modules than any kernel has.
const ROOM: usize = 64;

/// Numbers of `include/uapi/linux/lsm.h` from `LSM_ID_CAPABILITY` (100) on.
const NAMES: &[&str] = &[
    "capability",
    "selinux",
    "smack",
    "tomoyo",
    "apparmor",
    "yama",
    "loadpin",
    "safesetid",
    "lockdown",
    "bpf",
    "landlock",
    "ima",
    "evm",
    "ipe",
];

/// The active modules in the kernel's order: lsm_list_modules(2), else
/// `/sys/kernel/security/lsm`.
///
/// # Errors
/// When the kernel is older than Linux 6.8 and that file cannot be read.
pub fn active() -> io::Result<Vec<String>> {
    list().or_else(|_| {
        let list = fs::read_to_string("/sys/kernel/security/lsm")?;
        Ok(list.trim().split(',').map(str::to_owned).collect())
    })
}

#[expect(unsafe_code, reason = "the call has no wrapper")]
fn list() -> io::Result<Vec<String>> {
    let mut ids = [0_u64; ROOM];
    let mut bytes = size_of_val(&ids) as u32;
    // SAFETY: `ids` is valid for writes of `bytes` bytes, and `bytes` for reads and writes.
    let count = unsafe {
        libc::syscall(
            LSM_LIST_MODULES,
            ids.as_mut_ptr(),
            &raw mut bytes,
            0 as libc::c_uint,
        )
    };
    let count = Errno::result(count)?;
    let count = usize::try_from(count).map_or(0, |count| count.min(ROOM));
    Ok(ids[..count].iter().map(|&id| name(id)).collect())
}

fn name(id: u64) -> String {
    let known = id
        .checked_sub(100)
        .and_then(|at| NAMES.get(usize::try_from(at).ok()?));
    known.map_or_else(|| format!("number {id}"), |&name| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_asking_agree() {
        let Ok(mut file) = fs::read_to_string("/sys/kernel/security/lsm") else {
            return;
        };
        let Ok(listed) = list() else { return };
        file.truncate(file.trim_end().len());
        assert_eq!(listed.join(","), file);
    }

    #[test]
    fn a_module_of_tomorrow_is_told_by_its_number() {
        assert_eq!(name(104), "apparmor");
        assert_eq!(name(199), "number 199");
        assert_eq!(name(0), "number 0");
    }
}
