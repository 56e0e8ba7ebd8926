//! Inodes of the AF_UNIX sockets of this network namespace, as `/proc/net/unix` lists them (proc_net(5)).
//! All else that is known of a socket, and the table as a whole, is [`super::sock_diag`]'s.

use std::collections::BTreeSet;
use std::{fs, io};

/// The column with the inode: behind address, references, protocol, flags, type and state.
const INODE: usize = 6;

/// The inodes of all sockets that are there, those too which no process has a descriptor of.
///
/// # Errors
/// When the table cannot be read.
pub fn inodes() -> io::Result<BTreeSet<u64>> {
    Ok(parse(&fs::read_to_string("/proc/self/net/unix")?))
}

fn parse(text: &str) -> BTreeSet<u64> {
    let lines = text.lines().skip(1);
    lines
        .filter_map(|line| line.split_whitespace().nth(INODE)?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_socket_is_listed_as_long_as_it_is_there() {
        let (one, other) = UnixDatagram::pair().expect("a pair");
        let path = |socket: &UnixDatagram| {
            use std::os::fd::AsRawFd;
            format!("/proc/self/fd/{}", socket.as_raw_fd())
        };
        let inode = fs::metadata(path(&one)).expect("open").ino();
        assert!(inodes().expect("the table").contains(&inode));
        drop((one, other));
        assert!(!inodes().expect("the table").contains(&inode));
    }

    #[test]
    fn the_inode_is_the_seventh_column() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 18423 /run/a b\n\
            0000000000000000: 00000003 00000000 00000000 0002 03  7\n";
        assert_eq!(parse(text), BTreeSet::from([7, 18_423]));
    }
}
