//! Listing sockets while others come and go: in a process of its own, because it takes most of the
//! descriptors a process may have.

use std::collections::HashSet;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ipc_mastery::sys::sock_diag;
use rustix::process::{Resource, getrlimit, setrlimit};

/// A single dump misses a socket or two in about every second try.
const TRIES: usize = 12;

#[test]
fn no_socket_that_stays_is_missed_while_others_come_and_go() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    // The more sockets there are, the more often a single dump misses some.
    let pairs = limit.current.map_or(3000, |limit| (limit / 4).min(3000));
    let stable: Vec<_> = (0..pairs).map(|_| UnixStream::pair().unwrap()).collect();
    let inodes: Vec<u32> = stable
        .iter()
        .flat_map(|(left, right)| [inode(left), inode(right)])
        .collect();
    let stop = AtomicBool::new(false);
    let churn = || {
        while !stop.load(Ordering::Relaxed) {
            let pairs: Vec<_> = (0..40).map(|_| UnixStream::pair()).collect();
            drop(pairs);
        }
    };
    let missed: Vec<usize> = thread::scope(|scope| {
        scope.spawn(churn);
        scope.spawn(churn);
        let missed = (0..TRIES).map(|_| missing(&inodes)).collect();
        stop.store(true, Ordering::Relaxed);
        missed
    });
    assert_eq!(missed, [0; TRIES]);
}

fn inode(fd: impl AsFd) -> u32 {
    sock_diag::low_half(rustix::fs::fstat(fd).unwrap().st_ino)
}

/// How many of these a listing lacks.
fn missing(inodes: &[u32]) -> usize {
    let dump = sock_diag::dump().unwrap();
    let found: HashSet<u32> = dump.sockets.iter().map(|socket| socket.inode).collect();
    inodes.iter().filter(|inode| !found.contains(inode)).count()
}
