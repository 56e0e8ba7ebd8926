//! What sock_diag is read to say of a socket, against what the socket's owner is told by other
//! calls: getsockopt(2), ioctl(2), fstat(2).

use std::io::Write;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use ipc_mastery::sys::sock_diag::{self, FileId, Name, Socket, State, Type};
use rustix::fs::fstat;
use rustix::io::ioctl_fionread;
use rustix::net::sockopt;

/// What the kernel lists of a socket of ours.
fn listed(socket: impl AsFd) -> Socket {
    let cookie = sockopt::socket_cookie(&socket).unwrap();
    let inode = sock_diag::low_half(fstat(&socket).unwrap().st_ino);
    let dump = sock_diag::dump().unwrap();
    let mut found = dump.sockets.into_iter().filter(|one| one.cookie == cookie);
    let only = found.next().expect("it is listed by its cookie");
    assert!(found.next().is_none(), "once");
    assert_eq!(only.inode, inode, "and that is its inode");
    only
}

#[test]
fn each_direction_that_is_shut_down_is_told_on_both_sides() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let open = listed(&ours).shutdown;
    assert!(!open.send && !open.receive);
    ours.shutdown(Shutdown::Write).unwrap();
    let (here, there) = (listed(&ours).shutdown, listed(&theirs).shutdown);
    assert!(here.send && !here.receive);
    assert!(
        there.receive && !there.send,
        "what one does not send, the other does not receive"
    );
}

#[test]
fn what_waits_is_what_its_owner_may_read() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(&[7; 300]).unwrap();
    theirs.write_all(&[7; 33]).unwrap();
    assert_eq!(
        u64::from(listed(&ours).receive_queue),
        ioctl_fionread(&ours).unwrap()
    );
    assert_eq!(listed(&ours).receive_queue, 333);
    assert!(
        listed(&theirs).send_queue >= 333,
        "whole buffers are counted"
    );

    let (ours, theirs) = UnixDatagram::pair().unwrap();
    theirs.send(&[7; 5]).unwrap();
    theirs.send(&[7; 3]).unwrap();
    assert_eq!(listed(&ours).receive_queue, 5, "of messages, the first");
}

#[test]
fn a_listener_tells_its_file_its_queue_and_who_waits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let clients: Vec<UnixStream> = (0..3)
        .map(|_| UnixStream::connect(&path).unwrap())
        .collect();
    let found = listed(&listener);
    let file = std::fs::metadata(&path).unwrap();
    assert_eq!((found.kind, found.state), (Type::Stream, State::Listening));
    assert_eq!(found.name, Some(Name::Path(path.as_path().into())));
    let devices = ipc_mastery::sys::mounts::devices_of(
        &ipc_mastery::sys::mounts::mounts().unwrap(),
        FileId::from_stat(file.dev(), file.ino()).device,
    );
    let told = found.file.unwrap();
    assert_eq!(told.inode, sock_diag::low_half(file.ino()));
    assert!(devices.contains(&told.device), "{told:?}");
    assert_eq!(found.receive_queue, 3);
    let mut waiting = found.waiting;
    waiting.sort_unstable();
    let mut expected: Vec<u32> = clients.iter().map(|client| listed(client).inode).collect();
    expected.sort_unstable();
    assert_eq!(waiting, expected);
}

#[test]
fn the_user_is_the_owner_of_the_sockets_inode() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    assert_eq!(listed(&ours).uid, Some(fstat(&ours).unwrap().st_uid));
}
