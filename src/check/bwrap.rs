//! A box for other people's programs: bubblewrap (bwrap(1)), when it is asked for.
//!
//! In the box a program has a user, a mount and an IPC namespace of its own: every file is
//! read-only but those of the private directory, and home and temporary directories are empty. It
//! keeps the pid and network namespaces, so that SO_PEERCRED and abstract names stay what an
//! exercise teaches; its signals are fenced in as always ([`crate::sys::fence`]). Its monitor is
//! left behind by [`super::supervisor`], so that what is seen is the program itself.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::curriculum::exercise::Need;
use crate::sys::spawn::Identity;
use crate::untrusted::Untrusted;

/// What everybody's box has: namespaces, and a view of the files.
const BOX: &[&str] = &[
    "--unshare-user",
    "--unshare-ipc",
    "--new-session",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
];

/// Directories in which people keep what is theirs, or daemons their sockets: empty in the box.
const HIDDEN: &[&str] = &[
    "/home", "/root", "/run", "/tmp", "/var/tmp", "/mnt", "/media", "/srv",
];

/// The program bwrap, which has been seen to work.
#[derive(Clone, Debug)]
pub struct Bwrap {
    program: PathBuf,
}

impl Bwrap {
    /// Finds bwrap and makes a box with it once, as the user that programs become.
    ///
    /// # Errors
    /// Why there can be no box here, in words.
    pub fn new(identity: Option<Identity>) -> Result<Self, String> {
        let program = which::which("bwrap").map_err(|_| "`bwrap` is not installed".to_owned())?;
        let mut trial = Command::new(&program);
        trial.args(BOX).args(["--", "/bin/true"]);
        trial.stdin(Stdio::null()).current_dir("/");
        if let Some(Identity { uid, gid }) = identity {
            trial.uid(uid).gid(gid);
        }
        let output = trial
            .output()
            .map_err(|error| format!("`bwrap` cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(Self { program });
        }
        let words = Untrusted::new(output.stderr).lines().join(" ");
        Err(format!("`bwrap` cannot make its box: {words}"))
    }

    /// Whether the box leaves as it is what an exercise teaches.
    pub fn leaves(need: Need) -> bool {
        match need {
            Need::PeerPid => true,
            Need::Users | Need::Namespaces => false,
        }
    }

    /// The words that run a program in a box in which it may write to `private`, and stands in
    /// `cwd`.
    pub fn wrap(&self, argv: Vec<OsString>, private: &Path, cwd: &Path) -> Vec<OsString> {
        let mut words = vec![self.program.clone().into_os_string()];
        words.extend(BOX.iter().map(OsString::from));
        for hidden in HIDDEN.iter().filter(|hidden| Path::new(hidden).is_dir()) {
            words.extend(["--tmpfs".into(), hidden.into()]);
        }
        // An interpreter or a working directory that the box hides is shown again, to be read.
        let interpreter = argv
            .first()
            .and_then(|first| installed_at(Path::new(first)));
        let shown = interpreter.into_iter().chain([cwd.to_owned()]);
        for path in shown.filter(|path| is_hidden(path) && !path.starts_with(private)) {
            words.extend([
                "--ro-bind".into(),
                path.clone().into_os_string(),
                path.into_os_string(),
            ]);
        }
        words.extend(["--bind".into(), private.into(), private.into()]);
        words.extend(["--chdir".into(), cwd.into(), "--".into()]);
        words.extend(argv);
        words
    }
}

/// The directory that holds a program's `bin`, links followed: its libraries lie there too.
fn installed_at(program: &Path) -> Option<PathBuf> {
    let program = program.canonicalize().ok()?;
    Some(program.parent()?.parent()?.to_owned())
}

fn is_hidden(path: &Path) -> bool {
    HIDDEN.iter().any(|hidden| path.starts_with(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_hides_homes_and_shows_the_private_directory_last() {
        let bwrap = Bwrap {
            program: "/usr/bin/bwrap".into(),
        };
        let argv = vec!["/bin/true".into()];
        let words = bwrap.wrap(argv, Path::new("/tmp/arena"), Path::new("/tmp/arena/s00"));
        let text: Vec<String> = words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let line = text.join(" ");
        assert!(line.contains("--tmpfs /tmp "), "{line}");
        assert!(
            line.ends_with("--bind /tmp/arena /tmp/arena --chdir /tmp/arena/s00 -- /bin/true"),
            "{line}"
        );
    }
}
