//! Namespaces as open files: which kind one is.
//!
//! Reference: ioctl_nsfs(2), namespaces(7); kernel: `ns_ioctl` in fs/nsfs.c.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::libc;

/// `NS_GET_NSTYPE`, linux/nsfs.h.
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;

/// Whether an open file is a network namespace. One that is no namespace is none.
#[expect(
    unsafe_code,
    reason = "a system call that neither nix nor rustix wraps"
)]
pub fn is_network_namespace(file: impl AsFd) -> bool {
    let file = file.as_fd();
    // Another file may understand the number otherwise: only those of nsfs are asked.
    let of_nsfs = rustix::fs::fstatfs(file).is_ok_and(|found| found.f_type == libc::NSFS_MAGIC);
    // SAFETY: NS_GET_NSTYPE has no argument and writes nothing.
    of_nsfs && unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_NSTYPE) } == libc::CLONE_NEWNET
}

/// Device and inode of the network namespace that this process is in.
///
/// # Errors
/// Without /proc.
pub fn own_network() -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata("/proc/self/ns/net")?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_network_namespace_is_told_from_others_and_from_files() {
        let open = |path: &str| File::open(path).unwrap();
        let net = open("/proc/self/ns/net");
        assert!(is_network_namespace(&net));
        assert!(!is_network_namespace(open("/proc/self/ns/mnt")));
        assert!(!is_network_namespace(open("/dev/null")));
        let found = net.metadata().unwrap();
        assert_eq!(own_network().unwrap(), (found.dev(), found.ino()));
    }
}
