//! Removing a directory that a hostile program has filled: deeper than any path, wider than memory
//! should hold, closed to its own owner.
//!
//! Nothing here recurses and two descriptors are open at most: a directory inside a directory is
//! moved up to the top before its old place is removed. No link is followed, and nothing outside
//! is reached, since every name is looked up in an open directory.

use std::ffi::{CStr, CString, OsStr};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Passes over one directory: some file systems skip entries while others are removed.
const PASSES: usize = 100;

/// Removes a directory and all that is in it, whatever its modes. One that is not there is fine.
///
/// # Errors
/// The first thing that could not be removed; all else is gone by then.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    let top = match enter(None, directory.as_os_str()) {
        Err(Errno::ENOENT) => return Ok(()),
        other => other?,
    };
    let mut removal = Removal {
        top,
        inner: Vec::new(),
        lifted: 0,
        trouble: None,
    };
    for _ in 0..PASSES {
        let found = removal.empty(None)?;
        while let Some(name) = removal.inner.pop() {
            removal.take_apart(&name);
        }
        if found == 0 || removal.trouble.is_some() {
            break;
        }
    }
    let removed = match fs::remove_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    match removal.trouble {
        Some(errno) if removed.is_err() => Err(errno.into()),
        _ => removed,
    }
}

struct Removal {
    top: OwnedFd,
    /// Directories in the top one that are to be taken apart.
    inner: Vec<CString>,
    /// How many were moved up.
    lifted: u64,
    /// The first thing that went wrong.
    trouble: Option<Errno>,
}

impl Removal {
    /// Removes a directory in the top one: its files here and now, its directories later.
    fn take_apart(&mut self, name: &CStr) {
        let mut attempt = || -> nix::Result<()> {
            let directory = enter(Some(&self.top), OsStr::from_bytes(name.to_bytes()))?;
            for _ in 0..PASSES {
                self.empty(Some(&directory))?;
                match unlinkat(&self.top, name, UnlinkatFlags::RemoveDir) {
                    Err(Errno::ENOTEMPTY | Errno::EEXIST) => {}
                    other => return other,
                }
            }
            Err(Errno::ENOTEMPTY)
        };
        match attempt() {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => self.fail(errno),
        }
    }

    /// Empties a directory, or for `None` the top one; what is a directory ends up in the top one
    /// and on the list. Tells how many entries there were.
    fn empty(&mut self, directory: Option<&OwnedFd>) -> nix::Result<usize> {
        let here = directory.unwrap_or(&self.top).try_clone();
        let here = here.map_err(|_| Errno::EMFILE)?;
        let mut listing = Dir::from_fd(enter(Some(&here), OsStr::new("."))?)?;
        let mut found = 0;
        for entry in listing.iter() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            found += 1;
            match unlinkat(&here, name, UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => continue,
                Err(Errno::EISDIR | Errno::EPERM) => {}
                Err(errno) => {
                    self.fail(errno);
                    continue;
                }
            }
            if unlinkat(&here, name, UnlinkatFlags::RemoveDir).is_ok() {
                continue;
            }
            if directory.is_none() {
                self.inner.push(name.to_owned());
            } else if let Err(errno) = self.lift(&here, name) {
                self.fail(errno);
            }
        }
        Ok(found)
    }

    /// Moves a directory to the top, under a name that is free there.
    fn lift(&mut self, from: &OwnedFd, name: &CStr) -> nix::Result<()> {
        // Its owner must be allowed to write it, since its `..` changes.
        drop(enter(Some(from), OsStr::from_bytes(name.to_bytes()))?);
        for _ in 0..PASSES {
            self.lifted += 1;
            let free = CString::new(format!("lifted-{}", self.lifted)).expect("no NUL");
            match renameat(from, name, &self.top, free.as_c_str()) {
                Ok(()) => {
                    self.inner.push(free);
                    return Ok(());
                }
                Err(Errno::EEXIST | Errno::ENOTEMPTY | Errno::ENOTDIR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::EEXIST)
    }

    fn fail(&mut self, errno: Errno) {
        self.trouble.get_or_insert(errno);
    }
}

/// Opens a directory, never through a link, and lets its owner do everything in it.
fn enter(parent: Option<&OwnedFd>, name: &OsStr) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let at = |flags| match parent {
        Some(parent) => openat(parent, name, flags, Mode::empty()),
        None => open(name, flags, Mode::empty()),
    };
    let named = at(flags | OFlag::O_PATH)?;
    let mode = fstat(&named)?.st_mode;
    if mode & 0o700 != 0o700 {
        // The descriptor's own link in /proc leads to the very directory that was opened.
        let link = format!("/proc/self/fd/{}", named.as_raw_fd());
        drop(fs::set_permissions(
            &link,
            fs::Permissions::from_mode(0o700),
        ));
    }
    openat(&named, ".", flags | OFlag::O_RDONLY, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(bits: u32) -> fs::Permissions {
        fs::Permissions::from_mode(bits)
    }

    /// In memory where possible: a disk takes seconds to make so much.
    fn roomy() -> tempfile::TempDir {
        tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
    }

    #[test]
    fn twenty_thousand_nested_directories_go() {
        let home = roomy();
        let directory = home.path().join("arena");
        fs::create_dir(&directory).unwrap();
        let mut here = enter(None, directory.as_os_str()).unwrap();
        for _ in 0..20_000 {
            nix::sys::stat::mkdirat(&here, "d", Mode::S_IRWXU).unwrap();
            here = enter(Some(&here), OsStr::new("d")).unwrap();
        }
        remove(&directory).unwrap();
        assert!(!directory.exists());
    }

    #[test]
    fn fifty_thousand_files_go() {
        let home = roomy();
        let directory = home.path().join("arena");
        fs::create_dir_all(directory.join("wide")).unwrap();
        let wide = enter(None, directory.join("wide").as_os_str()).unwrap();
        for name in 0..50_000 {
            let flags = OFlag::O_CREAT | OFlag::O_WRONLY;
            drop(openat(&wide, name.to_string().as_str(), flags, Mode::S_IRUSR).unwrap());
        }
        remove(&directory).unwrap();
        assert!(!directory.exists());
    }

    #[test]
    fn closed_directories_and_names_in_the_way_go() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("arena");
        fs::create_dir_all(directory.join("a/b/c/d")).unwrap();
        fs::write(directory.join("a/b/c/d/file"), "x").unwrap();
        fs::create_dir_all(directory.join("lifted-1/full")).unwrap();
        fs::write(directory.join("lifted-2"), "in the way").unwrap();
        for closed in ["a/b/c/d", "a/b/c", "a/b", "a", "lifted-1", ""] {
            fs::set_permissions(directory.join(closed), mode(0o000)).unwrap();
        }
        remove(&directory).unwrap();
        assert!(!directory.exists());
    }

    #[test]
    fn a_link_goes_and_what_it_leads_to_stays() {
        let home = tempfile::tempdir().unwrap();
        let (directory, other) = (home.path().join("arena"), home.path().join("other"));
        fs::create_dir_all(directory.join("in")).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("precious"), "x").unwrap();
        std::os::unix::fs::symlink(&other, directory.join("in/link")).unwrap();
        std::os::unix::fs::symlink(&other, directory.join("link")).unwrap();
        remove(&directory).unwrap();
        assert!(!directory.exists() && other.join("precious").exists());
        std::os::unix::fs::symlink(&other, &directory).unwrap();
        remove(&directory).unwrap_err();
        assert!(other.join("precious").exists());
    }
}
