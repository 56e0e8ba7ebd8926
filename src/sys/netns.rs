//! AF_UNIX sockets of other network namespaces: what sock_diag does not list here.
//!
//! A path reaches a server in any network namespace, but its socket is listed only in its own. As
//! root each namespace is entered by a thread of its own (setns(2)) and asked by sock_diag; without
//! that, its `/proc/PID/net/unix` can be read by everybody and tells names, not files. Which
//! processes share a namespace is told by the inode of that file, which needs no permission.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::sock_diag::{self, FileId, State, Type};

/// A socket in another network namespace that is bound and not connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The path it was bound to.
    pub path: Vec<u8>,
    /// The file it is bound to, when the namespace could be entered.
    pub file: Option<FileId>,
    /// Its type.
    pub kind: Type,
    /// Its inode in sockfs, which all namespaces share.
    pub inode: u32,
}

/// The sockets bound to paths in all network namespaces but this thread's.
pub fn elsewhere() -> Vec<Foreign> {
    let mut seen: HashSet<u64> = own().into_iter().collect();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let pid: u32 = pid;
        let list = format!("/proc/{pid}/net/unix");
        let Ok(status) = fs::metadata(&list) else {
            continue;
        };
        if !seen.insert(status.ino()) {
            continue;
        }
        match entered(pid) {
            Ok(sockets) => found.extend(sockets),
            Err(_) => found.extend(parse(&fs::read(&list).unwrap_or_default())),
        }
    }
    found
}

fn own() -> Option<u64> {
    Some(fs::metadata("/proc/thread-self/net/unix").ok()?.ino())
}

/// All AF_UNIX sockets of the network namespace of a process, asked from within it by a thread that
/// ends there. `None`: it is ours.
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN`; as [`sock_diag::dump`].
pub fn dump_of(pid: u32) -> io::Result<Option<sock_diag::Dump>> {
    let link = |who: &str| fs::read_link(format!("/proc/{who}/ns/net"));
    if link(&pid.to_string())? == link("thread-self")? {
        return Ok(None);
    }
    Ok(Some(dump_within(pid)?))
}

fn dump_within(pid: u32) -> io::Result<sock_diag::Dump> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let namespace = openat(CWD, format!("/proc/{pid}/ns/net"), flags, Mode::empty())?;
    thread::scope(|scope| {
        let ask = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            sock_diag::dump()
        };
        scope.spawn(ask).join().expect("a dump does not panic")
    })
}

/// Those that are bound to a path, from within the namespace of a process.
fn entered(pid: u32) -> io::Result<Vec<Foreign>> {
    let dump = dump_within(pid)?;
    let bound = dump.sockets.into_iter().filter_map(|socket| {
        let sock_diag::Name::Path(path) = socket.name? else {
            return None;
        };
        (socket.state != State::Established || socket.kind == Type::Dgram).then(|| Foreign {
            path: path.bytes().to_vec(),
            file: socket.file,
            kind: socket.kind,
            inode: socket.inode,
        })
    });
    Ok(bound.collect())
}

/// Takes the text of `/proc/PID/net/unix` apart: bound and unconnected sockets with a path. A name
/// with a line feed in it forges lines, so what is found here is a hint.
fn parse(text: &[u8]) -> Vec<Foreign> {
    text.split(|&byte| byte == b'\n').filter_map(line).collect()
}

/// `Num: RefCount Protocol Flags Type St Inode Path`, the path after one blank.
fn line(line: &[u8]) -> Option<Foreign> {
    let mut rest = line;
    let mut fields = Vec::new();
    for _ in 0..7 {
        let start = rest.iter().position(|&byte| byte != b' ')?;
        rest = &rest[start..];
        let end = rest.iter().position(|&byte| byte == b' ')?;
        fields.push(std::str::from_utf8(&rest[..end]).ok()?);
        rest = &rest[end..];
    }
    let path = rest.strip_prefix(b" ")?;
    // `@` marks an abstract name; SS_UNCONNECTED is 1.
    if path.is_empty() || path[0] == b'@' || fields[5] != "01" {
        return None;
    }
    let kind = match fields[4] {
        "0001" => Type::Stream,
        "0002" => Type::Dgram,
        "0005" => Type::Seqpacket,
        other => Type::Other(u8::from_str_radix(other, 16).ok()?),
    };
    Some(Foreign {
        path: path.to_vec(),
        file: None,
        kind,
        inode: fields[6].parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn a_listener_is_found_in_the_text_and_a_connection_is_not() {
        let text = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            00000000f63255fd: 00000002 00000000 00010000 0001 01 29187 /run/a b\n\
            00000000f63255fe: 00000003 00000000 00000000 0001 03 29188 /run/a b\n\
            00000000f63255ff: 00000002 00000000 00010000 0001 01 29189 @x\n\
            00000000c10a10d5: 00000003 00000000 00000000 0002 03 29185\n";
        let found = parse(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].path.as_slice(), found[0].inode),
            (&b"/run/a b"[..], 29187)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in any::<Vec<u8>>()) {
            let _ = parse(&bytes);
        }
    }
}
