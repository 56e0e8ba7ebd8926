//! What mends a finding: the exact commands, which are printed and never run. Pure, but for asking
//! how this process was started.
//!
//! The same finding has another remedy under sudo, in tmux, in cron and in a container: a variable
//! that is not set was lost somewhere, and where it was lost is the place to mend.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::place::{Directory, Finding, From};
use crate::sys::process;
use crate::untrusted::Untrusted;

/// How we were started, as far as it bears on the variable.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "id")]
pub enum Circumstance {
    /// Through sudo(8): it empties the environment, but for what its policy keeps.
    Sudo {
        /// By this user.
        uid: u32,
    },
    /// Through su(1) or runuser(1): without `-` the environment stays that of the other user.
    Su,
    /// In a pane of tmux: its environment is as old as the pane.
    Tmux,
    /// By cron(8) or at(1): no login, no session.
    Cron,
    /// In a container.
    Container,
    /// As a service of the system manager.
    SystemService,
}

/// Commands that mend something.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Remedy {
    /// When it is the right one.
    pub id: RemedyId,
    /// The commands, one after the other, for a shell.
    pub commands: Vec<String>,
}

/// What a remedy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemedyId {
    /// The usual directory is there and ours: name it.
    NameTheUsualOne,
    /// In tmux: name it for this pane and for those that come; `probe env` shows the rest.
    NameItInTmux,
    /// In a crontab: name it there, and keep it while nobody is logged in.
    NameItInCrontab,
    /// Under sudo, for reaching the services of the user who called it.
    LeaveSudo,
    /// Log in as that user, so that the login manager makes a directory.
    LogIn,
    /// Make a directory for this shell alone.
    MakeOne,
    /// Drop the slash at the end.
    DropTheSlash,
    /// Correct the mode.
    CloseIt,
    /// Remove what fills it.
    FindWhatFillsIt,
}

/// What is asked of this process.
#[derive(Clone, Debug, Default)]
pub(super) struct Traces {
    pub(super) sudo_uid: Option<u32>,
    pub(super) tmux: bool,
    pub(super) container: bool,
    pub(super) invocation: bool,
    /// Names of the processes that started us, from the nearest one upwards.
    pub(super) ancestors: Vec<Untrusted>,
}

impl RemedyId {
    /// Whether how we were started bears on it.
    pub fn depends_on_circumstances(self) -> bool {
        !matches!(
            self,
            Self::DropTheSlash | Self::CloseIt | Self::FindWhatFillsIt
        )
    }
}

/// Generations looked at.
const GENERATIONS: usize = 64;

impl Traces {
    /// Those of this process.
    pub(super) fn of_this_process() -> Self {
        let variable = |name: &str| -> Option<OsString> { std::env::var_os(name) };
        let marked = [
            "/run/.containerenv",
            "/.dockerenv",
            "/run/systemd/container",
        ]
        .iter()
        .any(|path| Path::new(path).exists());
        let mut ancestors = Vec::new();
        let mut pid = std::os::unix::process::parent_id().cast_signed();
        while pid > 1 && ancestors.len() < GENERATIONS {
            ancestors.push(process::name(pid));
            pid = process::stat(pid).map_or(0, |stat| stat.ppid);
        }
        Self {
            sudo_uid: variable("SUDO_UID").and_then(|uid| uid.to_str()?.parse().ok()),
            tmux: variable("TMUX").is_some_and(|value| !value.is_empty()),
            container: marked || variable("container").is_some(),
            invocation: variable("INVOCATION_ID").is_some() && in_system_service(),
            ancestors,
        }
    }

    pub(super) fn circumstances(&self) -> Vec<Circumstance> {
        let by = |names: &[&[u8]]| {
            let mut ancestors = self.ancestors.iter();
            ancestors.any(|name| names.contains(&name.bytes()))
        };
        let mut found = Vec::new();
        if let Some(uid) = self.sudo_uid {
            found.push(Circumstance::Sudo { uid });
        }
        if by(&[b"su", b"runuser"]) {
            found.push(Circumstance::Su);
        }
        if self.tmux {
            found.push(Circumstance::Tmux);
        }
        if by(&[b"cron", b"crond", b"atd", b"anacron", b"fcron"]) {
            found.push(Circumstance::Cron);
        }
        if self.container {
            found.push(Circumstance::Container);
        }
        if self.invocation {
            found.push(Circumstance::SystemService);
        }
        found
    }
}

/// Whether we are in a control group of the system manager's services (systemd.exec(5) sets
/// `INVOCATION_ID` for user services, too).
fn in_system_service() -> bool {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    groups
        .lines()
        .any(|line| line.contains(":/system.slice/") && !line.contains("user@"))
}

/// What is known of the usual place `/run/user/UID`, when the variable names another or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usual {
    /// It is there, ours and closed to others.
    Good,
    /// It is not, or not as it should be.
    NotGood,
}

/// What mends the findings of a directory.
pub(super) fn remedies(directory: &Directory, usual: Usual) -> Vec<Remedy> {
    let uid = directory.uid;
    let is = |wanted: fn(&Finding) -> bool| directory.findings.iter().any(wanted);
    let mut remedies = Vec::new();
    let mut add = |id, commands: &[String]| {
        remedies.push(Remedy {
            id,
            commands: commands.to_vec(),
        });
    };
    let lacking = is(|finding| {
        matches!(
            finding,
            Finding::Unset
                | Finding::Relative
                | Finding::Missing
                | Finding::NotADirectory
                | Finding::Unreadable { .. }
                | Finding::NotOurs { .. }
                | Finding::OfAnotherUser { .. }
        )
    });
    let name = format!("export XDG_RUNTIME_DIR=/run/user/{uid}");
    if lacking {
        let caller = directory.circumstances.iter().find_map(|it| match it {
            Circumstance::Sudo { uid: caller } if *caller != uid => Some(*caller),
            _ => None,
        });
        if let Some(caller) = caller {
            let command =
                format!("sudo --user='#{caller}' env XDG_RUNTIME_DIR=/run/user/{caller} COMMAND");
            add(RemedyId::LeaveSudo, &[command]);
        }
        let has = |wanted| directory.circumstances.contains(&wanted);
        if has(Circumstance::Cron) {
            let line = format!("XDG_RUNTIME_DIR=/run/user/{uid}");
            add(
                RemedyId::NameItInCrontab,
                &[line, format!("loginctl enable-linger {uid}")],
            );
        } else if usual == Usual::Good && has(Circumstance::Tmux) {
            let server = format!("tmux set-environment -g XDG_RUNTIME_DIR /run/user/{uid}");
            add(RemedyId::NameItInTmux, &[name, server]);
        } else if usual == Usual::Good {
            add(RemedyId::NameTheUsualOne, &[name]);
        } else {
            if !has(Circumstance::Container) && !has(Circumstance::SystemService) {
                let user = format!("machinectl shell --uid={uid}");
                add(
                    RemedyId::LogIn,
                    &[user, format!("loginctl enable-linger {uid}")],
                );
            }
            add(
                RemedyId::MakeOne,
                &["export XDG_RUNTIME_DIR=\"$(mktemp -d)\"".to_owned()],
            );
        }
    }
    if !lacking && is(|finding| matches!(finding, Finding::TrailingSlash)) {
        let command = "export XDG_RUNTIME_DIR=\"${XDG_RUNTIME_DIR%/}\"".to_owned();
        add(RemedyId::DropTheSlash, &[command]);
    }
    let ours = directory
        .owner
        .as_ref()
        .is_some_and(|owner| owner.uid == uid);
    if is(|finding| matches!(finding, Finding::WrongMode { .. })) && ours {
        let path = match directory.from {
            From::Variable => "\"$XDG_RUNTIME_DIR\"".to_owned(),
            From::Default => format!("/run/user/{uid}"),
        };
        add(RemedyId::CloseIt, &[format!("chmod 0700 {path}")]);
    }
    if is(|finding| matches!(finding, Finding::NearlyFull)) {
        let path = match directory.from {
            From::Variable => "\"$XDG_RUNTIME_DIR\"".to_owned(),
            From::Default => format!("/run/user/{uid}"),
        };
        let command = format!("du --all --one-file-system {path} | sort -n | tail");
        add(RemedyId::FindWhatFillsIt, &[command]);
    }
    remedies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Surroundings;
    use crate::probe::runtime_dir::place;
    use crate::sys::users::Users;
    use std::time::SystemTime;

    fn directory(runtime_dir: Option<&str>, circumstances: &[Circumstance]) -> Directory {
        let surroundings = Surroundings {
            runtime_dir: runtime_dir.map(OsString::from),
            home: None,
            uid: 1000,
            now: SystemTime::UNIX_EPOCH,
        };
        Directory {
            circumstances: circumstances.to_vec(),
            ..place::locate(&surroundings, &Users::default())
        }
    }

    fn mended(directory: &Directory, usual: Usual) -> Vec<(RemedyId, String)> {
        remedies(directory, usual)
            .into_iter()
            .map(|remedy| (remedy.id, remedy.commands.join("; ")))
            .collect()
    }

    #[test]
    fn where_the_usual_directory_is_there_it_is_named() {
        assert_eq!(
            mended(&directory(None, &[]), Usual::Good),
            [(
                RemedyId::NameTheUsualOne,
                "export XDG_RUNTIME_DIR=/run/user/1000".to_owned()
            )]
        );
        let usual = directory(Some("/run/user/1000"), &[]);
        assert!(mended(&usual, Usual::Good).is_empty());
    }

    #[test]
    fn in_tmux_the_server_is_told_too() {
        let found = mended(&directory(None, &[Circumstance::Tmux]), Usual::Good);
        assert_eq!(found[0].0, RemedyId::NameItInTmux);
        assert!(
            found[0]
                .1
                .contains("tmux set-environment -g XDG_RUNTIME_DIR /run/user/1000")
        );
    }

    #[test]
    fn in_cron_it_is_named_in_the_table_whether_or_not_it_is_there_now() {
        for usual in [Usual::Good, Usual::NotGood] {
            let found = mended(&directory(None, &[Circumstance::Cron]), usual);
            assert_eq!(found[0].0, RemedyId::NameItInCrontab);
        }
    }

    #[test]
    fn under_sudo_the_caller_is_gone_back_to() {
        let sudo = Circumstance::Sudo { uid: 1000 };
        let root = Directory {
            uid: 0,
            ..directory(None, &[sudo])
        };
        let found = mended(&root, Usual::NotGood);
        assert_eq!(found[0].0, RemedyId::LeaveSudo);
        assert!(found[0].1.contains("/run/user/1000"), "{found:?}");
    }

    #[test]
    fn without_any_directory_one_is_made_and_in_a_container_nobody_logs_in() {
        let ids = |circumstances: &[Circumstance]| -> Vec<RemedyId> {
            let found = mended(&directory(None, circumstances), Usual::NotGood);
            found.into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(ids(&[]), [RemedyId::LogIn, RemedyId::MakeOne]);
        assert_eq!(ids(&[Circumstance::Container]), [RemedyId::MakeOne]);
    }

    #[test]
    fn circumstances_are_read_from_traces() {
        let traces = Traces {
            sudo_uid: Some(7),
            tmux: true,
            ancestors: vec!["sh".into(), "cron".into()],
            ..Traces::default()
        };
        assert_eq!(
            traces.circumstances(),
            [
                Circumstance::Sudo { uid: 7 },
                Circumstance::Tmux,
                Circumstance::Cron
            ]
        );
    }
}
