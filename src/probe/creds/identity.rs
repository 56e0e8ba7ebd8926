//! Who a process is: what /proc tells of its ids, privileges, namespaces and session.
//!
//! What may not be read is a [`Fact::Refused`], apart from what is not there. A pidfd is opened
//! before anything is read and asked afterwards, so nothing here mixes two processes that had the
//! same pid one after the other.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::capabilities::Capabilities;
use super::fact::{Fact, Named, Names, errno};
use super::session::{self, Session};
use crate::probe::ProbeError;
use crate::sys::pidfd::{self, Means};
use crate::sys::{process, security_modules};
use crate::untrusted::Untrusted;

/// Who a process is.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Identity {
    /// Its process id.
    pub pid: u32,
    /// Its name, chosen by itself.
    pub comm: Untrusted,
    /// It is this process.
    pub ourselves: bool,
    /// When it was started.
    pub start: Option<Start>,
    /// It has ended, and its parent has not waited for it.
    pub ended: bool,
    /// User ids.
    pub user: Fact<Ids>,
    /// Group ids.
    pub group: Fact<Ids>,
    /// Supplementary groups.
    pub groups: Fact<Vec<Named>>,
    /// Capabilities.
    pub capabilities: Fact<Sets>,
    /// Whether exec(2) can give it no more privileges (PR_SET_NO_NEW_PRIVS).
    pub no_new_privs: Fact<bool>,
    /// Whether system calls are filtered.
    pub seccomp: Fact<Seccomp>,
    /// Whether processes of the same user may look into it (PR_SET_DUMPABLE).
    pub dumpable: Fact<bool>,
    /// Its namespaces.
    pub namespaces: Vec<Namespace>,
    /// How user ids of its user namespace map to ours, when it is not the first one; proc(5).
    pub uid_map: Fact<Vec<Mapped>>,
    /// Likewise group ids.
    pub gid_map: Fact<Vec<Mapped>>,
    /// The label that a security module gave it.
    pub label: Fact<Untrusted>,
    /// The security modules that are active on this machine.
    pub security_modules: Fact<Vec<String>>,
    /// The user who logged in, whatever became of the ids since.
    pub login_uid: Fact<Named>,
    /// The audit session.
    pub audit_session: Fact<u32>,
    /// Its place among control groups, units and sessions.
    #[serde(flatten)]
    pub session: Session,
    /// Its pid in each pid namespace, from ours inwards.
    pub ns_pids: Vec<u32>,
    /// The inode of its pidfd: never given to another process until the machine is started anew.
    pub pidfd_inode: Fact<u64>,
}

/// The four ids of a kind (credentials(7)).
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Ids {
    /// Who started it: what SCM_CREDENTIALS says when the sender says nothing.
    pub real: Named,
    /// What it may do: what SO_PEERCRED records.
    pub effective: Named,
    /// What it may return to.
    pub saved: Named,
    /// What it is to the file system.
    pub fs: Named,
}

/// Sets of capabilities.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Sets {
    /// In force now.
    pub effective: Capabilities,
    /// It may put in force.
    pub permitted: Capabilities,
    /// It may hand on to programs that carry the same in their files.
    pub inheritable: Capabilities,
    /// It, and what it starts, can never have more.
    pub bounding: Capabilities,
    /// It hands on to any program.
    pub ambient: Capabilities,
}

/// Filters of system calls (seccomp(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Seccomp {
    /// Which kind.
    pub mode: SeccompMode,
    /// How many filters; since Linux 5.9.
    pub filters: Option<u32>,
}

/// Kinds of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeccompMode {
    /// None.
    Off,
    /// Only read, write, exit and sigreturn.
    Strict,
    /// As its filters say.
    Filter,
}

/// When a process was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Start {
    /// Clock ticks after the machine was started (field 22 of proc_pid_stat(5)): with the pid, this
    /// tells it from a later process.
    pub ticks: u64,
    /// Seconds ago.
    pub age_seconds: u64,
}

/// A namespace a process is in.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Namespace {
    /// `pid`, `user`, …: its name in `/proc/PID/ns`.
    pub kind: &'static str,
    /// Its inode, which is its identity.
    pub inode: Fact<u64>,
    /// Whether it is the one that we are in; `None` when that cannot be seen.
    pub ours: Option<bool>,
}

/// A line of `/proc/PID/uid_map` (user_namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Mapped {
    /// The first id inside.
    pub inside: u32,
    /// The id that it is in the namespace outside: the parent's, or the reader's when that is
    /// another one.
    pub outside: u32,
    /// How many follow on each other.
    pub count: u32,
}

/// The namespaces of a process, as `/proc/PID/ns` names them.
pub const NAMESPACES: [&str; 8] = ["user", "pid", "net", "mnt", "ipc", "uts", "cgroup", "time"];

/// Looks at a process.
///
/// # Errors
/// When there is no such process, or only a thread with this number.
pub(super) fn look(pid: u32, names: &Names) -> Result<Identity, ProbeError> {
    let pidfd = pidfd::open(pid);
    if let Err(error) = &pidfd
        && errno(error) == nix::errno::Errno::ESRCH
    {
        return Err(ProbeError::NoProcess { pid });
    }
    let place = Place::new(pid, pidfd.is_ok());
    let read = |name: &str| place.read(name);
    let status = Status(read("status"));
    if let (Err(_), Err(_)) = (&pidfd, &status.0) {
        return Err(ProbeError::NoProcess { pid });
    }
    if let Some(process) = status.number("Tgid")
        && process != u64::from(pid)
    {
        let process = u32::try_from(process).unwrap_or_default();
        return Err(ProbeError::Thread { pid, process });
    }
    let ourselves = pid == std::process::id();
    let user = status.ids("Uid", |id| names.user(id));
    let identity = Identity {
        pid,
        comm: process::name(pid.cast_signed()),
        ourselves,
        start: start(pid),
        ended: process::stat(pid.cast_signed()).is_some_and(|stat| stat.state == 'Z'),
        dumpable: dumpable(&place, &user, ourselves),
        group: status.ids("Gid", |id| names.group(id)),
        groups: status.fact("Groups", |words| {
            let groups = words.split_whitespace();
            let groups = groups.map(|word| Some(names.group(word.parse().ok()?)));
            groups.collect()
        }),
        capabilities: status.capabilities(),
        no_new_privs: status.fact("NoNewPrivs", |word| Some(word.trim() != "0")),
        seccomp: status.fact("Seccomp", |word| {
            Some(Seccomp {
                mode: match word.trim() {
                    "0" => SeccompMode::Off,
                    "1" => SeccompMode::Strict,
                    _ => SeccompMode::Filter,
                },
                filters: status
                    .number("Seccomp_filters")
                    .and_then(|number| u32::try_from(number).ok()),
            })
        }),
        namespaces: NAMESPACES.map(|kind| namespace(&place, kind)).into(),
        uid_map: map(read("uid_map")),
        gid_map: map(read("gid_map")),
        label: label(read("attr/current")),
        security_modules: Fact::since(
            security_modules::active(),
            "6.8",
            &[nix::errno::Errno::ENOENT],
        ),
        login_uid: audit(read("loginuid")).map(|id| names.user(id)),
        audit_session: audit(read("sessionid")),
        session: session::of(&place),
        ns_pids: status
            .value("NSpid")
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect(),
        pidfd_inode: match &pidfd {
            Ok(pidfd) => match pidfd::identity(pidfd) {
                Ok(Some(inode)) => Fact::Known(inode),
                Ok(None) => Fact::Unsupported("Linux 6.9".to_owned()),
                Err(error) => Fact::new(Err(error)),
            },
            Err(_) => Fact::Unsupported("Linux 5.3".to_owned()),
        },
        user,
    };
    // What was read belongs to one process only if that one is still there.
    match pidfd.map(pidfd::means) {
        Ok(Ok(Means::Reaped)) => Err(ProbeError::NoProcess { pid }),
        _ => Ok(identity),
    }
}

/// A process in `/proc`. Where a mount with hidepid hides one that is there, its files are not
/// missing: they may not be read.
pub(super) struct Place {
    directory: PathBuf,
    hidden: bool,
}

impl Place {
    /// `there`: a pidfd of it could be opened.
    fn new(pid: u32, there: bool) -> Self {
        let directory = PathBuf::from(format!("/proc/{pid}"));
        let hidden = there && !directory.exists();
        Self { directory, hidden }
    }

    fn told<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if self.hidden => nix::errno::Errno::EACCES.into(),
            _ => error,
        })
    }

    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.told(fs::read(self.directory.join(name)))
    }

    pub(super) fn open(&self, name: &str) -> io::Result<fs::File> {
        self.told(fs::File::open(self.directory.join(name)))
    }

    fn read_link(&self, name: &str) -> io::Result<PathBuf> {
        self.told(fs::read_link(self.directory.join(name)))
    }

    fn owner(&self, name: &str) -> io::Result<u32> {
        let status = self.told(fs::metadata(self.directory.join(name)))?;
        Ok(status.uid())
    }
}

/// The text of `/proc/PID/status`. A line feed in the name is escaped by the kernel, so no name
/// forges a line.
struct Status(io::Result<Vec<u8>>);

impl Status {
    fn value(&self, key: &str) -> Option<String> {
        let text = self.0.as_ref().ok()?;
        text.split(|&byte| byte == b'\n').find_map(|line| {
            let value = line.strip_prefix(key.as_bytes())?.strip_prefix(b":")?;
            String::from_utf8(value.to_vec()).ok()
        })
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.value(key)?.trim().parse().ok()
    }

    fn fact<T>(&self, key: &str, parse: impl FnOnce(&str) -> Option<T>) -> Fact<T> {
        if let Err(error) = &self.0 {
            return Fact::Refused(super::fact::errno_name(error));
        }
        match self.value(key).and_then(|value| parse(&value)) {
            Some(value) => Fact::Known(value),
            None => Fact::Absent,
        }
    }

    fn ids(&self, key: &str, name: impl Fn(u32) -> Named) -> Fact<Ids> {
        self.fact(key, |words| {
            let ids: Vec<u32> = words
                .split_whitespace()
                .map_while(|word| word.parse().ok())
                .collect();
            let &[real, effective, saved, fs] = ids.as_slice() else {
                return None;
            };
            Some(Ids {
                real: name(real),
                effective: name(effective),
                saved: name(saved),
                fs: name(fs),
            })
        })
    }

    fn capabilities(&self) -> Fact<Sets> {
        let last = fs::read_to_string("/proc/sys/kernel/cap_last_cap");
        let last = last.ok().and_then(|last| last.trim().parse().ok());
        let set = |key: &str| {
            let mask = u64::from_str_radix(self.value(key)?.trim(), 16).ok()?;
            Some(Capabilities::new(mask, last.unwrap_or(40)))
        };
        self.fact("CapEff", |_| {
            Some(Sets {
                effective: set("CapEff")?,
                permitted: set("CapPrm")?,
                inheritable: set("CapInh")?,
                bounding: set("CapBnd")?,
                ambient: set("CapAmb")?,
            })
        })
    }
}

/// When a process was started. The kernel counts from the start of the machine, shifted by the time
/// namespace of whoever reads, and CLOCK_BOOTTIME is shifted alike.
pub(super) fn start(pid: u32) -> Option<Start> {
    let line = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let ticks = start_ticks(&line)?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let now = u64::try_from(now.tv_sec).ok()?;
    Some(Start {
        ticks,
        age_seconds: now.saturating_sub(ticks / per_second),
    })
}

/// Field 22; the name in field 2 may hold brackets and blanks.
fn start_ticks(line: &[u8]) -> Option<u64> {
    let end = line.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&line[end + 1..]).ok()?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

/// Of another process only its files' owner tells: the kernel gives them to root when it is not
/// dumpable (proc(5), task_dump_owner()).
fn dumpable(place: &Place, user: &Fact<Ids>, ourselves: bool) -> Fact<bool> {
    if ourselves {
        let dumpable = nix::sys::prctl::get_dumpable();
        return Fact::new(dumpable.map_err(io::Error::from));
    }
    let owner = match place.owner("status") {
        Ok(owner) => owner,
        Err(error) => return Fact::new(Err(error)),
    };
    match user.known().map(|ids| ids.effective.id) {
        None => Fact::Refused("the ids may not be read".to_owned()),
        Some(effective) if effective != owner => Fact::Known(false),
        Some(0) => Fact::Refused("of root's processes the kernel does not tell".to_owned()),
        Some(_) => Fact::Known(true),
    }
}

fn namespace(place: &Place, kind: &'static str) -> Namespace {
    let number = |target: io::Result<PathBuf>| {
        let target = target?;
        let target = target.to_string_lossy();
        let number = target
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_prefix(":[")?.strip_suffix(']')?.parse().ok());
        number.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    };
    let name = format!("ns/{kind}");
    let theirs: Fact<u64> = Fact::new(number(place.read_link(&name)));
    let ours = number(fs::read_link(format!("/proc/self/{name}"))).ok();
    Namespace {
        kind,
        ours: theirs
            .known()
            .zip(ours)
            .map(|(theirs, ours)| *theirs == ours),
        inode: theirs,
    }
}

/// Absent where every id is itself: in the first user namespace.
fn map(text: io::Result<Vec<u8>>) -> Fact<Vec<Mapped>> {
    let text = match text {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => return Fact::new(Err(error)),
    };
    let lines: Vec<Mapped> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().map(str::parse);
            Some(Mapped {
                inside: words.next()?.ok()?,
                outside: words.next()?.ok()?,
                count: words.next()?.ok()?,
            })
        })
        .collect();
    let everything = Mapped {
        inside: 0,
        outside: 0,
        count: u32::MAX,
    };
    if lines == [everything] {
        Fact::Absent
    } else {
        Fact::Known(lines)
    }
}

/// Whether this process is in a user namespace that is not the first one.
pub(super) fn in_user_namespace() -> bool {
    matches!(map(fs::read("/proc/self/uid_map")), Fact::Known(_))
}

/// EINVAL: no security module here gives labels.
fn label(text: io::Result<Vec<u8>>) -> Fact<Untrusted> {
    match text {
        Ok(text) => {
            let end = text
                .iter()
                .rposition(|byte| !matches!(byte, b'\n' | 0))
                .map_or(0, |at| at + 1);
            if end == 0 {
                Fact::Absent
            } else {
                Fact::Known(Untrusted::from(&text[..end]))
            }
        }
        Err(error) if errno(&error) == nix::errno::Errno::EINVAL => Fact::Absent,
        Err(error) => Fact::new(Err(error)),
    }
}

/// A number of audit: −1 is "not set". The file is missing when the kernel was built without.
fn audit(text: io::Result<Vec<u8>>) -> Fact<u32> {
    let number = text.map(|text| String::from_utf8_lossy(&text).trim().parse().ok());
    match Fact::new(number) {
        Fact::Known(Some(u32::MAX) | None) => Fact::Absent,
        Fact::Known(Some(number)) => Fact::Known(number),
        other => other.map(|_| u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_found_as_the_kernel_tells_ourselves() {
        let pid = std::process::id();
        let seen = look(pid, &Names::load()).unwrap();
        assert!(seen.ourselves && !seen.ended);
        let user = seen.user.known().unwrap();
        assert_eq!(user.real.id, rustix::process::getuid().as_raw());
        assert_eq!(user.effective.id, rustix::process::geteuid().as_raw());
        let ours = seen.namespaces.iter().filter(|one| one.ours == Some(true));
        assert!(ours.count() >= 7, "{:?}", seen.namespaces);
        assert_eq!(seen.ns_pids.first(), Some(&pid));
        assert!(seen.start.unwrap().age_seconds < 3600);
    }

    #[test]
    fn a_thread_is_no_process_and_its_process_is_named() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero().get())
                .unwrap();
            ended.recv().unwrap_err();
        });
        let tid = told.recv().unwrap().cast_unsigned();
        let found = look(tid, &Names::load());
        drop(end);
        thread.join().unwrap();
        assert!(
            matches!(found, Err(ProbeError::Thread { pid, process })
                if pid == tid && process == std::process::id()),
            "{found:?}"
        );
    }

    #[test]
    fn the_start_is_read_behind_the_last_bracket_of_the_name() {
        let line = b"7 (a ) S 1 2) R 5 7 9 0 -1 0 0 0 0 0 3 4 0 0 20 0 6 0 4711 1 2 9\n";
        assert_eq!(start_ticks(line), Some(4711));
    }

    #[test]
    fn an_unset_number_of_audit_is_absent_and_a_refused_one_is_not() {
        assert_eq!(audit(Ok(b"4294967295".to_vec())), Fact::Absent);
        assert_eq!(audit(Ok(b"1000".to_vec())), Fact::Known(1000));
        let refused = io::Error::from(nix::errno::Errno::EACCES);
        assert_eq!(audit(Err(refused)), Fact::Refused("EACCES".to_owned()));
    }

    #[test]
    fn the_first_user_namespace_maps_nothing() {
        let first = b"         0          0 4294967295\n".to_vec();
        assert_eq!(map(Ok(first)), Fact::Absent);
        let mapped = Mapped {
            inside: 0,
            outside: 1000,
            count: 1,
        };
        assert_eq!(map(Ok(b"0 1000 1\n".to_vec())), Fact::Known(vec![mapped]));
    }

    #[test]
    fn a_label_loses_its_end_and_keeps_the_rest() {
        let label_of = |bytes: &[u8]| label(Ok(bytes.to_vec()));
        assert_eq!(label_of(b"a\nb\n\0"), Fact::Known("a\nb".into()));
        assert_eq!(label_of(b"\n"), Fact::Absent);
    }
}
