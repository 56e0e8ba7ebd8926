//! Draws what is known of the runtime directory itself: where it is, who made it, how full it is,
//! what is not as it should be and what mends that, and the directories of other users.

use super::super::table::{self, Cell, Column, Cut, Dropped, Row};
use super::super::words;
use super::{section, user};
use crate::probe::runtime_dir::{
    Circumstance, Directory, Ends, Finding, From, Lifetime, MadeBy, Other, Remedy, RemedyId, Usage,
};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};

const OTHERS: &[Column] = &[
    Column::flexible("DIRECTORY", 18, 0, Cut::Middle),
    Column::flexible("OWNER", 8, 0, Cut::Middle),
    Column::fixed("MODE", 0),
    Column::flexible("MOUNTED", 6, 2, Cut::End),
    Column::number("SESSIONS", 3),
    Column::number("ENTRIES", 0),
];

/// The first lines of the picture.
pub(super) fn draw(directory: &Directory, width: usize) -> Text {
    let mut text = Text::new();
    text.line(
        Line::of(Role::Heading, "Runtime directory ")
            .with(Role::Code, words::quoted(&directory.path)),
    );
    let mut facts = String::from(match directory.from {
        From::Variable => "From XDG_RUNTIME_DIR.",
        From::Default => "The usual place for this user.",
    });
    if let Some(real) = &directory.real_path {
        facts.push_str(&format!(" Really {}.", words::quoted(real)));
    }
    if let (Some(mode), Some(owner)) = (directory.mode, &directory.owner) {
        facts.push_str(&format!(" Mode {mode:04o}, owner {}.", user(owner)));
    }
    text.append(paragraph(Role::Plain, &facts, width));
    let mut facts = String::new();
    if let Some(mount) = &directory.mount {
        let options = &mount.options;
        facts.push_str(&if directory.own_mount {
            format!("A {} of its own, mounted {options}.", mount.kind)
        } else {
            format!(
                "On {} with other directories, mounted {options}.",
                mount.kind
            )
        });
    }
    if let Some(usage) = directory.usage {
        facts.push_str(&used(usage));
    }
    if !facts.is_empty() {
        text.append(paragraph(Role::Plain, &facts, width));
    }
    if let Some(lifetime) = &directory.lifetime {
        text.append(paragraph(Role::Plain, &upkeep(lifetime, directory), width));
    }
    for finding in &directory.findings {
        text.append(paragraph(
            Role::Warning,
            &finding_words(finding, directory),
            width,
        ));
    }
    let mut remedies = directory.remedies.iter();
    if remedies.any(|remedy| remedy.id.depends_on_circumstances()) {
        for circumstance in &directory.circumstances {
            text.append(paragraph(Role::Plain, &came_by(circumstance), width));
        }
    }
    for remedy in &directory.remedies {
        text.append(paragraph(Role::Note, remedy_words(remedy), width));
        for command in &remedy.commands {
            text.line(Line::of(Role::Plain, "  ").with(Role::Code, command.as_str()));
        }
    }
    text
}

fn used(usage: Usage) -> String {
    let bytes = words::bytes(usage.bytes_used);
    let bytes = match usage.bytes_limit {
        Some(limit) => format!("{bytes} of {}", words::bytes(limit)),
        None => format!("{bytes} without a limit"),
    };
    let inodes = match usage.inodes_limit {
        Some(limit) => format!("{} of {limit} inodes", usage.inodes_used),
        None => format!("{} inodes without a limit", usage.inodes_used),
    };
    format!(" Used: {bytes}, {inodes}.")
}

fn upkeep(lifetime: &Lifetime, directory: &Directory) -> String {
    let owner = directory.owner.as_ref();
    let uid = owner.map_or(directory.uid, |owner| owner.uid);
    let name = owner.map_or_else(|| uid.to_string(), user);
    let made = match lifetime.made_by {
        MadeBy::Logind => {
            format!("Mounted by systemd-logind (user-runtime-dir@{uid}.service).")
        }
        MadeBy::Elogind => "Mounted by elogind.".to_owned(),
        MadeBy::LikeLogind => {
            "Mounted as systemd-logind would, but no login manager has a record of it.".to_owned()
        }
        MadeBy::BindMount => {
            "A part of another file system is mounted here, as container tools do.".to_owned()
        }
        MadeBy::OtherMount => {
            "No login manager has a record of this mount: it was made by hand, by a script or by \
             a container tool."
                .to_owned()
        }
        MadeBy::PlainDirectory => {
            "No login manager has a record of it: a PAM module, a script or a person made it."
                .to_owned()
        }
    };
    let sessions = match lifetime.sessions {
        Some(0) => ", and there is none now".to_owned(),
        Some(1) => ", and there is 1 now".to_owned(),
        Some(count) => format!(", and there are {count} now"),
        None => String::new(),
    };
    let ends = match lifetime.ends {
        Ends::LastLogout => {
            format!("It goes when the last session of {name} has ended{sessions}.")
        }
        Ends::WithoutLingering => format!(
            "It stays without a session of {name}, because lingering is on, until the machine \
             stops."
        ),
        Ends::Unmount => {
            "It goes when it is unmounted, or when the machine stops: it is only in memory."
                .to_owned()
        }
        Ends::Removal => {
            "It stays until it is removed; a restart of the machine does not do that.".to_owned()
        }
        Ends::Outside => "When it goes is decided outside.".to_owned(),
    };
    let ends = match (lifetime.ends, directory.own_mount) {
        (Ends::Unmount, false) => "It goes when the machine stops: it is only in memory.",
        _ => &ends,
    };
    format!("{made} {ends}")
}

fn finding_words(finding: &Finding, directory: &Directory) -> String {
    let uid = directory.uid;
    match finding {
        Finding::Unset => {
            "XDG_RUNTIME_DIR is not set: a login through pam_systemd or elogind sets it; \
             sudo, su and cron do not."
                .to_owned()
        }
        Finding::Relative => {
            "XDG_RUNTIME_DIR is not an absolute path. Programs must ignore it then.".to_owned()
        }
        Finding::TrailingSlash => {
            "XDG_RUNTIME_DIR ends with a slash. The kernel does not mind; programs that compare \
             texts take it for another directory."
                .to_owned()
        }
        Finding::OfAnotherUser { owner } => format!(
            "XDG_RUNTIME_DIR names the directory of {}, and you are user {uid}: the environment \
             came from another session.",
            user(owner)
        ),
        Finding::Missing => {
            "There is no such directory. A login manager makes it when the user logs in \
             and removes it after the last logout."
                .to_owned()
        }
        Finding::NotADirectory => "It is not a directory.".to_owned(),
        Finding::Unreadable { errno } => format!("It cannot be opened: {errno}."),
        Finding::NotOurs { owner } => format!(
            "It belongs to {}, and you are user {uid}. Programs must not use it.",
            user(owner)
        ),
        Finding::WrongMode { mode } => wrong_mode(*mode, directory),
        Finding::OnDisk { file_system } => format!(
            "It is on {file_system}, a disk: its sockets and locks outlive a restart of the \
             machine, and whoever made them does not."
        ),
        Finding::Remote { file_system } => format!(
            "It is on {file_system}, a file system of another machine: a socket there reaches \
             only programs of the machine that bound it, and locks may not work."
        ),
        Finding::ReadOnly => "It is mounted read-only: nothing can be made in it.".to_owned(),
        Finding::NearlyFull => {
            "It is nearly full: bind(2), mkdir(2) and write(2) soon fail with ENOSPC.".to_owned()
        }
        Finding::Exchangeable { above } => format!(
            "{} lets others rename what is in it, so that they could put another directory in \
             the place of this one.",
            words::quoted(above)
        ),
        Finding::LongPath { left } => format!(
            "Its path is long: a socket in it may have a name of {left} bytes, since bind(2) \
             takes paths of 107 bytes."
        ),
    }
}

fn wrong_mode(mode: u32, directory: &Directory) -> String {
    let reach = directory.reach;
    let who = if mode & 0o077 == 0 {
        "no less is wanted, and nothing more is needed"
    } else if reach.is_some_and(|reach| reach.everybody == Some(true)) {
        "everybody on this machine can reach every socket in it that lets others write"
    } else if reach.is_some_and(|reach| reach.everybody.is_none()) {
        "whoever may search the directories above can reach every socket in it that lets others \
         write"
    } else if mode & 0o022 != 0 {
        "others may make and remove files in it once they get there"
    } else {
        "a directory above keeps others out now, and this one should"
    };
    format!("Its mode is {mode:04o}. It must be 0700: {who}.")
}

fn came_by(circumstance: &Circumstance) -> String {
    match circumstance {
        Circumstance::Sudo { uid } => {
            format!("You are here through sudo, called by user {uid}.")
        }
        Circumstance::Su => {
            "You are here through su: without `-` the environment is the earlier user's, and no \
             session was begun."
                .to_owned()
        }
        Circumstance::Tmux => {
            "This is a pane of tmux: its environment is as old as the pane. `ipc-mastery probe \
             env` shows where it comes from."
                .to_owned()
        }
        Circumstance::Cron => "This was started by cron or at, which begin no session.".to_owned(),
        Circumstance::Container => {
            "This is a container: most often nobody logs in there, so that nothing makes the \
             directory."
                .to_owned()
        }
        Circumstance::SystemService => {
            "This is a service of the system manager: it has no session; RuntimeDirectory= in its \
             unit makes a directory in /run for it."
                .to_owned()
        }
    }
}

fn remedy_words(remedy: &Remedy) -> &'static str {
    match remedy.id {
        RemedyId::NameTheUsualOne => "The usual one is there. This names it, in this shell:",
        RemedyId::NameItInTmux => {
            "The usual one is there. This names it, in this pane and in those that come:"
        }
        RemedyId::NameItInCrontab => {
            "A line for the top of the crontab, and what keeps the directory while nobody is \
             logged in:"
        }
        RemedyId::LeaveSudo => {
            "To reach the services of the user who called sudo, become that user again:"
        }
        RemedyId::LogIn => {
            "With systemd, either of these has the login manager make it: a login, or lingering:"
        }
        RemedyId::MakeOne => {
            "A directory for this shell and what it starts; other sessions do not know it:"
        }
        RemedyId::DropTheSlash => "This drops the slash, in this shell:",
        RemedyId::CloseIt => "This closes it:",
        RemedyId::FindWhatFillsIt => "This shows what takes most room, in KiB:",
    }
}

/// The runtime directories of other users.
pub(super) fn others(others: &[Other], width: usize, dropped: &mut Dropped) -> Text {
    let mut text = Text::new();
    if others.is_empty() {
        return text;
    }
    section(
        &mut text,
        "Runtime directories of other users",
        others.len(),
    );
    let open = |other: &Other| other.mode.is_some_and(|mode| mode & 0o077 != 0);
    if others.iter().any(open) {
        let words = "One whose mode is not 0700 lets others in.";
        text.append(paragraph(Role::Warning, words, width));
    }
    let rows: Vec<Row> = others
        .iter()
        .map(|other| {
            let plain = |text: Option<String>| Cell::new(Role::Plain, text.unwrap_or_default());
            Row::Cells(vec![
                Cell::new(Role::Code, words::quoted(&other.path)),
                match &other.owner {
                    Some(owner) => Cell::new(Role::Plain, user(owner)),
                    None => Cell::new(Role::Warning, "?"),
                },
                match other.mode {
                    Some(mode) if mode & 0o077 != 0 => {
                        Cell::new(Role::Warning, format!("{mode:04o}"))
                    }
                    Some(mode) => Cell::new(Role::Plain, format!("{mode:04o}")),
                    None => Cell::new(Role::Warning, "?"),
                },
                plain(other.mounted.as_ref().map(ToString::to_string)),
                plain(other.sessions.map(|count| count.to_string())),
                match (other.entries, &other.errno) {
                    (Some(count), _) => Cell::new(Role::Value, count.to_string()),
                    (None, Some(errno)) => Cell::new(Role::Dim, errno.clone()),
                    (None, None) => Cell::new(Role::Warning, "?"),
                },
            ])
        })
        .collect();
    text.append(table::draw(OTHERS, &rows, width, dropped));
    text
}
