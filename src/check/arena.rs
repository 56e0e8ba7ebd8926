//! The arena: the private directory a check runs in, and the user the program runs as.
//!
//! Every stage gets a fresh directory in it. As root the program never runs as root: it gets a
//! user id of its own that nobody else has. The arena is removed when the check is over, and by the
//! supervisor when the grader dies first. What is left when both are killed, the next grader
//! removes (`janitor`); removing itself is `removal`. Where it can be at all is `ground`.

mod ground;
mod inside;
mod janitor;
mod removal;

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::{env, fs};

use nix::unistd::{Gid, Uid, User};

pub use self::inside::Making;
use self::inside::Spot;
use self::janitor::Hold;
pub(super) use self::removal::remove;
use crate::curriculum::exercise::Names;
use crate::curriculum::scenario::Who;
use crate::sys::process;
use crate::sys::spawn::Identity;

/// User ids for learners' programs when the grader is root: `FIRST_UID` and the following.
const FIRST_UID: u32 = 64_000;
const UIDS: u32 = 1000;

/// A private directory, and who the program is.
#[derive(Debug)]
pub struct Arena {
    root: PathBuf,
    identity: Option<Identity>,
    _hold: Hold,
    _claim: Option<OwnedFd>,
}

/// One stage's place in it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The working directory; `home`, `tmp` and `run` are in it.
    pub directory: PathBuf,
    /// Where the server is told to listen.
    pub address: PathBuf,
    /// A second address, beside it.
    pub other: PathBuf,
    /// An abstract name that nobody else has (unix(7)).
    pub name: String,
    /// The program's group id, in digits.
    pub group: String,
}

impl Place {
    /// What the placeholders of an argument stand for: the address, the second address, a file,
    /// the directory, an abstract name, a group.
    pub fn fill(&self, argument: &str) -> OsString {
        let mut filled = Vec::new();
        let mut rest = argument;
        let known: [(&str, &Path); 6] = [
            ("{socket}", &self.address),
            ("{other}", &self.other),
            ("{file}", &self.file()),
            ("{dir}", &self.directory),
            ("{name}", Path::new(&self.name)),
            ("{group}", Path::new(&self.group)),
        ];
        let next = |rest: &str| {
            let found = known
                .iter()
                .filter_map(|(word, path)| Some((rest.find(word)?, word.len(), *path)));
            found
                .min_by_key(|(at, _, _)| *at)
                .map(|(at, length, path)| (at, length, path.as_os_str().as_bytes()))
        };
        while let Some((at, length, bytes)) = next(rest) {
            filled.extend(&rest.as_bytes()[..at]);
            filled.extend(bytes);
            rest = &rest[at + length..];
        }
        filled.extend(rest.as_bytes());
        OsString::from_vec(filled)
    }

    /// The file that `write-file` makes.
    pub fn file(&self) -> PathBuf {
        self.directory.join("file")
    }

    /// The file that standard input is read from.
    pub fn input(&self) -> PathBuf {
        self.directory.join("input")
    }

    /// Where a peer listens for the connection that the program is given.
    pub fn given(&self, name: &str) -> PathBuf {
        self.directory.join(format!("given-{name}"))
    }
}

impl Arena {
    /// Makes the directory: in /tmp where that can be used, since socket paths are short. What
    /// killed graders have left is removed on the way.
    ///
    /// # Errors
    /// When no place for temporary files can be used, or no free user id is found as root.
    pub fn new() -> io::Result<Self> {
        let parents = ground::parents();
        let (root, hold) = ground::settle(&parents)?;
        let mut arena = Self {
            root,
            identity: None,
            _hold: hold,
            _claim: None,
        };
        let mut taken = arena.neighbours(&parents);
        // Another grader may choose at this very moment: take an id, then see who else has it.
        while Uid::effective().is_root() {
            let (identity, claim) = free_identity(&taken)?;
            arena.identity = Some(identity);
            arena._claim = claim;
            arena.give(&arena.root)?;
            let now = arena.neighbours(&parents);
            if !now.contains(&identity.uid) {
                break;
            }
            taken = now;
        }
        Ok(arena)
    }

    /// Removes what dead graders left, and tells whose the other arenas are.
    fn neighbours(&self, parents: &[PathBuf]) -> Vec<u32> {
        let sweep = |parent: &PathBuf| janitor::sweep(parent, &self.root, ours);
        parents.iter().flat_map(sweep).collect()
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The user the program becomes; `None`: it stays who we are.
    pub fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// A user that is neither the program's nor the grader's; `None`: we cannot become one.
    pub fn stranger(&self) -> Option<Identity> {
        // Below the range of programs, so that it is no other check's program either.
        let uid = self.identity?.uid - UIDS;
        let nobody_has_it = matches!(User::from_uid(Uid::from_raw(uid)), Ok(None));
        nobody_has_it.then_some(Identity { uid, gid: uid })
    }

    /// The number of a user whom a peer can be; of one that nobody can play here, the program's.
    pub fn uid(&self, who: Who) -> u32 {
        let own = || Uid::effective().as_raw();
        let program = self.identity.map_or_else(own, |identity| identity.uid);
        match who {
            Who::Program => program,
            Who::Stranger | Who::Member => self.stranger().map_or(program, |other| other.uid),
            Who::Superuser => 0,
        }
    }

    /// Makes the place of a stage. With `path_bytes`, the address is exactly so long, in bytes,
    /// without a terminating NUL.
    ///
    /// # Errors
    /// When a directory cannot be made, or the length is shorter than the arena's own path allows.
    pub fn place(&self, stage: usize, path_bytes: Option<u64>) -> io::Result<Place> {
        let directory = self.root.join(format!("s{stage:02}"));
        for sub in [None, Some("home"), Some("tmp"), Some("run")] {
            let path = sub.map_or_else(|| directory.clone(), |sub| directory.join(sub));
            fs::DirBuilder::new().mode(0o700).create(&path)?;
            self.give(&path)?;
        }
        let mut folder = directory.join("run");
        if let Some(wanted) = path_bytes {
            // Fill up the name itself, so that one cut short lands in the same directory; beyond
            // what a name may have, with directories.
            let name = "server.sock".len() + 1;
            loop {
                let here = folder.as_os_str().len();
                let Some(left) = (wanted as usize).checked_sub(here + name) else {
                    return Err(io::Error::other("the address cannot be as short as that"));
                };
                if left <= 200 {
                    break;
                }
                folder.push("d".repeat((left - 1).min(200)));
                fs::DirBuilder::new().mode(0o700).create(&folder)?;
                self.give(&folder)?;
            }
            let missing = wanted as usize - (folder.as_os_str().len() + name);
            let address = folder.join(format!("{}server.sock", "s".repeat(missing)));
            let other = folder.join("other.sock");
            let name = self.long_name(stage, wanted);
            return Ok(Place {
                directory,
                address,
                other,
                name,
                group: self.group(),
            });
        }
        let address = folder.join("server.sock");
        let other = folder.join("other.sock");
        Ok(Place {
            directory,
            address,
            other,
            name: self.name(&format!("s{stage:02}")),
            group: self.group(),
        })
    }

    /// An abstract name of this arena.
    pub fn name(&self, of: &str) -> String {
        let arena = self.root.file_name().unwrap_or_default().to_string_lossy();
        format!("{arena}/{of}")
    }

    /// One of exactly so many bytes, if it can be as short as that.
    fn long_name(&self, stage: usize, bytes: u64) -> String {
        let mut name = self.name(&format!("s{stage:02}"));
        name.extend(std::iter::repeat_n(
            'n',
            (bytes as usize).saturating_sub(name.len()),
        ));
        name
    }

    /// The program's group id, in digits.
    pub fn group(&self) -> String {
        let ours = || Gid::effective().as_raw();
        self.identity.map_or_else(ours, |it| it.gid).to_string()
    }

    /// Makes something for the program, which may be at work here already.
    ///
    /// # Errors
    /// As [`Spot::find`] and [`Spot::make`].
    pub fn make(&self, path: &Path, what: &Making<'_>, mode: Option<u32>) -> io::Result<()> {
        Spot::find(&self.root, path)?.make(what, self.identity, mode)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// As [`Spot::find`] and [`Spot::remove`].
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        Spot::find(&self.root, path)?.remove()
    }

    /// Copies a learner's directory to where the program's own user can read it; build output and
    /// hidden files stay behind.
    ///
    /// # Errors
    /// When something cannot be read or written, or it is larger than 64 MiB.
    pub fn copy_in(&self, from: &Path) -> io::Result<PathBuf> {
        let to = self.root.join("source");
        let mut left = 64 << 20;
        copy(from, &to, &mut left)?;
        Ok(to)
    }

    /// Where a build may leave the program, readable by the program's own user.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn program(&self) -> io::Result<PathBuf> {
        let directory = self.root.join("bin");
        fs::create_dir_all(&directory)?;
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
        Ok(directory.join("program"))
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        if let Some(Identity { uid, gid }) = self.identity {
            nix::unistd::chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        Ok(())
    }

    /// The environment of the program: short and the same everywhere.
    pub fn environment(&self, place: &Place, names: Names) -> Vec<(OsString, OsString)> {
        let address = match names {
            Names::Path => place.address.clone().into_os_string(),
            Names::Abstract => format!("@{}", place.name).into(),
        };
        let within = |name: &str| place.directory.join(name).into_os_string();
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), self.search_path()),
            ("HOME".into(), within("home")),
            ("TMPDIR".into(), within("tmp")),
            ("XDG_RUNTIME_DIR".into(), within("run")),
            ("IPC_SOCKET".into(), address),
            ("PYTHONDONTWRITEBYTECODE".into(), "1".into()),
        ];
        for name in ["LANG", "LC_ALL", "LC_CTYPE"] {
            environment.extend(env::var_os(name).map(|value| (name.into(), value)));
        }
        environment
    }

    /// Where programs are searched: ours, or the system's when the program is another user, who
    /// could not enter our home directory.
    fn search_path(&self) -> OsString {
        let system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        match self.identity {
            Some(_) => system.into(),
            None => env::var_os("PATH").unwrap_or_else(|| system.into()),
        }
    }

    /// The file that a command's first word stands for, as the program's own user finds it.
    pub fn find_program(&self, word: &str) -> Option<PathBuf> {
        which::which_in(word, Some(self.search_path()), "/").ok()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // The supervisor has ended all that it started; should it have been killed, this finds
        // the rest.
        janitor::kill_strays(&self.root);
        drop(remove(&self.root));
    }
}

/// A user id that no account, process or other arena has; the process id spreads concurrent
/// checks over the range. What comes with it keeps others from it.
fn free_identity(taken: &[u32]) -> io::Result<(Identity, Option<OwnedFd>)> {
    let start = std::process::id() % UIDS;
    (0..UIDS)
        .map(|step| FIRST_UID + (start + step) % UIDS)
        .filter(|uid| !taken.contains(uid))
        .filter(|&uid| matches!(User::from_uid(Uid::from_raw(uid)), Ok(None)))
        .filter(|&uid| matches!(process::threads_of_user(uid), None | Some(0)))
        .find_map(|uid| Some((Identity { uid, gid: uid }, claim(uid).ok()?)))
        .ok_or_else(|| io::Error::other("no free user id for the program"))
}

/// Takes a user id for ourselves, also against graders that do not see our arena because they live
/// in another mount namespace: an abstract name is bound once in a network namespace (unix(7)).
///
/// # Errors
/// When somebody has it. A kernel that gives us no socket at all is no reason to stop: `Ok(None)`.
fn claim(uid: u32) -> io::Result<Option<OwnedFd>> {
    let name = format!("ipc-mastery/program/{uid}");
    let address = SocketAddr::from_abstract_name(name)?;
    match UnixDatagram::bind_addr(&address) {
        Ok(socket) => Ok(Some(socket.into())),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether an arena of this owner is one of ours.
fn ours(owner: u32) -> bool {
    let me = Uid::effective();
    owner == me.as_raw() || (me.is_root() && (FIRST_UID..FIRST_UID + UIDS).contains(&owner))
}

fn copy(from: &Path, to: &Path, left: &mut u64) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if name.as_bytes().starts_with(b".") || name == "target" || name == "__pycache__" {
            continue;
        }
        let target = to.join(&name);
        if kind.is_dir() {
            copy(&entry.path(), &target, left)?;
        } else if kind.is_file() {
            let size = entry.metadata()?.len();
            *left = left
                .checked_sub(size)
                .ok_or_else(|| io::Error::other("the directory holds more than 64 MiB"))?;
            fs::copy(entry.path(), &target)?;
            let mode = fs::metadata(&target)?.permissions().mode();
            fs::set_permissions(&target, fs::Permissions::from_mode(mode | 0o444))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_exactly_as_long_as_asked() {
        let arena = Arena::new().unwrap();
        for (stage, bytes) in [60, 107, 108, 200, 500].into_iter().enumerate() {
            let place = arena.place(stage, Some(bytes)).unwrap();
            assert_eq!(place.address.as_os_str().len() as u64, bytes);
            assert!(place.address.parent().unwrap().is_dir());
        }
    }

    #[test]
    fn a_user_id_is_claimed_once_also_by_graders_that_see_no_arena() {
        let nobodys = 1_000_000 + std::process::id();
        let first = claim(nobodys).unwrap();
        let second = claim(nobodys).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        claim(nobodys).unwrap();
    }

    #[test]
    fn nothing_is_left_when_the_arena_goes() {
        let arena = Arena::new().unwrap();
        let place = arena.place(0, None).unwrap();
        fs::set_permissions(&place.directory, fs::Permissions::from_mode(0o000)).unwrap();
        let root = arena.root().to_owned();
        drop(arena);
        assert!(!root.exists());
    }
}
