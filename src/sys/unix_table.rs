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
    Ok(parse(&fs::read("/proc/self/net/unix")?))
}

/// Whether any socket of this network namespace has an abstract name that starts so.
///
/// # Errors
/// When the table cannot be read.
pub fn has_abstract_name(start: &str) -> io::Result<bool> {
    let table = fs::read("/proc/self/net/unix")?;
    let name = format!(" @{start}");
    Ok(table
        .windows(name.len())
        .any(|window| window == name.as_bytes()))
}

/// Names are whatever bytes a program chose, line feeds too: a line begins with an address and a colon.
fn parse(table: &[u8]) -> BTreeSet<u64> {
    let text = String::from_utf8_lossy(table);
    let lines = text.lines().skip(1).map(str::split_whitespace);
    let sockets = lines.filter_map(|mut words| {
        words.next().filter(|first| first.ends_with(':'))?;
        words.nth(INODE - 1)?.parse().ok()
    });
    sockets.collect()
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
        let table = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 18423 /run/a b\n\
            0000000000000000: 00000003 00000000 00000000 0002 03  7\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 21 @\xff\n1 2 3 4 5 6 7 8\n";
        assert_eq!(parse(table), BTreeSet::from([7, 21, 18_423]));
    }
}
