//! Who made a runtime directory, and when it goes: as far as files tell, since asking the login
//! manager would mean connecting to it.
//!
//! systemd-logind and elogind keep what they know of each user in `/run/systemd/users/UID`
//! (sd_uid_get_state(3) reads it), and the wish to keep a user's services in
//! `/var/lib/systemd/linger/NAME` (loginctl(1), enable-linger).

use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::sys::mounts::Mount;
use crate::untrusted::Untrusted;

/// Who made the directory, and when it goes.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Lifetime {
    /// Who made it.
    pub made_by: MadeBy,
    /// When it goes.
    pub ends: Ends,
    /// Whether the user's services, and with them the directory, are kept without a session;
    /// `None` when no login manager says.
    pub lingering: Option<bool>,
    /// How many sessions the user has; `None` when no login manager says.
    pub sessions: Option<usize>,
    /// The user's state as the login manager has it: `active`, `online`, `lingering`, `closing`.
    pub state: Option<Untrusted>,
}

/// Who made a runtime directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MadeBy {
    /// systemd: `user-runtime-dir@UID.service` mounts it for systemd-logind.
    Logind,
    /// elogind, which does the same without systemd.
    Elogind,
    /// Mounted as systemd-logind would, and no login manager keeps a record of it here.
    LikeLogind,
    /// Part of another file system that was mounted here, as container tools do.
    BindMount,
    /// A mount of its own that no login manager made: by hand, by a script or by a container tool.
    OtherMount,
    /// A directory without a mount of its own: made by a PAM module, a script or by hand.
    PlainDirectory,
}

/// When a runtime directory goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ends {
    /// When the user's last session has ended, a moment later (`UserStopDelaySec=`,
    /// logind.conf(5)).
    LastLogout,
    /// When the machine stops, or when lingering is turned off and no session is left.
    WithoutLingering,
    /// When it is unmounted, at the latest when the machine stops: it is only in memory.
    Unmount,
    /// When somebody removes it: it is on a disk.
    Removal,
    /// Whoever is outside this mount namespace decides.
    Outside,
}

/// Where a login manager keeps its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records<'a> {
    /// `/`, but for tests.
    pub(super) root: &'a Path,
}

/// What is known of the directory of a user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// Its path without symbolic links.
    pub(super) path: &'a [u8],
    /// Whose it is.
    pub(super) uid: u32,
    pub(super) name: Option<&'a Untrusted>,
    pub(super) mount: Option<&'a Mount>,
    pub(super) own_mount: bool,
}

/// What a login manager says of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) state: Option<Untrusted>,
    pub(super) runtime: Option<Vec<u8>>,
    pub(super) sessions: usize,
}

impl Records<'_> {
    /// The record of a user.
    pub(super) fn user(self, uid: u32) -> Option<Record> {
        let path = self.root.join(format!("run/systemd/users/{uid}"));
        Some(parse(&fs::read(path).ok()?))
    }

    /// Whether a user's services are kept; `None` when that cannot be told.
    pub(super) fn lingers(self, name: Option<&Untrusted>) -> Option<bool> {
        let directory = self.root.join("var/lib/systemd/linger");
        let name = name?.as_path();
        match fs::symlink_metadata(directory.join(name)) {
            Ok(_) => Some(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(false),
            Err(_) => None,
        }
    }

    fn systemd_runs(self) -> bool {
        self.root.join("run/systemd/system").is_dir()
    }
}

/// Who made it, and when it goes.
pub(super) fn lifetime(records: Records<'_>, subject: Subject<'_>) -> Lifetime {
    let record = records.user(subject.uid);
    let recorded = record
        .as_ref()
        .is_some_and(|record| record.runtime.as_deref() == Some(subject.path));
    let lingering = record.as_ref().and_then(|_| records.lingers(subject.name));
    let bind = subject
        .mount
        .is_some_and(|mount| mount.root.bytes() != b"/");
    let made_by = match (recorded, subject.own_mount) {
        (true, _) if records.systemd_runs() => MadeBy::Logind,
        (true, _) => MadeBy::Elogind,
        (false, true) if bind => MadeBy::BindMount,
        (false, true) if looks_like_logind(subject) => MadeBy::LikeLogind,
        (false, true) => MadeBy::OtherMount,
        (false, false) => MadeBy::PlainDirectory,
    };
    let in_memory = subject
        .mount
        .is_some_and(|mount| matches!(mount.kind.bytes(), b"tmpfs" | b"ramfs"));
    let ends = match made_by {
        MadeBy::Logind | MadeBy::Elogind if lingering == Some(true) => Ends::WithoutLingering,
        MadeBy::Logind | MadeBy::Elogind => Ends::LastLogout,
        MadeBy::BindMount => Ends::Outside,
        _ if in_memory => Ends::Unmount,
        _ => Ends::Removal,
    };
    Lifetime {
        made_by,
        ends,
        lingering,
        sessions: record.as_ref().map(|record| record.sessions),
        state: record.and_then(|record| record.state),
    }
}

/// `/run/user/UID`, a tmpfs of that user alone, without devices and setuid programs
/// (src/login/user-runtime-dir.c of systemd).
fn looks_like_logind(subject: Subject<'_>) -> bool {
    let Some(mount) = subject.mount else {
        return false;
    };
    let option = |name: &str, value: &str| {
        let given = mount.super_option(name);
        given == Some(value.as_bytes())
    };
    let has = |wanted: &[u8]| {
        mount
            .options
            .bytes()
            .split(|&byte| byte == b',')
            .any(|it| it == wanted)
    };
    let uid = subject.uid.to_string();
    subject.path == format!("/run/user/{uid}").as_bytes()
        && mount.kind.bytes() == b"tmpfs"
        && option("mode", "700")
        // tmpfs leaves out uid=0.
        && (option("uid", &uid) || subject.uid == 0)
        && has(b"nosuid")
        && has(b"nodev")
}

/// Lines `NAME=value`; those that are not known are passed over.
fn parse(text: &[u8]) -> Record {
    let mut record = Record::default();
    for line in text.split(|&byte| byte == b'\n') {
        let Some(at) = line.iter().position(|&byte| byte == b'=') else {
            continue;
        };
        let value = line[at + 1..].trim_ascii();
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        let value = value.strip_suffix(b"\"").unwrap_or(value);
        match &line[..at] {
            b"STATE" => record.state = Some(Untrusted::from(value)),
            b"RUNTIME" => record.runtime = Some(value.to_vec()),
            b"SESSIONS" => {
                let words = value.split(u8::is_ascii_whitespace);
                record.sessions = words.filter(|word| !word.is_empty()).count();
            }
            _ => {}
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::mounts;

    const RECORD: &str = "# private data\nNAME=ada\nSTATE=active\nSTOPPING=no\n\
                          RUNTIME=/run/user/1000\nSESSIONS=\"3 c1\"\nSEATS=seat0\n";

    const MOUNT: &[u8] = b"42 27 0:39 / /run/user/1000 rw,nosuid,nodev,relatime - tmpfs tmpfs \
                           rw,size=395972k,nr_inodes=98993,mode=700,uid=1000,gid=1000\n";

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new(directories: &[&str], files: &[(&str, &str)]) -> Self {
            let root = tempfile::tempdir().unwrap();
            for directory in directories {
                fs::create_dir_all(root.path().join(directory)).unwrap();
            }
            for (name, text) in files {
                let path = root.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }

        fn lifetime(&self, mount: &[u8]) -> Lifetime {
            let mount = mounts::parse(mount).pop();
            let own_mount = mount
                .as_ref()
                .is_some_and(|mount| mount.point.bytes() == b"/run/user/1000");
            let name = Untrusted::from("ada");
            let subject = Subject {
                path: b"/run/user/1000",
                uid: 1000,
                name: Some(&name),
                mount: mount.as_ref(),
                own_mount,
            };
            lifetime(
                Records {
                    root: self.0.path(),
                },
                subject,
            )
        }
    }

    #[test]
    fn logind_removes_it_after_the_last_logout_unless_the_user_lingers() {
        let record = ("run/systemd/users/1000", RECORD);
        let machine = Machine::new(&["run/systemd/system"], &[record]);
        let seen = machine.lifetime(MOUNT);
        assert_eq!(
            (seen.made_by, seen.ends),
            (MadeBy::Logind, Ends::LastLogout)
        );
        assert_eq!(seen.sessions, Some(2));
        assert_eq!(seen.lingering, Some(false));
        assert_eq!(seen.state, Some("active".into()));
        let linger = ("var/lib/systemd/linger/ada", "");
        let machine = Machine::new(&["run/systemd/system"], &[record, linger]);
        let seen = machine.lifetime(MOUNT);
        assert_eq!(seen.ends, Ends::WithoutLingering);
        assert_eq!(seen.lingering, Some(true));
    }

    #[test]
    fn the_same_records_without_systemd_are_those_of_elogind() {
        let machine = Machine::new(&[], &[("run/systemd/users/1000", RECORD)]);
        assert_eq!(machine.lifetime(MOUNT).made_by, MadeBy::Elogind);
    }

    #[test]
    fn without_records_the_mount_tells_what_it_can() {
        let machine = Machine::new(&[], &[]);
        let seen = machine.lifetime(MOUNT);
        assert_eq!(
            (seen.made_by, seen.ends),
            (MadeBy::LikeLogind, Ends::Unmount)
        );
        assert_eq!((seen.lingering, seen.sessions), (None, None));
        let by_hand = b"42 27 0:39 / /run/user/1000 rw - tmpfs none rw,mode=700,uid=1000\n";
        assert_eq!(machine.lifetime(by_hand).made_by, MadeBy::OtherMount);
        let bind = b"42 27 0:39 /user/1000 /run/user/1000 rw,nosuid,nodev - tmpfs tmpfs rw\n";
        let seen = machine.lifetime(bind);
        assert_eq!(
            (seen.made_by, seen.ends),
            (MadeBy::BindMount, Ends::Outside)
        );
        let disk = b"1 1 254:0 / / rw - ext4 /dev/vda rw\n";
        let seen = machine.lifetime(disk);
        assert_eq!(
            (seen.made_by, seen.ends),
            (MadeBy::PlainDirectory, Ends::Removal)
        );
        let run = b"1 1 0:20 / /run rw - tmpfs tmpfs rw\n";
        assert_eq!(machine.lifetime(run).ends, Ends::Unmount);
    }

    #[test]
    fn a_record_of_another_directory_says_nothing_of_this_one() {
        let other = RECORD.replace("/run/user/1000", "/srv/run");
        let machine = Machine::new(
            &["run/systemd/system"],
            &[("run/systemd/users/1000", &other)],
        );
        assert_eq!(machine.lifetime(MOUNT).made_by, MadeBy::LikeLogind);
    }
}
