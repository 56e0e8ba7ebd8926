//! Where compiled dependencies are kept, for all programs of a language: `start` fills it while
//! there is a network, builds read it later without one. What lies there is executed, so a directory
//! that somebody else could write to is never taken.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, geteuid};

/// The directory for a language, made when it is missing: `$XDG_CACHE_HOME/ipc-mastery/LANGUAGE`,
/// or below `~/.cache` (XDG Base Directory Specification); below the temporary directory when there
/// is no home that can be written to.
///
/// # Errors
/// When none of these can be made and written.
pub fn directory(language: &str) -> io::Result<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let home = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(absolute)
        .or_else(|| Some(env::home_dir().filter(absolute)?.join(".cache")));
    let in_home = match &home {
        Some(home) => make(&home.join("ipc-mastery").join(language)),
        None => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "there is no home directory",
        )),
    };
    in_home.or_else(|_| {
        let own = env::temp_dir().join(format!("ipc-mastery-{}", geteuid()));
        match DirBuilder::new().mode(0o700).create(&own) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => is_ours_alone(&own)?,
        }
        make(&own.join(language))
    })
}

fn make(directory: &Path) -> io::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK)?;
    Ok(directory.to_owned())
}

/// The temporary directory is everybody's: a directory there may have been laid out for us.
fn is_ours_alone(directory: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(directory)?;
    if found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the directory for it in the temporary directory is somebody else's",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_directory_that_others_may_write_or_chose_is_not_taken() {
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join("own");
        fs::create_dir(&own).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
        is_ours_alone(&own).unwrap();
        let link = home.path().join("link");
        symlink(&own, &link).unwrap();
        is_ours_alone(&link).unwrap_err();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o720)).unwrap();
        is_ours_alone(&own).unwrap_err();
    }
}
