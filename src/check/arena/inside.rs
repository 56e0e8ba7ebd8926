//! Making and removing files in the arena while a program may be at work in it.
//!
//! The program owns the directory and may put a symbolic link wherever a directory was, so that a path
//! leads elsewhere; we may have more rights there than it has. So no path is followed: each part is
//! looked up in the open directory before it, and none may be a link.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, fchmod, fchown, mkdirat, mknodat, openat,
    renameat, symlinkat, unlinkat,
};

use crate::sys::spawn::Identity;

/// What is made.
pub enum Making<'a> {
    /// A regular file with these bytes; one that stood there goes on unchanged for whoever has it
    /// open.
    File(&'a [u8]),
    /// A directory.
    Directory,
    /// A symbolic link to this.
    Link(&'a OsStr),
    /// A FIFO.
    Fifo,
}

/// A place in the arena: an open directory, and a name in it.
pub struct Spot<'a> {
    directory: OwnedFd,
    name: &'a OsStr,
}

impl<'a> Spot<'a> {
    /// Finds a path that begins with the root's.
    ///
    /// # Errors
    /// When it does not, or goes through a symbolic link, or a part of it is not there.
    pub fn find(root: &Path, path: &'a Path) -> io::Result<Self> {
        let outside = || io::Error::from(io::ErrorKind::InvalidInput);
        let within = path.strip_prefix(root).map_err(|_| outside())?;
        let mut parts = within.components().map(|part| match part {
            Component::Normal(name) => Ok(name),
            _ => Err(outside()),
        });
        let name = parts.next_back().ok_or_else(outside)??;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let mut directory = openat(CWD, root, flags, Mode::empty())?;
        for part in parts {
            directory = openat(&directory, part?, flags, Mode::empty())?;
        }
        Ok(Self { directory, name })
    }

    /// Makes something there, of this user and with these permissions.
    ///
    /// # Errors
    /// What the kernel reports; `EEXIST` when something else than a file is to be made and anything
    /// stands there.
    pub fn make(
        &self,
        what: &Making<'_>,
        owner: Option<Identity>,
        mode: Option<u32>,
    ) -> io::Result<()> {
        let usual = |mode: u32| Mode::from_raw_mode(mode);
        match what {
            Making::File(bytes) => return self.replace(bytes, owner, mode),
            Making::Directory => mkdirat(&self.directory, self.name, usual(0o755))?,
            Making::Link(to) => symlinkat(*to, &self.directory, self.name)?,
            Making::Fifo => {
                let mode = usual(0o644);
                mknodat(&self.directory, self.name, FileType::Fifo, mode, 0)?;
            }
        }
        let path = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = openat(&self.directory, self.name, path, Mode::empty())?;
        if let Some(Identity { uid, gid }) = owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::chownat(&made, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)?;
        }
        if let (Making::Directory | Making::Fifo, Some(mode)) = (what, mode) {
            // The descriptor's name in /proc reaches what O_PATH has open, and no link.
            let name = format!("/proc/self/fd/{}", made.as_raw_fd());
            rustix::fs::chmod(name, usual(mode))?;
        }
        Ok(())
    }

    /// Removes what is there, unless it is a directory.
    ///
    /// # Errors
    /// As unlinkat(2).
    pub fn remove(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, self.name, AtFlags::empty())?)
    }

    /// Puts a file in the place of what is there.
    fn replace(&self, bytes: &[u8], owner: Option<Identity>, mode: Option<u32>) -> io::Result<()> {
        let mut beside = self.name.to_owned();
        beside.push(".new");
        let _ = unlinkat(&self.directory, &beside, AtFlags::empty());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let made = openat(&self.directory, &beside, flags, Mode::from_raw_mode(0o644))?;
        let mut made = std::fs::File::from(made);
        made.write_all(bytes)?;
        if let Some(Identity { uid, gid }) = owner {
            fchown(&made, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        if let Some(mode) = mode {
            fchmod(&made, Mode::from_raw_mode(mode))?;
        }
        Ok(renameat(
            &self.directory,
            &beside,
            &self.directory,
            self.name,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn files_are_made_with_their_modes_and_removed() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let make = |name: &str, what: &Making<'_>, mode| {
            Spot::find(root.path(), &path(name)).and_then(|spot| spot.make(what, None, mode))
        };
        make("d", &Making::Directory, Some(0o700)).unwrap();
        make("d/f", &Making::File(b"one"), Some(0o600)).unwrap();
        make("d/f", &Making::File(b"two"), None).unwrap();
        make("d/l", &Making::Link(OsStr::new("f")), None).unwrap();
        make("d/p", &Making::Fifo, Some(0o622)).unwrap();
        assert_eq!(fs::read(path("d/l")).unwrap(), b"two");
        let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("d"), mode("d/p")), (0o700, 0o622));
        assert!(fs::metadata(path("d/p")).unwrap().file_type().is_fifo());
        Spot::find(root.path(), &path("d/l"))
            .unwrap()
            .remove()
            .unwrap();
        assert!(fs::symlink_metadata(path("d/l")).is_err());
        assert!(path("d/f").exists());
    }

    #[test]
    fn a_link_in_place_of_a_directory_leads_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), root.path().join("d")).unwrap();
        assert!(Spot::find(root.path(), &root.path().join("d/f")).is_err());
        assert!(Spot::find(root.path(), &root.path().join("../f")).is_err());
        assert!(Spot::find(root.path(), elsewhere.path()).is_err());
        // A link at the place itself is replaced, not followed.
        let target = elsewhere.path().join("target");
        fs::write(&target, "untouched").unwrap();
        let link = root.path().join("l");
        symlink(&target, &link).unwrap();
        let spot = Spot::find(root.path(), &link).unwrap();
        spot.make(&Making::File(b"new"), None, Some(0o600)).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"untouched");
        assert_eq!(fs::read(&link).unwrap(), b"new");
    }
}
