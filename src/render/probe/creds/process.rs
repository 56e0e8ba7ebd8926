//! Draws who a process is.
//!
//! ```text
//! Process 4711 (sway)
//!
//! What a peer is told, if it connects now
//!   SO_PEERCRED       pid 4711, uid 1000 (ada), gid 44 (video): effective ids, as
//!                     they are when it connects or listens
//!   SO_PEERGROUPS     27 (sudo), 4242
//!   SO_PEERSEC        unconfined
//!   SCM_CREDENTIALS   pid 4711, uid 1000 (ada), gid 1000 (ada): real ids, as they
//!                     are when it sends
//!   pidfd             inode 9001: no other process ever has it until the machine
//!                     is restarted
//!
//! Ids
//!   user              1000 (ada): real, effective, saved and file system alike
//!   group             real 1000 (ada), effective 44 (video), saved 44 (video),
//!                     file system 44 (video)
//!
//! Privileges
//!   effective         none
//!   permitted         SYS_NICE
//!   bounding          all but SYS_RESOURCE
//!   inheritable       none
//!   ambient           none
//!   no new privileges no: exec(2) of a set-user-ID program changes its ids
//!   seccomp           on, filters: 2
//!   dumpable          yes: processes of the same user may look into it
//!   security modules  capability, apparmor
//!
//! Namespaces
//!   the same as ours  net, mnt, ipc, uts, cgroup, time
//!   others than ours  user (4026532000), pid (4026532000)
//!   uid map           0-65535 inside is 100000-165535 outside
//!   pids              4711, 12: its pid in each pid namespace, from ours inwards
//!
//! Session
//!   login uid         1000 (ada)
//!   audit session     3
//!   logind session    3
//!   control group     /user.slice/user-1000.slice/session-3.scope
//!   unit              session-3.scope
//!   started           2h ago
//! ```

use super::parts::{self, Said, all_named, capabilities, fact, field, label, named};
use crate::probe::creds::{Identity, Ids, Mapped, SeccompMode};
use crate::render::markdown::paragraph;
use crate::render::probe::section;
use crate::render::probe::words::age;
use crate::render::text::{Line, Role, Text};
use crate::untrusted::Untrusted;

pub(super) fn draw(seen: &Identity, width: usize) -> Text {
    let mut text = Text::new();
    let whose = if seen.ourselves {
        format!("{} ({}): this program, started by you", seen.pid, seen.comm)
    } else {
        let comm = if seen.comm.is_empty() {
            "?".to_owned()
        } else {
            seen.comm.to_string()
        };
        format!("{} ({comm})", seen.pid)
    };
    text.append(parts::heading("Process", &whose, width));
    if seen.ended {
        let words = "It has ended and waits for its parent (a zombie): it connects to nobody any \
            more, and much of what follows is gone.";
        text.append(paragraph(Role::Warning, words, width));
    }
    text.blank();
    text.append(told(seen, width));
    text.append(ids(seen, width));
    text.append(privileges(seen, width));
    text.append(namespaces(seen, width));
    text.append(session(seen, width));
    text
}

fn heading(text: &mut Text, words: &str) {
    text.blank();
    text.line(Line::of(Role::Heading, words));
}

/// What it would be told as, if it made a connection now.
fn told(seen: &Identity, width: usize) -> Text {
    let mut text = Text::new();
    text.line(Line::of(Role::Heading, section::PEERS));
    let pair = |pick: fn(&Ids) -> &_| {
        let user = seen.user.known().map(pick).map(named);
        let group = seen.group.known().map(pick).map(named);
        let ids = user.zip(group);
        ids.map(|(user, group)| format!("pid {}, uid {user}, gid {group}", seen.pid))
    };
    let unknown = || Said::new(Role::Warning, "? its ids may not be read");
    let effective = pair(|ids| &ids.effective).map_or_else(unknown, |ids| {
        Said::value(ids).and(": effective ids, as they are when it connects or listens")
    });
    let real = pair(|ids| &ids.real).map_or_else(unknown, |ids| {
        Said::value(ids).and(": real ids, as they are when it sends")
    });
    let groups = fact(&seen.groups, "none", |groups| {
        if groups.is_empty() {
            "no supplementary groups".to_owned()
        } else {
            all_named(groups)
        }
    });
    text.append(field("SO_PEERCRED", &effective, width));
    text.append(field("SO_PEERGROUPS", &groups, width));
    text.append(field("SO_PEERSEC", &label(&seen.label), width));
    text.append(field("SCM_CREDENTIALS", &real, width));
    let pidfd = fact(&seen.pidfd_inode, "none", |inode| {
        format!("inode {inode}: no other process ever has it until the machine is restarted")
    });
    text.append(field("pidfd", &pidfd, width));
    text
}

fn ids(seen: &Identity, width: usize) -> Text {
    let mut text = Text::new();
    heading(&mut text, section::IDS);
    for (name, ids) in [("user", &seen.user), ("group", &seen.group)] {
        let said = fact(ids, "none", |ids| {
            let Ids {
                real,
                effective,
                saved,
                fs,
            } = ids;
            if [effective, saved, fs].iter().all(|id| *id == real) {
                format!(
                    "{}: real, effective, saved and file system alike",
                    named(real)
                )
            } else {
                format!(
                    "real {}, effective {}, saved {}, file system {}",
                    named(real),
                    named(effective),
                    named(saved),
                    named(fs)
                )
            }
        });
        text.append(field(name, &said, width));
    }
    text
}

fn privileges(seen: &Identity, width: usize) -> Text {
    let mut text = Text::new();
    heading(&mut text, section::PRIVILEGES);
    match &seen.capabilities {
        crate::probe::creds::Fact::Known(sets) => {
            for (name, set) in [
                ("effective", &sets.effective),
                ("permitted", &sets.permitted),
                ("bounding", &sets.bounding),
                ("inheritable", &sets.inheritable),
                ("ambient", &sets.ambient),
            ] {
                text.append(field(name, &Said::value(capabilities(set)), width));
            }
        }
        other => {
            let said = fact(other, "none", |_| String::new());
            text.append(field("capabilities", &said, width));
        }
    }
    let privs = fact(&seen.no_new_privs, "not told by this kernel", |&on| {
        if on {
            "yes: exec(2) of a set-user-ID program gives it nothing".to_owned()
        } else {
            "no: exec(2) of a set-user-ID program changes its ids".to_owned()
        }
    });
    text.append(field("no new privileges", &privs, width));
    let seccomp = fact(&seen.seccomp, "not told by this kernel", |seccomp| {
        match (seccomp.mode, seccomp.filters) {
            (SeccompMode::Off, _) => "off: no system call is filtered".to_owned(),
            (SeccompMode::Strict, _) => "strict".to_owned(),
            (SeccompMode::Filter, Some(filters)) => format!("on, filters: {filters}"),
            (SeccompMode::Filter, None) => "on".to_owned(),
        }
    });
    text.append(field("seccomp", &seccomp, width));
    let dumpable = fact(&seen.dumpable, "not told", |&yes| {
        if yes {
            "yes: processes of the same user may look into it".to_owned()
        } else {
            "no: not even processes of the same user may look into it, or take its sockets"
                .to_owned()
        }
    });
    text.append(field("dumpable", &dumpable, width));
    let modules = fact(&seen.security_modules, "none", |modules| modules.join(", "));
    text.append(field("security modules", &modules, width));
    text
}

fn namespaces(seen: &Identity, width: usize) -> Text {
    let mut text = Text::new();
    heading(&mut text, section::NAMESPACES);
    let list = |ours: Option<bool>| -> Vec<String> {
        let of = seen.namespaces.iter().filter(|one| one.ours == ours);
        of.map(|one| match (ours, one.inode.known()) {
            (Some(false), Some(inode)) => format!("{} ({inode})", one.kind),
            _ => one.kind.to_owned(),
        })
        .collect()
    };
    let (ours, others, unknown) = (list(Some(true)), list(Some(false)), list(None));
    if seen.ourselves {
        let all: Vec<String> = seen
            .namespaces
            .iter()
            .filter_map(|one| Some(format!("{} {}", one.kind, one.inode.known()?)))
            .collect();
        text.append(field("by inode", &Said::value(all.join(", ")), width));
    } else {
        if !ours.is_empty() {
            text.append(field(
                "the same as ours",
                &Said::value(ours.join(", ")),
                width,
            ));
        }
        if !others.is_empty() {
            let said = Said::new(Role::Warning, others.join(", "));
            text.append(field("others than ours", &said, width));
        }
        if !unknown.is_empty() {
            let why = seen.namespaces.iter().find(|one| one.ours.is_none());
            let said = why.map_or_else(
                || Said::new(Role::Warning, "?"),
                |one| {
                    let absent = if seen.ended {
                        "it has left them, because it has ended"
                    } else {
                        "not on this kernel"
                    };
                    fact(&one.inode, absent, |_| "?".to_owned())
                },
            );
            let said = said.and(&format!(" ({})", unknown.join(", ")));
            text.append(field("not seen", &said, width));
        }
    }
    for (name, map) in [("uid map", &seen.uid_map), ("gid map", &seen.gid_map)] {
        let said = fact(map, "", |lines| mapped(lines));
        if !said.words.is_empty() {
            text.append(field(name, &said, width));
        }
    }
    if seen.ns_pids.len() > 1 {
        let pids: Vec<String> = seen.ns_pids.iter().map(u32::to_string).collect();
        let said =
            Said::value(pids.join(", ")).and(": its pid in each pid namespace, from ours inwards");
        text.append(field("pids", &said, width));
    }
    text
}

fn mapped(lines: &[Mapped]) -> String {
    if lines.is_empty() {
        return "nothing is mapped yet: every id is told as 65534".to_owned();
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            let range = |first: u32| match line.count {
                1 => first.to_string(),
                count => format!("{first}-{}", u64::from(first) + u64::from(count) - 1),
            };
            format!(
                "{} inside is {} outside",
                range(line.inside),
                range(line.outside)
            )
        })
        .collect();
    lines.join("; ")
}

fn session(seen: &Identity, width: usize) -> Text {
    let mut text = Text::new();
    heading(&mut text, section::SESSION);
    let login = fact(&seen.login_uid, "not set: no login started it", named);
    text.append(field("login uid", &login, width));
    let audit = fact(&seen.audit_session, "not set", u32::to_string);
    text.append(field("audit session", &audit, width));
    let logind = match &seen.session.session {
        Some(session) => Said::value(session.to_string()),
        None => Said::new(Role::Dim, "none: its control group names no session"),
    };
    text.append(field("logind session", &logind, width));
    let told = seen.session.session_variable.known();
    if let Some(told) = told.filter(|told| Some(*told) != seen.session.session.as_ref()) {
        let said = Said::new(Role::Warning, told.to_string())
            .and(": what its environment says, and not what logind goes by");
        text.append(field("XDG_SESSION_ID", &said, width));
    }
    let cgroup = fact(&seen.session.cgroup, "none", Untrusted::to_string);
    text.append(field("control group", &cgroup, width));
    if let Some(unit) = &seen.session.unit {
        text.append(field("unit", &Said::value(unit.to_string()), width));
    }
    if let Some(start) = seen.start {
        let said = Said::value(format!("{} ago", age(start.age_seconds)));
        text.append(field("started", &said, width));
    }
    text
}
