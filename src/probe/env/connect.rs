//! With `--connect`: what connect(2) says of an endpoint. The socket does not block and is closed
//! at once. A service that is activated by its socket is started by this.

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::endpoint::{Address, Endpoint};
use crate::sys::sock_diag::Type;

/// `connected`, or the name of the errno. Nothing for what is no socket or was not looked at.
pub(super) fn told(endpoint: &Endpoint) -> Option<String> {
    let kind = match endpoint.kind {
        Some(Type::Dgram) => SocketType::DGRAM,
        Some(Type::Seqpacket) => SocketType::SEQPACKET,
        Some(Type::Stream | Type::Other(_)) => SocketType::STREAM,
        // A path without a socket: what a program would be told.
        None if endpoint.state.fails() => SocketType::STREAM,
        None => return None,
    };
    let address = match endpoint.address.as_ref()? {
        Address::Path(path) => SocketAddrUnix::new(path.as_path()),
        Address::Abstract(name) => SocketAddrUnix::new_abstract_name(name.bytes()),
        Address::Process(_) => return None,
    };
    let answer = address.and_then(|address| {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, kind, flags, None)?;
        connect(&socket, &address)
    });
    Some(match answer {
        Ok(()) => "connected".to_owned(),
        Err(errno) => name(errno),
    })
}

fn name(errno: Errno) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(errno.raw_os_error()))
}
