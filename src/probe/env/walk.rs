//! From a path to the file at its end, step by step as the kernel goes (path_resolution(7)): which
//! step is missing or forbidden, and never into a file system that somebody's program serves.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Stat, readlinkat, statat};
use rustix::io::Errno;

use crate::sys::mounts::Mount;

/// Symbolic links that are followed: the kernel's own limit, `MAXSYMLINKS`.
const LINKS: usize = 40;

/// What a walk came to.
#[derive(Clone, Debug)]
pub(super) struct Walked {
    /// The directories that had to be searched, from the root.
    pub(super) directories: Vec<(Vec<u8>, Stat)>,
    /// The path without symbolic links, as far as it goes.
    pub(super) path: Vec<u8>,
    /// How it ended.
    pub(super) end: End,
}

/// How a walk ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// A file is there.
    File(Box<Stat>),
    /// It does not begin with a slash.
    Relative,
    /// Nothing has this name.
    Missing,
    /// A step was refused.
    Refused(Errno),
    /// The next step is on a file system that is not entered.
    NotEntered,
}

/// Walks along a path, seen from `root`: `/`, or `/proc/PID/root` of another mount namespace.
pub(super) fn walk(path: &[u8], root: &Path, mounts: &[Mount]) -> Walked {
    let mut walked = Walked {
        directories: Vec::new(),
        path: Vec::new(),
        end: End::Missing,
    };
    if !path.starts_with(b"/") {
        walked.end = End::Relative;
        return walked;
    }
    if path.len() >= 4096 {
        walked.end = End::Refused(Errno::NAMETOOLONG);
        return walked;
    }
    let mut links = 0;
    let mut open: Vec<Vec<u8>> = parts(path);
    match status(root, b"/") {
        Ok(found) => walked.end = End::File(Box::new(found)),
        Err(errno) => {
            walked.end = End::Refused(errno);
            return walked;
        }
    }
    while let Some(part) = open.pop() {
        // What was reached so far must be a directory that can be searched.
        let End::File(here) = &walked.end else { break };
        if FileType::from_raw_mode(here.st_mode) != FileType::Directory {
            walked.end = End::Refused(Errno::NOTDIR);
            return walked;
        }
        let here = **here;
        if part == b".." {
            let end = walked.path.iter().rposition(|&byte| byte == b'/');
            walked.path.truncate(end.unwrap_or(0));
            let up = if walked.path.is_empty() {
                b"/".to_vec()
            } else {
                walked.path.clone()
            };
            match status(root, &up) {
                Ok(found) => walked.end = End::File(Box::new(found)),
                Err(errno) => {
                    walked.end = End::Refused(errno);
                    return walked;
                }
            }
            continue;
        }
        let known = walked
            .directories
            .iter()
            .any(|(path, _)| *path == walked.path);
        if !known {
            walked.directories.push((walked.path.clone(), here));
        }
        let mut next = walked.path.clone();
        next.push(b'/');
        next.extend(&part);
        if served(mounts, &next) {
            walked.path = next;
            walked.end = End::NotEntered;
            return walked;
        }
        match status(root, &next) {
            Err(Errno::NOENT) => {
                walked.path = next;
                walked.end = End::Missing;
                return walked;
            }
            Err(errno) => {
                walked.end = End::Refused(errno);
                return walked;
            }
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Symlink => {
                links += 1;
                let target = readlinkat(CWD, beneath(root, &next), Vec::new());
                let target = match target {
                    Ok(target) if links <= LINKS => target.into_bytes(),
                    Ok(_) => {
                        walked.end = End::Refused(Errno::LOOP);
                        return walked;
                    }
                    Err(errno) => {
                        walked.end = End::Refused(errno);
                        return walked;
                    }
                };
                if target.starts_with(b"/") {
                    walked.path.clear();
                    if let Ok(found) = status(root, b"/") {
                        walked.end = End::File(Box::new(found));
                    }
                }
                open.extend(parts(&target));
            }
            Ok(found) => {
                walked.path = next;
                walked.end = End::File(Box::new(found));
            }
        }
    }
    walked
}

/// The parts of a path, the last one first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .rev()
        .map(<[u8]>::to_vec)
        .collect()
}

fn beneath(root: &Path, path: &[u8]) -> Vec<u8> {
    let mut whole = root.as_os_str().as_bytes().to_vec();
    if whole == b"/" {
        whole.clear();
    }
    whole.extend(path);
    whole
}

fn status(root: &Path, path: &[u8]) -> Result<Stat, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    statat(CWD, beneath(root, path), flags)
}

/// Whether a file system is mounted here that a program or another machine answers for.
fn served(mounts: &[Mount], path: &[u8]) -> bool {
    let mount = mounts.iter().rev().find(|it| it.point.bytes() == path);
    mount.is_some_and(|mount| {
        let kind = mount.kind.bytes();
        kind.starts_with(b"fuse")
            || kind.starts_with(b"nfs")
            || [&b"autofs"[..], b"cifs", b"smb3", b"9p", b"ceph", b"afs"].contains(&kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn end(path: &Path) -> Walked {
        walk(path.as_os_str().as_bytes(), Path::new("/"), &[])
    }

    #[test]
    fn links_are_followed_and_loops_end() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/file"), "").unwrap();
        symlink("real", root.join("link")).unwrap();
        symlink(root.join("link"), root.join("far")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let walked = end(&root.join("far/../far/./file"));
        assert!(matches!(walked.end, End::File(_)), "{walked:?}");
        assert_eq!(walked.path, root.join("real/file").as_os_str().as_bytes());
        let walked = end(&root.join("loop"));
        assert!(matches!(walked.end, End::Refused(Errno::LOOP)));
        let walked = end(&root.join("real/file/x"));
        assert!(matches!(walked.end, End::Refused(Errno::NOTDIR)));
        assert!(matches!(end(&root.join("none/x")).end, End::Missing));
        assert!(matches!(end(Path::new("x")).end, End::Relative));
    }

    #[test]
    fn a_file_system_that_a_program_serves_is_not_entered() {
        let line = b"40 30 0:50 / /run/user/7/doc rw - fuse.portal portal rw\n";
        let mounts = crate::sys::mounts::parse(line);
        assert!(served(&mounts, b"/run/user/7/doc"));
        assert!(!served(&mounts, b"/run/user/7"));
    }
}
