//! Exercise 7, reference solution in Rust: a server at an abstract name.
//!
//! Nothing here cleans up. The name is an entry in a table of the kernel that goes with the socket,
//! and the socket goes with its last descriptor. So the one duty is to give that descriptor to nobody.

use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Command, ExitCode};
use std::thread;

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Uid;

/// The bytes that an argument means: `%HH` is one byte, all else is as it stands.
fn read_name(text: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let escaped = rest.strip_prefix(b"%").and_then(|digits| digits.get(..2));
        let escaped = escaped.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let escaped = escaped.and_then(|digits| str::from_utf8(digits).ok());
        let escaped = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        name.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &rest[3..] } else { after };
    }
    name
}

/// A name as a terminal can show it and the arguments of this program can hold it.
fn readable(name: &[u8]) -> String {
    let shown = |&byte: &u8| match byte {
        b'%' => format!("%{byte:02x}"),
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02x}"),
    };
    name.iter().map(shown).collect()
}

fn listen_at(name: &[u8]) -> io::Result<UnixListener> {
    // The standard library puts the NUL in front, passes the exact length, and says when the name
    // does not fit. Its sockets are close-on-exec: a program that is started here does not keep the
    // name.
    let address = SocketAddr::from_abstract_name(name)
        .map_err(|_| io::Error::other("the name is too long: 107 bytes fit"))?;
    // To ask whether the name is taken and to take it is one call, so nobody can come in between.
    UnixListener::bind_addr(&address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => io::Error::other(format!("the name is taken: {}", readable(name))),
        _ => error,
    })
}

/// Says what name the kernel has for the socket.
fn say_name(listener: &UnixListener) -> io::Result<()> {
    let address = listener.local_addr()?;
    let name = address.as_abstract_name().unwrap_or_default();
    let mut out = io::stdout();
    writeln!(out, "name {} {}", name.len(), readable(name))?;
    writeln!(out, "ready")?;
    out.flush()
}

/// An abstract name has no permissions: whoever is in this network namespace may connect.
fn is_ours(client: &UnixStream) -> io::Result<bool> {
    let peer = getsockopt(client, sockopt::PeerCredentials)?;
    Ok(peer.uid() == Uid::effective().as_raw())
}

/// Starts cat(1) on the connection. From then on the client talks to it alone.
fn hand_over(client: UnixStream) -> io::Result<()> {
    let output: OwnedFd = client.try_clone()?.into();
    let input: OwnedFd = client.into();
    let mut child = Command::new("cat").stdin(input).stdout(output).spawn()?;
    // Somebody has to wait for it, or it stays in the process table as a zombie.
    thread::spawn(move || child.wait());
    Ok(())
}

fn serve(mut client: UnixStream) -> io::Result<()> {
    if !is_ours(&client)? {
        return client.write_all(b"NO\n");
    }
    let mut bytes = [0; 4096];
    let mut first = true;
    loop {
        let data = match client.read(&mut bytes)? {
            0 => return Ok(()),
            count => &mut bytes[..count],
        };
        if first && data.starts_with(b"!") {
            client.write_all(b"+")?;
            return hand_over(client);
        }
        first = false;
        data.make_ascii_uppercase();
        client.write_all(data)?;
    }
}

fn run(name: &OsStr) -> io::Result<()> {
    let listener = listen_at(&read_name(name.as_bytes()))?;
    say_name(&listener)?;
    loop {
        let (client, _) = listener.accept()?;
        if let Err(error) = serve(client) {
            eprintln!("abstract-name: a client: {error}");
        }
    }
}

fn main() -> ExitCode {
    let Some(name) = std::env::args_os().skip(1).last() else {
        eprintln!("usage: abstract-name NAME");
        return ExitCode::FAILURE;
    };
    match run(&name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("abstract-name: {error}");
            ExitCode::FAILURE
        }
    }
}
