//! What is dangerous about an entry: pure, from its mode, owner, link and from who can get to it.
//!
//! A mode alone says little: a socket that everybody may write is safe in a directory that only its
//! owner may search. So each entry is judged with all directories on its path.

use schemars::JsonSchema;
use serde::Serialize;

use super::Kind;
use super::place::Owner;
use super::reach::Reach;

/// Something about an entry to look at.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "id")]
pub enum Flaw {
    /// Everybody on this machine can connect: the socket and all directories on its path let them.
    EverybodyConnects,
    /// Members of a group can connect.
    GroupConnects {
        /// The group id.
        gid: u32,
    },
    /// Everybody can write the file: it may be changed under its reader.
    EverybodyWrites,
    /// Everybody can remove and exchange what is in this directory.
    EverybodyExchanges,
    /// It runs with its owner's or group's rights (set-user-ID, set-group-ID).
    RunsAsAnother,
    /// It belongs to another user than the directory.
    ForeignOwner {
        /// To whom.
        owner: Owner,
    },
    /// A symbolic link that leads out of the directory: what is there is not protected by it.
    LeadsOut,
    /// A device: nothing that belongs here.
    Device,
}

/// What an entry is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    pub(super) kind: Kind,
    /// Permission bits and group; `None`: not known.
    pub(super) mode: Option<(u32, u32)>,
    pub(super) owner: Option<&'a Owner>,
    /// The owner of the runtime directory.
    pub(super) host: Option<u32>,
    /// Who gets to the directory it is in.
    pub(super) reach: Reach,
    /// Whether it is a link that leads out.
    pub(super) leads_out: bool,
    /// Whether a service is known that it belongs to.
    pub(super) is_known: bool,
}

/// What is dangerous about it.
pub(super) fn flaws(judged: Judged<'_>) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let (mode, gid) = judged.mode.unwrap_or((0, 0));
    let everybody = judged.reach.everybody == Some(true);
    let others_write = mode & 0o002 != 0;
    match judged.kind {
        Kind::Socket => {
            let group_writes = mode & 0o020 != 0;
            let group_reaches = everybody || judged.reach.group == Some(gid);
            // The members of a user's own group are nobody else, most often.
            let own_group = judged.owner.is_some_and(|owner| owner.uid == gid);
            if others_write && everybody {
                flaws.push(Flaw::EverybodyConnects);
            } else if others_write && let Some(gid) = judged.reach.group {
                flaws.push(Flaw::GroupConnects { gid });
            } else if group_writes && group_reaches && !own_group {
                flaws.push(Flaw::GroupConnects { gid });
            }
        }
        Kind::File | Kind::Fifo => {
            if others_write && everybody {
                flaws.push(Flaw::EverybodyWrites);
            }
            if mode & 0o6000 != 0 && judged.kind == Kind::File {
                flaws.push(Flaw::RunsAsAnother);
            }
        }
        Kind::Directory => {
            if others_write && mode & 0o1000 == 0 && everybody {
                flaws.push(Flaw::EverybodyExchanges);
            }
        }
        Kind::Device => flaws.push(Flaw::Device),
        Kind::Symlink | Kind::Mount | Kind::Unknown => {}
    }
    if let (Some(owner), Some(host)) = (judged.owner, judged.host)
        && owner.uid != host
        && judged.kind != Kind::Mount
    {
        flaws.push(Flaw::ForeignOwner {
            owner: owner.clone(),
        });
    }
    if judged.leads_out && !judged.is_known {
        flaws.push(Flaw::LeadsOut);
    }
    flaws
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYBODY: Reach = Reach {
        everybody: Some(true),
        group: None,
    };

    fn judged<'a>(kind: Kind, mode: u32, owner: &'a Owner, reach: Reach) -> Judged<'a> {
        Judged {
            kind,
            mode: Some((mode, 40)),
            owner: Some(owner),
            host: Some(1000),
            reach,
            leads_out: false,
            is_known: false,
        }
    }

    fn learner() -> Owner {
        Owner {
            uid: 1000,
            name: None,
        }
    }

    #[test]
    fn a_socket_that_all_may_write_is_safe_behind_a_closed_directory() {
        let owner = learner();
        let socket = |reach| flaws(judged(Kind::Socket, 0o777, &owner, reach));
        assert!(socket(Reach::NOBODY).is_empty());
        assert_eq!(socket(EVERYBODY), [Flaw::EverybodyConnects]);
        let group = Reach {
            everybody: Some(false),
            group: Some(40),
        };
        assert_eq!(socket(group), [Flaw::GroupConnects { gid: 40 }]);
        let unknown = Reach {
            everybody: None,
            group: None,
        };
        assert!(socket(unknown).is_empty());
    }

    #[test]
    fn a_mode_without_write_permission_lets_nobody_connect() {
        let owner = learner();
        let socket = |mode| flaws(judged(Kind::Socket, mode, &owner, EVERYBODY));
        assert!(socket(0o755).is_empty());
        assert_eq!(socket(0o775), [Flaw::GroupConnects { gid: 40 }]);
        let own = Judged {
            mode: Some((0o775, 1000)),
            ..judged(Kind::Socket, 0, &owner, EVERYBODY)
        };
        assert!(flaws(own).is_empty(), "a group of its own");
    }

    #[test]
    fn files_directories_and_links_have_flaws_of_their_own() {
        let owner = learner();
        let of = |kind, mode| flaws(judged(kind, mode, &owner, EVERYBODY));
        assert_eq!(of(Kind::File, 0o666), [Flaw::EverybodyWrites]);
        assert_eq!(of(Kind::File, 0o4755), [Flaw::RunsAsAnother]);
        assert_eq!(of(Kind::Directory, 0o777), [Flaw::EverybodyExchanges]);
        assert!(of(Kind::Directory, 0o1777).is_empty());
        assert!(of(Kind::Directory, 0o2755).is_empty());
        assert_eq!(of(Kind::Device, 0o600), [Flaw::Device]);
        let link = Judged {
            leads_out: true,
            ..judged(Kind::Symlink, 0o777, &owner, EVERYBODY)
        };
        assert_eq!(flaws(link), [Flaw::LeadsOut]);
        let known = Judged {
            is_known: true,
            ..link
        };
        assert!(flaws(known).is_empty());
    }

    #[test]
    fn a_file_of_somebody_else_is_told() {
        let root = Owner { uid: 0, name: None };
        let seen = flaws(judged(Kind::File, 0o600, &root, Reach::NOBODY));
        assert_eq!(seen, [Flaw::ForeignOwner { owner: root }]);
    }
}
