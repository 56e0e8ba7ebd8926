//! Tests of the walk over processes, against this machine.

use super::*;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

#[test]
fn a_socket_we_hold_is_found_with_our_name() {
    let (socket, _other) = UnixStream::pair().unwrap();
    let inode = crate::sys::sock_diag::low_half(rustix::fs::fstat(&socket).unwrap().st_ino);
    let holders = scan(Wanted::default()).unwrap().of_socket(inode);
    let own = holders
        .iter()
        .find(|holder| holder.pid == std::process::id())
        .expect("we hold it");
    let comm = std::fs::read("/proc/self/comm").unwrap();
    assert_eq!(own.comm.bytes(), comm.strip_suffix(b"\n").unwrap());
}

#[test]
fn a_file_we_hold_open_is_found_by_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let directory = std::fs::canonicalize(directory.path()).unwrap();
    let path = directory.join("held.lock");
    let _file = std::fs::File::create(&path).unwrap();
    let beneath = directory.as_os_str().as_encoded_bytes();
    let holdings = scan(Wanted {
        beneath: Some(beneath),
        ..Wanted::default()
    })
    .unwrap();
    let holders = holdings.of_file(path.as_os_str().as_encoded_bytes());
    assert_eq!(holders[0].pid, std::process::id());
    assert!(holdings.of_file(b"/nowhere").is_empty());
}

#[test]
fn each_descriptor_of_a_socket_is_found_and_each_process_once() {
    let (socket, _other) = UnixStream::pair().unwrap();
    let copy = socket.try_clone().unwrap();
    let inode = crate::sys::sock_diag::low_half(rustix::fs::fstat(&socket).unwrap().st_ino);
    let holdings = scan(Wanted::default()).unwrap();
    let pid = std::process::id();
    let mut expected = [socket.as_raw_fd(), copy.as_raw_fd()].map(|fd| Descriptor {
        inode,
        pid,
        fd: fd.cast_unsigned(),
    });
    expected.sort_unstable();
    // Another test may start a program now, which has our descriptors until exec.
    let own = |found: &&Descriptor| found.pid == pid;
    let found = holdings.descriptors_of_socket(inode).iter();
    assert!(found.filter(own).eq(&expected));
    let holders = holdings.of_socket(inode);
    assert_eq!(holders.iter().filter(|one| one.pid == pid).count(), 1);
    assert!(holdings.comm(pid).is_some());
}

#[test]
fn a_pipe_we_hold_is_found_when_pipes_are_wanted() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let inode = crate::sys::sock_diag::low_half(rustix::fs::fstat(&reader).unwrap().st_ino);
    assert!(scan(Wanted::default()).unwrap().of_pipe(inode).is_empty());
    let wanted = Wanted {
        pipes: true,
        ..Wanted::default()
    };
    let holders = scan(wanted).unwrap().of_pipe(inode);
    let pids: Vec<u32> = holders.iter().map(|holder| holder.pid).collect();
    assert!(pids.contains(&std::process::id()), "{pids:?}");
}

#[test]
fn who_is_not_asked_for_is_not_read_and_nothing_is_said_of_them() {
    let (socket, _other) = UnixStream::pair().unwrap();
    let inode = crate::sys::sock_diag::low_half(rustix::fs::fstat(&socket).unwrap().st_ino);
    let among = |pids: &[u32]| {
        scan(Wanted {
            among: Among::Only(pids),
            ..Wanted::default()
        })
        .unwrap()
    };
    let us = std::process::id();
    let own = among(&[us]);
    assert_eq!(own.of_socket(inode)[0].pid, us);
    assert!(own.sockets().iter().all(|found| found.pid == us));
    assert_eq!(own.sight.readable, 1);
    assert!(!own.sight.complete());
    let nobody = among(&[]);
    assert!(nobody.of_socket(inode).is_empty());
    assert_eq!((nobody.sight.readable, nobody.sight.vanished), (0, 0));
    let gone = among(&[u32::MAX]);
    assert_eq!(gone.sight.vanished, 1);
}

#[test]
fn a_name_may_hold_brackets_and_blanks() {
    assert_eq!(comm_in(b"9 (a) (b)) S 1 9 9"), b"a) (b)");
    assert_eq!(comm_in(b"9 ()) S"), b")");
    assert_eq!(comm_in(b"garbage"), b"");
}

#[test]
fn only_digits_make_a_socket_inode() {
    assert_eq!(inode_in(b"socket:[4711]", b"socket:["), Some(4711));
    for other in [
        &b"socket:[]"[..],
        b"socket:[4711",
        b"socket:[-1]",
        b"socket:[99999999999]",
        b"/tmp/socket:[1]",
        b"pipe:[1]",
    ] {
        assert_eq!(
            inode_in(other, b"socket:["),
            None,
            "{}",
            other.escape_ascii()
        );
    }
}

#[test]
fn a_program_cannot_pass_for_a_kernel_thread_by_its_name() {
    assert!(is_kernel_thread(b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0"));
    let forged = b"9 (x) S 0 0 0 0 -1 2129984) S 1 9 9 0 -1 4194560 0 0";
    assert!(!is_kernel_thread(forged));
    assert!(!is_kernel_thread(b"garbage"));
}
