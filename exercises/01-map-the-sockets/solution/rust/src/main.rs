//! Exercise 1, reference solution in Rust: the sockets that can be reached by name.
//!
//! /proc/net/unix has a line for each Unix socket. Seven columns come first, then one blank and
//! the name, which may hold any byte: nothing in it is a separator. So it stays `[u8]` throughout.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

const TABLE: &str = "/proc/net/unix";

/// `__SO_ACCEPTCON` of <linux/net.h>: the socket listens.
const ACCEPTS: u32 = 0x10000;

/// A socket that has a name.
struct Named<'a> {
    flags: u32,
    kind: i32,
    inode: u64,
    name: &'a [u8],
}

/// The next column: bytes up to a blank, and what is behind that blank. Blanks before a column are
/// padding.
fn column(line: &[u8]) -> Option<(&str, &[u8])> {
    let start = line.iter().position(|&byte| byte != b' ')?;
    let line = &line[start..];
    let end = line.iter().position(|&byte| byte == b' ')?;
    Some((std::str::from_utf8(&line[..end]).ok()?, &line[end + 1..]))
}

/// Takes a line apart: Num: RefCount Protocol Flags Type St Inode Path.
///
/// `None` for the heading, for a socket without a name, and for a piece of a name that has a line
/// feed in it.
fn parse(line: &[u8]) -> Option<Named<'_>> {
    let (_num, rest) = column(line)?;
    let (_references, rest) = column(rest)?;
    let (_protocol, rest) = column(rest)?;
    let (flags, rest) = column(rest)?;
    let (kind, rest) = column(rest)?;
    let (_state, rest) = column(rest)?;
    // The inode is padded to five places. Behind its one blank, all the rest is the name.
    let (inode, name) = column(rest)?;
    Some(Named {
        flags: u32::from_str_radix(flags, 16).ok()?,
        kind: i32::from_str_radix(kind, 16).ok()?,
        inode: inode.parse().ok()?,
        name,
    })
}

impl Named<'_> {
    /// The word for its type, if it can be reached by its name.
    ///
    /// A datagram socket does not listen: to have a name is enough. For the others the flag tells;
    /// an accepted socket carries its listener's name, and St is 01 for all that is not connected.
    fn reachable_as(&self) -> Option<&'static str> {
        let listens = self.flags & ACCEPTS != 0;
        match self.kind {
            nix::libc::SOCK_STREAM if listens => Some("stream"),
            nix::libc::SOCK_SEQPACKET if listens => Some("seqpacket"),
            nix::libc::SOCK_DGRAM => Some("dgram"),
            _ => None,
        }
    }
}

fn run() -> io::Result<()> {
    let table = fs::read(TABLE)?;
    let mut out = BufWriter::new(io::stdout().lock());
    for line in table.split(|&byte| byte == b'\n') {
        let Some(socket) = parse(line) else { continue };
        let Some(word) = socket.reachable_as() else {
            continue;
        };
        write!(out, "{} {word} ", socket.inode)?;
        out.write_all(socket.name)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("map-the-sockets: {error}");
            ExitCode::FAILURE
        }
    }
}
