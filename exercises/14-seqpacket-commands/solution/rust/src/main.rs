//! Exercise 14, reference solution in Rust: a command server on a Unix SEQPACKET socket.
//!
//! One packet is one command, so nothing here looks for the end of one. Each client has a thread,
//! whose calls wait for this client alone; all share one store.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept4, bind, listen, recvmsg,
    send, socket,
};

const LONGEST: usize = 512;
const LONGEST_KEY: usize = 32;

type Store = Mutex<HashMap<Vec<u8>, Vec<u8>>>;

/// What a client has sent.
enum Packet {
    Whole(Vec<u8>),
    TooLong,
    End,
}

fn listen_at(path: &Path) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    listen(&listener, Backlog::MAXCONN)?;
    Ok(listener)
}

/// Takes one packet.
fn receive(client: &OwnedFd) -> nix::Result<Packet> {
    let mut packet = [0; LONGEST];
    let mut room = [IoSliceMut::new(&mut packet)];
    let flags = MsgFlags::empty();
    let received = recvmsg::<UnixAddr>(client.as_raw_fd(), &mut room, None, flags)?;
    let (length, flags) = (received.bytes, received.flags);
    Ok(if length == 0 {
        // The end, or a packet of no bytes: nobody can tell, so they mean the same.
        Packet::End
    } else if flags.contains(MsgFlags::MSG_TRUNC) {
        // The rest of the packet is gone.
        Packet::TooLong
    } else {
        Packet::Whole(packet[..length].to_vec())
    })
}

/// Carries out one command; its reply. Keys and values are bytes.
fn carry_out(store: &Store, packet: &[u8]) -> Vec<u8> {
    let mut parts = packet.splitn(3, |&byte| byte == b' ');
    let (command, key, value) = (parts.next(), parts.next(), parts.next());
    let key = key.filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    let mut store = store.lock().unwrap();
    match (command, key, value) {
        (Some(b"GET"), Some(key), None) => match store.get(key) {
            Some(value) => [b"VALUE ", value.as_slice()].concat(),
            None => b"NONE".to_vec(),
        },
        (Some(b"SET"), Some(key), Some(value)) => {
            store.insert(key.to_vec(), value.to_vec());
            b"OK".to_vec()
        }
        _ => b"ERR syntax".to_vec(),
    }
}

fn serve(client: &OwnedFd, store: &Store) -> nix::Result<()> {
    loop {
        let packet = match receive(client) {
            // The client closed and left replies unread. That is said once, *before* the packets
            // that it had sent; they are still there for the next calls.
            Err(Errno::ECONNRESET) => continue,
            other => other?,
        };
        let reply = match &packet {
            Packet::Whole(command) if command == b"QUIT" => b"BYE".to_vec(),
            Packet::Whole(command) => carry_out(store, command),
            Packet::TooLong => b"ERR too long".to_vec(),
            Packet::End => return Ok(()),
        };
        // This may wait, which is the concern of this client alone.
        match send(client.as_raw_fd(), &reply, MsgFlags::empty()) {
            // Nobody will read it. What the client sent before it went is still to be carried out,
            // and its end comes behind that.
            Err(Errno::EPIPE | Errno::ECONNRESET) => {}
            sent => drop(sent?),
        }
        if reply == b"BYE" {
            return Ok(());
        }
    }
}

fn run(path: &Path) -> io::Result<()> {
    let listener = listen_at(path)?;
    let store = Arc::new(Store::default());
    loop {
        let client = match accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            // SAFETY: it is new, and nobody else has it.
            Ok(client) => unsafe { OwnedFd::from_raw_fd(client) },
            Err(Errno::EINTR | Errno::ECONNABORTED) => continue,
            Err(errno) => return Err(errno.into()),
        };
        let store = Arc::clone(&store);
        thread::spawn(move || {
            if let Err(errno) = serve(&client, &store) {
                eprintln!("seqpacket-commands: {errno}");
            }
        });
    }
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().skip(1).last() else {
        eprintln!("usage: seqpacket-commands PATH");
        return ExitCode::FAILURE;
    };
    match run(Path::new::<OsString>(&path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("seqpacket-commands: {error}");
            ExitCode::FAILURE
        }
    }
}
