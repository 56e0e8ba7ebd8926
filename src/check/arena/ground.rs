//! Where an arena can be: a directory for temporary files that is short enough for socket addresses,
//! that the program's user can reach, and from which programs can be run.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::Uid;

use super::janitor::{self, Hold};
use crate::untrusted::Untrusted;

/// The longest path of an arena, in bytes: with a stage's directory and the name of a socket it
/// must fit into `sun_path`, which has room for 107 and a NUL (unix(7)).
const LONGEST: usize = 107 - "/s000/run/server.sock".len();
/// How often somebody may take a fresh arena for an abandoned one.
const ATTEMPTS: usize = 100;

/// Directories in which arenas are made, the best first.
pub(super) fn parents() -> Vec<PathBuf> {
    let named = ["TMPDIR", "XDG_RUNTIME_DIR"]
        .into_iter()
        .filter_map(env::var_os)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let mut parents: Vec<PathBuf> = vec!["/tmp".into()];
    for parent in named.chain(["/var/tmp".into(), "/dev/shm".into()]) {
        if !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    parents
}

/// Makes an arena in the first directory that will do, and holds it.
pub(super) fn settle(parents: &[PathBuf]) -> io::Result<(PathBuf, Hold)> {
    let mut reasons = Vec::new();
    for parent in parents {
        match suits(parent).and_then(|()| make(parent)) {
            Ok(made) => return Ok(made),
            Err(error) => {
                reasons.push(format!("{}: {error}", Untrusted::from(parent.as_path())));
            }
        }
    }
    Err(io::Error::other(reasons.join("; ")))
}

fn suits(parent: &Path) -> io::Result<()> {
    let path = fs::canonicalize(parent)?;
    if janitor::template(parent).as_os_str().len() > LONGEST {
        return Err(io::Error::other(
            "the path is too long for socket addresses",
        ));
    }
    let mounted = statvfs(&path)?;
    if mounted.flags().contains(FsFlags::ST_NOEXEC) {
        return Err(io::Error::other("programs cannot be run from it (noexec)"));
    }
    // As root the program is somebody else, who must get there.
    let open = |directory: &Path| {
        fs::metadata(directory).is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
    };
    if Uid::effective().is_root() && !path.ancestors().all(open) {
        return Err(io::Error::other("other users cannot reach it"));
    }
    Ok(())
}

fn make(parent: &Path) -> io::Result<(PathBuf, Hold)> {
    for _ in 0..ATTEMPTS {
        let root = nix::unistd::mkdtemp(&janitor::template(parent))?;
        if let Some(hold) = janitor::hold(&root)? {
            return Ok((root, hold));
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_too_long_is_passed_over_with_the_reason() {
        let home = tempfile::tempdir().unwrap();
        let long = home.path().join("d".repeat(100));
        fs::create_dir(&long).unwrap();
        let error = settle(&[long, home.path().join("missing")]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("too long for socket addresses"), "{text}");
        assert!(text.contains("missing: No such file"), "{text}");
    }
}
