//! Who can get to the entries of a directory: each directory on the path must let them search it.
//!
//! Permission bits alone are looked at. Access control lists (acl(5)), security modules and
//! capabilities may allow or forbid more; so may a mount namespace.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use schemars::JsonSchema;
use serde::Serialize;

use crate::untrusted::Untrusted;

/// One directory on the way from `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rung {
    pub(super) path: Vec<u8>,
    /// Mode, owner and group; `None`: they could not be read.
    pub(super) status: Option<(u32, u32, u32)>,
}

/// Who can get as far as the entries of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Reach {
    /// Whether every user of this machine can; `None`: the modes of a directory on the path could
    /// not be read.
    pub everybody: Option<bool>,
    /// A group that can when not everybody can.
    pub group: Option<u32>,
}

/// The directories from `/` to an absolute path without symbolic links, and itself.
pub(super) fn ladder(path: &[u8]) -> Vec<Rung> {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let mut rungs: Vec<Rung> = path
        .ancestors()
        .map(|directory| {
            let flags = AtFlags::NO_AUTOMOUNT | AtFlags::SYMLINK_NOFOLLOW;
            let status = statx(CWD, directory, flags, StatxFlags::BASIC_STATS).ok();
            Rung {
                path: directory.as_os_str().as_bytes().to_vec(),
                status: status
                    .map(|status| (u32::from(status.stx_mode), status.stx_uid, status.stx_gid)),
            }
        })
        .collect();
    rungs.reverse();
    rungs
}

impl Reach {
    /// Nobody but the owner.
    pub(super) const NOBODY: Self = Self {
        everybody: Some(false),
        group: None,
    };

    /// Through all these directories.
    pub(super) fn of(ladder: &[Rung]) -> Self {
        let start = Self {
            everybody: Some(true),
            group: None,
        };
        ladder
            .iter()
            .fold(start, |reach, rung| reach.through(rung.status))
    }

    /// One directory further.
    pub(super) fn through(self, status: Option<(u32, u32, u32)>) -> Self {
        let Some((mode, _, gid)) = status else {
            return Self {
                // Who is stopped already stays stopped.
                everybody: self.everybody.filter(|&can| !can),
                group: None,
            };
        };
        // For a member of the directory's group the group's bits count, and only those.
        let of_group = mode & 0o010 != 0;
        let of_others = mode & 0o001 != 0;
        let group = match (self.everybody, self.group) {
            (Some(true), _) if of_group && !of_others => Some(gid),
            (_, Some(group)) if group == gid && of_group => Some(group),
            (_, Some(group)) if group != gid && of_others => Some(group),
            _ => None,
        };
        Self {
            everybody: self.everybody.map(|can| can && of_others),
            group,
        }
    }
}

/// The first directory on the path in which somebody else may rename what is below: one that
/// another user owns, or that others may write without the sticky bit. The owner `stand_in` tells
/// nothing: in a user namespace it may be root.
pub(super) fn exchangeable(ladder: &[Rung], uid: u32, stand_in: Option<u32>) -> Option<Untrusted> {
    let above = ladder.split_last().map_or(ladder, |(_, above)| above);
    above.iter().find_map(|rung| {
        let (mode, owner, _) = rung.status?;
        let of_others = owner != 0 && owner != uid && Some(owner) != stand_in;
        let open = mode & 0o002 != 0 && mode & 0o1000 == 0;
        (of_others || open).then(|| Untrusted::from(rung.path.as_slice()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(path: &str, mode: u32, uid: u32, gid: u32) -> Rung {
        Rung {
            path: path.as_bytes().to_vec(),
            status: Some((mode, uid, gid)),
        }
    }

    #[test]
    fn one_closed_directory_closes_all_below() {
        let open = [rung("/", 0o755, 0, 0), rung("/run", 0o755, 0, 0)];
        assert_eq!(Reach::of(&open).everybody, Some(true));
        let mut closed = open.to_vec();
        closed.push(rung("/run/user", 0o700, 7, 7));
        closed.push(rung("/run/user/deep", 0o777, 7, 7));
        assert_eq!(Reach::of(&closed), Reach::NOBODY);
    }

    #[test]
    fn a_group_gets_through_where_its_bits_let_it() {
        let ladder = [rung("/", 0o755, 0, 0), rung("/g", 0o750, 7, 40)];
        let reach = Reach::of(&ladder);
        assert_eq!((reach.everybody, reach.group), (Some(false), Some(40)));
        assert_eq!(reach.through(Some((0o750, 7, 41))), Reach::NOBODY);
        assert_eq!(reach.through(Some((0o755, 7, 41))).group, Some(40));
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        let ladder = [rung("/", 0o755, 0, 0)];
        assert_eq!(Reach::of(&ladder).through(None).everybody, None);
        assert_eq!(Reach::NOBODY.through(None).everybody, Some(false));
    }

    #[test]
    fn a_sticky_directory_keeps_names_where_they_are() {
        let exchange = |mode, uid| {
            let ladder = [
                rung("/", 0o755, 0, 0),
                rung("/tmp", mode, uid, 0),
                rung("/tmp/x", 0o700, 7, 7),
            ];
            exchangeable(&ladder, 7, Some(65534))
        };
        assert_eq!(exchange(0o1777, 0), None);
        assert_eq!(exchange(0o777, 0), Some("/tmp".into()));
        assert_eq!(exchange(0o755, 9), Some("/tmp".into()));
        assert_eq!(exchange(0o755, 7), None);
        assert_eq!(exchange(0o755, 65534), None);
        assert_eq!(exchange(0o777, 65534), Some("/tmp".into()));
    }

    #[test]
    fn the_ladder_leads_from_the_root_to_the_directory() {
        let paths: Vec<Vec<u8>> = ladder(b"/proc/self")
            .into_iter()
            .map(|rung| rung.path)
            .collect();
        assert_eq!(paths, [&b"/"[..], b"/proc", b"/proc/self"]);
    }
}
